package conform

import (
	"bytes"
	"slices"
	"time"

	"provstation/serialproto"
)

// frameCases send what is no frame, or one that must not be acted upon.
func frameCases() []Case {
	const clause = "Frame"
	list := []Case{
		{
			ID: "frame-crc", Text: "a frame whose CRC is wrong is dropped, wherever the error is",
			run: func(d *dut) { d.ignores("a frame with a wrong CRC", damages()...) },
		},
		{
			ID: "frame-crc-seed", Text: "the CRC is seeded with the session: REQ sealed with session 0 or a neighbour's is dropped",
			run: frameSeed,
		},
		{
			ID: "frame-version", Text: "a sound frame of another version is dropped",
			run: func(d *dut) {
				d.ignores("a frame of version 2", func(b []byte) []byte { b[0] = b[0]&31 | 2<<5; return reseal(d.session, b) })
			},
		},
		{ID: "frame-kind", Text: "a frame of an unknown kind is dropped, also one of a kind that hosts do not send", run: frameKind},
		{
			ID: "frame-echo", Text: "a frame with the device's own direction bit is an echo and never acted upon",
			run: func(d *dut) {
				d.ignores("an echo of a request", func(b []byte) []byte { b[0] |= 1 << 4; return reseal(d.session, b) })
			},
		},
		{ID: "frame-short", Text: "what is under 8 bytes is no frame", run: frameShort},
		{ID: "frame-cobs", Text: "malformed COBS is no frame; both spellings of a full run at the end are taken", run: frameCOBS},
		{ID: "frame-garbage", Text: "console text and noise between frames do no harm", run: frameGarbage},
		{ID: "frame-empty", Text: "empty frames are ignored; one delimiter between two frames is enough", run: frameEmpty},
		{ID: "frame-oversize", Text: "bytes beyond the buffer up to the next 0x00 are no frame, whatever they end in", run: frameOversize},
		{ID: "frame-merged", Text: "two frames without delimiters between them are none; the next one is taken", run: frameMerged},
		{ID: "frame-cut", Text: "a frame that a BREAK (0x00) splits is none; the next one is taken", run: frameCut},
		{ID: "frame-slow", Text: "a frame whose bytes come one by one, with pauses, is taken", run: frameSlow},
	}
	for i := range list {
		list[i].Clause, list[i].Level = clause, Must
	}
	return list
}

// statusFrame is a request that any device answers at once.
func (d *dut) statusFrame(id uint8) serialproto.Frame {
	return serialproto.Frame{Kind: serialproto.KindReq, ID: id, Payload: d.encode(serialproto.SimpleArgs{Op: serialproto.OpStatus})}
}

// body is a frame before COBS, CRC included, so that a case can damage it.
func (d *dut) body(session uint32, f serialproto.Frame) []byte {
	b, err := serialproto.AppendUnCOBS(nil, bytes.Trim(d.seal(session, f), "\x00"))
	if err != nil {
		panic(outcome{verdict: Fail, note: "the suite: " + err.Error()})
	}
	return b
}

// wired is a body as it goes over the wire.
func wired(body []byte) []byte { return append(serialproto.AppendCOBS([]byte{0}, body), 0) }

// damages are ways to break a body without breaking its form.
func damages() []func([]byte) []byte {
	return []func([]byte) []byte{
		func(b []byte) []byte { b[len(b)-1] ^= 0x80; return b },
		func(b []byte) []byte { b[len(b)-4] ^= 1; return b },
		func(b []byte) []byte { b[1] ^= 2; return b },
		func(b []byte) []byte { b[4] ^= 0x10; return b },
		func(b []byte) []byte { slices.Reverse(b[len(b)-4:]); return b }, // big endian
	}
}

// ignores says requests that were changed, and wants no answer to any, but to a sound one after.
func (d *dut) ignores(what string, changes ...func([]byte) []byte) {
	for _, change := range changes {
		d.write(wired(change(d.body(d.session, d.doomed(what)))))
		d.nothing(what, answers(0))
	}
	d.alive(what)
}

// alive wants the session as it was, and nothing forbidden to come before its answer.
func (d *dut) alive(after string) {
	f := d.statusFrame(d.nextID())
	d.say(f)
	if _, ok := d.hear(d.slack()+time.Second, answers(f.ID)); !ok {
		d.say(f) // what came before may have taken the first one with it
		if _, ok := d.hear(d.slack()+time.Second, answers(f.ID)); !ok {
			d.fail("want the session to go on after %s, got no answer to a sound request", after)
		}
	}
	d.queue = nil
}

func frameSeed(d *dut) {
	for _, session := range []uint32{0, d.session + 1, d.session ^ 0x8000_0000} {
		d.write(d.seal(session, d.doomed("a request sealed with another session")))
		d.nothing("a request sealed with another session", answers(0))
	}
	d.alive("frames of other sessions")
}

func frameKind(d *dut) {
	strange := []serialproto.Kind{0, 12, 13, 15, serialproto.KindRsp, serialproto.KindAnnounce, serialproto.KindWelcome, serialproto.KindLog}
	if d.features&serialproto.FeatureAhead == 0 {
		strange = append(strange, serialproto.KindAhead)
	}
	for _, k := range strange {
		f := d.doomed("a frame of a kind that a host does not send")
		f.Kind = k
		d.say(f)
	}
	d.nothing("frames of kinds that a host does not send", answers(0))
	d.alive("frames of unknown kinds")
}

