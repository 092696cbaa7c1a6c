package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/tui/dialog"
	"provstation/tui/keymap"
)

// resolve decides about a run on file that was held: what, why, and the device typed.
func (m *Model) resolve() tea.Cmd {
	row, ok := m.records.page.Current()
	if !ok {
		return nil
	}
	m.begin()
	title := m.text("dialog.resolve.title")
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) (ledger.RunDetail, error) { return o.Run(ctx, row.Run) }, func(d ledger.RunDetail, err error) tea.Cmd {
		switch {
		case err != nil:
			return m.fail(title, err)
		case !d.Held.Open || len(d.Held.Choices) == 0:
			return m.fail(title, &station.Fault{Code: station.CodeResolveNot, Params: m.settledBy(d.Held)})
		}
		m.chooseDecision(title, d)
		return nil
	})
}

// settledBy is what is known of who decided before.
func (m *Model) settledBy(h ledger.Held) map[string]string {
	if h.Resolution == nil {
		return nil
	}
	return map[string]string{"detail": m.text("decision."+string(h.Resolution.Decision)) + ", " + clean(h.Resolution.By)}
}

func (m *Model) chooseDecision(title string, d ledger.RunDetail) {
	items := make([]string, len(d.Held.Choices))
	for i, c := range d.Held.Choices {
		items[i] = m.text("decision." + string(c))
	}
	about := []string{m.words("fault."+string(d.Code), d.Params), "", m.text("dialog.resolve.about")}
	m.open(dialog.NewChoice(title, about, items, len(items)-1), func(a dialog.Action) tea.Cmd {
		m.askWhy(title, d, d.Held.Choices[a.(dialog.Chosen).Index])
		return nil
	})
}

// minDecision is the least that the reason of a decision must say, in characters.
const minDecision = 4

func (m *Model) askWhy(title string, d ledger.RunDetail, what station.Decision) {
	m.open(dialog.NewText(dialog.TextConfig{
		Title: title, About: []string{m.text("decision." + string(what)), m.text("dialog.resolve.why")}, Tone: dialog.Grave,
		Label: m.text("dialog.reason.label"), Min: minDecision, Short: m.text("dialog.reason.short"),
	}), func(a dialog.Action) tea.Cmd {
		reason, word := a.(dialog.Entered).Text, clean(d.DeviceID)
		if word == "" {
			word = clean(d.HardwareSerial)
		}
		m.open(m.confirm(title, []string{m.text("decision." + string(what))}, strings.TrimSpace(word)), func(dialog.Action) tea.Cmd {
			return m.reallyResolve(title, d.Run, what, reason)
		})
		return nil
	})
}

func (m *Model) reallyResolve(title, run string, what station.Decision, reason string) tea.Cmd {
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) (ledger.RunDetail, error) {
		if err := o.Resolve(ctx, run, what, reason); err != nil {
			return ledger.RunDetail{}, err
		}
		return o.Run(ctx, run)
	}, func(d ledger.RunDetail, err error) tea.Cmd {
		if err != nil {
			return m.fail(title, err)
		}
		m.closeDialog()
		m.say(m.text("status.resolve"), false)
		if open, ok := m.records.page.Opened(); ok && open == run {
			m.records.page.SetDetail(d)
		}
		if m.mode.screen == keymap.Records {
			return m.load(false)
		}
		m.records.loaded = false
		return nil
	})
}

// resolveWhy is why there is nothing to decide about the record in sight, as a key of the catalogue.
func (m *Model) resolveWhy() string {
	row, ok := m.records.page.Current()
	switch {
	case !ok:
		return "why.norecord"
	case row.Outcome != station.Uncertain:
		return "why.notuncertain"
	case m.board.Operator.Operator == "":
		return "why.nooperator"
	default:
		return ""
	}
}
