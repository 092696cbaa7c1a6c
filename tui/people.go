package tui

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/tui/dialog"
	"provstation/tui/keymap"
)

// signIn asks who works here: a badge, or a name.
func (m *Model) signIn() {
	m.begin()
	about := []string{m.text("dialog.signin.about")}
	if name := m.board.Operator.Operator; name != "" {
		about = append(about, m.text("dialog.signin.now", "name", name))
	}
	m.open(dialog.NewText(dialog.TextConfig{
		Title: m.text("dialog.signin.title"), About: about, Label: m.text("dialog.signin.label"), Scan: true,
		Min: 1, Short: m.text("dialog.signin.short"),
	}), func(a dialog.Action) tea.Cmd {
		e := a.(dialog.Entered)
		if e.Scanned { // A badge: the station knows what to do with it, as with any scan.
			m.closeDialog()
			return m.sendScan(e.Text)
		}
		return m.ask(keymap.SignIn, func(d Desk) error { return d.SignIn(e.Text) }, "name", e.Text)
	})
}

func (m *Model) signOut() tea.Cmd {
	return m.ask(keymap.SignOut, func(d Desk) error { return d.SignOut() }, "name", m.board.Operator.Operator)
}

// The least that a reason must say, in characters.
const minReason = 3

// override lets a held device go on: a reason, the slot's name typed, and a second person's badge.
func (m *Model) override(slot string) tea.Cmd {
	m.begin()
	title := m.text("dialog.override.title", "slot", slot)
	m.open(dialog.NewText(dialog.TextConfig{
		Title: title, About: []string{m.text("dialog.override.about")}, Tone: dialog.Grave,
		Label: m.text("dialog.reason.label"), Min: minReason, Short: m.text("dialog.reason.short"),
	}), func(a dialog.Action) tea.Cmd {
		reason := a.(dialog.Entered).Text
		m.open(m.confirm(title, []string{m.text("dialog.override.confirm", "slot", slot)}, slot), func(dialog.Action) tea.Cmd {
			m.open(dialog.NewText(dialog.TextConfig{
				Title: title, About: []string{m.text("dialog.override.badge")}, Tone: dialog.Grave,
				Label: m.text("dialog.badge.label"), Masked: true, Scan: true, Min: 1, Short: m.text("dialog.badge.short"),
			}), func(a dialog.Action) tea.Cmd {
				badge := a.(dialog.Entered).Text
				return m.ask(keymap.Override, func(d Desk) error { return d.Override(slot, reason, badge) }, "slot", slot)
			})
			return nil
		})
		return nil
	})
	return nil
}

// confirm asks for a word to be typed.
func (m *Model) confirm(title string, about []string, word string) *dialog.Text {
	return dialog.NewConfirm(title, append(about, m.text("dialog.confirm.about", "word", word)), m.text("dialog.confirm.label"), word,
		m.text("dialog.confirm.wrong", "word", word))
}

// retryAll tries again what may have passed.
func (m *Model) retryAll() tea.Cmd {
	desk, id := m.cfg.Desk, m.talk.id
	told := keymap.RetryAll
	if m.halted() {
		told = "retryall.halted" // they start with the batch
	}
	return func() tea.Msg {
		n, err := desk.RetryFailed()
		if err != nil {
			told = keymap.RetryAll
		}
		return deskAnswered{id, told, []string{"n", strconv.Itoa(n)}, err}
	}
}

// pause asks why and pauses the batch, or goes on with it.
func (m *Model) pause() tea.Cmd {
	batch := m.board.Batch.Batch
	if m.board.Batch.State != station.BatchOpen {
		return m.ask("resume", func(d Desk) error { return d.ResumeBatch() }, "batch", batch)
	}
	m.begin()
	m.open(dialog.NewText(dialog.TextConfig{
		Title: m.text("dialog.pause.title", "batch", batch), About: []string{m.text("dialog.pause.about")},
		Label: m.text("dialog.reason.label"), Empty: true,
	}), func(a dialog.Action) tea.Cmd {
		reason := a.(dialog.Entered).Text
		return m.ask(keymap.Pause, func(d Desk) error { return d.PauseBatch(reason) }, "batch", batch)
	})
	return nil
}

// held says that the station itself has stopped the batch.
func (m *Model) held() {
	b := m.board.Batch
	m.begin()
	var about []string
	if b.Reason != "" {
		about = append(about, b.Reason)
	}
	if b.Code != "" && (b.Code != station.CodeHeldFailures || b.Reason == "") { // A code says nothing to an operator.
		about = append(about, m.text("fault."+string(b.Code)))
	}
	m.open(dialog.NewInfo(dialog.InfoConfig{
		Title: m.text("dialog.held.title", "batch", b.Batch), About: append(about, "", m.text("next."+string(station.CodeHeldFailures))), Tone: dialog.Grave,
	}), func(dialog.Action) tea.Cmd { return nil })
}

