package theme

import (
	"strings"

	"provstation/station"
)

// Signs are the characters that stand for states. Each is one cell wide.
type Signs struct {
	ASCII bool // everything on the screen must be ASCII

	Done, Active, Failed, Skipped, Pending string // phases
	Warned                                 string // a phase that is done, with a warning
	Marker                                 string // the selected row
	Ellipsis                               string
	Rule, Bar                              string // horizontal and vertical lines
	Dot                                    string // between parts of a line
	Above, Below                           string
	UpDown                                 string // the arrow keys
	Ask                                    string // a slot that waits for its label
	Full, Upper, Lower                     string // a whole cell, its upper and its lower half
	Shade, Light                           string // a cell of a bar that is being filled, and one that is empty

	outcomes map[station.Outcome]string
}

// Unicode signs, all of one cell and none of them an emoji.
func Unicode() Signs {
	return Signs{
		Done: "■", Active: "◆", Failed: "✗", Skipped: "–", Pending: "□", Warned: "▲",
		Marker: "▌", Ellipsis: "…", Rule: "─", Bar: "│", Dot: "·", Above: "↑", Below: "↓", UpDown: "↑↓",
		Ask: "▥", Full: "█", Upper: "▀", Lower: "▄", Shade: "▒", Light: "░",
		outcomes: map[station.Outcome]string{
			station.Pass: "✓", station.Fail: "✗", station.Error: "!", station.Timeout: "◷", station.Aborted: "■",
			station.Installed: "○", station.Skipped: "»", station.Uncertain: "?",
			station.Collected: "◇",
		},
	}
}

// ASCII signs.
func ASCII() Signs {
	return Signs{
		ASCII: true,
		Done:  "#", Active: ">", Failed: "X", Skipped: "-", Pending: ".", Warned: "!",
		Marker: ">", Ellipsis: "~", Rule: "-", Bar: "|", Dot: "-", Above: "^", Below: "v", UpDown: "up/down",
		Ask: "|", Full: "#", Shade: "=", Light: ".", // halves have no ASCII
		outcomes: map[station.Outcome]string{
			station.Pass: "+", station.Fail: "X", station.Error: "!", station.Timeout: "T", station.Aborted: "#",
			station.Installed: "o", station.Skipped: "=", station.Uncertain: "?",
			station.Collected: "c",
		},
	}
}

// Outcome is the sign of an outcome.
func (s Signs) Outcome(o station.Outcome) string {
	if sign, ok := s.outcomes[o]; ok {
		return sign
	}
	return "?"
}

// Phase is the sign of a phase's status.
func (s Signs) Phase(status station.PhaseStatus, warned bool) string {
	switch status {
	case station.PhaseStarted, station.PhaseProgress:
		return s.Active
	case station.PhaseFailed:
		return s.Failed
	case station.PhaseSkipped:
		return s.Skipped
	case station.PhaseDone:
		if warned {
			return s.Warned
		}
		return s.Done
	default:
		return s.Pending
	}
}

// Terminal is what the environment says of the terminal.
type Terminal struct {
	Mono  bool // NO_COLOR, or a terminal without colours
	ASCII bool // no UTF-8, or a console whose font lacks the signs
}

// Detect reads TERM, NO_COLOR (https://no-color.org) and the locale's character set from the environment. goos is
// runtime.GOOS: Windows has no locale variables and writes UTF-8.
func Detect(getenv func(string) string, goos string) Terminal {
	term := getenv("TERM")
	t := Terminal{Mono: getenv("NO_COLOR") != "" || term == "dumb", ASCII: term == "dumb" || term == "linux"}
	if goos == "windows" {
		return t
	}
	charset := getenv("LC_ALL")
	if charset == "" {
		charset = getenv("LC_CTYPE")
	}
	if charset == "" {
		charset = getenv("LANG")
	}
	charset = strings.ToLower(charset)
	if !strings.Contains(charset, "utf-8") && !strings.Contains(charset, "utf8") {
		t.ASCII = true
	}
	return t
}
