package devstack

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// maxPacket bounds an MQTT packet, bytes.
const maxPacket = 64 << 10

// broker is an MQTT broker over mTLS that trusts only the root: a client has to present its whole chain.
type broker struct {
	server *mqtt.Server
	hook   *identityHook
	port   int
}

// startBroker starts it. revoked nil: it knows of no revocation.
func startBroker(a *authority, board *ThingsBoard, revoked *revocations, log *slog.Logger) (*broker, error) {
	identity, err := a.server("mqtt.tenant.example")
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.root)
	caps := mqtt.NewDefaultServerCapabilities()
	caps.MaximumPacketSize = maxPacket
	s := mqtt.New(&mqtt.Options{Logger: log, Capabilities: caps})
	hook := &identityHook{board: board, revoked: revoked, closed: make(chan struct{})}
	if err := s.AddHook(hook, nil); err != nil {
		return nil, fmt.Errorf("broker: %w", err)
	}
	l := &listener{conns: map[net.Conn]bool{}, tls: &tls.Config{
		Certificates: []tls.Certificate{identity}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots,
		MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true, VerifyConnection: hook.arrives,
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
	return &broker{server: s, hook: hook, port: n}, nil
}

func (b *broker) close() {
	close(b.hook.closed)
	_ = b.server.Close()
	b.hook.revoked.close()
}

// identityHook lets a client in whose id is its certificate's common name, and lets it use its own topics.
type identityHook struct {
	mqtt.HookBase
	fault   atomic.Pointer[func(id string, n int) BrokerFault]
	seen    book[Seen]
	board   *ThingsBoard
	revoked *revocations
	closed  chan struct{} // with the broker

	mu    sync.Mutex
	count map[string]int         // connections of each client
	now   map[string]BrokerFault // of each client's present connection
}

func (h *identityHook) ID() string { return "identity" }

func (h *identityHook) Provides(b byte) bool {
	return bytes.IndexByte([]byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish}, b) >= 0
}

func (h *identityHook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	c, ok := cl.Net.Conn.(*tls.Conn)
	if !ok {
		return false
	}
	state := c.ConnectionState()
	if len(state.VerifiedChains) == 0 || state.PeerCertificates[0].Subject.CommonName != pk.Connect.ClientIdentifier {
		return false
	}
	switch h.of(pk.Connect.ClientIdentifier) {
	case BrokerRefuses:
		return false
	case BrokerHangsUp:
		_ = c.NetConn().Close()
	}
	h.board.connected(pk.Connect.ClientIdentifier)
	return true
}

func (h *identityHook) OnACLCheck(cl *mqtt.Client, topic string, _ bool) bool {
	return (topic == "v1/devices/me/telemetry" || topic == "v1/devices/me/attributes") && h.of(cl.ID) != BrokerDenies
}

// OnPublish comes when the broker has a message and before it answers.
func (h *identityHook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	switch h.of(cl.ID) {
	case BrokerDrops:
		_ = cl.Net.Conn.Close()
		return pk, packets.ErrRejectPacket
	case BrokerIsSilent:
		h.wait(silentFor)
		_ = cl.Net.Conn.Close()
		return pk, packets.ErrRejectPacket
	case BrokerIsSlow:
		h.wait(slowFor)
	}
	if c, ok := cl.Net.Conn.(*tls.Conn); ok {
		leaf := c.ConnectionState().PeerCertificates[0]
		h.seen.add(Seen{ClientID: cl.ID, Leaf: sha256.Sum256(leaf.Raw), At: time.Now()})
		h.board.published(cl.ID)
	}
	return pk, nil
}
