package tui

import (
	tea "charm.land/bubbletea/v2"

	"provstation/tui/board"
	"provstation/tui/keymap"
)

// keys gives the keys of the present screen, each with the reason if it does nothing now.
func (m *Model) keys(s keymap.Screen) keymap.Map {
	return keymap.For(s, m.situation(), m.look.Signs.UpDown, m.text)
}

func (m *Model) situation() keymap.Situation {
	s := m.bench.Selected()
	if s == nil {
		return keymap.Situation{RetryWhy: "why.noslot", AbortWhy: "why.noslot"}
	}
	now := keymap.Situation{Slots: true}
	switch {
	case m.closed:
		now.RetryWhy = "why.stopped"
	case m.asked[s.Name]:
		now.RetryWhy = "why.asked"
	case s.State == board.Running:
		now.RetryWhy = "why.running"
	case s.State != board.Ended:
		now.RetryWhy = "why.nothing"
	case !s.Plugged():
		now.RetryWhy = "why.gone"
	}
	switch {
	case m.closed:
		now.AbortWhy = "why.stopped"
	case m.asked[s.Name]:
		now.AbortWhy = "why.asked"
	case s.State != board.Running:
		now.AbortWhy = "why.notrunning"
	}
	return now
}

// press does what a key means now, or says why it means nothing.
func (m *Model) press(msg tea.KeyPressMsg) tea.Cmd {
	k, ok := m.keys(m.mode.screen).Find(msg)
	if !ok {
		return nil
	}
	if m.tooSmall() && k.Name != keymap.Quit && k.Name != keymap.Interrupt && m.mode.screen != keymap.Question {
		return nil // Nobody acts on a slot that is not in sight.
	}
	if k.Why != "" {
		m.say(m.text("why.sentence", "key", k.Binding.Help().Key, "why", m.text(k.Why)), true)
		return nil
	}
	m.notice = notice{}
	if m.move(k.Name) {
		return nil
	}
	if k.Name == keymap.Retry {
		return m.intend(keymap.Retry, m.bench.Selected().Name)
	}
	return m.cue(k.Name)
}

// move does the keys that only move something; false if the key is another.
func (m *Model) move(name keymap.Name) bool {
	lines := m.bench.Scroll
	switch m.mode.screen {
	case keymap.HelpPage:
		lines = m.help.Scroll
	case keymap.Bench:
		lines = m.bench.Move
	}
	const far = 1 << 20
	switch name {
	case keymap.Up:
		lines(-1)
	case keymap.Down:
		lines(1)
	case keymap.PageUp:
		lines(-m.bench.Page())
	case keymap.PageDown:
		lines(m.bench.Page())
	case keymap.Home:
		lines(-far)
	case keymap.End:
		lines(far)
	case keymap.Next:
		m.bench.Move(1)
	case keymap.Previous:
		m.bench.Move(-1)
	default:
		return false
	}
	return true
}

// cue turns a key into a change of mode.
func (m *Model) cue(name keymap.Name) tea.Cmd {
	busy := m.board.Running > 0 && !m.closed
	before := m.mode.screen
	var c cue
	switch name {
	case keymap.Detail:
		c = cueDetail
	case keymap.Back, keymap.No:
		c = cueBack
	case keymap.Help:
		c = cueHelp
	case keymap.Abort:
		c = cueAbort
		m.abort = m.bench.Selected().Name
	case keymap.Yes:
		c = cueYes
	case keymap.Quit:
		c = cueQuitIdle
		if busy {
			c = cueQuit
		}
	case keymap.Interrupt:
		c = cueInterruptIdle
		if busy {
			c = cueInterrupt
		}
	default:
		return nil
	}
	var a act
	m.mode, a = m.mode.next(c)
	if m.mode.screen == keymap.HelpPage && before != keymap.HelpPage {
		m.help.Open(m.keys(before), m.board.Station)
	}
	if open := m.mode.screen == keymap.Details; open != m.bench.Expanded() && (open || m.mode.screen == keymap.Bench) {
		m.bench.Expand(open)
	}
	return m.do(a)
}
