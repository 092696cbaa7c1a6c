package port

import "time"

// Doze sets the least time between two reads of the system; 0, as at the start: read as bytes come. What comes meanwhile
// waits in the driver, which drops what is more than it can hold (4 kB on Linux): Doze is for lines on which a device only
// repeats itself. A port that goes away is noticed that much later, too.
//
// All ports that doze for the same time are read at the same moments, so that one wake-up serves them all. Doze may be
// called at any time by any goroutine; 0 ends a wait.
func (p *Port) Doze(every time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doze != every {
		p.doze = every
		p.broadcast()
	}
}

// nap waits until the next moment to read, if the port dozes.
func (p *Port) nap() {
	for {
		p.mu.Lock()
		every, changed, down := p.doze, p.changed, p.fail != nil
		p.mu.Unlock()
		if every <= 0 || down {
			return
		}
		t := time.NewTimer(every - time.Duration(time.Now().UnixNano()%int64(every)))
		select {
		case <-t.C:
			return
		case <-changed:
			t.Stop()
		}
	}
}
