package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/stationtest"
	"provstation/station/wgcheck"
	"provstation/station/wgconf"
	"provstation/station/wgnet"
)

// tunnelRig is a WireGuard server, the real agent, and the state folder of a device.
type tunnelRig struct {
	agent, program, dir string
	server              *wgnet.End
	at                  netip.AddrPort
	key                 wgtypes.Key // the device's private
}

// newTunnelRig needs root and TUN devices. This host's kernel may have WireGuard or not: wireguard-go, built from the module
// that the station links, stands by.
func newTunnelRig(t *testing.T) *tunnelRig {
	t.Helper()
	if _, err := os.Stat("/dev/net/tun"); err != nil || os.Geteuid() != 0 {
		if os.Getenv(stationtest.RequireReal) == "1" && os.Geteuid() == 0 {
			t.Fatalf("no TUN devices: %v", err)
		}
		t.Skip("needs root and /dev/net/tun")
	}
	r := &tunnelRig{agent: built(t), program: filepath.Join(t.TempDir(), "wireguard-go"), dir: t.TempDir(), key: privateKey(t)}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", r.program, "golang.zx2c4.com/wireguard")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build wireguard-go: %v\n%s", err, out)
	}
	var err error
	if r.server, err = wgnet.Open(wgnet.Config{Key: wgconf.NewSecret(privateKey(t)), Listen: netip.MustParseAddrPort("127.0.0.1:0")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.server.Close() })
	if err := r.server.SetPeer(wgnet.Peer{Key: r.key.PublicKey(), AllowedIPs: []netip.Prefix{netip.MustParsePrefix("10.8.1.2/32")}}); err != nil {
		t.Fatal(err)
	}
	i, err := r.server.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.at = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), i.ListenPort)
	return r
}

func privateKey(t *testing.T) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// conf writes the device's wg0.conf.
func (r *tunnelRig) conf(t *testing.T, key, server wgtypes.Key) {
	t.Helper()
	text := fmt.Sprintf("[Interface]\nPrivateKey = %s\nAddress = 10.8.1.2/16\nDNS = 10.8.0.1\n\n[Peer]\nPublicKey = %s\nEndpoint = %s\nAllowedIPs = 10.8.0.0/16\n", key, server, r.at)
	if err := os.WriteFile(filepath.Join(r.dir, "wg0.conf"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// check runs the agent's check as a user.
func (r *tunnelRig) check(t *testing.T, uid uint32, program string, args ...string) (code int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.agent, append([]string{"check-tunnel", "--state-dir", r.dir}, args...)...)
	cmd.Env = append(os.Environ(), "WG_QUICK_USERSPACE_IMPLEMENTATION="+program)
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), r.key.String()) {
		t.Error("the private key is in what was said")
	}
	return cmd.ProcessState.ExitCode(), b.String()
}

func interfaces(t *testing.T) (names []string) {
	t.Helper()
	list, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range list {
		names = append(names, l.Name)
	}
	return names
}

// The agent's own way: an interface of this host, by the kernel or by wireguard-go, configured and read by wgctrl.
func TestCheckTunnel(t *testing.T) {
	r := newTunnelRig(t)
	before := interfaces(t)
	r.conf(t, r.key, r.server.PublicKey())
	if code, out := r.check(t, 0, r.program); code != exitOK || !strings.Contains(out, r.server.PublicKey().String()) || !strings.Contains(out, r.at.String()) {
		t.Errorf("got exit code %d, %s, want a handshake with the server", code, out)
	}
	i, err := r.server.Status(t.Context())
	if err != nil || len(i.Peers) != 1 || time.Since(i.Peers[0].Handshake) > time.Minute {
		t.Errorf("got %+v, %v, want the server to have seen it", i.Peers, err)
	}
	if after := interfaces(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("got interfaces %v, want %v as before", after, before)
	}
	r.conf(t, r.key, privateKey(t).PublicKey())
	if code, out := r.check(t, 0, r.program, "--wait", "1s"); code != exitError || !strings.Contains(out, "did not answer") || !strings.Contains(out, "check the endpoint") {
		t.Errorf("wrong server key: got exit code %d, %s, want exit code 1 and a hint", code, out)
	}
	if after := interfaces(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("got interfaces %v, want %v as before", after, before)
	}
}

