package wgnet

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
	"provstation/station/wgconf"
)

// shakeAt is the keepalive of a tunnel whose wg0.conf has none: without one it would wait for a packet before it shakes
// hands. wg(8) advises this.
const shakeAt = 25

// Tunnel is a tunnel by a wg0.conf. It is one end with the peers that the file names. The zero value is closed.
type Tunnel struct {
	Log *slog.Logger // nil: discard

	mu     sync.Mutex
	end    *End
	server wgtypes.Key
}

var errDown = errors.New("the tunnel is down")

// Up opens the tunnel that a complete wg0.conf describes, and has it shake hands; one that is open is closed before. Errors
// are a [*wgcheck.Error] and quote nothing of the file.
func (t *Tunnel) Up(ctx context.Context, conf []byte) error {
	if err := t.Down(); err != nil {
		return &wgcheck.Error{Step: wgcheck.StepUp, Reason: wgcheck.UpFailed, Err: err}
	}
	cfg, err := wgconf.ParseFile(conf)
	if err != nil {
		return &wgcheck.Error{Step: wgcheck.StepConf, Reason: wgcheck.BadConf, Detail: err.Error(), Err: err}
	}
	if !cfg.Interface.PrivateKey.Present() {
		return &wgcheck.Error{Step: wgcheck.StepConf, Reason: wgcheck.BadConf, Detail: "it has no private key"}
	}
	var addrs []netip.Addr
	for _, a := range cfg.Interface.Address {
		addrs = append(addrs, a.Addr())
	}
	end, err := Open(Config{Key: cfg.Interface.PrivateKey, Addresses: addrs, Log: t.Log})
	if err != nil {
		return &wgcheck.Error{Step: wgcheck.StepUp, Reason: wgcheck.UpFailed, Detail: err.Error(), Err: err}
	}
	for _, p := range cfg.Peers {
		if err := addPeer(ctx, end, p); err != nil {
			return errors.Join(err, end.Close())
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end, t.server = end, cfg.Peers[0].PublicKey
	return nil
}

func addPeer(ctx context.Context, end *End, p wgconf.Peer) error {
	at, err := resolve(ctx, p.Endpoint)
	if err != nil {
		return &wgcheck.Error{Step: wgcheck.StepUp, Reason: wgcheck.NameNotFound, Detail: p.Endpoint.String(), Err: err}
	}
	keepalive := p.PersistentKeepalive
	if keepalive == 0 {
		keepalive = shakeAt
	}
	err = end.SetPeer(Peer{Key: p.PublicKey, Preshared: p.PresharedKey, Endpoint: at, AllowedIPs: p.AllowedIPs, Keepalive: keepalive})
	if err != nil {
		return &wgcheck.Error{Step: wgcheck.StepUp, Reason: wgcheck.UpFailed, Detail: err.Error(), Err: err}
	}
	return nil
}

// resolve looks an endpoint's name up. The zero value is for none.
func resolve(ctx context.Context, e wgconf.Endpoint) (netip.AddrPort, error) {
	if e.Port == 0 {
		return netip.AddrPort{}, nil
	}
	if a, err := netip.ParseAddr(e.Host); err == nil {
		return netip.AddrPortFrom(a.Unmap(), e.Port), nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.Host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	for _, a := range addrs { // as wg(8) does: IPv4 before IPv6 where both are there
		if a = a.Unmap(); a.Is4() {
			return netip.AddrPortFrom(a, e.Port), nil
		}
	}
	return netip.AddrPortFrom(addrs[0], e.Port), nil
}

// Down closes the tunnel. One that is closed is no error.
func (t *Tunnel) Down() error {
	t.mu.Lock()
	end := t.end
	t.end = nil
	t.mu.Unlock()
	if end == nil {
		return nil
	}
	return end.Close()
}

// open gives the end while the tunnel is up.
func (t *Tunnel) open() (*End, wgtypes.Key, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end == nil {
		return nil, wgtypes.Key{}, errDown
	}
	return t.end, t.server, nil
}

// Status is what the tunnel's interface tells.
func (t *Tunnel) Status(ctx context.Context) (wgcheck.Interface, error) {
	end, _, err := t.open()
	if err != nil {
		return wgcheck.Interface{}, err
	}
	return end.Status(ctx)
}

var _ wgcheck.Tunnel = (*Tunnel)(nil)
