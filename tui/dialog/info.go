package dialog

import (
	"strconv"

	tea "charm.land/bubbletea/v2"

	"provstation/tui/keymap"
)

// InfoConfig is what a dialog says.
type InfoConfig struct {
	Title  string
	About  []string // paragraphs
	Lines  []string // shown as they are below the paragraphs, cut where they are too long
	Tone   Tone
	Accept bool // it is to be accepted; else only to be read
	Paper  bool // Lines are what a printer prints: they are drawn dark on light
}

// Info is a dialog to be read. What is too long for the window is scrolled.
type Info struct {
	frame
	cfg  InfoConfig
	view window
}

// NewInfo makes a dialog to be read, or accepted.
func NewInfo(cfg InfoConfig) *Info {
	return &Info{frame: frame{title: cfg.Title, about: cfg.About, tone: cfg.Tone}, cfg: cfg}
}

// Screen is [keymap.Consent] for a dialog that is to be accepted, [keymap.Info] else.
func (d *Info) Screen() keymap.Screen {
	if d.cfg.Accept {
		return keymap.Consent
	}
	return keymap.Info
}

// Update takes a key.
func (d *Info) Update(key tea.KeyPressMsg) Action {
	switch name := d.find(d.Screen(), key); name {
	case keymap.Cancel:
		return Cancelled{}
	case keymap.Accept:
		return Accepted{}
	default:
		d.view.scrolled(name)
		return nil
	}
}

// View draws the box. What does not fit is scrolled; empty lines go before that.
func (d *Info) View(w, h int) []string {
	in, around := inner(w), chrome
	lines := d.lines(in, h-around, false)
	if d.tight = len(lines) > h-around; d.tight {
		around = tightChrome
		lines = d.lines(in, h-around, true)
	}
	seen := d.view.cut(lines, max(1, h-around))
	note := ""
	if len(lines) > len(seen) {
		note = d.look.Text("detail.scroll", "from", strconv.Itoa(d.view.offset+1), "to", strconv.Itoa(d.view.offset+len(seen)), "of", strconv.Itoa(len(lines)))
	}
	return d.box(seen, note, d.Screen(), w)
}

// lines is all the text, where paper gets a margin if it fits into room lines.
func (d *Info) lines(w, room int, tight bool) []string {
	lines := d.paragraphs(w)
	if len(lines) > 0 && len(d.cfg.Lines) > 0 && (!tight || !d.cfg.Paper) {
		lines = append(lines, "")
	}
	if d.cfg.Paper {
		return append(lines, paper(d.look, d.cfg.Lines, w, room-len(lines))...)
	}
	for _, s := range d.cfg.Lines {
		lines = append(lines, d.look.Styles.Text.Render(d.look.Cut(s, w)))
	}
	return lines
}
