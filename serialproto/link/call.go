package link

import (
	"context"
	"errors"
	"fmt"
	"time"

	"provstation/serialproto"
)

// exchange is one request and its response. Its fields are guarded by Host.mu.
type exchange struct {
	id      uint8
	tx      *sender
	rx      *reassembler
	wire    *wire
	latency time.Duration
	pollAt  time.Time
	wait    time.Duration // current poll backoff
	polls   int
	idleAt  time.Time    // the lastByte for which an idle ACK was sent
	bad     bool         // the response is larger than agreed
	ready   func() error // what the end of the request waits for; nil: nothing, or it was sent
	last    bool         // the frame in hand ends the request
}

// Call sends a request (one of serialproto's ...Args with its Op set) and decodes the response into result (a pointer
// to the operation's result type, or nil). A status other than ok is a *serialproto.StatusError.
//
// The deadline is ctx's, HostConfig.OpTimeout where it has none; BUSY never extends it. When ctx ends, CANCEL is sent.
// Where the line makes no progress the session is opened again with half the mtu and the request repeated, which is
// right because every operation is idempotent; if the device turns out to have restarted, the error is ErrReset.
func (h *Host) Call(ctx context.Context, req, result any) error {
	op := serialproto.RequestOp(req)
	action := "call " + op.String()
	data, err := serialproto.EncodeRequest(req)
	if err != nil {
		return &OpError{action, err}
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.cfg.OpTimeout)
		defer cancel()
	}
	if err := h.acquire(ctx); err != nil {
		return &OpError{action, err}
	}
	defer h.release()
	answer, err := h.exchangeAgain(ctx, data)
	if err != nil {
		return &OpError{action, err}
	}
	head, err := serialproto.DecodeResponse(answer, result)
	if err != nil {
		return &OpError{action, fmt.Errorf("%w: %w", ErrProtocol, err)}
	}
	return head.Err(op)
}

// exchangeAgain is exchange with the adaptive mtu around it.
func (h *Host) exchangeAgain(ctx context.Context, data []byte) (answer []byte, err error) {
	echoes := h.echoes()
	defer func() {
		if errors.Is(err, ErrNoProgress) && !errors.Is(err, ErrEcho) && h.echoes() > echoes {
			err = fmt.Errorf("%w: %w", ErrEcho, err)
		}
	}()
	for try := 0; ; try++ {
		before, _ := h.Session()
		answer, err = h.exchange(ctx, data)
		if !errors.Is(err, ErrNoProgress) || try >= h.cfg.Rehellos {
			return answer, err
		}
		h.halve()
		now, greetErr := h.greet(ctx)
		if greetErr != nil {
			return nil, fmt.Errorf("greet again: %w", greetErr)
		}
		if !sameBoot(before, now) {
			err := &ResetError{Rebooted: true, Reason: "its boot id changed"}
			h.mu.Lock()
			h.dropSession(err)
			h.mu.Unlock()
			return nil, err
		}
	}
}

func (h *Host) echoes() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stats.Echoes
}

// exchange sends one request and waits for its response. busy is held.
func (h *Host) exchange(ctx context.Context, data []byte) ([]byte, error) {
	if err := h.startExchange(data); err != nil {
		return nil, err
	}
	defer h.endExchange()
	timer := newTimer()
	defer timer.Stop()
	for {
		frame, wait, answer, err := h.step(time.Now())
		switch {
		case err != nil:
			return nil, err
		case answer != nil:
			return answer, nil
		case frame != nil:
			err = h.send(ctx, frame)
		default:
			err = h.pause(ctx, timer, wait)
		}
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			h.cancel(ctx)
			return nil, err
		}
	}
}

func (h *Host) startExchange(data []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fatal != nil {
		return h.fatal
	}
	if !h.welcomed {
		return h.lost
	}
	mtu, win := min(int(h.welcome.MTU), serialproto.MaxPayload), int(h.welcome.Window)
	if limit := min(int(h.welcome.MaxMessage), mtu*serialproto.MaxFragment); len(data) > limit {
		return fmt.Errorf("request of %d bytes, limit %d: %w", len(data), limit, serialproto.ErrTooLarge)
	}
	if h.id++; h.id == 0 {
		h.id = 1
	}
	h.x = &exchange{
		id: h.id, tx: newSender(serialproto.KindReq, h.id, data, mtu, win),
		rx:   newReassembler(h.id, int(h.welcome.MaxMessage), win),
		wire: &h.wire, latency: h.cfg.Latency, wait: pollBase, ready: h.ready,
	}
	h.x.progress(time.Now())
	h.ahead.begin(h.id)
	return nil
}

func (h *Host) endExchange() {
	h.mu.Lock()
	h.x = nil
	h.mu.Unlock()
}

// cancel tells the device to stop, when the caller's context ended with a request under way. The frame goes out under
// a short deadline of its own, since ctx has none left to give.
func (h *Host) cancel(ctx context.Context) {
	h.mu.Lock()
	var frame []byte
	h.ahead = nil // who gives up wants nothing of it
	if h.fatal == nil && h.welcomed {
		frame, _, _ = h.seal(serialproto.Frame{Kind: serialproto.KindCancel, ID: h.x.id}, time.Now()) // constant frame: cannot fail
	}
	h.mu.Unlock()
	if frame != nil {
		_ = h.write(context.WithoutCancel(ctx), frame) // best effort: a lost CANCEL costs the device some work
	}
}

