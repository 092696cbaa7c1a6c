package board

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
)

var t0 = time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)

func apply(bodies ...station.Body) *Board {
	b := New()
	for i, body := range bodies {
		b.Apply(station.Event{Seq: uint64(i + 1), Time: t0.Add(time.Duration(i) * time.Second), Body: body})
	}
	return b
}

func TestStates(t *testing.T) {
	for _, tt := range []struct {
		from State
		in   input
		want State
	}{
		{Waiting, portOpen, Waiting},
		{Waiting, portBad, Trouble},
		{Waiting, portGone, Empty},
		{Waiting, runWorks, Running},
		{Waiting, runEnds, Ended},
		{Trouble, portOpen, Waiting},
		{Trouble, portBad, Trouble},
		{Trouble, portGone, Empty},
		{Trouble, runWorks, Running},
		{Trouble, runEnds, Ended},
		{Running, portOpen, Running},
		{Running, portBad, Running},
		{Running, portGone, Running},
		{Running, runWorks, Running},
		{Running, runEnds, Ended},
		{Ended, portOpen, Ended},
		{Ended, portBad, Ended},
		{Ended, portGone, Ended},
		{Ended, runWorks, Running},
		{Ended, runEnds, Ended},
		{Empty, portOpen, Waiting},
		{Empty, portBad, Trouble},
		{Empty, portGone, Empty},
		{Empty, runWorks, Running},
		{Empty, runEnds, Ended},
	} {
		if got := tt.from.next(tt.in); got != tt.want {
			t.Errorf("%v after %d: got %v, want %v", tt.from, tt.in, got, tt.want)
		}
	}
}

func seen(status string) station.PortSeen {
	return station.PortSeen{Port: "/dev/ttyUSB0", Slot: "A", Status: status}
}

func started(run string) station.RunStarted {
	return station.RunStarted{Run: run, Attempt: 1, Slot: "A", Port: "/dev/ttyUSB0"}
}

func phase(run string, p station.Phase, st station.PhaseStatus, ms int64) station.PhaseChanged {
	return station.PhaseChanged{Run: run, Attempt: 1, Slot: "A", Phase: p, Status: st, ElapsedMS: ms}
}

func ended(run string, o station.Outcome, p station.Phase) station.RunEnded {
	return station.RunEnded{Run: run, Attempt: 1, Slot: "A", Outcome: o, Phase: p, ElapsedMS: 1500}
}

