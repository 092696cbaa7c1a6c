package pki_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"strings"
	"testing"

	"provstation/station/pki"
	"provstation/station/stationtest"
)

func keyPEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestParseCSR(t *testing.T) {
	for _, kt := range pki.KeyTypes() {
		t.Run(string(kt), func(t *testing.T) {
			key := stationtest.NewKey(t, string(kt))
			der := stationtest.NewCSR(t, key, id)
			csr, err := pki.ParseCSR(der, pki.CSRPolicy{DeviceID: id, KeyTypes: []pki.KeyType{kt}})
			if err != nil {
				t.Fatalf("parse: %v", err)
			}
			spki, err := x509.MarshalPKIXPublicKey(key.Public())
			if err != nil {
				t.Fatal(err)
			}
			if csr.KeyType != kt || csr.SPKI != sha256.Sum256(spki) || csr.Digest != sha256.Sum256(der) || !bytes.Equal(csr.Raw, der) {
				t.Errorf("got type %s, SPKI %x, digest %x; want those of the input", csr.KeyType, csr.SPKI, csr.Digest)
			}
			block, rest := pem.Decode([]byte(csr.PEM()))
			if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) != 0 || !bytes.Equal(block.Bytes, der) {
				t.Errorf("got PEM %q, want one CERTIFICATE REQUEST with the same DER", csr.PEM())
			}
		})
	}
	key := stationtest.NewKey(t, "P-256")
	bare := stationtest.NewCSR(t, key, id, func(r *x509.CertificateRequest) { r.DNSNames = nil })
	if _, err := pki.ParseCSR(bare, pki.CSRPolicy{DeviceID: id}); err != nil {
		t.Errorf("without SAN: got %v, want nil", err)
	}
}

func TestParseCSRRefuses(t *testing.T) {
	key := stationtest.NewKey(t, "P-256")
	edited := func(edit func(*x509.CertificateRequest)) []byte { return stationtest.NewCSR(t, key, id, edit) }
	cn := func(values ...any) func(*x509.CertificateRequest) {
		return func(r *x509.CertificateRequest) {
			r.Subject = pkix.Name{}
			for _, v := range values {
				r.Subject.ExtraNames = append(r.Subject.ExtraNames, pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: v})
			}
		}
	}
	ext := func(oid asn1.ObjectIdentifier, value ...byte) func(*x509.CertificateRequest) {
		return func(r *x509.CertificateRequest) {
			r.DNSNames = nil
			r.ExtraExtensions = []pkix.Extension{{Id: oid, Value: value}}
		}
	}
	good := stationtest.NewCSR(t, key, id)
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	swapped := bytes.Replace(good, []byte(id), []byte("dev-002"), 1)
	tests := []struct {
		name string
		der  []byte
		pol  pki.CSRPolicy
		want pki.Check
	}{
		{"empty", nil, pki.CSRPolicy{DeviceID: id}, pki.CheckBadCSR},
		{"garbage", []byte("-----BEGIN"), pki.CSRPolicy{DeviceID: id}, pki.CheckBadCSR},
		{"a certificate", stationtest.NewPKI(t).Root.Cert.Raw, pki.CSRPolicy{DeviceID: id}, pki.CheckBadCSR},
		{"too large", make([]byte, 5000), pki.CSRPolicy{DeviceID: id}, pki.CheckTooLarge},
		{"byte after the end", append(bytes.Clone(good), 0), pki.CSRPolicy{DeviceID: id}, pki.CheckBadCSR},
		{"BER length", longLength(good), pki.CSRPolicy{DeviceID: id}, pki.CheckBadCSR},
		{"signature broken", forged, pki.CSRPolicy{DeviceID: id}, pki.CheckCSRSignature},
		{"changed after signing", swapped, pki.CSRPolicy{DeviceID: "dev-002"}, pki.CheckCSRSignature},
		{"other id", good, pki.CSRPolicy{DeviceID: "dev-002"}, pki.CheckWrongCN},
		{"id in other case", good, pki.CSRPolicy{DeviceID: "Dev-001"}, pki.CheckWrongCN},
		{"illegal id", good, pki.CSRPolicy{DeviceID: "10.0.0.1"}, pki.CheckDeviceID},
		{"no CN", edited(cn()), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongCN},
		{"two CNs", edited(cn(id, id)), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongCN},
		{"CN as IA5String", edited(cn(asn1.RawValue{Tag: asn1.TagIA5String, Bytes: []byte(id)})), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongCN},
		{"other DNS", edited(func(r *x509.CertificateRequest) { r.DNSNames = []string{"evil.example"} }), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongSAN},
		{"extra DNS", edited(func(r *x509.CertificateRequest) { r.DNSNames = []string{id, "evil.example"} }), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongSAN},
		{"extra IP", edited(func(r *x509.CertificateRequest) { r.IPAddresses = []net.IP{{10, 0, 0, 1}} }), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongSAN},
		{"otherName", edited(ext(asn1.ObjectIdentifier{2, 5, 29, 17}, 0x30, 8, 0xa0, 6, 6, 1, 42, 0xa0, 1, 0)), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongSAN},
		{"empty SAN", edited(ext(asn1.ObjectIdentifier{2, 5, 29, 17}, 0x30, 0)), pki.CSRPolicy{DeviceID: id}, pki.CheckWrongSAN},
		{"wants to be a CA", edited(ext(asn1.ObjectIdentifier{2, 5, 29, 19}, 0x30, 3, 1, 1, 0xff)), pki.CSRPolicy{DeviceID: id}, pki.CheckIsCA},
		{"P-521", stationtest.NewCSR(t, stationtest.NewKey(t, "P-521"), id), pki.CSRPolicy{DeviceID: id}, pki.CheckKeyType},
		{"RSA", stationtest.NewCSR(t, stationtest.NewKey(t, "RSA-2048"), id), pki.CSRPolicy{DeviceID: id}, pki.CheckKeyType},
		{"not the policy's key", good, pki.CSRPolicy{DeviceID: id, KeyTypes: []pki.KeyType{pki.P384}}, pki.CheckKeyType},
		{"SHA-512 under P-256", edited(func(r *x509.CertificateRequest) { r.SignatureAlgorithm = x509.ECDSAWithSHA512 }), pki.CSRPolicy{DeviceID: id}, pki.CheckSignatureAlg},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			csr, err := pki.ParseCSR(tt.der, tt.pol)
			if csr != nil {
				t.Error("got a CSR beside an error")
			}
			if got := pki.CheckOf(err); got != tt.want && (tt.want != pki.CheckBadCSR || got != pki.CheckNotDER) {
				t.Errorf("got %q (%v), want %q", got, err, tt.want)
			}
		})
	}
}

