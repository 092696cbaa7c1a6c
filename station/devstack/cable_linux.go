package devstack

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"provstation/serialproto/link"
)

// ptyCable is a pty pair: the station opens the slave. The slave is also held open here, or the master would report an
// error whenever no station has it.
type ptyCable struct {
	master, slave *os.File
	link          string
}

// newCable makes a pty pair whose slave is found under the name link. A configuration must name the link: once the device
// is gone the system gives the pty's own name to somebody else's terminal, and nobody may open that as a port.
func newCable(link string) (cable, string, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, "", err
	}
	l := &ptyCable{master, slave, link}
	if err := errors.Join(l.raw(), l.publish()); err != nil {
		return nil, "", errors.Join(err, l.close())
	}
	return l, link, nil
}

// publish puts the link in place of one that a killed stack left.
func (l *ptyCable) publish() error {
	if err := os.Remove(l.link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(l.slave.Name(), l.link)
}

// raw switches off what a fresh pty does to bytes: echo, line editing, signals, newline translation.
func (l *ptyCable) raw() error {
	return l.control(func(fd int) error {
		t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err != nil {
			return err
		}
		t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
		t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		return unix.IoctlSetTermios(fd, unix.TCSETS, t)
	})
}

func (l *ptyCable) control(f func(fd int) error) error {
	c, err := l.slave.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := c.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
		return err
	}
	return ferr
}

// unlock takes off the exclusive lock that a killed station left: the slave never closes, so the kernel keeps it.
func (l *ptyCable) unlock() {
	_ = l.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
}

// open gives the master's end by a descriptor of its own, so that closing it powers the device off and leaves the port.
func (l *ptyCable) open() (io.ReadWriteCloser, error) {
	c, err := l.master.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	var derr error
	if err := c.Control(func(m uintptr) { fd, derr = unix.FcntlInt(m, unix.F_DUPFD_CLOEXEC, 0) }); err != nil {
		return nil, err
	}
	if derr != nil {
		return nil, derr
	}
	// Opening a pty leaves it in blocking mode, in which Close unblocks no Read: the port would stay, and the reader of a
	// former boot would take bytes from the next.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), l.master.Name()), nil
}

// dial: a station opens the slave by its path.
func (l *ptyCable) dial() (link.Transport, error) { return nil, nil } //nolint:nilnil // see cable

// close takes the link away first, so that nobody finds a pty that is no port any more.
func (l *ptyCable) close() error {
	err := os.Remove(l.link)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.slave.Close(), l.master.Close())
}
