package main

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/people"
)

// A decision at the screen goes on file with the name of who is signed in; where people are listed it takes a lead.
func TestOfficeResolve(t *testing.T) {
	ctx := t.Context()
	l, err := ledger.Open(ctx, "sqlite::memory:", ledger.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg := config.Default()
	run := uuid.NewString()
	now := time.Now().UTC()
	err = errors.Join(
		l.BeginRun(ctx, station.RunStart{Run: run, Tenant: cfg.Station.Tenant, StartedAt: now}),
		l.FinishRun(ctx, station.RunFinish{
			Run: run, Tenant: cfg.Station.Tenant, HardwareSerial: "HW-1", Outcome: station.Uncertain, Code: station.CodeUnknownKey, EndedAt: now,
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	b := station.NewBench(station.BenchConfig{Staff: people.Anyone()}, nil, nil, nil)
	o := &office{bench: &bench{Bench: b, history: &history{Ledger: l}, config: cfg}}
	refused := func(want station.Code, what station.Decision) {
		t.Helper()
		err := o.Resolve(ctx, run, what, "reflashed")
		if f, ok := station.AsFault(err); !ok || f.Code != want {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
	}
	refused(station.CodeHeldSignIn, station.DecisionReenroll)
	if err := b.SignIn("Ada"); err != nil {
		t.Fatal(err)
	}
	cfg.People.File = "people.yaml"
	refused(station.CodeResolveLead, station.DecisionReenroll)
	cfg.People.File = ""
	refused(station.CodeResolveNot, station.DecisionKeep) // there is no key to keep
	if err := o.Resolve(ctx, run, station.DecisionReenroll, "reflashed"); err != nil {
		t.Fatalf("got %v, want nil", err)
	}
	if r, err := l.Resolution(ctx, cfg.Station.Tenant, "HW-1"); err != nil || r.By != "Ada" || r.Reason != "reflashed" {
		t.Errorf("got %+v, %v, want the decision with Ada's name", r, err)
	}
	refused(station.CodeResolveNot, station.DecisionDecommissioned) // it was decided otherwise
}

func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"":                     {},
		"24h":                  now.Add(-24 * time.Hour),
		"7d":                   now.AddDate(0, 0, -7),
		"2026-11-01":           time.Date(2026, 11, 1, 0, 0, 0, 0, time.Local),
		"2026-11-01T08:30:00Z": time.Date(2026, 11, 1, 8, 30, 0, 0, time.UTC),
	} {
		if got, err := moment("--since", text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"-1h", "-7d", "99999999d", "yesterday", "2026-13-01", "7"} {
		if got, err := moment("--since", bad, now); err == nil {
			t.Errorf("%q: got %v, want an error", bad, got)
		}
	}
}

// What is told to be run against PostgreSQL can be copied into a shell, and holds no password.
func TestWithoutSecret(t *testing.T) {
	for give, want := range map[string]string{
		"postgres://lea:geheim@db/x?sslmode=verify-full": "postgres://lea@db/x?sslmode=verify-full",
		"postgres://db/x?password=geheim&sslpassword=g":  "postgres://db/x",
		"postgres://%zz": "postgres://...",
	} {
		if got := withoutSecret(give); got != want {
			t.Errorf("%s: got %s, want %s", give, got, want)
		}
	}
	if got, want := quoted("it's"), `'it'\''s'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
