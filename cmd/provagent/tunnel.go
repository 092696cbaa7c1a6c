package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/onbox"
	"provstation/station/wgconf"
)

// wgTunnel looks at the box's WireGuard interface, which is brought up by others (wg-quick, systemd-networkd), or
// by itself for a check where that is allowed.
type wgTunnel struct {
	name   string
	device func(name string) (*wgtypes.Device, error)
	port   string // to send to within the tunnel

	// bringUp checks a tunnel that is not up; nil: that is left to others.
	bringUp func(ctx context.Context, c agent.TunnelCheck) serialproto.CheckWGResult
}

var _ agent.Tunnel = wgTunnel{}

// wgDevice asks the kernel, or a userspace implementation.
func wgDevice(name string) (*wgtypes.Device, error) {
	c, err := wgctrl.New()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Device(name)
}

const (
	// freshHandshake: a session is dead after so long without one (REJECT_AFTER_TIME of the WireGuard protocol).
	freshHandshake = 180 * time.Second
	lookEvery      = 200 * time.Millisecond
	wakeEvery      = time.Second
	discardPort    = "9" // RFC 863
)

// Steps of a tunnel check, and the reasons why one fails.
const (
	stepInterface = "interface"
	stepPeer      = "peer"
	stepHandshake = "handshake"

	reasonConf        = "bad-config"
	reasonNoInterface = "no-interface"
	reasonDenied      = "denied"
	reasonOtherKey    = "other-key"
	reasonNoPeer      = "no-peer"
	reasonNoHandshake = "no-handshake"
)

// looking is a check under way.
type looking struct {
	res   serialproto.CheckWGResult
	begun time.Time
}

func (l *looking) end(step, text string) {
	l.step(step, text, true)
	l.begun = time.Now()
}

func (l *looking) fail(step, reason, format string, args ...any) serialproto.CheckWGResult {
	l.res.Reason, l.res.Sentence = reason, onbox.Printable(fmt.Sprintf(format, args...), serialproto.MaxSentence)
	l.step(step, reason, false)
	return l.res
}

func (l *looking) step(name, text string, ok bool) {
	l.res.Steps = append(l.res.Steps, serialproto.CheckStep{
		Name: name, Attempt: 1, OK: ok, Took: microseconds(time.Since(l.begun)), Text: onbox.Printable(text, 160),
	})
}

// Check waits for a handshake with the peer of wg0.conf, by the key of wg0.conf.
func (t wgTunnel) Check(ctx context.Context, c agent.TunnelCheck) serialproto.CheckWGResult {
	l := &looking{begun: time.Now()}
	conf, err := wgconf.ParseFile(c.Conf)
	if err != nil || len(conf.Peers) == 0 {
		return l.fail(stepInterface, reasonConf, "The device's %s does not parse.", "wg0.conf")
	}
	own, _ := conf.Interface.PrivateKey.PublicKey()
	want := conf.Peers[0].PublicKey
	dev, err := t.device(t.name)
	switch {
	case errors.Is(err, os.ErrNotExist) && t.bringUp != nil:
		return t.bringUp(ctx, c)
	case errors.Is(err, os.ErrNotExist):
		return l.fail(stepInterface, reasonNoInterface, "The device has no WireGuard interface %s. Its tunnel is not up.", t.name)
	case err != nil:
		return l.fail(stepInterface, reasonDenied, "The device's interface %s cannot be asked: %v", t.name, err)
	}
	l.res.Own = dev.PublicKey[:]
	if dev.PublicKey != own {
		return l.fail(stepInterface, reasonOtherKey, "The device's interface %s has another key than its wg0.conf. It was not brought up anew.", t.name)
	}
	l.end(stepInterface, t.name)
	if _, ok := peerOf(dev, want); !ok {
		return l.fail(stepPeer, reasonNoPeer, "The device's interface %s does not have the peer of its wg0.conf.", t.name)
	}
	l.res.Peer = want[:]
	l.end(stepPeer, want.String())
	return t.await(ctx, l, want, c.Args.Wake)
}

// await looks again and again until the peer has shaken hands.
func (t wgTunnel) await(ctx context.Context, l *looking, want wgtypes.Key, wake string) serialproto.CheckWGResult {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	var woken time.Time
	for {
		if dev, err := t.device(t.name); err == nil {
			if p, ok := peerOf(dev, want); ok && l.saw(p) {
				l.end(stepHandshake, l.res.Endpoint)
				l.res.OK = true
				return l.res
			}
		}
		if wake != "" && time.Since(woken) >= wakeEvery {
			woken = time.Now()
			sendTo(ctx, net.JoinHostPort(wake, t.port))
		}
		select {
		case <-ctx.Done():
			return l.fail(stepHandshake, reasonNoHandshake, "The server did not shake hands. It may not know this device's key, or not be reachable.")
		case <-look.C:
		}
	}
}

// saw takes what the interface says of the peer, and reports whether its session is alive.
func (l *looking) saw(p wgtypes.Peer) bool {
	if p.Endpoint != nil {
		l.res.Endpoint = onbox.Printable(p.Endpoint.String(), 64)
	}
	l.res.Received, l.res.Sent = uint64(max(p.ReceiveBytes, 0)), uint64(max(p.TransmitBytes, 0))
	if p.LastHandshakeTime.Unix() <= 0 {
		return false
	}
	l.res.Handshake = p.LastHandshakeTime.UnixMicro()
	return time.Since(p.LastHandshakeTime) < freshHandshake
}

func peerOf(dev *wgtypes.Device, key wgtypes.Key) (wgtypes.Peer, bool) {
	for _, p := range dev.Peers {
		if p.PublicKey == key {
			return p, true
		}
	}
	return wgtypes.Peer{}, false
}

// sendTo sends one datagram into the tunnel: a handshake begins when there is something to send. Whether it arrives is not
// what is asked.
func sendTo(ctx context.Context, addr string) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", addr)
	if err != nil {
		return // no route: the handshake will tell
	}
	_, _ = c.Write([]byte{0})
	_ = c.Close()
}

func microseconds(d time.Duration) uint64 { return uint64(max(d.Microseconds(), 0)) }
