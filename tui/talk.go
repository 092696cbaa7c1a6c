package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/tui/dialog"
	"provstation/tui/keymap"
)

// talk is the dialog in front of the operator, and what its answer leads to. A conversation of several dialogs is one
// talk: each answer opens the next one, or ends it.
type talk struct {
	id     int // of the conversation; answers that carry another one come too late
	dialog dialog.Dialog
	then   func(dialog.Action) tea.Cmd
	leave  func() tea.Cmd // when the operator turns back; nil: nothing
	cancel context.CancelFunc
	busy   bool // an answer is on its way to the station

	opened wish // by itself, and why; 0: by the operator
	told   int  // how many contradictions between stations it shows
	guard  bool // it opened by itself and nothing it hears is meant for it yet
	since  time.Time
}

// wish is a dialog that is to open by itself as soon as nothing else is in front of the operator.
type wish uint8

const (
	wishSignIn wish = 1 << iota
	wishHold
	wishAlarm // never wished: it opens while there is something to acknowledge
)

// quietTime is how long nothing must have been typed before a dialog that opened by itself listens to keys.
const quietTime = 400 * time.Millisecond

// begin starts a conversation.
func (m *Model) begin() { m.talk = talk{id: m.talk.id + 1} }

// open shows a dialog; then is told the answer. It follows the dialog that is open, if there is one.
func (m *Model) open(d dialog.Dialog, then func(dialog.Action) tea.Cmd) {
	c := cueInfo
	switch d.Screen() {
	case keymap.Text:
		c = cueText
	case keymap.Choice:
		c = cueChoice
	case keymap.Consent:
		c = cueConsent
	}
	mode, _ := m.mode.next(c)
	if mode.screen != d.Screen() {
		return // Something is in front that a dialog cannot cover.
	}
	m.mode = mode
	d.SetLook(m.look)
	m.talk.dialog, m.talk.then, m.talk.busy = d, then, false
	m.notice = notice{}
}

// converse gives a key to the dialog.
func (m *Model) converse(key tea.KeyPressMsg) tea.Cmd {
	k, _ := m.keys(m.mode.screen).Find(key)
	if k.Name == keymap.Interrupt {
		return tea.Batch(m.turnBack(), m.cue(keymap.Interrupt))
	}
	if m.talk.guard || m.tooSmall() && (k.Name != keymap.Cancel || m.talk.opened == wishAlarm) {
		return nil // nobody acknowledges what is not in sight
	}
	if m.talk.busy && k.Name != keymap.Cancel {
		return nil
	}
	a := m.talk.dialog.Update(key)
	if a == nil {
		return nil
	}
	return m.conclude(a)
}

// conclude does what an answer leads to.
func (m *Model) conclude(a dialog.Action) tea.Cmd {
	if _, ok := a.(dialog.Cancelled); ok {
		return m.turnBack()
	}
	return m.talk.then(a)
}

// turnBack closes the dialog because the operator wants nothing of it.
func (m *Model) turnBack() tea.Cmd {
	leave := m.talk.leave
	if m.talk.guard {
		leave = nil // ctrl+c answers nothing
	}
	cmd := m.closeDialog()
	if leave != nil {
		cmd = tea.Batch(cmd, leave())
	}
	return cmd
}

// closeDialog ends the conversation.
func (m *Model) closeDialog() tea.Cmd {
	if m.talk.dialog == nil {
		return nil
	}
	if m.talk.cancel != nil {
		m.talk.cancel()
	}
	m.talk = talk{id: m.talk.id + 1}
	m.mode, _ = m.mode.next(cueClosed)
	return nil
}

// openWished opens a dialog that is to open by itself. It ignores what is being typed until that has ended.
func (m *Model) openWished() tea.Cmd {
	if cmd := m.openAlarm(); cmd != nil || m.talk.opened == wishAlarm {
		return cmd
	}
	if m.wished == 0 || m.cfg.Desk == nil || !isPage(m.mode.screen) || m.closed {
		return nil
	}
	switch {
	case m.wished&wishSignIn != 0:
		m.wished &^= wishSignIn
		if m.board.Operator.Operator == "" {
			m.signIn()
			m.guarded(wishSignIn)
		}
	case m.wished&wishHold != 0:
		m.wished &^= wishHold
		if m.board.Batch.State == station.BatchHeld {
			m.held()
			m.guarded(wishHold)
		}
	}
	return nil
}

