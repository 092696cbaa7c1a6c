package ctest

import (
	"bytes"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
)

func keepArgs(id []byte) serialproto.EnrollArgs {
	args := enrollArgs(id)
	args.WireGuard, args.KeepTunnel = false, true
	return args
}

// TestKeepTunnelRefused: a device without feature 9 does not make a key that would lose the tunnel, wherever it is asked for one.
func TestKeepTunnelRefused(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--reenroll", "open")
	if w := d.greet(); w.Features&serialproto.FeatureKeepWG != 0 {
		t.Errorf("got features %#x, want no 9", w.Features)
	}
	d.refuses("keeping on an empty device", keepArgs(id1), serialproto.StatusRefused)
	if s := d.status(); s.State != serialproto.StateEmpty || len(glob(t, d.state, "key-*")) != 0 {
		t.Errorf("after that: got %v and keys %v, want an empty device", s.State, glob(t, d.state, "key-*"))
	}
	e := d.enroll(id1)
	d.refuses("keeping under an id that has a key", keepArgs(id1), serialproto.StatusRefused)
	ca := newIssuer(t)
	d.must(installArgs(ca.leaf(t, e.CSR), ca, id1), nil)
	d.must(lockArgs(id1), nil)
	d.refuses("keeping beside what is sealed", keepArgs(id2), serialproto.StatusRefused)
	if s := d.status(); s.State != serialproto.StateSealed || s.Generation != 1 {
		t.Errorf("after that: got %v, generation %d, want sealed, 1", s.State, s.Generation)
	}
	if again := d.enroll(id1); !bytes.Equal(again.CSR, e.CSR) {
		t.Error("the key of before: got another CSR")
	}
}

// TestNoTunnelRefused: nor does a device without feature 3 make one without the WireGuard key that was asked for.
func TestNoTunnelRefused(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--no-tunnel")
	d.greet()
	d.refuses("a tunnel", enrollArgs(id1), serialproto.StatusRefused)
	d.refuses("keeping one", keepArgs(id1), serialproto.StatusRefused)
	args := enrollArgs(id1)
	args.WireGuard = false
	d.must(args, nil)
	d.refuses("a tunnel under an id that has a key", enrollArgs(id1), serialproto.StatusRefused)
	d.refuses("keeping one under an id that has a key", keepArgs(id1), serialproto.StatusRefused)
	d.must(args, nil)
}
