package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxPassport bounds a passport file.
const MaxPassport = 1 << 20

// Passport is what a station says of a device that passed. Digests are SHA-256 in lower-case hex; times are UTC.
type Passport struct {
	Format         int    `json:"format"`
	Tenant         string `json:"tenant"`
	DeviceID       string `json:"device_id"`
	HardwareSerial string `json:"hardware_serial"`
	Model          string `json:"model,omitempty"`
	Firmware       string `json:"firmware,omitempty"`

	Leaf       string    `json:"leaf"`            // fingerprint
	Chain      []string  `json:"chain,omitempty"` // fingerprints, issuer of the leaf first
	SPKI       string    `json:"spki"`
	CSR        string    `json:"csr,omitempty"` // digest of its DER
	CertSerial string    `json:"cert_serial,omitempty"`
	Subject    string    `json:"subject,omitempty"`
	Issuer     string    `json:"issuer,omitempty"`
	NotBefore  time.Time `json:"not_before,omitzero"`
	NotAfter   time.Time `json:"not_after,omitzero"`
	Contract   string    `json:"contract,omitempty"`

	Run       string            `json:"run"`
	Attempt   int               `json:"attempt,omitempty"`
	Batch     string            `json:"batch,omitempty"`
	StartedAt time.Time         `json:"started_at"`
	EndedAt   time.Time         `json:"ended_at"`
	Phases    []PassportPhase   `json:"phases"`
	Readback  map[string]string `json:"readback,omitempty"` // object to the digest that was read back
	Proof     PassportProof     `json:"proof"`

	Operator string          `json:"operator,omitempty"` // pseudonym
	Station  PassportStation `json:"station"`
	Previous *PassportBefore `json:"previous,omitempty"` // the device's PASS before this one
	Head     Checkpoint      `json:"head"`               // the station's chain, when the run had ended
}

