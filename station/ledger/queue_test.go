package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
)

func (d *device) queued() station.QueuedRequest {
	return station.QueuedRequest{
		Run: d.run, Tenant: d.tenant, DeviceID: d.id, DeviceName: "box " + d.id, HardwareSerial: d.serial, SPKI: d.spki,
		CSR: der("csr of " + d.serial), WireGuardKey: sum("wg", d.serial), EnrollID: station.EnrollID{1, 2, 3, 4, 5, 6, 7, 8},
		Generation: 1, Contract: station.ContractAuto, At: d.at,
	}
}

// collect takes a run to its end COLLECTED.
func (d *device) collect(ctx context.Context, l *Ledger) error {
	steps := []func() error{
		func() error { return d.identify(ctx, l) },
		func() error { return l.BindDevice(ctx, d.binding()) },
		func() error { return l.BindKey(ctx, d.key()) },
		func() error { return l.Collect(ctx, d.queued()) },
		func() error {
			f := d.finish(station.Collected)
			f.Phase, f.Code, f.Params, f.Leaf, f.NotAfter = "", station.CodeCollected, nil, nil, time.Time{}
			return l.FinishRun(ctx, f)
		},
	}
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

// claimAt is a relay's claim at a time, of six minutes.
func claimAt(at time.Time) station.RelayClaim {
	return station.RelayClaim{Tenant: "acme", ID: newRun(), By: "st-1", Now: at, Until: at.Add(6 * time.Minute)}
}

// queued reads a device's only request.
func queued(t *testing.T, l *Ledger, d *device) station.QueuedRequest {
	t.Helper()
	rows, err := l.Queue(t.Context(), QueueFilter{Tenant: d.tenant, DeviceID: strings.ToUpper(d.id)})
	must(t, err)
	if len(rows) != 1 {
		t.Fatalf("got %d requests of %s, want one", len(rows), d.id)
	}
	return rows[0]
}

func wantState(t *testing.T, l *Ledger, d *device, want station.QueueState) station.QueuedRequest {
	t.Helper()
	c := queued(t, l, d)
	if c.State != want {
		t.Errorf("%s: got %s, want %s", d.id, c.State, want)
	}
	return c
}

// A request's life: it waits, is in hand, waits for a later time, is issued, and is installed with the PASS of its key.
func TestQueue(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("HW-1")
	must(t, d.collect(ctx, l))
	want0 := d.queued()
	want0.QueueStanding = station.QueueStanding{State: station.QueueWaiting, NextAt: d.at, Updated: d.at}
	if diff := cmp.Diff(want0, queued(t, l, d)); diff != "" {
		t.Errorf("collected (-want +got):\n%s", diff)
	}
	run, err := l.Run(ctx, d.run)
	must(t, err)
	if run.Outcome != station.Collected {
		t.Errorf("run: got %s, want COLLECTED", run.Outcome)
	}

	at := d.at.Add(time.Hour)
	claim := claimAt(at)
	c, err := l.ClaimCollected(ctx, claim)
	must(t, err)
	if c.State != station.QueuePosted || c.Tries != 1 || !bytes.Equal(c.CSR, want0.CSR) {
		t.Errorf("got %+v, want it in hand, first try", c)
	}
	_, err = l.ClaimCollected(ctx, claimAt(at))
	want(t, err, station.ErrNotFound)

	next := at.Add(10 * time.Minute)
	must(t, l.SettleCollected(ctx, station.RelaySettled{
		Claim: claim.ID, State: station.QueueWaiting, NextAt: next, Code: station.CodeBridgeBusy, Params: map[string]string{"status": "503"}, At: at,
	}))
	want(t, l.SettleCollected(ctx, station.RelaySettled{Claim: claim.ID, State: station.QueueParked, NextAt: at, At: at}), station.ErrNotFound)
	if c := wantState(t, l, d, station.QueueWaiting); c.Code != station.CodeBridgeBusy || c.Params["status"] != "503" || !c.NextAt.Equal(next) {
		t.Errorf("got %+v, want why and when", c)
	}
	counts, due, err := l.QueueCounts(ctx, "acme")
	must(t, err)
	if counts[station.QueueWaiting] != 1 || !due.Equal(next) {
		t.Errorf("got %v due %v, want one due %v", counts, due, next)
	}
	_, err = l.ClaimCollected(ctx, claimAt(next.Add(-time.Second)))
	want(t, err, station.ErrNotFound)
	_, err = l.ClaimCollected(ctx, station.RelayClaim{Tenant: "other", ID: newRun(), By: "st-1", Now: next, Until: next})
	want(t, err, station.ErrNotFound)

	claim = claimAt(at.Add(time.Second))
	claim.Before = at.Add(time.Second) // whatever was not touched since
	c, err = l.ClaimCollected(ctx, claim)
	must(t, err)
	if c.Tries != 2 {
		t.Errorf("got try %d, want the second", c.Tries)
	}
	must(t, l.SettleCollected(ctx, station.RelaySettled{
		Claim: claim.ID, State: station.QueueIssued, NextAt: at, Leaf: d.leaf, NotAfter: d.at.Add(24 * time.Hour), At: at,
	}))
	if c := wantState(t, l, d, station.QueueIssued); c.Code != "" || !bytes.Equal(c.Leaf, d.leaf) || !c.NotAfter.Equal(d.at.Add(24*time.Hour)) {
		t.Errorf("got %+v, want the certificate and no fault", c)
	}

	again := d.again()
	must(t, again.pass(ctx, l))
	wantState(t, l, d, station.QueueInstalled)
}

// The same device collected again keeps its place; with another key the older request is dropped; what contradicts the
// records is refused.
func TestQueueAgain(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("HW-1")
	must(t, d.collect(ctx, l))
	claim := claimAt(d.at)
	_, err := l.ClaimCollected(ctx, claim)
	must(t, err)
	must(t, l.SettleCollected(ctx, station.RelaySettled{Claim: claim.ID, State: station.QueueParked, NextAt: d.at, Code: station.CodeBridgeCSR, At: d.at}))
	must(t, d.again().collect(ctx, l))
	if c := wantState(t, l, d, station.QueueParked); c.Run != d.run || c.Tries != 1 {
		t.Errorf("collected again: got %+v, want it parked as it was", c)
	}
	must(t, l.DropCollected(ctx, "acme", d.id, "scrapped", d.at))
	third := d.again()
	must(t, third.collect(ctx, l))
	if c := wantState(t, l, d, station.QueueWaiting); c.Run != third.run || c.Tries != 0 || c.Code != "" || c.Reason != "" {
		t.Errorf("collected after it was dropped: got %+v, want it to wait anew", c)
	}

	rekeyed := d.again()
	rekeyed.spki = sum("another key")
	must(t, rekeyed.identify(ctx, l))
	must(t, l.BindDevice(ctx, rekeyed.binding()))
	want(t, l.Collect(ctx, rekeyed.queued()), station.ErrNotFound) // its key is not on file yet
	k := rekeyed.key()
	k.EnrollID, k.Generation = station.EnrollID{9}, 2
	must(t, l.BindKey(ctx, k))
	must(t, l.Collect(ctx, rekeyed.queued()))
	rows, err := l.Queue(ctx, QueueFilter{Tenant: "acme"})
	must(t, err)
	states := map[string]station.QueueState{}
	for _, r := range rows {
		states[string(r.SPKI)] = r.State
		if r.State == station.QueueDropped && r.Reason != Superseded {
			t.Errorf("got reason %q, want %q", r.Reason, Superseded)
		}
	}
	if diff := cmp.Diff(map[string]station.QueueState{string(d.spki): station.QueueDropped, string(rekeyed.spki): station.QueueWaiting}, states); diff != "" {
		t.Errorf("another key (-want +got):\n%s", diff)
	}

	other := dev("HW-2")
	must(t, other.identify(ctx, l))
	must(t, l.BindDevice(ctx, other.binding()))
	bad := other.queued()
	bad.SPKI = d.spki
	want(t, l.Collect(ctx, bad), ErrConflict)
	for name, bend := range map[string]func(*station.QueuedRequest){
		"no device id": func(c *station.QueuedRequest) { c.DeviceID = "" },
		"no run":       func(c *station.QueuedRequest) { c.Run = "" },
		"text":         func(c *station.QueuedRequest) { c.CSR = []byte("-----BEGIN") },
		"huge":         func(c *station.QueuedRequest) { c.CSR = append(der(""), make([]byte, maxDER)...) },
		"no time":      func(c *station.QueuedRequest) { c.At = time.Time{} },
		"short key":    func(c *station.QueuedRequest) { c.SPKI = c.SPKI[:31] },
		"tunnel key":   func(c *station.QueuedRequest) { c.WireGuardKey = []byte{1} },
	} {
		c := rekeyed.queued()
		bend(&c)
		if err := l.Collect(ctx, c); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, err)
		}
	}
}

