package pki_test

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station/pki"
	"provstation/station/stationtest"
)

const id = "dev-001"

// bench is one device and one hierarchy.
type bench struct {
	*stationtest.PKI
	key crypto.Signer
	csr []byte
}

func newBench(t testing.TB, cfg stationtest.PKIConfig) *bench {
	t.Helper()
	key := stationtest.NewKey(t, "P-256")
	return &bench{PKI: stationtest.NewPKIWith(t, cfg), key: key, csr: stationtest.NewCSR(t, key, id)}
}

func (b *bench) policy() pki.Policy {
	return pki.Policy{
		DeviceID: id, PublicKey: b.key.Public(), Now: b.Now,
		Roots: []*x509.Certificate{b.Root.Cert}, Intermediates: []*x509.Certificate{b.ICA.Cert},
	}
}

func (b *bench) answer(t testing.TB, opts ...stationtest.LeafOption) pki.Answer {
	t.Helper()
	return pki.Answer{Certificate: stationtest.CertPEM(b.Issue(t, b.csr, opts...)), CAChain: b.Sub.PEM()}
}

func TestVerifyAnswerGood(t *testing.T) {
	for _, kind := range []string{"P-256", "P-384", "Ed25519"} {
		t.Run(kind, func(t *testing.T) {
			b := newBench(t, stationtest.PKIConfig{})
			b.key = stationtest.NewKey(t, kind)
			b.csr = stationtest.NewCSR(t, b.key, id)
			p := b.policy()
			p.ClientAuthOnly, p.MinValidity, p.MaxBackdate = true, 23*time.Hour, 2*time.Minute
			chain, err := pki.VerifyAnswer(b.answer(t), p)
			if err != nil {
				t.Fatalf("verify: %v", err)
			}
			want := []string{id, "Tenant Sub-CA", "Provider ICA", "Provider Root CA"}
			if diff := cmp.Diff(want, chain.Subjects()); diff != "" {
				t.Errorf("chain (-want +got):\n%s", diff)
			}
			if got := strings.Count(string(chain.DevicePEM()), "BEGIN CERTIFICATE"); got != 3 {
				t.Errorf("device.pem has %d certificates, want 3", got)
			}
			if got := chain.DaysLeft(b.Now); got != 1 {
				t.Errorf("got %d days left, want 1", got)
			}
			csr, err := pki.ParseCSR(b.csr, pki.CSRPolicy{DeviceID: id})
			if err != nil {
				t.Fatalf("parse CSR: %v", err)
			}
			if chain.SPKIHash() != csr.SPKI {
				t.Error("the leaf's SPKI hash is not the CSR's")
			}
			if ok, out := opensslAccepts(t, string(chain.DevicePEM()), string(chain.CAFilePEM()), b.Now); !ok {
				t.Errorf("openssl refuses the files: %s", out)
			}
			again, err := pki.VerifyDER(chain.Leaf.Raw, chain.CAFileDER(), b.policy())
			if err != nil {
				t.Fatalf("verify what the device would hold: %v", err)
			}
			if again.Fingerprint() != chain.Fingerprint() {
				t.Error("another fingerprint from the same bytes")
			}
		})
	}
}

// A whole chain in the answer is fine as long as it is in order.
func TestVerifyAnswerWholeChain(t *testing.T) {
	b := newBench(t, stationtest.PKIConfig{})
	a := b.answer(t)
	a.CAChain = "\n" + b.Sub.PEM() + "\r\n\n" + b.ICA.PEM() + b.Root.PEM()
	p := b.policy()
	p.Intermediates = nil
	if _, err := pki.VerifyAnswer(a, p); err != nil {
		t.Fatalf("verify: %v", err)
	}
}

// What a real bridge and step-ca answered passes every check on the leaf and its issuer; only the Provider's intermediate,
// which the bridge never sends, is missing.
func TestVerifyRecordedAnswer(t *testing.T) {
	var a pki.Answer
	for name, text := range map[string]*string{"recorded-leaf.pem": &a.Certificate, "recorded-ca.pem": &a.CAChain} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		*text = string(b)
	}
	p := pki.Policy{
		DeviceID: id, Roots: []*x509.Certificate{stationtest.NewPKI(t).Root.Cert}, ClientAuthOnly: true,
		Now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
	}
	_, err := pki.VerifyAnswer(a, p)
	if pki.CheckOf(err) != pki.CheckMissingIntermediate || !strings.Contains(err.Error(), "Provider Intermediate CA") {
		t.Errorf("got %v, want %s for the Provider Intermediate CA", err, pki.CheckMissingIntermediate)
	}
}

