package stepca

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"time"
)

// CRLTrust is what a CRL's signature must lead to.
type CRLTrust struct {
	Intermediates []*x509.Certificate // of the CA, the issuing Sub-CA among them
	Roots         []*x509.Certificate // pinned
}

// CRLState says what a CRL is worth.
type CRLState uint8

// States.
const (
	CRLOff   CRLState = iota // the CA makes none: a broker accepts a revoked certificate until it expires
	CRLFresh                 // from thisUpdate to nextUpdate
	CRLStale                 // past nextUpdate: OpenSSL refuses every certificate by it
	CRLEarly                 // before thisUpdate: a clock is wrong
)

// String is the state's word.
func (s CRLState) String() string {
	switch s {
	case CRLOff:
		return "off"
	case CRLFresh:
		return "fresh"
	case CRLStale:
		return "stale"
	case CRLEarly:
		return "early"
	default:
		return fmt.Sprintf("unknown(%d)", uint8(s))
	}
}

// CRL is a CA's list of revoked certificates whose signature was verified. The zero value is that of a CA that makes none.
type CRL struct {
	DER        []byte
	Issuer     *x509.Certificate // who signed it
	Number     *big.Int
	ThisUpdate time.Time
	NextUpdate time.Time
	// URLs are where the list says that it is published (issuingDistributionPoint). If there are any, it is for
	// certificates that name one of them, see [CRL.Covers].
	URLs []string

	entries map[string]CRLEntry // by decimal serial number
}

// CRLEntry is one revoked certificate.
type CRLEntry struct {
	Reason Reason
	At     time.Time
}

// On reports whether the CA makes a CRL at all.
func (c CRL) On() bool { return len(c.DER) > 0 }

// State says what the list is worth at a time.
func (c CRL) State(at time.Time) CRLState {
	switch {
	case !c.On():
		return CRLOff
	case at.Before(c.ThisUpdate):
		return CRLEarly
	case at.After(c.NextUpdate):
		return CRLStale
	default:
		return CRLFresh
	}
}

// Len is the number of entries.
func (c CRL) Len() int { return len(c.entries) }

// Revoked finds a serial number. An entry that takes a hold back (removeFromCRL) is none.
func (c CRL) Revoked(serial *big.Int) (CRLEntry, bool) {
	if serial == nil {
		return CRLEntry{}, false
	}
	e, ok := c.entries[serial.String()]
	return e, ok && e.Reason != RemoveFromCRL
}

// Covers reports whether the list is for this certificate: its issuer made the list, and if the list names where it is
// published, the certificate names one of these places, too. A broker on OpenSSL refuses a certificate that is not covered,
// revoked or not.
func (c CRL) Covers(cert *x509.Certificate) bool {
	if !c.On() || !bytes.Equal(cert.RawIssuer, c.Issuer.RawSubject) {
		return false
	}
	for _, url := range c.URLs {
		for _, own := range cert.CRLDistributionPoints {
			if url == own {
				return true
			}
		}
	}
	return len(c.URLs) == 0
}

// PEM is the list as OpenSSL reads it from a file (mosquitto's crlfile); empty if there is none.
func (c CRL) PEM() []byte {
	if !c.On() {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: c.DER})
}

// CRL gets the CA's list (GET /1.0/crl, else /crl) and verifies its signature up to a pinned root. Where the CA makes none
// the result is zero: off. A list that is stale is given, too: ask [CRL.State].
func (c *Client) CRL(ctx context.Context, trust CRLTrust) (CRL, error) {
	var r request
	var rep reply
	for _, path := range []string{"/1.0/crl", "/crl"} {
		var err error
		r = request{op: OpCRL, path: path, limit: maxCRL}
		rep, err = c.exchange(ctx, c.http, r)
		if err != nil {
			return CRL{}, err
		}
		if rep.status != http.StatusNotFound || rep.message != "" {
			break
		}
	}
	switch {
	case rep.status == http.StatusOK:
	case rep.status == http.StatusNotFound && rep.message != "":
		// The CA's own 404 and not a web server's. Health makes sure that this is the CA.
		return CRL{}, c.Health(ctx)
	default:
		return CRL{}, c.refused(r, rep)
	}
	list, err := trust.read(rep.body, c.cfg.Now())
	if err != nil {
		return CRL{}, c.fail(OpCRL, rep, err)
	}
	return list, nil
}

// read parses a CRL in DER and verifies it.
func (t CRLTrust) read(der []byte, at time.Time) (CRL, error) {
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return CRL{}, fmt.Errorf("%w: CRL: %w", ErrAnswer, printable(err))
	}
	if len(list.Raw) != len(der) { // crypto/x509 lets it be
		return CRL{}, fmt.Errorf("%w: CRL: something stands behind it", ErrAnswer)
	}
	issuer, err := t.issuer(list, at)
	if err != nil {
		return CRL{}, err
	}
	crl, err := readCRL(list)
	crl.Issuer = issuer
	if err != nil {
		return CRL{}, err
	}
	return crl, nil
}

