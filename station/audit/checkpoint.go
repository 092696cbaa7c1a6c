package audit

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"time"
)

// Errors of a signature.
var (
	ErrSignature  = errors.New("signature does not fit")
	ErrUnknownKey = errors.New("signed by another key")
	ErrUnsigned   = errors.New("not signed")
)

// PublicKey is a station's public key with its id.
type PublicKey struct {
	ID  Digest // SHA-256 of the SubjectPublicKeyInfo
	key ed25519.PublicKey
}

// NewPublicKey takes an Ed25519 public key; any other type is ErrMalformed.
func NewPublicKey(pub crypto.PublicKey) (PublicKey, error) {
	key, ok := pub.(ed25519.PublicKey)
	if !ok || len(key) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("station key: %w: not an Ed25519 key", ErrMalformed)
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("station key: %w: %w", ErrMalformed, err)
	}
	return PublicKey{sha256.Sum256(der), key}, nil
}

const publicBlock = "PUBLIC KEY"

// maxPublic bounds the text of a public key.
const maxPublic = 16 << 10

// ParsePublicKey reads one public key in PEM (SubjectPublicKeyInfo, RFC 5280 4.1.2.7).
func ParsePublicKey(text []byte) (PublicKey, error) {
	if len(text) > maxPublic {
		return PublicKey{}, fmt.Errorf("station key: %w: %d bytes", ErrMalformed, len(text))
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != publicBlock || len(bytes.TrimSpace(rest)) > 0 {
		return PublicKey{}, fmt.Errorf("station key: %w: want one PEM block %q", ErrMalformed, publicBlock)
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("station key: %w: %w", ErrMalformed, err)
	}
	return NewPublicKey(pub)
}

// PEM is the key as ParsePublicKey reads it.
func (k PublicKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("station key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: der}), nil
}

// Keys are the public keys that are trusted, by id.
type Keys map[Digest]PublicKey

// NewKeys makes the set of the keys.
func NewKeys(keys ...PublicKey) Keys {
	set := make(Keys, len(keys))
	for _, k := range keys {
		set[k.ID] = k
	}
	return set
}

func (k Keys) verify(id Digest, domain string, text, signature []byte) error {
	key, ok := k[id]
	if !ok {
		return fmt.Errorf("key %s: %w", id, ErrUnknownKey)
	}
	if !ed25519.Verify(key.key, append([]byte(domain), text...), signature) {
		return ErrSignature
	}
	return nil
}

// Signer is a station's private key.
type Signer struct {
	Public PublicKey
	key    crypto.Signer
}

// NewSigner takes an Ed25519 private key, which may live in hardware.
func NewSigner(key crypto.Signer) (*Signer, error) {
	pub, err := NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return &Signer{pub, key}, nil
}

// String hides the key.
func (s *Signer) String() string { return "station key " + s.Public.ID.String() + " (hidden)" }

// GoString hides the key.
func (s *Signer) GoString() string { return s.String() }

func (s *Signer) sign(domain string, text []byte) ([]byte, error) {
	sig, err := s.key.Sign(nil, append([]byte(domain), text...), crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("sign with station key: %w", err)
	}
	return sig, nil
}

// Purposes of a checkpoint.
const (
	PurposeHead  uint64 = 1 // the chain's head
	PurposePrune uint64 = 2 // rows up to n were deleted
)

// Checkpoint says which digest row n of a chain had.
type Checkpoint struct {
	Station   string    `json:"station_id"`
	Tenant    string    `json:"tenant"`
	N         uint64    `json:"n"`
	Digest    Digest    `json:"digest"`
	At        time.Time `json:"at"`
	Key       Digest    `json:"key_id"`
	Purpose   uint64    `json:"purpose"`
	Signature Hex       `json:"signature"`
}

// Hex is bytes that are written in lower-case hex.
type Hex []byte

// MarshalText is the bytes in hex.
func (b Hex) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

// UnmarshalText reads lower-case hex.
func (b *Hex) UnmarshalText(text []byte) (err error) {
	if !bytes.Equal(bytes.ToLower(text), text) {
		return fmt.Errorf("%w: hex in capitals", ErrMalformed)
	}
	*b, err = hex.DecodeString(string(text))
	return err
}

type checkpointBody struct {
	Format  uint64 `cbor:"1,keyasint"`
	Station string `cbor:"2,keyasint"`
	Tenant  string `cbor:"3,keyasint"`
	N       uint64 `cbor:"4,keyasint"`
	Digest  []byte `cbor:"5,keyasint"`
	At      int64  `cbor:"6,keyasint"`
	Key     []byte `cbor:"7,keyasint"`
	Purpose uint64 `cbor:"8,keyasint"`
}

// Body is what is signed, after the domain.
func (c Checkpoint) Body() ([]byte, error) {
	return codec.enc.Marshal(checkpointBody{
		format, c.Station, c.Tenant, c.N, c.Digest[:], c.At.UnixMicro(), c.Key[:], c.Purpose,
	})
}

// Sign signs the checkpoint; Key and Signature are filled in, At is cut to microseconds.
func (s *Signer) Sign(c Checkpoint) (Checkpoint, error) {
	c.At, c.Key = time.UnixMicro(c.At.UnixMicro()).UTC(), s.Public.ID
	body, err := c.Body()
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	if c.Signature, err = s.sign(domainCheckpoint, body); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// Verify checks the signature. ErrUnknownKey, ErrSignature.
func (c Checkpoint) Verify(keys Keys) error {
	body, err := c.Body()
	if err != nil {
		return fmt.Errorf("checkpoint %d: %w", c.N, err)
	}
	if err := keys.verify(c.Key, domainCheckpoint, body, c.Signature); err != nil {
		return fmt.Errorf("checkpoint %d: %w", c.N, err)
	}
	return nil
}

// maxLine bounds a checkpoint's line.
const maxLine = 4 << 10

// Line is the checkpoint as one line of a heads file, with the line feed.
func (c Checkpoint) Line() ([]byte, error) {
	b, err := marshal(c)
	if err != nil {
		return nil, fmt.Errorf("checkpoint %d: %w", c.N, err)
	}
	return append(b, '\n'), nil
}

// ParseCheckpoint reads a line of a heads file, with or without its line feed. It is strict. ErrMalformed.
func ParseCheckpoint(line []byte) (Checkpoint, error) {
	line = bytes.TrimSuffix(line, []byte("\n"))
	var c Checkpoint
	if len(line) > maxLine {
		return c, fmt.Errorf("checkpoint: %w: %d bytes", ErrMalformed, len(line))
	}
	if err := strict(line, &c); err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	again, err := marshal(c)
	switch {
	case err != nil || !bytes.Equal(again, line):
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: not the one spelling", ErrMalformed)
	case c.Station == "" || c.N == 0 || c.Purpose != PurposeHead && c.Purpose != PurposePrune ||
		c.At.UTC().Format(time.RFC3339Nano) != time.UnixMicro(c.At.UnixMicro()).UTC().Format(time.RFC3339Nano):
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: station, number, purpose or time", ErrMalformed)
	}
	return c, nil
}

// marshal is compact JSON without the escapes that are meant for web pages.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// strict reads exactly one JSON value without unknown members.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: text after the end", ErrMalformed)
	}
	return nil
}
