package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"

	"provstation/station/onbox"
)

// program is one of the box's other programs: it holds a connection to the broker, with the files as they lay when it began.
type program struct {
	t      *testing.T
	client *paho.Client
	topic  string
	heard  chan string
	lost   chan error
	once   sync.Once
	serial string // of the certificate that it showed
}

// connects starts one, and fails the test unless the broker lets it in.
func (b *box) connects(ctx context.Context, t *testing.T, port int, id string) *program {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(b.dir, "device.pem"), filepath.Join(b.dir, "device-key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(b.dir, "ca-chain.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots, err := onbox.RootsOf(ca)
	if err != nil {
		t.Fatal(err)
	}
	d := tls.Dialer{Config: &tls.Config{
		ServerName: "localhost", RootCAs: roots, MinVersion: tls.VersionTLS12,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil },
	}}
	conn, err := d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatalf("%s connects with the certificate until %v: %v", id, pair.Leaf.NotAfter, err)
	}
	p := &program{
		t: t, topic: "box/" + id, heard: make(chan string, 16), lost: make(chan error, 2), serial: pair.Leaf.SerialNumber.String(),
	}
	p.client = paho.NewClient(paho.ClientConfig{
		ClientID: id, Conn: packets.NewThreadSafeConn(conn), PacketTimeout: 10 * time.Second,
		OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(r paho.PublishReceived) (bool, error) {
			p.heard <- string(r.Packet.Payload)
			return true, nil
		}},
		OnClientError:      func(err error) { p.lost <- err },
		OnServerDisconnect: func(d *paho.Disconnect) { p.lost <- fmt.Errorf("the broker hangs up: %d", d.ReasonCode) },
	})
	if _, err := p.client.Connect(ctx, &paho.Connect{ClientID: id, KeepAlive: 5, CleanStart: true}); err != nil {
		t.Fatalf("%s is not let in with the certificate until %v: %v", id, pair.Leaf.NotAfter, err)
	}
	t.Cleanup(p.leaves)
	if _, err := p.client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: p.topic, QoS: 1}}}); err != nil {
		t.Fatalf("%s subscribes: %v", id, err)
	}
	return p
}

// speaks sends a message and hears it come back on the connection that it has.
func (p *program) speaks(ctx context.Context, text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	select {
	case err := <-p.lost:
		p.t.Fatalf("%s: the connection is gone: %v", p.topic, err)
	default:
	}
	if _, err := p.client.Publish(ctx, &paho.Publish{Topic: p.topic, QoS: 1, Payload: []byte(text)}); err != nil {
		p.t.Fatalf("%s: %q is not acknowledged: %v", p.topic, text, err)
	}
	select {
	case got := <-p.heard:
		if got != text {
			p.t.Fatalf("%s: heard %q, want %q", p.topic, got, text)
		}
	case err := <-p.lost:
		p.t.Fatalf("%s: the connection is gone: %v", p.topic, err)
	case <-ctx.Done():
		p.t.Fatalf("%s: %q does not come back", p.topic, text)
	}
}

// leaves ends the connection, once.
func (p *program) leaves() {
	p.once.Do(func() {
		if err := p.client.Disconnect(&paho.Disconnect{}); err != nil {
			p.t.Errorf("%s: disconnect: %v", p.topic, err)
		}
	})
}
