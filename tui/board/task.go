package board

import (
	"slices"
	"time"

	"provstation/station"
)

// task is what a run is for, where it is one of the tasks that a person can ask for.
func task(t station.Task) station.Task {
	if slices.Contains(station.Tasks(), t) {
		return t
	}
	return station.TaskProvision
}

// NotAfter is when the certificate ends that the device had at the end of the run, or has by now; zero: it is not known.
func (s *Slot) NotAfter() time.Time {
	if at, err := time.Parse(time.RFC3339, s.Facts[station.FactNotAfter]); err == nil {
		return at
	}
	return s.End.NotAfter
}

// Expired reports whether that certificate has ended.
func (s *Slot) Expired(now time.Time) bool {
	if s.State == Ended && s.End.Code == station.CodeCertExpired {
		return true
	}
	at := s.NotAfter()
	return !at.IsZero() && !at.After(now)
}

// Askable reports whether the device that is there is one that can be asked for a [station.Task].
func (s *Slot) Askable() bool {
	return s.State == Ended && s.Plugged() && station.Askable(s.Task, s.End.Outcome, s.End.Code)
}

// Renewable reports whether the device is one of those that are renewed when all are, see [station.Bench.AskAll].
func (s *Slot) Renewable() bool {
	return s.State == Ended && s.Plugged() && station.Finished(s.End.Outcome, s.End.Code) && s.End.Code != station.CodeCertExpired
}
