package station

import "sync"

// teller tells a run's events in their order, none before what it tells of is durable, while the run goes on.
type teller struct {
	hub  *hub
	in   chan told
	over chan struct{} // closed when the last event was told

	mu   sync.Mutex
	lost error
}

// told is an event. saved, if not nil, waits for the record that it tells of; unsaved is told where that failed.
type told struct {
	body, unsaved Body
	saved         func() error
	last          bool // there is nothing to tell, and nothing comes after
}

// tellAhead is how many events may wait for their records before the run does.
const tellAhead = 64

func newTeller(h *hub) *teller {
	t := &teller{hub: h, in: make(chan told, tellAhead), over: make(chan struct{})}
	go t.work()
	return t
}

func (t *teller) work() {
	defer close(t.over)
	for e := range t.in {
		if e.last {
			return
		}
		if e.saved != nil {
			if err := e.saved(); err != nil {
				t.mu.Lock()
				if t.lost == nil {
					t.lost = err
				}
				t.mu.Unlock()
				e.body = e.unsaved
			}
		}
		t.hub.emit(e.body)
	}
}

// tell tells of what is durable already, or need not be.
func (t *teller) tell(b Body) { t.take(told{body: b}) }

// tellSaved tells of what is being made durable, or in its place that it could not be.
func (t *teller) tellSaved(saved func() error, body, unsaved Body) {
	t.take(told{body: body, saved: saved, unsaved: unsaved})
}

// take takes an event, in its turn. What comes after the end is nobody's: a check that outlives its run may say a last step.
func (t *teller) take(e told) {
	select {
	case t.in <- e:
	case <-t.over:
	}
}

// failed is the first record that could not be saved, as far as that is known.
func (t *teller) failed() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.lost
}

// close returns when everything was told.
func (t *teller) close() {
	t.take(told{last: true})
	<-t.over
}
