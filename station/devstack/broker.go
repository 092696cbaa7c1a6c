package devstack

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// maxPacket bounds an MQTT packet, bytes.
const maxPacket = 64 << 10

// broker is an MQTT broker over mTLS that trusts only the root: a client has to present its whole chain.
type broker struct {
	server *mqtt.Server
	port   int
}

func startBroker(a *authority, log *slog.Logger) (*broker, error) {
	identity, err := a.server("mqtt.tenant.example")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumPacketSize = maxPacket
	s := mqtt.New(&mqtt.Options{Logger: log, Capabilities: caps})
	if err := s.AddHook(new(identityHook), nil); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	l := &listener{conns: map[net.Conn]bool{}, tls: &tls.Config{
		Certificates: []tls.Certificate{identity}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true,
	}}
	if err := s.AddListener(l); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	if err := s.Serve(); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Address())
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	return &broker{server: s, port: n}, nil
}

func (b *broker) close() { _ = b.server.Close() }

// identityHook lets a client in whose id is its certificate's common name, and lets it use its own topics.
type identityHook struct{ mqtt.HookBase }

func (h *identityHook) ID() string { return "identity" }

func (h *identityHook) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck}, b) >= 0
}

func (h *identityHook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	c, ok := cl.Net.Conn.(*tls.Conn)
	if !ok {
		return false
	}
	state := c.ConnectionState()
	return len(state.VerifiedChains) > 0 && state.PeerCertificates[0].Subject.CommonName == pk.Connect.ClientIdentifier
}

func (h *identityHook) OnACLCheck(_ *mqtt.Client, topic string, _ bool) bool {
	return topic == "v1/devices/me/telemetry" || topic == "v1/devices/me/attributes"
}
