package tui

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"provstation/station/batch"
	"provstation/tui/board"
	"provstation/tui/dialog"
	"provstation/tui/screen"
)

// maxListed bounds the lists that dialogs show.
const maxListed = 500

// openBatch asks for a list of devices, shows everything that is wrong with it, and opens the batch.
func (m *Model) openBatch() tea.Cmd {
	m.begin()
	title := m.text("dialog.batch.title")
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) ([]string, error) { return o.Manifests(ctx) }, func(paths []string, err error) tea.Cmd {
		if err != nil {
			return m.fail(title, err)
		}
		paths = paths[:min(len(paths), maxListed)]
		if len(paths) == 0 {
			m.askPath("")
			return nil
		}
		items := make([]string, 0, len(paths)+1)
		for _, p := range paths {
			items = append(items, board.Clean(filepath.Base(p)+"  "+filepath.Dir(p), maxReason))
		}
		items = append(items, m.text("dialog.batch.other"))
		m.open(dialog.NewChoice(title, []string{m.text("dialog.batch.choose")}, items, 0), func(a dialog.Action) tea.Cmd {
			i := a.(dialog.Chosen).Index
			if i >= len(paths) {
				m.askPath("")
				return nil
			}
			return m.checkManifest(paths[i])
		})
		return nil
	})
}

func (m *Model) askPath(value string) {
	m.open(dialog.NewText(dialog.TextConfig{
		Title: m.text("dialog.batch.title"), About: []string{m.text("dialog.batch.path")}, Label: m.text("dialog.batch.label"),
		Value: value, Min: 1, Short: m.text("dialog.batch.short"),
	}), func(a dialog.Action) tea.Cmd { return m.checkManifest(a.(dialog.Entered).Text) })
}

// checkManifest reads a list; nothing is opened before a person has seen what is in it.
func (m *Model) checkManifest(path string) tea.Cmd {
	title := m.text("dialog.batch.title")
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) (batch.Manifest, error) { return o.CheckManifest(ctx, path) }, func(list batch.Manifest, err error) tea.Cmd {
		var bad *batch.ManifestError
		switch {
		case errors.As(err, &bad):
			m.open(dialog.NewInfo(dialog.InfoConfig{
				Title: title, Tone: dialog.Grave,
				About: m.manifestFaults(path, bad),
			}), func(dialog.Action) tea.Cmd { return nil })
			return m.ring()
		case err != nil:
			return m.fail(title, err)
		}
		m.open(dialog.NewInfo(dialog.InfoConfig{
			Title: title, Accept: true,
			About: []string{
				m.text("dialog.batch.good", "batch", clean(list.Name), "n", strconv.Itoa(len(list.Devices))),
				m.text("dialog.batch.confirm"),
			},
			Lines: manifestLines(list),
		}), func(dialog.Action) tea.Cmd { return m.reallyOpen(list) })
		return nil
	})
}

func (m *Model) reallyOpen(list batch.Manifest) tea.Cmd {
	title := m.text("dialog.batch.title")
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) (struct{}, error) { return struct{}{}, o.OpenBatch(ctx, list) }, func(_ struct{}, err error) tea.Cmd {
		if err != nil {
			return m.fail(title, err)
		}
		m.closeDialog()
		m.say(m.text("status.openbatch", "batch", list.Name, "n", strconv.Itoa(len(list.Devices))), false)
		return nil
	})
}

// manifestFaults is everything that is wrong with a list, a paragraph each.
func (m *Model) manifestFaults(path string, bad *batch.ManifestError) []string {
	about := []string{m.text("dialog.batch.bad", "path", clean(filepath.Base(path)), "n", strconv.Itoa(len(bad.Faults))), ""}
	for _, f := range bad.Faults[:min(len(bad.Faults), maxListed)] {
		where := ""
		switch {
		case f.Line > 0 && f.Column != "":
			where = m.text("dialog.batch.cell", "line", strconv.Itoa(f.Line), "column", f.Column)
		case f.Line > 0:
			where = m.text("dialog.batch.line", "line", strconv.Itoa(f.Line))
		}
		text := f.Problem
		if f.Next != "" {
			text += " " + f.Next
		}
		about = append(about, clean(where+" "+text))
	}
	return about
}

// manifestLines is the beginning of a list as the screen shows it.
func manifestLines(list batch.Manifest) []string {
	lines := make([]string, 0, min(len(list.Devices), maxListed))
	for _, d := range list.Devices[:min(len(list.Devices), maxListed)] {
		lines = append(lines, board.Clean(d.HardwareSerial+"  "+d.DeviceID+"  "+d.Label, maxReason))
	}
	return lines
}

