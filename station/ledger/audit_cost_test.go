package ledger

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// The chain must not make a run's records noticeably dearer: whole runs are written with and without it, in turns, and the
// middle ones are compared.
func TestAuditCost(t *testing.T) {
	plain, kit := newPlain(t), newAudited(t)
	best := 1e9
	for range 4 { // a machine that is busy with other tests spoils one measure, not all of them
		var without, with []time.Duration
		for range 40 {
			without = append(without, timeRun(t, plain))
			with = append(with, timeRun(t, kit.Ledger))
		}
		slices.Sort(without)
		slices.Sort(with)
		a, b := without[len(without)/2], with[len(with)/2]
		ratio := float64(b) / float64(a)
		t.Logf("a run's records: %v without the chain, %v with it: ratio %.2f", a, b, ratio)
		if best = min(best, ratio); best < costLimit {
			return
		}
	}
	t.Errorf("got ratio %.2f, want less than %.1f", best, float64(costLimit))
}

const costLimit = 1.5

func newPlain(t testing.TB) *Ledger {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "l.db"), Config{})
}

func timeRun(t testing.TB, l *Ledger) time.Duration {
	t.Helper()
	begin := time.Now()
	must(t, dev(newRun()).pass(t.Context(), l))
	return time.Since(begin)
}

// BenchmarkAudit is one whole run's writes with the chain, alone and beside 63 others.
func BenchmarkAudit(b *testing.B) {
	for _, chained := range []bool{false, true} {
		name := map[bool]string{false: "without", true: "with"}[chained]
		for _, slots := range []int{1, 64} {
			b.Run(name+"/"+map[int]string{1: "alone", 64: "64"}[slots], func(b *testing.B) {
				l := newPlain(b)
				if chained {
					l = newAudited(b).Ledger
				}
				b.SetParallelism((slots + 1) / 2)
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := dev(newRun()).pass(context.Background(), l); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}
