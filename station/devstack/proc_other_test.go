//go:build !linux

package devstack

import "os"

// alive reports whether a process exists.
func alive(pid int) bool { _, err := os.FindProcess(pid); return err == nil }
