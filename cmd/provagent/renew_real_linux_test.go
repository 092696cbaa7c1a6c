package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.step.sm/crypto/jose"
	"go.step.sm/crypto/pemutil"

	"provstation/serialproto"
	"provstation/station/onbox"
	"provstation/station/stationtest"
)

// realCA is a step-ca process whose certificates live for seconds.
type realCA struct {
	t    *testing.T
	pki  *stationtest.PKI
	url  string
	key  *jose.JSONWebKey
	http *http.Client
}

const provisionerName = "iot-bridge"

func startRealCA(t *testing.T, life time.Duration) *realCA {
	t.Helper()
	program := stationtest.Program(t, "step-ca")
	dir := t.TempDir()
	c := &realCA{t: t, pki: stationtest.NewPKI(t), url: fmt.Sprintf("https://127.0.0.1:%d", stationtest.FreePort(t))}
	var err error
	if c.key, err = jose.GenerateJWK("EC", "P-256", "ES256", "sig", "", 0); err != nil {
		t.Fatal(err)
	}
	if c.key.KeyID, err = jose.Thumbprint(c.key); err != nil {
		t.Fatal(err)
	}
	public, err := c.key.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	block, err := pemutil.Serialize(c.pki.Sub.Key)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := json.Marshal(map[string]any{
		"root": filepath.Join(dir, "root.pem"), "crt": filepath.Join(dir, "chain.pem"), "key": filepath.Join(dir, "key.pem"),
		"address": strings.TrimPrefix(c.url, "https://"), "dnsNames": []string{"127.0.0.1", "localhost"}, "logger": map[string]string{"format": "text"},
		"db": map[string]string{"type": "badgerv2", "dataSource": filepath.Join(dir, "db")},
		"authority": map[string]any{
			"backdate": "1m0s", // the default. It judges a token's chain as of a minute before the leaf ends, so with less none passes
			"provisioners": []any{map[string]any{
				"type": "JWK", "name": provisionerName, "key": json.RawMessage(public),
				"claims": map[string]any{"minTLSCertDuration": "1s", "maxTLSCertDuration": "24h", "defaultTLSCertDuration": life.String()},
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"root.pem": []byte(c.pki.Root.PEM()), "chain.pem": []byte(c.pki.Sub.PEM() + c.pki.ICA.PEM()), "key.pem": pem.EncodeToMemory(block), "ca.json": cfg,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	p := stationtest.Start(t, program, filepath.Join(dir, "ca.json"))
	p.WaitLine("Serving HTTPS on")
	roots := x509.NewCertPool()
	roots.AddCert(c.pki.Root.Cert)
	c.http = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// sign has the CA sign a request, as the bridge does.
func (c *realCA) sign(csr []byte) []byte {
	c.t.Helper()
	sig, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.key.Key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", c.key.KeyID))
	if err != nil {
		c.t.Fatal(err)
	}
	var jti [16]byte
	if _, err := rand.Read(jti[:]); err != nil {
		c.t.Fatal(err)
	}
	now := time.Now()
	ott, err := jose.Signed(sig).Claims(jose.Claims{
		ID: hex.EncodeToString(jti[:]), Issuer: provisionerName, Subject: boxID, Audience: jose.Audience{c.url + "/1.0/sign"},
		NotBefore: jose.NewNumericDate(now.Add(-time.Minute)), IssuedAt: jose.NewNumericDate(now), Expiry: jose.NewNumericDate(now.Add(time.Minute)),
	}).Claims(map[string]any{"sans": []string{boxID}}).CompactSerialize()
	if err != nil {
		c.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})), "ott": ott,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/1.0/sign", bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		c.t.Fatal(err)
	}
	var a struct {
		Crt string `json:"crt"`
	}
	err = json.Unmarshal(answer, &a)
	leaf, _ := pem.Decode([]byte(a.Crt))
	if err != nil || leaf == nil {
		c.t.Fatalf("sign: %v: %s", err, answer)
	}
	return leaf.Bytes
}

// boxID is the device id of boxes here.
const boxID = "box-7"

// box is what a box's programs see of it.
type box struct {
	t   testing.TB
	dir string
}

// pair reads the files as they do, and fails unless they work together.
func (b *box) pair() *x509.Certificate {
	b.t.Helper()
	leaf, err := pairIn(b.dir)
	if err != nil {
		b.t.Fatal(err)
	}
	return leaf
}

// pairIn is the certificate that a box's programs find in its state directory: with its key, and verified by its CA file.
func pairIn(dir string) (*x509.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "device.pem"), filepath.Join(dir, "device-key.pem"))
	if err != nil {
		return nil, fmt.Errorf("the files do not work together: %w", err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca-chain.pem"))
	if err != nil {
		return nil, err
	}
	roots, err := onbox.RootsOf(ca)
	if err != nil {
		return nil, err
	}
	between := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		between.AddCert(c)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: pair.Leaf.NotBefore.Add(time.Second),
	}); err != nil {
		return nil, fmt.Errorf("device.pem does not verify: %w", err)
	}
	return pair.Leaf, nil
}

// provision seals a box over its line, set up to renew at url.
func provision(ctx context.Context, t *testing.T, near string, pki *stationtest.PKI, sign func(csr []byte) []byte, url, audience string) {
	t.Helper()
	h := station(t, near)
	if _, err := h.Greet(ctx); err != nil {
		t.Fatal(err)
	}
	id := []byte("12345678")
	var e serialproto.EnrollResult
	for _, x := range []struct {
		args   func() any
		result any
	}{
		{func() any {
			return serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: boxID, EnrollID: id}
		}, &e},
		{func() any {
			return serialproto.InstallArgs{
				Op: serialproto.OpInstall, Leaf: sign(e.CSR), EnrollID: id, Commit: true,
				Chain: [][]byte{pki.Sub.Cert.Raw, pki.ICA.Cert.Raw, pki.Root.Cert.Raw},
			}
		}, nil},
		{func() any {
			return serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: url, Audience: audience, EnrollID: id}
		}, nil},
		{func() any { return serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id} }, nil},
	} {
		args := x.args()
		if err := h.Call(ctx, args, x.result); err != nil {
			t.Fatalf("%T: %v", args, err)
		}
	}
	if err := h.Bye(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTwentyRenewalsInARow: the daemon and a real step-ca whose certificates live for seconds, beside an agent that serves
// its line all the while and tells how it goes. The pair on disk works at every moment that is looked at. Programs of the box hold
// connections to a real mosquitto: one from before the first renewal to after the last, and for each renewal one that was made
// with the certificate before it, on which messages flow before and after. After each, a new one with the files as they lie is
// let in.
func TestTwentyRenewalsInARow(t *testing.T) {
	const life, renewals = 6 * time.Second, 20
	ca := startRealCA(t, life)
	bin, dir := built(t), t.TempDir()
	near, far, state := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "state")
	cable(t, near, far)
	serving := start(t, bin, "serve", "--tty", far, "--state-dir", state, "--baud", "0")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	provision(ctx, t, near, ca.pki, ca.sign, ca.url+"/1.0/renew", "")

	mark := filepath.Join(dir, "reloads")
	daemon := start(t, bin, "renew", "--daemon", "--state-dir", state, "--reload", "echo x >> "+mark)
	b := &box{t: t, dir: state}
	h := station(t, near)
	if _, err := h.Greet(ctx); err != nil {
		t.Fatalf("greet: %v\n%s", err, serving.out)
	}
	broker := mosquittoOf(t, dir, ca.pki)
	first := b.connects(ctx, t, broker.Port, "first")
	before := b.connects(ctx, t, broker.Port, "program-0")
	serials := map[string]bool{first.serial: true, before.serial: true}
	var last serialproto.StatusResult
	for len(serials) <= renewals {
		if ctx.Err() != nil {
			t.Fatalf("%d certificates in five minutes\n%s", len(serials), daemon.out)
		}
		leaf := b.pair()
		if time.Now().After(leaf.NotAfter.Add(time.Second)) {
			t.Fatalf("the certificate ended %v\n%s", leaf.NotAfter, daemon.out)
		}
		before.speaks(ctx, "while "+before.serial+" is its certificate")
		if serial := leaf.SerialNumber.String(); !serials[serial] {
			before.speaks(ctx, "though it is "+serial+" now")
			first.speaks(ctx, "still here")
			before.leaves()
			before = b.connects(ctx, t, broker.Port, fmt.Sprintf("program-%d", len(serials)))
			before.speaks(ctx, "with "+before.serial)
			serials[serial], serials[before.serial] = true, true
		}
		if err := h.Call(ctx, serialproto.SimpleArgs{Op: serialproto.OpStatus}, &last); err != nil {
			t.Fatalf("STATUS: %v\n%s", err, serving.out)
		}
		wait, stop := context.WithTimeout(ctx, 200*time.Millisecond)
		<-wait.Done()
		stop()
	}
	if s := last.Renewal; s == nil || s.URL != ca.url+"/1.0/renew" || s.Last == 0 || s.Failures != 0 || s.Error != "" {
		t.Errorf("STATUS says %+v of the renewal", s)
	}
	if n := strings.Count(daemon.out.String(), "msg=renewed"); n < renewals {
		t.Errorf("got %d renewals, want %d", n, renewals)
	}
	if b, err := os.ReadFile(mark); err != nil || bytes.Count(b, []byte("x")) < renewals {
		t.Errorf("got %d reloads (%v), want %d", bytes.Count(b, []byte("x")), err, renewals)
	}
	if strings.Contains(daemon.out.String(), "eyJ") {
		t.Error("a token is in the log")
	}
	if err := daemon.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code := daemon.ends(t); code != exitOK {
		t.Errorf("got exit code %d: %s", code, daemon.out)
	}
}

