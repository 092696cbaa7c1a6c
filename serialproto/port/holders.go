package port

import (
	"sync"
	"time"
)

// Holders knows which processes have ports open, for all ports that are opened with it in [Config]. To find out means to look
// at every descriptor of every process: with Holders that is done once every two seconds at most, however many ports
// are busy and tried again. The zero value is ready; all methods may be called from several goroutines.
type Holders struct {
	mu    sync.Mutex
	at    time.Time // when it was looked
	known map[deviceKey]Process
}

// holdersAge is how long an answer counts. A program that opens a port in that time is not named before the next look.
const holdersAge = 2 * time.Second

// find gives the process that has the port open; without Holders it is looked for at once.
func (h *Holders) find(path string) (Process, bool) {
	if h == nil {
		pid, name, ok := Holder(path)
		return Process{PID: pid, Name: name}, ok
	}
	key, ok := keyOf(path)
	if !ok {
		return Process{}, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.known == nil || time.Since(h.at) > holdersAge {
		h.at, h.known = time.Now(), allHolders()
	}
	p, ok := h.known[key]
	return p, ok
}
