package link

import (
	"time"

	"provstation/serialproto"
)

// sender is the sending half of one message: which fragments are out, acknowledged, lost. It does no I/O and knows no
// clock but what it is told.
type sender struct {
	kind   serialproto.Kind
	id     uint8
	data   []byte
	mtu    int
	win    int
	frags  []fragment
	next   int    // lowest index never sent
	order  uint64 // of the latest transmission
	acked  int
	resent uint64
}

type fragment struct {
	order uint64    // latest transmission; 0: never sent
	gone  time.Time // when its latest transmission has left the modelled wire
	acked bool
	lost  bool // to be sent again, whatever acked says
}

func newSender(kind serialproto.Kind, id uint8, data []byte, mtu, win int) *sender {
	n := max(1, (len(data)+mtu-1)/mtu)
	return &sender{kind: kind, id: id, data: data, mtu: mtu, win: max(1, win), frags: make([]fragment, n)}
}

// pick returns the fragment to send now: lost ones first, then new ones within the window.
func (s *sender) pick() (int, bool) {
	for i := range s.frags[:s.next] {
		if s.frags[i].lost {
			return i, true
		}
	}
	if s.next < len(s.frags) && s.next-s.acked < s.win {
		return s.next, true
	}
	return 0, false
}

// frame returns fragment i as a frame.
func (s *sender) frame(dir serialproto.Dir, i int) serialproto.Frame {
	lo := i * s.mtu
	return serialproto.Frame{
		Dir: dir, Kind: s.kind, ID: s.id, Idx: uint8(i), Last: uint8(len(s.frags) - 1),
		Payload: s.data[lo:min(lo+s.mtu, len(s.data))],
	}
}

// sent notes that fragment i was handed over. It reports whether this was its first transmission.
func (s *sender) sent(i int, gone time.Time) bool {
	s.order++
	f := &s.frags[i]
	f.order, f.gone, f.lost = s.order, gone, false
	if i == s.next {
		s.next++
		return true
	}
	s.resent++
	return false
}

// late says when the last fragment, whose end was held back, has left the modelled wire: what was said of it before does not count.
func (s *sender) late(gone time.Time) {
	if f := &s.frags[len(s.frags)-1]; !f.acked {
		f.lost, f.gone = false, gone
	}
}

// ack takes the receiver's bitmap. Loss is judged by send order: the line is first in, first out, so whatever was sent
// before a fragment that is newly acknowledged, and is not acknowledged itself, is lost. It reports progress.
func (s *sender) ack(bitmap []byte) bool {
	var newest uint64
	for i := range s.frags[:s.next] {
		f := &s.frags[i]
		if !f.acked && i/8 < len(bitmap) && bitmap[i/8]>>(i%8)&1 == 1 {
			f.acked, f.lost = true, false
			s.acked++
			newest = max(newest, f.order)
		}
	}
	for i := range s.frags[:s.next] {
		if f := &s.frags[i]; !f.acked && f.order < newest {
			f.lost = true
		}
	}
	return newest > 0
}

// idle takes the bitmap of a receiver that has heard nothing for a while: what has left the modelled wire and is not
// acknowledged is lost.
func (s *sender) idle(bitmap []byte, now time.Time) bool {
	progress := s.ack(bitmap)
	s.repeat(now)
	return progress
}

// repeat marks everything un-acknowledged that has left the wire as lost.
func (s *sender) repeat(now time.Time) {
	for i := range s.frags[:s.next] {
		if f := &s.frags[i]; !f.acked && !f.gone.After(now) {
			f.lost = true
		}
	}
}

// repeatUpTo marks everything un-acknowledged that was sent up to the transmission of this order as lost.
func (s *sender) repeatUpTo(order uint64) {
	for i := range s.frags[:s.next] {
		if f := &s.frags[i]; !f.acked && f.order <= order {
			f.lost = true
		}
	}
}

// ackAll: the peer proved that it holds the whole message.
func (s *sender) ackAll() bool {
	progress := s.acked < len(s.frags)
	for i := range s.frags {
		s.frags[i].acked, s.frags[i].lost = true, false
	}
	s.next, s.acked = len(s.frags), len(s.frags)
	return progress
}

// poll marks the lowest un-acknowledged fragment and the last one sent for another transmission: whatever the receiver
// misses, one of them makes it answer.
func (s *sender) poll() {
	if s.next == 0 {
		return
	}
	s.frags[s.next-1].lost = true
	for i := range s.frags[:s.next] {
		if f := &s.frags[i]; !f.acked {
			f.lost = true
			return
		}
	}
}

// answerAgain is for a sender whose peer asks the same question again: everything un-acknowledged that has left the
// wire goes out again, or the last fragment when all was acknowledged. What is still under way is not doubled.
func (s *sender) answerAgain(now time.Time) {
	s.repeat(now)
	if last := &s.frags[len(s.frags)-1]; s.acked == len(s.frags) && !last.gone.After(now) {
		last.lost = true
	}
}

// allSent reports whether every fragment was sent at least once.
func (s *sender) allSent() bool { return s.next == len(s.frags) }
