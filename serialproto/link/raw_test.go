package link_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// raw is one end of a line worked by hand, frame by frame.
type raw struct {
	t       testing.TB
	c       *prototest.Conn
	dir     serialproto.Dir
	session uint32
	dec     serialproto.Decoder
	heard   []serialproto.Frame
}

// next waits up to d for a frame of one of these kinds and skips others.
func (r *raw) next(d time.Duration, kinds ...serialproto.Kind) (serialproto.Frame, bool) {
	r.t.Helper()
	end := time.Now().Add(d)
	buf := make([]byte, 512)
	for {
		for len(r.heard) > 0 {
			f := r.heard[0]
			r.heard = r.heard[1:]
			if slices.Contains(kinds, f.Kind) {
				return f, true
			}
		}
		if err := r.c.SetReadDeadline(end); err != nil {
			return serialproto.Frame{}, false
		}
		n, err := r.c.Read(buf)
		r.dec.SetSession(r.session)
		r.dec.Feed(buf[:n], func(f serialproto.Frame) { r.heard = append(r.heard, f) }, nil)
		if err != nil {
			return serialproto.Frame{}, false
		}
	}
}

func (r *raw) say(f serialproto.Frame) {
	r.t.Helper()
	f.Dir = r.dir
	out, err := serialproto.AppendFrame(nil, r.session, f)
	if err != nil {
		r.t.Errorf("raw frame: %v", err)
		return
	}
	if _, err := r.c.Write(out); err != nil {
		r.t.Logf("raw write: %v", err)
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := serialproto.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// greet answers the next HELLO by hand.
func (r *raw) greet(change func(*serialproto.Welcome)) serialproto.Hello {
	r.t.Helper()
	f, found := r.next(30*time.Second, serialproto.KindHello)
	if !found {
		r.t.Errorf("no HELLO heard")
		return serialproto.Hello{}
	}
	var h serialproto.Hello
	if err := serialproto.Decode(f.Payload, &h); err != nil {
		r.t.Errorf("HELLO: %v", err)
	}
	w := serialproto.Welcome{
		Version: 1, Session: h.Session, MTU: h.MTU, Window: h.Window, MaxMessage: h.MaxMessage, BootID: []byte("AAAAAAAA"),
	}
	if change != nil {
		change(&w)
	}
	r.session = h.Session
	r.say(serialproto.Frame{Kind: serialproto.KindWelcome, ID: uint8(w.Session), Payload: encode(r.t, w)})
	return h
}

// answer repeats an ok response to request id.
func (r *raw) answer(id uint8, result any) {
	r.say(serialproto.Frame{Kind: serialproto.KindRsp, ID: id, Payload: ok(result)})
}

func (r *raw) announce(boot string) {
	r.say(serialproto.Frame{Kind: serialproto.KindAnnounce, Payload: encode(r.t, serialproto.Announce{MinVersion: 1, MaxVersion: 1, BootID: []byte(boot)})})
}

// withRawDevice runs a host against a device worked by hand.
func withRawDevice(t *testing.T, hc link.HostConfig, device func(r *raw), host func(ctx context.Context, h *link.Host)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		hc.Probe = true
		near, far := prototest.Pipe(prototest.Config{})
		h := link.NewHost(near, hc)
		r := &raw{t: t, c: far, dir: serialproto.DeviceToHost}
		done := make(chan struct{})
		go func() { defer close(done); device(r) }()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		host(ctx, h)
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		<-done
	})
}
