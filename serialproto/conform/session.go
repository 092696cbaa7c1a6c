package conform

import (
	"bytes"
	"time"

	"provstation/serialproto"
)

// Times of sessions.
const (
	sessionIdle = 10 * time.Second
	keepAlive   = 3 * time.Second
)

func sessionCases() []Case {
	const clause = "Session"
	list := []Case{
		{ID: "welcome", Text: "WELCOME grants the minimum of both sides, and says of the device what ANNOUNCE said", run: welcome},
		{ID: "welcome-minimum", Text: "HELLO with mtu 32, window 1, max_msg 1024 and no features is granted just that", run: welcomeMinimum},
		{ID: "welcome-fragments", Text: "WELCOME comes in fragments of the agreed mtu, its id is the low byte of the session", run: welcomeFragments},
		{ID: "hello-again", Text: "HELLO with the same session id is answered by the same WELCOME and changes nothing", run: helloAgain},
		{ID: "hello-other", Text: "HELLO with another session id opens a session and ends the one before", run: helloOther},
		{ID: "hello-ended", Text: "HELLO with the session id that ended last is ignored", run: helloEnded},
		{ID: "hello-versions", Text: "of versions 1 to 7 the device takes 1", run: helloVersions},
		{ID: "hello-version", Text: "HELLO without a version in common is answered by BYE {0: 2}, sealed with the proposed id", run: helloVersion},
		{ID: "hello-strict", Text: "HELLO that is no deterministic CBOR, or out of its bounds, opens no session", run: helloStrict},
		{ID: "session-stale", Text: "frames of the session before are dropped", run: sessionStale},
		{ID: "session-quiet", Text: "within a session the device does not announce itself", run: sessionQuiet},
		{ID: "session-bye", Text: "after BYE it announces itself again at once, and answers nothing of that session", run: sessionBye},
		{ID: "session-keepalive", Text: "BUSY with id 0 every 3 s keeps a session open", run: sessionKeepAlive},
		{ID: "session-idle", Text: "a session in which no host is heard for 10 s is over: it announces itself again", run: sessionIdles},
	}
	for i := range list {
		list[i].Clause, list[i].Level = clause, Must
	}
	return list
}

func welcome(d *dut) {
	w := d.welcome
	d.check(w.MTU >= serialproto.LeastMTU && w.Window >= 1 && w.MaxMessage >= serialproto.MinMax,
		"want mtu 32, window 1 and max_msg 1024 or more, got %d, %d, %d", w.MTU, w.Window, w.MaxMessage)
	if a := d.announce; len(a.BootID) > 0 {
		d.check(bytes.Equal(a.BootID, w.BootID), "want the boot id of ANNOUNCE, %x, got %x", a.BootID, w.BootID)
		d.check(a.Model == w.Model && a.Serial == w.Serial, "want model and serial of ANNOUNCE, %q and %q, got %q and %q", a.Model, a.Serial, w.Model, w.Serial)
	}
	d.check(w.Features&^serialproto.Features == 0, "want no feature bits beyond those of the specification, got %#x", w.Features)
	d.remark("mtu %d, window %d, max_msg %d, features %#x", w.MTU, w.Window, w.MaxMessage, w.Features)
}

func welcomeMinimum(d *dut) {
	w := d.greet(func(h *serialproto.Hello) { h.MTU, h.Window, h.MaxMessage, h.Features = 32, 1, 1024, 0 })
	d.check(w.MTU == 32 && w.Window == 1 && w.MaxMessage == 1024 && w.Features == 0,
		"want mtu 32, window 1, max_msg 1024, features 0, got %d, %d, %d, %#x", w.MTU, w.Window, w.MaxMessage, w.Features)
	d.status()
}

