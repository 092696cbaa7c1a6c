package stepca

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The seeds in testdata are answers of a real step-ca 0.30.2, of an authority that is gone; what was in its encrypted key
// is cut out.
func recorded(f *testing.F, name string) []byte {
	f.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// onlyAnswer checks what every parser owes: an error is an [ErrAnswer] with a printable text.
func onlyAnswer(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrAnswer) {
		t.Fatalf("got %v, want ErrAnswer", err)
	}
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.Contains(err.Error(), "eyJ") {
		t.Fatalf("got %q, want a printable text without tokens", err)
	}
}

func FuzzIssued(f *testing.F) {
	good := recorded(f, "renew.json")
	block, _ := pem.Decode([]byte(fieldsOf(f, good)["crt"].(string)))
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		f.Fatal(err)
	}
	if _, _, err := parseIssued(reply{body: good, isJSON: true}, leaf.RawSubjectPublicKeyInfo); err != nil {
		f.Fatalf("the recorded answer: %v", err)
	}
	f.Add(good)
	f.Add([]byte(`{"crt":"","ca":"","certChain":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, der, err := parseIssued(reply{body: body, isJSON: true}, leaf.RawSubjectPublicKeyInfo)
		if err != nil {
			onlyAnswer(t, err)
			if got.Leaf != nil || got.Chain != nil {
				t.Fatal("a result beside an error")
			}
			return
		}
		if !bytes.Equal(der, got.Leaf) || len(got.Chain) == 0 || len(got.Chain) >= maxChain {
			t.Fatalf("got %d CA certificates", len(got.Chain))
		}
		for i, c := range append([][]byte{got.Leaf}, got.Chain...) {
			cert, err := x509.ParseCertificate(c)
			if err != nil || cert.IsCA != (i > 0) || len(c) > maxCertificate {
				t.Fatalf("certificate %d: %v, CA %v", i, err, cert.IsCA)
			}
			if i == 0 && !bytes.Equal(cert.RawSubjectPublicKeyInfo, leaf.RawSubjectPublicKeyInfo) {
				t.Fatal("a leaf for another key")
			}
		}
	})
}

func fieldsOf(f *testing.F, data []byte) (m map[string]any) {
	f.Helper()
	if err := json.Unmarshal(data, &m); err != nil {
		f.Fatal(err)
	}
	return m
}

func FuzzProvisioners(f *testing.F) {
	good := recorded(f, "provisioners.json")
	if page, _, err := parseProvisioners(reply{body: good, isJSON: true}); err != nil || len(page) == 0 || !page[0].HasKey() {
		f.Fatalf("the recorded answer: %d, %v", len(page), err)
	}
	f.Add(good)
	f.Add([]byte(`{"provisioners":[{"type":"JWK","name":"x","key":{"kty":"OKP","crv":"Ed25519","x":"","kid":"y"}}],"nextCursor":"z"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, next, err := parseProvisioners(reply{body: body, isJSON: true})
		if err != nil {
			onlyAnswer(t, err)
			if page != nil || next != "" {
				t.Fatal("a result beside an error")
			}
			return
		}
		for _, p := range page {
			if p.Name == "" || len(p.Name) > maxName || len(p.encrypted) > maxJWE {
				t.Fatalf("got %+v", p)
			}
			if p.Kind == "JWK" && (!p.key.IsPublic() || p.KeyID == "") {
				t.Fatalf("got %+v: want a public key with a name", p)
			}
			if p.HasKey() { // never so much work that fuzzing would notice, and never a panic
				if err := checkJWE(p.encrypted); err != nil {
					onlyAnswer(t, err)
				}
			}
		}
	})
}

func FuzzCRL(f *testing.F) {
	good := recorded(f, "crl.der")
	list, err := x509.ParseRevocationList(good)
	if err != nil {
		f.Fatal(err)
	}
	if c, err := readCRL(list); err != nil || c.Len() == 0 || len(c.URLs) != 1 {
		f.Fatalf("the recorded answer: %d, %v", c.Len(), err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, der []byte) {
		// Nothing that is made up has a signature: the part behind it is fuzzed by itself.
		if c, err := (CRLTrust{}).read(der, time.Now()); err == nil || c.On() {
			t.Fatal("a list that nobody signed is believed")
		}
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return
		}
		c, err := readCRL(list)
		if err != nil {
			onlyAnswer(t, err)
			return
		}
		if c.NextUpdate.IsZero() || c.Len() > len(list.RevokedCertificateEntries) || c.State(c.NextUpdate.Add(time.Hour)) == CRLFresh {
			t.Fatalf("got %+v", c)
		}
		c.Revoked(big.NewInt(1))
		c.PEM()
	})
}

func FuzzIDP(f *testing.F) {
	f.Add([]byte{0x30, 0x07, 0xa0, 0x05, 0xa0, 0x03, 0x86, 0x01, 'u'})
	f.Fuzz(func(t *testing.T, der []byte) {
		if urls, err := parseIDP(der); err != nil && urls != nil {
			t.Fatal("a result beside an error")
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add([]byte("eyJ4NWNJbnNlY3VyZSI6WyJBQT09Il19.e30.AA"))
	f.Fuzz(func(t *testing.T, token []byte) {
		leaf, err := tokenLeaf(NewSecret(token))
		if (err == nil) != (leaf != nil) || err != nil && !errors.Is(err, ErrArgument) {
			t.Fatalf("got %v, %v", leaf, err)
		}
		if err == nil && bytes.ContainsAny(token, "\r\n \x00") {
			t.Fatal("what does not fit into a header is taken")
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("x \x1b[2J eyJhbGciOiJFUzI1NiJ9.e30.AA Bearer abc", "abc")
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := clean(text, secret)
		if len([]rune(got)) > maxMessage || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x202e }) {
			t.Fatalf("got %q", got)
		}
	})
}
