package conform

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"provstation/serialproto"
)

// answer is a response and how it came.
type answer struct {
	raw   []byte
	took  time.Duration // from the last byte of the request to the first frame of the response
	busy  []time.Time   // when BUSY was heard
	asked time.Time     // when the request had left
	rsp   assembly
}

// maxPolls is how often the device is asked again for a sign of life.
const maxPolls = 6

// encode is the bytes of a message: as they are, or deterministic CBOR. Bounds are not looked at, so that a case can break them.
func (d *dut) encode(v any) []byte {
	if raw, ok := v.([]byte); ok {
		return raw
	}
	b, err := d.enc.Marshal(v)
	if err != nil {
		panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
	}
	return b
}

func (d *dut) nextID() uint8 {
	if d.id++; d.id == 0 {
		d.id = 1
	}
	return d.id
}

// split cuts a message into fragments.
func split(msg []byte, size int) [][]byte {
	if len(msg) == 0 {
		return [][]byte{{}}
	}
	return slices.Collect(slices.Chunk(msg, size))
}

// fragment is one frame of a request.
func fragment(id uint8, parts [][]byte, i int) serialproto.Frame {
	return serialproto.Frame{Kind: serialproto.KindReq, ID: id, Idx: uint8(i), Last: uint8(len(parts) - 1), Payload: parts[i]}
}

// send asks for an operation under the next id and waits for the whole answer.
func (d *dut) send(req any) answer {
	return d.exchange(d.nextID(), split(d.encode(req), int(max(d.welcome.MTU, 1))))
}

// exchange is a request in fragments and its response. It is a plain host: it fills the window, heeds ACKs and BUSY, and asks
// again where nothing comes.
func (d *dut) exchange(id uint8, parts [][]byte) answer {
	x := exchange{d: d, id: id, parts: parts, acked: make([]bool, len(parts))}
	for {
		x.fill()
		f, ok := d.hear(x.patience(), x.mine)
		if !ok {
			x.poll()
			continue
		}
		if x.asked.After(f.at) {
			x.asked = f.at
		}
		if x.take(f) {
			return answer{raw: x.rsp.join(), took: x.first.Sub(x.asked), busy: x.busy, asked: x.asked, rsp: x.rsp}
		}
	}
}

// exchange is one request under way.
type exchange struct {
	d     *dut
	id    uint8
	parts [][]byte
	acked []bool
	sent  int  // lowest index never sent
	whole bool // the device has it all
	polls int
	busy  []time.Time
	asked time.Time
	first time.Time // frame of the response
	rsp   assembly
	fresh int // fragments of the response since the last ACK
}

func (x *exchange) mine(f serialproto.Frame) bool {
	return answers(x.id)(f) || kinds(serialproto.KindAnnounce, serialproto.KindBye)(f)
}

// fill sends what the window has room for.
func (x *exchange) fill() {
	for !x.whole && x.sent < len(x.parts) && x.open() < int(max(x.d.welcome.Window, 1)) {
		x.d.say(fragment(x.id, x.parts, x.sent))
		if x.sent++; x.sent == len(x.parts) {
			x.asked = time.Now()
			if x.d.free.After(x.asked) {
				x.asked = x.d.free
			}
		}
	}
}

// open is how many fragments are out and not acknowledged.
func (x *exchange) open() int {
	n := 0
	for _, ok := range x.acked[:x.sent] {
		if !ok {
			n++
		}
	}
	return n
}

func (x *exchange) patience() time.Duration {
	if len(x.rsp.parts) > 0 {
		return 60*time.Millisecond + max(2*x.d.cfg.Latency, 2*x.d.trip) + x.d.wire(2*serialproto.MaxWire)
	}
	return time.Second + x.d.slack()
}

// poll asks for a sign of life.
func (x *exchange) poll() {
	if x.polls++; x.polls > maxPolls {
		x.d.fail("want an answer to %s, got none in %d polls", opOf(x.parts), maxPolls)
	}
	if len(x.rsp.parts) > 0 {
		x.ack(1)
		return
	}
	if i := slices.Index(x.acked[:x.sent], false); i >= 0 && i != x.sent-1 && !x.whole {
		x.d.say(fragment(x.id, x.parts, i))
	}
	x.d.say(fragment(x.id, x.parts, x.sent-1))
}

func (x *exchange) ack(idle uint8) {
	x.fresh = 0
	x.d.say(serialproto.Frame{Kind: serialproto.KindAck, ID: x.id, Idx: idle, Last: x.rsp.last, Payload: x.rsp.bitmap()})
}