// longLength writes the outer length with a leading zero byte, which is BER.
func longLength(der []byte) []byte {
	body := der[4:]
	if der[1] == 0x81 {
		body = der[3:]
	}
	return append([]byte{0x30, 0x83, 0, byte(len(body) >> 8), byte(len(body))}, body...)
}

func TestValidDeviceID(t *testing.T) {
	for _, good := range []string{"a", "0", "dev-001", "A.b_c-9", "12345", "COM", "COM10", "console", "nul1", strings.Repeat("x", 63), "1.2.3"} {
		if err := pki.ValidDeviceID(good); err != nil {
			t.Errorf("%q: got %v, want nil", good, err)
		}
	}
	for _, bad := range []string{
		"", ".", "-a", "a-", "_a", "a.", "a..b", "a b", "a/b", `a\b`, "a:b", "ä", "a\x00", "a\n", "*", "a+b", "a#", "10.0.0.1",
		"010.0.0.1", "999.1.1.1", "NUL", "con", "Com1", "lpt9.txt", "aux.tar.gz", strings.Repeat("x", 64), "\x1b[2J",
	} {
		err := pki.ValidDeviceID(bad)
		if pki.CheckOf(err) != pki.CheckDeviceID {
			t.Errorf("%q: got %v, want %s", bad, err, pki.CheckDeviceID)
		}
	}
}

func FuzzParseCSR(f *testing.F) {
	for _, kind := range []string{"P-256", "P-384", "Ed25519", "RSA-2048"} {
		f.Add(stationtest.NewCSR(f, stationtest.NewKey(f, kind), id))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		csr, err := pki.ParseCSR(der, pki.CSRPolicy{DeviceID: id})
		if (csr == nil) == (err == nil) {
			t.Fatalf("got %v and %v, want exactly one", csr, err)
		}
		if err != nil {
			if pki.CheckOf(err) == "" {
				t.Fatalf("got an untyped error %v", err)
			}
			return
		}
		req, err := x509.ParseCertificateRequest(der)
		if err != nil || req.CheckSignature() != nil || req.Subject.CommonName != id || len(req.IPAddresses)+len(req.URIs)+len(req.EmailAddresses) > 0 {
			t.Fatalf("accepted a CSR that crypto/x509 reads otherwise: %v", err)
		}
	})
}

func FuzzVerifyAnswer(f *testing.F) {
	b := newBench(f, stationtest.PKIConfig{})
	good := b.answer(f)
	f.Add(good.Certificate, good.CAChain)
	f.Add(good.Certificate+good.CAChain, b.ICA.PEM()+b.Root.PEM())
	f.Add(keyPEM(f, b.key), "\x00")
	f.Fuzz(func(t *testing.T, cert, chain string) {
		got, err := pki.VerifyAnswer(pki.Answer{Certificate: cert, CAChain: chain}, b.policy())
		if (got == nil) == (err == nil) {
			t.Fatalf("got %v and %v, want exactly one", got, err)
		}
		if err != nil {
			if pki.CheckOf(err) == "" || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }) {
				t.Fatalf("got error %q, want a typed one without control characters", err)
			}
			return
		}
		if !got.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(b.key.Public()) {
			t.Fatal("accepted a leaf for another key")
		}
	})
}

func TestSPKIHashOfForeignKey(t *testing.T) {
	if _, err := pki.SPKIHash("not a key"); pki.CheckOf(err) != pki.CheckKeyType {
		t.Errorf("got %v, want %s", err, pki.CheckKeyType)
	}
	buf := make([]byte, 32)
	if _, err := rand.Read(buf); err != nil {
		t.Fatal(err)
	}
	if _, _, err := pki.SchemeFor(buf); pki.CheckOf(err) != pki.CheckKeyType {
		t.Errorf("got %v, want %s", err, pki.CheckKeyType)
	}
}
