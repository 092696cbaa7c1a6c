//go:build !windows

package port

import (
	"errors"
	"syscall"
)

// wouldBlock says that a call would have had to wait, or was disturbed by a
// signal: not a failure.
func wouldBlock(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
}

// noModemLines says that the port has no modem lines: a pty, some gadgets.
func noModemLines(err error) bool {
	return errors.Is(err, syscall.ENOTTY) || errors.Is(err, syscall.EINVAL)
}
