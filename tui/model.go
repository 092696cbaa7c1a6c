package tui

import (
	"runtime"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/keymap"
	"provstation/tui/screen"
	"provstation/tui/theme"
	"provstation/tui/widget"
)

// Model is the root of the screen. It is made by [New] and owned by the program that runs it.
type Model struct {
	cfg   Config
	board *board.Board
	mode  mode
	w, h  int
	look  widget.Look
	mono  bool

	bench *screen.Bench
	help  *screen.Help

	notice   notice
	abort    string          // the slot that the abort question is about
	asked    map[string]bool // slots with an intent on its way
	now      time.Time
	tick     int  // id of the tick that counts; older ones are void
	fast     bool // the tick that counts is a fast one
	closed   bool // the event stream has ended
	quitSent bool // Intents.Quit has returned
}

// notice is the status line.
type notice struct {
	text  string
	bad   bool
	until time.Time
}

// Messages, past tense.
type (
	eventsArrived struct {
		events []station.Event
		closed bool
	}
	ticked struct {
		id int
		at time.Time
	}
	intentAnswered struct {
		name keymap.Name
		slot string
		err  error
	}
	quitAnswered struct{}
)

const (
	maxBatch   = 256
	noticeTime = 8 * time.Second
	slowTick   = time.Second
	fastTick   = 200 * time.Millisecond
)

// New makes the root model. Required parts of cfg that are missing make it panic when they are needed; [Run] checks.
func New(cfg Config) *Model {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Title == "" {
		cfg.Title = "provstation"
	}
	cfg.Title = board.Clean(cfg.Title, 128)
	terminal := theme.Detect(cfg.getenv, runtime.GOOS)
	m := &Model{
		cfg: cfg, board: board.New(), mono: terminal.Mono, asked: map[string]bool{}, now: cfg.Now(),
		help: &screen.Help{},
	}
	m.bench = screen.NewBench(m.board)
	m.bench.SetNow(m.now)
	m.look.Signs = theme.Unicode()
	if terminal.ASCII {
		m.look.Signs = theme.ASCII()
	}
	m.look.Text = m.text
	m.paint(true)
	return m
}

// paint takes the styles for a dark or a light background.
func (m *Model) paint(dark bool) {
	t := theme.Dark()
	switch {
	case m.mono:
		t = theme.Mono()
	case !dark:
		t = theme.Light()
	}
	m.look.Styles = t.Styles()
	m.bench.SetLook(m.look)
	m.help.SetLook(m.look)
}

// text is the catalogue with parameters as pairs.
func (m *Model) text(key string, pairs ...string) string {
	var params map[string]string
	if len(pairs) > 1 {
		params = make(map[string]string, len(pairs)/2)
		for i := 0; i+1 < len(pairs); i += 2 {
			params[pairs[i]] = pairs[i+1]
		}
	}
	return m.cfg.Words.Text(key, params)
}

// Init starts the one wait for events, the clock, and the question for the background's colour.
func (m *Model) Init() tea.Cmd {
	return tea.Batch(tea.RequestBackgroundColor, waitForEvents(m.cfg.Events), m.startTick())
}

// waitForEvents waits for the next event and takes along what else is there, so that a burst costs one drawing.
func waitForEvents(events <-chan station.Event) tea.Cmd {
	return func() tea.Msg {
		e, ok := <-events
		if !ok {
			return eventsArrived{closed: true}
		}
		batch := []station.Event{e}
		for len(batch) < maxBatch {
			select {
			case e, ok := <-events:
				if !ok {
					return eventsArrived{events: batch, closed: true}
				}
				batch = append(batch, e)
			default:
				return eventsArrived{events: batch}
			}
		}
		return eventsArrived{events: batch}
	}
}

