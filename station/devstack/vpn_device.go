package devstack

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/wgcheck"
	"provstation/station/wgnet"
)

// tunnelled is the store of a device whose tunnel is up whenever it has a wg0.conf: by that of its newest generation as soon
// as it is installed, as a check of the tunnel before the seal needs it.
type tunnelled struct {
	agent.Store
	tun    wgnet.Tunnel
	log    *slog.Logger
	sealed func() // told when a generation becomes the active one
	off    bool   // there is never a tunnel
}

// Activate seals the device.
func (t *tunnelled) Activate(number uint32, flag string) error {
	err := t.Store.Activate(number, flag)
	t.sealed()
	return err
}

// Install stores files and brings the tunnel up by them.
func (t *tunnelled) Install(number uint32, f agent.Files) error {
	if err := t.Store.Install(number, f); err != nil {
		return err
	}
	t.use(f.WGConf)
	return nil
}

// Drop removes a generation, and goes back to the tunnel of the one before.
func (t *tunnelled) Drop(number uint32) error {
	err := t.Store.Drop(number)
	t.refresh()
	return err
}

// Erase empties the store, and takes the tunnel down with it.
func (t *tunnelled) Erase() error {
	err := t.Store.Erase()
	t.refresh()
	return err
}

// refresh brings the tunnel up by what the store holds, or takes it down.
func (t *tunnelled) refresh() {
	st, err := t.Load()
	if err != nil {
		return // the agent says so
	}
	g := st.Newest
	if g == nil || !g.Installed {
		g = st.Active
	}
	if g == nil {
		t.use(nil)
		return
	}
	f, err := t.Files(g.Number)
	if err != nil {
		return
	}
	t.use(f.WGConf)
}

// use is quick: the endpoints of this stack are addresses. A tunnel that does not come up is the check's to find.
func (t *tunnelled) use(conf agent.Secret) {
	var err error
	if len(conf) == 0 || t.off {
		err = t.tun.Down()
	} else {
		err = t.tun.Up(context.Background(), conf)
	}
	if err != nil {
		t.log.Info("virtual device has no tunnel", "err", err)
	}
}

// standing is a tunnel that a check neither brings up nor takes down.
type standing struct{ *wgnet.Tunnel }

func (standing) Up(context.Context, []byte) error { return nil }
func (standing) Down() error                      { return nil }

// tunnelMargin is what a check leaves for its answer to be sent.
const tunnelMargin = 100 * time.Millisecond

// Check tells a station what the device sees of its tunnel (CHECK_WG).
func (t *tunnelled) Check(ctx context.Context, c agent.TunnelCheck) (out serialproto.CheckWGResult) {
	r, err := wgcheck.Device(ctx, standing{&t.tun}, nil, time.Duration(c.Args.Seconds)*time.Second-tunnelMargin, nil)
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, serialproto.CheckStep{
			Name: string(s.Step), Attempt: 1, OK: s.OK, Took: uint64(max(0, s.Took.Microseconds())), //nolint:gosec // not negative
		})
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
		out.Reason, out.Sentence = string(e.Reason), e.Sentence()
	}
	return out
}
