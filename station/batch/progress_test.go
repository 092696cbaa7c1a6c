package batch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/batch"
)

var epoch = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// line is a station that a test tells of.
type line struct {
	p   *batch.Progress
	now time.Time
	n   int
}

func newLine() *line { return &line{p: batch.NewProgress(), now: epoch} }

func (l *line) say(b station.Body) { l.p.Apply(station.Event{Time: l.now, Body: b}) }

func (l *line) wait(d time.Duration) { l.now = l.now.Add(d) }

func (l *line) open(name string, devices ...station.BatchDevice) {
	l.say(station.BatchChanged{Batch: name, State: station.BatchOpen, By: "Ann", Expected: len(devices), OpenedAt: l.now, Devices: devices})
}

func (l *line) state(name string, s station.BatchState) {
	l.say(station.BatchChanged{Batch: name, State: s, OpenedAt: epoch})
}

// run is one run from its start to its end, that long.
func (l *line) run(e station.RunEnded, long time.Duration) {
	l.n++
	e.Run = fmt.Sprintf("run-%d", l.n)
	e.ElapsedMS = long.Milliseconds()
	l.say(station.RunStarted{Run: e.Run, Slot: e.Slot, Batch: e.Batch})
	l.wait(long)
	l.say(e)
}

func (l *line) snap() batch.Snapshot { return l.p.Snapshot(l.now) }

func pass(slot, lot, id string) station.RunEnded {
	return station.RunEnded{Slot: slot, Batch: lot, DeviceID: id, HardwareSerial: "SN-" + id, Outcome: station.Pass}
}

func fail(slot, lot, id string, code station.Code) station.RunEnded {
	e := pass(slot, lot, id)
	e.Outcome, e.Code = station.Fail, code
	return e
}

// ids are devices that a list knows by their ids.
func ids(n int) []station.BatchDevice {
	list := make([]station.BatchDevice, n)
	for i := range list {
		list[i] = station.BatchDevice{Line: i + 2, DeviceID: fmt.Sprintf("dev-%d", i+1)}
	}
	return list
}

