package tui

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

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
	return v
}

func (m *Model) full() string {
	view := m.bench.View
	if m.mode.screen == keymap.HelpPage {
		view = m.help.View
	}
	return screen.Header(m.look, m.board, m.cfg.Title, m.now, m.w) + "\n" + view() + "\n" + m.footer()
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
	return l.Fit(" "+m.status(), m.w) + "\n" + l.Fit(m.keyLine(m.keys(m.mode.screen)), m.w)
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

func (m *Model) status() string {
	l := m.look
	switch {
	case m.notice.text != "" && m.notice.bad:
		return l.Styles.Warn.Render(m.notice.text)
	case m.notice.text != "":
		return l.Styles.Text.Render(m.notice.text)
	case m.closed || m.board.Done:
		return l.Styles.Warn.Render(m.text("status.closed"))
	case m.board.Missed > 0:
		return l.Styles.Warn.Render(m.text("status.missed", "n", strconv.FormatUint(m.board.Missed, 10)))
	case m.board.Overflow > 0:
		return l.Styles.Warn.Render(m.text("status.overflow", "n", strconv.Itoa(m.board.Overflow)))
	default:
		return ""
	}
}

// keyLine is the most used keys; one that does nothing now is dim, and in brackets where there is no dim.
func (m *Model) keyLine(keys keymap.Map) string {
	l := m.look
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		if !k.Short {
			continue
		}
		h := k.Binding.Help()
		switch {
		case k.Why == "":
			parts = append(parts, l.Styles.Key.Render(h.Key)+" "+l.Styles.Muted.Render(h.Desc))
		case l.Styles.Mono:
			parts = append(parts, "("+h.Key+" "+h.Desc+")")
		default:
			parts = append(parts, l.Styles.KeyOff.Render(h.Key+" "+h.Desc))
		}
	}
	return " " + strings.Join(parts, l.Styles.Rule.Render(" "+l.Signs.Dot+" "))
}

// small is what a window too small shows: what is wrong, and how it stands.
func (m *Model) small() string {
	l := m.look
	have, want := strconv.Itoa(m.w)+"x"+strconv.Itoa(m.h), strconv.Itoa(minWidth)+"x"+strconv.Itoa(minHeight)
	lines := append(widget.Wrap(m.text("small.title"), m.w), widget.Wrap(m.text("small.size", "have", have, "want", want), m.w)...)
	for i := range lines {
		lines[i] = l.Styles.Strong.Render(lines[i])
	}
	switch m.mode.screen {
	case keymap.Question:
		lines = append(lines, widget.Wrap(board.Clean(m.question(), 256), m.w)...)
		lines = append(lines, m.keyLine(m.keys(keymap.Question)))
	case keymap.Ending:
		lines = append(lines, widget.Wrap(m.text("quitting.title"), m.w)...)
	default:
		lines = append(lines, "", screen.Counts(l, m.board, m.w))
	}
	return strings.Join(l.Block(lines, m.w, m.h), "\n")
}
