package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// openTTY opens a serial line for this process alone and makes it raw. The file has working deadlines: a tty opened
// non-blocking goes through the runtime's poller. Exclusive mode (TIOCEXCL) is not used: it stops no root process, and
// on a pty it outlives its holder.
func openTTY(path string, baud int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := setUp(f, baud); err != nil {
		f.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return f, nil
}

func setUp(f *os.File, baud int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = setRaw(int(fd), baud) }); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return f.SetReadDeadline(time.Time{})
}

func setRaw(fd, baud int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS2)
	if errors.Is(err, unix.ENOTTY) {
		return errNotTTY
	}
	if err != nil {
		return fmt.Errorf("read line settings: %w", err)
	}
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return lockError(err)
	}
	// A BREAK reads as one NUL, which is a frame delimiter and harmless: no IGNBRK, BRKINT or PARMRK.
	t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
	speed := t.Cflag & unix.CBAUD
	if baud > 0 {
		speed = unix.BOTHER
		t.Ispeed, t.Ospeed = uint32(baud), uint32(baud)
	}
	t.Cflag = speed | unix.CS8 | unix.CREAD | unix.CLOCAL
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(fd, unix.TCSETS2, t); err != nil {
		return fmt.Errorf("set line raw at %d baud: %w", baud, err)
	}
	// What came before was not for this agent.
	if err := unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH); err != nil {
		return fmt.Errorf("flush line: %w", err)
	}
	return nil
}

func lockError(err error) error {
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errLocked
	}
	return fmt.Errorf("lock: %w", err)
}

// lockWait is how long a request waits for another process to give the store back. It holds it for file operations only.
const lockWait = 10 * time.Second

// lockStore takes the store for one request: serve and renew share a state directory. The lock ends with the process.
func lockStore(dir string) (release func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "agent.lock"), os.O_RDWR|os.O_CREATE|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock store: %w", err)
	}
	again := time.NewTicker(5 * time.Millisecond) // flock(2) has no deadline
	defer again.Stop()
	for end := time.Now().Add(lockWait); ; <-again.C {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) || time.Now().After(end) {
			f.Close()
			return nil, fmt.Errorf("lock store: %w", lockError(err))
		}
	}
}

// lockDir keeps a second agent out of a state directory. The lock ends with the process.
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	raw, err := d.SyscallConn()
	if err != nil {
		d.Close()
		return nil, err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Flock(int(fd), unix.LOCK_EX|unix.LOCK_NB) }); err != nil {
		failed = err
	}
	if failed != nil {
		d.Close()
		return nil, fmt.Errorf("lock state directory %s: %w", dir, lockError(failed))
	}
	return func() { d.Close() }, nil
}
