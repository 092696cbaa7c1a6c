package main

import (
	"context"
	"errors"
	"regexp"
	"sync"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/station/config"
)

const (
	glance     = 50 * time.Millisecond   // between two looks at what came
	promptRest = 1500 * time.Millisecond // how long a prompt must stand: an agent beside it announces itself four times a second
	afterwards = time.Second             // listened to once an agent has been heard: what else speaks on its line
	greetLimit = 10 * time.Second
	probeAfter = time.Second // without an ANNOUNCE
	byeLimit   = 2 * time.Second
)

// listener opens a port as its profile says and listens.
type listener struct {
	profile config.DeviceProfile
	open    func(baud int) (link.Transport, error)
	limit   time.Duration // of the listening
	probe   bool          // speak first
	mute    bool          // send nothing whatever comes
}

// hearing is what one opening of the port gave.
type hearing struct {
	speech
	Baud     int
	Took     time.Duration
	First    time.Duration // from opening to the first byte; negative: none came
	Sent     int           // bytes
	Announce *serialproto.Announce
	Welcome  *serialproto.Welcome
	Status   *serialproto.StatusResult
	GreetErr error // why a device that announced itself was not greeted
	Gone     error // the port went away
}

// listen opens the port at a speed and listens until it is clear what is there, or the time is over. The error is that of
// opening.
func (l *listener) listen(ctx context.Context, baud int) (hearing, error) {
	t, err := l.open(baud)
	if err != nil {
		return hearing{}, err
	}
	rec := &recorder{Transport: t, opened: time.Now()}
	host := link.NewHost(rec, link.HostConfig{
		Baud: baud, Probe: l.probe, MTU: l.profile.MTU, Window: l.profile.Window, MaxMessage: l.profile.MaxMessage, KeepAlive: -1,
	})
	defer host.Close()
	h := hearing{Baud: baud}
	lctx, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	l.attend(lctx, host, rec, &h)
	if h.Announce != nil || h.Welcome != nil {
		l.meet(ctx, host, rec, &h)
	}
	h.speech = judgeSpeech(rec.segments(), l.prompt())
	if h.Welcome != nil { // it was probed: what came is its session
		h.Announced, h.Garbage = max(h.Announced, 1), false
	}
	h.Took, h.First, h.Sent = time.Since(rec.opened), rec.first(), rec.sentBytes()
	return h, ctx.Err()
}

// attend listens until an agent announced itself, a prompt stands, nothing but garbage comes, or ctx ends.
func (l *listener) attend(ctx context.Context, host *link.Host, rec *recorder, h *hearing) {
	spoken, o := false, opinion{prompt: l.prompt()}
	for {
		gctx, cancel := context.WithTimeout(ctx, glance)
		a, err := host.WaitAnnounce(gctx)
		cancel()
		switch {
		case err == nil:
			h.Announce = &a
			return
		case ctx.Err() != nil:
			return
		case !errors.Is(err, context.DeadlineExceeded):
			h.Gone = err
			return
		}
		said, quiet := o.of(rec), rec.quiet()
		if l.settled(said, quiet) {
			return
		}
		if !spoken && l.maySpeak(said, quiet) {
			spoken = true
			if l.profile.Driver == config.DriverConsole {
				rec.wake(l.profile.Console.Wake)
				continue
			}
			if w, err := greet(ctx, host); err == nil {
				h.Welcome = &w
				return
			}
		}
	}
}

// opinion is what was last thought of what came. It is formed anew only when more came: a judgement goes through all that is kept.
type opinion struct {
	prompt *regexp.Regexp
	said   speech
	heard  uint64 // bytes that it is of
	formed int    // how often it was
}

func (o *opinion) of(rec *recorder) speech {
	if n := rec.heard(); o.formed == 0 || n != o.heard {
		o.heard = n
		o.said = judgeSpeech(rec.segments(), o.prompt)
		o.formed++
	}
	return o.said
}

// settled reports whether nothing more is to be expected.
func (l *listener) settled(s speech, quiet time.Duration) bool {
	switch {
	case s.Garbage:
		return s.Bytes >= 512 || quiet >= time.Second
	case s.Login, s.Shell:
		return quiet >= promptRest
	default:
		return false
	}
}

