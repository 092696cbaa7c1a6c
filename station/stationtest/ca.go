// Package stationtest builds what tests of a bench need: certificate authorities made fresh for each test, device keys
// and requests, and certificates that are wrong on purpose. It is for tests only.
package stationtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// CA is a certificate authority with its key.
type CA struct {
	Cert *x509.Certificate
	Key  crypto.Signer
}

// PEM is the CA's certificate.
func (c *CA) PEM() string { return CertPEM(c.Cert.Raw) }

// PKI is a three-tier hierarchy: Provider Root CA, Provider ICA, Tenant Sub-CA, path lengths 2, 1, 0.
type PKI struct {
	Root, ICA, Sub *CA
	Now            time.Time
}

// PKIConfig changes a hierarchy before it is signed. The zero value makes a good one, valid at the present time.
type PKIConfig struct {
	Now      time.Time               // zero: time.Now
	Prefix   string                  // put before every CA's name
	EditRoot func(*x509.Certificate) // nil: unchanged
	EditICA  func(*x509.Certificate)
	EditSub  func(*x509.Certificate)
}

// NewPKI makes a good hierarchy.
func NewPKI(t testing.TB) *PKI {
	t.Helper()
	return NewPKIWith(t, PKIConfig{})
}

// NewPKIWith makes a hierarchy with changes.
func NewPKIWith(t testing.TB, cfg PKIConfig) *PKI {
	t.Helper()
	now := cfg.Now
	if now.IsZero() {
		now = time.Now()
	}
	now = now.UTC().Truncate(time.Second)
	p := &PKI{Now: now}
	year := 365 * 24 * time.Hour
	p.Root = NewCA(t, nil, CATemplate(cfg.Prefix+"Provider Root CA", 2, now, 10*year), cfg.EditRoot)
	p.ICA = NewCA(t, p.Root, CATemplate(cfg.Prefix+"Provider ICA", 1, now, 5*year), cfg.EditICA)
	p.Sub = NewCA(t, p.ICA, CATemplate(cfg.Prefix+"Tenant Sub-CA", 0, now, 2*year), cfg.EditSub)
	return p
}

// CATemplate is a CA certificate to be signed, valid from an hour before now.
func CATemplate(cn string, pathLen int, now time.Time, life time.Duration) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: cn},
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            pathLen,
		MaxPathLenZero:        pathLen == 0,
	}
}

// NewCA signs a CA certificate for a fresh P-256 key. parent nil makes it self-signed.
func NewCA(t testing.TB, parent *CA, tmpl *x509.Certificate, edits ...func(*x509.Certificate)) *CA {
	t.Helper()
	key := NewKey(t, "P-256")
	for _, edit := range edits {
		if edit != nil {
			edit(tmpl)
		}
	}
	if parent == nil {
		parent = &CA{Cert: tmpl, Key: key}
	}
	return &CA{Cert: ParseCert(t, Sign(t, parent, tmpl, key.Public())), Key: key}
}

// Sign signs tmpl for pub. A serial number is made where there is none.
func Sign(t testing.TB, by *CA, tmpl *x509.Certificate, pub crypto.PublicKey) []byte {
	t.Helper()
	if tmpl.SerialNumber == nil {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
		if err != nil {
			t.Fatalf("make serial number: %v", err)
		}
		tmpl.SerialNumber = serial.Add(serial, big.NewInt(1))
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, by.Cert, pub, by.Key)
	if err != nil {
		t.Fatalf("sign %q: %v", tmpl.Subject.CommonName, err)
	}
	return der
}

// Leaf is a device certificate about to be signed.
type Leaf struct {
	Template  *x509.Certificate
	PublicKey crypto.PublicKey
	By        *CA
}

// LeafOption makes a leaf differ from a good one.
type LeafOption func(*Leaf)

// Edit changes the template.
func Edit(f func(*x509.Certificate)) LeafOption { return func(l *Leaf) { f(l.Template) } }

// Lifetime sets the leaf's dates.
func Lifetime(notBefore, notAfter time.Time) LeafOption {
	return Edit(func(c *x509.Certificate) { c.NotBefore, c.NotAfter = notBefore, notAfter })
}

// CommonName sets another CN.
func CommonName(cn string) LeafOption {
	return Edit(func(c *x509.Certificate) { c.Subject.CommonName = cn })
}

// DNSNames sets another SAN.
func DNSNames(names ...string) LeafOption {
	return Edit(func(c *x509.Certificate) { c.DNSNames = names })
}

// ExtKeyUsage sets another extended key usage.
func ExtKeyUsage(eku ...x509.ExtKeyUsage) LeafOption {
	return Edit(func(c *x509.Certificate) { c.ExtKeyUsage = eku })
}

// AsCA makes the leaf CA:TRUE.
func AsCA() LeafOption { return Edit(func(c *x509.Certificate) { c.IsCA = true }) }

// ForKey certifies another key than the CSR's.
func ForKey(pub crypto.PublicKey) LeafOption { return func(l *Leaf) { l.PublicKey = pub } }

// SignedBy has another CA sign.
func SignedBy(ca *CA) LeafOption { return func(l *Leaf) { l.By = ca } }

// Issue signs a leaf for a CSR as the recorded tenant stack does: CN and SAN = the CSR's CN, KU digitalSignature, EKU
// clientAuth, CA:FALSE, 24 hours from a minute ago. The result is DER.
func (p *PKI) Issue(t testing.TB, csr []byte, opts ...LeafOption) []byte {
	t.Helper()
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatalf("parse CSR: %v", err)
	}
	leaf := &Leaf{PublicKey: req.PublicKey, By: p.Sub, Template: &x509.Certificate{
		Subject: pkix.Name{
			Organization: []string{"CDM IoT Platform"}, OrganizationalUnit: []string{"Devices"}, CommonName: req.Subject.CommonName,
		},
		DNSNames:              []string{req.Subject.CommonName},
		NotBefore:             p.Now.Add(-time.Minute),
		NotAfter:              p.Now.Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}}
	for _, o := range opts {
		o(leaf)
	}
	return Sign(t, leaf.By, leaf.Template, leaf.PublicKey)
}

// NewKey makes a key: P-256, P-384, P-521, Ed25519 or RSA-2048.
func NewKey(t testing.TB, kind string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "P-256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "P-384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "P-521":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	case "RSA-2048":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		t.Fatalf("make key: unknown kind %q", kind)
	}
	if err != nil {
		t.Fatalf("make %s key: %v", kind, err)
	}
	return key
}

// NewCSR makes a device's request with CN and SAN = id, in DER.
func NewCSR(t testing.TB, key crypto.Signer, id string, edits ...func(*x509.CertificateRequest)) []byte {
	t.Helper()
	tmpl := &x509.CertificateRequest{Subject: pkix.Name{CommonName: id}, DNSNames: []string{id}}
	for _, edit := range edits {
		edit(tmpl)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, tmpl, key)
	if err != nil {
		t.Fatalf("make CSR: %v", err)
	}
	return der
}

// ParseCert parses one certificate.
func ParseCert(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatalf("parse certificate: %v", err)
	}
	return cert
}

// CertPEM encodes one certificate.
func CertPEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
