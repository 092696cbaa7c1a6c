package station

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestHardwareSerials(t *testing.T) {
	rows := []struct {
		serial  string
		outcome Outcome
		code    Code
	}{
		{"", Fail, CodeSerialMissing},
		{"   ", Fail, CodeSerialMissing},
		{"0", Uncertain, CodeSerialJunk},
		{"0000000000", Uncertain, CodeSerialJunk},
		{"0001", Uncertain, CodeSerialJunk},
		{"FFFFFFFF", Uncertain, CodeSerialJunk},
		{"0123456789ABCDEF", Uncertain, CodeSerialJunk},
		{"123456789", Uncertain, CodeSerialJunk},
		{"1234567890", Uncertain, CodeSerialJunk},
		{"To Be Filled By O.E.M.", Uncertain, CodeSerialJunk},
		{"Default string", Uncertain, CodeSerialJunk},
		{"System Serial Number", Uncertain, CodeSerialJunk},
		{"Not Specified", Uncertain, CodeSerialJunk},
		{"None", Uncertain, CodeSerialJunk},
		{"n/a", Uncertain, CodeSerialJunk},
		{"xxxxxx", Uncertain, CodeSerialJunk},
		{"------", Uncertain, CodeSerialJunk},
		{"SN-0001", Pass, ""},
		{"10000000a5b1c2d3", Pass, ""},
		{"0002", Pass, ""},
	}
	for _, row := range rows {
		t.Run(row.serial, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				k.dev().serial = row.serial
				wantEnd(t, k.play(), row.outcome, row.code)
				if (k.bridge.posts > 0) != (row.outcome == Pass) {
					t.Errorf("got %d posts for hardware serial %q", k.bridge.posts, row.serial)
				}
			})
		})
	}
}

// The same hardware serial in two slots at once: a clone, or the same line twice. The second is held, the first goes on;
// when it is done, the other may be tried again (and is found to hold no key that the ledger knows).
func TestSerialTwice(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		second := k.add("s2", newFakeDevice("SN-1"))
		release := make(chan struct{})
		k.port("s1").on = holdAt("keygen", release)
		second.on = func(ctx context.Context, op string) error {
			if op == "greet" && k.port("s1").count("keygen") == 0 {
				return waitFor(ctx, func() bool { return k.port("s1").count("keygen") > 0 })
			}
			return nil
		}
		k.on = func(_ *Bench, e Event) {
			if end, ok := e.Body.(RunEnded); ok && end.Slot == "s2" {
				close(release)
			}
		}
		list := ends(k.play())
		if len(list) != 2 {
			t.Fatalf("got %d runs, want 2", len(list))
		}
		checkEnd(t, list[0], Uncertain, CodeSerialTwice)
		if list[0].Slot != "s2" || list[0].Params["slot"] != "s1" {
			t.Errorf("got %+v, want the second slot held and the first named", list[0])
		}
		checkEnd(t, list[1], Pass, "")
	})
}

// holdAt holds an operation until the channel closes.
func holdAt(op string, release <-chan struct{}) func(context.Context, string) error {
	return func(ctx context.Context, o string) error {
		if o != op {
			return nil
		}
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// waitFor polls a condition in the bubble's own time.
func waitFor(ctx context.Context, ok func() bool) error {
	for !ok() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// A board that is swapped while its port stays: after the reset another one answers.
func TestSwappedBoard(t *testing.T) {
	for _, op := range []string{"holding", "keygen", "install", "seal"} {
		t.Run(op, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				if op == "holding" {
					k.enrolled(StateKeyed)
				}
				p := k.port("s1")
				other := newFakeDevice("SN-2")
				p.on = func(_ context.Context, o string) error {
					if d, _ := p.device(); o == op && d.serial == "SN-1" {
						p.mu.Lock()
						p.dev = other
						p.mu.Unlock()
						return ErrDeviceReset
					}
					return nil
				}
				list := ends(k.play())
				if len(list) != 2 {
					t.Fatalf("got %d runs, want the swapped one and one of the other board", len(list))
				}
				checkEnd(t, list[0], Fail, CodeSwapped)
				if list[0].Params["want"] != "SN-1" || list[0].Params["have"] != "SN-2" || list[0].HardwareSerial != "SN-1" {
					t.Errorf("got %+v, want both serials named", list[0])
				}
				checkEnd(t, list[1], Pass, "")
				if list[1].HardwareSerial != "SN-2" || list[1].DeviceID != "edge-sn-2" {
					t.Errorf("got %+v, want a run of its own for the other board", list[1])
				}
			})
		})
	}
}

