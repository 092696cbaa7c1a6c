package mqttcheck

import "golang.org/x/sys/windows"

// Windows reports Winsock numbers, which the syscall package's POSIX names do
// not equal.
const (
	errRefused  = windows.WSAECONNREFUSED
	errReset    = windows.WSAECONNRESET
	errAborted  = windows.WSAECONNABORTED
	errPipe     = windows.WSAESHUTDOWN
	errNetRoute = windows.WSAENETUNREACH
	errHost     = windows.WSAEHOSTUNREACH
	errHostDown = windows.WSAEHOSTDOWN
	errTimedOut = windows.WSAETIMEDOUT
)
