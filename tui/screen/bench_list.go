package screen

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

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

// list is one line per slot, or two where there is room, below a line of titles.
func (b *Bench) list(p plan) []string {
	c, w := b.columns(p.width), p.width
	l := b.look
	lines := make([]string, 0, 1+p.rows*p.height)
	head := "  " + l.Fit(l.Text("column.slot"), c.slot) + "  " + l.Fit(l.Text("column.device"), c.device) + " " +
		l.Fit(l.Text("column.phases"), widget.StripWidth) + " " + l.FitRight(l.Text("column.time"), timeWidth) + " " +
		l.Fit(" "+l.Text("column.verdict"), widget.VerdictWidth)
	if c.note >= 8 {
		head += "  " + l.Text("column.note")
	}
	lines = append(lines, l.Styles.Heading.Render(l.Fit(head, w)))
	sel := b.Selected()
	for _, s := range b.board.Slots()[b.top:min(b.top+p.rows, len(b.board.Slots()))] {
		lines = append(lines, b.row(s, c, w, p.height, s == sel))
		if p.height > 1 {
			lines = append(lines, b.more(s, c, w, s == sel))
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
	line := marker + name.Render(l.Fit(s.Name, c.slot)) + "  " + name.Render(l.Fit(l.CutID(s.DeviceID, c.device), c.device)) + " " +
		l.Fit(strip, widget.StripWidth) + " " + l.Styles.Text.Render(l.FitRight(elapsed, timeWidth)) + " " + l.Verdict(s)
	if c.note > 0 {
		line += "  " + l.Styles.Muted.Render(l.Cut(b.note(s, c.note, height), c.note))
	}
	return l.Fit(line, w)
}

// note is the last column of a row: a few words, or the sentence where it has room and no line of its own.
func (b *Bench) note(s *board.Slot, w, height int) string {
	l := b.look
	what, task := l.Short(s), l.Task(s)
	if height == 1 && w >= 30 && (s.State == board.Trouble || s.State == board.Ended) {
		what, _ = l.Sentence(s)
		if s.End.Outcome == station.Pass { // the sentence says it
			task = ""
		}
	}
	switch {
	case task == "":
		return what
	case what == "":
		return task
	}
	if all := task + " " + l.Signs.Dot + " " + what; height == 1 && w >= 30 || ansi.StringWidth(all) <= w {
		return all
	}
	return what
}

// more is the sentence below a row.
func (b *Bench) more(s *board.Slot, c columns, w int, selected bool) string {
	l := b.look
	gap := strings.Repeat(" ", c.slot+2)
	marker := "  "
	if selected {
		marker = l.Styles.Marker.Render(l.Signs.Marker) + " "
	}
	what, _ := l.Sentence(s)
	if task := l.Task(s); task != "" && ansi.StringWidth(task) > c.note && (s.State != board.Ended || s.End.Outcome != station.Pass) {
		what = task + " " + l.Signs.Dot + " " + what
	}
	style := l.Styles.Muted
	if s.State == board.Ended && !s.End.Outcome.Good() {
		style = l.Styles.VerdictText(s.End.Outcome)
	}
	return l.Fit(marker+gap+style.Render(l.Cut(what, w-2-len(gap))), w)
}
