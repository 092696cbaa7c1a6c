package onbox

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
)

const (
	renewAt = "https://ca.example/1.0/renew"
	boxID   = "box-7"
)

// testCA issues for boxes; each certificate lives for life, and begins back before it is issued.
type testCA struct {
	t          testing.TB
	root, sub  *x509.Certificate
	key        crypto.Signer
	life, back time.Duration
	serial     int64
	fail       error // what fetch answers instead
	issued     int
	tokens     map[string]bool
}

func newTestCA(t testing.TB, life, back time.Duration) *testCA {
	t.Helper()
	c := &testCA{t: t, life: life, back: back, tokens: map[string]bool{}}
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := func(name string, depth int) *x509.Certificate {
		return &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, MaxPathLen: depth, MaxPathLenZero: depth == 0,
			KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(20, 0, 0),
		}
	}
	c.key = rootKey
	c.root = c.make(authority("Root", 1), nil, rootKey.Public())
	c.sub = c.make(authority("Sub-CA", 0), c.root, subKey.Public())
	c.key = subKey
	return c
}

func (c *testCA) make(tmpl, parent *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
	c.t.Helper()
	c.serial++
	tmpl.SerialNumber = big.NewInt(c.serial)
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

func (c *testCA) leaf(id string, pub crypto.PublicKey) *x509.Certificate {
	c.t.Helper()
	c.issued++
	return c.make(&x509.Certificate{
		Subject: pkix.Name{CommonName: id}, DNSNames: []string{id}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, NotBefore: time.Now().Add(-c.back), NotAfter: time.Now().Add(c.life),
	}, c.sub, pub)
}

// fetch stands for the network and the CA behind it: it takes a token as step-ca would, but for its signature.
func (c *testCA) fetch(_ context.Context, url, token string) ([]byte, error) {
	if c.fail != nil {
		return nil, c.fail
	}
	if url != renewAt || strings.Count(token, ".") != 2 || c.tokens[token] {
		return nil, failed(codeRefused, "the CA answers 401")
	}
	c.tokens[token] = true
	text, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		c.t.Fatal(err)
	}
	var head struct {
		X5C [][]byte `json:"x5cInsecure"`
	}
	if err := json.Unmarshal(raw, &head); err != nil || len(head.X5C) == 0 {
		c.t.Fatalf("header %s: %v", raw, err)
	}
	have, err := x509.ParseCertificate(head.X5C[0])
	if err != nil {
		c.t.Fatal(err)
	}
	if time.Now().After(have.NotAfter) {
		return nil, failed(codeRefused, "the CA answers 401: expired")
	}
	return c.leaf(have.Subject.CommonName, have.PublicKey).Raw, nil
}

// box is a sealed device in a directory.
type box struct {
	t     testing.TB
	dir   string
	ca    *testCA
	agent *agent.Agent
}

func boxConfig(files Files) agent.Config {
	return agent.Config{Model: "box", Serial: "HW-7", Renewal: files}
}

// newBox provisions one.
func newBox(t testing.TB, ca *testCA) *box {
	t.Helper()
	b := &box{t: t, dir: t.TempDir(), ca: ca}
	a, err := b.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	id := []byte("12345678")
	call := func(args, result any) {
		t.Helper()
		if err := (local{a}).call(t.Context(), args, result); err != nil {
			t.Fatal(err)
		}
	}
	var e serialproto.EnrollResult
	call(&serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: boxID, EnrollID: id}, &e)
	csr, err := x509.ParseCertificateRequest(e.CSR)
	if err != nil {
		t.Fatal(err)
	}
	call(&serialproto.InstallArgs{
		Op: serialproto.OpInstall, Leaf: ca.leaf(boxID, csr.PublicKey).Raw, Chain: [][]byte{ca.sub.Raw, ca.root.Raw}, EnrollID: id, Commit: true,
	}, nil)
	call(&serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: renewAt, EnrollID: id}, nil)
	call(&serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id}, nil)
	b.agent = a
	return b
}

// open opens the box's files anew. Before is asked before every operation that changes one.
func (b *box) open(before func(op, path string) error) (*agent.Agent, error) {
	store, err := filestore.Open(b.dir, filestore.Config{Volatile: true, Before: before})
	if err != nil {
		return nil, err
	}
	return agent.New(store, boxConfig(Files{Dir: b.dir, Before: before}))
}

