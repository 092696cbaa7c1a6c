package mqttcheck

import (
	"fmt"
	"strings"
)

// Reason classifies a failed check. The values are stable.
type Reason string

// The reasons.
const (
	// BadConfig: configuration or identity cannot be used; nothing was sent.
	BadConfig Reason = "bad-config"
	// NameNotFound: the broker's name does not exist.
	NameNotFound Reason = "name-not-found"
	// ResolverFailed: the name could not be looked up.
	ResolverFailed Reason = "resolver-failed"
	// NoRoute: the station's network does not lead to the broker.
	NoRoute Reason = "no-route"
	// Refused: nothing listens on the port.
	Refused Reason = "refused"
	// ConnectFailed: the TCP connection failed in another way.
	ConnectFailed Reason = "connect-failed"
	// Timeout: the deadline passed while waiting for the network or the broker.
	Timeout Reason = "timeout"
	// Canceled: the caller's context was canceled.
	Canceled Reason = "canceled"
	// NotTLS: what listens there does not speak TLS.
	NotTLS Reason = "not-tls"
	// ProtocolVersion: no TLS version in common.
	ProtocolVersion Reason = "protocol-version"
	// HandshakeFailed: TLS failed before the device's certificate mattered, or
	// for a reason that is not the certificate's.
	HandshakeFailed Reason = "handshake-failed"
	// ServerUntrusted, ServerNameMismatch, ServerExpired: the broker's
	// certificate as judged with the device's CA file. ServerExpired is also a
	// certificate that is not valid yet.
	ServerUntrusted    Reason = "server-untrusted"
	ServerNameMismatch Reason = "server-name-mismatch"
	ServerExpired      Reason = "server-expired"
	// NoClientCertRequested: the broker did not ask for the device's certificate.
	NoClientCertRequested Reason = "no-client-cert-requested"
	// ClientCertRefused: the broker refused the device's certificate; Alert says
	// why.
	ClientCertRefused Reason = "client-cert-refused"
	// SignerFailed: the device did not sign, or wrongly. Never the broker's
	// fault; Err holds the signer's own error.
	SignerFailed Reason = "signer-failed"
	// ConnackRefused: the broker answered CONNECT with a refusal; Code says why.
	ConnackRefused Reason = "connack-refused"
	// PublishDenied: the broker did not accept the message; Code says why.
	PublishDenied Reason = "publish-denied"
	// BrokerClosed: the broker closed or cut the connection.
	BrokerClosed Reason = "broker-closed"
	// BrokerMisbehaved: the broker broke the protocol.
	BrokerMisbehaved Reason = "broker-misbehaved"
)

// Error is a failed check. Every error that Check returns is one.
type Error struct {
	// Step is the step that failed.
	Step Step
	// Reason is the class.
	Reason Reason
	// Alert is the number of the TLS alert that the broker sent, or 0.
	Alert uint8
	// Code is the MQTT code the broker sent (CONNACK, PUBACK or DISCONNECT), or
	// 0. Protocol tells how to read it.
	Code byte
	// Protocol is the MQTT version that was being spoken, or "" before CONNECT.
	Protocol Protocol
	// Sentence says what happened, in English, for an operator.
	Sentence string
	// Hint says what to do next.
	Hint string
	// BrokerText is what the broker itself said (an MQTT 5 reason string),
	// stripped of unprintable characters and cut; or "".
	BrokerText string
	// Err is the cause, or nil.
	Err error

	// tryOlder: a broker without MQTT 5 would have answered like this.
	tryOlder bool
}

// Error returns one printable line for logs; an operator reads Sentence and Hint.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "mqtt %s: %s", e.Step, e.Reason)
	if e.Code != 0 {
		words := codeWords5(e.Code)
		if e.Protocol == Protocol311 {
			words = connackWords311(e.Code)
		}
		fmt.Fprintf(&b, ": code 0x%02x (%s)", e.Code, words)
	}
	if e.BrokerText != "" {
		fmt.Fprintf(&b, ": broker says %q", clean(e.BrokerText))
	}
	if e.Err != nil {
		b.WriteString(": " + clean(e.Err.Error()))
	}
	return b.String()
}

// Unwrap returns the cause, so that errors.Is and errors.As find a signer's
// error, context.DeadlineExceeded, or a system error number.
func (e *Error) Unwrap() error { return e.Err }
