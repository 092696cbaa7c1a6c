package prototest

import (
	"syscall"
	"time"
)

// exactly sleeps for so long, to some fifty microseconds. The runtime's timers are waited for in whole milliseconds, which makes
// the end of each message on a line up to one late.
func exactly(d time.Duration) {
	ts := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&ts, nil) // woken by a signal: whoever called looks at the clock
}
