package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

var captures = flag.String("captures", "", "write the screens of the shift test as text into this folder")

// capture keeps what is on the screen, for the documents.
func (p *person) capture(name string) {
	p.t.Helper()
	if *captures == "" {
		return
	}
	var b strings.Builder
	for line := range strings.Lines(p.sees()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	if err := os.WriteFile(filepath.Join(*captures, name+".txt"), []byte(b.String()), 0o644); err != nil { //nolint:gosec // a document
		p.t.Fatal(err)
	}
}

// page goes to another page and waits until it is there.
func (p *person) page(key, shows string) {
	p.t.Helper()
	p.types(key)
	p.waitText(shows)
}

// A shift with sixteen slots and forty boxes, by keys alone: the bridge goes away in the middle and holds the batch, one
// label is wrong, one key is a copy, one clock says 1970. Thirty-eight boxes are finished, and the two bad ones are known.
func TestShift(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if *captures != "" { // documents name no machine's folders
		dir = "/tmp/demo"
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
	}
	p := sitDownAt(t, 120, 35, nil, "demo", "--devices", "16", "--outage", "15s", "--state-dir", dir)
	p.waitText("PASS 16")
	p.page("c", "what shall it get?")
	p.capture("certificate")
	p.types("\x1b")
	p.waitFor("the dialog gone", func(s string) bool { return !strings.Contains(s, "what shall it get?") })
	p.types("b")
	p.waitText("demo-batch.csv")
	p.types("\r")
	p.waitText("VD5350-0017")
	p.capture("batch-open")
	p.types("\r")
	p.waitText("of 40 done")
	p.waitText("SCAN")
	p.capture("bench")

	const pace = 700 * time.Millisecond // of a person's hands
	acted, turn, held, mended := time.Now(), 0, false, false
	p.waitFor("38 boxes done", func(s string) bool {
		if strings.Contains(s, "38 of 40 done") {
			return true
		}
		if time.Since(acted) < pace {
			return false
		}
		acted = time.Now()
		switch {
		case strings.Contains(s, "demo-batch was stopped"):
			p.capture("held")
			held = true
			p.types("\r")
		case strings.Contains(s, "HELD"):
			p.types("p")
		case strings.Contains(s, "belongs to another device (VD5350-0001)") && !mended:
			p.capture("wrong-label")
			p.types("edge-vd5350-0021\r")
			mended = true
		case turn%2 == 0:
			p.types("R") // where there is nothing to try again, the bench says so
			turn++
		default:
			p.types("n") // to the next slot that needs somebody
			turn++
		}
		return false
	})
	if !held || !mended {
		t.Errorf("got hold %v and a wrong label mended %v, want both met", held, mended)
	}
	p.page("2", "38 of 40 done")
	p.waitText("E-KEY-DUPLICATE")
	p.capture("batch")
	p.page("3", "Records")
	p.waitText("E-BRIDGE-DOWN")
	p.capture("records")
	p.types("\r")
	p.waitText("WELCOME")
	p.capture("record")
	p.page("\x1b", "newest first")
	p.page("4", "Checks of the station")
	p.waitText("in order")
	p.capture("doctor")
	p.types("1")
	p.waitText("slot-16")
	p.types("\r")
	p.waitText("Overview")
	p.capture("detail")
	p.types("?")
	p.waitText("ctrl+c")
	p.capture("help")
	p.types("?")
	p.types("q")
	p.leaves()

	done := map[string]bool{}
	for _, r := range whole(t, dir) {
		if r.Outcome == station.Pass {
			if done[r.HardwareSerial] {
				t.Errorf("%s: got two PASS, want one", r.HardwareSerial)
			}
			done[r.HardwareSerial] = true
		}
	}
	if len(done) != 38 {
		t.Errorf("got %d boxes with a PASS, want 38", len(done))
	}
	for serial, code := range map[string]station.Code{"VD5350-0025": station.CodeClockDevice, "VD5350-0029": station.CodeKeyTaken} {
		rows := p.runsOf(dir, serial)
		if len(rows) == 0 || rows[0].Code != code {
			t.Errorf("%s: got %+v, want %s", serial, rows, code)
		}
	}
}

func (p *person) runsOf(dir, serial string) []ledger.RunRow {
	p.t.Helper()
	l, err := ledger.Open(p.t.Context(), "sqlite:"+filepath.Join(dir, "ledger.db"), ledger.Config{})
	if err != nil {
		p.t.Fatal(err)
	}
	defer l.Close()
	rows, err := l.Runs(p.t.Context(), ledger.Filter{HardwareSerial: serial})
	if err != nil {
		p.t.Fatal(err)
	}
	return rows
}
