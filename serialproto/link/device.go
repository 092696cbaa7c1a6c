package link

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"provstation/serialproto"
)

// Handler is what a device does with requests. The link never calls two of its methods at once.
type Handler interface {
	// Announce is what the idle device says of itself.
	Announce() serialproto.Announce
	// Welcome answers HELLO. The link fills Version, Session, MTU, Window, MaxMessage, and limits Features to what the
	// host asked for; the handler fills the rest.
	Welcome(h serialproto.Hello) serialproto.Welcome
	// Handle executes one request and returns the encoded response. It is called at most once per request id of a
	// session. What the response promises must be durable before it returns. ctx ends with CANCEL and with the session.
	Handle(ctx context.Context, op serialproto.Op, request []byte) (response []byte)
	// SessionStart and SessionEnd enclose each session.
	SessionStart()
	SessionEnd()
}

// AfterResponder is an optional extension of Handler, for operations such as REBOOT.
type AfterResponder interface {
	// AfterResponse is called once the last byte of the response has been handed to the line for the first time.
	AfterResponse(op serialproto.Op)
}

// DeviceConfig tunes a Device. The zero value is right for a fast line.
type DeviceConfig struct {
	Baud        int           // bits per second of a UART, for the modelled wire time; 0: as fast as it can be written
	MTU         int           // payload bytes of one frame; default and most 246
	Window      int           // frames in flight; default 8
	MaxMessage  int           // largest message taken; default 32768
	Announce    time.Duration // pause between two ANNOUNCE while idle; default 250 ms, with a tenth of jitter
	BusyEvery   time.Duration // pause between two BUSY while the handler works; default 200 ms
	SessionIdle time.Duration // a session in which the host is silent for so long is over; default 10 s
}

func (c DeviceConfig) withDefaults() DeviceConfig {
	h := HostConfig{MTU: c.MTU, Window: c.Window, MaxMessage: c.MaxMessage}.withDefaults()
	c.MTU, c.Window, c.MaxMessage = h.MTU, h.Window, h.MaxMessage
	if c.Announce <= 0 {
		c.Announce = 250 * time.Millisecond
	}
	if c.BusyEvery <= 0 {
		c.BusyEvery = 200 * time.Millisecond
	}
	c.BusyEvery = min(c.BusyEvery, busyMost)
	if c.SessionIdle <= 0 {
		c.SessionIdle = 10 * time.Second
	}
	return c
}

// Device is the device's end.
type Device struct {
	t    Transport
	cfg  DeviceConfig
	h    Handler
	logs chan string

	mu    sync.Mutex
	stats Stats
}

// NewDevice prepares the device's end of t. The transport stays the caller's: Serve does not close it.
func NewDevice(t Transport, cfg DeviceConfig, h Handler) *Device {
	return &Device{t: t, cfg: cfg.withDefaults(), h: h, logs: make(chan string, 16), stats: newStats()}
}

// Stats returns a copy of the counters.
func (d *Device) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stats.snapshot()
}

// Log says one line to the host in a LOG frame. It never blocks: a line that finds the queue full is dropped. Text
// beyond one frame is cut off.
func (d *Device) Log(line string) {
	select {
	case d.logs <- line:
	default:
	}
}

// chunk is what the reader hands over.
type chunk struct {
	data []byte
	err  error
}

// Serve answers on the transport until ctx ends or the transport fails, and returns why: an OpError wrapping either.
// It announces the device at once. No goroutine outlives it, so a handler must heed its context.
func (d *Device) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := d.t.SetReadDeadline(time.Time{}); err != nil {
		return &OpError{"serve", fmt.Errorf("set read deadline: %w", err)}
	}
	// Whoever ends ctx must not wait for a blocked Read or Write.
	unblock := func() {
		_ = d.t.SetReadDeadline(time.Unix(1, 0)) // a transport that cannot is gone, which unblocks as well
		_ = d.t.SetWriteDeadline(time.Unix(1, 0))
	}
	unblocked := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(unblocked)
		unblock()
	})
	defer func() {
		if !stop() {
			<-unblocked // or its deadlines would fall into the next Serve on this transport
		}
	}()
	chunks := make(chan chunk)
	var reader sync.WaitGroup
	reader.Go(func() { d.read(ctx, chunks) })
	s := newServer(d)
	err := s.run(ctx, chunks)
	cancel(err)
	unblock()
	reader.Wait()
	s.shutdown()
	return &OpError{"serve", err}
}

// read hands chunks to the server. Two buffers take turns: the channel is unbuffered, so the server is done with one
// when it asks for the other.
func (d *Device) read(ctx context.Context, chunks chan<- chunk) {
	var bufs [2][1024]byte
	empty := 0
	for i := 0; ; i ^= 1 {
		n, err := d.t.Read(bufs[i][:])
		if n == 0 && err == nil {
			if empty++; empty > 100 {
				err = errors.New("transport reads nothing and reports nothing")
			} else {
				continue
			}
		} else {
			empty = 0
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if ctx.Err() != nil {
				return
			}
			err = nil
		}
		if n == 0 && err == nil {
			continue
		}
		select {
		case chunks <- chunk{bufs[i][:n], err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}