// verdict is what openssl says to the files that an answer would have become.
type verdict int

const (
	same     verdict = iota // openssl refuses too
	stricter                // openssl accepts: only we know which device and which policy
	unasked                 // no files could be made of it
)

type badAnswer struct {
	name    string
	cfg     stationtest.PKIConfig
	make    func(t *testing.T, b *bench, p *pki.Policy) pki.Answer
	want    pki.Check
	openssl verdict
}

func leafCase(name string, want pki.Check, v verdict, opts func(b *bench, t *testing.T) []stationtest.LeafOption) badAnswer {
	return badAnswer{name: name, want: want, openssl: v, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
		return b.answer(t, opts(b, t)...)
	}}
}

func editCase(name string, want pki.Check, v verdict, edit func(*x509.Certificate)) badAnswer {
	return leafCase(name, want, v, func(*bench, *testing.T) []stationtest.LeafOption {
		return []stationtest.LeafOption{stationtest.Edit(edit)}
	})
}

func caCase(name string, want pki.Check, v verdict, cfg stationtest.PKIConfig) badAnswer {
	return badAnswer{name: name, cfg: cfg, want: want, openssl: v, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
		return b.answer(t)
	}}
}

func runBad(t *testing.T, cases []badAnswer) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, tc.cfg)
			p := b.policy()
			a := tc.make(t, b, &p)
			chain, err := pki.VerifyAnswer(a, p)
			if chain != nil {
				t.Error("got a chain beside an error")
			}
			if got := pki.CheckOf(err); got != tc.want {
				t.Errorf("got %q (%v), want %q", got, err, tc.want)
			}
			if tc.openssl == unasked {
				return
			}
			extra := string(pki.EncodePEM(p.Intermediates...))
			ok, out := opensslAccepts(t, a.Certificate+a.CAChain+extra, a.CAChain+extra+b.Root.PEM(), p.Now)
			if want := tc.openssl == stricter; ok != want {
				t.Errorf("openssl accepts: %v, want %v; it says: %s", ok, want, out)
			}
		})
	}
}

