package dialog

import (
	"strconv"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"provstation/tui/keymap"
	"provstation/tui/widget"
)

// Choice is a dialog with a list of which one is chosen.
type Choice struct {
	frame
	items []Option
	at    int
	view  window
}

// Option is one item of a list.
type Option struct {
	Text  string
	About string // what it means, below it; empty: it says that itself
	Why   string // why it cannot be chosen now, below that; empty: it can
}

// NewChoice makes a list; selected is the item that is marked first.
func NewChoice(title string, about, items []string, selected int) *Choice {
	options := make([]Option, len(items))
	for i, text := range items {
		options[i].Text = text
	}
	return NewOptions(title, about, options, selected)
}

// NewOptions makes a list of which some items say more than their name.
func NewOptions(title string, about []string, items []Option, selected int) *Choice {
	return &Choice{frame: frame{title: title, about: about}, items: items, at: min(max(selected, 0), max(0, len(items)-1)), view: window{room: 8}}
}

// Screen is [keymap.Choice].
func (c *Choice) Screen() keymap.Screen { return keymap.Choice }

// Update takes a key.
func (c *Choice) Update(key tea.KeyPressMsg) Action {
	by := 0
	switch c.find(keymap.Choice, key) {
	case keymap.Cancel:
		return Cancelled{}
	case keymap.Accept:
		if len(c.items) > 0 && c.items[c.at].Why == "" {
			return Chosen{c.at}
		}
	case keymap.Up:
		by = -1
	case keymap.Down:
		by = 1
	case keymap.PageUp:
		by = -c.view.page()
	case keymap.PageDown:
		by = c.view.page()
	case keymap.Home:
		by = -len(c.items)
	case keymap.End:
		by = len(c.items)
	}
	c.at = min(max(c.at+by, 0), max(0, len(c.items)-1))
	return nil
}

// View draws the box.
func (c *Choice) View(w, h int) []string {
	in := inner(w)
	lines := c.paragraphs(in)
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	room := max(1, h-chrome-len(lines))
	var rows []string
	first, last := 0, 0 // of the item that is marked
	for i := range c.items {
		if i == c.at {
			first = len(rows)
		}
		rows = append(rows, c.item(i, in)...)
		if i == c.at {
			last = len(rows)
		}
	}
	c.view.offset = min(max(c.view.offset, last-room), first)
	note := ""
	if len(rows) > room {
		note = strconv.Itoa(c.at+1) + "/" + strconv.Itoa(len(c.items))
	}
	return c.box(append(lines, c.view.cut(rows, room)...), note, keymap.Choice, w)
}

// item is the lines of one item.
func (c *Choice) item(i, in int) []string {
	l, o := c.look, c.items[i]
	marker, style := "  ", l.Styles.Text
	switch {
	case i == c.at:
		marker, style = l.Styles.Marker.Render(l.Signs.Marker)+" ", l.Styles.Strong
	case o.Why != "":
		style = l.Styles.Muted
	}
	rows := []string{marker + style.Render(l.Cut(o.Text, in-2))}
	for _, more := range []struct {
		text  string
		style lipgloss.Style
	}{{o.About, l.Styles.Muted}, {o.Why, l.Styles.Warn}} {
		if more.text == "" {
			continue
		}
		for _, line := range widget.Wrap(more.text, in-4) {
			rows = append(rows, "    "+more.style.Render(line))
		}
	}
	return rows
}
