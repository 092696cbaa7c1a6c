package ledger

import (
	"context"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
)

// held ends a run of the device UNCERTAIN, with the key that it was seen with.
func (d *device) held(ctx context.Context, l *Ledger, code station.Code, key []byte) error {
	if err := d.identify(ctx, l); err != nil {
		return err
	}
	f := d.finish(station.Uncertain)
	f.Code, f.Params, f.SPKI, f.Leaf = code, map[string]string{"have": hex.EncodeToString(key)}, nil, nil
	return l.FinishRun(ctx, f)
}

func (d *device) decide(what station.Decision) station.Resolution {
	return station.Resolution{Run: d.run, Tenant: d.tenant, Decision: what, Reason: "reflashed on purpose", By: "Lea", At: d.at.Add(5 * time.Second)}
}

func TestResolve(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	first := dev("HW-1")
	must(t, first.pass(ctx, l))
	again := first.again()
	other := sum("another key")
	must(t, again.held(ctx, l, station.CodeUnknownKey, other))

	h, err := l.Held(ctx, again.run)
	must(t, err)
	if want := []station.Decision{station.DecisionKeep, station.DecisionReenroll, station.DecisionDecommissioned, station.DecisionIgnore}; !h.Open || !slices.Equal(h.Choices, want) {
		t.Errorf("got open %v, choices %v, want open, %v", h.Open, h.Choices, want)
	}
	rows, err := l.Runs(ctx, Filter{Held: true})
	must(t, err)
	if len(rows) != 1 || rows[0].Run != again.run {
		t.Errorf("held runs: got %v, want that one", rows)
	}

	got, err := l.Resolve(ctx, again.decide(station.DecisionKeep))
	must(t, err)
	if got.HardwareSerial != "HW-1" || !slices.Equal(got.SPKI, other) {
		t.Errorf("got hardware %q, key %x, want HW-1 and the key that the run saw", got.HardwareSerial, got.SPKI)
	}
	_, err = l.Resolve(ctx, again.decide(station.DecisionKeep))
	must(t, err) // once more, after a lost answer
	_, err = l.Resolve(ctx, again.decide(station.DecisionReenroll))
	want(t, err, ErrConflict)

	found, err := l.Resolution(ctx, "acme", "HW-1")
	must(t, err)
	if diff := cmp.Diff(got, found); diff != "" {
		t.Errorf("decision that holds (-want +got):\n%s", diff)
	}
	if h, err = l.Held(ctx, again.run); err != nil || h.Open || h.Choices != nil || h.Resolution == nil {
		t.Errorf("after the decision: got %+v, %v, want it settled", h, err)
	}
	if d, err := l.Run(ctx, again.run); err != nil || d.Held.Resolution == nil || d.Held.Resolution.By != "Lea" {
		t.Errorf("run on file: got %+v, %v, want the decision with it", d.Held, err)
	}
	rows, err = l.Runs(ctx, Filter{Held: true})
	must(t, err)
	if len(rows) != 0 {
		t.Errorf("held runs after the decision: got %d, want none", len(rows))
	}

	// A decision to go on is for one time: the next PASS ends it.
	third := again.again()
	third.at = t0.Add(time.Hour)
	must(t, third.pass(ctx, l))
	_, err = l.Resolution(ctx, "acme", "HW-1")
	want(t, err, station.ErrNotFound)
}

// A device that is out of service stays so until somebody decides otherwise.
func TestDecommissioned(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, l))
	first := d.again()
	must(t, first.held(ctx, l, station.CodeUnknownKey, nil))
	_, err := l.Resolve(ctx, first.decide(station.DecisionDecommissioned))
	must(t, err)

	second := first.again()
	must(t, second.held(ctx, l, station.CodeDecommissioned, sum("k")))
	_, err = l.Resolve(ctx, second.decide(station.DecisionIgnore))
	must(t, err)
	if r, err := l.Resolution(ctx, "acme", "HW-1"); err != nil || r.Decision != station.DecisionDecommissioned {
		t.Errorf("after ignore: got %q, %v, want decommissioned", r.Decision, err)
	}
	third := second.again()
	must(t, third.held(ctx, l, station.CodeDecommissioned, sum("k")))
	_, err = l.Resolve(ctx, third.decide(station.DecisionReenroll))
	must(t, err)
	if r, err := l.Resolution(ctx, "acme", "HW-1"); err != nil || r.Decision != station.DecisionReenroll {
		t.Errorf("back in service: got %q, %v, want re-enroll", r.Decision, err)
	}
	list, err := l.ResolutionsOf(ctx, "acme", "HW-1")
	must(t, err)
	if len(list) != 3 || list[0].Decision != station.DecisionReenroll {
		t.Errorf("got %v, want three decisions, the newest first", list)
	}
}

func TestResolveRefuses(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	passed := dev("HW-1")
	must(t, passed.pass(ctx, l))
	open := dev("HW-2")
	must(t, open.identify(ctx, l))
	twice := dev("HW-3")
	must(t, twice.held(ctx, l, station.CodeSerialTwice, nil))
	empty := dev("HW-4")
	must(t, empty.held(ctx, l, station.CodeUnknownKey, nil))
	foreign := dev("HW-5")
	must(t, l.BeginRun(ctx, foreign.start()))
	o := foreign.observed()
	o.State = station.StateForeign
	_, err := l.IdentifyRun(ctx, foreign.run, o)
	must(t, err)
	f := foreign.finish(station.Uncertain)
	f.Code = station.CodeProofImpossible
	must(t, l.FinishRun(ctx, f))
	since := dev("HW-6")
	must(t, since.held(ctx, l, station.CodeUnknownKey, nil))
	must(t, since.again().pass(ctx, l))

	for _, row := range []struct {
		name string
		give station.Resolution
		err  error
	}{
		{"a PASS", passed.decide(station.DecisionIgnore), ErrNotHeld},
		{"a run in flight", open.decide(station.DecisionIgnore), ErrNotHeld},
		{"no such run", dev("HW-9").decide(station.DecisionIgnore), station.ErrNotFound},
		{"two devices with one serial", twice.decide(station.DecisionDecommissioned), ErrNotHeld},
		{"keep nothing", empty.decide(station.DecisionKeep), ErrNotHeld},
		{"a foreign device never gets a key", foreign.decide(station.DecisionReenroll), ErrNotHeld},
		{"no such decision", empty.decide("burn"), ErrNotHeld},
		{"passed since", since.decide(station.DecisionReenroll), ErrNotHeld},
		{"no reason", func() station.Resolution { r := empty.decide(station.DecisionIgnore); r.Reason = " "; return r }(), ErrInvalid},
		{"nobody", func() station.Resolution { r := empty.decide(station.DecisionIgnore); r.By = ""; return r }(), ErrInvalid},
		{"another tenant", func() station.Resolution { r := empty.decide(station.DecisionIgnore); r.Tenant = "evil"; return r }(), ErrConflict},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := l.Resolve(ctx, row.give)
			want(t, err, row.err)
		})
	}
	for _, serial := range []string{"HW-1", "HW-3", "HW-4", "HW-5", "HW-6"} {
		if list, err := l.ResolutionsOf(ctx, "acme", serial); err != nil || len(list) != 0 {
			t.Errorf("%s: got %d decisions, %v, want none", serial, len(list), err)
		}
	}
}
