package batch_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"provstation/station"
	"provstation/station/batch"
)

// anyBody draws an event of a small world, in which names meet often.
func anyBody() *rapid.Generator[station.Body] {
	name := func(what string, n int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			if i := rapid.IntRange(0, n).Draw(t, what); i > 0 {
				return fmt.Sprint(what, i)
			}
			return ""
		})
	}
	return rapid.Custom(func(t *rapid.T) station.Body {
		lot, slot := name("lot", 2).Draw(t, "batch"), name("slot", 3).Draw(t, "slot")
		run := name("run", 5).Draw(t, "run")
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0:
			b := station.BatchChanged{
				Batch: lot, State: rapid.SampledFrom([]station.BatchState{"open", "paused", "held", "closed", "?"}).Draw(t, "state"),
				Expected: rapid.IntRange(-3, 9).Draw(t, "expected"), Done: rapid.IntRange(-3, 9).Draw(t, "done"), OpenedAt: epoch,
			}
			if rapid.Bool().Draw(t, "with list") {
				for i := range rapid.IntRange(0, 8).Draw(t, "devices") { // names may be there twice: no reader would let them
					b.Devices = append(b.Devices, station.BatchDevice{
						Line: i + 2, DeviceID: name("dev-", 6).Draw(t, "id"), HardwareSerial: name("SN-", 6).Draw(t, "serial"),
						Label: name("L", 4).Draw(t, "label"), Done: rapid.Bool().Draw(t, "flag"),
					})
				}
			}
			return b
		case 1, 2:
			return station.RunStarted{Run: run, Slot: slot, Batch: lot}
		case 3:
			return station.PhaseChanged{
				Run: run, Slot: slot, Phase: rapid.SampledFrom(append(station.Phases(), "?")).Draw(t, "phase"),
				Status: station.PhaseDone, ElapsedMS: rapid.Int64().Draw(t, "elapsed"),
			}
		default:
			return station.RunEnded{
				Run: run, Slot: slot, Batch: lot, DeviceID: strings.ToUpper(name("dev-", 7).Draw(t, "id")),
				HardwareSerial: name("SN-", 7).Draw(t, "serial"), ElapsedMS: rapid.Int64Range(-1e6, 1e6).Draw(t, "elapsed"),
				Outcome: rapid.SampledFrom(append(station.Outcomes(), "?")).Draw(t, "outcome"),
				Code:    rapid.SampledFrom([]station.Code{"", "E-LINE-NOISE", "E-READBACK", "E-BRIDGE-DOWN"}).Draw(t, "code"),
			}
		}
	})
}

// Whatever arrives, in whatever order and at whatever time, the figures fit together.
func TestFiguresFitTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, now := batch.NewProgress(), epoch
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.Int64Range(-1e12, 1e13).Draw(t, "later")))
			p.Apply(station.Event{Time: now, Body: anyBody().Draw(t, "body")})
			s := p.Snapshot(now)
			if s.Batch != "" && s.Done+s.Missing != s.Expected {
				t.Fatalf("got done %d + missing %d, want %d", s.Done, s.Missing, s.Expected)
			}
			if s.Missing < 0 || s.Done < 0 || s.Failed > s.Runs || s.FirstPassed > s.FirstTried || s.Doubled > s.Runs-s.Failed ||
				s.Takt < 0 || s.Remaining < 0 || s.Elapsed < 0 || len(s.Last) > s.Missing {
				t.Fatalf("got %+v", s)
			}
			for _, c := range s.Slots {
				if c.Failed > c.Runs || math.IsNaN(c.Ratio) || math.IsInf(c.Ratio, 0) || c.Suspect && c.Failed < 4 {
					t.Fatalf("got slot %+v", c)
				}
			}
			for _, c := range s.Codes {
				if c.Cumulative > 1+1e-9 || c.Share <= 0 {
					t.Fatalf("got code %+v", c)
				}
			}
			for _, ph := range s.Phases {
				if ph.P50 > ph.P95 || ph.P50 < 0 || ph.N < 1 {
					t.Fatalf("got phase %+v", ph)
				}
			}
			r := p.Report(now)
			if s.Batch != "" && len(r.Devices) > 0 && len(r.MissingDevices()) != s.Missing {
				t.Fatalf("got %d missing devices, want %d", len(r.MissingDevices()), s.Missing)
			}
		}
	})
}

