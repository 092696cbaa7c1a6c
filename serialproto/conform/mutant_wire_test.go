package conform_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"time"

	"github.com/fxamacker/cbor/v2"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// wiretap changes frames on their way. It knows the sessions that the host has asked for.
type wiretap struct {
	sessions []uint32
	announce []byte
	hello    serialproto.Hello

	down func(w *wiretap, f serialproto.Frame, body []byte) [][]byte // nil: as it is. Body is before COBS, CRC included
	up   func(w *wiretap, f serialproto.Frame, body []byte) [][]byte
}

// onWire is a device behind a wiretap.
func onWire(w *wiretap) func(*device) {
	return func(d *device) {
		d.line.ToDevice.Rewrite = func(_ serialproto.Frame, _ int, raw []byte) []byte { return w.through(raw, w.down, true) }
		d.line.ToHost.Rewrite = func(_ serialproto.Frame, _ int, raw []byte) []byte { return w.through(raw, w.up, false) }
	}
}

func down(fn func(w *wiretap, f serialproto.Frame, body []byte) [][]byte) func(*device) {
	return onWire(&wiretap{down: fn})
}

func up(fn func(w *wiretap, f serialproto.Frame, body []byte) [][]byte) func(*device) {
	return onWire(&wiretap{up: fn})
}

func (w *wiretap) session() uint32 {
	if len(w.sessions) == 0 {
		return 0
	}
	return w.sessions[len(w.sessions)-1]
}

func (w *wiretap) through(raw []byte, fn func(*wiretap, serialproto.Frame, []byte) [][]byte, fromHost bool) []byte {
	body, err := serialproto.AppendUnCOBS(nil, bytes.Trim(raw, "\x00"))
	if err != nil || len(body) < 8 {
		return raw
	}
	f := serialproto.Frame{Kind: serialproto.Kind(body[0] & 15), ID: body[1], Idx: body[2], Last: body[3], Payload: body[4 : len(body)-4]}
	if f.Kind == serialproto.KindHello && fromHost {
		var h serialproto.Hello
		if serialproto.Decode(f.Payload, &h) == nil && h.Session != w.session() {
			w.sessions, w.hello = append(w.sessions, h.Session), h
		}
	}
	if f.Kind == serialproto.KindAnnounce {
		w.announce = bytes.Clone(body)
	}
	if fn == nil {
		return raw
	}
	var out []byte
	for _, b := range fn(w, f, bytes.Clone(body)) {
		out = append(serialproto.AppendCOBS(append(out, 0), b), 0)
	}
	return out
}

func crc(session uint32, body []byte) uint32 {
	var seed [4]byte
	binary.LittleEndian.PutUint32(seed[:], session)
	t := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(0, t, seed[:]), t, body[:len(body)-4])
}

func sealedWith(session uint32, body []byte) bool {
	return crc(session, body) == binary.LittleEndian.Uint32(body[len(body)-4:])
}

// sealAs gives a body the CRC of a session; of session 0 where its kind has none.
func sealAs(session uint32, body []byte) []byte {
	switch serialproto.Kind(body[0] & 15) {
	case serialproto.KindHello, serialproto.KindWelcome, serialproto.KindAnnounce, serialproto.KindLog:
		session = 0
	}
	binary.LittleEndian.PutUint32(body[len(body)-4:], crc(session, body))
	return body
}

// with is a body with another payload.
func with(session uint32, body, payload []byte) []byte {
	return sealAs(session, append(append(bytes.Clone(body[:4]), payload...), 0, 0, 0, 0))
}

func one(b []byte) [][]byte { return [][]byte{b} }

// loosely reads CBOR as a careless device would, and writes it as a careful one wants it.
func loosely(payload []byte) []byte {
	var v map[any]any
	if _, err := cbor.UnmarshalFirst(payload, &v); err != nil {
		return payload
	}
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return payload
	}
	if b, err := enc.Marshal(v); err == nil {
		return b
	}
	return payload
}

// renumber makes each request that comes a new one.
type renumber struct {
	next uint8
	host map[uint8]uint8 // id on the device to id of the host
}

func (r *renumber) down(w *wiretap, f serialproto.Frame, body []byte) [][]byte {
	switch {
	case f.Kind == serialproto.KindHello:
		r.next, r.host = 0, map[uint8]uint8{}
	case f.Kind == serialproto.KindReq && f.Last == 0 && f.ID != 0 && sealedWith(w.session(), body):
		if r.next++; r.next == 0 {
			r.next = 1
		}
		r.host[r.next] = f.ID
		body[1] = r.next
		return one(sealAs(w.session(), body))
	}
	return one(body)
}

func (r *renumber) up(w *wiretap, f serialproto.Frame, body []byte) [][]byte {
	if id, ok := r.host[f.ID]; ok && f.Kind != serialproto.KindWelcome {
		body[1] = id
		return one(sealAs(w.session(), body))
	}
	return one(body)
}