func (m *Model) guarded(w wish) {
	m.talk.opened, m.talk.guard, m.talk.since = w, true, m.keyboard.clock()
}

// liftGuard lets a dialog that opened by itself listen when nothing was typed for a while before this key.
func (m *Model) liftGuard(quiet time.Duration) {
	if m.talk.guard && quiet >= quietTime && m.keyboard.clock().Sub(m.talk.since) >= quietTime {
		m.talk.guard = false
	}
}

// within gives a context for work that the conversation needs; it ends with the conversation.
func (m *Model) within() context.Context {
	if m.talk.cancel != nil {
		m.talk.cancel()
	}
	ctx, cancel := context.WithCancel(m.ctx)
	m.talk.cancel = cancel
	return ctx
}

// deskAnswered says that the desk has done what was asked of it, or why not.
type deskAnswered struct {
	talk  int
	name  keymap.Name
	pairs []string // parameters of the sentence that tells of it
	err   error
}

// ask sends something to the desk. A dialog that is open stays until the answer is there.
func (m *Model) ask(name keymap.Name, do func(Desk) error, pairs ...string) tea.Cmd {
	desk, id := m.cfg.Desk, m.talk.id
	if m.talk.dialog != nil {
		m.talk.busy = true
	}
	return func() tea.Msg { return deskAnswered{id, name, pairs, do(desk)} }
}

// deskAnswered tells what came of it: in the dialog that asked, so that it can be mended there, or in the status line.
func (m *Model) deskAnswered(msg deskAnswered) tea.Cmd {
	current := m.talk.dialog != nil && m.talk.id == msg.talk
	if current {
		m.talk.busy = false
	}
	if msg.err != nil {
		text := m.text("status.failed", "what", m.text("key."+string(msg.name)), "reason", m.reason(msg.err))
		if d, ok := m.talk.dialog.(*dialog.Text); ok && current {
			d.SetProblem(m.reason(msg.err))
		} else {
			if current {
				m.closeDialog()
			}
			m.say(text, true)
		}
		return m.ring()
	}
	if current {
		m.closeDialog()
	}
	m.say(m.text("status."+string(msg.name), msg.pairs...), false)
	return nil
}

// faultOf is an error in words: what is wrong, and what to do where the catalogue knows.
func (m *Model) faultOf(err error) (what, next string) {
	if f, ok := station.AsFault(err); ok {
		return m.words("fault."+string(f.Code), f.Params), m.words("next."+string(f.Code), f.Params)
	}
	return clean(err.Error()), ""
}

// officeAnswered says that the office has done what a conversation asked of it.
type officeAnswered struct {
	talk int
	then func() tea.Cmd
}

// officeAnswered goes on with the conversation, unless it is over.
func (m *Model) officeAnswered(msg officeAnswered) tea.Cmd {
	if m.talk.dialog == nil || m.talk.id != msg.talk {
		return nil
	}
	m.talk.busy = false
	return msg.then()
}

// fetch asks the office for something that the conversation goes on with. The command takes copies; then is called with
// the answer while the conversation lasts.
func fetch[T any](m *Model, get func(context.Context, Office) (T, error), then func(T, error) tea.Cmd) tea.Cmd {
	ctx, office, id := m.within(), m.cfg.Office, m.talk.id
	m.talk.busy = true
	return func() tea.Msg {
		v, err := get(ctx, office)
		return officeAnswered{id, func() tea.Cmd { return then(v, err) }}
	}
}

// wait shows that something is being fetched; esc ends it.
func (m *Model) wait(title string) {
	m.open(dialog.NewInfo(dialog.InfoConfig{Title: title, About: []string{m.text("dialog.wait")}}), func(dialog.Action) tea.Cmd { return nil })
}

// fail ends the conversation with a reason that is to be read.
func (m *Model) fail(title string, err error) tea.Cmd {
	what, next := m.faultOf(err)
	about := []string{what}
	if next != "" {
		about = append(about, "", next)
	}
	m.open(dialog.NewInfo(dialog.InfoConfig{Title: title, About: about, Tone: dialog.Grave}), func(dialog.Action) tea.Cmd { return nil })
	return m.ring()
}
