package wgconf

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem names one kind of finding, in stable English.
type Problem string

// Problems that [Parse] refuses.
const (
	ProblemTooLarge         Problem = "too-large"
	ProblemNUL              Problem = "nul"
	ProblemCR               Problem = "carriage-return" // CRLF line ends too
	ProblemControl          Problem = "control-character"
	ProblemSyntax           Problem = "syntax" // a line that is no section, no "Key = value" and no comment
	ProblemUnknownSection   Problem = "unknown-section"
	ProblemUnknownKey       Problem = "unknown-key"
	ProblemHook             Problem = "hook" // wg-quick would run it as root
	ProblemSaveConfig       Problem = "save-config"
	ProblemTable            Problem = "table"
	ProblemOutsideSection   Problem = "outside-section"
	ProblemDuplicateKey     Problem = "duplicate-key"
	ProblemDuplicateSection Problem = "duplicate-section"
	ProblemDuplicatePeer    Problem = "duplicate-peer"
	ProblemMissing          Problem = "missing" // a section or key without which there is no tunnel
	ProblemBadValue         Problem = "bad-value"
	ProblemBadKey           Problem = "bad-key"      // not 32 bytes in base64, or a key that cannot be anybody's
	ProblemTextForKey       Problem = "text-for-key" // a sentence where a key belongs: the tenant is misconfigured
)

// Problems that [Lint] finds, or lets pass, by policy.
const (
	ProblemEndpointLoopback    Problem = "endpoint-loopback"
	ProblemEndpointUnspecified Problem = "endpoint-unspecified"
	ProblemNoEndpoint          Problem = "no-endpoint"
	ProblemRouteEverything     Problem = "route-everything"
	ProblemNoAllowedIPs        Problem = "no-allowed-ips"
	ProblemDNS                 Problem = "dns"
	ProblemPresharedKey        Problem = "preshared-key"
	ProblemSeveralPeers        Problem = "several-peers"
)

// Problems with private keys.
const (
	ProblemPrivateKeyPresent  Problem = "private-key-present" // where the device puts its own in
	ProblemPrivateKeyMissing  Problem = "private-key-missing"
	ProblemPrivateKeyMismatch Problem = "private-key-mismatch"
	ProblemOwnKey             Problem = "own-key" // the peer's public key is the device's own
)

// Error is one reason to refuse a configuration.
type Error struct {
	Line    int    // from 1; 0 where no single line is to blame
	Key     string // as wg-quick spells it, or the section; "" where there is none
	Problem Problem
	Detail  string // facts for people: bounded, without control characters, never a secret
}

// Error says where, what and why.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("wg0.conf")
	if e.Line > 0 {
		fmt.Fprintf(&b, " line %d", e.Line)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	b.WriteString(": " + string(e.Problem))
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// ProblemOf returns the problem of the first [*Error] in err's chain, "" if there is none.
func ProblemOf(err error) Problem {
	var e *Error
	if errors.As(err, &e) {
		return e.Problem
	}
	return ""
}

// maxDetail bounds what hostile text can put on a screen, in runes.
const maxDetail = 120

// clean makes text from outside safe for a terminal: no control or format characters, valid UTF-8, bounded.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == maxDetail {
			b.WriteString("...")
			break
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			continue
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
