package conform

import (
	"bytes"
	"time"

	"provstation/serialproto"
)

func ackCases() []Case {
	list := []Case{
		{ID: "ack-idle", Clause: "Reliability 2", Text: "the receiver of an unfinished request says ACK with idx 1 once after 40 ms of silence", run: ackIdle},
		{ID: "ack-bitmap", Clause: "Kinds", Text: "an ACK names id and last of the request, and what was heard: lowest index in bit 0 of the first byte", run: ackBitmap},
		{ID: "ack-progress", Clause: "Reliability 2", Text: "it says ACK after half a window of new fragments, before the line is silent", run: ackProgress},
		{ID: "ack-gap", Clause: "Reliability 2", Text: "it says ACK at once where a fragment is beyond the next", run: ackGap},
		{ID: "ack-duplicate", Clause: "Reliability 2", Text: "it says ACK at once where a fragment comes twice", run: ackDuplicate},
		{ID: "response-window", Clause: "Reliability 1", Text: "the device keeps no more fragments unacknowledged than the window says", run: responseWindow},
		{ID: "response-again", Clause: "Reliability 8", Text: "what an idle ACK of the response lacks is sent again, and nothing else", run: responseAgain},
		{ID: "response-silence", Clause: "Reliability 6", Text: "a device never sends a response again by itself", run: responseSilence},
	}
	for i := range list {
		list[i].Level = Must
		if i >= 5 { // a device with a key has enough to say for several fragments
			list[i].State, list[i].limit = serialproto.StateKeyed, keyPatience
		}
	}
	for _, i := range []int{2, 3, 4} { // an ACK that comes later costs time, and nothing else
		list[i].Level = Should
	}
	return list
}

func isAck(id uint8) func(serialproto.Frame) bool {
	return func(f serialproto.Frame) bool { return kinds(serialproto.KindAck)(f) && f.ID == id }
}

// silence is how long a device waits at most before it says that the line is silent.
func (d *dut) silence() time.Duration { return 40*time.Millisecond + d.wire(16) + d.slack() }

func ackIdle(d *dut) {
	id, parts := d.nextID(), split(d.padded(48), 16)
	d.sayAll(id, parts, 0)
	f, ok := d.hear(d.silence(), isAck(id))
	for ok && f.Idx == 0 { // one for progress may come first
		f, ok = d.hear(d.silence(), isAck(id))
	}
	d.check(ok, "want an ACK with idx 1 after 40 ms of silence, got none")
	if f, ok := d.hear(d.slack()+200*time.Millisecond, isAck(id)); ok {
		d.fail("want one ACK for one silence, got another with idx %d", f.Idx)
	}
	d.sayAll(id, parts, 2)
	_, ok = d.hear(d.silence(), isAck(id))
	d.check(ok, "want an ACK for the next silence, got none")
	d.sayAll(id, parts, 1)
	d.answered(id, "a request after two silences")
}

func ackBitmap(d *dut) {
	id, parts := d.nextID(), split(d.padded(200), 16) // 13 fragments
	d.sayAll(id, parts, 0, 2, 3, 8, 11)
	want := []byte{0b0000_1101, 0b0000_1001}
	var f heard
	for !bytes.Equal(f.Payload, want) {
		var ok bool
		was := f
		if f, ok = d.hear(d.silence(), isAck(id)); !ok {
			d.fail("want ACK with bitmap %x of fragments 0, 2, 3, 8, 11, got last %s", want, dump(was.Payload))
		}
		d.check(f.Last == 12, "want ACK with last 12, as the request has, got %d", f.Last)
		d.check(len(f.Payload) == 2, "want a bitmap of 2 bytes for 13 fragments, got %d", len(f.Payload))
	}
	d.sayAll(id, parts, 1, 4, 5, 6, 7, 9, 10, 12)
	d.answered(id, "a request whose holes were filled")
}

func ackProgress(d *dut) {
	win := int(d.welcome.Window)
	id, parts := d.nextID(), split(d.padded(16*(win+4)), 16)
	half := max(1, win/2)
	for i := range half {
		d.sayAll(id, parts, i)
	}
	f, ok := d.hear(d.silence(), isAck(id))
	d.check(ok, "want an ACK after %d new fragments of a window of %d, got none", half, win)
	d.check(f.Idx == 0, "want an ACK for progress (idx 0) after half a window, got one for silence")
	d.exchangeRest(id, parts)
}