func (b *box) renewer() *Renewer {
	return &Renewer{
		dev: local{b.agent}, files: Files{Dir: b.dir}, fetch: b.ca.fetch, now: time.Now, chance: func() float64 { return 0.5 },
		log: slog.New(slog.DiscardHandler),
	}
}

func (b *box) state() serialproto.RenewalState {
	b.t.Helper()
	s, err := Files{Dir: b.dir}.State()
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// pair reads the files as the box's programs do, and fails unless they work together.
func (b *box) pair() *x509.Certificate {
	b.t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(b.dir, "device.pem"), filepath.Join(b.dir, "device-key.pem"))
	if err != nil {
		b.t.Fatalf("the files do not work together: %v", err)
	}
	ca, err := os.ReadFile(filepath.Join(b.dir, "ca-chain.pem"))
	if err != nil {
		b.t.Fatal(err)
	}
	roots, err := RootsOf(ca)
	if err != nil {
		b.t.Fatal(err)
	}
	between := x509.NewCertPool()
	for _, der := range pair.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			b.t.Fatal(err)
		}
		between.AddCert(c)
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: pair.Leaf.NotBefore.Add(time.Second),
	}); err != nil {
		b.t.Fatalf("device.pem does not verify: %v", err)
	}
	return pair.Leaf
}

// TestDaemonForAYear renews certificates of thirty days under a fake clock, through weeks without a network: the box never
// has an expired one.
func TestDaemonForAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		day := 24 * time.Hour
		ca := newTestCA(t, 30*day, time.Minute)
		b := newBox(t, ca)
		r := b.renewer()
		reloads := 0
		r.reload = func(context.Context) error { reloads++; return nil }
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); r.Run(ctx) }()
		first := b.pair()
		for d := range 365 {
			switch {
			case d%60 >= 50 && d%60 < 57: // a week without a network, in which one is due now and then
				ca.fail = failed(codeNetwork, "no route")
			default:
				ca.fail = nil
			}
			<-time.After(day)
			synctest.Wait()
			if leaf := b.pair(); time.Now().After(leaf.NotAfter) {
				t.Fatalf("day %d: the certificate ended %v", d, leaf.NotAfter)
			}
		}
		cancel()
		<-done
		if n := ca.issued - 1; n < 15 || n > 21 || reloads != n {
			t.Errorf("got %d renewals and %d reloads in a year, want one each 20 days or so", n, reloads)
		}
		s := b.state()
		if b.pair().Equal(first) || s.Failures != 0 || s.Error != "" || s.Last == 0 || time.UnixMicro(s.Next).Before(time.Now()) || s.URL != renewAt {
			t.Errorf("got %+v", s)
		}
	})
}

// TestBackdatedCertificatesDoNotSpin: a CA that backdates by more than a certificate lives.
func TestBackdatedCertificatesDoNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newTestCA(t, 5*time.Minute, time.Hour)
		b := newBox(t, ca)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		b.renewer().Run(ctx)
		if n := ca.issued - 1; n < 16 || n > 21 {
			t.Errorf("got %d renewals in an hour of certificates that live five minutes, want 16 to 21", n)
		}
	})
}

