package conform_test

import (
	"provstation/serialproto"
	"provstation/serialproto/link"
)

// Ahead lets what comes ahead through.
func (h handler) Ahead(packed []byte) {
	if taker, ok := h.Handler.(link.AheadTaker); ok {
		taker.Ahead(packed)
	}
}

// hoarder gives an agent what came ahead in an earlier session again, and what it is given first where it keeps that.
type hoarder struct {
	handler
	first bool // keeps the first message of a session
	kept  []byte
}

func (h *hoarder) Ahead(packed []byte) {
	if h.kept == nil || !h.first {
		h.kept = packed
	}
	h.handler.Ahead(h.kept)
}

func (h *hoarder) SessionStart() {
	h.handler.SessionStart()
	if h.first {
		h.kept = nil
	} else if h.kept != nil {
		h.handler.Ahead(h.kept)
	}
}

func aheadMutants() []mutant {
	hoards := func(first bool) func(*device) {
		return func(d *device) {
			d.wrap = func(h link.Handler) link.Handler { return &hoarder{handler: handler{Handler: h}, first: first} }
		}
	}
	return []mutant{
		{"drops what comes ahead", down(func(_ *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindAhead {
				return nil
			}
			return one(b)
		}), []string{"ahead-install", "ahead-latest"}},
		{"takes what comes ahead without an id", down(func(w *wiretap, f serialproto.Frame, b []byte) [][]byte {
			if f.Kind == serialproto.KindAhead && f.ID == 0 {
				b[1] = 200
				return one(sealAs(w.session(), b))
			}
			return one(b)
		}), []string{"ahead-bounds"}},
		{"is silent about what does not come ahead", dropped(func(f serialproto.Frame) bool { return f.Kind == serialproto.KindAhead }), []string{"ahead-missed"}},
		{"keeps what came ahead for another session", hoards(false), []string{"ahead-session"}},
		{"keeps what came ahead first", hoards(true), []string{"ahead-latest"}},
	}
}
