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
