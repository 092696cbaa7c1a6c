package widget

import (
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"provstation/station"
	"provstation/tui/board"
)

func itoa(n int) string { return strconv.Itoa(n) }

func two(n int) string {
	if n < 10 {
		return "0" + itoa(n)
	}
	return itoa(n)
}

// StripWidth is the width of [Look.Strip].
const StripWidth = board.StripCount

// Strip is the phases of a run as one sign each.
func (l Look) Strip(s *board.Slot) string {
	var b strings.Builder
	run, style := strings.Builder{}, lipgloss.Style{}
	flush := func() {
		if run.Len() > 0 {
			b.WriteString(style.Render(run.String()))
			run.Reset()
		}
	}
	last := ""
	for _, p := range s.Strip() {
		next, kind := l.phaseStyle(p)
		if kind != last {
			flush()
			style, last = next, kind
		}
		run.WriteString(l.Signs.Phase(p.Status, p.Warned))
	}
	flush()
	return b.String()
}

func (l Look) phaseStyle(p board.Phase) (style lipgloss.Style, kind string) {
	switch p.Status {
	case station.PhaseStarted, station.PhaseProgress:
		return l.Styles.Busy, "busy"
	case station.PhaseFailed:
		return l.Styles.Bad, "bad"
	case station.PhaseDone:
		if p.Warned {
			return l.Styles.Warn, "warn"
		}
		return l.Styles.Good, "good"
	default:
		return l.Styles.Muted, "muted"
	}
}

// PhaseSign is one phase's sign in its colour.
func (l Look) PhaseSign(p board.Phase) string {
	style, _ := l.phaseStyle(p)
	return style.Render(l.Signs.Phase(p.Status, p.Warned))
}

// VerdictWidth is the width of [Look.Verdict].
const VerdictWidth = 13

// Verdict is a slot's state as sign and word, on the ground of its colour where there is a verdict.
func (l Look) Verdict(s *board.Slot) string {
	sign, word := l.verdict(s)
	text := l.Fit(" "+sign+" "+word, VerdictWidth)
	switch s.State {
	case board.Ended:
		return l.Styles.Verdict(s.End.Outcome).Render(text)
	case board.Running:
		if s.WantsScan {
			return l.Styles.AskBar.Render(text)
		}
		return l.Styles.BusyBar.Render(text)
	case board.Trouble:
		if s.PortStatus == "silent" {
			return l.Styles.Muted.Render(text)
		}
		return l.Styles.Warn.Render(text)
	default:
		return l.Styles.Muted.Render(text)
	}
}

func (l Look) verdict(s *board.Slot) (sign, word string) {
	switch s.State {
	case board.Ended:
		return l.Signs.Outcome(s.End.Outcome), l.Text("outcome." + string(s.End.Outcome))
	case board.Running:
		if s.WantsScan {
			return l.Signs.Ask, l.Text("state.scan")
		}
		return l.Signs.Active, l.Text("state.running", "n", itoa(min(s.Passed()+1, board.StripCount)), "of", itoa(board.StripCount))
	case board.Trouble:
		if s.PortStatus == "silent" {
			return l.Signs.Dot, l.Text("state.silent")
		}
		return "!", l.Text("state." + s.PortStatus)
	case board.Empty:
		return " ", l.Text("state.gone")
	default:
		return " ", l.Text("state.idle")
	}
}

// Bar is a slot's title over the whole width, on the ground of its verdict.
func (l Look) Bar(s *board.Slot, note string, now time.Time, w int) string {
	sign, word := l.verdict(s)
	left := " " + sign + " " + word + "  " + s.Name
	if s.DeviceID != "" {
		left += " " + l.Signs.Dot + " " + s.DeviceID
	}
	switch task := l.Task(s); {
	case task != "": // it is the next run of a finished device by nature
		left += " " + l.Signs.Dot + " " + task
	case s.Attempt > 1:
		left += " " + l.Signs.Dot + " " + l.Text("detail.attempt", "n", itoa(s.Attempt))
	}
	right := note
	if s.State == board.Running || s.State == board.Ended {
		if right != "" {
			right += "  "
		}
		right += Duration(s.RunTime(now))
	}
	if right != "" {
		right += " "
	}
	return l.BarStyle(s).Render(l.Ends(left, right, w))
}

