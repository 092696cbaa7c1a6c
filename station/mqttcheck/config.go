package mqttcheck

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"
)

// Protocol is an MQTT protocol version, or ProtocolAuto.
type Protocol string

// The protocols that can be asked for. Results name Protocol5 or Protocol311.
const (
	// ProtocolAuto tries MQTT 5, then MQTT 3.1.1 on a second connection (and
	// with a second signature) if the broker says that it does not speak 5, or
	// closes the connection in order without a word when it hears 5.
	ProtocolAuto Protocol = "auto"
	Protocol5    Protocol = "5"
	Protocol311  Protocol = "3.1.1"
)

// Defaults for the zero values of Config.
const (
	DefaultPort    = 8883
	DefaultTopic   = "v1/devices/me/telemetry"
	DefaultPayload = `{"test": 1}`
	DefaultTimeout = 30 * time.Second

	defaultEchoWait = 2 * time.Second
	maxPayload      = 64 << 10
	maxTopic        = 1024
	maxClientID     = 256
	maxChain        = 10
	maxCertBytes    = 16 << 10
)

// Secret is text that prints as "(hidden)" wherever it is formatted, logged or
// marshalled. Convert it to string to use it.
type Secret string

const hidden = "(hidden)"

// String returns "(hidden)".
func (Secret) String() string { return hidden }

// GoString returns "(hidden)".
func (Secret) GoString() string { return hidden }

// Format writes "(hidden)" for every verb, %x and %q included.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalText returns "(hidden)"; it covers JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue returns "(hidden)".
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// Dialer opens the TCP connection; *net.Dialer is one.
type Dialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// Resolver finds a host's addresses; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Config says which broker is tested and how. Only Host and RootCAs are needed.
type Config struct {
	// Host is the broker's DNS name or IP address. Port 0 means 8883.
	Host string
	Port uint16
	// ServerName is the name the broker's certificate must carry, and the name
	// sent as SNI. Empty means Host.
	ServerName string
	// RootCAs are the certificates of the CA file that was pushed to the device,
	// all of them and nothing else. Those that are no self-signed root only help
	// to build chains.
	RootCAs []*x509.Certificate
	// TLSMin and TLSMax are tls.VersionTLS12 or tls.VersionTLS13; 0 means 1.2
	// and 1.3.
	TLSMin, TLSMax uint16
	// Protocol is the MQTT version; empty means ProtocolAuto.
	Protocol Protocol
	// Topic and Payload of the test message. Empty means DefaultTopic and
	// DefaultPayload. At most 1 KiB and 64 KiB.
	Topic   string
	Payload []byte
	// Username and Password are sent when not empty.
	Username string
	Password Secret
	// Timeout bounds the whole check, the device's signature and a second
	// connection included. 0 means DefaultTimeout.
	Timeout time.Duration
	// NoEcho stops the attempt, on MQTT 3.1.1, to see the message come back. The
	// attempt publishes the message a second time, followed by white space that
	// makes it unique, and only if the broker granted a subscription to Topic.
	// It is made only for a payload that is JSON, where such white space means
	// nothing (RFC 8259 section 2), and after the plain message was acknowledged.
	NoEcho bool
	// EchoWait bounds the wait for the message to come back; 0 means 2 s.
	EchoWait time.Duration
	// Dialer and Resolver; nil means a plain net.Dialer and net.DefaultResolver.
	Dialer   Dialer
	Resolver Resolver
	// Now is the clock that step times and certificate dates are judged by; nil
	// means time.Now. Deadlines always run on real time.
	Now func() time.Time
	// Progress, when set, is called from Check's goroutine as each step ends.
	Progress func(StepResult)
}

// Identity is the device. Check does not change it and keeps nothing of it.
type Identity struct {
	// ClientID is the MQTT client id: the device id.
	ClientID string
	// Chain is the DER certificate chain as the device will send it: leaf first,
	// intermediates after it, no root.
	Chain [][]byte
	// Signer signs with the leaf's key: ECDSA P-256 or P-384 or Ed25519. If it
	// implements crypto.MessageSigner it gets the message: on TLS 1.3 the content
	// of RFC 8446 4.4.3 (130 bytes with SHA-256), on TLS 1.2 the whole handshake
	// transcript. It is called once per connection, from another goroutine, and
	// may outlive Check if it does not return before the deadline.
	Signer crypto.Signer
}

// identity is an Identity that passed its checks.
type identity struct {
	clientID string
	chain    [][]byte
	leaf     *x509.Certificate
	signer   crypto.Signer
	scheme   tls.SignatureScheme
}

