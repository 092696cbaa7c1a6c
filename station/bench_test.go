package station

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// ports are the port events of one port: status and code.
func ports(events []Event, path string) (list []string) {
	for _, e := range events {
		if p, ok := e.Body.(PortSeen); ok && p.Port == path {
			list = append(list, strings.TrimSpace(p.Status+" "+string(p.Code)))
		}
	}
	return list
}

// A port that is not ours is said with its reason and never opened.
func TestPortsLeftAlone(t *testing.T) {
	rows := []struct {
		name   string
		rules  PortRules
		port   PortInfo
		reason string // empty: it is used
	}{
		{"usb by policy", PortRules{Unknown: true}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403"}, ""},
		{"no usb", PortRules{}, PortInfo{Path: "/dev/ttyS0"}, "not-usb"},
		{"included by path", PortRules{Include: []string{"/dev/ttyS0"}}, PortInfo{Path: "/dev/ttyS0"}, ""},
		{"included by pattern", PortRules{Include: []string{"/dev/ttyS*"}}, PortInfo{Path: "/dev/ttyS0"}, ""},
		{"included by slot", PortRules{Include: []string{"pci-0:1"}}, PortInfo{Path: "/dev/ttyS0", Slot: "pci-0:1"}, ""},
		{"included by id", PortRules{Include: []string{"usb-FTDI_*"}}, PortInfo{Path: "/dev/ttyS0", ByID: "usb-FTDI_A1"}, ""},
		{"not included", PortRules{Include: []string{"/dev/ttyACM*"}}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403"}, "unknown"},
		{"no usb and not included", PortRules{Include: []string{"/dev/ttyACM*"}, Unknown: true}, PortInfo{Path: "/dev/ttyS0"}, "not-included"},
		{"excluded", PortRules{Exclude: []string{"/dev/ttyUSB*"}}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403"}, "excluded"},
		{"a usb port that nobody named", PortRules{}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403"}, "unknown"},
		{"named", PortRules{Slots: map[string]string{"pci-0:1": "A1"}}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403", Slot: "pci-0:1"}, ""},
		{"named, and not included", PortRules{Slots: map[string]string{"pci-0:1": "A1"}, Include: []string{"/dev/ttyACM*"}}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403", Slot: "pci-0:1"}, "unknown"},
		{"learnt, and not included", PortRules{Slots: map[string]string{"pci-0:1": "A1"}, Learnt: map[string]string{"pci-0:1": "A1"}, Include: []string{"/dev/ttyACM*"}}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403", Slot: "pci-0:1"}, ""},
		{"named and excluded", PortRules{Slots: map[string]string{"pci-0:1": "A1"}, Exclude: []string{"pci-0:1"}}, PortInfo{Path: "/dev/ttyUSB0", VID: "0403", Slot: "pci-0:1"}, "excluded"},
		{"exclude wins", PortRules{Include: []string{"/dev/*"}, Exclude: []string{"usb-printer"}}, PortInfo{Path: "/dev/x", ByID: "usb-printer"}, "excluded"},
		{"a bad pattern is a name", PortRules{Include: []string{"/dev/tty["}}, PortInfo{Path: "/dev/tty["}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				<-k.watcher.changes // no s1
				k.bench.Ports = row.rules
				p := &fakePort{path: row.port.Path}
				p.plug(newFakeDevice("SN-1"))
				k.conn.ports[row.port.Path] = p
				k.watcher.changes <- PortChange{Added: true, Port: row.port}
				events := k.play()
				var ignored []PortSeen
				for _, e := range events {
					if s, ok := e.Body.(PortSeen); ok && s.Status == "ignored" {
						ignored = append(ignored, s)
					}
				}
				if row.reason == "" {
					wantEnd(t, events, Pass, "")
					if len(ignored) != 0 {
						t.Errorf("got %+v, want no port ignored", ignored)
					}
					return
				}
				code, reason := CodePortIgnored, "reason:"+row.reason
				if row.reason == "unknown" {
					code, reason = CodePortUnknown, ""
				}
				if len(ignored) != 1 || !strings.Contains(ignored[0].Reason, reason) || ignored[0].Code != code {
					t.Errorf("got %+v, want one with reason %q", ignored, row.reason)
				}
				if len(ends(events)) != 0 || len(p.ops) != 0 {
					t.Errorf("got %d runs and %q, want the port untouched", len(ends(events)), p.ops)
				}
				if sum := events[len(events)-1].Body.(Summary); sum.Devices != 0 {
					t.Errorf("got %+v, want nothing counted", sum)
				}
			})
		})
	}
}

// What keeps a port from being used is said once, with what to do, and when it is over the device is run.
func TestPortTroubles(t *testing.T) {
	rows := []struct {
		err  error
		want string
	}{
		{fault(CodePortBusy, Error, Permanent), "busy E-PORT-BUSY"},
		{fault(CodePortDenied, Error, Permanent), "denied E-PORT-DENIED"},
		{fault(CodePortGone, Error, Permanent), "gone E-PORT-GONE"},
		{fault(CodePortBad, Error, Permanent), "error E-PORT-BAD"},
		{errors.New("something else"), "error E-PORT-BAD"},
	}
	for _, row := range rows {
		t.Run(row.want, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.port("s1").fail = []error{row.err, row.err, row.err, row.err}
				events := k.play()
				wantEnd(t, events, Pass, "")
				got := ports(events, "/dev/s1")
				if want := []string{row.want, "listening"}; !slices.Equal(got, want) {
					t.Errorf("got port events %q, want %q", got, want)
				}
				for _, e := range events {
					if s, ok := e.Body.(PortSeen); ok && s.Code != "" && !strings.Contains(s.Reason, "do "+string(s.Code)) {
						t.Errorf("got reason %q, want what to do about it", s.Reason)
					}
				}
			})
		})
	}
}

// A port on which nothing announces itself is no run: it is said to be silent, once, and counts nowhere.
func TestSilentPort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.dev().serial = "(silent)"
		events := k.play()
		if got, want := ports(events, "/dev/s1"), []string{"listening", "silent I-PORT-SILENT"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if sum := events[len(events)-1].Body.(Summary); sum != (Summary{ElapsedMS: 20000}) {
			t.Errorf("got %+v, want an empty summary after the settle time", sum)
		}
	})
}

