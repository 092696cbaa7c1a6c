package pki

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
)

// LoadRoots reads a PEM file of trust anchors: at least one, each a self-signed CA whose signature is its own, nothing
// else in the file. Dates are judged when a chain is. The error is an [*Error].
func LoadRoots(pemText []byte) ([]*x509.Certificate, error) {
	certs, err := loadCAs(pemText, "roots")
	if err != nil {
		return nil, err
	}
	for _, c := range certs {
		if err := checkRoot(c); err != nil {
			return nil, err
		}
	}
	return certs, nil
}

// LoadIntermediates reads a PEM file of CA certificates that complete chains. They are help, not trust: only a pinned
// root ends a chain. Self-signed certificates are refused, so that a roots file in the wrong place is noticed. The error
// is an [*Error].
func LoadIntermediates(pemText []byte) ([]*x509.Certificate, error) {
	certs, err := loadCAs(pemText, "intermediates")
	if err != nil {
		return nil, err
	}
	for _, c := range certs {
		if selfIssued(c) {
			return nil, finding(CheckStray, name(c)+" is a root, not an intermediate")
		}
	}
	return certs, nil
}

func loadCAs(pemText []byte, what string) ([]*x509.Certificate, error) {
	if len(pemText) > MaxAnchorFile {
		return nil, finding(CheckTooLarge, fmt.Sprintf("%s: %d bytes, at most %d", what, len(pemText), MaxAnchorFile))
	}
	text := string(pemText)
	if err := refusePrivateKey(text); err != nil {
		return nil, err
	}
	certs, err := parsePEM(text, what, MaxAnchors)
	if err != nil {
		return nil, err
	}
	if len(certs) == 0 {
		return nil, finding(CheckNoCertificate, what+": no certificate")
	}
	for _, c := range certs {
		if !isCA(c) {
			return nil, finding(CheckNotACA, name(c)+" is no CA certificate")
		}
	}
	return certs, nil
}

func checkRoot(c *x509.Certificate) error {
	if !isCA(c) {
		return finding(CheckNotACA, name(c)+" is no CA certificate")
	}
	if !selfIssued(c) {
		return finding(CheckNotARoot, name(c)+" is issued by "+issuer(c)+", a root is self-signed")
	}
	if w := weak(c); w != "" {
		return finding(CheckWeakKey, name(c)+": "+w)
	}
	if err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature); err != nil {
		return findingErr(CheckNotARoot, name(c)+" is not signed by its own key", err)
	}
	return nil
}

// PinRoot finds the root with this fingerprint (SHA-256 of DER, hex, colons allowed) in a PEM text fetched without
// trust, such as step-ca's /roots.pem or /root/{sha}. The error is an [*Error], [CheckFingerprint] if it is not there.
func PinRoot(pemText []byte, sha256hex string) (*x509.Certificate, error) {
	if _, err := ParseFingerprint(sha256hex); err != nil {
		return nil, err
	}
	roots, err := LoadRoots(pemText)
	if err != nil {
		return nil, err
	}
	for _, c := range roots {
		if MatchesFingerprint(c, sha256hex) {
			return c, nil
		}
	}
	return nil, finding(CheckFingerprint, fmt.Sprintf("none of %d roots has the pinned fingerprint, the first is %s", len(roots), Fingerprint(roots[0])))
}

// ParseFingerprint reads a SHA-256 fingerprint: 64 hex digits of either case, optionally with colons between bytes.
func ParseFingerprint(s string) ([32]byte, error) {
	var out [32]byte
	if strings.Count(s, ":") == 31 {
		for i := 2; i < len(s); i += 3 {
			if s[i] != ':' {
				return out, finding(CheckFingerprint, "colons belong between bytes")
			}
		}
		s = strings.ReplaceAll(s, ":", "")
	}
	if len(s) != 64 {
		return out, finding(CheckFingerprint, "a SHA-256 fingerprint is 64 hex digits")
	}
	if _, err := hex.Decode(out[:], []byte(s)); err != nil {
		return [32]byte{}, finding(CheckFingerprint, "a SHA-256 fingerprint is 64 hex digits")
	}
	return out, nil
}

// MatchesFingerprint reports whether cert's DER has this SHA-256 fingerprint, in any form [ParseFingerprint] reads.
func MatchesFingerprint(cert *x509.Certificate, sha256hex string) bool {
	want, err := ParseFingerprint(sha256hex)
	if err != nil || cert == nil {
		return false
	}
	got := sha256.Sum256(cert.Raw)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// Fingerprint is the SHA-256 of a certificate's DER, 64 lower-case hex digits.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

func isCA(c *x509.Certificate) bool { return c.Version == 3 && c.BasicConstraintsValid && c.IsCA }

func selfIssued(c *x509.Certificate) bool { return bytes.Equal(c.RawSubject, c.RawIssuer) }

func name(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return fmt.Sprintf("%q", clean(c.Subject.CommonName))
	}
	return fmt.Sprintf("%q", clean(c.Subject.String()))
}

func issuer(c *x509.Certificate) string {
	if c.Issuer.CommonName != "" {
		return fmt.Sprintf("%q", clean(c.Issuer.CommonName))
	}
	return fmt.Sprintf("%q", clean(c.Issuer.String()))
}
