package prototest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

// HandlerFunc answers one encoded request with one encoded response. ctx ends with CANCEL and with the session.
type HandlerFunc func(ctx context.Context, op serialproto.Op, request []byte) (response []byte)

// Peer is a device in memory for tests: a link.Handler whose operations are one closure.
type Peer struct {
	Func HandlerFunc // nil: every operation is unknown

	Model    string // default "test"
	Serial   string // default "0123456789"
	Firmware string // default "1.0"
	BootID   []byte // default eight bytes of 0x42
	State    serialproto.State
	Features uint32 // default all, limited to what the host asks for

	mu       sync.Mutex
	executed []serialproto.Op
	starts   int
	ends     int
}

var _ link.Handler = (*Peer)(nil)

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (p *Peer) features() uint32 {
	if p.Features == 0 {
		return ^uint32(0)
	}
	return p.Features
}

func (p *Peer) bootID() []byte {
	if p.BootID == nil {
		return []byte("BBBBBBBB")
	}
	return p.BootID
}

// Announce implements link.Handler.
func (p *Peer) Announce() serialproto.Announce {
	return serialproto.Announce{
		MinVersion: serialproto.Version, MaxVersion: serialproto.Version,
		Model: or(p.Model, "test"), Serial: or(p.Serial, "0123456789"), BootID: p.bootID(),
	}
}

// Welcome implements link.Handler.
func (p *Peer) Welcome(serialproto.Hello) serialproto.Welcome {
	return serialproto.Welcome{
		Features: p.features(), Model: or(p.Model, "test"), Serial: or(p.Serial, "0123456789"),
		Firmware: or(p.Firmware, "1.0"), BootID: p.bootID(), State: p.State, Clock: time.Now().UnixMicro(),
	}
}

// Handle implements link.Handler.
func (p *Peer) Handle(ctx context.Context, op serialproto.Op, request []byte) []byte {
	p.mu.Lock()
	p.executed = append(p.executed, op)
	p.mu.Unlock()
	if p.Func == nil {
		data, err := serialproto.EncodeResponse(serialproto.StatusUnknownOp, "", 0, nil)
		if err != nil {
			return nil // the link answers internal error
		}
		return data
	}
	return p.Func(ctx, op, request)
}

// SessionStart implements link.Handler.
func (p *Peer) SessionStart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starts++
}

// SessionEnd implements link.Handler.
func (p *Peer) SessionEnd() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends++
}

// Executed returns the operations executed so far, in order.
func (p *Peer) Executed() []serialproto.Op {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]serialproto.Op(nil), p.executed...)
}

// Sessions returns how many sessions have started and ended.
func (p *Peer) Sessions() (started, ended int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts, p.ends
}

// Dial starts a device whose operations are fn on a line in memory and returns a host that has greeted it. The device
// ends when the host is closed.
func Dial(ctx context.Context, fn HandlerFunc) (*link.Host, error) {
	return DialPeer(ctx, Config{}, link.HostConfig{}, link.DeviceConfig{}, &Peer{Func: fn})
}

// DialPeer is Dial with everything chosen.
func DialPeer(ctx context.Context, line Config, hc link.HostConfig, dc link.DeviceConfig, p link.Handler) (*link.Host, error) {
	near, far := Pipe(line)
	d := link.NewDevice(far, dc, p)
	// Serve ends with the line; its error says only that.
	go func() { _ = d.Serve(context.Background()) }()
	h := link.NewHost(near, hc)
	if _, err := h.Greet(ctx); err != nil {
		if cerr := h.Close(); cerr != nil {
			return nil, fmt.Errorf("dial: %w (close: %w)", err, cerr)
		}
		return nil, fmt.Errorf("dial: %w", err)
	}
	return h, nil
}