// step decides what to do now: hand over a frame, wait, or end.
func (h *Host) step(now time.Time) (frame []byte, wait time.Duration, answer []byte, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x := h.x
	switch {
	case h.fatal != nil:
		return nil, 0, nil, h.fatal
	case x.rx.complete():
		return nil, 0, x.rx.message(), nil
	case !h.welcomed:
		return nil, 0, nil, h.lost
	case x.bad:
		return nil, 0, nil, fmt.Errorf("%w: response larger than agreed", ErrProtocol)
	}
	if d := h.wire.wait(now); d > 0 {
		return nil, d, nil, nil
	}
	f, ok, first := x.next(now, h.lastByte)
	if !ok || f.Kind == serialproto.KindReq {
		if fa, beside := h.ahead.next(x, ok || !now.Before(x.pollAt)); beside {
			f, ok, first = fa, true, false
		}
	}
	if !ok && !now.Before(x.pollAt) {
		if x.polls >= maxPolls {
			return nil, 0, nil, ErrNoProgress
		}
		h.stats.Polls++
		x.poll(now)
		f, ok, first = x.next(now, h.lastByte)
	}
	if !ok {
		return nil, x.sleep(now, h.lastByte), nil, nil
	}
	out, gone, err := h.seal(f, now)
	if err != nil {
		return nil, 0, nil, err
	}
	x.last = f.Kind == serialproto.KindReq && f.Idx == f.Last
	switch f.Kind {
	case serialproto.KindReq:
		h.ahead.passed()
		if !x.tx.sent(int(f.Idx), gone) {
			h.stats.Retransmits++
		} else if first {
			x.arm(now)
		}
	case serialproto.KindAhead:
		if !h.ahead.sent(int(f.Idx), gone) {
			h.stats.Retransmits++
		}
	}
	return out, 0, nil, nil
}

// next returns the frame to send now, if there is one: an ACK that is due, else a fragment of the request. first says
// that it is one never sent before.
func (x *exchange) next(now, lastByte time.Time) (f serialproto.Frame, ok, first bool) {
	if x.rx.started() {
		if x.rx.ackDue {
			return x.rx.ack(serialproto.HostToDevice, false), true, false
		}
		if x.idleAt != lastByte && !now.Before(lastByte.Add(x.silence())) {
			x.idleAt = lastByte
			return x.rx.ack(serialproto.HostToDevice, true), true, false
		}
		return f, false, false
	}
	i, ok := x.tx.pick()
	if !ok {
		return f, false, false
	}
	return x.tx.frame(serialproto.HostToDevice, i), true, i == x.tx.next
}

// silence is how long the line must be quiet before the receiver of an unfinished message speaks up.
func (x *exchange) silence() time.Duration { return idleAfter + x.wire.time(16) }

// sleep is how long nothing needs to be done.
func (x *exchange) sleep(now, lastByte time.Time) time.Duration {
	d := x.pollAt.Sub(now)
	if x.rx.started() && x.idleAt != lastByte {
		d = min(d, lastByte.Add(x.silence()).Sub(now))
	}
	return d
}

// arm sets the poll timer: what is queued must leave the wire, one full frame must be able to come back.
func (x *exchange) arm(now time.Time) {
	x.pollAt = x.wire.done(now).Add(x.wire.time(serialproto.MaxWire) + x.wait + x.latency)
}

// progress resets the poll timer and its backoff.
func (x *exchange) progress(now time.Time) {
	x.polls, x.wait = 0, pollBase
	x.arm(now)
}

// poll asks for a sign of life: the lowest un-acknowledged fragment and the last one again, or, once the response has
// begun, the bitmap of what was heard of it.
func (x *exchange) poll(now time.Time) {
	x.polls++
	if x.rx.started() {
		x.idleAt = time.Time{} // says the idle ACK again
	} else {
		x.tx.poll()
	}
	x.wait = backoff(x.wait, pollMost)
	x.arm(now)
}

// heard takes RSP, ACK or BUSY of this exchange. It reports whether the frame had a place.
func (x *exchange) heard(f serialproto.Frame, now time.Time) bool {
	switch f.Kind {
	case serialproto.KindRsp:
		if x.rx.complete() {
			return false
		}
		x.tx.ackAll() // the response acknowledges the request
		switch x.rx.add(f) {
		case fragNew:
			x.progress(now)
		case fragDuplicate:
		case fragTooLong:
			x.bad = true
		default:
			return false
		}
		return true
	case serialproto.KindAck:
		if x.rx.started() || int(f.Last) != len(x.tx.frags)-1 || f.Idx > 1 {
			return false
		}
		// An ACK without progress must not touch the poll timer: resets by repeated ACKs once made a lost last
		// fragment cost ten seconds.
		var moved bool
		switch f.Idx {
		case 1:
			moved = x.tx.idle(f.Payload, now)
		default:
			moved = x.tx.ack(f.Payload)
		}
		if moved {
			x.progress(now)
		}
		return true
	case serialproto.KindBusy:
		if x.rx.started() {
			return false
		}
		x.tx.ackAll() // BUSY is said only once the whole request was heard
		x.polls, x.wait = 0, pollBase
		x.arm(now)
		x.pollAt = x.pollAt.Add(busyMost)
		return true
	}
	return false
}
