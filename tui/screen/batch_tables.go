package screen

import (
	"strconv"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/batch"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// shownCodes and shownSlots bound the tables: what is rare is not what a line stands still for.
const (
	shownCodes = 8
	shownSlots = 8
)

// phases is the time of each phase: the bar is full up to the median, and goes on lighter up to the 95th percentile.
func (t tally) phases(w int) []string {
	l := t.look
	if len(t.Phases) == 0 {
		return nil
	}
	names, longest := make([]string, len(t.Phases)), time.Duration(0)
	for i, p := range t.Phases {
		names[i] = l.Text("phase." + string(p.Phase))
		longest = max(longest, p.P95, p.P50)
	}
	const times = 8
	nw := widest(8, 18, names...)
	bw := min(w-nw-2*(times+1)-2, 60)
	lines := []string{l.Styles.Heading.Render(l.Fit(l.Text("batch.phases"), max(0, nw+bw+2))) + l.Styles.Muted.Render(
		" "+l.FitRight(l.Text("batch.p50"), times)+" "+l.FitRight(l.Text("batch.p95"), times))}
	m := marksOf(l.Signs)
	for i, p := range t.Phases {
		var fifty, ninety int
		if longest > 0 {
			fifty = cells(float64(p.P50)/float64(longest), bw)
			ninety = cells(float64(p.P95)/float64(longest), bw)
		}
		lines = append(lines, l.Cut(l.Styles.Text.Render(l.Fit(names[i], nw))+" "+
			spans(l, bw, span{l.Styles.Busy, m.full, fifty}, span{l.Styles.Busy, m.part, ninety - fifty})+" "+
			l.Styles.Text.Render(" "+l.FitRight(widget.Milliseconds(p.P50), times)+" "+l.FitRight(widget.Milliseconds(p.P95), times)), w))
	}
	return lines
}

// codes is the Pareto of failures: each with its bar, its share with all before it, and its sentence.
func (t tally) codes(w int) []string {
	l := t.look
	lines := []string{l.Ends(l.Styles.Heading.Render(l.Text("batch.codes")), l.Styles.Muted.Render(l.Text("batch.cumulative")), w)}
	if len(t.Codes) == 0 {
		return append(lines, wrapped(l.Styles.Muted, l.Text("batch.codes.none"), w)...)
	}
	most := 0
	for _, c := range t.Codes {
		most = max(most, c.N)
	}
	for i, c := range t.Codes {
		if i == shownCodes {
			rest := 0
			for _, c := range t.Codes[i:] {
				rest += c.N
			}
			return append(lines, l.Styles.Muted.Render(l.Cut(l.Text("batch.codes.more", "n", strconv.Itoa(len(t.Codes)-i), "times", strconv.Itoa(rest)), w)))
		}
		lines = append(lines, t.code(c, most, w)...)
	}
	return lines
}

const (
	countWidth   = 4
	percentWidth = 5
)

func (t tally) code(c batch.CodeCount, most, w int) []string {
	l := t.look
	code := board.Clean(string(c.Code), 64)
	bw := min(max(w/4, 8), 24)
	head := l.Styles.Strong.Render(l.FitRight(strconv.Itoa(c.N), countWidth)) + " " +
		meter(l, l.Styles.Bad, float64(c.N)/float64(max(most, 1)), bw) + " " + l.Styles.Text.Render(code)
	lines := []string{l.Ends(l.Cut(head, w-percentWidth-1), l.Styles.Muted.Render(l.FitRight(percent(c.Cumulative), percentWidth)), w)}
	if text := faultText(l, station.Code(code), nil); text != "fault."+code {
		indent := strings.Repeat(" ", countWidth+1)
		for _, line := range widget.Wrap(text, w-len(indent)) {
			lines = append(lines, indent+l.Styles.Muted.Render(line))
		}
	}
	return lines
}

// slots is how the slots do against each other, those that fail most first, with the advice for one that stands out.
func (t tally) slots(w int) []string {
	l := t.look
	if len(t.Slots) == 0 {
		return nil
	}
	lines := []string{l.Ends(l.Styles.Heading.Render(l.Text("batch.slots")), l.Styles.Muted.Render(l.Text("batch.slots.failed")), w)}
	names := make([]string, len(t.Slots))
	for i, s := range t.Slots {
		names[i] = board.Clean(s.Slot, 64)
	}
	nw := widest(6, 14, names...)
	const runs = 9
	bw := max(4, min(w-nw-runs-percentWidth-5, 40))
	good := 0
	for i, s := range t.Slots {
		switch {
		case i >= shownSlots && !s.Suspect, s.Failed == 0:
			good++
			continue
		}
		style := l.Styles.Warn
		sign := " "
		if s.Suspect {
			style, sign = l.Styles.Bad, l.Signs.Warned
		}
		rate := float64(s.Failed) / float64(max(s.Runs, 1))
		lines = append(lines, l.Cut(style.Render(sign)+" "+l.Styles.Text.Render(l.Fit(names[i], nw))+" "+meter(l, style, rate, bw)+" "+
			l.Styles.Text.Render(l.FitRight(strconv.Itoa(s.Failed)+"/"+strconv.Itoa(s.Runs), runs)+" "+l.FitRight(percent(rate), percentWidth)), w))
		if s.Suspect {
			for _, line := range widget.Wrap(t.advice(names[i], s.Ratio), w-2) {
				lines = append(lines, "  "+l.Styles.Bad.Render(line))
			}
		}
	}
	if good > 0 {
		lines = append(lines, l.Styles.Muted.Render(l.Cut("  "+l.Text("batch.slots.good", "n", strconv.Itoa(good)), w)))
	}
	return lines
}

// advice is what to do about a slot that fails more than chance explains.
func (t tally) advice(slot string, ratio float64) string {
	l := t.look
	if ratio < 1.5 || ratio > 99 {
		return l.Text("batch.suspect.alone", "slot", slot)
	}
	n := int(ratio + 0.5)
	times := strconv.Itoa(n)
	if word := l.Text("number." + times); word != "number."+times {
		times = word
	}
	return l.Text("batch.suspect", "slot", slot, "times", times)
}

// missing is the ids that the batch still waits for, in as many columns as they fit.
func (t tally) missing(w int) []string {
	l := t.look
	if !t.open() || t.Missing <= 0 || len(t.Last) == 0 {
		return nil
	}
	lines := []string{l.Styles.Heading.Render(l.Text("batch.stillmissing", "n", strconv.Itoa(t.Missing)))}
	ids := make([]string, len(t.Last))
	for i, id := range t.Last {
		ids[i] = board.Clean(id, 128)
	}
	cw := widest(6, max(6, w-1), ids...) + 2
	per := max(1, (w+2)/cw)
	for len(ids) > 0 {
		n := min(per, len(ids))
		row := ""
		for _, id := range ids[:n] {
			row += l.Fit(id, cw)
		}
		lines = append(lines, l.Styles.Text.Render(l.Cut(strings.TrimRight(row, " "), w)))
		ids = ids[n:]
	}
	if more := t.Missing - len(t.Last); more > 0 {
		lines = append(lines, l.Styles.Muted.Render(l.Text("batch.andmore", "n", strconv.Itoa(more))))
	}
	return lines
}
