package prototest

import (
	"container/heap"
	"slices"
	"sync"
	"time"
)

// Pacer calls functions at absolute times, in order of time, from one goroutine that exists only while something is
// due. Share one among all lines of a program: one timer for 128 lines costs a fifth of a core, a timer per line makes
// them late. The zero value is ready.
type Pacer struct {
	mu      sync.Mutex
	queue   dueQueue
	seq     uint64
	running bool
	kick    chan struct{}
	exact   bool
}

// exactBelow is how long an exact Pacer sleeps with nobody to wake it: a piece of bytes at 115200 baud.
const exactBelow = 1500 * time.Microsecond

// NewPacer returns an idle Pacer.
func NewPacer() *Pacer { return &Pacer{} }

// NewExactPacer returns an idle Pacer for measurements: it is punctual to a tenth of a millisecond, where the runtime's timers are
// so to one, at the cost of a thread. It does not work inside a testing/synctest bubble.
func NewExactPacer() *Pacer { return &Pacer{exact: true} }

type due struct {
	at  time.Time
	seq uint64 // keeps the order of what is due at the same time
	own *lane
	fn  func(now time.Time)
}

// at runs fn for own once t has come. fn must not block.
func (p *Pacer) at(t time.Time, own *lane, fn func(now time.Time)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	heap.Push(&p.queue, due{t, p.seq, own, fn})
	if !p.running {
		p.running = true
		p.kick = make(chan struct{}, 1)
		go p.run(p.kick)
		return
	}
	if p.queue[0].seq == p.seq {
		p.wake()
	}
}

// forget drops what is due for own, so that a line that ended keeps nothing running.
func (p *Pacer) forget(own *lane) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = slices.DeleteFunc(p.queue, func(d due) bool { return d.own == own })
	heap.Init(&p.queue)
	if p.running {
		p.wake()
	}
}

// wake makes the goroutine look at the queue again. p.mu is held.
func (p *Pacer) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

func (p *Pacer) run(kick <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		now := time.Now()
		p.mu.Lock()
		for len(p.queue) > 0 && !p.queue[0].at.After(now) {
			d, _ := heap.Pop(&p.queue).(due)
			p.mu.Unlock()
			d.fn(now)
			p.mu.Lock()
		}
		if len(p.queue) == 0 {
			p.running = false
			p.mu.Unlock()
			return
		}
		wait := p.queue[0].at.Sub(now)
		p.mu.Unlock()
		if p.exact && wait < exactBelow {
			exactly(wait)
			continue
		}
		if p.exact {
			wait -= exactBelow
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-kick:
		}
	}
}

type dueQueue []due

func (q dueQueue) Len() int      { return len(q) }
func (q dueQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q dueQueue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}

// Push implements heap.Interface.
func (q *dueQueue) Push(x any) {
	if d, ok := x.(due); ok {
		*q = append(*q, d)
	}
}

// Pop implements heap.Interface.
func (q *dueQueue) Pop() any {
	old := *q
	d := old[len(old)-1]
	old[len(old)-1] = due{}
	*q = old[:len(old)-1]
	return d
}
