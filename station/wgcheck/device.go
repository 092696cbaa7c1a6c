package wgcheck

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Tunnel is a device's own tunnel, brought up for a check and taken down after.
type Tunnel interface {
	// Up brings the tunnel up by a complete wg0.conf and has it shake hands. An error is an [*Error] where the reason is
	// known.
	Up(ctx context.Context, conf []byte) error
	// Status is what the tunnel's interface tells.
	Status(ctx context.Context) (Interface, error)
	// Down takes away what Up made.
	Down() error
}

// Report is what a device found out about its tunnel.
type Report struct {
	Result
	Own  [32]byte // the interface's public key
	Peer [32]byte // the server's, as wg0.conf names it
}

// lookEvery is the pause between two looks at the device's own interface: see [Every].
const lookEvery = 100 * time.Millisecond

// Device brings the device's tunnel up, waits for a handshake at most as long as patience, and takes the tunnel down. The
// report holds what was found out beside an error, too.
func Device(ctx context.Context, tunnel Tunnel, conf []byte, patience time.Duration, tell Progress) (r Report, err error) {
	r.Way = ByDevice
	st := newSteps(time.Now, tell)
	fail := func(e *Error) (Report, error) {
		e.Way = ByDevice
		st.end(e.Step, false)
		r.Steps = st.done
		return r, e
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := tunnel.Up(ctx, conf); err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			return fail(e)
		}
		if canceled(ctx) {
			return fail(&Error{Step: StepUp, Reason: Canceled, Err: err})
		}
		return fail(&Error{Step: StepUp, Reason: UpFailed, Detail: printable(err.Error()), Err: err})
	}
	defer func() {
		if derr := tunnel.Down(); derr != nil && err == nil {
			r, err = fail(&Error{Step: StepUp, Reason: UpFailed, Detail: "it does not go down again: " + printable(derr.Error()), Err: derr})
		}
	}()
	st.end(StepUp, true)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		i, serr := tunnel.Status(ctx)
		if serr == nil && r.see(i) {
			st.end(StepHandshake, true)
			r.Steps = st.done
			return r, nil
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		switch {
		case canceled(ctx):
			return fail(&Error{Step: StepHandshake, Reason: Canceled, Err: ctx.Err()})
		case serr != nil && ctx.Err() == nil:
			return fail(&Error{Step: StepHandshake, Reason: UpFailed, Detail: printable(serr.Error()), Err: serr})
		case r.Sent == 0:
			return fail(&Error{Step: StepHandshake, Reason: NothingSent})
		}
		return fail(&Error{Step: StepHandshake, Reason: NoAnswer, Detail: fmt.Sprintf("%d bytes sent to %s, %d received", r.Sent, r.Endpoint, r.Received)})
	}
}

// see takes over what the interface tells and reports whether a peer has shaken hands.
func (r *Report) see(i Interface) bool {
	r.Own = i.PublicKey
	for n, p := range i.Peers {
		shaken := !p.Handshake.IsZero() && time.Since(p.Handshake) < Alive // an interface that was up before has older ones
		if n == 0 || shaken {
			r.Peer, r.Handshake, r.Endpoint, r.Received, r.Sent = p.PublicKey, p.Handshake, p.Endpoint, p.Received, p.Sent
		}
		if shaken {
			return true
		}
	}
	return false
}

// printable makes text from outside safe for a terminal: no control or format characters, bounded.
func printable(s string) string {
	const most = 200
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > most || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
