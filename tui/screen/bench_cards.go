package screen

import (
	"strings"
	"time"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// cardCache keeps what was drawn. A card is drawn anew only when something that it shows has changed: the slot, its
// size, the selection, or the look; and its first line when the time has, as it is written. It holds one drawing per
// slot, so the board bounds it.
type cardCache struct {
	drawn map[string]*drawnCard
}

type drawnCard struct {
	key   cardKey
	took  string
	title string
	body  []string
}

type cardKey struct {
	revision uint64
	w, h     int
	chosen   bool
}

func (c *cardCache) forget() { c.drawn = nil }

func (c *cardCache) card(l widget.Look, s *board.Slot, now time.Time, w, h int, chosen bool) *drawnCard {
	if c.drawn == nil {
		c.drawn = map[string]*drawnCard{}
	}
	key, took := cardKey{s.Revision, w, h, chosen}, widget.Duration(s.RunTime(now))
	d := c.drawn[s.Name]
	if d == nil || d.key != key {
		d = &drawnCard{key: key, body: l.CardBody(s, w, h, chosen)}
		c.drawn[s.Name] = d
	}
	if d.title == "" || d.took != took {
		d.took, d.title = took, l.CardTitle(s, now, w, h, chosen)
	}
	return d
}

// line is a line of a card; empty where it has none.
func (d *drawnCard) line(i int) string {
	switch {
	case i == 0:
		return d.title
	case i-1 < len(d.body):
		return d.body[i-1]
	default:
		return ""
	}
}

// grid draws the rows of cards that are in sight.
func (b *Bench) grid(p plan) []string {
	slots, sel := b.board.Slots(), b.Selected()
	lines := make([]string, 0, p.rows*p.height)
	var row strings.Builder
	cards := make([]*drawnCard, p.cols)
	for y := b.top; y < b.top+p.rows; y++ {
		for x := range cards {
			cards[x] = nil
			if i := y*p.cols + x; i < len(slots) {
				cards[x] = b.cards.card(b.look, slots[i], b.now, p.cellWidth(x), p.height, slots[i] == sel)
			}
		}
		for line := range p.height {
			row.Reset()
			for x, card := range cards {
				if card != nil {
					row.WriteString(card.line(line))
				} else {
					row.WriteString(strings.Repeat(" ", p.cellWidth(x)))
				}
			}
			lines = append(lines, row.String())
		}
	}
	return lines
}

// cellWidth is the width of a column; together they fill the grid.
func (p plan) cellWidth(x int) int {
	w := p.width / p.cols
	if x < p.width%p.cols {
		w++
	}
	return w
}
