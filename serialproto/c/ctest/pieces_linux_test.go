package ctest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
)

func sha(b []byte) []byte {
	d := sha256.Sum256(b)
	return d[:]
}

func commitArgs(leaf []byte, ca *issuer, id []byte) serialproto.CommitArgs {
	return serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id, Objects: map[serialproto.Obj][]byte{
		serialproto.ObjLeaf: sha(leaf), serialproto.ObjAnchor: sha(bytes.Join(ca.chain, nil)),
	}}
}

func piece(obj serialproto.Obj, data, id []byte, from, to int) serialproto.PutArgs {
	return serialproto.PutArgs{
		Op: serialproto.OpPut, Obj: obj, Offset: uint32(from), Total: uint32(len(data)), SHA256: sha(data), Data: data[from:min(to, len(data))], EnrollID: id,
	}
}

func (d *device) put(obj serialproto.Obj, data, id []byte, size int) {
	d.t.Helper()
	for at := 0; at < len(data); {
		var r serialproto.PutResult
		d.must(piece(obj, data, id, at, at+size), &r)
		at = int(r.NextOffset)
	}
}

// TestPieces: the smallest conformant device, and a power cut in the middle of an object.
func TestPieces(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--max-msg", "1024", "--mtu", "32")
	if w := d.greet(); w.MTU != 32 || w.MaxMessage != 1024 || w.Window != 1 {
		t.Fatalf("got welcome %+v, want mtu 32, max_msg 1024, window 1", w)
	}
	e := d.enroll(id1)
	ca := newIssuer(t)
	leaf := ca.leaf(t, e.CSR)
	d.put(serialproto.ObjLeaf, leaf, id1, 300)
	d.must(piece(serialproto.ObjAnchor, bytes.Join(ca.chain, nil), id1, 0, 700), nil)
	d.kill()
	d.start()
	d.greet()
	if o := d.status().Objects[serialproto.ObjAnchor]; o.Received != 700 || !bytes.Equal(o.Digest, sha(bytes.Join(ca.chain, nil))[:8]) {
		t.Errorf("after a power cut: got %+v, want 700 bytes received", o)
	}
	err := d.ask(piece(serialproto.ObjAnchor, bytes.Join(ca.chain, nil), id1, 900, 1000), nil)
	var se *serialproto.StatusError
	if !errors.As(err, &se) || se.Status != serialproto.StatusBadOffset || se.NextOffset != 700 {
		t.Errorf("a piece too far on: got %v, want bad offset with 700", err)
	}
	d.refuses("commit of half an object", commitArgs(leaf, ca, id1), serialproto.StatusBadOffset)
	chain := bytes.Join(ca.chain, nil)
	d.must(piece(serialproto.ObjAnchor, chain, id1, 700, len(chain)), nil)
	wrong := commitArgs(leaf, ca, id1)
	wrong.Objects[serialproto.ObjLeaf] = make([]byte, 32)
	d.refuses("commit of another digest", wrong, serialproto.StatusHashMismatch)
	d.refuses("commit after that", commitArgs(leaf, ca, id1), serialproto.StatusWrongState)
	d.put(serialproto.ObjLeaf, leaf, id1, 300)
	d.put(serialproto.ObjWGConf, []byte(conf), id1, 100)
	commit := commitArgs(leaf, ca, id1)
	commit.Objects[serialproto.ObjWGConf] = sha([]byte(conf))
	commit.WGPrivate = bytes.Repeat([]byte{0x42}, 32)
	var first, again serialproto.InstallResult
	d.must(commit, &first)
	d.must(commit, &again) // nothing is staged any more: storage holds the very same
	if len(first.Objects) != 4 || len(again.Objects) != 4 {
		t.Errorf("got %d and then %d digests, want 4 both times", len(first.Objects), len(again.Objects))
	}
	d.refuses("read what does not fit", serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjAnchor}, serialproto.StatusTooLarge)
	d.refuses("pins in pieces", piece(serialproto.ObjPins, []byte("pin"), id1, 0, 3), serialproto.StatusBadArgument)
	d.must(lockArgs(id1), nil)
	if file := string(d.file("wg0.conf")); !bytes.Contains([]byte(file), []byte("PrivateKey = QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=\n")) {
		t.Errorf("wg0.conf does not hold the tenant's key")
	}
}

