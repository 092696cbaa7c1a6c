package conform

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"

	"provstation/serialproto"
)

// issuer is one certificate authority.
type issuer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// authority is a throwaway tenant: root, intermediate, sub CA, and a key that unlocks devices. Other is a root of somebody else.
type authority struct {
	root, ica, sub, other issuer
	unlock                crypto.Signer
}

// life of certificates: long enough for a device whose clock is off.
const life = 10 * 365 * 24 * time.Hour

func newAuthority() (a authority, err error) {
	if a.unlock, err = newSigner(); err != nil {
		return a, err
	}
	if a.root, err = newIssuer(nil, "Conformance Root", 2); err != nil {
		return a, err
	}
	if a.ica, err = newIssuer(&a.root, "Conformance ICA", 1); err != nil {
		return a, err
	}
	if a.sub, err = newIssuer(&a.ica, "Conformance Sub-CA", 0); err != nil {
		return a, err
	}
	a.other, err = newIssuer(nil, "Conformance Other", 0)
	return a, err
}

func newSigner() (crypto.Signer, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make throwaway key: %w", err)
	}
	return k, nil
}

func newIssuer(parent *issuer, name string, pathLen int) (issuer, error) {
	key, err := newSigner()
	if err != nil {
		return issuer{}, err
	}
	self := issuer{key: key}
	if parent == nil {
		parent = &self
	}
	cert, err := parent.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, MaxPathLen: pathLen,
		MaxPathLenZero: pathLen == 0, KeyUsage: x509.KeyUsageCertSign,
	}, key.Public())
	return issuer{cert, key}, err
}

// issue makes a certificate; its dates are set where the template has none.
func (i issuer) issue(tmpl *x509.Certificate, pub crypto.PublicKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, fmt.Errorf("draw serial number: %w", err)
	}
	tmpl.SerialNumber = serial
	if tmpl.NotBefore.IsZero() {
		tmpl.NotBefore = time.Now().Add(-time.Hour)
		tmpl.NotAfter = tmpl.NotBefore.Add(life)
	}
	parent := i.cert
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, i.key)
	if err != nil {
		return nil, fmt.Errorf("issue throwaway certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// leafTemplate is a device's certificate.
func leafTemplate(id string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: id}, DNSNames: []string{id}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// serverTemplate is a broker's certificate.
func serverTemplate(name string, usage x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
}

// chain is what INSTALL brings beside the leaf.
func (a authority) chain() [][]byte {
	return [][]byte{a.sub.cert.Raw, a.ica.cert.Raw, a.root.cert.Raw}
}

// pin is the unlock key as a device keeps it.
func (a authority) pin() ([]byte, error) { return serialproto.UnlockPin(a.unlock.Public()) }

// issued is issue for cases: what fails is the suite's own doing.
func (d *dut) issued(i issuer, tmpl *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
	c, err := i.issue(tmpl, pub)
	if err != nil {
		panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
	}
	return c
}
