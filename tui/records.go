package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/tui/board"
	"provstation/tui/dialog"
	"provstation/tui/keymap"
	"provstation/tui/screen"
)

// records is the page of the runs on file, and what was asked of the office for it.
type records struct {
	page   *screen.Records
	filter ledger.Filter
	rows   []ledger.RunRow
	more   bool
	loaded bool
	id     int // of the last question; answers to older ones come too late
	cancel context.CancelFunc
}

const (
	recordsPage = 100
	// maxRecords bounds what is kept of the runs on file. Who wants to see more narrows the search, or exports.
	maxRecords = 5000
)

// runsListed is a page of the runs on file.
type runsListed struct {
	id    int
	after string
	rows  []ledger.RunRow
	err   error
}

// runFound is one run with everything that is on file of it.
type runFound struct {
	id     int
	detail ledger.RunDetail
	err    error
}

// exported says where the runs were written to.
type exported struct {
	path string
	err  error
}

// asking gives the context and the number of a question that takes the place of the last one.
func (r *records) asking(ctx context.Context) (context.Context, int) {
	if r.cancel != nil {
		r.cancel()
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.id++
	return ctx, r.id
}

// load asks for the runs from the newest on, or for those after the last one that is there.
func (m *Model) load(next bool) tea.Cmd {
	if m.cfg.Office == nil {
		return nil
	}
	r := &m.records
	f := r.filter
	f.Limit = recordsPage
	if next && len(r.rows) > 0 {
		f.After = r.rows[len(r.rows)-1].Run
	}
	r.page.SetFilter(r.filter)
	r.page.SetLoading(true)
	ctx, id := r.asking(m.ctx)
	office := m.cfg.Office
	return func() tea.Msg {
		rows, err := office.Runs(ctx, f)
		return runsListed{id, f.After, rows, err}
	}
}

func (m *Model) runsListed(msg runsListed) {
	r := &m.records
	if msg.id != r.id {
		return
	}
	if msg.err != nil {
		r.page.SetError(m.reason(msg.err))
		return
	}
	if msg.after == "" {
		r.rows = nil
	}
	r.rows = append(r.rows, msg.rows...)
	r.loaded, r.more = true, len(msg.rows) >= recordsPage && len(r.rows) < maxRecords
	total := -1
	if !r.more && len(r.rows) < maxRecords {
		total = len(r.rows)
	}
	r.page.SetRows(r.rows, r.more, total)
}

// openRecord asks for everything that is on file of the selected run.
func (m *Model) openRecord() tea.Cmd {
	row, ok := m.records.page.Selected()
	if !ok || m.cfg.Office == nil {
		return nil
	}
	m.records.page.SetLoading(true)
	ctx, id := m.records.asking(m.ctx)
	office := m.cfg.Office
	return func() tea.Msg {
		d, err := office.Run(ctx, row.Run)
		return runFound{id, d, err}
	}
}

func (m *Model) runFound(msg runFound) {
	switch {
	case msg.id != m.records.id:
	case msg.err != nil:
		m.records.page.SetError(m.reason(msg.err))
	case m.mode.back != keymap.Records:
		m.records.page.SetLoading(false)
	default:
		if next, _ := m.mode.next(cueRecord); next.screen == keymap.Record {
			m.mode = next
			m.records.page.SetDetail(msg.detail)
		}
	}
}

// search asks what to look for; a scan is an answer.
func (m *Model) search() tea.Cmd {
	m.begin()
	m.open(dialog.NewText(dialog.TextConfig{
		Title: m.text("dialog.search.title"), About: []string{m.text("dialog.search.about")}, Label: m.text("dialog.search.label"),
		Value: m.records.filter.Text, Scan: true, Empty: true,
	}), func(a dialog.Action) tea.Cmd {
		m.records.filter.Text = board.Clean(a.(dialog.Entered).Text, dialog.MaxText)
		m.closeDialog()
		return m.load(false)
	})
	return nil
}

// choice is one way to choose among the runs on file.
type choice struct {
	text  string
	apply func(*ledger.Filter)
}

// choices are the ways to choose among the runs on file.
func (m *Model) choices() []choice {
	today := time.Date(m.now.Year(), m.now.Month(), m.now.Day(), 0, 0, 0, 0, m.now.Location())
	cs := []choice{
		{m.text("filter.all"), func(f *ledger.Filter) { *f = ledger.Filter{Text: f.Text} }},
		{m.text("filter.today"), func(f *ledger.Filter) { f.Since = today }},
		{m.text("filter.bad"), func(f *ledger.Filter) { f.Outcomes, f.Open, f.Held = bad(), false, false }},
		{m.text("filter.open"), func(f *ledger.Filter) { f.Outcomes, f.Open, f.Held = nil, true, false }},
		{m.text("filter.held"), func(f *ledger.Filter) { f.Outcomes, f.Open, f.Held = nil, false, true }},
	}
	if name := m.board.Batch.Batch; name != "" {
		cs = append(cs, choice{m.text("filter.batch", "batch", name), func(f *ledger.Filter) { f.Batch = name }})
	}
	if s := m.bench.Selected(); s != nil {
		cs = append(cs, choice{m.text("filter.slot", "slot", s.Name), func(f *ledger.Filter) { f.Slot = s.Name }})
	}
	if name := m.board.Operator.Operator; name != "" {
		cs = append(cs, choice{m.text("filter.operator", "name", name), func(f *ledger.Filter) { f.Operator = name }})
	}
	for _, o := range station.Outcomes() {
		cs = append(cs, choice{m.text("outcome." + string(o)), func(f *ledger.Filter) { f.Outcomes, f.Open, f.Held = []station.Outcome{o}, false, false }})
	}
	return cs
}

// bad are the outcomes that are no success.
func bad() []station.Outcome {
	var out []station.Outcome
	for _, o := range station.Outcomes() {
		if !o.Good() && o != station.Collected {
			out = append(out, o)
		}
	}
	return out
}

func (m *Model) chooseFilter() tea.Cmd {
	m.begin()
	cs := m.choices()
	items := make([]string, len(cs))
	for i := range cs {
		items[i] = cs[i].text
	}
	m.open(dialog.NewChoice(m.text("dialog.filter.title"), []string{m.text("dialog.filter.about")}, items, 0), func(a dialog.Action) tea.Cmd {
		cs[a.(dialog.Chosen).Index].apply(&m.records.filter)
		m.closeDialog()
		return m.load(false)
	})
	return nil
}

// formats that runs are written in.
func formats() []string { return []string{"csv", "json", "ndjson"} }

func (m *Model) export() tea.Cmd {
	m.begin()
	title := m.text("dialog.export.title")
	items := make([]string, 0, len(formats()))
	for _, f := range formats() {
		items = append(items, m.text("export."+f))
	}
	m.open(dialog.NewChoice(title, []string{m.text("dialog.export.about")}, items, 0), func(a dialog.Action) tea.Cmd {
		format, filter := formats()[a.(dialog.Chosen).Index], m.records.filter
		ctx, office := m.ctx, m.cfg.Office
		m.closeDialog()
		m.say(m.text("status.exporting"), false)
		return func() tea.Msg {
			path, err := office.Export(ctx, filter, format)
			return exported{path, err}
		}
	})
	return nil
}

func (m *Model) exported(msg exported) tea.Cmd {
	if msg.err != nil {
		m.say(m.text("status.failed", "what", m.text("key.export"), "reason", m.reason(msg.err)), true)
		return m.ring()
	}
	m.say(m.text("status.exported", "path", msg.path), false)
	return nil
}

// recordKey does a key of the records' own; nil when it has nothing to send.
func (m *Model) recordKey(name keymap.Name) tea.Cmd {
	switch name {
	case keymap.Open:
		return m.openRecord()
	case keymap.Search:
		return m.search()
	case keymap.Filter:
		return m.chooseFilter()
	case keymap.Export:
		return m.export()
	default:
		return m.load(false)
	}
}

// moreRecords loads the next page when the selection comes near the end.
func (m *Model) moreRecords() tea.Cmd {
	if m.mode.screen == keymap.Records && m.records.page.AtEnd() {
		return m.load(true)
	}
	return nil
}
