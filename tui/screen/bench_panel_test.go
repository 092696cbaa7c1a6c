package screen

import (
	"testing"
	"time"

	"provstation/station"
	"provstation/tui/theme"
)

// What is kept of the selected slot's drawing is what a new one would be, whatever happens to the slot, the time and the screen.
func TestPanelIsNeverOld(t *testing.T) {
	s := newStage(t, "en")
	for i := 1; i <= 3; i++ {
		s.listen(i)
	}
	s.run(1, station.PhaseSeal, station.PhaseDone, time.Second)
	s.end(1, station.Pass, "", "", nil)
	bench := s.bench(s.look(theme.Dark(), theme.Unicode()), 200, 50-chrome)
	bench.Select(benchSlot(1))
	same := func(what string) {
		t.Helper()
		kept := bench.View()
		bench.SetLook(bench.look) // nothing is kept
		if got := bench.View(); kept != got {
			t.Errorf("%s: got what was kept\n%s\nwant\n%s", what, kept, got)
		}
		bench.View()
	}
	same("ended")
	s.run(2, station.PhaseCSR, station.PhaseStarted, 0)
	same("another slot works")
	bench.SetNow(s.at.Add(30 * 24 * time.Hour))
	same("a month later")
	bench.Detail().Scroll(3)
	same("scrolled")
	bench.SetSize(120, 30)
	same("smaller")
	s.run(1, station.PhaseCSR, station.PhaseStarted, 0)
	same("it works again")
	s.end(1, station.Fail, station.PhaseCSR, station.CodeCSRBad, nil)
	same("it failed")
	bench.Select(benchSlot(2))
	same("another one is selected")
}
