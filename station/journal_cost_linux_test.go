package station_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/devstack"
)

// unjournaled is a ledger that keeps the records of a run and, while off, nothing of its side effects.
type unjournaled struct {
	station.Ledger
	off *atomic.Bool
}

func (l unjournaled) Intend(ctx context.Context, in station.Intent) error {
	if l.off.Load() {
		return nil
	}
	return l.Ledger.Intend(ctx, in)
}

func (l unjournaled) OpenIntents(ctx context.Context, tenant, serial string) ([]station.Intent, error) {
	if l.off.Load() {
		return nil, nil
	}
	return l.Ledger.OpenIntents(ctx, tenant, serial)
}

func (l unjournaled) RecordPhase(ctx context.Context, e station.PhaseEnd) error {
	if l.off.Load() {
		e.Results = nil
	}
	return l.Ledger.RecordPhase(ctx, e)
}

func (l unjournaled) RecordPhaseSoon(ctx context.Context, e station.PhaseEnd) station.Saved {
	if l.off.Load() {
		e.Results = nil
	}
	return l.Ledger.RecordPhaseSoon(ctx, e)
}

func (l unjournaled) IntendSoon(ctx context.Context, in station.Intent) station.Saved {
	if l.off.Load() {
		return func() error { return nil }
	}
	return l.Ledger.IntendSoon(ctx, in)
}

func (l unjournaled) SaveProofSoon(ctx context.Context, p station.ProofRecord) station.Saved {
	if l.off.Load() {
		p.Seal = nil
	}
	return l.Ledger.SaveProofSoon(ctx, p)
}

func (l unjournaled) SaveProof(ctx context.Context, p station.ProofRecord) error {
	if l.off.Load() {
		p.Seal = nil
	}
	return l.Ledger.SaveProof(ctx, p)
}

// What the journal costs a whole run, as a ratio of times: enrollments of one device on a line of 115200 baud, with the intents
// and without them, in turn. The line is most of a run; the journal may not be noticed beside it.
func TestJournalCostOfAWholeRun(t *testing.T) {
	r := newRig(t, devstack.Config{Devices: 1, Baud: 115200})
	off := new(atomic.Bool)
	r.wrap = func(l station.Ledger) station.Ledger { return unjournaled{l, off} }
	r.cfg.Reenroll = true
	r.start()
	ended := func(e station.Event) bool { _, ok := e.Body.(station.RunEnded); return ok }
	d := r.stack.Devices[0]
	r.plugged(d.Path, d.Name)
	r.until("the end of the first run", ended)
	best := 1e9
	for range 4 { // a machine that is busy with other tests spoils one measure, not all of them
		const rounds = 10
		took := map[bool][]time.Duration{}
		for i := range 2 * rounds {
			off.Store(i%2 == 1)
			must(t, r.bench.Retry(d.Name))
			end, _ := r.until("the end of a run", ended).Body.(station.RunEnded)
			if end.Outcome != station.Pass {
				t.Fatalf("got %s %s, want PASS", end.Outcome, end.Code)
			}
			took[off.Load()] = append(took[off.Load()], time.Duration(end.ElapsedMS)*time.Millisecond)
		}
		slices.Sort(took[false])
		slices.Sort(took[true])
		with, without := took[false][rounds/2], took[true][rounds/2]
		ratio := float64(with) / float64(without)
		t.Logf("a whole run: %v with the journal, %v without it: ratio %.3f", with, without, ratio)
		if best = min(best, ratio); best < journalLimit {
			return
		}
	}
	t.Errorf("got ratio %.3f, want less than %.2f", best, journalLimit)
}

const journalLimit = 1.15
