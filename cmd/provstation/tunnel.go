package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/wgcheck"
	"provstation/station/wgconf"
	"provstation/station/wgnet"
)

// proveTunnels has the handshakes of tunnels seen, as the configuration says.
func proveTunnels(b *bench, rc *station.RunnerConfig) error {
	w := b.config.WireGuard
	if w.ServerKey != "" {
		key, err := wgtypes.ParseKey(w.ServerKey)
		if err != nil {
			return usage("wireguard.server_key: not a key")
		}
		rc.TunnelCheck.Server = key
	}
	var server *wgcheck.Server
	if w.Server != "" {
		server = wgcheck.NewServer(wgcheck.At(w.Server), nil)
		rc.TunnelCheck.Explain = server.Explain
	}
	switch w.Mode {
	case config.WGDevice:
		rc.TunnelCheck.ByDevice = true
	case config.WGServer:
		rc.TunnelCheck.Prove = server.Watch
	case config.WGPing:
		own, err := readOwnTunnel(w.TunnelFile, b.Log)
		if err != nil {
			return usage("wireguard.tunnel_file: %v", err)
		}
		b.closes = append(b.closes, own.tunnel.Down)
		rc.TunnelCheck.Prove = own.prove
	}
	return nil
}

// ownTunnel is the station's own tunnel. It is brought up by the first run that needs it, and stays.
type ownTunnel struct {
	conf   []byte // a secret
	tunnel wgnet.Tunnel

	mu sync.Mutex
	up bool
}

// maxTunnelFile bounds what is read of a file before wgconf judges its size.
const maxTunnelFile = 2 * wgconf.MaxSize

func readOwnTunnel(path string, log *slog.Logger) (*ownTunnel, error) {
	i, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if i.Size() > maxTunnelFile {
		return nil, fmt.Errorf("%s is no wg0.conf: %d bytes", path, i.Size())
	}
	conf, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	cfg, err := wgconf.ParseFile(conf)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !cfg.Interface.PrivateKey.Present() {
		return nil, fmt.Errorf("%s has no private key", path)
	}
	return &ownTunnel{conf: conf, tunnel: wgnet.Tunnel{Log: log}}, nil
}

// open brings the tunnel up, once.
func (o *ownTunnel) open(ctx context.Context) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.up {
		return nil
	}
	err := o.tunnel.Up(ctx, o.conf)
	o.up = err == nil
	return err
}

// prove pings the device. What keeps the station's own tunnel down is no fault of the device.
func (o *ownTunnel) prove(ctx context.Context, want wgcheck.Want, patience time.Duration, tell wgcheck.Progress) (wgcheck.Result, error) {
	if err := o.open(ctx); err != nil {
		e := &wgcheck.Error{Way: wgcheck.ByPing, Step: wgcheck.StepTunnel, Reason: wgcheck.OwnTunnel, Err: err}
		if cause, ok := errors.AsType[*wgcheck.Error](err); ok {
			e.Detail = cause.Sentence()
		}
		return wgcheck.Result{Way: wgcheck.ByPing}, e
	}
	return wgcheck.Ping(ctx, &o.tunnel, want, patience, tell)
}
