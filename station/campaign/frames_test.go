package campaign_test

import (
	"bytes"
	"strings"

	"provstation/serialproto"
)

// frames is what a unit's line remembers of its frames. The unit's fm guards it.
type frames struct {
	session uint32
	answer  []byte    // the last one of this session
	stale   []byte    // of the session before
	held    [2][]byte // a frame that is late, by direction
}

// frameKind is the k-th kind of frames that a plan may name.
func frameKind(k int) serialproto.Kind {
	return [frameKinds]serialproto.Kind{
		serialproto.KindHello, serialproto.KindWelcome, serialproto.KindAnnounce, serialproto.KindReq, serialproto.KindRsp, serialproto.KindAck,
	}[k]
}

// learn notes the session that the station opens.
func (u *unit) learn(raw []byte) {
	f, err := serialproto.ParseFrame(0, bytes.Trim(raw, "\x00"))
	if err != nil {
		return
	}
	var h serialproto.Hello
	if serialproto.Decode(f.Payload, &h) != nil {
		return
	}
	u.fm.Lock()
	defer u.fm.Unlock()
	if u.frames.session != h.Session {
		u.frames.session = h.Session
		u.frames.stale, u.frames.answer = u.frames.answer, nil
	}
}

// damaged does to a frame what the plan says.
func (u *unit) damaged(f serialproto.Frame, raw []byte) []byte {
	out := raw
	for _, x := range u.plan.faults {
		switch x.kind {
		case "frame.last":
			if u.lastLost(x, f) {
				out = nil
			}
		case "frame.stale", "frame.odd":
			out = append(u.foreign(x, f), out...)
		case "device.storm":
			if f.Kind == serialproto.KindAnnounce && u.spend(x, 4) {
				u.w.site.hit(x.kind)
				out = bytes.Repeat(raw, x.n)
			}
		default:
			if strings.HasPrefix(x.kind, "frame.") && frameKind(x.k) == f.Kind && u.counted(x.kind) == x.n {
				u.w.site.hit(x.kind)
				out = u.mangled(x.kind, f.Dir, raw)
				continue
			}
		}
	}
	u.fm.Lock()
	defer u.fm.Unlock()
	if f.Kind == serialproto.KindRsp {
		u.frames.answer = raw
	}
	if late := u.frames.held[f.Dir]; late != nil && len(out) > 0 {
		out = append(bytes.Clone(out), late...)
		u.frames.held[f.Dir] = nil
	}
	return out
}

// mangled is what becomes of a frame.
func (u *unit) mangled(kind string, dir serialproto.Dir, raw []byte) []byte {
	h := len(raw) / 2
	switch kind {
	case "frame.twice":
		return append(bytes.Clone(raw), raw...)
	case "frame.cut":
		return raw[:h]
	case "frame.merged":
		return bytes.Trim(raw, "\x00")
	case "frame.split":
		return append(append(bytes.Clone(raw[:h]), 0), raw[h:]...)
	case "frame.late":
		u.fm.Lock()
		defer u.fm.Unlock()
		u.frames.held[dir] = raw
	}
	return nil
}

// lastLost reports whether this is the last fragment of the n-th message of several, and it is lost.
func (u *unit) lastLost(x fault, f serialproto.Frame) bool {
	message := f.Kind == serialproto.KindReq || f.Kind == serialproto.KindRsp
	if !message || f.Last == 0 || f.Idx != f.Last {
		return false
	}
	if u.counted(x.kind) < x.n || !u.spend(x, x.k) {
		return false
	}
	u.w.site.hit(x.kind)
	return true
}

// oddities are the ways to break the rules: those before oddRequests come before an answer, the others before a request.
const (
	oddRequests = 10
	oddities    = 14
)

// foreign is what is said before a frame, by who knows the session and breaks the rules, or comes from another.
func (u *unit) foreign(x fault, f serialproto.Frame) []byte {
	at := serialproto.KindRsp
	if x.kind == "frame.odd" && x.k >= oddRequests {
		at = serialproto.KindReq
	}
	if f.Kind != at || f.Idx != 0 || u.counted(x.kind) != x.n {
		return nil
	}
	u.fm.Lock()
	session, stale := u.frames.session, u.frames.stale
	u.fm.Unlock()
	if x.kind == "frame.stale" {
		if stale == nil { // there was no session before: any other has to do
			session ^= 0x10
			stale = sealed(session, serialproto.Frame{Dir: f.Dir, Kind: f.Kind, ID: f.ID, Payload: []byte{0xa1, 0, 0}})
		}
		u.w.site.hit(x.kind)
		return bytes.Clone(stale)
	}
	if session == 0 {
		return nil
	}
	u.w.site.hit(x.kind)
	var out []byte
	for _, o := range odd(x.k, f, session) {
		out = append(out, sealed(session, o)...)
	}
	return out
}

// odd are frames that break the rules in the k-th way.
func odd(k int, f serialproto.Frame, session uint32) []serialproto.Frame {
	o := serialproto.Frame{Dir: f.Dir, Kind: f.Kind, ID: f.ID, Idx: 0, Last: f.Last, Payload: []byte{0xa1, 0, 0}}
	switch k {
	case 0: // unknown kind
		o.Kind = 15
	case 1: // index beyond the last
		o.Idx = f.Last + 2
	case 2: // same id, another last
		o.Idx, o.Last = 5, f.Last+4
	case 3: // 256 fragments, and no data
		o.Last, o.Payload = 255, nil
	case 4: // the host's direction
		o.Dir = serialproto.HostToDevice
	case 5: // another id
		o.ID++
	case 6: // an acknowledgement of nothing
		o.Kind, o.Payload = serialproto.KindAck, bytes.Repeat([]byte{0xff}, 100)
	case 7: // busy, busy
		o.Kind, o.Payload = serialproto.KindBusy, nil
		return []serialproto.Frame{o, o, o, o, o, o, o, o}
	case 8: // goodbye
		o.Kind, o.ID, o.Last, o.Payload = serialproto.KindBye, 0, 0, nil
	case 9: // larger than agreed
		list := make([]serialproto.Frame, 0, 40)
		for i := range uint8(40) {
			list = append(list, serialproto.Frame{Dir: f.Dir, Kind: f.Kind, ID: f.ID + 1, Idx: i, Last: 255, Payload: make([]byte, serialproto.MaxPayload)})
		}
		return list
	case 10: // another host's HELLO
		h := serialproto.Hello{MinVersion: 1, MaxVersion: 1, Session: session + 1, MTU: serialproto.DefaultMTU, Window: 8, MaxMessage: 8192}
		p, err := serialproto.Encode(h)
		if err != nil {
			panic(err)
		}
		o.Kind, o.ID, o.Last, o.Payload = serialproto.KindHello, 0, 0, p
	case 11: // it is called off
		o.Kind, o.Payload = serialproto.KindCancel, nil
	case 12: // same id, another last
		o.Idx, o.Last = 3, f.Last+7
	case 13: // an operation that nobody knows, under an id to come
		o.ID, o.Last, o.Payload = f.ID+1, 0, []byte{0xa1, 0x00, 0x18, 0xc8}
	}
	return []serialproto.Frame{o}
}

// sealed is a frame as it goes over the wire.
func sealed(session uint32, f serialproto.Frame) []byte {
	raw, err := serialproto.AppendFrame(nil, session, f)
	if err != nil {
		panic(err)
	}
	return raw
}
