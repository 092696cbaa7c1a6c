//go:build crashpoints

package station

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// passed counts how often the place was passed that the process is to die at.
var passed atomic.Int64 //nolint:gochecknoglobals // of the test build only

// crash kills the process, as kill -9 does, at the place that PROVSTATION_CRASH_AT names: NAME, or NAME#N for the n-th time.
func crash(p point) {
	name, nth, _ := strings.Cut(os.Getenv("PROVSTATION_CRASH_AT"), "#")
	if name != string(p) {
		return
	}
	n, err := strconv.ParseInt(nth, 10, 64)
	if nth != "" && err != nil {
		panic("PROVSTATION_CRASH_AT: " + err.Error())
	}
	if passed.Add(1) < n {
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic("kill the own process: " + err.Error())
	}
	select {} // the signal is on its way
}
