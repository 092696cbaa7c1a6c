package wgnet

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/icmp"
	"golang.zx2c4.com/wireguard/tun"
)

// MTU is the largest packet within a tunnel, wg-quick's choice for an Ethernet below it.
const MTU = 1420

// waiting is how many packets wait for WireGuard before more are dropped, as a router drops them.
const waiting = 256

// host stands behind the tunnel where a network interface would: it answers echo requests to its addresses, and sends some.
type host struct {
	addrs   []netip.Addr
	forward bool // packets for others go back into the tunnel, to the peer that has the address
	out     chan []byte
	events  chan tun.Event
	done    chan struct{}
	once    sync.Once

	mu    sync.Mutex
	asked map[uint32]*question // by id and sequence number
	next  uint32
}

// question is an echo request whose reply is waited for.
type question struct {
	to    netip.Addr
	data  []byte
	reply chan struct{} // closed by it
}

func newHost(addrs []netip.Addr, forward bool) *host {
	return &host{
		addrs: addrs, forward: forward, out: make(chan []byte, waiting), events: make(chan tun.Event), done: make(chan struct{}),
		asked: map[uint32]*question{},
	}
}

// File implements tun.Device.
func (h *host) File() *os.File { return nil }

// MTU implements tun.Device.
func (h *host) MTU() (int, error) { return MTU, nil }

// Name implements tun.Device.
func (h *host) Name() (string, error) { return "wgnet", nil }

// Events implements tun.Device. There are none but the end.
func (h *host) Events() <-chan tun.Event { return h.events }

// BatchSize implements tun.Device.
func (h *host) BatchSize() int { return 1 }

// Close implements tun.Device.
func (h *host) Close() error {
	h.once.Do(func() {
		close(h.done)
		close(h.events)
	})
	return nil
}

// Read implements tun.Device: what goes into the tunnel.
func (h *host) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case b := <-h.out:
		sizes[0] = copy(bufs[0][offset:], b)
		return 1, nil
	case <-h.done:
		return 0, os.ErrClosed
	}
}

// Write implements tun.Device: what came out of the tunnel.
func (h *host) Write(bufs [][]byte, offset int) (int, error) {
	for _, b := range bufs {
		h.take(b[offset:])
	}
	return len(bufs), nil
}

func (h *host) take(b []byte) {
	p, ok := parse(b)
	switch {
	case !ok:
	case !slices.Contains(h.addrs, p.dst):
		if h.forward {
			h.send(bytes.Clone(b))
		}
	case p.echo == nil:
	case p.request:
		h.send(render(p.dst, p.src, p.echo, false))
	default:
		h.answered(p)
	}
}

func (h *host) send(b []byte) {
	if b == nil {
		return
	}
	select {
	case h.out <- b:
	default:
	}
}

// answered tells who waits for a reply. It has to come from whom was asked, with what was sent.
func (h *host) answered(p packet) {
	key := uint32(uint16(p.echo.ID))<<16 | uint32(uint16(p.echo.Seq)) //nolint:gosec // 16 bits each, as parsed
	h.mu.Lock()
	defer h.mu.Unlock()
	q := h.asked[key]
	if q == nil || q.to != p.src || !bytes.Equal(q.data, p.echo.Data) {
		return
	}
	delete(h.asked, key)
	close(q.reply)
}

// errNoAddress says that a tunnel has no address of the family to speak from.
var errNoAddress = errors.New("the tunnel has no address to ping from")

// ping sends one echo request and waits for its reply.
func (h *host) ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	from := slices.IndexFunc(h.addrs, func(a netip.Addr) bool { return a.Is4() == to.Is4() })
	if from < 0 {
		return 0, errNoAddress
	}
	var secret [16]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return 0, err
	}
	q := &question{to: to, data: secret[:], reply: make(chan struct{})}
	h.mu.Lock()
	if h.next == 0 {
		h.next = binary.BigEndian.Uint32(secret[:])
	}
	h.next++
	key := h.next
	h.asked[key] = q
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.asked, key)
		h.mu.Unlock()
	}()
	begun := time.Now()
	h.send(render(h.addrs[from], to, &icmp.Echo{ID: int(key >> 16), Seq: int(key & 0xffff), Data: q.data}, true))
	select {
	case <-q.reply:
		return time.Since(begun), nil
	case <-h.done:
		return 0, os.ErrClosed
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
