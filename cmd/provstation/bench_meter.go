package main

import (
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