// A device whose ANNOUNCE names another serial than its WELCOME is run once, not for ever.
func TestAnnouncedSerialDiffers(t *testing.T) {
	for _, said := range []string{"OTHER", " "} {
		bubble(t, func(t *testing.T) {
			k := newKit(t)
			k.dev().announces = said
			e := wantEnd(t, k.play(), Pass, "")
			if e.HardwareSerial != "SN-1" {
				t.Errorf("got %s, want the serial of WELCOME", e.HardwareSerial)
			}
		})
	}
}

func TestDeviceID(t *testing.T) {
	fixed := func(id string) func(Greeting) (string, error) {
		return func(Greeting) (string, error) { return id, nil }
	}
	rows := []struct {
		name    string
		set     func(k *kit)
		outcome Outcome
		code    Code
		id      string
		warned  Code
	}{
		{"template", func(*kit) {}, Pass, "", "edge-sn-1", ""},
		{"flag that the template confirms", func(k *kit) { k.cfg.DeviceID, k.cfg.Corroborate = "edge-sn-1", true }, Pass, "", "edge-sn-1", ""},
		{"flag against the template, said", func(k *kit) { k.cfg.DeviceID = "gate-7" }, Pass, "", "gate-7", CodeNotCorrob},
		{"flag against the template, refused", func(k *kit) {
			k.cfg.DeviceID, k.cfg.Corroborate = "gate-7", true
		}, Fail, CodeUnconfirmed, "", ""},
		{"flag alone, said", func(k *kit) { k.cfg.AssignID, k.cfg.DeviceID = nil, "gate-7" }, Pass, "", "gate-7", CodeNotCorrob},
		{"flag alone, refused", func(k *kit) {
			k.cfg.AssignID, k.cfg.DeviceID, k.cfg.Corroborate = nil, "gate-7", true
		}, Fail, CodeUnconfirmed, "", ""},
		{"neither", func(k *kit) { k.cfg.AssignID = nil }, Fail, CodeIDMissing, "", ""},
		{"template that fails", func(k *kit) {
			k.cfg.AssignID = func(Greeting) (string, error) { return "", errors.New("no model") }
		}, Fail, CodeIDInvalid, "", ""},
		{"illegal", func(k *kit) { k.cfg.AssignID = fixed("../etc") }, Fail, CodeIDInvalid, "", ""},
		{"an IP address", func(k *kit) { k.cfg.AssignID = fixed("10.0.0.1") }, Fail, CodeIDInvalid, "", ""},
		{"too long", func(k *kit) { k.cfg.AssignID = fixed(strings.Repeat("a", 64)) }, Fail, CodeIDInvalid, "", ""},
		{"taken by other hardware", func(k *kit) { k.ledger.ids["edge-sn-1"] = "SN-9" }, Fail, CodeIDTaken, "", ""},
		{"taken in other case", func(k *kit) {
			k.ledger.ids["edge-sn-1"] = "SN-9"
			k.cfg.AssignID = fixed("EDGE-SN-1")
		}, Fail, CodeIDTaken, "", ""},
		{"hardware has another id", func(k *kit) {
			k.ledger.devices["SN-1"] = DeviceRecord{HardwareSerial: "SN-1", DeviceID: "edge-old"}
		}, Uncertain, CodeIDDiffers, "", ""},
		{"held id in another case", func(k *kit) {
			k.enrolled(StateSealed)
			k.cfg.AssignID = fixed("EDGE-SN-1")
		}, Pass, "", "edge-sn-1", CodeNotCorrob},
		{"held id, nothing wanted", func(k *kit) {
			k.enrolled(StateSealed)
			k.cfg.AssignID = nil
		}, Pass, "", "edge-sn-1", CodeNotCorrob},
		{"held id against the flag", func(k *kit) {
			k.enrolled(StateSealed)
			k.cfg.DeviceID = "gate-7"
		}, Uncertain, CodeIDDiffers, "", ""},
		{"skipped under the flag of another id", func(k *kit) {
			k.knows(k.enrolled(StateSealed))
			k.cfg.DeviceID = "gate-7"
		}, Uncertain, CodeIDDiffers, "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				row.set(k)
				events := k.play()
				e := wantEnd(t, events, row.outcome, row.code)
				if row.outcome == Pass && e.DeviceID != row.id {
					t.Errorf("got id %q, want %q", e.DeviceID, row.id)
				}
				if row.outcome != Pass && (k.bridge.posts != 0 || k.dev().keys != 0) {
					t.Errorf("got %d posts, %d keys, want none for an id that is refused", k.bridge.posts, k.dev().keys)
				}
				var warned Code
				for _, p := range phases(events, PhaseAssign) {
					for _, w := range p.Warnings {
						warned = w.Code
					}
				}
				if row.outcome == Pass && warned != row.warned {
					t.Errorf("got warning %q, want %q", warned, row.warned)
				}
			})
		})
	}
}

