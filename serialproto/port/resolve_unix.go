//go:build !windows

package port

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// resolve follows path to the device it stands for now. The stamp tells one
// appearance of it from the next.
func resolve(path string, _ map[string]present) (target, stamp string, ok bool) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", "", false
	}
	st, err := os.Stat(target)
	if err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return "", "", false
	}
	u, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return "", "", false
	}
	stamp = fmt.Sprint(target, u.Ino, u.Rdev, changed(st))
	link, err := os.Lstat(path)
	if err != nil {
		return "", "", false
	}
	if link.Mode()&os.ModeSymlink != 0 {
		// A link is written once, so its time is that of its making. A device's
		// time moves with its traffic.
		stamp += link.ModTime().UTC().String()
	}
	return target, stamp, true
}