// TestStagedWhole: INSTALL without commit, then COMMIT.
func TestStagedWhole(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--window", "8")
	d.greet()
	e := d.enroll(id1)
	ca := newIssuer(t)
	leaf := ca.leaf(t, e.CSR)
	args := installArgs(leaf, ca, id1)
	args.Commit, args.WGConf = false, nil
	var r serialproto.InstallResult
	d.must(args, &r)
	if len(r.Objects) != 2 || d.status().State != serialproto.StateKeyed {
		t.Errorf("staged: got %v, state %v, want two digests, keyed", r.Objects, d.status().State)
	}
	d.must(commitArgs(leaf, ca, id1), nil)
	if s := d.status(); s.State != serialproto.StateInstalled || s.Objects[serialproto.ObjWGConf].Length != 0 {
		t.Errorf("committed: got %+v, want installed without a tunnel", s)
	}
	named := installArgs(leaf, ca, id1) // again with the chain only named
	named.Chain = nil
	for _, c := range ca.chain {
		named.Chain = append(named.Chain, sha(c)[:8])
	}
	d.must(named, &r)
	if len(r.Objects) != 4 {
		t.Errorf("with a chain that is named: got %v, want four digests", r.Objects)
	}
}

// TestSecondGeneration: a device that may, builds a new key beside the one in use.
func TestSecondGeneration(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--reenroll", "open", "--own-clock", "--reboot")
	d.greet()
	ca := newIssuer(t)
	e := d.enroll(id1)
	d.must(serialproto.ClockArgs{Op: serialproto.OpClock, Set: 1900000000000000}, nil)
	d.refuses("clock backwards", serialproto.ClockArgs{Op: serialproto.OpClock, Set: 1800000000000000}, serialproto.StatusRefused)
	d.must(installArgs(ca.leaf(t, e.CSR), ca, id1), nil)
	d.must(lockArgs(id1), nil)
	d.refuses("clock once sealed", serialproto.ClockArgs{Op: serialproto.OpClock, Set: 1950000000000000}, serialproto.StatusLocked)
	sealed := d.file("device.pem")
	d.enroll(id2)
	d.refuses("the sealed id while it is replaced", enrollArgs(id1), serialproto.StatusLocked)
	if s := d.status(); s.State != serialproto.StateKeyed || s.Generation != 2 || s.Active != 1 || len(s.ActiveSPKI) != 32 {
		t.Errorf("got status %+v, want generation 2 keyed beside 1", s)
	}
	d.must(serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id2}, nil)
	d.must(serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id2}, nil)
	d.refuses("an id whose key is gone", enrollArgs(id2), serialproto.StatusWrongState)
	if s := d.status(); s.State != serialproto.StateSealed || s.Generation != 1 {
		t.Errorf("after abort: got %+v, want generation 1 sealed", s)
	}
	id3 := []byte("enroll03")
	e = d.enroll(id3)
	if e.Generation != 3 {
		t.Errorf("got generation %d, want 3: a number is used once", e.Generation)
	}
	d.must(installArgs(ca.leaf(t, e.CSR), ca, id3), nil)
	if !bytes.Equal(d.file("device.pem"), sealed) {
		t.Error("files changed before LOCK")
	}
	boot := d.greet().BootID
	d.must(lockArgs(id3), nil)
	if bytes.Equal(d.file("device.pem"), sealed) {
		t.Error("files did not change with LOCK")
	}
	d.must(serialproto.SimpleArgs{Op: serialproto.OpReboot}, nil)
	if w := d.greet(); bytes.Equal(w.BootID, boot) || w.State != serialproto.StateSealed {
		t.Errorf("after reboot: got %+v, want another boot id, sealed", w)
	}
}
