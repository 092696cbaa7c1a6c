package stepca_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.step.sm/crypto/jose"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// device is what a device holds.
type device struct {
	id    string
	key   crypto.Signer
	chain [][]byte // leaf, Sub-CA, ICA
}

// enroll has a real CA sign for a fresh key. life "" is the CA's default.
func enroll(t *testing.T, ca *stationtest.StepCA, id, life string) device {
	t.Helper()
	key := stationtest.NewKey(t, "P-256")
	return device{id, key, ca.Enroll(stationtest.NewCSR(t, key, id), id, life)}
}

func (d device) leaf(t *testing.T) *x509.Certificate {
	t.Helper()
	return stationtest.ParseCert(t, d.chain[0])
}

func (d device) cert() tls.Certificate {
	return tls.Certificate{Certificate: d.chain, PrivateKey: d.key}
}

// take replaces the device's certificate by what was issued.
func (d *device) take(got stepca.Issued) { d.chain = append([][]byte{got.Leaf}, got.Chain...) }

// token is what the device builds and signs for a renewal.
func (d device) token(t *testing.T, audience string) stepca.Secret {
	t.Helper()
	var chain []string
	for _, der := range d.chain {
		chain = append(chain, base64.StdEncoding.EncodeToString(der))
	}
	opts := (&jose.SignerOptions{}).WithType("JWT").WithHeader("x5cInsecure", chain)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: d.key}, opts)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	text, err := jose.Signed(signer).Claims(jose.Claims{
		ID: nonce(t), Issuer: "step-ca-client/1.0", Subject: d.id, Audience: jose.Audience{audience},
		IssuedAt: jose.NewNumericDate(now), NotBefore: jose.NewNumericDate(now.Add(-time.Minute)),
		Expiry: jose.NewNumericDate(now.Add(5 * time.Minute)),
	}).CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return stepca.NewSecret([]byte(text))
}

func nonce(t *testing.T) string {
	t.Helper()
	return stationtest.NewKey(t, "P-256").(*ecdsa.PrivateKey).X.String()
}

