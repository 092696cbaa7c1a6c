package devstack

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"go.step.sm/crypto/jose"

	"provstation/station/stationtest"
)

// caSite is a CA, ours or the real program, that a scenario is played on.
type caSite struct {
	t     *testing.T
	url   string
	pki   *authority
	prov  string
	key   *jose.JSONWebKey // the provisioner's
	sign  func(csr []byte, id string, life time.Duration) [][]byte
	names []string // what is this site's own, and what stands for it
}

// caPair starts the built-in CA and a real step-ca over the same hierarchy. A short one issues for seconds, not backdated.
func caPair(t *testing.T, crl, short bool) (ours, real *caSite) {
	t.Helper()
	s := start(t, Config{CRL: crl})
	cfg := stationtest.StepCAConfig{PKI: &stationtest.PKI{
		Root: &stationtest.CA{Cert: s.pki.root}, ICA: &stationtest.CA{Cert: s.pki.ica},
		Sub: &stationtest.CA{Cert: s.pki.sub, Key: s.pki.subKey}, Now: time.Now(),
	}}
	if crl {
		cfg.CRL, cfg.CRLPointers = map[string]any{"enabled": true, "generateOnRevoke": true}, []string{revocationURL}
	}
	if short {
		s.pki.leafBackdate, cfg.Backdate = 0, "0s"
		cfg.Claims = map[string]any{"minTLSCertDuration": "1s", "maxTLSCertDuration": "24h", "defaultTLSCertDuration": "24h"}
	}
	ours = &caSite{t: t, url: s.StepCAURL, pki: s.pki, prov: s.Provisioner.Name, key: s.Provisioner.key}
	ours.sign = func(der []byte, id string, life time.Duration) [][]byte {
		csr, err := x509.ParseCertificateRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		a := *s.pki
		if life > 0 {
			a.leafValidity = life
		}
		leaf, err := a.signLeaf(csr, id)
		if err != nil {
			t.Fatal(err)
		}
		return [][]byte{leaf.Raw, a.sub.Raw, a.ica.Raw}
	}
	p := stationtest.StartStepCA(t, cfg)
	real = &caSite{t: t, url: p.URL, pki: s.pki, prov: p.Provisioner, key: p.JWK()}
	real.sign = func(der []byte, id string, life time.Duration) [][]byte {
		if life == 0 {
			return p.Enroll(der, id, "")
		}
		return p.Enroll(der, id, life.String())
	}
	return ours, real
}

// hide has every answer say label where text would stand.
func (s *caSite) hide(text, label string) { s.names = append(s.names, text, label) }

// holder is what a device holds.
type holder struct {
	site  *caSite
	id    string
	key   crypto.Signer
	chain [][]byte
}

func (s *caSite) enroll(id string, life time.Duration) *holder {
	s.t.Helper()
	key := stationtest.NewKey(s.t, "P-256")
	d := &holder{s, id, key, s.sign(stationtest.NewCSR(s.t, key, id), id, life)}
	s.hide(d.serial(), "SERIAL-OF-"+id)
	return d
}

func (d *holder) leaf() *x509.Certificate { return stationtest.ParseCert(d.site.t, d.chain[0]) }

func (d *holder) serial() string { return d.leaf().SerialNumber.String() }

// with is the holder with another chain.
func (d *holder) with(chain ...[]byte) *holder { return &holder{d.site, d.id, d.key, chain} }

// claims of a token; what is nil is left out.
type claims map[string]any

// token is what a device signs to renew; edits change it before.
func (d *holder) token(edits ...func(claims)) string {
	var chain []string
	for _, der := range d.chain {
		chain = append(chain, base64.StdEncoding.EncodeToString(der))
	}
	now := time.Now().Unix()
	c := claims{
		"iss": "step-ca-client/1.0", "sub": d.id, "aud": d.site.url + "/1.0/renew", "iat": now, "nbf": now - 60, "exp": now + 300, "jti": jti(),
	}
	return d.site.jws(d.key, "x5cInsecure", chain, c, edits)
}

// revokeToken is what the provisioner signs.
func (s *caSite) revokeToken(serial string, edits ...func(claims)) string {
	now := time.Now().Unix()
	c := claims{"iss": s.prov, "sub": serial, "aud": s.url + "/1.0/revoke", "iat": now, "nbf": now - 60, "exp": now + 300, "jti": jti()}
	return s.jws(s.key.Key, "kid", s.key.KeyID, c, edits)
}

