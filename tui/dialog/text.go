package dialog

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"provstation/tui/board"
	"provstation/tui/keymap"
	"provstation/tui/widget"
)

// TextConfig is what a text field asks for. Its texts are sentences of the station's language.
type TextConfig struct {
	Title string
	About []string // paragraphs above the field
	Label string   // before the field
	Tone  Tone

	Value  string // to begin with
	Masked bool   // a secret: shown as stars
	Scan   bool   // a scan fills it and is the answer

	Empty bool   // an empty text is an answer too
	Min   int    // characters at least
	Short string // said when there are fewer
	Want  string // the only text that is an answer, typed exactly; empty: any
	Wrong string // said when it is another
}

// Text is a dialog with one text field.
type Text struct {
	frame
	cfg     TextConfig
	field   line
	problem string
}

// NewText makes a text field.
func NewText(cfg TextConfig) *Text {
	t := &Text{frame: frame{title: cfg.Title, about: cfg.About, tone: cfg.Tone}, cfg: cfg}
	t.field.insert(cfg.Value)
	return t
}

// NewConfirm asks a person to type a word before something that cannot be undone. A scan does not type it.
func NewConfirm(title string, about []string, label, want, wrong string) *Text {
	return NewText(TextConfig{Title: title, About: about, Label: label, Tone: Grave, Want: want, Wrong: wrong, Short: wrong})
}

// Screen is [keymap.Text].
func (t *Text) Screen() keymap.Screen { return keymap.Text }

// Value is the text as it stands.
func (t *Text) Value() string { return t.field.String() }

// SetProblem says below the field what is wrong with what was entered.
func (t *Text) SetProblem(text string) { t.problem = board.Clean(text, 512) }

// Update takes a key.
func (t *Text) Update(key tea.KeyPressMsg) Action {
	name := t.find(keymap.Text, key)
	switch {
	case name == keymap.Cancel:
		return Cancelled{}
	case name == keymap.Accept:
		return t.accept()
	case t.field.edit(name):
	case key.Text != "" && key.Mod&(tea.ModCtrl|tea.ModAlt) == 0:
		t.field.insert(key.Text)
	default:
		return nil
	}
	t.problem = ""
	return nil
}

func (t *Text) accept() Action {
	text := strings.TrimSpace(t.field.String())
	switch {
	case text == "" && t.cfg.Empty:
	case text == "" || utf8.RuneCountInString(text) < t.cfg.Min:
		t.problem = t.cfg.Short
		return nil
	case t.cfg.Want != "" && text != t.cfg.Want:
		t.problem = t.cfg.Wrong
		return nil
	}
	return Entered{Text: text}
}

// Scan answers with the scanned text where the field takes one. It never shows in the field.
func (t *Text) Scan(text string) (Action, bool) {
	if !t.cfg.Scan {
		return nil, false
	}
	return Entered{Text: text, Scanned: true}, true
}

// Paste puts text at the cursor. A typed confirmation is typed.
func (t *Text) Paste(text string) {
	if t.cfg.Want == "" {
		t.field.insert(text)
		t.problem = ""
	}
}

// View draws the box.
func (t *Text) View(w, h int) []string {
	l := t.look
	in := inner(w)
	var lines []string
	about := t.paragraphs(in)
	if room := h - chrome - 2 - maxProblem; len(about) > room {
		about = about[:max(0, room)]
	}
	if lines = append(lines, about...); len(lines) > 0 {
		lines = append(lines, "")
	}
	label := t.cfg.Label
	if label != "" {
		label += " "
	}
	label = l.Cut(label, in/2)
	lines = append(lines, l.Styles.Muted.Render(label)+t.field.view(l, in-ansi.StringWidth(label), t.cfg.Masked))
	problem := []string{""}
	if t.problem != "" {
		problem = widget.Wrap("! "+t.problem, in)
		problem = problem[:min(len(problem), maxProblem)]
	}
	for _, p := range problem {
		lines = append(lines, l.Styles.Warn.Render(p))
	}
	return t.box(lines, "", keymap.Text, w)
}

// maxProblem is how many lines a problem may take.
const maxProblem = 4
