package agent_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

const audience = "https://ca.example/1.0/renew"

// renewal issues another leaf for a CSR, a day longer than the first.
func (p pki) renewal(t testing.TB, csr []byte, change func(*x509.Certificate)) []byte {
	t.Helper()
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		Subject: req.Subject, DNSNames: req.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(48 * time.Hour),
	}
	if change != nil {
		change(tmpl)
	}
	return p.sub.issue(t, tmpl, req.PublicKey).Raw
}

func renewArgs(leaf []byte, commit bool) serialproto.RenewArgs {
	return serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: leaf, EnrollID: id(1), Commit: commit}
}

func file(t testing.TB, d *device, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRenew(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, nil)
	e := d.sealed(1, p)
	before := map[string][]byte{}
	for _, n := range []string{"device-key.pem", "device.pem", "ca-chain.pem", "wg0.conf", ".enrolled"} {
		before[n] = file(t, d, n)
	}
	leaf := p.renewal(t, e.CSR, nil)
	var staged, done, again serialproto.InstallResult
	d.want(serialproto.StatusOK, renewArgs(leaf, false), &staged)
	d.reopen()
	s := d.status()
	if !bytes.Equal(file(t, d, "device.pem"), before["device.pem"]) || !bytes.Equal(s.Pending, digestOf(leaf)) || bytes.Equal(s.Leaf, s.Pending) {
		t.Errorf("the certificate changed before it was committed, or is not told: %+v", s)
	}
	commit := serialproto.RenewArgs{Op: serialproto.OpRenew, EnrollID: id(1), Digest: digestOf(leaf)}
	wrong := commit
	wrong.Digest = make([]byte, 32)
	d.want(serialproto.StatusHashMismatch, wrong, nil)
	d.want(serialproto.StatusOK, commit, &done)
	d.want(serialproto.StatusOK, commit, &again)                // the answer was lost
	d.want(serialproto.StatusOK, renewArgs(leaf, true), &again) // and another way
	for _, r := range []serialproto.InstallResult{staged, done, again} {
		if !bytes.Equal(r.Objects[serialproto.ObjLeaf], digestOf(leaf)[:8]) || !bytes.Equal(r.Objects[serialproto.ObjAnchor], digestOf(bytes.Join(p.chain(), nil))[:8]) {
			t.Errorf("read back %v, want the new leaf and the old CA file", r.Objects)
		}
	}
	for n, want := range before {
		if got := file(t, d, n); bytes.Equal(got, want) != (n != "device.pem") {
			t.Errorf("%s: changed is %v", n, !bytes.Equal(got, want))
		}
	}
	d.reopen()
	if s := d.status(); s.State != serialproto.StateSealed || !bytes.Equal(s.Leaf, digestOf(leaf)) || len(s.Pending) > 0 || s.Generation != 1 || s.Active != 1 {
		t.Errorf("got %+v, want generation 1 sealed with the new leaf", s)
	}
	d.want(serialproto.StatusWrongState, wrong, nil) // nothing waits any more
}

