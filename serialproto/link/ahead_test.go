package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// taker is a device that notes what comes ahead, and what was there at each operation.
type taker struct {
	*prototest.Peer

	mu    sync.Mutex
	came  [][]byte
	calls []string // "STATUS after 2"
}

func newTaker() *taker {
	p := &taker{Peer: &prototest.Peer{}}
	p.Func = func(_ context.Context, op serialproto.Op, _ []byte) []byte {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.calls = append(p.calls, fmt.Sprintf("%v after %d", op, len(p.came)))
		if op == serialproto.OpEnroll {
			return ok(serialproto.EnrollResult{CSR: der(csrSize, 1), KeyStore: serialproto.KeyStoreFlash})
		}
		return ok(nil)
	}
	return p
}

func (p *taker) Ahead(packed []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.came = append(p.came, packed)
}

// dial greets a device on a paced line; the line is closed when the test ends.
func dial(t *testing.T, line prototest.Config, p link.Handler) *link.Host {
	t.Helper()
	h, err := prototest.DialPeer(t.Context(), line, link.HostConfig{Baud: line.Baud}, link.DeviceConfig{Baud: line.Baud}, p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

var enrollReq = serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "device-0001", EnrollID: enrollment}

// What is said ahead crosses while the device answers, costs the answer nothing, and is there before the next request; what has not left
// by then goes first.
func TestAheadCrossesBehindARequest(t *testing.T) {
	for name, size := range map[string]int{"fits beside the answer": 200, "longer than the answer": 1200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newTaker()
				h := dial(t, prototest.Config{Baud: baud}, p)
				took := func(req any, result any) time.Duration {
					begin := time.Now()
					if err := h.Call(t.Context(), req, result); err != nil {
						t.Fatal(err)
					}
					return time.Since(begin)
				}
				took(enrollReq, nil)
				alone := took(enrollReq, nil)
				before := h.Stats()
				content := der(size, 3)
				h.Ahead(content)
				var r serialproto.EnrollResult
				if beside := took(enrollReq, &r); beside > alone+2*time.Millisecond || !bytes.Equal(r.CSR, der(csrSize, 1)) {
					t.Errorf("got %v and a CSR of %d bytes beside what goes ahead, want %v as without it", beside, len(r.CSR), alone)
				}
				if !h.HoldsAhead() {
					t.Error("HoldsAhead: got false, want true")
				}
				took(statusReq, nil)
				if len(p.came) != 1 || !bytes.Equal(p.came[0], content) {
					t.Errorf("got %d messages ahead, want the one that was said", len(p.came))
				}
				if want := []string{"ENROLL after 0", "ENROLL after 0", "ENROLL after 0", "STATUS after 1"}; !slices.Equal(p.calls, want) {
					t.Errorf("got %q, want %q", p.calls, want)
				}
				st := h.Stats()
				if frames := st.TxKinds[serialproto.KindAhead]; frames != uint64((size+245)/246) {
					t.Errorf("got %d AHEAD frames for %d bytes", frames, size)
				}
				if st.Polls+st.Retransmits+st.Ignored != before.Polls+before.Retransmits+before.Ignored {
					t.Errorf("got %+v, want no repair work on a clean line", st)
				}
			})
		})
	}
}

