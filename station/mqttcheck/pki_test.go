package mqttcheck

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

const deviceID = "box-0042"

// authority is a CA with its certificate.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// tenant is a fresh three-tier PKI: Provider Root, Provider ICA, Tenant Sub-CA.
type tenant struct {
	root, ica, sub authority
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, tmpl *x509.Certificate, pub crypto.PublicKey, by *authority, own crypto.Signer) *x509.Certificate {
	t.Helper()
	var err error
	if tmpl.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		t.Fatal(err)
	}
	if tmpl.NotBefore.IsZero() {
		tmpl.NotBefore = time.Now().Add(-time.Hour)
	}
	if tmpl.NotAfter.IsZero() {
		tmpl.NotAfter = time.Now().Add(24 * time.Hour)
	}
	parent, key := tmpl, own
	if by != nil {
		parent, key = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newCA(t testing.TB, name string, pathLen int, by *authority) authority {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		MaxPathLen: pathLen, MaxPathLenZero: pathLen == 0, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return authority{sign(t, tmpl, key.Public(), by, key), key}
}

func newTenant(t testing.TB) *tenant {
	t.Helper()
	root := newCA(t, "Provider Root CA", 2, nil)
	ica := newCA(t, "Provider ICA", 1, &root)
	sub := newCA(t, "Tenant Sub-CA", 0, &ica)
	return &tenant{root, ica, sub}
}

func (p *tenant) chain(leaf *x509.Certificate) [][]byte {
	return [][]byte{leaf.Raw, p.sub.cert.Raw, p.ica.cert.Raw}
}

// device makes an identity; edit may change the leaf's template.
func (p *tenant) device(t testing.TB, key crypto.Signer, edit ...func(*x509.Certificate)) Identity {
	t.Helper()
	tmpl := &x509.Certificate{
		Subject: pkix.Name{CommonName: deviceID}, DNSNames: []string{deviceID},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	for _, f := range edit {
		f(tmpl)
	}
	return Identity{ClientID: deviceID, Chain: p.chain(sign(t, tmpl, key.Public(), &p.sub, nil)), Signer: &remoteKey{key: key}}
}

// server makes the broker's certificate for broker.test and 127.0.0.1.
func (p *tenant) server(t testing.TB, edit ...func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key := newKey(t)
	tmpl := &x509.Certificate{
		Subject: pkix.Name{CommonName: "broker"}, DNSNames: []string{"broker.test"}, IPAddresses: []net.IP{{127, 0, 0, 1}},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, f := range edit {
		f(tmpl)
	}
	return tls.Certificate{Certificate: p.chain(sign(t, tmpl, key.Public(), &p.sub, nil)), PrivateKey: key}
}

// caFile is what the device's CA file holds.
func (p *tenant) caFile() []*x509.Certificate {
	return []*x509.Certificate{p.sub.cert, p.ica.cert, p.root.cert}
}

// serverTLS is a listener that requires client certificates and trusts only the
// root.
func (p *tenant) serverTLS(t testing.TB) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(p.root.cert)
	return &tls.Config{
		Certificates: []tls.Certificate{p.server(t)},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: pool,
	}
}

func expired(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
}

var errDigest = errors.New("this device signs no digests")

// remoteKey stands for the device: it signs whole messages and no digests.
type remoteKey struct {
	key   crypto.Signer
	calls atomic.Int32
	sizes []int // of the messages
	fail  error
	hang  <-chan struct{}
	spoil bool
}

func (k *remoteKey) Public() crypto.PublicKey { return k.key.Public() }

func (k *remoteKey) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errDigest
}

func (k *remoteKey) SignMessage(rnd io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.calls.Add(1)
	k.sizes = append(k.sizes, len(msg))
	if k.hang != nil {
		<-k.hang
	}
	if k.fail != nil {
		return nil, k.fail
	}
	if k.spoil {
		msg = append([]byte("x"), msg...)
	}
	if _, ok := k.key.(ed25519.PrivateKey); ok {
		return k.key.Sign(rnd, msg, opts)
	}
	h := opts.HashFunc().New()
	h.Write(msg)
	return k.key.Sign(rnd, h.Sum(nil), opts)
}

func writePEM(t testing.TB, dir, name, kind string, ders ...[]byte) string {
	t.Helper()
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
