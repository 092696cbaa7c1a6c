package main

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// hostClock is this host's clock.
type hostClock struct{}

func (hostClock) Now() time.Time { return time.Now() }

func (hostClock) Set(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &ts); err != nil {
		return fmt.Errorf("set clock: %w", err)
	}
	return nil
}

// Actions of syslog(2).
const (
	consoleOff = 6
	consoleOn  = 7
)

// hostConsole is the kernel's console: a message in the middle of a frame costs a retransmission.
type hostConsole struct{}

func (hostConsole) Quiet() error {
	_, err := unix.Klogctl(consoleOff, nil)
	return err
}

func (hostConsole) Restore() error {
	_, err := unix.Klogctl(consoleOn, nil)
	return err
}

// rngReady reports whether the kernel's random pool has been seeded since boot (getrandom(2)).
func rngReady() error {
	var b [1]byte
	_, err := unix.Getrandom(b[:], unix.GRND_NONBLOCK)
	switch {
	case errors.Is(err, unix.EAGAIN):
		return errors.New("the kernel's random pool is not seeded yet")
	case errors.Is(err, unix.ENOSYS):
		return nil // older than Linux 3.17; crypto/rand has its own way there
	default:
		return err
	}
}

func hostReboot() error {
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}
