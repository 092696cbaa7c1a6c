package conform

import (
	"slices"
	"time"

	"provstation/serialproto"
)

// wholeHello asks for everything.
func wholeHello(session uint32) serialproto.Hello {
	return serialproto.Hello{
		MinVersion: serialproto.Version, MaxVersion: serialproto.Version, Session: session, MTU: serialproto.DefaultMTU,
		Window: serialproto.DefaultWin, MaxMessage: serialproto.DefaultMax, Features: serialproto.Features,
	}
}

// greet opens a new session, and fails where it does not come about.
func (d *dut) greet(change func(*serialproto.Hello)) serialproto.Welcome {
	h := wholeHello(d.draw())
	if change != nil {
		change(&h)
	}
	w, raw, ok := d.hail(h)
	if !ok {
		panic(outcome{verdict: Fail, deaf: true, note: "want WELCOME, got none in four HELLOs: no session"})
	}
	d.checkWelcome(h, w)
	d.welcome = w
	d.seen.welcome = raw
	return w
}

// hail says HELLO as a station does, until a WELCOME for it is whole.
func (d *dut) hail(h serialproto.Hello) (w serialproto.Welcome, raw []byte, ok bool) {
	d.enter(h)
	pause := 100 * time.Millisecond
	var got assembly
	for range 4 {
		d.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: d.encode(h)})
		if raw, ok = d.collect(&got, pause+d.slack(), uint8(h.Session)); ok {
			break
		}
		pause = pause * 3 / 2
	}
	if !ok {
		return w, nil, false
	}
	if err := serialproto.Decode(raw, &w); err != nil {
		d.fail("want a WELCOME in deterministic CBOR, got %s: %v", dump(raw), err)
	}
	return w, raw, true
}

// enter expects frames of a session from now on. What came before is forgotten.
func (d *dut) enter(h serialproto.Hello) {
	d.last, d.session, d.hello, d.id = d.session, h.Session, h, 0
	d.dec.SetSession(h.Session)
	d.queue = nil
	d.none = slices.DeleteFunc(d.none, func(n forbidden) bool { return n.session != 0 }) // whose answers no longer decode
	d.welcome = serialproto.Welcome{}
}

// collect takes fragments of a WELCOME until it is whole or the time has passed without one.
func (d *dut) collect(got *assembly, wait time.Duration, id uint8) ([]byte, bool) {
	for {
		f, ok := d.hear(wait, func(f serialproto.Frame) bool { return kinds(serialproto.KindWelcome)(f) && f.ID == id })
		if !ok {
			return nil, false
		}
		if why := got.add(f.Frame); why != "" {
			d.fail("WELCOME: %s", why)
		}
		if got.whole() {
			return got.join(), true
		}
	}
}

// checkWelcome holds an answer against what was asked for, in every case.
func (d *dut) checkWelcome(h serialproto.Hello, w serialproto.Welcome) {
	switch {
	case w.Session != h.Session:
		d.fail("want a WELCOME of session %08x, got %08x", h.Session, w.Session)
	case w.Version != serialproto.Version:
		d.fail("want a WELCOME of version 1, got %d", w.Version)
	case w.MTU > h.MTU, w.Window > h.Window, w.MaxMessage > h.MaxMessage, w.Features&^h.Features != 0:
		d.fail("WELCOME grants more than was asked for: mtu %d of %d, window %d of %d, max_msg %d of %d, features %#x of %#x",
			w.MTU, h.MTU, w.Window, h.Window, w.MaxMessage, h.MaxMessage, w.Features, h.Features)
	}
}

// bye ends the session.
func (d *dut) bye() { d.say(serialproto.Frame{Kind: serialproto.KindBye}) }

// assembly is a message in fragments.
type assembly struct {
	parts map[uint8][]byte
	last  uint8
}

// add takes a fragment, and says what is wrong with it.
func (a *assembly) add(f serialproto.Frame) string {
	switch {
	case f.Idx > f.Last:
		return "a fragment's index is beyond its last"
	case len(a.parts) > 0 && f.Last != a.last:
		return "fragments of one message name different last indexes"
	case len(f.Payload) == 0 && f.Last > 0:
		return "an empty fragment"
	}
	if a.parts == nil {
		a.parts, a.last = map[uint8][]byte{}, f.Last
	}
	if have, twice := a.parts[f.Idx]; twice && string(have) != string(f.Payload) {
		return "a fragment was repeated with another content"
	}
	a.parts[f.Idx] = f.Payload
	return ""
}

func (a *assembly) whole() bool { return len(a.parts) == int(a.last)+1 && len(a.parts) > 0 }

// bitmap is the payload of an ACK for what was heard.
func (a *assembly) bitmap() []byte {
	b := make([]byte, int(a.last)/8+1)
	for i := range a.parts {
		b[i/8] |= 1 << (i % 8)
	}
	return b
}

func (a *assembly) join() []byte {
	var out []byte
	for i := range int(a.last) + 1 {
		out = append(out, a.parts[uint8(i)]...)
	}
	return out
}
