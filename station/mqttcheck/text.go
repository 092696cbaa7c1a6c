package mqttcheck

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is how many characters of a broker's own words are kept.
const maxText = 200

// unprintable reports characters that must not reach a terminal or a log line:
// controls, and format characters such as bidirectional overrides.
func unprintable(r rune) bool {
	return r == utf8.RuneError || (!unicode.IsPrint(r) && r != ' ')
}

// clean returns s on one line, without unprintable characters, and cut to
// maxText characters.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if unprintable(r) {
			continue
		}
		if n == maxText {
			b.WriteString("...")
			break
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

// cleanError prints an error whose text may hold a broker's words, such as the
// names in its certificate. Unwrap gives the original to errors.Is and As.
type cleanError struct{ err error }

func (e cleanError) Error() string { return clean(e.err.Error()) }
func (e cleanError) Unwrap() error { return e.err }
