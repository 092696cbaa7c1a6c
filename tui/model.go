package tui

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/tui/board"
	"provstation/tui/keymap"
	"provstation/tui/scanner"
	"provstation/tui/screen"
	"provstation/tui/theme"
	"provstation/tui/widget"
)

// Model is the root of the screen. It is made by [New] and owned by the program that runs it.
type Model struct {
	cfg   Config
	ctx   context.Context // of the Office's work; ends with the program
	board *board.Board
	mode  mode
	w, h  int
	look  widget.Look

	header int // lines of the header
	mono   bool
	dark   bool

	bench   *screen.Bench
	batch   *screen.Batch
	records records
	doctor  doctor
	help    *screen.Help

	keyboard keyboard
	talk     talk
	wished   wish // a dialog that is to open by itself
	holding  bool // the hold that stands has been told: devices that were in work go on to end
	away     bool // the ledger that the stations share was away when it was last told of
	queue    scans
	alarm    alarm

	notice   notice
	abort    string          // the slot that the abort question is about
	asked    map[string]bool // slots with an intent on its way
	now      time.Time
	start    time.Time // when the screen was made
	drawn    bool      // before the program ran
	ran      bool      // the program runs, or ran
	tick     int       // id of the tick that counts; older ones are void
	fast     bool      // the tick that counts is a fast one
	due      time.Time // of the tick that counts
	closed   bool      // the event stream has ended
	quitSent bool      // Intents.Quit has returned
	progress tea.ProgressBar
	crash    error // what a panic in here said
}

var errPanic = errors.New("the screen made an error")

// notice is the status line.
type notice struct {
	text  string
	bad   bool
	until time.Time
}

// Messages, past tense.
type (
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
	noticeTime = 8 * time.Second
	slowTick   = time.Minute
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
		cfg: cfg, ctx: context.Background(), board: board.New(), mono: terminal.Mono, dark: true,
		asked: map[string]bool{}, now: cfg.Now(), help: &screen.Help{},
		keyboard: keyboard{scan: scanner.New(cfg.Scan), clock: time.Now},
	}
	m.bench = screen.NewBench(m.board)
	m.batch = screen.NewBatch(m.board)
	m.records.page = screen.NewRecords()
	m.doctor.page = screen.NewDoctor()
	m.look.Signs = theme.Unicode()
	if terminal.ASCII || cfg.ASCII {
		m.look.Signs = theme.ASCII()
	}
	m.start = m.now
	m.look.Text, m.look.Zone = m.text, m.now.Location()
	m.setNow(m.now)
	m.paint()
	return m
}

// paint takes the styles for a dark or a light background.
func (m *Model) paint() {
	t, ok := theme.ByName(m.cfg.Theme, m.dark)
	switch {
	case m.mono:
		t, _ = theme.ByName("mono", m.dark)
	case !ok && m.dark:
		t = theme.Dark()
	case !ok:
		t = theme.Light()
	}
	m.look.Styles = t.Styles()
	for _, p := range []interface{ SetLook(l widget.Look) }{m.bench, m.batch, m.records.page, m.doctor.page, m.help} {
		p.SetLook(m.look)
	}
	if m.talk.dialog != nil {
		m.talk.dialog.SetLook(m.look)
	}
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
	return m.words(key, params)
}

// words is a text of the catalogue in the letters that the terminal has.
func (m *Model) words(key string, params map[string]string) string {
	text := m.cfg.Words.Text(key, params)
	if m.look.Signs.ASCII {
		return widget.Spelled(text)
	}
	return text
}

// Init starts the one wait for events, the clock, and the question for the background's colour.
func (m *Model) Init() tea.Cmd {
	m.ran = true
	return tea.Batch(tea.RequestBackgroundColor, waitForEvents(m.cfg.Events, time.Time{}), m.startTick())
}

// startTick makes the clock go on: fast while times run; otherwise nothing that is shown changes but with the minute, and
// with a notice that has had its time.
func (m *Model) startTick() tea.Cmd {
	m.tick++
	m.fast = m.board.Running > 0
	id, now := m.tick, m.cfg.Now
	wait := m.now.Truncate(slowTick).Add(slowTick).Sub(m.now)
	if m.fast {
		wait = fastTick
	}
	if m.notice.text != "" {
		wait = min(wait, max(m.notice.until.Sub(m.now), 0)+fastTick)
	}
	m.due = m.now.Add(wait)
	return tea.Tick(wait, func(time.Time) tea.Msg { return ticked{id, now()} })
}

// sooner starts the tick anew where a notice is over before it.
func (m *Model) sooner() tea.Cmd {
	if m.notice.text == "" || !m.due.After(m.notice.until.Add(fastTick)) {
		return nil
	}
	return m.startTick()
}

// fell keeps what a panic said, so that the error can tell it, and lets it go on: the program gives the terminal back.
func (m *Model) fell() {
	if r := recover(); r != nil {
		m.crash = fmt.Errorf("%w: %s", errPanic, clean(fmt.Sprint(r)))
		panic(r)
	}
}

// Update takes a message in.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	defer m.fell()
	m.setNow(m.cfg.Now())
	cmd := m.take(msg)
	for _, more := range []tea.Cmd{m.openWished(), m.sooner()} {
		if more != nil {
			cmd = tea.Batch(cmd, more)
		}
	}
	return m, cmd
}

func (m *Model) take(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		m.dark = msg.IsDark()
		m.paint()
	case eventsArrived:
		return m.events(msg)
	case ticked:
		if msg.id != m.tick {
			return nil
		}
		m.setNow(msg.at)
		return m.startTick()
	case intentAnswered:
		m.answered(msg)
	case quitAnswered:
		m.quitSent = true
		return m.leaveIfEnded()
	case tea.KeyPressMsg:
		return m.pressed(msg)
	case burstExpired:
		return m.expired(msg)
	case tea.PasteMsg:
		return m.pasted(msg)
	case scanTaken:
		return m.scanAnswered(msg)
	case soundPlayed:
		return m.alarm.played(m.cfg.Sound)
	case deskAnswered:
		return m.deskAnswered(msg)
	case learnAnswered:
		return m.learnAnswered(msg)
	case officeAnswered:
		return m.officeAnswered(msg)
	case runsListed:
		m.runsListed(msg)
	case runFound:
		m.runFound(msg)
	case exported:
		return m.exported(msg)
	case checkMade:
		return m.checkMade(msg)
	}
	return nil
}

func (m *Model) resize(w, h int) {
	m.w, m.h, m.header = w, h, screen.HeaderLines(m.board)
	body := m.bodyHeight()
	for _, p := range []interface{ SetSize(w, h int) }{m.bench, m.batch, m.records.page, m.doctor.page, m.help} {
		p.SetSize(w, body)
	}
}

func (m *Model) bodyHeight() int { return m.h - screen.HeaderLines(m.board) - footerHeight }

func (m *Model) setNow(t time.Time) {
	m.now = t
	for _, p := range []interface{ SetNow(t time.Time) }{m.bench, m.batch, m.records.page, m.doctor.page} {
		p.SetNow(t)
	}
	if m.notice.text != "" && t.After(m.notice.until) {
		m.notice = notice{}
	}
}

func (m *Model) say(text string, bad bool) {
	m.notice = notice{text: board.Clean(text, 512), bad: bad, until: m.now.Add(noticeTime)}
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
		m.say(m.text(key+".failed", "slot", msg.slot, "reason", m.reason(msg.err)), true)
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
