package tenant

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"provstation/station"
	"provstation/station/devstack"
)

// stack is the embedded tenant stack with the clients of a station.
type stack struct {
	*devstack.Stack
	t     *testing.T
	roots *x509.CertPool
	tb    *ThingsBoard
	hb    *HawkBit
}

func newStack(t *testing.T, faults string) *stack {
	t.Helper()
	spec, err := devstack.ParseSpec(faults)
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{t: t, roots: x509.NewCertPool()}
	if s.Stack, err = devstack.Start(t.Context(), devstack.Config{StateDir: t.TempDir(), Faults: spec}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close stack: %v", err)
		}
	})
	text, err := os.ReadFile(s.Root)
	if err != nil || !s.roots.AppendCertsFromPEM(text) {
		t.Fatalf("root: %v", err)
	}
	cfg := Config{Trust: func(context.Context) (*x509.CertPool, error) { return s.roots, nil }}
	s.tb, err = NewThingsBoard(ThingsBoardConfig{Config: cfg, URL: s.ThingsBoard.URL, Username: s.ThingsBoard.User, Password: Secret{File: s.ThingsBoard.PasswordFile}})
	if err != nil {
		t.Fatal(err)
	}
	s.hb, err = NewHawkBit(HawkBitConfig{Config: cfg, URL: s.HawkBit.URL, Username: s.HawkBit.User, Password: Secret{File: s.HawkBit.PasswordFile}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// enroll has the bridge issue a certificate, and repeats once as a run does.
func (s *stack) enroll(id string) *tls.Certificate {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: id}, DNSNames: []string{id}}, key)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})), "device_name": "Box " + id, "device_type": "sensor",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	h := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
	for range 2 {
		req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.BridgeURL+"/devices/"+id+"/enroll", strings.NewReader(string(body)))
		if err != nil {
			s.t.Fatal(err)
		}
		resp, err := h.Do(req)
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			continue
		}
		var a struct {
			Certificate string
			Chain       string `json:"ca_chain"`
		}
		if err := json.Unmarshal(text, &a); err != nil {
			s.t.Fatal(err)
		}
		return s.chain(a.Certificate+a.Chain, key)
	}
	s.t.Fatal("not enrolled")
	return nil
}

// chain is what the device presents: leaf and Sub-CA of the answer, the intermediates from the CA.
func (s *stack) chain(text string, key crypto.PrivateKey) *tls.Certificate {
	s.t.Helper()
	h := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.StepCAURL+"/intermediates.pem", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := h.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	more, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	c := &tls.Certificate{PrivateKey: key}
	for rest := []byte(text + string(more)); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return c
		}
		c.Certificate = append(c.Certificate, block.Bytes)
	}
}

// connect lets the device connect to the broker once.
func (s *stack) connect(id string, cert *tls.Certificate) {
	s.t.Helper()
	c := paho.NewClient(paho.NewClientOptions().AddBroker(fmt.Sprintf("ssl://%s:%d", s.Broker, s.Port)).SetClientID(id).SetAutoReconnect(false).
		SetTLSConfig(&tls.Config{RootCAs: s.roots, Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}).SetProtocolVersion(4))
	if tok := c.Connect(); !tok.WaitTimeout(10*time.Second) || tok.Error() != nil {
		s.t.Fatalf("connect: %v", tok.Error())
	}
	c.Publish("v1/devices/me/telemetry", 1, false, "{}").WaitTimeout(5 * time.Second)
	c.Disconnect(0)
}

