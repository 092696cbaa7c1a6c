package tui

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"provstation/tui/board"
	"provstation/tui/keymap"
	"provstation/tui/screen"
	"provstation/tui/widget"
)

// The smallest window the screen is usable in.
const (
	minWidth  = 80
	minHeight = 24
)

// footerHeight is the status line and the line of keys.
const footerHeight = 2

func (m *Model) tooSmall() bool { return m.w < minWidth || m.h < minHeight }

// View draws the whole screen.
func (m *Model) View() tea.View {
	defer m.fell()
	content := ""
	switch {
	case m.w <= 0 || m.h <= 0: // The size is not known yet.
	case m.tooSmall():
		content = m.small()
	default:
		content = m.full()
	}
	if m.look.Signs.ASCII {
		content = widget.ASCIIOnly(content)
	}
	v := tea.NewView(content)
	v.AltScreen = true
	v.WindowTitle = m.cfg.Title
	if m.progress.State != tea.ProgressBarNone {
		p := m.progress
		v.ProgressBar = &p
	}
	return v
}

func (m *Model) full() string {
	body := m.page()
	if m.mode.screen.IsDialog() {
		body = m.cover(body, m.talk.dialog.View(m.w, m.bodyHeight()))
	}
	return screen.Header(m.look, m.board, m.cfg.Title, m.now, m.w) + "\n" + body + "\n" + m.footer()
}

// page draws the page that is shown, or covered.
func (m *Model) page() string {
	if m.mode.screen == keymap.HelpPage {
		return m.help.View()
	}
	switch m.mode.back {
	case keymap.Batch:
		return m.batch.View()
	case keymap.Records, keymap.Record:
		return m.records.page.View()
	case keymap.Doctor:
		return m.doctor.page.View()
	default:
		return m.bench.View()
	}
}

// margin is how much of a page must be left on either side of a dialog to be worth showing.
const margin = 12

// cover lays a box over the middle of a page.
func (m *Model) cover(page string, box []string) string {
	lines := strings.Split(page, "\n")
	if len(box) == 0 {
		return page
	}
	w := ansi.StringWidth(box[0])
	x, y := max(0, (m.w-w)/2), max(0, (len(lines)-len(box))/2)
	alone := x < margin // Slivers of a page beside a dialog only confuse.
	for i, row := range box {
		if y+i >= len(lines) {
			break
		}
		if alone {
			lines[y+i] = m.look.Fit(strings.Repeat(" ", x)+row, m.w)
			continue
		}
		under := lines[y+i]
		right := ansi.TruncateLeft(under, x+w, "")
		gap := strings.Repeat(" ", max(0, m.w-x-w-ansi.StringWidth(right))) // A wide character may stand on the edge.
		lines[y+i] = m.look.Fit(ansi.Truncate(under, x, ""), x) + row + gap + right
	}
	return strings.Join(lines, "\n")
}

// footer is the status line and the keys, or a question in their place.
func (m *Model) footer() string {
	l := m.look
	switch m.mode.screen {
	case keymap.Question:
		return l.Styles.WarnBar.Render(l.Fit(" "+m.question(), m.w)) + "\n" + l.Fit(m.keyLine(m.keys(keymap.Question)), m.w)
	case keymap.Ending:
		more := ""
		if m.board.Running > 0 {
			more = m.text("quitting.more", "n", strconv.Itoa(m.board.Running))
		}
		return l.Styles.BusyBar.Render(l.Fit(" "+m.text("quitting.title"), m.w)) + "\n" + l.Fit(" "+l.Styles.Text.Render(more), m.w)
	}
	if lines := l.WrapCut(m.notice.text, m.w-2, 2); m.notice.bad && len(lines) > 1 { // What to do next comes last: it must be read.
		return l.Fit(" "+l.Styles.Bad.Render(lines[0]), m.w) + "\n" + l.Fit(" "+l.Styles.Bad.Render(lines[1]), m.w)
	}
	keys := ""
	if !m.mode.screen.IsDialog() { // A dialog shows its own keys.
		keys = m.keyLine(m.keys(m.mode.screen))
	}
	return l.Fit(" "+m.status(), m.w) + "\n" + l.Fit(keys, m.w)
}

func (m *Model) question() string {
	if m.mode.ask == askQuit {
		return m.text("ask.quit", "n", strconv.Itoa(m.board.Running))
	}
	device := m.text("ask.unknown")
	if s := m.board.Slot(m.abort); s != nil && s.DeviceID != "" {
		device = s.DeviceID
	}
	return m.text("ask.abort", "slot", m.abort, "device", device)
}

