package campaign_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A failure is found, replays under its number and seed, and shrinks to the fault that it takes. The product that fails is
// made up: it loses the flag of every device whose certificate's answer was lost.
func TestFailureReplays(t *testing.T) {
	const seed, failing = 5, 2*together + 3
	broken := func(w *world) {
		for _, b := range w.boards {
			p := w.plans[b.run]
			if _, lost := p.has("bridge.lost"); !lost {
				continue
			}
			if err := os.Remove(filepath.Join(b.dir, ".enrolled")); err != nil {
				t.Error(err)
			}
		}
	}
	of := func(only int) *campaign {
		c := newCampaign(t, setting{n: 3 * together, seed: seed, only: only, parallel: 3})
		c.tamper = broken
		for i := range c.plans { // as drawn, but for a few that take long or fail, too
			c.plans[i].faults = nil
		}
		c.plans[failing-1].faults = []fault{{"port.busy", 1, 0}}
		c.plans[failing].faults = []fault{{"line.latency", 2, 0}, {"bridge.lost", 1, 0}, {"port.denied", 1, 0}}
		return c
	}
	said := func(c *campaign) (list []string) {
		for _, v := range c.bad {
			if v.run != failing {
				t.Errorf("got run %d accused: %s", v.run, v.text)
			}
			what, _, _ := strings.Cut(v.text, " in run ") // the run's own number is another each time
			list = append(list, what)
		}
		return list
	}
	whole := of(-1)
	whole.run(t.Context(), []int{0, 1, 2}, whole.plans)
	first := said(whole)
	if len(first) == 0 || len(whole.judged) != 3*together {
		t.Fatalf("got %v of %d runs, want a failure in %d", first, len(whole.judged), 3*together)
	}
	again := of(failing)
	again.run(t.Context(), []int{failing / together}, again.plans)
	if diff := cmp.Diff(first, said(again)); diff != "" {
		t.Errorf("the replay differs (-first +replay):\n%s", diff)
	}
	left, alone := again.shrink(failing)
	if got := (plan{faults: left}).String(); !alone || got != "bridge.lost:1:0" {
		t.Errorf("got %s, alone %v, want bridge.lost:1:0 alone", got, alone)
	}
}
