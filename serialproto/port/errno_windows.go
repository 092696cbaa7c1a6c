//go:build windows

package port

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// classifyErrno gives the class of a system error, or nil. Drivers differ in
// what they return once the device is pulled, hence the length of the first row.
func classifyErrno(e syscall.Errno) error {
	switch e {
	case windows.ERROR_DEVICE_NOT_CONNECTED, windows.ERROR_GEN_FAILURE, windows.ERROR_BAD_COMMAND,
		windows.ERROR_OPERATION_ABORTED, windows.ERROR_INVALID_HANDLE, windows.ERROR_NO_SUCH_DEVICE,
		windows.ERROR_DEVICE_REMOVED, windows.ERROR_NOT_READY:
		return ErrGone
	case windows.ERROR_SHARING_VIOLATION, windows.ERROR_BUSY:
		return ErrBusy
	case windows.ERROR_ACCESS_DENIED:
		return ErrPermission
	case windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND:
		return ErrNotFound
	case windows.ERROR_TOO_MANY_OPEN_FILES:
		return ErrTooManyDescriptors
	}
	return nil
}