// Who has a request in hand is alone with it: another relay, and the run of the device itself, wait; a relay waits for a run.
func TestQueueClaims(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("HW-1")
	must(t, d.collect(ctx, l))
	at := d.at.Add(time.Hour)
	first := claimAt(at)
	_, err := l.ClaimCollected(ctx, first)
	must(t, err)
	p := d.posted()
	p.At = at
	must(t, l.PostBegun(ctx, p)) // the relay's own

	plugged := d.again()
	plugged.at = at.Add(time.Minute)
	must(t, plugged.identify(ctx, l))
	want(t, l.PostBegun(ctx, plugged.posted()), station.ErrRelaying)

	// The relay died. Its claim ends by its time; what it may have had issued stays on the list.
	_, err = l.ClaimCollected(ctx, claimAt(first.Until.Add(-time.Microsecond)))
	want(t, err, station.ErrNotFound)
	second := claimAt(first.Until)
	c, err := l.ClaimCollected(ctx, second)
	must(t, err)
	if c.Tries != 2 {
		t.Errorf("got try %d, want the second", c.Tries)
	}
	want(t, l.SettleCollected(ctx, station.RelaySettled{Claim: first.ID, State: station.QueueParked, NextAt: at, At: at}), station.ErrNotFound)
	rows, err := l.PossiblyIssued(ctx)
	must(t, err)
	if len(rows) != 1 || rows[0].ID != p.ID || rows[0].State != PostUnknown {
		t.Errorf("got %+v, want the lost post, unknown", rows)
	}
	must(t, l.SettleCollected(ctx, station.RelaySettled{Claim: second.ID, State: station.QueueWaiting, NextAt: at, At: at}))

	// Now the device's run asks.
	must(t, l.PostBegun(ctx, plugged.posted()))
	_, err = l.ClaimCollected(ctx, claimAt(plugged.at.Add(time.Minute)))
	want(t, err, station.ErrNotFound)
	must(t, l.FinishRun(ctx, plugged.finish(station.Error)))
	_, err = l.ClaimCollected(ctx, claimAt(plugged.at.Add(time.Minute)))
	must(t, err)
}

