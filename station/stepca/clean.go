package stepca

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMessage bounds what is kept of a server's text, characters.
const maxMessage = 300

// secretPattern is what looks like a token or a key.
var secretPattern = regexp.MustCompile(`(?s)-----BEGIN .*?(-----END [^-]{0,64}-----|$)|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*|(?i:\bbearer\s+)\S+`)

// clean makes a server's text fit for people, terminals and records. secrets are what must not come back in it.
func clean(s string, secrets ...string) string {
	if len(s) > 8<<10 {
		s = s[:8<<10]
	}
	// First of all, since what is dropped here could hide a secret from the patterns.
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r): // control, and what changes direction or hides
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "?"))
	for _, x := range secrets {
		if x != "" {
			s = strings.ReplaceAll(s, x, hidden)
		}
	}
	s = strings.Join(strings.Fields(secretPattern.ReplaceAllString(s, hidden)), " ")
	if utf8.RuneCountInString(s) > maxMessage {
		s = string([]rune(s)[:maxMessage-3]) + "..."
	}
	return s
}
