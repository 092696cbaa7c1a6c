package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
)

var statusReq = serialproto.SimpleArgs{Op: serialproto.OpStatus}

// TestHostHearsRuleBreakers: whatever a device says, the host ends within bounds and with the right class of error.
func TestHostHearsRuleBreakers(t *testing.T) {
	const (
		rsp, req, ack, busy = serialproto.KindRsp, serialproto.KindReq, serialproto.KindAck, serialproto.KindBusy
	)
	statusOK := serialproto.StatusResult{State: serialproto.StateKeyed}
	for _, c := range []struct {
		name   string
		device func(r *raw)
		want   error // of Call; nil: success
		within time.Duration
	}{
		{"stale RSP of an old session", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			now := r.session
			r.session ^= 0x10
			r.answer(f.ID, serialproto.StatusResult{State: serialproto.StateSealed})
			r.session = now
			r.answer(f.ID, statusOK)
		}, nil, time.Second},
		{"wrong id", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			r.answer(f.ID+1, serialproto.StatusResult{State: serialproto.StateSealed})
			r.answer(f.ID, statusOK)
		}, nil, time.Second},
		{"unknown kind", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			for k := serialproto.KindAhead; k < 16; k++ {
				r.say(serialproto.Frame{Kind: k, ID: f.ID, Payload: []byte{1}})
			}
			r.say(serialproto.Frame{Kind: 0, ID: f.ID})
			r.answer(f.ID, statusOK)
		}, nil, time.Second},
		{"unknown key", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Payload: []byte{0xa3, 0x00, 0x00, 0x01, 0x01, 0x18, 0x64, 0x01}})
		}, nil, time.Second},
		{"idx beyond last", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Idx: 3, Last: 1, Payload: []byte{1}})
			r.answer(f.ID, statusOK)
		}, nil, time.Second},
		{"same id, another last", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			whole := ok(statusOK)
			r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Idx: 0, Last: 1, Payload: whole[:2]})
			r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Idx: 5, Last: 9, Payload: []byte{9}})
			r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Idx: 1, Last: 1, Payload: whole[2:]})
		}, nil, time.Second},
		{"last 255 without data", func(r *raw) {
			for range 4 {
				r.greet(nil)
				f, found := r.next(2*time.Second, req)
				if !found {
					return
				}
				r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Idx: 0, Last: 255})
			}
		}, link.ErrNoProgress, 30 * time.Second},
		{"first of 256 fragments and no more", func(r *raw) {
			for range 4 {
				r.greet(nil)
				f, found := r.next(2*time.Second, req)
				if !found {
					return
				}
				r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Idx: 0, Last: 255, Payload: []byte{1}})
			}
		}, link.ErrNoProgress, 30 * time.Second},
		{"oversize response", func(r *raw) {
			r.greet(func(w *serialproto.Welcome) { w.MaxMessage = serialproto.MinMax })
			f, _ := r.next(time.Second, req)
			for i := range uint8(10) {
				r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Idx: i, Last: 255, Payload: make([]byte, 246)})
			}
		}, link.ErrProtocol, time.Second},
		{"response that is no message", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			r.say(serialproto.Frame{Kind: rsp, ID: f.ID, Payload: []byte("rubbish")})
		}, link.ErrProtocol, time.Second},
		{"ACK of another length, ACK with rubbish bits", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			r.say(serialproto.Frame{Kind: ack, ID: f.ID, Last: 9, Payload: []byte{0xff, 0xff}})
			r.say(serialproto.Frame{Kind: ack, ID: f.ID, Idx: 7, Payload: []byte{0xff}})
			r.say(serialproto.Frame{Kind: ack, ID: f.ID, Payload: bytes.Repeat([]byte{0xff}, 200)})
			r.say(serialproto.Frame{Kind: ack, ID: f.ID})
			r.answer(f.ID, statusOK)
		}, nil, time.Second},
		{"BUSY forever ends by the deadline", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			for range 200 {
				r.say(serialproto.Frame{Kind: busy, ID: f.ID})
				if _, found := r.next(200*time.Millisecond, serialproto.KindCancel); found {
					return
				}
			}
			r.t.Errorf("no CANCEL heard")
		}, context.DeadlineExceeded, 31 * time.Second},
		{"BUSY, then reset", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			r.say(serialproto.Frame{Kind: busy, ID: f.ID})
			r.announce("CCCCCCCC")
		}, link.ErrReset, 10 * time.Millisecond},
		{"BUSY, then silence", func(r *raw) {
			for range 4 {
				r.greet(nil)
				f, found := r.next(2*time.Second, req)
				if !found {
					return
				}
				r.say(serialproto.Frame{Kind: busy, ID: f.ID})
			}
		}, link.ErrNoProgress, 30 * time.Second},
		{"boot id changed behind a silent reset", func(r *raw) {
			r.greet(nil)
			r.next(time.Second, req)
			r.greet(func(w *serialproto.Welcome) { w.BootID = []byte("CCCCCCCC") })
		}, link.ErrReset, 10 * time.Second},
		{"goodbye", func(r *raw) {
			r.greet(nil)
			r.next(time.Second, req)
			r.say(serialproto.Frame{Kind: serialproto.KindBye})
		}, link.ErrReset, 10 * time.Millisecond},
		{"device answers with the host's direction bit", func(r *raw) {
			r.greet(nil)
			for {
				f, found := r.next(2*time.Second, req)
				if !found {
					return
				}
				r.dir = serialproto.HostToDevice
				r.answer(f.ID, statusOK)
			}
		}, link.ErrEcho, 30 * time.Second},
		{"unplug while waiting", func(r *raw) {
			r.greet(nil)
			r.next(time.Second, req)
			r.c.Unplug(nil)
		}, io.EOF, 10 * time.Millisecond},
		{"rubbish between frames", func(r *raw) {
			r.greet(nil)
			f, _ := r.next(time.Second, req)
			if _, err := r.c.Write(append(bytes.Repeat([]byte{0, 0xff, 0x80, 3}, 300), 0)); err != nil {
				r.t.Error(err)
			}
			r.answer(f.ID, statusOK)
		}, nil, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			withRawDevice(t, link.HostConfig{}, c.device, func(ctx context.Context, h *link.Host) {
				if _, err := h.Greet(ctx); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				var got serialproto.StatusResult
				err := h.Call(ctx, statusReq, &got)
				if !errors.Is(err, c.want) || c.want == nil && got.State != serialproto.StateKeyed {
					t.Errorf("got %v, state %v, want %v", err, got.State, c.want)
				}
				if err != nil && got.State != 0 {
					t.Errorf("result filled in spite of %v", err)
				}
				var oe *link.OpError
				if err != nil && !errors.As(err, &oe) {
					t.Errorf("got untyped error %T", err)
				}
				if d := time.Since(begin); d > c.within {
					t.Errorf("took %v, want at most %v", d, c.within)
				}
			})
		})
	}
}

func TestGreetFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		device func(r *raw)
		want   error
	}{
		{"late WELCOME of another session", func(r *raw) {
			f, _ := r.next(time.Second, serialproto.KindHello)
			var h serialproto.Hello
			if err := serialproto.Decode(f.Payload, &h); err != nil {
				r.t.Error(err)
			}
			old := serialproto.Welcome{Version: 1, Session: h.Session ^ 0xff00, MTU: 48, Window: 1, MaxMessage: 1024, BootID: []byte("OLDOLDOL")}
			r.say(serialproto.Frame{Kind: serialproto.KindWelcome, ID: uint8(old.Session), Payload: encode(r.t, old)})
			r.greet(nil)
		}, nil},
		{"WELCOME of a version never offered", func(r *raw) {
			r.greet(func(w *serialproto.Welcome) { w.Version = 9 })
			if _, found := r.next(time.Second, serialproto.KindBye); !found {
				r.t.Errorf("no BYE after a version in common with nobody")
			}
		}, link.ErrVersion},
		{"BYE with status bad version", func(r *raw) {
			f, _ := r.next(time.Second, serialproto.KindHello)
			var h serialproto.Hello
			if err := serialproto.Decode(f.Payload, &h); err != nil {
				r.t.Error(err)
			}
			r.session = h.Session
			r.say(serialproto.Frame{Kind: serialproto.KindBye, Payload: status(serialproto.StatusBadVersion)})
		}, link.ErrVersion},
		{"WELCOME grants more than asked", func(r *raw) {
			r.greet(func(w *serialproto.Welcome) { w.Window = 200 })
		}, link.ErrProtocol},
		{"WELCOME that is no message", func(r *raw) {
			f, _ := r.next(time.Second, serialproto.KindHello)
			var h serialproto.Hello
			if err := serialproto.Decode(f.Payload, &h); err != nil {
				r.t.Error(err)
			}
			r.say(serialproto.Frame{Kind: serialproto.KindWelcome, ID: uint8(h.Session), Payload: []byte{0xa0}})
		}, link.ErrProtocol},
		{"nobody there", func(*raw) {}, link.ErrNoProgress},
		{"own echo", func(r *raw) {
			buf := make([]byte, 512)
			for {
				n, err := r.c.Read(buf)
				if err != nil {
					return
				}
				if _, err := r.c.Write(buf[:n]); err != nil {
					return
				}
			}
		}, link.ErrEcho},
	} {
		t.Run(c.name, func(t *testing.T) {
			withRawDevice(t, link.HostConfig{}, c.device, func(ctx context.Context, h *link.Host) {
				w, err := h.Greet(ctx)
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if err == nil && string(w.BootID) != "AAAAAAAA" {
					t.Errorf("welcome: got boot id %q, want the new session's", w.BootID)
				}
				if err != nil && w.Session != 0 {
					t.Errorf("welcome filled in spite of %v", err)
				}
			})
		})
	}
}
