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

// outcome is what one enrolment over a bad line came to.
type outcome struct {
	took  time.Duration
	bytes uint64
	host  link.Stats
	dev   link.Stats
}

// through runs one whole enrolment over line, greeting again after a reset, and checks what must hold whatever the line
// does: it completes, one key is made, and within one session nothing is executed twice.
func through(t *testing.T, line prototest.Config, hc link.HostConfig, dc link.DeviceConfig) outcome {
	t.Helper()
	var o outcome
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		b := start(t, line, hc, dc, s)
		defer b.close(t)
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		if _, err := b.host.WaitAnnounce(ctx); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var err error
		for range 5 {
			if _, err = b.host.Greet(ctx); err == nil {
				err = enrol(ctx, b.host)
			}
			if err == nil || !errors.Is(err, link.ErrReset) && !errors.Is(err, link.ErrNoProgress) {
				break
			}
		}
		if err != nil {
			t.Fatalf("enrolment: got %v after %v, want nil; host %+v", err, time.Since(begin), b.host.Stats())
		}
		o = outcome{took: time.Since(begin), host: b.host.Stats(), dev: b.dev.Stats()}
		o.bytes = o.host.TxBytes + o.dev.TxBytes
		if s.keygens != 1 {
			t.Errorf("key generations: got %d, want 1", s.keygens)
		}
		if started, _ := b.peer.Sessions(); started == 1 {
			want := []serialproto.Op{serialproto.OpEnroll, serialproto.OpInstall, serialproto.OpSignTLS13, serialproto.OpLock}
			if got := b.peer.Executed(); !slices.Equal(got, want) {
				t.Errorf("executed in one session: got %v, want %v", got, want)
			}
		}
	})
	return o
}

func both(f prototest.Faults) prototest.Config {
	up := f
	up.Seed += 1 << 32
	return prototest.Config{Baud: baud, ToHost: prototest.Line{Faults: up}, ToDevice: prototest.Line{Faults: f}}
}

const cleanBytes = 2804 + 592

func TestByteFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults prototest.Faults
		most   time.Duration // the worst of all seeds
		mean   time.Duration
		wire   float64 // mean bytes against a clean line
	}{
		{"drop 1e-4", prototest.Faults{Drop: 1e-4}, 1500 * time.Millisecond, 400 * time.Millisecond, 1.2},
		{"flip 1e-4", prototest.Faults{Flip: 1e-4}, 1500 * time.Millisecond, 400 * time.Millisecond, 1.2},
		{"drop, flip and duplicate 1e-4 each", prototest.Faults{Drop: 1e-4, Flip: 1e-4, Duplicate: 1e-4}, 1500 * time.Millisecond, 450 * time.Millisecond, 1.2},
		{"drop 1e-3", prototest.Faults{Drop: 1e-3}, 4 * time.Second, 700 * time.Millisecond, 1.6},
		{"flip 1e-3", prototest.Faults{Flip: 1e-3}, 4 * time.Second, 700 * time.Millisecond, 1.6},
		{"duplicate 1e-3", prototest.Faults{Duplicate: 1e-3}, 4 * time.Second, 700 * time.Millisecond, 1.6},
		{"insert 0x00 1e-3", prototest.Faults{InsertZero: 1e-3}, 4 * time.Second, 700 * time.Millisecond, 1.6},
		{"insert 0xff 1e-3", prototest.Faults{InsertFF: 1e-3}, 4 * time.Second, 700 * time.Millisecond, 1.6},
		{"swap 16-byte blocks", prototest.Faults{Swap: 1e-3}, 4 * time.Second, 900 * time.Millisecond, 1.8},
		{"burst of 20 bytes", prototest.Faults{Burst: 3e-4, BurstLen: 20}, 4 * time.Second, 900 * time.Millisecond, 1.8},
		{"drop, flip and duplicate 1e-3 each", prototest.Faults{Drop: 1e-3, Flip: 1e-3, Duplicate: 1e-3}, 12 * time.Second, 2500 * time.Millisecond, 3},
		{"kernel line inside frames, every 516 bytes", prototest.Faults{TextEvery: 516}, 4 * time.Second, time.Second, 2},
		{"kernel line inside frames, every 216 bytes", prototest.Faults{TextEvery: 216}, 20 * time.Second, 12 * time.Second, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			const runs = 40
			var sum, worst time.Duration
			var bytes uint64
			for seed := range uint64(runs) {
				f := c.faults
				f.Seed = seed
				o := through(t, both(f), link.HostConfig{}, link.DeviceConfig{})
				sum += o.took
				worst = max(worst, o.took)
				bytes += o.bytes
			}
			mean, ratio := sum/runs, float64(bytes)/runs/cleanBytes
			t.Logf("mean %v, worst %v, %.2f x the bytes of a clean line", mean, worst, ratio)
			if worst > c.most || mean > c.mean {
				t.Errorf("time: got mean %v, worst %v, want at most %v, %v", mean, worst, c.mean, c.most)
			}
			if ratio > c.wire {
				t.Errorf("wire bytes: got %.2f x clean, want at most %.2f", ratio, c.wire)
			}
		})
	}
}

