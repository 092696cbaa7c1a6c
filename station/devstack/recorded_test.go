package devstack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station/stationtest"
)

// badCSRs are the recorded requests for dev-001 whose CSR is not acceptable.
func badCSRs(t *testing.T) map[string]string {
	t.Helper()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), "dev-001")
	forged := append([]byte(nil), good...)
	forged[len(forged)-1] ^= 1
	ca := stationtest.NewCA(t, nil, stationtest.CATemplate("Some CA", 0, time.Now(), time.Hour))
	return map[string]string{
		"malformed csr":        "not a csr",
		"csr corrupt DER":      requestPEM(good[:len(good)-20]),
		"csr bad signature":    requestPEM(forged),
		"csr is a certificate": ca.PEM(),
		"CN mismatch": csrPEM(t, "dev-001", func(r *x509.CertificateRequest) {
			r.Subject.CommonName, r.DNSNames = "other", nil
		}),
		"SAN id + extra": csrPEM(t, "dev-001", func(r *x509.CertificateRequest) { r.DNSNames = []string{"dev-001", "evil.example"} }),
		"SAN IP": csrPEM(t, "dev-001", func(r *x509.CertificateRequest) {
			r.IPAddresses = []net.IP{net.IPv4(10, 0, 0, 1)}
		}),
		"key rsa1024": requestPEM(stationtest.NewCSR(t, small, "dev-001")),
	}
}

// mustMatch fails where an answer is not the recorded one: in status, content type and what the body says.
func mustMatch(t *testing.T, got answer, want record) {
	t.Helper()
	if got.Status != want.Status || got.Type != want.ContentType {
		t.Fatalf("got %d %s %q, want %d %s %q", got.Status, got.Type, got.Body, want.Status, want.ContentType, want.Body)
	}
	if want.Status == http.StatusInternalServerError {
		if got.Body != want.Body {
			t.Errorf("got body %q, want %q", got.Body, want.Body)
		}
		return
	}
	if diff := cmp.Diff(answer{Body: want.Body}.json(t), got.json(t)); diff != "" {
		t.Errorf("body differs (-recorded +ours):\n%s", diff)
	}
}

// What the bridge says to a request that is wrong in itself.
func TestBridgeRefusesAsRecorded(t *testing.T) {
	s, all := start(t, Config{}), recorded(t)
	other := answer{Body: all["documented contract (csr_pem)"].Body}.json(t).(map[string]any)["detail"].([]any)[0].(map[string]any)["input"]
	bodies := map[string][]byte{
		"documented contract (csr_pem)":        encode(t, other),
		"documented exact curl (raw newlines)": []byte("{\"csr_pem\": \"-----BEGIN CERTIFICATE REQUEST-----\nMIHOMHcCAQAw\n\"}"),
		"empty object":                         []byte("{}"),
		"body not json":                        []byte("not json"),
		"GET method":                           nil,
		"yocto/freertos path /v1/enroll":       []byte("{}"),
	}
	for label, csr := range badCSRs(t) {
		bodies[label] = encode(t, deployed(csr))
	}
	for label, body := range bodies {
		t.Run(label, func(t *testing.T) {
			want, ok := all[label]
			if !ok {
				t.Fatal("nothing recorded under this label")
			}
			got := ask(t, s, want.Method, s.BridgeURL+want.Path, body)
			if label == "csr corrupt DER" { // what the parser stumbles over is the parser's own
				const start = `{"detail":"Invalid CSR: error parsing asn1 value: `
				if !strings.HasPrefix(got.Body, start) || !strings.HasPrefix(want.Body, start) {
					t.Fatalf("got %q, want %s...", got.Body, start)
				}
				want.Body = got.Body
			}
			mustMatch(t, got, want)
		})
	}
}

// A full subnet shows after the certificate was issued, as text.
func TestBridgeSubnetFullAsRecorded(t *testing.T) {
	for _, c := range []Contract{Deployed, Documented} {
		t.Run(string(c), func(t *testing.T) {
			s := start(t, Config{Contract: c})
			for i := range maxTunnels {
				s.Bridge.tunnel.state.Addresses[fmt.Sprintf("w-%d", i)] = i
			}
			req := deployed(csrPEM(t, "w2"))
			req["csr_pem"] = req["csr"]
			mustMatch(t, enroll(t, s, "w2", req), recorded(t)["wg subnet exhausted"])
			req = deployed(csrPEM(t, "w-7"))
			req["csr_pem"] = req["csr"]
			if got := enroll(t, s, "w-7", req); got.Status != http.StatusOK {
				t.Errorf("an id that has its address got %d %s, want 200", got.Status, got.Body)
			}
		})
	}
}

