package link

import (
	"context"
	"time"

	"provstation/serialproto"
)

// onFrame takes one sound frame.
func (s *server) onFrame(f serialproto.Frame, now time.Time) {
	s.d.mu.Lock()
	s.d.stats.heard(f.Kind)
	s.d.mu.Unlock()
	if !s.take(f, now) {
		s.d.mu.Lock()
		if f.Dir == serialproto.DeviceToHost {
			s.d.stats.Echoes++
		} else {
			s.d.stats.Ignored++
		}
		s.d.mu.Unlock()
	}
}

func (s *server) take(f serialproto.Frame, now time.Time) bool {
	if f.Dir != serialproto.HostToDevice {
		return false
	}
	if f.Kind == serialproto.KindHello {
		return s.onHello(f, now)
	}
	if s.session == 0 {
		return false
	}
	s.lastHost = now
	switch f.Kind {
	case serialproto.KindReq:
		return s.onReq(f, now)
	case serialproto.KindAck:
		return s.onAck(f, now)
	case serialproto.KindCancel:
		if s.running != nil && s.running.id == f.ID {
			s.running.cancel()
			return true
		}
	case serialproto.KindAhead:
		return s.onAhead(f)
	case serialproto.KindBusy:
		return f.ID == 0 // the session is still wanted
	case serialproto.KindBye:
		s.endSession()
		s.announce = now
		return true
	}
	return false
}

// onHello opens a session, or repeats the WELCOME of the one that is open. Another session value ends whatever runs.
func (s *server) onHello(f serialproto.Frame, now time.Time) bool {
	var hello serialproto.Hello
	if f.Last != 0 || serialproto.Decode(f.Payload, &hello) != nil {
		return false
	}
	switch {
	case hello.MinVersion > serialproto.Version || hello.MaxVersion < serialproto.Version:
		s.refuse(hello)
		return true
	case s.session != 0 && hello.Session == s.session:
		s.lastHost = now
		if len(s.queue) == 0 {
			s.queue = append(s.queue, s.welcome...)
		}
		return true
	case hello.Session == s.ended:
		return false
	}
	s.endSession()
	s.hello = &hello
	s.greet(now)
	return true
}

// refuse says BYE with status bad version. The frame is sealed with the session the host proposed.
func (s *server) refuse(hello serialproto.Hello) {
	payload, err := serialproto.EncodeResponse(serialproto.StatusBadVersion, "", 0, nil)
	if err != nil {
		return // cannot happen: constant
	}
	out, err := serialproto.AppendFrame(nil, hello.Session, serialproto.Frame{
		Dir: serialproto.DeviceToHost, Kind: serialproto.KindBye, Payload: payload,
	})
	if err == nil {
		_ = s.write(out, time.Now()) // repeated with the next HELLO
	}
}

// greet opens the session that waits in s.hello, once no handler of an older one is left.
func (s *server) greet(now time.Time) {
	if s.hello == nil || s.running != nil {
		return
	}
	hello := *s.hello
	s.hello = nil
	s.mtu = min(int(hello.MTU), s.cfg.MTU)
	s.win = min(int(hello.Window), s.cfg.Window)
	s.max = min(int(hello.MaxMessage), s.cfg.MaxMessage)
	s.d.h.SessionStart()
	w := s.d.h.Welcome(hello)
	w.Version, w.Session = serialproto.Version, hello.Session
	w.MTU, w.Window, w.MaxMessage = uint16(s.mtu), uint8(s.win), uint32(s.max)
	w.Features &= hello.Features
	if _, takes := s.d.h.(AheadTaker); !takes {
		w.Features &^= serialproto.FeatureAhead
	}
	data, err := serialproto.Encode(w)
	if err != nil { // the handler's words break the bounds: without a valid WELCOME there is no session
		s.d.h.SessionEnd()
		return
	}
	s.session, s.lastHost = hello.Session, now
	s.dec.SetSession(s.session)
	s.req = request{}
	s.ahead = aheadState{taken: w.Features&serialproto.FeatureAhead != 0}
	tx := newSender(serialproto.KindWelcome, uint8(hello.Session), data, s.mtu, serialproto.MaxFragment)
	s.welcome = s.welcome[:0:0]
	for i := range tx.frags {
		s.welcome = append(s.welcome, tx.frame(serialproto.DeviceToHost, i))
	}
	s.queue = append(s.queue[:0:0], s.welcome...) // an ANNOUNCE that has not left must not follow WELCOME
}

