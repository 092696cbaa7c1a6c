package station

import (
	"context"
	"errors"
	"testing"
)

// eraseKit is a bench with a finished device in s1 and a fresh one in s2, and what empties the first.
func eraseKit(t *testing.T) (*kit, *fakeDevice, *Eraser) {
	t.Helper()
	k := newKit(t)
	k.add("s2", newFakeDevice("SN-2"))
	d := k.enrolled(StateSealed)
	p := unlockKey(t)
	d.life.pins, d.life.reenroll = p.Pins, "unlock"
	return k, d, &Eraser{Visitor: Visitor{Watcher: k.watcher, Connector: k.conn, Ports: k.bench.Ports}, Unlock: p}
}

// The device that is meant is found among others by what it announces, opened, emptied, and says so itself; nothing is sent to
// the others. Erased before is erased.
func TestErase(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, e := eraseKit(t)
		if err := e.Erase(t.Context(), "EDGE-sn-1", "SN-1"); err != nil {
			t.Fatalf("erase: %v", err)
		}
		if d.state != StateEmpty || d.key != nil || k.port("s1").count("bye") != 1 || k.port("s2").count("greet") != 0 {
			t.Errorf("got it %s, %d goodbyes, the other greeted %d times", d.state, k.port("s1").count("bye"), k.port("s2").count("greet"))
		}
		k.watcher.changes <- PortChange{Added: true, Port: PortInfo{Path: "/dev/s1", Slot: "s1"}}
		if err := e.Erase(t.Context(), "edge-sn-1", "SN-1"); err != nil {
			t.Errorf("again: got %v, want nil", err)
		}
	})
}

// A device that starts again in the middle is greeted and opened anew.
func TestEraseAfterReset(t *testing.T) {
	bubble(t, func(t *testing.T) {
		k, d, e := eraseKit(t)
		resets := 0
		k.port("s1").on = func(_ context.Context, op string) error {
			if op == "erase" && resets == 0 {
				resets++
				d.life.unlocked = "" // it dies with the session
				return ErrDeviceReset
			}
			return nil
		}
		if err := e.Erase(t.Context(), "edge-sn-1", "SN-1"); err != nil || d.state != StateEmpty || len(d.life.unlocks) != 0 || resets != 1 {
			t.Errorf("got %v, %s after %d resets, want it erased", err, d.state, resets)
		}
	})
}

// What keeps a device from being erased has a name each, and leaves it as it is.
func TestEraseRefused(t *testing.T) {
	for name, row := range map[string]struct {
		serial, id string
		change     func(k *kit, d *fakeDevice, e *Eraser)
		code       Code
		err        error
	}{
		"not here":    {serial: "SN-9", err: ErrNotHere},
		"no hardware": {serial: "", err: ErrNotHere},
		"other id":    {id: "edge-other", code: CodeIDDiffers},
		"no key":      {change: func(_ *kit, _ *fakeDevice, e *Eraser) { e.Unlock.Key = nil }, code: CodeUnlockKey},
		"no pin":      {change: func(_ *kit, d *fakeDevice, _ *Eraser) { d.life.pins = nil }, code: CodeUnlockPin},
		"another key": {change: func(_ *kit, d *fakeDevice, _ *Eraser) { d.life.pins = [][]byte{{1}} }, code: CodeUnlockRefused},
		"enroll.sh":   {change: func(_ *kit, d *fakeDevice, _ *Eraser) { d.state = StateForeign }, code: CodeRenewState},
		"swapped":     {change: func(_ *kit, d *fakeDevice, _ *Eraser) { d.announces, d.serial = "SN-1", "SN-3" }, code: CodeSwapped},
		"port is in use": {change: func(k *kit, _ *fakeDevice, _ *Eraser) {
			k.port("s1").fail = []error{fault(CodePortBusy, Error, Permanent)}
		}, code: CodePortBusy},
		"resets forever": {change: func(k *kit, _ *fakeDevice, _ *Eraser) {
			k.port("s1").on = func(_ context.Context, op string) error {
				if op == "holding" {
					return ErrDeviceReset
				}
				return nil
			}
		}, code: CodeResetLoop},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				k, d, e := eraseKit(t)
				if row.change != nil {
					row.change(k, d, e)
				}
				serial, id := row.serial, row.id
				if name != "not here" && name != "no hardware" {
					serial = "SN-1"
				}
				if id == "" {
					id = d.id
				}
				err := e.Erase(t.Context(), id, serial)
				if f, ok := AsFault(err); row.code != "" && (!ok || f.Code != row.code) || row.err != nil && !errors.Is(err, row.err) {
					t.Errorf("got %v, want %s%v", err, row.code, row.err)
				}
				if d.key == nil || d.leaf == nil {
					t.Error("the device was emptied")
				}
			})
		})
	}
}
