package console

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"provstation/station"
)

const (
	mostQuiet = 30 * time.Second
	stale     = 2 * time.Second // age at which a prompt may be another box's
	wakeTries = 4               // wakes that something answered, and not with a prompt
	readSize  = 4096
	restless  = 8 // times Settle
)

// find listens until the console shows something to answer. It is silent until the console has been so long enough, and
// longer after boot text. Patience is the first wait; 0: as the profile says.
func (l *line) find(ctx context.Context, patience time.Duration) (seen, error) {
	quiet, answers, woken := cmp.Or(patience, l.cfg.Quiet), 0, false
	if time.Since(l.term.lastHeard()) > stale && l.cfg.Wake != WakeNever {
		l.screen.clear()
	}
	dirty, doubted, began := len(l.screen.text) > 0, false, time.Now()
	buf := make([]byte, readSize)
	for {
		n, err := l.term.read(ctx, l.lookAt(dirty, quiet), buf)
		switch {
		case err == nil:
			l.hear(buf[:n])
			if !dirty {
				dirty, began = true, time.Now()
			}
			if time.Since(began) < restless*l.settle() { // a console that is never quiet is looked at all the same
				continue
			}
		case !errors.Is(err, errQuiet):
			return seenNothing, err
		}
		if dirty || doubted {
			dirty = false
			text := plain(l.screen.text)
			s := look(text, l.prompt)
			was := doubted
			if doubted = s == seenShell && !l.believed(text); doubted {
				continue
			}
			if was && s == seenShell && l.cfg.Wake != WakeNever { // it is old by now: one that answers is a shell
				l.screen.clear()
				l.screen.boot, s = false, seenNothing
				quiet = 0 // woken now
			}
			if s != seenNothing {
				l.screen.boot = false
				return s, nil
			}
			if woken {
				answers++
			}
			if woken = false; answers >= wakeTries {
				return seenOther, nil
			}
			if quiet > 0 && (err != nil && !chatter(text) || time.Since(later(l.woken, l.screen.at)) < max(quiet, l.cfg.BootQuiet)) {
				continue
			}
		}
		if err := l.wake(ctx); err != nil {
			return seenNothing, err
		}
		woken, quiet = l.cfg.Wake != WakeNever, min(2*cmp.Or(quiet, l.cfg.Quiet), mostQuiet)
	}
}

// lookAt is until when the console may go on talking or being silent: what it has shown must stand for a moment; one that has
// shown nothing new is woken then.
func (l *line) lookAt(dirty bool, quiet time.Duration) time.Time {
	switch {
	case dirty:
		return time.Now().Add(l.settle())
	case l.screen.boot:
		quiet = max(quiet, l.cfg.BootQuiet)
	}
	return l.quietSince().Add(quiet)
}

// settle is how long a prompt must stand. What a box prints as it boots may look like one for a moment.
func (l *line) settle() time.Duration {
	if l.screen.boot {
		return 5 * l.cfg.Settle
	}
	return l.cfg.Settle
}

// believed reports whether a shell's prompt is to be answered. Boots draw with the signs of prompts: where boot text was heard, one that is
// not the profile's must have stood for as long as a boot may pause.
func (l *line) believed(text string) bool {
	if !l.screen.boot || l.prompt != nil {
		return true
	}
	if tail := lastLine(kernelText.ReplaceAllString(text, "")); tail != l.screen.asked || l.screen.since.Before(l.screen.booted) {
		l.screen.asked, l.screen.since = tail, time.Now()
	}
	return time.Since(l.screen.since) >= l.cfg.BootQuiet || time.Since(l.term.lastHeard()) >= l.cfg.BootQuiet
}

// chatter reports whether a running kernel has said all of it. Its messages are no reason to wait for ever: a login that was shown
// before the station listened is not shown again by itself.
func chatter(text string) bool {
	return strings.TrimSpace(kernelText.ReplaceAllString(text, "")) == "" && !bootText.MatchString(text)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// quietSince is when the console last said anything, or was last woken.
func (l *line) quietSince() time.Time {
	if t := l.term.lastHeard(); t.After(l.woken) {
		return t
	}
	return l.woken
}

func (l *line) wake(ctx context.Context) error {
	l.woken = time.Now()
	if w := wakes[l.cfg.Wake]; w != "" {
		return l.term.write(ctx, []byte(w))
	}
	return nil
}

// hear takes console text outside a session.
func (l *line) hear(p []byte) {
	l.screen.add(p)
	l.term.record(p)
}

// watch listens for a while on a console whose box is known. It reports whether the box has started anew.
func (l *line) watch(ctx context.Context, d time.Duration) (reset bool, err error) {
	until := time.Now().Add(d)
	buf := make([]byte, readSize)
	for {
		n, err := l.term.read(ctx, until, buf)
		if errors.Is(err, errQuiet) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		l.hear(buf[:n])
		if l.screen.reset {
			return true, nil
		}
	}
}

// notLogin says what stands on a console on which nobody can log in.
func (l *line) notLogin(s seen) *station.Fault {
	tail := lastLine(l.shown())
	switch s {
	case seenBoot:
		return l.said(station.CodeConsoleBoot, station.Error, tail)
	case seenChange:
		return l.said(station.CodeConsoleChange, station.Error, tail)
	default:
		return l.said(station.CodeConsolePrompt, station.Error, tail)
	}
}
