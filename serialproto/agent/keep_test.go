package agent_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
)

func keepArgs(n byte) serialproto.EnrollArgs {
	a := enrollArgs(n)
	a.WireGuard, a.KeepTunnel = false, true
	return a
}

// keptInstall brings no wg0.conf.
func keptInstall(n byte, leaf []byte, p pki) serialproto.InstallArgs {
	a := installArgs(n, leaf, p)
	a.WGConf = nil
	return a
}

// TestRekeyKeepsTheTunnel: the new key has the tunnel of the one before, which no bridge was asked about.
func TestRekeyKeepsTheTunnel(t *testing.T) {
	p, key := newPKI(t), edKey(1)
	d, _ := lockable(t)
	first := d.pinned(1, p, key)
	tunnel, was := file(t, d, "wg0.conf"), d.status()
	d.unlocked(key, serialproto.PurposeRekey)
	var e, again serialproto.EnrollResult
	d.want(serialproto.StatusOK, keepArgs(2), &e)
	if !bytes.Equal(e.WireGuard, first.WireGuard) || bytes.Equal(e.CSR, first.CSR) {
		t.Errorf("got WireGuard key %x, want that of the generation before, %x, and a new device key", e.WireGuard, first.WireGuard)
	}
	d.reopen()
	for _, other := range []serialproto.EnrollArgs{enrollArgs(2), {Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "box-7", EnrollID: id(2)}} {
		d.want(serialproto.StatusBadArgument, other, nil) // the id stands for one that keeps it
	}
	d.want(serialproto.StatusOK, keepArgs(2), &again)
	if !again.Existing || !bytes.Equal(again.CSR, e.CSR) || !bytes.Equal(again.WireGuard, e.WireGuard) {
		t.Errorf("got %+v after a reset, want the same key", again)
	}
	in := keptInstall(2, p.leaf(t, e.CSR), p)
	staged := in
	staged.Commit = false
	d.want(serialproto.StatusOK, staged, nil)
	var r, repeated serialproto.InstallResult
	d.want(serialproto.StatusOK, in, &r)
	if got, want := r.Objects[serialproto.ObjWGConf], was.Objects[serialproto.ObjWGConf].Digest; !bytes.Equal(got, want) || len(got) != 8 {
		t.Errorf("wg0.conf reads back as %x, want %x", got, want)
	}
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	d.want(serialproto.StatusOK, in, &repeated) // the answer was lost
	if !bytes.Equal(repeated.Objects[serialproto.ObjWGConf], r.Objects[serialproto.ObjWGConf]) {
		t.Errorf("repeated after the seal: %x", repeated.Objects)
	}
	d.reopen()
	s := d.status()
	if s.Active != 2 || !bytes.Equal(s.WireGuard, first.WireGuard) || !bytes.Equal(file(t, d, "wg0.conf"), tunnel) || s.Objects[serialproto.ObjPins].Length == 0 {
		t.Errorf("got %+v, want generation 2 with tunnel and pins of generation 1", s)
	}
	d.unlocked(key, serialproto.PurposeRekey) // and once more
	d.want(serialproto.StatusOK, keepArgs(3), &e)
	d.want(serialproto.StatusOK, keptInstall(3, p.leaf(t, e.CSR), p), nil)
	d.want(serialproto.StatusOK, lockArgs(3), nil)
	if !bytes.Equal(file(t, d, "wg0.conf"), tunnel) || !bytes.Equal(e.WireGuard, first.WireGuard) {
		t.Error("the tunnel went with the second rekey")
	}
}

// TestKeptTunnelOfTheBridge: the private key of a tunnel that the tenant made lies in wg0.conf alone, and stays in it.
func TestKeptTunnelOfTheBridge(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Reenroll = serialproto.ReenrollOpen })
	args := enrollArgs(1)
	args.WireGuard = false
	var e serialproto.EnrollResult
	d.want(serialproto.StatusOK, args, &e)
	in := installArgs(1, p.leaf(t, e.CSR), p)
	in.WGPrivate = bytes.Repeat([]byte{7}, 32)
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	tunnel := file(t, d, "wg0.conf")
	d.want(serialproto.StatusOK, keepArgs(2), &e)
	d.want(serialproto.StatusOK, keptInstall(2, p.leaf(t, e.CSR), p), nil)
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	if len(e.WireGuard) != 0 || !bytes.Equal(file(t, d, "wg0.conf"), tunnel) {
		t.Errorf("got key %x and another wg0.conf than before: %v", e.WireGuard, !bytes.Equal(file(t, d, "wg0.conf"), tunnel))
	}
}

