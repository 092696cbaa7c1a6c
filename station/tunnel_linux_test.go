package station_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/devstack"
	"provstation/station/wgcheck"
	"provstation/station/wgnet"
)

// tunnelPhase is how the tunnel's phase of a slot's newest run ended.
func (r *rig) tunnelPhase() (p station.PhaseChanged) {
	for _, e := range r.seen {
		if c, ok := e.Body.(station.PhaseChanged); ok && c.Phase == station.PhaseWireGuard && c.Status != station.PhaseProgress {
			p = c
		}
	}
	return p
}

// keyOf is the tunnel key that a device made.
func (r *rig) keyOf() string {
	for _, e := range r.seen {
		if c, ok := e.Body.(station.PhaseChanged); ok && c.Facts[station.FactWireGuardKey] != "" {
			return c.Facts[station.FactWireGuardKey]
		}
	}
	return ""
}

// watchServer has the station read the stack's server.
func (r *rig) watchServer(deadline time.Duration) {
	server := wgcheck.NewServer(wgcheck.At(r.stack.TunnelSocket), nil)
	r.cfg.TunnelCheck = station.TunnelCheck{Prove: server.Watch}
	r.cfg.Timeouts = map[station.Phase]time.Duration{station.PhaseWireGuard: deadline}
	r.cfg.Retries = map[station.Phase]int{station.PhaseWireGuard: 0}
}

// A device's tunnel shakes hands with the tenant's server, each with the key of this enrollment, and the server's own socket
// tells of it. A device that is plugged in again is left alone; one that lost its record is proven again, by its old key.
func TestTunnelHandshake(t *testing.T) {
	begun := time.Now().Truncate(time.Second)
	for _, contract := range []devstack.Contract{devstack.Deployed, devstack.Documented} {
		t.Run(string(contract), func(t *testing.T) {
			r := newRig(t, devstack.Config{Devices: 1, Contract: contract})
			r.watchServer(20 * time.Second)
			r.start(r.stack.Devices...)
			r.check("the first run", r.end(), station.Pass, "")
			p := r.tunnelPhase()
			at, err := time.Parse(time.RFC3339, p.Facts[station.FactTunnelHandshake])
			if p.Status != station.PhaseDone || err != nil || at.Before(begun) || p.Facts[station.FactTunnelWay] != "server" || p.Facts[station.FactTunnelEndpoint] == "" {
				t.Errorf("got phase %+v, %v, want a handshake just now", p, err)
			}
			i, err := r.stack.Tunnels(t.Context())
			must(t, err)
			seen := ""
			for _, peer := range i.Peers {
				if !peer.Handshake.IsZero() {
					seen += peer.PublicKey.String()
				}
			}
			if key := r.keyOf(); seen == "" || contract == devstack.Deployed && seen != key {
				t.Errorf("the server shook hands with %q, want the device's key %q", seen, key)
			}
			r.stop()

			r.open(filepath.Join(t.TempDir(), "other.db")) // a station that never saw the device
			r.start(r.stack.Devices...)
			want, code := station.Uncertain, station.CodeWGUnknown
			r.check("a sealed device that nothing is on file of", r.end(), want, code)
		})
	}
}

// Whatever is wrong with a tunnel ends the run within the phase's deadline, and says which end has to be mended.
func TestTunnelFaults(t *testing.T) {
	rows := []struct {
		fault    devstack.TunnelFault
		deadline time.Duration
		outcome  station.Outcome
		code     station.Code
		hint     string
	}{
		{devstack.TunnelPeerKey, time.Second, station.Fail, station.CodeWGPeerKey, "key of this enrollment"},
		{devstack.TunnelServerKey, time.Minute, station.Fail, station.CodeWGServerKey, "public key"}, // told at once
		{devstack.TunnelForgotten, time.Second, station.Error, station.CodeWGPeerMissing, "does not take over"},
		{devstack.TunnelDown, time.Second, station.Error, station.CodeWGSilent, "UDP"},
		{devstack.TunnelSlow, time.Minute, station.Pass, "", ""},
	}
	for _, row := range rows {
		t.Run(string(row.fault), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, devstack.Config{Devices: 1, Faults: devstack.Spec{Tunnel: row.fault}})
			r.watchServer(row.deadline)
			r.start(r.stack.Devices...)
			end := r.end()
			r.check(string(row.fault), end, row.outcome, row.code)
			if !strings.Contains(end.Hint, row.hint) {
				t.Errorf("got hint %q, want one that speaks of %q", end.Hint, row.hint)
			}
			if row.code != "" && (end.Phase != station.PhaseWireGuard || end.Params["reason"] == "") {
				t.Errorf("got phase %s with %v, want wireguard with a reason", end.Phase, end.Params)
			}
		})
	}
}

