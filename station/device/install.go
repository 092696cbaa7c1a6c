package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"provstation/serialproto"
	"provstation/station"
)

// installOverhead is what INSTALL's CBOR adds to its contents, generously.
const installOverhead = 160

// putPiece is how much of an object one PUT carries beside its own head.
const putOverhead = 96

// Install sends what the device does not hold yet, in one request where the device takes one so large.
func (l *line) Install(ctx context.Context, b station.Bundle) (station.Readback, error) {
	args := &serialproto.InstallArgs{
		Op: serialproto.OpInstall, Leaf: b.Leaf, WGConf: b.WGConf, EnrollID: b.EnrollID[:], Commit: true, WGPrivate: b.WGKey.Reveal(),
		Pins: b.Pins,
	}
	size, byName := installOverhead+len(b.Leaf)+len(b.WGConf)+len(bytes.Join(b.Pins, nil)), false
	for _, der := range b.Chain {
		c := l.known(der)
		args.Chain = append(args.Chain, c)
		size, byName = size+len(c), byName || len(c) != len(der)
	}
	if size > int(l.welcome.MaxMessage) {
		return l.installInPieces(ctx, b)
	}
	var r serialproto.InstallResult
	err := l.callPacked(ctx, "install", args, &r)
	if byName && notHeld(err) {
		l.welcome.Known = nil
		return l.Install(ctx, b)
	}
	if err != nil {
		return nil, err
	}
	return readback(r), nil
}

// notHeld reports whether a refusal may mean that the device does not hold a certificate which was only named: what it
// held at the greeting goes with the generation that a new key replaces. A device says bad argument for it.
func notHeld(err error) bool {
	var se *serialproto.StatusError
	return errors.As(err, &se) && (se.Status == serialproto.StatusBadArgument || se.Status == serialproto.StatusHashMismatch)
}

// known is the 8-byte prefix of a certificate the device said it holds, else the certificate.
func (l *line) known(der []byte) []byte {
	sum := sha256.Sum256(der)
	if slices.ContainsFunc(l.welcome.Known, func(k []byte) bool { return bytes.Equal(k, sum[:8]) }) {
		return sum[:8]
	}
	return der
}

// installInPieces is for devices whose messages are smaller than the bundle. It goes on where an interrupted transfer
// stopped.
func (l *line) installInPieces(ctx context.Context, b station.Bundle) (station.Readback, error) {
	commit := &serialproto.CommitArgs{
		Op: serialproto.OpCommit, EnrollID: b.EnrollID[:], Objects: map[serialproto.Obj][]byte{}, WGPrivate: b.WGKey.Reveal(),
	}
	objects := []struct {
		obj  serialproto.Obj
		data []byte
	}{
		{serialproto.ObjLeaf, b.Leaf},
		{serialproto.ObjAnchor, bytes.Join(b.Chain, nil)},
		{serialproto.ObjWGConf, b.WGConf},
		{serialproto.ObjPins, bytes.Join(b.Pins, nil)},
	}
	for _, o := range objects {
		if len(o.data) == 0 {
			continue
		}
		sum := sha256.Sum256(o.data)
		commit.Objects[o.obj] = sum[:]
		if err := l.put(ctx, b.EnrollID, o.obj, o.data, sum[:]); err != nil {
			return nil, err
		}
	}
	var r serialproto.InstallResult
	if err := l.call(ctx, "commit", commit, &r); err != nil {
		return nil, err
	}
	return readback(r), nil
}

// put sends one object piece by piece. The device says where the next piece starts; it may only move forward.
func (l *line) put(ctx context.Context, id station.EnrollID, obj serialproto.Obj, data, sum []byte) error {
	piece := int(l.welcome.MaxMessage) - putOverhead
	for at, jumps := 0, 0; at < len(data); {
		end := min(at+piece, len(data))
		args := &serialproto.PutArgs{
			Op: serialproto.OpPut, Obj: obj, Offset: uint32(at), Total: uint32(len(data)), SHA256: sum,
			Data: data[at:end], EnrollID: id[:],
		}
		var r serialproto.PutResult
		err := l.call(ctx, "transfer", args, &r)
		var se *serialproto.StatusError
		if errors.As(err, &se) && se.Status == serialproto.StatusBadOffset && jumps < 2 && int(se.NextOffset) <= len(data) {
			at, jumps = int(se.NextOffset), jumps+1
			continue
		}
		if err != nil {
			return err
		}
		if int(r.NextOffset) <= at || int(r.NextOffset) > len(data) {
			return badAnswer(errors.New("transfer: device asks for an offset outside the object"))
		}
		at = int(r.NextOffset)
	}
	return nil
}

func readback(r serialproto.InstallResult) station.Readback {
	back := station.Readback{}
	for obj, digest := range r.Objects {
		if name, ok := objectNames[obj]; ok {
			back[name] = digest
		}
	}
	return back
}
