package main

import (
	"context"
	"errors"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/onbox"
	"provstation/station/wgcheck"
)

// bringUp makes an interface for a check, where the box has none yet: before it is sealed, nothing else may have brought the
// tunnel up.
func bringUp(ctx context.Context, c agent.TunnelCheck) serialproto.CheckWGResult {
	var out serialproto.CheckWGResult
	patience := time.Duration(c.Args.Seconds) * time.Second
	if end, ok := ctx.Deadline(); ok { // the verdict comes before the caller gives up
		patience = min(patience, time.Until(end)-checkMargin)
	}
	r, err := wgcheck.Device(ctx, &hostTunnel{}, c.Conf, patience, nil)
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, serialproto.CheckStep{Name: string(s.Step), Attempt: 1, OK: s.OK, Took: microseconds(s.Took)})
	}
	if r.Own != [32]byte{} {
		out.Own, out.Peer = r.Own[:], r.Peer[:]
	}
	if r.Endpoint.IsValid() {
		out.Endpoint = r.Endpoint.String()
	}
	if !r.Handshake.IsZero() {
		out.Handshake = r.Handshake.UnixMicro()
	}
	out.Received, out.Sent, out.OK = r.Received, r.Sent, err == nil
	if e, ok := errors.AsType[*wgcheck.Error](err); ok {
		out.Reason, out.Sentence = string(e.Reason), onbox.Printable(e.Sentence(), serialproto.MaxSentence)
	}
	return out
}

// checkMargin is what a check leaves for its interface to be taken away, and its answer to be sent.
const checkMargin = 500 * time.Millisecond
