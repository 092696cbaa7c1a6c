package stationtest

import (
	"os/exec"
	"syscall"
)

// endWithParent makes a child die with the test, whatever ends the test.
func endWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
