// Package screen holds one component per screen. A component is told its size and its look, is moved by methods, and
// gives back exactly as many lines as it is high; it reads the board and never changes it. Only the root model talks to
// the terminal.
package screen

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// HeaderHeight is the least number of lines of [Header]; [HeaderLines] says how many there are.
const HeaderHeight = 2

// HeaderLines is the number of lines of [Header]: one more while a batch is open, while the ledger that the stations share
// is away, and while a contradiction between stations has not been acknowledged.
func HeaderLines(b *board.Board) int {
	n := HeaderHeight
	for _, more := range []bool{hasBatch(b), !b.Away.IsZero(), len(b.Duplicates) > 0} {
		if more {
			n++
		}
	}
	return n
}

func hasBatch(b *board.Board) bool {
	return b.Batch.Batch != "" && b.Batch.State != station.BatchClosed
}

// Header says whose bench this is, who works at it, what it talks to, how many devices ended how, what time it is, and
// how it stands with the batch. What matters less gives way where there is no room.
func Header(l widget.Look, b *board.Board, title string, now time.Time, w int) string {
	lines := headerName(l, b, title, now, w) + "\n" + headerCounts(l, b, w)
	if hasBatch(b) {
		lines += "\n" + headerBatch(l, b, now, w)
	}
	if !b.Away.IsZero() {
		lines += "\n" + headerAway(l, b, now, w)
	}
	if len(b.Duplicates) > 0 {
		lines += "\n" + headerDuplicates(l, b, w)
	}
	return lines
}

// wideHeader is the width from which the date stands beside the time although somebody is signed in.
const wideHeader = 100

func headerName(l widget.Look, b *board.Board, title string, now time.Time, w int) string {
	name := title
	if b.Station.Station != "" {
		name = b.Station.Station
	}
	clock := now.Format("2006-01-02  15:04")
	operator := headerOperator(l, b)
	if operator != "" && w < wideHeader {
		clock = now.Format("15:04")
	}
	right := l.Styles.Strong.Render(clock) + " "
	if operator != "" {
		right = operator + "  " + right
	}
	room := w - ansi.StringWidth(right) - 2
	left := " " + l.Styles.Strong.Render(l.Cut(name, max(room-1, 0)))
	var more []string
	if b.Station.Tenant != "" {
		more = append(more, l.Text("header.tenant", "tenant", b.Station.Tenant))
	}
	if b.Station.Site != "" {
		more = append(more, l.Text("header.site", "site", b.Station.Site))
	}
	for _, m := range more {
		left += l.Styles.Muted.Render("  " + m)
	}
	return l.Ends(l.Cut(left, room), right, w)
}

// headerOperator is who works here. That nobody does is loud where no device starts without somebody.
func headerOperator(l widget.Look, b *board.Board) string {
	switch {
	case unsigned(b):
		return l.Styles.WarnBar.Render(" " + l.Text("header.unsigned") + " ")
	case b.Operator.Operator == "":
		return ""
	}
	name := l.Styles.Strong.Render(l.Cut(b.Operator.Operator, 20))
	if b.Operator.Role == station.RoleLead {
		name += l.Styles.Muted.Render(" " + l.Text("header.lead"))
	}
	return name
}

func headerCounts(l widget.Look, b *board.Board, w int) string {
	left := " "
	if n := waitingForPerson(b); n > 0 {
		left += l.Styles.WarnBar.Render(" "+l.Text("header.attention", "n", strconv.Itoa(n))+" ") + "  "
	}
	return l.Ends(left+Counts(l, b, w-1-ansi.StringWidth(left)), headerServers(l, b), w)
}

// waitingForPerson counts the slots that wait for somebody to do something.
func waitingForPerson(b *board.Board) int {
	n := 0
	for _, s := range b.Slots() {
		if widget.Calls(s) {
			n++
		}
	}
	return n
}

