package console

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"provstation/serialproto"
)

const (
	pieceSize  = 16 // bytes between two pauses of a paced line
	writeLimit = 20 * time.Second
	logKeep    = 64 << 10 // newest bytes of console text kept
)

// errQuiet ends a read in whose time nothing came.
var errQuiet = errors.New("nothing was heard")

// term is the console as a stream of bytes, and the record of what was seen on it. Reading and writing belong to one
// goroutine; counters and record may be read by any.
type term struct {
	t    Transport
	path string
	pace time.Duration

	mu     sync.Mutex
	tx, rx uint64
	first  time.Time // first byte heard
	last   time.Time // newest byte heard, or when the port was opened
	log    []byte
	hider  hider // of a secret that the box was given
	hideAt int   // where the log stood as the box was given it: before, it was nobody's secret
}

func newTerm(t Transport, path string, pace time.Duration) *term {
	return &term{t: t, path: path, pace: pace, last: time.Now()}
}

// read returns what comes before a time. Errors: errQuiet, ctx's, or a *station.Fault of the port.
func (m *term) read(ctx context.Context, until time.Time, buf []byte) (int, error) {
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		_ = m.t.SetReadDeadline(until) // a port that is down says so in Read
		stop := context.AfterFunc(ctx, func() { _ = m.t.SetReadDeadline(time.Unix(1, 0)) })
		n, err := m.t.Read(buf)
		stop()
		if n > 0 {
			m.heard(buf[:n])
			return n, nil
		}
		switch {
		case err == nil:
			err = io.ErrNoProgress
		case errors.Is(err, os.ErrDeadlineExceeded):
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			if !time.Now().Before(until) {
				return 0, errQuiet
			}
			continue // the deadline of a context that is over already
		}
		return 0, portFault(m.path, err)
	}
}

func (m *term) heard(p []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = time.Now()
	if m.first.IsZero() {
		m.first = m.last
	}
	m.rx += uint64(len(p))
}

// write sends bytes, in pieces with pauses where the box needs them.
func (m *term) write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		n := len(p)
		if m.pace > 0 {
			n = min(n, pieceSize)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		_ = m.t.SetWriteDeadline(time.Now().Add(writeLimit))
		k, err := m.t.Write(p[:n])
		m.mu.Lock()
		m.tx += uint64(k)
		m.mu.Unlock()
		if err != nil {
			return portFault(m.path, err)
		}
		if p = p[n:]; len(p) > 0 && m.pace > 0 {
			if err := pause(ctx, m.pace); err != nil {
				return err
			}
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// record keeps console text.
func (m *term) record(p []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := max(m.hideAt, len(m.log)-hideReach)
	m.log = append(m.log, p...)
	if len(m.hider.secret) > 0 {
		text := m.hider.whole(m.log[from:])
		if from == m.hideAt {
			text = m.hider.head(text)
		}
		m.log = append(m.log[:from], text...)
	}
	if cut := len(m.log) - logKeep; cut > logKeep {
		m.log = append(m.log[:0], m.log[cut:]...)
		m.hideAt = max(m.hideAt-cut, 0)
	}
}

// hide keeps a secret out of the record from now on, wherever a box shows it.
func (m *term) hide(h hider) {
	m.mu.Lock()
	m.hider, m.hideAt = h, len(m.log)
	m.mu.Unlock()
}

// text is the record, escaped.
func (m *term) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := m.log[max(0, len(m.log)-logKeep):]
	if len(m.log) > m.hideAt {
		log = m.hider.tail(log)
	}
	return serialproto.EscapeConsole(log)
}

func (m *term) lastHeard() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
}
