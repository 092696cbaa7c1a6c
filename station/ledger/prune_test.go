package ledger

import (
	"testing"
	"time"

	"provstation/station"
)

func TestPrune(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	finish := func(d *device, o station.Outcome) {
		t.Helper()
		must(t, l.RecordPhase(ctx, d.phase(station.PhaseIdentify)))
		must(t, l.FinishRun(ctx, d.finish(o)))
	}
	// HW-1: two failures that left nothing, a run that left a certificate, and the PASS that stands.
	var gone []*device
	d := dev("HW-1")
	for range 2 {
		must(t, d.identify(ctx, l))
		finish(d, station.Fail)
		gone = append(gone, d)
		d = d.again()
	}
	anchored := d
	must(t, anchored.received(ctx, l))
	finish(anchored, station.Error)
	passed := anchored.again()
	must(t, passed.identify(ctx, l))
	must(t, l.SaveProof(ctx, passed.proof()))
	finish(passed, station.Pass)
	// HW-2: held, nobody has decided; then seen again.
	held := dev("HW-2")
	must(t, held.held(ctx, l, station.CodeUnknownKey, nil))
	seen := held.again()
	must(t, seen.identify(ctx, l))
	finish(seen, station.Error)
	// HW-3: asked for a certificate and never heard.
	asked := dev("HW-3")
	must(t, asked.identify(ctx, l))
	must(t, l.PostBegun(ctx, asked.posted()))
	finish(asked, station.Error)
	later := asked.again()
	must(t, later.identify(ctx, l))
	finish(later, station.Error)
	// HW-4: in flight since long ago. HW-5: after the day in question.
	open := dev("HW-4")
	must(t, open.identify(ctx, l))
	young := dev("HW-5")
	young.at = t0.Add(48 * time.Hour)
	must(t, young.identify(ctx, l))
	finish(young, station.Fail)

	before := t0.Add(24 * time.Hour)
	l.cfg.Now = func() time.Time { return t0.Add(72 * time.Hour) }
	c := PruneConfig{Tenant: "acme", Before: before, By: "Lea"}
	dry, err := l.Prune(ctx, c)
	must(t, err)
	if dry.Runs != 2 || dry.Thinned != 1 || dry.Phases != 3 || dry.Observations != 3 || dry.Kept != 6 || dry.Prune != "" {
		t.Errorf("dry run: got %+v, want 2 runs, 1 thinned, 3 phases and observations, 6 kept", dry)
	}
	if n, err := l.Count(ctx, Filter{}); err != nil || n != 10 {
		t.Errorf("after the dry run: got %d runs, %v, want all 10", n, err)
	}

	c.Really = true
	r, err := l.Prune(ctx, c)
	must(t, err)
	if r.Runs != dry.Runs || r.Thinned != dry.Thinned || r.Phases != dry.Phases || r.Observations != dry.Observations || len(r.Digest) != 32 {
		t.Errorf("got %+v, want what the dry run said, and a digest", r)
	}
	for _, d := range gone {
		_, err := l.Run(ctx, d.run)
		want(t, err, station.ErrNotFound)
	}
	if got, err := l.Run(ctx, anchored.run); err != nil || got.Outcome != station.Error || len(got.Phases)+len(got.Observations) != 0 || len(got.Certificates) != 1 {
		t.Errorf("run with a certificate: got %+v, %v, want its result and certificate alone", got, err)
	}
	for _, d := range []*device{passed, held, seen, asked, later, open, young} {
		if got, err := l.Run(ctx, d.run); err != nil || len(got.Observations) != 1 {
			t.Errorf("run of %s: got %d observations, %v, want it whole", d.serial, len(got.Observations), err)
		}
	}
	if _, err := l.Passed(ctx, "acme", "HW-1", passed.spki, passed.leaf); err != nil {
		t.Errorf("the PASS that stands: got %v, want it on file", err)
	}
	if rows, err := l.Runs(ctx, Filter{Held: true}); err != nil || len(rows) != 1 {
		t.Errorf("held runs: got %d, %v, want 1", len(rows), err)
	}
	if rep, err := l.Check(ctx); err != nil || !rep.OK() {
		t.Errorf("check: got %+v, %v, want sound", rep, err)
	}
	list, err := l.PrunedList(ctx, "acme")
	must(t, err)
	if len(list) != 1 || list[0].By != "Lea" || !list[0].Before.Equal(before) || list[0].Runs != 2 || string(list[0].Digest) != string(r.Digest) {
		t.Errorf("got %+v, want one row that says what was deleted", list)
	}
	again, err := l.Prune(ctx, c)
	must(t, err)
	if again.Runs+again.Thinned != 0 || again.Prune != "" {
		t.Errorf("once more: got %+v, want nothing to do", again)
	}
	if list, err := l.PrunedList(ctx, "acme"); err != nil || len(list) != 1 {
		t.Errorf("once more: got %d rows, %v, want still one", len(list), err)
	}
}

// Runs that are deleted in several transactions are said by one row.
func TestPruneInChunks(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	n := 2*pruneChunk + 7
	for range n {
		must(t, d.identify(ctx, l))
		must(t, l.FinishRun(ctx, d.finish(station.Fail)))
		d = d.again()
	}
	l.cfg.Now = func() time.Time { return t0.Add(365 * 24 * time.Hour) }
	r, err := l.Prune(ctx, PruneConfig{Tenant: "acme", Before: t0.Add(300 * 24 * time.Hour), Really: true})
	must(t, err)
	if r.Runs != int64(n-1) || r.Kept != 1 { // the newest of its device stays
		t.Errorf("got %d runs, %d kept, want %d and 1", r.Runs, r.Kept, n-1)
	}
	list, err := l.PrunedList(ctx, "acme")
	must(t, err)
	if len(list) != 1 || list[0].Runs != r.Runs {
		t.Errorf("got %+v, want one row with %d runs", list, r.Runs)
	}
}

func TestPruneRefuses(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	for _, c := range []PruneConfig{
		{Tenant: "acme"},
		{Tenant: "acme", Before: time.Now().Add(time.Hour), Really: true},
		{Before: t0, Really: true},
	} {
		_, err := l.Prune(ctx, c)
		want(t, err, ErrInvalid)
	}
}
