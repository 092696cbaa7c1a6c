package main

import (
	"os"
	"runtime/debug"
	"time"
)

// processMeter measures what this process uses from its start on.
type processMeter struct{ cpu time.Duration }

// startMeter gives memory back that is not in use, so that the highest mark is not an earlier cell's, and starts measuring.
func startMeter() *processMeter {
	debug.FreeOSMemory()
	resetPeak()
	return &processMeter{cpu: cpuTime()}
}

// read is the processor time since the start, and the most memory that was in use, in bytes.
func (m *processMeter) read() (cpu time.Duration, peak uint64) {
	return cpuTime() - m.cpu, peakMemory()
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