func (s *caSite) jws(key any, header jose.HeaderKey, value any, c claims, edits []func(claims)) string {
	s.t.Helper()
	for _, edit := range edits {
		edit(c)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader(header, value))
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := jose.Signed(signer).Claims(map[string]any(c)).CompactSerialize()
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// claim changes a claim; nil takes it away.
func claim(name string, value any) func(claims) {
	return func(c claims) {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
}

// after is a claim that is a time.
func after(name string, d time.Duration) func(claims) { return claim(name, time.Now().Add(d).Unix()) }

func jti() string {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// said is what a CA says: an answer, or an alert of TLS.
type said struct {
	Status int
	Type   string
	Body   string // names of the site replaced
	Alert  string

	raw string
}

// call asks. cert nil: without a client certificate; token "": without a bearer.
func (s *caSite) call(method, path string, cert *holder, token, body string) said {
	s.t.Helper()
	cfg := &tls.Config{RootCAs: poolOf(s.pki.root), MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12} // alerts come in the handshake
	if cert != nil {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &tls.Certificate{Certificate: cert.chain, PrivateKey: cert.key}, nil
		}
	}
	c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := c.Do(req)
	if err != nil {
		if _, alert, ok := strings.Cut(err.Error(), "remote error: "); ok {
			return said{Alert: alert}
		}
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return said{res.StatusCode, res.Header.Get("Content-Type"), strings.NewReplacer(s.names...).Replace(string(data)), "", string(data)}
}

func (s *caSite) renew(d *holder) said { return s.call("POST", "/1.0/renew", d, "", "") }

func (s *caSite) renewBy(token string) said {
	return s.call("POST", "/1.0/renew", nil, "Bearer "+token, "")
}

func (s *caSite) rekey(d *holder, csr []byte) said {
	return s.call("POST", "/1.0/rekey", d, "", jsonOf(map[string]string{"csr": requestPEM(csr)}))
}

// revoke asks by mTLS (d) or by a token; edits change the request.
func (s *caSite) revoke(d *holder, serial, ott string, edits ...func(claims)) said {
	c := claims{"serial": serial, "ott": ott, "reasonCode": 4, "reason": "because", "passive": true}
	for _, edit := range edits {
		edit(c)
	}
	return s.call("POST", "/1.0/revoke", d, "", jsonOf(c))
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// facts makes an answer with a certificate comparable: what of it must be the same whoever issued it. old is the certificate
// before, pub the key that was asked for.
func (s *caSite) facts(a said, old *x509.Certificate, pub crypto.PublicKey) said {
	s.t.Helper()
	var v struct {
		Crt, CA    string
		CertChain  []string
		TLSOptions map[string]any
	}
	var fields map[string]any
	if a.Status != http.StatusCreated || json.Unmarshal([]byte(a.raw), &v) != nil || json.Unmarshal([]byte(a.raw), &fields) != nil {
		return a
	}
	c := certs(s.t, v.Crt)[0]
	var ext []string
	for _, e := range c.Extensions {
		ext = append(ext, fmt.Sprint(e.Id, e.Critical))
	}
	between := poolOf(s.pki.sub)
	between.AddCert(s.pki.ica)
	opts := x509.VerifyOptions{
		Roots: poolOf(s.pki.root), Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	_, err := c.Verify(opts)
	age := time.Since(c.NotBefore) - s.pki.leafBackdate
	text := []string{
		fmt.Sprint("fields ", sortedNames(fields), v.TLSOptions), fmt.Sprint("subject ", c.Subject, c.DNSNames, " ", bytes.Equal(c.RawSubject, old.RawSubject)),
		fmt.Sprint("usage ", c.KeyUsage, c.ExtKeyUsage, c.IsCA, c.BasicConstraintsValid, c.CRLDistributionPoints), fmt.Sprint("extensions ", ext),
		fmt.Sprint("signed ", c.SignatureAlgorithm, " verifies: ", err), fmt.Sprint("life ", c.NotAfter.Sub(c.NotBefore), " as before: ",
			c.NotAfter.Sub(c.NotBefore) == old.NotAfter.Sub(old.NotBefore), " from now: ", age > -2*time.Second && age < 30*time.Second),
		fmt.Sprint("serial new: ", c.SerialNumber.Cmp(old.SerialNumber) != 0, " long: ", c.SerialNumber.BitLen() > 100),
		fmt.Sprint("key as asked: ", c.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(pub)),
		fmt.Sprint("key id as before: ", bytes.Equal(c.SubjectKeyId, old.SubjectKeyId), len(c.SubjectKeyId)),
		fmt.Sprint("chain ", slices.Equal(v.CertChain, []string{v.Crt, string(certPEM(s.pki.sub)), string(certPEM(s.pki.ica))}), " ca: ", v.CA == v.CertChain[1]),
	}
	return said{Status: a.Status, Type: a.Type, Body: strings.Join(text, "\n"), raw: a.raw}
}

// crlFacts does the same for a list of revoked certificates.
func (s *caSite) crlFacts(a said, want ...*holder) said {
	s.t.Helper()
	der := []byte(a.raw)
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	list, err := x509.ParseRevocationList(der)
	if err == nil {
		err = list.CheckSignatureFrom(s.pki.sub)
	}
	if err != nil {
		return said{Status: a.Status, Type: a.Type, Body: errors.Join(err).Error()}
	}
	text := fmt.Sprintf("number %v, for %v\n", list.Number, list.NextUpdate.Sub(list.ThisUpdate))
	for _, x := range list.Extensions {
		text += fmt.Sprintf("%v %v\n", x.Id, x.Critical)
		if x.Id.Equal(oidIssuingDistributionPoint) {
			text += fmt.Sprintf("%x\n", x.Value)
		}
	}
	for _, d := range want {
		i := slices.IndexFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool { return e.SerialNumber.String() == d.serial() })
		text += fmt.Sprintf("%s listed: %v\n", d.id, i >= 0)
		if i >= 0 {
			e := list.RevokedCertificateEntries[i]
			text += fmt.Sprintf("reason %d, now: %v\n", e.ReasonCode, time.Since(e.RevocationTime) < 30*time.Second)
		}
	}
	return said{Status: a.Status, Type: a.Type, Body: text}
}

func answerOf(t *testing.T, body string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return v
}

// jweHead is the header of a closed key, without its salt.
func jweHead(t *testing.T, compact string) string {
	t.Helper()
	head, _, _ := strings.Cut(compact, ".")
	data, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	v := answerOf(t, string(data))
	delete(v, "p2s")
	return jsonOf(v)
}
