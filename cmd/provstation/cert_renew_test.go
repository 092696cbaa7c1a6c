package main

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

// Which connected devices `cert renew --all --within` takes: by the end of the certificate that the device works with, on file
// in a real ledger. What cannot be judged is taken, and never left to end unseen.
func TestChosenWithin(t *testing.T) {
	ctx := t.Context()
	l, err := ledger.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = issuedTo(ctx, l, "HW-1", "CN=CA", "aa01")
	_, begun := begin(ctx, l, "bench-1", "st-a", "HW-NEW")
	if err := errors.Join(err, begun); err != nil {
		t.Fatal(err)
	}
	rows, err := l.Devices(ctx, ledger.DeviceFilter{Tenant: "acme", HardwareSerial: "HW-1"})
	if err != nil || len(rows) != 1 || rows[0].NotAfter.IsZero() {
		t.Fatalf("got %v, %v, want the device with its certificate's end", rows, err)
	}
	end := rows[0].NotAfter
	ask := func(c *chosen, hardware string, left time.Duration) bool {
		c.ctx, c.now = ctx, func() time.Time { return end.Add(-left) }
		if c.records == nil {
			c.records = l
		}
		return c.wants(station.Announcement{HardwareSerial: hardware})
	}
	const day = 24 * time.Hour
	for _, row := range []struct {
		name           string
		serial, tenant string
		within         time.Duration
		hardware       string
		left           time.Duration
		want           bool
	}{
		{"ends within", "", "acme", 30 * day, "HW-1", 30*day - time.Second, true},
		{"has enough time", "", "acme", 30 * day, "HW-1", 30*day + time.Second, false},
		{"has ended", "", "acme", 30 * day, "HW-1", -time.Hour, true},
		{"all, with time", "", "acme", 0, "HW-1", 300 * day, true},
		{"never finished", "", "acme", time.Hour, "HW-NEW", 300 * day, true},
		{"not on file", "", "acme", time.Hour, "HW-9", 300 * day, true},
		{"on file for another tenant", "", "other", time.Hour, "HW-1", 300 * day, true},
		{"that one", "HW-1", "acme", 0, "HW-1", 300 * day, true},
		{"another one", "HW-2", "acme", 0, "HW-1", 0, false},
	} {
		c := &chosen{serial: row.serial, tenant: row.tenant, within: row.within}
		if got := ask(c, row.hardware, row.left); got != row.want {
			t.Errorf("%s: got %v, want %v", row.name, got, row.want)
		}
		taken, left := int64(0), int64(1)
		if row.want {
			taken, left = 1, 0
		}
		if c.taken.Load() != taken || c.left.Load() != left {
			t.Errorf("%s: counted %d taken and %d left, want %d and %d", row.name, c.taken.Load(), c.left.Load(), taken, left)
		}
	}

	closed, err := ledger.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	if !ask(&chosen{tenant: "acme", within: time.Hour, records: closed}, "HW-1", 300*day) {
		t.Error("a ledger that does not answer: the device was left alone")
	}
}

// Nothing to do is good where devices are there and have time, and bad where none is there.
func TestChosenNone(t *testing.T) {
	var all, had chosen
	had.left.Store(2)
	if err := had.none(""); err != nil {
		t.Errorf("all have time: got %v, want nil", err)
	}
	for id, c := range map[string]*chosen{"": &all, "edge-1": &had} {
		var e *exitError
		if err := c.none(id); !errors.As(err, &e) || e.code != exitBad {
			t.Errorf("%q: got %v, want exit %d", id, err, exitBad)
		}
	}
}

func TestRenewFlags(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "12h": 12 * time.Hour, "90m": 90 * time.Minute} {
		_, got, err := (&renewFlags{all: true, within: text}).check(nil)
		if err != nil || got != want {
			t.Errorf("--within %s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for name, row := range map[string]struct {
		f    renewFlags
		args []string
	}{
		"neither":         {renewFlags{}, nil},
		"both":            {renewFlags{all: true}, []string{"edge-1"}},
		"within for one":  {renewFlags{within: "30d"}, []string{"edge-1"}},
		"empty id":        {renewFlags{}, []string{" "}},
		"no such way":     {renewFlags{all: true, by: "magic"}, nil},
		"no time":         {renewFlags{all: true, within: "soon"}, nil},
		"below zero":      {renewFlags{all: true, within: "-1h"}, nil},
		"days below zero": {renewFlags{all: true, within: "-1d"}, nil},
		"zero":            {renewFlags{all: true, within: "0h"}, nil},
		"zero days":       {renewFlags{all: true, within: "0d"}, nil},
	} {
		var e *exitError
		if _, _, err := row.f.check(row.args); !errors.As(err, &e) || e.code != exitUsage {
			t.Errorf("%s: got %v, want exit %d", name, err, exitUsage)
		}
	}
}
