package batch

import "time"

// idleGap is how long no run may be in flight before that time counts as a pause that nobody declared.
const idleGap = 10 * time.Minute

// workClock tells the time that was worked: pauses, holds and long idle times stand still on it. It never goes back.
type workClock struct {
	base    time.Time // of the first event
	last    time.Time // a run's newest end
	paused  time.Time // since when; zero: work goes on
	lost    time.Duration
	highest time.Duration
}

// at is the time worked until t.
func (w *workClock) at(t time.Time) time.Duration {
	if w.base.IsZero() {
		w.base = t
	}
	if !w.paused.IsZero() && t.After(w.paused) {
		t = w.paused
	}
	w.highest = max(w.highest, t.Sub(w.base)-w.lost)
	return w.highest
}

func (w *workClock) pause(t time.Time) {
	w.at(t)
	if w.paused.IsZero() {
		w.paused = t
	}
}

func (w *workClock) resume(t time.Time) {
	if w.paused.IsZero() {
		return
	}
	w.lost += max(0, t.Sub(w.paused))
	w.paused = time.Time{}
	w.last = t // the pause is left out already
}

// seen notes the end of a run.
func (w *workClock) seen(t time.Time) { w.last = t }

// wake leaves out an idle time that ends now; no run is in flight.
func (w *workClock) wake(t time.Time) {
	if w.last.IsZero() || !w.paused.IsZero() {
		return
	}
	if gap := t.Sub(w.last); gap > idleGap {
		w.lost += gap
		w.last = t
	}
}
