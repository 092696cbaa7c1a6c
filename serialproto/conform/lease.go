package conform

import (
	"errors"
	"os"
	"sync"
	"time"

	"provstation/serialproto/link"
)

// lease is the transport lent to a link.Host or to pumps, which close what they are given. Closing it ends their reads and
// writes, waits until they have let go, and leaves the transport itself open for the next.
type lease struct {
	t    link.Transport
	mu   sync.Mutex // closed, and deadlines that must not be set after it
	shut bool
	use  sync.RWMutex // held for reading by each Read and Write
}

var _ link.Transport = (*lease)(nil)

func (l *lease) closed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shut
}

// ended gives errors after Close their class: the deadline that Close sets is nobody else's.
func (l *lease) ended(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) && l.closed() {
		return os.ErrClosed
	}
	return err
}

// Read implements link.Transport.
func (l *lease) Read(p []byte) (int, error) {
	l.use.RLock()
	defer l.use.RUnlock()
	if l.closed() {
		return 0, os.ErrClosed
	}
	n, err := l.t.Read(p)
	return n, l.ended(err)
}

// Write implements link.Transport.
func (l *lease) Write(p []byte) (int, error) {
	l.use.RLock()
	defer l.use.RUnlock()
	if l.closed() {
		return 0, os.ErrClosed
	}
	n, err := l.t.Write(p)
	return n, l.ended(err)
}

// SetReadDeadline implements link.Transport.
func (l *lease) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return os.ErrClosed
	}
	return l.t.SetReadDeadline(t)
}

// SetWriteDeadline implements link.Transport.
func (l *lease) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shut {
		return os.ErrClosed
	}
	return l.t.SetWriteDeadline(t)
}

// Close ends the lease. Errors: the transport's, where it cannot be used any more.
func (l *lease) Close() error {
	l.mu.Lock()
	if l.shut {
		l.mu.Unlock()
		return nil
	}
	l.shut = true
	past := time.Unix(1, 0)
	err := errors.Join(l.t.SetReadDeadline(past), l.t.SetWriteDeadline(past))
	l.mu.Unlock()
	l.use.Lock() // whoever was inside is out
	defer l.use.Unlock()
	return errors.Join(err, l.t.SetReadDeadline(time.Time{}), l.t.SetWriteDeadline(time.Time{}))
}

// dribble passes bytes on one at a time, both ways, with a pause now and then: a UART without a FIFO under a busy system.
type dribble struct {
	link.Transport
	pause time.Duration // after every sixteenth byte written
	count int
}

// Read implements link.Transport.
func (d *dribble) Read(p []byte) (int, error) {
	if len(p) > 1 {
		p = p[:1]
	}
	return d.Transport.Read(p)
}

// Write implements link.Transport.
func (d *dribble) Write(p []byte) (int, error) {
	for i := range p {
		if n, err := d.Transport.Write(p[i : i+1]); err != nil {
			return i + n, err
		}
		if d.count++; d.count%16 == 0 {
			<-time.After(d.pause)
		}
	}
	return len(p), nil
}