// TestFailuresAreTold: each way to fail has its code in STATUS, waits longer each time, and passes.
func TestFailuresAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ca := newTestCA(t, 24*time.Hour, 0)
		b := newBox(t, ca)
		r := b.renewer()
		due, err := r.Pass(t.Context())
		if err != nil || time.UnixMicro(b.state().Next).Sub(due).Abs() > time.Millisecond {
			t.Fatalf("got %v, %v, state %+v", due, err, b.state())
		}
		if d := due.Sub(b.pair().NotBefore); d < 14*time.Hour || d > 18*time.Hour {
			t.Fatalf("due after %v of 24 h", d)
		}
		<-time.After(time.Until(due))
		ca.fail = failed(codeNetwork, "no route")
		var pauses []time.Duration
		for i := range 5 {
			next, err := r.Pass(t.Context())
			if CodeOf(err) != codeNetwork {
				t.Fatalf("got %v", err)
			}
			s := b.state()
			if s.Failures != uint32(i+1) || s.Error != "network" || s.Last != 0 {
				t.Errorf("got %+v", s)
			}
			pauses = append(pauses, time.Until(next))
			if again, err := r.Pass(t.Context()); err != nil || !again.Equal(next) {
				t.Errorf("before its time: got %v, %v, want to wait until %v", again, err, next)
			}
			<-time.After(time.Until(next))
		}
		for i := 1; i < len(pauses); i++ {
			if pauses[i] <= pauses[i-1] {
				t.Errorf("pauses %v, want each longer", pauses)
			}
		}
		ca.fail = nil
		ca.life = time.Hour
		if _, err := r.Pass(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s := b.state(); s.Failures != 0 || s.Error != "" || s.Last != time.Now().UnixMicro() {
			t.Errorf("got %+v", s)
		}
		<-time.After(2 * time.Hour)
		issued := ca.issued
		if _, err := r.Pass(t.Context()); CodeOf(err) != codeExpired || ca.issued != issued || b.state().Error != "expired" {
			t.Errorf("an expired certificate: got %v", err)
		}
	})
}

// TestForeignAnswersAreNotTaken: whatever the network brings, the agent checks it.
func TestForeignAnswersAreNotTaken(t *testing.T) {
	ca, other := newTestCA(t, time.Hour, 0), newTestCA(t, 2*time.Hour, 0)
	b := newBox(t, ca)
	before := b.pair()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r := b.renewer()
	r.force = true
	for name, row := range map[string]struct {
		der  []byte
		code Code
	}{
		"another key":    {ca.leaf(boxID, key.Public()).Raw, codeRejected},
		"another id":     {ca.leaf("box-8", before.PublicKey).Raw, codeRejected},
		"another issuer": {other.leaf(boxID, before.PublicKey).Raw, codeRejected},
		"junk":           {[]byte("junk"), codeAnswer},
	} {
		r.fetch = func(context.Context, string, string) ([]byte, error) { return row.der, nil }
		if _, err := r.Pass(t.Context()); CodeOf(err) != row.code {
			t.Errorf("%s: got %v, want %s", name, err, row.code)
		}
		if !b.pair().Equal(before) {
			t.Fatalf("%s was taken", name)
		}
	}
}

var errCut = errors.New("power is gone")

// TestCutAtEveryFileOperation stops a renewal at each operation that changes a file, of the store and of the state beside
// it, and finds a pair that works, old or new; the next start then goes on, and reloads what has to be.
func TestCutAtEveryFileOperation(t *testing.T) {
	for n, more := 0, true; more; n++ {
		more = cutAt(t, n)
		if !more && n < 20 {
			t.Errorf("got %d operations, want a real renewal", n)
		}
	}
}

func cutAt(t *testing.T, n int) (hit bool) {
	t.Helper()
	ca := newTestCA(t, time.Hour, 0)
	b := newBox(t, ca)
	old := b.pair()
	ca.life = 2 * time.Hour
	left := n
	before := func(string, string) error {
		if left == 0 {
			hit = true
			return errCut
		}
		left--
		return nil
	}
	a, err := b.open(before)
	reloads := 0
	reload := func(context.Context) error { reloads++; return nil }
	if err == nil {
		r := b.renewer()
		r.dev, r.files, r.force, r.reload = local{a}, Files{Dir: b.dir, Before: before}, true, reload
		_, err = r.Pass(t.Context())
	}
	if hit && err == nil {
		t.Errorf("cut at %d: got nil, want an error", n)
	}
	b.pair() // what programs see before anything is repaired
	if b.agent, err = b.open(nil); err != nil {
		t.Fatalf("cut at %d: %v", n, err)
	}
	renewed := !b.pair().Equal(old)
	r := b.renewer()
	r.reload = reload
	if _, err := r.Pass(t.Context()); err != nil && hit && CodeOf(err) != codeStorage {
		t.Fatalf("cut at %d: going on: %v", n, err)
	}
	if renewed && reloads == 0 {
		t.Errorf("cut at %d: the new certificate is in place, and nothing was reloaded", n)
	}
	r.force = true
	ca.life = 3 * time.Hour
	if _, err := r.Pass(t.Context()); err != nil {
		t.Fatalf("cut at %d: renewing again: %v", n, err)
	}
	if leaf := b.pair(); time.Until(leaf.NotAfter) < 2*time.Hour+time.Minute {
		t.Errorf("cut at %d: got a certificate until %v", n, leaf.NotAfter)
	}
	return hit
}

