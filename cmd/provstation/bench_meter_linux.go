package main

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// peakPerCell: the kernel forgets its mark of the most memory on request (proc(5), clear_refs 5).
const peakPerCell = true

// resetPeak puts the mark of the most memory back to what is in use. Where the kernel does not allow it, the mark stays.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// peakMemory is the most memory that was in use since resetPeak, in bytes (proc(5), VmHWM); 0: not known.
func peakMemory() uint64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return kb * 1024
			}
		}
	}
	return 0
}

// busyTime is how long the machine's processors have worked so far, all together, for whomever: user, nice, system, irq, softirq
// and what a hypervisor gave to others (proc_stat(5)). The kernel counts in hundredths of a second there. 0: not known.
func busyTime() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	var ticks int64
	for i, field := range strings.Fields(first) {
		switch i {
		case 1, 2, 3, 6, 7, 8:
			n, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0
			}
			ticks += n
		}
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// memoryFolder is a folder whose files lie in memory; empty: there is none.
func memoryFolder() string {
	const shm = "/dev/shm"
	if unix.Access(shm, unix.W_OK) == nil && inMemory(shm) {
		return shm
	}
	return ""
}

// inMemory reports whether a folder lies in memory and not on a disk: a sync there costs nothing.
func inMemory(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && (uint32(st.Type) == unix.TMPFS_MAGIC || uint32(st.Type) == unix.RAMFS_MAGIC)
}
