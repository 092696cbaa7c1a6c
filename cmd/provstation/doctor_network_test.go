package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/stationtest"
)

func TestDoctorBridge(t *testing.T) {
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	otherName := func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"bridge.example"} }
	expired := func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = c.NotBefore.Add(-48*time.Hour), c.NotBefore.Add(-24*time.Hour)
	}
	for name, tc := range map[string]struct {
		handler http.Handler
		edit    func(*x509.Certificate)
		prepare func(p *patient)
		want    []expect
	}{
		"in order": {want: []expect{
			{"bridge", checkOK, "iot-bridge-api ok", ""}, {"bridge-contract", checkOK, "deployed", ""}, {"bridge-clock", checkOK, "within", ""},
		}},
		"down": {prepare: func(p *patient) { p.cfg.Bridge.URL = "https://127.0.0.1:" + strconv.Itoa(stationtest.FreePort(p.t)) }, want: []expect{
			{"bridge", checkFail, "E-BRIDGE-DOWN", "nothing listens there: check that the server runs, and host and port in bridge.url"},
			{"bridge-contract", checkSkipped, "needs the bridge's answer", ""},
			{"bridge-clock", checkSkipped, "needs the bridge's answer", ""},
		}},
		"no such name": {prepare: func(p *patient) { p.cfg.Bridge.URL = "https://bridge.invalid/api" }, want: []expect{
			{"bridge", checkFail, "bridge.invalid", "name"},
		}},
		"another CA": {prepare: func(p *patient) {
			p.cfg.PKI.RootFile = p.file("other.pem", stationtest.NewPKI(p.t).Root.PEM(), 0o600)
		}, want: []expect{{"bridge", checkFail, "E-BRIDGE-TLS", "does not chain to what bridge.tls.trust names"}}},
		"another name": {edit: otherName, want: []expect{{"bridge", checkFail, "E-BRIDGE-TLS", "set bridge.tls.server_name"}}},
		"expired":      {edit: expired, want: []expect{{"bridge", checkFail, "E-BRIDGE-TLS", "check this station's clock"}}},
		"wrong path": {handler: answer(404, "application/json", `{"detail":"Not Found"}`), want: []expect{
			{"bridge", checkFail, "404", "bridge.url has the wrong path"},
		}},
		"refuses us": {handler: answer(401, "application/json", `{"detail":"who are you"}`), want: []expect{
			{"bridge", checkFail, "E-BRIDGE-AUTH", "check bridge.auth"},
		}},
		"a login page": {handler: answer(200, "text/html", "<html>"), want: []expect{
			{"bridge", checkFail, "E-BRIDGE-ANSWER", "another server answers there"},
		}},
		"broken": {handler: answer(500, "text/plain", "Internal Server Error"), want: []expect{
			{"bridge", checkFail, "E-BRIDGE-INTERNAL", "the bridge's own log"},
		}},
		"not well": {handler: answer(200, "application/json", `{"status":"degraded","service":"x"}`), want: []expect{
			{"bridge", checkWarn, "degraded", "own log"},
		}},
		"neither contract": {handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/health") {
				healthyBridge().ServeHTTP(w, r)
				return
			}
			answer(422, "application/json", `{"detail":[{"type":"missing","loc":["body","request"]}]}`)(w, r)
		}), want: []expect{{"bridge", checkOK, "ok", ""}, {"bridge-contract", checkFail, "E-BRIDGE-CONTRACT", "set bridge.contract"}}},
		"another time": {handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(2*time.Hour).UTC().Format(http.TimeFormat))
			healthyBridge().ServeHTTP(w, r)
		}), want: []expect{{"bridge", checkOK, "ok", ""}, {"bridge-clock", checkFail, "behind the bridge", "timedatectl set-ntp true"}}},
		"no time": {handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = nil
			healthyBridge().ServeHTTP(w, r)
		}), want: []expect{{"bridge-clock", checkWarn, "does not say what time it is", "Date header"}}},
		"no trust anchor": {prepare: func(p *patient) { p.cfg.PKI.RootFile = p.dir + "/gone.pem" }, want: []expect{
			{"bridge", checkFail, "E-TRUST-MISSING", "see trust"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			h := tc.handler
			if h == nil {
				h = healthyBridge()
			}
			var edits []func(*x509.Certificate)
			if tc.edit != nil {
				edits = append(edits, tc.edit)
			}
			p.cfg.Bridge.URL = p.serve(p.identity(p.pki.Sub, edits...), h).URL + "/api"
			if tc.prepare != nil {
				tc.prepare(p)
			}
			got := p.checkBridge(within(t, checkLimit))
			for _, e := range tc.want {
				e.in(t, got)
			}
		})
	}
}

