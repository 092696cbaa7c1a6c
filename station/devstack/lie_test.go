package devstack

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.step.sm/crypto/pemutil"
)

// Each lie is the one that it says, and whatever the CA's key has signed is in its list.
func TestLies(t *testing.T) {
	s := start(t, Config{})
	posted := csrPEM(t, "dev-001")
	block, _ := pem.Decode([]byte(posted))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, lie := range append([]Lie{Honest}, Lies()...) {
		t.Run("lie "+string(lie), func(t *testing.T) {
			before := len(s.Issued())
			s.Bridge.SetFault(func(string, int) *Fault { return &Fault{Lie: lie} })
			fields := good(t, s, "dev-001", posted)
			text, _, _ := strings.Cut(fields["certificate"], "-----END") // what comes after the certificate is not its own
			leaf, err := pemutil.ParseCertificate([]byte(text + "-----END CERTIFICATE-----\n"))
			if err != nil {
				t.Fatal(err)
			}
			ca, err := pemutil.ParseCertificate([]byte(fields["ca_chain"]))
			if err != nil {
				t.Fatal(err)
			}
			if err := leaf.CheckSignatureFrom(ca); err != nil {
				t.Errorf("leaf and CA: got %v, want a signature that verifies", err)
			}
			check := func(what string, got, want bool) {
				t.Helper()
				if got != want {
					t.Errorf("%s: got %v, want %v", what, got, want)
				}
			}
			check("another key", string(leaf.RawSubjectPublicKeyInfo) != string(csr.RawSubjectPublicKeyInfo), lie == LieKey)
			check("another id", leaf.Subject.CommonName != "dev-001", lie == LieID)
			check("another CA", !ca.Equal(s.pki.sub), lie == LieChain)
			check("expired", leaf.NotAfter.Before(time.Now()), lie == LieExpired)
			check("private key", strings.Contains(fields["certificate"], "PRIVATE KEY"), lie == LiePrivateKey)
			check("oversize", len(fields["certificate"]) > oversize, lie == LieOversize)
			list := s.Issued()[before:]
			if lie == LieChain {
				if len(list) != 0 {
					t.Errorf("got %+v, want nothing in the CA's list: another one signed", list)
				}
				return
			}
			if len(list) != 1 {
				t.Fatalf("got %d certificates in the CA's list, want 1", len(list))
			}
			got := list[0]
			if got.Fingerprint != sha256.Sum256(leaf.Raw) || got.Serial != hex.EncodeToString(leaf.SerialNumber.Bytes()) ||
				got.SPKI != sha256.Sum256(leaf.RawSubjectPublicKeyInfo) || got.Subject != leaf.Subject.CommonName {
				t.Errorf("got %+v, want the certificate that came", got)
			}
			if got.Asked != "dev-001" || got.CSR != sha256.Sum256(csr.Raw) {
				t.Errorf("got %+v, want what was asked for", got)
			}
		})
	}
}

// A lost answer leaves its certificate in the CA's list, and half an answer does not read.
func TestIssuedAndLost(t *testing.T) {
	s := start(t, Config{})
	c, url, body := client(t, s), s.BridgeURL+"/devices/dev-001/enroll", encode(t, deployed(csrPEM(t, "dev-001")))
	for _, row := range []struct {
		name   string
		f      Fault
		issued int
	}{
		{"lost", Fault{Cut: true, Issue: true}, 1},
		{"half", Fault{Cut: true, Issue: true, Half: true}, 1},
		{"cut before", Fault{Cut: true}, 0},
	} {
		before := len(s.Issued())
		s.Bridge.SetFault(func(string, int) *Fault { return &row.f })
		if a, err := try(t, c, http.MethodPost, url, body); err == nil {
			t.Errorf("%s: got %d %s, want a connection that ends", row.name, a.Status, a.Body)
		}
		if n := len(s.Issued()) - before; n != row.issued {
			t.Errorf("%s: got %d certificates in the CA's list, want %d", row.name, n, row.issued)
		}
	}
	s.Bridge.SetFault(func(string, int) *Fault { return &Fault{Delay: 50 * time.Millisecond} })
	began := time.Now()
	good(t, s, "dev-001", csrPEM(t, "dev-001"))
	if took := time.Since(began); took < 50*time.Millisecond {
		t.Errorf("a slow bridge answered after %v, want 50 ms or more", took)
	}
}
