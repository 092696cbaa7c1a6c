package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
)

func batchScenes() map[string]func() *scenario {
	return map[string]func() *scenario{
		"batch-none": newScenario,
		"batch-shift": func() *scenario {
			s := newScenario()
			s.morning(12)
			return s
		},
		"batch-new": func() *scenario {
			s := newScenario()
			s.openBatch(40)
			return s
		},
		"batch-open": func() *scenario {
			s := newScenario()
			s.openBatch(40)
			s.morning(27)
			return s
		},
		"batch-held": func() *scenario {
			s := newScenario()
			s.openBatch(40)
			s.morning(13)
			b := s.board.Batch
			s.tell(station.BatchChanged{
				Batch: b.Batch, State: station.BatchHeld, Code: station.CodeBridgeDown, Expected: 40, Done: 13, OpenedAt: begun,
				Reason: "Stopped: 5 devices in a row failed with the same fault (E-BRIDGE-DOWN).",
			})
			return s
		},
		"batch-paused": func() *scenario {
			s := newScenario()
			s.openBatch(40)
			s.morning(20)
			s.tell(station.BatchChanged{Batch: "2026-47-A", State: station.BatchPaused, By: "Ilse Brandt", Expected: 40, Done: 19, OpenedAt: begun, Reason: "lunch"})
			return s
		},
		"batch-done": func() *scenario {
			s := newScenario()
			s.openBatch(8)
			s.morning(8)
			return s
		},
		"batch-closed": func() *scenario {
			s := newScenario()
			s.openBatch(8)
			s.morning(8)
			s.tell(station.BatchChanged{Batch: "2026-47-A", State: station.BatchClosed, Expected: 8, Done: 8, OpenedAt: begun})
			return s
		},
	}
}

func TestBatchGolden(t *testing.T) {
	for name, make := range batchScenes() {
		t.Run(name, func(t *testing.T) {
			s := make()
			goldens(t, name, s.at, func() page { return NewBatch(s.board) })
		})
	}
}

// batchView is the page of a scene as text.
func batchView(t *testing.T, s *scenario, w, h int) string {
	t.Helper()
	p := NewBatch(s.board)
	p.SetLook(lookIn(t, "en", false))
	p.SetNow(s.at)
	p.SetSize(w, h)
	return ansi.Strip(p.View())
}

func TestBatchSays(t *testing.T) {
	for _, tt := range []struct {
		scene string
		want  []string
		never []string
	}{
		{"batch-none", []string{"This shift", "No batch is open.", "Next: Open one with b."}, []string{"0 of 0", "NaN"}},
		{"batch-shift", []string{"First-pass yield", "Open one with b."}, []string{"Still missing"}},
		{"batch-new", []string{"Batch 2026-47-A: open", "0 of 40 done", "0 %", "Still missing: 40", "not known yet", "Nothing has failed."}, []string{"NaN", "Inf"}},
		{"batch-open", []string{"26 of 40 done", "65 %", "E-LINE-NOISE", "The line to the device keeps failing", "slot 3 fails 14 times more often than the others: change its cable.", "Ready at", "Still missing: 14", "dev-0021"}, nil},
		{"batch-held", []string{"HELD", "Stopped: 5 devices in a row", "The enrollment server cannot be reached.", "Next: Check the station's network cable.", "press p to go on"}, nil},
		{"batch-paused", []string{"PAUSED", "The batch is paused, lunch.", "(Ilse Brandt)", "Next: Press p to go on."}, nil},
		{"batch-done", []string{"8 of 8 done", "100 %", "Every device of the list is done.", "Press c to close"}, []string{"Still missing", "Ready at"}},
		{"batch-closed", []string{"Batch 2026-47-A is closed: 8 of 8 done.", "Open one with b."}, []string{"Still missing"}},
	} {
		got := batchView(t, batchScenes()[tt.scene](), 100, 120)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got no %q in\n%s", tt.scene, want, got)
			}
		}
		for _, never := range tt.never {
			if strings.Contains(got, never) {
				t.Errorf("%s: got %q, want none, in\n%s", tt.scene, never, got)
			}
		}
	}
}

func TestBatchScrollsToItsEnd(t *testing.T) {
	s := batchScenes()["batch-open"]()
	p := NewBatch(s.board)
	p.SetLook(lookIn(t, "en", false))
	p.SetNow(s.at)
	p.SetSize(80, 20)
	if got := ansi.Strip(p.View()); strings.Contains(got, "dev-0040") {
		t.Fatalf("got everything in twenty lines: nothing to scroll\n%s", got)
	}
	p.Scroll(far * 4)
	if got := ansi.Strip(p.View()); !strings.Contains(got, "dev-0040") {
		t.Errorf("got no last line at the end of the page:\n%s", got)
	}
	p.Scroll(-p.Page())
	p.Top()
	if got := ansi.Strip(p.View()); !strings.Contains(got, "26 of 40") {
		t.Errorf("got no progress at the top:\n%s", got)
	}
}

// BenchmarkBatchView shows that a drawing is far below what a key may wait for.
func BenchmarkBatchView(b *testing.B) {
	s := newScenario()
	s.openBatch(400)
	s.morning(300)
	p := NewBatch(s.board)
	p.SetLook(lookIn(b, "en", false))
	p.SetNow(s.at.Add(time.Second))
	p.SetSize(120, 31)
	for b.Loop() {
		_ = p.View()
	}
}
