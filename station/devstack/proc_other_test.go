//go:build !unix

package devstack

import (
	"errors"
	"os"
)

// alive reports whether a process exists.
func alive(pid int) bool { _, err := os.FindProcess(pid); return err == nil }

// hang: no such thing here.
func hang(*os.Process) error { return errors.ErrUnsupported }
