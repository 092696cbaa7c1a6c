package device

import (
	"time"

	"provstation/station"
)

var (
	_ station.Dozer  = (*line)(nil)
	_ station.Holder = (*line)(nil)
)

// Hold has the ends of requests wait, see Hold of link.Host.
func (l *line) Hold(ready func() error) { l.host.Hold(ready) }

// Doze has the port read no more often than that, where it can. A device that is asked for its announcements answers at
// once, and says nothing else: its line has nothing to doze through.
func (l *line) Doze(every time.Duration) {
	if d, ok := l.port.(station.Dozer); ok && !l.probe {
		d.Doze(every)
	}
}
