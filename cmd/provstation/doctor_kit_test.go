package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/serialproto/port"
	"provstation/station/config"
	"provstation/station/pki"
	"provstation/station/stationtest"
)

// patient is a station to be examined: every part is in order until a test breaks one.
type patient struct {
	t   *testing.T
	pki *stationtest.PKI
	dir string
	*doctor
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t, pki: stationtest.NewPKI(t), dir: t.TempDir()}
	c := config.Default()
	c.Bridge.TLS.Trust = config.TrustRoot
	c.PKI.RootFile = p.file("root.pem", p.pki.Root.PEM(), 0o600)
	c.PKI.IntermediatesFile = p.file("intermediates.pem", p.pki.Sub.PEM()+p.pki.ICA.PEM(), 0o600)
	c.PKI.MinValidity = config.Duration(time.Hour)
	c.MQTT.Host = "127.0.0.1"
	c.Ledger.URL = "sqlite:" + filepath.Join(p.dir, "state", "ledger.db")
	c.Log.File = filepath.Join(p.dir, "state", "station.log")
	p.doctor = &doctor{cfg: c, src: config.Sources{Path: p.file("station.yaml", "", 0o600)}, sys: system{
		now: time.Now, getenv: func(string) string { return "" }, ports: func() ([]port.Info, error) { return nil, nil },
		holder:  func(string) (int, string, bool) { return 0, "", false },
		latency: func(string) (int, bool) { return 0, false },
		reach:   func(context.Context, string) error { return nil },
		access:  func(string) error { return nil }, group: func(string) portGroup { return portGroup{} },
		processes: func() ([]process, bool) { return []process{{pid: 1, name: "init"}}, true },
		synced:    func() (bool, bool) { return true, true }, mode: modeOf,
	}}
	return p
}

func (p *patient) file(name, text string, mode fs.FileMode) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// identity is a server's certificate with its chain, from the tenant's Sub-CA unless edited.
func (p *patient) identity(by *stationtest.CA, edits ...func(*x509.Certificate)) tls.Certificate {
	p.t.Helper()
	key := stationtest.NewKey(p.t, "P-256")
	tmpl := &x509.Certificate{
		Subject: pkix.Name{CommonName: "server"}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	for _, e := range edits {
		e(tmpl)
	}
	der := stationtest.Sign(p.t, by, tmpl, key.Public())
	return tls.Certificate{Certificate: [][]byte{der, by.Cert.Raw, p.pki.ICA.Cert.Raw}, PrivateKey: key}
}

func (p *patient) serve(id tls.Certificate, h http.Handler) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{id}} //nolint:gosec // the default versions
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	p.t.Cleanup(s.Close)
	return s
}

// bridge is a healthy bridge of the deployed contract.
func healthyBridge() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status":"ok","service":"iot-bridge-api"}`)
	})
	mux.HandleFunc("POST /api/devices/{id}/enroll", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"detail":[{"type":"missing","loc":["body","csr"]},{"type":"missing","loc":["body","device_name"]}]}`)
	})
	return mux
}

// expect looks for one finding by name, status, and parts of what was seen and of the fix.
type expect struct {
	check  string
	status checkStatus
	seen   string
	fix    string
}

func (e expect) in(t *testing.T, list []finding) {
	t.Helper()
	for _, f := range list {
		if f.Check == e.check && f.Status == e.status && strings.Contains(f.Seen, e.seen) && strings.Contains(f.Fix, e.fix) {
			if e.status == checkFail && f.Fix == "" {
				t.Errorf("got no fix with %+v", f)
			}
			return
		}
	}
	t.Errorf("got %+v, want %+v among them", list, e)
}

// within is a context for one check.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func fingerprintOf(ca *stationtest.CA) string { return pki.Fingerprint(ca.Cert) }
