package campaign_test

import (
	"os"
	"sync"
	"sync/atomic"
	"time"

	"provstation/serialproto/prototest"
)

// lease is one use of an end of a line: closing it leaves the line to the next. It can be made dead, as the descriptor of a
// process that was killed is.
type lease struct {
	*prototest.Conn
	once  sync.Once
	over  atomic.Bool
	heard func(p []byte) // told of what was read; nil: nobody is

	read    func(n int) bool // asked about what was read; true: another program has it
	writing func()           // called before a write
	closing func()           // called before it is closed
}

func newLease(c *prototest.Conn) *lease {
	_, _ = c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{}) // an end that is closed says so when it is used
	return &lease{Conn: c}
}

func (l *lease) Read(p []byte) (int, error) {
	if l.over.Load() {
		return 0, os.ErrClosed
	}
	n, err := l.Conn.Read(p)
	for err == nil && l.read != nil && l.read(n) && !l.over.Load() {
		n, err = l.Conn.Read(p)
	}
	if l.over.Load() {
		return 0, os.ErrClosed
	}
	if l.heard != nil && n > 0 {
		l.heard(p[:n])
	}
	return n, err
}

func (l *lease) Write(p []byte) (int, error) {
	if l.over.Load() {
		return 0, os.ErrClosed
	}
	if l.writing != nil {
		l.writing()
	}
	n, err := l.Conn.Write(p)
	if err != nil && l.over.Load() {
		err = os.ErrClosed
	}
	return n, err
}

func (l *lease) SetReadDeadline(t time.Time) error {
	if l.over.Load() {
		return os.ErrClosed
	}
	return l.Conn.SetReadDeadline(t)
}

func (l *lease) SetWriteDeadline(t time.Time) error {
	if l.over.Load() {
		return os.ErrClosed
	}
	return l.Conn.SetWriteDeadline(t)
}

func (l *lease) Close() error {
	l.once.Do(func() {
		if l.closing != nil {
			l.closing()
		}
		l.over.Store(true)
		past := time.Unix(1, 0)
		_, _ = l.Conn.SetWriteDeadline(past), l.Conn.SetReadDeadline(past)
	})
	return nil
}
