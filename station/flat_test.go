package station

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A station runs for months: after many runs it holds no more memory and no more goroutines than after a few. FLAT_RUNS=10000
// makes so many.
func TestRunsLeaveNothingBehind(t *testing.T) {
	early, late := 300, 1500
	if s := os.Getenv("FLAT_RUNS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 20 {
			t.Fatalf("FLAT_RUNS=%q: want a number from 20 on", s)
		}
		early, late = n/10, n
	}
	bubble(t, func(t *testing.T) {
		k := newKit(t)
		k.bench.Settle = 10_000 * time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		b := NewBench(k.bench, k.watcher, k.conn, NewRunner(k.cfg, k.bridge, k.ledger, k.trust, k.prover.prove, fakeWords{}))
		feed := b.Subscribe()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.Run(ctx); err != nil {
				t.Errorf("bench: got %v, want nil", err)
			}
		})
		before, after := held{}, held{}
		n := 0
		for e := range feed {
			end, ok := e.Body.(RunEnded)
			if !ok {
				continue
			}
			if end.Outcome != Pass {
				t.Fatalf("run %d: got %s %s, want PASS", n, end.Outcome, end.Code)
			}
			n++
			k.forget()
			switch n {
			case early:
				before = heldNow()
			case late:
				after = heldNow()
				cancel()
			}
			if n < late {
				k.port("s1").unplug()
				k.port("s1").plug(newFakeDevice(fmt.Sprintf("SN-%d", n+1)))
			}
		}
		wg.Wait()
		if n < late {
			t.Fatalf("got %d runs, want %d", n, late)
		}
		t.Logf("after %d runs %d kB and %d goroutines, after %d %d kB and %d", early, before.bytes/1024, before.goroutines, late,
			after.bytes/1024, after.goroutines)
		if grown := float64(after.bytes) / float64(before.bytes); grown > 1.2 {
			t.Errorf("got %.2f times the memory after %d runs of what it was after %d, want at most 1.2", grown, late, early)
		}
		if after.goroutines > before.goroutines+2 {
			t.Errorf("got %d goroutines after %d runs and %d after %d, want no more", after.goroutines, late, before.goroutines, early)
		}
	})
}

type held struct {
	bytes      uint64
	goroutines int
}

func heldNow() held {
	synctest.Wait() // what is on its way to an end ends
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return held{m.HeapAlloc, runtime.NumGoroutine()}
}

// forget empties what the fakes remember: they would grow, and nothing of the station's.
func (k *kit) forget() {
	p := k.port("s1")
	p.mu.Lock()
	p.ops = nil
	p.mu.Unlock()
	k.bridge.mu.Lock()
	k.bridge.asked = nil
	k.bridge.mu.Unlock()
	k.ledger.mu.Lock()
	defer k.ledger.mu.Unlock()
	l, none := k.ledger, newFakeLedger()
	l.calls, l.runs, l.seen, l.tries, l.phases, l.devices = nil, none.runs, none.seen, none.tries, nil, none.devices
	l.ids, l.keys, l.posts, l.certs, l.proofs, l.passes, l.ends = none.ids, none.keys, none.posts, nil, nil, none.passes, nil
	l.fakeJournal = fakeJournal{}
}