// files writes the device's files as a real device holds them.
func (d device) files(t *testing.T, root *x509.Certificate) (cert, key, ca string) {
	t.Helper()
	dir := t.TempDir()
	der, err := x509.MarshalPKCS8PrivateKey(d.key)
	if err != nil {
		t.Fatal(err)
	}
	bundle := func(list ...[]byte) (text []byte) {
		for _, der := range list {
			text = append(text, stationtest.CertPEM(der)...)
		}
		return text
	}
	cert, key, ca = filepath.Join(dir, "device.pem"), filepath.Join(dir, "device-key.pem"), filepath.Join(dir, "ca-chain.pem")
	for path, data := range map[string][]byte{
		cert: bundle(d.chain...), key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		ca: bundle(d.chain[1], d.chain[2], root.Raw),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, ca
}

func poolOf(certs ...*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

func client(t *testing.T, url string, cfg stepca.Config) *stepca.Client {
	t.Helper()
	c, err := stepca.NewWith(url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func clientOf(t *testing.T, ca *stationtest.StepCA) *stepca.Client {
	t.Helper()
	return client(t, ca.URL, stepca.Config{Roots: poolOf(ca.PKI.Root.Cert)})
}

// classOf finds the one class in an error's chain.
func classOf(t *testing.T, err error) error {
	t.Helper()
	var found []error
	for _, class := range append(stepca.Classes(), context.Canceled) {
		if errors.Is(err, class) {
			found = append(found, class)
		}
	}
	var e *stepca.Error
	if len(found) != 1 || !errors.As(err, &e) {
		t.Fatalf("%v: got classes %v in a %T, want one in an *Error", err, found, err)
	}
	return found[0]
}

// wantClass checks the class of an error, and that it names no secret.
func wantClass(t *testing.T, what string, err, want error) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: got no error, want %v", what, want)
	}
	if got := classOf(t, err); !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
	if strings.Contains(err.Error(), "eyJ") {
		t.Errorf("%s: a token is in the error: %v", what, err)
	}
}

// until waits for a time of the real clock: certificates expire by no other.
func until(t *testing.T, at time.Time) {
	t.Helper()
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

// borrowed is a key that is somewhere else: it signs whole messages alone, and counts.
type borrowed struct {
	crypto.Signer
	signed int
}

func (b *borrowed) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("digests are not signed")
}

func (b *borrowed) SignMessage(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	b.signed++
	return crypto.SignMessage(b.Signer, rand, msg, opts)
}

// A certificate's whole life with the real CA: enrolled, renewed by mTLS and by token, rekeyed, revoked, and what the CA's
// own database (PostgreSQL) says of it in the end.
func TestRealLife(t *testing.T) {
	t.Parallel()
	db := stationtest.StartPostgres(t)
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{Postgres: db.URL})
	c, ctx := clientOf(t, ca), t.Context()
	if err := c.Health(ctx); err != nil {
		t.Fatalf("health: %v", err)
	}
	d := enroll(t, ca, "edge-0001", "")
	serials := []string{d.leaf(t).SerialNumber.String()}
	took := func(what string, got stepca.Issued, err error, pub crypto.PublicKey) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		leaf := stationtest.ParseCert(t, got.Leaf)
		if leaf.Subject.CommonName != d.id || !leaf.PublicKey.(*ecdsa.PublicKey).Equal(pub) || len(got.Chain) != 2 ||
			got.Serial != leaf.SerialNumber.String() || !got.NotAfter.Equal(leaf.NotAfter) || got.ServerTime.IsZero() {
			t.Fatalf("%s: got %+v (%s)", what, got, leaf.Subject)
		}
		serials = append(serials, got.Serial)
		d.take(got)
	}
	for range 2 {
		key := &borrowed{Signer: d.key}
		got, err := c.Renew(ctx, tls.Certificate{Certificate: d.chain, PrivateKey: key})
		took("renew by mTLS", got, err, d.key.Public())
		if key.signed != 1 {
			t.Errorf("renew by mTLS: got %d signatures, want one", key.signed)
		}
	}
	for range 2 {
		got, err := c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
		took("renew by token", got, err, d.key.Public())
	}
	next := stationtest.NewKey(t, "P-384")
	got, err := c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, next, d.id))
	took("rekey", got, err, next.Public())
	d.key = next

	why := stepca.Revocation{Reason: stepca.CessationOfOperation, Text: "decommissioned"}
	for i, want := range []bool{false, true} {
		done, err := c.Revoke(ctx, d.cert(), why)
		if err != nil || done.Already != want {
			t.Fatalf("revocation %d: got %+v, %v, want Already %v", i+1, done, err, want)
		}
	}
	_, err = c.Renew(ctx, d.cert())
	wantClass(t, "renew after revoke", err, stepca.ErrRevoked)
	_, err = c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), d.id))
	wantClass(t, "rekey after revoke", err, stepca.ErrRevoked)

	checkDatabase(t, db, serials, serials[len(serials)-1])
}

// checkDatabase: the CA's own tables hold exactly the certificates that we know of, and the one revocation.
func checkDatabase(t *testing.T, db *stationtest.Postgres, serials []string, revoked string) {
	t.Helper()
	issued := map[string]bool{}
	for line := range strings.Lines(db.SQL(t, db.URL, "SELECT convert_from(nkey, 'UTF8') FROM x509_certs")) {
		issued[strings.TrimSpace(line)] = true
	}
	for _, s := range serials {
		if !issued[s] {
			t.Errorf("certificate %s is not in the CA's database: %v", s, issued)
		}
	}
	if len(issued) != len(serials) {
		t.Errorf("got %d certificates in the CA's database, want %d: %v", len(issued), len(serials), issued)
	}
	row := db.SQL(t, db.URL, "SELECT convert_from(nkey, 'UTF8'), convert_from(nvalue, 'UTF8') FROM revoked_x509_certs")
	if strings.Count(row, "\n") != 0 || !strings.HasPrefix(row, revoked+"|") || !strings.Contains(row, `"ReasonCode":5`) ||
		!strings.Contains(row, `"Reason":"decommissioned"`) {
		t.Errorf("got revocations %q in the CA's database, want %s alone, reason 5", row, revoked)
	}
}

