package screen

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/tui/board"
)

// Records is the runs on file as a table, and one of them with everything that was recorded of it. It is handed what it
// shows; what comes from the ledger is cleaned before it is drawn.
type Records struct {
	pane
	rows     []ledger.RunRow
	more     bool
	total    int
	loaded   bool
	loading  bool
	failure  string
	filter   ledger.Filter
	selected int
	top      int // first row in sight
	shown    int // rows in sight at the last drawing

	detail *ledger.RunDetail
	trees  [][]link // of detail.Certificates
	view   window   // onto the detail
}

// NewRecords makes the page; nothing is loaded yet.
func NewRecords() *Records { return &Records{total: -1} }

// SetRows hands over every row that is loaded so far, newest first; the slice stays the caller's and must not change.
// more says that the ledger has further ones, total how many there are in all (negative: not known). What is selected
// stays selected while it is among the rows. It ends loading and takes an error away.
func (r *Records) SetRows(rows []ledger.RunRow, more bool, total int) {
	run := ""
	if old, ok := r.Selected(); ok && r.selected > 0 { // Who stands on the newest row stays on the newest.
		run = old.Run
	}
	r.rows, r.more, r.total, r.loaded, r.loading, r.failure = rows, more, total, true, false, ""
	at := -1
	for i := range rows {
		if run != "" && rows[i].Run == run {
			at = i
			break
		}
	}
	if at < 0 {
		at = 0
		if run != "" {
			at = min(r.selected, max(0, len(rows)-1))
		}
	}
	r.selected = at
}

// SetLoading says that rows, or the run that was opened, have been asked for.
func (r *Records) SetLoading(on bool) { r.loading = on }

// SetError says why rows could not be had; the rows that are there stay. It ends loading. Empty: no error.
func (r *Records) SetError(text string) { r.failure, r.loading = board.Clean(text, 1024), false }

// SetFilter says what chose the rows: shown above the table. The selection goes back to the first row when it changes.
func (r *Records) SetFilter(f ledger.Filter) {
	f.After, f.Limit = "", 0
	if !reflect.DeepEqual(f, r.filter) {
		r.selected, r.top = 0, 0
	}
	r.filter = f
}

// Move moves the selection by n rows, or an open detail by n lines.
func (r *Records) Move(n int) {
	if r.detail != nil {
		r.view.move(n)
		return
	}
	r.selected = min(max(r.selected+min(max(n, -far), far), 0), max(0, len(r.rows)-1))
}

// Home moves to the first row or line.
func (r *Records) Home() { r.Move(-far) }

// End moves to the last row or line that is loaded.
func (r *Records) End() { r.Move(far) }

// Page is the number of rows or lines that a page moves by.
func (r *Records) Page() int {
	if r.detail != nil {
		return r.view.page()
	}
	return max(1, r.shown-1)
}

// Selected is the selected row; false when there is none.
func (r *Records) Selected() (ledger.RunRow, bool) {
	if r.selected < 0 || r.selected >= len(r.rows) {
		return ledger.RunRow{}, false
	}
	return r.rows[r.selected], true
}

// Current is the run that is open, else the selected row; false when there is neither.
func (r *Records) Current() (ledger.RunRow, bool) {
	if r.detail != nil {
		return r.detail.RunRow, true
	}
	return r.Selected()
}

// AtEnd reports whether the next page should be loaded: the selection is within a page of the last row, there are
// more, and nothing is being loaded.
func (r *Records) AtEnd() bool {
	return r.more && !r.loading && r.detail == nil && r.selected+max(r.shown, 1) >= len(r.rows)
}

// SetDetail opens a run.
func (r *Records) SetDetail(d ledger.RunDetail) {
	r.detail, r.view, r.loading, r.failure = &d, window{}, false, ""
	r.trees = make([][]link, len(d.Certificates))
	for i := range d.Certificates {
		r.trees[i] = chainLinks(&d.Certificates[i].CertRecord)
	}
}

// CloseDetail goes back to the table.
func (r *Records) CloseDetail() { r.detail, r.trees = nil, nil }

// Opened reports whether a run is open, and which.
func (r *Records) Opened() (run string, ok bool) {
	if r.detail == nil {
		return "", false
	}
	return r.detail.Run, true
}

