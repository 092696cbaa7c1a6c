package port

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Holder finds a process that has the port open, another one before ourselves.
// Processes of other users are visible to root only, so ok false is no proof
// that the port is free.
func Holder(path string) (pid int, name string, ok bool) { return holderIn("/proc", path, os.Getpid()) }

func holderIn(proc, path string, self int) (int, string, bool) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, "", false
	}
	want, ok := st.Sys().(*syscall.Stat_t)
	if !ok || st.Mode()&os.ModeCharDevice == 0 {
		return 0, "", false
	}
	dirs, err := os.ReadDir(proc)
	if err != nil {
		return 0, "", false
	}
	ours := false
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || !holds(filepath.Join(proc, d.Name(), "fd"), want) {
			continue
		}
		if pid == self {
			ours = true
			continue
		}
		return pid, processName(proc, pid), true
	}
	if ours {
		return self, processName(proc, self), true
	}
	return 0, "", false
}

// holds says whether one of the descriptors in dir is the device. Links are
// looked at first: following one to a dead network file could block.
func holds(dir string, want *syscall.Stat_t) bool {
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, f := range fds {
		link := filepath.Join(dir, f.Name())
		if target, err := os.Readlink(link); err != nil || !strings.HasPrefix(target, "/dev/") {
			continue
		}
		st, err := os.Stat(link)
		if err != nil {
			continue
		}
		if got, ok := st.Sys().(*syscall.Stat_t); ok && got.Dev == want.Dev && got.Ino == want.Ino && got.Rdev == want.Rdev {
			return true
		}
	}
	return false
}

func processName(proc string, pid int) string {
	name, ok := readAttr(filepath.Join(proc, strconv.Itoa(pid)), "comm")
	if !ok || name == "" {
		return "unknown"
	}
	return name[:min(len(name), 64)]
}
