package agent

import (
	"context"
	"errors"

	"provstation/serialproto"
)

// Ahead keeps what came ahead until the session ends: packed requests may be packed after it, and it is of no other use.
func (a *Agent) Ahead(packed []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ahead = packed
}

// packed answers OpPacked, as the request inside it is answered.
func (a *Agent) packed(ctx context.Context, args serialproto.PackedArgs) (any, error) {
	var csr []byte
	if args.WithCSR {
		v, err := a.load()
		if err != nil {
			return nil, err
		}
		if v.Newest == nil || len(v.Newest.CSR) == 0 {
			return nil, refuse(serialproto.StatusHashMismatch, "packed after a CSR, and there is none")
		}
		csr = v.Newest.CSR
	}
	var ahead []byte
	if len(args.Ahead) > 0 {
		var err error
		if ahead, err = serialproto.UnpackAhead(a.ahead); err != nil {
			return nil, refuse(serialproto.StatusHashMismatch, "packed after what did not come")
		}
	}
	op, request, err := args.Unpack(ahead, csr, a.largest())
	switch {
	case errors.Is(err, serialproto.ErrTooLarge):
		return nil, refuse(serialproto.StatusTooLarge, "packed request is too large")
	case err != nil:
		return nil, refuse(serialproto.StatusHashMismatch, "packed request does not unpack")
	}
	return a.dispatch(ctx, op, request) // never another packed one
}

// largest is the largest message that the device takes.
func (a *Agent) largest() int {
	if n := a.cfg.Link.MaxMessage; n > 0 {
		return n
	}
	return serialproto.DefaultMax
}
