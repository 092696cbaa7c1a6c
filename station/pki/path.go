package pki

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxSignatureChecks bounds the work a hostile answer can cause: many CAs of one name and one key.
const maxSignatureChecks = 64

// builder searches a path from the leaf to a pinned root. The first thing that went wrong is kept, because candidates are
// tried best first: the answer's in their order, known ones after.
type builder struct {
	candidates []*x509.Certificate // the answer's first
	answer     int                 // how many of them are the answer's
	roots      []*x509.Certificate
	budget     int
	err        *Error
}

// complete finds the path and holds the answer's CA certificates against it.
func complete(leaf *x509.Certificate, cas []*x509.Certificate, p *Policy) (*Chain, error) {
	b := &builder{answer: len(cas), roots: p.Roots, budget: maxSignatureChecks}
	b.candidates = append(slices.Clone(cas), p.Intermediates...)
	path := b.extend([]*x509.Certificate{leaf})
	if path == nil {
		return nil, b.err
	}
	n := len(path) - 1
	chain := &Chain{Leaf: leaf, Intermediates: path[1:n:n], Root: path[n]}
	if f := checkOrder(path[1:], cas); f != nil {
		return nil, f
	}
	return chain, nil
}

// extend returns the path up to a root, nil if there is none.
func (b *builder) extend(path []*x509.Certificate) []*x509.Certificate {
	top := path[len(path)-1]
	var named *x509.Certificate // an issuer by name whose key did not sign top
	for _, r := range b.roots {
		if bytes.Equal(top.RawIssuer, r.RawSubject) {
			if b.signed(top, r) {
				return append(slices.Clone(path), r)
			}
			named = r
		}
	}
	if len(path) > MaxChain {
		b.fail(finding(CheckPath, fmt.Sprintf("a path of more than %d certificates", MaxChain)))
		return nil
	}
	for _, c := range b.candidates {
		if !bytes.Equal(top.RawIssuer, c.RawSubject) || selfIssued(c) && b.pinned(c) || inPath(path, c) {
			continue
		}
		if !b.signed(top, c) {
			named = c
			continue
		}
		if found := b.extend(append(slices.Clone(path), c)); found != nil {
			return found
		}
	}
	b.fail(b.explain(path, named))
	return nil
}

func (b *builder) signed(child, parent *x509.Certificate) bool {
	if b.budget == 0 {
		return false
	}
	b.budget--
	// Not CheckSignatureFrom: whether the parent may sign is judged later, under its own name.
	return parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature) == nil
}

func (b *builder) fail(e *Error) {
	if b.err == nil {
		b.err = e
	}
}

func (b *builder) pinned(c *x509.Certificate) bool { return slices.ContainsFunc(b.roots, c.Equal) }

func inPath(path []*x509.Certificate, c *x509.Certificate) bool {
	return slices.ContainsFunc(path, c.Equal)
}

// explain says why no issuer was found for the last certificate of a path.
func (b *builder) explain(path []*x509.Certificate, named *x509.Certificate) *Error {
	top := path[len(path)-1]
	switch {
	case named != nil:
		if len(top.AuthorityKeyId) > 0 && len(named.SubjectKeyId) > 0 && bytes.Equal(top.AuthorityKeyId, named.SubjectKeyId) {
			return finding(CheckBadSignature, fmt.Sprintf("the signature of %s is not by the key of its issuer %s", name(top), name(named)))
		}
		return finding(CheckOtherCA, fmt.Sprintf("%s is issued by another CA that calls itself %s too", name(top), name(named)))
	case len(path) > 1 && selfIssued(top):
		return finding(CheckOtherCA, fmt.Sprintf("the chain ends in root %s, which is not pinned", name(top)))
	case b.foreign(path):
		return finding(CheckOtherCA, fmt.Sprintf("%s is issued by %s, which is no part of the pinned hierarchy", name(top), issuer(top)))
	default:
		return finding(CheckMissingIntermediate, fmt.Sprintf("%s is issued by %s, whose certificate is not there", name(top), issuer(top)))
	}
}

// foreign guesses whether an unknown issuer is another CA or a gap in ours. A leaf beside a CA certificate of a hierarchy
// that is not ours is foreign. A CA certificate is foreign where intermediates are known that do lead to a pinned root:
// then our hierarchy has no gap.
func (b *builder) foreign(path []*x509.Certificate) bool {
	if len(path) == 1 {
		return slices.ContainsFunc(b.candidates[:b.answer], func(c *x509.Certificate) bool { return !b.leadsHome(c) })
	}
	return slices.ContainsFunc(b.candidates[b.answer:], b.leadsHome)
}

// leadsHome reports whether c reaches a pinned root through what is known.
func (b *builder) leadsHome(c *x509.Certificate) bool { return b.pinned(c) || b.reaches(c, 0) }

