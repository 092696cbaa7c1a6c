package console

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"sync"
	"time"

	"provstation/station"
)

const (
	watchTime  = time.Second // how often a box that is known announces itself to the bench
	leaveTime  = 4 * time.Second
	noteKeep   = 64
	closeWrite = 300 * time.Millisecond
	meetTries  = 3 // sessions begun with a box before it is announced without one
)

// line is one console, from the port's opening to its end. Its methods are called by one goroutine, Close by any.
type line struct {
	cfg    Config
	prompt *regexp.Regexp // the profile's, at the end of a line; nil: any shell's
	path   string
	term   *term

	screen screen
	woken  time.Time
	have   map[string]bool // programs of the box

	hider  hider // of the password that was sent last
	logins tried // the password, as the login program took it
	sudos  tried // and sudo
	broken bool  // the last Greet ended with a session that was lost: the next is the run's, not a person's

	opening *opening
	sess    *shell
	used    bool // the session has been greeted
	box     facts
	known   *station.Announcement // the box that is there, as it was announced
	pending error                 // why its login failed, for the run that begins with it

	texts map[string]string // public files by their digest

	mu     sync.Mutex
	notes  []string
	inside bool // the box is in a session of this line
}

// opening is a login that a Wait has begun and that goes on while the bench does other things.
type opening struct {
	done   chan struct{}
	cancel context.CancelFunc
	a      station.Announcement
	fault  error // of the login
	err    error // of the port
}

var _ station.Line = (*line)(nil)

func newLine(cfg Config, path string, t Transport) *line {
	prompt, _ := atEnd(cfg.Prompt) // Config.Check has compiled it
	return &line{cfg: cfg, prompt: prompt, path: path, term: newTerm(t, path, cfg.Pace), woken: time.Now(), texts: map[string]string{}}
}

// Wait finds the box that is there, once: it logs in and asks who it is. From then on it says so again each second, and looks
// anew only after the box has started anew. A login that fails is announced too, without a serial: the run that begins with it
// ends with the reason.
func (l *line) Wait(ctx context.Context) (station.Announcement, error) {
	if l.opening == nil && l.sess != nil { // nobody has greeted the box, or nobody said goodbye
		l.Bye(ctx)
	}
	if l.known != nil {
		if reset, err := l.watch(ctx, watchTime); err != nil || !reset {
			return *l.known, err
		}
		l.known = nil
		l.restarted()
	}
	if l.opening == nil {
		l.open()
	}
	o := l.opening
	select {
	case <-ctx.Done():
		return station.Announcement{}, ctx.Err()
	case <-o.done:
	}
	l.opening = nil
	if o.err != nil {
		return station.Announcement{}, o.err
	}
	l.known, l.pending, l.used = &o.a, o.fault, false
	return o.a, nil
}

// open begins to look for a box and to log in. The goroutine has the line until it is done.
func (l *line) open() {
	ctx, cancel := context.WithCancel(context.Background())
	o := &opening{done: make(chan struct{}), cancel: cancel}
	l.opening = o
	go func() {
		defer close(o.done)
		defer cancel()
		o.a, o.fault, o.err = l.meet(ctx)
	}()
}

// meet waits for a console to show something, logs in and asks who the box is.
func (l *line) meet(ctx context.Context) (a station.Announcement, login, err error) {
	for try := 1; ; try++ {
		if _, err = l.find(ctx, 0); err != nil {
			return a, nil, err
		}
		l.screen.reset = false
		err = l.begin(ctx)
		if err == nil {
			l.box, err = l.sess.look(ctx, l)
		}
		switch {
		case err == nil:
			return l.announcement(), nil, nil
		case wasLost(err) && try < meetTries:
			if errors.Is(err, station.ErrDeviceReset) {
				l.screen.boot, l.screen.at = true, time.Now()
			}
			continue
		case wasLost(err):
			err = l.neverBegins()
		case ctx.Err() != nil:
			return a, nil, ctx.Err()
		}
		if f, ok := station.AsFault(err); ok && isPort(f.Code) {
			return a, nil, err
		}
		var boot [8]byte // nobody knows: new each time
		_, _ = rand.Read(boot[:])
		return station.Announcement{BootID: hex.EncodeToString(boot[:])}, err, nil
	}
}

func wasLost(err error) bool {
	return errors.Is(err, station.ErrDeviceReset) || errors.Is(err, station.ErrSessionLost)
}

// neverBegins is for a box that leaves each session as it begins.
func (l *line) neverBegins() error {
	l.sess = nil
	if l.sudos.spent {
		return l.withUser(fault(station.CodeConsoleLogin, station.Error, "sudo"))
	}
	return fault(station.CodeConsoleShell, station.Fail, "each session is lost as it begins")
}

// restarted notes that the box started anew before it said what it made of a password.
func (l *line) restarted() {
	l.logins.restart()
	l.sudos.restart()
}

func isPort(c station.Code) bool {
	return c == station.CodePortGone || c == station.CodePortStuck || c == station.CodePortBad || c == station.CodePortBusy || c == station.CodePortDenied
}

func (l *line) announcement() station.Announcement {
	return station.Announcement{HardwareSerial: l.box.serial, Model: l.box.model, BootID: l.box.boot}
}

