package station

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
	"provstation/station/wgconf"
)

// TunnelProver sees the handshake of a device's tunnel from the station: by the server's interface, or by a ping.
type TunnelProver func(ctx context.Context, want wgcheck.Want, patience time.Duration, tell wgcheck.Progress) (wgcheck.Result, error)

// TunnelExplainer says why a server has seen no handshake of a device; nil where it has.
type TunnelExplainer func(ctx context.Context, want wgcheck.Want) *wgcheck.Error

// TunnelCheck is how the handshake of a device's tunnel is seen. The zero value: it is not.
type TunnelCheck struct {
	ByDevice bool            // the device looks, and tells
	Prove    TunnelProver    // the station looks; nil unless it does
	Explain  TunnelExplainer // for the case that the device has seen none; nil: nobody knows
	Server   wgtypes.Key     // the server's public key, which every wg0.conf has to name; zero: any
}

func (c TunnelCheck) on() bool { return c.ByDevice || c.Prove != nil }

// checkTunnel waits for the handshake of the device's tunnel.
func (x *run) checkTunnel(ctx context.Context) error {
	want, err := x.tunnelWanted(ctx)
	if err != nil {
		return err
	}
	if err := x.knowsServer(want.Servers); err != nil {
		return err
	}
	patience := x.timeout(PhaseWireGuard) / time.Duration(x.retries(PhaseWireGuard)+1)
	patience -= min(patience/10, time.Second) // the verdict comes before the deadline
	var r wgcheck.Result
	if x.cfg.TunnelCheck.ByDevice {
		r, err = x.tunnelByDevice(ctx, want, patience)
	} else {
		r, err = x.tunnelByStation(ctx, want, patience)
	}
	if r.Way != "" {
		x.fact(FactTunnelWay, string(r.Way))
	}
	x.fact(FactTunnelHandshake, stamp(r.Handshake))
	if r.Endpoint.IsValid() {
		x.fact(FactTunnelEndpoint, r.Endpoint.String())
	}
	if r.RoundTrip > 0 {
		x.fact(FactTunnelRoundTrip, r.RoundTrip.Round(time.Microsecond).String())
	}
	return tunnelFault(err)
}

// tunnelWanted is the device as a server or a peer knows it.
func (x *run) tunnelWanted(ctx context.Context) (w wgcheck.Want, err error) {
	conf, key := x.tunnel, x.key.WireGuardKey
	if x.course == courseAdopt {
		if conf, key, err = x.tunnelHeld(ctx); err != nil {
			return w, err
		}
	}
	if priv := x.bundle.WGKey.Reveal(); len(priv) > 0 { // the bridge made it
		pub, err := wgconf.PublicKey(priv)
		if err != nil {
			return w, wgFault(err)
		}
		key = pub[:]
	}
	if len(key) > 0 {
		if w.Key, err = wgtypes.NewKey(key); err != nil {
			return w, wgFault(err)
		}
	}
	if conf != nil {
		for _, a := range conf.Interface.Address {
			w.Addresses = append(w.Addresses, a.Addr())
		}
		w.Servers = serversOf(conf)
	}
	w.NotBefore = x.now().Add(-wgcheck.Alive) // an older session is dead; a new key has none at all
	if !x.greet.Clock.IsZero() && !x.clockSet {
		w.Clock = x.greet.Clock.Add(x.now().Sub(x.greet.HeardAt))
	}
	return w, nil
}

// tunnelHeld is what is on file of the tunnel of a device that was enrolled before.
func (x *run) tunnelHeld(ctx context.Context) (*wgconf.Config, []byte, error) {
	k, err := x.ledger.Key(ctx, x.start.Tenant, x.spki)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, nil, x.ledgerFault("look the device's key up", err)
	}
	text, known, err := x.tunnelOnFile(ctx)
	if err != nil || !known {
		return nil, k.WireGuardKey, err
	}
	conf, err := wgconf.Parse([]byte(text))
	if err != nil {
		return nil, nil, wgFault(err)
	}
	return conf, k.WireGuardKey, nil
}

// knowsServer holds a wg0.conf against the server's key, where that is configured.
func (x *run) knowsServer(servers []wgtypes.Key) error {
	server := x.cfg.TunnelCheck.Server
	if server == (wgtypes.Key{}) || len(servers) == 0 {
		return nil
	}
	for _, s := range servers {
		if s == server {
			return nil
		}
	}
	return tunnelFault(&wgcheck.Error{
		Step: wgcheck.StepKey, Reason: wgcheck.WrongServerKey, Detail: "it names " + servers[0].String() + ", the server is " + server.String(),
	})
}

