package batch

import (
	"cmp"
	"slices"
	"time"

	"provstation/station"
)

// phases is the order of a run.
var phases = station.Phases() //nolint:gochecknoglobals // never written

// figures are counts over runs.
type figures struct {
	runs, failed, doubled, done int
	tried, passed               int

	units            ring[time.Duration] // work time of the last units, and before them that of the first start
	begun            bool
	phases           []*durations // by the phase's index
	codes            map[station.Code]int
	slots            map[string]*slotCount
	runsIn, failedIn int // of all slots together
	seen             *memory
}

// slotCount is what a slot came to.
type slotCount struct{ runs, failed int }

// leastSpan is how long the pace must have been watched before it is told: a handful that end together say nothing.
const leastSpan = 10 * time.Second

// lastUnits is how many units the pace is measured over.
const lastUnits = 64

func newFigures() *figures {
	return &figures{
		units: ring[time.Duration]{most: lastUnits + 1}, phases: make([]*durations, len(phases)),
		codes: map[station.Code]int{}, slots: map[string]*slotCount{}, seen: newMemory(maxSeen),
	}
}

// begin notes when work began; only the first time counts.
func (f *figures) begin(t time.Duration) {
	if !f.begun {
		f.begun = true
		f.units.push(t)
	}
}

func (f *figures) phase(p station.Phase, d time.Duration) {
	i := slices.Index(phases, p)
	if i < 0 {
		return
	}
	if f.phases[i] == nil {
		f.phases[i] = newDurations()
	}
	f.phases[i].push(max(0, d))
}

// end counts a run. x is the list that it may be on; nil: there is none.
func (f *figures) end(b station.RunEnded, at time.Time, t time.Duration, x *expected) {
	f.runs++
	if !b.Outcome.Good() {
		f.failed++
		if _, known := f.codes[b.Code]; b.Code != "" && len(b.Code) <= maxKey && (known || len(f.codes) < maxCodes) {
			f.codes[b.Code]++
		}
	}
	f.slot(b)
	var r *row
	if x != nil {
		r = x.find(b.DeviceID, b.HardwareSerial)
	}
	key := deviceKey(b)
	f.first(b, r, key)
	switch {
	case r != nil:
		r.note(b, at)
		switch {
		case !b.Outcome.Good():
		case r.Done:
			f.doubled++
		default:
			x.complete(r)
			f.units.push(t)
		}
	case x == nil && b.Outcome.Good() && key != "":
		if f.seen.add("done " + key) {
			f.done++
			f.units.push(t)
		} else {
			f.doubled++
		}
	}
}

// deviceKey is what a device without a row is known by: its hardware, which has a name before the device has an id.
func deviceKey(b station.RunEnded) string {
	key := "serial " + b.HardwareSerial
	if b.HardwareSerial == "" {
		if b.DeviceID == "" {
			return ""
		}
		key = "id " + fold(b.DeviceID)
	}
	if len(key) > maxKey {
		return ""
	}
	return key
}

// first counts a device's first run. A run that cannot be told to be of any device is nobody's first.
func (f *figures) first(b station.RunEnded, r *row, key string) {
	if b.Outcome == station.Aborted || (r == nil && key == "") {
		return
	}
	before := r != nil && r.tried
	if key != "" && !f.seen.add("tried "+key) {
		before = true
	}
	if r != nil {
		r.tried = true
	}
	if before || b.Outcome == station.Skipped {
		return
	}
	f.tried++
	if b.Outcome == station.Pass {
		f.passed++
	}
}

// slot counts a run for its place, if it tells anything of the place.
func (f *figures) slot(b station.RunEnded) {
	if !b.Outcome.Good() && !ofPlace(b) {
		return
	}
	s := f.slots[b.Slot]
	if s == nil {
		if len(f.slots) >= maxSlots || b.Slot == "" || len(b.Slot) > maxKey {
			return
		}
		s = &slotCount{}
		f.slots[b.Slot] = s
	}
	s.runs++
	f.runsIn++
	if !b.Outcome.Good() {
		s.failed++
		f.failedIn++
	}
}

// snapshot gives what does not depend on a list.
func (f *figures) snapshot() Snapshot {
	s := Snapshot{
		Doubled: f.doubled, Runs: f.runs, Failed: f.failed, FirstTried: f.tried, FirstPassed: f.passed,
		Codes: f.pareto(), Slots: f.places(),
	}
	if f.tried > 0 {
		s.FirstPassYield = float64(f.passed) / float64(f.tried)
	}
	if n := f.units.len() - 1; n > 0 {
		if span := f.units.newest() - f.units.oldest(); span >= leastSpan {
			s.Takt = span / time.Duration(n)
			s.UnitsPerHour = float64(n) / span.Hours()
		}
	}
	for i, d := range f.phases {
		if d != nil {
			p50, p95 := d.percentiles()
			s.Phases = append(s.Phases, PhaseTime{Phase: phases[i], N: d.total, P50: p50, P95: p95})
		}
	}
	return s
}

// pareto lists the codes, most frequent first, by name where they are equal.
func (f *figures) pareto() []CodeCount {
	var list []CodeCount
	for code, n := range f.codes {
		list = append(list, CodeCount{Code: code, N: n, Share: float64(n) / float64(f.failed)})
	}
	slices.SortFunc(list, func(a, b CodeCount) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Code, b.Code))
	})
	sum := 0
	for i := range list {
		sum += list[i].N
		list[i].Cumulative = float64(sum) / float64(f.failed)
	}
	return list
}

// places lists the slots, most failures first, by name where they are equal.
func (f *figures) places() []SlotCount {
	var list []SlotCount
	for name, s := range f.slots {
		c := SlotCount{Slot: name, Runs: s.runs, Failed: s.failed}
		runs, failed := f.runsIn-s.runs, f.failedIn-s.failed
		if runs > 0 && failed > 0 {
			c.Ratio = float64(s.failed) * float64(runs) / (float64(s.runs) * float64(failed))
		}
		c.Suspect = suspect(*s, slotCount{runs, failed}, len(f.slots))
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b SlotCount) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(a.Slot, b.Slot))
	})
	return list
}
