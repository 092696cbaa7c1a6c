package serialproto

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// EscapeConsole makes bytes of a device's console safe for a terminal, a log or a screen. Printable characters and
// line feeds stay; CR LF and a lone CR become one line feed; a tab becomes four spaces; every other control character,
// invisible or direction-changing character, backslash and invalid UTF-8 byte is written as an escape (\x1b, \u202e,
// \\). The result is valid UTF-8 and at most six times as long as the input.
func EscapeConsole(p []byte) string {
	var b strings.Builder
	b.Grow(len(p))
	for i := 0; i < len(p); {
		c := p[i]
		switch c {
		case '\n':
			b.WriteByte('\n')
			i++
			continue
		case '\r':
			for i++; i < len(p) && p[i] == '\r'; i++ {
				continue
			}
			if i >= len(p) || p[i] != '\n' {
				b.WriteByte('\n')
			}
			continue
		case '\t':
			b.WriteString("    ")
			i++
			continue
		case '\\':
			b.WriteString(`\\`)
			i++
			continue
		}
		r, n := utf8.DecodeRune(p[i:])
		switch {
		case r == utf8.RuneError && n <= 1:
			fmt.Fprintf(&b, `\x%02x`, c)
			n = 1
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		i += n
	}
	return b.String()
}

// printable reports whether s is valid UTF-8 of at most limit bytes without control or invisible characters.
func printable(s string, limit int) bool {
	if len(s) > limit || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// printableASCII reports whether s is 1..limit bytes of 0x20..0x7e.
func printableASCII(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// cleanDetail cuts text down to what a response may carry.
func cleanDetail(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '?'
		}
		if b.Len()+utf8.RuneLen(r) > MaxDetail {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}
