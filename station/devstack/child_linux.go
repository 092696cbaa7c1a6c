package devstack

import (
	"os/exec"
	"syscall"
)

// dieWithParent makes a child of this process end with it, whatever ends it.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
