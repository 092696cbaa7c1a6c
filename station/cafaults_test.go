package station

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"provstation/station/stepca"
)

func TestCAFaultClasses(t *testing.T) {
	for _, tc := range []struct {
		err     error
		code    Code
		outcome Outcome
		class   Class
	}{
		{stepca.ErrUnreachable, CodeCADown, Error, Passing},
		{fmt.Errorf("%w: %w", stepca.ErrUnreachable, &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}), CodeCADown, Timeout, Passing},
		{stepca.ErrServer, CodeCADown, Error, Passing},
		{stepca.ErrUntrusted, CodeCATLS, Error, Misconfigured},
		{stepca.ErrOtherRoot, CodeCATLS, Error, Misconfigured},
		{stepca.ErrUnknownRoot, CodeCATLS, Error, Misconfigured},
		{stepca.ErrPath, CodeCAPath, Error, Misconfigured},
		{stepca.ErrNoClientCert, CodeCAProxy, Error, Misconfigured},
		{stepca.ErrExpired, CodeCertExpired, Fail, Permanent},
		{stepca.ErrRevoked, CodeCARevoked, Fail, Permanent},
		{stepca.ErrDenied, CodeCADenied, Fail, Permanent},
		{stepca.ErrRefused, CodeCARefused, Fail, Permanent},
		{stepca.ErrAnswer, CodeCAAnswer, Error, Permanent},
		{stepca.ErrProvisioner, CodeCAPassword, Error, Misconfigured},
		{stepca.ErrPassword, CodeCAPassword, Error, Misconfigured},
		{stepca.ErrSigner, CodeAgentError, Fail, Permanent},
		{stepca.ErrArgument, CodeInternal, Error, Permanent},
		{errors.New("of no class"), CodeInternal, Error, Permanent},
	} {
		err := fmt.Errorf("renew: %w", &stepca.Error{Op: stepca.OpRenew, Host: "ca:9000", Status: 418, Message: "said so", Err: tc.err})
		f, ok := AsFault(CAFault(err))
		if !ok {
			t.Errorf("%v: no fault", tc.err)
			continue
		}
		if f.Code != tc.code || f.Outcome != tc.outcome || f.Class != tc.class {
			t.Errorf("%v: got %s %s %s, want %s %s %s", tc.err, f.Code, f.Outcome, f.Class, tc.code, tc.outcome, tc.class)
		}
		if !errors.Is(f, tc.err) || !strings.Contains(f.Params["detail"], "said so") {
			t.Errorf("%v: the fault %v (%v) does not tell its cause", tc.err, f, f.Params)
		}
	}
}

// Every class that stepca can answer with has a meaning of its own.
func TestCAFaultCoversEveryClass(t *testing.T) {
	for _, class := range stepca.Classes() {
		f, ok := AsFault(CAFault(&stepca.Error{Err: class}))
		if !ok || f.Code == CodeInternal {
			t.Errorf("%v: got %v, want a code of its own", class, f)
		}
	}
}

func TestCAFaultMaybeIssued(t *testing.T) {
	lost := &stepca.Error{Err: fmt.Errorf("%w; %w", stepca.ErrUnreachable, stepca.ErrMaybeIssued)}
	if err := CAFault(lost); !errors.Is(err, ErrMaybeIssued) {
		t.Errorf("got %v, want ErrMaybeIssued in the chain", err)
	}
	stopped := &stepca.Error{Err: fmt.Errorf("%w; %w", context.Canceled, stepca.ErrMaybeIssued)}
	if err := CAFault(stopped); !errors.Is(err, ErrMaybeIssued) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want ErrMaybeIssued and context.Canceled in the chain", err)
	}
	if err := CAFault(&stepca.Error{Err: stepca.ErrDenied}); errors.Is(err, ErrMaybeIssued) {
		t.Errorf("got %v, want no ErrMaybeIssued", err)
	}
}

func TestCAFaultSigner(t *testing.T) {
	signer := func(cause error) error { return &stepca.Error{Err: fmt.Errorf("%w: %w", stepca.ErrSigner, cause)} }
	own := &Fault{Code: CodeAgentLocked, Outcome: Fail}
	if got, ok := AsFault(CAFault(signer(own))); !ok || got != own {
		t.Errorf("the signer's own fault: got %v, want it", got)
	}
	for _, tc := range []struct{ cause, want error }{
		{ErrDeviceReset, ErrDeviceReset},
		{ErrSessionLost, ErrSessionLost},
		{context.DeadlineExceeded, ErrSessionLost},
		{context.Canceled, context.Canceled},
	} {
		err := CAFault(signer(tc.cause))
		if _, ok := AsFault(err); ok || !errors.Is(err, tc.want) {
			t.Errorf("%v: got %v, want %v and no fault", tc.cause, err, tc.want)
		}
	}
}

func TestCAFaultLeavesOthersAlone(t *testing.T) {
	own := &Fault{Code: CodeLedger}
	other := errors.New("not the CA's")
	switch {
	case CAFault(nil) != nil:
		t.Error("nil became an error")
	case !errors.Is(CAFault(own), own):
		t.Error("a fault was put into another")
	case CAFault(other) != other: //nolint:errorlint // the very same
		t.Error("an error that the CA did not make was changed")
	}
	if f, ok := AsFault(CAFault(fmt.Errorf("step-ca: %w", stepca.ErrAddress))); !ok || f.Code != CodeCAPath {
		t.Errorf("a bad address: got %v, want %s", f, CodeCAPath)
	}
}
