package screen

import (
	"time"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// Bench is the slots, each as a card as large as there is room for, and what is known of the selected one. Its zero
// value is not ready: use [NewBench].
type Bench struct {
	look     widget.Look
	board    *board.Board
	now      time.Time
	w, h     int
	selected string // by name: a slot that appears above does not move the selection
	top      int    // first row of the grid, or of the list, that is shown
	asList   bool
	expanded bool
	detail   Detail
	cards    cardCache
	panels   panelCache
}

// NewBench makes the screen for a board, which stays the caller's.
func NewBench(b *board.Board) *Bench { return &Bench{board: b} }

// SetSize tells how much room there is.
func (b *Bench) SetSize(w, h int) { b.w, b.h = w, h }

// SetLook tells how to draw.
func (b *Bench) SetLook(l widget.Look) {
	b.look = l
	b.cards.forget()
	b.panels = panelCache{}
}

// SetNow tells the time.
func (b *Bench) SetNow(t time.Time) { b.now = t }

// SetList shows one line per slot instead of cards, or goes back to cards.
func (b *Bench) SetList(on bool) { b.asList, b.top = on, 0 }

// List reports whether there is one line per slot.
func (b *Bench) List() bool { return b.asList }

// Detail is the part that shows the selected slot.
func (b *Bench) Detail() *Detail { return &b.detail }

// Selected is the selected slot, nil if there is none.
func (b *Bench) Selected() *board.Slot {
	if s := b.board.Slot(b.selected); s != nil {
		return s
	}
	if slots := b.board.Slots(); len(slots) > 0 {
		return slots[0]
	}
	return nil
}

// Expanded reports whether the selected slot fills the screen.
func (b *Bench) Expanded() bool { return b.expanded }

// Expand shows the selected slot over the whole screen, or goes back to the bench.
func (b *Bench) Expand(on bool) {
	b.expanded = on
	b.detail.Top()
}

// Scroll moves the detail by n lines.
func (b *Bench) Scroll(n int) { b.detail.Scroll(n) }

// Page is the number of slots, or lines of the detail, that a page moves by.
func (b *Bench) Page() int {
	if b.expanded {
		return max(1, b.h-2)
	}
	p := b.plan()
	return max(1, p.rows*p.cols)
}
