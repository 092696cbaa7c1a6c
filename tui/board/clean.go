package board

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Bounds of text that is kept, in bytes.
const (
	maxWord = 256  // ids, names, codes
	maxText = 1024 // sentences
	maxFact = 4096 // values of facts
	maxLog  = 8192 // ends of logs
	maxConf = 8192 // a wg0.conf
)

// Clean makes text safe for a terminal and puts it on one line: escape sequences, control characters (C0, DEL, C1),
// and the marks that reorder or hide text (Unicode Bidi_Control, zero width, line and paragraph separators, tags) are
// taken out, tabs and line ends become spaces, and it is cut to max bytes at a rune's edge. What comes from devices and
// servers was cleaned where it entered the station; the screen does not rely on it.
func Clean(s string, max int) string {
	return strings.TrimSpace(clean(s, max, false))
}

// CleanLines is [Clean] for text of several lines, whose line ends it keeps as "\n".
func CleanLines(s string, max int) string {
	return strings.Trim(clean(s, max, true), "\n")
}

func clean(s string, max int, lines bool) string {
	if len(s) > 4*max { // Stripping only shortens; do not work through what is cut off anyhow.
		s = s[:4*max]
	}
	if plain(s) {
		return cut(s, max)
	}
	var b strings.Builder
	for _, r := range ansi.Strip(strings.ToValidUTF8(s, "\uFFFD")) {
		switch {
		case r == '\n' && lines:
			b.WriteByte('\n')
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case forbidden(r):
		default:
			b.WriteRune(r)
		}
	}
	return cut(b.String(), max)
}

// plain reports whether s is printable ASCII, which is nearly always.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func cut(s string, max int) string {
	if len(s) <= max {
		return s
	}
	s = s[:max]
	for len(s) > 0 {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

func forbidden(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r <= 0x9f: // C0, DEL, C1
	case r == 0x061c, r >= 0x200b && r <= 0x200c, r >= 0x200e && r <= 0x200f, r == 0xfeff: // marks and zero width; the joiner U+200D stays, emoji need it
	case r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f: // separators, embeddings, overrides, isolates
	case r >= 0xfff9 && r <= 0xfffb, r >= 0xe0000 && r <= 0xe007f: // annotations, tags
	default:
		return false
	}
	return true
}
