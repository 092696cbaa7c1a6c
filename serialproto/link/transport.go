package link

import (
	"errors"
	"io"
	"time"

	"provstation/serialproto"
)

// Transport is a byte stream with deadlines. An expired deadline must satisfy errors.Is(err, os.ErrDeadlineExceeded);
// Close must unblock Read and Write. Read must not return (0, nil) for a timeout.
type Transport interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Error classes. What Host and Device return wraps them in an OpError.
var (
	// ErrReset: the device started anew or left the session. Greet again, ask STATUS, carry on at the first missing step.
	ErrReset = errors.New("device left the session")
	// ErrNoProgress: polled as often as allowed and nothing sound came back.
	ErrNoProgress = errors.New("no answer from the device")
	// ErrProtocol: sound frames that break the protocol.
	ErrProtocol = errors.New("protocol violation")
	// ErrVersion: no protocol version in common.
	ErrVersion = errors.New("no common protocol version")
	// ErrEcho: our own frames came back and nothing else: the line is looped, or a terminal echoes.
	ErrEcho = errors.New("only our own echo was heard")
	// ErrNoSession: Call before Greet, or after Bye.
	ErrNoSession = errors.New("no session")
	// ErrClosed: the Host was closed.
	ErrClosed = errors.New("link closed")
)

// OpError says what the link was doing when it failed. It wraps one of the classes above, the transport's error, a
// context's error or a codec error of package serialproto.
type OpError struct {
	Action string // "greet", "wait for announce", "call STATUS", "serve"
	Err    error
}

// Error returns "action: cause".
func (e *OpError) Error() string { return e.Action + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// Timeout reports whether the cause is an expired deadline or a silent device.
func (e *OpError) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.Is(e.Err, ErrNoProgress) || errors.As(e.Err, &t) && t.Timeout()
}

// ResetError is how a session ended from the device's side. It wraps ErrReset.
type ResetError struct {
	Rebooted bool   // the boot id changed: the agent started anew. False: it gave the session up
	Reason   string // in words
}

// Error returns the reason.
func (e *ResetError) Error() string { return ErrReset.Error() + ": " + e.Reason }

// Unwrap returns ErrReset.
func (e *ResetError) Unwrap() error { return ErrReset }

// Fixed timing of the link, shared by both ends.
const (
	idleAfter    = 40 * time.Millisecond  // silence after which the receiver of an unfinished message speaks up
	pollBase     = 60 * time.Millisecond  // beside the wire time
	pollMost     = time.Second            // backoff ceiling
	maxPolls     = 5                      // polls without progress
	helloFirst   = 100 * time.Millisecond // first HELLO retry
	helloMost    = time.Second            // HELLO backoff ceiling
	helloTries   = 4                      // tries per session value
	busyFirst    = 40 * time.Millisecond  // first BUSY, before the host's first poll
	busyMost     = 500 * time.Millisecond // longest pause between two BUSY
	backoffNum   = 3                      // backoff is x 3/2
	backoffDen   = 2
	bitsPerByte  = 10 // 8N1
	queuedFrames = 2  // frames handed to the operating system beyond the modelled wire
)

func backoff(d, most time.Duration) time.Duration { return min(d*backoffNum/backoffDen, most) }

// wire models the line: when the bytes handed over so far will have left the UART.
type wire struct {
	baud int // bits per second; 0: as fast as it is written
	free time.Time
}

// time is how long n bytes take.
func (w *wire) time(n int) time.Duration {
	if w.baud <= 0 {
		return 0
	}
	return time.Duration(n) * bitsPerByte * time.Second / time.Duration(w.baud)
}

// wait is how long the next frame must be held back so that no more than two frames queue up.
func (w *wire) wait(now time.Time) time.Duration {
	if w.baud <= 0 || !w.free.After(now) {
		return 0
	}
	return w.free.Sub(now) - w.time(queuedFrames*serialproto.MaxWire)
}

// push accounts for n bytes and returns when the last of them will have left.
func (w *wire) push(now time.Time, n int) time.Time {
	if w.free.Before(now) {
		w.free = now
	}
	w.free = w.free.Add(w.time(n))
	return w.free
}

// done is when everything handed over so far will have left.
func (w *wire) done(now time.Time) time.Time {
	if w.free.Before(now) {
		return now
	}
	return w.free
}
