package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/stationtest"
)

// TestDeviceRunsTheBrokerTest: a sealed device, asked over its line, connects to a real mosquitto with its own key.
func TestDeviceRunsTheBrokerTest(t *testing.T) {
	pki := stationtest.NewPKI(t)
	bin, dir := built(t), t.TempDir()
	near, far, state := filepath.Join(dir, "near"), filepath.Join(dir, "far"), filepath.Join(dir, "state")
	cable(t, near, far)
	serving := start(t, bin, "serve", "--tty", far, "--state-dir", state, "--baud", "0", "--allow-server", "localhost")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	provision(ctx, t, near, pki, func(csr []byte) []byte {
		return pki.Issue(t, csr, stationtest.ExtKeyUsage(x509.ExtKeyUsageClientAuth))
	}, "", "")
	broker := mosquittoOf(t, dir, pki)
	h := station(t, near)
	if _, err := h.Greet(ctx); err != nil {
		t.Fatal(err)
	}
	ask := serialproto.CheckMQTTArgs{
		Op: serialproto.OpCheckMQTT, Host: "127.0.0.1", Port: uint16(broker.Port), ServerName: "localhost", Password: []byte("very-secret"),
		User: "u", Seconds: 20,
	}
	var r serialproto.CheckMQTTResult
	if err := h.Call(ctx, ask, &r); err != nil {
		t.Fatalf("%v\n%s", err, serving.out)
	}
	var names []string
	for _, s := range r.Steps {
		if !s.OK {
			t.Errorf("step %s failed", s.Name)
		}
		names = append(names, s.Name)
	}
	if want := "resolve tcp tls certificate connack publish"; !r.OK || r.Proof != "broker-delivered" || r.TLS != 0x0304 || strings.Join(names, " ") != want {
		t.Errorf("got %+v with steps %v, want a proof and the steps of a station's test", r, names)
	}

	ask.Port = uint16(stationtest.FreePort(t))
	if err := h.Call(ctx, ask, &r); err != nil || r.OK || r.Reason != "refused" || r.Failed != "tcp" || r.Sentence == "" {
		t.Errorf("nobody listens: got %+v, %v", r, err)
	}
	ask.ServerName = "ca.example"
	var se *serialproto.StatusError
	if err := h.Call(ctx, ask, &r); !errors.As(err, &se) || se.Status != serialproto.StatusRefused {
		t.Errorf("a server that the policy does not name: got %v", err)
	}
	if err := h.Call(ctx, serialproto.CheckWGArgs{Op: serialproto.OpCheckWG, Seconds: 1}, nil); !errors.As(err, &se) || se.Status != serialproto.StatusWrongState {
		t.Errorf("no tunnel: got %v", err)
	}
	if strings.Contains(serving.out.String(), "very-secret") {
		t.Error("the password is in the log")
	}
}

