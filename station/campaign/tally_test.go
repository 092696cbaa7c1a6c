package campaign_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// tally counts by name.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

// tallies are what a campaign counts.
type tallies struct {
	counted *tally // what came of it
	ends    *tally // how runs ended
	hits    *tally // faults that happened
	points  *tally // where those happened that have a place
}

func newTallies() tallies { return tallies{newTally(), newTally(), newTally(), newTally()} }

func newTally() *tally { return &tally{n: map[string]int{}} }

func (t *tally) add(name string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n[name] += n
}

func (t *tally) of(name string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[name]
}

// String lists the counts by name.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(t.n)) {
		if i > 0 {
			b.WriteString("  ")
		}
		fmt.Fprintf(&b, "%s %d", name, t.n[name])
	}
	return b.String()
}
