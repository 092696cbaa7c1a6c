package port

import (
	"bytes"
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Multicast groups of NETLINK_KOBJECT_UEVENT: messages of the kernel itself,
// and those that udevd sends once links and permissions are in place.
const (
	groupKernel = 1
	groupUdev   = 2
)

// listenPlugs calls hint whenever the kernel, or udev where it runs, says that
// something happened to a terminal device. The messages are taken as a hint
// only: what is there is read from sysfs.
func listenPlugs(hint func()) (stop func(), ok bool) {
	group := uint32(groupKernel)
	if _, err := os.Stat("/run/udev/control"); err == nil {
		group = groupUdev
	}
	f, err := openUevents(group)
	if err != nil {
		return nil, false
	}
	raw, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, false
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		readUevents(raw, group, hint)
	}()
	return func() {
		_ = f.Close()
		<-done
	}, true
}

func openUevents(group uint32) (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, err
	}
	// Room for a hub full of devices; only root may go beyond the system's limit.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1<<20) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSCRED, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: group})
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "uevent"), nil
}

// readUevents runs until the socket is closed.
func readUevents(raw syscall.RawConn, group uint32, hint func()) {
	msg := make([]byte, 16<<10) // the kernel's limit is 2 KiB of properties
	oob := make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	for {
		var n, oobn, flags int
		var from unix.Sockaddr
		var err error
		if raw.Read(func(fd uintptr) bool {
			n, oobn, flags, from, err = unix.Recvmsg(int(fd), msg, oob, 0)
			return !errors.Is(err, unix.EAGAIN)
		}) != nil {
			return // closed
		}
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.ENOBUFS):
			hint() // messages were lost
		case err != nil:
			return // the safety scan goes on
		case flags&unix.MSG_TRUNC != 0:
			hint()
		case trusted(from, oob[:oobn], group) && aboutTTY(msg[:n]):
			hint()
		}
	}
}

// trusted says that a message is the kernel's or a root process's. Any process
// may send to such a socket by unicast.
func trusted(from unix.Sockaddr, oob []byte, group uint32) bool {
	nl, ok := from.(*unix.SockaddrNetlink)
	if !ok || nl.Groups == 0 || group == groupKernel && nl.Pid != 0 {
		return false
	}
	cmsgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return false
	}
	for i := range cmsgs {
		if cred, err := unix.ParseUnixCredentials(&cmsgs[i]); err == nil {
			return cred.Uid == 0 && (group != groupKernel || cred.Pid == 0)
		}
	}
	return false
}

// aboutTTY looks for the property in both layouts: "add@/devices/..." NUL and
// properties from the kernel, "libudev" NUL, a header and properties from udev.
func aboutTTY(msg []byte) bool {
	const property = "SUBSYSTEM=tty"
	for field := range bytes.SplitSeq(msg, []byte{0}) {
		if bytes.HasSuffix(field, []byte(property)) {
			// The udev header ends without a NUL of its own.
			return true
		}
	}
	return false
}
