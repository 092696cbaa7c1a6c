package dialog

import (
	"strconv"

	tea "charm.land/bubbletea/v2"

	"provstation/tui/keymap"
)

// Choice is a dialog with a list of which one is chosen.
type Choice struct {
	frame
	items []string
	at    int
	view  window
}

// NewChoice makes a list; selected is the item that is marked first.
func NewChoice(title string, about, items []string, selected int) *Choice {
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
		if len(c.items) > 0 {
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
	l := c.look
	in := inner(w)
	lines := c.paragraphs(in)
	if len(lines) > 0 {
		lines = append(lines, "")
	}
	room := max(1, h-chrome-len(lines))
	rows := make([]string, len(c.items))
	for i, item := range c.items {
		marker, style := "  ", l.Styles.Text
		if i == c.at {
			marker, style = l.Styles.Marker.Render(l.Signs.Marker)+" ", l.Styles.Strong
		}
		rows[i] = marker + style.Render(l.Cut(item, in-2))
	}
	c.view.offset = min(max(c.view.offset, c.at-room+1), c.at)
	note := ""
	if len(rows) > room {
		note = strconv.Itoa(c.at+1) + "/" + strconv.Itoa(len(rows))
	}
	return c.box(append(lines, c.view.cut(rows, room)...), note, keymap.Choice, w)
}
