//go:build !linux

package prototest

import "time"

// exactly sleeps for so long, as exactly as the system's timers are.
func exactly(d time.Duration) { time.Sleep(d) }
