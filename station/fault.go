package station

import (
	"errors"
	"fmt"
)

// Code names a kind of failure in stable English. Every code has a sentence and a next action in the catalogue.
type Code string

// Class says what may be done about a fault.
type Class uint8

// Classes.
const (
	Permanent     Class = iota // the same request fails the same way
	Passing                    // may go well on another try
	OtherContract              // the bridge speaks the other contract
	Misconfigured              // the station's own configuration is wrong; stop, tell the line lead
)

func (c Class) String() string {
	switch c {
	case Permanent:
		return "permanent"
	case Passing:
		return "passing"
	case OtherContract:
		return "other-contract"
	case Misconfigured:
		return "misconfigured"
	default:
		return fmt.Sprintf("unknown(%d)", uint8(c))
	}
}

// Fault is an error that a run can end with. Params fill the catalogue's sentence; they are facts in stable English,
// free of secrets and of control characters.
type Fault struct {
	Code    Code
	Outcome Outcome // how a run ends when nothing mends it
	Class   Class
	Params  map[string]string
	Err     error // the cause, for the log
}

// Error says the code and the cause.
func (f *Fault) Error() string {
	if f.Err == nil {
		return string(f.Code)
	}
	return fmt.Sprintf("%s: %v", f.Code, f.Err)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// AsFault finds the fault in err's chain.
func AsFault(err error) (*Fault, bool) {
	var f *Fault
	ok := errors.As(err, &f)
	return f, ok
}
