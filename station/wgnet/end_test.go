package wgnet

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/wgcheck"
	"provstation/station/wgconf"
)

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func newKey(t *testing.T) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func prefixes(text ...string) (list []netip.Prefix) {
	for _, s := range text {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// open opens an end that ends with the test.
func open(t *testing.T, cfg Config) *End {
	t.Helper()
	e, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// server opens a server that knows the given keys under 10.8.1.2, 10.8.1.3, ...
func server(t *testing.T, keys ...wgtypes.Key) (*End, netip.AddrPort) {
	t.Helper()
	e := open(t, Config{
		Key: wgconf.NewSecret(newKey(t)), Listen: loopback, Forward: true,
		Addresses: []netip.Addr{netip.MustParseAddr("10.8.0.1"), netip.MustParseAddr("fd08::1")},
	})
	for n, k := range keys {
		if err := e.SetPeer(Peer{Key: k, AllowedIPs: prefixes(fmt.Sprintf("10.8.1.%d/32", n+2), fmt.Sprintf("fd08::1:%d/128", n+2))}); err != nil {
			t.Fatal(err)
		}
	}
	i, err := e.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e, netip.AddrPortFrom(loopback.Addr(), i.ListenPort)
}

// conf is the n-th device's wg0.conf.
func conf(key wgtypes.Key, n int, server wgtypes.Key, at netip.AddrPort) []byte {
	return fmt.Appendf(nil, "[Interface]\nPrivateKey = %s\nAddress = 10.8.1.%d/16, fd08::1:%d/64\n\n[Peer]\nPublicKey = %s\nEndpoint = %s\nAllowedIPs = 10.8.0.0/16, fd08::/64\n",
		key, n+2, n+2, server, at)
}

// up brings a tunnel up that ends with the test.
func up(t *testing.T, conf []byte) *Tunnel {
	t.Helper()
	tun := &Tunnel{}
	if err := tun.Up(t.Context(), conf); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tun.Down(); err != nil {
			t.Errorf("down: %v", err)
		}
	})
	return tun
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestPing(t *testing.T) {
	a, b := newKey(t), newKey(t)
	srv, at := server(t, a.PublicKey(), b.PublicKey())
	first, second := up(t, conf(a, 0, srv.PublicKey(), at)), up(t, conf(b, 1, srv.PublicKey(), at))
	if first.Server() != srv.PublicKey() {
		t.Errorf("got server %s, want %s", first.Server(), srv.PublicKey())
	}
	for _, to := range []string{"10.8.0.1", "fd08::1", "10.8.1.3", "fd08::1:3"} {
		if _, err := first.Ping(within(t, 5*time.Second), netip.MustParseAddr(to)); err != nil {
			t.Errorf("ping %s: %v", to, err)
		}
	}
	for _, tun := range []*Tunnel{first, second} {
		if at, err := tun.Handshake(); err != nil || time.Since(at).Abs() > time.Minute {
			t.Errorf("got handshake at %s, %v, want just now", at, err)
		}
	}
	i, err := srv.Status(t.Context())
	if err != nil || len(i.Peers) != 2 || i.PublicKey != srv.PublicKey() {
		t.Fatalf("got %+v, %v, want the server with two peers", i, err)
	}
	for _, p := range i.Peers {
		if p.Handshake.IsZero() || p.Received == 0 || p.Sent == 0 || !p.Endpoint.Addr().IsLoopback() {
			t.Errorf("got peer %+v, want one that was heard of", p)
		}
	}
	if _, err := first.Ping(within(t, 100*time.Millisecond), netip.MustParseAddr("10.8.9.9")); err == nil {
		t.Error("got an answer from nobody")
	}
}

// An address is one peer's. A key that comes later takes it, as it does when a device is enrolled again.
func TestAddressMoves(t *testing.T) {
	old, young := newKey(t), newKey(t)
	srv, at := server(t, old.PublicKey())
	if err := srv.SetPeer(Peer{Key: young.PublicKey(), AllowedIPs: prefixes("10.8.1.2/32")}); err != nil {
		t.Fatal(err)
	}
	tun := up(t, conf(young, 0, srv.PublicKey(), at))
	if _, err := tun.Ping(within(t, 5*time.Second), netip.MustParseAddr("10.8.0.1")); err != nil {
		t.Fatal(err)
	}
	srv.RemovePeer(old.PublicKey())
	i, err := srv.Status(t.Context())
	if err != nil || len(i.Peers) != 1 || i.Peers[0].PublicKey != young.PublicKey() {
		t.Errorf("got %+v, %v, want the younger key alone", i.Peers, err)
	}
}

func TestDevice(t *testing.T) {
	key := newKey(t)
	srv, at := server(t, key.PublicKey())
	other := newKey(t).PublicKey()
	dead := open(t, Config{Key: wgconf.NewSecret(newKey(t)), Listen: loopback}) // knows nobody
	di, err := dead.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		conf []byte
		want wgcheck.Reason
		step wgcheck.Step
	}{
		"good":             {conf(key, 0, srv.PublicKey(), at), "", ""},
		"wrong server key": {conf(key, 0, other, at), wgcheck.NoAnswer, wgcheck.StepHandshake},
		"a key the server does not know": {
			conf(newKey(t), 0, srv.PublicKey(), at), wgcheck.NoAnswer, wgcheck.StepHandshake,
		},
		"another server":   {conf(key, 0, dead.PublicKey(), netip.AddrPortFrom(loopback.Addr(), di.ListenPort)), wgcheck.NoAnswer, wgcheck.StepHandshake},
		"no endpoint":      {fmt.Appendf(nil, "[Interface]\nPrivateKey = %s\nAddress = 10.8.1.2\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.8.0.0/16\n", key, srv.PublicKey()), wgcheck.NothingSent, wgcheck.StepHandshake},
		"unknown name":     {fmt.Appendf(nil, "[Interface]\nPrivateKey = %s\nAddress = 10.8.1.2\n[Peer]\nPublicKey = %s\nEndpoint = nobody.invalid:1\n", key, srv.PublicKey()), wgcheck.NameNotFound, wgcheck.StepUp},
		"not a wg0.conf":   {[]byte("PostUp = reboot\n"), wgcheck.BadConf, wgcheck.StepConf},
		"no private key":   {fmt.Appendf(nil, "[Interface]\nAddress = 10.8.1.2\n[Peer]\nPublicKey = %s\n", srv.PublicKey()), wgcheck.BadConf, wgcheck.StepConf},
		"private key of 0": {conf(wgtypes.Key{}, 0, srv.PublicKey(), at), wgcheck.BadConf, wgcheck.StepConf},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			patience := 700 * time.Millisecond
			if tt.want == "" {
				patience = 10 * time.Second
			}
			var told []wgcheck.StepResult
			r, err := wgcheck.Device(t.Context(), &Tunnel{}, tt.conf, patience, func(s wgcheck.StepResult) { told = append(told, s) })
			if got := wgcheck.ReasonOf(err); got != tt.want {
				t.Fatalf("got %v, want reason %q", err, tt.want)
			}
			if len(told) == 0 || len(told) != len(r.Steps) {
				t.Errorf("told of %d steps, the report has %d", len(told), len(r.Steps))
			}
			if tt.want == "" {
				if wgtypes.Key(r.Own) != key.PublicKey() || wgtypes.Key(r.Peer) != srv.PublicKey() || r.Handshake.IsZero() || r.Endpoint != at {
					t.Errorf("got report %+v, want the keys of both ends", r)
				}
				return
			}
			e := err.(*wgcheck.Error) //nolint:errorlint // what Device documents
			if e.Step != tt.step || e.Hint() == "" || e.Sentence() == "" {
				t.Errorf("got step %s, hint %q, sentence %q, want step %s with both", e.Step, e.Hint(), e.Sentence(), tt.step)
			}
		})
	}
}

func TestDeviceCanceled(t *testing.T) {
	key := newKey(t)
	ctx, cancel := context.WithCancel(t.Context())
	told := func(s wgcheck.StepResult) {
		if s.Step == wgcheck.StepUp {
			cancel()
		}
	}
	_, err := wgcheck.Device(ctx, &Tunnel{}, conf(key, 0, newKey(t).PublicKey(), netip.MustParseAddrPort("127.0.0.1:9")), time.Minute, told)
	if got := wgcheck.ReasonOf(err); got != wgcheck.Canceled {
		t.Errorf("got %v, want canceled", err)
	}
}

func TestClosedTunnel(t *testing.T) {
	tun := &Tunnel{}
	if err := tun.Down(); err != nil {
		t.Errorf("down: %v", err)
	}
	if _, err := tun.Status(t.Context()); err == nil {
		t.Error("got nil, want an error of a tunnel that is down")
	}
	if _, err := tun.Ping(t.Context(), netip.MustParseAddr("10.8.0.1")); err == nil {
		t.Error("got nil, want an error of a tunnel that is down")
	}
	if tun.Server() != (wgtypes.Key{}) {
		t.Error("got a server, want none")
	}
}