// maySpeak reports whether it is time to say something to a port that says nothing: where the profile or a flag asks for it, and
// never into a countdown.
func (l *listener) maySpeak(s speech, quiet time.Duration) bool {
	if l.mute || s.Countdown || s.Login || s.Shell {
		return false
	}
	if l.profile.Driver != config.DriverConsole {
		return l.probe && quiet >= probeAfter
	}
	c := l.profile.Console
	switch {
	case l.probe:
		return quiet >= probeAfter
	case c.Wake == config.WakeNever:
		return false
	case s.kind() == heardBoot:
		return quiet >= c.BootQuiet.D()
	default:
		return quiet >= c.Quiet.D()
	}
}

// meet greets a device that announced itself, asks what it holds, says goodbye, and listens a little longer.
func (l *listener) meet(ctx context.Context, host *link.Host, rec *recorder, h *hearing) {
	if !l.mute {
		if h.Welcome == nil {
			rec.pause()
			w, err := greet(ctx, host)
			if err != nil {
				h.GreetErr = err
			} else {
				h.Welcome = &w
			}
		}
		if h.Welcome != nil {
			h.Status = ask(ctx, host)
		}
		bctx, cancel := context.WithTimeout(ctx, byeLimit)
		_ = host.Bye(bctx) // the device comes back by itself in any case
		cancel()
		rec.resume()
	}
	select {
	case <-ctx.Done():
	case <-time.After(afterwards):
	}
}

func greet(ctx context.Context, host *link.Host) (serialproto.Welcome, error) {
	ctx, cancel := context.WithTimeout(ctx, greetLimit)
	defer cancel()
	return host.Greet(ctx)
}

// ask asks what the device holds; nil if it does not say.
func ask(ctx context.Context, host *link.Host) *serialproto.StatusResult {
	ctx, cancel := context.WithTimeout(ctx, greetLimit)
	defer cancel()
	var s serialproto.StatusResult
	if err := host.Call(ctx, &serialproto.SimpleArgs{Op: serialproto.OpStatus}, &s); err != nil {
		return nil
	}
	return &s
}

// prompt is what the profile says of a shell's prompt; nil: the usual ones.
func (l *listener) prompt() *regexp.Regexp {
	if l.profile.Console.Prompt == "" {
		return nil
	}
	re, err := regexp.Compile(l.profile.Console.Prompt)
	if err != nil {
		return nil // validated
	}
	return re
}

// recorder is an open port whose newest bytes are kept, but for those of our own sessions.
type recorder struct {
	link.Transport
	opened time.Time

	mu      sync.Mutex
	kept    [][]byte
	paused  bool
	started time.Time // first byte
	last    time.Time
	sent    int
	got     uint64
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Transport.Read(p)
	if n > 0 {
		r.mu.Lock()
		r.got += uint64(n)
		r.last = time.Now()
		if r.started.IsZero() {
			r.started = r.last
		}
		if !r.paused {
			if len(r.kept) == 0 {
				r.kept = append(r.kept, nil)
			}
			seg := &r.kept[len(r.kept)-1]
			*seg = append(*seg, p[:n]...)
			*seg = (*seg)[max(0, len(*seg)-mostText):]
		}
		r.mu.Unlock()
	}
	return n, err
}

func (r *recorder) Write(p []byte) (int, error) {
	n, err := r.Transport.Write(p)
	r.mu.Lock()
	r.sent += n
	r.mu.Unlock()
	return n, err
}

// pause leaves out what comes, until resume begins another segment.
func (r *recorder) pause() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = true
}

func (r *recorder) resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = false
	r.kept = append(r.kept, nil)
}

// segments is a copy of what was kept.
func (r *recorder) segments() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([][]byte, len(r.kept))
	for i, seg := range r.kept {
		out[i] = append([]byte(nil), seg...)
	}
	return out
}

// quiet is how long nothing has come.
func (r *recorder) quiet() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last.IsZero() {
		return time.Since(r.opened)
	}
	return time.Since(r.last)
}

// heard is how many bytes came.
func (r *recorder) heard() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

func (r *recorder) first() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.started.IsZero() {
		return -1
	}
	return r.started.Sub(r.opened)
}

func (r *recorder) sentBytes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// wake sends what wakes a console. With wake: never it was asked for by a flag.
func (r *recorder) wake(how string) {
	text := map[string]string{config.WakeLF: "\n", config.WakeCtrlC: "\x03"}[how]
	if text == "" {
		text = "\r"
	}
	_ = r.SetWriteDeadline(time.Now().Add(byeLimit))
	_, _ = r.Write([]byte(text)) // a port that takes nothing says so by its silence
}