func TestFrameFaults(t *testing.T) {
	const (
		hello, welcome = serialproto.KindHello, serialproto.KindWelcome
		req, rsp, ack  = serialproto.KindReq, serialproto.KindRsp, serialproto.KindAck
	)
	down := func(r prototest.Rewriter) prototest.Config {
		return prototest.Config{Baud: baud, ToDevice: prototest.Line{Rewrite: r}}
	}
	up := func(r prototest.Rewriter) prototest.Config {
		return prototest.Config{Baud: baud, ToHost: prototest.Line{Rewrite: r}}
	}
	for _, c := range []struct {
		name string
		line prototest.Config
	}{
		{"lost HELLO", down(prototest.DropNth(hello, 1))},
		{"lost HELLO twice", down(prototest.DropNth(hello, 1, 2))},
		{"lost WELCOME", up(prototest.DropNth(welcome, 1))},
		{"lost WELCOME twice", up(prototest.DropNth(welcome, 1, 2))},
		{"duplicated HELLO", down(prototest.DuplicateNth(hello))},
		{"duplicated WELCOME", up(prototest.DuplicateNth(welcome))},
		{"lost single-fragment REQ", down(prototest.DropNth(req, 1))},
		{"duplicated single-fragment REQ", down(prototest.DuplicateNth(req, 1))},
		{"duplicated multi-fragment REQ", down(prototest.DuplicateNth(req))},
		{"lost first fragment", down(prototest.DropNth(req, 2))},
		{"lost middle fragment", down(prototest.DropNth(req, 6))},
		{"lost last fragment", down(prototest.DropNth(req, 12))},
		{"lost last fragment twice", down(prototest.DropNth(req, 12, 13))},
		{"lost half of the fragments", down(prototest.DropNth(req, 2, 4, 6, 8, 10, 12))},
		{"lost all fragments of a window", down(prototest.DropNth(req, 2, 3, 4, 5, 6, 7, 8, 9))},
		{"reordered retransmits: one lost again", down(prototest.DropNth(req, 3, 5, 10))},
		{"lost ACKs only", up(prototest.DropNth(ack, 1, 2, 3))},
		{"duplicated ACKs", up(prototest.DuplicateNth(ack))},
		{"lost single-fragment RSP", up(prototest.DropNth(rsp, 3))},
		{"lost first fragment of RSP", up(prototest.DropNth(rsp, 1))},
		{"lost last fragment of RSP", up(prototest.DropNth(rsp, 2))},
		{"lost whole RSP", up(prototest.DropNth(rsp, 1, 2))},
		{"lost whole RSP twice", up(prototest.DropNth(rsp, 1, 2, 3, 4))},
		{"duplicated RSP", up(prototest.DuplicateNth(rsp))},
		{"truncated REQ", down(prototest.TruncateNth(req, 1, 3, 12))},
		{"truncated RSP", up(prototest.TruncateNth(rsp, 1, 3))},
		{"delimiters lost, two frames merged", down(prototest.MergeNth(req, 3, 4))},
		{"delimiter inserted, frame split", down(prototest.SplitNth(req, 1, 3, 12))},
		{"delimiter inserted into RSP", up(prototest.SplitNth(rsp, 1, 3))},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := through(t, c.line, link.HostConfig{}, link.DeviceConfig{})
			t.Logf("%v, %d bytes", o.took, o.bytes)
			if o.took > 2*time.Second {
				t.Errorf("took %v, want at most 2s; host %+v", o.took, o.host)
			}
			if o.host.Echoes != 0 {
				t.Errorf("echoes: got %d, want 0", o.host.Echoes)
			}
		})
	}
}

func TestSmallPeers(t *testing.T) {
	for _, c := range []struct {
		name string
		hc   link.HostConfig
		dc   link.DeviceConfig
		most time.Duration
	}{
		{"mtu 32", link.HostConfig{}, link.DeviceConfig{MTU: 32}, time.Second},
		{"host mtu 48", link.HostConfig{MTU: 48}, link.DeviceConfig{}, time.Second},
		{"win 1", link.HostConfig{}, link.DeviceConfig{Window: 1}, time.Second},
		{"win 2", link.HostConfig{Window: 2}, link.DeviceConfig{}, time.Second},
		{"win 1 and mtu 32", link.HostConfig{}, link.DeviceConfig{MTU: 32, Window: 1}, 3 * time.Second},
		{"smallest max_msg that still holds INSTALL", link.HostConfig{}, link.DeviceConfig{MaxMessage: 2700}, time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := through(t, prototest.Config{Baud: baud}, c.hc, c.dc)
			if o.took > c.most || o.host.Retransmits+o.host.Polls+o.dev.Retransmits != 0 {
				t.Errorf("got %v, host %+v, device %+v, want at most %v and no repair work", o.took, o.host, o.dev, c.most)
			}
			noisy := both(prototest.Faults{Seed: 3, Drop: 5e-4, Flip: 5e-4})
			through(t, noisy, c.hc, c.dc)
		})
	}
}

func TestSlowLines(t *testing.T) {
	for _, c := range []struct {
		name string
		line prototest.Config
		most time.Duration
	}{
		{"1 kB/s", prototest.Config{Baud: 9600}, 4 * time.Second},
		{"16 ms of latency each way", prototest.Config{Baud: baud, ToHost: prototest.Line{Latency: 16 * time.Millisecond}, ToDevice: prototest.Line{Latency: 16 * time.Millisecond}}, 600 * time.Millisecond},
		{"4800 baud", prototest.Config{Baud: 4800}, 8 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := through(t, c.line, link.HostConfig{}, link.DeviceConfig{})
			if o.took > c.most || o.host.Polls > 0 || o.host.Hellos > 1 {
				t.Errorf("got %v with %+v, want at most %v, one HELLO and no poll", o.took, o.host, c.most)
			}
		})
	}
}