// closeBatch ends the batch: why, where devices are missing, and its name typed.
func (m *Model) closeBatch() tea.Cmd {
	m.begin()
	s := m.board.Progress.Snapshot(m.now)
	name := m.board.Batch.Batch
	title := m.text("dialog.close.title", "batch", name)
	confirm := func(reason string) {
		about := m.text("dialog.close.all", "n", strconv.Itoa(s.Done))
		if s.Missing > 0 {
			about = m.text("dialog.close.missing", "n", strconv.Itoa(s.Missing))
		}
		m.open(m.confirm(title, []string{about}, name), func(dialog.Action) tea.Cmd { return m.reallyClose(title, reason) })
	}
	if s.Missing == 0 {
		confirm("")
		return nil
	}
	m.open(dialog.NewText(dialog.TextConfig{
		Title: title, About: []string{m.text("dialog.close.missing", "n", strconv.Itoa(s.Missing)), m.text("dialog.close.why")}, Tone: dialog.Grave,
		Label: m.text("dialog.reason.label"), Min: minReason, Short: m.text("dialog.reason.short"),
	}), func(a dialog.Action) tea.Cmd {
		confirm(a.(dialog.Entered).Text)
		return nil
	})
	return nil
}

func (m *Model) reallyClose(title, reason string) tea.Cmd {
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) (string, error) { return o.CloseBatch(ctx, reason) }, func(path string, err error) tea.Cmd {
		if err != nil {
			return m.fail(title, err)
		}
		m.closeDialog()
		m.say(m.text("status.closebatch", "path", path), false)
		return nil
	})
}

// label shows the label of a run and prints it; a second print needs a reason.
func (m *Model) label(run string) tea.Cmd {
	m.begin()
	title := m.text("dialog.label.title")
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) (screen.LabelPreview, error) { return o.PreviewLabel(ctx, run) }, func(p screen.LabelPreview, err error) tea.Cmd {
		if err != nil {
			return m.fail(title, err)
		}
		about := []string{m.text("dialog.label.printer", "printer", clean(p.Printer))}
		if p.Printer == "" {
			about = []string{m.text("dialog.label.none")}
		}
		if p.Copies > 0 {
			about = append(about, m.text("dialog.label.copies", "n", strconv.Itoa(p.Copies)))
		}
		lines := make([]string, 0, min(len(p.Lines), maxListed))
		for _, s := range p.Lines[:min(len(p.Lines), maxListed)] {
			lines = append(lines, board.CleanLines(s, maxReason))
		}
		m.open(dialog.NewInfo(dialog.InfoConfig{Title: title, About: about, Lines: lines, Accept: p.Printer != "", Paper: true}), func(dialog.Action) tea.Cmd {
			if p.Copies == 0 {
				return m.print(title, run, "")
			}
			m.open(dialog.NewText(dialog.TextConfig{
				Title: title, About: []string{m.text("dialog.label.copies", "n", strconv.Itoa(p.Copies)), m.text("dialog.label.why")},
				Label: m.text("dialog.reason.label"), Min: minReason, Short: m.text("dialog.reason.short"),
			}), func(a dialog.Action) tea.Cmd { return m.print(title, run, a.(dialog.Entered).Text) })
			return nil
		})
		return nil
	})
}

func (m *Model) print(title, run, reason string) tea.Cmd {
	m.wait(title)
	return fetch(m, func(ctx context.Context, o Office) (struct{}, error) {
		return struct{}{}, o.PrintLabel(ctx, run, reason)
	}, func(_ struct{}, err error) tea.Cmd {
		if err != nil {
			return m.fail(title, err)
		}
		m.closeDialog()
		m.say(m.text("status.printed"), false)
		return nil
	})
}

// labelWhy is why no label can be had for the selected slot, as a key of the catalogue.
func (m *Model) labelWhy() string {
	s := m.bench.Selected()
	switch {
	case m.cfg.Office == nil:
		return "why.nodesk"
	case s == nil:
		return "why.noslot"
	case s.State != board.Ended || s.Run == "" || s.DeviceID == "" || !s.End.Outcome.Good():
		return "why.nolabel"
	default:
		return ""
	}
}

// attention selects the next slot that needs a person.
func (m *Model) attention() {
	if !m.bench.NextAttention() {
		m.say(m.text("status.attention"), false)
	}
}
