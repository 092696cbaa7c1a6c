package link

import (
	"slices"
	"time"

	"provstation/serialproto"
)

// aheadWindow is how many bytes of an answer must fit into the agreed window for something to cross beside it: what acknowledges an answer
// would have to wait behind that.
const aheadWindow = 512

// AheadTaker is an optional extension of Handler, for devices that offer feature AHEAD.
type AheadTaker interface {
	// Ahead takes what came ahead, packed, before the request that may refer back to it is handled. It is as hostile as any
	// request. The session's end makes it void.
	Ahead(packed []byte)
}

// aheadSender is what the host has cross behind a request, in this session.
type aheadSender struct {
	tx       *sender
	behind   uint8  // the request that it goes behind; 0: that of the next Call
	before   uint64 // tx.order when a fragment of a request was sent last
	repeats  int    // fragments sent again, at most MaxAheadFrames: a device that lacks more has a line for nothing of this
	repaired bool   // some were since RepairedAhead was asked
}

// Ahead has packed, which serialproto.PackAhead made, cross behind the request of the next Call, while the device works on that and
// answers it: the line is idle this way then. What has not left when the Call ends goes before the next request. Nothing is sent to
// a device that does not take it or has a window for small answers only, on a line that has damaged or echoed something in this
// session, or where packed is too long for the device's frames; HoldsAhead says so. Nil takes back what has not left.
func (h *Host) Ahead(packed []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead = nil
	mtu, win := min(int(h.welcome.MTU), serialproto.MaxPayload), int(h.welcome.Window)
	if len(packed) == 0 || len(packed) > min(serialproto.MaxAheadPacked, mtu*serialproto.MaxAheadFrames) || win*mtu < aheadWindow {
		return
	}
	if !h.welcomed || h.welcome.Features&serialproto.FeatureAhead == 0 || h.damage() > h.damaged {
		return
	}
	if h.aheadID++; h.aheadID == 0 {
		h.aheadID = 1
	}
	h.ahead = &aheadSender{tx: newSender(serialproto.KindAhead, h.aheadID, packed, mtu, serialproto.MaxAheadFrames)}
}

// damage counts what a good line never shows. h.mu is held.
func (h *Host) damage() uint64 {
	h.stats.decoder(h.dec.Stats())
	return h.stats.Broken + h.stats.Echoes + h.stats.Retransmits
}

// HoldsAhead reports whether the device has what Ahead was given last, or will have it before the next request, unless the line lost
// it: a Call has begun since, and the session is the same.
func (h *Host) HoldsAhead() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ahead != nil && h.ahead.behind != 0
}

// RepairedAhead reports whether something of what goes ahead was sent again since it was asked last, or will be before the next
// request: what the device could not refer back to may be there then.
func (h *Host) RepairedAhead() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ahead == nil {
		return false
	}
	again := h.ahead.repaired || slices.ContainsFunc(h.ahead.tx.frags, func(f fragment) bool { return f.lost })
	h.ahead.repaired = false
	return again
}

// begin notes the request that starts now. h.mu is held.
func (a *aheadSender) begin(id uint8) {
	if a != nil && a.behind == 0 {
		a.behind = id
	}
}

// next returns the frame to send beside the exchange x, if it is time for it: never before what is due of the request that it goes
// behind. h.mu is held.
func (a *aheadSender) next(x *exchange, due bool) (f serialproto.Frame, ok bool) {
	if a == nil || a.behind == 0 || a.behind == x.id && (due || !x.tx.allSent()) {
		return f, false
	}
	i, ok := a.tx.pick()
	if !ok {
		return f, false
	}
	return a.tx.frame(serialproto.HostToDevice, i), true
}

// sent notes that fragment i was handed over. It reports whether this was its first transmission. h.mu is held.
func (a *aheadSender) sent(i int, gone time.Time) bool {
	first := a.tx.sent(i, gone)
	if !first {
		a.repeats++
		a.repaired = true
	}
	return first
}

// passed notes that a fragment of a request goes out now: what it is told then of what was sent before is final. h.mu is held.
func (a *aheadSender) passed() {
	if a != nil {
		a.before = a.tx.order
	}
}

// heard takes what a device has where it lacks something. It reports whether the frame had a place. h.mu is held.
func (a *aheadSender) heard(f serialproto.Frame) bool {
	if a == nil || f.ID != a.tx.id || int(f.Last) != len(a.tx.frags)-1 || f.Idx > aheadRest {
		return false
	}
	if a.repeats >= serialproto.MaxAheadFrames {
		return true
	}
	a.tx.ack(f.Payload)
	if f.Idx == aheadRest {
		a.tx.repeatUpTo(a.before)
	}
	return true
}

// Indexes of what a device says is missing.
const (
	aheadGap  = 0 // what was sent before a fragment that it has
	aheadRest = 1 // what was sent before a fragment of a request that has come
)

// aheadState is what a device has of what comes ahead in a session.
type aheadState struct {
	taken bool         // it was agreed upon
	rx    *reassembler // the message that comes, or came last
	whole []byte       // and is not handed to the handler yet
	rest  bool         // a fragment of a request has come, and rx is not whole
	told  bool         // that, since the last fragment
}

// onAhead takes a fragment of what later requests may refer back to.
func (s *server) onAhead(f serialproto.Frame) bool {
	a := &s.ahead
	if !a.taken || f.ID == 0 || f.Last >= serialproto.MaxAheadFrames || f.Idx > f.Last || len(f.Payload) == 0 {
		return false
	}
	if a.rx == nil || a.rx.id != f.ID {
		a.rx, a.rest = newReassembler(f.ID, serialproto.MaxAheadPacked, serialproto.MaxAheadFrames), false
	}
	if due := a.rx.ackDue; a.rx.complete() || a.rx.add(f) != fragNew {
		a.rx.ackDue = due // what comes twice is no gap
		return false
	}
	a.rest, a.told = false, false
	if a.rx.complete() {
		a.rx.ackDue, a.whole = false, a.rx.message()
	}
	return true
}

// requested notes that a request comes: what was sent before it and has not come is lost.
func (a *aheadState) requested() {
	if a.rx != nil && a.rx.started() && !a.rx.complete() && !a.told {
		a.rest, a.told = true, true
	}
}

// missing is what the host has to know, if something is missing.
func (a *aheadState) missing() (f serialproto.Frame, ok bool) {
	if a.rx == nil || !a.rx.ackDue && !a.rest {
		return f, false
	}
	f = a.rx.ack(serialproto.DeviceToHost, false)
	f.Kind, f.Idx = serialproto.KindAhead, aheadGap
	if a.rest {
		f.Idx = aheadRest
	}
	a.rest = false
	return f, true
}
