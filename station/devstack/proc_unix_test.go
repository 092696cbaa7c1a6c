//go:build unix

package devstack

import (
	"os"
	"syscall"
)

// alive reports whether a process exists, a zombie included.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// hang stops a process that goes on existing.
func hang(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }
