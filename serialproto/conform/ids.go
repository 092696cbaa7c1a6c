package conform

import (
	"bytes"

	"provstation/serialproto"
)

func idCases() []Case {
	const ids, reliability = "Messages in fragments", "Reliability 8"
	return []Case{
		{ID: "id-wrap", Clause: ids, Level: Must, Text: "ids count 253, 254, 255, 1, 2: 0 is skipped", run: idWrap},
		{ID: "id-zero", Clause: ids, Level: Must, Text: "a request with id 0 is ignored", run: idZero},
		{ID: "id-late", Clause: ids, Level: Must, Text: "an id is taken where it is 1 to 127 ahead, others are late duplicates", run: idLate},
		{ID: "id-new", Clause: ids, Level: Must, Text: "a new id gives up a request that was not whole", run: idNew},
		{ID: "request-once", Clause: reliability, Level: Must, Text: "a repeated request is answered by the response kept, not executed again", run: requestOnce},
		{ID: "request-once-fragments", Clause: reliability, Level: Must, Text: "a single fragment of a request repeated is enough to have its response again", run: requestOnceFragments},
	}
}

func (d *dut) statusMessage() []byte {
	return d.encode(serialproto.SimpleArgs{Op: serialproto.OpStatus})
}

func idWrap(d *dut) {
	d.greet(nil)
	for _, id := range []uint8{253, 254, 255, 1, 2} {
		d.exchange(id, [][]byte{d.statusMessage()})
	}
}

func idZero(d *dut) {
	const what = "a request with id 0"
	answer := kinds(serialproto.KindRsp, serialproto.KindAck)
	d.forbid(what, func(f serialproto.Frame) bool { return f.ID == 0 && answer(f) })
	d.say(d.statusFrame(0))
	d.nothing(what, answer)
	d.alive(what)
}

func idLate(d *dut) {
	d.greet(nil)
	d.exchange(10, [][]byte{d.statusMessage()})
	for _, id := range []uint8{9, 1, 255, 139} { // 139 is 129 ahead; 138 is 128
		d.forbid("a late request", answers(id))
		d.say(d.statusFrame(id))
		d.nothing("a late request", answers(id))
	}
	d.forbid("a request that is 128 ahead", answers(138))
	d.say(d.statusFrame(138))
	d.nothing("a request that is 128 ahead", answers(138))
	d.exchange(137, [][]byte{d.statusMessage()})
	d.none = nil                               // it was answered after them, and none of them was
	d.exchange(9, [][]byte{d.statusMessage()}) // (9 - 137) mod 255 is 127
}

func idNew(d *dut) {
	d.greet(nil)
	parts := split(d.padded(64), 16)
	d.say(fragment(5, parts, 0))
	d.exchange(6, [][]byte{d.statusMessage()})
	const what = "a fragment of the request that was given up"
	d.forbid(what, answers(5))
	d.say(fragment(5, parts, 1))
	d.nothing(what, answers(5))
	d.id = 6
	d.alive(what)
}

// padded is a STATUS request of n bytes: a key that nobody knows makes up the rest.
func (d *dut) padded(n int) []byte {
	for pad := n; pad >= 0; pad-- {
		if b := d.encode(map[uint8]any{0: 1, 100: bytes.Repeat([]byte{0x55}, pad)}); len(b) <= n {
			return b
		}
	}
	panic(outcome{verdict: Fail, note: "the suite: no message of that size"})
}

// requestOnce: executed twice, ENROLL would say that the key existed already, and STATUS another time.
func requestOnce(d *dut) {
	for range 2 {
		id, args := d.nextID(), d.newEnroll()
		msg := split(d.encode(args), int(d.welcome.MTU))
		first := d.exchange(id, msg)
		var r serialproto.EnrollResult
		d.check(d.decode(first, "ENROLL", &r).Status == serialproto.StatusOK, "ENROLL did not succeed: %s", dump(first.raw))
		d.check(!r.Existing, "want a new key under a new id, got one that existed already: the request was executed twice, or answered wrongly")
		for range 3 {
			d.again(id, msg, len(msg)-1, first)
		}
		d.fx = fixture{}
		d.empty()
	}
}

func requestOnceFragments(d *dut) {
	id := d.nextID()
	parts := split(d.padded(96), 32)
	first := d.exchange(id, parts)
	for i := range parts {
		d.again(id, parts, i, first)
	}
}
