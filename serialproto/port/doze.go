package port

import "time"

// Doze sets the least time between two reads of the system; 0, as at the start: read as bytes come. What comes meanwhile
// waits in the driver, which drops what is more than it can hold (4 kB on Linux): Doze is for lines on which a device only
// repeats itself. On Linux what comes to a serial port of this machine wakes up nobody until then, and a port that goes away
// is noticed at once all the same; elsewhere, and with a serial server, that much later.
//
// All ports that doze for the same time are read at the same moments, so that one wake-up serves them all. Doze may be
// called at any time by any goroutine; 0 ends a wait.
func (p *Port) Doze(every time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doze != every {
		p.doze = every
		select {
		case p.dozes <- struct{}{}:
		default:
		}
	}
}

// husher is a line that can leave what comes where it is.
type husher interface {
	// hush has what comes wake nobody up until a Read finds nothing there. The
	// channel is closed once the other end has hung up. Only the reader calls it.
	hush() (hungUp <-chan struct{})
}

// nap waits until the next moment to read, if the port dozes, or until the line has hung up.
func (p *Port) nap() {
	for {
		p.mu.Lock()
		every := p.doze
		p.mu.Unlock()
		if every <= 0 {
			return
		}
		var hungUp <-chan struct{}
		if h, ok := p.line.(husher); ok {
			hungUp = h.hush()
		}
		t := time.NewTimer(every - time.Duration(time.Now().UnixNano()%int64(every)))
		select {
		case <-t.C:
			return
		case <-p.dozes:
			t.Stop()
		case <-hungUp:
			t.Stop()
			return
		case <-p.down:
			t.Stop()
			return
		}
	}
}
