package scan

import (
	"fmt"
	"io"
	"log/slog"
	"unicode"
	"unicode/utf8"
)

// MaxText is the longest text that is taken for a scan, in bytes. GS1 symbols hold far less, and so do labels.
const MaxText = 256

// Kind is what a scan is.
type Kind string

// Kinds of a scan.
const (
	KindLabel   Kind = "label"
	KindBadge   Kind = "badge"
	KindCommand Kind = "command"
)

// Label is what a scan means. Every field but Badge is printable text.
type Label struct {
	Kind Kind
	// Text is the whole of it for people: as scanned, without prefix, suffix and symbology identifier; element strings with
	// their identifiers in parentheses. Empty for a badge.
	Text string
	// ID is what names one device: the group "id" of the configured pattern, else a GS1 serial number (21, then 8004, the
	// serial in 8003, 8011, 250), else the whole text of a plain code. Only labels have one, and every label has one.
	ID string
	// GTIN (14 digits), Serial (21) and Batch (10) as a GS1 code has them.
	GTIN, Serial, Batch string
	// Command is one of the words of [Commands], in lower case.
	Command string
	// Badge is what the badge says after its prefix.
	Badge Badge
}

// Badge is what a badge says. Who knows it can pass for its owner, so nothing prints it.
type Badge string

const hidden = "(hidden)"

// Reveal gives the badge's text: for looking the person up, and nothing else.
func (b Badge) Reveal() string { return string(b) }

// String hides the badge.
func (Badge) String() string { return hidden }

// GoString hides the badge.
func (Badge) GoString() string { return hidden }

// Format hides the badge for every verb.
func (Badge) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue hides the badge.
func (Badge) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the badge, in JSON and YAML too.
func (Badge) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Reason is why a scan is of no use, in stable English.
type Reason string

// Reasons of an [Error].
const (
	ReasonEmpty        Reason = "empty"
	ReasonTooLong      Reason = "too-long"      // more than MaxText bytes
	ReasonNotPrintable Reason = "not-printable" // control or invisible characters, or no UTF-8
	ReasonPrefix       Reason = "prefix"        // the required prefix is missing
	ReasonPattern      Reason = "pattern"       // the configured pattern does not match
	ReasonGS1          Reason = "gs1"           // element strings against the GS1 rules
	ReasonCheckDigit   Reason = "check-digit"   // of a GS1 key: misread or misprinted
	ReasonNoSerial     Reason = "no-serial"     // names a product, not one device
	ReasonBadge        Reason = "badge"         // a badge without a usable text
	ReasonCommand      Reason = "command"       // a command that this version does not know
	ReasonLayout       Reason = "layout"        // the scanner types for another keyboard layout than this machine's
)

// Error says why a scan is of no use. Its text never holds a badge.
type Error struct {
	Reason Reason
	Detail string // more for people, printable English; may be empty
	Text   string // what was read, printable and cut to 64 characters; empty for whatever may be a badge
}

func (e *Error) Error() string {
	s := "read scan: " + string(e.Reason)
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// printable reports whether every character can be shown: no control, format (bidirectional overrides, zero width) or
// private characters. Of spaces only the ordinary one.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// show makes a text fit for an error: printable, and at most 64 characters.
func show(s string) string {
	const limit = 64
	out := make([]rune, 0, limit)
	for _, r := range s {
		if len(out) == limit-1 {
			return string(append(out, '…'))
		}
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		out = append(out, r)
	}
	return string(out)
}
