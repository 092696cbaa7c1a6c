package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"provstation/station"
)

func (d *device) retirement() station.Retirement {
	return station.Retirement{
		ID: newRun(), Tenant: d.tenant, DeviceID: d.id, HardwareSerial: d.serial, Reason: "scrapped", By: "Lea", StationID: "st-1",
		At: d.at.Add(time.Hour),
	}
}

// retired takes the device out of service and says under which id.
func (d *device) retired(ctx context.Context, l *Ledger) (string, error) {
	r, err := l.RetirementBegun(ctx, d.retirement())
	for i, s := range station.RetirementSteps() {
		if err == nil {
			err = l.RetirementStep(ctx, r.ID, station.StepRecord{Step: s, State: station.StepDone, At: r.At.Add(time.Duration(i) * time.Second)})
		}
	}
	if err == nil {
		err = l.RetirementEnded(ctx, r.ID, r.At.Add(time.Minute))
	}
	return r.ID, err
}

// A decommissioning goes on where it was left, whoever asks, and is a decision when it has ended.
func TestRetirement(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, l))
	_, err := l.Retirement(ctx, "acme", d.id)
	want(t, err, station.ErrNotFound)
	r := d.retirement()
	got, err := l.RetirementBegun(ctx, r)
	must(t, err)
	diff(t, got, r)
	second := d.retirement()
	second.DeviceID, second.By = "DEV-hw-1", "Ada"
	for _, asks := range []station.Retirement{r, second} {
		got, err := l.RetirementBegun(ctx, asks)
		must(t, err)
		diff(t, got, r)
	}
	elsewhere := d.retirement()
	elsewhere.Tenant = "other"
	if got, err := l.RetirementBegun(ctx, elsewhere); err != nil || got.ID != elsewhere.ID {
		t.Errorf("another tenant: got %+v, %v, want its own", got, err)
	}

	say := func(s station.RetirementStepName, state station.StepState, after time.Duration) {
		t.Helper()
		must(t, l.RetirementStep(ctx, r.ID, station.StepRecord{
			Step: s, State: state, Code: map[bool]station.Code{true: station.CodeCADown}[state == station.StepFailed], Detail: string(state), At: r.At.Add(after),
		}))
	}
	say(station.StepErase, station.StepManual, 5*time.Second)
	say(station.StepRevoke, station.StepBegun, 1*time.Second)
	say(station.StepRevoke, station.StepFailed, 2*time.Second)
	say(station.StepRevoke, station.StepBegun, 3*time.Second)
	say(station.StepRevoke, station.StepFailed, 2*time.Second) // told late: nothing new
	say(station.StepRevoke, station.StepGone, 4*time.Second)
	say(station.StepRevoke, station.StepFailed, 9*time.Second) // it is over
	say(station.StepHawkBit, station.StepOff, 5*time.Second)
	row, err := l.Retirement(ctx, "acme", "Dev-HW-1")
	must(t, err)
	diff(t, row, station.RetirementRow{Retirement: r, Steps: []station.StepRecord{
		{Step: station.StepRevoke, State: station.StepGone, Detail: "gone", At: r.At.Add(4 * time.Second)},
		{Step: station.StepHawkBit, State: station.StepOff, Detail: "off", At: r.At.Add(5 * time.Second)},
		{Step: station.StepErase, State: station.StepManual, Detail: "manual", At: r.At.Add(5 * time.Second)},
	}})
	_, err = l.Resolution(ctx, "acme", "HW-1")
	want(t, err, station.ErrNotFound) // it is in service until it has ended

	at := r.At.Add(time.Minute)
	must(t, l.RetirementEnded(ctx, r.ID, at))
	must(t, l.RetirementEnded(ctx, r.ID, at.Add(time.Hour))) // the first stays
	say(station.StepErase, station.StepDone, time.Hour)      // somebody did it by hand, later
	row, err = l.Retirement(ctx, "acme", d.id)
	must(t, err)
	if !row.EndedAt.Equal(at) || row.Steps[2].State != station.StepDone {
		t.Errorf("got %+v, want it ended at %s and erased", row, at)
	}
	decided, err := l.Resolution(ctx, "acme", "HW-1")
	must(t, err)
	diff(t, decided, station.Resolution{
		Tenant: "acme", HardwareSerial: "HW-1", Decision: station.DecisionDecommissioned, Reason: "scrapped", By: "Lea", At: at,
	})
	wantOrphans(t, orphansOf(t, l, OrphanFilter{Tenant: "acme"}), OrphanDecommissioned)

	// It can be taken out of service once more, when it came back.
	again := d.retirement()
	again.At = at.Add(time.Hour)
	got, err = l.RetirementBegun(ctx, again)
	must(t, err)
	diff(t, got, again)
	row, err = l.Retirement(ctx, "acme", d.id)
	must(t, err)
	if row.ID != again.ID || !row.EndedAt.IsZero() || len(row.Steps) != 0 {
		t.Errorf("got %+v, want the second one, open", row)
	}
}

