// Package batch reads the list of devices that a batch expects, and follows a batch by the station's events: what is
// done, what is missing, how fast it goes, what fails and where. It is pure: no clock, no I/O.
package batch

import (
	"time"

	"provstation/station"
)

// Progress follows the events of one station. Each event costs the same however long the batch is, but the one that
// brings its list. What it keeps is bounded whatever arrives. It is owned by one goroutine.
type Progress struct {
	work  workClock
	slots map[string]flight // runs in flight by slot

	all   *figures // of every run since the station started
	batch *opened  // nil: none is open
	last  *Report  // of the batch that was closed last
}

// opened is the batch that is open.
type opened struct {
	head station.BatchChanged // newest; without its devices
	by   string               // who opened it
	list *expected
	fig  *figures
}

// flight is a run that has begun and not ended.
type flight struct{ run, batch string }

// Bounds of what is kept.
const (
	maxSlots  = 1024
	maxCodes  = 256
	maxSeen   = 20_000 // devices remembered outside a list; then the oldest is forgotten
	maxKey    = 256    // bytes of a name that is kept
	maxListed = 64     // of Snapshot.Last
)

// NewProgress follows from nothing.
func NewProgress() *Progress {
	return &Progress{slots: map[string]flight{}, all: newFigures()}
}

// Apply takes one event in. Runs of another batch than the open one do not count for it.
func (p *Progress) Apply(e station.Event) {
	switch b := e.Body.(type) {
	case station.BatchChanged:
		p.changed(b, e.Time)
	case station.RunStarted:
		p.started(b, e.Time)
	case station.PhaseChanged:
		if b.Status != station.PhaseDone {
			return
		}
		d := time.Duration(b.ElapsedMS) * time.Millisecond
		p.all.phase(b.Phase, d)
		if f, known := p.slots[b.Slot]; p.batch != nil && (!known || f.run != b.Run || f.batch == p.batch.head.Batch) {
			p.batch.fig.phase(b.Phase, d)
		}
	case station.RunEnded:
		p.ended(b, e.Time)
	}
}

func (p *Progress) changed(b station.BatchChanged, at time.Time) {
	devices := b.Devices
	b.Devices = nil
	switch {
	case b.State == station.BatchClosed:
		if p.batch != nil && p.batch.head.Batch == b.Batch {
			p.batch.head.State, p.batch.head.Code, p.batch.head.Reason = b.State, b.Code, b.Reason
			r := p.Report(at)
			r.ClosedAt, r.ClosedBy = at, b.By
			p.last, p.batch = &r, nil
		}
		p.work.resume(at)
		return
	case p.batch == nil || p.batch.head.Batch != b.Batch || len(devices) > 0:
		p.batch = &opened{by: b.By, list: newExpected(devices), fig: newFigures()}
		p.work.resume(at)
	}
	p.batch.head = b
	if b.State == station.BatchOpen {
		p.work.resume(at)
	} else {
		p.work.pause(at)
	}
}

func (p *Progress) started(b station.RunStarted, at time.Time) {
	if len(p.slots) == 0 {
		p.work.wake(at)
	}
	if _, known := p.slots[b.Slot]; (known || len(p.slots) < maxSlots) && len(b.Slot) <= maxKey {
		p.slots[b.Slot] = flight{b.Run, b.Batch}
	}
	t := p.work.at(at)
	p.all.begin(t)
	if p.batch != nil && p.batch.head.Batch == b.Batch {
		p.batch.fig.begin(t)
	}
}

func (p *Progress) ended(b station.RunEnded, at time.Time) {
	delete(p.slots, b.Slot)
	p.work.seen(at)
	t := p.work.at(at)
	began := max(0, t-time.Duration(max(0, b.ElapsedMS))*time.Millisecond)
	p.all.begin(began)
	p.all.end(b, at, t, nil)
	if p.batch != nil && p.batch.head.Batch == b.Batch {
		p.batch.fig.begin(began)
		list := p.batch.list
		if len(list.rows) == 0 {
			list = nil // who came too late for it has the pace, still
		}
		p.batch.fig.end(b, at, t, list)
	}
}

