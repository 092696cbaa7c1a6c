package main

import (
	"time"

	"golang.org/x/sys/windows"
)

// cpuTime is the processor time of this process so far, user and kernel. A FILETIME that is a duration counts 100 ns.
func cpuTime() time.Duration {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err != nil {
		return 0
	}
	ticks := func(f windows.Filetime) time.Duration {
		return time.Duration(int64(f.HighDateTime)<<32 | int64(f.LowDateTime))
	}
	return 100 * (ticks(kernel) + ticks(user))
}
