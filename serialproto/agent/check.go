package agent

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"provstation/serialproto"
)

// BrokerCheck is a broker test with the device's own key.
type BrokerCheck struct {
	Args     serialproto.CheckMQTTArgs
	ClientID string
	Key      crypto.Signer
	Chain    [][]byte            // device.pem, DER
	Anchors  []*x509.Certificate // ca-chain.pem
	Now      time.Time           // the best time the device has
}

// Tunnel looks at the device's WireGuard interface.
type Tunnel interface {
	// Check waits for a handshake until ctx ends. One that does not come is a result.
	Check(ctx context.Context, c TunnelCheck) serialproto.CheckWGResult
}

// TunnelCheck is what a tunnel is looked at for.
type TunnelCheck struct {
	Args serialproto.CheckWGArgs
	Conf Secret // wg0.conf with its private key
}

// checkMQTT answers OpCheckMQTT. The store is given back before the network is waited for.
func (a *Agent) checkMQTT(ctx context.Context, args serialproto.CheckMQTTArgs) (any, error) {
	name := args.ServerName
	if name == "" {
		name = args.Host
	}
	if p := a.cfg.AllowedServers; len(p) > 0 && !slices.ContainsFunc(p, func(n string) bool { return strings.EqualFold(n, name) }) {
		return nil, refuse(serialproto.StatusRefused, "policy names other servers")
	}
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	g, h, err := a.shownFiles(v)
	if err != nil {
		return nil, err
	}
	key, err := a.signer(g)
	if err != nil {
		return nil, err
	}
	if !samePublicKey(h.device[0], key.Public()) {
		return nil, refuse(serialproto.StatusCertKey, "installed leaf is for another key")
	}
	check := BrokerCheck{Args: args, ClientID: h.device[0].Subject.CommonName, Key: key, Anchors: h.anchor, Now: a.now(v)}
	for _, c := range h.device {
		check.Chain = append(check.Chain, c.Raw)
	}
	a.leave()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(args.Seconds)*time.Second)
	defer cancel()
	return a.cfg.CheckMQTT(ctx, check), nil
}

// checkWG answers OpCheckWG.
func (a *Agent) checkWG(ctx context.Context, args serialproto.CheckWGArgs) (any, error) {
	v, err := a.load()
	if err != nil {
		return nil, err
	}
	_, h, err := a.shownFiles(v)
	if err != nil {
		return nil, err
	}
	if len(h.files.WGConf) == 0 {
		return nil, refuse(serialproto.StatusWrongState, "no tunnel is installed")
	}
	check := TunnelCheck{Args: args, Conf: bytes.Clone(h.files.WGConf)}
	a.leave()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(args.Seconds)*time.Second)
	defer cancel()
	return a.cfg.Tunnel.Check(ctx, check), nil
}

// shownFiles gives the generation that is shown and its files, which are not empty.
func (a *Agent) shownFiles(v view) (*Generation, *holding, error) {
	h, err := a.held(v)
	if err != nil {
		return nil, nil, err
	}
	if h == nil || len(h.device) == 0 || len(h.anchor) == 0 {
		return nil, nil, refuse(serialproto.StatusWrongState, "nothing is installed")
	}
	return v.shown(), h, nil
}