// withDefaults returns a copy of c in which no zero value is left, or says what
// is wrong with it.
func (c Config) withDefaults() (Config, error) {
	c.Host = strings.TrimSuffix(strings.TrimPrefix(c.Host, "["), "]")
	if c.Host == "" {
		return c, errors.New("no broker host is configured")
	}
	if c.ServerName == "" {
		c.ServerName = c.Host
	}
	if c.Port == 0 {
		c.Port = DefaultPort
	}
	if err := c.setVersions(); err != nil {
		return c, err
	}
	if err := c.setMessage(); err != nil {
		return c, err
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.EchoWait <= 0 {
		c.EchoWait = defaultEchoWait
	}
	if c.Dialer == nil {
		c.Dialer = &net.Dialer{}
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Progress == nil {
		c.Progress = func(StepResult) {}
	}
	return c, nil
}

func (c *Config) setVersions() error {
	if c.TLSMin == 0 {
		c.TLSMin = tls.VersionTLS12
	}
	if c.TLSMax == 0 {
		c.TLSMax = tls.VersionTLS13
	}
	for _, v := range []uint16{c.TLSMin, c.TLSMax} {
		if v != tls.VersionTLS12 && v != tls.VersionTLS13 {
			return fmt.Errorf("TLS version %#04x is neither 1.2 nor 1.3", v)
		}
	}
	if c.TLSMin > c.TLSMax {
		return errors.New("the lowest TLS version is above the highest")
	}
	switch c.Protocol {
	case "":
		c.Protocol = ProtocolAuto
	case ProtocolAuto, Protocol5, Protocol311:
	default:
		return fmt.Errorf("MQTT protocol %q is none of auto, 5, 3.1.1", clean(string(c.Protocol)))
	}
	return nil
}

func (c *Config) setMessage() error {
	if c.Topic == "" {
		c.Topic = DefaultTopic
	}
	if len(c.Payload) == 0 {
		c.Payload = []byte(DefaultPayload)
	}
	// A topic name has no wildcards [MQTT-3.3.2-2] and no NUL [MQTT-1.5.4-2].
	if len(c.Topic) > maxTopic || !utf8.ValidString(c.Topic) || strings.ContainsAny(c.Topic, "+#\x00") {
		return errors.New("the MQTT topic is too long, not UTF-8, or has a wildcard or a NUL")
	}
	if len(c.Payload) > maxPayload {
		return fmt.Errorf("the MQTT payload has %d bytes, more than %d", len(c.Payload), maxPayload)
	}
	return nil
}

// check parses the leaf and ties it to the signer, so that a mix-up on the
// station's side is never reported as the broker's refusal.
func (id Identity) check() (identity, error) {
	out := identity{clientID: id.ClientID, chain: id.Chain, signer: id.Signer}
	if id.ClientID == "" || len(id.ClientID) > maxClientID || !utf8.ValidString(id.ClientID) ||
		strings.ContainsFunc(id.ClientID, unprintable) {
		return out, errors.New("the client id is empty, too long or not printable")
	}
	if len(id.Chain) == 0 || len(id.Chain) > maxChain {
		return out, fmt.Errorf("the device's chain has %d certificates, want 1 to %d", len(id.Chain), maxChain)
	}
	for i, der := range id.Chain {
		if len(der) > maxCertBytes {
			return out, fmt.Errorf("certificate %d of the device's chain has %d bytes, more than %d", i, len(der), maxCertBytes)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return out, fmt.Errorf("parse certificate %d of the device's chain: %w", i, err)
		}
		if i == 0 {
			out.leaf = cert
		}
	}
	if id.Signer == nil {
		return out, errors.New("there is no signer for the device's key")
	}
	type equaler interface{ Equal(crypto.PublicKey) bool }
	if pub, ok := id.Signer.Public().(equaler); !ok || !pub.Equal(out.leaf.PublicKey) {
		return out, errors.New("the device's certificate is for another key than the signer's")
	}
	var err error
	out.scheme, err = schemeFor(out.leaf.PublicKey)
	return out, err
}

// schemeFor fixes the signature scheme by the key (RFC 8446 4.2.3), also on TLS
// 1.2, where an ECDSA key could sign any hash.
func schemeFor(pub crypto.PublicKey) (tls.SignatureScheme, error) {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		switch pub.Curve {
		case elliptic.P256():
			return tls.ECDSAWithP256AndSHA256, nil
		case elliptic.P384():
			return tls.ECDSAWithP384AndSHA384, nil
		}
	case ed25519.PublicKey:
		return tls.Ed25519, nil
	}
	return 0, errors.New("the device's key is none of ECDSA P-256, ECDSA P-384, Ed25519")
}
