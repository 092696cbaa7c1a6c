package screen

import "provstation/tui/board"

// panelCache keeps the drawing of the selected slot, which is most of the screen and changes seldom while other slots work.
type panelCache struct {
	key    panelKey
	lines  []string
	last   int  // of the detail
	tabbed bool // of the detail
}

// panelKey is what the drawing of a slot that does not run depends on. Times to go are written in minutes.
type panelKey struct {
	slot         string
	revision     uint64
	minute       int64
	w, h, offset int
	tab          tab
}

// chosen draws the selected slot in h lines of w cells, as it was drawn before if nothing of it has changed.
func (b *Bench) chosen(s *board.Slot, w, h int) []string {
	d := &b.detail
	if s.State == board.Running || s.Run == "" { // its times go on; it lists the ports of all
		return d.Lines(b.look, b.board, s, b.now, w, h, false)
	}
	key := panelKey{s.Name, s.Revision, b.now.Unix() / 60, w, h, d.offset, d.tab}
	if c := &b.panels; c.lines != nil && c.key == key {
		d.last, d.tabbed = c.last, c.tabbed
		return c.lines
	}
	lines := d.Lines(b.look, b.board, s, b.now, w, h, false)
	key.offset = d.offset // which drawing may have brought back into the text
	b.panels = panelCache{key, lines, d.last, d.tabbed}
	return lines
}