// TestRenewThroughAProxy: TLS ends before the CA, at a name that the CA does not know; the token carries the CA's own.
func TestRenewThroughAProxy(t *testing.T) {
	ca := startRealCA(t, time.Hour)
	bin, dir := built(t), t.TempDir()
	near, far, state := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "state")
	cable(t, near, far)
	start(t, bin, "serve", "--tty", far, "--state-dir", state, "--baud", "0")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	proxy := proxyTo(t, ca)
	provision(ctx, t, near, ca.pki, ca.sign, proxy+"/pki/1.0/renew", ca.url+"/1.0/renew")
	b := &box{t: t, dir: state}
	before := b.pair()
	if p := start(t, bin, "renew", "--once", "--state-dir", state); p.ends(t) != exitOK || !b.pair().Equal(before) {
		t.Errorf("renewed before it was due: %s", p.out)
	}
	p := start(t, bin, "renew", "--once", "--force", "--state-dir", state)
	if code := p.ends(t); code != exitOK || b.pair().Equal(before) {
		t.Errorf("got exit code %d: %s", code, p.out)
	}
	p = start(t, bin, "renew", "--once", "--force", "--state-dir", state, "--url", ca.url+"/1.0/renew", "--audience", "https://elsewhere.example/renew")
	if code := p.ends(t); code != exitError || !strings.Contains(p.out.String(), "invalid audience claim") {
		t.Errorf("a token for another server: got exit code %d: %s", code, p.out)
	}
}

// proxyTo ends TLS with a certificate of the tenant's and passes what is below /pki on.
func proxyTo(t *testing.T, ca *realCA) string {
	t.Helper()
	key := stationtest.NewKey(t, "P-256")
	csr := stationtest.NewCSR(t, key, "proxy")
	cert := ca.pki.Issue(t, csr, stationtest.Edit(func(c *x509.Certificate) {
		c.IPAddresses, c.ExtKeyUsage = []net.IP{net.IPv4(127, 0, 0, 1)}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}))
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert, ca.pki.Sub.Cert.Raw, ca.pki.ICA.Cert.Raw}, PrivateKey: key}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, ca.url+strings.TrimPrefix(r.URL.Path, "/pki"), r.Body)
		if err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		req.Header = r.Header.Clone()
		res, err := ca.http.Do(req)
		if err != nil {
			http.Error(w, "bad gateway", http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		w.WriteHeader(res.StatusCode)
		if _, err := io.Copy(w, res.Body); err != nil {
			t.Errorf("proxy: %v", err)
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return "https://" + l.Addr().String()
}