func (b *builder) reaches(c *x509.Certificate, depth int) bool {
	for _, r := range b.roots {
		if bytes.Equal(c.RawIssuer, r.RawSubject) && b.signed(c, r) {
			return true
		}
	}
	if depth == MaxChain {
		return false
	}
	return slices.ContainsFunc(b.candidates, func(i *x509.Certificate) bool {
		return !i.Equal(c) && bytes.Equal(c.RawIssuer, i.RawSubject) && b.signed(c, i) && b.reaches(i, depth+1)
	})
}

// checkOrder wants the answer's CA certificates to be the path's beginning: issuing CA first, each issued by the next,
// none twice, none beside it.
func checkOrder(path, cas []*x509.Certificate) *Error {
	for i, c := range cas {
		switch at := slices.IndexFunc(path, c.Equal); {
		case at < 0:
			return finding(CheckStray, name(c)+" is no part of the leaf's chain")
		case at != i:
			return finding(CheckChainOrder, fmt.Sprintf("%s is at place %d of the CA certificates, want place %d", name(c), i+1, at+1))
		}
	}
	return nil
}

// judge applies what OpenSSL applies to a finished path (X509_verify_cert: check_extensions, check_chain dates, name
// constraints by way of crypto/x509), for the purpose of a TLS client's certificate.
func judge(chain *Chain, p *Policy) error {
	path := append(append([]*x509.Certificate{chain.Leaf}, chain.Intermediates...), chain.Root)
	below := 0 // CA certificates under this one that are not self-issued (RFC 5280 6.1.4 l)
	for i := 1; i < len(path); i++ {
		c := path[i]
		if f := checkCA(c, p); f != nil {
			return f
		}
		if f := checkKeyID(path[i-1], c); f != nil {
			return f
		}
		if c.MaxPathLen >= 0 && below > c.MaxPathLen {
			return finding(CheckPathLength, fmt.Sprintf("%s allows %d CA certificates below it, the chain has %d", name(c), c.MaxPathLen, below))
		}
		if !selfIssued(c) {
			below++
		}
	}
	if err := checkRoot(chain.Root); err != nil {
		return err
	}
	return judgeGo(chain, path, p)
}

func checkCA(c *x509.Certificate, p *Policy) *Error {
	if !isCA(c) {
		return finding(CheckNotACA, name(c)+" issues certificates but is no CA")
	}
	if _, n := findExtension(c.Extensions, oidKeyUsage); n > 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		return finding(CheckCAKeyUsage, name(c)+" issues certificates but its keyUsage lacks keyCertSign")
	}
	// OpenSSL counts anyExtendedKeyUsage for nothing here.
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) > 0 && !slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) {
		return finding(CheckCAEKU, name(c)+" has an extendedKeyUsage without clientAuth")
	}
	return checkCommon(c, p)
}

// checkKeyID holds a certificate's authority key identifier against its issuer (RFC 5280 4.2.1.1). OpenSSL passes over an
// issuer that it does not name, so the device would find no chain.
func checkKeyID(child, parent *x509.Certificate) *Error {
	if len(child.AuthorityKeyId) > 0 && len(parent.SubjectKeyId) > 0 && !bytes.Equal(child.AuthorityKeyId, parent.SubjectKeyId) {
		return finding(CheckKeyID, fmt.Sprintf("the authority key identifier of %s does not name %s", name(child), name(parent)))
	}
	ext, n := findExtension(child.Extensions, oidAuthorityKeyID)
	if n == 0 {
		return nil
	}
	s := cryptobyte.String(ext.Value)
	var body, serial cryptobyte.String
	var present bool
	if !s.ReadASN1(&body, cbasn1.SEQUENCE) ||
		!body.SkipOptionalASN1(cbasn1.Tag(0).ContextSpecific()) ||
		!body.SkipOptionalASN1(cbasn1.Tag(1).ContextSpecific().Constructed()) ||
		!body.ReadOptionalASN1(&serial, &present, cbasn1.Tag(2).ContextSpecific()) {
		return findingErr(CheckKeyID, "authority key identifier of "+name(child), errMalformed)
	}
	if present && new(big.Int).SetBytes(serial).Cmp(parent.SerialNumber) != 0 {
		return finding(CheckKeyID, fmt.Sprintf("the authority key identifier of %s names another serial number than %s has", name(child), name(parent)))
	}
	return nil
}

// judgeGo asks crypto/x509 too: it knows name constraints, and what both accept no client we meet refuses.
func judgeGo(chain *Chain, path []*x509.Certificate, p *Policy) error {
	now := p.Now
	for _, c := range path {
		if c.NotBefore.After(now) { // within the skew that checkCommon allowed
			now = c.NotBefore
		}
	}
	opts := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	opts.Roots.AddCert(chain.Root)
	for _, c := range chain.Intermediates {
		opts.Intermediates.AddCert(c)
	}
	if _, err := chain.Leaf.Verify(opts); err != nil {
		return findingErr(CheckPath, "crypto/x509 refuses the chain", err)
	}
	return nil
}
