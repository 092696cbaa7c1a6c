package link_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

const baud = 115200

func TestCleanEnrolment(t *testing.T) {
	for _, c := range []struct {
		name    string
		baud    int
		latency time.Duration
		within  time.Duration
		wire    float64 // of the payload bytes
	}{
		{"115200", 115200, 0, 310 * time.Millisecond, 1.2},
		{"921600", 921600, 0, 45 * time.Millisecond, 1.2},
		{"9600", 9600, 0, 3600 * time.Millisecond, 1.2},
		{"115200 with 16 ms each way", 115200, 16 * time.Millisecond, 560 * time.Millisecond, 1.2},
		{"instant", 0, 0, 5 * time.Millisecond, 1.2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := prototest.Config{Baud: c.baud}
				line.ToHost.Latency, line.ToDevice.Latency = c.latency, c.latency
				b := start(t, line, link.HostConfig{Latency: 2*c.latency + 1}, link.DeviceConfig{}, newScript())
				defer b.close(t)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				if _, err := b.host.WaitAnnounce(ctx); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				if _, err := b.host.Greet(ctx); err != nil {
					t.Fatal(err)
				}
				if err := enrol(ctx, b.host); err != nil {
					t.Fatal(err)
				}
				took := time.Since(begin)
				st := b.host.Stats()
				t.Logf("%v, %d+%d bytes, %+v / %+v", took, st.TxBytes, st.RxBytes, st, b.dev.Stats())
				if took > c.within {
					t.Errorf("took %v, want at most %v", took, c.within)
				}
				if got := float64(st.TxBytes+st.RxBytes) / payload; got > c.wire {
					t.Errorf("wire bytes: got %.3f of the payload, want at most %.2f", got, c.wire)
				}
				if st.Retransmits+st.Polls+st.Ignored+st.Broken != 0 {
					t.Errorf("clean line: got %+v, want no repair work", st)
				}
				if got := b.peer.Executed(); len(got) != 4 {
					t.Errorf("executed %v, want 4 operations", got)
				}
			})
		})
	}
}

func TestSessionEndsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.host.Bye(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.host.WaitAnnounce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if started, ended := b.peer.Sessions(); started != 1 || ended != 1 {
			t.Errorf("sessions: got %d started, %d ended, want 1, 1", started, ended)
		}
		if err := b.host.Call(t.Context(), serialproto.SimpleArgs{Op: serialproto.OpStatus}, nil); err == nil {
			t.Errorf("call after bye: got nil, want an error")
		}
	})
}

// Who listens on hears each announcement once: waiting costs nothing while nothing new is said.
func TestNextAnnounceIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := prototest.Pipe(prototest.Config{})
		defer near.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		peer := &prototest.Peer{Serial: "SN-1", BootID: []byte("bootboot")}
		served := make(chan error, 1)
		go func() { served <- link.NewDevice(far, link.DeviceConfig{}, peer).Serve(ctx) }()
		h := link.NewHost(near, link.HostConfig{})
		defer h.Close()
		started := time.Now()
		for range 3 {
			if a, err := h.NextAnnounce(ctx); err != nil || a.Serial != "SN-1" {
				t.Fatalf("got %+v, %v, want the device's announcement", a, err)
			}
		}
		if took := time.Since(started); took < 400*time.Millisecond {
			t.Errorf("three announcements within %v, want two pauses between them", took)
		}
		cancel()
		far.Close()
		if err := <-served; err == nil {
			t.Error("got no error from Serve after its context ended")
		}
	})
}
