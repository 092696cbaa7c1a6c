package devstack

import "syscall"

// alive reports whether a process of the group exists, a zombie included.
func alive(pid int) bool { return syscall.Kill(-pid, 0) == nil }
