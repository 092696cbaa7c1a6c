package console

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"provstation/station"
)

const (
	firstPoke  = 2 * time.Second // silence after which the box is asked whether it has heard a request
	mostPoke   = 15 * time.Second
	maxUnheard = 12                   // requests that the box did not read, in a row
	maxAgain   = 40                   // times an answer is asked for again
	drainTime  = 2 * time.Millisecond // past deadlines read nothing
	shortLine  = 220
	slowPace   = 4 * time.Millisecond
	byteText   = 16 << 10 // of a line that is not ours, at most kept
)

// shell is the session with a box: requests and answers over a noisy line. It belongs to one goroutine.
type shell struct {
	term    *term
	token   string
	seq     uint64
	maxLine int
	buf     []byte // heard and not yet read
	loaded  map[string]bool
	secret  bool // a request with a secret is on its way: what comes is not recorded
	lost    bool // of no more use
	reset   bool // since the box has started anew
	outer   bool // the login shell is still there, under this one, and may be ended
}

func newToken() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return hex.EncodeToString(b[:])
}

// line returns the next line of the console without its end. What stands on the last line without one is left in buf.
func (s *shell) line(ctx context.Context, until time.Time) (string, error) {
	chunk := make([]byte, 4096)
	for {
		if i := bytes.IndexByte(s.buf, '\n'); i >= 0 {
			l := string(bytes.TrimRight(s.buf[:i], "\r"))
			s.buf = s.buf[i+1:]
			return l, nil
		}
		if len(s.buf) > byteText {
			s.buf = s.buf[len(s.buf)-1024:]
		}
		n, err := s.term.read(ctx, until, chunk)
		if err != nil {
			return "", err
		}
		s.buf = append(s.buf, chunk[:n]...)
	}
}

// next returns the next line in the form of an answer. Others are recorded, and judged: a box that boots or asks for a login has left the
// session.
func (s *shell) next(ctx context.Context, until time.Time) (frame, error) {
	for {
		l, err := s.line(ctx, until)
		if err != nil {
			if errors.Is(err, errQuiet) {
				if k := look(plain(s.buf), nil); k == seenLogin || k == seenPassword || k == seenBoot {
					s.lost = true
					return frame{}, station.ErrSessionLost
				}
			}
			return frame{}, err
		}
		if f := parseFrame(s.token, strings.TrimLeft(l, "\r")); f.kind != frameNone {
			return f, nil
		}
		if err := s.foreign(l); err != nil {
			return frame{}, err
		}
	}
}

// foreign takes a line that is no answer. Fragments of answers are not for the record.
func (s *shell) foreign(l string) error {
	text := plain([]byte(l))
	if text == "" {
		return nil
	}
	if !s.secret && !strings.Contains(text, s.token) {
		s.term.record([]byte(text + "\n"))
	}
	if bootText.MatchString(text) {
		s.lost, s.reset = true, true
		return station.ErrDeviceReset
	}
	return nil
}

// do has the box carry out a command and gives what it printed. Within bounds the time it may take. Errors: ErrDeviceReset,
// ErrSessionLost, ctx's, or a *station.Fault.
func (s *shell) do(ctx context.Context, within time.Duration, cmd string) (answer, error) {
	a, err := s.send(ctx, within, "x", cmd)
	if errors.Is(err, errUnheard) {
		s.slower()
		a, err = s.send(ctx, within, "x", cmd)
	}
	if errors.Is(err, errUnheard) {
		s.lost = true
		return a, station.ErrSessionLost
	}
	return a, err
}

// errUnheard: the box did not read the request, as often as it was sent. It was not carried out.
var errUnheard = errors.New("the box does not read what is sent")

// slower is for a box that loses what comes too fast.
func (s *shell) slower() {
	s.maxLine = min(s.maxLine, shortLine)
	s.term.pace = max(s.term.pace, slowPace)
}

// send sends a request; one that is longer than a line goes in pieces, each checked by itself.
func (s *shell) send(ctx context.Context, within time.Duration, kind, cmd string) (answer, error) {
	if s.fits(kind, cmd) {
		return s.request(ctx, within, kind, cmd)
	}
	if _, err := s.request(ctx, within, "d", "C="); err != nil {
		return answer{}, err
	}
	room := s.maxLine - 60
	for at := 0; at < len(cmd); {
		n := room
		piece := ""
		for n > 0 { // quoting may make it longer
			piece = `C=${C}` + quote(cmd[at:min(at+n, len(cmd))])
			if s.fits("d", piece) {
				break
			}
			n -= 8
		}
		if n <= 0 {
			return answer{}, badAnswer("a command does not fit the line")
		}
		if _, err := s.request(ctx, within, "d", piece); err != nil {
			return answer{}, err
		}
		at += n
	}
	return s.request(ctx, within, kind, `eval "$C"`)
}

