package agent

import (
	"bytes"
	"crypto/x509"

	"provstation/serialproto"
)

// status answers OpStatus.
func (a *Agent) status(serialproto.SimpleArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	r := serialproto.StatusResult{
		State:    v.state,
		Clock:    a.clockMicros(),
		Reenroll: a.cfg.Reenroll,
		KeyStore: a.cfg.Keys.Class(),
	}
	if g := v.Newest; g != nil {
		r.SPKI, r.EnrollID, r.WireGuard = g.SPKI, g.EnrollID, g.WireGuard
		r.Generation, r.DeviceID, r.Alg = g.Number, clean(g.DeviceID, serialproto.MaxSubject), g.Alg
		r.Signatures = a.signaturesLeft(g)
		if len(g.CSR) > 0 {
			r.CSR = digest(g.CSR)
		}
	}
	if v.Active != nil {
		r.Active = v.Active.Number
		if v.Newest.Number != v.Active.Number {
			r.ActiveSPKI = v.Active.SPKI
		}
	}
	if err := a.fieldStatus(v, &r); err != nil {
		return nil, err
	}
	if r.Objects, err = a.statusObjects(v, &r); err != nil {
		return nil, err
	}
	return r, nil
}

// fieldStatus says what concerns a device in the field: unlocks, tokens, renewal.
func (a *Agent) fieldStatus(v view, r *serialproto.StatusResult) error {
	r.Failures, r.Wait, r.Unlocked = v.Failures, a.waitLeft(), a.granted()
	if v.Active != nil && !v.Active.Foreign {
		r.Tokens = a.tokensLeft(v.Active)
	}
	if v.Pending {
		h, err := a.pending(v)
		if err != nil {
			return err
		}
		r.Pending = digest(h.device[0].Raw)
	}
	if a.cfg.Renewal != nil {
		s, err := a.cfg.Renewal.State()
		if err != nil {
			return err
		}
		r.Renewal = &s
	}
	return nil
}

// statusObjects describes the newest generation's objects, and those on their way by PUT.
func (a *Agent) statusObjects(v view, r *serialproto.StatusResult) (map[serialproto.Obj]serialproto.Object, error) {
	out := map[serialproto.Obj]serialproto.Object{}
	if v.Newest != nil && v.Newest.Installed {
		h, err := a.holding(v.Newest)
		if err != nil {
			return nil, err
		}
		objs := a.objects(h)
		for o, b := range objs {
			out[o] = serialproto.Object{Length: uint32(len(b)), Digest: prefix(b), Received: uint32(len(b))}
		}
		if len(h.device) > 0 {
			r.Leaf = digest(h.device[0].Raw)
		}
	}
	staged, err := a.store.Staged()
	if err != nil {
		return nil, err
	}
	for _, s := range staged {
		if v.Newest != nil && bytes.Equal(s.EnrollID, v.Newest.EnrollID) && len(s.SHA256) == 32 {
			out[s.Obj] = serialproto.Object{Length: s.Total, Digest: s.SHA256[:8], Received: uint32(len(s.Data))}
		}
	}
	return out, nil
}

func (a *Agent) signaturesLeft(g *Generation) uint32 {
	if g.Signed >= a.cfg.MaxSignatures {
		return 0
	}
	return a.cfg.MaxSignatures - g.Signed
}

// read answers OpRead: certificates only.
func (a *Agent) read(args serialproto.ReadArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	var pick func(*holding) []*x509.Certificate
	switch args.Obj {
	case serialproto.ObjLeaf:
		pick = func(h *holding) []*x509.Certificate { return h.device[:min(1, len(h.device))] }
	case serialproto.ObjChain:
		pick = func(h *holding) []*x509.Certificate { return h.device[min(1, len(h.device)):] }
	case serialproto.ObjAnchor:
		pick = func(h *holding) []*x509.Certificate { return h.anchor }
	default:
		return nil, refuse(serialproto.StatusRefused, "object %d is not read back", args.Obj)
	}
	h, err := a.held(v)
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, refuse(serialproto.StatusWrongState, "nothing is installed")
	}
	r := serialproto.ReadResult{Certs: [][]byte{}}
	for _, c := range pick(h) {
		r.Certs = append(r.Certs, c.Raw)
	}
	return r, nil
}
