package screen

import (
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/station/batch"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// Batch is how it stands with the batch, or with this shift where no batch is open: what is done and missing, how fast
// it goes, what fails, and where.
type Batch struct {
	pane
	board *board.Board
	view  window
}

// NewBatch makes the page for a board, which stays the caller's.
func NewBatch(b *board.Board) *Batch { return &Batch{board: b} }

// Scroll moves by n lines.
func (b *Batch) Scroll(n int) { b.view.move(n) }

// Top scrolls back to the first line.
func (b *Batch) Top() { b.view = window{} }

// Page is the number of lines that a page moves by.
func (b *Batch) Page() int { return b.view.page() }

// Widths from which the page has two, and three columns.
const (
	twoColumns   = 110
	threeColumns = 170
)

// View gives the lines of the screen, joined.
func (b *Batch) View() string {
	s := tally{look: b.look, now: b.now, Snapshot: b.board.Progress.Snapshot(b.now), last: b.board.Batch}
	ground, title, right := s.title()
	w := b.w - 2
	head := []part{s.standing, s.bar(b.h)}
	var body []string
	switch {
	case b.w >= threeColumns:
		body = append(stack(w, head...), "")
		body = append(body, abreast(b.look, w, []part{s.figures, s.missing}, []part{s.codes, s.slots}, []part{s.phases})...)
	case b.w >= twoColumns:
		body = append(stack(w, head...), "")
		body = append(body, abreast(b.look, w, []part{s.figures, s.phases}, []part{s.codes, s.slots, s.missing})...)
	default:
		body = stack(w, append(head, s.figures, s.slots, s.codes, s.phases, s.missing)...)
	}
	return b.titled(&b.view, ground, title, right, body)
}

// tally is one drawing of a batch.
type tally struct {
	batch.Snapshot
	look widget.Look
	now  time.Time
	last station.BatchChanged
}

// open reports whether there is a batch; else the figures are the shift's.
func (t tally) open() bool { return t.Batch != "" }

func (t tally) state() station.BatchState {
	if t.last.Batch == t.Batch && t.last.State != "" {
		return t.last.State
	}
	return t.State
}

func (t tally) title() (ground lipgloss.Style, title, right string) {
	l := t.look
	if !t.open() {
		return l.Styles.PlainBar, l.Text("batch.shift"), ""
	}
	ground, sign := l.Styles.BusyBar, l.Signs.Active
	switch t.state() {
	case station.BatchPaused:
		ground, sign = l.Styles.WarnBar, l.Signs.Outcome(station.Aborted)
	case station.BatchHeld:
		ground, sign = l.Styles.BadBar, "!"
	default:
		if t.complete() {
			ground, sign = l.Styles.GoodBar, l.Signs.Outcome(station.Pass)
		}
	}
	title = sign + " " + l.Text("batch.title", "batch", board.Clean(t.Batch, 128), "state", l.Text("batch.state."+string(t.state())))
	if !t.OpenedAt.IsZero() {
		right = l.Text("batch.since", "time", clock(t.OpenedAt, t.now), "elapsed", about(l, t.Elapsed))
	}
	return ground, title, right
}

func (t tally) complete() bool { return t.Expected > 0 && t.Missing == 0 && t.Done >= t.Expected }

// standing is a sentence on what holds the batch or what is to be done with it, and the next action.
func (t tally) standing(w int) []string {
	l := t.look
	if !t.open() {
		var lines []string
		if t.last.State == station.BatchClosed && t.last.Batch != "" {
			lines = wrapped(l.Styles.Strong, l.Text("batch.closed", "batch", t.last.Batch,
				"done", strconv.Itoa(t.last.Done), "of", strconv.Itoa(t.last.Expected)), w)
		}
		lines = append(lines, wrapped(l.Styles.Text, l.Text("fault."+string(station.CodeBatchNone)), w)...)
		return append(lines, nextAction(l, l.Text("next."+string(station.CodeBatchNone)), w)...)
	}
	switch t.state() {
	case station.BatchHeld:
		return t.held(w)
	case station.BatchPaused:
		what := l.Text("fault."+string(station.CodeHeldPaused), "reason", t.last.Reason)
		if t.last.By != "" {
			what += " " + l.Text("batch.by", "name", t.last.By)
		}
		return append(wrapped(l.Styles.Warn, what, w), nextAction(l, l.Text("next."+string(station.CodeHeldPaused)), w)...)
	}
	if t.complete() {
		return append(wrapped(l.Styles.Good, l.Text("batch.complete"), w), nextAction(l, l.Text("batch.complete.next"), w)...)
	}
	return nil
}

func (t tally) held(w int) []string {
	l := t.look
	what := t.last.Reason
	if what == "" {
		what = l.Text("batch.held")
	}
	lines := wrapped(l.Styles.Bad, what, w)
	if c := t.last.Code; c != "" && c != station.CodeHeldFailures {
		lines = append(lines, wrapped(l.Styles.Text, faultText(l, c, nil), w)...)
		lines = append(lines, nextAction(l, tidy(l.Text("next."+string(c))), w)...)
		return append(lines, wrapped(l.Styles.Strong, l.Text("next."+string(station.CodeHeldFailures)), w)...)
	}
	return append(lines, nextAction(l, l.Text("next."+string(station.CodeHeldFailures)), w)...)
}

// bar is the progress, as large as the page is high: it is what is read from afar.
func (t tally) bar(h int) part {
	return func(w int) []string {
		l := t.look
		if !t.open() || t.Expected <= 0 {
			return nil
		}
		share := float64(t.Done) / float64(t.Expected)
		style := l.Styles.Busy
		if t.complete() {
			style = l.Styles.Good
		}
		rows := 1
		switch {
		case h >= 44:
			rows = 5
		case h >= 30:
			rows = 3
		}
		letters := l.Letters(strconv.Itoa(t.Done)+"/"+strconv.Itoa(t.Expected), w/3, rows)
		room := w
		if len(letters) > 0 {
			room -= ansi.StringWidth(letters[0]) + columnGap
			rows = len(letters)
		}
		line := meter(l, style, share, room)
		lines := make([]string, 0, rows+1)
		for i := range rows {
			row := line
			if i < len(letters) {
				row += strings.Repeat(" ", columnGap) + style.Render(letters[i])
			}
			lines = append(lines, row)
		}
		text := l.Text("batch.done", "done", strconv.Itoa(t.Done), "of", strconv.Itoa(t.Expected))
		return append(lines, l.Ends(style.Render(text), style.Render(percent(share)), w))
	}
}

// figures are the numbers a line lead asks for.
func (t tally) figures(w int) []string {
	l := t.look
	type figure struct{ key, value string }
	var all []figure
	add := func(key, value string) { all = append(all, figure{l.Text("batch." + key), value}) }
	unknown := l.Text("batch.unknown")
	if t.open() {
		add("missing", strconv.Itoa(t.Missing))
		if t.Remaining > 0 && !t.complete() && t.state() == station.BatchOpen {
			add("eta", l.Text("batch.eta.value", "time", clock(t.now.Add(t.Remaining), t.now), "left", about(l, max(t.Remaining, time.Second))))
		} else if !t.complete() {
			add("eta", unknown)
		}
	} else {
		add("good", strconv.Itoa(t.Done))
	}
	if t.Doubled > 0 {
		add("doubled", strconv.Itoa(t.Doubled))
	}
	yield := unknown
	if t.FirstTried > 0 {
		yield = l.Text("batch.yield.value", "share", percent(t.FirstPassYield), "n", strconv.Itoa(t.FirstPassed), "of", strconv.Itoa(t.FirstTried))
	}
	add("yield", yield)
	takt, rate := unknown, unknown
	if t.Takt > 0 {
		takt = widget.Duration(t.Takt)
	}
	if t.UnitsPerHour > 0 {
		rate = strconv.FormatFloat(t.UnitsPerHour, 'f', decimals(t.UnitsPerHour), 64)
	}
	add("takt", takt)
	add("rate", rate)
	add("runs", l.Text("batch.runs.value", "n", strconv.Itoa(t.Runs), "failed", strconv.Itoa(t.Failed)))
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.key
	}
	lines := []string{l.Styles.Heading.Render(l.Text("batch.figures"))}
	labels := widest(12, max(12, w/2), names...)
	for _, f := range all {
		lines = append(lines, labelled(l, f.key, f.value, labels, w)...)
	}
	return lines
}

// decimals keeps one decimal for a slow line.
func decimals(x float64) int {
	if x < 10 {
		return 1
	}
	return 0
}
