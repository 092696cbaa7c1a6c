package shared_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/station/ledger/shared"
	"provstation/station/stationtest"
)

func (d *device) revocation(by string) station.Revocation {
	return station.Revocation{
		ID: newID(), Tenant: "acme", DeviceID: d.id, HardwareSerial: d.serial, CertSerial: fmt.Sprintf("%x", d.leaf[:8]), Fingerprint: d.leaf,
		Reason: "keyCompromise", Way: "provisioner", By: "Lea", StationID: by, At: t0,
	}
}

func (d *device) retirement(by string) station.Retirement {
	return station.Retirement{
		ID: newID(), Tenant: "acme", DeviceID: d.id, HardwareSerial: d.serial, Reason: "scrapped", By: "Lea", StationID: by, At: t0,
	}
}

// A certificate is revoked while the database is away, and the station is switched off before it is back: the database hears of
// it later, once, and so do the others.
func revokedWhileAway(t *testing.T, server *stationtest.Postgres, url string) {
	ctx := t.Context()
	dir := t.TempDir()
	a, b := openBench(t, "st-a", dir, url, func(c *shared.Config) { c.AnswerWait = 5 * time.Second }), openBench(t, "st-b", t.TempDir(), url, nil)
	defer b.close(t)
	d, others := dev("HW-1"), dev("HW-2")
	must(t, d.enroll(ctx, a))
	must(t, others.enroll(ctx, b))
	must(t, a.Flush(ctx))
	server.Kill()
	a.await(t, standing(station.LedgerAway))
	b.await(t, standing(station.LedgerAway))

	// Both of a's own device and of one that a's file knows nothing of.
	done := map[string]station.Revocation{}
	for _, one := range []*device{d, others} {
		r := one.revocation("st-a")
		done[one.id] = r
		must(t, a.RevocationBegun(ctx, r))
		must(t, a.RevocationEnded(ctx, r.ID, station.ResultDone, t0.Add(time.Second)))
	}
	_, err := a.Revocations(ctx, "acme", d.id, "")
	want(t, err, station.ErrLedgerAway) // another station may have revoked it
	_, err = a.RetirementBegun(ctx, d.retirement("st-a"))
	want(t, err, station.ErrLedgerAway) // another station may be at it
	if list, err := a.Local().Revocations(ctx, "acme", d.id, ""); err != nil || len(list) != 1 {
		t.Errorf("own file: got %+v, %v, want it there", list, err)
	}
	a.close(t)

	server.Restart()
	a = openBench(t, "st-a", dir, url, nil)
	defer a.close(t)
	must(t, a.Flush(ctx))
	b.await(t, standing(station.LedgerShared))
	for _, one := range []*device{d, others} {
		list, err := b.Revocations(ctx, "acme", one.id, "")
		must(t, err)
		wanted := station.RevocationRow{Revocation: done[one.id], Result: station.ResultDone, EndedAt: t0.Add(time.Second)}
		if len(list) != 1 || fmt.Sprint(list[0]) != fmt.Sprint(wanted) {
			t.Errorf("%s: got %+v, want %+v alone", one.id, list, wanted)
		}
		certs, err := b.Certificates(ctx, "acme", one.spki)
		must(t, err)
		if len(certs) != 1 || !certs[0].Revoked {
			t.Errorf("%s: got %+v, want it revoked", one.id, certs)
		}
	}
	s, err := b.Server(ctx)
	must(t, err)
	if dup, err := s.Duplicates(ctx, ledger.DuplicateFilter{}); err != nil || len(dup) != 0 {
		t.Errorf("contradictions: got %v (%v), want none", dup, err)
	}
}