func TestRenewIsChecked(t *testing.T) {
	p, other := newPKI(t), newPKI(t)
	sister := authority(t, &p.ica, "Other Tenant Sub-CA", 0)
	d := newDevice(t, nil)
	e := d.sealed(1, p)
	present := file(t, d, "device.pem")
	foreign := newDevice(t, nil).enroll(1).CSR
	evil := newKey(t, "")
	neighbour := ca{p.sub.issue(t, &x509.Certificate{DNSNames: []string{"box-9"}}, evil.Public()), evil}
	now := time.Now()
	for name, tt := range map[string]struct {
		leaf []byte
		want serialproto.Status
	}{
		"for another key":    {p.renewal(t, foreign, nil), serialproto.StatusCertKey},
		"for another name":   {p.renewal(t, e.CSR, func(c *x509.Certificate) { c.Subject.CommonName = "box-8" }), serialproto.StatusBadArgument},
		"with another SAN":   {p.renewal(t, e.CSR, func(c *x509.Certificate) { c.DNSNames = []string{"box-8"} }), serialproto.StatusBadArgument},
		"with one more SAN":  {p.renewal(t, e.CSR, func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, "box-8") }), serialproto.StatusBadArgument},
		"without a SAN":      {p.renewal(t, e.CSR, func(c *x509.Certificate) { c.DNSNames = nil }), serialproto.StatusBadArgument},
		"with a longer name": {p.renewal(t, e.CSR, func(c *x509.Certificate) { c.Subject.Organization = []string{"Else"} }), serialproto.StatusBadArgument},
		"an issuer": {p.renewal(t, e.CSR, func(c *x509.Certificate) {
			c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		}), serialproto.StatusBadArgument},
		"expired": {p.renewal(t, e.CSR, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = now.Add(-30*time.Second), now.Add(-time.Second)
		}), serialproto.StatusBadArgument},
		"older": {p.renewal(t, e.CSR, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
		}), serialproto.StatusBadArgument},
		"of another PKI":      {other.renewal(t, e.CSR, nil), serialproto.StatusBadArgument},
		"of another tenant":   {pki{p.root, p.ica, sister}.renewal(t, e.CSR, nil), serialproto.StatusBadArgument},
		"signed by a device":  {pki{sub: neighbour}.renewal(t, e.CSR, nil), serialproto.StatusBadArgument},
		"junk":                {append([]byte{0x30}, make([]byte, 40)...), serialproto.StatusBadArgument},
		"with bytes after it": {append(p.renewal(t, e.CSR, nil), 0), serialproto.StatusBadArgument},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			for _, commit := range []bool{false, true} {
				d.want(tt.want, renewArgs(tt.leaf, commit), nil)
			}
			if s := d.status(); len(s.Pending) > 0 || !bytes.Equal(file(t, d, "device.pem"), present) {
				t.Errorf("something was stored")
			}
		})
	}
	d.t = t
	a := renewArgs(p.renewal(t, e.CSR, nil), true)
	a.EnrollID = id(2)
	d.want(serialproto.StatusWrongState, a, nil)
	// A CA that has come to issue for a shorter time: it begins later, and that is enough.
	d.want(serialproto.StatusOK, renewArgs(p.renewal(t, e.CSR, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = now.Add(-10*time.Second), now.Add(time.Hour)
	}), true), nil)
}

// TestRenewBesideRekey: a renewal that waits is dropped by ABORT without an id, lives beside a key in the making, and ends
// with the generation.
func TestRenewBesideRekey(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Reenroll = serialproto.ReenrollOpen })
	e := d.sealed(1, p)
	hours := 48 * time.Hour
	next := func() []byte {
		hours += time.Hour
		return p.renewal(t, e.CSR, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(hours) })
	}
	stage := func() { d.want(serialproto.StatusOK, renewArgs(next(), false), nil) }
	stage()
	d.want(serialproto.StatusOK, serialproto.AbortArgs{Op: serialproto.OpAbort}, nil)
	if s := d.status(); len(s.Pending) > 0 {
		t.Error("ABORT left the renewal")
	}
	stage()
	stage()
	d.installed(2, p)
	d.reopen()
	if s := d.status(); len(s.Pending) == 0 || s.Generation != 2 || s.Active != 1 || s.State != serialproto.StateInstalled {
		t.Errorf("got %+v, want a renewal of 1 beside 2", s)
	}
	leaf := next()
	d.want(serialproto.StatusOK, renewArgs(leaf, true), nil)
	if s := d.status(); !bytes.Contains(file(t, d, "device.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf})) || len(s.Pending) > 0 {
		t.Error("the new leaf is not in device.pem")
	}
	stage()
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	if s := d.status(); len(s.Pending) > 0 || s.Active != 2 {
		t.Errorf("got %+v, want generation 2 alone", s)
	}
	if left, err := filepath.Glob(filepath.Join(d.dir, "generations", "*")); err != nil || len(left) != 1 {
		t.Errorf("left over: %v (%v)", left, err)
	}
}

