package station

import (
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgconf"
)

// lintTunnel parses the answered wg0.conf, judges it, and renders what is pushed from the parsed values. What was received
// is never passed on. A private key that the bridge made goes into the bundle and nowhere else.
func (x *run) lintTunnel() error {
	x.tunnel, x.wgText, x.bundle.WGKey = nil, nil, Secret{}
	if !x.cfg.WireGuard {
		return nil
	}
	text := x.answer.WGConf.Reveal()
	if len(text) == 0 {
		return &Fault{Code: CodeWGBad, Outcome: Fail, Params: map[string]string{"detail": "the bridge answered without a wg0.conf"}}
	}
	cfg, err := wgconf.Parse(text)
	if err != nil {
		return wgFault(err)
	}
	findings, err := wgconf.Lint(cfg, x.cfg.Tunnel)
	if err != nil {
		return wgFault(err)
	}
	for _, f := range findings {
		x.warn(CodeWGWarn, map[string]string{"detail": f.String()})
	}
	if err := x.tunnelKey(cfg); err != nil {
		return err
	}
	if err := x.knowsServer(serversOf(cfg)); err != nil {
		return err
	}
	if ip := x.answer.WireGuardIP; ip != "" && !cfg.HasAddress(ip) {
		return &Fault{Code: CodeWGBad, Outcome: Fail, Params: map[string]string{
			"detail": "the answer names the address " + printable(ip) + ", its wg0.conf has " + joined(cfg.Addresses()),
		}}
	}
	x.tunnel = cfg
	x.wgText = wgconf.Render(cfg)
	addrs := x.tunnelAddresses()
	x.fact(FactTunnelAddress, joined(addrs))
	x.fact(FactTunnelConf, wgconf.Show(cfg)) // a preshared key is hidden
	return nil
}

// serversOf are the public keys of the peers.
func serversOf(cfg *wgconf.Config) (keys []wgtypes.Key) {
	for i := range cfg.Peers {
		keys = append(keys, cfg.Peers[i].PublicKey)
	}
	return keys
}

// tunnelKey decides whose WireGuard key it is: the device's own, or one the bridge made.
func (x *run) tunnelKey(cfg *wgconf.Config) error {
	priv, byBridge := cfg.PrivateKey()
	switch {
	case byBridge && x.answer.Contract == ContractDocumented:
		x.bundle.WGKey = NewSecret(priv)
	case byBridge:
		return &Fault{Code: CodeWGBad, Outcome: Fail, Params: map[string]string{
			"detail": "the answer holds a private key, though the device made its own",
		}}
	case len(x.key.WireGuardKey) == 0:
		return &Fault{Code: CodeWGBad, Outcome: Fail, Params: map[string]string{
			"detail": "neither the answer nor the device has a private key for the tunnel",
		}}
	}
	return nil
}

// tunnelShown is the wg0.conf for records and screens, secrets hidden.
func (x *run) tunnelShown() string {
	if x.tunnel == nil {
		return ""
	}
	return wgconf.Show(x.tunnel)
}

// tunnelReceived is the answered wg0.conf for the record before it is judged, secrets hidden; empty where it cannot be read.
// byBridge: a private key was in it.
func (x *run) tunnelReceived() (shown string, byBridge bool) {
	cfg, err := wgconf.Parse(x.answer.WGConf.Reveal())
	if err != nil || !x.cfg.WireGuard {
		return "", false
	}
	_, byBridge = cfg.PrivateKey()
	return wgconf.Show(cfg), byBridge
}

func (x *run) tunnelAddresses() []string {
	if x.tunnel == nil {
		return nil
	}
	return x.tunnel.Addresses()
}

func wgFault(err error) *Fault {
	return &Fault{Code: CodeWGBad, Outcome: Fail, Params: map[string]string{"detail": printable(err.Error())}, Err: err}
}
