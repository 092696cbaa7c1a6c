package screen

import (
	"fmt"
	"testing"
	"time"

	"provstation/station"
	"provstation/tui/theme"
)

// runningBench is n slots at work at 200x50.
func runningBench(b testing.TB, n int) (*stage, *Bench) {
	s := newStage(b, "en")
	for i := 1; i <= n; i++ {
		s.listen(i)
		s.run(i, ordinaryPhases()[4+i%6], station.PhaseStarted, 0)
	}
	return s, s.bench(s.look(theme.Dark(), theme.Unicode()), 200, 50-chrome)
}

// BenchmarkBenchView draws a bench: "still" when nothing has changed, "event" when one slot has, "tick" when every time
// has, and "fresh" with nothing kept from the drawing before.
func BenchmarkBenchView(b *testing.B) {
	for _, n := range []int{8, 64} {
		for _, how := range []string{"still", "event", "tick", "fresh"} {
			b.Run(fmt.Sprintf("%s/%d", how, n), func(b *testing.B) {
				s, bench := runningBench(b, n)
				now := s.at.Add(time.Minute)
				bench.SetNow(now)
				bench.View()
				b.ReportAllocs()
				for b.Loop() {
					switch how {
					case "event":
						s.add(station.PhaseChanged{Run: "run-5", Attempt: 1, Slot: benchSlot(5), Phase: station.PhaseMQTT, Status: station.PhaseProgress})
					case "tick":
						now = now.Add(time.Second)
						bench.SetNow(now)
					case "fresh":
						bench.SetLook(bench.look)
					}
					if len(bench.View()) == 0 {
						b.Fatal("nothing drawn")
					}
				}
			})
		}
	}
}

// TestViewIsFast: 64 slots at work are drawn well within a frame even where everything has changed. The bound is far
// from the 2 ms that it takes at most on an idle machine, since tests run on busy ones.
func TestViewIsFast(t *testing.T) {
	s, bench := runningBench(t, 64)
	now := s.at.Add(time.Minute)
	best := time.Hour
	for range 20 {
		now = now.Add(time.Second)
		bench.SetNow(now)
		began := time.Now()
		bench.View()
		best = min(best, time.Since(began))
	}
	if limit := 20 * time.Millisecond; best > limit {
		t.Errorf("got %v at best for 64 slots at work, want at most %v", best, limit)
	}
}