// One device is decommissioned once, whichever stations ask. The one that is at it goes on when the database is lost; the
// others hold the device when they hear that it is done.
func sharedRetirement(t *testing.T, server *stationtest.Postgres, url string) {
	ctx := t.Context()
	a, b := openBench(t, "st-a", t.TempDir(), url, nil), openBench(t, "st-b", t.TempDir(), url, nil)
	defer a.close(t)
	defer b.close(t)
	d := dev("HW-1")
	must(t, d.enroll(ctx, a))
	type asked struct {
		r   station.Retirement
		err error
	}
	got := make(chan asked)
	for _, l := range []*bench{a, b} {
		r := d.retirement(l.id)
		if l == b {
			r.DeviceID = strings.ToUpper(r.DeviceID)
		}
		go func() {
			r, err := l.RetirementBegun(ctx, r)
			got <- asked{r, err}
		}()
	}
	first, second := <-got, <-got
	must(t, first.err)
	must(t, second.err)
	if first.r != second.r {
		t.Fatalf("got %+v and %+v, want one", first.r, second.r)
	}
	id := first.r.ID
	must(t, a.RetirementStep(ctx, id, station.StepRecord{Step: station.StepRevoke, State: station.StepDone, At: t0}))
	if row, err := b.Retirement(ctx, "acme", d.id); err != nil || len(row.Steps) > 1 {
		t.Errorf("got %+v, %v, want it with at most one step", row, err)
	}
	must(t, a.Flush(ctx))
	row, err := b.Retirement(ctx, "acme", d.id)
	must(t, err)
	if len(row.Steps) != 1 || row.Steps[0].State != station.StepDone || !row.EndedAt.IsZero() {
		t.Errorf("got %+v, want it open with the first step done", row)
	}
	_, err = b.Resolution(ctx, "acme", d.serial)
	want(t, err, station.ErrNotFound)

	server.Kill()
	a.await(t, standing(station.LedgerAway))
	b.await(t, standing(station.LedgerAway))
	must(t, a.RetirementStep(ctx, id, station.StepRecord{Step: station.StepErase, State: station.StepFailed, Code: station.CodeCADown, At: t0}))
	must(t, a.RetirementEnded(ctx, id, t0.Add(time.Minute)))
	_, err = a.Retirement(ctx, "acme", d.id)
	want(t, err, station.ErrLedgerAway)
	server.Restart()
	a.await(t, standing(station.LedgerShared))
	b.await(t, standing(station.LedgerShared))
	must(t, a.Flush(ctx))
	row, err = b.Retirement(ctx, "acme", d.id)
	must(t, err)
	if len(row.Steps) != 2 || !row.EndedAt.Equal(t0.Add(time.Minute)) {
		t.Errorf("got %+v, want it ended with both steps", row)
	}
	decided, err := b.Resolution(ctx, "acme", d.serial)
	must(t, err)
	if decided.Decision != station.DecisionDecommissioned || decided.Reason != "scrapped" {
		t.Errorf("got %+v, want it out of service", decided)
	}
	holds(ctx, t, a, b, d)
}

// holds: no station contradicts another, and both files know of it.
func holds(ctx context.Context, t *testing.T, a, b *bench, d *device) {
	t.Helper()
	s, err := b.Server(ctx)
	must(t, err)
	if dup, err := s.Duplicates(ctx, ledger.DuplicateFilter{}); err != nil || len(dup) != 0 {
		t.Errorf("contradictions: got %v (%v), want none", dup, err)
	}
	for _, l := range []*bench{a, b} {
		if _, err := l.Local().Retirement(ctx, "acme", d.id); err != nil {
			t.Errorf("%s: own file: got %v, want it there", l.id, err)
		}
	}
}

// A station on its own begins none.
func retireAlone(t *testing.T, _ *stationtest.Postgres, _ string) {
	a := openBench(t, "st-a", t.TempDir(), "postgres:///nowhere?host=/nonexistent", func(c *shared.Config) { c.Alone = true })
	defer a.close(t)
	_, err := a.RetirementBegun(t.Context(), dev("HW-1").retirement("st-a"))
	want(t, err, station.ErrLedgerAway)
}

// A claimed device's certificate that another station revoked stays a revoked one when the database is lost, although the own
// file, which received it, has not heard of that.
func revokedByAnother(t *testing.T, server *stationtest.Postgres, url string) {
	ctx := t.Context()
	a, b := openBench(t, "st-a", t.TempDir(), url, func(c *shared.Config) { c.AnswerWait = 5 * time.Second }), openBench(t, "st-b", t.TempDir(), url, nil)
	defer a.close(t)
	defer b.close(t)
	d := dev("HW-1")
	must(t, d.enroll(ctx, a))
	must(t, a.Flush(ctx))
	r := d.revocation("st-b")
	must(t, b.RevocationBegun(ctx, r))
	must(t, b.RevocationEnded(ctx, r.ID, station.ResultDone, t0))
	must(t, b.Flush(ctx))
	next := *d
	next.run = newID()
	must(t, next.claim(ctx, a))
	server.Kill()
	a.await(t, standing(station.LedgerAway))
	list, err := a.Certificates(ctx, "acme", d.spki)
	must(t, err)
	if len(list) != 1 || !list[0].Revoked {
		t.Errorf("got %+v, want it revoked", list)
	}
	must(t, next.finish(ctx, a, station.Error))
	server.Restart()
	a.await(t, standing(station.LedgerShared))
}
