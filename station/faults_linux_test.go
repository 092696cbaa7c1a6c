package station_test

import (
	"testing"
	"time"

	"provstation/station"
	"provstation/station/devstack"
)

// workingPhases are the phases of a run as it is configured here.
func workingPhases() []station.Phase {
	var list []station.Phase
	for _, p := range station.Phases() {
		if !p.Rare() && p != station.PhaseWireGuard && p != station.PhaseRegister {
			list = append(list, p)
		}
	}
	return list
}

// assign gives each phase a device.
func (r *rig) assign(phases []station.Phase) (byName map[string]*devstack.Device, at map[string]station.Phase) {
	byName, at = map[string]*devstack.Device{}, map[string]station.Phase{}
	for i, p := range phases {
		d := r.stack.Devices[i]
		byName[d.Name], at[d.Name] = d, p
	}
	return byName, at
}

// Unplugged as a phase begins, for every phase: an ERROR that says so, and the next plug-in ends well, with the same key
// and the same certificate. Only what comes after the seal needs no device any more.
func TestUnplugInEveryPhase(t *testing.T) {
	phases := workingPhases()
	r := newRig(t, devstack.Config{Devices: len(phases)})
	devices, at := r.assign(phases)
	r.wrap = hook(once(at, func(slot string) {
		if err := devices[slot].Unplug(); err != nil {
			t.Errorf("%s: unplug: %v", slot, err)
		}
	}))
	r.start(r.stack.Devices...)
	first := r.ends(len(phases))
	var old []string
	for slot, p := range at {
		e := first[slot]
		if p == station.PhaseRecord {
			r.check("unplug in "+string(p), e, station.Pass, "")
		} else {
			r.check("unplug in "+string(p), e, station.Error, station.CodePortGone)
		}
		old = append(old, devices[slot].Path)
	}
	r.unplugged(old...)
	r.plug(r.stack.Devices...)
	for slot, e := range r.ends(len(phases)) {
		what := "plugged in again after " + string(at[slot])
		if at[slot] == station.PhaseRecord {
			r.check(what, e, station.Skipped, station.CodeSkipped)
		} else {
			r.check(what, e, station.Pass, "")
		}
		if was, is := r.spki(first[slot].Run), r.spki(e.Run); was != "" && was != is {
			t.Errorf("%s: got key %s, want the one of the first run, %s", what, is, was)
		}
		if was := first[slot].CertFingerprint; was != "" && was != e.CertFingerprint {
			t.Errorf("%s: got certificate %s, want the one on file, %s", what, e.CertFingerprint, was)
		}
	}
	if got := r.stack.Bridge.Posts(); got != len(phases) {
		t.Errorf("got %d posts for %d devices, want one each", got, len(phases))
	}
	r.stop()
}

// The reset button as a phase begins, for every phase: the same run goes on and ends in PASS, with one key.
func TestResetInEveryPhase(t *testing.T) {
	phases := workingPhases()
	r := newRig(t, devstack.Config{Devices: len(phases)})
	devices, at := r.assign(phases)
	r.wrap = hook(once(at, func(slot string) {
		if err := devices[slot].Reset(t.Context()); err != nil {
			t.Errorf("%s: reset: %v", slot, err)
		}
	}))
	r.start(r.stack.Devices...)
	r.passEach(len(phases), func(slot string) string { return "reset in " + string(at[slot]) })
	if got := r.stack.Bridge.Posts(); got != len(phases) {
		t.Errorf("got %d posts for %d devices, want one each", got, len(phases))
	}
	r.stop()
}

// sweep starts a run on every device and does something to each a bit later in its run than to the one before.
func (r *rig) sweep(step time.Duration, do func(d *devstack.Device) error) {
	done := make(chan error, len(r.stack.Devices))
	r.start(r.stack.Devices...)
	for range r.stack.Devices {
		e := r.until("run-start", func(e station.Event) bool { _, ok := e.Body.(station.RunStarted); return ok })
		slot := e.Body.(station.RunStarted).Slot
		for i, d := range r.stack.Devices {
			if d.Name == slot {
				time.AfterFunc(time.Duration(i)*step, func() { done <- do(d) })
			}
		}
	}
	for range r.stack.Devices {
		select {
		case err := <-done:
			must(r.t, err)
		case <-time.After(patience):
			r.t.Fatal("the sweep did not end")
		}
	}
}

// Unplugged in the middle of whatever is on the wire: never anything but an ERROR or a PASS that was earned, and the next
// plug-in ends well with the same key.
func TestUnplugAnywhere(t *testing.T) {
	r := newRig(t, devstack.Config{Devices: 16, Baud: 230400})
	r.sweep(25*time.Millisecond, (*devstack.Device).Unplug)
	first := map[string]station.RunEnded{}
	for _, e := range r.seen {
		if end, ok := e.Body.(station.RunEnded); ok {
			first[end.Slot] = end
		}
	}
	for slot, e := range r.ends(len(r.stack.Devices) - len(first)) {
		first[slot] = e
	}
	gone := 0
	var old []string
	for slot, e := range first {
		if e.Outcome == station.Pass {
			continue
		}
		gone++
		r.check(slot, e, station.Error, station.CodePortGone)
	}
	for _, d := range r.stack.Devices {
		old = append(old, d.Path)
	}
	if gone < 4 {
		t.Errorf("got %d runs that were cut, want most of them: the sweep proves nothing", gone)
	}
	r.unplugged(old...)
	r.plug(r.stack.Devices...)
	for slot, e := range r.ends(len(first)) {
		if first[slot].Outcome == station.Pass {
			r.check(slot, e, station.Skipped, station.CodeSkipped)
			continue
		}
		r.check(slot, e, station.Pass, "")
		if was, is := r.spki(first[slot].Run), r.spki(e.Run); was != "" && was != is {
			t.Errorf("%s: got key %s, want the one of the first run, %s", slot, is, was)
		}
	}
	r.stop()
}

// Reset in the middle of whatever is on the wire: the same run ends in PASS.
func TestResetAnywhere(t *testing.T) {
	r := newRig(t, devstack.Config{Devices: 16, Baud: 230400})
	r.sweep(25*time.Millisecond, func(d *devstack.Device) error { return d.Reset(t.Context()) })
	r.passEach(len(r.stack.Devices), func(slot string) string { return slot })
	if got := r.stack.Bridge.Posts(); got != len(r.stack.Devices) {
		t.Errorf("got %d posts for %d devices, want one each", got, len(r.stack.Devices))
	}
	r.stop()
}