// startTick makes the clock go on: fast while times run, once a second otherwise.
func (m *Model) startTick() tea.Cmd {
	m.tick++
	m.fast = m.board.Running > 0
	id, every, now := m.tick, slowTick, m.cfg.Now
	if m.fast {
		every = fastTick
	}
	return tea.Tick(every, func(time.Time) tea.Msg { return ticked{id, now()} })
}

// Update takes a message in.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		m.paint(msg.IsDark())
	case eventsArrived:
		return m, m.events(msg)
	case ticked:
		if msg.id != m.tick {
			return m, nil
		}
		m.setNow(msg.at)
		return m, m.startTick()
	case intentAnswered:
		m.answered(msg)
	case quitAnswered:
		m.quitSent = true
		return m, m.leaveIfEnded()
	case tea.KeyPressMsg:
		return m, m.press(msg)
	}
	return m, nil
}

func (m *Model) resize(w, h int) {
	m.w, m.h = w, h
	body := h - screen.HeaderHeight - footerHeight
	m.bench.SetSize(w, body)
	m.help.SetSize(w, body)
}

func (m *Model) setNow(t time.Time) {
	m.now = t
	m.bench.SetNow(t)
	if m.notice.text != "" && t.After(m.notice.until) {
		m.notice = notice{}
	}
}

func (m *Model) say(text string, bad bool) {
	m.notice = notice{text: board.Clean(text, 512), bad: bad, until: m.now.Add(noticeTime)}
}

// events applies what arrived and waits for more.
func (m *Model) events(msg eventsArrived) tea.Cmd {
	for _, e := range msg.events {
		m.board.Apply(e)
	}
	m.setNow(m.cfg.Now())
	if m.mode.ask == askAbort {
		if s := m.board.Slot(m.abort); s == nil || s.State != board.Running {
			m.mode, _ = m.mode.next(cueSettled)
		}
	}
	var cmds []tea.Cmd
	if m.mode.ask == askQuit && m.board.Running == 0 {
		var a act
		m.mode, a = m.mode.next(cueIdle)
		cmds = append(cmds, m.do(a))
	}
	if msg.closed {
		m.closed = true
	} else {
		cmds = append(cmds, waitForEvents(m.cfg.Events))
	}
	if m.board.Running > 0 && !m.fast {
		cmds = append(cmds, m.startTick())
	}
	return tea.Batch(append(cmds, m.leaveIfEnded())...)
}

// leaveIfEnded leaves once the operator has quit and the station has ended, or has nothing in flight to wait for.
func (m *Model) leaveIfEnded() tea.Cmd {
	if m.closed || m.board.Done || (m.quitSent && m.board.Running == 0) {
		var a act
		m.mode, a = m.mode.next(cueEnded)
		return m.do(a)
	}
	return nil
}

func (m *Model) answered(msg intentAnswered) {
	delete(m.asked, msg.slot)
	key := "status." + string(msg.name)
	if msg.err != nil {
		m.say(m.text(key+".failed", "slot", msg.slot, "reason", msg.err.Error()), true)
		return
	}
	m.say(m.text(key, "slot", msg.slot), false)
}

// intend sends an intent. The command takes copies and no model state.
func (m *Model) intend(name keymap.Name, slot string) tea.Cmd {
	if m.asked[slot] {
		m.say(m.text("why.sentence", "key", m.text("key."+string(name)), "why", m.text("why.asked")), true)
		return nil
	}
	m.asked[slot] = true
	send := m.cfg.Intents.Retry
	if name == keymap.Abort {
		send = m.cfg.Intents.Abort
	}
	return func() tea.Msg { return intentAnswered{name, slot, send(slot)} }
}

func (m *Model) do(a act) tea.Cmd {
	switch a {
	case actAbort:
		return m.intend(keymap.Abort, m.abort)
	case actQuit:
		quit := m.cfg.Intents.Quit
		return func() tea.Msg { quit(); return quitAnswered{} }
	case actLeave:
		return tea.Quit
	default:
		return nil
	}
}
