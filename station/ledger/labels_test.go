package ledger

import (
	"errors"
	"sync"
	"testing"
	"time"

	"provstation/station"
)

func label(d *device) LabelPrint {
	return LabelPrint{
		ID: newRun(), Tenant: d.tenant, DeviceID: d.id, HardwareSerial: d.serial, Run: d.run, Template: "zpl-50x25",
		Printer: "tcp://printer:9100", Operator: "Ada", At: d.at,
	}
}

// What was printed, how often, by whom and why, newest first, over a restart.
func TestLabels(t *testing.T) {
	url, clock := newURL(t), t0.Add(time.Hour)
	l, err := Open(t.Context(), url, Config{Now: func() time.Time { return clock }})
	must(t, err)
	ctx, d := t.Context(), dev("A")
	must(t, d.pass(ctx, l))
	first, failed, second, lost := label(d), label(d), label(d), label(d)
	failed.At, failed.Reason = t0.Add(time.Minute), "smeared"
	second.At, second.Reason, second.DeviceID = t0.Add(2*time.Minute), "smeared \x1b", "DEV-a"
	lost.At, lost.Reason, lost.Run = t0.Add(3*time.Minute), "torn", ""
	for _, step := range []struct {
		p    *LabelPrint
		end  string
		copy int
	}{{&first, "", 1}, {&failed, "printer: connection refused", 2}, {&second, "", 2}, {&lost, "-", 3}} {
		for range 2 { // a repeated call changes nothing
			n, err := l.BeginLabel(ctx, *step.p)
			must(t, err)
			if n != step.copy {
				t.Errorf("got copy %d, want %d", n, step.copy)
			}
		}
		step.p.Copy = step.copy
		if step.end == "-" { // the station dies while the printer works
			continue
		}
		must(t, l.EndLabel(ctx, step.p.ID, step.end))
		must(t, l.EndLabel(ctx, step.p.ID, step.end))
		step.p.EndedAt, step.p.Err = clock, step.end
	}
	second.Reason = "smeared \uFFFD"
	must(t, l.Close())
	l = openURL(t, url, Config{})
	got, err := l.Labels(ctx, "acme", "Dev-A")
	must(t, err)
	diff(t, got, []LabelPrint{lost, second, failed, first})
	for _, none := range [][2]string{{"globex", d.id}, {"acme", "dev-B"}, {"acme", ""}} {
		got, err = l.Labels(ctx, none[0], none[1])
		must(t, err)
		diff(t, got, nil)
	}
}

// A label that is out, or may be, is not printed again for nothing.
func TestReprintNeedsReason(t *testing.T) {
	for name, tc := range map[string]struct {
		end  string // of the first print; "-": none
		bend func(*LabelPrint)
		want error
		copy int
	}{
		"printed, no reason":      {"", nil, ErrReasonNeeded, 0},
		"printed, blank reason":   {"", func(p *LabelPrint) { p.Reason = " \t" }, ErrReasonNeeded, 0},
		"printed, id in capitals": {"", func(p *LabelPrint) { p.DeviceID = "DEV-A" }, ErrReasonNeeded, 0},
		"printed, other template": {"", func(p *LabelPrint) { p.Template = "text" }, ErrReasonNeeded, 0},
		"printed, reason":         {"", func(p *LabelPrint) { p.Reason = "smeared" }, nil, 2},
		"end not known":           {"-", nil, ErrReasonNeeded, 0},
		"end not known, reason":   {"-", func(p *LabelPrint) { p.Reason = "nothing came out" }, nil, 2},
		"failed":                  {"no paper", nil, nil, 1},
		"another device":          {"", func(p *LabelPrint) { p.DeviceID = "dev-B" }, nil, 1},
		"another tenant":          {"", func(p *LabelPrint) { p.Tenant, p.Run = "globex", "" }, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			l, ctx, d := openNew(t), t.Context(), dev("A")
			must(t, d.identify(ctx, l))
			p := label(d)
			_, err := l.BeginLabel(ctx, p)
			must(t, err)
			if tc.end != "-" {
				must(t, l.EndLabel(ctx, p.ID, tc.end))
			}
			again := label(d)
			if tc.bend != nil {
				tc.bend(&again)
			}
			n, err := l.BeginLabel(ctx, again)
			if !errors.Is(err, tc.want) || n != tc.copy {
				t.Errorf("got copy %d, %v, want %d, %v", n, err, tc.copy, tc.want)
			}
		})
	}
}

func TestLabelRefused(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	must(t, d.identify(ctx, l))
	p := label(d)
	for name, tc := range map[string]struct {
		bend func(*LabelPrint)
		want error
	}{
		"no id":              {func(p *LabelPrint) { p.ID = "" }, ErrInvalid},
		"no tenant":          {func(p *LabelPrint) { p.Tenant = "" }, ErrInvalid},
		"no device id":       {func(p *LabelPrint) { p.DeviceID = "" }, ErrInvalid},
		"no template":        {func(p *LabelPrint) { p.Template = "" }, ErrInvalid},
		"no time":            {func(p *LabelPrint) { p.At = time.Time{} }, ErrInvalid},
		"control characters": {func(p *LabelPrint) { p.DeviceID = "^XA\x1b" }, ErrInvalid},
		"unknown run":        {func(p *LabelPrint) { p.Run = "nobody" }, station.ErrNotFound},
		"another's run":      {func(p *LabelPrint) { p.Tenant = "globex" }, ErrConflict},
	} {
		bent := p
		tc.bend(&bent)
		if n, err := l.BeginLabel(ctx, bent); !errors.Is(err, tc.want) || n != 0 {
			t.Errorf("%s: got copy %d, %v, want %v", name, n, err, tc.want)
		}
	}
	want(t, l.EndLabel(ctx, p.ID, ""), station.ErrNotFound)
	want(t, l.EndLabel(ctx, "", ""), ErrInvalid)
	_, err := l.BeginLabel(ctx, p)
	must(t, err)
	other := p
	other.Template = "text"
	_, err = l.BeginLabel(ctx, other)
	want(t, err, ErrConflict)
	must(t, l.EndLabel(ctx, p.ID, "no paper"))
	want(t, l.EndLabel(ctx, p.ID, ""), ErrConflict) // what failed is not made good afterwards
	got, err := l.Labels(ctx, "acme", d.id)
	must(t, err)
	if len(got) != 1 || got[0].Err != "no paper" {
		t.Errorf("got %+v, want the one print that failed", got)
	}
}

// The key held down, or pressed in two places at once: one label.
func TestLabelRace(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("A")
	must(t, d.identify(ctx, l))
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = l.BeginLabel(ctx, label(d)) })
	}
	wg.Wait()
	began := 0
	for _, err := range errs {
		if err == nil {
			began++
		} else {
			want(t, err, ErrReasonNeeded)
		}
	}
	if began != 1 {
		t.Errorf("got %d prints, want 1", began)
	}
}
