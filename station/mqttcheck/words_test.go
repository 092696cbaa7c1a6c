package mqttcheck

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// What an alert means depends on whether the certificate had been sent.
func TestAlertMeaning(t *testing.T) {
	remote := errors.New("remote error")
	for _, tc := range []struct {
		alert         uint8
		asked, proven bool
		step          Step
		reason        Reason
		says          string
	}{
		{40, false, false, StepTLS, HandshakeFailed, "handshake failure"},
		{40, true, false, StepCertificate, ClientCertRefused, "handshake failure"},
		{42, true, false, StepCertificate, ClientCertRefused, "bad certificate"},
		{43, true, false, StepCertificate, ClientCertRefused, "unsupported certificate"},
		{44, true, false, StepCertificate, ClientCertRefused, "certificate revoked"},
		{45, true, false, StepCertificate, ClientCertRefused, "certificate expired"},
		{46, true, false, StepCertificate, ClientCertRefused, "no detail"},
		{48, true, false, StepCertificate, ClientCertRefused, "unknown certificate authority"},
		{49, true, false, StepCertificate, ClientCertRefused, "access denied"},
		{51, true, false, StepCertificate, ClientCertRefused, "wrong signature"},
		{116, true, false, StepCertificate, ClientCertRefused, "certificate required"},
		{70, false, false, StepTLS, ProtocolVersion, "TLS versions"},
		{112, false, false, StepTLS, HandshakeFailed, "broker.test"},
		{80, true, false, StepCertificate, HandshakeFailed, "internal error"},
		{48, true, true, StepPublish, BrokerClosed, "unknown certificate authority"},
		{80, true, true, StepPublish, BrokerClosed, "internal error"},
		{200, false, false, StepTLS, HandshakeFailed, "TLS alert 200"},
	} {
		a := &attempt{
			cfg: &Config{ServerName: "broker.test"}, signer: &onceSigner{asked: tc.asked}, proven: tc.proven, speaking: tc.proven,
		}
		e := a.alertFailure(tc.step, tc.alert, remote)
		if e.Step != tc.step || e.Reason != tc.reason || e.Alert != tc.alert || !strings.Contains(e.Sentence, tc.says) {
			t.Errorf("alert %d, asked %v, proven %v: got %s %s %d %q, want %s %s with %q",
				tc.alert, tc.asked, tc.proven, e.Step, e.Reason, e.Alert, e.Sentence, tc.step, tc.reason, tc.says)
		}
		checkText(t, e)
	}
}

// A broker whose own check turns the certificate down.
func TestBrokerPolicyRefuses(t *testing.T) {
	p := newTenant(t)
	for _, version := range bothTLS {
		conf := p.serverTLS(t)
		conf.VerifyPeerCertificate = func([][]byte, [][]*x509.Certificate) error { return errors.New("not on the list") }
		cfg := p.config((&fakeMQTT{tls: conf}).start(t))
		cfg.TLSMin, cfg.TLSMax = version, version
		want{StepCertificate, ClientCertRefused, 42, 0, "bad certificate"}.check(t, cfg, p.device(t, newKey(t)))
	}
}

// A broker that takes no certificate of the device's key type is told apart from
// a device that fails.
func TestKeyTypeNotAccepted(t *testing.T) {
	p := newTenant(t)
	dev, err := p.device(t, newKey(t)).check()
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := p.config(netip.MustParseAddrPort("127.0.0.1:1")).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	var res Result
	a := newAttempt(t.Context(), &cfg, &dev, &res, Protocol5, 1)
	a.signer = &onceSigner{}
	_, err = a.clientCertificate(&tls.CertificateRequestInfo{SignatureSchemes: []tls.SignatureScheme{tls.PSSWithSHA256}})
	if e := a.handshakeFailure(err); e.Reason != ClientCertRefused || e.Step != StepCertificate {
		t.Errorf("got %v, want %s at %s", e, ClientCertRefused, StepCertificate)
	}
}

func TestConnectFails(t *testing.T) {
	p := newTenant(t)
	odd := errors.New("socket: too many open files")
	cfg := p.config(netip.MustParseAddrPort("127.0.0.1:1"))
	cfg.Dialer = dialerFunc(func(context.Context, string, string) (net.Conn, error) { return nil, odd })
	e := want{StepTCP, ConnectFailed, 0, 0, "failed"}.check(t, cfg, p.device(t, newKey(t))).err
	if !errors.Is(e, odd) {
		t.Errorf("got %v, want it to be %v", e, odd)
	}
}

func TestSecretInLogsAndJSON(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "password", Secret("hunter2"), "config", map[string]Secret{"p": "hunter2"})
	out, err := json.Marshal(map[string]Secret{"p": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{log.String(), string(out)} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, hidden) {
			t.Errorf("got %s, want the password hidden", text)
		}
	}
}

// The first answer of a web server is enough to see that it is no broker.
func TestWebServer(t *testing.T) {
	p := newTenant(t)
	fake := &fakeMQTT{tls: p.serverTLS(t), answers: [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n")}, hold: true}
	e := want{StepConnack, BrokerMisbehaved, 0, 0, "instead of CONNACK"}.check(t, p.config(fake.start(t)), p.device(t, newKey(t))).err
	if !strings.Contains(e.Hint, "mqtt.port") {
		t.Errorf("got hint %q, want it to name mqtt.port", e.Hint)
	}
}
