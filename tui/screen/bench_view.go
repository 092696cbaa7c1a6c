package screen

import (
	"strconv"
	"strings"

	"provstation/tui/board"
	"provstation/tui/widget"
)

// View gives the lines of the screen, joined.
func (b *Bench) View() string {
	sel := b.Selected()
	if sel == nil {
		return strings.Join(b.waiting(), "\n")
	}
	if b.expanded {
		return strings.Join(b.detail.Lines(b.look, b.board, sel, b.now, b.w, b.h, true), "\n")
	}
	p := b.plan()
	b.follow(p)
	var lines []string
	if p.list {
		lines = b.list(p)
	} else {
		lines = b.grid(p)
	}
	if p.side > 0 {
		lines = b.beside(lines, sel, p)
	} else {
		lines = append(lines, b.panel(sel, p)...)
	}
	lines = append(lines, portStrip(b.look, b.board, b.w, p.ports)...)
	return strings.Join(lines, "\n")
}

// roomyPanel is the height from which the panel has a line that parts it from the cards.
const roomyPanel = 6

// panel is the selected slot below the cards.
func (b *Bench) panel(sel *board.Slot, p plan) []string {
	h := p.panel
	var lines []string
	hidden := b.hidden(p)
	if hidden != "" || h >= roomyPanel {
		lines = append(lines, b.look.RuleLine(hidden, b.w))
		h--
	}
	if h >= listPanel && sel.Run != "" {
		return append(lines, b.chosen(sel, b.w, h)...)
	}
	note := ""
	if p.ports == 0 && len(b.board.Ports()) > 0 {
		note = portCount(b.look, b.board)
	}
	return append(lines, b.brief(sel, note, b.w, h)...)
}

// beside puts the selected slot at the right of the cards.
func (b *Bench) beside(left []string, sel *board.Slot, p plan) []string {
	left = b.look.Block(left, p.width, p.panel)
	right := b.chosen(sel, p.side, p.panel)
	bar := " " + b.look.Styles.Rule.Render(b.look.Signs.Bar) + " "
	for i := range left {
		left[i] += bar + right[i]
	}
	return left
}

// brief is the selected slot in h lines: its bar, what is the matter, and what to do. Where not all of it fits, the
// sentence gives way before the next action.
func (b *Bench) brief(s *board.Slot, note string, w, h int) []string {
	l := b.look
	what, next := l.Sentence(s)
	style := l.Styles.Strong
	if s.State == board.Ended && !s.End.Outcome.Good() {
		style = l.Styles.VerdictText(s.End.Outcome)
	}
	label := l.Text("detail.next")
	if next != "" {
		next = label + " " + next
	}
	whats, nexts := split(l, what, next, w-2, h-1)
	lines := []string{l.Bar(s, note, b.now, w)}
	for _, line := range whats {
		lines = append(lines, " "+style.Render(line))
	}
	for _, line := range labelledNext(l, label, nexts) {
		lines = append(lines, " "+line)
	}
	return l.Block(lines, w, h)
}

// split shortens two texts to room lines together; the first one gives way, but keeps a line.
func split(l widget.Look, first, second string, w, room int) (a, b []string) {
	keep := min(len(first), 1)
	b = l.WrapCut(second, w, max(0, room-keep))
	return l.WrapCut(first, w, room-len(b)), b
}

// hidden says how many slots are not in sight, and which of them wait for a person.
func (b *Bench) hidden(p plan) string {
	slots := b.board.Slots()
	above := min(b.top*p.cols, len(slots))
	below := max(0, len(slots)-(b.top+p.rows)*p.cols)
	var parts []string
	if above > 0 {
		parts = append(parts, b.look.Signs.Above+" "+b.look.Text("list.above", "n", strconv.Itoa(above)))
	}
	if below > 0 {
		parts = append(parts, b.look.Signs.Below+" "+b.look.Text("list.below", "n", strconv.Itoa(below)))
	}
	var names []string
	wanting := 0
	for i, s := range slots {
		if (i < above || i >= len(slots)-below) && widget.Calls(s) {
			if wanting++; wanting <= 3 {
				names = append(names, s.Name)
			}
		}
	}
	if wanting > 3 {
		names = append(names, b.look.Signs.Ellipsis)
	}
	if wanting > 0 {
		parts = append(parts, b.look.Text("list.attention", "n", strconv.Itoa(wanting), "slots", strings.Join(names, ", ")))
	}
	return strings.Join(parts, "  ")
}

// waiting is the bench before there is any slot.
func (b *Bench) waiting() []string {
	l := b.look
	title, more := l.Text("waiting.title"), l.Text("waiting.more")
	style := l.Styles.BusyBar
	switch {
	case !b.board.Began():
		title = l.Text("waiting.start")
	case unsigned(b.board):
		title, more, style = l.Text("waiting.signin"), l.Text("waiting.signin.more"), l.Styles.WarnBar
	}
	banner := style.Render("   " + l.Cut(title, b.w-8) + "   ")
	ports := portLines(l, b.board, b.w-8)
	lines := make([]string, 0, b.h)
	for range max(1, (b.h-6-len(ports))/3) {
		lines = append(lines, "")
	}
	lines = append(lines, l.Centre(banner, b.w), "", l.Centre(l.Styles.Muted.Render(more), b.w), "", "")
	for _, p := range ports {
		lines = append(lines, "    "+p)
	}
	return l.Block(lines, b.w, b.h)
}

// unsigned reports that nothing starts because nobody is signed in.
func unsigned(b *board.Board) bool { return b.Operator.Required && b.Operator.Operator == "" }