// TestAnotherTunnelForTheKeptKey: a wg0.conf that is brought is for the kept key.
func TestAnotherTunnelForTheKeptKey(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Reenroll = serialproto.ReenrollOpen })
	d.sealed(1, p)
	before := file(t, d, "wg0.conf")
	var e serialproto.EnrollResult
	d.want(serialproto.StatusOK, keepArgs(2), &e)
	in := installArgs(2, p.leaf(t, e.CSR), p)
	in.WGConf = []byte("[Interface]\nAddress = 10.8.0.9/32\n")
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	if want := bytes.Replace(before, []byte("10.8.0.7"), []byte("10.8.0.9"), 1); !bytes.Equal(file(t, d, "wg0.conf"), want) {
		t.Error("the kept key is not in the wg0.conf that came")
	}
}

// TestNoTunnelToKeep: what cannot be kept is refused before a key is made or an unlock is spent.
func TestNoTunnelToKeep(t *testing.T) {
	p, key := newPKI(t), edKey(1)
	both, err := serialproto.Encode(enrollArgs(2))
	if err != nil {
		t.Fatal(err)
	}
	both[0]++ // one more in the map: a station's encoder would not do it
	both = append(both, 6, 0xf5)
	keep, err := serialproto.Encode(keepArgs(2))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		prepare func(d *device)
		request []byte
		want    serialproto.Status
	}{
		"empty":     {func(*device) {}, keep, serialproto.StatusWrongState},
		"keyed":     {func(d *device) { d.enroll(1) }, keep, serialproto.StatusWrongState},
		"installed": {func(d *device) { d.installed(1, p) }, keep, serialproto.StatusWrongState},
		"without a tunnel": {func(d *device) {
			e := d.enroll(1)
			in := keptInstall(1, p.leaf(t, e.CSR), p)
			in.Pins = [][]byte{pin(t, key)}
			d.want(serialproto.StatusOK, in, nil)
			d.want(serialproto.StatusOK, lockArgs(1), nil)
			d.unlocked(key, serialproto.PurposeRekey)
		}, keep, serialproto.StatusWrongState},
		"enrolled by the script": {func(d *device) {
			for _, n := range []string{"device-key.pem", "device.pem", "ca-chain.pem", "wg0.conf", ".enrolled"} {
				if err := os.WriteFile(filepath.Join(d.dir, n), []byte("x"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d.cfg.Reenroll = serialproto.ReenrollOpen
			d.reopen()
		}, keep, serialproto.StatusWrongState},
		"and a new one":     {func(d *device) { d.pinned(1, p, key); d.unlocked(key, serialproto.PurposeRekey) }, both, serialproto.StatusBadArgument},
		"without an unlock": {func(d *device) { d.pinned(1, p, key) }, keep, serialproto.StatusLocked},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := lockable(t)
			tt.prepare(d)
			before := d.status()
			d.refused(tt.want, tt.request)
			after := d.status()
			if after.Generation != before.Generation || after.State != before.State || after.Unlocked != before.Unlocked {
				t.Errorf("got %+v, want nothing changed from %+v", after, before)
			}
		})
	}
}

// refused sends a request as it crosses the line.
func (d *device) refused(status serialproto.Status, request []byte) {
	d.t.Helper()
	head, err := serialproto.DecodeResponse(d.agent.Handle(d.t.Context(), serialproto.OpEnroll, request), nil)
	if err != nil || head.Status != status {
		d.t.Errorf("got %v (%s), %v, want %v", head.Status, head.Detail, err, status)
	}
}