func TestVerifyAnswerBadLeaf(t *testing.T) {
	hour := time.Hour
	runBad(t, []badAnswer{
		leafCase("wrong key", pki.CheckKeyMismatch, stricter, func(_ *bench, t *testing.T) []stationtest.LeafOption {
			return []stationtest.LeafOption{stationtest.ForKey(stationtest.NewKey(t, "P-256").Public())}
		}),
		editCase("wrong CN", pki.CheckWrongCN, stricter, func(c *x509.Certificate) { c.Subject.CommonName = "dev-002" }),
		editCase("CN in other case", pki.CheckWrongCN, stricter, func(c *x509.Certificate) { c.Subject.CommonName = "DEV-001" }),
		editCase("CN with a space", pki.CheckWrongCN, stricter, func(c *x509.Certificate) { c.Subject.CommonName = id + " " }),
		editCase("no CN", pki.CheckWrongCN, stricter, func(c *x509.Certificate) { c.Subject.CommonName = "" }),
		editCase("two CNs", pki.CheckWrongCN, stricter, func(c *x509.Certificate) {
			c.Subject.ExtraNames = []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "dev-002"},
				{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: id},
			}
		}),
		editCase("wrong SAN", pki.CheckWrongSAN, stricter, func(c *x509.Certificate) { c.DNSNames = []string{"dev-002"} }),
		editCase("extra SAN", pki.CheckWrongSAN, stricter, func(c *x509.Certificate) { c.DNSNames = []string{id, "evil.example"} }),
		editCase("SAN twice", pki.CheckWrongSAN, stricter, func(c *x509.Certificate) { c.DNSNames = []string{id, id} }),
		editCase("extra IP", pki.CheckWrongSAN, stricter, func(c *x509.Certificate) { c.IPAddresses = []net.IP{{10, 0, 0, 1}} }),
		editCase("email beside DNS", pki.CheckWrongSAN, stricter, func(c *x509.Certificate) { c.EmailAddresses = []string{"a@example.com"} }),
		editCase("no SAN", pki.CheckWrongSAN, stricter, func(c *x509.Certificate) { c.DNSNames = nil }),
		editCase("CA:TRUE", pki.CheckIsCA, stricter, func(c *x509.Certificate) { c.IsCA, c.MaxPathLen = true, -1 }),
		editCase("no digitalSignature", pki.CheckKeyUsage, same, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyEncipherment }),
		editCase("no keyUsage", pki.CheckKeyUsage, stricter, func(c *x509.Certificate) { c.KeyUsage = 0 }),
		editCase("certSign on a leaf", pki.CheckKeyUsage, stricter, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }),
		editCase("no EKU", pki.CheckNoClientAuth, stricter, func(c *x509.Certificate) { c.ExtKeyUsage = nil }),
		editCase("other EKU", pki.CheckNoClientAuth, same, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}
		}),
		editCase("serverAuth only", pki.CheckServerAuthOnly, same, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}),
		editCase("any EKU", pki.CheckAnyEKU, same, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		}),
		leafCase("expired", pki.CheckExpired, same, func(b *bench, _ *testing.T) []stationtest.LeafOption {
			return []stationtest.LeafOption{stationtest.Lifetime(b.Now.Add(-2*hour), b.Now.Add(-hour))}
		}),
		leafCase("not yet valid", pki.CheckNotYetValid, same, func(b *bench, _ *testing.T) []stationtest.LeafOption {
			return []stationtest.LeafOption{stationtest.Lifetime(b.Now.Add(hour), b.Now.Add(2*hour))}
		}),
		editCase("unknown critical extension", pki.CheckCriticalExtension, same, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}}
		}),
		{name: "RSA device key", want: pki.CheckKeyType, openssl: stricter, make: func(t *testing.T, b *bench, p *pki.Policy) pki.Answer {
			key := stationtest.NewKey(t, "RSA-2048")
			p.PublicKey = key.Public()
			return b.answer(t, stationtest.ForKey(key.Public()))
		}},
	})
}

