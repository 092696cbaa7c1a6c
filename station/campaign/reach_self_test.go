package campaign_test

import (
	"testing"
)

// Faults that happen at the n-th of something reach the last one of a run in which nothing goes wrong: no point is left out.
func TestFaultsReachEveryPoint(t *testing.T) {
	dir := scratch(t)
	template, err := emptyLedger(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openSite(t.Context(), dir, 0, template, newTallies(), newPulse(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	// A fault that never happens keeps the counting on.
	w, err := newWorld(s, 0, 1, 0, []plan{{faults: []fault{{"port.unplugged-write", 1 << 20, 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	u := w.unit("s1")
	if bad := w.execute(t.Context()); len(bad) > 0 {
		t.Fatalf("got %v, want nothing", bad)
	}
	for _, row := range []struct{ counted, kind string }{
		{"answer", "reset.answer"},
		{"request", "reset.request"},
		{"answer", "port.unplugged"},
		{"operation", "flash.cut"},
		{"operation", "flash.full"},
		{"write", "station.kill"},
		{"write", "ledger.full"},
		{"line write", "port.unplugged-write"},
		{"frame to the device", "reset.frame"},
		{"frame to the station", "reset.frame"},
	} {
		last := 0
		for _, k := range kinds {
			if k.name == row.kind {
				last = k.n.to
			}
		}
		had := u.count[row.counted] // nothing counts any more
		t.Logf("%-20s %3d in a clean run, %s reaches %d", row.counted, had, row.kind, last)
		if had == 0 || last < had {
			t.Errorf("%s: got %d in a clean run, and %s reaches %d", row.counted, had, row.kind, last)
		}
	}
}
