package screen

import (
	"strings"
	"time"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// cardCache keeps what was drawn. A card is drawn anew only when something that it shows has changed: the slot, its time
// as it is written, its size, the selection, or the look. It holds one drawing per slot, so the board bounds it.
type cardCache struct {
	drawn map[string]drawnCard
}

type drawnCard struct {
	key   cardKey
	lines []string
}

type cardKey struct {
	revision uint64
	took     string
	w, h     int
	chosen   bool
}

func (c *cardCache) forget() { c.drawn = nil }

func (c *cardCache) card(l widget.Look, s *board.Slot, now time.Time, w, h int, chosen bool) []string {
	key := cardKey{s.Revision, widget.Duration(s.RunTime(now)), w, h, chosen}
	if d, ok := c.drawn[s.Name]; ok && d.key == key {
		return d.lines
	}
	if c.drawn == nil {
		c.drawn = map[string]drawnCard{}
	}
	lines := l.Card(s, now, w, h, chosen)
	c.drawn[s.Name] = drawnCard{key, lines}
	return lines
}

// grid draws the rows of cards that are in sight.
func (b *Bench) grid(p plan) []string {
	slots, sel := b.board.Slots(), b.Selected()
	lines := make([]string, 0, p.rows*p.height)
	var row strings.Builder
	cards := make([][]string, p.cols)
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
				if line < len(card) {
					row.WriteString(card[line])
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
