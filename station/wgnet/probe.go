package wgnet

import (
	"context"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
)

// Server is the public key of the tunnel's first peer; zero while it is down.
func (t *Tunnel) Server() wgtypes.Key {
	_, key, _ := t.open()
	return key
}

// Handshake is when the tunnel last shook hands; zero: never.
func (t *Tunnel) Handshake() (time.Time, error) {
	end, _, err := t.open()
	if err != nil {
		return time.Time{}, err
	}
	return end.Handshake()
}

// Ping sends one echo request through the tunnel and waits for its reply.
func (t *Tunnel) Ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	end, _, err := t.open()
	if err != nil {
		return 0, err
	}
	return end.Ping(ctx, to)
}

var _ wgcheck.Pinger = (*Tunnel)(nil)
