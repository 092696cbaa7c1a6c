package port

import (
	"fmt"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
)

// readPoll is how long the library may sit in one read where it cannot be
// interrupted: an idle port then costs four wake-ups a second.
const readPoll = 250 * time.Millisecond

// libraryLine is a line that has nothing but the library: the way of every
// system but Linux.
type libraryLine struct {
	sp      serial.Port
	stopped atomic.Bool
}

func openLibraryLine(path string, cfg Config) (line, []byte, error) {
	sp, err := serial.Open(path, &serial.Mode{BaudRate: cfg.Baud})
	if err != nil {
		return nil, nil, err
	}
	early, err := prepare(sp, cfg, readPoll)
	if err != nil {
		_ = sp.Close()
		return nil, nil, err
	}
	return &libraryLine{sp: sp}, early, nil
}

// prepare discards stale input, sets the modem lines and the read time limit,
// and reads once, so that a descriptor which the library cannot wait on is
// found here and not in the middle of a run. It returns what that read got.
func prepare(sp serial.Port, cfg Config, limit time.Duration) ([]byte, error) {
	if err := sp.ResetInputBuffer(); err != nil {
		return nil, fmt.Errorf("discard stale input: %w", err)
	}
	if err := applyLines(sp, cfg); err != nil {
		return nil, fmt.Errorf("set modem lines: %w", err)
	}
	if err := sp.SetReadTimeout(0); err != nil {
		return nil, fmt.Errorf("set read timeout: %w", err)
	}
	early := make([]byte, 512)
	n, err := guardedRead(sp, early)
	if err != nil && !wouldBlock(err) {
		return nil, fmt.Errorf("first read: %w", err)
	}
	if err := sp.SetReadTimeout(limit); err != nil {
		return nil, fmt.Errorf("set read timeout: %w", err)
	}
	return early[:n], nil
}

// guardedRead reads once. The library waits with select(2), whose set has room
// for 1024 descriptors, and indexes past its end for higher numbers, of the
// port as well as of its own wake-up pipe.
func guardedRead(sp serial.Port, b []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, &classed{ErrTooManyDescriptors, fmt.Sprint(r)}
		}
	}()
	return sp.Read(b)
}

// Read implements line.
func (l *libraryLine) Read(b []byte) (int, error) {
	for !l.stopped.Load() {
		n, err := guardedRead(l.sp, b)
		if n > 0 || err != nil && !wouldBlock(err) {
			return n, err
		}
	}
	return 0, errInterrupted
}

// Write implements line. The library writes once and may return short.
func (l *libraryLine) Write(b []byte) (int, error) {
	total := 0
	for total < len(b) {
		if l.stopped.Load() {
			return total, errInterrupted
		}
		n, err := l.sp.Write(b[total:])
		total += n
		if err != nil && !wouldBlock(err) {
			return total, err
		}
	}
	return total, nil
}

func (l *libraryLine) cancelWrite() {}

func (l *libraryLine) interrupt(hard bool) {
	l.stopped.Store(true)
	if hard {
		// Frees a writer that waits for room, with drivers that support it.
		_ = l.sp.ResetOutputBuffer()
	}
}

// Close implements line.
func (l *libraryLine) Close() error { return l.sp.Close() }
