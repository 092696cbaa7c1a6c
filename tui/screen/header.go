// Package screen holds one component per screen. A component is told its size and its look, is moved by methods, and
// gives back exactly as many lines as it is high; it reads the board and never changes it. Only the root model talks to
// the terminal.
package screen

import (
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// HeaderHeight is the number of lines of [Header].
const HeaderHeight = 2

// Header says whose bench this is, what it talks to, how many devices ended how, and what time it is.
func Header(l widget.Look, b *board.Board, title string, now time.Time, w int) string {
	return headerName(l, b, title, now, w) + "\n" + headerCounts(l, b, w)
}

func headerName(l widget.Look, b *board.Board, title string, now time.Time, w int) string {
	name := title
	if b.Station.Station != "" {
		name = b.Station.Station
	}
	left := " " + l.Styles.Strong.Render(name)
	if b.Station.Tenant != "" {
		left += l.Styles.Muted.Render("  " + l.Text("header.tenant", "tenant", b.Station.Tenant))
	}
	if b.Station.Site != "" {
		left += l.Styles.Muted.Render("  " + l.Text("header.site", "site", b.Station.Site))
	}
	clock := l.Styles.Strong.Render(now.Format("2006-01-02  15:04:05")) + " "
	return l.Ends(l.Cut(left, w-24), clock, w)
}

func headerCounts(l widget.Look, b *board.Board, w int) string {
	return l.Ends(" "+Counts(l, b, w-2), headerServers(l, b), w)
}

// Counts says how many devices ended how, and how many are in work.
//
// Where there is no room for all words, the rarer outcomes are told by sign and number; help explains the signs.
func Counts(l widget.Look, b *board.Board, w int) string {
	long := counts(l, b, true)
	if ansi.StringWidth(long) <= w {
		return long
	}
	return l.Cut(counts(l, b, false), w)
}

func counts(l widget.Look, b *board.Board, words bool) string {
	style := l.Styles.Muted
	if b.Running > 0 {
		style = l.Styles.Busy
	}
	parts := []string{style.Render(l.Signs.Active + " " + l.Text("header.running", "n", strconv.Itoa(b.Running)))}
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
		if words || o == station.Pass || o == station.Fail {
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
	default:
		return 0
	}
}