func tokenArgs() serialproto.TokenArgs {
	return serialproto.TokenArgs{Op: serialproto.OpToken, Audience: audience}
}

func TestToken(t *testing.T) {
	p := newPKI(t)
	for alg, name := range map[serialproto.Alg]string{serialproto.AlgP256: "ES256", serialproto.AlgP384: "ES384", serialproto.AlgEd25519: "EdDSA"} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, nil)
			args := enrollArgs(1)
			args.Alg = alg
			var e serialproto.EnrollResult
			d.want(serialproto.StatusOK, args, &e)
			leaf := p.leaf(t, e.CSR)
			d.want(serialproto.StatusOK, installArgs(1, leaf, p), nil)
			d.want(serialproto.StatusOK, lockArgs(1), nil)
			seen := map[string]bool{}
			for i := range 3 {
				var r serialproto.TokenResult
				d.want(serialproto.StatusOK, tokenArgs(), &r)
				cert, err := x509.ParseCertificate(leaf)
				if err != nil {
					t.Fatal(err)
				}
				chain := append([][]byte{leaf}, p.chain()[:2]...)
				text, c, err := serialproto.Token(r, cert.PublicKey, chain, audience, "box-7")
				if err != nil {
					t.Fatal(err)
				}
				if c.Issued != d.clock.t.Unix() || c.Expires != c.Issued+300 || seen[c.ID] || r.Left != agent.DefaultMaxTokens-uint32(i)-1 {
					t.Errorf("got %+v with %d left", c, r.Left)
				}
				seen[c.ID] = true
				checkHeader(t, text, name, chain)
				d.reopen() // the count outlives a reset
			}
			if s := d.status(); s.Tokens != agent.DefaultMaxTokens-3 || s.Signatures != agent.DefaultMaxSignatures {
				t.Errorf("got %d tokens and %d signatures left", s.Tokens, s.Signatures)
			}
			d.want(serialproto.StatusOK, renewArgs(p.renewal(t, e.CSR, nil), true), nil)
			if s := d.status(); s.Tokens != agent.DefaultMaxTokens-3 {
				t.Errorf("after a renewal: got %d tokens left, want the same: the key is the same", s.Tokens)
			}
		})
	}
}

func checkHeader(t *testing.T, token, alg string, chain [][]byte) {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var h struct {
		Alg string   `json:"alg"`
		Typ string   `json:"typ"`
		X5C [][]byte `json:"x5cInsecure"`
	}
	if err := json.Unmarshal(b, &h); err != nil || h.Alg != alg || h.Typ != "JWT" || !slices.EqualFunc(h.X5C, chain, bytes.Equal) {
		t.Errorf("got header %s (%v)", b, err)
	}
}

