package agent

import (
	"errors"
	"fmt"

	"provstation/serialproto"
)

// refusal is an error with the status it is answered with.
type refusal struct {
	status serialproto.Status
	detail string
	next   uint32 // with StatusBadOffset
}

func (r *refusal) Error() string { return r.detail }

// refuse makes a refusal. The detail crosses the wire: no secret, no path.
func refuse(status serialproto.Status, format string, args ...any) error {
	return &refusal{status: status, detail: clean(fmt.Sprintf(format, args...), serialproto.MaxDetail)}
}

// refusalOf gives the status of any error. What is not a refusal is internal, and its text stays on the device.
func refusalOf(err error) *refusal {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, ErrNoSpace):
		return &refusal{status: serialproto.StatusNoSpace, detail: "storage is full"}
	default:
		return &refusal{status: serialproto.StatusInternal, detail: "internal error, see the device's log"}
	}
}

// refuseRequest says why a request does not decode: which field is out of its bounds, never what was in it.
func refuseRequest(err error) error {
	var f *serialproto.FieldError
	switch {
	case errors.As(err, &f):
		return refuse(serialproto.StatusBadArgument, "%s", f)
	case errors.Is(err, serialproto.ErrTooLarge):
		return refuse(serialproto.StatusTooLarge, "request is too large")
	default:
		return refuse(serialproto.StatusBadArgument, "request does not decode")
	}
}

// clean keeps printable ASCII and cuts at limit bytes.
func clean(s string, limit int) string {
	b := make([]byte, 0, min(len(s), limit))
	for i := 0; i < len(s) && len(b) < limit; i++ {
		if s[i] >= 0x20 && s[i] < 0x7f {
			b = append(b, s[i])
		}
	}
	return string(b)
}