// learn teaches the bench which place is which slot, one after the other.
func (m *Model) learn() tea.Cmd {
	m.begin()
	m.open(dialog.NewText(dialog.TextConfig{
		Title: m.text("dialog.learn.title"), About: []string{m.text("dialog.learn.about")}, Label: m.text("dialog.learn.label"),
		Value: m.freeSlot(), Min: 1, Short: m.text("dialog.learn.short"),
	}), func(a dialog.Action) tea.Cmd { return m.learnSlot(a.(dialog.Entered).Text) })
	return nil
}

// learnAnswered says that the desk waits for a device for the slot, or why it does not.
type learnAnswered struct {
	talk int
	slot string
	err  error
}

func (m *Model) learnSlot(slot string) tea.Cmd {
	desk, id := m.cfg.Desk, m.talk.id
	m.talk.busy = true
	return func() tea.Msg { return learnAnswered{id, slot, desk.Learn(slot)} }
}

func (m *Model) learnAnswered(msg learnAnswered) tea.Cmd {
	if m.talk.dialog == nil || m.talk.id != msg.talk {
		if msg.err == nil {
			return m.endLearning() // The operator turned back before the desk had answered.
		}
		return nil
	}
	m.talk.busy = false
	if msg.err != nil {
		if d, ok := m.talk.dialog.(*dialog.Text); ok {
			d.SetProblem(m.reason(msg.err))
			return m.ring()
		}
		cmd := m.turnBack()
		m.say(m.reason(msg.err), true)
		return tea.Batch(cmd, m.ring())
	}
	m.plugNow(msg.slot, "")
	m.talk.leave = m.endLearning
	return nil
}

// plugNow says which slot waits for a device, and what was wrong with the last one.
func (m *Model) plugNow(slot, problem string) {
	about := []string{m.text("dialog.learn.plug", "slot", slot)}
	tone := dialog.Plain
	if problem != "" {
		about, tone = append(about, "", problem), dialog.Grave
	}
	m.open(dialog.NewInfo(dialog.InfoConfig{
		Title: m.text("dialog.learn.title"), About: append(about, "", m.text("dialog.learn.end")), Tone: tone,
	}), func(dialog.Action) tea.Cmd { return nil })
}

func (m *Model) endLearning() tea.Cmd {
	desk := m.cfg.Desk
	id := m.talk.id
	return func() tea.Msg { return deskAnswered{id, "endlearn", nil, desk.EndLearning()} }
}

// learnChanged follows the learning: the next slot after one that was learnt.
func (m *Model) learnChanged() tea.Cmd {
	l := m.board.Learn
	active := m.talk.dialog != nil && m.talk.leave != nil
	switch l.State {
	case "learned":
		m.say(m.text("status.learned", "slot", l.Slot, "port", l.Port), false)
		if active {
			return m.learnSlot(m.slotAfter(l.Slot))
		}
	case "refused":
		text := l.Reason
		if text == "" {
			text = m.text("fault."+string(l.Code), "other", l.Slot)
		}
		if active {
			m.plugNow(l.Slot, text)
		} else {
			m.say(text, true)
		}
		return m.ring()
	case "ended":
		if active && !m.talk.busy {
			m.closeDialog()
		}
	}
	return nil
}

// freeSlot is the first name of the bench's kind that no slot has: "slot 3" after "slot 2".
func (m *Model) freeSlot() string {
	like := ordinal{stem: "slot "}
	for _, s := range m.board.Slots() {
		if name, ok := numbered(s.Name); ok {
			like = name
			break
		}
	}
	like.n = 1
	return m.free(like)
}

// slotAfter is the next free name after one that was just given.
func (m *Model) slotAfter(name string) string {
	like, ok := numbered(name)
	if !ok {
		return m.freeSlot()
	}
	like.n++
	return m.free(like)
}

func (m *Model) free(name ordinal) string {
	for m.board.Slot(name.String()) != nil {
		name.n++
	}
	return name.String()
}

// ordinal is a slot's name such as "slot 3" or "slot-03".
type ordinal struct {
	stem  string
	n     int
	width int // of the number, filled with zeros; 0: not filled
}

func (s ordinal) String() string { return fmt.Sprintf("%s%0*d", s.stem, s.width, s.n) }

// numbered splits a name that ends in a number. A topology key such as "1-4.2" is no such name.
func numbered(name string) (ordinal, bool) {
	stem := strings.TrimRight(name, "0123456789")
	digits := name[len(stem):]
	other := func(r rune) bool { return !unicode.IsLetter(r) && !strings.ContainsRune(" -_", r) }
	if digits == "" || len(digits) > 6 || strings.ContainsFunc(stem, other) {
		return ordinal{}, false
	}
	n, err := strconv.Atoi(digits)
	s := ordinal{stem: stem, n: n}
	if digits[0] == '0' {
		s.width = len(digits)
	}
	return s, err == nil
}
