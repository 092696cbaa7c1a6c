package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/keymap"
	"provstation/tui/screen"
)

// eventsArrived is what one wait brought.
type eventsArrived struct {
	events []station.Event
	closed bool
}

const (
	maxBatch = 256
	// frame is the shortest time between two batches of events, and between two drawings: what a terminal draws faster
	// than that hardly anybody sees, and the screen stays free for keys. The renderer wakes up for each frame whether
	// anything has changed or not: sixty a second cost an idle station a hundredth of a core. A key that the scanner has
	// held back for 25 ms and that just missed a frame is seen within a tenth of a second. What is drawn first does not
	// wait for one, see drawFirst.
	frame = time.Second / fps
	fps   = 15
	// firstPause is between two batches of events in the first second, in which all ports are told of: a person waits for them.
	firstPause = 5 * time.Millisecond
	// collect bounds the time that events wait for their frame, whatever the clock says.
	collect = 2 * frame
)

// waitForEvents waits for the next event and takes along what else is there, so that a burst costs one drawing. Events
// that come before notBefore wait for it.
func waitForEvents(events <-chan station.Event, notBefore time.Time) tea.Cmd {
	return func() tea.Msg {
		e, ok := <-events
		if !ok {
			return eventsArrived{closed: true}
		}
		batch := []station.Event{e}
		var due <-chan time.Time
		if wait := min(time.Until(notBefore), collect); wait > 0 {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			due = timer.C
		}
		for len(batch) < maxBatch {
			if due == nil {
				select {
				case e, ok := <-events:
					if !ok {
						return eventsArrived{events: batch, closed: true}
					}
					batch = append(batch, e)
				default:
					return eventsArrived{events: batch}
				}
				continue
			}
			select {
			case e, ok := <-events:
				if !ok {
					return eventsArrived{events: batch, closed: true}
				}
				batch = append(batch, e)
			case <-due:
				due = nil
			}
		}
		return eventsArrived{events: batch}
	}
}

// events applies what arrived and waits for more.
func (m *Model) events(msg eventsArrived) tea.Cmd {
	var cmds []tea.Cmd
	for _, e := range msg.events {
		if m.look.Signs.ASCII {
			e = spelled(e)
		}
		m.board.Apply(e)
		cmds = append(cmds, m.noticed(e))
	}
	m.resize(m.w, m.h) // The header is higher while a batch is open.
	m.setNow(m.cfg.Now())
	if screen.HeaderLines(m.board) != m.header {
		m.resize(m.w, m.h)
	}
	if m.mode.ask == askAbort {
		if s := m.board.Slot(m.abort); s == nil || s.State != board.Running {
			m.mode, _ = m.mode.next(cueSettled)
		}
	}
	if m.mode.ask == askQuit && m.board.Running == 0 {
		var a act
		m.mode, a = m.mode.next(cueIdle)
		cmds = append(cmds, m.do(a))
	}
	if msg.closed {
		m.closed = true
	} else {
		pause := frame
		if m.now.Sub(m.start) < time.Second {
			pause = firstPause
		}
		cmds = append(cmds, waitForEvents(m.cfg.Events, time.Now().Add(pause)))
	}
	if m.board.Running > 0 && !m.fast {
		cmds = append(cmds, m.startTick())
	}
	return tea.Batch(append(cmds, m.leaveIfEnded())...)
}

// noticed tells the operator of an event that is more than a change of what the screen shows.
func (m *Model) noticed(e station.Event) tea.Cmd {
	switch body := e.Body.(type) {
	case station.RunEnded:
		m.measure()
		cmd := m.alarm.sound(m.cfg.Sound)
		if !body.Outcome.Good() {
			cmd = tea.Batch(cmd, m.ring())
		}
		return cmd
	case station.PortSeen:
		if body.Code == station.CodeHeldSignIn {
			m.wished |= wishSignIn
		}
	case station.OperatorChanged:
		return m.operatorChanged()
	case station.BatchChanged:
		m.measure()
		return m.batchChanged()
	case station.ScanTaken:
		return m.scanTaken()
	case station.LearnChanged:
		return m.learnChanged()
	case station.LabelPrinted:
		return m.labelPrinted()
	case station.LedgerChanged:
		m.ledgerChanged(m.board.Ledger)
	}
	return nil
}

// measure keeps what the terminal's own progress bar shows.
func (m *Model) measure() {
	s := m.board.Progress.Snapshot(m.now)
	m.progress = tea.ProgressBar{}
	if s.Batch == "" || s.Expected <= 0 || s.State == station.BatchClosed {
		return
	}
	m.progress = tea.ProgressBar{State: tea.ProgressBarDefault, Value: min(100, max(0, 100*s.Done/s.Expected))}
	switch s.State {
	case station.BatchHeld:
		m.progress.State = tea.ProgressBarError
	case station.BatchPaused:
		m.progress.State = tea.ProgressBarWarning
	}
}

func (m *Model) operatorChanged() tea.Cmd {
	switch o := m.board.Operator; {
	case o.Operator != "":
		m.wished &^= wishSignIn
		m.say(m.text("status.signin", "name", o.Operator), false)
		if m.talk.opened == wishSignIn {
			return m.closeDialog()
		}
	case o.Required:
		m.wished |= wishSignIn
	}
	return nil
}

func (m *Model) batchChanged() tea.Cmd {
	b := m.board.Batch
	if b.State == station.BatchHeld {
		if m.holding {
			return nil
		}
		m.holding = true
		m.wished |= wishHold
		return m.ring()
	}
	m.holding = false
	m.wished &^= wishHold
	if m.talk.opened == wishHold {
		return m.closeDialog()
	}
	return nil
}

// scanTaken tells what became of a scan.
func (m *Model) scanTaken() tea.Cmd {
	s := m.board.Scan
	if s.Slot != "" && m.mayMove() {
		m.bench.Select(s.Slot)
	}
	if s.Code != "" {
		text := s.Message
		if text == "" {
			text = m.text("fault." + string(s.Code))
		}
		if hint := s.Hint; hint != "" {
			text += " " + hint
		}
		m.say(text, true)
		return m.ring()
	}
	switch s.Kind {
	case station.ScanLabel:
		m.say(m.text("status.scan.label", "slot", s.Slot, "label", s.Text), false)
	case station.ScanCommand:
		return m.commanded(s.Command)
	}
	return nil
}

// Command codes that concern the screen alone; the station does the others by itself.
const (
	commandNext  = "next"
	commandPrint = "print"
)

func (m *Model) commanded(command string) tea.Cmd {
	switch command {
	case commandNext:
		m.attention()
		return nil
	case commandPrint:
		if !isPage(m.mode.screen) {
			m.say(m.text("status.scan.busy"), true)
			return m.ring()
		}
		if why := m.labelWhy(); why != "" {
			m.say(m.text("why.sentence", "key", m.text("key."+string(keymap.Label)), "why", m.text(why)), true)
			return m.ring()
		}
		return m.label(m.bench.Selected().Run)
	default:
		m.say(m.text("status.scan.command", "command", command), false)
		return nil
	}
}

func (m *Model) labelPrinted() tea.Cmd {
	e := m.board.Label
	if e.Code == "" {
		m.say(m.text("status.label", "device", e.DeviceID), false)
		return nil
	}
	text := e.Message
	if text == "" {
		text = m.text("fault." + string(e.Code))
	}
	m.say(text, true)
	return m.ring()
}
