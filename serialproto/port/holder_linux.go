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
func Holder(path string) (pid int, name string, ok bool) {
	key, ok := keyOf(path)
	if !ok {
		return 0, "", false
	}
	p, ok := allHolders()[key]
	return p.PID, p.Name, ok
}

// deviceKey is a character device, by whatever name it is opened.
type deviceKey struct{ dev, ino, rdev uint64 }

func keyOf(path string) (deviceKey, bool) {
	st, err := os.Stat(path)
	if err != nil {
		return deviceKey{}, false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok || st.Mode()&os.ModeCharDevice == 0 {
		return deviceKey{}, false
	}
	return deviceKey{uint64(sys.Dev), sys.Ino, uint64(sys.Rdev)}, true //nolint:unconvert // 32 bits on some processors
}

func allHolders() map[deviceKey]Process { return holdersIn("/proc", os.Getpid()) }

// holdersIn gives a process for each device that one has open, another one before ourselves.
func holdersIn(proc string, self int) map[deviceKey]Process {
	found := make(map[deviceKey]Process)
	dirs, err := os.ReadDir(proc)
	if err != nil {
		return found
	}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		name := ""
		for _, key := range devicesIn(filepath.Join(proc, d.Name(), "fd")) {
			if other, there := found[key]; there && (other.PID != self || pid == self) {
				continue
			}
			if name == "" {
				name = processName(proc, pid)
			}
			found[key] = Process{PID: pid, Name: name}
		}
	}
	return found
}

// devicesIn lists the devices among the descriptors in dir. Links are looked at
// first: following one to a dead network file could block.
func devicesIn(dir string) (keys []deviceKey) {
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, f := range fds {
		link := filepath.Join(dir, f.Name())
		if target, err := os.Readlink(link); err != nil || !strings.HasPrefix(target, "/dev/") {
			continue
		}
		if key, ok := keyOf(link); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

func processName(proc string, pid int) string {
	name, ok := readAttr(filepath.Join(proc, strconv.Itoa(pid)), "comm")
	if !ok || name == "" {
		return "unknown"
	}
	return name[:min(len(name), 64)]
}