// Revoking without the device: the provisioner's key comes from the CA and opens with a password.
func TestRealRevoker(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{Password: "correct horse", Extra: []string{"admin"}})
	c, ctx := clientOf(t, ca), t.Context()
	password := stepca.NewSecret([]byte("correct horse"))

	list, err := c.Provisioners(ctx)
	if err != nil || len(list) != 2 {
		t.Fatalf("got %d provisioners, %v, want 2", len(list), err)
	}
	for what, tc := range map[string]struct {
		name, password string
		want           error
	}{
		"wrong password":      {"iot-bridge", "correct hors", stepca.ErrPassword},
		"no password":         {"iot-bridge", "", stepca.ErrPassword},
		"one of two":          {"", "correct horse", stepca.ErrProvisioner},
		"unknown":             {"nobody", "correct horse", stepca.ErrProvisioner},
		"key that stays away": {"admin", "correct horse", stepca.ErrProvisioner},
	} {
		_, err := c.Revoker(ctx, tc.name, stepca.NewSecret([]byte(tc.password)))
		wantClass(t, what, err, tc.want)
		if strings.Contains(err.Error(), "correct") {
			t.Errorf("%s: the password is in the error: %v", what, err)
		}
	}
	r, err := c.Revoker(ctx, "iot-bridge", password)
	if err != nil {
		t.Fatal(err)
	}
	d, other := enroll(t, ca, "edge-0001", ""), enroll(t, ca, "edge-0002", "")
	serial := d.leaf(t).SerialNumber
	for i, want := range []bool{false, true} {
		done, err := r.Revoke(ctx, serial, stepca.Revocation{Reason: stepca.KeyCompromise})
		if err != nil || done.Already != want {
			t.Fatalf("revocation %d: got %+v, %v, want Already %v", i+1, done, err, want)
		}
	}
	_, err = c.Renew(ctx, d.cert())
	wantClass(t, "renew by mTLS after revoke", err, stepca.ErrRevoked)
	_, err = c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "renew by token after revoke", err, stepca.ErrRevoked)
	if _, err := c.Renew(ctx, other.cert()); err != nil {
		t.Errorf("renew of another device: %v", err)
	}

	token, err := r.Token(other.leaf(t).SerialNumber)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.RevokeByToken(ctx, serial, token, stepca.Revocation{})
	wantClass(t, "a token for another certificate", err, stepca.ErrDenied)
	_, err = c.RevokeByToken(ctx, other.leaf(t).SerialNumber, token, stepca.Revocation{})
	wantClass(t, "a token that was used", err, stepca.ErrDenied)
	// Documented: the CA does not know what it never issued, and says ok.
	unknown, err := stepca.ParseSerial("0x1234567890abcdef")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := r.Revoke(ctx, unknown, stepca.Revocation{}); err != nil || done.Already {
		t.Errorf("a number that was never issued: got %+v, %v, want ok", done, err)
	}
}

// An expired certificate is told apart, whichever way it tries to renew; so are keys and tokens that do not fit.
func TestRealRefusals(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{
		Backdate: "0s", Claims: map[string]any{"minTLSCertDuration": "1s", "maxTLSCertDuration": "24h", "defaultTLSCertDuration": "24h"},
	})
	c, ctx := clientOf(t, ca), t.Context()
	d := enroll(t, ca, "edge-0001", "2s")
	good := enroll(t, ca, "edge-0002", "")
	until(t, d.leaf(t).NotAfter.Add(time.Second))
	_, err := c.Renew(ctx, d.cert())
	wantClass(t, "renew by mTLS", err, stepca.ErrExpired)
	var e *stepca.Error
	if errors.As(err, &e); e.Status != 0 {
		t.Errorf("renew by mTLS: got status %d, want none: it fails in TLS", e.Status)
	}
	_, err = c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, d.key, d.id))
	wantClass(t, "rekey by mTLS", err, stepca.ErrExpired)
	_, err = c.Revoke(ctx, d.cert(), stepca.Revocation{})
	wantClass(t, "revoke by mTLS", err, stepca.ErrExpired)
	_, err = c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "renew by token", err, stepca.ErrExpired)

	// The CA takes no token for a certificate that lives less than a minute, so this is one of the usual length, too.
	old := enroll(t, ca, "edge-0003", "")
	old.chain[0] = ca.Expired(old.key.Public(), old.id)
	_, err = c.RenewByToken(ctx, old.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "renew by token, a day after its end", err, stepca.ErrExpired)

	_, err = c.RenewByToken(ctx, good.token(t, "https://elsewhere.example/1.0/renew"))
	wantClass(t, "a token for another CA", err, stepca.ErrDenied)
	_, err = c.RenewByToken(ctx, good.token(t, c.Audience(stepca.OpRevoke)))
	wantClass(t, "a token for another operation", err, stepca.ErrDenied)
	thief := good
	thief.key = d.key
	_, err = c.RenewByToken(ctx, thief.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "a token by another key", err, stepca.ErrDenied)
	stranger := good
	pki := stationtest.NewPKI(t)
	stranger.chain = [][]byte{pki.Issue(t, stationtest.NewCSR(t, good.key, good.id)), pki.Sub.Cert.Raw, pki.ICA.Cert.Raw}
	_, err = c.Renew(ctx, stranger.cert())
	wantClass(t, "another CA's certificate", err, stepca.ErrDenied)
	short := good
	short.chain = good.chain[:1]
	if _, err = c.Renew(ctx, short.cert()); err != nil {
		t.Errorf("the leaf alone: got %v: the CA knows its intermediates", err)
	}
	_, err = c.RenewByToken(ctx, short.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "a token with the leaf alone", err, stepca.ErrDenied)
	used := good.token(t, c.Audience(stepca.OpRenew))
	if _, err = c.RenewByToken(ctx, used); err != nil {
		t.Errorf("a token: %v", err)
	}
	_, err = c.RenewByToken(ctx, used) // documented: not told apart
	wantClass(t, "a token that was used", err, stepca.ErrRevoked)
	// No class: nothing was sent.
	if _, err := c.Renew(ctx, thief.cert()); !errors.Is(err, stepca.ErrArgument) {
		t.Errorf("a key that is not the certificate's: got %v, want ErrArgument", err)
	}
	other := client(t, ca.URL, stepca.Config{Roots: poolOf(pki.Root.Cert)})
	_, err = other.Renew(ctx, good.cert())
	wantClass(t, "another pinned root, renew", err, stepca.ErrUntrusted)
	_, err = other.RenewByToken(ctx, good.token(t, c.Audience(stepca.OpRenew)))
	wantClass(t, "another pinned root, token", err, stepca.ErrUntrusted)
	wantClass(t, "another pinned root, health", other.Health(ctx), stepca.ErrUntrusted)
	wantClass(t, "another base path", client(t, ca.URL+"/pki", stepca.Config{Roots: poolOf(ca.PKI.Root.Cert)}).Health(ctx), stepca.ErrPath)
}

