package mqttcheck

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"io"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// aclHook lets clients in and records what they publish.
type aclHook struct {
	mqtt.HookBase
	read, write, connect bool
	got                  chan string // what was published, if not nil
}

func (h *aclHook) ID() string { return "acl" }

func (h *aclHook) Provides(b byte) bool {
	return b == mqtt.OnConnectAuthenticate || b == mqtt.OnACLCheck || b == mqtt.OnPublished
}

func (h *aclHook) OnConnectAuthenticate(cl *mqtt.Client, _ packets.Packet) bool {
	return h.connect && cl.ID == deviceID
}

func (h *aclHook) OnACLCheck(_ *mqtt.Client, _ string, write bool) bool {
	if write {
		return h.write
	}
	return h.read
}

func (h *aclHook) OnPublished(_ *mqtt.Client, pk packets.Packet) {
	if h.got != nil {
		h.got <- pk.TopicName + " " + string(pk.Payload)
	}
}

func startMochi(t testing.TB, conf *tls.Config, hook *aclHook) netip.AddrPort {
	t.Helper()
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err := server.AddHook(hook, nil); err != nil {
		t.Fatal(err)
	}
	l := listeners.NewTCP(listeners.Config{ID: "t", Address: "127.0.0.1:0", TLSConfig: conf})
	if err := server.AddListener(l); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return netip.MustParseAddrPort(l.Address())
}

func TestMochiAccepts(t *testing.T) {
	p := newTenant(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, tc := range []struct {
			proto, spoken Protocol
			read          bool
			noEcho        bool
			proof         Proof
		}{
			{proto: ProtocolAuto, spoken: Protocol5, proof: ProofBrokerDelivered},
			{proto: Protocol5, spoken: Protocol5, proof: ProofBrokerDelivered},
			{proto: Protocol311, spoken: Protocol311, read: true, proof: ProofBrokerDelivered},
			{proto: Protocol311, spoken: Protocol311, read: false, proof: ProofBrokerAcked},
			{proto: Protocol311, spoken: Protocol311, read: true, noEcho: true, proof: ProofBrokerAcked},
		} {
			t.Run(tls.VersionName(version)+" "+string(tc.proto)+" "+string(tc.proof), func(t *testing.T) {
				hook := &aclHook{connect: true, write: true, read: tc.read, got: make(chan string, 8)}
				cfg := p.config(startMochi(t, p.serverTLS(t), hook))
				cfg.TLSMin, cfg.TLSMax, cfg.Protocol, cfg.NoEcho = version, version, tc.proto, tc.noEcho
				var seen []StepResult
				cfg.Progress = func(s StepResult) { seen = append(seen, s) }
				id := p.device(t, newKey(t))
				res, err := Check(t.Context(), cfg, id)
				passed(t, res, err, tc.proof, tc.spoken)
				if res.TLSVersion != version {
					t.Errorf("got %s, want %s", res.TLSName(), tls.VersionName(version))
				}
				if len(seen) != len(res.Steps) {
					t.Errorf("got %d progress calls, want %d", len(seen), len(res.Steps))
				}
				key := id.Signer.(*remoteKey)
				if n := key.calls.Load(); n != 1 {
					t.Errorf("got %d device signatures, want 1", n)
				}
				// RFC 8446 4.4.3: 64 + 34 + 32 bytes; TLS 1.2: the transcript.
				if size := key.sizes[0]; (version == tls.VersionTLS13) != (size == 130) {
					t.Errorf("got a message of %d bytes to sign on %s", size, tls.VersionName(version))
				}
				// mochi acknowledges before it tells the hook.
				select {
				case got := <-hook.got:
					if got != `v1/devices/me/telemetry {"test": 1}` {
						t.Errorf("got message %q first, want the documented one", got)
					}
				case <-time.After(10 * time.Second):
					t.Error("got no message at the broker")
				}
			})
		}
	}
}

func TestEachKeyType(t *testing.T) {
	p := newTenant(t)
	addr := startMochi(t, p.serverTLS(t), &aclHook{connect: true, write: true})
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"P-384": p384, "Ed25519": ed} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(name+" "+tls.VersionName(version), func(t *testing.T) {
				cfg := p.config(addr)
				cfg.TLSMin, cfg.TLSMax = version, version
				res, err := Check(t.Context(), cfg, p.device(t, key))
				passed(t, res, err, ProofBrokerDelivered, Protocol5)
			})
		}
	}
}

// A plain crypto.Signer works too, where the key is at hand.
func TestPlainSigner(t *testing.T) {
	p := newTenant(t)
	addr := startMochi(t, p.serverTLS(t), &aclHook{connect: true, write: true})
	id := p.device(t, newKey(t))
	id.Signer = id.Signer.(*remoteKey).key
	res, err := Check(t.Context(), p.config(addr), id)
	passed(t, res, err, ProofBrokerDelivered, Protocol5)
}

func TestMochiRefuses(t *testing.T) {
	p := newTenant(t)
	for _, tc := range []struct {
		name  string
		proto Protocol
		enter bool // the broker lets the device connect
		want  want
	}{
		{"connect, 5", Protocol5, false, want{StepConnack, ConnackRefused, 0, 0x86, "bad user name or password"}},
		{"connect, 3.1.1", Protocol311, false, want{StepConnack, ConnackRefused, 0, 5, "not authorized"}},
		{"publish, 5", Protocol5, true, want{StepPublish, PublishDenied, 0, 0x87, "not authorized"}},
		{"publish, 3.1.1", Protocol311, true, want{StepPublish, BrokerClosed, 0, 0, "instead of acknowledging"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := p.config(startMochi(t, p.serverTLS(t), &aclHook{connect: tc.enter}))
			cfg.Protocol = tc.proto
			tc.want.check(t, cfg, p.device(t, newKey(t)))
		})
	}
}