// readCRL takes what counts from a CRL.
func readCRL(list *x509.RevocationList) (c CRL, err error) {
	bad := func(reason string) (CRL, error) { return CRL{}, fmt.Errorf("%w: CRL: %s", ErrAnswer, reason) }
	if list.NextUpdate.IsZero() { // RFC 5280 5.1.2.5: required
		return bad("it does not say when the next one comes")
	}
	c = CRL{
		DER: list.Raw, Number: list.Number, ThisUpdate: list.ThisUpdate, NextUpdate: list.NextUpdate,
		entries: make(map[string]CRLEntry, len(list.RevokedCertificateEntries)),
	}
	for _, e := range list.RevokedCertificateEntries {
		// An entry that this reader does not understand may mean another CA's certificate, or none (RFC 5280 5.3).
		for _, x := range e.Extensions {
			if x.Critical && !x.Id.Equal(oidReasonCode) {
				return bad("an entry has a critical extension that is not known")
			}
		}
		c.entries[e.SerialNumber.String()] = CRLEntry{Reason: Reason(e.ReasonCode), At: e.RevocationTime}
	}
	for _, x := range list.Extensions {
		switch {
		case x.Id.Equal(oidIssuingDistributionPoint):
			if c.URLs, err = parseIDP(x.Value); err != nil {
				return bad(err.Error())
			}
		case x.Id.Equal(oidDeltaCRL):
			return bad("it is a delta, not the whole list")
		case x.Critical && !x.Id.Equal(oidAuthorityKeyID) && !x.Id.Equal(oidCRLNumber):
			return bad("it has a critical extension that is not known")
		}
	}
	return c, nil
}

// issuer finds who signed a CRL and checks that it is a CA below a pinned root.
func (t CRLTrust) issuer(list *x509.RevocationList, at time.Time) (*x509.Certificate, error) {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, r := range t.Roots {
		roots.AddCert(r)
	}
	for _, i := range t.Intermediates {
		intermediates.AddCert(i)
	}
	why := errors.New("no known CA made it")
	for _, ca := range append(append([]*x509.Certificate{}, t.Intermediates...), t.Roots...) {
		if !bytes.Equal(ca.RawSubject, list.RawIssuer) {
			continue
		}
		if err := list.CheckSignatureFrom(ca); err != nil {
			why = err
			continue
		}
		opts := x509.VerifyOptions{
			Roots: roots, Intermediates: intermediates, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		}
		if _, err := ca.Verify(opts); err != nil {
			why = err
			continue
		}
		return ca, nil
	}
	return nil, fmt.Errorf("%w: CRL: its signature: %w", ErrAnswer, printable(why))
}

// Extensions of a CRL (RFC 5280 5.2, 5.3).
var (
	oidAuthorityKeyID           = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidCRLNumber                = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidReasonCode               = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidDeltaCRL                 = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// parseIDP reads an issuingDistributionPoint (RFC 5280 5.2.5). One that narrows the list down to some reasons or kinds of
// certificates is refused: what is not on such a list may be revoked all the same.
func parseIDP(der []byte) ([]string, error) {
	var idp struct {
		Point struct {
			FullName []asn1.RawValue `asn1:"optional,tag:0"`
			Relative asn1.RawValue   `asn1:"optional,tag:1"`
		} `asn1:"optional,tag:0"`
		OnlyUser     bool           `asn1:"optional,tag:1"`
		OnlyCA       bool           `asn1:"optional,tag:2"`
		OnlyReasons  asn1.BitString `asn1:"optional,tag:3"`
		Indirect     bool           `asn1:"optional,tag:4"`
		OnlyAttrCert bool           `asn1:"optional,tag:5"`
	}
	rest, err := asn1.Unmarshal(der, &idp)
	switch {
	case err != nil || len(rest) > 0:
		return nil, errors.New("its issuingDistributionPoint cannot be read")
	case idp.OnlyCA, idp.OnlyReasons.BitLength > 0, idp.Indirect, idp.OnlyAttrCert:
		return nil, errors.New("it is not for all reasons and all of its CA's device certificates")
	case len(idp.Point.Relative.FullBytes) > 0:
		return nil, errors.New("it names its place relative to its issuer")
	}
	var urls []string
	for _, name := range idp.Point.FullName {
		const uri = 6 // GeneralName uniformResourceIdentifier
		if name.Class == asn1.ClassContextSpecific && name.Tag == uri {
			urls = append(urls, string(name.Bytes))
		}
	}
	if len(idp.Point.FullName) > 0 && len(urls) == 0 {
		return nil, errors.New("it names its place by no address")
	}
	return urls, nil
}
