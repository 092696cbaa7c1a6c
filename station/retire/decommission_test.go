package retire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/stepca"
	"provstation/station/wgcheck"
)

func newKey(t *testing.T) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k.PublicKey()
}

func addresses(list ...string) (out []netip.Addr) {
	for _, a := range list {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func wish() Wish { return Wish{DeviceID: device, HardwareSerial: "HW-41", Reason: "water in the box"} }

func (k *kit) decommission(w Wish) Report {
	k.t.Helper()
	rep, err := k.retirer().Decommission(k.t.Context(), w, nil)
	if err != nil {
		k.t.Fatalf("got %v, want a report", err)
	}
	return rep
}

// states are the steps' states, in order.
func states(rep Report) (list []string) {
	for _, s := range rep.Steps {
		switch {
		case s.Waits:
			list = append(list, "waits")
		case s.Code != "":
			list = append(list, string(s.State)+" "+string(s.Code))
		default:
			list = append(list, string(s.State))
		}
	}
	return list
}

func wantStates(t *testing.T, rep Report, ended bool, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, states(rep)); diff != "" || rep.Ended() != ended {
		t.Errorf("ended: %t, want %t; steps (-want +got):\n%s", rep.Ended(), ended, diff)
	}
}

// deeds are what happened, without what was written down.
func (k *kit) deeds() []string {
	return slices.DeleteFunc(slices.Clone(k.log), func(s string) bool { return strings.HasPrefix(s, "record ") })
}

// Each step is on record before it is taken and again after, in the documented order; nothing of another device is touched.
func TestDecommission(t *testing.T) {
	k := newKit(t)
	rep := k.decommission(wish())
	wantStates(t, rep, true, "done", "done", "done", "done", "done")
	want := []string{
		"record retirement",
		"record revoke begun",
		"record revoke 03", "revoke 03", "record done 03", "record revoke 02", "revoke 02", "record done 02",
		"record revoke done",
		"record wireguard-peer begun", "remove peer", "record wireguard-peer done",
		"record thingsboard begun", "delete in thingsboard", "record thingsboard done",
		"record hawkbit begun", "delete in hawkbit", "record hawkbit done",
		"record erase begun", "erase", "record erase done",
		"record retired",
	}
	if diff := cmp.Diff(want, k.log); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
	if len(k.vpn.Peers) != 1 || !k.board.devices["edge-0042"] || !k.hawk.devices["edge-0042"] || len(k.ca.revoked) != 2 {
		t.Errorf("another device was touched: peers %v, ThingsBoard %v, hawkBit %v, revoked %v", k.vpn.Peers, k.board.devices, k.hawk.devices, k.ca.revoked)
	}
	if r := k.ca.revoked["03"]; r != stepca.CessationOfOperation {
		t.Errorf("got reason %v, want cessationOfOperation", r)
	}
	row := k.records.retirements[0]
	if row.By != "Lea" || row.Reason != "water in the box" || row.StationID != "station" || row.EndedAt.IsZero() {
		t.Errorf("got %+v on record, want who and why, and its end", row)
	}
	if detail := rep.Steps[1].Detail; !strings.Contains(detail, "wg-quick save wg0") {
		t.Errorf("got %q, want what makes the removal last", detail)
	}
}

func TestDecommissionAgain(t *testing.T) {
	k := newKit(t)
	k.decommission(wish())
	done := k.deeds()
	rep := k.decommission(wish())
	if !rep.Before || !rep.Ended() || len(k.records.retirements) != 1 {
		t.Errorf("got %+v, want the one that had ended", rep)
	}
	w := wish()
	w.Again = true
	wantStates(t, k.decommission(w), true, "gone", "gone", "gone", "gone", "done")
	if diff := cmp.Diff(append(done, "erase"), k.deeds()); diff != "" {
		t.Errorf("again, what is gone already was done again (-want +got):\n%s", diff)
	}
}

// What is not there, or not set up, is no failure.
func TestDecommissionNothingThere(t *testing.T) {
	k := newKit(t)
	k.records.certs, k.records.tunnel = k.records.certs[2:], Tunnel{}
	k.board.devices, k.cfg.HawkBit, k.cfg.Eraser = nil, nil, nil
	rep := k.decommission(wish())
	wantStates(t, rep, true, "gone", "gone", "gone", "off", "manual")
	if !strings.Contains(rep.Steps[4].Detail, "still on it") {
		t.Errorf("got %q, want that the device still has its key", rep.Steps[4].Detail)
	}
	if k.opened != 0 {
		t.Error("the CA's key was opened for nothing")
	}
	k.cfg.NoTunnels = true
	w := wish()
	w.Again = true
	wantStates(t, k.decommission(w), true, "gone", "off", "gone", "off", "manual")
}

// A step that fails is named with its code, hinders none that may go on, and is the only one done by the next call.
func TestDecommissionStepFails(t *testing.T) {
	down := &station.Fault{Code: station.CodeTenantDown, Outcome: station.Error, Err: errors.New("connection refused")}
	for _, tc := range []struct {
		name  string
		spoil func(*kit)
		mend  func(*kit)
		want  []string
	}{
		{
			"CA down", func(k *kit) { k.ca.fail = func(int, string) (error, bool) { return unreachable, false } }, func(k *kit) { k.ca.fail = nil },
			[]string{"failed E-CA-DOWN", "done", "waits", "waits", "waits"},
		},
		{
			"CA down after one", func(k *kit) { k.ca.fail = second(unreachable) }, func(k *kit) { k.ca.fail = nil },
			[]string{"failed E-CA-DOWN", "done", "waits", "waits", "waits"},
		},
		{
			"CA refuses one", func(k *kit) { k.ca.fail = second(refused) }, func(k *kit) { k.ca.fail = nil },
			[]string{"failed E-CA-REFUSED", "done", "waits", "waits", "waits"},
		},
		{
			"password", func(k *kit) { k.openErr = &stepca.Error{Err: stepca.ErrPassword} }, func(k *kit) { k.openErr = nil },
			[]string{"failed E-CA-PASSWORD", "done", "waits", "waits", "waits"},
		},
		{
			"tunnel server silent", func(k *kit) { k.vpn.read = context.DeadlineExceeded }, func(k *kit) { k.vpn.read = nil },
			[]string{"done", "failed E-WG-SERVER", "done", "done", "done"},
		},
		{
			"tunnel server refuses", func(k *kit) { k.vpn.remove = errors.New("error 22") }, func(k *kit) { k.vpn.remove = nil },
			[]string{"done", "failed E-WG-SERVER", "done", "done", "done"},
		},
		{
			"tunnel server keeps it", func(k *kit) { k.vpn.stubborn = true }, func(k *kit) { k.vpn.stubborn = false },
			[]string{"done", "failed E-WG-SERVER", "done", "done", "done"},
		},
		{
			"another tunnel server", func(k *kit) { k.cfg.ServerKey = wgtypes.Key{1} }, func(k *kit) { k.cfg.ServerKey = k.vpn.PublicKey },
			[]string{"done", "failed E-WG-SERVER-KEY", "done", "done", "done"},
		},
		{
			"ThingsBoard down", func(k *kit) { k.board.fault = down }, func(k *kit) { k.board.fault = nil },
			[]string{"done", "done", "failed E-TENANT-DOWN", "done", "done"},
		},
		{
			"hawkBit down", func(k *kit) { k.hawk.fault = down }, func(k *kit) { k.hawk.fault = nil },
			[]string{"done", "done", "done", "failed E-TENANT-DOWN", "done"},
		},
		{
			"both down", func(k *kit) { k.board.fault, k.hawk.fault = down, down }, func(k *kit) { k.board.fault, k.hawk.fault = nil, nil },
			[]string{"done", "done", "failed E-TENANT-DOWN", "failed E-TENANT-DOWN", "done"},
		},
		{
			"device does not obey", func(k *kit) { k.eraser.err = &station.Fault{Code: station.CodeAgentLocked} }, func(k *kit) { k.eraser.err = nil },
			[]string{"done", "done", "done", "done", "failed E-AGENT-LOCKED"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := newKit(t)
			tc.spoil(k)
			for range 2 { // it may fail again
				rep := k.decommission(wish())
				wantStates(t, rep, false, tc.want...)
				for _, s := range rep.Steps {
					if s.State == station.StepFailed && (s.Fault == nil || s.Detail == "" && s.Code != station.CodeAgentLocked) {
						t.Errorf("%s: got %+v, want a fault and words", s.Step, s)
					}
				}
			}
			tc.mend(k)
			wantStates(t, k.decommission(wish()), true, "done", "done", "done", "done", "done")
			if diff := cmp.Diff(sorted(everything), sorted(k.deeds())); diff != "" {
				t.Errorf("what was done in all, once each (-want +got):\n%s", diff)
			}
			if len(k.records.retirements) != 1 {
				t.Errorf("got %d decommissionings on record, want one that was carried on", len(k.records.retirements))
			}
		})
	}
}

// everything is what a decommissioning does in all.
var everything = []string{ //nolint:gochecknoglobals // constant
	"revoke 03", "revoke 02", "remove peer", "delete in thingsboard", "delete in hawkbit", "erase",
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// Whatever write fails, nothing is called done that is not on record, and the next call ends it, everything done once.
func TestDecommissionRecordFails(t *testing.T) {
	clean := newKit(t)
	clean.decommission(wish())
	if clean.records.writes < 16 {
		t.Fatalf("got %d writes, want one before and after each step", clean.records.writes)
	}
	for at := 1; at <= clean.records.writes; at++ {
		t.Run(fmt.Sprintf("write %d", at), func(t *testing.T) {
			k := newKit(t)
			k.records.failAt = at
			rep, err := k.retirer().Decommission(t.Context(), wish(), nil)
			wantCode(t, err, station.CodeLedger)
			if rep.Ended() {
				t.Error("it is said to have ended")
			}
			if rep := k.decommission(wish()); !rep.Ended() {
				t.Errorf("the next call: got %v, want it ended", states(rep))
			}
			deeds := slices.DeleteFunc(k.deeds(), func(s string) bool { return s == "erase" }) // is done again where nobody knew
			if diff := cmp.Diff(sorted(everything[:5]), sorted(deeds)); diff != "" {
				t.Errorf("what was done in all (-want +got):\n%s", diff)
			}
		})
	}
}

// Interrupted in a step: it stays begun, the next call repeats it.
func TestDecommissionStopped(t *testing.T) {
	k := newKit(t)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := k.retirer().Decommission(ctx, wish(), func(s Step) {
		if s.Step == station.StepTunnel && s.State == station.StepDone {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	k.board.fault = &station.Fault{Code: station.CodeAborted, Err: context.Canceled}
	if _, err := k.retirer().Decommission(t.Context(), wish(), nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	row := k.records.retirements[0]
	if s := row.Steps[len(row.Steps)-1]; s.Step != station.StepThingsBoard || s.State != station.StepBegun {
		t.Errorf("got %+v, want ThingsBoard begun, as nobody knows", s)
	}
	k.board.fault = nil
	wantStates(t, k.decommission(wish()), true, "done", "done", "done", "done", "done")
}

// Where the tunnel server is out of reach the administrator gets the exact command, and says when it is done.
func TestDecommissionByHand(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(*kit)
		why   string
		iface string
	}{
		{"no server configured", func(k *kit) { k.cfg.Server, k.cfg.ServerName = nil, "" }, "wireguard.server", "wg0"},
		{"no such interface", func(k *kit) { k.vpn.read, k.cfg.ServerName = fs.ErrNotExist, "wg7" }, "not on this machine", "wg7"},
		{"may not read", func(k *kit) { k.vpn.read, k.cfg.ServerName = fs.ErrPermission, "/run/wg.sock" }, "may not change", "wg0"},
		{"may not change", func(k *kit) { k.vpn.remove = fs.ErrPermission }, "may not change", "wg0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := newKit(t)
			tc.spoil(k)
			rep := k.decommission(wish())
			wantStates(t, rep, false, "done", "manual", "done", "done", "done")
			want := fmt.Sprintf("wg set %s peer %s remove && wg-quick save %s", tc.iface, k.records.tunnel.Keys[0], tc.iface)
			if d := rep.Steps[1].Detail; !strings.Contains(d, want) || !strings.Contains(d, tc.why) {
				t.Errorf("got %q, want %q and %q", d, tc.why, want)
			}
			w := wish()
			w.Done = []station.RetirementStepName{station.StepTunnel}
			rep = k.decommission(w)
			wantStates(t, rep, true, "done", "done", "done", "done", "done")
			if !strings.Contains(rep.Steps[1].Detail, "Lea") {
				t.Errorf("got %q, want who said so", rep.Steps[1].Detail)
			}
		})
	}
	k := newKit(t)
	w := wish()
	w.Done = []station.RetirementStepName{station.StepRevoke}
	if _, err := k.retirer().Decommission(t.Context(), w, nil); !errors.Is(err, ErrNotByHand) || len(k.log) > 0 {
		t.Errorf("got %v and %v, want %v and nothing done", err, k.log, ErrNotByHand)
	}
}

// A device that is not here does not hinder the end, and is erased where it turns up before that.
func TestDecommissionNotHere(t *testing.T) {
	k := newKit(t)
	k.eraser.err, k.board.fault = station.ErrNotHere, &station.Fault{Code: station.CodeTenantDown, Err: errors.New("down")}
	wantStates(t, k.decommission(wish()), false, "done", "done", "failed E-TENANT-DOWN", "done", "manual")
	k.eraser.err, k.board.fault = nil, nil
	wantStates(t, k.decommission(wish()), true, "done", "done", "done", "done", "done")
}

// A device that is here and that this station cannot open does not hinder the end either: what keeps it shut is said, and another
// try would not mend it. What may pass does hinder it.
func TestDecommissionCannotErase(t *testing.T) {
	for code, ends := range map[station.Code]bool{
		station.CodeUnlockKey: true, station.CodeUnlockPin: true, station.CodeUnlockRefused: true, station.CodeAgentOld: true,
		station.CodeUnlockWait: false, station.CodePortBusy: false,
	} {
		k := newKit(t)
		k.eraser.err = &station.Fault{Code: code}
		want := "failed " + string(code)
		if ends {
			want = "manual"
		}
		rep := k.decommission(wish())
		wantStates(t, rep, ends, "done", "done", "done", "done", want)
		if f := rep.Steps[len(rep.Steps)-1].Fault; f == nil || f.Code != code {
			t.Errorf("%s: got fault %v, want it told", code, f)
		}
	}
}

// Which peers are a device's: those with a key of its own, and those with no address but its own.
func TestTunnelPeers(t *testing.T) {
	own, old, byBridge, other, net := newKey(t), newKey(t), newKey(t), newKey(t), newKey(t)
	i := wgcheck.Interface{Peers: []wgcheck.Peer{
		{PublicKey: own, AllowedIPs: prefixes("10.8.0.9/32", "fd00::9/128")},
		{PublicKey: old}, // of an earlier enrollment: its address has gone to the newer peer
		{PublicKey: byBridge, AllowedIPs: prefixes("10.8.0.19/32")},
		{PublicKey: other, AllowedIPs: prefixes("10.8.0.10/32")},
		{PublicKey: net, AllowedIPs: prefixes("10.8.0.9/32", "192.168.0.0/24")}, // a router
	}}
	tunnel := Tunnel{Keys: []wgtypes.Key{own, old}, Addresses: addresses("10.8.0.9", "10.8.0.19", "fd00::9")}
	if diff := cmp.Diff([]wgtypes.Key{own, old, byBridge}, tunnel.peers(i)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := (Tunnel{}).peers(i); len(got) != 0 {
		t.Errorf("got %v for a device without a tunnel, want none", got)
	}
	v := byAdministrator(Tunnel{Addresses: addresses("10.8.0.9", "fd00::9")}, "why", "")
	if want := `awk '/[[:space:]](10\.8\.0\.9|fd00::9)\//{print $1}'`; !strings.Contains(v.detail, want) {
		t.Errorf("got %q, want %q", v.detail, want)
	}
}

func TestCrashPointsAreAll(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range CrashPoints() {
		seen[p] = true
	}
	if len(seen) != len(CrashPoints()) || len(seen) != 3+3+3*len(station.RetirementSteps()) {
		t.Errorf("got %v", slices.Sorted(maps.Keys(seen)))
	}
}
