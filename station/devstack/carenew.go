package devstack

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.step.sm/crypto/jose"
	"go.step.sm/crypto/x509util"
)

// renew gives the certificate of the connection, or of the token, a new life.
func (c *builtinCA) renew(w http.ResponseWriter, r *http.Request) {
	old := peer(r)
	if old == nil {
		_, token, ok := strings.Cut(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			refuse(w, badRequest("missing client certificate"))
			return
		}
		var err error
		if old, err = c.tokenLeaf(token); err != nil {
			refuseToken(w, err)
			return
		}
	}
	c.again(w, old, nil)
}

// rekey does as renew, for the key of a CSR. Nothing else of the CSR counts.
func (c *builtinCA) rekey(w http.ResponseWriter, r *http.Request) {
	old := peer(r)
	if old == nil {
		refuse(w, badRequest("missing client certificate"))
		return
	}
	var body struct {
		CSR csrText `json:"csr"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		refuse(w, badRequest("error decoding json"))
		return
	}
	csr := body.CSR.CertificateRequest
	switch {
	case csr == nil:
		refuse(w, badRequest("missing csr"))
	case csr.CheckSignature() != nil:
		refuse(w, badRequest("invalid csr"))
	default:
		c.again(w, old, csr.PublicKey)
	}
}

// peer is the client's certificate, verified by TLS.
func peer(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// csrText is a CSR as PEM in a JSON text; an empty text is none.
type csrText struct{ *x509.CertificateRequest }

func (t *csrText) UnmarshalJSON(data []byte) (err error) {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	if text == "" || text == "null" {
		t.CertificateRequest = nil
		return nil
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return errors.New("no PEM")
	}
	t.CertificateRequest, err = x509.ParseCertificateRequest(block.Bytes)
	return err
}

// tlsOptions is what the CA tells clients of its own TLS.
type tlsOptions struct {
	CipherSuites  []string `json:"cipherSuites"`
	MinVersion    float64  `json:"minVersion"`
	MaxVersion    float64  `json:"maxVersion"`
	Renegotiation bool     `json:"renegotiation"`
}

type signAnswer struct {
	Crt        string     `json:"crt"`
	CA         string     `json:"ca"`
	CertChain  []string   `json:"certChain"`
	TLSOptions tlsOptions `json:"tlsOptions"`
}

// again issues and answers with the new certificate. pub nil: the old one's key.
func (c *builtinCA) again(w http.ResponseWriter, old *x509.Certificate, pub crypto.PublicKey) {
	leaf, err := c.reissue(old, pub)
	if err != nil {
		refuse(w, err)
		return
	}
	text := func(c *x509.Certificate) string { return string(certPEM(c)) }
	stepJSON(w, http.StatusCreated, signAnswer{
		Crt: text(leaf), CA: text(c.pki.sub), CertChain: []string{text(leaf), text(c.pki.sub), text(c.pki.ica)},
		TLSOptions: tlsOptions{
			CipherSuites: []string{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
			MinVersion:   1.2, MaxVersion: 1.3,
		},
	})
}

// reissue makes a certificate like the old one, as long, from now on.
func (c *builtinCA) reissue(old *x509.Certificate, pub crypto.PublicKey) (*x509.Certificate, error) {
	now := c.now()
	if err := c.mayRenew(old, now.Truncate(time.Second)); err != nil {
		return nil, err
	}
	rest := old.NotAfter.Sub(old.NotBefore) - c.pki.leafBackdate
	if rest == 0 {
		return nil, errors.New("renew: no lifetime is left behind the backdating")
	}
	tmpl := &x509.Certificate{RawSubject: old.RawSubject, NotBefore: now.Add(-c.pki.leafBackdate), NotAfter: now.Add(rest)}
	tmpl.ExtraExtensions = slices.DeleteFunc(slices.Clone(old.Extensions), func(e pkix.Extension) bool {
		return e.Id.Equal(oidAuthorityKeyID) || pub != nil && e.Id.Equal(oidSubjectKeyID)
	})
	if pub == nil {
		pub = old.PublicKey
	}
	leaf, err := x509util.CreateCertificate(tmpl, c.pki.sub, pub, c.pki.subKey)
	if err != nil {
		return nil, err
	}
	return leaf, c.records.issued(leaf)
}

var (
	oidSubjectKeyID   = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidAuthorityKeyID = asn1.ObjectIdentifier{2, 5, 29, 35}
)

// mayRenew refuses what is revoked, another provisioner's, or not valid now. One that names no provisioner is let be, as by
// step-ca: TLS has seen its dates.
func (c *builtinCA) mayRenew(old *x509.Certificate, now time.Time) error {
	named, ours := c.provisioned(old)
	switch {
	case c.records.isRevoked(old.SerialNumber.String()), named && !ours:
		return unauthorized()
	case !named:
		return nil
	case now.Before(old.NotBefore):
		return unauthorized()
	case now.After(old.NotAfter):
		return &caError{
			http.StatusUnauthorized, "The request lacked necessary authorization to be completed: certificate expired on " + old.NotAfter.String(),
		}
	}
	return nil
}

// provisioned reports whether a certificate names a provisioner, and whether it is ours.
func (c *builtinCA) provisioned(cert *x509.Certificate) (named, ours bool) {
	for _, e := range cert.Extensions {
		if e.Id.Equal(oidProvisioner) {
			var v stepProvisioner
			_, err := asn1.Unmarshal(e.Value, &v)
			return true, err == nil && string(v.Name) == c.prov.Name
		}
	}
	return false, false
}

// errTokenIssuer is the one error that step-ca gives in another shape.
var errTokenIssuer = errors.New("error validating renew token: invalid issuer claim (iss)")

func refuseToken(w http.ResponseWriter, err error) {
	if errors.Is(err, errTokenIssuer) {
		stepJSON(w, http.StatusUnauthorized, struct {
			Type    string `json:"type"`
			Detail  string `json:"detail"`
			Message string `json:"message"`
		}{"unauthorized", "unauthorized", err.Error()})
		return
	}
	refuse(w, err)
}

// tokenLeaf verifies a renewal token and gives the certificate that it is for. The chain must reach the root; a certificate that
// has expired is judged later.
func (c *builtinCA) tokenLeaf(token string) (*x509.Certificate, error) {
	const text = "error validating renew token"
	bad := func(status int, why string) (*x509.Certificate, error) { return nil, &caError{status, text + why} }
	jwt, chains, err := jose.ParseX5cInsecure(token, []*x509.Certificate{c.pki.root})
	if err != nil {
		return bad(http.StatusUnauthorized, "")
	}
	leaf := chains[0][0]
	var claims jose.Claims
	if err := jwt.Claims(leaf.PublicKey, &claims); err != nil {
		return bad(http.StatusInternalServerError, "")
	}
	if _, ours := c.provisioned(leaf); !ours {
		return nil, unauthorized()
	}
	if err := c.useToken(token, claims); err != nil {
		return nil, err
	}
	err = claims.ValidateWithLeeway(jose.Expected{Subject: leaf.Subject.CommonName, Time: c.now().UTC()}, time.Minute)
	switch {
	case errors.Is(err, jose.ErrInvalidSubject):
		return bad(http.StatusUnauthorized, ": invalid subject claim (sub)")
	case errors.Is(err, jose.ErrNotValidYet):
		return bad(http.StatusUnauthorized, ": token not valid yet (nbf)")
	case errors.Is(err, jose.ErrExpired):
		return bad(http.StatusUnauthorized, ": token is expired (exp)")
	case errors.Is(err, jose.ErrIssuedInTheFuture):
		return bad(http.StatusUnauthorized, ": token issued in the future (iat)")
	case err != nil:
		return bad(http.StatusUnauthorized, "")
	case !meant(claims.Audience, "renew"):
		return bad(http.StatusInternalServerError, ": invalid audience claim (aud)")
	case claims.Issuer != "step-ca-client/1.0" && claims.Issuer != c.prov.Name:
		return nil, errTokenIssuer
	}
	return leaf, nil
}

// useToken lets a token in once. One without an id is known by its digest.
func (c *builtinCA) useToken(token string, claims jose.Claims) error {
	id, end := claims.ID, time.Time{}
	if id == "" {
		sum := sha256.Sum256([]byte(token))
		id = hex.EncodeToString(sum[:])
	}
	if claims.Expiry != nil {
		end = claims.Expiry.Time()
	}
	fresh, err := c.records.use(id, end)
	switch {
	case err != nil:
		return err
	case !fresh:
		return unauthorized()
	}
	return nil
}

// meant reports whether an audience is the CA's own address for an operation, whatever the port.
func meant(audience jose.Audience, op string) bool {
	for _, a := range audience {
		if u, err := url.Parse(a); err == nil {
			u.Host = u.Hostname()
			a = u.String()
		}
		for _, host := range []string{"127.0.0.1", "localhost"} {
			if a == "https://"+host+"/1.0/"+op || a == "https://"+host+"/"+op {
				return true
			}
		}
	}
	return false
}
