package agent

import (
	"bytes"
	"fmt"

	"provstation/serialproto"
)

// limitOf is the largest size of an object that comes in pieces; 0 for objects that do not.
func limitOf(o serialproto.Obj) int {
	switch o {
	case serialproto.ObjLeaf:
		return serialproto.MaxCert
	case serialproto.ObjAnchor:
		return serialproto.MaxChain * serialproto.MaxCert
	case serialproto.ObjWGConf:
		return serialproto.MaxWGConf
	case serialproto.ObjPins:
		return serialproto.MaxPins * serialproto.MaxPin
	default:
		return 0
	}
}

// put answers OpPut: one piece of an object. A piece that does not start where the last one ended is answered with
// where to go on, so a lost answer or a reset costs one round trip.
func (a *Agent) put(args serialproto.PutArgs) (any, error) {
	limit := limitOf(args.Obj)
	switch {
	case limit == 0:
		return nil, refuse(serialproto.StatusBadArgument, "object %d is not put", args.Obj)
	case args.Total == 0 || len(args.SHA256) != 32 || len(args.Data) == 0:
		return nil, refuse(serialproto.StatusBadArgument, "empty piece or no digest")
	case int64(args.Total) > int64(limit):
		return nil, refuse(serialproto.StatusTooLarge, "object %d is larger than %d bytes", args.Obj, limit)
	case int64(args.Offset)+int64(len(args.Data)) > int64(args.Total):
		return nil, refuse(serialproto.StatusBadArgument, "piece reaches beyond the object")
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	if _, err := v.candidate(args.EnrollID); err != nil {
		return nil, err
	}
	s, err := a.stagedObject(args)
	if err != nil {
		return nil, err
	}
	if have := uint32(len(s.Data)); args.Offset != have {
		return nil, &refusal{status: serialproto.StatusBadOffset, detail: "piece does not start where the last ended", next: have}
	}
	s.Data = append(s.Data, args.Data...)
	if err := a.store.Stage(s); err != nil {
		return nil, err
	}
	return serialproto.PutResult{NextOffset: uint32(len(s.Data))}, nil
}

// stagedObject gives what has come of an object, or a fresh start if what has come was of another one.
func (a *Agent) stagedObject(args serialproto.PutArgs) (Staged, error) {
	staged, err := a.store.Staged()
	if err != nil {
		return Staged{}, err
	}
	for _, s := range staged {
		if s.Obj == args.Obj && s.Total == args.Total && bytes.Equal(s.SHA256, args.SHA256) &&
			bytes.Equal(s.EnrollID, args.EnrollID) {
			return s, nil
		}
	}
	return Staged{EnrollID: args.EnrollID, Obj: args.Obj, Total: args.Total, SHA256: args.SHA256}, nil
}

// commit answers OpCommit: what PUT staged, whole or nothing.
func (a *Agent) commit(args serialproto.CommitArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	b := bundle{wgPrivate: args.WGPrivate}
	for o, want := range args.Objects {
		data, err := a.wholeObject(args.EnrollID, o, want)
		if err != nil {
			// A commit whose answer was lost finds nothing staged any more; then storage must hold the very same.
			if r, again := a.committedBefore(v, args); again {
				return r, nil
			}
			return nil, err
		}
		switch o {
		case serialproto.ObjLeaf:
			b.leaf = data
		case serialproto.ObjAnchor:
			b.chain = data
		case serialproto.ObjWGConf:
			b.conf = data
		case serialproto.ObjPins:
			b.pins = data
		}
	}
	if b.leaf == nil || b.chain == nil {
		return nil, refuse(serialproto.StatusBadArgument, "commit names no leaf or no CA file")
	}
	return a.commitBundle(v, args.EnrollID, b)
}

// wholeObject gives a staged object if all of it has come and its digest is right.
func (a *Agent) wholeObject(enrollID []byte, o serialproto.Obj, want []byte) ([]byte, error) {
	if limitOf(o) == 0 || len(want) != 32 {
		return nil, refuse(serialproto.StatusBadArgument, "object %d is not committed", o)
	}
	staged, err := a.store.Staged()
	if err != nil {
		return nil, err
	}
	for _, s := range staged {
		if s.Obj != o || !bytes.Equal(s.EnrollID, enrollID) {
			continue
		}
		if uint32(len(s.Data)) != s.Total {
			return nil, &refusal{
				status: serialproto.StatusBadOffset, detail: fmt.Sprintf("object %d is not whole", o),
				next: uint32(len(s.Data)),
			}
		}
		if !bytes.Equal(digest(s.Data), want) || !bytes.Equal(s.SHA256, want) {
			// Nothing good can be added to it: start over.
			s.Data = nil
			if err := a.store.Stage(s); err != nil {
				return nil, err
			}
			return nil, refuse(serialproto.StatusHashMismatch, "object %d has another digest", o)
		}
		return s.Data, nil
	}
	return nil, refuse(serialproto.StatusWrongState, "object %d was not put", o)
}

// committedBefore reports whether the generation of this enroll id holds exactly the objects named, and their digests.
func (a *Agent) committedBefore(v view, args serialproto.CommitArgs) (any, bool) {
	n := v.Newest
	if n == nil || !n.Installed || !bytes.Equal(n.EnrollID, args.EnrollID) || len(args.Objects) < 2 {
		return nil, false
	}
	h, err := a.holding(n)
	if err != nil {
		return nil, false
	}
	objs := a.objects(h)
	for _, o := range installObjects {
		want, named := args.Objects[o]
		if !named && (o == serialproto.ObjPins || o == serialproto.ObjWGConf && n.KeepTunnel) {
			continue // inherited
		}
		if have, held := objs[o]; named != held || (named && !bytes.Equal(digest(have), want)) {
			return nil, false
		}
	}
	r := serialproto.InstallResult{Objects: map[serialproto.Obj][]byte{}}
	for o, data := range objs {
		r.Objects[o] = prefix(data)
	}
	return r, true
}
