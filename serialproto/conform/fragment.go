package conform

import (
	"bytes"
	"slices"
	"time"

	"provstation/serialproto"
)

func fragmentCases() []Case {
	const clause = "Messages in fragments"
	list := []Case{
		{ID: "fragment-order", Text: "fragments are taken in any order", run: fragmentOrder},
		{ID: "fragment-twice", Text: "fragments that come twice count once", run: fragmentTwice},
		{ID: "fragment-missing", Text: "a request with a hole is not answered until the hole is filled", run: fragmentMissing},
		{ID: "fragment-index", Text: "a fragment whose idx is beyond its last is dropped", run: fragmentIndex},
		{ID: "fragment-last", Text: "a fragment with another last than its message began with is dropped", run: fragmentLast},
		{ID: "fragment-empty", Text: "an empty fragment is legal only as a whole empty message", run: fragmentEmpty},
		{ID: "fragment-255", Text: "a request that claims 256 fragments and brings one does not keep the next from being taken", run: fragmentMost},
		{ID: "fragment-size", Text: "fragments of 1, 7 and 246 bytes are taken, whatever mtu was agreed", run: fragmentSize},
		{ID: "request-too-large", Text: "a request larger than the agreed max_msg is answered with status 5", run: requestTooLarge},
		{ID: "response-mtu", Text: "a response comes in fragments of the agreed mtu, all of them", State: serialproto.StateKeyed, run: responseMTU},
	}
	for i := range list {
		list[i].Clause, list[i].Level = clause, Must
	}
	return list
}

// sayAll says fragments by their indexes.
func (d *dut) sayAll(id uint8, parts [][]byte, indexes ...int) {
	for _, i := range indexes {
		d.say(fragment(id, parts, i))
	}
}

// answered wants the response to a STATUS request in fragments.
func (d *dut) answered(id uint8, what string) {
	f, ok := d.hear(time.Second+d.slack(), func(f serialproto.Frame) bool { return kinds(serialproto.KindRsp)(f) && f.ID == id })
	d.check(ok, "want an answer to %s, got none", what)
	ok = len(f.Payload) > 2 && bytes.Equal(f.Payload[1:3], []byte{0, 0})
	d.check(ok, "want status ok to %s, got %s", what, dump(f.Payload))
	d.queue = nil
}

func fragmentOrder(d *dut) {
	for _, order := range [][]int{{3, 2, 1, 0}, {1, 0, 3, 2}, {3, 0, 1, 2}} {
		id := d.nextID()
		d.sayAll(id, split(d.padded(64), 16), order...)
		d.answered(id, "fragments out of order")
	}
}

func fragmentTwice(d *dut) {
	id := d.nextID()
	d.sayAll(id, split(d.padded(64), 16), 0, 0, 1, 2, 1, 1, 0, 3)
	d.answered(id, "fragments that came twice")
}

func fragmentMissing(d *dut) {
	for hole := range 4 {
		id, parts := d.nextID(), split(d.padded(64), 16)
		d.sayAll(id, parts, slices.DeleteFunc([]int{0, 1, 2, 3}, func(i int) bool { return i == hole })...)
		if _, ok := d.hear(d.slack(), func(f serialproto.Frame) bool { return kinds(serialproto.KindRsp)(f) && f.ID == id }); ok {
			d.fail("want no response to a request without its fragment %d, got one", hole)
		}
		d.sayAll(id, parts, hole)
		d.answered(id, "a request whose hole was filled")
	}
}

func fragmentIndex(d *dut) {
	id, parts := d.nextID(), split(d.padded(48), 16)
	d.sayAll(id, parts, 0)
	d.say(serialproto.Frame{Kind: serialproto.KindReq, ID: id, Idx: 3, Last: 2, Payload: parts[1]})
	d.say(serialproto.Frame{Kind: serialproto.KindReq, ID: id, Idx: 255, Last: 2, Payload: parts[1]})
	d.sayAll(id, parts, 1, 2)
	d.answered(id, "a request among whose fragments were two with idx beyond last")
	const what = "a fragment with idx 1 and last 0"
	f := d.statusFrame(d.nextID())
	f.Idx = 1
	d.forbid(what, func(r serialproto.Frame) bool { return r.ID == f.ID && kinds(serialproto.KindRsp)(r) })
	d.say(f)
	d.nothing(what, kinds(serialproto.KindRsp))
	d.alive(what)
}

func fragmentLast(d *dut) {
	id, parts := d.nextID(), split(d.padded(48), 16)
	d.sayAll(id, parts, 0, 1)
	d.say(serialproto.Frame{Kind: serialproto.KindReq, ID: id, Idx: 1, Last: 1, Payload: parts[1]})
	d.say(serialproto.Frame{Kind: serialproto.KindReq, ID: id, Idx: 2, Last: 3, Payload: parts[2]})
	if _, ok := d.hear(d.slack(), kinds(serialproto.KindRsp)); ok {
		d.fail("want no response to a request whose fragments name different last indexes, got one")
	}
	d.sayAll(id, parts, 2)
	d.answered(id, "a request among whose fragments were two with another last")
}

func fragmentEmpty(d *dut) {
	id, parts := d.nextID(), split(d.padded(32), 16)
	d.sayAll(id, parts, 0)
	d.say(serialproto.Frame{Kind: serialproto.KindReq, ID: id, Idx: 1, Last: 1})
	if _, ok := d.hear(d.slack(), kinds(serialproto.KindRsp)); ok {
		d.fail("want an empty fragment dropped, got a response")
	}
	d.sayAll(id, parts, 1)
	d.answered(id, "a request after an empty fragment of it")
	d.refused("an empty request", []byte{}, serialproto.StatusBadArgument)
}

func fragmentMost(d *dut) {
	for range 3 {
		id := d.nextID()
		d.say(serialproto.Frame{Kind: serialproto.KindReq, ID: id, Idx: 254, Last: 255, Payload: []byte{1}})
		d.hear(d.slack(), answers(id))
		d.exchange(d.nextID(), [][]byte{d.statusMessage()})
	}
}

func fragmentSize(d *dut) {
	d.greet(func(h *serialproto.Hello) { h.MTU = 48 })
	d.exchange(d.nextID(), split(d.padded(20), 1))
	d.exchange(d.nextID(), split(d.padded(60), 7))
	d.exchange(d.nextID(), split(d.padded(500), serialproto.MaxPayload))
	d.exchange(d.nextID(), split(d.padded(246), serialproto.MaxPayload))
}

func requestTooLarge(d *dut) {
	w := d.greet(func(h *serialproto.Hello) { h.MaxMessage = 1024 })
	most := int(w.MaxMessage)
	d.refused("a request of max_msg and one byte", d.padded(most+1), serialproto.StatusTooLarge)
	d.refused("a request of twice max_msg", d.padded(2*most), serialproto.StatusTooLarge)
	if msg := d.padded(most); len(msg) == most {
		d.ok(msg, nil)
	}
	d.status()
}

func responseMTU(d *dut) {
	d.greet(func(h *serialproto.Hello) { h.MTU = 32 })
	parted := d.send(d.statusMessage())
	want := (len(parted.raw) + 31) / 32
	got := len(parted.rsp.parts)
	d.check(got == want && want > 1, "want %d bytes in %d fragments of 32, got %d fragments", len(parted.raw), want, got)
	d.check(d.seen.rules[ruleMTU] == "", "%s", d.seen.rules[ruleMTU])
}
