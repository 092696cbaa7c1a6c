package wgcheck

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Pinger is a tunnel of the station's own.
type Pinger interface {
	// Server is the public key of the tunnel's peer.
	Server() wgtypes.Key
	// Handshake is when the tunnel last shook hands; zero: never.
	Handshake() (time.Time, error)
	// Ping sends one echo request and waits for its answer, at most as long as ctx.
	Ping(ctx context.Context, to netip.Addr) (time.Duration, error)
}

// pingEvery is the pause between two echo requests: a lost one is sent again, as ping(8) does.
const pingEvery = time.Second

// Ping sends echo requests to the device through the station's tunnel until it answers or patience is over. An answer proves
// that the server has a session with whom it routes the device's address to: it takes packets from that address only under
// the key of that peer (cryptokey routing, whitepaper section 2).
func Ping(ctx context.Context, tunnel Pinger, want Want, patience time.Duration, tell Progress) (Result, error) {
	r := Result{Way: ByPing}
	st := newSteps(time.Now, tell)
	fail := func(e *Error) (Result, error) {
		e.Way = ByPing
		st.end(e.Step, false)
		r.Steps = st.done
		return r, e
	}
	switch server := tunnel.Server(); {
	case len(want.Addresses) == 0:
		return fail(&Error{Step: StepPing, Reason: NotIdentified})
	case !want.knowsServer(server):
		return fail(&Error{Step: StepKey, Reason: WrongServerKey, Detail: fmt.Sprintf("it names %s, the server is %s", want.Servers[0], server)})
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	up := false
	for {
		pctx, end := context.WithTimeout(ctx, pingEvery)
		took, err := tunnel.Ping(pctx, want.Addresses[0])
		waited := pctx.Err() != nil
		if at, herr := tunnel.Handshake(); herr == nil && time.Since(at) < Alive && !up {
			up = true
			st.end(StepTunnel, true)
		}
		if err == nil {
			end()
			st.end(StepPing, true)
			r.RoundTrip, r.Steps = took, st.done
			return r, nil
		}
		if !waited { // it could not even be sent
			<-pctx.Done()
		}
		end()
		switch {
		case canceled(ctx):
			return fail(&Error{Step: StepPing, Reason: Canceled, Err: ctx.Err()})
		case ctx.Err() == nil:
			continue
		case !up:
			return fail(&Error{Step: StepTunnel, Reason: OwnTunnel, Err: err})
		}
		return fail(&Error{Step: StepPing, Reason: NoReply, Detail: want.Addresses[0].String(), Err: err})
	}
}
