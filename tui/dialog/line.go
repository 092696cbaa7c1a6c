package dialog

import (
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"provstation/tui/board"
	"provstation/tui/keymap"
	"provstation/tui/widget"
)

// MaxText is the longest text of a field, in bytes.
const MaxText = 256

// line is one line of text with a cursor. It counts in what a person sees as one character.
type line struct {
	left, right []string // clusters before and after the cursor
}

func clusters(s string) []string {
	var out []string
	for s != "" {
		seq, _, n, _ := ansi.DecodeSequence(s, 0, nil)
		out = append(out, seq)
		s = s[n:]
	}
	return out
}

// String is the text.
func (e *line) String() string { return strings.Join(e.left, "") + strings.Join(e.right, "") }

// insert puts text at the cursor. What a terminal must not see is taken out, and what is too long is left out.
func (e *line) insert(text string) {
	room := MaxText - len(e.String())
	text = strings.ReplaceAll(board.CleanLines(text, 4*MaxText), "\n", " ")
	for _, c := range clusters(text) {
		if room -= len(c); room < 0 {
			return
		}
		e.left = append(e.left, c)
	}
}

// edit does a key that moves or deletes; false if it is another.
func (e *line) edit(name keymap.Name) bool {
	switch name {
	case keymap.Left:
		e.step(-1)
	case keymap.Right:
		e.step(1)
	case keymap.Home:
		e.right, e.left = append(e.left, e.right...), nil
	case keymap.End:
		e.left, e.right = append(e.left, e.right...), nil
	case keymap.Rubout:
		e.left = e.left[:max(0, len(e.left)-1)]
	case keymap.Delete:
		e.right = e.right[min(1, len(e.right)):]
	case keymap.DeleteStart:
		e.left = nil
	case keymap.DeleteWord:
		n := len(e.left)
		for n > 0 && blank(e.left[n-1]) {
			n--
		}
		for n > 0 && !blank(e.left[n-1]) {
			n--
		}
		e.left = e.left[:n]
	default:
		return false
	}
	return true
}

func blank(c string) bool { return strings.IndexFunc(c, unicode.IsSpace) == 0 }

func (e *line) step(n int) {
	switch {
	case n < 0 && len(e.left) > 0:
		last := e.left[len(e.left)-1]
		e.left = e.left[:len(e.left)-1]
		e.right = append([]string{last}, e.right...)
	case n > 0 && len(e.right) > 0:
		e.left = append(e.left, e.right[0])
		e.right = e.right[1:]
	}
}

// view draws the text in w cells, scrolled so that the cursor is in sight. A masked one shows a star per character.
func (e *line) view(l widget.Look, w int, masked bool) string {
	left, under, right := strings.Join(e.left, ""), " ", strings.Join(e.right, "")
	if len(e.right) > 0 {
		under, right = e.right[0], strings.Join(e.right[1:], "")
	}
	if masked {
		left, right = strings.Repeat("*", len(e.left)), strings.Repeat("*", max(0, len(e.right)-1))
		if len(e.right) > 0 {
			under = "*"
		}
	}
	room := max(1, w-ansi.StringWidth(under))
	if over := ansi.StringWidth(left) - room; over > 0 {
		left = ansi.TruncateLeft(left, over+1, l.Signs.Ellipsis)
	}
	right = ansi.Truncate(right, max(0, room-ansi.StringWidth(left)), "")
	return l.Fit(l.Styles.Strong.Render(left)+caret(l.Styles.Strong).Render(under)+l.Styles.Strong.Render(right), w)
}
