package wgcheck

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// Every is the pause between two looks at a server's interface. Nothing tells of a handshake: netlink's WireGuard family
// has no multicast group and the userspace protocol no event, so it has to be asked for. A device tries every five seconds
// (REKEY_TIMEOUT); a quarter of a second is what a person does not notice.
const Every = 250 * time.Millisecond

// Alive is how old a handshake may be for its session to be in use: after REJECT_AFTER_TIME (whitepaper, section 6.1)
// neither side takes a packet of it.
const Alive = 180 * time.Second

// Server watches a server's interface for the handshakes of devices. It is safe for concurrent use: all who watch share
// one look each [Every].
type Server struct {
	src  Source
	now  func() time.Time
	turn chan struct{} // holds a token while nobody reads
	at   time.Time
	last Interface
	err  error
}

// NewServer makes a Server. now nil: time.Now.
func NewServer(src Source, now func() time.Time) *Server {
	if now == nil {
		now = time.Now
	}
	s := &Server{src: src, now: now, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// look gives the interface as it was at most Every ago.
func (s *Server) look(ctx context.Context) (Interface, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return Interface{}, ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	if !s.at.IsZero() && s.now().Sub(s.at) < Every {
		return s.last, s.err
	}
	i, err := s.src.Read(ctx)
	if ctx.Err() != nil {
		return Interface{}, ctx.Err() // this caller's impatience is nobody else's
	}
	s.last, s.err, s.at = i, err, s.now()
	return i, err
}

// Watch waits until the server has seen a handshake of the device that counts, or patience is over. What can only get worse
// is told at once; what a server may still come to know, when patience is over.
func (s *Server) Watch(ctx context.Context, want Want, patience time.Duration, tell Progress) (Result, error) {
	r := Result{Way: ByServer}
	st := newSteps(s.now, tell)
	fail := func(e *Error) (Result, error) {
		e.Way = ByServer
		st.end(e.Step, false)
		r.Steps = st.done
		return r, e
	}
	if want.Key == (wgtypes.Key{}) && len(want.Addresses) == 0 {
		return fail(&Error{Step: StepPeer, Reason: NotIdentified})
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(Every)
	defer tick.Stop()
	var why *Error
	for reached := 0; ; {
		i, err := s.look(ctx)
		if err == nil || ctx.Err() == nil {
			var p *Peer
			p, why = judge(i, err, want)
			for order := []Step{StepServer, StepPeer}; reached < len(order) && (why == nil || passed(why.Step, order[reached])); reached++ {
				st.end(order[reached], true)
			}
			if p != nil {
				r.Handshake, r.Endpoint, r.Received, r.Sent = p.Handshake, p.Endpoint, p.Received, p.Sent
			}
			switch {
			case why == nil:
				st.end(StepHandshake, true)
				r.Steps = st.done
				return r, nil
			case why.Reason == WrongServerKey, why.Reason == ServerMisanswered, errors.Is(err, fs.ErrPermission):
				return fail(why)
			}
		}
		select {
		case <-tick.C:
			continue
		case <-ctx.Done():
		}
		switch {
		case canceled(ctx):
			return fail(&Error{Step: StepHandshake, Reason: Canceled, Err: ctx.Err()})
		case why == nil: // not one look came to its end
			return fail(&Error{Step: StepServer, Reason: ServerUnreadable, Detail: "it does not answer", Err: err})
		}
		return fail(why)
	}
}

// passed reports whether a check that failed at one step had another one behind it.
func passed(failed, step Step) bool {
	order := map[Step]int{StepServer: 0, StepKey: 1, StepPeer: 2, StepHandshake: 3}
	return order[step] < order[failed]
}

// Explain looks once at the server and says why the device has no handshake; nil where it has one that counts.
func (s *Server) Explain(ctx context.Context, want Want) *Error {
	i, err := s.look(ctx)
	_, why := judge(i, err, want)
	if why != nil {
		why.Way = ByServer
	}
	return why
}

// judge says what one look at the server shows: the device's peer, and why it does not count.
func judge(i Interface, err error, want Want) (*Peer, *Error) {
	if err != nil {
		return nil, &Error{Step: StepServer, Reason: unreadable(err), Detail: readDetail(err), Err: err}
	}
	if i.PublicKey != (wgtypes.Key{}) && !want.knowsServer(i.PublicKey) {
		return nil, &Error{Step: StepKey, Reason: WrongServerKey, Detail: fmt.Sprintf("it names %s, the server is %s", want.Servers[0], i.PublicKey)}
	}
	holder := i.holder(want.Addresses)
	if want.Key == (wgtypes.Key{}) { // only its address is known
		if holder == nil {
			return nil, &Error{Step: StepPeer, Reason: PeerMissing, Detail: fmt.Sprintf("nobody has %v", want.Addresses)}
		}
		return holder, judgePeer(holder, want)
	}
	p := i.find(want.Key)
	switch {
	case p == nil && holder != nil:
		return nil, &Error{Step: StepPeer, Reason: WrongPeerKey, Detail: fmt.Sprintf("%v is %s there, the device's key is %s", want.Addresses, holder.PublicKey, want.Key)}
	case p == nil:
		return nil, &Error{Step: StepPeer, Reason: PeerMissing, Detail: want.Key.String()}
	case len(want.Addresses) > 0 && holder != p:
		return p, &Error{Step: StepPeer, Reason: WrongAddress, Detail: fmt.Sprintf("the device has %v, the server %v", want.Addresses, p.AllowedIPs)}
	}
	return p, judgePeer(p, want)
}

func judgePeer(p *Peer, want Want) *Error {
	fail := func(r Reason, format string, args ...any) *Error {
		return &Error{Step: StepHandshake, Reason: r, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case !p.Handshake.IsZero() && !p.Handshake.Before(want.NotBefore):
		return nil
	case p.Handshake.IsZero():
		return fail(NothingArrived, "%d bytes received", p.Received)
	case !want.Clock.IsZero() && want.Clock.Before(p.Handshake):
		return fail(ClockBehind, "the handshake was at %s, the device's clock shows %s", stamp(p.Handshake), stamp(want.Clock))
	}
	return fail(Stale, "it was at %s", stamp(p.Handshake))
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func unreadable(err error) Reason {
	if errors.Is(err, errUAPI) {
		return ServerMisanswered
	}
	return ServerUnreadable
}

func readDetail(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it is not there"
	case errors.Is(err, fs.ErrPermission):
		return "no permission"
	}
	return printable(err.Error())
}