// The clients against the servers of the embedded stack, under everything that can be wrong with these.
func TestAgainstDevstack(t *testing.T) {
	for _, tc := range []struct {
		faults string
		tb, hb string // what the registry ends with at each; "" is well
		warn   bool
	}{
		{"", "", "", false},
		{"tb=down", "E-TENANT-DOWN", "", false},
		{"tb=unauthorized", "E-TENANT-AUTH", "", false},
		{"tb=forbidden", "E-TENANT-AUTH", "", false},
		{"tb=slow", "", "", false},
		{"tb=garbage", "E-TENANT-ANSWER", "", false},
		{"tb=page", "E-TENANT-PATH", "", false},
		{"tb=500", "E-TENANT-INTERNAL", "", false},
		{"tb=502", "E-TENANT-DOWN", "", false},
		{"tb=empty", "E-REGISTER-THINGSBOARD", "", false},
		{"tb=late", "", "", false},
		{"tb=expired", "", "", false},
		{"hawkbit=cut", "", "E-TENANT-DOWN", false},
		{"hawkbit=unauthorized", "", "E-TENANT-AUTH", false},
		{"hawkbit=forbidden", "", "E-TENANT-AUTH", false},
		{"hawkbit=slow", "", "", false},
		{"hawkbit=garbage", "", "E-TENANT-ANSWER", false},
		{"hawkbit=page", "", "E-TENANT-PATH", false},
		{"hawkbit=500", "", "E-TENANT-INTERNAL", false},
		{"hawkbit=502", "", "E-TENANT-DOWN", false},
		{"hawkbit=empty", "", "E-REGISTER-HAWKBIT", false},
		{"hawkbit=502-first", "", "", true},
		{"tb=down,hawkbit=unauthorized", "E-TENANT-DOWN", "E-TENANT-AUTH", false},
	} {
		t.Run(tc.faults, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, tc.faults)
			s.connect("edge-1", s.enroll("edge-1"))
			limit := 20 * time.Second
			if strings.HasPrefix(tc.tb+tc.hb, "E-REGISTER") {
				limit = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			steps := map[string]bool{}
			reg, err := NewRegistry(s.tb, s.hb, RegistryConfig{}).Await(ctx, "edge-1", func(r station.RegistryStep) { steps[r.Place] = r.OK })
			checkClean(t, err)
			if steps["thingsboard"] != (tc.tb == "") || steps["hawkbit"] != (tc.hb == "") || len(steps) != 2 {
				t.Errorf("got steps %v, %v", steps, err)
			}
			want := tc.tb + tc.hb
			if tc.tb != "" && tc.hb != "" { // what cannot pass goes first
				want = tc.hb
			}
			f, ok := station.AsFault(err)
			if ok != (want != "") || ok && string(f.Code) != want {
				t.Errorf("got %v, want %q", err, want)
			}
			if got := len(reg.Warnings) == 1 && reg.Warnings[0].Code == station.CodeRegisterIncomplete; got != tc.warn {
				t.Errorf("got warnings %v, want one: %t", reg.Warnings, tc.warn)
			}
			if tc.tb == "" && (reg.Facts[station.FactThingsBoardID] == "" || reg.Facts[station.FactThingsBoardOn] != "yes") {
				t.Errorf("got facts %v, want the device known and active", reg.Facts)
			}
		})
	}
}

// A device is taken out, once and again, and comes back when it connects.
func TestRemoveAgainstDevstack(t *testing.T) {
	s := newStack(t, "")
	cert := s.enroll("edge-1")
	s.connect("edge-1", cert)
	for _, want := range []RemovalResult{Removed, AlreadyGone} {
		for name, got := range map[string]Removal{"ThingsBoard": s.tb.Remove(t.Context(), "edge-1"), "hawkBit": s.hb.Remove(t.Context(), "edge-1")} {
			if got.Result != want {
				t.Errorf("%s: got %+v, want %s", name, got, want)
			}
		}
	}
	if len(s.ThingsBoard.Names())+len(s.HawkBit.IDs()) != 0 {
		t.Errorf("left: %v %v", s.ThingsBoard.Names(), s.HawkBit.IDs())
	}
	s.connect("edge-1", cert)
	if _, err := s.tb.Find(t.Context(), "edge-1"); err != nil {
		t.Errorf("after another connection: %v", err)
	}
	s.ThingsBoard.SetFault(devstack.ServiceDown)
	s.HawkBit.SetFault(devstack.ServiceForbidden)
	if got := s.tb.Remove(t.Context(), "edge-1"); got.Result != NotRemoved || got.Class != station.Passing || got.Text == "" {
		t.Errorf("down: got %+v, want a failure that may pass", got)
	}
	if got := s.hb.Remove(t.Context(), "edge-1"); got.Result != NotRemoved || got.Class != station.Misconfigured || got.Text == "" {
		t.Errorf("forbidden: got %+v, want a failure of the configuration", got)
	}
}

func TestCreateAgainstDevstack(t *testing.T) {
	s := newStack(t, "")
	if got, err := s.hb.Create(t.Context(), "edge-1", "Edge 1"); err != nil || got.ControllerID != "edge-1" || got.Name != "Edge 1" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := s.hb.Create(t.Context(), "edge-1", "Edge 1"); err == nil || !strings.Contains(err.Error(), ErrExists.Error()) {
		t.Errorf("got %v, want ErrExists", err)
	}
	ends(t, s.tb.Check(t.Context()), "", 0)
	ends(t, s.hb.Check(t.Context()), "", 0)
}