func TestApply(t *testing.T) {
	for _, tt := range []struct {
		name   string
		bodies []station.Body
		check  func(b *Board) string // what is wrong, or nothing
	}{
		{"a port that listens is a slot", []station.Body{seen("listening")}, func(b *Board) string {
			return diff(b.Slot("A").State, Waiting)
		}},
		{"an ignored port is no slot, though it has a place", []station.Body{seen("ignored"), seen("ignored")}, func(b *Board) string {
			return diff([]int{len(b.Slots()), len(b.Ports())}, []int{0, 1})
		}},
		{"an ignored port that becomes a slot is no longer ignored", []station.Body{seen("ignored"), seen("listening")}, func(b *Board) string {
			return diff([]int{len(b.Slots()), len(b.Ports())}, []int{1, 0})
		}},
		{"an ignored port that goes is forgotten", []station.Body{station.PortSeen{Port: "x", Status: "ignored"}, station.PortSeen{Port: "x", Status: "gone"}}, func(b *Board) string {
			return diff(len(b.Ports()), 0)
		}},
		{"a run counts as running once", []station.Body{started("r1"), phase("r1", station.PhaseIdentify, station.PhaseStarted, 0)}, func(b *Board) string {
			return diff(b.Running, 1)
		}},
		{"a run whose start was missed", []station.Body{phase("r1", station.PhaseClock, station.PhaseStarted, 0)}, func(b *Board) string {
			return diff([]any{b.Running, b.Slot("A").State}, []any{1, Running})
		}},
		{"an end without a start", []station.Body{ended("r1", station.Pass, "")}, func(b *Board) string {
			return diff([]any{b.Running, b.Counts.Pass, b.Slot("A").State}, []any{0, 1, Ended})
		}},
		{"a verdict outlives the unplug", []station.Body{started("r1"), ended("r1", station.Pass, ""), seen("gone")}, func(b *Board) string {
			s := b.Slot("A")
			return diff([]any{s.State, s.End.Outcome, s.Plugged()}, []any{Ended, station.Pass, false})
		}},
		{"the next device clears the verdict of the one before", []station.Body{started("r1"), ended("r1", station.Pass, ""), seen("gone"), seen("listening")}, func(b *Board) string {
			s := b.Slot("A")
			return diff([]any{s.State, s.Run, s.End.Outcome}, []any{Waiting, "", station.Outcome("")})
		}},
		{"a device that has to wait does not wear the verdict of the one before", []station.Body{started("r1"), ended("r1", station.Pass, ""), seen("held")}, func(b *Board) string {
			return diff(b.Slot("A").State, Trouble)
		}},
		{"a port that comes back under a run does not disturb it", []station.Body{started("r1"), seen("gone"), seen("listening"), seen("held")}, func(b *Board) string {
			return diff(b.Slot("A").State, Running)
		}},
		{"a slot keeps why its label was refused until it has the right one", []station.Body{
			started("r1"),
			station.ScanWanted{Run: "r1", Slot: "A", Wanted: true},
			station.ScanTaken{Kind: station.ScanLabel, Slot: "A", Code: station.CodeScanWrong, Message: "Wrong.", Hint: "Scan it."},
			station.ScanTaken{Kind: station.ScanLabel, Slot: "B"},
		}, func(b *Board) string { return diff(b.Slot("A").Refused+b.Slot("A").RefusedNext, "Wrong.Scan it.") }},
		{"the right label clears the refusal", []station.Body{
			started("r1"),
			station.ScanWanted{Run: "r1", Slot: "A", Wanted: true},
			station.ScanTaken{Kind: station.ScanLabel, Slot: "A", Code: station.CodeScanWrong, Message: "Wrong."},
			station.ScanWanted{Run: "r1", Slot: "A"},
		}, func(b *Board) string { return diff(b.Slot("A").Refused, "") }},
		{"a label that was taken is wanted no more", []station.Body{
			started("r1"),
			station.ScanWanted{Run: "r1", Slot: "A", Wanted: true},
			station.ScanTaken{Kind: station.ScanLabel, Slot: "A", Code: station.CodeScanWrong, Message: "Wrong."},
			station.ScanTaken{Kind: station.ScanLabel, Slot: "A"},
		}, func(b *Board) string {
			return diff(b.Slot("A").Refused, "") + diff(b.Slot("A").WantsScan, false)
		}},
		{"a device whose port cannot be used does not wear the verdict of the one before", []station.Body{started("r1"), ended("r1", station.Pass, ""), seen("gone"), seen("busy")}, func(b *Board) string {
			return diff(b.Slot("A").State, Trouble) + diff(b.Slot("A").End, End{})
		}},
		{"a device that stays silent does not either", []station.Body{started("r1"), ended("r1", station.Pass, ""), seen("gone"), seen("silent"), seen("listening")}, func(b *Board) string {
			return diff(b.Slot("A").State, Waiting) + diff(b.Slot("A").DeviceID, "")
		}},
		{"the next run clears the last one", []station.Body{
			started("r1"),
			station.PhaseChanged{Run: "r1", Slot: "A", Phase: station.PhaseIdentify, Status: station.PhaseDone, DeviceID: "old", Facts: map[string]string{station.FactHardwareSerial: "S1"}},
			ended("r1", station.Fail, station.PhaseIdentify), started("r2"),
		}, func(b *Board) string {
			s := b.Slot("A")
			return diff([]any{s.DeviceID, s.HardwareSerial, len(s.Facts), s.End.Outcome, s.Phases[0].Status}, []any{"", "", 0, station.Outcome(""), station.PhaseStatus("")})
		}},
		{"a straggler after the verdict changes nothing", []station.Body{started("r1"), ended("r1", station.Pass, ""), phase("r1", station.PhaseRecord, station.PhaseStarted, 0)}, func(b *Board) string {
			return diff([]any{b.Slot("A").State, b.Running}, []any{Ended, 0})
		}},
		{"the phase a run failed in is shown as failed", []station.Body{started("r1"), phase("r1", station.PhaseEnroll, station.PhaseStarted, 0), ended("r1", station.Timeout, station.PhaseEnroll)}, func(b *Board) string {
			return diff(b.Slot("A").Phases[station.PhaseEnroll.Index()].Status, station.PhaseFailed)
		}},
		{"an unknown phase is left out", []station.Body{started("r1"), phase("r1", "teleport", station.PhaseStarted, 0)}, func(b *Board) string {
			return diff(b.Slot("A").Now, -1)
		}},
		{"a try that failed is said until the next one", []station.Body{
			started("r1"),
			station.PhaseChanged{Run: "r1", Slot: "A", Phase: station.PhaseEnroll, Status: station.PhaseProgress, Code: station.CodeBridgeDown},
		}, func(b *Board) string { return diff(b.Slot("A").Retrying, station.CodeBridgeDown) }},
		{"the old name going does not empty a renamed port's slot", []station.Body{seen("listening"), station.PortSeen{Port: "/dev/ttyUSB7", Slot: "A", Status: "listening"}, seen("gone")}, func(b *Board) string {
			return diff([]any{b.Slot("A").State, b.Slot("A").Port}, []any{Waiting, "/dev/ttyUSB7"})
		}},
		{"the contract is learned from a run", []station.Body{station.PhaseChanged{Run: "r", Slot: "A", Phase: station.PhaseEnroll, Status: station.PhaseDone, Facts: map[string]string{station.FactContract: "deployed"}}}, func(b *Board) string {
			return diff(b.Contract, "deployed")
		}},
		{"the configuration pushed to a device is kept", []station.Body{station.PhaseChanged{Run: "r", Slot: "A", Phase: station.PhaseInstall, Status: station.PhaseDone, Facts: map[string]string{station.FactTunnelConf: "x"}}}, func(b *Board) string {
			return diff(b.Slot("A").Facts[station.FactTunnelConf], "x")
		}},
		{"the summary ends it", []station.Body{station.StationInfo{Station: "s"}, station.Summary{}}, func(b *Board) string {
			return diff([]bool{b.Began(), b.Done}, []bool{true, true})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if bad := tt.check(apply(tt.bodies...)); bad != "" {
				t.Error(bad)
			}
		})
	}
}

