package tui

import (
	"strconv"
	"testing"

	"provstation/station"
)

// busyModel is a bench of n slots, all at work, and one more event of slot 5.
func busyModel(t testing.TB, n, w, h int) (*Model, eventsArrived) {
	t.Helper()
	m, _ := benchModel(t, func(s *script, _ faulter) {
		for i := 1; i <= n; i++ {
			s.listen(i)
			s.work(i, ordinaryPhases()[i%10], station.PhaseStarted)
		}
	}, w, h, utf8Env)
	s := newScript()
	s.phase(5, station.PhaseMQTT, station.PhaseProgress)
	return m, eventsArrived{events: s.events}
}

// One event of one slot costs the screen the same whether 8 slots are at work or 64: what it changes is looked at, and no
// other slot. Of the drawing, only what is in sight may count.
func TestEventCostsNoMoreWithMoreSlots(t *testing.T) {
	const limit = 1.5
	update := func(n int) float64 {
		m, event := busyModel(t, n, 80, 24)
		m.Update(event)
		return testing.AllocsPerRun(200, func() { m.Update(event) })
	}
	both := func(n int) float64 {
		m, event := busyModel(t, n, 80, 24)
		return testing.AllocsPerRun(50, func() { m.Update(event); m.View() })
	}
	for what, allocs := range map[string]func(int) float64{"update": update, "update and view": both} {
		few, many := allocs(8), allocs(64)
		t.Logf("%s: %.0f allocations with 8 slots, %.0f with 64", what, few, many)
		if few <= 0 || many > limit*few {
			t.Errorf("%s: got %.0f allocations with 64 slots and %.0f with 8, want at most %.1f times as many", what, many, few, limit)
		}
	}
}

// BenchmarkEvent is one event of one slot, drawn.
func BenchmarkEvent(b *testing.B) {
	for _, n := range []int{8, 64} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m, event := busyModel(b, n, 200, 50)
			b.ReportAllocs()
			for b.Loop() {
				m.Update(event)
				m.View()
			}
		})
	}
}
