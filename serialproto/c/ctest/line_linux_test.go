package ctest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
)

// through does a whole enrollment over a bad line, greeting again after a reset, as a station does.
func through(t *testing.T, d *device) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	ca := newIssuer(t)
	var csr, leaf []byte
	steps := func() error {
		if _, err := d.host.Greet(ctx); err != nil {
			return err
		}
		var e serialproto.EnrollResult
		if err := d.host.Call(ctx, enrollArgs(id1), &e); err != nil {
			return err
		}
		if csr == nil {
			csr, leaf = e.CSR, ca.leaf(t, e.CSR)
		}
		if !bytes.Equal(csr, e.CSR) || e.Generation != 1 {
			t.Errorf("got another CSR, or generation %d: a second key was made", e.Generation)
		}
		if err := d.host.Call(ctx, installArgs(leaf, ca, id1), nil); err != nil {
			return err
		}
		return d.host.Call(ctx, lockArgs(id1), nil)
	}
	var err error
	for range 6 {
		if err = steps(); err == nil || !errors.Is(err, link.ErrReset) && !errors.Is(err, link.ErrNoProgress) {
			break
		}
	}
	if err != nil {
		t.Fatalf("got %v, want an enrollment; host %+v", err, d.host.Stats())
	}
	if s := d.host.Stats(); s.TxBytes > 40000 {
		t.Errorf("got %d bytes sent for an enrollment, want fewer", s.TxBytes)
	}
}

// TestBadLines: whatever the line does, an enrollment comes through with one key.
func TestBadLines(t *testing.T) {
	t.Parallel()
	all := func(p float64) prototest.Faults { return prototest.Faults{Seed: 7, Drop: p, Flip: p, Duplicate: p} }
	both := func(f prototest.Faults, latency time.Duration) prototest.Config {
		back := f
		back.Seed++
		return prototest.Config{Baud: 115200, ToDevice: prototest.Line{Faults: f, Latency: latency}, ToHost: prototest.Line{Faults: back, Latency: latency}}
	}
	kernel := prototest.Config{Baud: 115200, ToHost: prototest.Line{Faults: prototest.Faults{TextEvery: 516}}}
	for _, c := range []struct {
		name string
		line prototest.Config
	}{
		{"clean", both(prototest.Faults{}, 0)},
		{"adapter latency of 16 ms", both(prototest.Faults{}, 16*time.Millisecond)},
		{"faults of 3e-4", both(all(3e-4), 0)},
		{"faults of 1e-3", both(all(1e-3), 0)},
		{"kernel lines", kernel},
		{"zeros and bursts", both(prototest.Faults{Seed: 3, InsertZero: 3e-4, InsertFF: 3e-4, Burst: 1e-4}, 0)},
	} {
		for _, args := range [][]string{{"--window", "1"}, {"--window", "4", "--mtu", "64"}, {"--window", "8"}} {
			t.Run(fmt.Sprintf("%s, %v", c.name, args), func(t *testing.T) {
				through(t, plug(t, c.line, append(args, "--baud", "115200", "--work-ms", "300")...))
			})
		}
	}
}

// TestBusy: while a key takes its time the host hears BUSY; CANCEL and a new session end it.
func TestBusy(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--work-ms", "2000")
	d.greet()
	d.enroll(id1)
	if s := d.host.Stats(); s.RxKinds[serialproto.KindBusy] < 5 || s.Polls > 2 {
		t.Errorf("got %d BUSY and %d polls in two seconds, want several and no poll", s.RxKinds[serialproto.KindBusy], s.Polls)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := d.host.Call(ctx, enrollArgs(id2), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want an exceeded deadline", err)
	}
	if s := d.status(); s.Generation != 0 || s.State != serialproto.StateEmpty {
		t.Errorf("after cancel: got %+v, want empty: the first was given up for the second", s)
	}
	if e := d.enroll(id2); e.Existing || e.Generation != 2 {
		t.Errorf("got %+v, want a new key of generation 2", e)
	}
}

// TestKilledBetweenKeyAndAnswer: a power cut when the key is durable and its answer is not said yet. The same key is there.
func TestKilledBetweenKeyAndAnswer(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--hold-ms", "60000")
	d.greet()
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() { answered <- d.host.Call(ctx, enrollArgs(id1), nil) }()
	waitFor(t, "a record", func() bool { return len(glob(t, d.state, "record")) == 1 })
	d.kill()
	cancel()
	if err := <-answered; err == nil {
		t.Error("it was answered before the power was cut")
	}
	csr, key := d.file("blob-00"), d.file("key-0")
	d.args = d.args[:len(d.args)-2]
	d.start()
	d.greet()
	if e := d.enroll(id1); !e.Existing || !bytes.Equal(e.CSR, csr) || !bytes.Equal(d.file("key-0"), key) {
		t.Errorf("got existing=%v, want the CSR and key of before the power cut", e.Existing)
	}
}

// TestReplacedKeyIsGone: the power is cut after LOCK made a second generation the one in use, and before the first one's key
// was dropped.
func TestReplacedKeyIsGone(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--reenroll", "open")
	d.greet()
	ca := newIssuer(t)
	for _, id := range [][]byte{id1, id2} {
		d.must(installArgs(ca.leaf(t, d.enroll(id).CSR), ca, id), nil)
		if bytes.Equal(id, id1) {
			d.must(lockArgs(id), nil)
		}
	}
	first := d.file("device-key.pem")
	d.kill()
	d.args = append(d.args, "--hold-ms", "60000")
	d.start()
	d.greet()
	before := d.file("record")
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error, 1)
	go func() { answered <- d.host.Call(ctx, lockArgs(id2), nil) }()
	waitFor(t, "another record", func() bool { return !bytes.Equal(d.file("record"), before) })
	d.kill()
	cancel()
	if err := <-answered; err == nil {
		t.Error("it was answered before the power was cut")
	}
	if len(glob(t, d.state, "key-*")) != 2 {
		t.Fatal("the power was cut too late")
	}
	d.args = d.args[:len(d.args)-2]
	d.start()
	if keys := glob(t, d.state, "key-*"); len(keys) != 1 || bytes.Equal(d.file("device-key.pem"), first) {
		t.Errorf("got keys %v, want that of the second generation alone, in use", keys)
	}
	if w := d.greet(); w.State != serialproto.StateSealed {
		t.Errorf("got state %v, want sealed", w.State)
	}
	d.must(lockArgs(id2), nil)
}
