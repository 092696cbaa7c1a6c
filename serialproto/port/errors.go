package port

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"go.bug.st/serial"
)

// Classes of failure, for errors.Is. They are the Kind of an [*Error]; the
// other two kinds are os.ErrDeadlineExceeded and os.ErrClosed.
var (
	// ErrGone says that the device was unplugged or its other end hung up.
	ErrGone = errors.New("port is gone")
	// ErrBusy says that somebody else holds the port; see Error.Holder.
	ErrBusy = errors.New("port is in use")
	// ErrPermission says that this user may not open the port. In the first
	// fraction of a second after a plug udev may still be at work.
	ErrPermission = errors.New("no permission for the port")
	// ErrNotFound says that there is nothing at the path.
	ErrNotFound = errors.New("no such port")
	// ErrNotSerial says that the path is no serial port: a folder, a file, a
	// device of another kind.
	ErrNotSerial = errors.New("not a serial port")
	// ErrStuck says that the line took no byte for Config.StuckAfter, or that
	// the driver did not let go of the port. The port has been given up.
	ErrStuck = errors.New("port is stuck")
	// ErrTooManyDescriptors says that this process has too many open files for
	// another port: the library cannot wait on descriptors from 1024 on.
	ErrTooManyDescriptors = errors.New("too many open files for a serial port")
	// ErrUnsupported says that the port cannot do what Config asks for.
	ErrUnsupported = errors.New("setting not supported by the port")
	// ErrIO is a failure of no other class.
	ErrIO = errors.New("input/output failed")
)

// errInterrupted ends a wait in a line that is being shut down or whose write
// was cancelled. It never leaves the package.
var errInterrupted = errors.New("interrupted")

// classed is a cause of a known class whose own text is only the detail.
type classed struct {
	kind   error
	detail string
}

func (c *classed) Error() string { return c.detail }
func (c *classed) Unwrap() error { return c.kind }

// Error is what every function of this package that works on one port returns.
// errors.Is finds both Kind and Err.
type Error struct {
	// Op is "open", "read", "write" or "close".
	Op string
	// Path is the port as it was given to Open.
	Path string
	// Kind is one of the package's classes, os.ErrDeadlineExceeded or os.ErrClosed.
	Kind error
	// Err is the cause below, nil when Kind says it all.
	Err error
	// Holder is the process that has the port open, for ErrBusy where it is
	// known; the zero value otherwise.
	Holder Process
}

// Process names a process of this machine.
type Process struct {
	PID int
	// Name is the process's short name, printable and at most 64 bytes long.
	Name string
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %v", e.Op, e.Path, e.Kind)
	if e.Holder.PID != 0 {
		fmt.Fprintf(&b, " by %s (pid %d)", e.Holder.Name, e.Holder.PID)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As the class and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Timeout reports whether a deadline passed, as net.Error does.
func (e *Error) Timeout() bool { return errors.Is(e.Kind, os.ErrDeadlineExceeded) }

// newError classifies err; nil stays nil.
func newError(op, path string, err error) *Error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Path: path, Kind: classify(err), Err: err}
}

// classify names the class of what the library or the system returned.
func classify(err error) error {
	for _, kind := range []error{
		ErrGone, ErrBusy, ErrPermission, ErrNotFound, ErrNotSerial, ErrStuck, ErrTooManyDescriptors, ErrUnsupported,
	} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if kind := classifyErrno(errno); kind != nil {
			return kind
		}
	}
	var pe *serial.PortError
	if errors.As(err, &pe) {
		return classifyLibrary(pe.Code())
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrGone
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	case errors.Is(err, fs.ErrPermission):
		return ErrPermission
	}
	return ErrIO
}

func classifyLibrary(code serial.PortErrorCode) error {
	switch code {
	case serial.PortClosed:
		// Reads are never started on a port that we closed, so this is the
		// library's word for a hang-up.
		return ErrGone
	case serial.PortBusy:
		return ErrBusy
	case serial.PermissionDenied:
		return ErrPermission
	case serial.PortNotFound:
		return ErrNotFound
	case serial.InvalidSerialPort:
		return ErrNotSerial
	case serial.InvalidSpeed, serial.InvalidDataBits, serial.InvalidParity, serial.InvalidStopBits,
		serial.InvalidTimeoutValue, serial.FunctionNotImplemented:
		return ErrUnsupported
	default:
		return ErrIO
	}
}