// TestReloadUntilItSucceeds: a command that fails is run again, and told.
func TestReloadUntilItSucceeds(t *testing.T) {
	ca := newTestCA(t, time.Hour, 0)
	b := newBox(t, ca)
	ca.life = 2 * time.Hour
	r := b.renewer()
	r.force = true
	r.reload = func(ctx context.Context) error { return Shell(ctx, "echo not now; exit 3") }
	if _, err := r.Pass(t.Context()); CodeOf(err) != codeReload || !strings.Contains(err.Error(), "not now") || b.state().Error != "reload" {
		t.Errorf("got %v, state %+v", err, b.state())
	}
	mark := filepath.Join(t.TempDir(), "reloaded")
	r.force = false
	r.reload = func(ctx context.Context) error { return Shell(ctx, "touch "+mark) }
	if _, err := r.Pass(t.Context()); err != nil || b.state().Error != "" {
		t.Errorf("got %v, state %+v", err, b.state())
	}
	if _, err := os.Stat(mark); err != nil {
		t.Error(err)
	}
}

func TestDueAt(t *testing.T) {
	ca := newTestCA(t, 90*24*time.Hour, time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[time.Time]bool{}
	for range 50 {
		leaf := ca.leaf(boxID, key.Public())
		for _, received := range []time.Time{{}, leaf.NotBefore.Add(time.Hour), leaf.NotAfter.Add(-time.Minute)} {
			start := leaf.NotBefore
			if received.After(start) {
				start = received
			}
			at := dueAt(leaf, received)
			part := float64(at.Sub(start)) / float64(leaf.NotAfter.Sub(start))
			if part < 2.0/3-0.051 || part > 2.0/3+0.051 || !at.Equal(dueAt(leaf, received)) {
				t.Errorf("received %v: due at %.3f of the lifetime", received, part)
			}
		}
		seen[dueAt(leaf, time.Time{})] = true
	}
	if len(seen) < 45 {
		t.Errorf("fifty boxes come at %d times", len(seen))
	}
}

func TestBackOff(t *testing.T) {
	for _, tt := range []struct {
		failures   uint32
		life, left time.Duration
		want       time.Duration
	}{
		{1, 90 * 24 * time.Hour, 30 * 24 * time.Hour, 5 * time.Minute},
		{3, 90 * 24 * time.Hour, 30 * 24 * time.Hour, 20 * time.Minute},
		{100, 90 * 24 * time.Hour, 30 * 24 * time.Hour, 6 * time.Hour},
		{100, 90 * 24 * time.Hour, 4 * time.Hour, time.Hour},
		{1, 5 * time.Minute, 100 * time.Second, 6 * time.Second},
		{9, 5 * time.Minute, 100 * time.Second, 25 * time.Second},
		{9, 5 * time.Minute, time.Second, 2 * time.Second},
		{100, 24 * time.Hour, -time.Hour, 6 * time.Hour},
	} {
		if got := backOff(tt.failures, tt.life, tt.left, 0); got != tt.want {
			t.Errorf("%+v: got %v", tt, got)
		}
		if got := backOff(tt.failures, tt.life, tt.left, 1); got != tt.want*3/4 {
			t.Errorf("%+v, by chance: got %v", tt, got)
		}
	}
}

func TestReadAnswer(t *testing.T) {
	good := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("der")}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("der")}))
	answer := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, tt := range map[string]struct {
		status int
		body   string
		code   Code
	}{
		"chain":            {201, answer(map[string]any{"crt": "x", "certChain": []string{good, "y"}}), ""},
		"crt alone":        {201, answer(map[string]any{"crt": good}), ""},
		"a key":            {201, answer(map[string]any{"crt": key}), codeAnswer},
		"nothing":          {201, "{}", codeAnswer},
		"no JSON":          {201, "<html>", codeAnswer},
		"empty":            {201, "", codeAnswer},
		"redirect":         {302, "", codeAnswer},
		"too much":         {201, strings.Repeat("x", maxAnswer+1), codeAnswer},
		"revoked":          {401, `{"status":401,"message":"The request lacked necessary authorization"}`, codeRefused},
		"no client":        {400, `{"status":400,"message":"missing client certificate."}`, codeRefused},
		"proxy":            {502, "bad gateway", codeServer},
		"busy":             {429, "", codeServer},
		"hostile in words": {400, `{"message":"\u001b[31m` + strings.Repeat("x", 1000) + `"}`, codeRefused},
	} {
		der, err := readAnswer(tt.status, []byte(tt.body))
		if tt.code == "" {
			if err != nil || string(der) != "der" {
				t.Errorf("%s: got %q, %v", name, der, err)
			}
			continue
		}
		if CodeOf(err) != tt.code || der != nil || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 300 {
			t.Errorf("%s: got %v, want %s", name, err, tt.code)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add(201, []byte(`{"crt":"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----"}`))
	f.Add(500, []byte(`{"message":"\u0000"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		der, err := readAnswer(status, body)
		if err == nil && status != 200 && status != 201 || err != nil && der != nil {
			t.Fatalf("%d: got %q, %v", status, der, err)
		}
		if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			t.Fatalf("%q", err)
		}
	})
}

// TestFetch over real TLS: the server's certificate is judged, a redirect is not followed, the token goes nowhere else.
func TestFetch(t *testing.T) {
	var elsewhere []string
	other := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/moved/renew":
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		case r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer to.ke.n":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprintf(w, `{"crt":%q}`, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("der")}))
		}
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it is not trusted on purpose
	srv.StartTLS()
	defer srv.Close()
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	trusting := caClient{func() (*x509.CertPool, error) { return pool, nil }}
	if der, err := trusting.fetch(t.Context(), srv.URL+"/1.0/renew", "to.ke.n"); err != nil || string(der) != "der" {
		t.Errorf("got %q, %v", der, err)
	}
	for name, tt := range map[string]struct {
		c    caClient
		url  string
		code Code
	}{
		"not trusted": {caClient{func() (*x509.CertPool, error) { return x509.NewCertPool(), nil }}, srv.URL + "/renew", codeTLS},
		"moved":       {trusting, srv.URL + "/moved/renew", codeAnswer},
		"not there":   {trusting, "https://127.0.0.1:1/renew", codeNetwork},
		"no CA file":  {caClient{func() (*x509.CertPool, error) { return nil, os.ErrNotExist }}, srv.URL + "/renew", codeStorage},
		"no TLS":      {trusting, "https" + strings.TrimPrefix(plainServer(t), "http") + "/renew", codeNetwork},
	} {
		_, err := tt.c.fetch(t.Context(), tt.url, "to.ke.n")
		if CodeOf(err) != tt.code || strings.Contains(err.Error(), "to.ke.n") {
			t.Errorf("%s: got %v, want %s and no token in it", name, err, tt.code)
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("the token went elsewhere: %q", elsewhere)
	}
}

func plainServer(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	return s.URL
}

func TestRootsOf(t *testing.T) {
	ca := newTestCA(t, time.Hour, 0)
	file := func(certs ...*x509.Certificate) []byte {
		var b bytes.Buffer
		for _, c := range certs {
			if err := pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	if _, err := RootsOf(file(ca.sub, ca.root)); err != nil {
		t.Error(err)
	}
	for name, b := range map[string][]byte{"no root": file(ca.sub), "empty": nil, "junk": []byte("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")} {
		if _, err := RootsOf(b); err == nil {
			t.Errorf("%s: got nil, want an error", name)
		}
	}
}

// TestDamagedState: files that do not read are told in STATUS, and do not stop renewals.
func TestDamagedState(t *testing.T) {
	ca := newTestCA(t, time.Hour, 0)
	b := newBox(t, ca)
	ca.life = 2 * time.Hour
	if err := os.WriteFile(filepath.Join(b.dir, "renewal", "state.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := b.state(); s.Error != "storage" || s.URL != renewAt {
		t.Errorf("got %+v", s)
	}
	r := b.renewer()
	r.force = true
	if _, err := r.Pass(t.Context()); err != nil || b.state().Error != "" {
		t.Errorf("got %v, %+v", err, b.state())
	}
}
