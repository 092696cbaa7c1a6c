package link_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
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
			for k := serialproto.Kind(11); k < 16; k++ {
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

// withRawHost runs a device against a host worked by hand.
func withRawHost(t *testing.T, dc link.DeviceConfig, p link.Handler, host func(r *raw)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		near, far := prototest.Pipe(prototest.Config{})
		served := make(chan error, 1)
		d := link.NewDevice(far, dc, p)
		go func() { served <- d.Serve(t.Context()) }()
		host(&raw{t: t, c: near, dir: serialproto.HostToDevice, session: 0x01020304})
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, io.EOF) {
			t.Errorf("serve: got %v, want %v", err, io.EOF)
		}
	})
}

func (r *raw) hello(session uint32) (serialproto.Welcome, bool) {
	r.t.Helper()
	r.session = session
	r.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: encode(r.t, serialproto.Hello{
		MinVersion: 1, MaxVersion: 1, Session: session, MTU: 246, Window: 8, MaxMessage: 8192,
	})})
	f, found := r.next(time.Second, serialproto.KindWelcome)
	var w serialproto.Welcome
	if found {
		if err := serialproto.Decode(f.Payload, &w); err != nil {
			r.t.Error(err)
		}
	}
	return w, found
}

func (r *raw) request(id uint8, data []byte) {
	r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: id, Payload: data})
}

func TestDeviceExecutesOnce(t *testing.T) {
	p := &prototest.Peer{Func: newScript().handle}
	statusData := []byte{0xa1, 0x00, 0x01}
	withRawHost(t, link.DeviceConfig{}, p, func(r *raw) {
		r.hello(7)
		for _, id := range []uint8{1, 1, 1, 200, 200, 254, 255, 1, 255, 200, 1, 2} {
			r.request(id, statusData)
			f, found := r.next(100*time.Millisecond, serialproto.KindRsp)
			if found && f.ID != id {
				t.Errorf("response to %d: got id %d", id, f.ID)
			}
		}
	})
	// 1, then 200 is behind by the half-circle rule, 254 and 255 too; 2 is new.
	if got := len(p.Executed()); got != 2 {
		t.Errorf("executed %d requests, want 2", got)
	}
}

