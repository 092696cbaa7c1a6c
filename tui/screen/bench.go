package screen

import (
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// Sizes that decide the bench's layout.
const (
	besideWidth = 140 // from here on the detail stands beside the list
	minDetail   = 9   // lines the detail keeps below the list
	roomyDetail = 13  // lines it keeps before rows take two lines each
)

// Bench is the slots, one row each, and what is known of the selected one. Its zero value is not ready: use [NewBench].
type Bench struct {
	look     widget.Look
	board    *board.Board
	now      time.Time
	w, h     int
	selected string // by name: a slot that appears above does not move the selection
	top      int    // first row shown
	expanded bool
	detail   Detail
}

// NewBench makes the screen for a board, which stays the caller's.
func NewBench(b *board.Board) *Bench { return &Bench{board: b} }

// SetSize tells how much room there is.
func (b *Bench) SetSize(w, h int) { b.w, b.h = w, h }

// SetLook tells how to draw.
func (b *Bench) SetLook(l widget.Look) { b.look = l }

// SetNow tells the time.
func (b *Bench) SetNow(t time.Time) { b.now = t }

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

// Expand shows the selected slot over the whole screen, or goes back to the list.
func (b *Bench) Expand(on bool) {
	b.expanded = on
	b.detail.Top()
}

// Move moves the selection by n slots and stops at the ends.
func (b *Bench) Move(n int) {
	slots := b.board.Slots()
	if len(slots) == 0 {
		return
	}
	i := min(max(b.index()+n, 0), len(slots)-1)
	if slots[i].Name != b.selected {
		b.detail.Top()
	}
	b.selected = slots[i].Name
}

// Scroll moves the detail by n lines.
func (b *Bench) Scroll(n int) { b.detail.Scroll(n) }

// Page is the number of slots, or lines of the detail, that a page moves by.
func (b *Bench) Page() int {
	if b.expanded {
		return max(1, b.h-2)
	}
	rows, _ := b.plan()
	return max(1, rows)
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

// plan decides how many slots are shown and how many lines each takes.
func (b *Bench) plan() (rows, height int) {
	n := len(b.board.Slots())
	if b.beside() {
		height = min(max((b.h-1)/max(n, 1), 1), 4)
		return min(n, (b.h-1)/height), height
	}
	if 2*n <= b.h-2-roomyDetail {
		return n, 2
	}
	return min(n, max(1, b.h-2-minDetail)), 1
}

func (b *Bench) beside() bool { return b.w >= besideWidth }

// View gives the lines of the screen, joined.
func (b *Bench) View() string {
	sel := b.Selected()
	if sel == nil {
		return strings.Join(b.waiting(), "\n")
	}
	if b.expanded {
		return strings.Join(b.detail.Lines(b.look, b.board, sel, b.now, b.w, b.h, true), "\n")
	}
	rows, height := b.plan()
	b.follow(rows)
	if !b.beside() {
		list := b.list(b.w, rows, height)
		list = append(list, b.look.RuleLine(b.hidden(rows), b.w))
		return strings.Join(append(list, b.detail.Lines(b.look, b.board, sel, b.now, b.w, b.h-len(list), false)...), "\n")
	}
	lw := min(max(b.w*11/20, 84), 116)
	left := b.list(lw, rows, height)
	if note := b.hidden(rows); note != "" && len(left) < b.h {
		left = append(left, b.look.Styles.Muted.Render("  "+note))
	}
	left = b.look.Block(left, lw, b.h)
	right := b.detail.Lines(b.look, b.board, sel, b.now, b.w-lw-3, b.h, false)
	bar := " " + b.look.Styles.Rule.Render(b.look.Signs.Bar) + " "
	for i := range left {
		left[i] += bar + right[i]
	}
	return strings.Join(left, "\n")
}

// follow scrolls the list so that the selected row is in it.
func (b *Bench) follow(rows int) {
	i, n := b.index(), len(b.board.Slots())
	b.top = min(b.top, i, max(0, n-rows))
	b.top = max(b.top, i-rows+1, 0)
}

// hidden says how many slots the list does not show.
func (b *Bench) hidden(rows int) string {
	var parts []string
	if b.top > 0 {
		parts = append(parts, b.look.Signs.Above+" "+b.look.Text("list.above", "n", strconv.Itoa(b.top)))
	}
	if below := len(b.board.Slots()) - b.top - rows; below > 0 {
		parts = append(parts, b.look.Signs.Below+" "+b.look.Text("list.below", "n", strconv.Itoa(below)))
	}
	return strings.Join(parts, "  ")
}

// columns are the widths of a row's parts.
type columns struct{ slot, device, note int }

const timeWidth = 7

func (b *Bench) columns(w int) columns {
	c := columns{slot: 6, device: 8}
	for _, s := range b.board.Slots() {
		c.slot = max(c.slot, ansi.StringWidth(s.Name))
		c.device = max(c.device, ansi.StringWidth(s.DeviceID))
	}
	c.slot = min(c.slot, 14)
	room := w - 2 - c.slot - 2 - 1 - widget.StripWidth - 1 - timeWidth - 1 - widget.VerdictWidth - 1
	c.device = min(c.device, max(room-11, 8))
	c.note = max(0, room-c.device-2)
	return c
}

func (b *Bench) list(w, rows, height int) []string {
	c := b.columns(w)
	l := b.look
	lines := make([]string, 0, 1+rows*height)
	head := "  " + l.Fit(l.Text("column.slot"), c.slot) + "  " + l.Fit(l.Text("column.device"), c.device) + " " +
		l.Fit(l.Text("column.phases"), widget.StripWidth) + " " + l.FitRight(l.Text("column.time"), timeWidth) + " " +
		l.Fit(" "+l.Text("column.verdict"), widget.VerdictWidth)
	if c.note >= 8 {
		head += "  " + l.Text("column.note")
	}
	lines = append(lines, l.Styles.Heading.Render(l.Fit(head, w)))
	sel := b.Selected()
	for _, s := range b.board.Slots()[b.top:min(b.top+rows, len(b.board.Slots()))] {
		lines = append(lines, b.row(s, c, w, height, s == sel))
		if height > 1 {
			lines = append(lines, b.more(s, c, w, height, s == sel)...)
		}
	}
	return lines
}

func (b *Bench) row(s *board.Slot, c columns, w, height int, selected bool) string {
	l := b.look
	marker, name := "  ", l.Styles.Text
	if selected {
		marker, name = l.Styles.Marker.Render(l.Signs.Marker)+" ", l.Styles.Strong
	}
	elapsed := ""
	if s.State == board.Running || s.State == board.Ended {
		elapsed = widget.Duration(s.RunTime(b.now))
	}
	strip := ""
	if s.Run != "" {
		strip = l.Strip(s)
	}
	line := marker + name.Render(l.Fit(s.Name, c.slot)) + "  " + name.Render(l.Fit(s.DeviceID, c.device)) + " " +
		l.Fit(strip, widget.StripWidth) + " " + l.Styles.Text.Render(l.FitRight(elapsed, timeWidth)) + " " + l.Verdict(s)
	if c.note > 0 {
		line += "  " + l.Styles.Muted.Render(l.Cut(b.note(s, c.note, height), c.note))
	}
	return l.Fit(line, w)
}

// note is the last column of a row: a few words, or the sentence where it has room and no line of its own.
func (b *Bench) note(s *board.Slot, w, height int) string {
	if height == 1 && w >= 30 && (s.State == board.Trouble || s.State == board.Ended) {
		what, _ := b.look.Sentence(s)
		return what
	}
	return b.look.Short(s)
}

// more is what a row says below its first line when there is room: the sentence, and the next action.
func (b *Bench) more(s *board.Slot, c columns, w, height int, selected bool) []string {
	l := b.look
	gap := strings.Repeat(" ", c.slot+2)
	marker := "  "
	if selected {
		marker = l.Styles.Marker.Render(l.Signs.Marker) + " "
	}
	what, next := l.Sentence(s)
	style := l.Styles.Muted
	if s.State == board.Ended && !s.End.Outcome.Good() {
		style = l.Styles.VerdictText(s.End.Outcome)
	}
	room := w - 2 - len(gap)
	lines := []string{l.Fit(marker+gap+style.Render(l.Cut(what, room)), w)}
	if height > 2 {
		if next != "" {
			next = l.Text("detail.next") + " " + next
		}
		lines = append(lines, l.Fit(marker+gap+l.Styles.Text.Render(l.Cut(next, room)), w))
	}
	if height > 3 {
		lines = append(lines, l.Fit("", w))
	}
	return lines
}

// waiting is the bench before there is any slot.
func (b *Bench) waiting() []string {
	l := b.look
	title := l.Text("waiting.title")
	if !b.board.Began() {
		title = l.Text("waiting.start")
	}
	banner := l.Styles.BusyBar.Render("   " + l.Cut(title, b.w-8) + "   ")
	ports := portLines(l, b.board, b.w-8)
	lines := make([]string, 0, b.h)
	for range max(1, (b.h-6-len(ports))/3) {
		lines = append(lines, "")
	}
	lines = append(lines, l.Centre(banner, b.w), "", l.Centre(l.Styles.Muted.Render(l.Text("waiting.more")), b.w), "", "")
	for _, p := range ports {
		lines = append(lines, "    "+p)
	}
	return l.Block(lines, b.w, b.h)
}