// tunnelByStation has the station look. A device that can is asked to see to its tunnel meanwhile: no other program of the
// device may bring it up before it is sealed.
func (x *run) tunnelByStation(ctx context.Context, want wgcheck.Want, patience time.Duration) (wgcheck.Result, error) {
	dctx, stop := context.WithCancel(ctx)
	defer stop()
	own := make(chan error, 1)
	device, can := x.line.Line.(SelfChecker)
	if can {
		go func() {
			_, err := tunnelReport(device.CheckTunnel(dctx, x.wakeAddress(), patience))
			own <- err
		}()
	}
	r, err := x.cfg.TunnelCheck.Prove(ctx, want, patience, x.tunnelStep)
	stop()
	if !can {
		return r, err
	}
	// A line is used by one goroutine: this one goes on when that one is done. Why the device could not speak is worth
	// more than that it was not heard.
	derr := <-own
	heard := wgcheck.ReasonOf(err) != wgcheck.NothingArrived && wgcheck.ReasonOf(err) != wgcheck.Stale
	if e, ok := errors.AsType[*wgcheck.Error](derr); ok && !heard && e.Reason != wgcheck.NoAnswer {
		return r, derr
	}
	return r, err
}

// tunnelByDevice has the device look. What it cannot know, the server may tell.
func (x *run) tunnelByDevice(ctx context.Context, want wgcheck.Want, patience time.Duration) (wgcheck.Result, error) {
	device, can := x.line.Line.(SelfChecker)
	if !can {
		return wgcheck.Result{}, &wgcheck.Error{
			Way: wgcheck.ByDevice, Step: wgcheck.StepUp, Reason: wgcheck.Unsupported, Detail: "the device has no check of its tunnel",
		}
	}
	x.line.say("-> CHECK WG")
	r, err := tunnelReport(device.CheckTunnel(ctx, x.wakeAddress(), patience))
	x.line.heard(err, "handshake at %s", stamp(r.Handshake))
	for _, s := range r.Steps {
		x.tunnelStep(s)
	}
	switch {
	case err == nil && want.Key != (wgtypes.Key{}) && wgtypes.Key(r.Own) != want.Key:
		return r.Result, &wgcheck.Error{
			Way: wgcheck.ByDevice, Step: wgcheck.StepKey, Reason: wgcheck.WrongPeerKey,
			Detail: "the device's tunnel has " + wgtypes.Key(r.Own).String() + ", enrolled is " + want.Key.String(),
		}
	case wgcheck.ReasonOf(err) == wgcheck.NoAnswer && x.cfg.TunnelCheck.Explain != nil:
		if why := x.cfg.TunnelCheck.Explain(ctx, want); why != nil && why.Reason != wgcheck.ServerUnreadable && why.Reason != wgcheck.NothingArrived {
			return r.Result, why
		}
	}
	return r.Result, err
}

// wakeAddress is one in the tunnel that a device may send to, so that a tunnel without a keepalive shakes hands: a name
// server, which is surely the server's side, else the first address that is routed there.
func (x *run) wakeAddress() string {
	if x.tunnel == nil {
		return ""
	}
	for _, p := range x.tunnel.Peers {
		for _, a := range p.AllowedIPs {
			for _, dns := range x.tunnel.Interface.DNS {
				if a.Contains(dns) {
					return dns.String()
				}
			}
		}
	}
	if a := x.tunnel.Peers[0].AllowedIPs; len(a) > 0 {
		if a[0].IsSingleIP() {
			return a[0].Addr().String()
		}
		return a[0].Addr().Next().String()
	}
	return ""
}

// deviceReasons are what a device may say of its own tunnel. Whatever else it says counts as no answer.
var deviceReasons = map[string]wgcheck.Reason{
	string(wgcheck.BadConf): wgcheck.BadConf, string(wgcheck.Unsupported): wgcheck.Unsupported, string(wgcheck.Denied): wgcheck.Denied,
	string(wgcheck.UpFailed): wgcheck.UpFailed, string(wgcheck.NameNotFound): wgcheck.NameNotFound,
	string(wgcheck.NothingSent): wgcheck.NothingSent, string(wgcheck.NoAnswer): wgcheck.NoAnswer,
	"bad-config": wgcheck.BadConf, "no-interface": wgcheck.UpFailed, "other-key": wgcheck.UpFailed, "no-peer": wgcheck.UpFailed,
}

