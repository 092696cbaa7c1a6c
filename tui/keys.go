package tui

import (
	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/keymap"
)

// keys gives the keys of the present screen, each with the reason if it does nothing now.
func (m *Model) keys(s keymap.Screen) keymap.Map {
	return keymap.For(s, m.situation(s), m.look.Signs.UpDown, m.text)
}

func (m *Model) situation(screen keymap.Screen) keymap.Situation {
	why := map[keymap.Name]string{}
	now := keymap.Situation{Slots: m.bench.Selected() != nil, Why: why}
	m.slotWhy(why)
	m.deskWhy(why)
	if m.cfg.Office == nil {
		for _, name := range []keymap.Name{keymap.OpenBatch, keymap.CloseBatch, keymap.Label, keymap.Open, keymap.Search, keymap.Filter, keymap.Export, keymap.Again, keymap.Resolve, keymap.Duplicates} {
			why[name] = "why.nodesk"
		}
	} else {
		m.officeWhy(why, screen)
	}
	if screen == keymap.Details && !m.bench.Tabbed() {
		why[keymap.Left], why[keymap.Right] = "why.notabs", "why.notabs"
	}
	now.Now, now.Halted = append(m.wanted(), keymap.Resolve), m.halted()
	if m.closed {
		for _, name := range []keymap.Name{
			keymap.Retry, keymap.Abort, keymap.RetryAll, keymap.Override, keymap.SignIn, keymap.SignOut, keymap.Learn,
			keymap.OpenBatch, keymap.CloseBatch, keymap.Pause, keymap.Resolve, keymap.Certificate, keymap.RenewAll,
		} {
			why[name] = "why.stopped"
		}
	}
	return now
}

// wanted are the keys that the bench waits for.
func (m *Model) wanted() (names []keymap.Name) {
	if m.board.Operator.Required && m.board.Operator.Operator == "" {
		names = append(names, keymap.SignIn)
	}
	if m.halted() {
		names = append(names, keymap.Pause)
	}
	if s := m.bench.Selected(); s != nil && s.State == board.Ended && s.End.Outcome == station.Uncertain && s.Plugged() {
		names = append(names, keymap.Override) // its next action names the line lead
	}
	if s := m.bench.Selected(); s != nil && s.Askable() && !s.End.Outcome.Good() && s.End.Outcome != station.Installed {
		names = append(names, keymap.Certificate) // what to do next may be another way
	}
	return append(names, keymap.RetryAll)
}

// halted reports whether the batch stands still.
func (m *Model) halted() bool {
	s := m.board.Batch.State
	return s == station.BatchHeld || s == station.BatchPaused
}

// slotWhy is why the selected slot can not be retried, aborted or released.
func (m *Model) slotWhy(why map[keymap.Name]string) {
	s := m.bench.Selected()
	if s == nil {
		return
	}
	switch {
	case m.asked[s.Name]:
		why[keymap.Retry] = "why.asked"
	case s.State == board.Running:
		why[keymap.Retry] = "why.running"
	case s.State != board.Ended:
		why[keymap.Retry] = "why.nothing"
	case !s.Plugged():
		why[keymap.Retry] = "why.gone"
	}
	switch {
	case m.asked[s.Name]:
		why[keymap.Abort] = "why.asked"
	case s.State != board.Running:
		why[keymap.Abort] = "why.notrunning"
	}
	if s.State != board.Ended || s.End.Outcome.Good() {
		why[keymap.Override] = "why.notheld"
	}
	switch {
	case m.asked[s.Name]:
		why[keymap.Certificate] = "why.asked"
	case s.State == board.Running:
		why[keymap.Certificate] = "why.running"
	case s.State != board.Ended:
		why[keymap.Certificate] = "why.nothing"
	case !s.Plugged():
		why[keymap.Certificate] = "why.gone"
	case !s.Askable():
		why[keymap.Certificate] = "why.notfinished"
	case s.Facts[station.FactDeviceState] == string(station.StateForeign):
		why[keymap.Certificate] = "why.foreign"
	}
}

// deskWhy is why the desk can not do what a key asks of it.
func (m *Model) deskWhy(why map[keymap.Name]string) {
	if m.cfg.Desk == nil {
		for _, name := range []keymap.Name{keymap.Override, keymap.SignIn, keymap.SignOut, keymap.RetryAll, keymap.Pause, keymap.Learn, keymap.Certificate, keymap.RenewAll} {
			why[name] = "why.nodesk"
		}
		return
	}
	if m.board.Operator.Operator == "" {
		why[keymap.SignOut] = "why.nooperator"
	}
	if !m.hasBatch() {
		why[keymap.Pause] = "why.nobatch"
	}
	if !m.anyFailed() {
		why[keymap.RetryAll] = "why.nofailed"
	}
	if n, _ := m.renewable(); n == 0 {
		why[keymap.RenewAll] = "why.norenewable"
	}
}