// TestKeptTunnelInPieces brings a rekeyed device's certificates by PUT and COMMIT.
func TestKeptTunnelInPieces(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Reenroll = serialproto.ReenrollOpen })
	d.sealed(1, p)
	tunnel := file(t, d, "wg0.conf")
	var e serialproto.EnrollResult
	d.want(serialproto.StatusOK, keepArgs(2), &e)
	commit := serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id(2), Objects: map[serialproto.Obj][]byte{}}
	for obj, data := range map[serialproto.Obj][]byte{serialproto.ObjLeaf: p.leaf(t, e.CSR), serialproto.ObjAnchor: bytes.Join(p.chain(), nil)} {
		commit.Objects[obj] = digestOf(data)
		d.want(serialproto.StatusOK, serialproto.PutArgs{
			Op: serialproto.OpPut, Obj: obj, Total: uint32(len(data)), SHA256: digestOf(data), Data: data, EnrollID: id(2),
		}, nil)
	}
	var first, again serialproto.InstallResult
	d.want(serialproto.StatusOK, commit, &first)
	d.want(serialproto.StatusOK, commit, &again)
	if len(first.Objects) != 4 || !bytes.Equal(again.Objects[serialproto.ObjWGConf], digestOf([]byte(wgConf))[:8]) {
		t.Errorf("got %v, then %v, want the tunnel among four objects", first.Objects, again.Objects)
	}
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	if !bytes.Equal(file(t, d, "wg0.conf"), tunnel) {
		t.Error("the tunnel changed")
	}
}

var errCut = errors.New("power cut")

// TestRekeyIsCut cuts the power at every operation on the files of a rekey that keeps the tunnel. The device that wakes up
// shows one generation whole, always with the same wg0.conf; the station repeats its requests and gets there, with the same
// CSR if it had one.
func TestRekeyIsCut(t *testing.T) {
	p := newPKI(t)
	whole := func(cutAt int) (ops int) {
		dir := t.TempDir()
		d := &device{t: t, dir: dir, clock: &fakeClock{}, cfg: agent.Config{
			Model: "box", Serial: "HW-1", Firmware: "1.0", CompleteWG: completeWG, StripWG: stripWG, Reenroll: serialproto.ReenrollOpen,
		}}
		left := -1
		d.open = filestore.Config{Volatile: true, Before: func(string, string) error {
			switch {
			case left == 0:
				return errCut // and at every one after it
			case left > 0:
				left--
			}
			ops++
			return nil
		}}
		d.reopen()
		d.sealed(1, p)
		tunnel := file(t, d, "wg0.conf")
		ops, left = 0, cutAt
		var csr, leaf []byte
		step := func(args, result any) bool { return d.call(args, result).Status == serialproto.StatusOK }
		rekey := func() bool {
			var e serialproto.EnrollResult
			if !step(keepArgs(2), &e) {
				return false
			}
			if csr != nil && !bytes.Equal(csr, e.CSR) {
				t.Errorf("cut at %d: another CSR than the one that was answered", cutAt)
			}
			if csr == nil {
				csr, leaf = e.CSR, p.leaf(t, e.CSR)
			}
			return step(keptInstall(2, leaf, p), &serialproto.InstallResult{}) && step(lockArgs(2), nil)
		}
		done := rekey()
		left = -1
		if cutAt >= 0 {
			d.reopen()
			if !bytes.Equal(file(t, d, "wg0.conf"), tunnel) {
				t.Errorf("cut at %d: the tunnel changed", cutAt)
			}
			if !done && !rekey() {
				t.Errorf("cut at %d: it does not go on", cutAt)
			}
		}
		s := d.status()
		if s.State != serialproto.StateSealed || !bytes.Equal(s.EnrollID, id(2)) || !bytes.Equal(s.CSR, digestOf(csr)) || !bytes.Equal(file(t, d, "wg0.conf"), tunnel) {
			t.Errorf("cut at %d: got %v of %x, want the new key sealed with the tunnel", cutAt, s.State, s.EnrollID)
		}
		return ops
	}
	n := whole(-1)
	if n < 40 {
		t.Fatalf("got %d operations, want a real rekey", n)
	}
	for i := range n {
		whole(i)
	}
}
