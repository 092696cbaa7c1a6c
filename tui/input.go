package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/tui/board"
	"provstation/tui/keymap"
	"provstation/tui/scanner"
)

// keyboard is what lies between the terminal and the keys: the scanner, and how long ago something was typed.
//
// A key that arrives late was not typed late: the program may have been busy, or the machine. So a burst goes on until
// the message that ends it has arrived, whatever the clock says then. Keys that were typed before stand before that
// message in the program's queue.
type keyboard struct {
	scan  *scanner.Scanner
	clock func() time.Time
	typed time.Time // of the last key or paste, by the clock
	heard time.Time // the same, by the scanner's time
}

// touched notes that something was typed, and gives how long nothing had been.
func (k *keyboard) touched() time.Duration {
	now := k.clock()
	quiet := now.Sub(k.typed)
	step := max(0, quiet)
	if k.scan.Holding() {
		step = min(step, k.scan.Gap())
	}
	k.typed, k.heard = now, k.heard.Add(step)
	return quiet
}

// burstExpired says that the time a key is held back is over. patient: it has waited for late keys already.
type burstExpired struct {
	id      int
	patient bool
}

// patience is how long an expiry that itself came late waits for keys that may have been held up with it, when the
// machine did not let the program run for a while.
const patience = 5 * time.Millisecond

// pressed takes a key press. What it means is known at once, or when the burst it may belong to is over.
func (m *Model) pressed(msg tea.KeyPressMsg) tea.Cmd {
	k := &m.keyboard
	m.liftGuard(k.touched())
	k.scan.SetTyping(m.typing())
	return m.hear(k.scan.Press(msg, k.heard))
}

// expired ends a burst.
func (m *Model) expired(msg burstExpired) tea.Cmd {
	k := &m.keyboard
	if late := k.clock().Sub(k.typed) - k.scan.Gap(); late >= patience && !msg.patient {
		msg.patient = true
		return tea.Tick(patience, func(time.Time) tea.Msg { return msg })
	}
	k.scan.SetTyping(m.typing())
	return m.hear(k.scan.Expire(msg.id, k.heard.Add(k.scan.Gap())))
}

// hear does what was typed, in its order.
func (m *Model) hear(r scanner.Result) tea.Cmd {
	cmds := make([]tea.Cmd, 0, len(r.Out)+1)
	for _, o := range r.Out {
		if o.Scan != "" {
			cmds = append(cmds, m.scanned(o.Scan))
		} else {
			cmds = append(cmds, m.key(o.Key))
		}
	}
	if r.Wait > 0 {
		id := r.ID
		cmds = append(cmds, tea.Tick(r.Wait, func(time.Time) tea.Msg { return burstExpired{id: id} }))
	}
	return tea.Batch(cmds...)
}

// pasted takes a bracketed paste, after what was typed before it.
func (m *Model) pasted(msg tea.PasteMsg) tea.Cmd {
	m.liftGuard(m.keyboard.touched())
	m.keyboard.scan.SetTyping(m.typing())
	cmd := m.hear(scanner.Result{Out: m.keyboard.scan.Flush()})
	kind, text := scanner.Paste(msg.Content, m.typing())
	switch kind {
	case scanner.PastedScan:
		return tea.Batch(cmd, m.scanned(text))
	case scanner.PastedText:
		if !m.talk.guard && !m.tooSmall() {
			m.talk.dialog.Paste(text)
		}
	case scanner.PastedTooLong:
		m.say(m.text("status.paste.long"), true)
		return tea.Batch(cmd, m.ring())
	case scanner.PastedLines:
		m.say(m.text("status.paste.lines"), true)
		return tea.Batch(cmd, m.ring())
	}
	return cmd
}

// typing reports whether a text field has the focus.
func (m *Model) typing() bool { return m.talk.dialog != nil && m.talk.dialog.Screen() == keymap.Text }

// key does what a key means now.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	if m.mode.screen.IsDialog() {
		return m.converse(k)
	}
	return m.press(k)
}

// scans are the scans on their way to the station. It gets one at a time, in the order in which they were read.
type scans struct {
	waiting []scan
	sent    bool
	at      time.Time // when the last one was sent, by the keyboard's clock
}

type scan struct{ text, slot string }

// Times that tell whose a scan is.
const (
	ownScan   = 2 * time.Second // after one was sent from here: what is told of a scan is told of that one
	handsAway = 3 * time.Second // after the last key: nobody is about to press another one
)

// mayMove reports whether a scan may move the selection: it was read here, or nobody works at the keys. A scan that
// somebody else makes must not change what the next key acts upon.
func (m *Model) mayMove() bool {
	now := m.keyboard.clock()
	return now.Sub(m.queue.at) < ownScan || now.Sub(m.keyboard.typed) >= handsAway
}

// maxScans bounds what waits while the station does not answer.
const maxScans = 64

// scanTaken says that the station has answered a scan.
type scanTaken struct{ err error }

// scanned hands on what a scanner read: to the dialog that waits for it, or to the station.
func (m *Model) scanned(text string) tea.Cmd {
	if d := m.talk.dialog; d != nil && !m.talk.busy {
		if a, taken := d.Scan(text); taken {
			m.talk.guard = false
			return m.conclude(a)
		}
	}
	return m.sendScan(text)
}

func (m *Model) sendScan(text string) tea.Cmd {
	switch {
	case m.cfg.Desk == nil:
		m.say(m.text("status.scan.failed", "reason", m.text("why.nodesk")), true)
		return m.ring()
	case len(m.queue.waiting) >= maxScans:
		m.say(m.text("status.scan.many"), true)
		return m.ring()
	}
	slot := ""
	if s := m.bench.Selected(); s != nil {
		slot = s.Name
	}
	m.queue.waiting = append(m.queue.waiting, scan{text, slot})
	if !m.queue.sent {
		m.notice = notice{}
	}
	return m.nextScan()
}

func (m *Model) nextScan() tea.Cmd {
	if m.queue.sent || len(m.queue.waiting) == 0 {
		return nil
	}
	s, desk := m.queue.waiting[0], m.cfg.Desk
	m.queue.waiting, m.queue.sent, m.queue.at = m.queue.waiting[1:], true, m.keyboard.clock()
	return func() tea.Msg { return scanTaken{desk.Scan(s.text, s.slot)} }
}

// scanAnswered tells of a scan that the station refused. What became of one that it took is told by the events.
func (m *Model) scanAnswered(msg scanTaken) tea.Cmd {
	m.queue.sent = false
	next := m.nextScan()
	if msg.err == nil {
		return next
	}
	m.say(m.reason(msg.err), true)
	return tea.Batch(next, m.ring())
}

// reason is an error as a sentence: the catalogue's where it has one.
func (m *Model) reason(err error) string {
	what, next := m.faultOf(err)
	return strings.TrimSpace(what + " " + next)
}

const maxReason = 1024

func (m *Model) ring() tea.Cmd {
	if !m.cfg.Bell {
		return nil
	}
	return m.alarm.ring(m.keyboard.clock())
}

func clean(s string) string { return board.Clean(s, maxReason) }