func mosquittoOf(t *testing.T, dir string, pki *stationtest.PKI) *stationtest.Mosquitto {
	t.Helper()
	key := stationtest.NewKey(t, "P-256")
	cert := pki.Issue(t, stationtest.NewCSR(t, key, "localhost"), stationtest.ExtKeyUsage(x509.ExtKeyUsageServerAuth))
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{}
	for name, data := range map[string]string{
		"root.pem": pki.Root.PEM(), "server.pem": stationtest.CertPEM(cert) + pki.Sub.PEM() + pki.ICA.PEM(),
		"server-key.pem": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	} {
		paths[name] = filepath.Join(dir, name)
		if err := os.WriteFile(paths[name], []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return stationtest.StartMosquitto(t, paths["root.pem"], paths["server.pem"], paths["server-key.pem"])
}

// wgKey makes a key pair.
func wgKey(t *testing.T) wgtypes.Key {
	t.Helper()
	k, err := wgtypes.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestTunnelCheck(t *testing.T) {
	own, peer, other := wgKey(t), wgKey(t), wgKey(t)
	conf := []byte("[Interface]\nPrivateKey = " + own.String() + "\nAddress = 10.8.1.2/16\n\n[Peer]\nPublicKey = " + peer.PublicKey().String() +
		"\nAllowedIPs = 10.8.0.0/16\nEndpoint = 192.0.2.1:51820\n")
	up := func(key, with wgtypes.Key, ago time.Duration) func(string) (*wgtypes.Device, error) {
		return func(name string) (*wgtypes.Device, error) {
			p := wgtypes.Peer{PublicKey: with.PublicKey(), Endpoint: &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 51820}, ReceiveBytes: 92, TransmitBytes: 148}
			if ago >= 0 {
				p.LastHandshakeTime = time.Now().Add(-ago)
			}
			return &wgtypes.Device{Name: name, PublicKey: key.PublicKey(), Peers: []wgtypes.Peer{{PublicKey: other.PublicKey()}, p}}, nil
		}
	}
	for name, tt := range map[string]struct {
		device func(string) (*wgtypes.Device, error)
		conf   []byte
		reason string
		steps  int
	}{
		"shaken hands":    {up(own, peer, time.Second), conf, "", 3},
		"long ago":        {up(own, peer, 4*time.Minute), conf, reasonNoHandshake, 3},
		"never":           {up(own, peer, -1), conf, reasonNoHandshake, 3},
		"another key":     {up(other, peer, time.Second), conf, reasonOtherKey, 1},
		"another peer":    {up(own, other, time.Second), conf, reasonNoPeer, 2},
		"not up":          {func(string) (*wgtypes.Device, error) { return nil, os.ErrNotExist }, conf, reasonNoInterface, 1},
		"not allowed":     {func(string) (*wgtypes.Device, error) { return nil, os.ErrPermission }, conf, reasonDenied, 1},
		"a file that was": {up(own, peer, time.Second), []byte("[Interface]\n"), reasonConf, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				r := wgTunnel{name: "wg0", device: tt.device, port: discardPort}.Check(ctx, agent.TunnelCheck{Conf: tt.conf})
				if r.OK != (tt.reason == "") || r.Reason != tt.reason || len(r.Steps) != tt.steps || r.Validate() != nil {
					t.Errorf("got %+v (%v), want %q after %d steps", r, r.Validate(), tt.reason, tt.steps)
				}
				if strings.Contains(r.Sentence, own.String()) {
					t.Error("the private key is in the answer")
				}
				if r.OK && (r.Endpoint != "192.0.2.1:51820" || r.Received != 92 || r.Sent != 148 || r.Handshake == 0 || string(r.Peer) != string(key32(peer.PublicKey()))) {
					t.Errorf("got %+v", r)
				}
			})
		})
	}
}

func key32(k wgtypes.Key) []byte { return k[:] }

// TestTunnelIsWoken: a handshake that comes only when there is something to send.
func TestTunnelIsWoken(t *testing.T) {
	own, peer := wgKey(t), wgKey(t)
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, port, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	woken := make(chan struct{})
	go func() {
		if _, _, err := conn.ReadFrom(make([]byte, 16)); err == nil {
			close(woken)
		}
	}()
	conf := []byte("[Interface]\nPrivateKey = " + own.String() + "\nAddress = 10.8.1.2/16\n\n[Peer]\nPublicKey = " + peer.PublicKey().String() +
		"\nAllowedIPs = 10.8.0.0/16\nEndpoint = 192.0.2.1:51820\n")
	tun := wgTunnel{name: "wg0", device: func(string) (*wgtypes.Device, error) {
		p := wgtypes.Peer{PublicKey: peer.PublicKey()}
		select {
		case <-woken:
			p.LastHandshakeTime = time.Now()
		default:
		}
		return &wgtypes.Device{PublicKey: own.PublicKey(), Peers: []wgtypes.Peer{p}}, nil
	}, port: port}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if r := tun.Check(ctx, agent.TunnelCheck{Conf: conf, Args: serialproto.CheckWGArgs{Wake: "127.0.0.1"}}); !r.OK {
		t.Errorf("got %+v", r)
	}
}

// TestStoreLockIsShared: a second process waits for the store, and gets it.
func TestStoreLockIsShared(t *testing.T) {
	dir := t.TempDir()
	release, err := lockStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() {
		again, err := lockStore(dir)
		if err == nil {
			again()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("two hold it: %v", err)
	case <-time.After(50 * time.Millisecond): // it is waiting
	}
	release()
	if err := <-got; err != nil {
		t.Error(err)
	}
}