// endSession forgets the session. The handler, if one runs, is told; its response goes nowhere.
func (s *server) endSession() {
	if s.running != nil {
		s.running.cancel()
		s.running.id = 0
	}
	if s.session == 0 {
		return
	}
	s.ended, s.session = s.session, 0
	s.dec.SetSession(0)
	s.req, s.queue, s.welcome = request{}, nil, nil
	s.ahead = aheadState{}
	if s.running == nil {
		s.d.h.SessionEnd()
	} else {
		s.running.ends = true
	}
}

// onReq takes a fragment of a request. Ids run forward, so a fragment of an older request is a late duplicate and never
// executed again.
func (s *server) onReq(f serialproto.Frame, now time.Time) bool {
	if f.ID == 0 {
		return false
	}
	s.ahead.requested()
	if s.req.id == 0 || f.ID != s.req.id {
		if s.req.id != 0 && !follows(s.req.id, f.ID) {
			return false
		}
		if s.running != nil { // the host has given the older one up
			s.running.cancel()
			s.running.id = 0
		}
		s.req = request{id: f.ID, rx: newReassembler(f.ID, s.max, s.win)}
	}
	switch {
	case s.req.tx != nil:
		s.req.tx.answerAgain(now)
		return true
	case s.req.rx.complete():
		if s.running != nil && now.Sub(s.running.said) >= busyFirst {
			s.running.busyAt = now
		}
		return true
	}
	switch s.req.rx.add(f) {
	case fragBad:
		return false
	case fragTooLong:
		s.answer(encodeStatus(serialproto.StatusTooLarge, "request larger than agreed"))
		return true
	case fragNew, fragDuplicate:
	}
	if s.req.rx.complete() {
		s.req.pending = s.req.rx.message()
		s.start(now)
	}
	return true
}

// follows reports whether id b comes after a, within half of the circle 1..255.
func follows(a, b uint8) bool {
	d := (int(b) - int(a) + 255) % 255
	return d > 0 && d < 128
}

func (s *server) onAck(f serialproto.Frame, now time.Time) bool {
	tx := s.req.tx
	if tx == nil || f.ID != s.req.id || int(f.Last) != len(tx.frags)-1 || f.Idx > 1 {
		return false
	}
	if f.Idx == 1 {
		tx.idle(f.Payload, now)
	} else {
		tx.ack(f.Payload)
	}
	return true
}

// start hands the pending request to the handler, once no older one runs.
func (s *server) start(now time.Time) {
	data := s.req.pending
	if data == nil || s.running != nil {
		return
	}
	s.req.pending = nil
	op, err := serialproto.PeekOp(data)
	if err != nil {
		s.answer(encodeStatus(serialproto.StatusBadArgument, "malformed request"))
		return
	}
	s.req.op = op
	ctx, cancel := context.WithCancel(context.Background())
	s.running = &work{id: s.req.id, cancel: cancel, busyAt: now.Add(busyFirst), said: now}
	ahead := s.ahead.whole
	s.ahead.whole = nil
	go func() { s.results <- result{safely(ctx, s.d.h, ahead, op, data)} }()
}

// safely runs the handler. A panic is a failed operation, not the end of the agent.
func safely(ctx context.Context, h Handler, ahead []byte, op serialproto.Op, data []byte) (response []byte) {
	defer func() {
		if recover() != nil {
			response = encodeStatus(serialproto.StatusInternal, "handler failed")
		}
	}()
	if taker, ok := h.(AheadTaker); ok && ahead != nil {
		taker.Ahead(ahead)
	}
	return h.Handle(ctx, op, data)
}

// finished takes a handler's response.
func (s *server) finished(r result, now time.Time) {
	w := s.running
	s.running = nil
	w.cancel()
	s.lastHost = now
	if w.ends {
		s.d.h.SessionEnd()
		s.announce = now
	}
	switch {
	case s.session == 0:
		s.greet(now)
	case w.id != 0 && w.id == s.req.id:
		s.answer(r.response)
	default:
		s.start(now)
	}
}

// answer makes response the response of the current request.
func (s *server) answer(response []byte) {
	if len(response) == 0 {
		response = encodeStatus(serialproto.StatusInternal, "no response")
	}
	if len(response) > min(s.max, s.mtu*serialproto.MaxFragment) {
		response = encodeStatus(serialproto.StatusTooLarge, "response larger than agreed")
	}
	s.req.tx = newSender(serialproto.KindRsp, s.req.id, response, s.mtu, s.win)
}

// encodeStatus encodes a response that is one of this file's constants.
func encodeStatus(st serialproto.Status, detail string) []byte {
	data, err := serialproto.EncodeResponse(st, detail, 0, nil)
	if err != nil {
		return []byte{0xa1, 0x00, byte(serialproto.StatusInternal)}
	}
	return data
}