// PassportPhase is the end of one phase.
type PassportPhase struct {
	Phase     string    `json:"phase"`
	Status    string    `json:"status"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Tries     int       `json:"tries,omitempty"`
}

// PassportProof is what the broker showed.
type PassportProof struct {
	Kind   string    `json:"kind"`
	Broker string    `json:"broker"`
	TLS    string    `json:"tls"`
	MQTT   string    `json:"mqtt"` // protocol and reason
	At     time.Time `json:"at"`
}

// PassportStation is where the device passed.
type PassportStation struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Site         string `json:"site,omitempty"`
	Version      string `json:"version"`
	ConfigDigest string `json:"config_digest,omitempty"`
}

// PassportBefore names the record before.
type PassportBefore struct {
	Run     string    `json:"run"`
	Leaf    string    `json:"leaf"`
	EndedAt time.Time `json:"ended_at"`
}

// PassportName leads a pseudonym back to the person. It may be removed from the file.
type PassportName struct {
	Pseudonym string `json:"pseudonym"`
	Name      string `json:"name"`
	Salt      Hex    `json:"salt"`
}

type passportFile struct {
	Passport  json.RawMessage    `json:"passport"`
	Names     []PassportName     `json:"names,omitempty"`
	Signature *passportSignature `json:"signature,omitempty"`
}

type passportSignature struct {
	Algorithm string `json:"algorithm"`
	Key       Digest `json:"key_id"`
	Value     Hex    `json:"value"`
}

const algorithm = "Ed25519"

// Signed is a passport as it was read from a file.
type Signed struct {
	Passport
	Names     []PassportName
	Key       Digest // that signed it
	canonical []byte
	signature []byte
}

// Issue signs the passport and lays it out as a file, indented for people.
func (s *Signer) Issue(p Passport, names []PassportName) ([]byte, error) {
	p.Format = format
	if err := p.check(); err != nil {
		return nil, err
	}
	text, err := marshal(p)
	if err != nil {
		return nil, fmt.Errorf("passport: %w", err)
	}
	sig, err := s.sign(domainPassport, text)
	if err != nil {
		return nil, err
	}
	whole, err := marshal(passportFile{text, names, &passportSignature{algorithm, s.Public.ID, sig}})
	if err != nil {
		return nil, fmt.Errorf("passport: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, whole, "", "  "); err != nil {
		return nil, fmt.Errorf("passport: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// ParsePassport reads a passport file. It is strict, and says nothing about the signature. ErrMalformed, ErrUnsigned.
func ParsePassport(text []byte) (Signed, error) {
	if len(text) > MaxPassport {
		return Signed{}, fmt.Errorf("passport: %w: %d bytes", ErrMalformed, len(text))
	}
	if !utf8.Valid(text) {
		return Signed{}, fmt.Errorf("passport: %w: not UTF-8", ErrMalformed)
	}
	var f passportFile
	if err := strict(text, &f); err != nil {
		return Signed{}, fmt.Errorf("passport: %w", err)
	}
	if f.Signature == nil || len(f.Signature.Value) == 0 {
		return Signed{}, fmt.Errorf("passport: %w", ErrUnsigned)
	}
	s := Signed{Names: f.Names, Key: f.Signature.Key, signature: f.Signature.Value}
	if f.Signature.Algorithm != algorithm {
		return Signed{}, fmt.Errorf("passport: %w: signature algorithm", ErrMalformed)
	}
	if err := strict(f.Passport, &s.Passport); err != nil {
		return Signed{}, fmt.Errorf("passport: %w", err)
	}
	var have bytes.Buffer
	if err := json.Compact(&have, f.Passport); err != nil {
		return Signed{}, fmt.Errorf("passport: %w: %w", ErrMalformed, err)
	}
	s.canonical = have.Bytes()
	// One spelling only, of the file as well: no member may be there twice or under another name.
	f.Passport = s.canonical
	if err := s.oneSpelling(f, text); err != nil {
		return Signed{}, err
	}
	return s, s.check()
}

func (s Signed) oneSpelling(f passportFile, text []byte) error {
	inner, err := marshal(s.Passport)
	if err != nil || !bytes.Equal(inner, s.canonical) {
		return fmt.Errorf("passport: %w: not the one spelling", ErrMalformed)
	}
	var have bytes.Buffer
	if err := json.Compact(&have, text); err != nil {
		return fmt.Errorf("passport: %w: %w", ErrMalformed, err)
	}
	whole, err := marshal(f)
	if err != nil || !bytes.Equal(whole, have.Bytes()) {
		return fmt.Errorf("passport: %w: not the one spelling", ErrMalformed)
	}
	return nil
}

// check refuses what cannot be a passport.
func (p Passport) check() error {
	bad := func(what string) error { return fmt.Errorf("passport: %w: %s", ErrMalformed, what) }
	switch {
	case p.Format != format:
		return bad(fmt.Sprintf("format %d", p.Format))
	case p.DeviceID == "" || p.HardwareSerial == "" || p.Tenant == "" || p.Run == "" || p.Station.ID == "":
		return bad("an id is missing")
	case p.Proof.Kind == "" || p.EndedAt.IsZero():
		return bad("no proof or no end")
	case p.Operator != "" && !IsPseudonym(p.Operator):
		return bad("the operator is not a pseudonym")
	case p.Head.Station != p.Station.ID:
		return bad("the head is another station's")
	}
	var d Digest
	for _, text := range append([]string{p.Leaf, p.SPKI}, p.Chain...) {
		if err := d.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("passport: %w", err)
		}
	}
	text, err := marshal(p)
	if err != nil {
		return fmt.Errorf("passport: %w", err)
	}
	// JSON escapes the control characters below U+0020 but not the others, which a terminal may act upon.
	if bytes.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }) ||
		bytes.Contains(text, []byte(`\u00`)) {
		return bad("control characters")
	}
	return nil
}

// Verify checks the signatures of passport and head, and that the names fit their pseudonyms. ErrUnknownKey, ErrSignature.
func (s Signed) Verify(keys Keys) error {
	if err := keys.verify(s.Key, domainPassport, s.canonical, s.signature); err != nil {
		return fmt.Errorf("passport: %w", err)
	}
	if err := s.Head.Verify(keys); err != nil {
		return fmt.Errorf("passport: %w", err)
	}
	for _, n := range s.Names {
		if n.Pseudonym != s.Operator || Pseudonym(n.Salt, n.Name) != n.Pseudonym {
			return fmt.Errorf("passport: name of %s: %w", n.Pseudonym, ErrSignature)
		}
	}
	return nil
}

// Digest is the passport's own, over what is signed.
func (s Signed) Digest() Digest {
	return sha256.Sum256(append([]byte(domainPassport), s.canonical...))
}
