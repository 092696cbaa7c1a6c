package link

import "provstation/serialproto"

// AheadTaker is an optional extension of Handler, for devices that offer feature AHEAD.
type AheadTaker interface {
	// Ahead takes what came ahead, packed, before the request that may refer back to it is handled. It is as hostile as any
	// request. The session's end makes it void.
	Ahead(packed []byte)
}

// aheadSender is what the host has cross behind a request, in this session.
type aheadSender struct {
	frames []serialproto.Frame // not handed to the transport yet
	behind uint8               // the request that they go behind; 0: that of the next Call
}

// Ahead has packed, which serialproto.PackAhead made, cross behind the request of the next Call, while the device works on that and
// answers it: the line is idle this way then. What has not left when the Call ends goes before the next request. Nothing is sent to
// a device that does not take it, on a line that has damaged or echoed something, or where packed is too long for the
// device's frames: HoldsAhead says so.
func (h *Host) Ahead(packed []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead = nil
	h.stats.decoder(h.dec.Stats())
	if !h.welcomed || h.welcome.Features&serialproto.FeatureAhead == 0 || h.stats.Broken+h.stats.Echoes+h.stats.Retransmits > 0 {
		return
	}
	if h.aheadID++; h.aheadID == 0 {
		h.aheadID = 1
	}
	mtu := min(int(h.welcome.MTU), serialproto.MaxPayload)
	tx := newSender(serialproto.KindAhead, h.aheadID, packed, mtu, serialproto.MaxFragment)
	if len(packed) == 0 || len(packed) > serialproto.MaxAheadPacked || len(tx.frags) > serialproto.MaxAheadFrames {
		return
	}
	a := &aheadSender{}
	for i := range tx.frags {
		a.frames = append(a.frames, tx.frame(serialproto.HostToDevice, i))
	}
	h.ahead = a
}

// HoldsAhead reports whether the device has what Ahead was given last, or will have it before the next request, unless the line lost
// it: the session is the same. What crosses ahead is not acknowledged.
func (h *Host) HoldsAhead() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ahead != nil
}

// begin notes the request that starts now. h.mu is held.
func (a *aheadSender) begin(id uint8) {
	if a != nil && a.behind == 0 {
		a.behind = id
	}
}

// next returns the frame to send beside the exchange x, if it is time for it. h.mu is held.
func (a *aheadSender) next(x *exchange) (f serialproto.Frame, ok bool) {
	if a == nil || len(a.frames) == 0 || a.behind == x.id && !x.tx.allSent() {
		return f, false
	}
	f, a.frames = a.frames[0], a.frames[1:]
	return f, true
}

// onAhead takes a fragment of what later requests may refer back to.
func (s *server) onAhead(f serialproto.Frame) bool {
	if !s.takesAhead || f.ID == 0 || f.Last >= serialproto.MaxAheadFrames {
		return false
	}
	if s.ahead == nil || s.ahead.id != f.ID {
		s.ahead = newReassembler(f.ID, serialproto.MaxAheadPacked, serialproto.MaxAheadFrames)
	}
	if s.ahead.complete() || s.ahead.add(f) != fragNew {
		return false
	}
	if s.ahead.complete() {
		s.cameAhead = s.ahead.message()
	}
	return true
}