// Whatever the line loses, one way or the other, all of it comes: what is missing is sent again, once.
func TestAheadIsRepaired(t *testing.T) {
	const size, frames = 1200, 5
	for _, c := range []struct {
		name string
		kind serialproto.Kind
		idx  uint8
		sent uint64 // AHEAD frames
	}{
		{"the first part is lost", serialproto.KindAhead, 0, frames + 1},
		{"a part in the middle", serialproto.KindAhead, 2, frames + 1},
		{"the last part", serialproto.KindAhead, frames - 1, frames + 1},
		{"a part of the answer", serialproto.KindRsp, 0, frames},
		{"the request", serialproto.KindReq, 0, frames},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				lost := 0
				lose := func(f serialproto.Frame, _ int, raw []byte) []byte {
					if f.Kind == c.kind && f.Idx == c.idx && lost == 0 {
						lost++
						raw = bytes.Clone(raw)
						raw[9] ^= 0x80
					}
					return raw
				}
				p, line := newTaker(), prototest.Config{Baud: baud}
				line.ToDevice.Rewrite = lose
				line.ToHost.Rewrite = lose
				h := dial(t, line, p)
				h.Ahead(der(size, 3))
				for _, req := range []any{enrollReq, statusReq, statusReq} {
					if err := h.Call(t.Context(), req, nil); err != nil {
						t.Fatal(err)
					}
				}
				if len(p.came) != 1 || !bytes.Equal(p.came[0], der(size, 3)) || lost != 1 {
					t.Errorf("got %d messages ahead and %d frames lost, want one of each", len(p.came), lost)
				}
				if n := h.Stats().TxKinds[serialproto.KindAhead]; n != c.sent || h.RepairedAhead() != (c.sent > frames) {
					t.Errorf("got %d AHEAD frames, want %d", n, c.sent)
				}
			})
		})
	}
}

// Who gives a request up does not wait for what goes behind it.
func TestAheadEndsWithAGivenUpRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTaker()
		p.Func = func(ctx context.Context, op serialproto.Op, _ []byte) []byte {
			if op == serialproto.OpEnroll {
				<-ctx.Done()
			}
			return ok(nil)
		}
		const slow = 9600
		h := dial(t, prototest.Config{Baud: slow}, p)
		h.Ahead(der(serialproto.MaxAheadPacked, 1))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := h.Call(ctx, enrollReq, nil); err == nil || h.HoldsAhead() {
			t.Errorf("got %v, HoldsAhead %v; want it given up, and what goes behind it with it", err, h.HoldsAhead())
		}
		before := h.Stats().TxKinds[serialproto.KindAhead]
		if err := h.Call(t.Context(), statusReq, nil); err != nil {
			t.Error(err)
		}
		if n := h.Stats().TxKinds[serialproto.KindAhead] - before; n != 0 {
			t.Errorf("got %d AHEAD frames after that, want none", n)
		}
	})
}

// Damage before a session does not count in it: a line is judged anew with each device.
func TestAheadAfterNoiseBeforeTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := prototest.Pipe(prototest.Config{})
		if _, err := far.Write([]byte{0, 0xff, 0}); err != nil { // as a board gets power
			t.Fatal(err)
		}
		p := newTaker()
		served := make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() { served <- link.NewDevice(far, link.DeviceConfig{}, p).Serve(ctx) }()
		defer func() {
			stop()
			if err := <-served; err == nil {
				t.Error("serve: got nil, want why it ended")
			}
		}()
		h := link.NewHost(near, link.HostConfig{})
		defer h.Close()
		if _, err := h.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Ahead(der(100, 1))
		if h.HoldsAhead() {
			t.Error("HoldsAhead before anything was sent: got true, want false")
		}
		if err := h.Call(t.Context(), enrollReq, nil); err != nil {
			t.Fatal(err)
		}
		if h.Stats().Broken == 0 || !h.HoldsAhead() {
			t.Errorf("got %d damaged frames, HoldsAhead %v; want some, and true", h.Stats().Broken, h.HoldsAhead())
		}
	})
}

// Nothing goes ahead of a request that may not take effect yet.
func TestAheadWaitsForWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTaker()
		h := dial(t, prototest.Config{Baud: baud}, p)
		var early uint64
		h.Hold(func() error {
			<-time.After(100 * time.Millisecond)
			early = h.Stats().TxKinds[serialproto.KindAhead]
			return nil
		})
		h.Ahead(der(500, 1))
		if err := h.Call(t.Context(), enrollReq, nil); err != nil {
			t.Fatal(err)
		}
		if late := h.Stats().TxKinds[serialproto.KindAhead]; early != 0 || late == 0 {
			t.Errorf("got %d AHEAD frames while the request was held and %d in all, want none and some", early, late)
		}
	})
}

