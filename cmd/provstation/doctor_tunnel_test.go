package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station/config"
	"provstation/station/wgconf"
	"provstation/station/wgnet"
)

func TestDoctorTunnel(t *testing.T) {
	newKey := func() wgtypes.Key {
		k, err := wgtypes.GeneratePrivateKey()
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	own := newKey()
	server, err := wgnet.Open(wgnet.Config{Key: wgconf.NewSecret(newKey()), Listen: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if err := server.SetPeer(wgnet.Peer{Key: own.PublicKey()}); err != nil {
		t.Fatal(err)
	}
	i, err := server.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conf := func(server wgtypes.Key) string {
		return fmt.Sprintf("[Interface]\nPrivateKey = %s\nAddress = 10.8.0.2\n\n[Peer]\nPublicKey = %s\nEndpoint = 127.0.0.1:%d\nAllowedIPs = 10.8.0.0/16\n", own, server, i.ListenPort)
	}
	p := newPatient(t)
	check := func(limit time.Duration, wants ...expect) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		got := p.checkTunnel(ctx)
		for _, w := range wants {
			w.in(t, got)
		}
	}
	w := &p.cfg.WireGuard
	w.Mode, w.Server = config.WGServer, filepath.Join(t.TempDir(), "none.sock")
	check(time.Minute, expect{"tunnel", checkFail, "no such file", "wireguard.server"})

	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "unix", w.Server)
	if err != nil {
		t.Fatal(err)
	}
	server.ServeSocket(l)
	check(time.Minute, expect{"tunnel", checkOK, "1 peers, public key " + server.PublicKey().String(), ""})
	w.ServerKey = own.PublicKey().String()
	check(time.Minute, expect{"tunnel", checkFail, server.PublicKey().String(), "wireguard.server_key"})

	w.Mode, w.TunnelFile = config.WGPing, p.file("own.conf", conf(server.PublicKey()), 0o600)
	check(time.Minute, expect{"tunnel", checkOK, "shakes hands", ""})
	w.TunnelFile = p.file("open.conf", conf(server.PublicKey()), 0o644)
	check(time.Minute, expect{"tunnel", checkWarn, "others may read", "chmod 600"}, expect{"tunnel", checkOK, "shakes hands", ""})
	w.TunnelFile = p.file("wrong.conf", conf(newKey().PublicKey()), 0o600)
	check(checkGrace+time.Second, expect{"tunnel", checkFail, "did not answer", "check the endpoint"})
	w.TunnelFile = p.file("bad.conf", "[Interface]\n", 0o600)
	check(time.Minute, expect{"tunnel", checkFail, "bad.conf", "wg0.conf"})
}
