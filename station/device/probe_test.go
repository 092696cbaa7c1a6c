package device

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// muted is a device whose announcements do not arrive.
func muted(t *testing.T, cfg Config) (*line, *prototest.Peer) {
	t.Helper()
	near, far := prototest.Pipe(prototest.Config{ToHost: prototest.Line{
		Rewrite: func(f serialproto.Frame, _ int, raw []byte) []byte {
			if f.Kind == serialproto.KindAnnounce {
				return nil
			}
			return raw
		},
	}})
	p := &prototest.Peer{Serial: "SN-MUTE", Model: "mcu"}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = link.NewDevice(far, link.DeviceConfig{}, p).Serve(ctx) }()
	l := open(t, near, cfg)
	t.Cleanup(func() { cancel(); <-done })
	return l, p
}

// A device that never announces itself is found where the profile lets the station speak first, and there alone.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := muted(t, Config{Probe: true})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // as long as a bench waits at a time
		defer cancel()
		a, err := l.Wait(ctx)
		if err != nil || a.HardwareSerial != "SN-MUTE" || a.Model != "mcu" || len(a.BootID) != 16 {
			t.Fatalf("got %+v, %v; want SN-MUTE", a, err)
		}
		if g, err := l.Greet(ctx); err != nil || g.HardwareSerial != a.HardwareSerial || g.BootID != a.BootID {
			t.Errorf("greeting it after: got %+v, %v", g, err)
		}
		_ = l.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		l, p := muted(t, Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if a, err := l.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %+v, %v; want silence", a, err)
		}
		tx, _ := l.Traffic()
		if started, _ := p.Sessions(); tx != 0 || started != 0 {
			t.Errorf("%d bytes were sent, %d sessions begun; want none", tx, started)
		}
		_ = l.Close()
	})
}

// One that is heard is not spoken to before its time.
func TestProbeWaitsForWhoSpeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := prototest.Pipe(prototest.Config{})
		p := &prototest.Peer{}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); _ = link.NewDevice(far, link.DeviceConfig{}, p).Serve(ctx) }()
		l := open(t, near, Config{Probe: true})
		for range 3 {
			if _, err := l.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if tx, _ := l.Traffic(); tx != 0 {
			t.Errorf("%d bytes were sent to a device that announces itself", tx)
		}
		_ = l.Close()
		cancel()
		<-done
	})
}

// A boot loader's countdown is not spoken into, however slowly it counts, and neither is a boot that talks.
func TestProbeKeepsOutOfABoot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		sent := make(chan int, 1)
		go func() {
			b := make([]byte, 4096)
			n, _ := far.Read(b)
			sent <- n
		}()
		l := open(t, near, Config{Probe: true})
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			for ctx.Err() == nil {
				wctx, done := context.WithTimeout(ctx, 3*time.Second)
				_, _ = l.Wait(wctx)
				done()
			}
		}()
		say := func(text string, after time.Duration) {
			_, _ = far.Write([]byte(text))
			<-time.After(after)
		}
		say("U-Boot 2023.04\r\nHit any key to stop autoboot:  3 ", 4*time.Second)
		say("\b\b 2 ", 4*time.Second)
		say(" 0 \r\nStarting kernel ...\r\n", time.Second)
		for range 20 {
			say("[    0.1] a driver\r\n", time.Second)
		}
		select {
		case n := <-sent:
			t.Fatalf("%d bytes were sent into the boot", n)
		default:
		}
		<-time.After(probeAfter + probeFor)
		select {
		case <-sent:
		default:
			t.Error("nothing was sent into the silence after it")
		}
	})
}
