package mqttcheck

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"
)

// anchors are the certificates of the device's CA file, sorted as OpenSSL
// clients use them: self-signed roots end a chain (without
// X509_V_FLAG_PARTIAL_CHAIN nothing else does), the rest only helps to build it.
type anchors struct {
	roots, helpers []*x509.Certificate
}

func newAnchors(certs []*x509.Certificate) anchors {
	var a anchors
	for _, c := range certs {
		switch {
		case c == nil:
		case selfSigned(c):
			a.roots = append(a.roots, c)
		default:
			a.helpers = append(a.helpers, c)
		}
	}
	return a
}

// selfSigned reports a self-signed certificate. A signature by an algorithm that
// is no longer accepted (old SHA-1 roots) does not count against it: nobody
// checks the signature of an anchor.
func selfSigned(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawSubject, c.RawIssuer) {
		return false
	}
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var old x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &old)
}

// verify judges the broker's chain, leaf first: path, dates, serverAuth, name.
func (a anchors) verify(chain []*x509.Certificate, name string, now time.Time) error {
	return verifyWith(a.roots, a.helpers, chain, name, now)
}

// onlyPartial reports that the chain would pass if any certificate of the file
// could be an anchor: the file lacks the root.
func (a anchors) onlyPartial(chain []*x509.Certificate, name string, now time.Time) bool {
	return len(a.helpers) > 0 && verifyWith(a.helpers, a.roots, chain, name, now) == nil
}

func verifyWith(roots, helpers, chain []*x509.Certificate, name string, now time.Time) error {
	if len(chain) == 0 {
		return errors.New("the broker sent no certificate")
	}
	opts := x509.VerifyOptions{
		CurrentTime:   now,
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range roots {
		opts.Roots.AddCert(c)
	}
	for _, c := range helpers {
		opts.Intermediates.AddCert(c)
	}
	for _, c := range chain[1:] {
		opts.Intermediates.AddCert(c)
	}
	// The path comes first: Verify itself would complain of the name of a broker
	// that is not even ours.
	if _, err := chain[0].Verify(opts); err != nil {
		return err
	}
	return chain[0].VerifyHostname(name)
}
