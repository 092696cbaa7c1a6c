package agent_test

import (
	"bytes"
	"crypto/sha256"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

func digestOf(b []byte) []byte {
	d := sha256.Sum256(b)
	return d[:]
}

// FuzzHandle gives any bytes to any operation of a sealed device: it always answers something that decodes, and is as
// sealed as before.
func FuzzHandle(f *testing.F) {
	p := newPKI(f)
	d := newDevice(f, func(c *agent.Config) { c.ManageClock, c.Reenroll = false, serialproto.ReenrollUnlock })
	d.pinned(1, p, edKey(1))
	spki := d.status().SPKI
	for _, args := range []any{
		enrollArgs(1), enrollArgs(2), keepArgs(2), lockArgs(1),
		serialproto.AbortArgs{Op: serialproto.OpAbort},
		serialproto.SimpleArgs{Op: serialproto.OpStatus},
		serialproto.ReadArgs{Op: serialproto.OpRead, Obj: serialproto.ObjAnchor},
		serialproto.ClockArgs{Op: serialproto.OpClock, Set: 1},
		installArgs(1, p.sub.cert.Raw, p),
		serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403},
		serialproto.UnlockArgs{Op: serialproto.OpUnlock, Purpose: serialproto.PurposeErase, Lifetime: 60},
		serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: make([]byte, 64)},
		serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: id(1)},
		serialproto.TokenArgs{Op: serialproto.OpToken, Audience: audience},
		serialproto.RenewArgs{Op: serialproto.OpRenew, Leaf: p.sub.cert.Raw, EnrollID: id(1)},
		serialproto.RenewArgs{Op: serialproto.OpRenew, Digest: make([]byte, 32), EnrollID: id(1)},
	} {
		b, err := serialproto.EncodeRequest(args)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(serialproto.RequestOp(args)), b)
	}
	f.Fuzz(func(t *testing.T, op uint8, request []byte) {
		answer := d.agent.Handle(t.Context(), serialproto.Op(op), request)
		if _, err := serialproto.DecodeResponse(answer, nil); err != nil {
			t.Fatalf("answer %x does not decode: %v", answer, err)
		}
		d.t = t
		if s := d.status(); s.State != serialproto.StateSealed || !bytes.Equal(s.SPKI, spki) {
			t.Fatalf("got %v with another key or state, want as sealed", s.State)
		}
	})
}