func TestDeviceFaults(t *testing.T) {
	statusData := []byte{0xa1, 0x00, 0x01}
	respStatus := func(r *raw, id uint8) serialproto.Status {
		f, found := r.next(time.Second, serialproto.KindRsp)
		for found && f.ID != id { // answers repeated for older ids
			f, found = r.next(time.Second, serialproto.KindRsp)
		}
		if !found {
			r.t.Errorf("response to %d: got %+v, %v", id, f, found)
			return 255
		}
		head, err := serialproto.DecodeResponse(f.Payload, nil)
		if err != nil {
			r.t.Error(err)
		}
		return head.Status
	}
	for _, c := range []struct {
		name string
		host func(r *raw)
		runs int // handler executions
	}{
		{"unknown op", func(r *raw) {
			r.hello(7)
			r.request(1, []byte{0xa1, 0x00, 0x18, 0xc8})
			if got := respStatus(r, 1); got != serialproto.StatusUnknownOp {
				r.t.Errorf("got %v, want %v", got, serialproto.StatusUnknownOp)
			}
		}, 1},
		{"request that is no message", func(r *raw) {
			r.hello(7)
			r.request(1, []byte("rubbish"))
			if got := respStatus(r, 1); got != serialproto.StatusBadArgument {
				r.t.Errorf("got %v, want %v", got, serialproto.StatusBadArgument)
			}
		}, 0},
		{"oversize message", func(r *raw) {
			r.hello(7)
			for i := range uint8(40) {
				r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: 1, Idx: i, Last: 255, Payload: make([]byte, 246)})
			}
			if got := respStatus(r, 1); got != serialproto.StatusTooLarge {
				r.t.Errorf("got %v, want %v", got, serialproto.StatusTooLarge)
			}
			r.request(2, statusData)
			if got := respStatus(r, 2); got != serialproto.StatusOK {
				r.t.Errorf("after it: got %v, want ok", got)
			}
		}, 1},
		{"idx beyond last, same id another last, empty fragments", func(r *raw) {
			r.hello(7)
			r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: 1, Idx: 1, Last: 0, Payload: statusData})
			r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: 1, Idx: 0, Last: 1, Payload: statusData[:2]})
			r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: 1, Idx: 0, Last: 255})
			r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: 1, Idx: 3, Last: 7, Payload: []byte{9}})
			r.say(serialproto.Frame{Kind: serialproto.KindReq, ID: 1, Idx: 1, Last: 1, Payload: statusData[2:]})
			if got := respStatus(r, 1); got != serialproto.StatusOK {
				r.t.Errorf("got %v, want ok", got)
			}
		}, 1},
		{"id 0", func(r *raw) {
			r.hello(7)
			r.request(0, statusData)
			if f, found := r.next(200*time.Millisecond, serialproto.KindRsp); found {
				r.t.Errorf("got %+v, want silence", f)
			}
		}, 0},
		{"unknown kind, and kinds of the other side", func(r *raw) {
			r.hello(7)
			for k := range serialproto.Kind(16) {
				if k != serialproto.KindHello && k != serialproto.KindReq && k != serialproto.KindBye {
					r.say(serialproto.Frame{Kind: k, ID: 1, Payload: statusData})
				}
			}
			r.request(1, statusData)
			if got := respStatus(r, 1); got != serialproto.StatusOK {
				r.t.Errorf("got %v, want ok", got)
			}
		}, 1},
		{"wrong session frames never pass", func(r *raw) {
			r.hello(7)
			for _, s := range []uint32{0, 6, 8, 7 << 8, ^uint32(7)} {
				r.session = s
				r.request(1, statusData)
			}
			r.session = 7
			if f, found := r.next(200*time.Millisecond, serialproto.KindRsp); found {
				r.t.Errorf("got %+v, want silence", f)
			}
		}, 0},
		{"request before any HELLO", func(r *raw) {
			r.session = 0
			r.request(1, statusData)
			if f, found := r.next(200*time.Millisecond, serialproto.KindRsp); found {
				r.t.Errorf("got %+v, want silence", f)
			}
		}, 0},
		{"unknown version", func(r *raw) {
			r.session = 7
			r.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: encode(r.t, serialproto.Hello{
				MinVersion: 2, MaxVersion: 5, Session: 7, MTU: 246, Window: 8, MaxMessage: 8192,
			})})
			f, found := r.next(200*time.Millisecond, serialproto.KindBye)
			if head, err := serialproto.DecodeResponse(f.Payload, nil); !found || err != nil || head.Status != serialproto.StatusBadVersion {
				r.t.Errorf("got %+v, %v, want BYE with bad version", head, err)
			}
		}, 0},
		{"two HELLOs racing", func(r *raw) {
			for _, s := range []uint32{7, 8} {
				r.say(serialproto.Frame{Kind: serialproto.KindHello, Payload: encode(r.t, serialproto.Hello{
					MinVersion: 1, MaxVersion: 1, Session: s, MTU: 246, Window: 8, MaxMessage: 8192,
				})})
			}
			r.session = 7
			r.request(1, statusData)
			r.session = 8
			r.request(1, statusData)
			if got := respStatus(r, 1); got != serialproto.StatusOK {
				r.t.Errorf("got %v, want ok", got)
			}
		}, 1},
		{"HELLO repeated within its session changes nothing", func(r *raw) {
			r.hello(7)
			r.request(1, statusData)
			respStatus(r, 1)
			if w, found := r.hello(7); !found || w.Session != 7 {
				r.t.Errorf("got %+v, %v, want the same WELCOME", w, found)
			}
			r.request(1, statusData)
			respStatus(r, 1)
		}, 1},
		{"silent host: the device announces itself again", func(r *raw) {
			r.hello(7)
			if _, found := r.next(9*time.Second, serialproto.KindAnnounce); found {
				r.t.Errorf("announced itself within the session")
			}
			if _, found := r.next(2*time.Second, serialproto.KindAnnounce); !found {
				r.t.Errorf("did not announce itself after 11 s of silence")
			}
			if _, found := r.hello(7); found {
				r.t.Errorf("a late HELLO of the ended session opened it again")
			}
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &prototest.Peer{Func: newScript().handle}
			withRawHost(t, link.DeviceConfig{}, p, c.host)
			if got := len(p.Executed()); got != c.runs {
				t.Errorf("executions: got %d, want %d", got, c.runs)
			}
			if started, ended := p.Sessions(); started != ended {
				t.Errorf("sessions: got %d started and %d ended, want as many", started, ended)
			}
		})
	}
}

