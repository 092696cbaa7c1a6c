package serialproto

import (
	"errors"
	"fmt"
)

// Error classes of messages. FieldError and what Decode returns wrap them.
var (
	ErrMalformed = errors.New("malformed message")           // bytes that are no deterministic CBOR of the expected shape
	ErrInvalid   = errors.New("message field out of bounds") // a field outside its documented bounds
	ErrTooLarge  = errors.New("message larger than agreed")  // over max_msg or MaxMessage
	ErrNoMessage = errors.New("type is not an SP1 message")  // a Go type that is not in the message table
)

// FieldError names the field that broke its documented bounds. It wraps ErrInvalid.
type FieldError struct {
	Message string // Go name of the message
	Field   string // Go name of the field
	Want    string // the bound, in words
}

// Error says which field and what would have been right.
func (e *FieldError) Error() string { return e.Message + "." + e.Field + ": want " + e.Want }

// Unwrap returns ErrInvalid.
func (e *FieldError) Unwrap() error { return ErrInvalid }

// StatusError is a response other than ok.
type StatusError struct {
	Op         Op
	Status     Status
	NextOffset uint32 // with StatusBadOffset
	Detail     string // the device's words; for the log, never a decision
}

// Error says what was asked and what the device said, as plain text without control characters.
func (e *StatusError) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%v: device says %v", e.Op, e.Status)
	}
	return fmt.Sprintf("%v: device says %v: %s", e.Op, e.Status, EscapeConsole([]byte(e.Detail)))
}

// Is matches another StatusError with the same status, and the same operation where the target names one.
func (e *StatusError) Is(target error) bool {
	t, ok := target.(*StatusError)
	return ok && t.Status == e.Status && (t.Op == 0 || t.Op == e.Op)
}

// Err returns the StatusError of a response head, nil when the status is ok.
func (h ResponseHead) Err(op Op) error {
	if h.Status == StatusOK {
		return nil
	}
	return &StatusError{Op: op, Status: h.Status, NextOffset: h.NextOffset, Detail: h.Detail}
}