func TestVerifyAnswerBadChain(t *testing.T) {
	runBad(t, []badAnswer{
		{name: "other CA", want: pki.CheckOtherCA, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			other := newBench(t, stationtest.PKIConfig{Prefix: "Other "})
			other.csr = b.csr
			return other.answer(t)
		}},
		{name: "other CA with our names", want: pki.CheckOtherCA, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			other := newBench(t, stationtest.PKIConfig{})
			other.csr = b.csr
			return other.answer(t)
		}},
		{name: "other CA brings its root", want: pki.CheckOtherCA, openssl: unasked, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			other := newBench(t, stationtest.PKIConfig{Prefix: "Other "})
			other.csr = b.csr
			a := other.answer(t)
			a.CAChain += other.ICA.PEM() + other.Root.PEM()
			return a
		}},
		{name: "leaf of another CA beside our Sub-CA", want: pki.CheckOtherCA, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			other := stationtest.NewPKI(t)
			return b.answer(t, stationtest.SignedBy(other.Sub))
		}},
		{name: "signature broken", want: pki.CheckBadSignature, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			der := b.Issue(t, b.csr)
			der[len(der)-1] ^= 1
			return pki.Answer{Certificate: stationtest.CertPEM(der), CAChain: b.Sub.PEM()}
		}},
		{name: "missing ICA", want: pki.CheckMissingIntermediate, openssl: same, make: func(t *testing.T, b *bench, p *pki.Policy) pki.Answer {
			p.Intermediates = nil
			return b.answer(t)
		}},
		{name: "missing Sub-CA", want: pki.CheckMissingIntermediate, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			a := b.answer(t)
			a.CAChain = ""
			return a
		}},
		{name: "ICA instead of Sub-CA", want: pki.CheckMissingIntermediate, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			a := b.answer(t)
			a.CAChain = b.ICA.PEM()
			return a
		}},
		{name: "reordered chain", want: pki.CheckChainOrder, openssl: stricter, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			a := b.answer(t)
			a.CAChain = b.ICA.PEM() + b.Sub.PEM()
			return a
		}},
		{name: "leaf and CA swapped", want: pki.CheckChainOrder, openssl: unasked, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			a := b.answer(t)
			return pki.Answer{Certificate: a.CAChain, CAChain: a.Certificate}
		}},
		{name: "stray CA", want: pki.CheckStray, openssl: unasked, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			a := b.answer(t)
			a.CAChain += stationtest.NewPKIWith(t, stationtest.PKIConfig{Prefix: "Other "}).Sub.PEM()
			return a
		}},
		{name: "Sub-CA under Sub-CA", want: pki.CheckPathLength, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			tmpl := stationtest.CATemplate("Sub-Sub-CA", -1, b.Now, time.Hour*9)
			deep := stationtest.NewCA(t, b.Sub, tmpl)
			a := b.answer(t, stationtest.SignedBy(deep))
			a.CAChain = deep.PEM() + b.Sub.PEM()
			return a
		}},
		{name: "a device signs", want: pki.CheckNotACA, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			key := stationtest.NewKey(t, "P-256")
			device := b.Issue(t, stationtest.NewCSR(t, key, "dev-666"), stationtest.Edit(func(c *x509.Certificate) {
				c.DNSNames, c.ExtKeyUsage = nil, nil
			}))
			a := b.answer(t, stationtest.SignedBy(&stationtest.CA{Cert: stationtest.ParseCert(t, device), Key: key}))
			a.CAChain = stationtest.CertPEM(device) + b.Sub.PEM()
			return a
		}},
		caCase("root allows one CA only", pki.CheckPathLength, same, stationtest.PKIConfig{EditRoot: func(c *x509.Certificate) { c.MaxPathLen = 1 }}),
		caCase("ICA allows no CA", pki.CheckPathLength, same, stationtest.PKIConfig{EditICA: func(c *x509.Certificate) { c.MaxPathLen, c.MaxPathLenZero = 0, true }}),
		caCase("Sub-CA expired", pki.CheckExpired, same, stationtest.PKIConfig{EditSub: func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Minute) }}),
		caCase("ICA not yet valid", pki.CheckNotYetValid, same, stationtest.PKIConfig{EditICA: func(c *x509.Certificate) { c.NotBefore = c.NotBefore.Add(2 * time.Hour) }}),
		caCase("root expired", pki.CheckExpired, same, stationtest.PKIConfig{EditRoot: func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Minute) }}),
		caCase("Sub-CA without keyCertSign", pki.CheckCAKeyUsage, same, stationtest.PKIConfig{EditSub: func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }}),
		caCase("ICA for servers only", pki.CheckCAEKU, same, stationtest.PKIConfig{EditICA: func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}}),
		caCase("ICA with any EKU", pki.CheckCAEKU, same, stationtest.PKIConfig{EditICA: func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
		}}),
		caCase("Sub-CA not a CA", pki.CheckNotACA, same, stationtest.PKIConfig{EditSub: func(c *x509.Certificate) {
			c.IsCA, c.MaxPathLen, c.MaxPathLenZero = false, -1, false
		}}),
		caCase("ICA names other device ids", pki.CheckPath, same, stationtest.PKIConfig{EditICA: func(c *x509.Certificate) {
			c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{"example.com"}
		}}),
		{name: "authority key identifier of another key", want: pki.CheckKeyID, openssl: same, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			by := *b.Sub
			cert := *b.Sub.Cert
			cert.SubjectKeyId = []byte("twenty other bytes!!")
			by.Cert = &cert
			return b.answer(t, stationtest.SignedBy(&by))
		}},
		{name: "no root pinned", want: pki.CheckNoAnchor, openssl: unasked, make: func(t *testing.T, b *bench, p *pki.Policy) pki.Answer {
			p.Roots = nil
			return b.answer(t)
		}},
		{name: "intermediate pinned as root", want: pki.CheckNotARoot, openssl: unasked, make: func(t *testing.T, b *bench, p *pki.Policy) pki.Answer {
			p.Roots = []*x509.Certificate{b.ICA.Cert}
			return b.answer(t)
		}},
	})
}

