package stepca_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// critical is an extension.
func critical(value []byte, oid ...int) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier(oid), Critical: true, Value: value}
}

func mustASN1(t *testing.T, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// What is no list to be believed, and what is.
func TestCRLAnswers(t *testing.T) {
	t.Parallel()
	pki := stationtest.NewPKI(t)
	lookalike := stationtest.NewPKI(t) // the same names, other keys
	idp := func(v any) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{critical(mustASN1(t, v), 2, 5, 29, 28)}
		}
	}
	entry := func(edit func(*x509.RevocationListEntry)) func(*x509.RevocationList) {
		return func(l *x509.RevocationList) {
			e := x509.RevocationListEntry{SerialNumber: big.NewInt(5), RevocationTime: time.Now()}
			edit(&e)
			l.RevokedCertificateEntries = []x509.RevocationListEntry{e}
		}
	}
	good := newCRL(t, pki.Sub, nil)
	damaged := append([]byte{}, good...)
	damaged[len(damaged)-3] ^= 1
	for name, tc := range map[string]struct {
		der  []byte
		want error
	}{
		"good":        {good, nil},
		"by the ICA":  {newCRL(t, pki.ICA, nil), nil},
		"by the root": {newCRL(t, pki.Root, nil), nil},
		"IDP, user certs": {newCRL(t, pki.Sub, idp(struct {
			OnlyUser bool `asn1:"tag:1"`
		}{true})), nil},
		"empty":          {nil, stepca.ErrAnswer},
		"not DER":        {[]byte("<html>"), stepca.ErrAnswer},
		"cut":            {good[:len(good)-1], stepca.ErrAnswer},
		"more behind it": {append(append([]byte{}, good...), 0), stepca.ErrAnswer},
		"damaged":        {damaged, stepca.ErrAnswer},
		"a certificate":  {pki.Sub.Cert.Raw, stepca.ErrAnswer},
		"same name":      {newCRL(t, lookalike.Sub, nil), stepca.ErrAnswer},
		"another CA":     {newCRL(t, stationtest.NewPKIWith(t, stationtest.PKIConfig{Prefix: "X "}).Sub, nil), stepca.ErrAnswer},
		"a delta": {newCRL(t, pki.Sub, func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{critical(mustASN1(t, 1), 2, 5, 29, 27)}
		}), stepca.ErrAnswer},
		"unknown extension": {newCRL(t, pki.Sub, func(l *x509.RevocationList) {
			l.ExtraExtensions = []pkix.Extension{critical([]byte{5, 0}, 1, 2, 3)}
		}), stepca.ErrAnswer},
		"unknown entry extension": {newCRL(t, pki.Sub, entry(func(e *x509.RevocationListEntry) {
			e.ExtraExtensions = []pkix.Extension{critical([]byte{5, 0}, 2, 5, 29, 29)} // certificateIssuer
		})), stepca.ErrAnswer},
		"CAs alone": {newCRL(t, pki.Sub, idp(struct {
			OnlyCA bool `asn1:"tag:2"`
		}{true})), stepca.ErrAnswer},
		"some reasons": {newCRL(t, pki.Sub, idp(struct {
			R asn1.BitString `asn1:"tag:3"`
		}{asn1.BitString{Bytes: []byte{0x40}, BitLength: 2}})), stepca.ErrAnswer},
		"indirect": {newCRL(t, pki.Sub, idp(struct {
			I bool `asn1:"tag:4"`
		}{true})), stepca.ErrAnswer},
		"attribute": {newCRL(t, pki.Sub, idp(struct {
			A bool `asn1:"tag:5"`
		}{true})), stepca.ErrAnswer},
		"IDP is no IDP": {newCRL(t, pki.Sub, idp(7)), stepca.ErrAnswer},
		"huge":          {make([]byte, 17<<20), stepca.ErrAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/pkix-crl")
				_, _ = w.Write(tc.der)
			})
			list, err := f.c.CRL(t.Context(), trustOf(pki))
			if tc.want != nil {
				wantClass(t, name, err, tc.want)
				if list.On() || list.Issuer != nil || list.Len() != 0 {
					t.Errorf("got a list beside an error")
				}
				return
			}
			if err != nil || list.State(time.Now()) != stepca.CRLFresh || list.Number.Int64() != 7 {
				t.Errorf("got %v, %v, want a fresh list", list.State(time.Now()), err)
			}
		})
	}
}

// A CA whose certificate does not allow it makes no list that counts (RFC 5280 4.2.1.3, cRLSign), and OpenSSL agrees.
func TestCRLWithoutUsage(t *testing.T) {
	t.Parallel()
	pki := stationtest.NewPKIWith(t, stationtest.PKIConfig{EditSub: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }})
	signer := *pki.Sub.Cert
	signer.KeyUsage |= x509.KeyUsageCRLSign // or crypto/x509 would not sign
	der := newCRL(t, &stationtest.CA{Cert: &signer, Key: pki.Sub.Key}, nil)
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(der) })
	_, err := f.c.CRL(t.Context(), trustOf(pki))
	wantClass(t, "without cRLSign", err, stepca.ErrAnswer)
}

