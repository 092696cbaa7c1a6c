package mqttcheck

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// realBroker is a running mosquitto. subscribed is closed when it has granted its
// first subscription.
type realBroker struct {
	addr       netip.AddrPort
	subscribed chan struct{}
}

// mosquitto is realMosquitto for those who need only the address.
func mosquitto(t *testing.T, p *tenant, acl string, extra ...string) netip.AddrPort {
	t.Helper()
	return realMosquitto(t, p, acl, extra...).addr
}

// realMosquitto starts the real broker with the tenant's certificates and the
// given extra configuration, and ends it with the test. It trusts the root alone.
func realMosquitto(t *testing.T, p *tenant, acl string, extra ...string) realBroker {
	t.Helper()
	path, err := exec.LookPath("mosquitto")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/mosquitto"); err != nil {
			skipOrFail(t, "mosquitto is not installed (Debian package mosquitto)")
		}
	}
	// Another process may take the port between its release and mosquitto's bind.
	for range 3 {
		if b, ok := startMosquitto(t, path, p, acl, extra); ok {
			return b
		}
	}
	t.Fatal("mosquitto could not be started on a free port")
	return realBroker{}
}

func startMosquitto(t *testing.T, path string, p *tenant, acl string, extra []string) (realBroker, bool) {
	t.Helper()
	dir := t.TempDir()
	addr := freePort(t)
	server := p.server(t)
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{
		fmt.Sprintf("listener %d 127.0.0.1", addr.Port()),
		"cafile " + writePEM(t, dir, "root.pem", "CERTIFICATE", p.root.cert.Raw),
		"certfile " + writePEM(t, dir, "server.pem", "CERTIFICATE", server.Certificate...),
		"keyfile " + writePEM(t, dir, "server-key.pem", "PRIVATE KEY", key),
		"require_certificate true", "allow_anonymous true", "persistence false",
		"log_dest stderr", "log_type all",
	}
	if os.Geteuid() == 0 {
		lines = append(lines, "user root")
	}
	if acl != "" {
		file := filepath.Join(dir, "acl")
		if err := os.WriteFile(file, []byte(acl), 0o600); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, "acl_file "+file)
	}
	conf := filepath.Join(dir, "mosquitto.conf")
	if err := os.WriteFile(conf, []byte(strings.Join(append(lines, extra...), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, path, "-c", conf)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready, subscribed, gone := make(chan struct{}), make(chan struct{}), make(chan struct{})
	var log bytes.Buffer
	go func() {
		defer close(gone)
		lines := bufio.NewScanner(pipe)
		running, granted := false, false
		for lines.Scan() {
			log.WriteString(lines.Text() + "\n")
			if !running && strings.HasSuffix(lines.Text(), " running") {
				running = true
				close(ready)
			}
			if !granted && strings.Contains(lines.Text(), "Sending SUBACK") {
				granted = true
				close(subscribed)
			}
		}
	}()
	stop := func() {
		cancel()
		<-gone
		_ = cmd.Wait()
	}
	select {
	case <-ready:
	case <-gone:
		stop()
		t.Logf("mosquitto ended at once:\n%s", log.String())
		return realBroker{}, false
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("mosquitto's log:\n%s", log.String())
		}
	})
	return realBroker{addr, subscribed}, true
}

var bothTLS = []uint16{tls.VersionTLS12, tls.VersionTLS13}

func TestMosquittoAccepts(t *testing.T) {
	p := newTenant(t)
	addr := mosquitto(t, p, "")
	writeOnly := mosquitto(t, p, "topic write v1/devices/me/telemetry\n")
	for _, version := range bothTLS {
		for _, tc := range []struct {
			proto, spoken Protocol
			addr          netip.AddrPort
			proof         Proof
		}{
			{ProtocolAuto, Protocol5, addr, ProofBrokerDelivered},
			{Protocol311, Protocol311, addr, ProofBrokerDelivered},
			{ProtocolAuto, Protocol5, writeOnly, ProofBrokerDelivered},
			{Protocol311, Protocol311, writeOnly, ProofBrokerAcked},
		} {
			name := fmt.Sprintf("%s %s %s", tls.VersionName(version), tc.proto, tc.proof)
			t.Run(name, func(t *testing.T) {
				cfg := p.config(tc.addr)
				cfg.TLSMin, cfg.TLSMax, cfg.Protocol, cfg.EchoWait = version, version, tc.proto, 500*time.Millisecond
				res, err := Check(t.Context(), cfg, p.device(t, newKey(t)))
				passed(t, res, err, tc.proof, tc.spoken)
				if tc.spoken == Protocol5 && res.PubackCode != codeNoSubscribers {
					t.Errorf("got PUBACK code 0x%02x without a subscriber, want 0x10", res.PubackCode)
				}
			})
		}
	}
}

// The documented message reaches a subscriber that is a real client with a
// certificate of its own.
func TestMosquittoDelivers(t *testing.T) {
	sub, err := exec.LookPath("mosquitto_sub")
	if err != nil {
		skipOrFail(t, "mosquitto_sub is not installed (Debian package mosquitto-clients)")
	}
	p := newTenant(t)
	broker := realMosquitto(t, p, "")
	dir := t.TempDir()
	key := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), sub, "-V", "mqttv5", "-h", "127.0.0.1", "-p", fmt.Sprint(broker.addr.Port()),
		"--cafile", writePEM(t, dir, "ca.pem", "CERTIFICATE", p.root.cert.Raw),
		"--cert", writePEM(t, dir, "sub.pem", "CERTIFICATE", p.device(t, key).Chain...),
		"--key", writePEM(t, dir, "sub-key.pem", "PRIVATE KEY", der),
		"-t", DefaultTopic, "-q", "1", "-C", "1", "-W", "20")
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-broker.subscribed:
	case err := <-ended:
		t.Fatalf("mosquitto_sub: %v\n%s", err, problems.String())
	}
	res, err := Check(t.Context(), p.config(broker.addr), p.device(t, newKey(t)))
	passed(t, res, err, ProofBrokerDelivered, Protocol5)
	if res.PubackCode != codeSuccess {
		t.Errorf("got PUBACK code 0x%02x with a subscriber, want 0", res.PubackCode)
	}
	if err := <-ended; err != nil {
		t.Errorf("mosquitto_sub: %v\n%s", err, problems.String())
	}
	if got := strings.TrimSpace(out.String()); got != DefaultPayload {
		t.Errorf("got %q at the subscriber, want %q", got, DefaultPayload)
	}
}

