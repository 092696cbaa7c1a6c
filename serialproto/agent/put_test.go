package agent_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"provstation/serialproto"
)

func TestPutResumes(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, nil)
	e := d.enroll(1)
	objects := map[serialproto.Obj][]byte{
		serialproto.ObjLeaf: p.leaf(t, e.CSR), serialproto.ObjAnchor: bytes.Join(p.chain(), nil), serialproto.ObjWGConf: []byte(wgConf),
	}
	commit := serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id(1), Objects: map[serialproto.Obj][]byte{}}
	for o, data := range objects {
		sum := sha256.Sum256(data)
		commit.Objects[o] = sum[:]
		put := func(from, to int) serialproto.PutArgs {
			return serialproto.PutArgs{
				Op: serialproto.OpPut, Obj: o, Offset: uint32(from), Total: uint32(len(data)), SHA256: sum[:], Data: data[from:to], EnrollID: id(1),
			}
		}
		half := len(data) / 2
		d.want(serialproto.StatusBadOffset, put(half, len(data)), nil)
		var r serialproto.PutResult
		d.want(serialproto.StatusOK, put(0, half), &r)
		if int(r.NextOffset) != half {
			t.Errorf("%v: got next offset %d, want %d", o, r.NextOffset, half)
		}
		d.want(serialproto.StatusBadOffset, commit, nil)
		d.reopen()
		if got := d.status().Objects[o]; int(got.Received) != half || int(got.Length) != len(data) {
			t.Errorf("%v after a restart: got %d of %d, want %d", o, got.Received, got.Length, half)
		}
		if h := d.want(serialproto.StatusBadOffset, put(0, half), nil); int(h.NextOffset) != half {
			t.Errorf("%v repeated: got next offset %d, want %d", o, h.NextOffset, half)
		}
		d.want(serialproto.StatusOK, put(half, len(data)), nil)
	}
	wrong := serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id(9), Objects: commit.Objects}
	d.want(serialproto.StatusWrongState, wrong, nil)
	var first, again serialproto.InstallResult
	d.want(serialproto.StatusOK, commit, &first)
	d.want(serialproto.StatusOK, commit, &again)
	for o, data := range objects {
		sum := sha256.Sum256(data)
		if !bytes.Equal(first.Objects[o], sum[:8]) || !bytes.Equal(again.Objects[o], sum[:8]) {
			t.Errorf("%v: got digests %x and %x, want %x", o, first.Objects[o], again.Objects[o], sum[:8])
		}
	}
}

func TestPutIsChecked(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, nil)
	leaf := p.leaf(t, d.enroll(1).CSR)
	sum := sha256.Sum256(leaf)
	good := serialproto.PutArgs{
		Op: serialproto.OpPut, Obj: serialproto.ObjLeaf, Total: uint32(len(leaf)), SHA256: sum[:], Data: leaf, EnrollID: id(1),
	}
	for name, tt := range map[string]struct {
		change func(*serialproto.PutArgs)
		want   serialproto.Status
	}{
		"chain object": {func(a *serialproto.PutArgs) { a.Obj = serialproto.ObjChain }, serialproto.StatusBadArgument},
		"too large":    {func(a *serialproto.PutArgs) { a.Total = serialproto.MaxCert + 1 }, serialproto.StatusTooLarge},
		"other id":     {func(a *serialproto.PutArgs) { a.EnrollID = id(2) }, serialproto.StatusWrongState},
	} {
		a := good
		tt.change(&a)
		t.Run(name, func(t *testing.T) { d.t = t; d.want(tt.want, a, nil) })
	}
	d.t = t
	lie := good
	lie.SHA256 = make([]byte, 32)
	d.want(serialproto.StatusOK, lie, nil)
	chain := bytes.Join(p.chain(), nil)
	csum := sha256.Sum256(chain)
	d.want(serialproto.StatusOK, serialproto.PutArgs{
		Op: serialproto.OpPut, Obj: serialproto.ObjAnchor, Total: uint32(len(chain)), SHA256: csum[:], Data: chain, EnrollID: id(1),
	}, nil)
	commit := serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id(1), Objects: map[serialproto.Obj][]byte{
		serialproto.ObjLeaf: make([]byte, 32), serialproto.ObjAnchor: csum[:],
	}}
	d.want(serialproto.StatusHashMismatch, commit, nil)
	d.want(serialproto.StatusOK, good, nil)
	commit.Objects[serialproto.ObjLeaf] = sum[:]
	d.want(serialproto.StatusOK, commit, nil)
}

// TestStagedInstall stages with INSTALL and commits later; a restart between them changes nothing.
func TestStagedInstall(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, nil)
	leaf := p.leaf(t, d.enroll(1).CSR)
	in := installArgs(1, leaf, p)
	in.Commit = false
	var staged, done serialproto.InstallResult
	bad := in
	bad.Leaf = p.leaf(t, newDevice(t, nil).enroll(1).CSR)
	d.want(serialproto.StatusCertKey, bad, nil)
	d.want(serialproto.StatusOK, in, &staged)
	d.reopen()
	s := d.status()
	if s.State != serialproto.StateKeyed || int(s.Objects[serialproto.ObjLeaf].Received) != len(leaf) {
		t.Fatalf("got %+v, want keyed with a whole staged leaf", s)
	}
	d.want(serialproto.StatusWrongState, lockArgs(1), nil)
	commit := serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id(1), Objects: map[serialproto.Obj][]byte{
		serialproto.ObjLeaf: digestOf(leaf), serialproto.ObjAnchor: digestOf(bytes.Join(p.chain(), nil)), serialproto.ObjWGConf: digestOf([]byte(wgConf)),
	}}
	d.want(serialproto.StatusOK, commit, &done)
	for o, sum := range staged.Objects {
		if !bytes.Equal(done.Objects[o], sum) {
			t.Errorf("%v: got digest %x, want %x as staged", o, done.Objects[o], sum)
		}
	}
	if s := d.status(); s.State != serialproto.StateInstalled {
		t.Errorf("got %v, want installed", s.State)
	}
}
