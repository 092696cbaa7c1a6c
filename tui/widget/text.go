// Package widget draws the small parts that screens are made of. Every function takes what it shows and gives back
// text; nothing here has state. Widths are in terminal cells: a CJK character or an emoji takes two.
package widget

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"provstation/tui/theme"
)

// Text is the catalogue: a key and pairs of parameter name and value give a sentence.
type Text func(key string, pairs ...string) string

// Look is what every part of the screen needs to draw.
type Look struct {
	Styles theme.Styles
	Signs  theme.Signs
	Text   Text
	Zone   *time.Location // of the days that are said; nil: UTC
}

// Day is the day of a point in time; empty for none.
func (l Look) Day(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case l.Zone != nil:
		t = t.In(l.Zone)
	default:
		t = t.UTC()
	}
	return t.Format("2006-01-02")
}

// Cut shortens s to w cells, with the ellipsis as its last one if anything is lost.
func (l Look) Cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if ansi.StringWidth(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, l.Signs.Ellipsis)
}

// CutID shortens an id to w cells in its middle, since ids of one lot differ at their ends.
func (l Look) CutID(s string, w int) string {
	all := ansi.StringWidth(s)
	if all <= w || w < 6 {
		return l.Cut(s, w)
	}
	end := (w - 1) * 2 / 3
	return ansi.Truncate(s, w-1-end, "") + l.Signs.Ellipsis + ansi.TruncateLeft(s, all-end, "")
}

// Fit makes s exactly w cells wide: cut, or filled with spaces on its right.
func (l Look) Fit(s string, w int) string {
	s = l.Cut(s, w)
	return s + spaces(w-ansi.StringWidth(s))
}

// FitRight is [Look.Fit] with the spaces on the left.
func (l Look) FitRight(s string, w int) string {
	s = l.Cut(s, w)
	return spaces(w-ansi.StringWidth(s)) + s
}

// Ends puts left and right at the ends of a line of w cells. The right one goes when both do not fit.
func (l Look) Ends(left, right string, w int) string {
	n := ansi.StringWidth(right)
	if right == "" || ansi.StringWidth(left)+2+n > w {
		return l.Fit(left, w)
	}
	return l.Fit(left, w-n) + right
}

// Centre puts s in the middle of w cells.
func (l Look) Centre(s string, w int) string {
	s = l.Cut(s, w)
	return l.Fit(spaces((w-ansi.StringWidth(s))/2)+s, w)
}

// hyphen is one that no line is broken at: ids are full of them, and half an id is read as another one.
const hyphen = "\u2011"

// Wrap breaks s into lines of at most w cells, at spaces where there are any.
func Wrap(s string, w int) []string {
	if w <= 0 || s == "" {
		return nil
	}
	lines := strings.Split(ansi.Wrap(strings.ReplaceAll(s, "-", hyphen), w, ""), "\n")
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(strings.TrimRight(line, " "), hyphen, "-")
	}
	return lines
}

// WrapCut is [Wrap] into at most n lines; the last one is cut if not all fits.
func (l Look) WrapCut(s string, w, n int) []string {
	lines := Wrap(s, w)
	if n <= 0 {
		return nil
	}
	if len(lines) <= n {
		return lines
	}
	rest := strings.ReplaceAll(s, hyphen, "-")
	for _, line := range lines[:n-1] {
		_, rest, _ = strings.Cut(rest, line)
	}
	return append(lines[:n-1:n-1], l.Cut(strings.TrimLeft(rest, " "), w))
}

// Block makes lines exactly w wide and h high.
func (l Look) Block(lines []string, w, h int) []string {
	out := make([]string, h)
	for i := range out {
		if i < len(lines) {
			out[i] = l.Fit(lines[i], w)
		} else {
			out[i] = spaces(w)
		}
	}
	return out
}

