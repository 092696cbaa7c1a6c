package retire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/wgcheck"
)

// peerPatience bounds one question to the tunnel server's interface.
const peerPatience = 10 * time.Second

// peer takes the device's peers off the tunnel server. Each enrollment made one, so there may be several.
func (x *retirement) peer(ctx context.Context) (verdict, error) {
	t, err := x.records.Tunnel(ctx, x.cfg.Tenant, x.row.DeviceID)
	switch {
	case err != nil:
		return verdict{}, recordFault("look the tunnel up", err)
	case t.None() && x.cfg.NoTunnels:
		return verdict{state: station.StepOff, detail: "no tunnels here"}, nil
	case t.None():
		return verdict{state: station.StepGone, detail: "no tunnel is on file"}, nil
	case x.cfg.Server == nil:
		return byAdministrator(t, "wireguard.server names no interface", ""), nil
	}
	i, err := x.readPeers(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return verdict{}, ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return byAdministrator(t, x.cfg.ServerName+" is not on this machine, or not up", x.cfg.ServerName), nil
	case errors.Is(err, fs.ErrPermission):
		return byAdministrator(t, "this user may not change "+x.cfg.ServerName, x.cfg.ServerName), nil
	case err != nil:
		return failedBy(x.serverFault(err))
	case x.cfg.ServerKey != (wgtypes.Key{}) && i.PublicKey != x.cfg.ServerKey:
		err := fmt.Errorf("%s has the public key %s, wireguard.server_key is another", x.cfg.ServerName, i.PublicKey)
		return failedBy(&station.Fault{
			Code: station.CodeWGServerKey, Outcome: station.Error, Class: station.Misconfigured,
			Params: map[string]string{"detail": err.Error()}, Err: err,
		})
	}
	return x.removePeers(ctx, t, i)
}

func (x *retirement) readPeers(ctx context.Context) (wgcheck.Interface, error) {
	ctx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	return x.cfg.Server.Read(ctx)
}

func (x *retirement) serverFault(err error) error {
	return &station.Fault{
		Code: station.CodeWGServer, Outcome: station.Error, Class: station.Passing,
		Params: map[string]string{"detail": err.Error()}, Err: err,
	}
}

// removePeers removes the device's peers and looks whether they are gone.
func (x *retirement) removePeers(ctx context.Context, t Tunnel, i wgcheck.Interface) (verdict, error) {
	peers := t.peers(i)
	if len(peers) == 0 {
		return verdict{state: station.StepGone, detail: "the server has no such peer"}, nil
	}
	for _, key := range peers {
		switch err := x.removePeer(ctx, key); {
		case err == nil:
		case ctx.Err() != nil:
			return verdict{}, ctx.Err()
		case errors.Is(err, fs.ErrPermission): // more users may read it than change it
			return byAdministrator(t, "this user may not change "+x.cfg.ServerName, x.cfg.ServerName), nil
		default:
			return failedBy(x.serverFault(err))
		}
	}
	after, err := x.readPeers(ctx)
	if err == nil && len(t.peers(after)) > 0 {
		err = fmt.Errorf("%s took the removal and has the peer all the same", x.cfg.ServerName)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return verdict{}, ctx.Err()
	case err != nil:
		return failedBy(x.serverFault(err))
	}
	return verdict{state: station.StepDone, detail: "removed " + joined(peers) + " from " + x.cfg.ServerName + "; " + keepHint(x.cfg.ServerName)}, nil
}

func (x *retirement) removePeer(ctx context.Context, key wgtypes.Key) error {
	ctx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	return x.cfg.Server.Remove(ctx, key)
}

// peers are the keys of those peers that are the device's: by its own keys, and those that have no other address than its
// own, whose key the bridge made or another station knows.
func (t Tunnel) peers(i wgcheck.Interface) (keys []wgtypes.Key) {
	for _, p := range i.Peers {
		if slices.Contains(t.Keys, p.PublicKey) || t.holds(p.AllowedIPs) {
			keys = append(keys, p.PublicKey)
		}
	}
	return keys
}

// holds reports whether the prefixes are addresses of the device and nothing else.
func (t Tunnel) holds(prefixes []netip.Prefix) bool {
	return len(prefixes) > 0 && !slices.ContainsFunc(prefixes, func(p netip.Prefix) bool {
		return !p.IsSingleIP() || !slices.Contains(t.Addresses, p.Addr())
	})
}

// byAdministrator is the verdict where somebody has to remove the peer on the server.
func byAdministrator(t Tunnel, why, iface string) verdict {
	if iface == "" || filepath.IsAbs(iface) {
		iface = "wg0"
	}
	var lines []string
	for _, key := range t.Keys {
		lines = append(lines, fmt.Sprintf("wg set %s peer %s remove", iface, key))
	}
	if len(t.Keys) == 0 {
		var addrs []string
		for _, a := range t.Addresses {
			addrs = append(addrs, a.String())
		}
		lines = append(lines, fmt.Sprintf("wg set %s peer $(wg show %s allowed-ips | awk '/[[:space:]](%s)\\//{print $1}') remove",
			iface, iface, strings.ReplaceAll(strings.Join(addrs, "|"), ".", `\.`)))
	}
	lines = append(lines, "wg-quick save "+iface)
	return verdict{state: station.StepManual, detail: fmt.Sprintf("%s. On the tunnel server, where %s is its interface: %s", why, iface, strings.Join(lines, " && "))}
}

// keepHint says what makes the removal last.
func keepHint(iface string) string {
	if filepath.IsAbs(iface) {
		return "take it out of the server's own file, too, or it is back after a restart"
	}
	return fmt.Sprintf("`wg-quick save %s` makes it last", iface)
}

func joined(keys []wgtypes.Key) string {
	var list []string
	for _, k := range keys {
		list = append(list, k.String())
	}
	return strings.Join(list, ", ")
}
