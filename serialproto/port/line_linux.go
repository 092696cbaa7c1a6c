package port

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// pairedLine is the library's port and a descriptor of our own on the same
// device, which holds the lock and on which reads and writes wait.
type pairedLine struct {
	sp        serial.Port
	own       *os.File
	fd        int // of own
	events    *events
	hushed    bool          // bytes that come are not told of; owned by the reader
	cancelled chan struct{} // holds one token: the write in progress is to end
	halted    chan struct{} // closed by interrupt
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
	// Without O_NONBLOCK the file is none for the runtime's poller; see poller.
	if err := unix.SetNonblock(fd, false); err != nil {
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
	l := &pairedLine{own: own, fd: int(own.Fd()), cancelled: make(chan struct{}, 1), halted: make(chan struct{})}
	var err error
	if l.events, err = lines.add(l.fd); err != nil {
		return nil, nil, &classed{ErrNotSerial, "the device cannot be polled: " + err.Error()}
	}
	var early []byte
	if l.sp, err = serial.Open(real, &serial.Mode{BaudRate: cfg.Baud}); err == nil {
		if early, err = mend(l.sp, own, cfg); err != nil {
			_ = l.sp.Close()
		}
	}
	if err != nil {
		lines.remove(l.fd)
		return nil, nil, err
	}
	return l, early, nil
}

func mend(sp serial.Port, own *os.File, cfg Config) ([]byte, error) {
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
		if err := unix.IoctlSetInt(int(own.Fd()), unix.TIOCNXCL, 0); err != nil {
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

// writable asks whether the device takes bytes or has hung up.
func (l *pairedLine) writable() bool {
	for {
		fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, 0)
		if err != unix.EINTR {
			return err != nil || n > 0 // an error is for the following call to name
		}
	}
}

// Read implements line. The poller tells of edges, so the line is asked before
// every wait; only what came before await is told of by it.
func (l *pairedLine) Read(b []byte) (int, error) {
	for {
		select {
		case <-l.halted:
			return 0, errInterrupted
		default:
		}
		n, err := guardedRead(l.sp, b)
		if n > 0 || err != nil && !wouldBlock(err) {
			return n, err
		}
		if l.hushed {
			if err := lines.await(l.fd, awaitAll); err != nil {
				return 0, err
			}
			l.hushed = false
		}
		select {
		case <-l.events.in:
		case <-l.halted:
		}
	}
}

// hush implements husher.
func (l *pairedLine) hush() <-chan struct{} {
	if !l.hushed && lines.await(l.fd, awaitHangUp) == nil {
		l.hushed = true
	}
	return l.events.hungUp
}

// Write implements line.
func (l *pairedLine) Write(b []byte) (int, error) {
	select {
	case <-l.cancelled: // was meant for an earlier write
	default:
	}
	total := 0
	for total < len(b) {
		select {
		case <-l.halted:
			return total, errInterrupted
		case <-l.cancelled:
			return total, errInterrupted
		default:
		}
		if l.writable() {
			n, err := l.sp.Write(b[total:])
			total += n
			if err != nil && !wouldBlock(err) {
				return total, err
			}
			if n > 0 {
				continue
			}
		}
		select {
		case <-l.events.out:
		case <-l.cancelled:
			return total, errInterrupted
		case <-l.halted:
		}
	}
	return total, nil
}

func (l *pairedLine) cancelWrite() { token(l.cancelled) }

func (l *pairedLine) interrupt(hard bool) {
	close(l.halted)
	if hard {
		// Closing waits for the output queue, up to 30 s with some drivers.
		_ = l.sp.ResetOutputBuffer()
	}
}

// Close implements line: the library's descriptor first, the lock last.
func (l *pairedLine) Close() error {
	lines.remove(l.fd)
	return errors.Join(l.sp.Close(), l.own.Close())
}
