package port

import (
	"errors"
	"os"
	"sync"
	"time"

	"go.bug.st/serial"
)

const (
	// DefaultBaud is the line speed of a zero Config.
	DefaultBaud = 115200
	// DefaultStuckAfter is the patience with a line that takes no byte.
	DefaultStuckAfter = 10 * time.Second

	maxBaud    = 20_000_000
	bufferSize = 64 << 10 // received and not yet read; beyond it the driver's own buffer fills
	pieceSize  = 256      // one write call; about one frame
	closeWait  = 2 * time.Second
	pieceGrace = 50 * time.Millisecond // for a cancelled write to say how far it came
)

// Level is what to do with a modem control line when the port opens.
type Level int8

// The levels of a modem control line.
const (
	// Leave keeps what opening the port did: both lines raised, on most systems.
	Leave Level = iota
	// Raise asserts the line.
	Raise
	// Drop de-asserts the line.
	Drop
)

// Config says how to open a port. The zero value is 115200 baud, 8N1, no flow
// control, modem lines left alone.
type Config struct {
	// Baud is the line speed; 0 means DefaultBaud.
	Baud int
	// DTR and RTS are set after opening, where the port has such lines (a pty
	// has not). The system raises both for some milliseconds on opening whatever
	// is asked for here, which resets boards wired for auto-reset.
	DTR, RTS Level
	// StuckAfter is how long the line may take no byte of a write before the
	// port is given up with ErrStuck; 0 means DefaultStuckAfter.
	StuckAfter time.Duration
	// Holders finds out who has a busy port; nil: by a look of its own.
	Holders *Holders
}

// Port is an open serial port. All methods may be called from several
// goroutines. Reads deliver what arrived since Open; what a former device left
// in the buffers is discarded by Open.
type Port struct {
	path       string
	line       line
	stuckAfter time.Duration

	readDeadline  *deadline
	writeDeadline *deadline

	mu      sync.Mutex
	buf     []byte
	fail    *Error        // sticky: why the port is down
	doze    time.Duration // least time between two reads of the line
	changed chan struct{} // closed and replaced when buf or fail changes
	dozes   chan struct{} // holds one token: doze has changed
	down    chan struct{} // closed when fail is set

	writing  chan struct{} // holds one token; its owner may send jobs
	jobs     chan job
	stalled  time.Time // since when the line takes nothing; owned by the token
	readDone chan struct{}
	jobsDone chan struct{}
	released chan struct{} // closed when the descriptors are closed
	closeErr error         // valid after released
}

// line is the byte stream below a Port. Read and Write block; Read never
// returns (0, nil). Both return errInterrupted once interrupt was called, as
// far as the system lets them.
type line interface {
	Read(b []byte) (int, error)
	// Write returns early only with an error.
	Write(b []byte) (int, error)
	// cancelWrite makes a Write in progress return errInterrupted with what it
	// has written, where the system can.
	cancelWrite()
	// interrupt does that for Read and Write, for good. hard says that nothing
	// in the output queue matters any more.
	interrupt(hard bool)
	Close() error
}

// Open opens the serial port at path, which may be a symbolic link, exclusively
// and in raw mode, and discards stale input. Errors are [*Error].
//
// A path tcp://host:port is the raw byte stream of a serial server, which sets
// speed and modem lines itself: Config.Baud must be what is set there, and DTR
// and RTS have no effect. Open waits 5 s for it at most; none that answers is
// ErrNotFound, a connection that ends is ErrGone, and a server that was cut off
// is gone within 15 s. One connection to an address is let through; a second is
// ErrBusy, on Linux from this whole machine, elsewhere by the server's own rule.
func Open(path string, cfg Config) (*Port, error) {
	if cfg.Baud == 0 {
		cfg.Baud = DefaultBaud
	}
	if cfg.StuckAfter <= 0 {
		cfg.StuckAfter = DefaultStuckAfter
	}
	if cfg.Baud < 0 || cfg.Baud > maxBaud {
		return nil, &Error{Op: "open", Path: path, Kind: ErrUnsupported, Err: errors.New("baud rate out of range")}
	}
	var l line
	var early []byte
	var err error
	if IsNetwork(path) {
		l, early, err = openTCP(path)
	} else {
		l, early, err = openLine(path, cfg)
	}
	if err != nil {
		e := newError("open", path, err)
		if errors.Is(e.Kind, ErrBusy) {
			e.Holder, _ = cfg.Holders.find(path)
		}
		return nil, e
	}
	return newPort(path, l, early, cfg.StuckAfter), nil
}