// asks has the device believe that the host asked for other parameters, and the host that it got what it asked for.
func asks(change func(*serialproto.Hello), grant func(w *serialproto.Welcome, h serialproto.Hello)) func(*device) {
	enc := func(v any) []byte { return must(serialproto.Encode(v)) }
	return onWire(&wiretap{
		down: func(_ *wiretap, f serialproto.Frame, body []byte) [][]byte {
			var h serialproto.Hello
			if f.Kind != serialproto.KindHello || serialproto.Decode(f.Payload, &h) != nil {
				return one(body)
			}
			change(&h)
			return one(with(0, body, enc(h)))
		},
		up: func(w *wiretap, f serialproto.Frame, body []byte) [][]byte {
			var welcome serialproto.Welcome
			if f.Kind != serialproto.KindWelcome || serialproto.Decode(f.Payload, &welcome) != nil {
				return one(body)
			}
			grant(&welcome, w.hello)
			return one(with(0, body, enc(welcome)))
		},
	})
}

// slowly takes a second for a key.
func slowly(d *device) {
	doing(serialproto.OpEnroll, func(req []byte, next func([]byte) []byte) []byte {
		<-time.After(time.Second)
		return next(req)
	})(d)
}

// dropped loses frames of the device.
func dropped(which func(serialproto.Frame) bool) func(*device) {
	return up(func(_ *wiretap, f serialproto.Frame, body []byte) [][]byte {
		if which(f) {
			return nil
		}
		return one(body)
	})
}

func wireMutants() []mutant {
	calls := &renumber{}
	return []mutant{
		{"never announces itself", dropped(func(f serialproto.Frame) bool { return f.Kind == serialproto.KindAnnounce }), []string{"announce-idle"}},
		{"seals what it says with session 0", up(func(_ *wiretap, _ serialproto.Frame, b []byte) [][]byte { return one(sealAs(0, b)) }), []string{"ready"}},
		{
			"does not look at the CRC", down(func(w *wiretap, _ serialproto.Frame, b []byte) [][]byte { return one(sealAs(w.session(), b)) }),
			[]string{"frame-crc", "frame-crc-seed", "session-stale"},
		},
		{"does not seed the CRC", down(func(w *wiretap, _ serialproto.Frame, b []byte) [][]byte {
			if sealedWith(0, b) {
				b = sealAs(w.session(), b)
			}
			return one(b)
		}), []string{"frame-crc-seed"}},
		{"answers the session before", down(func(w *wiretap, _ serialproto.Frame, b []byte) [][]byte {
			if n := len(w.sessions); n > 1 && sealedWith(w.sessions[n-2], b) {
				b = sealAs(w.session(), b)
			}
			return one(b)
		}), []string{"session-stale"}},
		{"takes frames of version 2", func(d *device) { d.tap = func(t link.Transport) link.Transport { return tolerant{t} } }, []string{"frame-version"}},
		{"acts upon echoes", actsUponEchoes, []string{"frame-echo"}},
		{"takes any kind for a request", down(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind > serialproto.KindBye {
				b[0] = b[0]&^15 | byte(serialproto.KindReq)
				b = sealAs(w.session(), b)
			}
			return one(b)
		}), []string{"frame-kind"}},
		{"announces itself within a session", up(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindRsp && w.announce != nil {
				return [][]byte{b, w.announce}
			}
			return one(b)
		}), []string{"session-quiet"}},
		{"executes what is repeated", onWire(&wiretap{down: calls.down, up: calls.up}), []string{"request-once", "sign-once", "id-late"}},
		{"takes any CBOR", down(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindReq && f.Last == 0 {
				return one(with(w.session(), b, loosely(f.Payload)))
			}
			return one(b)
		}), []string{"cbor-shortest", "cbor-repeated", "cbor-order", "cbor-trailing", "cbor-indefinite"}},
		{
			"ignores the mtu", asks(func(h *serialproto.Hello) { h.MTU = 246 }, func(w *serialproto.Welcome, h serialproto.Hello) { w.MTU = h.MTU }),
			[]string{"response-mtu", "welcome-fragments", "frames-mtu"},
		},
		{
			"ignores the window", asks(func(h *serialproto.Hello) { h.Window = 8 }, func(w *serialproto.Welcome, h serialproto.Hello) { w.Window = h.Window }),
			[]string{"response-window"},
		},
		{
			"grants more than it is asked for", asks(func(*serialproto.Hello) {}, func(w *serialproto.Welcome, _ serialproto.Hello) { w.MaxMessage = 40000 }),
			[]string{"ready"},
		},
		{"is silent about what it lacks", dropped(func(f serialproto.Frame) bool { return f.Kind == serialproto.KindAck && f.Idx == 1 }), []string{"ack-idle"}},
		{
			"acknowledges only when the line is silent", dropped(func(f serialproto.Frame) bool { return f.Kind == serialproto.KindAck && f.Idx == 0 }),
			[]string{"ack-progress", "ack-gap", "ack-duplicate"},
		},
		{"counts bits from the other end", up(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind != serialproto.KindAck {
				return one(b)
			}
			p := bytes.Clone(f.Payload)
			for i := range p {
				p[i] = p[i]>>4 | p[i]<<4
			}
			return one(with(w.session(), b, p))
		}), []string{"ack-bitmap"}},
		{"says everything twice", up(func(_ *wiretap, _ serialproto.Frame, b []byte) [][]byte { return [][]byte{b, b} }), []string{"response-window", "welcome-fragments"}},
		{"works in silence", dropped(func(f serialproto.Frame) bool { return f.Kind == serialproto.KindBusy }), []string{"busy-check"}},
		{"makes keys in silence", func(d *device) {
			slowly(d)
			dropped(func(f serialproto.Frame) bool { return f.Kind == serialproto.KindBusy })(d)
		}, []string{"busy-enroll"}},
		{"logs control characters", up(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindRsp {
				return [][]byte{b, with(0, []byte{b[0]&^15 | byte(serialproto.KindLog), 0, 0, 0}, []byte("\x1b[2J"))}
			}
			return one(b)
		}), []string{"log-form"}},
		{"says bad argument to what is too large", up(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindRsp && bytes.HasPrefix(f.Payload[1:], []byte{0, 5}) {
				b[6] = 4
				return one(sealAs(w.session(), b))
			}
			return one(b)
		}), []string{"request-too-large"}},
		{"takes fragments with any last", down(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindReq && f.Last == 3 && f.Idx == 2 && len(f.Payload) < 17 {
				b[3] = 2
				return one(sealAs(w.session(), b))
			}
			return one(b)
		}), []string{"fragment-last"}},
		{"forgets what it answered", down(func(_ *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindAck {
				return nil
			}
			return one(b)
		}), []string{"response-again"}},
	}
}

