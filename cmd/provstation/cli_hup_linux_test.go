package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

// whole opens a ledger that a station left behind: nothing is broken in it, and no run is open.
func whole(t *testing.T, dir string) []ledger.RunRow {
	t.Helper()
	l, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(dir, "ledger.db"), ledger.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Check(t.Context()); err != nil {
		t.Errorf("check the ledger: got %v, want it whole", err)
	}
	rows, err := l.Runs(t.Context(), ledger.Filter{Limit: ledger.PageMax})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Outcome == "" {
			t.Errorf("run %s in %s: got no end, want one", r.Run, r.Slot)
		}
	}
	return rows
}

func running(n string) func(string) bool {
	return func(s string) bool { return strings.Contains(s, n+" running") }
}

// gone waits for the program's end, whatever its exit code.
func (p *person) gone(within time.Duration) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Fatalf("still there; the screen:\n%s", p.sees())
	}
}

// A terminal that dies takes the screen with it, not the records: runs in flight end in order, and the ledger is whole.
func TestTerminalDies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := sitDown(t, "demo", "--devices", "3", "--baud", "2400", "--state-dir", dir)
	p.waitFor("three runs in flight", running("3"))
	if err := p.tty.Close(); err != nil { // the kernel sends SIGHUP
		t.Fatal(err)
	}
	p.gone(liveEnd)
	if rows := whole(t, dir); len(rows) != 3 {
		t.Errorf("got %d runs, want 3", len(rows))
	} else {
		for _, r := range rows {
			if r.Outcome != station.Aborted {
				t.Errorf("%s: got %s %s, want it ABORTED", r.Slot, r.Outcome, r.Code)
			}
		}
	}
}

// Ctrl-C asks once and goes at once when pressed again; the terminal is as it was and the ledger whole either way.
func TestInterruptedScreen(t *testing.T) {
	t.Parallel()
	const ctrlC = "\x03"
	for _, row := range []struct {
		name string
		then string // after the question
	}{
		{"once, then yes", "y"},
		{"twice", ctrlC},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := sitDown(t, "demo", "--devices", "2", "--baud", "2400", "--state-dir", dir)
			p.waitFor("two runs in flight", running("2"))
			p.types(ctrlC)
			p.waitFor("the question", func(s string) bool { return strings.Contains(s, "Stop them and quit?") })
			p.types(row.then)
			p.leaves()
			if rows := whole(t, dir); len(rows) != 2 {
				t.Errorf("got %d runs, want 2", len(rows))
			}
		})
	}
}
