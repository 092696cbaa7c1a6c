//go:build !windows

package mqttcheck

import "syscall"

const (
	errRefused  = syscall.ECONNREFUSED
	errReset    = syscall.ECONNRESET
	errAborted  = syscall.ECONNABORTED
	errPipe     = syscall.EPIPE
	errNetRoute = syscall.ENETUNREACH
	errHost     = syscall.EHOSTUNREACH
	errHostDown = syscall.EHOSTDOWN
	errTimedOut = syscall.ETIMEDOUT
)
