package devstack

import (
	"log/slog"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto/agent"
)

// A device has a tunnel by the wg0.conf that it got, unless it is to have none.
func TestDeviceBringsItsTunnelUp(t *testing.T) {
	own, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	conf := agent.Secret(wgConf("edge-1", "10.8.1.2", own.String(), own.PublicKey().String(), "127.0.0.1:51820"))
	for _, off := range []bool{false, true} {
		d := &tunnelled{log: slog.New(slog.DiscardHandler), off: off}
		t.Cleanup(func() { d.use(nil) })
		d.use(conf)
		if _, err := d.tun.Status(t.Context()); (err != nil) != off {
			t.Errorf("without tunnels %v: the state of its tunnel is told with %v", off, err)
		}
	}
}