// tunnelReport puts what a device says into the words of a check that the station ran. All of it is the device's claim.
func tunnelReport(t TunnelReport, err error) (r wgcheck.Report, _ error) {
	if err != nil {
		return r, err
	}
	r.Way, r.Handshake, r.Received, r.Sent = wgcheck.ByDevice, t.Handshake, t.Received, t.Sent
	copy(r.Own[:], t.Own)
	copy(r.Peer[:], t.Peer)
	r.Endpoint, _ = netip.ParseAddrPort(t.Endpoint) // one that is no address is not told
	step := wgcheck.StepHandshake
	for _, s := range t.Steps {
		r.Steps = append(r.Steps, wgcheck.StepResult{Step: wgcheck.Step(printable(s.Name)), OK: s.OK, Took: s.Took})
		step = wgcheck.Step(printable(s.Name))
	}
	if t.OK && !t.Handshake.IsZero() {
		return r, nil
	}
	reason, known := deviceReasons[t.Reason]
	if !known {
		reason = wgcheck.NoAnswer
	}
	if reason == wgcheck.NoAnswer && t.Sent == 0 && t.Reason != "" {
		reason = wgcheck.NothingSent
	}
	return r, &wgcheck.Error{Way: wgcheck.ByDevice, Step: step, Reason: reason, Detail: printable(t.Sentence)}
}

func (x *run) tunnelStep(s wgcheck.StepResult) { x.stepDone(string(s.Step), s.Took, s.OK) }

// tunnelFaults says what each way to fail means: is it the device or its credentials (FAIL) or could we not tell (ERROR),
// and is another try worth it.
var tunnelFaults = map[wgcheck.Reason]struct {
	code    Code
	outcome Outcome
	class   Class
}{
	wgcheck.ServerUnreadable:  {CodeWGServer, Error, Misconfigured},
	wgcheck.ServerMisanswered: {CodeWGServer, Error, Misconfigured},
	wgcheck.WrongServerKey:    {CodeWGServerKey, Fail, Permanent},
	wgcheck.WrongPeerKey:      {CodeWGPeerKey, Fail, Permanent},
	wgcheck.WrongAddress:      {CodeWGPeerAddress, Fail, Permanent},
	wgcheck.PeerMissing:       {CodeWGPeerMissing, Error, Passing},
	wgcheck.NothingArrived:    {CodeWGSilent, Error, Passing},
	wgcheck.Stale:             {CodeWGSilent, Error, Passing},
	wgcheck.ClockBehind:       {CodeWGClock, Fail, Permanent},
	wgcheck.NothingSent:       {CodeWGSilent, Error, Passing},
	wgcheck.NoAnswer:          {CodeWGNoAnswer, Error, Passing},
	wgcheck.NameNotFound:      {CodeWGName, Error, Misconfigured},
	wgcheck.BadConf:           {CodeWGBad, Fail, Permanent},
	wgcheck.Unsupported:       {CodeWGUp, Fail, Permanent},
	wgcheck.Denied:            {CodeWGUp, Fail, Permanent},
	wgcheck.UpFailed:          {CodeWGUp, Fail, Permanent},
	wgcheck.OwnTunnel:         {CodeWGStation, Error, Passing},
	wgcheck.NoReply:           {CodeWGNoReply, Fail, Passing},
	wgcheck.NotIdentified:     {CodeWGUnknown, Uncertain, Permanent},
}

// tunnelFault puts a failed check of a tunnel into a fault. What the line failed with stays as it is.
func tunnelFault(err error) error {
	e, ok := errors.AsType[*wgcheck.Error](err)
	if !ok {
		return err
	}
	if e.Reason == wgcheck.Canceled {
		return context.Canceled
	}
	row, ok := tunnelFaults[e.Reason]
	if !ok {
		row.code, row.outcome = CodeInternal, Error
	}
	return &Fault{
		Code: row.code, Outcome: row.outcome, Class: row.class, Err: err,
		Params: map[string]string{"step": string(e.Step), "reason": string(e.Reason), "detail": cmp.Or(printable(e.Detail), e.Sentence())},
	}
}