// far is a line that a serial server or a radio adds to.
const far = 300 * time.Millisecond

// afar is the same mutants, each at the far end of a line on which whatever they say comes late.
func afar(list []mutant) []mutant {
	for i, m := range list {
		list[i].name += ", from afar"
		list[i].breaks = func(d *device) {
			m.breaks(d)
			d.line.ToHost.Latency = far
		}
	}
	return append(list, mutant{"acts upon echoes, on a line that hesitates after one", func(d *device) {
		actsUponEchoes(d)
		d.tap = func(t link.Transport) link.Transport { return &hesitant{Conn: t.(*prototest.Conn)} }
	}, []string{"frame-echo"}})
}

// hesitant is a line that keeps what the device says for a second once an echo is said: nobody could know it from how it was.
type hesitant struct {
	*prototest.Conn
	until, deadline time.Time
}

func (h *hesitant) SetReadDeadline(t time.Time) error {
	h.deadline = t
	return h.Conn.SetReadDeadline(t)
}

func (h *hesitant) Read(p []byte) (int, error) {
	if time.Now().Before(h.until) {
		if h.deadline.Before(h.until) {
			<-time.After(time.Until(h.deadline))
			return 0, os.ErrDeadlineExceeded
		}
		<-time.After(time.Until(h.until))
	}
	return h.Conn.Read(p)
}

func (h *hesitant) Write(p []byte) (int, error) {
	if body, err := serialproto.AppendUnCOBS(nil, bytes.Trim(p, "\x00")); err == nil && len(body) > 0 && body[0]>>4&1 == 1 {
		h.until = time.Now().Add(time.Second)
	}
	return h.Conn.Write(p)
}

func actsUponEchoes(d *device) {
	down(func(w *wiretap, _ serialproto.Frame, b []byte) [][]byte {
		if b[0]>>4&1 == 1 {
			b[0] &^= 1 << 4
			b = sealAs(w.session(), b)
		}
		return one(b)
	})(d)
}

// tolerant makes frames of version 2, which a Rewrite does not see, such of version 1.
type tolerant struct{ link.Transport }

func (t tolerant) Write(p []byte) (int, error) {
	body, err := serialproto.AppendUnCOBS(nil, bytes.Trim(p, "\x00"))
	if err != nil || len(body) < 8 || body[0]>>5 != 2 {
		return t.Transport.Write(p)
	}
	// The CRC over another first byte, as the session seeds it, differs by what the bits differ alone: CRC is linear.
	was := crc(0, body)
	body[0] = body[0]&31 | 1<<5
	sum := binary.LittleEndian.Uint32(body[len(body)-4:]) ^ was ^ crc(0, body)
	binary.LittleEndian.PutUint32(body[len(body)-4:], sum)
	_, err = t.Transport.Write(append(serialproto.AppendCOBS([]byte{0}, body), 0))
	return len(p), err
}