// What a person may do with a request, by its state.
func TestQueueDecisions(t *testing.T) {
	for _, row := range []struct {
		state       station.QueueState
		notAfter    time.Duration
		retry, drop bool
	}{
		{station.QueueWaiting, 0, true, true},
		{station.QueueParked, 0, true, true},
		{station.QueuePosted, 0, false, false},
		{station.QueueIssued, time.Hour, false, true},
		{station.QueueIssued, -time.Hour, true, true},
		{station.QueueInstalled, 0, false, false},
		{station.QueueDropped, 0, false, false},
	} {
		for what, ok := range map[string]bool{"retry": row.retry, "drop": row.drop} {
			t.Run(fmt.Sprintf("%s %s %v", what, row.state, row.notAfter), func(t *testing.T) {
				l, ctx, d := openNew(t), t.Context(), dev("HW-1")
				must(t, d.collect(ctx, l))
				at := d.at.Add(2 * time.Hour)
				switch row.state {
				case station.QueueDropped:
					must(t, l.DropCollected(ctx, "acme", d.id, "scrapped", at))
				case station.QueueInstalled:
					must(t, d.again().pass(ctx, l))
				default:
					claim := claimAt(at)
					_, err := l.ClaimCollected(ctx, claim)
					must(t, err)
					if row.state != station.QueuePosted {
						must(t, l.SettleCollected(ctx, station.RelaySettled{
							Claim: claim.ID, State: row.state, NextAt: at, Leaf: d.leaf, NotAfter: at.Add(row.notAfter), At: at,
						}))
					}
				}
				var err error
				after := station.QueueWaiting
				if what == "retry" {
					err = l.RetryCollected(ctx, "acme", strings.ToUpper(d.id), at)
				} else {
					err, after = l.DropCollected(ctx, "acme", d.id, "lost in the field", at), station.QueueDropped
				}
				if !ok {
					want(t, err, station.ErrNotFound)
					after = row.state
				} else {
					must(t, err)
				}
				wantState(t, l, d, after)
			})
		}
	}
	l := openNew(t)
	want(t, l.DropCollected(t.Context(), "acme", "dev-1", "  ", t0), ErrInvalid)
	want(t, l.RetryCollected(t.Context(), "acme", "nobody", t0), station.ErrNotFound)
}

