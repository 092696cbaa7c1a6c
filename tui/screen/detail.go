package screen

import (
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// Detail is everything known of one slot, scrolled where it is longer than its place. Its zero value is ready.
type Detail struct {
	offset int
	last   int // the largest offset at the last drawing
}

// Top scrolls back to the first line.
func (d *Detail) Top() { d.offset = 0 }

// Scroll moves by n lines.
func (d *Detail) Scroll(n int) { d.offset = min(max(d.offset+n, 0), d.last) }

// columnsWidth is the width from which the detail has two columns.
const columnsWidth = 76

// Lines draws the slot in h lines of w cells: its bar, and as much of the rest as fits from the offset on. full says
// that the slot has the whole screen: nothing is shortened then.
func (d *Detail) Lines(l widget.Look, b *board.Board, s *board.Slot, now time.Time, w, h int, full bool) []string {
	if h <= 0 {
		return nil
	}
	v := view{Look: l, board: b, slot: s, now: now, w: w - 2, full: full}
	body := v.body()
	room := h - 1
	d.last = max(0, len(body)-room)
	d.offset = min(d.offset, d.last)
	note := ""
	switch {
	case full && d.last > 0:
		note = l.Text("detail.scroll", "from", strconv.Itoa(d.offset+1), "to", strconv.Itoa(d.offset+room), "of", strconv.Itoa(len(body)))
	case d.last > 0:
		note = l.Text("detail.more", "n", strconv.Itoa(d.last), "key", "enter")
	}
	lines := make([]string, 0, h)
	lines = append(lines, l.Bar(s, note, now, w))
	for _, line := range body[d.offset:min(d.offset+room, len(body))] {
		lines = append(lines, l.Fit(" "+line, w))
	}
	return l.Block(lines, w, h)
}

// view is one drawing of a slot.
type view struct {
	widget.Look
	board *board.Board
	slot  *board.Slot
	now   time.Time
	w     int
	full  bool
}

// body is every line below the bar.
func (v view) body() []string {
	lines := v.verdict()
	if v.slot.Run == "" {
		if ports := portLines(v.Look, v.board, v.w); len(ports) > 0 {
			lines = append(append(lines, ""), ports...)
		}
		return lines
	}
	lines = append(lines, v.warnings()...)
	if v.slot.State == board.Running {
		return append(append(append(lines, v.timed()...), v.credentials()...), v.boot()...)
	}
	return append(append(append(lines, v.credentials()...), v.timed()...), v.boot()...)
}

// credentials is who the device is and what it has been given, in as many columns as there is room for.
func (v view) credentials() []string {
	identity, credentials := v.identity(), append(v.certificate(), v.tunnel()...)
	if v.columns() == 2 {
		return v.Beside(identity, credentials, v.columnWidth(), 2)
	}
	return append(identity, credentials...)
}

// timed is the steps with their times, in as many columns as there is room for.
func (v view) timed() []string {
	steps := v.steps()
	if v.columns() == 2 {
		half := v.half(steps)
		return v.Beside(steps[:half], steps[half:], v.columnWidth(), 2)
	}
	return steps
}

func (v view) columns() int {
	if v.w >= columnsWidth {
		return 2
	}
	return 1
}

func (v view) columnWidth() int {
	if v.columns() == 2 {
		return (v.w - 2) / 2
	}
	return v.w
}

// half is where the list of steps is broken into two columns: not inside a phase.
func (v view) half(steps []string) int {
	i := (len(steps) + 1) / 2
	for i < len(steps) && strings.HasPrefix(steps[i], "  ") {
		i++
	}
	return i
}

// verdict is the sentence, the next action, and the code for whoever is called.
func (v view) verdict() []string {
	s := v.slot
	what, next := v.Sentence(s)
	style := v.Styles.Strong
	if s.State == board.Ended && !s.End.Outcome.Good() {
		style = v.Styles.VerdictText(s.End.Outcome)
	}
	var lines []string
	for _, line := range widget.Wrap(what, v.w) {
		lines = append(lines, style.Render(line))
	}
	if next != "" {
		label := v.Text("detail.next")
		for i, line := range widget.Wrap(label+" "+next, v.w) {
			if rest, ok := strings.CutPrefix(line, label); ok && i == 0 {
				line = v.Styles.Accent.Bold(true).Render(label) + v.Styles.Strong.Render(rest)
			} else {
				line = v.Styles.Strong.Render(line)
			}
			lines = append(lines, line)
		}
	}
	if tail := v.code(); tail != "" {
		lines = append(lines, v.Styles.Muted.Render(v.Cut(tail, v.w)))
	}
	return lines
}

func (v view) code() string {
	code, phase := v.slot.PortCode, station.Phase("")
	if v.slot.State == board.Ended {
		code, phase = v.slot.End.Code, v.slot.End.Phase
	}
	if code == "" || v.slot.State == board.Running {
		return ""
	}
	text := v.Text("detail.code", "code", string(code))
	if phase != "" {
		text += "  " + v.Text("detail.failed", "phase", v.Text("phase."+string(phase)))
	}
	return text
}

func (v view) warnings() []string {
	if len(v.slot.Warnings) == 0 {
		return nil
	}
	lines := []string{v.heading("section.warnings")}
	for _, w := range v.slot.Warnings {
		text := w.Text
		if text == "" {
			text = v.Text("fault." + string(w.Code))
		}
		for i, line := range widget.Wrap(text, v.w-2) {
			sign := " "
			if i == 0 {
				sign = v.Signs.Warned
			}
			lines = append(lines, v.Styles.Warn.Render(sign)+" "+v.Styles.Text.Render(line))
		}
	}
	return lines
}

func (v view) heading(key string) string { return v.Styles.Heading.Render(v.Text(key)) }

// boot is the end of what the device printed.
func (v view) boot() []string {
	log := v.slot.Facts[station.FactBootLog]
	if log == "" {
		return nil
	}
	rows := strings.Split(log, "\n")
	if keep := 12; !v.full && len(rows) > keep {
		rows = rows[len(rows)-keep:]
	}
	lines := []string{v.heading("section.boot")}
	for _, row := range rows {
		lines = append(lines, v.Styles.Muted.Render(v.Cut(row, v.w)))
	}
	return lines
}
