package port

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"syscall"
	"time"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// pairedLine is the library's port and a descriptor of our own on the same
// device, which holds the lock and on which reads and writes wait.
type pairedLine struct {
	sp      serial.Port
	own     *os.File
	raw     syscall.RawConn
	stopped atomic.Bool
}

// openLine opens path with both descriptors. Ours comes first: once the library
// has put the terminal into exclusive mode nobody but root can open it again.
// The modem lines see one edge, since the library's open follows while ours is
// still there, and ours is the last to be closed.
func openLine(path string, cfg Config) (line, []byte, error) {
	real, err := devicePath(path)
	if err != nil {
		return nil, nil, err
	}
	own, err := openOwn(real)
	if err != nil {
		return nil, nil, err
	}
	l, early, err := pair(real, own, cfg)
	if err != nil {
		_ = own.Close()
		return nil, nil, err
	}
	return l, early, nil
}

// devicePath follows links and makes sure that a character device is there
// before anything is opened: opening a FIFO or a tape has side effects.
func devicePath(path string) (string, error) {
	if path == "" {
		return "", os.ErrNotExist
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(real)
	if err != nil {
		return "", err
	}
	if st.Mode()&os.ModeCharDevice == 0 {
		return "", &classed{ErrNotSerial, "not a character device"}
	}
	return real, nil
}

// openOwn opens our descriptor and locks it.
func openOwn(real string) (*os.File, error) {
	fd, err := unix.Open(real, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if _, err := unix.IoctlGetTermios(fd, unix.TCGETS); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	// The lock belongs to this open file on the device's inode, so it also
	// excludes a second open in this process, whatever its path.
	if err := unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	own := os.NewFile(uintptr(fd), real)
	st, err := own.Stat()
	if err == nil && !isPTY(st) && exclusive(fd) {
		// Root is let in nevertheless. The mode ends with the last close of a
		// real port, so whoever set it still has the port; a pty is different
		// (see mend).
		err = unix.EBUSY
	}
	if err != nil {
		_ = own.Close()
		return nil, err
	}
	return own, nil
}

// exclusive says whether somebody has put the terminal into exclusive mode.
func exclusive(fd int) bool {
	on, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL)
	return err == nil && on != 0
}

// pair opens the library's port beside our descriptor and mends it.
func pair(real string, own *os.File, cfg Config) (line, []byte, error) {
	raw, err := own.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	if err := own.SetDeadline(time.Time{}); err != nil {
		return nil, nil, &classed{ErrNotSerial, "the device cannot be polled: " + err.Error()}
	}
	sp, err := serial.Open(real, &serial.Mode{BaudRate: cfg.Baud})
	if err != nil {
		return nil, nil, err
	}
	early, err := mend(sp, own, raw, cfg)
	if err != nil {
		_ = sp.Close()
		return nil, nil, err
	}
	return &pairedLine{sp: sp, own: own, raw: raw}, early, nil
}

func mend(sp serial.Port, own *os.File, raw syscall.RawConn, cfg Config) ([]byte, error) {
	st, err := own.Stat()
	if err != nil {
		return nil, err
	}
	if fd, ok := libraryDescriptor(sp, st); ok {
		// Children must not inherit the port, and no write may block in it.
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, err
		}
	}
	if isPTY(st) {
		// Exclusive mode lives as long as any descriptor of the pty, also those
		// of the other side's owner: it would outlast a killed station and keep
		// the next one out. The lock does not.
		var cerr error
		err := raw.Control(func(fd uintptr) { cerr = unix.IoctlSetInt(int(fd), unix.TIOCNXCL, 0) })
		if err := errors.Join(err, cerr); err != nil {
			return nil, err
		}
	}
	return prepare(sp, cfg, 0)
}

// libraryDescriptor finds the number of the library's descriptor, which it does
// not tell. It is believed only if it is the device that ours is. Without it
// the port still works, with writes that can block inside the driver.
func libraryDescriptor(sp serial.Port, want os.FileInfo) (int, bool) {
	v := reflect.Indirect(reflect.ValueOf(sp))
	if v.Kind() != reflect.Struct {
		return 0, false
	}
	f := v.FieldByName("handle")
	if !f.IsValid() || !f.CanInt() {
		return 0, false
	}
	fd := int(f.Int())
	var st unix.Stat_t
	if fd < 0 || unix.Fstat(fd, &st) != nil {
		return 0, false
	}
	w, ok := want.Sys().(*syscall.Stat_t)
	return fd, ok && w.Dev == st.Dev && w.Ino == st.Ino && w.Rdev == st.Rdev
}

// isPTY tells the slave side of a pseudo terminal by its major number
// (Documentation/admin-guide/devices.txt: 136 to 143).
func isPTY(st os.FileInfo) bool {
	s, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	major := unix.Major(s.Rdev)
	return major >= 136 && major <= 143
}

// ready asks whether the device is ready for events or has hung up.
func ready(fd uintptr, events int16) bool {
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return err != nil || n > 0 // an error is for the following call to name
		}
	}
}

// Read implements line. The poller reports edges, so the state is asked for
// after every wake-up and before every wait.
func (l *pairedLine) Read(b []byte) (n int, err error) {
	werr := l.raw.Read(func(fd uintptr) bool {
		if l.stopped.Load() {
			err = errInterrupted
			return true
		}
		if !ready(fd, unix.POLLIN) {
			return false
		}
		n, err = guardedRead(l.sp, b)
		if err != nil && wouldBlock(err) {
			err = nil
		}
		return n > 0 || err != nil
	})
	if werr != nil {
		return 0, errInterrupted // only interrupt sets a deadline or closes
	}
	return n, err
}

// Write implements line.
func (l *pairedLine) Write(b []byte) (int, error) {
	if err := l.own.SetWriteDeadline(time.Time{}); err != nil {
		return 0, errInterrupted
	}
	total := 0
	for total < len(b) {
		var n int
		var err error
		werr := l.raw.Write(func(fd uintptr) bool {
			// After the deadline was lifted above: interrupt sets the flag first.
			if l.stopped.Load() {
				err = errInterrupted
				return true
			}
			if !ready(fd, unix.POLLOUT) {
				return false
			}
			n, err = l.sp.Write(b[total:])
			if err != nil && wouldBlock(err) {
				err = nil
			}
			return n > 0 || err != nil
		})
		total += n
		if werr != nil {
			return total, errInterrupted
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (l *pairedLine) cancelWrite() { _ = l.own.SetWriteDeadline(time.Unix(1, 0)) }

func (l *pairedLine) interrupt(hard bool) {
	l.stopped.Store(true)
	_ = l.own.SetDeadline(time.Unix(1, 0))
	if hard {
		// Closing waits for the output queue, up to 30 s with some drivers.
		_ = l.sp.ResetOutputBuffer()
	}
}

// Close implements line: the library's descriptor first, the lock last.
func (l *pairedLine) Close() error { return errors.Join(l.sp.Close(), l.own.Close()) }
