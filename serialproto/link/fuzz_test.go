package link_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// FuzzLink feeds arbitrary bytes, and arbitrary payloads in sound frames, to both ends of a session under way: neither
// may panic or hang, and the exchange ends within its deadline.
func FuzzLink(f *testing.F) {
	f.Add([]byte("boot text\n\x00"), []byte{0x00, 0xff, 0x00}, uint8(5))
	f.Add([]byte{0xa1, 0x00, 0x00}, []byte{0xff, 0xff}, uint8(6))
	f.Add([]byte{0xa1, 0x00, 0x02}, []byte{}, uint8(10))
	f.Fuzz(func(t *testing.T, up, down []byte, kind uint8) {
		synctest.Test(t, func(t *testing.T) {
			s := newScript()
			s.work = 20 * time.Millisecond
			b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, s)
			defer b.close(t)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			w, err := b.host.Greet(ctx)
			if err != nil {
				t.Fatal(err)
			}
			b.near.Inject(up)
			b.far.Inject(down)
			timer := time.AfterFunc(5*time.Millisecond, func() {
				b.near.Inject(sealed(t, w.Session, serialproto.DeviceToHost, kind, up))
				b.far.Inject(sealed(t, w.Session, serialproto.HostToDevice, kind, down))
			})
			defer timer.Stop()
			begin := time.Now()
			err = b.host.Call(ctx, statusReq, &serialproto.StatusResult{})
			var oe *link.OpError
			var se *serialproto.StatusError
			if err != nil && !errors.As(err, &oe) && !errors.As(err, &se) {
				t.Errorf("untyped error %T: %v", err, err)
			}
			if d := time.Since(begin); d > 21*time.Second {
				t.Errorf("took %v, want the deadline kept", d)
			}
		})
	})
}

// sealed makes sound frames with arbitrary payload: request 1, fragment and last taken from the payload.
func sealed(t testing.TB, session uint32, dir serialproto.Dir, kind uint8, payload []byte) []byte {
	f := serialproto.Frame{Dir: dir, Kind: serialproto.Kind(kind & 15), ID: 1, Payload: payload[:min(len(payload), serialproto.MaxPayload)]}
	if len(payload) > 3 {
		f.Idx, f.Last = payload[0]&3, payload[1]&3
	}
	out, err := serialproto.AppendFrame(nil, session, f)
	if err != nil {
		t.Error(err)
	}
	return out
}

func BenchmarkCall(b *testing.B) {
	h, err := prototest.Dial(b.Context(), func(context.Context, serialproto.Op, []byte) []byte { return ok(nil) })
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Call(b.Context(), statusReq, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEnrolment(b *testing.B) {
	s := newScript()
	h, err := prototest.Dial(b.Context(), s.handle)
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	b.ReportAllocs()
	for b.Loop() {
		if err := enrol(b.Context(), h); err != nil {
			b.Fatal(err)
		}
	}
	st := h.Stats()
	b.ReportMetric(float64(st.TxBytes+st.RxBytes)/float64(b.N), "wire-B/op")
}
