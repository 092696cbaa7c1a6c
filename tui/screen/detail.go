package screen

import (
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// Detail is everything known of one slot, scrolled where it is longer than its place. Over the whole screen it is cut
// into tabs, unless the screen is wide enough for all of them beside each other. Its zero value is ready.
type Detail struct {
	offset int
	last   int // the largest offset at the last drawing
	tab    tab
	tabbed bool // at the last drawing
}

// tab is a section of the detail.
type tab int

const (
	tabOverview tab = iota
	tabCertificate
	tabTunnel
	tabDevice
	tabLine
	tabCount
)

// tabKeys are the names of the tabs in the catalogue.
var tabKeys = [tabCount]string{"tab.overview", "tab.certificate", "tab.tunnel", "tab.device", "tab.line"}

// Top scrolls back to the first line.
func (d *Detail) Top() { d.offset = 0 }

// Scroll moves by n lines.
func (d *Detail) Scroll(n int) { d.offset = min(max(d.offset+min(max(n, -far), far), 0), d.last) }

// NextTab goes to the next tab, and from the last one to the first.
func (d *Detail) NextTab() { d.turn(1) }

// PrevTab goes to the tab before, and from the first one to the last.
func (d *Detail) PrevTab() { d.turn(-1) }

func (d *Detail) turn(n int) {
	if d.tabbed {
		d.tab = (d.tab + tab(n) + tabCount) % tabCount
		d.Top()
	}
}

// Tabbed reports whether there are tabs: the slot has the whole screen, and it is too narrow for everything at once.
func (d *Detail) Tabbed() bool { return d.tabbed }

// NextTab goes to the next tab of the slot that fills the screen.
func (b *Bench) NextTab() { b.detail.NextTab() }

// PrevTab goes to the tab before.
func (b *Bench) PrevTab() { b.detail.PrevTab() }

// Tabbed reports whether [Bench.NextTab] and [Bench.PrevTab] do anything now.
func (b *Bench) Tabbed() bool { return b.expanded && b.detail.Tabbed() }

// Lines draws the slot in h lines of w cells: its bar, and as much of the rest as fits from the offset on. full says
// that the slot has the whole screen: nothing is shortened then.
func (d *Detail) Lines(l widget.Look, b *board.Board, s *board.Slot, now time.Time, w, h int, full bool) []string {
	if h <= 0 {
		return nil
	}
	v := view{Look: l, board: b, slot: s, now: now, full: full}
	d.tabbed = full && w-2 < threeColumns && s.Run != ""
	head := make([]string, 1, 2)
	if d.tabbed {
		head = append(head, v.strip(d.tab, w))
	}
	body := v.body(d, w-2)
	room := max(0, h-len(head))
	d.last = max(0, len(body)-room)
	d.offset = min(d.offset, d.last)
	note := ""
	switch {
	case full && d.last > 0:
		note = l.Text("detail.scroll", "from", strconv.Itoa(d.offset+1), "to", strconv.Itoa(d.offset+room), "of", strconv.Itoa(len(body)))
	case d.last > 0:
		note = l.Text("detail.more", "n", strconv.Itoa(d.last), "key", "enter")
	}
	head[0] = l.Bar(s, note, now, w)
	for _, line := range body[d.offset:min(d.offset+room, len(body))] {
		head = append(head, l.Fit(" "+line, w))
	}
	return l.Block(head, w, h)
}

// view is one drawing of a slot.
type view struct {
	widget.Look
	board *board.Board
	slot  *board.Slot
	now   time.Time
	full  bool
}

// strip is the names of the tabs; the one that is open is in brackets, whatever the colours are.
func (v view) strip(open tab, w int) string {
	var b strings.Builder
	for i, key := range tabKeys {
		name := v.Text(key)
		if tab(i) == open {
			b.WriteString(" " + v.Styles.Accent.Bold(true).Render("["+name+"]"))
		} else {
			b.WriteString(" " + v.Styles.Muted.Render(" "+name+" "))
		}
	}
	return v.Fit(b.String(), w)
}

// body is every line below the bar and the tabs.
func (v view) body(d *Detail, w int) []string {
	if v.slot.Run == "" {
		lines := v.verdict(w)
		if ports := portLines(v.Look, v.board, w); len(ports) > 0 {
			lines = append(append(lines, ""), ports...)
		}
		return lines
	}
	switch {
	case d.tabbed:
		return v.page(d.tab, w)
	case v.full:
		head := append(v.verdict(w), v.warnings(w)...)
		return append(append(head, ""), abreast(v.Look, w,
			[]part{v.triangle, v.identity, v.line}, []part{v.certificate, v.tunnel}, []part{v.steps, v.boot, v.log})...)
	default:
		return v.beside(w)
	}
}

// page is one tab. A part that has nothing to show yet says so.
func (v view) page(t tab, w int) []string {
	var lines []string
	switch t {
	case tabCertificate:
		lines = v.certificate(w)
	case tabTunnel:
		lines = v.tunnel(w)
	case tabDevice:
		if w >= twoColumns {
			lines = abreast(v.Look, w, []part{v.identity, v.log}, []part{v.boot})
		} else {
			lines = stack(w, v.boot, v.log)
		}
	case tabLine:
		lines = v.line(w)
	default:
		lines = append(v.verdict(w), v.warnings(w)...)
		if w < columnsWidth {
			return append(append(lines, ""), stack(w, v.triangle, v.identity, v.steps)...)
		}
		return append(append(lines, ""), abreast(v.Look, w, []part{v.triangle, v.identity}, []part{v.steps})...)
	}
	if len(lines) == 0 {
		return wrapped(v.Styles.Muted, v.Text("tab.nothing"), w)
	}
	return lines
}

// columnsWidth is the width from which the detail has two columns.
const columnsWidth = 74

// beside is the short form that stands next to the list of slots: what is needed at a glance comes first.
func (v view) beside(w int) []string {
	lines := append(v.verdict(w), v.warnings(w)...)
	credentials := append(v.identity(w), append(v.certificate(w), v.tunnel(w)...)...)
	steps := v.steps(w)
	if w >= columnsWidth {
		cw := (w - 2) / 2
		credentials = v.Beside(v.identity(cw), append(v.certificate(cw), v.tunnel(cw)...), cw, 2)
		steps = v.steps(cw)
		half := half(steps)
		steps = v.Beside(steps[:half], steps[half:], cw, 2)
	}
	if v.slot.State == board.Running {
		return append(append(append(lines, steps...), credentials...), v.boot(w)...)
	}
	return append(append(append(lines, credentials...), steps...), v.boot(w)...)
}

// half is where the list of steps is broken into two columns: not inside a phase.
func half(steps []string) int {
	i := (len(steps) + 1) / 2
	for i < len(steps) && strings.HasPrefix(steps[i], "  ") {
		i++
	}
	return i
}

// verdict is the sentence, the next action, and the code for whoever is called.
func (v view) verdict(w int) []string {
	s := v.slot
	what, next := v.Sentence(s)
	style := v.Styles.Strong
	if s.State == board.Ended && !s.End.Outcome.Good() {
		style = v.Styles.VerdictText(s.End.Outcome)
	}
	lines := append(wrapped(style, what, w), nextAction(v.Look, next, w)...)
	if tail := v.code(); tail != "" {
		lines = append(lines, v.Styles.Muted.Render(v.Cut(tail, w)))
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

func (v view) warnings(w int) []string {
	if len(v.slot.Warnings) == 0 {
		return nil
	}
	lines := []string{v.heading("section.warnings")}
	for _, x := range v.slot.Warnings {
		text := x.Text
		if text == "" {
			text = faultText(v.Look, x.Code, x.Params)
		}
		lines = append(lines, bullet(v.Look, v.Signs.Warned, v.Styles.Warn, text, w)...)
	}
	return lines
}

func (v view) heading(key string) string { return v.Styles.Heading.Render(v.Text(key)) }
