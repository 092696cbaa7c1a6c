package port

import (
	"fmt"
	"os"
	"syscall"
)

// changed is when a pty was made: the numbers of ptys are used again, and so
// are their inodes, but traffic does not move the time of change. For other
// devices it is "": udev changes modes after the fact.
func changed(st os.FileInfo) string {
	u, ok := st.Sys().(*syscall.Stat_t)
	if !ok || !isPTY(st) {
		return ""
	}
	return fmt.Sprint(u.Ctim.Sec, ".", u.Ctim.Nsec)
}
