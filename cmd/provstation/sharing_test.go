package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/stationtest"
)

// sharingBench is a configured station on a ledger that it shares.
type sharingBench struct {
	*app
	t        *testing.T
	cfg      *config.Config
	out, err bytes.Buffer
}

func newSharingBench(t *testing.T, name, ledgerURL string) *sharingBench {
	t.Helper()
	dir := t.TempDir()
	c := config.Default()
	c.Station.Name, c.Station.Tenant, c.Ledger.URL = name, "acme", ledgerURL
	c.Log.File = filepath.Join(dir, "station.log")
	c.Bridge.URL, c.MQTT.Host = "https://tenant.example.com/api", "mqtt.example.com"
	c.PKI.RootFingerprint = strings.Repeat("ab", 32)
	c.PKI.StepCAURL = "https://ca.example.com"
	path := filepath.Join(dir, "station.yaml")
	if err := config.WriteFile(path, c); err != nil {
		t.Fatal(err)
	}
	b := &sharingBench{t: t, cfg: c}
	b.app = &app{version: "test", configPath: path, stdout: &b.out, stderr: &b.err}
	return b
}

// output is what a command printed, and its exit code.
func (b *sharingBench) output(run func(context.Context) error) (text string, code int) {
	b.t.Helper()
	b.out.Reset()
	err := run(b.t.Context())
	var e *exitError
	switch {
	case errors.As(err, &e):
		code = e.code
	case err != nil:
		b.t.Fatal(err)
	}
	return b.out.String(), code
}

// records has the station's ledger open for a while.
func (b *sharingBench) records(do func(h *history) error) {
	b.t.Helper()
	h, err := openHistory(b.t.Context(), b.cfg, nil, sharingMode{})
	if err == nil {
		err = errors.Join(do(h), h.Close())
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// begin records that a run of the hardware began.
func begin(ctx context.Context, l station.Ledger, stationName, id, serial string) (run string, err error) {
	run = uuid.Must(uuid.NewV7()).String()
	err = l.BeginRun(ctx, station.RunStart{
		Run: run, Tenant: "acme", Station: stationName, StationID: id, Slot: "1", Port: "/dev/x", StartedAt: time.Now().UTC(),
	})
	if err == nil {
		_, err = l.IdentifyRun(ctx, run, station.Observed{Tenant: "acme", HardwareSerial: serial, State: station.StateEmpty})
	}
	return run, err
}

// TestSharingCommands goes through what a line lead does when the database was lost: what waits, what contradicts, what is
// decided, and what is kept.
func TestSharingCommands(t *testing.T) {
	server := stationtest.StartPostgres(t)
	ctx := t.Context()
	a := newSharingBench(t, "bench-1", server.URL)

	outbox := func(ctx context.Context) error { return a.recordsOutbox(ctx, false) }
	want := func(what string, code, wantCode int, text string, parts ...string) {
		t.Helper()
		if code != wantCode {
			t.Errorf("%s: got exit code %d, want %d", what, code, wantCode)
		}
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: got no %q in\n%s", what, part, text)
			}
		}
	}
	text, code := a.output(outbox)
	want("before the first run", code, 0, text, "the shared ledger is there", "nothing waits in "+filepath.Join(filepath.Dir(a.cfg.Log.File), "ledger.db"))

	var id string
	a.records(func(h *history) error {
		id = h.stationID
		_, err := begin(ctx, h.engine(), "bench-1", h.stationID, "HW-1")
		return err
	})
	server.Kill()
	a.records(func(h *history) error {
		_, err := begin(ctx, h.engine(), "bench-1", h.stationID, "HW-2")
		return err
	})
	text, code = a.output(outbox)
	want("away", code, 1, text, "the shared ledger cannot be reached: ", "records that wait in ", "ledger.db: 2, since 20", ": 1 begin-run, 1 identify-run")
	text, code = a.output(func(ctx context.Context) error { return a.recordsOutbox(ctx, true) })
	var o outboxJSON
	if err := json.Unmarshal([]byte(text), &o); err != nil || code != 1 || o.Status != "away" || o.Waiting != 2 || o.Since == nil || o.Reason == "" || len(o.Kinds) != 2 {
		t.Errorf("as JSON: got %s (%v), want 2 that wait", text, err)
	}
	d := &doctor{cfg: a.cfg, sys: realSystem()}
	expect{"ledger-own", checkOK, "sound, writable", ""}.in(t, d.checkOwnLedger(ctx))
	d.sys.now = func() time.Time { return time.Now().Add(longWait) }
	expect{"ledger-own", checkWarn, "records that wait for the shared ledger: 2, since 20", "start this station"}.in(t, d.checkOwnLedger(ctx))

	copied := filepath.Join(t.TempDir(), "own.db")
	if err := a.recordsBackup(ctx, copied, false, false); err == nil || !strings.Contains(err.Error(), "pg_dump") || !strings.Contains(err.Error(), "--own") {
		t.Errorf("backup: got %v, want both ways said", err)
	}
	text, code = a.output(func(ctx context.Context) error { return a.recordsBackup(ctx, copied, true, false) })
	want("backup --own, while the database is away", code, 0, text, copied+" is sound: 2 runs, 2 devices")

	server.Restart()
	text, code = a.output(outbox)
	want("there, and nobody has handed it over", code, 1, text, "the shared ledger is there", "records that wait in ")
	a.records(func(h *history) error { return h.shared.Flush(ctx) })
	text, code = a.output(outbox)
	want("handed over", code, 0, text, "nothing waits")
	expect{"ledger-own", checkOK, "sound, writable", ""}.in(t, d.checkOwnLedger(ctx))

	duplicates(t, a, id, want)
}