func TestCheckTunnelCannot(t *testing.T) {
	r := newTunnelRig(t)
	r.conf(t, r.key, r.server.PublicKey())
	kernel := kernelHasWireGuard(t)
	code, out := r.check(t, 0, "/nowhere/wireguard-go")
	if kernel && code != exitOK || !kernel && (code != exitError || !strings.Contains(out, "install the kernel module or wireguard-go")) {
		t.Errorf("without the program: got exit code %d, %s", code, out)
	}
	for _, path := range []string{filepath.Dir(r.agent), filepath.Dir(filepath.Dir(r.agent)), r.dir} {
		if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // another user runs what is in it
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(r.dir, "wg0.conf"), 0o644); err != nil { //nolint:gosec // a file of this test
		t.Fatal(err)
	}
	if code, out := r.check(t, 65534, r.program); code != exitError || !strings.Contains(out, "CAP_NET_ADMIN") {
		t.Errorf("as nobody: got exit code %d, %s, want a word about the right", code, out)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "wg0.conf"), []byte("PostUp = reboot\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := r.check(t, 0, r.program); code != exitError || !strings.Contains(out, "wg0.conf cannot be used") {
		t.Errorf("a hook: got exit code %d, %s", code, out)
	}
	if code, _ := r.check(t, 0, r.program, "--wait", "0s"); code != exitUsage {
		t.Errorf("no time: got exit code %d, want %d", code, exitUsage)
	}
}

func kernelHasWireGuard(t *testing.T) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ip", "link", "add", "wgtest0", "type", "wireguard").CombinedOutput()
	if err != nil {
		t.Logf("the kernel has no WireGuard: %s", out)
		return false
	}
	_ = exec.CommandContext(t.Context(), "ip", "link", "del", "wgtest0").Run()
	return true
}

// An interface that has the device's key already, as wg-quick made it, is looked at and left as it is.
func TestCheckTunnelThatIsUp(t *testing.T) {
	r := newTunnelRig(t)
	const name = "provtest0"
	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, r.program, "-f", name)
	cmd.Env = append(os.Environ(), "LOG_LEVEL=silent")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
	})
	c, err := wgctrl.New()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	keepalive := 25 * time.Second
	all := net.IPNet{IP: net.IPv4(10, 8, 0, 0).To4(), Mask: net.CIDRMask(16, 32)}
	conf := wgtypes.Config{PrivateKey: &r.key, Peers: []wgtypes.PeerConfig{{
		PublicKey: r.server.PublicKey(), Endpoint: net.UDPAddrFromAddrPort(r.at), PersistentKeepaliveInterval: &keepalive, AllowedIPs: []net.IPNet{all},
	}}}
	tick, late := time.NewTicker(20*time.Millisecond), time.After(5*time.Second)
	defer tick.Stop()
	for err = errors.New("not yet"); err != nil; {
		select {
		case <-tick.C:
			err = c.ConfigureDevice(name, conf)
		case <-late:
			t.Fatalf("wireguard-go does not answer: %v", err)
		}
	}
	if err := linkUp(name); err != nil {
		t.Fatal(err)
	}
	before := interfaces(t)
	r.conf(t, r.key, r.server.PublicKey())
	if code, out := r.check(t, 0, "/nowhere/wireguard-go"); code != exitOK || !strings.Contains(out, r.server.PublicKey().String()) {
		t.Errorf("got exit code %d, %s, want a handshake with the server", code, out)
	}
	if after := interfaces(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("got interfaces %v, want %v as before", after, before)
	}
	if _, err := c.Device(name); err != nil {
		t.Errorf("the interface is gone: %v", err)
	}
}

// What a station asks for over the line: where the tunnel is not up, it is brought up for the check, and told of.
func TestBringUp(t *testing.T) {
	r := newTunnelRig(t)
	t.Setenv("WG_QUICK_USERSPACE_IMPLEMENTATION", r.program)
	before := interfaces(t)
	look := wgTunnel{name: "provnone0", device: wgDevice, port: discardPort, bringUp: bringUp}
	check := func(server wgtypes.Key, limit time.Duration) serialproto.CheckWGResult {
		r.conf(t, r.key, server)
		conf, err := os.ReadFile(filepath.Join(r.dir, "wg0.conf"))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return look.Check(ctx, agent.TunnelCheck{Args: serialproto.CheckWGArgs{Seconds: 20}, Conf: conf})
	}
	pub, server := r.key.PublicKey(), r.server.PublicKey()
	if got := check(server, 20*time.Second); !got.OK || !bytes.Equal(got.Own, pub[:]) || !bytes.Equal(got.Peer, server[:]) || got.Handshake == 0 {
		t.Errorf("got %+v, want a handshake between the two keys", got)
	}
	if got := check(privateKey(t).PublicKey(), 2*time.Second); got.OK || got.Reason != string(wgcheck.NoAnswer) || got.Sentence == "" || got.Sent == 0 {
		t.Errorf("wrong server key: got %+v, want no answer", got)
	}
	if after := interfaces(t); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("got interfaces %v, want %v as before", after, before)
	}
	look.bringUp = nil
	if got := check(server, 2*time.Second); got.OK || got.Reason != reasonNoInterface {
		t.Errorf("without the leave to: got %+v, want no interface", got)
	}
}
