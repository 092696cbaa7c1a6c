package station_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provstation/serialproto"
	"provstation/station"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// factOf is a fact of a phase of a run, as its end told it.
func (r *rig) factOf(run string, p station.Phase, name string) string {
	for _, e := range r.seen {
		if c, ok := e.Body.(station.PhaseChanged); ok && c.Run == run && c.Phase == p && c.Status == station.PhaseDone {
			return c.Facts[name]
		}
	}
	return ""
}

// stepsOf are the steps that a phase of a run told of.
func (r *rig) stepsOf(run string, p station.Phase) (list []string) {
	for _, e := range r.seen {
		if c, ok := e.Body.(station.PhaseChanged); ok && c.Run == run && c.Phase == p && c.Step != "" {
			list = append(list, c.Step)
		}
	}
	return list
}

// TestSealedDeviceIsProven: real devices that sign no TLS 1.2 come to a bench that knows nothing of them. With the unlock key
// the station proves them over TLS 1.3; without it they test the broker themselves, and it is on record as their word.
func TestSealedDeviceIsProven(t *testing.T) {
	r := newRig(t, devstack.Config{Devices: 1, Reenroll: "unlock", NoTLS12: true})
	key := stationtest.NewKey(t, "P-256")
	pin, err := serialproto.UnlockPin(key.Public())
	must(t, err)
	r.cfg.Unlock.Pins = [][]byte{pin}
	r.start(r.stack.Devices...)
	r.check("provisioned", r.end(), station.Pass, "")

	r.stop()
	r.open(filepath.Join(t.TempDir(), "unlocked.db"))
	r.cfg.Unlock.Key = key
	r.start(r.stack.Devices...)
	e := r.end()
	r.check("unlocked", e, station.Pass, "")
	if by, tls := r.factOf(e.Run, station.PhaseMQTT, station.FactProofBy), r.factOf(e.Run, station.PhaseMQTT, station.FactTLS); by != "station" || !strings.HasPrefix(tls, "TLS 1.3") || e.Proof != station.BrokerDelivered {
		t.Errorf("got %s by %q over %q, want delivered, seen by the station over TLS 1.3", e.Proof, by, tls)
	}

	r.stop()
	r.open(filepath.Join(t.TempDir(), "own.db"))
	r.cfg.Unlock.Key = nil
	r.start(r.stack.Devices...)
	e = r.end()
	r.check("by itself", e, station.Pass, "")
	if by := r.factOf(e.Run, station.PhaseMQTT, station.FactProofBy); by != "device" || e.Proof != station.BrokerAcked {
		t.Errorf("got %s by %q, want acknowledged, as the device says", e.Proof, by)
	}
	d, err := r.ledger.Run(t.Context(), e.Run)
	must(t, err)
	if len(d.Proofs) != 1 || !strings.Contains(d.Proofs[0].Broker, "the device says") {
		t.Errorf("on record is %+v, want that the device says it", d.Proofs)
	}
	if seen := r.stack.Seen(); len(seen) != 3 {
		t.Errorf("the broker has seen %d devices, want three tests", len(seen))
	}
}

// TestDeviceRunsTheTest: the device's own test is one more at the broker, with the device's own key; its steps are told
// beside the station's. A broker that turns the device away ends the run with the same code whoever asked.
func TestDeviceRunsTheTest(t *testing.T) {
	steps := []string{"resolve", "tcp", "tls", "certificate", "connack", "publish"}
	own := slices.Clone(steps)
	for i := range own {
		own[i] = "device-" + own[i]
	}
	for _, row := range []struct {
		mode  station.ProofMode
		steps []string
		seen  int
	}{
		{station.ProveDevice, own, 1},
		{station.ProveBoth, slices.Concat(steps, own), 2},
	} {
		r := newRig(t, devstack.Config{Devices: 1})
		r.cfg.MQTTRun = row.mode
		r.start(r.stack.Devices...)
		e := r.end()
		r.check(string(row.mode), e, station.Pass, "")
		if got := r.stepsOf(e.Run, station.PhaseMQTT); !slices.Equal(got, row.steps) {
			t.Errorf("%s: got steps %q, want %q", row.mode, got, row.steps)
		}
		if n := len(r.stack.Seen()); n != row.seen {
			t.Errorf("%s: the broker has seen %d messages, want %d", row.mode, n, row.seen)
		}
	}
	r := newRig(t, devstack.Config{Devices: 1})
	r.stack.SetBrokerFault(func(string, int) devstack.BrokerFault { return devstack.BrokerRefuses })
	r.cfg.MQTTRun = station.ProveDevice
	r.start(r.stack.Devices...)
	e := r.end()
	r.check("turned away", e, station.Fail, station.CodeBrokerConnack)
	if e.Params["run_by"] != "device" || e.Params["reason_code"] == "" {
		t.Errorf("got %v", e.Params)
	}
}