// Relays at the same time take each request once.
func TestQueueRace(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	const devices = 24
	for i := range devices {
		must(t, dev(fmt.Sprintf("HW-%d", i)).collect(ctx, l))
	}
	var mu sync.Mutex
	taken := map[string]int{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				c, err := l.ClaimCollected(ctx, claimAt(t0.Add(time.Hour)))
				if errors.Is(err, station.ErrNotFound) {
					return
				}
				if err != nil {
					t.Errorf("claim: got %v", err)
					return
				}
				mu.Lock()
				taken[c.DeviceID]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, n := range taken {
		if n != 1 {
			t.Errorf("%s was taken %d times", id, n)
		}
	}
	if len(taken) != devices {
		t.Errorf("got %d taken, want %d", len(taken), devices)
	}
}

// One relay of a station works on a ledger at a time; what a killed one left in hand waits again at once, but only the station's own.
func TestRelayAlone(t *testing.T) {
	lock := filepath.Join(t.TempDir(), "relay.lock")
	l, ctx := openNew(t), t.Context()
	d, other := dev("HW-1"), dev("HW-2")
	must(t, d.collect(ctx, l))
	_, err := l.ClaimCollected(ctx, claimAt(t0))
	must(t, err)
	must(t, l.PostBegun(ctx, d.posted()))
	must(t, other.collect(ctx, l))
	elsewhere := claimAt(t0)
	elsewhere.By = "st-2"
	_, err = l.ClaimCollected(ctx, elsewhere)
	must(t, err)

	left, release, err := l.RelayAlone(ctx, "acme", "st-1", lock, t0.Add(time.Minute))
	must(t, err)
	if left != 1 {
		t.Errorf("got %d left in hand, want one", left)
	}
	wantState(t, l, d, station.QueueWaiting)
	wantState(t, l, other, station.QueuePosted)
	if rows, err := l.PossiblyIssued(ctx); err != nil || len(rows) != 1 || rows[0].State != PostUnknown {
		t.Errorf("got %+v, %v, want one post, unknown", rows, err)
	}
	_, _, err = l.RelayAlone(ctx, "acme", "st-1", lock, t0)
	want(t, err, ErrRelayRuns)
	must(t, release())
	_, release, err = l.RelayAlone(ctx, "acme", "st-1", lock, t0)
	must(t, err)
	must(t, release())
}
