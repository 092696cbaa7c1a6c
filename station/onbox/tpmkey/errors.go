package tpmkey

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/google/go-tpm/legacy/tpm2"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// Classes of errors, wrapped in the [agent.KeyError] that a method returns.
var (
	ErrAlgorithm = errors.New("the TPM does not have this key type")
	ErrAway      = errors.New("the TPM does not answer")
	ErrBusy      = errors.New("the TPM is busy")
	ErrDenied    = errors.New("no permission to use the TPM")
	ErrOwned     = errors.New("the TPM's owner hierarchy is not to be used")
	ErrLost      = errors.New("the TPM does not hold this key")
	ErrFile      = errors.New("the key file holds a key in the clear")
	ErrBlob      = errors.New("the key file does not hold a key of a TPM")
)

// openError: the TPM cannot be opened. busyError: it said "later" for too long. lineError: it was opened, and does not answer.
// parentError: it makes no storage key.
type (
	openError   struct{ err error }
	busyError   struct{ code uint32 }
	lineError   struct{ err error }
	parentError struct{ err error }
)

func (e *openError) Error() string   { return "open the TPM: " + e.err.Error() }
func (e *openError) Unwrap() error   { return e.err }
func (e *busyError) Error() string   { return fmt.Sprintf("still busy, code %#x", e.code) }
func (e *lineError) Error() string   { return "talk to the TPM: " + e.err.Error() }
func (e *lineError) Unwrap() error   { return e.err }
func (e *parentError) Error() string { return "storage key: " + e.err.Error() }
func (e *parentError) Unwrap() error { return e.err }

// doing is what the TPM was used for: the same answer means other things.
type doing uint8

const (
	makingKey doing = iota
	loadingKey
)

// explain puts any error into what the station is told.
func explain(err error, d doing) error {
	status, detail, class := serialproto.StatusCrypto, "the TPM failed, see the device's log", error(nil)
	var open *openError
	var busy *busyError
	var line *lineError
	var parent *parentError
	var warning tpm2.Warning
	var general tpm2.Error
	switch {
	case errors.As(err, &open):
		status, detail, class = explainOpen(err)
	case errors.As(err, &busy):
		status, detail, class = serialproto.StatusBusy, "the TPM is busy", ErrBusy
	case errors.As(err, &line):
		detail, class = "the TPM does not answer", ErrAway
	case errors.As(err, &warning):
		status, detail, class = explainWarning(warning)
	case errors.As(err, &general):
		detail, class = "the TPM is not ready: "+shortly(general), ErrAway
	case errors.As(err, &parent), saysAbout(err, tpm2.RCHierarchy), saysAbout(err, tpm2.RCBadAuth), saysAbout(err, tpm2.RCAuthFail):
		detail, class = "the TPM's owner hierarchy has a password or is off", ErrOwned
	case d == makingKey && (saysAbout(err, tpm2.RCCurve) || saysAbout(err, tpm2.RCHash) || saysAbout(err, tpm2.RCScheme)):
		status, detail, class = serialproto.StatusRefused, "this TPM does not make keys of this type", ErrAlgorithm
	case d == loadingKey && (saysAbout(err, tpm2.RCIntegrity) || saysAbout(err, tpm2.RCBinding)):
		detail, class = "this TPM does not hold the key: another one, or cleared", ErrLost
	case d == loadingKey && formatError(err):
		detail, class = "the key file is damaged", ErrBlob
	}
	if class != nil {
		err = fmt.Errorf("%w: %w", class, err)
	}
	return &agent.KeyError{Status: status, Detail: detail, Lost: errors.Is(err, ErrLost), Err: err}
}

func explainOpen(err error) (status serialproto.Status, detail string, class error) {
	switch {
	case held(err):
		return serialproto.StatusBusy, "another program holds the TPM", ErrBusy
	case errors.Is(err, fs.ErrPermission):
		return serialproto.StatusCrypto, "the agent may not use the TPM (group tss?)", ErrDenied
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		return serialproto.StatusCrypto, "there is no TPM: off in the firmware, or no driver", ErrAway
	default:
		return serialproto.StatusCrypto, "the TPM does not open", ErrAway
	}
}

func explainWarning(w tpm2.Warning) (status serialproto.Status, detail string, class error) {
	switch w.Code {
	case tpm2.RCLockout:
		return serialproto.StatusCrypto, "the TPM is locked out after wrong passwords", ErrBusy
	default:
		return serialproto.StatusBusy, "the TPM is busy", ErrBusy
	}
}

func shortly(e tpm2.Error) string {
	switch e.Code {
	case tpm2.RCInitialize:
		return "not started"
	case tpm2.RCFailure:
		return "failed its self test"
	default:
		return "see the device's log"
	}
}

// saysAbout reports whether the TPM's answer has a code, whatever parameter, handle or session it names.
func saysAbout(err error, code tpm2.RCFmt1) bool {
	var p tpm2.ParameterError
	var h tpm2.HandleError
	var s tpm2.SessionError
	return errors.As(err, &p) && p.Code == code || errors.As(err, &h) && h.Code == code || errors.As(err, &s) && s.Code == code
}

// formatError reports whether the TPM objects to a parameter.
func formatError(err error) bool {
	var p tpm2.ParameterError
	return errors.As(err, &p)
}
