package screen

import (
	"slices"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/tui/board"
	"provstation/tui/widget"
)

// column is one column of the table of records.
type column struct {
	key   string // of its title: records.column.KEY
	width int
	most  int // that more room makes it
	need  int // columns with a higher number go first where there is no room for all
	right bool
	id    bool // it is cut in its middle
	text  func(r *Records, row *ledger.RunRow) string
}

type columnsOf []column

// allColumns are the columns in the order they are shown.
func allColumns() columnsOf {
	return columnsOf{
		{key: "time", width: 16, most: 16, need: 0, text: func(r *Records, row *ledger.RunRow) string { return r.stamp(row.StartedAt) }},
		{key: "slot", width: 7, most: 14, need: 3, text: func(_ *Records, row *ledger.RunRow) string { return row.Slot }},
		{key: "device", width: 12, most: 32, need: 1, id: true, text: func(_ *Records, row *ledger.RunRow) string { return row.DeviceID }},
		{key: "hardware", width: 14, most: 32, need: 2, id: true, text: func(_ *Records, row *ledger.RunRow) string { return row.HardwareSerial }},
		{key: "outcome", width: 11, most: 11, need: 0},
		{key: "task", width: 9, most: 16, need: 4, text: func(r *Records, row *ledger.RunRow) string { return taskName(r.look, row) }},
		{key: "code", width: 18, most: 22, need: 6, text: func(_ *Records, row *ledger.RunRow) string { return string(row.Code) }},
		{key: "operator", width: 12, most: 20, need: 7, text: func(_ *Records, row *ledger.RunRow) string { return row.Operator }},
		{key: "batch", width: 12, most: 24, need: 8, text: func(_ *Records, row *ledger.RunRow) string { return row.Batch }},
		{key: "elapsed", width: 7, most: 7, need: 5, right: true, text: func(_ *Records, row *ledger.RunRow) string {
			if row.Outcome == "" {
				return ""
			}
			return widget.Duration(row.Elapsed)
		}},
	}
}

const columnSpace = 2

func (c columnsOf) width() int {
	w := columnSpace * (len(c) - 1)
	for _, x := range c {
		w += x.width
	}
	return w
}

// columns are those that fit in w cells, grown to what the rows in sight need where there is room.
func (r *Records) columns(w int) columnsOf {
	cols := allColumns()
	if !slices.ContainsFunc(r.rows, func(row ledger.RunRow) bool { return row.Task != station.TaskProvision }) {
		cols = slices.DeleteFunc(cols, func(c column) bool { return c.key == "task" })
	}
	for cols.width() > w && len(cols) > 1 {
		least := 0
		for i := range cols {
			if cols[i].need > cols[least].need {
				least = i
			}
		}
		if cols[least].need == 0 {
			break
		}
		cols = append(cols[:least:least], cols[least+1:]...)
	}
	spare := w - cols.width()
	for i := range cols {
		want := cols[i].width
		if cols[i].text == nil {
			continue
		}
		for j := r.top; j < min(r.top+r.shown, len(r.rows)); j++ {
			want = max(want, ansi.StringWidth(board.Clean(cols[i].text(r, &r.rows[j]), 128)))
		}
		grow := min(max(0, min(want, cols[i].most)-cols[i].width), max(0, spare))
		cols[i].width += grow
		spare -= grow
	}
	return cols
}

func (c columnsOf) head(l widget.Look) string {
	cells := make([]string, len(c))
	for i, x := range c {
		fit := l.Fit
		if x.right {
			fit = l.FitRight
		}
		cells[i] = fit(l.Text("records.column."+x.key), x.width)
	}
	return strings.Join(cells, strings.Repeat(" ", columnSpace))
}

func (r *Records) row(row *ledger.RunRow, cols columnsOf, selected bool) string {
	l := r.look
	marker, style := "  ", l.Styles.Text
	if selected {
		marker, style = l.Styles.Marker.Render(l.Signs.Marker)+" ", l.Styles.Strong
	}
	cells := make([]string, len(cols))
	for i, x := range cols {
		if x.text == nil {
			sign, word, ink := outcomeWord(l, row.Outcome)
			cells[i] = ink.Render(l.Fit(sign+" "+word, x.width))
			continue
		}
		fit := l.Fit
		if x.right {
			fit = l.FitRight
		}
		text := board.Clean(x.text(r, row), 128)
		if x.id {
			text = l.CutID(text, x.width)
		}
		cells[i] = style.Render(fit(text, x.width))
	}
	return l.Fit(marker+strings.Join(cells, strings.Repeat(" ", columnSpace)), r.w)
}

// outcomeWord is an outcome as sign, word and colour; no outcome is a run that has not ended.
func outcomeWord(l widget.Look, o station.Outcome) (sign, word string, style lipgloss.Style) {
	if o == "" {
		return l.Signs.Active, l.Text("records.open"), l.Styles.Busy
	}
	return l.Signs.Outcome(o), l.Text("outcome." + board.Clean(string(o), 32)), l.Styles.VerdictText(o)
}

// taskName is what a run was for, where a person asked for that.
func taskName(l widget.Look, row *ledger.RunRow) string {
	if !slices.Contains(station.Tasks(), row.Task) {
		return ""
	}
	return l.Text("task." + string(row.Task))
}

// runSentence says in plain words how a run on file ended.
func runSentence(l widget.Look, row *ledger.RunRow) (string, lipgloss.Style) {
	switch code := board.Clean(string(row.Code), 64); {
	case row.Outcome == "":
		return l.Text("records.open.text"), l.Styles.Busy
	case code != "":
		params := make(map[string]string, len(row.Params))
		for k, v := range row.Params {
			params[board.Clean(k, 64)] = board.Clean(v, 512)
		}
		text := faultText(l, station.Code(code), params)
		if text == "fault."+code {
			text = code
		}
		if task := taskName(l, row); task != "" {
			text = task + ": " + text
		}
		return text, l.Styles.VerdictText(row.Outcome)
	default:
		outcome := board.Clean(string(row.Outcome), 32)
		word := l.Text("outcome." + outcome)
		if task := taskName(l, row); task != "" {
			word = task + ", " + word
		}
		return word + ": " + l.Text("meaning."+outcome), l.Styles.VerdictText(row.Outcome)
	}
}

// nextOf is what to do after a run that did not end well; nothing where the catalogue knows nothing.
func nextOf(l widget.Look, row *ledger.RunRow) string {
	code := board.Clean(string(row.Code), 64)
	if code == "" || row.Outcome.Good() {
		return ""
	}
	next := tidy(l.Text("next." + code))
	if next == "next."+code {
		return ""
	}
	return next
}
