package device_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/devstack"
)

// worlds are the two ways in which a place is known: by a link as udev makes them in /dev/serial/by-path, found by watching
// its folder, and by the USB topology that sysfs shows. Where the machine is made for it, real drivers are a third.
func worlds() map[string]func(*testing.T) world {
	if os.Getenv(gadgetsEnv) != "" {
		return map[string]func(*testing.T) world{"drivers": func(t *testing.T) world { return newGadgetWorld(t) }}
	}
	return map[string]func(*testing.T) world{
		"by-path link": func(t *testing.T) world { return newLinkWorld(t) },
		"sysfs":        func(t *testing.T) world { return newSysWorld(t, false) },
	}
}

func eachWorld(t *testing.T, f func(t *testing.T, w world)) {
	for name, open := range worlds() {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

// slots names the places 1 to 3.
func slots(w world) map[string]string {
	return map[string]string{w.key(1): "A1", w.key(2): "A2", w.key(3): "A3"}
}

// A device is plugged in and nothing else is done: its run starts in the slot of its place, and passes.
func TestHotplugStarts(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		r := newHotplugRig(t, w, devstack.Config{Devices: 1}, station.PortRules{Slots: slots(w)})
		w.plug(1, "ttyUSB0", terminal(t, r.stack.Devices[0]))
		started := r.started()
		if started.Slot != "A1" {
			t.Errorf("started in slot %q, want A1", started.Slot)
		}
		r.passed(r.ended(), started)
	})
}

// A device that resets in the middle of its run keeps its slot, and the same run goes on to its end.
func TestHotplugReset(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		r := newHotplugRig(t, w, devstack.Config{Devices: 2, Delay: 300 * time.Millisecond}, station.PortRules{Slots: slots(w)})
		d := r.stack.Devices[1]
		w.plug(2, "ttyUSB1", terminal(t, d))
		started := r.started()
		r.enrolling(started.Run)
		must(t, d.Reset(t.Context()))
		if started.Slot != "A2" {
			t.Errorf("started in slot %q, want A2", started.Slot)
		}
		r.passed(r.ended(), started)
	})
}

// A device that goes away in the middle of its run and comes back under another name, on another terminal, is still in its
// slot: the run that lost it says so, and the next one carries on there.
func TestHotplugRename(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		r := newHotplugRig(t, w, devstack.Config{Devices: 3, Delay: 300 * time.Millisecond}, station.PortRules{Slots: slots(w)})
		d := r.stack.Devices[2]
		before := terminal(t, d)
		w.plug(3, "ttyUSB2", before)
		first := r.started()
		r.enrolling(first.Run)
		hold(t, before) // the number stays taken
		w.unplug(3, "ttyUSB2")
		must(t, d.Unplug())
		lost := r.ended()
		if lost.Run != first.Run || lost.Slot != "A3" || lost.Code != station.CodePortGone {
			t.Errorf("got the end of %s in %q with %q, want %s in A3 with %s", lost.Run, lost.Slot, lost.Code, first.Run, station.CodePortGone)
		}
		must(t, d.Plug(t.Context()))
		after := terminal(t, d)
		if after == before {
			t.Fatalf("got the same terminal %s again, want another", after)
		}
		w.plug(3, "ttyUSB7", after)
		second := r.started()
		if second.Slot != "A3" {
			t.Errorf("came back in slot %q, want A3", second.Slot)
		}
		end := r.ended()
		r.passed(end, second)
		if end.Attempt != 2 {
			t.Errorf("got attempt %d, want 2: it is the same device", end.Attempt)
		}
	})
}

// A port that is excluded and one that nothing names are shown with the reason, never opened, and sent nothing, while the
// bench does its work beside them.
func TestHotplugSkips(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		rules := station.PortRules{Slots: slots(w), Exclude: []string{w.key(8)}}
		rules.Slots[w.key(8)] = "B8" // a name does not help it
		r := newHotplugRig(t, w, devstack.Config{Devices: 1}, rules)
		want := map[int]station.Code{8: station.CodePortIgnored, 9: station.CodePortUnknown}
		if _, links := w.(*linkWorld); links { // what is no USB port to the system is not unknown but none of ours
			want[9] = station.CodePortIgnored
		}
		var quiet []*witness
		for place, code := range want {
			v := newWitness(t)
			quiet = append(quiet, v)
			path := w.plug(place, "ttyUSB"+string(rune('0'+place)), v.terminal())
			seen := r.port(path)
			if seen.Status != "ignored" || seen.Code != code || seen.Reason == "" {
				t.Errorf("place %d: got %q %q %q, want it ignored with %s and a reason", place, seen.Status, seen.Code, seen.Reason, code)
			}
		}
		w.plug(1, "ttyUSB0", terminal(t, r.stack.Devices[0]))
		started := r.started()
		r.passed(r.ended(), started)
		for _, v := range quiet {
			v.untouched()
		}
	})
}

// From the event that announces a port (a link in a watched folder, a message of the kernel) to the first byte heard from
// it, through the whole bench. The bound is generous; the figure is in the log.
func TestHotplugLatency(t *testing.T) {
	const rounds, bound = 20, 2 * time.Second
	for name, open := range map[string]func(*testing.T) world{
		"by-path link": func(t *testing.T) world { return newLinkWorld(t) },
		"kernel event": func(t *testing.T) world { return newSysWorld(t, true) },
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			r := newHotplugRig(t, w, devstack.Config{}, station.PortRules{Slots: slots(w)})
			var took []time.Duration
			for range rounds {
				v := newWitness(t)
				v.chatter()
				path := w.plug(1, "ttyUSB0", v.terminal())
				line := r.opened()
				heard := firstByte(t, line, bound)
				took = append(took, heard.Sub(w.told()))
				w.unplug(1, "ttyUSB0") // while the terminal is still there: only the watch can tell
				for r.port(path).Status != "gone" {
				}
				v.close()
			}
			slices.Sort(took)
			median, worst := took[rounds/2], took[rounds-1]
			t.Logf("%s to first byte heard: median %v, worst of %d %v", name, median.Round(time.Millisecond/10), rounds, worst.Round(time.Millisecond/10))
			if worst > bound {
				t.Errorf("got %v, want less than %v", worst, bound)
			}
		})
	}
}