// A server that is down cannot be read. When the key of the server is known, a wg0.conf that names another one is not even
// pushed to the device.
func TestTunnelServer(t *testing.T) {
	r := newRig(t, devstack.Config{Devices: 1})
	r.watchServer(time.Second)
	r.cfg.TunnelCheck.Server = wgtypes.Key{1}
	r.start(r.stack.Devices...)
	end := r.end()
	r.check("another server", end, station.Fail, station.CodeWGServerKey)
	if end.Phase != station.PhaseVerify {
		t.Errorf("got phase %s, want verify: nothing is pushed", end.Phase)
	}
	r.stop()

	i, err := r.stack.Tunnels(t.Context())
	must(t, err)
	r.cfg.TunnelCheck.Server = i.PublicKey
	must(t, r.stack.StopTunnels())
	r.start(r.stack.Devices...)
	r.check("server down", r.end(), station.Error, station.CodeWGServer)
}

// The station pings the device through a tunnel of its own. A server that has another key for the device does not reach it.
func TestTunnelPing(t *testing.T) {
	rows := []struct {
		fault    devstack.TunnelFault
		deadline time.Duration
		outcome  station.Outcome
		code     station.Code
	}{
		{devstack.TunnelServes, 20 * time.Second, station.Pass, ""},
		{devstack.TunnelPeerKey, 3 * time.Second, station.Fail, station.CodeWGNoReply},
		{devstack.TunnelServerKey, time.Minute, station.Fail, station.CodeWGServerKey},
	}
	for _, row := range rows {
		t.Run("fault "+string(row.fault), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, devstack.Config{Devices: 1, Faults: devstack.Spec{Tunnel: row.fault}})
			conf, err := os.ReadFile(r.stack.TunnelFile)
			must(t, err)
			tun := &wgnet.Tunnel{}
			must(t, tun.Up(t.Context(), conf))
			t.Cleanup(func() { _ = tun.Down() })
			r.watchServer(row.deadline)
			r.cfg.TunnelCheck.Prove = func(ctx context.Context, want wgcheck.Want, patience time.Duration, tell wgcheck.Progress) (wgcheck.Result, error) {
				return wgcheck.Ping(ctx, tun, want, patience, tell)
			}
			r.start(r.stack.Devices...)
			r.check("ping", r.end(), row.outcome, row.code)
			p := r.tunnelPhase()
			if row.code == "" && (p.Facts[station.FactTunnelRoundTrip] == "" || p.Facts[station.FactTunnelWay] != "ping") {
				t.Errorf("got %v, want the time of an answer", p.Facts)
			}
		})
	}
}

// The device looks at its own tunnel and tells over the line. What it cannot know, the server does.
func TestTunnelSeenByDevice(t *testing.T) {
	rows := []struct {
		fault    devstack.TunnelFault
		explain  bool
		deadline time.Duration
		outcome  station.Outcome
		code     station.Code
	}{
		{devstack.TunnelServes, false, 20 * time.Second, station.Pass, ""},
		{devstack.TunnelServerKey, false, 2 * time.Second, station.Error, station.CodeWGNoAnswer},
		{devstack.TunnelServerKey, true, 2 * time.Second, station.Fail, station.CodeWGServerKey},
		{devstack.TunnelPeerKey, true, 2 * time.Second, station.Fail, station.CodeWGPeerKey},
	}
	for _, row := range rows {
		t.Run(fmt.Sprint("fault ", row.fault, row.explain), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, devstack.Config{Devices: 1, Faults: devstack.Spec{Tunnel: row.fault}})
			r.watchServer(row.deadline)
			r.cfg.TunnelCheck = station.TunnelCheck{ByDevice: true}
			if row.explain {
				r.cfg.TunnelCheck.Explain = wgcheck.NewServer(wgcheck.At(r.stack.TunnelSocket), nil).Explain
			}
			r.start(r.stack.Devices...)
			r.check("by device", r.end(), row.outcome, row.code)
			p := r.tunnelPhase()
			if row.code == "" && (p.Facts[station.FactTunnelHandshake] == "" || p.Facts[station.FactTunnelWay] != "device" || p.Facts[station.FactTunnelEndpoint] == "") {
				t.Errorf("got %v, want the handshake that the device saw", p.Facts)
			}
		})
	}
}