// duplicates is the part about contradictions.
func duplicates(t *testing.T, a *sharingBench, id string, want func(what string, code, wantCode int, text string, parts ...string)) {
	ctx := t.Context()
	list := func(all, asJSON bool) func(context.Context) error {
		return func(ctx context.Context) error { return a.recordsDuplicates(ctx, all, asJSON) }
	}
	text, code := a.output(list(false, false))
	want("no duplicates", code, 0, text, "no duplicates")
	var held string
	a.records(func(h *history) error {
		run, err := begin(ctx, h.engine(), "bench-1", h.stationID, "HW-3")
		if err != nil {
			return err
		}
		held = run
		s, err := h.shared.Server(ctx)
		if err != nil {
			return err
		}
		other, err := begin(ctx, s, "bench-2\x1b[2J", "other-id", "HW-4")
		return errors.Join(err, h.FinishRun(ctx, station.RunFinish{
			Run: run, Tenant: "acme", HardwareSerial: "HW-3", Outcome: station.Uncertain, Code: station.CodeDuplicate, EndedAt: time.Now().UTC(),
		}), s.KeepDuplicate(ctx, ledger.Duplicate{
			ID: uuid.Must(uuid.NewV7()).String(), Tenant: "acme", Kind: ledger.DuplicateKey, Station: id, Run: run, Serial: "HW-3",
			OtherStation: "other-id", OtherRun: other, OtherSerial: "HW-4", Entry: ledger.FactKey, Body: []byte("{}"), FoundAt: time.Now().UTC(),
		}))
	})
	text, code = a.output(list(false, false))
	want("one", code, 0, text, "KIND", "key ", "HW-3", "bench-1", "HW-4", "bench-2", held)
	if strings.Contains(text, "\x1b") {
		t.Errorf("a station's name steers the terminal: %q", text)
	}
	text, code = a.output(list(false, true))
	want("one as JSON", code, 0, text, `"type":"duplicate"`, `"hardware_serial":"HW-3"`, `"station":"bench-1"`, `"type":"records-end","rows":1}`)
	if err := a.recordsResolve(ctx, station.Resolution{Run: held, Decision: station.DecisionIgnore, Reason: "looked at both", By: "Lea"}, false); err != nil {
		t.Fatal(err)
	}
	text, code = a.output(list(false, false))
	want("decided", code, 0, text, "no duplicates")
	text, code = a.output(list(true, false))
	want("decided, all", code, 0, text, "HW-3")
}

// TestSharingTold: people are told of the shared ledger in words, where it is news.
func TestSharingTold(t *testing.T) {
	at := time.Date(2026, 11, 23, 14, 3, 0, 0, time.Local)
	events := make(chan station.Event, 10)
	for _, b := range []station.Body{
		station.LedgerChanged{Status: station.LedgerAway, Code: station.CodeLedgerAway, Message: "It is away.", Hint: "Wait."},
		station.LedgerChanged{Status: station.LedgerAway, Waiting: 3, Since: &at, Code: station.CodeLedgerAway, Message: "It is away."},
		station.LedgerChanged{Status: station.LedgerShared, Waiting: 3, Since: &at},
		station.LedgerChanged{Status: station.LedgerShared, HandedOver: 3},
		station.LedgerChanged{Status: station.LedgerShared},
		station.DuplicateFound{
			Code: station.CodeDuplicate, Message: "Two.", Hint: "Call.", HardwareSerial: "HW-1", DeviceID: "dev-1", StationName: "bench-1", Run: "r1",
			OtherSerial: "HW-2", OtherStation: "id-2",
		},
	} {
		events <- station.Event{Body: b}
	}
	close(events)
	var b strings.Builder
	writeText(&b, events)
	want := `shared ledger: E-LEDGER-AWAY It is away.
               next: Wait.
shared ledger: away; records that wait: 3, since 2026-11-23 14:03:00
shared ledger: there; records to hand over: 3, since 2026-11-23 14:03:00
shared ledger: there; records handed over: 3
shared ledger: there
CONTRADICTION E-DUPLICATE Two.
              HW-1  dev-1  at bench-1  run r1
              HW-2  -  at id-2  run -
              next: Call.
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

// TestOutboxOfOne: a station that shares with nobody has nothing to hand over, and makes no file to say so.
func TestOutboxOfOne(t *testing.T) {
	b := newSharingBench(t, "bench-1", "sqlite:"+filepath.Join(t.TempDir(), "l.db"))
	text, code := b.output(func(ctx context.Context) error { return b.recordsOutbox(ctx, false) })
	if code != 0 || !strings.Contains(text, "with no other one") {
		t.Errorf("got %d, %s", code, text)
	}
	for _, c := range (&doctor{cfg: b.cfg}).checks() {
		if c.names[0] == "ledger-own" {
			t.Error("the doctor looks for a second file")
		}
	}
}
