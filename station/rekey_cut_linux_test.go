package station_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"provstation/serialproto"
	"provstation/station"
	"provstation/station/devstack"
	"provstation/station/pki"
	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// caOf is the embedded stack's own CA, for devices that lend their keys.
func caOf(t *testing.T, stack *devstack.Stack) func(context.Context) (station.Authority, error) {
	t.Helper()
	text, err := os.ReadFile(stack.Root)
	must(t, err)
	roots, err := pki.LoadRoots(text)
	must(t, err)
	pool := x509.NewCertPool()
	for _, c := range roots {
		pool.AddCert(c)
	}
	ca, err := stepca.NewWith(stack.StepCAURL, stepca.Config{Roots: pool, MaxTLS: tls.VersionTLS12})
	must(t, err)
	t.Cleanup(ca.Close)
	return func(context.Context) (station.Authority, error) { return ca, nil }
}

// The cable is pulled when a sealed device has made its new key, and it is plugged in at a station that cannot unlock it: that one
// goes on with the key that is begun, and the device keeps the tunnel that it has.
func TestRekeyIsCut(t *testing.T) {
	r := newRig(t, devstack.Config{Devices: 1, Reenroll: "unlock"})
	key := stationtest.NewKey(t, "P-256")
	pin, err := serialproto.UnlockPin(key.Public())
	must(t, err)
	r.cfg.Unlock = station.UnlockPolicy{Pins: [][]byte{pin}, Key: key}
	r.cfg.Renewal.CA = caOf(t, r.stack)
	d := r.stack.Devices[0]
	r.start(d)
	r.check("provisioned", r.end(), station.Pass, "")
	r.stop()
	tunnel, err := os.ReadFile(filepath.Join(d.Dir, "wg0.conf"))
	must(t, err)

	r.cfg.Task = station.TaskRekey
	r.wrap = hook(once(map[string]station.Phase{d.Name: station.PhaseCSR}, func(string) { must(t, d.Unplug()) }))
	r.start(d)
	if e := r.end(); e.Outcome.Good() {
		t.Fatalf("cut: got %s", e.Outcome)
	}
	r.stop()

	r.cfg.Task, r.cfg.Unlock.Key = station.TaskProvision, nil
	r.wrap = func(l station.Ledger) station.Ledger { return l }
	must(t, d.Plug(t.Context()))
	r.hold(d)
	r.start(d)
	r.check("plugged in elsewhere", r.end(), station.Pass, "")
	r.stop()
	after, err := os.ReadFile(filepath.Join(d.Dir, "wg0.conf"))
	must(t, err)
	if string(after) != string(tunnel) {
		t.Error("the device has another tunnel than before")
	}
}
