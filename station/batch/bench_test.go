package batch_test

import (
	"fmt"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/batch"
)

// started is a batch of n devices, and the ends of their runs.
func started(n int) (*batch.Progress, []station.Event) {
	l := newLine()
	l.open("lot", ids(n)...)
	ends := make([]station.Event, n)
	for i := range ends {
		ends[i] = station.Event{Time: epoch.Add(time.Duration(i) * time.Second), Body: station.RunEnded{
			Slot: fmt.Sprint("slot ", i%64), Batch: "lot", DeviceID: fmt.Sprint("dev-", i+1), HardwareSerial: fmt.Sprint("SN-", i+1), Outcome: station.Pass,
		}}
	}
	return l.p, ends
}

func BenchmarkApply(b *testing.B) {
	for _, n := range []int{100, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p, ends := started(n)
			for i := 0; b.Loop(); i++ {
				p.Apply(ends[i%n])
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, n := range []int{100, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p, ends := started(n)
			for i, e := range ends[:n/2] {
				p.Apply(e)
				p.Apply(station.Event{Time: e.Time, Body: station.PhaseChanged{
					Phase: station.Phases()[i%16], Status: station.PhaseDone, ElapsedMS: int64(i % 977),
				}})
			}
			for b.Loop() {
				p.Snapshot(epoch)
			}
		})
	}
}

// An event and a look cost the same in a long batch as in a short one, within what a busy machine adds.
func TestCostDoesNotGrow(t *testing.T) {
	cost := func(n int) (apply, look time.Duration) {
		apply, look = time.Hour, time.Hour
		for range 5 { // the best of five: what is measured is the work, not the machine's other business
			p, ends := started(n)
			begin := time.Now()
			for i := range 20_000 {
				p.Apply(ends[i%n])
			}
			apply = min(apply, time.Since(begin)/20_000)
			begin = time.Now()
			for range 100 {
				p.Snapshot(epoch)
			}
			look = min(look, time.Since(begin)/100)
		}
		return apply, look
	}
	applyShort, lookShort := cost(100)
	applyLong, lookLong := cost(20_000)
	if applyLong > 20*applyShort+20*time.Microsecond { // maps that fit no cache any more cost some; a scan would cost 200 times
		t.Errorf("got %v an event in a long batch, %v in a short one", applyLong, applyShort)
	}
	if lookLong > 20*lookShort+time.Millisecond {
		t.Errorf("got %v a snapshot in a long batch, %v in a short one", lookLong, lookShort)
	}
}
