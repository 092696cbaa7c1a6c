package prototest

import (
	"io"
	"os"
	"sync"
	"time"
)

// Sizes, in bytes.
const (
	piece         = 16   // the most that moves at once, as from a UART's FIFO
	defaultBuffer = 4096 // what an operating system queues in each direction
	bits          = 10   // of one byte on the line: 8N1
)

// gate is one deadline: a channel that closes when it has passed.
type gate struct {
	timer *time.Timer
	c     chan struct{}
}

func (g *gate) set(t time.Time) {
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
	g.c = make(chan struct{})
	if t.IsZero() {
		return
	}
	d := time.Until(t)
	if d <= 0 {
		close(g.c)
		return
	}
	c := g.c
	g.timer = time.AfterFunc(d, func() { close(c) })
}

// lane is one direction of a line: writer -> queue -> (paced) -> faults -> arrived -> reader.
type lane struct {
	cfg   Line
	baud  int
	size  int
	pacer *Pacer

	mu      sync.Mutex
	queue   []byte // written, not yet on the line
	arrived []byte
	flying  int       // bytes that left the queue and have not arrived (latency)
	next    time.Time // when the line is free
	moving  bool      // a pacer entry is due
	held    bool      // stalled
	err     error     // reader and writer see it once the bytes are read
	changed chan struct{}
	rd, wr  gate
	noise   noise
	rewrite rewriter
	waiting int
}

func newLane(cfg Line, c Config, p *Pacer) *lane {
	l := &lane{cfg: cfg, baud: c.Baud, size: c.Buffer, pacer: p, changed: make(chan struct{})}
	l.rd.set(time.Time{})
	l.wr.set(time.Time{})
	l.noise.init(cfg.Faults)
	l.rewrite.fn = cfg.Rewrite
	return l
}

// broadcast wakes everybody who waits on the lane. l.mu is held.
func (l *lane) broadcast() {
	if l.waiting > 0 {
		close(l.changed)
		l.changed = make(chan struct{})
		l.waiting = 0
	}
}

// wait blocks until the lane changes or g passes. l.mu is held on entry and on return.
func (l *lane) wait(g *gate) error {
	changed, passed := l.changed, g.c
	l.waiting++
	l.mu.Unlock()
	defer l.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-passed:
		return os.ErrDeadlineExceeded
	}
}

func expired(g *gate) bool {
	select {
	case <-g.c:
		return true
	default:
		return false
	}
}

func (l *lane) read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if expired(&l.rd) {
			return 0, os.ErrDeadlineExceeded
		}
		if len(p) == 0 {
			return 0, nil
		}
		if len(l.arrived) > 0 {
			n := copy(p, l.arrived)
			l.arrived = l.arrived[n:]
			if len(l.arrived) == 0 {
				l.arrived = nil
			}
			l.move(time.Now())
			l.broadcast()
			return n, nil
		}
		if l.err != nil {
			return 0, l.err
		}
		if err := l.wait(&l.rd); err != nil {
			return 0, err
		}
	}
}

func (l *lane) write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if expired(&l.wr) {
		return 0, os.ErrDeadlineExceeded
	}
	if l.err != nil {
		return 0, l.err
	}
	total := len(p)
	p = l.rewrite.apply(p)
	for len(p) > 0 {
		if l.err != nil {
			return 0, l.err
		}
		if room := l.size - len(l.queue); room > 0 {
			n := min(room, len(p))
			l.queue = append(l.queue, p[:n]...)
			p = p[n:]
			l.move(time.Now())
			continue
		}
		if err := l.wait(&l.wr); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// inject puts bytes straight into the reader's buffer, as if the far end's hardware had said them.
func (l *lane) inject(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived = append(l.arrived, p...)
	l.broadcast()
}

// move gets the queue going. l.mu is held.
func (l *lane) move(now time.Time) {
	if l.held || l.err != nil || len(l.queue) == 0 || l.moving || len(l.arrived)+l.flying >= l.size {
		return
	}
	if l.baud <= 0 {
		for len(l.queue) > 0 && len(l.arrived)+l.flying < l.size {
			l.depart(l.take(min(len(l.queue), l.size-len(l.arrived)-l.flying)), now)
		}
		return
	}
	// An absolute schedule: late pieces catch up, idle time is not made up for.
	if l.next.Before(now) {
		l.next = now
	}
	l.schedule()
}

// schedule arranges for the next piece to leave. l.mu is held.
func (l *lane) schedule() {
	n := min(piece, len(l.queue))
	l.next = l.next.Add(l.lasts(n))
	l.moving = true
	l.pacer.at(l.next, l, func(now time.Time) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.moving = false
		if l.held {
			return
		}
		n := min(n, len(l.queue))
		// Whoever is late moves everything that is due at once, or a busy machine would fall behind for good.
		for more := min(piece, len(l.queue)-n); more > 0 && !l.next.Add(l.lasts(more)).After(now); more = min(piece, len(l.queue)-n) {
			l.next = l.next.Add(l.lasts(more))
			n += more
		}
		l.depart(l.take(n), now)
		if len(l.queue) > 0 && len(l.arrived)+l.flying < l.size {
			l.schedule()
		}
	})
}

// lasts is how long n bytes are on the line.
func (l *lane) lasts(n int) time.Duration {
	return time.Duration(n) * bits * time.Second / time.Duration(l.baud)
}

// take removes n bytes from the queue. l.mu is held.
func (l *lane) take(n int) []byte {
	p := append([]byte(nil), l.queue[:n]...)
	l.queue = l.queue[n:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	l.broadcast()
	return p
}

// depart puts bytes on their way to the reader. l.mu is held.
func (l *lane) depart(p []byte, now time.Time) {
	p = l.noise.apply(p)
	if l.cfg.Latency <= 0 {
		l.arrived = append(l.arrived, p...)
		l.broadcast()
		return
	}
	l.flying += len(p)
	l.pacer.at(now.Add(l.cfg.Latency), l, func(time.Time) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.flying -= len(p)
		l.arrived = append(l.arrived, p...)
		l.broadcast()
	})
}

// hold stops or restarts the line; what is written meanwhile queues up.
func (l *lane) hold(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = on
	if !on {
		l.move(time.Now())
	}
	l.broadcast()
}

// end makes both sides fail with err. Bytes that have arrived can still be read unless discard is set.
func (l *lane) end(err error, discard bool) {
	if err == nil {
		err = io.EOF
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	l.queue = nil
	if discard {
		l.arrived = nil
	}
	l.rd.stop()
	l.wr.stop()
	l.moving, l.flying = false, 0
	l.pacer.forget(l) // what was still under way is lost, as with a line that is pulled out
	l.broadcast()
}

// stop ends the gate's timer so that nothing outlives a closed line.
func (g *gate) stop() {
	if g.timer != nil {
		g.timer.Stop()
	}
}

func (l *lane) setGate(g *gate, t time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g.set(t)
	l.broadcast() // whoever waits looks at the new gate
}
