package stepca

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "(hidden)"

// Secret is a password or a token. Whatever prints it, prints (hidden).
type Secret struct{ b []byte }

// NewSecret takes ownership of b.
func NewSecret(b []byte) Secret { return Secret{b} }

// Reveal gives the bytes to the one place that uses them.
func (s Secret) Reveal() []byte { return s.b }

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return len(s.b) == 0 }

// String, GoString, Format, LogValue and MarshalText (and with it JSON) all hide the secret.
func (Secret) String() string { return hidden }

// GoString hides the secret.
func (Secret) GoString() string { return hidden }

// Format hides the secret for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