// Counts of a batch do not depend on the order in which its devices come.
func TestOrderOfDevicesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "devices")
		var ends []station.RunEnded
		for i := range n + 2 { // two are not on the list
			ends = append(ends, station.RunEnded{
				Run: fmt.Sprint(i), Slot: fmt.Sprint("slot", i%3), Batch: "lot", DeviceID: fmt.Sprint("dev-", i+1), HardwareSerial: fmt.Sprint("SN-", i),
				Outcome: rapid.SampledFrom(station.Outcomes()).Draw(t, "outcome"), Code: "E-LINE-NOISE",
			})
		}
		after := func(order []station.RunEnded) batch.Snapshot {
			l := newLine()
			l.open("lot", ids(n)...)
			for _, e := range order {
				l.say(e)
			}
			return l.snap()
		}
		a, b := after(ends), after(rapid.Permutation(ends).Draw(t, "order"))
		if diff := cmp.Diff(a, b, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
			t.Fatalf("another order (-first +second):\n%s", diff)
		}
	})
}

// The pace and the figures of a report made from the records are those that the bench showed.
func TestReplayIsWhatWasSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLine()
		n := rapid.IntRange(1, 8).Draw(t, "devices")
		rec := station.BatchRecord{Tenant: "acme", Station: "bench-1", Batch: "lot", State: station.BatchOpen, OpenedBy: "Ann", OpenedAt: l.now, Devices: ids(n)}
		l.open("lot", rec.Devices...)
		changes := []batch.StateChange{{State: station.BatchOpen, By: "Ann", At: l.now}}
		var runs []batch.RunResult
		for i := range rapid.IntRange(0, 20).Draw(t, "runs") {
			if rapid.IntRange(0, 4).Draw(t, "pause") == 0 {
				for _, s := range []station.BatchState{station.BatchPaused, station.BatchOpen} {
					l.wait(time.Minute)
					l.state("lot", s)
					changes = append(changes, batch.StateChange{State: s, At: l.now})
				}
			}
			l.wait(time.Duration(rapid.IntRange(1, 1000).Draw(t, "gap")) * time.Second)
			e := station.RunEnded{
				Slot: "A", Batch: "lot", DeviceID: fmt.Sprint("dev-", rapid.IntRange(1, n+1).Draw(t, "device")), HardwareSerial: "SN",
				Outcome: rapid.SampledFrom(station.Outcomes()).Draw(t, "outcome"), Code: "E-READBACK", Run: fmt.Sprint("run-", i+1),
			}
			start := l.now
			l.run(e, 9*time.Second)
			e.ElapsedMS = 9000
			runs = append(runs, batch.RunResult{End: e, StartedAt: start, EndedAt: l.now})
		}
		for i, d := range l.p.Report(l.now).Devices {
			rec.Devices[i].Done = d.Done
		}
		want := l.p.Report(l.now)
		want.Tenant, want.Station = "acme", "bench-1"
		got := batch.Replay(rec, changes, rapid.Permutation(runs).Draw(t, "order"), l.now)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("replay (-seen +got):\n%s", diff)
		}
	})
}

// What is kept does not grow with what arrives.
func TestBounded(t *testing.T) {
	l := newLine()
	huge := strings.Repeat("x", 1_000)
	for i := range 60_000 {
		n := fmt.Sprint(i)
		l.say(station.RunStarted{Run: n, Slot: "slot" + n})
		l.say(fail("slot"+n, "", "f"+n, station.Code("E-"+n)))
		l.say(pass("S"+n+huge, "", "p"+n+huge[:1+i%2*900]))
	}
	s := l.snap()
	if len(s.Slots) > 1024 || len(s.Codes) > 256 || s.Runs != 120_000 || s.Failed != 60_000 || len(s.Last) > 64 {
		t.Errorf("got %d slots, %d codes, %d runs, %d failed", len(s.Slots), len(s.Codes), s.Runs, s.Failed)
	}
}