// The newest decision wins, whichever kind it is of.
func TestRetirementAndDecisions(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, l))
	before := d.again()
	must(t, before.held(ctx, l, station.CodeUnknownKey, sum("k")))
	_, err := d.retired(ctx, l) // in an hour
	must(t, err)
	if h, err := l.Held(ctx, before.run); err != nil || h.Open {
		t.Errorf("a run held before: got %+v, %v, want it settled", h, err)
	}
	held := d.again()
	held.at = t0.Add(2 * time.Hour)
	must(t, held.held(ctx, l, station.CodeDecommissioned, sum("k")))
	if h, err := l.Held(ctx, held.run); err != nil || !h.Open || !slices.Contains(h.Choices, station.DecisionReenroll) {
		t.Errorf("held since: got %+v, %v, want it open for a decision to re-enroll", h, err)
	}
	holds := func(want station.Decision) {
		t.Helper()
		if r, err := l.Resolution(ctx, "acme", "HW-1"); err != nil || r.Decision != want {
			t.Errorf("got %q, %v, want %q", r.Decision, err, want)
		}
	}
	holds(station.DecisionDecommissioned)
	ignored := held.again()
	must(t, ignored.held(ctx, l, station.CodeDecommissioned, sum("k")))
	_, err = l.Resolve(ctx, ignored.decide(station.DecisionIgnore))
	must(t, err)
	holds(station.DecisionDecommissioned)
	must(t, ignored.again().held(ctx, l, station.CodeDecommissioned, sum("k")))
	_, err = l.Resolve(ctx, held.decide(station.DecisionReenroll))
	must(t, err)
	holds(station.DecisionReenroll)
	wantOrphans(t, orphansOf(t, l, OrphanFilter{Tenant: "acme"}))

	back := d.anew("back")
	back.at = t0.Add(3 * time.Hour)
	must(t, back.proven(ctx, l, station.Pass))
	_, err = l.Resolution(ctx, "acme", "HW-1")
	want(t, err, station.ErrNotFound) // back in service, and done
	wantOrphans(t, orphansOf(t, l, OrphanFilter{Tenant: "acme"}), OrphanSuperseded)

	back.at = t0.Add(4 * time.Hour)
	_, err = back.retired(ctx, l)
	must(t, err)
	holds(station.DecisionDecommissioned)
	wantOrphans(t, orphansOf(t, l, OrphanFilter{Tenant: "acme"}), OrphanSuperseded, OrphanDecommissioned)
}

// A contradiction of two stations is decided about when one of the two devices is out of service.
func TestRetirementSettlesDuplicate(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, l))
	must(t, l.KeepDuplicate(ctx, Duplicate{
		ID: newRun(), Tenant: "acme", Kind: DuplicateKey, Station: "st-1", Run: d.run, Serial: "HW-2", OtherSerial: "HW-1", Entry: FactKey,
		Body: []byte("{}"), FoundAt: t0,
	}))
	open := func() int {
		t.Helper()
		list, err := l.Duplicates(ctx, DuplicateFilter{Tenant: "acme", Open: true})
		must(t, err)
		return len(list)
	}
	r, err := l.RetirementBegun(ctx, d.retirement())
	must(t, err)
	diff(t, open(), 1)
	must(t, l.RetirementEnded(ctx, r.ID, r.At.Add(time.Minute)))
	diff(t, open(), 0)
}