func welcomeFragments(d *dut) {
	h := wholeHello(d.draw())
	h.MTU = 32
	d.enter(h)
	for round := range 2 { // HELLO again brings them again: they are not acknowledged
		d.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: d.encode(h)})
		var got assembly
		for !got.whole() {
			f, ok := d.hear(d.slack()+time.Second, kinds(serialproto.KindWelcome))
			d.check(ok, "want all fragments of WELCOME after HELLO %d, got %d of %d", round+1, len(got.parts), int(got.last)+1)
			d.check(f.ID == uint8(h.Session), "want WELCOME with id %d, the low byte of the session, got %d", uint8(h.Session), f.ID)
			d.check(len(f.Payload) <= 32, "want fragments of 32 bytes at most, got %d", len(f.Payload))
			why := got.add(f.Frame)
			d.check(why == "", "WELCOME: %s", why)
		}
		if _, ok := d.hear(d.slack(), kinds(serialproto.KindWelcome)); ok {
			d.fail("want WELCOME once for each HELLO, got a fragment more")
		}
		var w serialproto.Welcome
		err := serialproto.Decode(got.join(), &w)
		d.check(err == nil, "want a WELCOME as specified, got %s: %v", dump(got.join()), err)
		d.checkWelcome(h, w)
		d.welcome = w
	}
	d.status()
}

func helloAgain(d *dut) {
	first := bytes.Clone(d.seen.welcome)
	id := d.nextID()
	msg := [][]byte{d.encode(serialproto.SimpleArgs{Op: serialproto.OpStatus})}
	before := d.exchange(id, msg)
	d.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: d.encode(d.hello)})
	var got assembly
	raw, ok := d.collect(&got, time.Second+d.slack(), uint8(d.session))
	d.check(ok, "want WELCOME again for the same session id, got none")
	d.check(bytes.Equal(raw, first), "want the same WELCOME byte for byte, got %s after %s", dump(raw), dump(first))
	d.again(id, msg, 0, before) // the last response is kept: a new session would not know the id
	d.status()
}

func helloOther(d *dut) {
	d.greet(nil)
	d.exchange(200, [][]byte{d.encode(serialproto.SimpleArgs{Op: serialproto.OpStatus})})
	d.greet(nil)
	// A new session knows no ids: 100 would be late after 200.
	d.exchange(100, [][]byte{d.encode(serialproto.SimpleArgs{Op: serialproto.OpStatus})})
}

func helloEnded(d *dut) {
	old := d.hello
	d.greet(nil)
	d.unwelcome("HELLO of the session before", d.encode(old), old.Session)
	d.status()
	now := d.hello
	d.bye()
	d.unwelcome("HELLO of the session that said BYE", d.encode(now), now.Session)
	d.greet(nil)
	d.status()
}

// unwelcome says a HELLO that has to be ignored: no WELCOME comes, now or later.
func (d *dut) unwelcome(what string, payload []byte, session uint32) {
	d.none = append(d.none, forbidden{what: what, fits: func(f serialproto.Frame) bool {
		return kinds(serialproto.KindWelcome)(f) && f.ID == uint8(session) // draw gives no other session this id
	}})
	d.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: payload})
	d.nothing(what, kinds(serialproto.KindWelcome))
}

func helloVersions(d *dut) {
	d.greet(func(h *serialproto.Hello) { h.MaxVersion = 7 })
	d.status()
}

func helloVersion(d *dut) {
	h := wholeHello(d.draw())
	h.MinVersion, h.MaxVersion = 2, 3
	d.enter(h)
	d.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: d.encode(h)})
	f, ok := d.hear(d.slack()+time.Second, kinds(serialproto.KindBye, serialproto.KindWelcome))
	d.check(ok && f.Kind == serialproto.KindBye, "want BYE to versions 2 to 3, sealed with the proposed session, got %s", said(f, ok))
	var head serialproto.ResponseHead
	err := serialproto.Decode(f.Payload, &head)
	d.check(err == nil && head.Status == serialproto.StatusBadVersion, "want BYE {0: 2}, got %s", dump(f.Payload))
	d.greet(nil)
	d.status()
}

