package port

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// holdAddress reserves a serial server for one connection of this machine, as
// the lock on a terminal does. A name in the abstract namespace of unix sockets
// (unix(7)) belongs to one socket at a time and goes with its process.
func holdAddress(address string) (io.Closer, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", "@provstation/tcp/"+address)
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, &classed{ErrBusy, "this machine is connected to " + address + " already"}
	}
	if err != nil {
		return nil, fmt.Errorf("reserve %s: %w", address, err)
	}
	return l, nil
}

// limitRetries bounds how long sent bytes may stay unacknowledged; the system's
// own patience is a quarter of an hour (tcp(7), TCP_USER_TIMEOUT).
func limitRetries(_, _ string, c syscall.RawConn) error {
	var serr error
	err := c.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(retryPatience.Milliseconds()))
	})
	return errors.Join(err, serr)
}