// An id that no hardware has holds nothing.
func TestRetirementOfNoHardware(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	d := dev("HW-1")
	must(t, d.pass(ctx, l))
	r := d.retirement()
	r.DeviceID, r.HardwareSerial = "stock-7", ""
	_, err := l.RetirementBegun(ctx, r)
	must(t, err)
	must(t, l.RetirementEnded(ctx, r.ID, r.At))
	for _, serial := range []string{"", "HW-1"} {
		_, err := l.Resolution(ctx, "acme", serial)
		want(t, err, station.ErrNotFound)
	}
}

func TestRetirementRefuses(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	for name, bend := range map[string]func(*station.Retirement){
		"no id":        func(r *station.Retirement) { r.ID = "" },
		"no tenant":    func(r *station.Retirement) { r.Tenant = "" },
		"no device":    func(r *station.Retirement) { r.DeviceID = "" },
		"no time":      func(r *station.Retirement) { r.At = time.Time{} },
		"a long name":  func(r *station.Retirement) { r.By = strings.Repeat("x", 300) },
		"a drawn name": func(r *station.Retirement) { r.HardwareSerial = "a\x00b" },
	} {
		r := dev("HW-1").retirement()
		bend(&r)
		if _, err := l.RetirementBegun(ctx, r); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, ErrInvalid)
		}
	}
	r, err := l.RetirementBegun(ctx, dev("HW-1").retirement())
	must(t, err)
	good := station.StepRecord{Step: station.StepRevoke, State: station.StepDone, At: t0}
	for _, s := range []station.StepRecord{
		{State: station.StepDone, At: t0},
		{Step: "burn", State: station.StepDone, At: t0},
		{Step: station.StepRevoke, State: "perhaps", At: t0},
		{Step: station.StepRevoke, State: station.StepDone},
	} {
		want(t, l.RetirementStep(ctx, r.ID, s), ErrInvalid)
	}
	want(t, l.RetirementStep(ctx, newRun(), good), station.ErrNotFound)
	want(t, l.RetirementEnded(ctx, newRun(), t0), station.ErrNotFound)
	want(t, l.RetirementEnded(ctx, r.ID, time.Time{}), ErrInvalid)
}

// Two processes that begin at the same time begin one.
func TestRetirementByTwo(t *testing.T) {
	url := ownURL(t)
	ledgers := []*Ledger{openURL(t, url, Config{}), openURL(t, url, Config{})}
	for round := range 8 {
		d := dev(fmt.Sprint("HW-", round))
		got := make(chan string, 8)
		for i := range cap(got) {
			r := d.retirement()
			if i%2 == 1 {
				r.DeviceID = strings.ToUpper(r.DeviceID)
			}
			go func() {
				rec, err := ledgers[i%2].RetirementBegun(t.Context(), r)
				got <- rec.ID + map[bool]string{true: fmt.Sprint(" ", err)}[err != nil]
			}()
		}
		first := <-got
		for range cap(got) - 1 {
			if next := <-got; next != first {
				t.Errorf("got %s and %s, want one", first, next)
			}
		}
	}
}

// Whatever two stations say of a step, in whatever order it is heard: the first word that it is over stays, and before that
// the latest one holds.
func TestStepWordsInAnyOrder(t *testing.T) {
	ctx, l := t.Context(), openNew(t)
	states := []station.StepState{
		station.StepBegun, station.StepDone, station.StepGone, station.StepOff, station.StepFailed, station.StepManual,
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		r := dev(fmt.Sprint("HW-", n)).retirement()
		if _, err := l.RetirementBegun(ctx, r); err != nil {
			rt.Fatal(err)
		}
		var holds *station.StepRecord
		for i := range rapid.IntRange(1, 8).Draw(rt, "words") {
			s := station.StepRecord{
				Step: station.StepRevoke, State: rapid.SampledFrom(states).Draw(rt, "state"), Detail: fmt.Sprint(i),
				At: t0.Add(time.Duration(rapid.IntRange(0, 5).Draw(rt, "at")) * time.Second),
			}
			if err := l.RetirementStep(ctx, r.ID, s); err != nil {
				rt.Fatal(err)
			}
			if holds == nil || !holds.State.Over() && (s.State.Over() || !s.At.Before(holds.At)) {
				holds = &s
			}
		}
		row, err := l.Retirement(ctx, r.Tenant, r.DeviceID)
		if err != nil || len(row.Steps) != 1 || row.Steps[0] != *holds {
			rt.Fatalf("got %+v, %v, want %+v", row.Steps, err, *holds)
		}
	})
}
