package device

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
	"provstation/station"
	"provstation/station/stationtest"
	"provstation/station/wgconf"
)

// open gives a line whose far end is a device.
func open(t *testing.T, near link.Transport, cfg Config) *line {
	t.Helper()
	cfg.OpenPort = func(string, int) (link.Transport, error) { return near, nil }
	ln, err := NewConnector(cfg).Open(t.Context(), station.PortInfo{Path: "/dev/ttyTEST0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.(*line)
}

// serve runs a device until the test ends.
func serve(t *testing.T, run func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

// peer opens a line to a scripted device and greets it.
func peer(t *testing.T, p *prototest.Peer, max int) *line {
	t.Helper()
	near, far := prototest.Pipe(prototest.Config{})
	serve(t, func(ctx context.Context) { _ = link.NewDevice(far, link.DeviceConfig{MaxMessage: max}, p).Serve(ctx) })
	l := open(t, near, Config{})
	greet(t, l)
	return l
}

// realAgent opens a line to a real agent over its own files and greets it. Its clock is the system's.
func realAgent(t *testing.T, max int) *line {
	t.Helper()
	return agentOn(t, max, prototest.Config{})
}

// agentOn is realAgent on such a line.
func agentOn(t *testing.T, max int, cfg prototest.Config) *line {
	t.Helper()
	store, err := filestore.Open(t.TempDir(), filestore.Config{Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(store, agent.Config{
		Model: "box", Serial: "SN-0001", Firmware: "1.2.3", Reenroll: serialproto.ReenrollOpen, SignTLS12: true,
		CompleteWG: func(conf []byte, priv [32]byte) ([]byte, error) { return wgconf.Complete(conf, wgtypes.Key(priv)) },
		StripWG:    wgconf.WithoutPrivateKey, Link: link.DeviceConfig{MaxMessage: max},
	})
	if err != nil {
		t.Fatal(err)
	}
	near, far := prototest.Pipe(cfg)
	serve(t, func(ctx context.Context) { _ = a.Run(ctx, far) })
	l := open(t, near, Config{})
	greet(t, l)
	return l
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func greet(t *testing.T, l *line) station.Greeting {
	t.Helper()
	g, err := l.Greet(within(t))
	if err != nil {
		t.Fatalf("greet: %v", err)
	}
	return g
}

// greetAgain ends the session and opens another.
func greetAgain(t *testing.T, l *line) station.Greeting {
	t.Helper()
	l.Bye(within(t))
	return greet(t, l)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// deviceID is the id under which devices are enrolled here.
const deviceID = "dev-001"

func key(t *testing.T, l *line, enrollID, kind string) (*x509.CertificateRequest, station.KeyAnswer) {
	t.Helper()
	return keyBefore(t, l, enrollID, kind, nil)
}

// keyBefore is key where this chain will most likely come.
func keyBefore(t *testing.T, l *line, enrollID, kind string, chain [][]byte) (*x509.CertificateRequest, station.KeyAnswer) {
	t.Helper()
	a, err := l.MakeKey(within(t), station.KeyRequest{
		DeviceID: deviceID, EnrollID: station.EnrollID([]byte(enrollID)), KeyType: kind, WireGuard: true, Chain: chain,
	})
	must(t, err)
	csr, err := x509.ParseCertificateRequest(a.CSR)
	must(t, err)
	return csr, a
}

func bundle(t *testing.T, p *stationtest.PKI, csr []byte, enrollID string) station.Bundle {
	t.Helper()
	server, err := wgtypes.GeneratePrivateKey()
	must(t, err)
	conf, err := wgconf.Parse([]byte("[Interface]\nAddress = 10.8.1.2/16\n\n[Peer]\nPublicKey = " + server.PublicKey().String() +
		"\nAllowedIPs = 10.8.0.0/16\nEndpoint = vpn.tenant.example:51820\n"))
	must(t, err)
	return station.Bundle{
		EnrollID: station.EnrollID([]byte(enrollID)), Leaf: p.Issue(t, csr),
		Chain: [][]byte{p.Sub.Cert.Raw, p.ICA.Cert.Raw, p.Root.Cert.Raw}, WGConf: wgconf.Render(conf),
	}
}

func short(b []byte) []byte { s := sha256.Sum256(b); return s[:8] }

// installed fails unless the device read back what was sent.
func installed(t *testing.T, b station.Bundle, back station.Readback, err error) {
	t.Helper()
	must(t, err)
	for name, data := range map[string][]byte{
		station.ObjectLeaf: b.Leaf, station.ObjectChain: bytes.Join(b.Chain[:2], nil), station.ObjectAnchors: bytes.Join(b.Chain, nil),
		station.ObjectTunnel: b.WGConf,
	} {
		if !bytes.Equal(back[name], short(data)) {
			t.Errorf("%s reads back as %x, want %x", name, back[name], short(data))
		}
	}
	if len(back) != 4 {
		t.Errorf("read back %d objects, want 4", len(back))
	}
}

// sent is how many bytes f sends.
func sent(l *line, f func()) uint64 {
	before, _ := l.Traffic()
	f()
	after, _ := l.Traffic()
	return after - before
}
