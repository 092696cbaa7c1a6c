package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"provstation/serialproto/port"
)

// system is this machine as the doctor and `ports` see it.
type system struct {
	now       func() time.Time
	getenv    func(string) string
	ports     func() ([]port.Info, error)
	holder    func(path string) (pid int, name string, ok bool)
	latency   func(path string) (ms int, ok bool)
	access    func(path string) error                      // nil: this user may read and write it
	reach     func(ctx context.Context, path string) error // nil: the serial server answers
	group     func(path string) portGroup
	processes func() ([]process, bool)                      // false: this system does not tell
	synced    func() (synced, known bool)                   // is the clock kept right
	mode      func(path string) (ok bool, mode os.FileMode) // ok false: no such file, or modes mean nothing here
}

// process is a program that runs.
type process struct {
	pid  int
	name string   // as the kernel has it: at most 15 bytes
	args []string // may be nil
}

// portGroup is the group that may use a port.
type portGroup struct {
	name     string // empty: no group may
	listed   bool   // this user is in it by the system's files
	inEffect bool   // this process is in it
}

func realSystem() system {
	return system{
		now: time.Now, getenv: os.Getenv, ports: port.List, holder: holderOf, latency: port.LatencyTimer,
		access: accessible, reach: port.Reach, group: groupOf, processes: func() ([]process, bool) { return processesIn("/proc") },
		synced: clockSynced, mode: modeOf,
	}
}

// modeOf gives a file's permission bits; ok is false where there is no file, or where bits mean nothing.
func modeOf(path string) (ok bool, mode os.FileMode) {
	fi, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return false, 0
	}
	return true, fi.Mode().Perm()
}

// processesIn reads a Linux process list. Names and arguments of all users' processes are open to everybody.
func processesIn(proc string) (list []process, ok bool) {
	dirs, err := os.ReadDir(proc)
	if err != nil {
		return nil, false
	}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		name, err := os.ReadFile(filepath.Join(proc, d.Name(), "comm"))
		if err != nil {
			continue // it has ended meanwhile
		}
		p := process{pid: pid, name: strings.TrimSpace(string(name))}
		if line, err := os.ReadFile(filepath.Join(proc, d.Name(), "cmdline")); err == nil {
			p.args = strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		}
		list = append(list, p)
	}
	return list, len(list) > 0
}