// Behind a real proxy that ends TLS mTLS is lost, and said so; tokens get through.
func TestRealProxy(t *testing.T) {
	t.Parallel()
	ca := stationtest.StartStepCA(t, stationtest.StepCAConfig{CRL: map[string]any{"enabled": true, "generateOnRevoke": true}})
	cert, key := ca.PKI.ServerFiles(t)
	proxy := stationtest.StartNginx(t, cert, key, "/pki", ca.URL)
	c, ctx := client(t, proxy.URL, stepca.Config{Roots: poolOf(ca.PKI.Root.Cert), Name: strings.TrimPrefix(ca.URL, "https://")}), t.Context()
	if err := c.Health(ctx); err != nil {
		t.Fatalf("health: %v", err)
	}
	d := enroll(t, ca, "edge-0001", "")
	_, err := c.Renew(ctx, d.cert())
	wantClass(t, "renew by mTLS", err, stepca.ErrNoClientCert)
	_, err = c.Rekey(ctx, d.cert(), stationtest.NewCSR(t, d.key, d.id))
	wantClass(t, "rekey", err, stepca.ErrNoClientCert)
	_, err = c.Revoke(ctx, d.cert(), stepca.Revocation{})
	wantClass(t, "revoke by mTLS", err, stepca.ErrNoClientCert)
	for range 2 {
		got, err := c.RenewByToken(ctx, d.token(t, c.Audience(stepca.OpRenew)))
		if err != nil {
			t.Fatalf("renew by token: %v", err)
		}
		d.take(got)
	}
	r, err := c.Revoker(ctx, "", stepca.NewSecret([]byte("hunter2")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Revoke(ctx, d.leaf(t).SerialNumber, stepca.Revocation{}); err != nil {
		t.Fatalf("revoke by token: %v", err)
	}
	list, err := c.CRL(ctx, trustOf(ca.PKI))
	if _, ok := list.Revoked(d.leaf(t).SerialNumber); err != nil || !ok {
		t.Errorf("CRL through the proxy: got revoked %v, %v, want true", ok, err)
	}
	ca.Stop()
	wantClass(t, "CA behind the proxy is gone", c.Health(ctx), stepca.ErrServer)
	proxy.Stop()
	wantClass(t, "proxy is gone", c.Health(ctx), stepca.ErrUnreachable)
}

func trustOf(p *stationtest.PKI) stepca.CRLTrust {
	return stepca.CRLTrust{
		Intermediates: []*x509.Certificate{p.Sub.Cert, p.ICA.Cert}, Roots: []*x509.Certificate{p.Root.Cert},
	}
}
