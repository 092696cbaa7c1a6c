package station

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
)

// Bounds of what is looked at of an answer that was not judged yet.
const (
	maxPeek   = 64 << 10 // bytes of a text
	maxPeeked = 16       // certificates
)

// certificatesIn finds every certificate in a bridge's answer, whatever else is wrong with it: what was issued is written
// down.
func certificatesIn(texts ...string) (list []*x509.Certificate) {
	for _, text := range texts {
		rest := []byte(text[:min(len(text), maxPeek)])
		for len(list) < maxPeeked {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				break
			}
			if c, err := x509.ParseCertificate(b.Bytes); err == nil && b.Type == "CERTIFICATE" {
				list = append(list, c)
			}
		}
	}
	return list
}

// certRecord is the row of a certificate as it stands in itself.
func certRecord(c *x509.Certificate) CertRecord {
	fp, spki := sha256.Sum256(c.Raw), sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return CertRecord{
		SPKI: spki[:], Fingerprint: fp[:], CertSerial: hex.EncodeToString(c.SerialNumber.Bytes()),
		Subject: printable(c.Subject.CommonName), Issuer: printable(c.Issuer.CommonName), AKI: hex.EncodeToString(c.AuthorityKeyId),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), Leaf: c.Raw,
	}
}

func pemText(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// wireGuardText is a WireGuard key as its tools write it.
func wireGuardText(key []byte) string { return base64.StdEncoding.EncodeToString(key) }