func diff(got, want any) string { return cmp.Diff(want, got) }

func TestMissedEventsAreCounted(t *testing.T) {
	b := New()
	for _, seq := range []uint64{1, 2, 5, 6, 10} {
		b.Apply(station.Event{Seq: seq, Body: station.StationInfo{}})
	}
	if b.Missed != 5 {
		t.Errorf("got %d missed events, want 5", b.Missed)
	}
}

func TestSlotsAreInNaturalOrder(t *testing.T) {
	b := New()
	for _, name := range []string{"slot 10", "slot 2", "1-1.10", "slot 02", "slot 1", "1-1.2", "slot"} {
		b.Apply(station.Event{Body: station.PortSeen{Port: name, Slot: name, Status: "listening"}})
	}
	var got []string
	for _, s := range b.Slots() {
		got = append(got, s.Name)
	}
	want := []string{"1-1.2", "1-1.10", "slot", "slot 1", "slot 02", "slot 2", "slot 10"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
}

// TestMemoryIsBounded sends far more of everything than a bench has.
func TestMemoryIsBounded(t *testing.T) {
	b := New()
	big := strings.Repeat("x", 1<<16)
	for i := range 3000 {
		b.Apply(station.Event{Body: station.PortSeen{Port: fmt.Sprint("p", i), Status: "ignored", Reason: big}})
		b.Apply(station.Event{Body: station.PortSeen{Port: big, Slot: fmt.Sprint("s", i), Status: "busy", Reason: big}})
		b.Apply(station.Event{Body: station.PhaseChanged{
			Run: "r", Slot: "A", Phase: station.PhaseMQTT, Status: station.PhaseProgress, DeviceID: big, Step: fmt.Sprint(i),
			Facts:    map[string]string{fmt.Sprint("f", i): big, station.FactBootLog: big},
			Warnings: []station.Warning{{Code: "W", Text: fmt.Sprint(i)}},
		}})
	}
	if got := len(b.Slots()); got > maxSlots {
		t.Errorf("got %d slots, want at most %d", got, maxSlots)
	}
	if b.Overflow == 0 {
		t.Error("got no word of slots that did not fit")
	}
	if got := len(b.Ports()); got > maxPorts {
		t.Errorf("got %d ports, want at most %d", got, maxPorts)
	}
	s := b.Slot("A")
	if len(s.Steps) > maxSteps || len(s.Facts) > maxFacts || len(s.Warnings) > maxWarnings || len(s.DeviceID) > maxWord || len(s.Facts[station.FactBootLog]) > maxLog {
		t.Errorf("got %d steps, %d facts, %d warnings, a device id of %d bytes, %d bytes of boot log: a bound does not hold",
			len(s.Steps), len(s.Facts), len(s.Warnings), len(s.DeviceID), len(s.Facts[station.FactBootLog]))
	}
}

func TestClean(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain", "plain"},
		{"", ""},
		{"\x1b[31mred\x1b[0m", "red"},
		{"\x1b]0;title\x07after", "after"},
		{"\x1b]52;c;aGk=\x1b\\after", "after"},
		{"\x1bP+q544e\x1b\\after", "after"},
		{"a\rb\x00c\x7fd", "abcd"},
		{"a\tb\nc", "a b c"},
		{"\u009b31mx", "31mx"},
		{"a\u202eb\u2066c\u200fd\u200be\ufefff", "abcdef"},
		{"\xff\xfe", "\uFFFD"},
		{"日本語 ✓ é 👩‍🔧", "日本語 ✓ é 👩‍🔧"},
		{"line\u2028break", "linebreak"},
	} {
		if got := Clean(tt.in, 256); got != tt.want {
			t.Errorf("Clean(%q): got %q, want %q", tt.in, got, tt.want)
		}
	}
	if got := Clean("日本語", 4); got != "日" {
		t.Errorf("got %q, want a cut at a rune's edge", got)
	}
	if got := CleanLines("a\x1b[2J\r\nb\n", 256); got != "a\nb" {
		t.Errorf("got %q, want two clean lines", got)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"a", "\x1b[31m", "\x1b]0;x", "\u009b1m", "日\xff", "\x1b\x1b[[31m"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s, 64)
		if len(got) > 64 {
			t.Fatalf("got %d bytes, want at most 64", len(got))
		}
		for _, r := range got {
			if forbidden(r) {
				t.Fatalf("Clean(%q): got %q, which has %U in it", s, got, r)
			}
		}
	})
}

// BenchmarkApply shows that an event costs the same with one slot and with many.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{1, 64, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			board := New()
			for i := range n {
				board.Apply(station.Event{Body: station.RunStarted{Run: "r", Slot: fmt.Sprint(i)}})
			}
			e := station.Event{Body: station.PhaseChanged{Run: "r", Slot: "0", Phase: station.PhaseEnroll, Status: station.PhaseProgress, ElapsedMS: 5}}
			for b.Loop() {
				board.Apply(e)
			}
		})
	}
}