// StopAfter: as many as asked for are begun, none more; one that fails does not count; those in flight are not cut off.
func TestStopAfter(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.bench.StopAfter, k.bench.Settle = 2, 0
		k.port("s1").on = failOnce("install", fault(CodeAgentSpace, Fail, Permanent))
		for i := 2; i <= 4; i++ {
			k.add(fmt.Sprintf("s%d", i), newFakeDevice(fmt.Sprintf("SN-%d", i)))
		}
		events := k.play()
		sum := events[len(events)-1].Body.(Summary)
		if sum.Pass != 2 || sum.Fail > 1 || sum.Devices != sum.Pass+sum.Fail {
			t.Errorf("got %+v, want exactly 2 PASS and nothing cut off", sum)
		}
		if sum.ElapsedMS > 2000 {
			t.Errorf("got %d ms, want an end as soon as it is done", sum.ElapsedMS)
		}
	})
}

// A restart that happens while the bench has no leave for another run is not forgotten.
func TestRestartWhileFull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.bench.StopAfter, k.bench.Settle = 1, 0
		d1 := k.dev()
		k.port("s1").on = failOnce("install", fault(CodeAgentSpace, Fail, Permanent))
		release := make(chan struct{})
		p2 := k.add("s2", nil)
		p2.on = func(ctx context.Context, op string) error {
			if op != "install" {
				return nil
			}
			d1.mu.Lock()
			d1.boots++ // restarted while s2 has the only leave
			d1.mu.Unlock()
			if err := holdAt("install", release)(ctx, op); err != nil {
				return err
			}
			return fault(CodeAgentSpace, Fail, Permanent)
		}
		k.on = func(_ *Bench, e Event) {
			if v, ok := e.Body.(RunEnded); ok && v.Slot == "s1" && v.Outcome == Fail {
				p2.plug(newFakeDevice("SN-2"))
				time.AfterFunc(10*time.Second, func() { close(release) })
			}
		}
		var got []string
		for _, e := range ends(k.play()) {
			got = append(got, e.Slot+" "+string(e.Outcome))
		}
		if want := []string{"s1 FAIL", "s2 FAIL", "s1 PASS"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// Settle: the bench ends when nothing has happened for so long, and never under a run in flight.
func TestSettle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.bench.Settle = 2 * time.Second
		k.bridge.on = func(ctx context.Context, _ int, _ EnrollRequest) (*EnrollAnswer, error) {
			select {
			case <-time.After(70 * time.Second):
				return nil, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		events := k.play()
		wantEnd(t, events, Pass, "")
		if sum := events[len(events)-1].Body.(Summary); sum.ElapsedMS < 72000 || sum.ElapsedMS > 73000 {
			t.Errorf("got %d ms, want the run and the settle time after it", sum.ElapsedMS)
		}
	})
}

func TestWatcherFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.watcher.err = errors.New("no such device folder")
		events, err := k.playErr(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no such device folder") || len(events) != 2 {
			t.Errorf("got %v and %d events, want the cause, the station event and a summary", err, len(events))
		}
	})
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.port("s1").on = func(_ context.Context, op string) error {
			if op == "install" {
				close(k.watcher.changes)
			}
			return nil
		}
		events, err := k.playErr(t.Context())
		if err == nil || !strings.Contains(err.Error(), "stopped telling") {
			t.Errorf("got %v, want a fault of the station", err)
		}
		if list := ends(events); len(list) != 1 || list[0].Outcome != Aborted && list[0].Outcome != Pass {
			t.Errorf("got %+v, want the run in flight ended in order", list)
		}
	})
}

// The device comes back under another name before its old port is known to be gone: one slot, one run at a time.
func TestSlotUnderAnotherName(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		d := k.dev()
		p := k.port("s1")
		again := &fakePort{path: "/dev/s1b"}
		k.conn.ports[again.path] = again
		p.on = func(ctx context.Context, op string) error {
			if op != "install" {
				return nil
			}
			again.plug(d)
			k.watcher.changes <- PortChange{Added: true, Port: PortInfo{Path: again.path, Slot: "s1", VID: "0403"}}
			k.watcher.changes <- PortChange{Port: PortInfo{Path: p.path, Slot: "s1", VID: "0403"}}
			return stuck(ctx)
		}
		list := ends(k.play())
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2", len(list))
		}
		checkEnd(t, list[0], Error, CodePortGone)
		checkEnd(t, list[1], Pass, "")
		if list[1].Port != "/dev/s1b" || list[1].Slot != "s1" || d.keys != 1 {
			t.Errorf("got %+v, want the same slot on the other port, with the same key", list[1])
		}
	})
}

// Every subscriber sees every event in the same order without gaps, however slowly it reads.
func TestHub(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n, readers = 5000, 3
		h := newHub(time.Now)
		results := make(chan string, readers)
		for i := range readers {
			feed := h.subscribe()
			go func() {
				var seq uint64
				for e := range feed {
					if i == 0 && seq%500 == 0 {
						<-time.After(time.Second) // a slow one holds up nobody
					}
					if seq++; e.Seq != seq {
						results <- fmt.Sprintf("got seq %d, want %d", e.Seq, seq)
						return
					}
				}
				results <- fmt.Sprint(seq)
			}()
		}
		began := time.Now()
		for range 5 {
			go func() {
				for range n / 5 {
					h.emit(PortSeen{})
				}
			}()
		}
		<-time.After(time.Millisecond)
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("got %v to say everything, want no waiting for a slow reader", took)
		}
		h.close()
		h.emit(PortSeen{}) // after the end: nobody hears it
		for range readers {
			if got := <-results; got != fmt.Sprint(n) {
				t.Errorf("got %s, want all %d events", got, n)
			}
		}
		for range h.subscribe() {
			t.Error("got an event after the end")
		}
	})
}