// Beside puts two columns next to each other, gap cells apart, each w cells wide.
func (l Look) Beside(left, right []string, w, gap int) []string {
	out := make([]string, max(len(left), len(right)))
	for i := range out {
		a, b := "", ""
		if i < len(left) {
			a = left[i]
		}
		if i < len(right) {
			b = right[i]
		}
		out[i] = l.Fit(a, w) + spaces(gap) + l.Cut(b, w)
	}
	return out
}

// RuleLine is a horizontal line of w cells with a note at its right end.
func (l Look) RuleLine(note string, w int) string {
	if note != "" {
		note = " " + l.Cut(note, w-4) + " "
	}
	n := max(0, w-ansi.StringWidth(note)-2)
	return l.Styles.Rule.Render(strings.Repeat(l.Signs.Rule, n)) + l.Styles.Muted.Render(note) +
		l.Styles.Rule.Render(strings.Repeat(l.Signs.Rule, max(0, w-n-ansi.StringWidth(note))))
}

// ASCIIOnly replaces what is not ASCII by as many characters as it was wide: a letter of Latin-1 by the one it is made from,
// all else by question marks. Escape sequences stay. What may become longer goes through [Spelled] first.
func ASCIIOnly(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	state := byte(0)
	for s != "" {
		seq, width, n, next := ansi.DecodeSequence(s, state, nil)
		if seq[0] >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(seq); size == len(seq) && r >= firstLatin && r <= lastLatin && width == 1 {
				seq = latin[r-firstLatin : r-firstLatin+1]
			} else {
				seq = strings.Repeat("?", width)
			}
		}
		b.WriteString(seq)
		s, state = s[n:], next
	}
	return b.String()
}

// latin has the letter that each character from [firstLatin] to [lastLatin] is made from.
const (
	firstLatin, lastLatin = '\u00c0', '\u00ff'
	latin                 = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty"
)

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// Spelled writes the letters that German has and ASCII has not as German writes them without: ae, oe, ue, ss, in capitals
// within a word of capitals. It makes text longer, so it comes before any layout.
func Spelled(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	var before rune
	for i, r := range s {
		var two string
		switch r {
		case 'ä', 'Ä':
			two = "ae"
		case 'ö', 'Ö':
			two = "oe"
		case 'ü', 'Ü':
			two = "ue"
		case 'ß':
			two = "ss"
		default:
			b.WriteRune(r)
			before = r
			continue
		}
		after, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		switch {
		case unicode.IsUpper(after) || (unicode.IsUpper(before) && !unicode.IsLetter(after) && !unicode.IsLower(r)):
			two = strings.ToUpper(two)
		case unicode.IsUpper(r):
			two = strings.ToUpper(two[:1]) + two[1:]
		}
		b.WriteString(two)
		before = r
	}
	return b.String()
}

func spaces(n int) string {
	if n <= 0 {
		return ""
	}
	const blank = "                                                                                                                                "
	if n <= len(blank) {
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// Duration writes a duration as short as it can be read: 0.4 s, 34 s, 2:05, 1:02:05.
func Duration(d time.Duration) string {
	d = max(0, d)
	switch {
	case d < 10*time.Second:
		t := int(d / (100 * time.Millisecond))
		return itoa(t/10) + "." + itoa(t%10) + " s"
	case d < time.Minute:
		return itoa(int(d/time.Second)) + " s"
	case d < time.Hour:
		return itoa(int(d/time.Minute)) + ":" + two(int(d/time.Second)%60)
	default:
		return itoa(int(d/time.Hour)) + ":" + two(int(d/time.Minute)%60) + ":" + two(int(d/time.Second)%60)
	}
}

// Milliseconds writes a short duration exactly: 12 ms, 1.84 s.
func Milliseconds(d time.Duration) string {
	ms := int(max(0, d) / time.Millisecond)
	if ms < 1000 {
		return itoa(ms) + " ms"
	}
	if ms < 60000 {
		return itoa(ms/1000) + "." + two(ms%1000/10) + " s"
	}
	return Duration(d)
}