// exchangeRest finishes a request that a case began.
func (d *dut) exchangeRest(id uint8, parts [][]byte) {
	for i := range parts {
		d.sayAll(id, parts, i)
	}
	d.answered(id, "a request whose fragments all came")
}

func ackGap(d *dut) {
	if d.welcome.Window < 2 {
		d.skip("window 1: there are no gaps")
	}
	id, parts := d.nextID(), split(d.padded(48), 16)
	d.sayAll(id, parts, 0, 2)
	f, ok := d.hear(d.silence(), isAck(id))
	d.check(ok && f.Idx == 0, "want an ACK with idx 0 at a gap, got %s", said(f, ok))
	d.exchangeRest(id, parts)
}

func ackDuplicate(d *dut) {
	id, parts := d.nextID(), split(d.padded(48), 16)
	d.sayAll(id, parts, 0)
	d.hear(d.silence(), func(f serialproto.Frame) bool { return isAck(id)(f) && f.Idx == 1 })
	d.sayAll(id, parts, 0)
	f, ok := d.hear(d.silence(), isAck(id))
	d.check(ok && f.Idx == 0, "want an ACK with idx 0 at a duplicate, got %s", said(f, ok))
	d.exchangeRest(id, parts)
}

// long opens a session in which the answer to STATUS has several fragments, and asks for it without taking it.
func (d *dut) long(window uint8) (id uint8, first []heard) {
	d.greet(func(h *serialproto.Hello) { h.MTU, h.Window = 32, window })
	id = d.nextID()
	d.say(d.statusFrame(id))
	wait := time.Second + d.slack()
	for {
		f, ok := d.hear(wait, func(f serialproto.Frame) bool { return kinds(serialproto.KindRsp)(f) && f.ID == id })
		if !ok {
			break
		}
		first, wait = append(first, f), d.slack()
	}
	d.check(len(first) > 0, "want a response to STATUS, got none")
	if n := int(first[0].Last) + 1; n < 3 {
		d.skip("the answer to STATUS has %d fragments of 32 bytes: too few to tell", n)
	}
	return id, first
}

func responseWindow(d *dut) {
	for _, window := range []uint8{1, 2} {
		id, first := d.long(window)
		d.check(len(first) == int(min(window, d.welcome.Window)), "want %d fragments until they are acknowledged, got %d", window, len(first))
		var got assembly
		for _, f := range first {
			got.add(f.Frame)
		}
		for !got.whole() {
			d.say(serialproto.Frame{Kind: serialproto.KindAck, ID: id, Last: got.last, Payload: got.bitmap()})
			n := len(got.parts)
			f, ok := d.hear(time.Second+d.slack(), kinds(serialproto.KindRsp))
			d.check(ok, "want the next fragment after an ACK, got none")
			why := got.add(f.Frame)
			d.check(why == "", "response: %s", why)
			d.check(window > 1 || len(got.parts) > n, "want the next fragment after an ACK, got fragment %d again", f.Idx)
		}
	}
}

func responseAgain(d *dut) {
	id, first := d.long(8)
	var got assembly
	for _, f := range first {
		got.add(f.Frame)
	}
	delete(got.parts, 1)
	d.say(serialproto.Frame{Kind: serialproto.KindAck, ID: id, Idx: 1, Last: got.last, Payload: got.bitmap()})
	f, ok := d.hear(time.Second+d.slack(), kinds(serialproto.KindRsp))
	d.check(ok && f.Idx == 1, "want fragment 1 again, which the ACK lacked, got %s", said(f, ok))
	for {
		f, ok := d.hear(d.slack(), kinds(serialproto.KindRsp))
		if !ok {
			break
		}
		_, twice := got.parts[f.Idx]
		d.check(!twice && f.Idx != 1, "want only what the ACK lacked, got fragment %d, which it had", f.Idx)
	}
}

func responseSilence(d *dut) {
	_, first := d.long(4)
	n := len(first)
	if f, ok := d.hear(1500*time.Millisecond+d.slack(), kinds(serialproto.KindRsp)); ok {
		d.fail("want silence until the host asks again, got fragment %d once more after %d had come", f.Idx, n)
	}
}
