package link_test

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

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
