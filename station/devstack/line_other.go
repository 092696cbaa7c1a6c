//go:build !linux

package devstack

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// memoryLine is a line in memory, where there are no ptys: only a station in this very process can open it.
type memoryLine struct{ device *prototest.Conn }

func newLine(name string) (line, string, link.Transport, error) {
	station, device := prototest.Pipe(prototest.Config{})
	return &memoryLine{device}, "memory:" + name, &lease{Conn: station}, nil
}

func (l *memoryLine) open() (io.ReadWriteCloser, error) {
	if err := l.device.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if err := l.device.SetWriteDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return &lease{Conn: l.device}, nil
}

func (l *memoryLine) idle() {}

func (l *memoryLine) close() error { return l.device.Close() }

// lease is one use of an end: closing it unblocks its reader and writer and leaves the line.
type lease struct {
	*prototest.Conn
	closed atomic.Bool
}

func (l *lease) Read(p []byte) (int, error) {
	if l.closed.Load() {
		return 0, os.ErrClosed
	}
	return l.Conn.Read(p)
}

func (l *lease) Write(p []byte) (int, error) {
	if l.closed.Load() {
		return 0, os.ErrClosed
	}
	return l.Conn.Write(p)
}

// Close ends this use.
func (l *lease) Close() error {
	l.closed.Store(true)
	_ = l.SetWriteDeadline(time.Unix(1, 0))
	return l.SetReadDeadline(time.Unix(1, 0))
}