// The same request gets the same answer whichever signer stands behind the bridge.
func TestSignersRefuseAlike(t *testing.T) {
	builtin, real, all := start(t, Config{}), startReal(t, Config{}), recorded(t)
	for label, csr := range badCSRs(t) {
		want := all[label]
		t.Run(label, func(t *testing.T) {
			a, b := enroll(t, builtin, "dev-001", deployed(csr)), enroll(t, real, "dev-001", deployed(csr))
			if diff := cmp.Diff(b, a); diff != "" {
				t.Errorf("the built-in signer answers otherwise (-step-ca +built-in):\n%s", diff)
			}
			if strings.HasPrefix(label, "csr corrupt") {
				return
			}
			mustMatch(t, b, want)
		})
	}
	for name, edit := range map[string]func(*x509.CertificateRequest){
		"no CN":           func(r *x509.CertificateRequest) { r.Subject.CommonName = "" },
		"no SAN":          func(r *x509.CertificateRequest) { r.DNSNames = nil },
		"SAN of another":  func(r *x509.CertificateRequest) { r.DNSNames = []string{"dev-002"} },
		"SAN of an email": func(r *x509.CertificateRequest) { r.EmailAddresses = []string{"a@evil.example"} },
		"SAN of a URI":    func(r *x509.CertificateRequest) { r.URIs = append(r.URIs, mustURL(t, "urn:x:y")) },
		"case of the id":  func(r *x509.CertificateRequest) { r.Subject.CommonName = "DEV-001" },
	} {
		t.Run(name, func(t *testing.T) {
			csr := csrPEM(t, "dev-001", edit)
			a, b := enroll(t, builtin, "dev-001", deployed(csr)), enroll(t, real, "dev-001", deployed(csr))
			if a.Status == http.StatusOK && b.Status == http.StatusOK {
				return
			}
			if diff := cmp.Diff(b, a); diff != "" {
				t.Errorf("the built-in signer answers otherwise (-step-ca +built-in):\n%s", diff)
			}
		})
	}
	weak, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("P-224", func(t *testing.T) {
		csr := requestPEM(stationtest.NewCSR(t, weak, "dev-001"))
		a, b := enroll(t, builtin, "dev-001", deployed(csr)), enroll(t, real, "dev-001", deployed(csr))
		if diff := cmp.Diff(b, a); diff != "" && (a.Status != 200 || b.Status != 200) {
			t.Errorf("the built-in signer answers otherwise (-step-ca +built-in):\n%s", diff)
		}
	})
	for _, kind := range []string{"P-256", "P-384", "P-521", "Ed25519", "RSA-2048"} {
		t.Run(kind, func(t *testing.T) {
			csr := requestPEM(stationtest.NewCSR(t, stationtest.NewKey(t, kind), "dev-001"))
			a, b := enroll(t, builtin, "dev-001", deployed(csr)), enroll(t, real, "dev-001", deployed(csr))
			if a.Status != b.Status {
				t.Errorf("built-in says %d %s, step-ca %d %s", a.Status, a.Body, b.Status, b.Body)
			}
		})
	}
}

// A step-ca that hangs and one that is gone.
func TestStepCAUnreachableAsRecorded(t *testing.T) {
	s, all := startReal(t, Config{}), recorded(t)
	s.ca.client.Timeout = 300 * time.Millisecond
	if err := hang(s.ca.cmd.Process); err != nil {
		t.Fatal(err)
	}
	mustMatch(t, enroll(t, s, "dev-down", deployed(csrPEM(t, "dev-down"))), all["step-ca hung (SIGSTOP)"])
	if err := s.ca.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.ca.exited
	s.ca.client.Timeout = 10 * time.Second
	mustMatch(t, enroll(t, s, "dev-down", deployed(csrPEM(t, "dev-down"))), all["step-ca down"])
}

// What stands behind the bridge fails as recorded, where a fault says so.
func TestFaultAnswersAsRecorded(t *testing.T) {
	s, all := start(t, Config{}), recorded(t)
	for _, label := range []string{
		"hawkBit mode=real first", "hawkBit slow (15s)", "hawkBit down", "wrong provisioner name", "wrong provisioner password",
	} {
		want := all[label]
		s.Bridge.SetFault(func(string, int) *Fault {
			f := &Fault{Status: want.Status, Body: want.Body}
			if want.Status == http.StatusInternalServerError {
				f.Type = want.ContentType
			}
			return f
		})
		mustMatch(t, enroll(t, s, "dev-001", deployed(csrPEM(t, "dev-001"))), want)
	}
}