func TestBatchCounts(t *testing.T) {
	l := newLine()
	list := ids(4)
	list[3].Done = true
	l.open("lot", list...)
	l.run(pass("A", "lot", "DEV-1"), 10*time.Second)
	l.run(fail("B", "lot", "dev-2", station.CodeReadback), 10*time.Second)
	l.run(pass("A", "lot", "dev-1"), 10*time.Second)
	l.run(pass("B", "lot", "dev-2"), 10*time.Second)
	l.run(pass("A", "lot", "dev-4"), 10*time.Second) // was done before
	l.run(pass("A", "other", "dev-3"), 10*time.Second)
	l.run(pass("A", "", "dev-3"), 10*time.Second)
	l.run(pass("A", "lot", "stranger"), 10*time.Second)
	got := l.snap()
	want := batch.Snapshot{
		Batch: "lot", State: station.BatchOpen, OpenedAt: epoch, Elapsed: 80 * time.Second,
		Expected: 4, Done: 3, Missing: 1, Doubled: 2, Runs: 6, Failed: 1,
		FirstTried: 3, FirstPassed: 2, FirstPassYield: 2.0 / 3,
		UnitsPerHour: 180, Takt: 20 * time.Second, Remaining: 20 * time.Second,
		Codes: []batch.CodeCount{{Code: station.CodeReadback, N: 1, Share: 1, Cumulative: 1}},
		Slots: []batch.SlotCount{{Slot: "B", Runs: 2, Failed: 1}, {Slot: "A", Runs: 4}},
		Last:  []string{"dev-3"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
}

// A row and a run must agree in every name that both have.
func TestWhoIsWho(t *testing.T) {
	both := station.BatchDevice{Line: 2, DeviceID: "dev-1", HardwareSerial: "SN-1"}
	for _, tt := range []struct {
		name       string
		row        station.BatchDevice
		id, serial string
		want       bool
	}{
		{"both", both, "dev-1", "SN-1", true},
		{"id in another case", both, "DEV-1", "SN-1", true},
		{"the right id on other hardware", both, "dev-1", "SN-2", false},
		{"the right hardware with another id", both, "dev-2", "SN-1", false},
		{"serial in another case", both, "", "sn-1", false},
		{"serial alone is on the list", station.BatchDevice{HardwareSerial: "SN-1"}, "dev-9", "SN-1", true},
		{"id alone is on the list", station.BatchDevice{DeviceID: "dev-1"}, "dev-1", "SN-9", true},
		{"a label that became the id", station.BatchDevice{Label: "L-1"}, "l-1", "SN-9", true},
		{"a label beside a serial is no id", station.BatchDevice{Label: "L-1", HardwareSerial: "SN-1"}, "l-1", "SN-9", false},
		{"nobody", both, "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLine()
			l.open("lot", tt.row)
			l.run(station.RunEnded{Slot: "A", Batch: "lot", DeviceID: tt.id, HardwareSerial: tt.serial, Outcome: station.Pass}, time.Second)
			if got := l.snap().Done == 1; got != tt.want {
				t.Errorf("got done: %t, want %t", got, tt.want)
			}
		})
	}
}

func TestOnlyGoodOutcomesFinish(t *testing.T) {
	for _, o := range station.Outcomes() {
		l := newLine()
		l.open("lot", ids(1)...)
		e := pass("A", "lot", "dev-1")
		e.Outcome = o
		l.run(e, time.Second)
		s := l.snap()
		if got, want := s.Done == 1, o.Good(); got != want || s.Done+s.Missing != 1 || (s.Failed == 0) != want {
			t.Errorf("%s: got done %d, missing %d, failed %d", o, s.Done, s.Missing, s.Failed)
		}
	}
}

func TestFirstPassYield(t *testing.T) {
	l := newLine()
	l.open("lot", ids(10)...)
	end := func(id string, o station.Outcome) {
		e := pass("A", "lot", id)
		e.Outcome = o
		l.run(e, time.Second)
	}
	end("dev-1", station.Pass)    // passed at first
	end("dev-2", station.Fail)    // not
	end("dev-2", station.Pass)    // its second run
	end("dev-3", station.Skipped) // nothing was tried
	end("dev-4", station.Aborted) // nor here: its first run is yet to come
	end("dev-4", station.Pass)
	// A device that fails before it has an id is the same one afterwards.
	l.run(station.RunEnded{Slot: "A", Batch: "lot", HardwareSerial: "SN-dev-5", Outcome: station.Error, Code: station.CodeLineNoise}, time.Second)
	end("dev-5", station.Pass)
	l.run(station.RunEnded{Slot: "A", Batch: "lot", Outcome: station.Error, Code: station.CodeLineNoise}, time.Second) // nobody's
	s := l.snap()
	if s.FirstTried != 4 || s.FirstPassed != 2 || s.FirstPassYield != 0.5 {
		t.Errorf("got %d of %d (%v), want 2 of 4", s.FirstPassed, s.FirstTried, s.FirstPassYield)
	}
}

func TestPace(t *testing.T) {
	for _, tt := range []struct {
		name string
		work func(l *line)
		want time.Duration
	}{
		{"nothing yet", func(*line) {}, 0},
		{"one slot", func(l *line) {
			for i := range 5 {
				l.run(pass("A", "lot", fmt.Sprint("dev-", i+1)), 12*time.Second)
			}
		}, 12 * time.Second},
		{"four slots that end together", func(l *line) {
			for round := range 3 {
				for s := range 4 {
					l.say(station.RunStarted{Run: fmt.Sprint(round, s), Slot: fmt.Sprint(s), Batch: "lot"})
				}
				l.wait(40 * time.Second)
				for s := range 4 {
					l.say(pass(fmt.Sprint(s), "lot", fmt.Sprint("dev-", round*4+s+1)))
				}
			}
		}, 10 * time.Second},
		{"a pause is left out", func(l *line) {
			l.run(pass("A", "lot", "dev-1"), 10*time.Second)
			l.state("lot", station.BatchPaused)
			l.wait(3 * time.Hour)
			l.state("lot", station.BatchHeld)
			l.wait(time.Hour)
			l.state("lot", station.BatchOpen)
			l.run(pass("A", "lot", "dev-2"), 10*time.Second)
		}, 10 * time.Second},
		{"lunch that nobody declared is left out", func(l *line) {
			l.run(pass("A", "lot", "dev-1"), 10*time.Second)
			l.wait(45 * time.Minute)
			l.run(pass("A", "lot", "dev-2"), 10*time.Second)
		}, 10 * time.Second},
		{"looking for the next device counts", func(l *line) {
			l.run(pass("A", "lot", "dev-1"), 10*time.Second)
			l.wait(4 * time.Minute)
			l.run(pass("A", "lot", "dev-2"), 10*time.Second)
		}, 130 * time.Second},
		{"failures make it slower", func(l *line) {
			l.run(fail("A", "lot", "dev-1", station.CodeReadback), 10*time.Second)
			l.run(pass("A", "lot", "dev-1"), 10*time.Second)
		}, 20 * time.Second},
		{"a clock that goes back", func(l *line) {
			l.run(pass("A", "lot", "dev-1"), 10*time.Second)
			l.wait(-time.Hour)
			l.run(pass("A", "lot", "dev-2"), 10*time.Second)
		}, 5 * time.Second},
		{"the last 64 alone", func(l *line) {
			for i := range 20 {
				l.run(pass("A", "lot", fmt.Sprint("dev-", i+1)), 100*time.Second)
			}
			for i := range 64 {
				l.run(pass("A", "lot", fmt.Sprint("dev-", i+21)), 5*time.Second)
			}
		}, 5 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLine()
			l.open("lot", ids(200)...)
			tt.work(l)
			s := l.snap()
			if s.Takt != tt.want || s.Remaining != time.Duration(s.Missing)*tt.want {
				t.Errorf("got takt %v, remaining %v, want %v for %d", s.Takt, s.Remaining, tt.want, s.Missing)
			}
			want := 0.0
			if tt.want > 0 {
				want = 3600 / tt.want.Seconds()
			}
			if d := s.UnitsPerHour - want; d > 0.01 || d < -0.01 {
				t.Errorf("got %v units an hour, want %v", s.UnitsPerHour, want)
			}
		})
	}
}