func TestVerifyAnswerBadForm(t *testing.T) {
	form := func(name string, want pki.Check, change func(t *testing.T, b *bench, a *pki.Answer)) badAnswer {
		return badAnswer{name: name, want: want, openssl: unasked, make: func(t *testing.T, b *bench, _ *pki.Policy) pki.Answer {
			a := b.answer(t)
			change(t, b, &a)
			return a
		}}
	}
	runBad(t, []badAnswer{
		form("several leaves", pki.CheckSeveralLeaves, func(t *testing.T, b *bench, a *pki.Answer) { a.Certificate += b.answer(t).Certificate }),
		form("leaf among the CAs", pki.CheckSeveralLeaves, func(t *testing.T, b *bench, a *pki.Answer) { a.CAChain += b.answer(t).Certificate }),
		form("leaf and its CA", pki.CheckStray, func(_ *testing.T, b *bench, a *pki.Answer) { a.Certificate += b.Sub.PEM() }),
		form("CA before the leaf", pki.CheckChainOrder, func(_ *testing.T, b *bench, a *pki.Answer) { a.Certificate = b.Sub.PEM() + a.Certificate }),
		form("empty certificate", pki.CheckNoCertificate, func(_ *testing.T, _ *bench, a *pki.Answer) { a.Certificate = " \n" }),
		form("junk before", pki.CheckPEMJunk, func(_ *testing.T, _ *bench, a *pki.Answer) { a.Certificate = "subject=CN\n" + a.Certificate }),
		form("junk after", pki.CheckPEMJunk, func(_ *testing.T, _ *bench, a *pki.Answer) { a.Certificate += "\x1b[2J" }),
		form("junk between", pki.CheckPEMJunk, func(_ *testing.T, b *bench, a *pki.Answer) { a.CAChain += "and\n" + b.ICA.PEM() }),
		form("junk on the end line", pki.CheckPEMJunk, func(_ *testing.T, _ *bench, a *pki.Answer) { a.Certificate = strings.TrimSpace(a.Certificate) + "x" }),
		form("PEM headers", pki.CheckPEMJunk, func(_ *testing.T, _ *bench, a *pki.Answer) {
			a.Certificate = strings.Replace(a.Certificate, "E-----\n", "E-----\nProc-Type: 4\n\n", 1)
		}),
		form("no end line", pki.CheckPEMJunk, func(_ *testing.T, _ *bench, a *pki.Answer) {
			a.Certificate, _, _ = strings.Cut(a.Certificate, "-----END")
		}),
		form("public key instead", pki.CheckPEMJunk, func(_ *testing.T, _ *bench, a *pki.Answer) {
			a.Certificate = strings.ReplaceAll(a.Certificate, "CERTIFICATE", "PUBLIC KEY")
		}),
		form("not a certificate inside", pki.CheckBadCertificate, func(_ *testing.T, _ *bench, a *pki.Answer) {
			a.Certificate = stationtest.CertPEM([]byte("\x1b[31mnot DER"))
		}),
		form("two certificates in one block", pki.CheckBadCertificate, func(t *testing.T, b *bench, a *pki.Answer) {
			a.Certificate = stationtest.CertPEM(append(b.Issue(t, b.csr), b.Sub.Cert.Raw...))
		}),
		form("private key after the leaf", pki.CheckPrivateKeyInAnswer, func(t *testing.T, b *bench, a *pki.Answer) { a.Certificate += keyPEM(t, b.key) }),
		form("private key in ca_chain", pki.CheckPrivateKeyInAnswer, func(t *testing.T, b *bench, a *pki.Answer) { a.CAChain = keyPEM(t, b.key) + a.CAChain }),
		form("a megabyte", pki.CheckTooLarge, func(_ *testing.T, _ *bench, a *pki.Answer) {
			a.CAChain = strings.Repeat(a.CAChain, 1<<20/len(a.CAChain))
		}),
		form("nine CAs", pki.CheckTooLarge, func(_ *testing.T, b *bench, a *pki.Answer) { a.CAChain = strings.Repeat(b.Sub.PEM(), 9) }),
	})
}