// take looks at a frame, and reports whether the response is whole.
func (x *exchange) take(f heard) bool {
	switch f.Kind {
	case serialproto.KindAnnounce, serialproto.KindBye:
		x.d.fail("want an answer to %s, got %v: the device left the session", opOf(x.parts), f.Kind)
	case serialproto.KindBusy:
		x.whole, x.polls = true, 0
		x.busy = append(x.busy, f.at)
	case serialproto.KindAck:
		x.heed(f.Frame)
	case serialproto.KindRsp:
		if x.whole, x.polls = true, 0; x.first.IsZero() {
			x.first = f.at
		}
		n := len(x.rsp.parts)
		if why := x.rsp.add(f.Frame); why != "" {
			x.d.fail("response to %s: %s", opOf(x.parts), why)
		}
		if x.rsp.whole() {
			return true
		}
		if x.fresh += len(x.rsp.parts) - n; x.fresh >= max(1, int(x.d.welcome.Window)/2) {
			x.ack(0)
		}
	}
	return false
}

// heed takes an ACK of the request.
func (x *exchange) heed(f serialproto.Frame) {
	if int(f.Last) != len(x.parts)-1 {
		x.d.fail("want an ACK with last %d, as the request has, got %d", len(x.parts)-1, f.Last)
	}
	for i := range x.parts {
		if i/8 >= len(f.Payload) || f.Payload[i/8]>>(i%8)&1 == 0 {
			continue
		}
		if i >= x.sent {
			x.d.fail("ACK names fragment %d, which was not sent", i)
		}
		if !x.acked[i] {
			x.acked[i], x.polls = true, 0
		}
	}
	if f.Idx == 1 {
		for i, ok := range x.acked[:x.sent] {
			if !ok {
				x.d.say(fragment(x.id, x.parts, i))
			}
		}
	}
}

// again says a fragment of a request that was answered, and wants fragments of the very response that was kept: what of it is
// not acknowledged, at least one.
func (d *dut) again(id uint8, parts [][]byte, i int, first answer) {
	rsp := func(f serialproto.Frame) bool { return kinds(serialproto.KindRsp)(f) && f.ID == id }
	d.hear(d.slack(), rsp) // what is under way
	d.queue = nil
	d.sayAll(id, parts, i)
	f, ok := d.hear(time.Second+d.slack(), rsp)
	d.check(ok, "want the response again to a repeated request, got none")
	for ; ok; f, ok = d.hear(d.slack(), rsp) {
		d.check(f.Last == first.rsp.last && bytes.Equal(f.Payload, first.rsp.parts[f.Idx]),
			"want the response that was kept, fragment %d %s, got %s: the request was executed again", f.Idx, dump(first.rsp.parts[f.Idx]), dump(f.Payload))
	}
}

// opOf names the operation of a request, or says that it is none.
func opOf(parts [][]byte) string {
	msg := slices.Concat(parts...)
	if op, err := serialproto.PeekOp(msg); err == nil {
		return op.String()
	}
	return "the message " + dump(msg)
}

// ask sends a request and decodes its answer; the status is the caller's to judge.
func (d *dut) ask(req, result any) (serialproto.ResponseHead, answer) {
	a := d.send(req)
	return d.decode(a, opOf([][]byte{d.encode(req)}), result), a
}

func (d *dut) decode(a answer, what string, result any) serialproto.ResponseHead {
	h, err := serialproto.DecodeResponse(a.raw, result)
	if err != nil {
		d.fail("answer to %s: %v: %s", what, err, dump(a.raw))
	}
	return h
}

// ok demands status ok.
func (d *dut) ok(req, result any) answer {
	h, a := d.ask(req, result)
	if h.Status != serialproto.StatusOK {
		d.fail("%s: want ok, got %s", opOf([][]byte{d.encode(req)}), statusWords(h))
	}
	return a
}

// refused demands one of these statuses.
func (d *dut) refused(why string, req any, want ...serialproto.Status) serialproto.ResponseHead {
	h, _ := d.ask(req, nil)
	if !slices.Contains(want, h.Status) {
		d.fail("%s: want %s, got %s", why, statusList(want), statusWords(h))
	}
	return h
}

func statusWords(h serialproto.ResponseHead) string {
	s := fmt.Sprintf("%d %v", h.Status, h.Status)
	if h.Detail != "" {
		s += " (" + h.Detail + ")"
	}
	return s
}

func statusList(list []serialproto.Status) string {
	var out []string
	for _, s := range list {
		out = append(out, fmt.Sprintf("status %d %v", s, s))
	}
	return strings.Join(out, " or ")
}
