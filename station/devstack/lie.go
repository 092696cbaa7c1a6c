package devstack

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"go.step.sm/crypto/keyutil"
	"go.step.sm/crypto/pemutil"
	"go.step.sm/crypto/x509util"
)

// Lie is what is wrong with an answer that looks right.
type Lie string

// Lies.
const (
	Honest        Lie = ""
	LieKey        Lie = "wrong-key"   // the certificate is for another key
	LieID         Lie = "wrong-id"    // the certificate is for another device id
	LieChain      Lie = "other-chain" // a CA signed it that only has the name of the tenant's
	LieExpired    Lie = "expired"     // it ended yesterday
	LiePrivateKey Lie = "private-key" // a private key comes with it
	LieOversize   Lie = "oversize"    // the answer is larger than any right one
)

// Lies lists them all.
func Lies() []Lie { return []Lie{LieKey, LieID, LieChain, LieExpired, LiePrivateKey, LieOversize} }

// oversize is more than a client should take, bytes.
const oversize = 1 << 20

// text is the leaf as it is put into the answer.
func (l Lie) text(leaf *x509.Certificate) string {
	text := string(certPEM(leaf))
	switch l {
	case LiePrivateKey:
		if key, err := keyutil.GenerateSigner("EC", "P-256", 0); err == nil {
			if block, err := pemutil.Serialize(key); err == nil {
				text += string(pem.EncodeToMemory(block))
			}
		}
	case LieOversize:
		text += strings.Repeat("\n", oversize)
	}
	return text
}

// sign has the CA sign, or signs a lie with the CA's key. Whatever the CA's key has signed is in its list.
func (b *Bridge) sign(ctx context.Context, csr *x509.CertificateRequest, id string, lie Lie) (leaf, ca *x509.Certificate, err error) {
	switch lie {
	case LieKey:
		leaf, err = b.otherKey(id)
		ca = b.pki.sub
	case LieID:
		leaf, err = b.pki.signLeaf(csr, id+"-other")
		ca = b.pki.sub
	case LieExpired:
		past := *b.pki
		past.now = func() time.Time { return b.pki.now().Add(-2 * past.leafValidity) }
		leaf, err = past.signLeaf(csr, id)
		ca = b.pki.sub
	case LieChain:
		return b.otherChain(csr, id) // the tenant's CA never hears of it
	default:
		leaf, ca, err = b.signer.sign(ctx, csr, id)
	}
	if err != nil {
		return nil, nil, err
	}
	b.note(leaf, csr, id)
	return leaf, ca, nil
}

// otherKey signs a leaf for a key that nobody has.
func (b *Bridge) otherKey(id string) (*x509.Certificate, error) {
	key, err := keyutil.GenerateSigner("EC", "P-256", 0)
	if err != nil {
		return nil, fmt.Errorf("key of a lie: %w", err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: id}}, key)
	if err != nil {
		return nil, fmt.Errorf("request of a lie: %w", err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("request of a lie: %w", err)
	}
	return b.pki.signLeaf(csr, id)
}

// otherChain signs with a CA that has the name of the tenant's Sub-CA and another key.
func (b *Bridge) otherChain(csr *x509.CertificateRequest, id string) (leaf, ca *x509.Certificate, err error) {
	key, err := keyutil.GenerateSigner("EC", "P-256", 0)
	if err != nil {
		return nil, nil, fmt.Errorf("CA of a lie: %w", err)
	}
	tmpl := &x509.Certificate{
		Subject: b.pki.sub.Subject, NotBefore: b.pki.sub.NotBefore, NotAfter: b.pki.sub.NotAfter,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	if ca, err = x509util.CreateCertificate(tmpl, tmpl, key.Public(), key); err != nil {
		return nil, nil, fmt.Errorf("CA of a lie: %w", err)
	}
	other := *b.pki
	other.sub, other.subKey, other.keep = ca, key, nil
	leaf, err = other.signLeaf(csr, id)
	return leaf, ca, err
}