func (s *shell) fits(kind, cmd string) bool {
	return len(cmd)+len(kind)+32 <= s.maxLine && !strings.ContainsAny(cmd, "\n\r")
}

// request does one line and its answer.
func (s *shell) request(ctx context.Context, within time.Duration, kind, cmd string) (answer, error) {
	if s.lost {
		return answer{}, station.ErrSessionLost
	}
	if err := s.drain(ctx); err != nil {
		return answer{}, err
	}
	s.seq++
	line := fmt.Sprintf("%d %s %s %s\r", s.seq, check(fmt.Sprintf("%d %s %s", s.seq, kind, cmd)), kind, cmd)
	if err := s.term.write(ctx, []byte(line)); err != nil {
		return answer{}, err
	}
	c := newCollector(s.seq)
	w := waiting{limit: time.Now().Add(within), within: within, poke: firstPoke}
	for {
		f, err := s.next(ctx, earlier(w.limit, time.Now().Add(w.poke)))
		if err == nil {
			err = s.heard(ctx, f, c, &w, line)
		} else if errors.Is(err, errQuiet) {
			err = s.silent(ctx, &w)
		}
		if err != nil {
			return answer{}, err
		}
		if f.kind != frameEnd || f.seq != s.seq {
			continue
		}
		if a, err := c.whole(); err == nil {
			return a, nil
		}
		if w.again++; w.again > maxAgain {
			return answer{}, s.stuck(ctx)
		}
		if err := s.poke(ctx); err != nil {
			return answer{}, err
		}
	}
}

// waiting is how far the patience with one request has come.
type waiting struct {
	limit          time.Time
	within, poke   time.Duration
	unheard, again int
}

// silent is for a box that says nothing: it is asked again, with growing pauses, up to the limit.
func (s *shell) silent(ctx context.Context, w *waiting) error {
	if !time.Now().Before(w.limit) {
		return s.stuck(ctx)
	}
	w.poke = min(2*w.poke, mostPoke)
	return s.poke(ctx)
}

// heard takes a line of an answer.
func (s *shell) heard(ctx context.Context, f frame, c *collector, w *waiting, line string) error {
	switch f.kind {
	case frameUnheard:
		if w.unheard++; w.unheard >= maxUnheard {
			return errUnheard
		}
		if w.unheard > 2 {
			s.term.pace = max(s.term.pace, slowPace)
		}
		return s.term.write(ctx, []byte(line))
	case frameWord:
		if f.words[0] == "bye" {
			s.lost = true
			return station.ErrSessionLost
		}
	case frameData: // a slow line takes its time
		w.limit = later(w.limit, time.Now().Add(w.within/2))
	}
	if err := c.add(f); err != nil {
		return badAnswer("%v", err)
	}
	return nil
}

// drain takes what was said since the last request. A box that has ended the session meanwhile, because nothing came or because it
// started anew, gets no request typed at its login.
func (s *shell) drain(ctx context.Context) error {
	for {
		f, err := s.next(ctx, time.Now().Add(drainTime))
		if errors.Is(err, errQuiet) {
			return nil
		}
		if err != nil {
			return err
		}
		if f.kind == frameWord && f.words[0] == "bye" {
			s.lost = true
			return station.ErrSessionLost
		}
	}
}

// poke asks whether the newest request was heard, and for its answer.
func (s *shell) poke(ctx context.Context) error {
	return s.term.write(ctx, fmt.Appendf(nil, "%d ?\r", s.seq))
}

// stuck gives a session up in which a command does not end: the interrupt ends it, and the shell with it.
func (s *shell) stuck(ctx context.Context) error {
	s.lost = true
	if err := s.term.write(ctx, []byte("\x03")); err != nil {
		return err
	}
	return station.ErrSessionLost
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// load defines the functions of a script, once in a session.
func (s *shell) load(ctx context.Context, within time.Duration, name, script string) error {
	if s.loaded[name] {
		return nil
	}
	text := b64([]byte(dense(script)))
	if _, err := s.send(ctx, within, "d", "L="); err != nil {
		return lostIfUnheard(err)
	}
	for room := s.maxLine - 60; len(text) > 0; {
		n := min(room, len(text))
		if _, err := s.send(ctx, within, "d", "L=${L}"+text[:n]); err != nil {
			return lostIfUnheard(err)
		}
		text = text[n:]
	}
	a, err := s.send(ctx, within, "d", `eval "$(printf %s "$L"|D)"`)
	if err != nil {
		return lostIfUnheard(err)
	}
	if a.status != 0 {
		return fault(station.CodeConsoleShell, station.Fail, "its shell does not take the functions of "+name)
	}
	s.loaded[name] = true
	return nil
}

func lostIfUnheard(err error) error {
	if errors.Is(err, errUnheard) {
		return station.ErrSessionLost
	}
	return err
}
