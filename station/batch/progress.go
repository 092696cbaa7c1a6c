// Package batch reads the list of devices that a batch expects, and follows a batch by the station's events: what is
// done, what is missing, how fast it goes, what fails and where. It is pure: no clock, no I/O.
package batch

import (
	"time"

	"provstation/station"
)

// Progress follows the events of one station. Each event costs the same however long the batch is. It is owned by one
// goroutine.
type Progress struct{}

// NewProgress follows from nothing.
func NewProgress() *Progress { return &Progress{} }

// Apply takes one event in.
func (p *Progress) Apply(e station.Event) {}

// Snapshot is how it stands at a time.
type Snapshot struct {
	Batch    string // empty: no batch is open; then the figures are of all runs since the station started
	State    station.BatchState
	OpenedAt time.Time
	Elapsed  time.Duration // since OpenedAt, pauses included

	Expected int // of the list; 0 without a batch
	Done     int // devices whose run ended PASS or SKIPPED, each once
	Missing  int // expected and not done
	Doubled  int // runs of devices that were done already
	Runs     int // runs that ended
	Failed   int // runs that did not end well

	FirstTried     int     // devices that had a first run
	FirstPassed    int     // of these, PASS at the first run
	FirstPassYield float64 // FirstPassed / FirstTried; 0 where FirstTried is 0
	UnitsPerHour   float64 // over the last units, pauses left out; 0: not known yet
	Takt           time.Duration // from one good end to the next, median of the last units; 0: not known yet
	Remaining      time.Duration // until the last missing device, at this pace; 0: not known

	Phases []PhaseTime // in the order of a run; only those that were measured
	Codes  []CodeCount // most frequent first
	Slots  []SlotCount // most failures first
	Last   []string    // device ids still missing, in the list's order; at most 64
}

// PhaseTime is how long a phase takes.
type PhaseTime struct {
	Phase    station.Phase
	N        int // measured; the percentiles are of the last 512
	P50, P95 time.Duration
}

// CodeCount is how often a failure happened.
type CodeCount struct {
	Code       station.Code
	N          int
	Share      float64 // of all failures
	Cumulative float64 // share of this and the more frequent ones
}

// SlotCount is how a slot does against the others.
type SlotCount struct {
	Slot    string
	Runs    int
	Failed  int
	Ratio   float64 // its failure rate over that of all other slots; 0: not to be said
	Suspect bool    // the difference is too large for chance: its cable, hub port or fixture
}

// Snapshot gives the figures at a time.
func (p *Progress) Snapshot(now time.Time) Snapshot { return Snapshot{} }
