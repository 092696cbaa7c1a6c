package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"provstation/serialproto/port"
)

// clockSynced asks the kernel whether something keeps the clock right (adjtimex(2), STA_UNSYNC).
func clockSynced() (synced, known bool) {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return false, false
	}
	return t.Status&unix.STA_UNSYNC == 0, true
}

// holderOf finds who has the port open. Who made a pty and keeps a hand on its other end (socat, the embedded stack) does
// not hold it in anybody's way.
func holderOf(path string) (pid int, name string, ok bool) {
	pid, name, ok = port.Holder(path)
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return pid, name, ok
	}
	index, isPty := strings.CutPrefix(real, "/dev/pts/")
	if !ok || !isPty || !madePty("/proc", pid, index) {
		return pid, name, ok
	}
	running, _ := processesIn("/proc")
	for _, p := range running {
		if p.pid != os.Getpid() && hasOpen("/proc", p.pid, real) && !madePty("/proc", p.pid, index) {
			return p.pid, p.name, true
		}
	}
	return 0, "", false
}

// madePty reports whether the process holds the master of the pty: the kernel says its number with the descriptor.
func madePty(proc string, pid int, index string) bool {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	return anyLink(filepath.Join(dir, "fd"), func(fd, target string) bool {
		if filepath.Base(target) != "ptmx" {
			return false
		}
		text, err := os.ReadFile(filepath.Join(dir, "fdinfo", fd))
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(text)) {
			if n, found := strings.CutPrefix(line, "tty-index:"); found {
				return strings.TrimSpace(n) == index
			}
		}
		return false
	})
}

func hasOpen(proc string, pid int, path string) bool {
	return anyLink(filepath.Join(proc, strconv.Itoa(pid), "fd"), func(_, target string) bool { return target == path })
}

func anyLink(dir string, fits func(name, target string) bool) bool {
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, f := range fds {
		if target, err := os.Readlink(filepath.Join(dir, f.Name())); err == nil && fits(f.Name(), target) {
			return true
		}
	}
	return false
}
