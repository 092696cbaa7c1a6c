package devstack

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// listLife is how long a list is good for, and listAge after how long the next one is made: step-ca's defaults.
const (
	listLife = 24 * time.Hour
	listAge  = 16 * time.Hour
)

// revocationList is the built-in CA's list of revoked certificates. A new one is made when the CA starts, with each
// revocation, and when the present one is old.
type revocationList struct {
	pki     *authority
	records *caRecords

	mu   sync.Mutex
	der  []byte
	made time.Time
}

// renew makes a new list.
func (l *revocationList) renew() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.make()
}

// present is the list, made anew if it is old.
func (l *revocationList) present() (der []byte, made time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pki.now().Sub(l.made) >= listAge {
		err = l.make()
	}
	return l.der, l.made, err
}

func (l *revocationList) make() error {
	number, revoked, err := l.records.list()
	if err != nil {
		return err
	}
	point, err := distributionPoint(revocationURL)
	if err != nil {
		return fmt.Errorf("list of revoked certificates: %w", err)
	}
	now := l.pki.now().UTC().Truncate(time.Second)
	list := &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: now, NextUpdate: now.Add(listLife),
		ExtraExtensions: []pkix.Extension{{Id: oidIssuingDistributionPoint, Critical: true, Value: point}},
	}
	for _, serial := range sortedNames(revoked) {
		n, ok := new(big.Int).SetString(serial, 10)
		if !ok {
			return fmt.Errorf("list of revoked certificates: %q is no serial number", serial)
		}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: n, RevocationTime: revoked[serial].At, ReasonCode: revoked[serial].Code,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, l.pki.sub, l.pki.subKey)
	if err != nil {
		return fmt.Errorf("list of revoked certificates: %w", err)
	}
	l.der, l.made = der, now
	return nil
}

var oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}

// distributionPoint is an issuingDistributionPoint (RFC 5280 5.2.5) with one URL.
func distributionPoint(url string) ([]byte, error) {
	const uri = 6 // GeneralName uniformResourceIdentifier
	type name struct {
		FullName []asn1.RawValue `asn1:"optional,tag:0"`
	}
	return asn1.Marshal(struct {
		Point name `asn1:"optional,tag:0"`
	}{name{[]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: uri, Bytes: []byte(url)}}}})
}

// list serves the list, as DER or with ?pem as PEM.
func (c *builtinCA) list(w http.ResponseWriter, r *http.Request) {
	if c.crl == nil {
		refuse(w, &caError{http.StatusNotFound, textNoList})
		return
	}
	der, made, err := c.crl.present()
	if err != nil {
		refuse(w, err)
		return
	}
	kind, file, body := "application/pkix-crl", "crl.crl", der
	if r.URL.Query().Has("pem") {
		kind, file, body = "application/x-pem-file", "crl.pem", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	}
	h := w.Header()
	h.Set("Expires", made.Add(listLife).Format(time.RFC1123))
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+file+`"`)
	_, _ = w.Write(body) // an error: the client is gone
}
