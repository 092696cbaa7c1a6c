package main

import (
	"os"
	"runtime/debug"
	"time"
)

// machineUse is what was used of the machine between two moments.
type machineUse struct {
	wall   time.Duration
	cpu    time.Duration // of this process
	others time.Duration // processor time of everything else on the machine; 0: not known
	peak   uint64        // bytes of memory of this process at most
}

// meter measures what is used from its start on.
type meter struct {
	began     time.Time
	cpu, busy time.Duration
}

// startMeter gives memory back that is not in use, so that the highest mark is not an earlier cell's, and starts measuring.
func startMeter() *meter {
	debug.FreeOSMemory()
	resetPeak()
	return &meter{time.Now(), cpuTime(), busyTime()}
}

// read is what was used since the start.
func (m *meter) read() machineUse {
	u := machineUse{wall: time.Since(m.began), cpu: cpuTime() - m.cpu, peak: peakMemory()}
	u.others = max(0, busyTime()-m.busy-u.cpu)
	return u
}

// syncProbes is how many writes a disk's sync is judged by.
const syncProbes = 21

// syncTime is the median of small synced writes to a file in the folder; 0: it cannot be written.
func syncTime(dir string) time.Duration {
	f, err := os.CreateTemp(dir, "provstation-bench-sync-")
	if err != nil {
		return 0
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took []time.Duration
	for range syncProbes {
		began := time.Now()
		if _, err := f.Write(make([]byte, 512)); err != nil || f.Sync() != nil {
			return 0
		}
		took = append(took, time.Since(began))
	}
	return percentile(took, 50)
}
