package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"provstation/serialproto"
)

// HostConfig tunes a Host. The zero value is right for a fast line (USB, pty, memory) and a device that announces itself.
type HostConfig struct {
	Baud       int               // bits per second of a UART, for the modelled wire time; 0: faster than it can be written
	MTU        int               // payload bytes of one frame; default and most 246
	Window     int               // frames in flight; default 8
	MaxMessage int               // largest message taken; default 32768
	Features   uint32            // feature bits wanted; default all known
	Latency    time.Duration     // what adapters add to a round trip; default 16 ms (FTDI's latency timer)
	Probe      bool              // Greet may send HELLO to a device that was not heard. Dangerous where a boot loader counts down
	KeepAlive  time.Duration     // pause after which an idle session is kept open; default 3 s, negative: never
	OpTimeout  time.Duration     // of a Call whose context has no deadline; default 90 s
	Rehellos   int               // how often one Call may greet again with a smaller mtu; default 3, negative: never
	Random     io.Reader         // source of session ids; default crypto/rand
	OnConsole  func(line string) // escaped console lines, rate-limited; called from the reader: must not block nor call the Host
}

func (c HostConfig) withDefaults() HostConfig {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.MTU, serialproto.DefaultMTU)
	def(&c.Window, serialproto.DefaultWin)
	def(&c.MaxMessage, serialproto.DefaultMax)
	def(&c.Rehellos, 3)
	c.MTU = min(max(c.MTU, serialproto.LeastMTU), serialproto.MaxPayload)
	c.Window = min(max(c.Window, 1), serialproto.MaxFragment-1)
	c.MaxMessage = min(max(c.MaxMessage, serialproto.MinMax), serialproto.MaxMessage)
	if c.Features == 0 {
		c.Features = serialproto.Features
	}
	if c.Latency == 0 {
		c.Latency = 16 * time.Millisecond
	}
	if c.KeepAlive == 0 {
		c.KeepAlive = 3 * time.Second
	}
	if c.OpTimeout == 0 {
		c.OpTimeout = 90 * time.Second
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	return c
}

// Host is the station's end. Its methods are safe for concurrent use; one exchange is under way at a time.
type Host struct {
	t   Transport
	cfg HostConfig

	busy chan struct{} // held by whoever may write
	wake chan struct{} // something was heard
	done sync.WaitGroup

	// Written only by the holder of busy.
	out []byte

	mu        sync.Mutex
	dec       serialproto.Decoder
	wire      wire
	stats     Stats
	con       console
	log       logBook
	fatal     error // the transport is gone
	lost      error // why the last session ended, nil while there is one
	session   uint32
	welcomed  bool
	welcome   serialproto.Welcome
	mtu       int // for the next HELLO
	id        uint8
	x         *exchange
	ready     func() error // of Hold
	ahead     *aheadSender // nil: nothing, or not in this session
	aheadID   uint8
	damaged   uint64 // damage() as the session began
	greeting  *greeting
	announce  *serialproto.Announce
	announced []byte // the payload that announce was
	heard     uint64 // how many ANNOUNCE came
	taken     uint64 // value of heard when NextAnnounce last returned
	firstByte time.Time
	lastByte  time.Time
	lastTx    time.Time
	stopKeep  context.CancelFunc
}

// NewHost starts reading from t, which it owns from now on. Nothing is written before Greet.
func NewHost(t Transport, cfg HostConfig) *Host {
	cfg = cfg.withDefaults()
	h := &Host{
		t: t, cfg: cfg, busy: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		wire: wire{baud: cfg.Baud}, stats: newStats(), con: console{want: cfg.OnConsole != nil},
		mtu: cfg.MTU, lost: ErrNoSession,
	}
	h.done.Go(h.read)
	return h
}

// Close closes the transport and waits for the reader. A Call under way fails with ErrClosed.
func (h *Host) Close() error {
	h.mu.Lock()
	if h.fatal == nil {
		h.fatal = ErrClosed
	}
	h.dropSession(ErrClosed)
	h.mu.Unlock()
	err := h.t.Close()
	h.signal()
	h.done.Wait()
	return err
}

// Stats returns a copy of the counters.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stats.decoder(h.dec.Stats())
	h.stats.TextBytes, h.stats.TextDropped = h.con.total, h.con.drop
	return h.stats.snapshot()
}

// Console returns the newest 64 KiB of console text (boot log, kernel lines, LOG frames), escaped for a terminal.
func (h *Host) Console() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.con.text()
}

// Tail returns the newest bytes that belong to no frame, escaped: the end of Console and what waits for its end, as the line of a
// boot loader that counts down does.
func (h *Host) Tail() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.con.tail() + serialproto.EscapeConsole(h.dec.Pending())
}

// Log takes the lines that the device said in LOG frames since the last call, oldest first, at most the newest 64, each
// escaped for a terminal. They are in Console, too, between whatever else came.
func (h *Host) Log() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	lines := h.log
	h.log = nil
	return lines
}

// FirstByte is when the first byte was heard on this transport, zero if none was.
func (h *Host) FirstByte() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.firstByte
}

// Session returns what the device said in WELCOME and whether the session is still open.
func (h *Host) Session() (serialproto.Welcome, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.welcome, h.welcomed
}

