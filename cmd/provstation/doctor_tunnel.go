package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"provstation/station/config"
	"provstation/station/wgcheck"
)

// checkTunnel: what shows the handshakes of tunnels is there.
func (d *doctor) checkTunnel(ctx context.Context) []finding {
	const name = "tunnel"
	switch w := d.cfg.WireGuard; w.Mode {
	case config.WGServer:
		i, err := wgcheck.At(w.Server).Read(ctx)
		switch {
		case errors.Is(err, fs.ErrPermission):
			return []finding{failed(name, "run the station as a user that may read the interface (CAP_NET_ADMIN)", "%v", err)}
		case err != nil:
			return []finding{failed(name, "set wireguard.server to the tunnel server's interface, and see that it is up", "%v", err)}
		case w.ServerKey != "" && i.PublicKey.String() != w.ServerKey:
			return []finding{failed(name, "set wireguard.server_key to it, or wireguard.server to the right interface",
				"%s has the public key %s, wireguard.server_key is another", w.Server, i.PublicKey)}
		}
		return []finding{ok(name, "%s has %d peers, public key %s", w.Server, len(i.Peers), i.PublicKey)}
	case config.WGPing:
		return d.checkOwnTunnel(ctx, name, w.TunnelFile)
	}
	return []finding{ok(name, "devices tell of their handshakes")}
}

// checkOwnTunnel brings the station's tunnel up. A bench at work has it up already: two with one key would take each
// other's sessions.
func (d *doctor) checkOwnTunnel(ctx context.Context, name, file string) []finding {
	own, err := readOwnTunnel(file, slog.New(slog.DiscardHandler))
	if err != nil {
		return []finding{failed(name, "put the wg0.conf of the station's own tunnel there", "%v", err)}
	}
	var list []finding
	if known, mode := d.sys.mode(file); known && mode&0o077 != 0 {
		list = append(list, warned(name, "chmod 600 "+shellWord(file), "%s holds a private key, and others may read it (mode %04o)", file, mode))
	}
	if d.atWork {
		return append(list, ok(name, "%s is a tunnel's", file))
	}
	report, err := wgcheck.Device(ctx, &own.tunnel, own.conf, time.Until(soonest(ctx)), nil)
	if err != nil {
		fix := "see the message"
		if e, ok := errors.AsType[*wgcheck.Error](err); ok && e.Hint() != "" {
			fix = e.Hint()
		}
		return append(list, failed(name, fix, "%v", err))
	}
	return append(list, ok(name, "the station's tunnel shakes hands with the server at %s", report.Endpoint))
}

// soonest is a little before the check is over.
func soonest(ctx context.Context) time.Time {
	end, ok := ctx.Deadline()
	if !ok {
		return time.Now().Add(checkLimit)
	}
	return end.Add(-checkGrace)
}