// Where it would be of no use nothing is said ahead: to a device that does not take it, on a line that damages, and what is too long.
func TestAheadIsNotSaid(t *testing.T) {
	damage := func(f serialproto.Frame, n int, raw []byte) []byte {
		if f.Kind == serialproto.KindRsp && n == 1 {
			raw = bytes.Clone(raw)
			raw[20] ^= 0x80
		}
		return raw
	}
	for _, c := range []struct {
		name  string
		peer  link.Handler
		line  prototest.Config
		mtu   int
		bytes int
	}{
		{"to a device that offers it and cannot", &prototest.Peer{Func: newTaker().Func}, prototest.Config{}, 0, 100},
		{"to one that does not offer it", &taker{Peer: &prototest.Peer{Func: newTaker().Func, Features: serialproto.FeaturePacked}}, prototest.Config{}, 0, 100},
		{"too long", newTaker(), prototest.Config{}, 0, serialproto.MaxAheadPacked + 1},
		{"too long for its frames", newTaker(), prototest.Config{}, 32, 32*serialproto.MaxAheadFrames + 1},
		{"nothing", newTaker(), prototest.Config{}, 0, 0},
		{"where answers are acknowledged", newTaker(), prototest.Config{}, 63, 100},
		{"on a line that damages", newTaker(), prototest.Config{ToHost: prototest.Line{Rewrite: damage}}, 0, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, err := prototest.DialPeer(t.Context(), c.line, link.HostConfig{MTU: c.mtu}, link.DeviceConfig{}, c.peer)
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				if err := h.Call(t.Context(), enrollReq, nil); err != nil {
					t.Fatal(err)
				}
				h.Ahead(der(max(c.bytes, 1), 1)[:c.bytes])
				if err := h.Call(t.Context(), statusReq, nil); err != nil {
					t.Fatal(err)
				}
				if n := h.Stats().TxKinds[serialproto.KindAhead]; n != 0 || h.HoldsAhead() {
					t.Errorf("got %d AHEAD frames, HoldsAhead %v; want none", n, h.HoldsAhead())
				}
			})
		})
	}
}

// A session's end makes void what came ahead in it, at both ends.
func TestAheadEndsWithItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTaker()
		h := dial(t, prototest.Config{Baud: baud}, p)
		h.Ahead(der(1200, 1))
		if err := h.Call(t.Context(), enrollReq, nil); err != nil {
			t.Fatal(err)
		}
		sent := h.Stats().TxKinds[serialproto.KindAhead]
		if err := h.Bye(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := h.Call(t.Context(), statusReq, nil); err != nil {
			t.Fatal(err)
		}
		if h.HoldsAhead() {
			t.Error("HoldsAhead in the next session: got true, want false")
		}
		if now := h.Stats().TxKinds[serialproto.KindAhead]; now != sent || len(p.came) != 0 {
			t.Errorf("got %d frames of the session before, and %d messages taken; want none", now-sent, len(p.came))
		}
	})
}

