package answer

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxText is how many characters of a server's text [Clean] lets through.
	MaxText = 300
	// Hidden stands for what looked like a secret.
	Hidden = "(hidden)"
)

// secretPattern is what looks like a secret: PEM blocks, JSON web tokens, what follows "Bearer" or a name like password.
var secretPattern = regexp.MustCompile(`(?s)-----BEGIN .*?(-----END [^-]{0,64}-----|$)` +
	`|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*` +
	`|(?i:\b(bearer|basic)\s+)[^\s"']+` +
	`|(?i:\b(password|passphrase|passwd|secret|client_secret|token|access_token|api_?key)\\?["']?\s*[:=]\s*\\?["']?)[^\s"',;&}\\]+`)

// runPattern is a run of characters as long as a key in base64 or hex (43 and more); [looksRandom] tells it from a path.
var runPattern = regexp.MustCompile(`[A-Za-z0-9+/_-]{43,}={0,2}`)

var hexPattern = regexp.MustCompile(`^[0-9a-fA-F]+$`)

func looksRandom(s string) bool {
	return hexPattern.MatchString(s) ||
		strings.ContainsFunc(s, unicode.IsUpper) && strings.ContainsFunc(s, unicode.IsLower) &&
			strings.ContainsFunc(s, unicode.IsDigit)
}

// Clean makes a server's text fit for people, terminals and records: no control characters, nothing that looks like a
// secret, bounded.
func Clean(s string) string {
	if len(s) > 64<<10 {
		s = s[:64<<10]
	}
	// First of all, since what is dropped here could hide a secret from the patterns.
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case !unicode.IsPrint(r): // control, and what changes direction or hides
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "?"))
	s = secretPattern.ReplaceAllString(s, Hidden)
	s = runPattern.ReplaceAllStringFunc(s, func(run string) string {
		if looksRandom(run) {
			return Hidden
		}
		return run
	})
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > MaxText {
		s = string([]rune(s)[:MaxText-3]) + "..."
	}
	return s
}

// CleanOf is Clean of a text that may repeat what was sent: the secrets in it are hidden, whatever they look like.
func CleanOf(s string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, Hidden)
		}
	}
	return Clean(s)
}
