package screen

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/tui/theme"
	"provstation/tui/widget"
)

// pane is what every page is told: how much room it has, how to draw, and the time.
type pane struct {
	look widget.Look
	now  time.Time
	w, h int
}

// SetSize tells how much room there is.
func (p *pane) SetSize(w, h int) { p.w, p.h = w, h }

// SetLook tells how to draw.
func (p *pane) SetLook(l widget.Look) { p.look = l }

// SetNow tells the time; its location is the one that times are shown in.
func (p *pane) SetNow(t time.Time) { p.now = t }

// window is a view onto lines that may be more than it has room for. Its zero value shows the first line.
type window struct {
	offset int
	room   int // at the last drawing
	last   int // the largest offset at the last drawing
}

// far is more lines than any page has.
const far = 1 << 20

func (v *window) move(n int) { v.offset = min(max(v.offset+min(max(n, -far), far), 0), v.last) }

func (v *window) page() int { return max(1, v.room-1) }

// cut gives the lines that are in sight, at most room of them.
func (v *window) cut(lines []string, room int) []string {
	v.room = max(0, room)
	v.last = max(0, len(lines)-v.room)
	v.offset = min(v.offset, v.last)
	return lines[v.offset:min(v.offset+v.room, len(lines))]
}

// note says which lines of how many are in sight; nothing when all are.
func (v *window) note(l widget.Look, of int) string {
	if of <= v.room {
		return ""
	}
	return l.Text("detail.scroll", "from", strconv.Itoa(v.offset+1), "to", strconv.Itoa(min(v.offset+v.room, of)), "of", strconv.Itoa(of))
}

// titled is a page: a bar over its whole width, and what of the body is in sight below it, one cell in from the edge.
func (p *pane) titled(v *window, ground lipgloss.Style, title, right string, body []string) string {
	if p.h <= 0 {
		return ""
	}
	l := p.look
	seen := v.cut(body, p.h-1)
	if note := v.note(l, len(body)); note != "" {
		right = strings.TrimPrefix(right+"  "+note, "  ")
	}
	if right != "" {
		right += " "
	}
	lines := make([]string, 0, p.h)
	lines = append(lines, ground.Render(l.Ends(" "+title, right, p.w)))
	for _, line := range seen {
		lines = append(lines, " "+l.Cut(line, p.w-2))
	}
	return strings.Join(l.Block(lines, p.w, p.h), "\n")
}

// part is a piece of a page, drawn as wide as its column is.
type part func(w int) []string

// stack puts parts below each other with an empty line between; what is empty leaves none.
func stack(w int, parts ...part) []string {
	var lines []string
	for _, p := range parts {
		more := p(w)
		if len(more) == 0 {
			continue
		}
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, more...)
	}
	return lines
}

const columnGap = 3

// abreast puts stacks of parts next to each other in columns of the same width.
func abreast(l widget.Look, w int, columns ...[]part) []string {
	cw := (w - columnGap*(len(columns)-1)) / len(columns)
	drawn := make([][]string, len(columns))
	height := 0
	for i, c := range columns {
		drawn[i] = stack(cw, c...)
		height = max(height, len(drawn[i]))
	}
	lines := make([]string, height)
	for i := range lines {
		for c, column := range drawn {
			cell := ""
			if i < len(column) {
				cell = column[i]
			}
			if c > 0 {
				lines[i] += strings.Repeat(" ", columnGap)
			}
			if c < len(drawn)-1 {
				cell = l.Fit(cell, cw)
			} else {
				cell = l.Cut(cell, cw)
			}
			lines[i] += cell
		}
	}
	return lines
}

// labelled is one line of label and value; a value that is too long goes on below itself.
func labelled(l widget.Look, label, value string, labels, w int) []string {
	if value == "" {
		return nil
	}
	head := l.Styles.Muted.Render(l.Fit(label, labels)) + " "
	var lines []string
	for i, piece := range widget.Wrap(value, max(8, w-labels-1)) {
		if i > 0 {
			head = strings.Repeat(" ", labels+1)
		}
		lines = append(lines, l.Cut(head+l.Styles.Text.Render(piece), w))
	}
	return lines
}

// wrapped is a sentence in a style, broken where it is too long.
func wrapped(style lipgloss.Style, text string, w int) []string {
	lines := widget.Wrap(text, w)
	for i := range lines {
		lines[i] = style.Render(lines[i])
	}
	return lines
}