// Whatever comes ahead, the device answers requests as ever, and takes only what is whole and within bounds, the latest.
func TestDeviceHearsAhead(t *testing.T) {
	ahead := func(id, idx, last uint8, payload string) serialproto.Frame {
		return serialproto.Frame{Kind: serialproto.KindAhead, ID: id, Idx: idx, Last: last, Payload: []byte(payload)}
	}
	long := string(make([]byte, 246))
	var tooLong []serialproto.Frame
	for i := range uint8(serialproto.MaxAheadFrames) {
		tooLong = append(tooLong, ahead(1, i, serialproto.MaxAheadFrames-1, long))
	}
	for _, c := range []struct {
		name     string
		features uint32
		frames   []serialproto.Frame
		want     []string
		missing  []string // bitmaps of what is said to be there, with the index
	}{
		{"in any order", serialproto.Features, []serialproto.Frame{ahead(1, 1, 1, "b"), ahead(1, 0, 1, "a")}, []string{"ab"}, []string{"AHEAD of 1: 0 [10]"}},
		{"twice", serialproto.Features, []serialproto.Frame{ahead(1, 0, 1, "a"), ahead(1, 0, 1, "a"), ahead(1, 1, 1, "b"), ahead(1, 1, 1, "b")}, []string{"ab"}, nil},
		{"two, the later one", serialproto.Features, []serialproto.Frame{ahead(1, 0, 0, "a"), ahead(2, 0, 0, "b")}, []string{"b"}, nil},
		{"one, and another that is not whole", serialproto.Features, []serialproto.Frame{ahead(1, 0, 0, "a"), ahead(2, 0, 1, "b")}, []string{"a"}, []string{"AHEAD of 2: 1 [1]"}},
		{"not whole", serialproto.Features, []serialproto.Frame{ahead(1, 0, 1, "a")}, nil, []string{"AHEAD of 1: 1 [1]"}},
		{"a part in the middle", serialproto.Features, []serialproto.Frame{ahead(1, 0, 3, "a"), ahead(1, 2, 3, "c")}, nil, []string{"AHEAD of 1: 0 [101]", "AHEAD of 1: 1 [101]"}},
		{"of two messages", serialproto.Features, []serialproto.Frame{ahead(1, 0, 1, "a"), ahead(2, 1, 1, "b")}, nil, []string{"AHEAD of 2: 0 [10]", "AHEAD of 2: 1 [10]"}},
		{"another last", serialproto.Features, []serialproto.Frame{ahead(1, 0, 1, "a"), ahead(1, 1, 2, "b")}, nil, []string{"AHEAD of 1: 1 [1]"}},
		{"idx beyond last", serialproto.Features, []serialproto.Frame{ahead(1, 2, 1, "a")}, nil, nil},
		{"empty", serialproto.Features, []serialproto.Frame{ahead(1, 0, 1, "a"), ahead(2, 0, 0, "")}, nil, []string{"AHEAD of 1: 1 [1]"}},
		{"no id", serialproto.Features, []serialproto.Frame{ahead(0, 0, 0, "a")}, nil, nil},
		{"too many fragments", serialproto.Features, []serialproto.Frame{ahead(1, 0, serialproto.MaxAheadFrames, "a")}, nil, nil},
		{"too many bytes", serialproto.Features, tooLong, nil, []string{"AHEAD of 1: 1 [11111111 0]"}},
		{"not agreed upon", serialproto.Features &^ serialproto.FeatureAhead, []serialproto.Frame{ahead(1, 0, 0, "a")}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := prototest.Pipe(prototest.Config{})
				p := newTaker()
				ctx, stop := context.WithCancel(t.Context())
				served := make(chan error, 1)
				go func() { served <- link.NewDevice(far, link.DeviceConfig{}, p).Serve(ctx) }()
				defer func() {
					stop()
					if err := <-served; err == nil {
						t.Error("serve: got nil, want why it ended")
					}
				}()
				r := &raw{t: t, c: near, dir: serialproto.HostToDevice, session: 7}
				r.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: encode(t, serialproto.Hello{
					MinVersion: 1, MaxVersion: 1, Session: 7, MTU: 246, Window: 8, MaxMessage: 8192, Features: c.features,
				})})
				if _, found := r.next(time.Second, serialproto.KindWelcome); !found {
					t.Fatal("no WELCOME")
				}
				for _, f := range c.frames {
					r.say(f)
					synctest.Wait()
				}
				var missing []string
				miss := func(wait time.Duration) {
					for {
						f, found := r.next(wait, serialproto.KindAhead, serialproto.KindAck, serialproto.KindRsp, serialproto.KindBusy)
						if !found || f.Kind == serialproto.KindRsp && f.ID == 1 {
							return
						}
						missing = append(missing, fmt.Sprintf("%v of %d: %d %b", f.Kind, f.ID, f.Idx, f.Payload))
					}
				}
				miss(200 * time.Millisecond)
				r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: 1, Payload: []byte{0xa1, 0x00, 0x01}})
				miss(time.Second)
				if !slices.Equal(missing, c.missing) {
					t.Errorf("got %q, want %q", missing, c.missing)
				}
				if p.Executed() == nil {
					t.Error("the request after it was not executed")
				}
				var got []string
				for _, b := range p.came {
					got = append(got, string(b))
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("got %q taken, want %q", got, c.want)
				}
			})
		})
	}
}

