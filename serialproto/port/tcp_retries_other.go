//go:build !linux && !darwin && !windows

package port

import "syscall"

// limitRetries leaves the system's own patience where it cannot be set.
func limitRetries(_, _ string, _ syscall.RawConn) error { return nil }