func TestPercentiles(t *testing.T) {
	l := newLine()
	for i := range 600 { // the first 88 are forgotten
		l.say(station.PhaseChanged{Phase: station.PhaseKeygen, Status: station.PhaseDone, ElapsedMS: int64(i + 1)})
	}
	l.say(station.PhaseChanged{Phase: station.PhaseIdentify, Status: station.PhaseDone, ElapsedMS: 7})
	l.say(station.PhaseChanged{Phase: station.PhaseSeal, Status: station.PhaseFailed, ElapsedMS: 7})
	l.say(station.PhaseChanged{Phase: "nonsense", Status: station.PhaseDone, ElapsedMS: 7})
	want := []batch.PhaseTime{
		{Phase: station.PhaseIdentify, N: 1, P50: 7 * time.Millisecond, P95: 7 * time.Millisecond},
		// Of 89 to 600 the 256th and the 487th (486.4 rounded up).
		{Phase: station.PhaseKeygen, N: 600, P50: 344 * time.Millisecond, P95: 575 * time.Millisecond},
	}
	if diff := cmp.Diff(want, l.snap().Phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
}

func TestPareto(t *testing.T) {
	l := newLine()
	for i, c := range []station.Code{"E-B", "E-A", "E-B", "E-C", "E-B", "E-A", "E-B", "E-C"} {
		l.run(fail("A", "", fmt.Sprint(i), c), time.Second)
	}
	want := []batch.CodeCount{
		{Code: "E-B", N: 4, Share: 0.5, Cumulative: 0.5},
		{Code: "E-A", N: 2, Share: 0.25, Cumulative: 0.75},
		{Code: "E-C", N: 2, Share: 0.25, Cumulative: 1},
	}
	if diff := cmp.Diff(want, l.snap().Codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}

// bench plays runs of eight slots; slot 3 fails so many of its own.
func bench(runs, bad, rest int, code station.Code) *line {
	l := newLine()
	for s := range 8 {
		for i := range runs {
			id := fmt.Sprintf("%d-%d", s, i)
			if s == 3 && i < bad || s != 3 && s < rest && i == 0 {
				l.run(fail(fmt.Sprint(s), "", id, code), time.Second)
			} else {
				l.run(pass(fmt.Sprint(s), "", id), time.Second)
			}
		}
	}
	return l
}

func TestSuspectSlot(t *testing.T) {
	for _, tt := range []struct {
		name            string
		runs, bad, rest int
		code            station.Code
		want            bool
	}{
		{"most of its runs", 8, 6, 2, station.CodeLineNoise, true},
		{"the only one that fails", 8, 5, 0, station.CodePortGone, true},
		{"three are too few, however clear", 8, 3, 0, station.CodeLineNoise, false},
		{"four of many, as others", 40, 4, 8, station.CodeLineNoise, false},
		{"one of eight", 8, 1, 0, station.CodeLineNoise, false},
		{"a dead bridge", 8, 8, 0, station.CodeBridgeDown, false},
		{"a dead broker", 8, 8, 0, station.CodeBrokerRefused, false},
		{"a full disk", 8, 8, 0, station.CodeLedger, false},
		{"somebody's abort", 8, 8, 0, station.CodeAborted, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := bench(tt.runs, tt.bad, tt.rest, tt.code).snap()
			for _, c := range s.Slots {
				if got, want := c.Suspect, tt.want && c.Slot == "3"; got != want {
					t.Errorf("slot %s: got suspect %t, want %t: %+v", c.Slot, got, want, c)
				}
			}
			if tt.want && s.Slots[0].Slot != "3" {
				t.Errorf("got slot %s first, want 3", s.Slots[0].Slot)
			}
		})
	}
	s := bench(8, 6, 2, station.CodeLineNoise).snap()
	if got, want := s.Slots[0].Ratio, (6.0/8)/(2.0/56); got != want { // slots 0 and 1 fail once each
		t.Errorf("got ratio %v, want %v", got, want)
	}
}

// A bench of 64 equal slots accuses none in nearly every batch: the test corrects for as many questions.
func TestEqualSlotsAreNotAccused(t *testing.T) {
	accused := 0
	for seed := range 100 {
		l := newLine()
		r := uint64(seed + 1)
		for i := range 64 * 20 {
			r = r*6364136223846793005 + 1442695040888963407
			e := pass(fmt.Sprint(i%64), "", fmt.Sprint(i))
			if r>>60 < 2 { // one of eight
				e = fail(fmt.Sprint(i%64), "", fmt.Sprint(i), station.CodeLineNoise)
			}
			l.say(e)
		}
		for _, c := range l.snap().Slots {
			if c.Suspect {
				accused++
			}
		}
	}
	if accused > 3 {
		t.Errorf("got %d accused slots in 100 equal benches, want about 1 at most", accused)
	}
}

func TestPauseHoldClose(t *testing.T) {
	l := newLine()
	l.open("lot", ids(2)...)
	l.state("lot", station.BatchPaused)
	if got := l.snap().State; got != station.BatchPaused {
		t.Errorf("got %q, want paused", got)
	}
	l.state("lot", station.BatchOpen) // carries on without a list: the figures stay
	l.run(pass("A", "lot", "dev-1"), time.Second)
	l.state("lot", station.BatchHeld)
	if s := l.snap(); s.Done != 1 || s.Missing != 1 || s.State != station.BatchHeld {
		t.Errorf("got %+v", s)
	}
	l.say(station.BatchChanged{Batch: "lot", State: station.BatchClosed, By: "Lea", Reason: "shift is over"})
	if s := l.snap(); s.Batch != "" || s.Runs != 1 || s.Done != 1 || s.Expected != 0 {
		t.Errorf("got %+v, want the figures of all runs", s)
	}
	r, ok := l.p.Closed()
	if !ok || r.Batch != "lot" || r.Done != 1 || r.Missing != 1 || r.ClosedBy != "Lea" || r.OpenedBy != "Ann" || r.Reason != "shift is over" ||
		len(r.Devices) != 2 || r.State != station.BatchClosed || !r.ClosedAt.Equal(l.now) {
		t.Errorf("got %t, %+v", ok, r)
	}
	l.open("next", ids(3)...)
	if s := l.snap(); s.Batch != "next" || s.Runs != 0 || s.Expected != 3 || s.Missing != 3 {
		t.Errorf("got %+v, want new figures", s)
	}
}

// Who begins to follow in the middle has what the event says, and never a contradiction.
func TestWithoutList(t *testing.T) {
	l := newLine()
	l.say(station.BatchChanged{Batch: "lot", State: station.BatchPaused, Expected: 40, Done: 12, OpenedAt: epoch})
	l.run(pass("A", "lot", "dev-1"), 10*time.Second)
	s := l.snap()
	if s.Expected != 40 || s.Done != 12 || s.Missing != 28 || s.Runs != 1 || s.State != station.BatchPaused {
		t.Errorf("got %+v", s)
	}
}

func TestLastIsInListOrder(t *testing.T) {
	l := newLine()
	l.open("lot", ids(100)...)
	for _, i := range []int{3, 1, 100, 2, 64} {
		l.run(pass("A", "lot", fmt.Sprint("dev-", i)), time.Second)
	}
	s := l.snap()
	if len(s.Last) != 64 || s.Last[0] != "dev-4" || s.Last[59] != "dev-63" || s.Last[60] != "dev-65" {
		t.Errorf("got %d: %s", len(s.Last), strings.Join(s.Last, " "))
	}
}
