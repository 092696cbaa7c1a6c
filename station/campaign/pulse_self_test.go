package campaign_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// Patience ends when nothing moves on, and after its bound whatever moves; time in which the process did not run is none.
func TestPatience(t *testing.T) {
	for _, row := range []struct {
		name  string
		moves int // every n-th beat is progress; 0: none is
		want  time.Duration
	}{
		{"nothing moves", 0, quiet},
		{"progress all the time", 10, most},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := &pulse{next: make(chan struct{})}
			w, progress := p.patience(), int64(0)
			for n := 1; !w.over(progress); n++ {
				p.beat(time.Hour) // however long it took
				if row.moves > 0 && n%row.moves == 0 {
					progress++
				}
			}
			if got := p.now(); got < row.want || got > row.want+2*beat {
				t.Errorf("given up after %v, want %v", got, row.want)
			}
		})
	}
}

// The pulse beats with time, and tells a machine that is late from one that is not.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPulse(t.Context())
		<-time.After(10*beat + beat/2) // virtual
		synctest.Wait()
		if got := p.now(); got != 10*beat || p.busy() {
			t.Errorf("got %v, busy %v, want %v and time to spare", got, p.busy(), 10*beat)
		}
	})
	p := &pulse{next: make(chan struct{})}
	for range 30 {
		p.beat(2 * tooLate)
	}
	if !p.busy() {
		t.Errorf("got a lag of %d µs, want a busy machine", p.lag.Load())
	}
	for range 30 {
		p.beat(0)
	}
	if p.busy() {
		t.Errorf("got a lag of %d µs, want time to spare again", p.lag.Load())
	}
}