// View gives the lines of the screen, joined.
func (r *Records) View() string {
	if r.h <= 0 {
		return ""
	}
	if r.detail != nil {
		return r.opened()
	}
	l := r.look
	head := append([]string{l.Styles.PlainBar.Render(l.Ends(" "+l.Text("records.title"), r.count()+" ", r.w))}, r.chips(r.w-2)...)
	if r.failure != "" {
		for _, line := range wrapped(l.Styles.Bad, l.Text("records.failed", "reason", r.failure), r.w-2) {
			head = append(head, " "+line)
		}
	}
	if len(r.rows) == 0 {
		r.shown = 0
		return strings.Join(l.Block(append(head, "", " "+l.Styles.Muted.Render(l.Cut(r.nothing(), r.w-2))), r.w, r.h), "\n")
	}
	foot := r.foot(r.w - 2)
	r.shown = max(1, r.h-len(head)-1-len(foot))
	r.top = max(min(r.top, r.selected, len(r.rows)-r.shown), r.selected-r.shown+1, 0)
	cols := r.columns(r.w - 3)
	lines := make([]string, 0, r.h)
	lines = append(append(lines, head...), l.Styles.Heading.Render(l.Fit("  "+cols.head(l), r.w)))
	for i := r.top; i < min(r.top+r.shown, len(r.rows)); i++ {
		lines = append(lines, r.row(&r.rows[i], cols, i == r.selected))
	}
	lines = l.Block(lines, r.w, max(0, r.h-len(foot)))
	for _, f := range foot {
		lines = append(lines, l.Fit(f, r.w))
	}
	return strings.Join(l.Block(lines, r.w, r.h), "\n")
}

// count says which of how many rows is selected.
func (r *Records) count() string {
	l := r.look
	switch {
	case r.loading:
		return l.Text("records.loading")
	case len(r.rows) == 0:
		return ""
	case r.total >= len(r.rows):
		return l.Text("records.count", "n", strconv.Itoa(r.selected+1), "of", strconv.Itoa(r.total))
	case r.more:
		return l.Text("records.count.more", "n", strconv.Itoa(r.selected+1), "of", strconv.Itoa(len(r.rows)))
	default:
		return l.Text("records.count", "n", strconv.Itoa(r.selected+1), "of", strconv.Itoa(len(r.rows)))
	}
}

func (r *Records) nothing() string {
	l := r.look
	switch {
	case r.loading || (!r.loaded && r.failure == ""):
		return l.Text("records.loading")
	case r.failure != "":
		return ""
	case !reflect.DeepEqual(r.filter, ledger.Filter{Tenant: r.filter.Tenant}):
		return l.Text("records.nomatch")
	default:
		return l.Text("records.none")
	}
}

// chips are the parts of the filter that choose, each on its own ground; one line, or more where they need it.
func (r *Records) chips(w int) []string {
	l := r.look
	f := r.filter
	var chips []string
	add := func(key, value string) {
		if value = board.Clean(value, 128); value != "" {
			chips = append(chips, l.Styles.PlainBar.Render(" "+l.Cut(l.Text("records.by."+key, "value", value), max(8, w-2))+" "))
		}
	}
	add("text", f.Text)
	add("device", f.DeviceID)
	add("hardware", f.HardwareSerial)
	for _, o := range append([]station.Outcome{f.Outcome}, f.Outcomes...) {
		if o != "" {
			sign, word, _ := outcomeWord(l, o)
			add("outcome", sign+" "+word)
		}
	}
	add("slot", f.Slot)
	add("code", string(f.Code))
	add("batch", f.Batch)
	add("operator", f.Operator)
	add("station", f.Station)
	add("site", f.Site)
	if !f.Since.IsZero() {
		add("since", r.stamp(f.Since))
	}
	if !f.Until.IsZero() {
		add("until", r.stamp(f.Until))
	}
	if f.Open {
		chips = append(chips, l.Styles.PlainBar.Render(" "+l.Text("records.by.open")+" "))
	}
	if f.Held {
		chips = append(chips, l.Styles.PlainBar.Render(" "+l.Text("records.by.held")+" "))
	}
	if len(chips) == 0 {
		return []string{" " + l.Styles.Muted.Render(l.Text("records.all"))}
	}
	var lines []string
	line := ""
	for _, c := range chips {
		if line != "" && ansi.StringWidth(line)+1+ansi.StringWidth(c) > w {
			lines = append(lines, line)
			line = ""
		}
		line += " " + c
	}
	return append(lines, line)
}

// stamp is a point in time as the table shows it.
func (r *Records) stamp(t time.Time) string { return t.In(r.now.Location()).Format("2006-01-02 15:04") }

// footLines is how many lines are kept for what is said of the selected row.
const footLines = 3

// foot is what is to be said of the selected row: what happened, and what to do. It is as high for every row, so that
// the table stays where it is.
func (r *Records) foot(w int) []string {
	l := r.look
	row, ok := r.Selected()
	if !ok || r.h < 12 {
		return nil
	}
	what, style := runSentence(l, &row)
	label := l.Text("detail.next")
	next := nextOf(l, &row)
	if next != "" {
		next = label + " " + next
	}
	whats, nexts := split(l, what, next, w, footLines)
	lines := make([]string, 1+footLines)
	lines[0] = l.RuleLine("", r.w)
	for i, line := range whats {
		lines[1+i] = " " + style.Render(line)
	}
	for i, line := range labelledNext(l, label, nexts) {
		lines[1+len(whats)+i] = " " + line
	}
	return lines
}
