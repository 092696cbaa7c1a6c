package wgnet

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
	"provstation/station/wgconf"
)

// Config says what an end is.
type Config struct {
	Key       wgconf.Secret  // private
	Listen    netip.AddrPort // of the UDP socket; zero: any address and a port of the system's choice
	Addresses []netip.Addr   // of the host behind the tunnel
	Forward   bool           // it passes packets between its peers, as a server does
	Log       *slog.Logger   // nil: discard
}

// Peer is who is at another end.
type Peer struct {
	Key        wgtypes.Key
	Preshared  wgconf.Secret  // zero: none
	Endpoint   netip.AddrPort // zero: it is heard from first
	AllowedIPs []netip.Prefix // they are taken from any other peer that has them
	Keepalive  uint16         // seconds; 0: off. With one, it shakes hands at once
}

// End is an open end of a tunnel. It is safe for concurrent use.
type End struct {
	dev  *device.Device
	host *host
	own  wgtypes.Key

	mu      sync.Mutex
	clients map[net.Conn]bool // of the configuration socket
	closing bool
	serving sync.WaitGroup
	socket  net.Listener
}

// Open opens an end without peers. Close it after use.
func Open(cfg Config) (*End, error) {
	key, ok := cfg.Key.Reveal()
	if !ok {
		return nil, errors.New("open tunnel: no private key")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	e := &End{host: newHost(cfg.Addresses, cfg.Forward), own: key.PublicKey(), clients: map[net.Conn]bool{}}
	note := func(format string, args ...any) { cfg.Log.Debug("wireguard", "what", fmt.Sprintf(format, args...)) }
	e.dev = device.NewDevice(e.host, &bind{listen: cfg.Listen}, &device.Logger{Verbosef: note, Errorf: note})
	if err := e.dev.IpcSet(fmt.Sprintf("private_key=%s\nlisten_port=%d\n", hex.EncodeToString(key[:]), cfg.Listen.Port())); err != nil {
		e.dev.Close()
		return nil, errors.New("open tunnel: the private key is not taken")
	}
	if err := e.dev.Up(); err != nil {
		e.dev.Close()
		return nil, fmt.Errorf("open tunnel: %w", err)
	}
	return e, nil
}

// PublicKey is the end's own.
func (e *End) PublicKey() wgtypes.Key { return e.own }

// SetPeer adds a peer, or changes it. Its addresses move to it from whatever other peer has them.
func (e *End) SetPeer(p Peer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "public_key=%s\n", hex.EncodeToString(p.Key[:]))
	if k, ok := p.Preshared.Reveal(); ok {
		fmt.Fprintf(&b, "preshared_key=%s\n", hex.EncodeToString(k[:]))
	}
	if p.Endpoint.IsValid() {
		fmt.Fprintf(&b, "endpoint=%s\n", p.Endpoint)
	}
	b.WriteString("replace_allowed_ips=true\n")
	for _, a := range p.AllowedIPs {
		fmt.Fprintf(&b, "allowed_ip=%s\n", a)
	}
	fmt.Fprintf(&b, "persistent_keepalive_interval=%d\n", p.Keepalive)
	if err := e.dev.IpcSet(b.String()); err != nil {
		return fmt.Errorf("peer %s is not taken", p.Key) // the text quotes what was set
	}
	return nil
}

// RemovePeer takes a peer away. One that is not there is no error.
func (e *End) RemovePeer(key wgtypes.Key) { e.dev.RemovePeer(device.NoisePublicKey(key)) }

// Status is what the end's interface tells.
func (e *End) Status(context.Context) (wgcheck.Interface, error) {
	var b bytes.Buffer
	if err := e.dev.IpcGetOperation(&b); err != nil {
		return wgcheck.Interface{}, fmt.Errorf("read tunnel: %w", err)
	}
	b.WriteString("errno=0\n") // what the socket adds
	return wgcheck.ParseUAPI(&b)
}

// Handshake is when any peer last shook hands; zero: never.
func (e *End) Handshake() (last time.Time, err error) {
	i, err := e.Status(context.Background())
	for _, p := range i.Peers {
		if p.Handshake.After(last) {
			last = p.Handshake
		}
	}
	return last, err
}

// Ping sends one echo request through the tunnel and waits for its reply, at most as long as ctx.
func (e *End) Ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	return e.host.ping(ctx, to)
}

// ServeSocket answers on a socket as wg(8) expects it of a program that has an interface, until Close. Who can open the
// socket can read the private key and change everything: it must lie where nobody else has a way in.
func (e *End) ServeSocket(l net.Listener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.socket = l
	e.serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.mu.Lock()
			if e.closing {
				e.mu.Unlock()
				_ = c.Close()
				return
			}
			e.clients[c] = true
			e.serving.Go(func() {
				e.dev.IpcHandle(c) // closes it
				e.mu.Lock()
				delete(e.clients, c)
				e.mu.Unlock()
			})
			e.mu.Unlock()
		}
	})
}

// Close ends the tunnel. It may be called again.
func (e *End) Close() error {
	e.mu.Lock()
	e.closing = true
	var err error
	if e.socket != nil {
		err = e.socket.Close()
		e.socket = nil
	}
	for c := range e.clients {
		_ = c.Close()
	}
	e.mu.Unlock()
	e.serving.Wait()
	e.dev.Close()
	return err
}
