package widget

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/theme"
)

// TestWrap: an id is not broken at its hyphens, and what is cut shows what stands there.
func TestWrap(t *testing.T) {
	l := Look{Signs: theme.Unicode()}
	for _, tt := range []struct {
		text string
		w, n int
		want []string
	}{
		{"This label (edge-vd5350-0001) is another", 20, 9, []string{"This label", "(edge-vd5350-0001)", "is another"}},
		{"This label (edge-vd5350-0001) is another", 22, 2, []string{"This label", "(edge-vd5350-0001) is…"}},
		{"This label (edge-vd5350-0001) is another", 26, 1, []string{"This label (edge-vd5350-0…"}},
		{"0123456789abcdef and more", 8, 2, []string{"01234567", "89abcde…"}},
		{"the same the same the same", 8, 2, []string{"the same", "the sam…"}},
		{"short", 8, 2, []string{"short"}},
		{"", 8, 2, nil},
		{"short", 8, 0, nil},
	} {
		if d := cmp.Diff(tt.want, l.WrapCut(tt.text, tt.w, tt.n)); d != "" {
			t.Errorf("%q in %d lines of %d (-want +got):\n%s", tt.text, tt.n, tt.w, d)
		}
	}
}

// TestHeldSaysItOnce: the reason of a held port ends in what to do, which the screen shows by itself.
func TestHeldSaysItOnce(t *testing.T) {
	l := lookOf(t, "en", theme.Unicode())
	next := l.Text("next." + string(station.CodeHeldPaused))
	s := &board.Slot{Name: "slot 1", State: board.Trouble, PortStatus: "held", PortCode: station.CodeHeldPaused, PortReason: "The batch is paused. " + next}
	what, then := l.Sentence(s)
	if what != "The batch is paused." || then != next {
		t.Errorf("got %q and %q, want what and what to do, each once", what, then)
	}
}

// TestCutID: what tells the ids of a lot apart stays.
func TestCutID(t *testing.T) {
	for _, tt := range []struct {
		id    string
		w     int
		ascii bool
		want  string
	}{
		{"edge-vd5350-0123", 16, false, "edge-vd5350-0123"},
		{"edge-vd5350-0123", 13, false, "edge…350-0123"},
		{"edge-vd5350-0123", 12, true, "edge~50-0123"},
		{"edge-vd5350-0123", 6, false, "ed…123"},
		{"edge-vd5350-0123", 5, false, "edge…"},
		{"edge", 0, false, ""},
	} {
		l := Look{Signs: theme.Unicode()}
		if tt.ascii {
			l.Signs = theme.ASCII()
		}
		if got := l.CutID(tt.id, tt.w); got != tt.want {
			t.Errorf("%s in %d cells: got %q, want %q", tt.id, tt.w, got, tt.want)
		}
	}
}
