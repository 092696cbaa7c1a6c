package tui

import (
	"cmp"
	"strconv"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/dialog"
	"provstation/tui/keymap"
)

// finished is the device that a dialog about its certificate was opened for.
type finished struct{ slot, run, device string }

// certificate asks what the finished device in the slot is to get. What makes no sense for it is shown, and why not.
func (m *Model) certificate(s *board.Slot) {
	m.begin()
	f := finished{s.Name, s.Run, cmp.Or(s.DeviceID, s.HardwareSerial, m.text("ask.unknown"))}
	title := m.text("dialog.certificate.title", "slot", f.slot)
	var pairs []string
	if at := s.NotAfter(); !at.IsZero() {
		pairs = []string{"until", m.look.Day(at), "left", m.look.Left(at, m.now)}
	}
	about := []string{m.text("dialog.certificate.about", append(pairs, "device", f.device)...)}
	ways, first := m.ways(s)
	m.open(dialog.NewOptions(title, about, ways, first), func(a dialog.Action) tea.Cmd {
		t := station.Tasks()[a.(dialog.Chosen).Index]
		if t == station.TaskReenroll {
			m.enrollAnew(f)
			return nil
		}
		return m.askTask(f, t)
	})
}

// ways are the tasks, in the order of [station.Tasks], and the first of them that makes sense for the slot's device.
func (m *Model) ways(s *board.Slot) (ways []dialog.Option, first int) {
	tasks := station.Tasks()
	first = len(tasks)
	for i, t := range tasks {
		o := dialog.Option{Text: m.text("way." + string(t)), About: m.text("way." + string(t) + ".about")}
		if t != station.TaskReenroll && s.Expired(m.now) {
			o.Why = m.text("way.over")
		} else {
			first = min(first, i)
		}
		ways = append(ways, o)
	}
	return ways, first
}

// enrollAnew says what that does, and has the slot's name typed: it takes the device's present certificate away.
func (m *Model) enrollAnew(f finished) {
	title := m.text("dialog.anew.title", "slot", f.slot)
	m.open(m.confirm(title, []string{m.text("dialog.anew.about", "device", f.device)}, f.slot), func(dialog.Action) tea.Cmd {
		return m.askTask(f, station.TaskReenroll)
	})
}

// askTask asks it of the device that the dialog was about, and of no other that was plugged in meanwhile.
func (m *Model) askTask(f finished, t station.Task) tea.Cmd {
	if s := m.board.Slot(f.slot); s == nil || s.Run != f.run || !s.Askable() {
		cmd := m.closeDialog()
		m.say(m.text("status.certificate.changed", "slot", f.slot), true)
		return tea.Batch(cmd, m.ring())
	}
	told := keymap.Name("certificate." + string(t))
	if m.halted() {
		told = "certificate.halted" // it starts with the batch
	}
	desk, id := m.cfg.Desk, m.talk.id
	m.talk.busy = true
	return func() tea.Msg {
		err := desk.Ask(f.slot, t)
		if err != nil {
			told = keymap.Certificate
		}
		return deskAnswered{id, told, []string{"slot", f.slot}, err}
	}
}

// renewAll asks before it has every finished device renewed, and says of how many.
func (m *Model) renewAll() {
	m.begin()
	n, over := m.renewable()
	about := []string{m.text("dialog.renewall.count", "n", strconv.Itoa(n)), m.text("dialog.renewall.about")}
	if over > 0 {
		about = append(about, m.text("dialog.renewall.over", "n", strconv.Itoa(over)))
	}
	m.open(dialog.NewInfo(dialog.InfoConfig{
		Title: m.text("dialog.renewall.title"), Accept: true, About: append(about, "", m.text("dialog.renewall.confirm")),
	}), func(dialog.Action) tea.Cmd { return m.reallyRenewAll() })
}

func (m *Model) reallyRenewAll() tea.Cmd {
	told := keymap.RenewAll
	if m.halted() {
		told = "renewall.halted"
	}
	desk, id := m.cfg.Desk, m.talk.id
	m.talk.busy = true
	return func() tea.Msg {
		n, err := desk.AskAll(station.TaskRenew)
		if err != nil {
			told = keymap.RenewAll
		}
		return deskAnswered{id, told, []string{"n", strconv.Itoa(n)}, err}
	}
}

// renewable counts the devices that are renewed when all are, and those that are finished and cannot be: theirs have ended.
func (m *Model) renewable() (n, over int) {
	for _, s := range m.board.Slots() {
		switch {
		case s.Renewable():
			n++
		case s.Askable() && s.End.Code == station.CodeCertExpired:
			over++
		}
	}
	return n, over
}