func TestTokenIsBounded(t *testing.T) {
	p := newPKI(t)
	build := time.Now().Add(-48 * time.Hour)
	d := newDevice(t, func(c *agent.Config) { c.MaxTokens, c.BuildTime = 3, build })
	d.sealed(1, p)
	for _, aud := range []string{
		"https://ca.example/1.0/rekey", "https://ca.example/1.0/revoke", "http://ca.example/1.0/renew", "/renew", "https://ca.example/renew?/renew",
		"https://ca.example/1.0/rekey/../renew", "https://x@ca.example/renew",
	} {
		a := tokenArgs()
		a.Audience = aud
		d.want(serialproto.StatusRefused, a, nil)
	}
	d.clock.t = time.Unix(0, 0) // a box without a battery
	for name, at := range map[string]time.Time{
		"none":                         {},
		"before the build":             build.Add(-time.Second),
		"before the highest seen":      time.Now().Add(-time.Hour),
		"far ahead":                    time.Now().AddDate(30, 0, 0),
		"beyond the certificate's end": time.Now().Add(25 * time.Hour),
	} {
		a := tokenArgs()
		if !at.IsZero() {
			a.Now = at.UnixMicro()
		}
		if h := d.call(a, nil); h.Status != serialproto.StatusBadArgument {
			t.Errorf("%s: got %v, want %v", name, h.Status, serialproto.StatusBadArgument)
		}
	}
	a := tokenArgs()
	a.Now = time.Now().Add(time.Hour).UnixMicro()
	var r serialproto.TokenResult
	d.want(serialproto.StatusOK, a, &r)
	var c serialproto.TokenClaims
	if err := json.Unmarshal(r.Claims, &c); err != nil || c.Issued != a.Now/1e6 {
		t.Errorf("got %+v (%v), want the station's time", c, err)
	}
	a.Now = time.Now().UnixMicro() // the later time was not remembered
	d.want(serialproto.StatusOK, a, nil)
	d.clock.t = time.Now()
	a.Now = time.Now().Add(time.Hour).UnixMicro()
	d.want(serialproto.StatusOK, a, &r)
	if err := json.Unmarshal(r.Claims, &c); err != nil || c.Issued != d.clock.t.Unix() {
		t.Errorf("got %+v (%v), want the device's own time", c, err)
	}
	d.reopen()
	d.want(serialproto.StatusRefused, a, nil) // three were all
}

// ownRenewal stands for a box that renews by itself.
type ownRenewal struct {
	url, audience string
	err           error
}

func (o *ownRenewal) Set(url, audience string) error { o.url, o.audience = url, audience; return o.err }
func (o *ownRenewal) Get() (string, string, error)   { return o.url, o.audience, nil }
func (o *ownRenewal) State() (serialproto.RenewalState, error) {
	return serialproto.RenewalState{URL: o.url, Failures: 2, Error: "refused"}, nil
}

func TestRenewSet(t *testing.T) {
	p, own := newPKI(t), &ownRenewal{}
	d := newDevice(t, func(c *agent.Config) { underUnlock(c); c.Renewal = own })
	set := func(url string) serialproto.RenewSetArgs {
		return serialproto.RenewSetArgs{Op: serialproto.OpRenewSet, URL: url, EnrollID: id(1)}
	}
	d.want(serialproto.StatusWrongState, set(audience), nil)
	e := d.enroll(1)
	d.want(serialproto.StatusRefused, set("http://ca.example/renew"), nil)
	d.want(serialproto.StatusOK, set(audience), nil)
	a := installArgs(1, p.leaf(t, e.CSR), p)
	a.Pins = [][]byte{pin(t, edKey(1))}
	d.want(serialproto.StatusOK, a, nil)
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	d.want(serialproto.StatusOK, set(audience), nil)
	d.want(serialproto.StatusLocked, set(""), nil)
	d.want(serialproto.StatusLocked, set("https://evil.example/renew"), nil)
	other := set(audience)
	other.Audience = "https://evil.example/renew"
	d.want(serialproto.StatusLocked, other, nil)
	other.Audience = "https://ca.example/1.0/rekey"
	d.want(serialproto.StatusRefused, other, nil)
	if s := d.status(); s.Renewal == nil || *s.Renewal != (serialproto.RenewalState{URL: audience, Failures: 2, Error: "refused"}) {
		t.Errorf("got %+v", s.Renewal)
	}
	d.unlocked(edKey(1), serialproto.PurposeRekey)
	d.want(serialproto.StatusOK, set("https://ca2.example/renew"), nil)
	d.unlocked(edKey(1), serialproto.PurposeErase)
	d.want(serialproto.StatusOK, eraseArgs(1), nil)
	if own.url != "" {
		t.Errorf("an erased box still renews at %s", own.url)
	}
	own.err = errors.New("disk")
	d.enroll(2)
	args := set(audience)
	args.EnrollID = id(2)
	d.want(serialproto.StatusInternal, args, nil)
}