// Two devices with the same key: a cloned image, or a random source that was not ready.
func TestDuplicateKey(t *testing.T) {
	for _, state := range []DeviceState{StateKeyed, StateSealed} {
		t.Run(string(state), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				d := k.enrolled(state)
				k.ledger.keys[string(d.spki())] = KeyRecord{HardwareSerial: "SN-9", DeviceID: "edge-sn-9", SPKI: d.spki()}
				wantEnd(t, k.play(), Fail, CodeKeyTaken)
				if k.bridge.posts != 0 || k.prover.tests != 0 {
					t.Errorf("got %d posts, %d broker tests, want none", k.bridge.posts, k.prover.tests)
				}
			})
		})
	}
}

func TestClocks(t *testing.T) {
	off := func(d time.Duration) func() time.Time {
		return func() time.Time { return time.Now().Add(d) }
	}
	epoch := func() time.Time { return time.Unix(0, 0) }
	rows := []struct {
		name    string
		set     func(k *kit)
		outcome Outcome
		code    Code
		sets    int
		warned  Code
	}{
		{"right", func(*kit) {}, Pass, "", 0, ""},
		{"within tolerance", func(k *kit) { k.dev().clock = off(30 * time.Second) }, Pass, "", 0, ""},
		{"behind, may not be set", func(k *kit) { k.dev().clock = epoch }, Pass, "", 0, CodeClockDevice},
		{"behind, refused", func(k *kit) { k.dev().clock, k.cfg.ClockRefuse = epoch, true }, Fail, CodeClockDevice, 0, ""},
		{"ahead, refused", func(k *kit) { k.dev().clock, k.cfg.ClockRefuse = off(31*time.Second), true }, Fail, CodeClockDevice, 0, ""},
		{"behind, set", func(k *kit) { k.dev().clock, k.cfg.ClockSet, k.cfg.ClockRefuse = epoch, true, true }, Pass, "", 1, ""},
		{"setting refused by the device, said", func(k *kit) {
			k.dev().clock, k.cfg.ClockSet = epoch, true
			k.port("s1").on = failOnce("set-clock", fault(CodeAgentRefuse, Fail, Permanent))
		}, Pass, "", 0, CodeClockDevice},
		{"setting refused by the device, refused", func(k *kit) {
			k.dev().clock, k.cfg.ClockSet, k.cfg.ClockRefuse = epoch, true, true
			k.port("s1").on = failOnce("set-clock", fault(CodeAgentRefuse, Fail, Permanent))
		}, Fail, CodeClockDevice, 0, ""},
		{"setting fails", func(k *kit) {
			k.dev().clock, k.cfg.ClockSet = epoch, true
			k.port("s1").on = failOnce("set-clock", fault(CodeAgentError, Fail, Permanent))
		}, Fail, CodeAgentError, 0, ""},
		{"a sealed device's clock is not set", func(k *kit) {
			k.enrolled(StateSealed).clock = epoch
			k.cfg.ClockSet = true
		}, Pass, "", 0, CodeClockDevice},
		{"no clock", func(k *kit) { k.dev().noClock = true }, Pass, "", 0, CodeClockUnset},
		{"no clock, needed", func(k *kit) { k.dev().noClock, k.cfg.ClockNeeded = true, true }, Fail, CodeClockDevice, 0, ""},
		{"station near the bridge", func(k *kit) { k.bridge.now = off(-time.Minute) }, Pass, "", 0, ""},
		{"station off the bridge", func(k *kit) { k.bridge.now = off(61 * time.Second) }, Error, CodeClockStation, 0, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k := newKit(t)
				row.set(k)
				events := k.play()
				wantEnd(t, events, row.outcome, row.code)
				if got := k.dev().clockSets; got != row.sets {
					t.Errorf("got the clock set %d times, want %d", got, row.sets)
				}
				var warned Code
				for _, p := range phases(events, PhaseClock) {
					for _, w := range p.Warnings {
						warned = w.Code
					}
				}
				if warned != row.warned {
					t.Errorf("got warning %q, want %q", warned, row.warned)
				}
			})
		})
	}
}

// failOnce fails an operation the first time.
func failOnce(op string, err error) func(context.Context, string) error { return failTimes(op, 1, err) }

// failTimes fails an operation n times.
func failTimes(op string, n int, err error) func(context.Context, string) error {
	return func(_ context.Context, o string) error {
		if o != op || n == 0 {
			return nil
		}
		n--
		return err
	}
}