// Task is what a slot's run is for, where a person asked for that.
func (l Look) Task(s *board.Slot) string {
	if s.Task == station.TaskProvision {
		return ""
	}
	return l.Text("task." + string(s.Task))
}

// BarStyle is the ground of a slot's verdict.
func (l Look) BarStyle(s *board.Slot) lipgloss.Style {
	switch s.State {
	case board.Ended:
		return l.Styles.Verdict(s.End.Outcome)
	case board.Running:
		if s.WantsScan {
			return l.Styles.AskBar
		}
		return l.Styles.BusyBar
	case board.Trouble:
		if s.PortStatus == "silent" {
			return l.Styles.PlainBar
		}
		return l.Styles.WarnBar
	default:
		return l.Styles.PlainBar
	}
}

// Sentence says in plain words how it stands with a slot, and what to do next where there is something to do.
func (l Look) Sentence(s *board.Slot) (what, next string) {
	switch s.State {
	case board.Running:
		if s.WantsScan && s.Refused != "" {
			return s.Refused, s.RefusedNext
		}
		if s.WantsScan {
			return l.Text("scan.wanted", "slot", s.Name), l.Text("scan.next")
		}
		return l.running(s), ""
	case board.Ended:
		return l.ended(s)
	case board.Trouble:
		what = s.PortReason
		if s.PortCode != "" {
			if what == "" {
				what = l.Text("fault."+string(s.PortCode), "port", s.Port)
			}
			next = l.Text("next." + string(s.PortCode))
			what = strings.TrimSpace(strings.TrimSuffix(what, next)) // the reason ends in what to do
		}
		if what == "" {
			what = l.Text("port." + s.PortStatus)
		}
		return what, next
	case board.Empty:
		return l.Text("waiting.removed"), ""
	default:
		return l.Text("waiting.slot"), ""
	}
}

func (l Look) running(s *board.Slot) string {
	phase := station.PhaseIdentify
	if s.Now >= 0 {
		phase = station.Phases()[s.Now]
	}
	if s.Retrying != "" {
		var pairs []string
		for k, v := range s.RetryParams {
			pairs = append(pairs, k, v)
		}
		return l.Text("detail.retrying", "reason", l.Text("fault."+string(s.Retrying), pairs...))
	}
	return l.Text("detail.working", "phase", l.Text("phase."+string(phase)))
}

func (l Look) ended(s *board.Slot) (what, next string) {
	what, next = s.End.Message, s.End.Hint
	if what == "" {
		switch o := s.End.Outcome; {
		case o == station.Pass && s.Task != station.TaskProvision:
			what = l.Text("done."+string(s.Task), "until", l.Day(s.NotAfter()))
		case o == station.Pass || o == station.Installed || o == station.Skipped:
			what = l.Text("done." + string(o))
		case s.End.Code != "":
			what = l.Text("fault." + string(s.End.Code))
		default:
			what = l.Text("meaning." + string(o))
		}
	}
	if next == "" && s.End.Code != "" {
		next = l.Text("next." + string(s.End.Code))
	}
	if !s.Plugged() && s.End.Outcome.Good() {
		what, next = l.Text("waiting.removed"), ""
	}
	return what, next
}

// Short is the few words for a row: the phase of a run, where it failed, or nothing.
func (l Look) Short(s *board.Slot) string {
	switch s.State {
	case board.Running:
		if s.WantsScan {
			return l.Text("state.scanlabel")
		}
		if s.Now >= 0 {
			return l.Text("phase." + string(station.Phases()[s.Now]))
		}
	case board.Ended:
		if !s.End.Outcome.Good() && s.End.Phase != "" {
			return l.Text("phase." + string(s.End.Phase))
		}
		if !s.Plugged() {
			return l.Text("port.gone")
		}
	}
	return ""
}

// Left says how long a certificate is still good.
func (l Look) Left(notAfter, now time.Time) string {
	switch d := notAfter.Sub(now); {
	case d <= 0:
		return l.Text("left.over")
	case d < time.Hour:
		return l.Text("left.minutes", "n", itoa(int(d/time.Minute)))
	case d < 48*time.Hour:
		return l.Text("left.hours", "n", itoa(int(d/time.Hour)))
	default:
		return l.Text("left.days", "n", itoa(int(d/(24*time.Hour))))
	}
}
