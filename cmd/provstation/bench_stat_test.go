package main

import (
	"testing"
	"time"

	"provstation/station"
)

func TestPercentile(t *testing.T) {
	ten := []int{10, 9, 8, 7, 6, 5, 4, 3, 2, 1}
	for _, row := range []struct {
		values []int
		p      float64
		want   int
	}{
		{nil, 50, 0},
		{[]int{7}, 50, 7},
		{[]int{7}, 95, 7},
		{ten, 50, 5},
		{ten, 95, 10},
		{ten, 90, 9},
		{ten, 91, 10},
		{ten, 100, 10},
		{ten, 1, 1},
		{[]int{3, 1, 2, 5, 4}, 50, 3},
		{[]int{1, 1, 1, 1, 100}, 80, 1},
		{[]int{1, 1, 1, 1, 100}, 81, 100},
	} {
		if got := percentile(row.values, row.p); got != row.want {
			t.Errorf("p%g of %v: got %d, want %d", row.p, row.values, got, row.want)
		}
	}
	if ten[0] != 10 {
		t.Error("the values were sorted in place")
	}
}

// twoRuns are two runs of a cell of two devices, with figures that are easy to reckon with.
func twoRuns() (benchCell, []benchRun) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	one := func(start, elapsed time.Duration, bytes uint64) sample {
		return sample{
			elapsed: elapsed, first: at.Add(start), last: at.Add(start + elapsed), wire: map[string]uint64{"REQ": bytes - 100, "RSP": 100},
			bridge: 10 * time.Millisecond, broker: 5 * time.Millisecond, key: time.Millisecond,
			phases: map[station.Phase]time.Duration{station.PhaseEnroll: elapsed / 2}, payload: payload{{"leaf", 400}, {"CA 1", 100}},
		}
	}
	return benchCell{method: methodStation, devices: 2, baud: 10000}, []benchRun{
		{samples: []sample{one(0, 1200*time.Millisecond, 1000), one(300*time.Millisecond, 1300*time.Millisecond, 1100)}, used: machineUse{1500 * time.Millisecond, time.Second, 0, 40e6}},
		{samples: []sample{one(0, 1400*time.Millisecond, 1200), one(0, 2400*time.Millisecond, 2000)}, used: machineUse{2500 * time.Millisecond, 3 * time.Second, 400 * time.Millisecond, 50e6}},
	}
}

func TestResultPoolsRuns(t *testing.T) {
	r := resultOf(twoRuns())
	r.one = 1200 * time.Millisecond
	l := r.json()
	for name, row := range map[string][2]float64{
		"p50": {l.P50, 1300}, "p95": {l.P95, 2400}, "max": {l.Max, 2400}, "samples": {float64(l.Samples), 4},
		"line":  {l.Line, 1100}, // 1100 bytes, ten bits each, at 10000 baud
		"limit": {l.Limit, 1116}, "to limit": {l.ToLimit, 1.1649}, "to one": {l.ToOne, 2},
		"wire": {float64(l.Wire), 1100}, "payload": {float64(l.Payload), 500}, "kinds": {float64(l.Kinds["REQ"]), 1000},
		"per hour": {l.PerHour, 3600}, // four devices in 1.6 s and 2.4 s
		"cpu":      {l.CPU, 2}, "peak": {l.PeakRSS, 50}, "enroll": {l.Phases[station.PhaseEnroll].P50, 650},
		"leaf": {float64(l.Parts["leaf"]), 400},
	} {
		if row[0] != row[1] {
			t.Errorf("%s: got %v, want %v", name, row[0], row[1])
		}
	}
}