// headerBatch is how it stands with the batch: its progress while it goes on, and a bar over the whole width while it
// does not.
func headerBatch(l widget.Look, b *board.Board, now time.Time, w int) string {
	s := b.Progress.Snapshot(now)
	done, expected := b.Batch.Done, b.Batch.Expected
	if s.Batch == b.Batch.Batch {
		done, expected = s.Done, s.Expected
	}
	count := l.Text("batch.done", "done", strconv.Itoa(done), "of", strconv.Itoa(expected))
	name := l.Text("header.batch", "batch", l.Cut(b.Batch.Batch, 16))
	state := b.Batch.State
	switch {
	case state == station.BatchPaused, state == station.BatchHeld:
		style := l.Styles.WarnBar
		if state == station.BatchHeld {
			style = l.Styles.BadBar
		}
		text := " ! " + l.Text("batch.state."+string(state)) + "  " + name + "  "
		hint := l.Text("header." + string(state))
		room := w - ansi.StringWidth(text) - ansi.StringWidth(hint) - ansi.StringWidth(count) - 5
		if reason := haltReason(b.Batch, room); reason != "" && room >= minReason {
			text += l.Cut(reason, room) + "  "
		}
		return style.Render(l.Ends(l.Cut(text+hint, w-ansi.StringWidth(count)-3), count+" ", w))
	case expected > 0 && done >= expected:
		return l.Styles.GoodBar.Render(l.Ends(" "+l.Signs.Outcome(station.Pass)+" "+name+"  "+l.Text("batch.complete"), count+" ", w))
	}
	left := " " + l.Styles.Strong.Render(name) + "  "
	right := "  " + l.Styles.Strong.Render(count)
	if s.UnitsPerHour > 0 && w >= wideHeader {
		right += l.Styles.Muted.Render("  " + l.Text("header.rate", "n", strconv.Itoa(int(s.UnitsPerHour+0.5))))
	}
	if s.Remaining > 0 {
		right += l.Styles.Muted.Render("  " + l.Text("header.left", "left", about(l, max(s.Remaining, time.Second))))
	}
	share := 0.0
	if expected > 0 {
		share = float64(done) / float64(expected)
	}
	room := max(0, w-ansi.StringWidth(left)-ansi.StringWidth(right)-1)
	return l.Fit(left+meter(l, l.Styles.Good, share, room)+right, w)
}

// minReason is the least width of a reason that says something.
const minReason = 16

// haltReason is why a batch stands still: a person's words, or the failure that the station held it for, which has a
// name where its sentence does not fit into w cells.
func haltReason(e station.BatchChanged, w int) string {
	fault := string(e.Code)
	if e.Code == station.CodeHeldFailures { // the state says that already
		fault = ""
	}
	if e.Reason == "" || fault != "" && ansi.StringWidth(e.Reason) > w {
		return fault
	}
	return e.Reason
}

// Counts says how many devices ended how, and how many are in work.
//
// Where there is no room for all words, the rarer outcomes are told by sign and number, and then all of them; help
// explains the signs.
func Counts(l widget.Look, b *board.Board, w int) string {
	for _, words := range [][]station.Outcome{station.Outcomes(), {station.Pass, station.Fail}} {
		if line := counts(l, b, words); ansi.StringWidth(line) <= w {
			return line
		}
	}
	return l.Cut(counts(l, b, nil), w)
}

// counts writes out the outcomes that are in words, and what is running where there are any.
func counts(l widget.Look, b *board.Board, words []station.Outcome) string {
	style := l.Styles.Muted
	if b.Running > 0 {
		style = l.Styles.Busy
	}
	running := strconv.Itoa(b.Running)
	if len(words) > 0 {
		running = l.Text("header.running", "n", running)
	}
	parts := []string{style.Render(l.Signs.Active + " " + running)}
	for _, o := range station.Outcomes() {
		n := count(b.Counts, o)
		if n == 0 && o != station.Pass && o != station.Fail {
			continue
		}
		style := l.Styles.Muted
		if n > 0 {
			style = l.Styles.VerdictText(o)
		}
		word := ""
		if slices.Contains(words, o) {
			word = l.Text("outcome."+string(o)) + " "
		}
		parts = append(parts, style.Render(l.Signs.Outcome(o)+" "+word+strconv.Itoa(n)))
	}
	return strings.Join(parts, "  ")
}

func headerServers(l widget.Look, b *board.Board) string {
	var parts []string
	if b.Station.Bridge != "" {
		_, host, ok := strings.Cut(b.Station.Bridge, "://")
		if !ok {
			host = b.Station.Bridge
		}
		s := l.Text("header.bridge", "bridge", l.Cut(host, 32))
		if b.Contract != "" {
			s += l.Text("header.contract", "contract", b.Contract)
		}
		parts = append(parts, s)
	}
	if b.Station.Broker != "" {
		parts = append(parts, l.Text("header.broker", "broker", l.Cut(b.Station.Broker, 32)))
	}
	if len(parts) == 0 {
		return ""
	}
	return l.Styles.Muted.Render(strings.Join(parts, " "+l.Signs.Dot+" ") + " ")
}

func count(s station.Summary, o station.Outcome) int {
	switch o {
	case station.Pass:
		return s.Pass
	case station.Fail:
		return s.Fail
	case station.Error:
		return s.Error
	case station.Timeout:
		return s.Timeout
	case station.Aborted:
		return s.Aborted
	case station.Installed:
		return s.Installed
	case station.Skipped:
		return s.Skipped
	case station.Uncertain:
		return s.Uncertain
	case station.Collected:
		return s.Collected
	default:
		return 0
	}
}
