package port

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// limitRetries bounds how long sent bytes may stay unacknowledged, in seconds.
func limitRetries(_, _ string, c syscall.RawConn) error {
	var serr error
	err := c.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_RXT_CONNDROPTIME, int(retryPatience.Seconds()))
	})
	return errors.Join(err, serr)
}