func (h *Host) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// acquire takes the right to write.
func (h *Host) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	select {
	case h.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (h *Host) release() { <-h.busy }

// read is the reader goroutine.
func (h *Host) read() {
	buf := make([]byte, 1024)
	empty := 0
	for {
		n, err := h.t.Read(buf)
		now := time.Now()
		if n == 0 && err == nil {
			if empty++; empty > 100 {
				err = io.ErrNoProgress
			}
		} else {
			empty = 0
		}
		h.mu.Lock()
		if n > 0 {
			if h.firstByte.IsZero() {
				h.firstByte = now
			}
			h.lastByte = now
			h.dec.Feed(buf[:n], func(f serialproto.Frame) { h.onFrame(f, now) }, func(p []byte) { h.con.write(p, now) })
		}
		gone := err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
		if gone {
			h.dec.Flush(func(p []byte) { h.con.write(p, now) })
			h.con.flush(now)
			h.fail(fmt.Errorf("read: %w", err))
		}
		lines := h.con.take()
		h.mu.Unlock()
		for _, l := range lines {
			h.cfg.OnConsole(l)
		}
		h.signal()
		if gone {
			return
		}
	}
}

// fail notes that the transport is gone. h.mu is held.
func (h *Host) fail(err error) {
	if h.fatal == nil {
		h.fatal = err
	}
	h.dropSession(h.fatal)
}

// dropSession forgets the session. h.mu is held.
func (h *Host) dropSession(why error) {
	if h.lost == nil || h.welcomed {
		h.lost = why
	}
	h.welcomed, h.ahead = false, nil
	if h.stopKeep != nil {
		h.stopKeep()
		h.stopKeep = nil
	}
}

// onFrame takes one sound frame. h.mu is held.
func (h *Host) onFrame(f serialproto.Frame, now time.Time) {
	if f.Dir == serialproto.HostToDevice {
		h.stats.Echoes++
		return
	}
	h.stats.heard(f.Kind)
	used := false
	switch f.Kind {
	case serialproto.KindAnnounce:
		used = h.onAnnounce(f)
	case serialproto.KindWelcome:
		used = h.greeting != nil && h.onWelcome(f)
	case serialproto.KindRsp, serialproto.KindAck, serialproto.KindBusy:
		used = h.welcomed && h.x != nil && h.x.id == f.ID && h.x.heard(f, now)
	case serialproto.KindAhead:
		used = h.ahead.heard(f)
	case serialproto.KindLog:
		h.log.write(f.Payload)
		h.con.write(append(f.Payload, '\n'), now)
		used = true
	case serialproto.KindBye:
		used = h.onBye(f)
	}
	if !used {
		h.stats.Ignored++
	}
}

// onAnnounce: the device is idle. Within a session that means it has left it: the line is first in, first out, so this
// ANNOUNCE was said after WELCOME.
func (h *Host) onAnnounce(f serialproto.Frame) bool {
	if f.Last != 0 {
		return false
	}
	if h.announce == nil || !bytes.Equal(f.Payload, h.announced) { // an idle device says the same four times a second
		var a serialproto.Announce
		if serialproto.Decode(f.Payload, &a) != nil {
			return false
		}
		h.announce, h.announced = &a, bytes.Clone(f.Payload)
	}
	h.heard++
	if h.welcomed {
		rebooted := string(h.announce.BootID) != string(h.welcome.BootID)
		reason := "it announces itself again"
		if rebooted {
			reason = "it started anew"
		}
		h.dropSession(&ResetError{Rebooted: rebooted, Reason: reason})
	}
	return true
}

func (h *Host) onBye(f serialproto.Frame) bool {
	var head serialproto.ResponseHead
	if len(f.Payload) > 0 && serialproto.Decode(f.Payload, &head) != nil {
		return false
	}
	if h.greeting != nil && !h.welcomed {
		h.greeting.bye = &head
		return true
	}
	if !h.welcomed {
		return false
	}
	h.dropSession(&ResetError{Reason: "it said goodbye"})
	return true
}

// write hands one frame to the transport. The caller holds busy but not mu. A write that cannot end in time counts as
// a lost frame: the retransmission rules deal with it.
func (h *Host) write(ctx context.Context, frame []byte) error {
	deadline := time.Now().Add(time.Second + h.wire.time(2*serialproto.MaxWire*queuedFrames))
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := h.t.SetWriteDeadline(deadline); err != nil {
		return h.failed(fmt.Errorf("set write deadline: %w", err))
	}
	if _, err := h.t.Write(frame); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return h.failed(fmt.Errorf("write: %w", err))
	}
	return nil
}

func (h *Host) failed(err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fail(err)
	return h.fatal
}

// seal encodes f into the output buffer and accounts for it. h.mu and busy are held.
func (h *Host) seal(f serialproto.Frame, now time.Time) ([]byte, time.Time, error) {
	out, err := serialproto.AppendFrame(h.out[:0], h.session, f)
	if err != nil {
		return nil, time.Time{}, err
	}
	h.out = out
	h.stats.sent(f.Kind, len(out))
	h.lastTx = now
	return out, h.wire.push(now, len(out)), nil
}

// pause waits until something is heard, d has passed or ctx ends.
func (h *Host) pause(ctx context.Context, timer *time.Timer, d time.Duration) error {
	timer.Reset(max(d, 0))
	select {
	case <-h.wake:
	case <-timer.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// newTimer returns a stopped timer. Since Go 1.23 Reset needs no drain.
func newTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}
