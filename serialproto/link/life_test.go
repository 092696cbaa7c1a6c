package link_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

var errGone = errors.New("port is gone")

// TestResets: a device that restarts at any point of an enrolment is noticed at once, and the enrolment carries on with
// the same key.
func TestResets(t *testing.T) {
	for _, at := range []time.Duration{1, 20, 60, 110, 160, 230, 260, 300, 350, 420, 470} {
		at *= time.Millisecond
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				s.work = 50 * time.Millisecond
				b := start(t, prototest.Config{Baud: baud}, link.HostConfig{}, link.DeviceConfig{}, s)
				defer b.close(t)
				if _, err := b.host.Greet(t.Context()); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				timer := time.AfterFunc(at, func() { b.reset(link.DeviceConfig{Baud: baud}, 'C') })
				defer timer.Stop()
				resets := 0
				err := enrol(t.Context(), b.host)
				for errors.Is(err, link.ErrReset) && resets < 3 {
					resets++
					if _, err = b.host.Greet(t.Context()); err == nil {
						err = enrol(t.Context(), b.host)
					}
				}
				if err != nil || s.keygens != 1 {
					t.Errorf("got %v, %d keys, want nil and one key", err, s.keygens)
				}
				if d := time.Since(begin); d > 1800*time.Millisecond {
					t.Errorf("took %v, want under 1.8s: a reset is seen without a timeout", d)
				}
			})
		})
	}
}

func TestAnnounceStormAndBrownOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		s.work = 200 * time.Millisecond
		b := start(t, prototest.Config{Baud: baud}, link.HostConfig{}, link.DeviceConfig{}, s)
		defer b.close(t)
		for i := range byte(5) {
			if _, err := b.host.Greet(t.Context()); err != nil {
				t.Fatal(err)
			}
			go func() {
				<-time.After(30 * time.Millisecond)
				b.reset(link.DeviceConfig{Baud: baud}, i)
			}()
			err := b.host.Call(t.Context(), statusReq, nil)
			var re *link.ResetError
			if !errors.As(err, &re) {
				t.Fatalf("call: got %v, want a ResetError", err)
			}
		}
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := enrol(t.Context(), b.host); err != nil {
			t.Errorf("after the storm: got %v, want nil", err)
		}
	})
}

func TestUnplug(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(b *bench)
		err  error
		want error
	}{
		{"in read", func(b *bench) { b.near.Unplug(errGone) }, errGone, errGone},
		{"end of file", func(b *bench) { b.near.Unplug(nil) }, nil, io.EOF},
		{"peer closes", func(b *bench) { b.far.Close() }, nil, io.EOF},
		{"host closes", func(b *bench) { go b.host.Close() }, nil, link.ErrClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScript()
				s.work = time.Second
				b := start(t, prototest.Config{Baud: baud}, link.HostConfig{}, link.DeviceConfig{}, s)
				defer b.close(t)
				if _, err := b.host.Greet(t.Context()); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				timer := time.AfterFunc(100*time.Millisecond, func() { c.do(b) })
				defer timer.Stop()
				err := b.host.Call(t.Context(), statusReq, nil)
				if !errors.Is(err, c.want) {
					t.Errorf("call: got %v, want %v", err, c.want)
				}
				if d := time.Since(begin); d > 110*time.Millisecond {
					t.Errorf("noticed after %v, want at once", d)
				}
				if _, err := b.host.Greet(t.Context()); err == nil {
					t.Errorf("greet on a dead port: got nil, want an error")
				}
			})
		})
	}
}

func TestUnplugInWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{Buffer: 64}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		resume := b.near.Stall()
		defer resume()
		timer := time.AfterFunc(300*time.Millisecond, func() { b.near.Unplug(errGone) })
		defer timer.Stop()
		if err := enrol(t.Context(), b.host); !errors.Is(err, errGone) {
			t.Errorf("got %v, want %v", err, errGone)
		}
	})
}

func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{Baud: baud}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		resume := b.near.Stall()
		timer := time.AfterFunc(5*time.Second, resume)
		defer timer.Stop()
		begin := time.Now()
		if err := enrol(t.Context(), b.host); err != nil {
			t.Errorf("got %v, want a line that stood still for 5 s to be survived", err)
		}
		if d := time.Since(begin); d > 10*time.Second {
			t.Errorf("took %v, want at most 10s", d)
		}
	})
}

func TestReaderStoppedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{Buffer: 64}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.near.Stall()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begin := time.Now()
		if err := enrol(ctx, b.host); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		if d := time.Since(begin); d > 4500*time.Millisecond {
			t.Errorf("took %v, want the deadline of 3 s and one write more", d)
		}
	})
}

// TestCancelAtEveryStep: whenever the caller gives up, the call returns at once and the next one works.
func TestCancelAtEveryStep(t *testing.T) {
	for at := time.Duration(0); at < 700*time.Millisecond; at += 23 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			s := newScript()
			s.work = 60 * time.Millisecond
			b := start(t, prototest.Config{Baud: baud}, link.HostConfig{}, link.DeviceConfig{}, s)
			defer b.close(t)
			if _, err := b.host.Greet(t.Context()); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), at)
			defer cancel()
			begin := time.Now()
			err := enrol(ctx, b.host)
			if took := time.Since(begin); err != nil && (!errors.Is(err, context.DeadlineExceeded) || took > at+time.Millisecond) {
				t.Errorf("cancel after %v: got %v after %v, want %v at once", at, err, took, context.DeadlineExceeded)
			}
			if err := enrol(t.Context(), b.host); err != nil {
				t.Errorf("cancel after %v, then again: got %v, want nil", at, err)
			}
			if s.keygens != 1 {
				t.Errorf("keys: got %d, want 1", s.keygens)
			}
		})
	}
}

func TestCancelReachesHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped := make(chan struct{})
		h, err := prototest.Dial(t.Context(), func(ctx context.Context, op serialproto.Op, _ []byte) []byte {
			if op == serialproto.OpReboot {
				<-ctx.Done()
				close(stopped)
			}
			return ok(nil)
		})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Call(ctx, serialproto.SimpleArgs{Op: serialproto.OpReboot}, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
		}
		<-stopped
		if err := h.Call(t.Context(), statusReq, nil); err != nil {
			t.Errorf("next call: got %v, want nil", err)
		}
	})
}

func TestKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute) // virtual: the bridge takes its time
		if err := b.host.Call(t.Context(), statusReq, nil); err != nil {
			t.Errorf("call after five quiet minutes: got %v, want nil", err)
		}
	})
}

func TestIDsWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i := range 600 {
			if err := b.host.Call(t.Context(), statusReq, nil); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
		if got := len(b.peer.Executed()); got != 600 {
			t.Errorf("executed %d, want 600", got)
		}
	})
}

func TestHandlerFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fn   prototest.HandlerFunc
		want serialproto.Status
	}{
		"panics":           {func(context.Context, serialproto.Op, []byte) []byte { panic("boom") }, serialproto.StatusInternal},
		"answers nothing":  {func(context.Context, serialproto.Op, []byte) []byte { return nil }, serialproto.StatusInternal},
		"answers too much": {func(context.Context, serialproto.Op, []byte) []byte { return make([]byte, 40000) }, serialproto.StatusTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, err := prototest.Dial(t.Context(), c.fn)
				if err != nil {
					t.Fatal(err)
				}
				defer h.Close()
				err = h.Call(t.Context(), statusReq, nil)
				if !errors.Is(err, &serialproto.StatusError{Op: serialproto.OpStatus, Status: c.want}) {
					t.Errorf("got %v, want status %v", err, c.want)
				}
			})
		})
	}
}

func TestRequestTooLargeStaysHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{MaxMessage: 1024}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := b.host.Call(t.Context(), serialproto.InstallArgs{Op: serialproto.OpInstall, Leaf: der(2000, 1), EnrollID: enrollment}, nil)
		if !errors.Is(err, serialproto.ErrTooLarge) {
			t.Errorf("got %v, want %v", err, serialproto.ErrTooLarge)
		}
		if err := b.host.Call(t.Context(), statusReq, nil); err != nil {
			t.Errorf("next call: got %v, want nil", err)
		}
	})
}

func TestAgentStopsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{}, link.HostConfig{}, link.DeviceConfig{}, newScript())
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.stop()
		if err := <-b.served; !errors.Is(err, context.Canceled) {
			t.Errorf("serve: got %v, want %v", err, context.Canceled)
		}
		if err := b.host.Call(t.Context(), statusReq, nil); !errors.Is(err, link.ErrReset) {
			t.Errorf("call: got %v, want %v", err, link.ErrReset)
		}
		if err := b.host.Close(); err != nil {
			t.Error(err)
		}
		if _, err := b.near.Write([]byte{1}); !errors.Is(err, os.ErrClosed) {
			t.Errorf("write after close: got %v, want %v", err, os.ErrClosed)
		}
	})
}
