package audit

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// Bounds of what is parsed.
const (
	MaxBody    = 1 << 20 // one row's body
	MaxPlain   = 64      // a longer text or blob is in the chain as its digest
	MaxChanges = 256     // of one row; more of them are spread over several rows
	maxText    = 1 << 10
	maxColumns = 128
	maxKey     = 8
)

// format is the version of rows, checkpoints and passports.
const format = 1

// Domains: what is hashed or signed begins with one of them.
const (
	domainGenesis    = "provstation/audit/genesis/v1\x00"
	domainRow        = "provstation/audit/row/v1\x00"
	domainValue      = "provstation/audit/value/v1\x00"
	domainPerson     = "provstation/audit/person/v1\x00"
	domainCheckpoint = "provstation/audit/checkpoint/v1\x00"
	domainPassport   = "provstation/audit/passport/v1\x00"
)

// ErrMalformed says that bytes are not what they should be, or not in the one encoding.
var ErrMalformed = errors.New("malformed")

// Digest is a SHA-256.
type Digest [sha256.Size]byte

// String is the digest in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText is the digest in hex.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 64 lower-case hex digits.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) || strings.ToLower(string(text)) != string(text) {
		return fmt.Errorf("digest: %w: want 64 lower-case hex digits", ErrMalformed)
	}
	if _, err := hex.Decode(d[:], text); err != nil {
		return fmt.Errorf("digest: %w: %w", ErrMalformed, err)
	}
	return nil
}

// DigestOf makes a Digest of 32 bytes; ok is false for any other number.
func DigestOf(b []byte) (d Digest, ok bool) {
	return d, len(b) == len(d) && copy(d[:], b) == len(d)
}

// Genesis is the digest that row 1 follows.
func Genesis(stationID, tenant string) Digest {
	h := sha256.New()
	h.Write([]byte(domainGenesis))
	for _, s := range []string{stationID, tenant} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) //nolint:gosec // bounded by whoever calls
		h.Write([]byte(s))
	}
	return Digest(h.Sum(nil))
}

// Link is the digest of a row with the body, after the row with the digest prev.
func Link(prev Digest, body []byte) Digest {
	h := sha256.New()
	h.Write([]byte(domainRow))
	h.Write(prev[:])
	h.Write(body)
	return Digest(h.Sum(nil))
}

// Row is the body of a row.
type Row struct {
	Station string            `cbor:"2,keyasint"`
	N       uint64            `cbor:"3,keyasint"`
	At      int64             `cbor:"4,keyasint"` // microseconds since 1970, UTC
	Kind    string            `cbor:"5,keyasint"`
	Changes []Change          `cbor:"6,keyasint,omitempty"`
	Facts   map[string]string `cbor:"7,keyasint,omitempty"`
}

// Change is one row of the ledger as it stood after a write.
type Change struct {
	_       struct{} `cbor:",toarray"`
	Table   string
	Key     []any          // nil, int64, string, []byte or Hidden
	Columns map[string]any // likewise; nil: the row was deleted
}

// Hidden stands for a long text or blob: its digest.
type Hidden Digest

// MarshalCBOR is an array of one byte string.
func (h Hidden) MarshalCBOR() ([]byte, error) {
	return append([]byte{0x81, 0x58, 0x20}, h[:]...), nil
}

// Value is v (nil, int64, string or []byte) as a body holds it. Any other type is taken by its text.
func Value(v any) any {
	switch x := v.(type) {
	case nil, int64:
		return x
	case []byte:
		if len(x) > MaxPlain {
			return hidden('b', x)
		}
		return x
	case string:
		if len(x) > MaxPlain || !utf8.ValidString(x) {
			return hidden('t', []byte(x))
		}
		return x
	default:
		return Value(fmt.Sprint(x))
	}
}

func hidden(kind byte, b []byte) Hidden {
	h := sha256.New()
	h.Write([]byte(domainValue))
	h.Write([]byte{kind})
	h.Write(b)
	return Hidden(h.Sum(nil))
}

// Same reports whether two values of a body are the same.
func Same(a, b any) bool {
	switch x := a.(type) {
	case []byte:
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	default:
		if _, ok := b.([]byte); ok {
			return false
		}
		return a == b
	}
}

// coder holds the two modes; they are immutable.
type coder struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

var codec = newCoder() //nolint:gochecknoglobals // immutable

func newCoder() coder {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // options of this package
	}
	dec, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: 8, MaxArrayElements: 1024, MaxMapPairs: 256,
		IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, IntDec: cbor.IntDecConvertSignedOrFail,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, UTF8: cbor.UTF8RejectInvalid,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return coder{enc, dec}
}

// versioned puts the format before the members of a row.
type versioned struct {
	Format uint64 `cbor:"1,keyasint"`
	Row
}

