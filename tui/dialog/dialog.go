// Package dialog holds the few kinds of dialog that the screen needs: a text field, a typed confirmation, a choice, and
// a text to be read or accepted. A dialog is told the keys that are meant for it and answers with an [Action]; what the
// action means is its owner's. It has no clock and does no I/O.
//
// A scanned label or badge reaches a dialog as data, never as keys.
package dialog

import (
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"provstation/tui/keymap"
	"provstation/tui/widget"
)

// Action is how a dialog was answered: [Cancelled], [Entered], [Chosen] or [Accepted]. Nil: it goes on.
type Action interface{ action() }

// Cancelled says that the person turned back.
type Cancelled struct{}

// Entered is the text of a field: typed, then clean and without spaces around it; or scanned, then as it was read.
type Entered struct {
	Text    string
	Scanned bool // a scanner gave it
}

// Chosen is the place of the item in its list.
type Chosen struct{ Index int }

// Accepted says yes to what was to be read.
type Accepted struct{}

func (Cancelled) action() {}
func (Entered) action()   {}
func (Chosen) action()    {}
func (Accepted) action()  {}

// Dialog is one of this package's dialogs.
type Dialog interface {
	// Screen is the kind, which decides the keys.
	Screen() keymap.Screen
	// Update takes a key that was pressed for the dialog.
	Update(key tea.KeyPressMsg) Action
	// Scan takes what a scanner read; taken is false when the dialog has no use for it.
	Scan(text string) (a Action, taken bool)
	// Paste puts text at the cursor; it does nothing where there is none.
	Paste(text string)
	// SetLook tells how to draw.
	SetLook(l widget.Look)
	// View draws a box of at most w cells and h lines.
	View(w, h int) []string
}

// Tone is how grave a dialog is.
type Tone uint8

// Tones.
const (
	Plain Tone = iota
	Grave      // something is wrong, or cannot be undone
)

// MaxWidth is the width of a dialog where there is room.
const MaxWidth = 76

// frame is what all dialogs have: a title, what there is to know, and a look.
type frame struct {
	title string
	about []string // paragraphs
	tone  Tone
	tight bool // there is no room for empty lines around the text
	look  widget.Look
}

// SetLook tells how to draw.
func (f *frame) SetLook(l widget.Look) { f.look = l }

// Scan has no use for a scan.
func (f *frame) Scan(string) (Action, bool) { return nil, false }

// Paste has no field to put it into.
func (f *frame) Paste(string) {}

func (f *frame) keys(s keymap.Screen) keymap.Map {
	return keymap.For(s, keymap.Situation{}, f.look.Signs.UpDown, keymap.CatalogueText(f.look.Text))
}

func (f *frame) find(s keymap.Screen, key tea.KeyPressMsg) keymap.Name {
	k, _ := f.keys(s).Find(key)
	return k.Name
}

// inner is the width of the text inside a box in a window of w cells.
func inner(w int) int { return max(1, min(w-4, MaxWidth)-4) }

// paragraphs wraps what there is to know.
func (f *frame) paragraphs(w int) []string {
	var lines []string
	for _, p := range f.about {
		if p == "" {
			lines = append(lines, "")
			continue
		}
		for _, line := range widget.Wrap(p, w) {
			lines = append(lines, f.look.Styles.Text.Render(line))
		}
	}
	return lines
}

// box draws the frame around lines, with a note in the title's bar and the keys below.
func (f *frame) box(lines []string, note string, s keymap.Screen, w int) []string {
	l := f.look
	in := inner(w)
	ground := l.Styles.BusyBar
	if f.tone == Grave {
		ground = l.Styles.WarnBar
	}
	if note != "" {
		note += " "
	}
	side := l.Styles.Rule.Render(l.Signs.Bar)
	row := func(line string) string { return side + " " + l.Fit(line, in) + " " + side }
	out := make([]string, 0, len(lines)+6)
	out = append(out, ground.Render(l.Ends(" "+f.title, note, in+4)))
	if !f.tight {
		lines = append(append([]string{""}, lines...), "")
	}
	for _, line := range lines {
		out = append(out, row(line))
	}
	return append(out, row(f.keyLine(s)), l.Styles.Rule.Render(strings.Repeat(l.Signs.Rule, in+4)))
}

// chrome is how many lines of a box are not its text.
const chrome = 5

// tightChrome is how many are not in a box without empty lines.
const tightChrome = 3

func (f *frame) keyLine(s keymap.Screen) string {
	l := f.look
	var parts []string
	for _, k := range f.keys(s) {
		if k.Short {
			h := k.Binding.Help()
			parts = append(parts, l.Styles.Key.Render(h.Key)+" "+l.Styles.Muted.Render(h.Desc))
		}
	}
	return strings.Join(parts, l.Styles.Rule.Render(" "+l.Signs.Dot+" "))
}

// window is which of many lines are in sight.
type window struct{ offset, room, total int }

func (v *window) move(n int) { v.offset = min(max(v.offset+n, 0), max(0, v.total-v.room)) }

func (v *window) page() int { return max(1, v.room-1) }

func (v *window) cut(lines []string, room int) []string {
	v.room, v.total = max(0, room), len(lines)
	v.move(0)
	return lines[v.offset:min(v.offset+v.room, len(lines))]
}

// scrolled does the keys that move a page; false if the key is another.
func (v *window) scrolled(name keymap.Name) bool {
	switch name {
	case keymap.Up:
		v.move(-1)
	case keymap.Down:
		v.move(1)
	case keymap.PageUp:
		v.move(-v.page())
	case keymap.PageDown:
		v.move(v.page())
	case keymap.Home:
		v.move(-v.total)
	case keymap.End:
		v.move(v.total)
	default:
		return false
	}
	return true
}

func caret(s lipgloss.Style) lipgloss.Style { return s.Reverse(true) }
