package device

import (
	"context"
	"errors"
	"io"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/port"
	"provstation/station"
)

// portFaults says what each way a port fails means for the slot.
var portFaults = []struct {
	err  error
	code station.Code
}{
	{port.ErrGone, station.CodePortGone},
	{port.ErrNotFound, station.CodePortGone},
	{port.ErrBusy, station.CodePortBusy},
	{port.ErrPermission, station.CodePortDenied},
	{port.ErrStuck, station.CodePortStuck},
	{port.ErrNotSerial, station.CodePortBad},
	{io.EOF, station.CodePortGone}, // lines that are no port of the system
}

// PortFault puts an error of a port into a fault.
func PortFault(path string, err error) *station.Fault {
	f := &station.Fault{Code: station.CodePortBad, Outcome: station.Error, Params: map[string]string{"port": path}, Err: err}
	for _, row := range portFaults {
		if errors.Is(err, row.err) {
			f.Code = row.code
			break
		}
	}
	switch f.Code {
	case station.CodePortBusy:
		if pe := new(port.Error); errors.As(err, &pe) && pe.Holder.PID != 0 {
			f.Params["holder"] = pe.Holder.Name
		}
	case station.CodePortBad:
		f.Params["detail"] = err.Error()
	}
	return f
}

// statusFaults says what each refusal of a device means. StatusBusy and StatusRNGNotReady pass.
var statusFaults = map[serialproto.Status]station.Fault{
	serialproto.StatusInternal:     {Code: station.CodeAgentError, Outcome: station.Fail},
	serialproto.StatusBadVersion:   {Code: station.CodeAgentOld, Outcome: station.Fail},
	serialproto.StatusUnknownOp:    {Code: station.CodeAgentOld, Outcome: station.Fail},
	serialproto.StatusBadArgument:  {Code: station.CodeAgentError, Outcome: station.Fail},
	serialproto.StatusTooLarge:     {Code: station.CodeAgentError, Outcome: station.Fail},
	serialproto.StatusWrongState:   {Code: station.CodeAgentError, Outcome: station.Fail},
	serialproto.StatusLocked:       {Code: station.CodeAgentLocked, Outcome: station.Fail},
	serialproto.StatusBusy:         {Code: station.CodeAgentError, Outcome: station.Error, Class: station.Passing},
	serialproto.StatusHashMismatch: {Code: station.CodeReadback, Outcome: station.Fail},
	serialproto.StatusCertKey:      {Code: station.CodeInstallKey, Outcome: station.Fail},
	serialproto.StatusNoSpace:      {Code: station.CodeAgentSpace, Outcome: station.Fail},
	serialproto.StatusCrypto:       {Code: station.CodeKeyFailed, Outcome: station.Fail},
	serialproto.StatusRefused:      {Code: station.CodeAgentRefuse, Outcome: station.Fail},
	serialproto.StatusBadOffset:    {Code: station.CodeAgentError, Outcome: station.Fail},
	serialproto.StatusRNGNotReady:  {Code: station.CodeAgentRNG, Outcome: station.Error, Class: station.Passing},
}

// fault translates any error of the line: what greeting again mends stays a sentinel, contexts stay themselves.
func (l *line) fault(doing string, err error) error {
	var se *serialproto.StatusError
	switch {
	case errors.As(err, &se):
		f, ok := statusFaults[se.Status]
		if !ok {
			f = station.Fault{Code: station.CodeAgentBad, Outcome: station.Fail}
		}
		f.Err = err
		f.Params = map[string]string{"doing": doing, "status": se.Status.String(), "detail": serialproto.EscapeConsole([]byte(se.Detail))}
		return &f
	case errors.Is(err, link.ErrReset):
		return station.ErrDeviceReset
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, link.ErrEcho): // before ErrNoProgress, which comes with it
		return &station.Fault{Code: station.CodeLineEcho, Outcome: station.Error, Params: map[string]string{"port": l.path}, Err: err}
	case errors.Is(err, link.ErrNoProgress):
		return station.ErrSessionLost
	case errors.Is(err, link.ErrVersion):
		return &station.Fault{Code: station.CodeAgentOld, Outcome: station.Fail, Err: err}
	case errors.Is(err, link.ErrProtocol):
		return badAnswer(err)
	default:
		return PortFault(l.path, err)
	}
}

func badAnswer(err error) *station.Fault {
	return &station.Fault{Code: station.CodeAgentBad, Outcome: station.Fail, Params: map[string]string{"detail": err.Error()}, Err: err}
}
