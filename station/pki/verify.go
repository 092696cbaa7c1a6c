package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"time"
)

// Answer is what a bridge returned for a CSR: two PEM texts.
type Answer struct {
	Certificate string // the leaf alone
	CAChain     string // the issuing CA; may go on towards the root, in order
}

// Policy says what a device's certificate must be, and what is trusted.
type Policy struct {
	DeviceID      string              // required
	PublicKey     crypto.PublicKey    // the CSR's; nil: any key, for a chain that is only looked at
	Roots         []*x509.Certificate // pinned trust anchors; required
	Intermediates []*x509.Certificate // known CA certificates that complete a chain; never trusted by themselves
	Now           time.Time           // required

	MinValidity    time.Duration // the whole chain must hold this much longer; 0: it must be valid now
	MaxBackdate    time.Duration // how long ago the leaf's notBefore may be; 0: not judged
	ClockSkew      time.Duration // how far in the future a notBefore may be; 0: not at all
	ClientAuthOnly bool          // refuse a leaf whose extended key usage has more than clientAuth
	MaxSize        int           // bytes of PEM in an answer; 0: [DefaultMaxAnswer]
}

// VerifyAnswer judges a bridge's answer and completes its chain to a pinned root. The error is an [*Error], the first of:
// size, private key, form, number and order of certificates, key, CN, SAN, CA:FALSE, usage, dates, chain, shelf life.
func VerifyAnswer(a Answer, p Policy) (*Chain, error) {
	limit := p.MaxSize
	if limit <= 0 {
		limit = DefaultMaxAnswer
	}
	if n := len(a.Certificate) + len(a.CAChain); n > limit {
		return nil, finding(CheckTooLarge, fmt.Sprintf("%d bytes of certificates, at most %d", n, limit))
	}
	if err := refusePrivateKey(a.Certificate, a.CAChain); err != nil {
		return nil, err
	}
	leaves, err := parsePEM(a.Certificate, "certificate", MaxChain)
	if err != nil {
		return nil, err
	}
	cas, err := parsePEM(a.CAChain, "ca_chain", MaxChain)
	if err != nil {
		return nil, err
	}
	return verify(leaves, cas, p)
}

// VerifyDER judges certificates that a device already holds: its leaf, and CA certificates in the order leaf to root,
// as in device.pem or in device.pem and ca-chain.pem together without repetition. The error is as of [VerifyAnswer].
func VerifyDER(leaf []byte, cas [][]byte, p Policy) (*Chain, error) {
	if len(cas) > MaxChain {
		return nil, finding(CheckTooLarge, fmt.Sprintf("%d CA certificates, at most %d", len(cas), MaxChain))
	}
	l, err := parseCert(leaf, "leaf")
	if err != nil {
		return nil, err
	}
	chain := make([]*x509.Certificate, 0, len(cas))
	for i, der := range cas {
		c, err := parseCert(der, fmt.Sprintf("CA certificate %d", i+1))
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
	}
	return verify([]*x509.Certificate{l}, chain, p)
}

func verify(leaves, cas []*x509.Certificate, p Policy) (*Chain, error) {
	if err := ValidDeviceID(p.DeviceID); err != nil {
		return nil, err
	}
	if p.Now.IsZero() {
		return nil, finding(CheckExpired, "no time to judge by")
	}
	if len(p.Roots) == 0 {
		return nil, finding(CheckNoAnchor, "no root is pinned")
	}
	leaf, err := oneLeaf(leaves, cas)
	if err != nil {
		return nil, err
	}
	if f := checkLeaf(leaf, &p); f != nil {
		return nil, f
	}
	chain, err := complete(leaf, cas, &p)
	if err != nil {
		return nil, err
	}
	if err := judge(chain, &p); err != nil {
		return nil, err
	}
	if err := chain.CheckShelfLife(p.Now, p.MinValidity); err != nil {
		return nil, err
	}
	return chain, nil
}

// oneLeaf wants exactly one certificate, and no further leaf among the CAs. Which of the wrong shapes it is decides what
// the error is called.
func oneLeaf(leaves, cas []*x509.Certificate) (*x509.Certificate, error) {
	if len(leaves) == 0 {
		return nil, finding(CheckNoCertificate, "the certificate is empty")
	}
	n := 0
	for _, c := range leaves {
		if !c.IsCA {
			n++
		}
	}
	for _, c := range cas {
		if !c.IsCA {
			return nil, misplaced(c, leaves)
		}
	}
	switch {
	case len(leaves) == 1:
		return leaves[0], nil
	case n > 1:
		return nil, finding(CheckSeveralLeaves, fmt.Sprintf("%d leaves, want one", n))
	case n == 1 && leaves[0].IsCA:
		return nil, finding(CheckChainOrder, "a CA certificate comes before the leaf")
	default:
		return nil, finding(CheckStray, fmt.Sprintf("%d certificates where the leaf alone belongs", len(leaves)))
	}
}

// misplaced names a certificate among the CAs that is none.
func misplaced(c *x509.Certificate, leaves []*x509.Certificate) error {
	switch {
	case len(leaves) == 1 && isCA(leaves[0]):
		return finding(CheckChainOrder, "a CA where the leaf belongs, and a leaf among the CAs")
	case c.Equal(leaves[0]) || len(c.DNSNames) > 0 || len(c.ExtKeyUsage) > 0:
		return finding(CheckSeveralLeaves, name(c)+" among the CA certificates is a leaf")
	default:
		return finding(CheckNotACA, name(c)+" among the CA certificates is no CA")
	}
}
