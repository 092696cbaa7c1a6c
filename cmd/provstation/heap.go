package main

import (
	"os"
	"runtime/debug"
)

// How much the heap may grow between two collections of garbage, in percent of what lives; GOGC in the environment wins. A
// start makes garbage once, and has none collected. What lives on a bench of 64 slots are few megabytes, and a burst of runs
// leaves ten times as much behind: collected at half the growth, it stays below 64 MB at a hundredth of a run's time.
const (
	startGC = 400
	benchGC = 50
)

func growHeap(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
