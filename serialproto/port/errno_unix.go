//go:build !windows

package port

import "syscall"

// classifyErrno gives the class of a system error, or nil.
func classifyErrno(e syscall.Errno) error {
	switch e {
	case syscall.EIO, syscall.ENXIO, syscall.EBADF, syscall.ENODEV, syscall.EPIPE, syscall.ESHUTDOWN:
		return ErrGone
	case syscall.EBUSY, syscall.EWOULDBLOCK:
		return ErrBusy
	case syscall.EACCES, syscall.EPERM:
		return ErrPermission
	case syscall.ENOENT, syscall.ENOTDIR, syscall.ELOOP:
		return ErrNotFound
	case syscall.ENOTTY, syscall.EISDIR, syscall.EINVAL:
		return ErrNotSerial
	case syscall.EMFILE, syscall.ENFILE:
		return ErrTooManyDescriptors
	}
	return nil
}
