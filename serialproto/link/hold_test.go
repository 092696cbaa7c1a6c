package link_test

import (
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

		done := len(b.peer.Executed())
		const wait = 40 * time.Millisecond
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
		if len(before) != done {
			t.Errorf("got %v executed while it was held, want %d operations", before, done)
		}
		if took := time.Since(begin); took > alone+wait/4 {
			t.Errorf("got %v for a request held for %v while it was sent, want about the %v of one that is not", took, wait, alone)
		}

		lost := errors.New("disk full")
		b.host.Hold(func() error { return lost })
		done = len(b.peer.Executed())
		if err := install(); !errors.Is(err, lost) {
			t.Errorf("got %v, want %v", err, lost)
		}
		b.host.Hold(nil)
		if err := b.host.Call(t.Context(), serialproto.SimpleArgs{Op: serialproto.OpStatus}, nil); err != nil {
			t.Errorf("the call after it: got %v, want nil", err)
		}
		if got := b.peer.Executed()[done:]; !slices.Equal(got, []serialproto.Op{serialproto.OpStatus}) {
			t.Errorf("got %v executed after it was given up, want STATUS alone", got)
		}
	})
}
