package prototest

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// Config describes a line. The zero value is an instant, faultless one.
type Config struct {
	Baud     int    // bits per second, 10 bits a byte; 0: instant
	Buffer   int    // bytes the operating system queues per direction; default 4096
	Pacer    *Pacer // shared by many lines; default: the line's own
	ToHost   Line   // device to host
	ToDevice Line   // host to device
}

// Line is one direction of a line.
type Line struct {
	Latency time.Duration // added to every byte, as a USB adapter does (16 ms)
	Faults  Faults
	// Rewrite sees each frame as it is written and returns what goes on the line instead: raw itself, nothing, raw
	// twice, anything. n counts the frames of this kind and direction from 1. Nil: raw. It is called with the lane
	// locked and must not touch the line.
	Rewrite func(f serialproto.Frame, n int, raw []byte) []byte
}

// Conn is one end of a line. It is a link.Transport.
type Conn struct {
	in, out *lane
	once    sync.Once
	closed  atomic.Bool
	onClose func() error
}

var _ link.Transport = (*Conn)(nil)

// Pipe returns the two ends of a line.
func Pipe(cfg Config) (host, device *Conn) {
	if cfg.Buffer <= 0 {
		cfg.Buffer = defaultBuffer
	}
	if cfg.Pacer == nil {
		cfg.Pacer = NewPacer()
	}
	up, down := newLane(cfg.ToHost, cfg, cfg.Pacer), newLane(cfg.ToDevice, cfg, cfg.Pacer)
	return &Conn{in: up, out: down}, &Conn{in: down, out: up}
}

// Read reads what has arrived, waiting for the first byte. Like a device that was pulled out, a line whose far end is
// closed ends with io.EOF.
func (c *Conn) Read(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, os.ErrClosed
	}
	n, err := c.in.read(p)
	if err != nil && c.closed.Load() {
		err = os.ErrClosed
	}
	return n, err
}

// Write queues p, waiting for room.
func (c *Conn) Write(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, os.ErrClosed
	}
	n, err := c.out.write(p)
	if err != nil && c.closed.Load() {
		err = os.ErrClosed
	}
	return n, err
}

// Close ends both ends: this one with os.ErrClosed, the other with io.EOF.
func (c *Conn) Close() error {
	var err error
	c.once.Do(func() {
		c.closed.Store(true)
		c.in.end(io.EOF, true)
		c.out.end(io.EOF, false)
		if c.onClose != nil {
			err = c.onClose()
		}
	})
	return err
}

// SetReadDeadline bounds Reads, under way or to come. The zero time means none.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed.Load() {
		return os.ErrClosed
	}
	c.in.setGate(&c.in.rd, t)
	return nil
}

// SetWriteDeadline bounds Writes, under way or to come. The zero time means none.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed.Load() {
		return os.ErrClosed
	}
	c.out.setGate(&c.out.wr, t)
	return nil
}

// Unplug ends both ends with err (io.EOF where it is nil); bytes not yet read are lost.
func (c *Conn) Unplug(err error) {
	c.in.end(err, true)
	c.out.end(err, true)
}

// Stall stops both directions until the returned function is called; what is written meanwhile waits.
func (c *Conn) Stall() (resume func()) {
	c.in.hold(true)
	c.out.hold(true)
	return func() {
		c.in.hold(false)
		c.out.hold(false)
	}
}

// Inject makes this end hear p at once, as if the far end's boot loader, kernel or noise had said it.
func (c *Conn) Inject(p []byte) { c.in.inject(p) }

// Paced wraps the master side of a pty (or any stream) so that bytes through it take as long as on a real line, and
// suffer what cfg says. Two pumps move the bytes; they end when either side does. Closing the result closes rwc.
func Paced(rwc io.ReadWriteCloser, cfg Config) *Conn {
	near, far := Pipe(cfg)
	var once sync.Once
	var closeErr error
	shut := func(err error) {
		once.Do(func() { closeErr = rwc.Close() })
		if err == nil || errors.Is(err, os.ErrClosed) {
			err = io.EOF
		}
		far.in.end(err, false)
		far.out.end(err, false)
	}
	near.onClose = func() error {
		shut(nil)
		return closeErr
	}
	pump := func(dst io.Writer, src io.Reader) {
		// Plain reads and writes: io.Copy would look for ReadFrom and hand over more than a frame at once.
		buf := make([]byte, 1024)
		for {
			n, err := src.Read(buf)
			if n > 0 {
				if _, werr := dst.Write(buf[:n]); err == nil {
					err = werr
				}
			}
			if err != nil {
				shut(err)
				return
			}
		}
	}
	go pump(rwc, far)
	go pump(far, rwc)
	return near
}