// Each refusal of the real broker on both TLS versions.
func TestMosquittoRefuses(t *testing.T) {
	p, other := newTenant(t), newTenant(t)
	addr := mosquitto(t, p, "")
	denied := mosquitto(t, p, "topic read v1/devices/me/telemetry\n")
	for _, version := range bothTLS {
		for _, tc := range []struct {
			name string
			edit func(*Config, *Identity)
			want want
		}{
			{
				"other CA", func(_ *Config, id *Identity) { *id = other.device(t, newKey(t)) },
				want{StepCertificate, ClientCertRefused, 48, 0, "unknown certificate authority"},
			},
			{
				"leaf alone", func(_ *Config, id *Identity) { id.Chain = id.Chain[:1] },
				want{StepCertificate, ClientCertRefused, 48, 0, "unknown certificate authority"},
			},
			{
				"expired", func(_ *Config, id *Identity) { *id = p.device(t, newKey(t), expired) },
				want{StepCertificate, ClientCertRefused, 45, 0, "certificate expired"},
			},
			{"not for clients", func(_ *Config, id *Identity) {
				*id = p.device(t, newKey(t), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
			}, want{StepCertificate, ClientCertRefused, 43, 0, "unsupported certificate"}},
			{
				"denied, 5", func(c *Config, _ *Identity) { c.Port = denied.Port() },
				want{StepPublish, PublishDenied, 0, 0x87, "not authorized"},
			},
			{
				"server name", func(c *Config, _ *Identity) { c.ServerName = "other.test" },
				want{StepTLS, ServerNameMismatch, 0, 0, "other.test"},
			},
			{
				"untrusted server", func(c *Config, _ *Identity) { c.RootCAs = other.caFile() },
				want{StepTLS, ServerUntrusted, 0, 0, "not trusted"},
			},
			{
				"no root in the CA file", func(c *Config, _ *Identity) { c.RootCAs = p.caFile()[:2] },
				want{StepTLS, ServerUntrusted, 0, 0, "lacks the root"},
			},
		} {
			t.Run(tls.VersionName(version)+" "+tc.name, func(t *testing.T) {
				cfg, id := p.config(addr), p.device(t, newKey(t))
				cfg.TLSMin, cfg.TLSMax = version, version
				tc.edit(&cfg, &id)
				res := tc.want.check(t, cfg, id).res
				wantSigs := 1
				if tc.want.step == StepTLS {
					wantSigs = 0
				}
				if res.Signatures != wantSigs {
					t.Errorf("got %d signatures, want %d", res.Signatures, wantSigs)
				}
			})
		}
	}
	t.Run("denied, 3.1.1, is acknowledged all the same", func(t *testing.T) {
		cfg := p.config(denied)
		cfg.Protocol, cfg.EchoWait = Protocol311, 300*time.Millisecond
		res, err := Check(t.Context(), cfg, p.device(t, newKey(t)))
		passed(t, res, err, ProofBrokerAcked, Protocol311)
	})
}

// A listener without client certificates proves nothing about the device.
func TestMosquittoAsksForNoCertificate(t *testing.T) {
	p := newTenant(t)
	addr := mosquitto(t, p, "", "require_certificate false")
	for _, version := range bothTLS {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			cfg := p.config(addr)
			cfg.TLSMin, cfg.TLSMax = version, version
			want{StepCertificate, NoClientCertRequested, 0, 0, "did not ask"}.check(t, cfg, p.device(t, newKey(t)))
		})
	}
}

func TestMosquittoTLSVersion(t *testing.T) {
	p := newTenant(t)
	cfg := p.config(mosquitto(t, p, "", "tls_version tlsv1.3"))
	cfg.TLSMax = tls.VersionTLS12
	want{StepTLS, ProtocolVersion, 70, 0, "TLS versions"}.check(t, cfg, p.device(t, newKey(t)))
}

// A broker with a revocation list names the revocation.
func TestMosquittoRevoked(t *testing.T) {
	p := newTenant(t)
	id := p.device(t, newKey(t))
	leaf, err := x509.ParseCertificate(id.Chain[0])
	if err != nil {
		t.Fatal(err)
	}
	crl, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: leaf.SerialNumber, RevocationTime: time.Now().Add(-time.Minute)}},
	}, p.sub.cert, p.sub.key)
	if err != nil {
		t.Fatal(err)
	}
	addr := mosquitto(t, p, "", "crlfile "+writePEM(t, t.TempDir(), "crl.pem", "X509 CRL", crl))
	for _, version := range bothTLS {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			cfg := p.config(addr)
			cfg.TLSMin, cfg.TLSMax = version, version
			want{StepCertificate, ClientCertRefused, 44, 0, "certificate revoked"}.check(t, cfg, id)
			res, err := Check(t.Context(), cfg, p.device(t, newKey(t)))
			passed(t, res, err, ProofBrokerDelivered, Protocol5)
		})
	}
}