// Off is what the CA itself says; anything else is an error, not off.
func TestCRLOff(t *testing.T) {
	t.Parallel()
	const notEnabled = `{"status":404,"message":"The requested resource could not be found. Please see the certificate authority logs for more info."}`
	health := func(w http.ResponseWriter) { send(w, 200, isJSON, `{"status":"ok"}`) }
	for name, tc := range map[string]struct {
		serve func(w http.ResponseWriter, path string)
		want  error
	}{
		"off": {func(w http.ResponseWriter, path string) {
			if path == "/health" {
				health(w)
				return
			}
			send(w, 404, isJSON, notEnabled)
		}, nil},
		"some web server":  {func(w http.ResponseWriter, _ string) { http.NotFound(w, nil) }, stepca.ErrPath},
		"some JSON server": {func(w http.ResponseWriter, path string) { send(w, 404, isJSON, notEnabled) }, stepca.ErrPath},
		"FastAPI":          {func(w http.ResponseWriter, path string) { send(w, 404, isJSON, `{"detail":"Not Found"}`) }, stepca.ErrPath},
		"database fails":   {func(w http.ResponseWriter, _ string) { send(w, 500, isJSON, `{"status":500,"message":"x"}`) }, stepca.ErrServer},
		"login page":       {func(w http.ResponseWriter, _ string) { w.Header().Set("Location", "/login"); w.WriteHeader(302) }, stepca.ErrPath},
		"proxy's 401":      {func(w http.ResponseWriter, _ string) { w.WriteHeader(401) }, stepca.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) { tc.serve(w, r.URL.Path) })
			list, err := f.c.CRL(t.Context(), trustOf(f.pki))
			if tc.want != nil {
				wantClass(t, name, err, tc.want)
			} else if err != nil || list.On() {
				t.Errorf("got %v, %v, want off", list.On(), err)
			}
		})
	}
	// A server that has /crl alone.
	var pki *stationtest.PKI
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/crl" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(newCRL(t, pki.Sub, nil))
	})
	pki = f.pki
	if list, err := f.c.CRL(t.Context(), trustOf(pki)); err != nil || !list.On() {
		t.Errorf("/crl: got %v, %v, want on", list.On(), err)
	}
}

// Which certificates a list is for.
func TestCRLCovers(t *testing.T) {
	t.Parallel()
	const place = "http://ca.example/crl"
	type point struct {
		Name struct {
			Full []asn1.RawValue `asn1:"optional,tag:0"`
		} `asn1:"optional,tag:0"`
	}
	var idp point
	idp.Name.Full = []asn1.RawValue{{Class: 2, Tag: 6, Bytes: []byte(place)}}
	var list stepca.CRL
	f := newFake(t, nil)
	serve := func(edit func(*x509.RevocationList)) stepca.CRL {
		t.Helper()
		der := newCRL(t, f.pki.Sub, edit)
		f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(der) })
		got, err := f.c.CRL(t.Context(), trustOf(f.pki))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	leaf := func(pki *stationtest.PKI, urls ...string) *x509.Certificate {
		key := stationtest.NewKey(t, "P-256")
		return stationtest.ParseCert(t, pki.Issue(t, stationtest.NewCSR(t, key, "edge-0001"),
			stationtest.Edit(func(c *x509.Certificate) { c.CRLDistributionPoints = urls })))
	}
	bare, other, same := leaf(f.pki), leaf(f.pki, "http://else.example/crl"), leaf(f.pki, "http://else.example/crl", place)
	stranger := leaf(stationtest.NewPKIWith(t, stationtest.PKIConfig{Prefix: "X "}), place)
	list = serve(func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{critical(mustASN1(t, idp), 2, 5, 29, 28)}
	})
	for name, tc := range map[string]struct {
		cert *x509.Certificate
		want bool
	}{"no pointer": {bare, false}, "another pointer": {other, false}, "its pointer": {same, true}, "another issuer": {stranger, false}} {
		if got := list.Covers(tc.cert); got != tc.want {
			t.Errorf("a list with a place, %s: got %v, want %v", name, got, tc.want)
		}
	}
	list = serve(nil)
	if !list.Covers(bare) || !list.Covers(other) || list.Covers(stranger) {
		t.Error("a list without a place is for every certificate of its issuer, and for no other")
	}
	hold := serve(func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = []x509.RevocationListEntry{
			{SerialNumber: big.NewInt(5), RevocationTime: time.Now(), ReasonCode: int(stepca.CertificateHold)},
			{SerialNumber: big.NewInt(6), RevocationTime: time.Now(), ReasonCode: int(stepca.RemoveFromCRL)},
		}
	})
	if e, ok := hold.Revoked(big.NewInt(5)); !ok || e.Reason != stepca.CertificateHold {
		t.Errorf("on hold: got %+v, %v, want revoked", e, ok)
	}
	if _, ok := hold.Revoked(big.NewInt(6)); ok {
		t.Error("removed: got revoked")
	}
	if _, ok := hold.Revoked(nil); ok || (stepca.CRL{}).Covers(bare) {
		t.Error("nothing is on no list")
	}
	if !strings.HasPrefix(string(hold.PEM()), "-----BEGIN X509 CRL-----\n") {
		t.Errorf("got %q", hold.PEM())
	}
	var e *stepca.Error
	if _, err := f.c.CRL(t.Context(), stepca.CRLTrust{}); !errors.As(err, &e) || e.Op != stepca.OpCRL {
		t.Errorf("trusting nobody: got %v", err)
	}
}
