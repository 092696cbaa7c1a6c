//go:build unix

package label

import (
	"os/exec"
	"syscall"
)

// ownGroup starts the program in a process group of its own, and ends the group with it: a print script starts others.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