// newPort starts the reader and the writer of an open line.
func newPort(path string, l line, early []byte, stuckAfter time.Duration) *Port {
	p := &Port{
		path: path, line: l, stuckAfter: stuckAfter, buf: early,
		readDeadline: newDeadline(), writeDeadline: newDeadline(),
		changed: make(chan struct{}), dozes: make(chan struct{}, 1), down: make(chan struct{}),
		writing: make(chan struct{}, 1), jobs: make(chan job),
		readDone: make(chan struct{}), jobsDone: make(chan struct{}), released: make(chan struct{}),
	}
	go p.readLoop()
	go p.writeLoop()
	return p
}

// Path is the path that was given to Open.
func (p *Port) Path() string { return p.path }

// SetReadDeadline bounds current and future reads; the zero time removes the
// bound. A read past it returns os.ErrDeadlineExceeded and the port stays usable.
func (p *Port) SetReadDeadline(t time.Time) error {
	p.readDeadline.set(t)
	return p.failure("set read deadline")
}

// SetWriteDeadline bounds current and future writes, as SetReadDeadline does
// for reads.
func (p *Port) SetWriteDeadline(t time.Time) error {
	p.writeDeadline.set(t)
	return p.failure("set write deadline")
}

// failure returns why the port is down, or nil.
func (p *Port) failure(op string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail == nil {
		return nil
	}
	return p.fail.during(op)
}

// during returns a copy of e for another operation.
func (e *Error) during(op string) *Error {
	c := *e
	c.Op = op
	return &c
}

// Close stops all reads and writes, which return os.ErrClosed, and releases the
// port, so that it can be opened again under its name. A driver that does not
// let go within two seconds is left behind and reported as ErrStuck. Closing
// again is harmless and returns nil, as does closing a port that is gone.
func (p *Port) Close() error {
	first := p.shut(&Error{Op: "close", Path: p.path, Kind: os.ErrClosed}, false)
	t := time.NewTimer(closeWait)
	defer t.Stop()
	select {
	case <-p.released:
	case <-t.C:
		return &Error{Op: "close", Path: p.path, Kind: ErrStuck}
	}
	if first && p.closeErr != nil {
		if e := newError("close", p.path, p.closeErr); !errors.Is(e.Kind, ErrGone) {
			return e
		}
	}
	return nil
}

// shut takes the port down for the reason given, once; it reports whether this
// was the call that did. The descriptors are released in the background: a
// device that is plugged in again gets its old name only when nobody holds the
// old one open.
func (p *Port) shut(reason *Error, hard bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return false
	}
	p.fail = reason
	close(p.down)
	p.broadcast()
	go p.release(hard)
	return true
}

// release stops both loops and closes the line. Closing comes last: a
// descriptor number must not be free while a loop may still use it.
func (p *Port) release(hard bool) {
	defer close(p.released)
	p.line.interrupt(hard)
	<-p.readDone
	t := time.NewTimer(closeWait / 2)
	defer t.Stop()
	select {
	case <-p.jobsDone:
	case <-t.C:
		// Only where a write cannot be interrupted. It is inside the driver,
		// which keeps the device until the call returns, so closing is safe.
	}
	p.closeErr = p.line.Close()
}

// broadcast wakes everybody who waits for a change. Caller holds mu.
func (p *Port) broadcast() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// applyLines sets the modem lines. A port without them (a pty) is no failure
// unless a level was asked for explicitly and the driver refuses for another
// reason than having none.
func applyLines(sp serial.Port, cfg Config) error {
	for _, l := range []struct {
		level Level
		set   func(bool) error
	}{{cfg.DTR, sp.SetDTR}, {cfg.RTS, sp.SetRTS}} {
		if l.level == Leave {
			continue
		}
		if err := l.set(l.level == Raise); err != nil && !noModemLines(err) {
			return err
		}
	}
	return nil
}
