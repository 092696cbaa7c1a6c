package station

import (
	"sync"
	"time"
)

// hub numbers events and hands them to every subscriber in the same order. It never blocks a run: each subscriber has a
// queue of its own, drained by its own goroutine.
type hub struct {
	mu     sync.Mutex
	now    func() time.Time
	seq    uint64
	subs   []*subscriber
	closed bool
}

type subscriber struct {
	out   chan Event
	wake  chan struct{}
	mu    sync.Mutex
	queue []Event
	ended bool
}

func newHub(now func() time.Time) *hub { return &hub{now: now} }

func (h *hub) emit(body Body) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.seq++
	e := Event{Seq: h.seq, Time: h.now().UTC(), Body: body}
	for _, s := range h.subs {
		s.push(e)
	}
}

func (h *hub) subscribe() <-chan Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &subscriber{out: make(chan Event, 64), wake: make(chan struct{}, 1), ended: h.closed}
	h.subs = append(h.subs, s)
	go s.pump()
	return s.out
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	for _, s := range h.subs {
		s.end()
	}
}

func (s *subscriber) push(e Event) {
	s.mu.Lock()
	s.queue = append(s.queue, e)
	s.mu.Unlock()
	s.signal()
}

func (s *subscriber) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.signal()
}

func (s *subscriber) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *subscriber) pump() {
	defer close(s.out)
	for {
		s.mu.Lock()
		batch, ended := s.queue, s.ended
		s.queue = nil
		s.mu.Unlock()
		for _, e := range batch {
			s.out <- e
		}
		if len(batch) > 0 {
			continue
		}
		if ended {
			return
		}
		<-s.wake
	}
}