// Snapshot is how it stands at a time.
type Snapshot struct {
	Batch    string // empty: no batch is open; then the figures are of all runs since the station started
	State    station.BatchState
	OpenedAt time.Time
	Elapsed  time.Duration // since OpenedAt, pauses included

	Expected int // of the list; 0 without a batch
	Done     int // devices whose run ended PASS or SKIPPED, each once
	Missing  int // expected and not done
	Doubled  int // runs that ended well of devices that were done already
	Runs     int // runs that ended
	Failed   int // runs that did not end well

	// A first run is the first one that ended PASS or badly: SKIPPED and ABORTED tried nothing.
	FirstTried     int     // devices that had a first run
	FirstPassed    int     // of these, PASS at the first run
	FirstPassYield float64 // FirstPassed / FirstTried; 0 where FirstTried is 0

	// The pace is of the last 64 devices that were done. Pauses, holds, and times of over ten minutes without any run are
	// left out. Takt is the mean: where several slots end together the median is next to nothing.
	UnitsPerHour float64       // 0: not known yet
	Takt         time.Duration // from one good end to the next; 0: not known yet
	Remaining    time.Duration // until the last missing device, at this pace; 0: not known

	Phases []PhaseTime // in the order of a run; only those that were measured
	Codes  []CodeCount // most frequent first
	Slots  []SlotCount // most failures first
	Last   []string    // device ids still missing, in the list's order; at most 64
}

// PhaseTime is how long a phase takes.
type PhaseTime struct {
	Phase    station.Phase
	N        int           // measured; the percentiles are of the last 512
	P50, P95 time.Duration // nearest rank: durations that were measured
}

// CodeCount is how often a failure happened.
type CodeCount struct {
	Code       station.Code
	N          int
	Share      float64 // of all failures
	Cumulative float64 // share of this and the more frequent ones
}

// SlotCount is how a slot does against the others. Runs whose failure has nothing to do with the place (bridge, broker,
// certificate authority, ledger, a person) are not in it: one dead minute of the bridge would accuse every slot that
// happened to be busy.
type SlotCount struct {
	Slot    string
	Runs    int
	Failed  int
	Ratio   float64 // its failure rate over that of all other slots; 0: not to be said
	Suspect bool    // the difference is too large for chance: its cable, hub port or fixture
}

// Snapshot gives the figures at a time. Its cost does not depend on the length of the list. The slices are the caller's.
func (p *Progress) Snapshot(now time.Time) Snapshot {
	if p.batch == nil {
		s := p.all.snapshot()
		s.Done = p.all.done
		return s
	}
	b := p.batch
	s := b.fig.snapshot()
	s.Batch, s.State, s.OpenedAt = b.head.Batch, b.head.State, b.head.OpenedAt
	if !s.OpenedAt.IsZero() {
		s.Elapsed = max(0, now.Sub(s.OpenedAt))
	}
	s.Expected, s.Done = len(b.list.rows), b.list.done
	if len(b.list.rows) == 0 { // who came too late for the list has only what the event says
		s.Expected = max(0, b.head.Expected)
		s.Done = min(max(0, b.head.Done), s.Expected)
	}
	s.Missing = s.Expected - s.Done
	s.Remaining = remaining(s.Missing, s.Takt)
	s.Last = b.list.missing(maxListed)
	return s
}

// remaining is how long so many devices take; it does not overflow.
func remaining(missing int, takt time.Duration) time.Duration {
	const most = 10 * 365 * 24 * time.Hour
	if missing > 0 && takt > most/time.Duration(missing) {
		return most
	}
	return time.Duration(missing) * takt
}

// Closed is the report of the batch that was closed last, as it stood then.
func (p *Progress) Closed() (Report, bool) {
	if p.last == nil {
		return Report{}, false
	}
	return *p.last, true
}
