package batch

import (
	"slices"
	"time"

	"provstation/station"
)

// StateChange is one change of a batch's state, from its history.
type StateChange struct {
	State  station.BatchState
	By     string
	Code   station.Code
	Reason string
	At     time.Time
}

// RunResult is a run of a batch, from the records.
type RunResult struct {
	End       station.RunEnded // Params, Message and Hint are not used; Batch is taken to be the batch's
	StartedAt time.Time
	EndedAt   time.Time          // zero: it has not ended, and is left out
	Phases    []station.PhaseEnd // may be empty: then the percentiles leave the run out
}

// Replay makes the report of a batch from the records: the batch with its list, the history of its states, and its runs in
// any order. What the runs show counts first, then the list's Done flags. A closed batch is told as it stood when it was
// closed.
func Replay(b station.BatchRecord, changes []StateChange, runs []RunResult, now time.Time) Report {
	if b.State == station.BatchClosed && !b.ClosedAt.IsZero() {
		now = b.ClosedAt
	}
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(x, y StateChange) int { return x.At.Compare(y.At) })
	first := StateChange{State: station.BatchOpen, By: b.OpenedBy, At: b.OpenedAt}
	if len(changes) > 0 && changes[0].State == station.BatchOpen {
		first, changes = changes[0], changes[1:]
	}
	flags := make([]bool, len(b.Devices))
	devices := slices.Clone(b.Devices)
	for i := range devices {
		flags[i], devices[i].Done = devices[i].Done, false
	}
	p := NewProgress()
	p.changed(station.BatchChanged{
		Batch: b.Batch, State: station.BatchOpen, By: first.By, OpenedAt: first.At, Devices: devices,
	}, first.At)
	for _, e := range history(b.Batch, first.At, changes, runs) {
		p.Apply(e)
	}
	list := p.batch.list
	for i, done := range flags[:len(list.rows)] {
		if r := &list.rows[i]; done && !r.Done {
			list.complete(r)
		}
	}
	p.batch.head.State, p.batch.head.Code, p.batch.head.Reason = b.State, b.Code, b.Reason
	r := p.Report(now)
	r.Tenant, r.Station, r.ClosedAt = b.Tenant, b.Station, b.ClosedAt
	if n := len(changes); n > 0 && b.State == station.BatchClosed && changes[n-1].State == station.BatchClosed {
		r.ClosedBy = changes[n-1].By
	}
	return r
}

// history is what happened after the opening, in its order. A batch that was closed and opened again stood still meanwhile.
func history(name string, opened time.Time, changes []StateChange, runs []RunResult) []station.Event {
	var events []station.Event
	add := func(at time.Time, b station.Body) { events = append(events, station.Event{Time: at, Body: b}) }
	for _, c := range changes {
		s := c.State
		if s == station.BatchClosed {
			s = station.BatchPaused
		}
		add(c.At, station.BatchChanged{Batch: name, State: s, By: c.By, Code: c.Code, Reason: c.Reason, OpenedAt: opened})
	}
	for _, r := range runs {
		if r.EndedAt.IsZero() {
			continue
		}
		end := r.End
		end.Batch = name
		add(r.StartedAt, station.RunStarted{Run: end.Run, Attempt: end.Attempt, Slot: end.Slot, Port: end.Port, Batch: name})
		for _, ph := range r.Phases {
			add(ph.EndedAt, station.PhaseChanged{
				Run: end.Run, Slot: end.Slot, Phase: ph.Phase, Status: ph.Status, ElapsedMS: ph.EndedAt.Sub(ph.StartedAt).Milliseconds(),
			})
		}
		add(r.EndedAt, end)
	}
	slices.SortStableFunc(events, func(x, y station.Event) int { return x.Time.Compare(y.Time) })
	return events
}
