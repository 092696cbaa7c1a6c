package link_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// A request that is held takes no effect before what it waits for, though it is sent meanwhile; one that is given up takes none, and
// the next one does.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, prototest.Config{Baud: baud}, link.HostConfig{Latency: 1, Baud: baud}, link.DeviceConfig{}, newScript())
		defer b.close(t)
		if _, err := b.host.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
		long := serialproto.InstallArgs{Op: serialproto.OpInstall, Leaf: der(700, 1), EnrollID: enrollment, Chain: [][]byte{der(500, 1), der(500, 2)}}
		install := func() error { return b.host.Call(t.Context(), long, nil) }
		begin := time.Now()
		if err := install(); err != nil {
			t.Fatal(err)
		}
		alone := time.Since(begin)

		repaired := func() uint64 { return b.host.Stats().Retransmits + b.host.Stats().Polls }
		for wait, within := range map[time.Duration]time.Duration{40 * time.Millisecond: alone + 10*time.Millisecond, time.Second: alone + time.Second} {
			done, repairs := len(b.peer.Executed()), repaired()
			var before []serialproto.Op
			b.host.Hold(func() error {
				<-time.After(wait)
				before = b.peer.Executed()
				return nil
			})
			begin = time.Now()
			if err := install(); err != nil {
				t.Fatal(err)
			}
			if len(before) != done || len(b.peer.Executed()) != done+1 {
				t.Errorf("got %v executed while it was held and %v in all, want %d operations and one more", before, b.peer.Executed(), done)
			}
			if took := time.Since(begin); took > within {
				t.Errorf("got %v for a request held for %v while it was sent, want at most %v", took, wait, within)
			}
			if n := repaired() - repairs; n != 0 {
				t.Errorf("held for %v: got %d repairs on a clean line, want none", wait, n)
			}
		}

		ctx, abort := context.WithCancel(t.Context())
		b.host.Hold(func() error { abort(); return nil })
		done := len(b.peer.Executed())
		if err := b.host.Call(ctx, long, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("aborted while it was held: got %v, want %v", err, context.Canceled)
		}
		lost := errors.New("disk full")
		b.host.Hold(func() error { return lost })
		if err := install(); !errors.Is(err, lost) {
			t.Errorf("got %v, want %v", err, lost)
		}
		b.host.Hold(nil)
		if err := b.host.Call(t.Context(), serialproto.SimpleArgs{Op: serialproto.OpStatus}, nil); err != nil {
			t.Errorf("the call after it: got %v, want nil", err)
		}
		if got := b.peer.Executed()[done:]; !slices.Equal(got, []serialproto.Op{serialproto.OpStatus}) {
			t.Errorf("got %v executed after they were given up, want STATUS alone", got)
		}
	})
}