func TestDoctorBridgeHangs(t *testing.T) {
	p := newPatient(t)
	release := make(chan struct{})
	s := p.serve(p.identity(p.pki.Sub), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer close(release)
	p.cfg.Bridge.URL = s.URL
	expect{"bridge", checkFail, "E-BRIDGE-TIMEOUT", "it does not answer"}.in(t, p.checkBridge(within(t, 300*time.Millisecond)))
}

func TestDoctorPlainHTTPBridge(t *testing.T) {
	p := newPatient(t)
	s := httptest.NewServer(healthyBridge())
	defer s.Close()
	p.cfg.Bridge.URL = strings.Replace(s.URL, "http:", "https:", 1) + "/api"
	expect{"bridge", checkFail, "E-BRIDGE-TLS", "check scheme and port in bridge.url"}.in(t, p.checkBridge(within(t, checkLimit)))
}

// listenBroker answers every connection with serve, and says how the handshake ended.
func listenBroker(t *testing.T, serve func(net.Conn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed with the test
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			serve(c)
			c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func TestDoctorBroker(t *testing.T) {
	for name, tc := range map[string]struct {
		edit    func(*x509.Certificate)
		other   bool // another tenant's PKI
		alone   bool // the leaf without its chain
		auth    tls.ClientAuthType
		version uint16
		prepare func(p *patient)
		want    expect
	}{
		"in order, TLS 1.3":                           {auth: tls.RequireAnyClientCert, version: tls.VersionTLS13, want: expect{"broker", checkOK, "TLS 1.3, is trusted by the tenant's root", ""}},
		"in order, TLS 1.2":                           {auth: tls.RequireAnyClientCert, version: tls.VersionTLS12, want: expect{"broker", checkOK, "TLS 1.2", ""}},
		"the leaf alone, as the CA file completes it": {alone: true, auth: tls.RequireAnyClientCert, want: expect{"broker", checkOK, "trusted", ""}},
		"asks for nothing":                            {auth: tls.NoClientCert, want: expect{"broker", checkFail, "asks for no client certificate", "require_certificate true"}},
		"another CA":                                  {other: true, auth: tls.RequireAnyClientCert, want: expect{"broker", checkFail, "unknown authority", "does not chain to the tenant's root"}},
		"another name": {
			auth: tls.RequireAnyClientCert, edit: func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"mqtt.example"} },
			want: expect{"broker", checkFail, "127.0.0.1", "set mqtt.server_name"},
		},
		"expired": {
			auth: tls.RequireAnyClientCert, edit: func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = c.NotBefore.Add(-9*time.Hour), c.NotBefore.Add(-time.Hour)
			},
			want: expect{"broker", checkFail, "expired", "check this station's clock"},
		},
		"ends soon": {
			auth: tls.RequireAnyClientCert, edit: func(c *x509.Certificate) { c.NotAfter = time.Now().Add(50 * time.Hour) },
			want: expect{"broker", checkWarn, "ends in 2 days", "renewed"},
		},
		"too old": {
			auth: tls.RequireAnyClientCert, version: tls.VersionTLS12, prepare: func(p *patient) { p.cfg.MQTT.TLSMin = "1.3" },
			want: expect{"broker", checkFail, "", "mqtt.tls_min"},
		},
		"no trust": {
			auth: tls.RequireAnyClientCert, prepare: func(p *patient) { p.cfg.PKI.RootFile = p.dir + "/gone.pem" },
			want: expect{"broker", checkWarn, "was not judged", "mend trust first"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			by := p.pki.Sub
			if tc.other {
				by = stationtest.NewPKIWith(t, stationtest.PKIConfig{Prefix: "Other "}).Sub
			}
			edits := []func(*x509.Certificate){}
			if tc.edit != nil {
				edits = append(edits, tc.edit)
			}
			id := p.identity(by, edits...)
			if tc.alone {
				id.Certificate = id.Certificate[:1]
			}
			shown := make(chan int, 1)
			p.cfg.MQTT.Port = listenBroker(t, func(c net.Conn) {
				s := tls.Server(c, &tls.Config{ //nolint:gosec // both versions are tested
					Certificates: []tls.Certificate{id}, ClientAuth: tc.auth, MaxVersion: tc.version,
				})
				_ = s.HandshakeContext(t.Context())
				select {
				case shown <- len(s.ConnectionState().PeerCertificates):
				default:
				}
			})
			if tc.prepare != nil {
				tc.prepare(p)
			}
			tc.want.in(t, p.checkBroker(within(t, checkLimit)))
			if n := <-shown; n != 0 {
				t.Errorf("the broker was shown %d certificates, want none", n)
			}
		})
	}
}

func TestDoctorBrokerWithoutTLS(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"speaks MQTT": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 16))
			_, _ = c.Write([]byte{0x20, 0x02, 0x00, 0x01, 0, 0, 0, 0})
		},
		"hangs up": func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 64)) },
		"speaks HTTP": func(c net.Conn) {
			_, _ = c.Read(make([]byte, 16))
			fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			p.cfg.MQTT.Port = listenBroker(t, serve)
			expect{"broker", checkFail, "", "does not speak TLS: check mqtt.port (8883"}.in(t, p.checkBroker(within(t, checkLimit)))
		})
	}
	p := newPatient(t)
	p.cfg.MQTT.Port = stationtest.FreePort(t)
	expect{"broker", checkFail, "refused", "nothing listens there"}.in(t, p.checkBroker(within(t, checkLimit)))
	p.cfg.MQTT.Mode = config.MQTTDevice
	expect{"broker", checkWarn, "seen from this station", "mqtt.mode is device"}.in(t, p.checkBroker(within(t, checkLimit)))
	p.cfg.MQTT.Mode = config.MQTTOff
	expect{"broker", checkWarn, "never PASS", "mqtt.mode"}.in(t, p.checkBroker(within(t, checkLimit)))
}

