package link

import "provstation/serialproto"

// reassembler is the receiving half of one message. Its memory is bounded by max bytes and 256 fragments.
type reassembler struct {
	id      uint8
	max     int // bytes of the whole message
	win     int
	parts   [][]byte // nil until the first fragment says how many
	got     int
	high    int // highest index heard
	size    int
	unsaid  int // new fragments since the last ACK
	said    int // fragments the sender knows of
	ackDue  bool
	tooLong bool
}

// verdict is what a fragment was.
type verdict int

const (
	fragNew verdict = iota
	fragDuplicate
	fragBad // breaks the rules: idx beyond last, another last, empty where it must not be
	fragTooLong
)

func newReassembler(id uint8, limit, win int) *reassembler {
	return &reassembler{id: id, max: limit, win: max(1, win), high: -1}
}

// started reports whether any fragment was heard.
func (r *reassembler) started() bool { return r.parts != nil }

// complete reports whether all fragments were heard.
func (r *reassembler) complete() bool { return r.parts != nil && r.got == len(r.parts) }

// add takes one fragment and decides whether an ACK is due: after half a window of new ones where the sender needs it
// to go on, on a gap, on a duplicate.
func (r *reassembler) add(f serialproto.Frame) verdict {
	idx, n := int(f.Idx), int(f.Last)+1
	if idx >= n || r.parts != nil && n != len(r.parts) {
		return fragBad
	}
	if len(f.Payload) == 0 && n > 1 {
		return fragBad
	}
	if r.tooLong {
		return fragTooLong
	}
	if r.parts == nil {
		r.parts = make([][]byte, n)
	}
	if r.parts[idx] != nil {
		r.ackDue = true
		return fragDuplicate
	}
	if r.size+len(f.Payload) > r.max {
		r.tooLong = true
		return fragTooLong
	}
	r.parts[idx] = f.Payload[:len(f.Payload):len(f.Payload)]
	if f.Payload == nil {
		r.parts[idx] = []byte{}
	}
	r.size += len(f.Payload)
	r.got++
	r.unsaid++
	if r.gapBelow(idx) {
		r.ackDue = true
	}
	r.high = max(r.high, idx)
	if r.unsaid >= max(1, r.win/2) && r.said+r.win < n {
		r.ackDue = true
	}
	return fragNew
}

// gapBelow reports whether this fragment proves a loss: it opened a gap, or came while one below it is still open.
func (r *reassembler) gapBelow(idx int) bool {
	if idx > r.high+1 {
		return true
	}
	if idx > r.high {
		return false
	}
	for _, p := range r.parts[:idx] {
		if p == nil {
			return true
		}
	}
	return false
}

// bitmap returns the ACK payload, lowest index in the lowest bit of the first byte, and notes that the sender is told.
func (r *reassembler) bitmap() []byte {
	b := make([]byte, (len(r.parts)+7)/8)
	for i, p := range r.parts {
		if p != nil {
			b[i/8] |= 1 << (i % 8)
		}
	}
	r.ackDue, r.unsaid, r.said = false, 0, r.got
	return b
}

// ack returns the ACK frame for what was heard so far.
func (r *reassembler) ack(dir serialproto.Dir, idle bool) serialproto.Frame {
	f := serialproto.Frame{Dir: dir, Kind: serialproto.KindAck, ID: r.id, Last: uint8(len(r.parts) - 1), Payload: r.bitmap()}
	if idle {
		f.Idx = 1
	}
	return f
}

// message joins the fragments.
func (r *reassembler) message() []byte {
	out := make([]byte, 0, r.size)
	for _, p := range r.parts {
		out = append(out, p...)
	}
	return out
}
