package batch

import (
	"slices"
	"time"
)

// ring keeps the newest values.
type ring[T any] struct {
	most int
	vals []T
	at   int // of the oldest, once it is full
}

func (r *ring[T]) push(v T) {
	if len(r.vals) < r.most {
		r.vals = append(r.vals, v)
		return
	}
	r.vals[r.at] = v
	r.at = (r.at + 1) % r.most
}

func (r *ring[T]) len() int  { return len(r.vals) }
func (r *ring[T]) oldest() T { return r.vals[r.at] }
func (r *ring[T]) newest() T { return r.vals[(r.at+len(r.vals)-1)%len(r.vals)] }

// lastDurations is how many durations a phase's percentiles are of.
const lastDurations = 512

// durations are how long one phase took.
type durations struct {
	ring     ring[time.Duration]
	total    int
	stale    bool
	p50, p95 time.Duration
}

func newDurations() *durations {
	return &durations{ring: ring[time.Duration]{most: lastDurations}}
}

func (d *durations) push(v time.Duration) {
	d.ring.push(v)
	d.total++
	d.stale = true
}

// percentiles are by nearest rank, computed anew only when something was measured since.
func (d *durations) percentiles() (p50, p95 time.Duration) {
	if d.stale {
		sorted := slices.Sorted(slices.Values(d.ring.vals))
		d.p50, d.p95, d.stale = nearestRank(sorted, 50), nearestRank(sorted, 95), false
	}
	return d.p50, d.p95
}

// nearestRank is the smallest value that at least percent of all do not exceed.
func nearestRank(sorted []time.Duration, percent int) time.Duration {
	n := len(sorted)
	return sorted[max(1, (n*percent+99)/100)-1]
}

// memory is a set that forgets what it has known longest.
type memory struct {
	known map[string]struct{}
	order ring[string]
}

func newMemory(most int) *memory {
	return &memory{known: map[string]struct{}{}, order: ring[string]{most: 2 * most}} // done and tried are apart
}

// add reports whether the key is new.
func (m *memory) add(key string) bool {
	if _, is := m.known[key]; is {
		return false
	}
	if m.order.len() == m.order.most {
		delete(m.known, m.order.oldest())
	}
	m.order.push(key)
	m.known[key] = struct{}{}
	return true
}
