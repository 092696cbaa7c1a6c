package ledger

import (
	"testing"
	"time"

	"provstation/station"
)

func overridden(d *device) station.RunStart {
	s := d.start()
	s.Override = &station.Override{
		Code: station.CodeUnknownKey, Run: "held-run", Reason: "board was repaired", Operator: "Ada", Lead: "Grace",
	}
	return s
}

// Who let a run go on, and why, is found with the run, however it is asked for.
func TestOverride(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	plain, s := dev("B"), overridden(d)
	must(t, plain.identify(ctx, l))
	must(t, l.BeginRun(ctx, s))
	must(t, l.BeginRun(ctx, s)) // again
	diff(t, detail(t, l, d.run).RunStart, s)
	diff(t, detail(t, l, plain.run).Override, nil)
	rows, err := l.Runs(ctx, Filter{Tenant: "acme", Operator: "Ada"})
	must(t, err)
	got := map[string]*station.Override{}
	for _, r := range rows {
		got[r.Run] = r.Override
	}
	diff(t, got, map[string]*station.Override{d.run: s.Override, plain.run: nil})
}

func TestOverrideRefused(t *testing.T) {
	for name, bend := range map[string]func(*station.Override){
		"no code":               func(o *station.Override) { o.Code = "" },
		"no reason":             func(o *station.Override) { o.Reason = "" },
		"blank reason":          func(o *station.Override) { o.Reason = " \t" },
		"no lead":               func(o *station.Override) { o.Lead = "" },
		"operator's own badge":  func(o *station.Override) { o.Lead = o.Operator },
		"the same, other case":  func(o *station.Override) { o.Lead = "ADA" },
		"control character":     func(o *station.Override) { o.Lead = "Gra\x1bce" },
		"control in held run":   func(o *station.Override) { o.Run = "a\nb" },
		"invalid text":          func(o *station.Override) { o.Operator = "A\xff" },
		"control in the code":   func(o *station.Override) { o.Code = "E\x00" },
		"operator without name": nil, // allowed: a bench may know no operators
	} {
		t.Run(name, func(t *testing.T) {
			l, ctx, d := openNew(t), t.Context(), dev("A")
			s := overridden(d)
			if bend == nil {
				s.Override.Operator = ""
				must(t, l.BeginRun(ctx, s))
				return
			}
			bend(s.Override)
			want(t, l.BeginRun(ctx, s), ErrInvalid)
			_, err := l.Run(ctx, d.run)
			want(t, err, station.ErrNotFound) // no run without its override
		})
	}
	l, ctx, d, plain := openNew(t), t.Context(), dev("A"), dev("B")
	must(t, l.BeginRun(ctx, overridden(d)))
	must(t, l.BeginRun(ctx, plain.start()))
	want(t, l.BeginRun(ctx, d.start()), ErrConflict) // it cannot be taken back,
	want(t, l.BeginRun(ctx, overridden(plain)), ErrConflict)
	changed := overridden(d)
	changed.Override.Reason = "another"
	want(t, l.BeginRun(ctx, changed), ErrConflict) // changed
	later := overridden(d)
	later.StartedAt = later.StartedAt.Add(time.Second)
	want(t, l.BeginRun(ctx, later), ErrConflict)
	diff(t, detail(t, l, plain.run).Override, nil)
	diff(t, detail(t, l, d.run).Override, overridden(d).Override)
}
