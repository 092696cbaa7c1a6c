package mqttcheck

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
)

// errKeyType means that the broker's list of signature schemes lacks the one of
// the device's key.
var errKeyType = errors.New("the broker does not accept this type of key")

// lastWords is a connection on which a write after the peer's reset seems to
// succeed. A broker that refuses a certificate sends its alert and closes while
// we still write; crypto/tls would give up at the failed write and never read
// the alert that already lies in the receive buffer. Nothing is claimed by it:
// what was not received will not be acknowledged.
type lastWords struct{ net.Conn }

func (c lastWords) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil && wasReset(err) {
		return len(p), nil
	}
	return n, err
}

// wasReset reports the ways in which a system says that the peer cut the
// connection.
func wasReset(err error) bool {
	return errors.Is(err, errReset) || errors.Is(err, errPipe) || errors.Is(err, errAborted) || errors.Is(err, io.ErrClosedPipe)
}

func wasClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// handshake does the steps tls and, on TLS 1.2, certificate.
func (a *attempt) handshake(raw net.Conn) (*tls.Conn, *Error) {
	a.steps.begin(StepTLS)
	a.signer = &onceSigner{ctx: a.ctx, signer: a.dev.signer, pub: a.dev.leaf.PublicKey, asking: a.beforeSigning}
	conn := tls.Client(lastWords{raw}, a.tlsConfig())
	err := conn.HandshakeContext(a.ctx)
	if a.signer.asked {
		a.res.Signatures++
	}
	if err != nil {
		return nil, a.handshakeFailure(err)
	}
	a.tls13 = a.res.TLSVersion == tls.VersionTLS13
	a.steps.end(StepTLS, true)
	if !a.asked || !a.signer.asked {
		a.steps.begin(StepCertificate)
		return nil, a.failure(StepCertificate, NoClientCertRequested, nil,
			"The broker did not ask for this device's certificate, so nothing about the device was tested.",
			"Check mqtt.port, and that the broker's listener requires client certificates (mosquitto: require_certificate true).")
	}
	if !a.tls13 {
		a.accepted()
	}
	return conn, nil
}

// beforeSigning ends the step tls: the broker is verified and wants a signature.
func (a *attempt) beforeSigning() {
	a.steps.end(StepTLS, true)
	a.steps.begin(StepCertificate)
}

// accepted ends the step certificate, once.
func (a *attempt) accepted() {
	a.proven = true
	a.steps.end(StepCertificate, true)
}

func (a *attempt) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: a.cfg.TLSMin,
		MaxVersion: a.cfg.TLSMax,
		ServerName: a.cfg.ServerName,
		Time:       a.cfg.Now,
		// A full handshake each time: no tickets, no cache, no renegotiation.
		SessionTicketsDisabled: true,
		Renegotiation:          tls.RenegotiateNever,
		// Go's own verification would take any certificate of RootCAs as an
		// anchor, and cannot be given helpers to build chains with.
		// VerifyConnection below does the whole of it, as OpenSSL does.
		InsecureSkipVerify: true, //nolint:gosec // verified by VerifyConnection
		VerifyConnection:   a.verifyBroker,
		// Not Certificates: with that, crypto/tls silently sends none when the
		// broker's list of CAs does not name the chain's.
		GetClientCertificate: a.clientCertificate,
	}
}