func (m *Model) officeWhy(why map[keymap.Name]string, screen keymap.Screen) {
	if m.hasBatch() {
		why[keymap.OpenBatch] = "why.batchopen"
	} else {
		why[keymap.CloseBatch] = "why.nobatch"
	}
	if screen != keymap.Record {
		if w := m.labelWhy(); w != "" {
			why[keymap.Label] = w
		}
	}
	if _, ok := m.records.page.Selected(); !ok {
		why[keymap.Open] = "why.norecord"
	}
	if w := m.resolveWhy(); w != "" {
		why[keymap.Resolve] = w
	}
}

// hasBatch reports whether a batch is open, paused or held.
func (m *Model) hasBatch() bool {
	b := m.board.Batch
	return b.Batch != "" && b.State != station.BatchClosed
}

// anyFailed reports whether a run ended with a fault that may have passed, see [Desk.RetryFailed].
func (m *Model) anyFailed() bool {
	for _, s := range m.board.Slots() {
		if s.State == board.Ended && (s.End.Outcome == station.Error || s.End.Outcome == station.Timeout) && s.Plugged() {
			return true
		}
	}
	return false
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
		return m.moreRecords()
	}
	if cmd, ok := m.work(k.Name); ok {
		return cmd
	}
	return m.cue(k.Name)
}

// work does the keys that ask something of the station or of the office; false if the key is another.
func (m *Model) work(name keymap.Name) (tea.Cmd, bool) {
	switch name {
	case keymap.Retry:
		return m.intend(keymap.Retry, m.bench.Selected().Name), true
	case keymap.RetryAll:
		return m.retryAll(), true
	case keymap.Override:
		return m.override(m.bench.Selected().Name), true
	case keymap.Certificate:
		m.certificate(m.bench.Selected())
		return nil, true
	case keymap.RenewAll:
		m.renewAll()
		return nil, true
	case keymap.SignIn:
		m.signIn()
		return nil, true
	case keymap.SignOut:
		return m.signOut(), true
	case keymap.Pause:
		return m.pause(), true
	case keymap.Learn:
		return m.learn(), true
	case keymap.OpenBatch:
		return m.openBatch(), true
	case keymap.CloseBatch:
		return m.closeBatch(), true
	case keymap.Label:
		if run, ok := m.records.page.Opened(); ok && m.mode.screen == keymap.Record {
			return m.label(run), true
		}
		return m.label(m.bench.Selected().Run), true
	case keymap.Resolve:
		return m.resolve(), true
	case keymap.Duplicates:
		return m.duplicates(), true
	case keymap.Again:
		if m.mode.screen == keymap.Doctor {
			return m.diagnose(), true
		}
		return m.recordKey(name), true
	case keymap.Open, keymap.Search, keymap.Filter, keymap.Export:
		return m.recordKey(name), true
	default:
		return nil, false
	}
}

// cue turns a key into a change of mode.
func (m *Model) cue(name keymap.Name) tea.Cmd {
	c, ok := m.cueOf(name)
	if !ok {
		return nil
	}
	if c == cueAbort {
		m.abort = m.bench.Selected().Name
	}
	before := m.mode.screen
	var a act
	m.mode, a = m.mode.next(c)
	return tea.Batch(m.arrive(before), m.do(a))
}

// cueOf is the cue that a key gives.
func (m *Model) cueOf(name keymap.Name) (cue, bool) {
	busy := m.board.Running > 0 && !m.closed
	switch name {
	case keymap.Detail:
		return cueDetail, true
	case keymap.Back, keymap.No:
		return cueBack, true
	case keymap.Help:
		return cueHelp, true
	case keymap.ToBench:
		return cueBench, true
	case keymap.ToBatch:
		return cueBatch, true
	case keymap.ToRecords:
		return cueRecords, true
	case keymap.ToDoctor:
		return cueDoctor, true
	case keymap.Abort:
		return cueAbort, true
	case keymap.Yes:
		return cueYes, true
	case keymap.Quit:
		if busy {
			return cueQuit, true
		}
		return cueQuitIdle, true
	case keymap.Interrupt:
		if busy {
			return cueInterrupt, true
		}
		return cueInterruptIdle, true
	default:
		return 0, false
	}
}

// arrive prepares the page that a change of mode led to.
func (m *Model) arrive(before keymap.Screen) tea.Cmd {
	now := m.mode.screen
	if now == before {
		return nil
	}
	if now == keymap.HelpPage {
		m.help.Open(m.keys(before), m.board.Station)
	}
	if before == keymap.Record && now != keymap.HelpPage && isPage(now) {
		m.records.page.CloseDetail()
	}
	if open := now == keymap.Details; isPage(now) && open != m.bench.Expanded() {
		m.bench.Expand(open)
	}
	switch {
	case now == keymap.Records && isPage(before) && !m.records.loaded:
		return m.load(false)
	case now == keymap.Records && isPage(before) && before != keymap.Record:
		return m.load(false)
	case now == keymap.Doctor && !m.doctor.asked:
		return m.diagnose()
	}
	return nil
}
