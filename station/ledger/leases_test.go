package ledger

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"provstation/station"
)

// Two stations on one ledger: one works on a device at a time, and the fence never comes twice.
func TestLeases(t *testing.T) {
	url, ctx := newURL(t), t.Context()
	a, b := openURL(t, url, Config{}), openURL(t, url, Config{})
	first, err := a.Claim(ctx, "acme", "HW", "st-a", time.Hour)
	must(t, err)
	_, err = b.Claim(ctx, "acme", "HW", "st-b", time.Hour)
	want(t, err, ErrLeased)
	var held *Leased
	if !errors.As(err, &held) || held.StationID != "st-a" || !held.ExpiresAt.Equal(first.ExpiresAt) {
		t.Errorf("got %+v, want station st-a until %s", held, first.ExpiresAt)
	}
	_, err = b.Claim(ctx, "globex", "HW", "st-b", time.Hour) // another tenant's device is another device
	must(t, err)
	seen, err := b.Lease(ctx, "acme", "HW")
	must(t, err)
	diff(t, seen, first)

	again, err := a.Claim(ctx, "acme", "HW", "st-a", time.Hour) // after a crash
	must(t, err)
	if again.Fence <= first.Fence {
		t.Errorf("fence: got %d after %d, want it greater", again.Fence, first.Fence)
	}
	_, err = a.Renew(ctx, first, time.Hour)
	want(t, err, ErrLeaseLost)
	want(t, a.Release(ctx, first), ErrLeaseLost)

	brief, err := a.Renew(ctx, again, time.Microsecond) // runs out at once, and nobody comes
	must(t, err)
	kept, err := a.Renew(ctx, brief, time.Microsecond)
	must(t, err)
	taken, err := b.Claim(ctx, "acme", "HW", "st-b", time.Hour)
	must(t, err)
	if taken.Fence <= kept.Fence {
		t.Errorf("fence: got %d after %d, want it greater", taken.Fence, kept.Fence)
	}
	_, err = a.Renew(ctx, kept, time.Hour)
	want(t, err, ErrLeaseLost)

	must(t, b.Release(ctx, taken))
	want(t, b.Release(ctx, taken), ErrLeaseLost)
	_, err = b.Renew(ctx, taken, time.Hour)
	want(t, err, ErrLeaseLost)
	_, err = a.Lease(ctx, "acme", "HW")
	want(t, err, station.ErrNotFound)
	last, err := a.Claim(ctx, "acme", "HW", "st-a", time.Hour)
	must(t, err)
	if last.Fence <= taken.Fence {
		t.Errorf("fence: got %d after %d, want it greater", last.Fence, taken.Fence)
	}
	for _, bad := range []func() error{
		func() error { _, err := a.Claim(ctx, "", "HW", "st-a", time.Hour); return err },
		func() error { _, err := a.Claim(ctx, "acme", "", "st-a", time.Hour); return err },
		func() error { _, err := a.Claim(ctx, "acme", "HW", "", time.Hour); return err },
		func() error { _, err := a.Claim(ctx, "acme", "HW", "st-a", 0); return err },
		func() error { _, err := a.Renew(ctx, last, -time.Second); return err },
	} {
		want(t, bad(), ErrInvalid)
	}
}

// Of stations that claim a device at the same moment one gets it, each time.
func TestLeaseRace(t *testing.T) {
	url, ctx := newURL(t), t.Context()
	const stations, devices = 4, 10
	won := make(chan Lease, stations*devices)
	var wg sync.WaitGroup
	for s := range stations {
		l := openURL(t, url, Config{})
		wg.Go(func() {
			for d := range devices {
				e, err := l.Claim(ctx, "acme", fmt.Sprintf("HW-%d", d), fmt.Sprintf("st-%d", s), time.Hour)
				if err == nil {
					won <- e
				} else {
					want(t, err, ErrLeased)
				}
			}
		})
	}
	wg.Wait()
	close(won)
	holders := map[string]string{}
	for e := range won {
		if other, twice := holders[e.HardwareSerial]; twice || e.Fence != 1 {
			t.Errorf("%s: got it for %s with fence %d beside %q, want one station with fence 1", e.HardwareSerial, e.StationID,
				e.Fence, other)
		}
		holders[e.HardwareSerial] = e.StationID
	}
	if len(holders) != devices {
		t.Errorf("got %d devices leased, want %d", len(holders), devices)
	}
}
