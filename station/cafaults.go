package station

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"provstation/station/stepca"
)

// caFault is what a class of failures at the CA means: is it the device's certificate (FAIL) or could we not tell (ERROR),
// and is another try worth it.
type caFault struct {
	code    Code
	outcome Outcome
	class   Class
}

// caFaults has a row for each of [stepca.Classes] but ErrSigner.
var caFaults = map[error]caFault{
	stepca.ErrUnreachable:  {CodeCADown, Error, Passing},
	stepca.ErrServer:       {CodeCADown, Error, Passing},
	stepca.ErrUntrusted:    {CodeCATLS, Error, Misconfigured},
	stepca.ErrOtherRoot:    {CodeCATLS, Error, Misconfigured},
	stepca.ErrUnknownRoot:  {CodeCATLS, Error, Misconfigured},
	stepca.ErrPath:         {CodeCAPath, Error, Misconfigured},
	stepca.ErrAddress:      {CodeCAPath, Error, Misconfigured},
	stepca.ErrNoClientCert: {CodeCAProxy, Error, Misconfigured},
	stepca.ErrExpired:      {CodeCertExpired, Fail, Permanent},
	stepca.ErrRevoked:      {CodeCARevoked, Fail, Permanent},
	stepca.ErrDenied:       {CodeCADenied, Fail, Permanent},
	stepca.ErrRefused:      {CodeCARefused, Fail, Permanent},
	stepca.ErrAnswer:       {CodeCAAnswer, Error, Permanent},
	stepca.ErrProvisioner:  {CodeCAPassword, Error, Misconfigured},
	stepca.ErrPassword:     {CodeCAPassword, Error, Misconfigured},
}

// CAFault puts a failed request to the CA into a fault. A lent key that did not sign is the device's or the line's matter: its
// own error counts. [ErrMaybeIssued] is in the chain where [stepca.ErrMaybeIssued] is. What stepca did not make, it leaves as it is.
func CAFault(err error) error {
	if err == nil {
		return nil
	}
	var se *stepca.Error
	asked := errors.As(err, &se)
	if asked && errors.Is(se.Err, stepca.ErrSigner) {
		return signerFault(err)
	}
	if _, ok := AsFault(err); ok {
		return err
	}
	if asked && errors.Is(se.Err, context.Canceled) {
		if errors.Is(err, stepca.ErrMaybeIssued) {
			return fmt.Errorf("%w: %w: %w", context.Canceled, ErrMaybeIssued, err)
		}
		return context.Canceled
	}
	row, ok := caRow(err)
	switch {
	case !ok && !asked && !errors.Is(err, stepca.ErrArgument):
		return err
	case !ok:
		row = caFault{CodeInternal, Error, Permanent}
	}
	f := &Fault{Code: row.code, Outcome: row.outcome, Class: row.class, Params: map[string]string{"detail": err.Error()}, Err: err}
	if asked {
		f.Params["ca"] = se.Host
		if se.Status != 0 {
			f.Params["status"] = strconv.Itoa(se.Status)
		}
		if row.code == CodeCADown && se.Timeout() {
			f.Outcome = Timeout
		}
	}
	if errors.Is(err, stepca.ErrMaybeIssued) {
		f.Err = fmt.Errorf("%w; %w", err, ErrMaybeIssued)
		f.Params["maybe_issued"] = "yes"
	}
	return f
}

func caRow(err error) (caFault, bool) {
	for class, row := range caFaults {
		if errors.Is(err, class) {
			return row, true
		}
	}
	return caFault{}, false
}

// signerFault is that of a key across the line that did not sign: nothing was asked of the CA.
func signerFault(err error) error {
	switch f, ok := AsFault(err); {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, ErrDeviceReset), errors.Is(err, ErrSessionLost):
		return err
	case ok:
		return f
	case errors.Is(err, context.DeadlineExceeded): // a device that says nothing has not failed: it is greeted again
		return fmt.Errorf("%w: %w", ErrSessionLost, err)
	default:
		return &Fault{Code: CodeAgentError, Outcome: Fail, Params: map[string]string{"detail": err.Error()}, Err: err}
	}
}