func TestAnnounceRhythm(t *testing.T) {
	withRawHost(t, link.DeviceConfig{}, &prototest.Peer{}, func(r *raw) {
		begin := time.Now()
		if _, found := r.next(time.Second, serialproto.KindAnnounce); !found || time.Since(begin) > 0 {
			t.Errorf("first ANNOUNCE after %v, want at once", time.Since(begin))
		}
		for range 20 {
			begin = time.Now()
			if _, found := r.next(time.Second, serialproto.KindAnnounce); !found || time.Since(begin) > 275*time.Millisecond || time.Since(begin) < 225*time.Millisecond {
				t.Errorf("ANNOUNCE after %v, want 250 ms within a tenth", time.Since(begin))
			}
		}
	})
}

func TestConsoleText(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"boot banner before ANNOUNCE", "U-Boot 2026.01\r\nHit any key to stop autoboot: 3\r\n", "U-Boot 2026.01\nHit any key to stop autoboot: 3\n"},
		{"getty prompt", "\r\nDebian GNU/Linux 12 box ttyS0\r\n\r\nbox login: ", "box login: "},
		{"ANSI escapes", "\x1b[2J\x1b[1;31mred\x1b[0m\x07", `\x1b[2J\x1b[1;31mred\x1b[0m\x07`},
		{"invalid UTF-8", "temperature 20 \xb0C, all is well\n", `temperature 20 \xb0C`},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, newScript())
				defer b.close(t)
				b.near.Inject([]byte(c.text))
				if _, err := b.host.Greet(t.Context()); err != nil {
					t.Fatal(err)
				}
				b.near.Inject([]byte(c.text))
				if err := enrol(t.Context(), b.host); err != nil {
					t.Fatal(err)
				}
				got := b.host.Console()
				if !strings.Contains(got, c.want) || strings.ContainsAny(got, "\x1b\x07\r") {
					t.Errorf("console: got %q, want it to hold %q and no control characters", got, c.want)
				}
			})
		})
	}
}

func TestMegabyteOfTextIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lines := 0
		b := start(t, prototest.Config{}, link.HostConfig{OnConsole: func(l string) {
			lines++
			if len(l) > 6*512 {
				t.Errorf("line of %d bytes", len(l))
			}
		}}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		chunk := []byte(strings.Repeat("kernel panic - not syncing\n", 100))
		for range 400 {
			b.near.Inject(chunk)
		}
		b.near.Inject([]byte{0})
		if err := enrol(t.Context(), b.host); err != nil {
			t.Fatal(err)
		}
		st := b.host.Stats()
		if n := len(b.host.Console()); n > 64<<10 {
			t.Errorf("console keeps %d bytes, want at most 64 KiB", n)
		}
		if st.TextBytes < 1<<20 || st.TextDropped < 900_000 || lines > 3000 {
			t.Errorf("got %d bytes, %d dropped, %d lines, want 1 MB heard and most of it dropped", st.TextBytes, st.TextDropped, lines)
		}
	})
}

func TestLogFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan string, 4)
		b := start(t, prototest.Config{}, link.HostConfig{OnConsole: func(l string) { got <- l }}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		b.dev.Log("entropy \x1b[31mlow")
		if l := <-got; l != `entropy \x1b[31mlow` {
			t.Errorf("got %q, want the line escaped", l)
		}
	})
}

func TestSilentUntilAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := prototest.Pipe(prototest.Config{})
		h := link.NewHost(near, link.HostConfig{})
		defer h.Close()
		near.Inject([]byte("Hit any key to stop autoboot: 3\r\n"))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := h.Greet(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("greet: got %v, want %v", err, context.DeadlineExceeded)
		}
		if err := far.SetReadDeadline(time.Now()); err != nil {
			t.Fatal(err)
		}
		if n, err := far.Read(make([]byte, 8)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("device heard %d bytes, %v, want silence", n, err)
		}
		if h.FirstByte().IsZero() {
			t.Errorf("first byte: got none")
		}
	})
}