// Greet has a session with the box, and says who and what it is. The first one after Wait has found a box whose login
// failed gives the reason; one after that is a person's wish to try again.
func (l *line) Greet(ctx context.Context) (station.Greeting, error) {
	if o := l.opening; o != nil { // not by a keeper
		o.cancel()
		<-o.done
		l.opening = nil
	}
	if err := l.pending; err != nil {
		l.pending = nil
		return station.Greeting{}, err
	}
	if l.sess == nil || l.sess.lost || (l.used && !l.alive(ctx)) {
		if l.sess == nil && !l.used && l.known != nil && !l.broken { // a person asks
			l.logins.forget()
			l.sudos.forget()
		}
		err := l.again(ctx)
		l.broken = err != nil && wasLost(err)
		if err != nil {
			return station.Greeting{}, err
		}
	}
	l.used = true
	return l.greeting(ctx)
}

// again begins a new session. A box that has started anew may take as long for it as ctx does; only the login itself is bound.
func (l *line) again(ctx context.Context) error {
	if l.sess != nil && l.sess.reset {
		l.screen.boot, l.screen.at = true, time.Now()
	}
	if l.sess != nil {
		l.screen.clear()
		l.hear(l.sess.buf) // what it had begun to say
	}
	l.sess = nil
	if _, err := l.find(ctx, 0); err != nil {
		return err
	}
	l.screen.reset = false
	return l.begin(ctx)
}

// alive asks whether the shell still answers.
func (l *line) alive(ctx context.Context) bool {
	_, err := l.sess.do(ctx, l.cfg.Command, ":")
	return err == nil
}

// greeting asks who the box is and what it holds.
func (l *line) greeting(ctx context.Context) (station.Greeting, error) {
	var err error
	if l.box, err = l.sess.look(ctx, l); err != nil {
		return station.Greeting{}, err
	}
	h, err := l.held(ctx)
	if err != nil {
		return station.Greeting{}, err
	}
	a := l.announcement()
	l.known = &a
	l.setInside(true)
	g := station.Greeting{
		HardwareSerial: a.HardwareSerial, Model: a.Model, BootID: a.BootID, Firmware: l.box.firmware, State: h.state,
		Clock: l.box.clock, HeardAt: l.box.heard, SignTLS13: true, SetClock: l.box.root, WireGuard: l.box.wireGuard(l.have),
		ChecksBroker: checksBroker(l.have),
	}
	g.SPKIPrefix, g.LeafPrefix = prefix16(h.spki), prefix16(h.leaf)
	l.say(h)
	return g, nil
}

func prefix16(sum []byte) []byte {
	if len(sum) < 16 {
		return nil
	}
	return slices.Clone(sum[:16])
}

func (l *line) setInside(on bool) {
	l.mu.Lock()
	l.inside = on
	l.mu.Unlock()
}

// Bye leaves the box as it was found and logs out. It takes a few seconds at most, whatever ctx allows.
func (l *line) Bye(ctx context.Context) {
	s := l.sess
	l.sess, l.used = nil, false
	l.setInside(false)
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	l.screen.clear()
	if s.lost { // it was interrupted, or the box has left by itself
		return
	}
	l.screen.boot = false
	if err := l.term.write(ctx, []byte("exit\r")); err != nil {
		return
	}
	half := time.Now().Add(leaveTime / 2)
	for interrupted := false; ; {
		f, err := s.next(ctx, half)
		if errors.Is(err, errQuiet) && !interrupted { // it is busy with what nobody waits for any more
			interrupted, half = true, time.Now().Add(leaveTime/2)
			err = l.term.write(ctx, []byte("\x03"))
		}
		if err != nil {
			return
		}
		if f.kind == frameWord && f.words[0] == "bye" {
			break
		}
	}
	l.hear(slices.Clone(s.buf))
	if !s.outer { // the login shell was replaced: its end was the login's
		return
	}
	if k, err := l.find(ctx, leaveTime); err == nil && k == seenShell {
		_ = l.term.write(ctx, []byte("exit\r"))
	}
}

// Close lets go of the port. A session that is open is told to end, as far as the line takes it at once.
func (l *line) Close() error {
	l.mu.Lock()
	inside := l.inside
	l.inside = false
	l.mu.Unlock()
	if inside {
		_ = l.term.t.SetWriteDeadline(time.Now().Add(closeWrite))
		_, _ = l.term.t.Write([]byte("exit\r"))
	}
	return l.term.t.Close()
}

func (l *line) FirstByte() time.Time {
	l.term.mu.Lock()
	defer l.term.mu.Unlock()
	return l.term.first
}

func (l *line) Traffic() (tx, rx uint64) {
	l.term.mu.Lock()
	defer l.term.mu.Unlock()
	return l.term.tx, l.term.rx
}

// note keeps what a person has to know of the box.
func (l *line) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.notes) < noteKeep && !slices.Contains(l.notes, text) {
		l.notes = append(l.notes, text)
	}
}

// AgentLog takes what was noted since the last call: a box without an agent has no log of one.
func (l *line) AgentLog() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.notes
	l.notes = nil
	return n
}

func (l *line) BootLog() string { return l.term.text() }
