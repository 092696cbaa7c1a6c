package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
	"provstation/station/wgconf"
)

const (
	checkInterface = "provagent0" // made for a check, and taken away after
	checkKeepalive = 25 * time.Second
	programStart   = 3 * time.Second // how long wireguard-go may take until it answers
	programEnd     = 2 * time.Second
)

// hostTunnel is the tunnel of this host for a check. Where an interface has the device's key already, as wg-quick made it,
// that one is looked at: two with one key would take each other's sessions. Else one is made, by the kernel, or by
// wireguard-go where the kernel has no WireGuard. It gets neither address nor route, since a handshake needs none, and so
// changes nothing of the host's network.
type hostTunnel struct {
	name    string
	made    bool // by the kernel
	program *exec.Cmd
	ended   chan struct{} // closed when program has ended
}

// Up implements [wgcheck.Tunnel].
func (t *hostTunnel) Up(ctx context.Context, conf []byte) error {
	cfg, peers, err := readTunnel(ctx, conf)
	if err != nil {
		return err
	}
	c, err := wgctrl.New()
	if err != nil {
		return upError(err)
	}
	defer c.Close()
	if name := holderOf(c, cfg.PublicKey()); name != "" {
		t.name = name
		return nil
	}
	if err := t.make(ctx, c); err != nil {
		return errors.Join(upError(err), t.Down())
	}
	err = c.ConfigureDevice(t.name, wgtypes.Config{PrivateKey: &cfg, ReplacePeers: true, Peers: peers})
	if err == nil {
		err = linkUp(t.name)
	}
	if err != nil {
		return errors.Join(upError(err), t.Down())
	}
	return nil
}

// readTunnel takes from a wg0.conf what a handshake needs.
func readTunnel(ctx context.Context, conf []byte) (key wgtypes.Key, peers []wgtypes.PeerConfig, err error) {
	bad := func(err error, detail string) error {
		return &wgcheck.Error{Step: wgcheck.StepConf, Reason: wgcheck.BadConf, Detail: detail, Err: err}
	}
	cfg, err := wgconf.ParseFile(conf)
	if err != nil {
		return key, nil, bad(err, err.Error())
	}
	key, ok := cfg.Interface.PrivateKey.Reveal()
	if !ok {
		return key, nil, bad(nil, "it has no private key")
	}
	keepalive := checkKeepalive
	for _, p := range cfg.Peers {
		peer := wgtypes.PeerConfig{PublicKey: p.PublicKey, PersistentKeepaliveInterval: &keepalive, ReplaceAllowedIPs: true}
		if psk, ok := p.PresharedKey.Reveal(); ok {
			peer.PresharedKey = &psk
		}
		if p.Endpoint.Port != 0 {
			peer.Endpoint, err = lookUp(ctx, p.Endpoint)
			if err != nil {
				return key, nil, &wgcheck.Error{Step: wgcheck.StepUp, Reason: wgcheck.NameNotFound, Detail: p.Endpoint.String(), Err: err}
			}
		}
		for _, a := range p.AllowedIPs {
			peer.AllowedIPs = append(peer.AllowedIPs, net.IPNet{IP: a.Addr().AsSlice(), Mask: net.CIDRMask(a.Bits(), a.Addr().BitLen())})
		}
		peers = append(peers, peer)
	}
	return key, peers, nil
}

func lookUp(ctx context.Context, e wgconf.Endpoint) (*net.UDPAddr, error) {
	if a, err := netip.ParseAddr(e.Host); err == nil {
		return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, e.Port)), nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", e.Host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs { // as wg(8) does
		if a.Unmap().Is4() {
			return net.UDPAddrFromAddrPort(netip.AddrPortFrom(a.Unmap(), e.Port)), nil
		}
	}
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(addrs[0], e.Port)), nil
}

// holderOf is the interface that has a key; "" for none.
func holderOf(c *wgctrl.Client, key wgtypes.Key) string {
	devices, err := c.Devices()
	if err != nil {
		return "" // making one tells why
	}
	for _, d := range devices {
		if d.PublicKey == key {
			return d.Name
		}
	}
	return ""
}

// make makes an interface. One that an earlier check left behind is taken away first.
func (t *hostTunnel) make(ctx context.Context, c *wgctrl.Client) error {
	t.name = checkInterface
	if err := linkRemove(t.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := linkAdd(t.name, "wireguard")
	if errors.Is(err, unix.EOPNOTSUPP) {
		return t.runProgram(ctx, c)
	}
	t.made = err == nil
	return err
}

// errNoWireGuard says that neither the kernel nor a program has it.
var errNoWireGuard = errors.New("the kernel has no WireGuard, and there is no wireguard-go")

// runProgram has wireguard-go make the interface, or what wg-quick would take for it.
func (t *hostTunnel) runProgram(ctx context.Context, c *wgctrl.Client) error {
	program := os.Getenv("WG_QUICK_USERSPACE_IMPLEMENTATION")
	if program == "" {
		program = "wireguard-go"
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return errNoWireGuard
	}
	cmd := exec.Command(path, "-f", t.name) //nolint:noctx // Down ends it
	cmd.Env = append(os.Environ(), "LOG_LEVEL=silent", "WG_PROCESS_FOREGROUND=1")
	if err := cmd.Start(); err != nil {
		return err
	}
	t.program, t.ended = cmd, make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(t.ended)
	}()
	ctx, cancel := context.WithTimeout(ctx, programStart)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond) // its socket appears when it is ready; nothing tells of it
	defer tick.Stop()
	for {
		if _, err := c.Device(t.name); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-t.ended:
			return fmt.Errorf("%s ended at once: %s", program, cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", program, ctx.Err())
		}
	}
}

// Status implements [wgcheck.Tunnel].
func (t *hostTunnel) Status(ctx context.Context) (wgcheck.Interface, error) {
	return wgcheck.Named(t.name).Read(ctx)
}

// Down implements [wgcheck.Tunnel].
func (t *hostTunnel) Down() error {
	var errs []error
	if t.program != nil {
		errs = append(errs, t.program.Process.Signal(unix.SIGTERM))
		select {
		case <-t.ended:
		case <-time.After(programEnd):
			errs = append(errs, t.program.Process.Kill())
			<-t.ended
		}
	}
	if t.made {
		errs = append(errs, linkRemove(t.name))
	}
	t.program, t.made = nil, false
	for i, err := range errs {
		if errors.Is(err, os.ErrProcessDone) || errors.Is(err, fs.ErrNotExist) {
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// upError says why an interface did not come up.
func upError(err error) error {
	e := &wgcheck.Error{Step: wgcheck.StepUp, Reason: wgcheck.UpFailed, Detail: strings.TrimSpace(err.Error()), Err: err}
	switch {
	case errors.Is(err, errNoWireGuard):
		e.Reason, e.Detail = wgcheck.Unsupported, err.Error()
	case errors.Is(err, fs.ErrPermission):
		e.Reason, e.Detail = wgcheck.Denied, ""
	}
	return e
}

var _ wgcheck.Tunnel = (*hostTunnel)(nil)
