package port

import (
	"errors"
	"syscall"

	"golang.org/x/sys/windows"
)

// limitRetries bounds how long sent bytes may stay unacknowledged, in seconds.
func limitRetries(_, _ string, c syscall.RawConn) error {
	var serr error
	err := c.Control(func(fd uintptr) {
		serr = windows.SetsockoptInt(windows.Handle(fd), windows.IPPROTO_TCP, windows.TCP_MAXRT, int(retryPatience.Seconds()))
	})
	return errors.Join(err, serr)
}
