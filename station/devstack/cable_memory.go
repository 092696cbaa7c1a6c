package devstack

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// memoryCable is a line in memory, where there are no ptys: only a station in this very process can open it.
type memoryCable struct{ station, device *prototest.Conn }

func newMemoryCable() *memoryCable {
	station, device := prototest.Pipe(prototest.Config{})
	return &memoryCable{station, device}
}

// cableOf is how lines are made: as this system has them, or in memory.
func cableOf(memory bool) func(link string) (cable, string, error) {
	if memory {
		return memoryPort
	}
	return newCable
}

// memoryPort makes a line in memory with a name that stands for the place whose link there would be.
func memoryPort(link string) (cable, string, error) {
	return newMemoryCable(), "memory:" + filepath.Base(link), nil
}

func (l *memoryCable) open() (io.ReadWriteCloser, error) { return newLease(l.device) }

func (l *memoryCable) dial() (link.Transport, error) { return newLease(l.station) }

// unlock: a line in memory has no lock.
func (l *memoryCable) unlock() {}

func (l *memoryCable) close() error { return l.device.Close() }

// lease is one use of an end: closing it unblocks its reader and writer and leaves the line to the next.
type lease struct {
	*prototest.Conn
	once   sync.Once
	closed atomic.Bool
}

func newLease(c *prototest.Conn) (*lease, error) {
	if err := errors.Join(c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})); err != nil {
		return nil, err
	}
	return &lease{Conn: c}, nil
}

func (l *lease) Read(p []byte) (int, error) {
	if l.closed.Load() {
		return 0, os.ErrClosed
	}
	n, err := l.Conn.Read(p)
	return n, l.own(err)
}

func (l *lease) Write(p []byte) (int, error) {
	if l.closed.Load() {
		return 0, os.ErrClosed
	}
	n, err := l.Conn.Write(p)
	return n, l.own(err)
}

// own says that this use is over, where that is why a read or write ended.
func (l *lease) own(err error) error {
	if err != nil && l.closed.Load() {
		return os.ErrClosed
	}
	return err
}

// SetReadDeadline bounds Reads of this use.
func (l *lease) SetReadDeadline(t time.Time) error {
	if l.closed.Load() {
		return os.ErrClosed
	}
	return l.Conn.SetReadDeadline(t)
}

// SetWriteDeadline bounds Writes of this use.
func (l *lease) SetWriteDeadline(t time.Time) error {
	if l.closed.Load() {
		return os.ErrClosed
	}
	return l.Conn.SetWriteDeadline(t)
}

// Close ends this use. A line that was taken away is no error.
func (l *lease) Close() error {
	l.once.Do(func() {
		l.closed.Store(true)
		past := time.Unix(1, 0)
		_, _ = l.Conn.SetWriteDeadline(past), l.Conn.SetReadDeadline(past)
	})
	return nil
}