// Encode is the row's body. ErrMalformed for a row that no reader would accept.
func (r Row) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	b, err := codec.enc.Marshal(versioned{format, r})
	if err != nil {
		return nil, fmt.Errorf("encode row %d: %w", r.N, err)
	}
	if len(b) > MaxBody {
		return nil, fmt.Errorf("encode row %d: %w: %d bytes", r.N, ErrMalformed, len(b))
	}
	return b, nil
}

// ParseRow reads a body. It is strict: only what Encode makes is accepted. ErrMalformed.
func ParseRow(body []byte) (Row, error) {
	if len(body) > MaxBody {
		return Row{}, fmt.Errorf("row: %w: %d bytes", ErrMalformed, len(body))
	}
	var v versioned
	if err := codec.dec.Unmarshal(body, &v); err != nil {
		return Row{}, fmt.Errorf("row: %w: %w", ErrMalformed, err)
	}
	if v.Format != format {
		return Row{}, fmt.Errorf("row: %w: format %d", ErrMalformed, v.Format)
	}
	for i := range v.Changes {
		if err := v.Changes[i].settle(); err != nil {
			return Row{}, err
		}
	}
	again, err := v.Encode()
	if err != nil {
		return Row{}, err
	}
	if !bytes.Equal(again, body) {
		return Row{}, fmt.Errorf("row: %w: not the deterministic encoding", ErrMalformed)
	}
	return v.Row, nil
}

// settle turns what the decoder made of the values into what Encode takes.
func (c *Change) settle() error {
	for i := range c.Key {
		if err := settle(&c.Key[i]); err != nil {
			return err
		}
	}
	for name, v := range c.Columns {
		if err := settle(&v); err != nil {
			return err
		}
		c.Columns[name] = v
	}
	return nil
}

func settle(v *any) error {
	list, ok := (*v).([]any)
	if !ok {
		return nil
	}
	if len(list) == 1 {
		if b, ok := list[0].([]byte); ok {
			if d, ok := DigestOf(b); ok {
				*v = Hidden(d)
				return nil
			}
		}
	}
	return fmt.Errorf("row: %w: a value is an array", ErrMalformed)
}

func (r Row) check() error {
	bad := func(what string) error { return fmt.Errorf("row %d: %w: %s", r.N, ErrMalformed, what) }
	if r.N == 0 || r.Station == "" || len(r.Station) > maxText || r.Kind == "" || len(r.Kind) > maxText {
		return bad("no number, station or kind")
	}
	if len(r.Changes) > MaxChanges || len(r.Facts) > maxColumns {
		return bad("too many changes or facts")
	}
	for k, v := range r.Facts {
		if len(k) > maxText || len(v) > maxText {
			return bad("a fact is too long")
		}
	}
	for _, c := range r.Changes {
		if c.Table == "" || len(c.Table) > maxText || len(c.Key) == 0 || len(c.Key) > maxKey || len(c.Columns) > maxColumns {
			return bad("a change without table or key, or too large")
		}
		for _, v := range c.Key {
			if !plain(v) {
				return bad("a key of another type")
			}
		}
		for name, v := range c.Columns {
			if name == "" || len(name) > maxText || !plain(v) {
				return bad("a column without name or of another type")
			}
		}
	}
	return nil
}

func plain(v any) bool {
	switch x := v.(type) {
	case nil, int64, Hidden:
		return true
	case string:
		return len(x) <= MaxPlain && utf8.ValidString(x)
	case []byte:
		return x != nil && len(x) <= MaxPlain
	default:
		return false
	}
}

// Sum is the digest of a row's columns, by which a reader remembers them.
func (c Change) Sum() (Digest, error) {
	b, err := codec.enc.Marshal(c.Columns)
	if err != nil {
		return Digest{}, fmt.Errorf("columns of %s: %w", c.Table, err)
	}
	return sha256.Sum256(b), nil
}

// ID names the ledger row in a map: table and key in one text.
func (c Change) ID() (string, error) {
	b, err := codec.enc.Marshal(c.Key)
	if err != nil {
		return "", fmt.Errorf("key of %s: %w", c.Table, err)
	}
	return c.Table + "\x00" + string(b), nil
}

// pseudonymPrefix begins every pseudonym.
const pseudonymPrefix = "p-"

// SaltSize is the length of a pseudonym's salt.
const SaltSize = 32

// NewSalt is a fresh salt.
func NewSalt() []byte {
	b := make([]byte, SaltSize)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return b
}

// Pseudonym is what stands in the chain for the person of that name.
func Pseudonym(salt []byte, name string) string {
	h := sha256.New()
	h.Write([]byte(domainPerson))
	h.Write(salt)
	h.Write([]byte(name))
	return pseudonymPrefix + hex.EncodeToString(h.Sum(nil)[:16])
}

// IsPseudonym reports whether the text has the form of one.
func IsPseudonym(s string) bool {
	digits, ok := strings.CutPrefix(s, pseudonymPrefix)
	if !ok || len(digits) != 32 || strings.ToLower(digits) != digits {
		return false
	}
	_, err := hex.DecodeString(digits)
	return err == nil
}
