package pki

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// DefaultMaxCSR bounds a CSR in bytes of DER. A P-384 CSR with SAN takes about 400.
const DefaultMaxCSR = 4096

// CSRPolicy says what a device's CSR must be.
type CSRPolicy struct {
	DeviceID string    // required; must be legal by [ValidDeviceID]
	KeyTypes []KeyType // allowed key types; nil: all of [KeyTypes]
	MaxSize  int       // bytes of DER; 0: [DefaultMaxCSR]
}

// CSR is a certificate request that passed every check.
type CSR struct {
	Raw       []byte // DER, a copy
	PublicKey crypto.PublicKey
	KeyType   KeyType
	SPKI      [32]byte // SHA-256 of the SubjectPublicKeyInfo as it stands in the CSR
	Digest    [32]byte // SHA-256 of Raw
}

// PEM is the CSR as a bridge wants it.
func (c *CSR) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: c.Raw}))
}

// ParseCSR reads a PKCS #10 request (RFC 2986) and judges it: size, exactly one DER value, key type, an algorithm that
// fits the key, a valid signature of its own key (proof of possession), one CN equal to the device id byte for byte, SAN
// absent or exactly DNS:id, and no wish to be a CA. The error is an [*Error].
func ParseCSR(der []byte, want CSRPolicy) (*CSR, error) {
	if err := ValidDeviceID(want.DeviceID); err != nil {
		return nil, err
	}
	limit := want.MaxSize
	if limit <= 0 {
		limit = DefaultMaxCSR
	}
	if len(der) > limit {
		return nil, finding(CheckTooLarge, fmt.Sprintf("CSR of %d bytes, at most %d", len(der), limit))
	}
	der = slices.Clone(der)
	req, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, findingErr(CheckBadCSR, "parse CSR", err)
	}
	if !isDER(der) {
		return nil, finding(CheckNotDER, "the CSR is not in DER")
	}
	if req.Version != 0 {
		return nil, finding(CheckBadCSR, fmt.Sprintf("CSR version %d, want 0", req.Version))
	}
	kt, err := csrKey(req, want.KeyTypes)
	if err != nil {
		return nil, err
	}
	if f := csrNames(req, want.DeviceID); f != nil {
		return nil, f
	}
	return &CSR{
		Raw:       der,
		PublicKey: req.PublicKey,
		KeyType:   kt,
		SPKI:      sha256.Sum256(req.RawSubjectPublicKeyInfo),
		Digest:    sha256.Sum256(der),
	}, nil
}

func csrKey(req *x509.CertificateRequest, allowed []KeyType) (KeyType, error) {
	kt, err := KeyTypeOf(req.PublicKey)
	if err != nil {
		return "", err
	}
	if allowed != nil && !slices.Contains(allowed, kt) {
		return "", finding(CheckKeyType, fmt.Sprintf("%s, allowed are %v", kt, allowed))
	}
	if want := x509AlgFor(kt); req.SignatureAlgorithm != want {
		return "", finding(CheckSignatureAlg, fmt.Sprintf("%s under a %s key, want %s", req.SignatureAlgorithm, kt, want))
	}
	if err := req.CheckSignature(); err != nil {
		return "", findingErr(CheckCSRSignature, "the CSR is not signed by its own key", err)
	}
	// One key has one encoding: the ledger's uniqueness of keys rests on the hash.
	canonical, err := SPKIHash(req.PublicKey)
	if err != nil {
		return "", err
	}
	if canonical != sha256.Sum256(req.RawSubjectPublicKeyInfo) {
		return "", finding(CheckBadCSR, "the public key is not in its one canonical encoding")
	}
	return kt, nil
}

func csrNames(req *x509.CertificateRequest, id string) *Error {
	if f := checkCN(req.RawSubject, id); f != nil {
		return f
	}
	if f := checkSAN(req.Extensions, id, true); f != nil {
		return f
	}
	if bc, n := findExtension(req.Extensions, oidBasicConstraints); n > 0 && wantsCA(bc.Value) {
		return finding(CheckIsCA, "the CSR asks for CA:TRUE")
	}
	return nil
}

// wantsCA reads basicConstraints (RFC 5280 4.2.1.9); what cannot be read counts as a wish.
func wantsCA(value []byte) bool {
	s := cryptobyte.String(value)
	var body cryptobyte.String
	var ca bool
	if !s.ReadASN1(&body, cbasn1.SEQUENCE) || !s.Empty() {
		return true
	}
	if body.Empty() {
		return false
	}
	return !body.ReadASN1Boolean(&ca) || ca || !body.Empty()
}