// said names what was heard, if anything was.
func said(f heard, ok bool) string {
	if !ok {
		return "nothing"
	}
	return f.Kind.String()
}

func helloStrict(d *dut) {
	changed := func(change func(*serialproto.Hello)) []byte {
		h := wholeHello(d.draw())
		if change != nil {
			change(&h)
		}
		return d.encode(h)
	}
	whole := changed(nil)
	d.forbid("a HELLO that is none", kinds(serialproto.KindWelcome))
	for _, bad := range []struct {
		what    string
		payload []byte
	}{
		{"HELLO with session id 0", changed(func(h *serialproto.Hello) { h.Session = 0 })},
		{"HELLO with mtu 31", changed(func(h *serialproto.Hello) { h.MTU = 31 })},
		{"HELLO with window 0", changed(func(h *serialproto.Hello) { h.Window = 0 })},
		{"HELLO with max_msg 1023", changed(func(h *serialproto.Hello) { h.MaxMessage = 1023 })},
		{"HELLO with a byte behind it", append(changed(nil), 0)},
		{"HELLO of indefinite length", append(append([]byte{0xbf}, whole[1:]...), 0xff)},
		{"HELLO with a version not in its shortest form", append([]byte{whole[0], 1, 0x18, 1}, whole[3:]...)},
		{"HELLO that is no map", []byte{0x01}},
		{"HELLO without a payload", nil},
	} {
		d.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: bad.payload})
		d.nothing(bad.what, kinds(serialproto.KindWelcome))
	}
	d.status() // and none of them ended the session
}

func sessionStale(d *dut) {
	old := d.session
	d.greet(nil)
	d.id = 16 // so that the session's own requests have other ids
	for id := range uint8(2) {
		const what = "a request of the session before"
		d.forbid(what, answers(id+1))
		d.write(d.seal(old, d.statusFrame(id+1)))
		d.nothing(what, answers(0))
		d.write(d.seal(old, serialproto.Frame{Kind: serialproto.KindBye}))
		d.nothing("BYE of the session before", kinds(serialproto.KindAnnounce))
	}
	d.status()
}

func sessionQuiet(d *dut) {
	d.status()
	if _, ok := d.hear(1500*time.Millisecond+d.trip, kinds(serialproto.KindAnnounce)); ok {
		d.fail("want no ANNOUNCE within a session, got one after WELCOME: a host takes it for a reset")
	}
	d.status()
}

func sessionBye(d *dut) {
	d.status()
	d.bye()
	d.nextAnnounce(announceEvery + d.slack())
	d.say(d.statusFrame(d.nextID()))
	d.nothing("a request after BYE", answers(0))
	d.greet(nil)
	d.status()
}

func sessionKeepAlive(d *dut) {
	for range 4 {
		if _, ok := d.hear(keepAlive, kinds(serialproto.KindAnnounce)); ok {
			d.fail("want the session kept open by BUSY with id 0, got ANNOUNCE")
		}
		d.say(serialproto.Frame{Kind: serialproto.KindBusy})
	}
	d.status()
}

func sessionIdles(d *dut) {
	d.status()
	start := time.Now()
	f, ok := d.hear(sessionIdle*3/2, kinds(serialproto.KindAnnounce))
	d.check(ok, "want ANNOUNCE after 10 s of silence, got none in %v", sessionIdle*3/2)
	took := f.at.Sub(start)
	d.check(took >= sessionIdle*9/10, "want the session kept for 10 s, got ANNOUNCE after %v", took.Round(10*time.Millisecond))
	d.check(took <= sessionIdle+time.Second+d.slack(), "want ANNOUNCE after 10 s, got it after %v", took.Round(10*time.Millisecond))
	d.remark("after %v", took.Round(10*time.Millisecond))
	d.greet(nil)
	d.status()
}
