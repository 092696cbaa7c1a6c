package wgconf

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Placeholder is what the deployed bridge writes where the device is to put its private key.
const Placeholder = "<REPLACE_WITH_DEVICE_PRIVATE_KEY>"

const hidden = "(hidden)"

// Secret is a private or preshared key, the bridge's placeholder for one, or nothing (the zero value). Every way to print
// it says "(hidden)".
type Secret struct {
	key         *box
	placeholder bool
}

// box keeps a key two pointers away: package fmt calls no methods on an unexported field of somebody's struct, and follows
// one pointer when a verb does not suit it (%s of a pointer), but never two.
type box struct{ key *wgtypes.Key }

// NewSecret keeps a key.
func NewSecret(k wgtypes.Key) Secret { return Secret{key: &box{&k}} }

// Present reports whether there is a real key.
func (s Secret) Present() bool { return s.key != nil }

// IsPlaceholder reports whether the bridge left the key to the device.
func (s Secret) IsPlaceholder() bool { return s.placeholder }

// Reveal gives the key to the one place that needs it. ok is false where there is no real key.
func (s Secret) Reveal() (key wgtypes.Key, ok bool) {
	if s.key == nil {
		return wgtypes.Key{}, false
	}
	return *s.key.key, true
}

// PublicKey is the key's public half. ok is false where there is no real key.
func (s Secret) PublicKey() (pub wgtypes.Key, ok bool) {
	if s.key == nil {
		return wgtypes.Key{}, false
	}
	return s.key.key.PublicKey(), true
}

// Equal compares in constant time.
func (s Secret) Equal(o Secret) bool {
	if s.key == nil || o.key == nil {
		return s.key == o.key && s.placeholder == o.placeholder
	}
	return subtle.ConstantTimeCompare(s.key.key[:], o.key.key[:]) == 1
}

// String hides the key.
func (Secret) String() string { return hidden }

// GoString hides the key.
func (Secret) GoString() string { return hidden }

// Format hides the key for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the key.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the key.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON hides the key.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }
