package ledger

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"provstation/station"
)

// Bounds of a record. They are far above what a run makes and keep a hostile device from filling the disk in one go.
const (
	maxID    = 256       // ids, serials, names
	maxText  = 64 << 10  // one free text
	maxJSON  = 512 << 10 // all facts of a phase
	maxDER   = 64 << 10
	maxChain = 16
	maxAddrs = 64
)

const hiddenText = "(hidden)"

var (
	// keyLine is a wg-quick key line that holds a secret, wherever on the line it stands (a comment leaks it as well).
	keyLine = regexp.MustCompile(`(?i)(private|preshared)[ \t_-]*key["']?[ \t]*[=:]`)
	// hiddenLine is a key line whose secret was cut out already.
	hiddenLine = regexp.MustCompile(`(?im)^PresharedKey = \(hidden\)$`)
	// keyText is a private key in free text: PEM armour, or a key name with a value long enough to be one.
	keyText = regexp.MustCompile(
		`(?i)-----BEGIN [A-Z0-9 ]*PRIVATE KEY|(private|preshared)[ \t_-]*key["']?[ \t]*[=:][ \t"']*[A-Za-z0-9+/_=-]{32}`)
	pemKey = regexp.MustCompile(`(?i)-----BEGIN [A-Z0-9 ]*PRIVATE KEY`)
)

// checkConf refuses a wg0.conf that holds a secret.
func checkConf(conf string) error {
	if keyLine.MatchString(hiddenLine.ReplaceAllString(conf, "")) || pemKey.MatchString(conf) {
		return fmt.Errorf("wg0.conf: %w", ErrSecret)
	}
	if len(conf) > maxText || !utf8.ValidString(conf) || strings.ContainsRune(conf, 0) {
		return fmt.Errorf("wg0.conf: %w: too large or not text", ErrInvalid)
	}
	return nil
}

// free makes free text storable in every database and safe to show (valid UTF-8, no control characters but line feed and
// tab, bounded), and hides it if it holds a private key. A device's console may say anything; that must neither leak nor stop a run from being recorded.
func free(s string) string {
	if keyText.MatchString(s) {
		return hiddenText
	}
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return utf8.RuneError
		}
		return r // invalid bytes come as utf8.RuneError already
	}, s)
}

// field is one identifying text of a record.
type field struct{ name, value string }

// need checks that the texts are there and can identify something.
func need(fields ...field) error {
	for _, f := range fields {
		if f.value == "" {
			return fmt.Errorf("%w: no %s", ErrInvalid, f.name)
		}
	}
	return may(fields...)
}

// may checks texts that can be missing.
func may(fields ...field) error {
	for _, f := range fields {
		if len(f.value) > maxID {
			return fmt.Errorf("%w: %s longer than %d bytes", ErrInvalid, f.name, maxID)
		}
		if !utf8.ValidString(f.value) || strings.ContainsFunc(f.value, unicode.IsControl) {
			return fmt.Errorf("%w: %s with control characters", ErrInvalid, f.name)
		}
	}
	return nil
}

// digest checks a SHA-256. A missing one is accepted where optional.
func digest(name string, b []byte, optional bool) error {
	if len(b) == 32 || optional && len(b) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s has %d bytes, not 32", ErrInvalid, name, len(b))
}

// toJSON stores a map; keys are sorted, so equal maps are equal text.
func toJSON(m map[string]string) (string, error) {
	clean := make(map[string]string, len(m))
	for k, v := range m {
		clean[free(k)] = free(v)
	}
	return marshal(clean)
}

func warningsJSON(ws []station.Warning) (string, error) {
	clean := make([]station.Warning, 0, len(ws))
	for _, w := range ws {
		c := station.Warning{Code: station.Code(free(string(w.Code))), Text: free(w.Text)}
		if len(w.Params) > 0 {
			c.Params = make(map[string]string, len(w.Params))
		}
		for k, v := range w.Params {
			c.Params[free(k)] = free(v)
		}
		clean = append(clean, c)
	}
	return marshal(clean)
}

func marshal(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(b) > maxJSON {
		return "", fmt.Errorf("%w: %d bytes of facts", ErrInvalid, len(b))
	}
	return string(b), nil
}

// addresses gives the tunnel addresses in one spelling, without prefix length, each once.
func addresses(list []string) ([]string, error) {
	if len(list) > maxAddrs {
		return nil, fmt.Errorf("%w: %d tunnel addresses", ErrInvalid, len(list))
	}
	out := make([]string, 0, len(list))
	seen := make(map[netip.Addr]bool, len(list))
	for _, s := range list {
		addr, err := netip.ParseAddr(s)
		if err != nil {
			p, perr := netip.ParsePrefix(s)
			if perr != nil {
				return nil, fmt.Errorf("%w: tunnel address %q", ErrInvalid, s)
			}
			addr = p.Addr()
		}
		addr = addr.Unmap().WithZone("")
		if !seen[addr] {
			seen[addr] = true
			out = append(out, addr.String())
		}
	}
	return out, nil
}