func frameShort(d *dut) {
	const fill = 0x24 // kind, id, idx and last, as far as they go
	d.forbid("a frame under 8 bytes", answers(fill))
	for n := 1; n < 8; n++ {
		d.write(wired(bytes.Repeat([]byte{fill}, n)))
	}
	d.nothing("seven frames under 8 bytes", answers(0))
	d.alive("frames under 8 bytes")
}

func frameCOBS(d *dut) {
	f := bytes.Trim(d.seal(d.session, d.doomed("malformed COBS")), "\x00")
	for _, code := range []byte{f[0] + 1, 0xff} { // a group that ends elsewhere, and one beyond the end
		bad := bytes.Clone(f)
		bad[0] = code
		d.write(append(append([]byte{0}, bad...), 0))
		d.nothing("malformed COBS", answers(0))
	}
	d.alive("malformed COBS")
	for _, group := range []string{"", "\x01"} {
		id := d.nextID()
		first, second := d.fullRun(id)
		d.write(d.seal(d.session, first))
		enc := bytes.Trim(d.seal(d.session, second), "\x00")
		d.write(append(append([]byte{0}, enc...), group+"\x00"...))
		a, ok := d.hear(d.slack()+time.Second, func(f serialproto.Frame) bool { return kinds(serialproto.KindRsp)(f) && f.ID == id })
		d.check(ok, "want an answer to a frame of 254 bytes without a zero, the last group spelled %q, got none", group)
		d.check(len(a.Payload) > 2 && a.Payload[2] == 0, "want status ok, got %s", dump(a.Payload))
		d.queue = nil
	}
}

// fullRun is STATUS with a key that nobody knows, in two fragments of which the second has no zero in any of its 254 bytes.
func (d *dut) fullRun(id uint8) (first, second serialproto.Frame) {
	const mtu = serialproto.MaxPayload
	for fill := byte(1); fill != 0; fill++ {
		// {0: 1, 100: bytes}: 1 + 2 + 2 + 3 bytes of heads.
		msg := d.encode(map[uint8]any{0: 1, 100: bytes.Repeat([]byte{fill}, 2*mtu-8)})
		if len(msg) != 2*mtu {
			break
		}
		parts := split(msg, mtu)
		second = fragment(id, parts, 1)
		if !bytes.Contains(d.body(d.session, second), []byte{0}) {
			return fragment(id, parts, 0), second
		}
	}
	panic(outcome{verdict: Fail, note: "the suite: no frame without a zero"})
}

func frameGarbage(d *dut) {
	noise := d.random(200)
	for _, g := range [][]byte{
		[]byte("[  123.456789] usb 1-1.4: new high-speed USB device\r\n"), []byte("\x1b[2J\x1b[H login: "), {0xff, 0xfe, 0x7f}, noise,
	} {
		f := d.statusFrame(d.nextID())
		d.write(append(bytes.Clone(g), d.seal(d.session, f)...))
		if _, ok := d.hear(d.slack()+time.Second, answers(f.ID)); !ok {
			d.fail("want an answer to a request behind %s, got none", dump(g))
		}
		d.queue = nil
	}
}

func frameEmpty(d *dut) {
	a, b := d.statusFrame(d.nextID()), d.statusFrame(d.nextID())
	d.write(make([]byte, 40))
	d.write(d.seal(d.session, a))
	if _, ok := d.hear(d.slack()+time.Second, answers(a.ID)); !ok {
		d.fail("want an answer to a request behind 40 empty frames, got none")
	}
	// A keep-alive and a request that share one delimiter.
	busy := d.seal(d.session, serialproto.Frame{Kind: serialproto.KindBusy})
	d.write(append(busy, d.seal(d.session, b)[1:]...))
	if _, ok := d.hear(d.slack()+time.Second, answers(b.ID)); !ok {
		d.fail("want an answer to a request that shares its delimiter with the frame before, got none")
	}
	d.queue = nil
}

func frameOversize(d *dut) {
	for _, n := range []int{301, 555, 3000} {
		f := d.seal(d.session, d.doomed("a frame at the end of too many bytes"))
		d.write(append(bytes.Repeat([]byte{'a'}, n), f[1:]...)) // its own first delimiter is missing
		d.nothing("a frame at the end of too many bytes", answers(0))
		d.alive("a segment beyond the buffer")
	}
}

func frameMerged(d *dut) {
	const what = "two frames in one"
	a, b := bytes.Trim(d.seal(d.session, d.doomed(what)), "\x00"), bytes.Trim(d.seal(d.session, d.doomed(what)), "\x00")
	d.write(slices.Concat([]byte{0}, a, b, []byte{0}))
	d.nothing(what, answers(0))
	d.alive(what)
}

func frameCut(d *dut) {
	f := d.seal(d.session, d.doomed("a frame that was split"))
	half := len(f) / 2
	d.write(slices.Concat(f[:half], []byte{0}, f[half:]))
	d.nothing("a frame that was split", answers(0))
	d.write(f[:half]) // and one that never ends
	d.alive("a frame that was split")
}

func frameSlow(d *dut) {
	f := d.statusFrame(d.nextID())
	for _, b := range d.seal(d.session, f) {
		d.write([]byte{b})
		d.idle(3 * time.Millisecond)
	}
	if _, ok := d.hear(d.slack()+time.Second, answers(f.ID)); !ok {
		d.fail("want an answer to a frame whose bytes came one by one, got none")
	}
}