// nextAction is the next action, its label set off.
func nextAction(l widget.Look, next string, w int) []string {
	if next == "" {
		return nil
	}
	label := l.Text("detail.next")
	return labelledNext(l, label, widget.Wrap(label+" "+next, w))
}

// labelledNext draws the lines of a next action, of which the first one begins with the label.
func labelledNext(l widget.Look, label string, lines []string) []string {
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(line, label); ok && i == 0 {
			lines[i] = l.Styles.Accent.Bold(true).Render(label) + l.Styles.Strong.Render(rest)
		} else {
			lines[i] = l.Styles.Strong.Render(line)
		}
	}
	return lines
}

// faultText is a code's sentence. Where parameters are missing, what they leave behind is tidied up.
func faultText(l widget.Look, code station.Code, params map[string]string) string {
	pairs := make([]string, 0, 2*len(params))
	for k, v := range params {
		pairs = append(pairs, k, v)
	}
	return tidy(l.Text("fault."+string(code), pairs...))
}

// tidy closes the gaps that missing parameters leave in a sentence.
func tidy(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(" .", ".", " ,", ",", " :", ":", "( ", "(", " )", ")").Replace(s)
}

// marks are the characters that bars, trees and the triangle are drawn with. Each is one cell wide.
type marks struct {
	full, part, rest       string // of bars
	branch, tail, trunk    string // of trees
	rise, fall, flat       string // of the triangle
	same, open, different  string
	left, right, pathBreak string
}

func marksOf(s theme.Signs) marks {
	if s.ASCII {
		return marks{
			full: "#", part: "=", rest: ".", branch: "+-", tail: "`-", trunk: "| ", rise: "/", fall: "\\", flat: "-",
			same: "=", open: "?", different: "X", left: "<-", right: "->", pathBreak: "/",
		}
	}
	return marks{
		full: "█", part: "▒", rest: "░", branch: "├─", tail: "└─", trunk: "│ ", rise: "╱", fall: "╲", flat: "─",
		same: "=", open: "?", different: s.Failed, left: "←", right: "→", pathBreak: "/",
	}
}

// meter is a bar of w cells, filled by share (0 to 1); any share above zero fills a cell, only the whole fills all.
func meter(l widget.Look, style lipgloss.Style, share float64, w int) string {
	return spans(l, w, span{style, marksOf(l.Signs).full, cells(share, w)})
}

// cells is how many of w cells a share fills.
func cells(share float64, w int) int {
	switch {
	case w <= 0 || !(share > 0): // not a number is nothing
		return 0
	case share >= 1:
		return w
	}
	return min(max(int(share*float64(w)+0.5), 1), max(1, w-1))
}

// span is a stretch of a bar.
type span struct {
	style lipgloss.Style
	mark  string
	n     int
}

func spans(l widget.Look, w int, stretches ...span) string {
	var b strings.Builder
	for _, s := range stretches {
		n := min(max(s.n, 0), w)
		w -= n
		if n > 0 {
			b.WriteString(s.style.Render(strings.Repeat(s.mark, n)))
		}
	}
	if w > 0 {
		b.WriteString(l.Styles.Rule.Render(strings.Repeat(marksOf(l.Signs).rest, w)))
	}
	return b.String()
}

// widest is the width of the widest text, between lo and hi.
func widest(lo, hi int, texts ...string) int {
	for _, s := range texts {
		lo = max(lo, ansi.StringWidth(s))
	}
	return min(lo, hi)
}

// percent writes a share without decimals; it is 100 only for the whole, and 0 only for nothing.
func percent(share float64) string {
	n := int(share*100 + 0.5)
	switch {
	case !(share > 0):
		n = 0
	case share < 1:
		n = min(max(n, 1), 99)
	default:
		n = 100
	}
	return strconv.Itoa(n) + " %"
}

// clock is a time of day, with its date when that is another one than today's.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04")
	}
	return t.Format("2006-01-02 15:04")
}

// about is a duration as people say it, to the minute where it is longer than one.
func about(l widget.Look, d time.Duration) string {
	d = max(0, d)
	if d < time.Minute {
		return l.Text("span.seconds", "n", strconv.Itoa(int(d/time.Second)))
	}
	minutes := int((d + 30*time.Second) / time.Minute)
	if minutes < 60 {
		return l.Text("span.minutes", "n", strconv.Itoa(minutes))
	}
	return l.Text("span.hours", "h", strconv.Itoa(minutes/60), "m", strconv.Itoa(minutes%60))
}

// sortedKeys are a map's keys in order.
func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