func TestDoctorStepCA(t *testing.T) {
	p := newPatient(t)
	stranger := stationtest.NewPKIWith(t, stationtest.PKIConfig{Prefix: "Other "})
	ca := p.serve(p.identity(p.pki.Sub), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/root/") {
		case fingerprintOf(p.pki.Root):
			_ = json.NewEncoder(w).Encode(map[string]string{"ca": p.pki.Root.PEM()})
		case fingerprintOf(p.pki.ICA): // lies
			_ = json.NewEncoder(w).Encode(map[string]string{"ca": stranger.Root.PEM()})
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})).URL
	for name, tc := range map[string]struct {
		url, pin string
		want     expect
	}{
		"in order, pinned by file":        {ca, "", expect{"step-ca", checkOK, "pinned fingerprint", ""}},
		"in order, pinned by fingerprint": {ca, fingerprintOf(p.pki.Root), expect{"step-ca", checkOK, "pinned fingerprint", ""}},
		"another fingerprint":             {ca, fingerprintOf(stranger.Root), expect{"step-ca", checkFail, "no root with this fingerprint", "compare pki.root_fingerprint"}},
		"another root":                    {ca, fingerprintOf(p.pki.ICA), expect{"step-ca", checkFail, "another than the pinned one", "compare pki.root_fingerprint"}},
		"down":                            {"https://127.0.0.1:" + strconv.Itoa(stationtest.FreePort(t)), "", expect{"step-ca", checkFail, "refused", "host and port in pki.step_ca_url"}},
		"none":                            {"", "", expect{"step-ca", checkSkipped, "not set", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			p.cfg.PKI.StepCAURL, p.cfg.PKI.RootFingerprint = tc.url, tc.pin
			tc.want.in(t, p.checkStepCA(within(t, checkLimit)))
		})
	}
}

func TestDoctorTrust(t *testing.T) {
	for name, tc := range map[string]struct {
		prepare func(p *patient)
		want    expect
	}{
		"in order":                {func(*patient) {}, expect{"trust", checkOK, "2 intermediates chain to it", ""}},
		"no file":                 {func(p *patient) { p.cfg.PKI.RootFile = p.dir + "/gone.pem" }, expect{"trust", checkFail, "gone.pem", "pki.root_file"}},
		"no certificate":          {func(p *patient) { p.cfg.PKI.RootFile = p.file("x.pem", "hello", 0o600) }, expect{"trust", checkFail, "x.pem", "PEM and nothing else"}},
		"an intermediate as root": {func(p *patient) { p.cfg.PKI.RootFile = p.cfg.PKI.IntermediatesFile }, expect{"trust", checkFail, "", "self-signed roots"}},
		"another fingerprint":     {func(p *patient) { p.cfg.PKI.RootFingerprint = strings.Repeat("ab", 32) }, expect{"trust", checkFail, "fingerprint", "compare pki.root_fingerprint"}},
		"no intermediates":        {func(p *patient) { p.cfg.PKI.IntermediatesFile = "" }, expect{"trust", checkWarn, "no intermediate is known", "pki.step_ca_url"}},
		"another tenant's intermediates": {func(p *patient) {
			p.cfg.PKI.IntermediatesFile = p.file("x.pem", stationtest.NewPKIWith(p.t, stationtest.PKIConfig{Prefix: "Other "}).Sub.PEM(), 0o600)
		}, expect{"trust", checkFail, "does not chain to the pinned root", "from the same tenant"}},
		"ends soon": {func(p *patient) {
			p.sys.now = func() time.Time { return p.pki.Sub.Cert.NotAfter.Add(-72*time.Hour - time.Minute) }
		}, expect{"trust", checkWarn, "ends in 3 days", "ask the tenant"}},
		"ended":   {func(p *patient) { p.sys.now = func() time.Time { return p.pki.Sub.Cert.NotAfter.Add(time.Hour) } }, expect{"trust", checkFail, "ended on", "ask the tenant"}},
		"not yet": {func(p *patient) { p.sys.now = func() time.Time { return p.pki.Root.Cert.NotBefore.Add(-time.Hour) } }, expect{"trust", checkFail, "not valid before", "set the clock"}},
		"step-ca down": {func(p *patient) {
			p.cfg.PKI.IntermediatesFile, p.cfg.PKI.StepCAURL = "", "https://127.0.0.1:"+strconv.Itoa(stationtest.FreePort(p.t))
		}, expect{"trust", checkFail, "refused", "the bench needs no step-ca"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			tc.prepare(p)
			tc.want.in(t, p.checkTrust(within(t, checkLimit)))
		})
	}
}