// status is the one line that tells what just happened, or else what waits for somebody.
func (m *Model) status() string {
	l := m.look
	switch {
	case m.notice.text != "" && m.notice.bad:
		return l.Styles.Bad.Render(m.notice.text)
	case m.notice.text != "":
		return l.Styles.Text.Render(m.notice.text)
	case m.closed || m.board.Done:
		return l.Styles.Warn.Render(m.text("status.closed"))
	case m.board.Operator.Required && m.board.Operator.Operator == "":
		return l.Styles.Warn.Render(m.text("status.nooperator"))
	case m.board.Missed > 0:
		return l.Styles.Warn.Render(m.text("status.missed", "n", strconv.FormatUint(m.board.Missed, 10)))
	case m.board.Overflow > 0:
		return l.Styles.Warn.Render(m.text("status.overflow", "n", strconv.Itoa(m.board.Overflow)))
	}
	if s := m.unlabelled(); s != nil {
		return l.Styles.Warn.Render(m.text("status.wantsscan", "slot", s.Name, "hardware", s.HardwareSerial))
	}
	return ""
}

// unlabelled is the slot that waits for the label of its device: the selected one, else the first; nil: none.
func (m *Model) unlabelled() *board.Slot {
	if s := m.bench.Selected(); s != nil && s.WantsScan {
		return s
	}
	for _, s := range m.board.Slots() {
		if s.WantsScan {
			return s
		}
	}
	return nil
}

// keyLine is the most used keys; one that does nothing now is dim, and in brackets where there is no dim. Where the
// window is too narrow for all, those that do nothing now are left out first, and then those before help and quit.
func (m *Model) keyLine(keys keymap.Map) string {
	l := m.look
	var parts []string
	var off []bool
	line := slices.Clone(keys)
	slices.SortStableFunc(line, func(a, b keymap.Key) int { return rank(a) - rank(b) })
	for _, k := range line {
		if !k.Short {
			continue
		}
		h := k.Binding.Help()
		off = append(off, k.Why != "")
		switch {
		case k.Why == "":
			parts = append(parts, l.Styles.Key.Render(h.Key)+" "+l.Styles.Muted.Render(h.Desc))
		case l.Styles.Mono:
			parts = append(parts, "("+h.Key+" "+h.Desc+")")
		default:
			parts = append(parts, l.Styles.KeyOff.Render(h.Key+" "+h.Desc))
		}
	}
	dot := l.Styles.Rule.Render(" " + l.Signs.Dot + " ")
	text := " " + strings.Join(parts, dot)
	for len(parts) > 2 && ansi.StringWidth(text) > m.w {
		drop := len(parts) - 3
		for i, idle := range off {
			if idle {
				drop = i
			}
		}
		parts, off = slices.Delete(parts, drop, drop+1), slices.Delete(off, drop, drop+1)
		text = " " + strings.Join(parts, dot)
	}
	return text
}

// unasked is beyond every [keymap.Key.Urgent].
const unasked = 1 << 10

// rank is a key's place in the line: how to move, what is asked for now, the rest.
func rank(k keymap.Key) int {
	switch {
	case k.Name == "select":
		return 0
	case k.Urgent > 0:
		return k.Urgent
	default:
		return unasked
	}
}

// small is what a window too small shows: what is wrong, and how it stands.
func (m *Model) small() string {
	l := m.look
	have, want := strconv.Itoa(m.w)+"x"+strconv.Itoa(m.h), strconv.Itoa(minWidth)+"x"+strconv.Itoa(minHeight)
	lines := append(widget.Wrap(m.text("small.title"), m.w), widget.Wrap(m.text("small.size", "have", have, "want", want), m.w)...)
	for i := range lines {
		lines[i] = l.Styles.Strong.Render(lines[i])
	}
	switch {
	case m.mode.screen == keymap.Question:
		lines = append(lines, widget.Wrap(board.Clean(m.question(), 256), m.w)...)
		lines = append(lines, m.keyLine(m.keys(keymap.Question)))
	case m.mode.screen == keymap.Ending:
		lines = append(lines, widget.Wrap(m.text("quitting.title"), m.w)...)
	case m.mode.screen.IsDialog():
		lines = append(lines, widget.Wrap(m.text("small.dialog"), m.w)...)
	default:
		lines = append(lines, "", screen.Counts(l, m.board, m.w))
	}
	return strings.Join(l.Block(lines, m.w, m.h), "\n")
}