// A device that lacks everything for ever gets it a bounded number of times, and the request that it asks to be held up goes out.
func TestAheadIsNotRepairedForEver(t *testing.T) {
	withRawDevice(t, link.HostConfig{}, func(r *raw) {
		r.greet(func(w *serialproto.Welcome) { w.Features = serialproto.FeatureAhead })
		for {
			f, found := r.next(5*time.Second, serialproto.KindReq, serialproto.KindAhead)
			if !found {
				return
			}
			r.say(serialproto.Frame{Kind: serialproto.KindAhead, ID: 1, Idx: 1, Last: 3, Payload: []byte{0}})
			if f.Kind == serialproto.KindReq {
				r.answer(f.ID, nil)
			}
		}
	}, func(ctx context.Context, h *link.Host) {
		if _, err := h.Greet(ctx); err != nil {
			t.Fatal(err)
		}
		h.Ahead(der(900, 1))
		for range 9 {
			if err := h.Call(ctx, statusReq, nil); err != nil {
				t.Fatal(err)
			}
			<-time.After(50 * time.Millisecond)
		}
		if n := h.Stats().TxKinds[serialproto.KindAhead]; n <= 4 || n > 4+serialproto.MaxAheadFrames {
			t.Errorf("got %d AHEAD frames for 4, want some again and %d at most", n, serialproto.MaxAheadFrames)
		}
	})
}

// What the device says is missing together with its refusal is sent before the request is made again, however fast the line is.
func TestAheadIsRepairedAfterARefusal(t *testing.T) {
	withRawDevice(t, link.HostConfig{}, func(r *raw) {
		r.greet(func(w *serialproto.Welcome) { w.Features = serialproto.FeatureAhead })
		f, _ := r.next(time.Second, serialproto.KindReq)
		r.answer(f.ID, nil)
		last, found := r.next(time.Second, serialproto.KindAhead)
		for found && last.Idx != last.Last {
			last, found = r.next(time.Second, serialproto.KindAhead)
		}
		f, _ = r.next(time.Second, serialproto.KindReq)
		r.say(serialproto.Frame{Kind: serialproto.KindAhead, ID: last.ID, Idx: 1, Last: last.Last, Payload: []byte{0b0111}})
		r.say(serialproto.Frame{Kind: serialproto.KindRsp, ID: f.ID, Payload: status(serialproto.StatusHashMismatch)})
		if again, found := r.next(time.Second, serialproto.KindAhead, serialproto.KindReq); !found || again.Kind != serialproto.KindAhead || again.Idx != last.Last {
			t.Errorf("got %v %d after the refusal, want AHEAD %d", again.Kind, again.Idx, last.Last)
		}
		f, _ = r.next(time.Second, serialproto.KindReq)
		r.answer(f.ID, nil)
	}, func(ctx context.Context, h *link.Host) {
		if _, err := h.Greet(ctx); err != nil {
			t.Fatal(err)
		}
		h.Ahead(der(900, 1))
		for i, want := range []bool{false, true} {
			err := h.Call(ctx, statusReq, nil)
			var se *serialproto.StatusError
			if refused := errors.As(err, &se); refused != (i == 1) {
				t.Errorf("call %d: got %v", i+1, err)
			}
			if got := h.RepairedAhead(); got != want {
				t.Errorf("RepairedAhead after call %d: got %v, want %v", i+1, got, want)
			}
		}
		if err := h.Call(ctx, statusReq, nil); err != nil {
			t.Error(err)
		}
	})
}
