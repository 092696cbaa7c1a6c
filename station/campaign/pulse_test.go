package campaign_test

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// pulse is the campaign's clock for patience. It beats only while this process gets to run: on a machine that stands still, or
// has others to serve, it goes slower than the wall's, so that load alone never makes anybody give up. Faults keep real time.
type pulse struct {
	beats   atomic.Int64
	lag     atomic.Int64 // how late the beats are, smoothed, in microseconds
	hitches atomic.Int64 // beats that came so late that whoever waited for an answer may have given up

	mu   sync.Mutex
	next chan struct{} // closed with one of the next beats
}

const (
	beat    = 20 * time.Millisecond
	tooLate = 80 * time.Millisecond // beats so late mean a machine that is busier than it should be
	hitch   = 150 * time.Millisecond
	wake    = 20 // beats
)

// newPulse starts it; it ends with ctx.
func newPulse(ctx context.Context) *pulse {
	p := &pulse{next: make(chan struct{})}
	go func() {
		due := time.NewTimer(beat)
		defer due.Stop()
		for {
			began := time.Now()
			due.Reset(beat)
			select {
			case <-ctx.Done():
				return
			case <-due.C:
			}
			p.beat(time.Since(began) - beat)
		}
	}()
	return p
}

// beat counts one beat that was so late.
func (p *pulse) beat(late time.Duration) {
	micros := max(0, late.Microseconds())
	p.lag.Store((7*p.lag.Load() + micros) / 8)
	if late > hitch {
		p.hitches.Add(1)
	}
	if p.beats.Add(1)%wake != 0 {
		return
	}
	p.mu.Lock()
	close(p.next)
	p.next = make(chan struct{})
	p.mu.Unlock()
}

// now is how much time there was for this process.
func (p *pulse) now() time.Duration { return time.Duration(p.beats.Load()) * beat }

// busy reports whether the machine has more to do than it can.
func (p *pulse) busy() bool { return time.Duration(p.lag.Load())*time.Microsecond > tooLate }

// ticked is closed in a while: whoever waits for patience to end looks again.
func (p *pulse) ticked() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.next
}

// calm waits until the machine has time, for most at the longest: somebody else may keep it busy for good.
func (p *pulse) calm(ctx context.Context, most time.Duration) {
	for until := p.now() + most; p.busy() && p.now() < until; {
		select {
		case <-ctx.Done():
			return
		case <-p.ticked():
		}
	}
}

// How long somebody waits for a run, in the pulse's time.
const (
	quiet = time.Minute      // without a sign of progress. A device that was left behind announces itself after ten seconds
	most  = 10 * time.Minute // whatever it does
)

// wait is somebody's patience with one run: it is over when nothing has moved on for as long as quiet, or after most.
type wait struct {
	p           *pulse
	began, last time.Duration
	moved       int64
}

func (p *pulse) patience() *wait { return &wait{p: p, began: p.now(), last: p.now()} }

// over is asked with every beat, with a number that grows with all progress.
func (w *wait) over(progress int64) bool {
	now := w.p.now()
	if progress != w.moved {
		w.moved, w.last = progress, now
	}
	return now-w.last > quiet || now-w.began > most
}
