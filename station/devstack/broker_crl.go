package devstack

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// revocations is how the broker knows what is revoked: it asks the CA for its list at each connection, and judges a client's
// certificate by it as OpenSSL and with it mosquitto do (crlfile). What cannot be judged is refused.
type revocations struct {
	url    string
	issuer *x509.Certificate
	client *http.Client
	now    func() time.Time
}

func newRevocations(url string, a *authority) *revocations {
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	return &revocations{url: url + "/1.0/crl", issuer: a.sub, now: a.now, client: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}},
	}}
}

// maxList bounds a list, bytes.
const maxList = 4 << 20

var (
	errRevoked = errors.New("this certificate is revoked")
	errScope   = errors.New("the list of revoked certificates is not for this certificate")
)

// check judges a client's certificate. A nil *revocations accepts all.
func (r *revocations) check(leaf *x509.Certificate) error {
	if r == nil {
		return nil
	}
	list, err := r.fetch()
	if err != nil {
		return fmt.Errorf("list of revoked certificates: %w", err)
	}
	if now := r.now(); now.Before(list.ThisUpdate) || now.After(list.NextUpdate) {
		return errors.New("list of revoked certificates: it is not of today")
	}
	if !covers(list, leaf) {
		return errScope
	}
	const removeFromCRL = 8 // RFC 5280 5.3.1; OpenSSL takes it as not revoked
	for _, e := range list.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(leaf.SerialNumber) == 0 && e.ReasonCode != removeFromCRL {
			return errRevoked
		}
	}
	return nil
}

func (r *revocations) fetch() (*x509.RevocationList, error) {
	res, err := r.client.Get(r.url) //nolint:noctx // a TLS callback has none; the client's timeout ends it
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	der, err := io.ReadAll(io.LimitReader(res.Body, maxList+1))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the CA answers %d", res.StatusCode)
	case len(der) > maxList:
		return nil, fmt.Errorf("longer than %d bytes", maxList)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	return list, list.CheckSignatureFrom(r.issuer)
}

// covers reports whether a list is for a certificate: the same issuer, and where the list names its place, the certificate
// names it, too (RFC 5280 6.3.3 b).
func covers(list *x509.RevocationList, leaf *x509.Certificate) bool {
	if !bytes.Equal(list.RawIssuer, leaf.RawIssuer) {
		return false
	}
	for _, x := range list.Extensions {
		if !x.Id.Equal(oidIssuingDistributionPoint) {
			continue
		}
		for _, url := range leaf.CRLDistributionPoints {
			if point, err := distributionPoint(url); err == nil && bytes.Equal(point, x.Value) {
				return true
			}
		}
		return false
	}
	return true
}

func (r *revocations) close() {
	if r != nil {
		r.client.CloseIdleConnections()
	}
}