func (a *attempt) verifyBroker(state tls.ConnectionState) error {
	a.res.TLSVersion, a.res.CipherSuite = state.Version, state.CipherSuite
	now := a.cfg.Now()
	err := a.trust.verify(state.PeerCertificates, a.cfg.ServerName, now)
	if err != nil {
		a.certErr = err
		if a.trust.onlyPartial(state.PeerCertificates, a.cfg.ServerName, now) {
			a.certErr = &noRootError{err}
		}
		return a.certErr
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	a.res.ServerFingerprint = hex.EncodeToString(sum[:])
	return nil
}

// noRootError: the chain leads to a certificate of the CA file that is no root.
type noRootError struct{ err error }

func (e *noRootError) Error() string { return e.err.Error() }
func (e *noRootError) Unwrap() error { return e.err }

func (a *attempt) clientCertificate(info *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	a.asked = true
	if !slices.Contains(info.SignatureSchemes, a.dev.scheme) {
		return nil, errKeyType
	}
	return &tls.Certificate{
		Certificate:                  a.dev.chain,
		PrivateKey:                   a.signer,
		Leaf:                         a.dev.leaf,
		SupportedSignatureAlgorithms: []tls.SignatureScheme{a.dev.scheme},
	}, nil
}

// handshakeFailure finds out why HandshakeContext failed. The order matters: the
// device's and our own findings come before what the broker made of them.
func (a *attempt) handshakeFailure(err error) *Error {
	step := StepTLS
	if a.signer.asked {
		step = StepCertificate
	}
	if a.signer.err != nil {
		return a.signerFailure(a.signer.err)
	}
	if a.certErr != nil {
		return a.brokerCertFailure(a.certErr)
	}
	if errors.Is(err, errKeyType) {
		a.steps.end(StepTLS, true)
		a.steps.begin(StepCertificate)
		return a.failure(StepCertificate, ClientCertRefused, err,
			"The broker does not accept this device's type of key.",
			"Use another key type for the devices (pki.key_type), or allow it at the broker.")
	}
	if alert, ok := remoteAlert(err); ok {
		return a.alertFailure(step, alert, err)
	}
	if cause := a.expired(err); cause != nil {
		return a.timeoutError(step, cause)
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return a.failure(step, NotTLS, err,
			"What listens there does not speak TLS.",
			"Check mqtt.port: 8883 is MQTT with TLS, 1883 is MQTT without.")
	}
	if wasClosed(err) || wasReset(err) {
		return a.closedInHandshake(step, err)
	}
	return a.failure(step, HandshakeFailed, err,
		"TLS could not be set up with the broker.",
		"Check the TLS settings of the broker and mqtt.tls_min.")
}

func (a *attempt) closedInHandshake(step Step, err error) *Error {
	if step == StepCertificate {
		return a.failure(step, BrokerClosed, err,
			"The broker cut the connection after it got this device's certificate, and gave no reason.",
			"It may have refused the certificate. Look at the broker's log.")
	}
	return a.failure(step, BrokerClosed, err,
		"The broker closed the connection before TLS was set up.",
		"The port may not be the one for TLS. Check mqtt.port: 8883 is MQTT with TLS.")
}

func (a *attempt) signerFailure(err error) *Error {
	a.steps.begin(StepCertificate)
	sentence, hint := "The device did not make the signature that the broker test needs.",
		"Check the device and its cable, then try again. The broker is not at fault."
	switch {
	case errors.Is(err, ErrBadSignature):
		sentence = "The device's signature does not fit its certificate."
		hint = "The device holds another key than its certificate says. Set the device aside."
	case a.ctx.Err() != nil:
		sentence = "The device did not make its signature in time."
	}
	return a.failure(StepCertificate, SignerFailed, err, sentence, hint)
}

// alertFailure explains an alert of the broker. After the device's certificate
// was sent, some alerts are a judgement of it.
func (a *attempt) alertFailure(step Step, alert uint8, err error) *Error {
	words := alertWords(alert)
	var e *Error
	switch {
	case alert == alertProtocolVersion:
		e = a.failure(step, ProtocolVersion, err,
			"The broker does not speak any of the TLS versions that are allowed here.",
			"Check mqtt.tls_min, and the TLS versions of the broker.")
	case a.signer.asked && !a.proven && refusesCertificate(alert):
		e = a.failure(StepCertificate, ClientCertRefused, err,
			"The broker refused this device's certificate: "+words+".", certificateHint(alert))
	case alert == alertUnrecognizedName:
		e = a.failure(step, HandshakeFailed, err,
			fmt.Sprintf("The broker does not know the server name %s.", clean(a.cfg.ServerName)),
			"Check mqtt.host and mqtt.server_name.")
	case a.proven || a.speaking:
		e = a.failure(step, BrokerClosed, err,
			"The broker ended the connection: "+words+".", "Look at the broker's log.")
	default:
		e = a.failure(step, HandshakeFailed, err,
			"The broker refused the TLS connection: "+words+".",
			"Check the TLS settings of the broker (versions, ciphers), and its log.")
	}
	e.Alert = alert
	return e
}

// certificateHint says what to do about a refused client certificate.
func certificateHint(alert uint8) string {
	switch alert {
	case alertUnknownCA:
		return "The broker does not trust the tenant's root, or the chain that the device sends is incomplete. Compare the broker's CA file with the pinned root, and check that the full chain is installed."
	case alertCertificateExpired:
		return "The certificate's dates do not fit the broker's clock. Check the clocks of broker and CA, then enroll the device again."
	case alertCertificateRevoked:
		return "The certificate was revoked. Set the device aside, or enroll it again if that was meant."
	case alertCertificateRequired, alertNoCertificate:
		return "The broker did not get a certificate it could use. Check the installed chain."
	case alertUnsupportedCertificate:
		return "The certificate is not for this use. Check that its extended key usage has clientAuth."
	case alertDecryptError:
		return "The broker could not verify the device's signature. Try again; if it stays, set the device aside."
	}
	return "Look at the broker's log: it says which check failed."
}

// brokerCertFailure explains why the broker's certificate is not accepted.
func (a *attempt) brokerCertFailure(err error) *Error {
	var (
		noRoot  *noRootError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	name := clean(a.cfg.ServerName)
	switch {
	case errors.As(err, &noRoot):
		return a.failure(StepTLS, ServerUntrusted, err,
			"The broker's certificate cannot be trusted with the device's CA file: the file lacks the root.",
			"Put the self-signed root into the CA file. The device's TLS library accepts nothing less.")
	case errors.As(err, &host):
		return a.failure(StepTLS, ServerNameMismatch, err,
			fmt.Sprintf("The broker's certificate is not for the name %s.", name),
			"It is for: "+certNames(host.Certificate)+". Check mqtt.host and mqtt.server_name, or the broker's certificate.")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && a.cfg.Now().Before(invalid.Cert.NotBefore) {
			return a.failure(StepTLS, ServerExpired, err,
				"The broker's certificate is not valid yet, by this station's clock.",
				"Check the station's clock, then the broker's certificate.")
		}
		return a.failure(StepTLS, ServerExpired, err,
			"The broker's certificate has expired, by this station's clock.",
			"Check the station's clock; if it is right, the broker needs a new certificate.")
	case len(a.trust.roots) == 0:
		return a.failure(StepTLS, ServerUntrusted, err,
			"The broker's certificate cannot be trusted: the device's CA file has no self-signed root.",
			"Put the root of the broker's certificate into the CA file.")
	}
	return a.failure(StepTLS, ServerUntrusted, err,
		"The broker's certificate is not trusted with the CA file that the device got.",
		"The broker may be another one, or its certificate is from another CA. Compare its root with the pinned one.")
}

// certNames lists a few of the names a certificate is for.
func certNames(c *x509.Certificate) string {
	if c == nil {
		return "unknown"
	}
	const most = 4
	names := slices.Clone(c.DNSNames[:min(len(c.DNSNames), most)])
	for _, ip := range c.IPAddresses[:min(len(c.IPAddresses), most)] {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no DNS name or address at all"
	}
	return clean(strings.Join(names, ", "))
}
