package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"

	"provstation/station"
	"provstation/station/config"
)

// errJudged ends the handshake where a device would show its certificate.
var errJudged = errors.New("the broker's certificate has been judged")

// checkBroker: found, reached, TLS, a certificate that the tenant's root vouches for, and one asked of devices. No client
// certificate is shown and no MQTT is spoken.
func (d *doctor) checkBroker(ctx context.Context) []finding {
	const name = "broker"
	m := d.cfg.MQTT
	if m.Mode == config.MQTTOff {
		return []finding{warned(name, "set mqtt.mode to borrowed", "mqtt.mode is off: without the broker's proof runs end INSTALLED, never PASS")}
	}
	found := d.reachBroker(ctx, m)
	for i, f := range found {
		if m.Mode == config.MQTTDevice && f.Status == checkFail { // devices have a network of their own
			found[i] = warned(name, f.Fix+"; or see to it at a device, since mqtt.mode is device", "seen from this station: %s", f.Seen)
		}
	}
	return found
}

func (d *doctor) reachBroker(ctx context.Context, m config.MQTT) []finding {
	const name = "broker"
	addr := net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return []finding{failed(name, brokerFix(err), "%s: %v", addr, err)}
	}
	defer raw.Close()
	anchors, trustErr := d.findAnchors(ctx)
	j := brokerJudge{name: m.ServerName, anchors: anchors, d: d, blind: trustErr != nil}
	if j.name == "" {
		j.name = m.Host
	}
	err = j.shake(ctx, raw, m)
	switch {
	case err != nil:
		return []finding{failed(name, brokerFix(err), "%s: %v", addr, err)}
	case !j.asked:
		return []finding{failed(name, "check mqtt.port, and that its listener wants client certificates (mosquitto: require_certificate true)",
			"%s asks for no client certificate: nothing about a device could be proven there", addr)}
	case j.blind:
		return []finding{warned(name, "mend trust first", "%s speaks %s; its certificate was not judged for want of trust anchors", addr, tls.VersionName(j.state.Version))}
	}
	left := j.state.PeerCertificates[0].NotAfter.Sub(d.sys.now())
	if left < soon/4 {
		return []finding{warned(name, "have the broker's certificate renewed", "%s: its certificate ends in %d days", addr, days(left))}
	}
	return []finding{ok(name, "%s speaks %s, is trusted by the tenant's root as %s (%d days left), and asks for a client certificate",
		addr, tls.VersionName(j.state.Version), j.name, days(left))}
}

// brokerJudge does a TLS handshake up to the client's certificate.
type brokerJudge struct {
	name    string
	anchors station.Anchors
	d       *doctor
	blind   bool // no anchors: only look

	state tls.ConnectionState
	asked bool // for a client certificate
}

func (j *brokerJudge) shake(ctx context.Context, raw net.Conn, m config.MQTT) error {
	conn := tls.Client(raw, &tls.Config{
		MinVersion: tlsVersion(m.TLSMin), MaxVersion: tlsVersion(m.TLSMax), ServerName: j.name, Time: j.d.sys.now,
		InsecureSkipVerify: true, //nolint:gosec // verified by VerifyConnection, which knows the tenant's intermediates
		VerifyConnection:   j.verify,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			j.asked = true
			return nil, errJudged
		},
	})
	err := conn.HandshakeContext(ctx)
	if j.asked && errors.Is(err, errJudged) {
		return nil
	}
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// verify judges the broker as a device with the tenant's CA file does: root and intermediates are known, only the root is
// trusted.
func (j *brokerJudge) verify(state tls.ConnectionState) error {
	j.state = state
	if j.blind {
		return nil
	}
	roots, others := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range j.anchors.Roots {
		roots.AddCert(c)
	}
	for _, c := range append(append([]*x509.Certificate{}, j.anchors.Intermediates...), state.PeerCertificates[1:]...) {
		others.AddCert(c)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: others, DNSName: j.name, CurrentTime: j.d.sys.now(),
	})
	if err != nil {
		return fmt.Errorf("server certificate %q: %w", state.PeerCertificates[0].Subject.CommonName, err)
	}
	return nil
}

// brokerFix says how to mend what keeps the broker from being reached or believed.
func brokerFix(err error) string {
	const port = "what listens there does not speak TLS: check mqtt.port (8883 is MQTT with TLS as a rule, 1883 without)"
	var (
		record    tls.RecordHeaderError
		authority x509.UnknownAuthorityError
		op        *net.OpError
	)
	switch {
	case errors.As(err, &record), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return port
	case errors.As(err, &authority):
		return "its certificate does not chain to the tenant's root, so devices will not believe it: check that mqtt.host is this tenant's broker, that pki names its root, and that the broker sends its intermediates"
	case errors.As(err, &op) && op.Op == "remote error":
		return "the broker broke the handshake off: check mqtt.tls_min and mqtt.tls_max against what it allows"
	}
	if fix := networkFix(err, "mqtt.host and mqtt.port", "mqtt.server_name"); fix != "" {
		return fix
	}
	return "check mqtt.host, mqtt.port, mqtt.tls_min and mqtt.tls_max"
}
