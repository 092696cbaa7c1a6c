package station_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"provstation/station"
	"provstation/station/devstack"
)

// losing is a ledger that loses what is about to be done to a device, while it is on its way to the disk.
type losing struct {
	station.Ledger
	kind station.IntentKind
}

func (l losing) IntendSoon(ctx context.Context, in station.Intent) station.Saved {
	if in.Kind == l.kind {
		return lost
	}
	return l.Ledger.IntendSoon(ctx, in)
}

func (l losing) SaveProofSoon(ctx context.Context, p station.ProofRecord) station.Saved {
	if p.Seal != nil && l.kind == station.IntendSeal {
		return lost
	}
	return l.Ledger.SaveProofSoon(ctx, p)
}

func lost() error { return errors.New("disk full") }

// A real device does nothing that is not on record, although the request for it is on the line by then; what is wrong with the
// ledger is what the run ends with, and the next run of the same device passes.
func TestNothingIsDoneThatIsNotOnRecord(t *testing.T) {
	for kind, done := range map[station.IntentKind]string{ // what the device would have
		station.IntendKey:     "generations/*/device-key.pem",
		station.IntendInstall: "generations/*/device.pem",
		station.IntendSeal:    ".enrolled",
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, devstack.Config{Devices: 1})
			r.wrap = func(l station.Ledger) station.Ledger { return losing{l, kind} }
			d := r.stack.Devices[0]
			r.start(d)
			r.check("lost", r.end(), station.Error, station.CodeLedger)
			r.stop()
			if found, err := filepath.Glob(filepath.Join(d.Dir, done)); err != nil || len(found) > 0 {
				t.Errorf("got %v on the device, %v, want it not done", found, err)
			}
			r.wrap = func(l station.Ledger) station.Ledger { return l }
			r.start(d)
			r.check("the next one", r.end(), station.Pass, "")
			r.stop()
			if found, err := filepath.Glob(filepath.Join(d.Dir, done)); err != nil || len(found) == 0 {
				t.Errorf("got %v on the device, %v, want it done", found, err)
			}
		})
	}
}
