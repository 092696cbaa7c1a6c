package devstack

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"provstation/station/stationtest"
)

func poolOf(c *x509.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c)
	return p
}

func mustCSR(t *testing.T, id string) *x509.CertificateRequest {
	t.Helper()
	r, err := x509.ParseCertificateRequest(stationtest.NewCSR(t, stationtest.NewKey(t, "P-256"), id))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// identity is a device's key with a leaf for id, and the chain it presents.
func identity(t *testing.T, a *authority, id string, chain ...*x509.Certificate) *tls.Certificate {
	t.Helper()
	key := stationtest.NewKey(t, "P-256")
	csr, err := x509.ParseCertificateRequest(stationtest.NewCSR(t, key, id))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := a.signLeaf(csr, id)
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key.(crypto.PrivateKey)}
	for _, x := range chain {
		c.Certificate = append(c.Certificate, x.Raw)
	}
	return c
}

// connect opens an MQTT session as clientID; cert nil presents none.
func connect(t *testing.T, s *Stack, clientID string, cert *tls.Certificate, version uint16) (paho.Client, error) {
	t.Helper()
	cfg := &tls.Config{RootCAs: poolOf(s.pki.root), MinVersion: version, MaxVersion: version}
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if cert == nil {
			return &tls.Certificate{}, nil
		}
		return cert, nil
	}
	c := paho.NewClient(paho.NewClientOptions().AddBroker(fmt.Sprintf("ssl://%s:%d", s.Broker, s.Port)).SetClientID(clientID).
		SetTLSConfig(cfg).SetAutoReconnect(false).SetConnectRetry(false).SetConnectTimeout(5 * time.Second).SetProtocolVersion(4))
	tok := c.Connect()
	if !tok.WaitTimeout(10 * time.Second) {
		return nil, errors.New("no answer to CONNECT")
	}
	if tok.Error() == nil {
		t.Cleanup(func() { c.Disconnect(0) })
	}
	return c, tok.Error()
}

func TestBrokerLetsIn(t *testing.T) {
	s := start(t, Config{})
	a := s.pki
	stranger, err := loadAuthority(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	stale := *a
	stale.now = func() time.Time { return time.Now().Add(-48 * time.Hour) }
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, row := range []struct {
			name string
			id   string
			cert *tls.Certificate
			ok   bool
		}{
			{"full chain", "dev-001", identity(t, a, "dev-001", a.sub, a.ica), true},
			{"full chain and root", "dev-001", identity(t, a, "dev-001", a.sub, a.ica, a.root), true},
			{"leaf alone", "dev-001", identity(t, a, "dev-001"), false},
			{"no ICA", "dev-001", identity(t, a, "dev-001", a.sub), false},
			{"another client id", "dev-002", identity(t, a, "dev-001", a.sub, a.ica), false},
			{"client id in capitals", "DEV-001", identity(t, a, "dev-001", a.sub, a.ica), false},
			{"no client id", "", identity(t, a, "dev-001", a.sub, a.ica), false},
			{"another root", "dev-001", identity(t, stranger, "dev-001", stranger.sub, stranger.ica), false},
			{"another root, our chain", "dev-001", identity(t, stranger, "dev-001", a.sub, a.ica), false},
			{"expired", "dev-001", identity(t, &stale, "dev-001", a.sub, a.ica), false},
			{"no certificate", "dev-001", nil, false},
		} {
			t.Run(fmt.Sprintf("%s, %s", row.name, tls.VersionName(version)), func(t *testing.T) {
				if _, err := connect(t, s, row.id, row.cert, version); (err == nil) != row.ok {
					t.Errorf("got %v, want in: %v", err, row.ok)
				}
			})
		}
	}
}

func TestBrokerTopics(t *testing.T) {
	s := start(t, Config{})
	c, err := connect(t, s, "dev-001", identity(t, s.pki, "dev-001", s.pki.sub, s.pki.ica), tls.VersionTLS12)
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 4)
	sub := c.Subscribe("v1/devices/me/telemetry", 1, func(_ paho.Client, m paho.Message) { heard <- string(m.Payload()) }).(*paho.SubscribeToken)
	if !sub.WaitTimeout(5*time.Second) || sub.Error() != nil {
		t.Fatalf("subscribe: %v", sub.Error())
	}
	pub := c.Publish("v1/devices/me/telemetry", 1, false, `{"test": 1}`)
	if !pub.WaitTimeout(5*time.Second) || pub.Error() != nil {
		t.Fatalf("publish: %v", pub.Error())
	}
	select {
	case got := <-heard:
		if got != `{"test": 1}` {
			t.Errorf("heard %q", got)
		}
	case <-time.After(5 * time.Second):
		t.Error("the message was not delivered")
	}
	for _, topic := range []string{"#", "v1/devices/other/telemetry", "$SYS/#"} {
		sub := c.Subscribe(topic, 1, nil).(*paho.SubscribeToken)
		if sub.WaitTimeout(5*time.Second) && sub.Error() == nil && sub.Result()[topic] < 0x80 {
			t.Errorf("subscribed to %q with %v, want refused", topic, sub.Result())
		}
	}
}

// A client that speaks no TLS, or sends a packet that is too large, is dropped, and others are served on.
func TestBrokerDropsNonsense(t *testing.T) {
	s := start(t, Config{})
	var d net.Dialer
	raw, err := d.DialContext(t.Context(), "tcp", fmt.Sprintf("%s:%d", s.Broker, s.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.Write([]byte("\x10\xff\xff\xff\x7fMQTT without TLS")); err != nil {
		t.Fatal(err)
	}
	_ = raw.SetReadDeadline(time.Now().Add(15 * time.Second))
	for buf := make([]byte, 64); ; {
		if _, err := raw.Read(buf); err != nil {
			var ne net.Error
			if errors.As(err, &ne) && ne.Timeout() {
				t.Error("the connection was kept open")
			}
			break
		}
	}
	if _, err := connect(t, s, "dev-001", identity(t, s.pki, "dev-001", s.pki.sub, s.pki.ica), tls.VersionTLS13); err != nil {
		t.Errorf("a good client afterwards: %v", err)
	}
}
