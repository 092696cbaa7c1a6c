package screen

import (
	"provstation/tui/board"
	"provstation/tui/widget"
)

// Move moves the selection by n slots and stops at the ends.
func (b *Bench) Move(n int) {
	if slots := b.board.Slots(); len(slots) > 0 {
		b.choose(slots[min(max(b.index()+n, 0), len(slots)-1)])
	}
}

// MoveX moves the selection by n columns. It goes on in the next row, as reading does, and stops at the ends.
func (b *Bench) MoveX(n int) { b.Move(n) }

// MoveY moves the selection by n rows in its column and stops at the first and the last row. From above a gap at the end
// of the last row it goes to the last slot.
func (b *Bench) MoveY(n int) {
	slots := b.board.Slots()
	if len(slots) == 0 {
		return
	}
	cols := max(1, b.plan().cols)
	i := b.index()
	last := (len(slots) - 1) / cols
	row := min(max(i/cols+n, 0), last)
	if row == i/cols {
		return
	}
	b.choose(slots[min(row*cols+i%cols, len(slots)-1)])
}

// Select selects a slot by name; false if there is none of this name.
func (b *Bench) Select(name string) bool {
	s := b.board.Slot(name)
	if s == nil {
		return false
	}
	b.choose(s)
	return true
}

// Attention is the next slot after the selected one that waits for a person, see [widget.Calls]; the selected one
// itself comes last. Nil: there is none.
func (b *Bench) Attention() *board.Slot {
	slots := b.board.Slots()
	at := b.index()
	for i := range slots {
		if s := slots[(at+1+i)%len(slots)]; widget.Calls(s) {
			return s
		}
	}
	return nil
}

// NextAttention selects the slot that [Bench.Attention] gives; false if there is none.
func (b *Bench) NextAttention() bool {
	s := b.Attention()
	if s == nil {
		return false
	}
	b.choose(s)
	return true
}

func (b *Bench) choose(s *board.Slot) {
	if s.Name != b.selected {
		b.detail.Top()
	}
	b.selected = s.Name
}

func (b *Bench) index() int {
	sel := b.Selected()
	for i, s := range b.board.Slots() {
		if s == sel {
			return i
		}
	}
	return 0
}

// follow scrolls so that the selected slot's row is in sight.
func (b *Bench) follow(p plan) {
	row := b.index() / p.cols
	b.top = min(b.top, row, max(0, p.all-p.rows))
	b.top = max(b.top, row-p.rows+1, 0)
}
