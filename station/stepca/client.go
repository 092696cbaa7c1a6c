package stepca

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds on what a server may answer, bytes if not said otherwise.
const (
	maxBody = 256 << 10
	maxCRL  = 16 << 20 // some 400 000 entries

	maxCerts       = 32       // certificates in a list
	maxChain       = 8        // certificates in an answer to renew and rekey
	maxCertificate = 16 << 10 // DER of one of them
	maxCSR         = 16 << 10 // DER
	maxToken       = 64 << 10 // a chain of RSA-4096 certificates fits

	timeout = 20 * time.Second
	connect = 10 * time.Second
)

// Config says how a server is asked.
type Config struct {
	Roots   *x509.CertPool   // what the server's certificate must chain to; nil: the operating system's roots
	Timeout time.Duration    // of a request; 0: 20 s
	Now     func() time.Time // nil: time.Now
	// Name is a host from the CA's dnsNames, for the audience of tokens; empty: the address's own host. Behind a proxy the
	// two may differ.
	Name string
	// ServerName is the name in the server's certificate; empty: the address's host.
	ServerName string
	// MaxTLS is the highest version of handshakes that a lent key signs; 0: the highest there is. A sealed device signs those of
	// TLS 1.2, in which it sees whom it signs for.
	MaxTLS uint16
}

// Client asks one server whose certificate it checks. It is safe for concurrent use.
type Client struct {
	base *url.URL
	cfg  Config
	http *http.Client
}

// New makes a client of the server at baseURL (https, or http on loopback), trusting roots alone; nil roots are the
// operating system's.
func New(baseURL string, roots *x509.CertPool) (*Client, error) {
	return NewWith(baseURL, Config{Roots: roots})
}

// NewWith makes a client of the server at baseURL (https, or http on loopback).
func NewWith(baseURL string, cfg Config) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = timeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Name == "" {
		cfg.Name = base.Host
	}
	if u, err := url.Parse("https://" + cfg.Name); err != nil || u.Host != cfg.Name || u.Hostname() == "" {
		return nil, fmt.Errorf("step-ca: name for tokens: %w", ErrAddress)
	}
	c := &Client{base: base, cfg: cfg}
	c.http = newHTTP(&tls.Config{RootCAs: cfg.Roots, ServerName: cfg.ServerName, MinVersion: tls.VersionTLS12}, cfg.Timeout)
	return c, nil
}

// Audience is what a token for renew or revoke must name: the CA's own address, whatever the way there. A token for one
// operation is of no use for another.
func (c *Client) Audience(op Op) string { return "https://" + c.cfg.Name + "/1.0/" + string(op) }

// Roots gives the server's roots (GET /roots.pem). They are as good as the trust of the client.
func (c *Client) Roots(ctx context.Context) ([]*x509.Certificate, error) {
	return c.certs(ctx, OpRoots, "/roots.pem")
}

// Intermediates gives the server's intermediates (GET /intermediates.pem), in its order. They prove nothing until they
// chain to a pinned root.
func (c *Client) Intermediates(ctx context.Context) ([]*x509.Certificate, error) {
	return c.certs(ctx, OpIntermediates, "/intermediates.pem")
}

// Health asks GET /health. It proves that address and trust are right and that the CA runs, not that it will sign.
func (c *Client) Health(ctx context.Context) error {
	rep, err := c.get(ctx, OpHealth, "/health", maxBody)
	if err != nil {
		return err
	}
	o, err := parseObject(rep)
	if err == nil {
		if status := o.text("status", true); o.err == nil && status != "ok" {
			o.fail("status is not ok")
		}
		err = o.err
	}
	if err != nil {
		return c.fail(OpHealth, rep, err)
	}
	return nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// FetchRoot gets the root certificate whose SHA-256 (64 hex digits, of its DER) is fingerprint, from
// GET /root/{fingerprint}. The server's own certificate is not checked: the digest proves the answer, whoever gave it.
func FetchRoot(ctx context.Context, baseURL, fingerprint string) (*x509.Certificate, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	want, err := hex.DecodeString(strings.ReplaceAll(fingerprint, ":", ""))
	if err != nil || len(want) != sha256.Size {
		return nil, ErrFingerprint
	}
	// The digest below is what proves the answer, so there is nothing for TLS to check.
	client := newHTTP(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, timeout) //nolint:gosec // see above
	defer client.CloseIdleConnections()
	c := &Client{base: base, http: client, cfg: Config{Now: time.Now}}
	rep, err := c.exchange(ctx, client, request{op: OpRoot, path: "/root/" + hex.EncodeToString(want), limit: maxBody})
	switch {
	case err != nil:
		return nil, err
	case rep.status == http.StatusNotFound:
		return nil, c.fail(OpRoot, rep, ErrUnknownRoot)
	case rep.status != http.StatusOK:
		return nil, c.fail(OpRoot, rep, ErrAnswer)
	}
	root, err := parseRoot(rep, want)
	if err != nil {
		return nil, c.fail(OpRoot, rep, err)
	}
	return root, nil
}

func parseRoot(rep reply, want []byte) (*x509.Certificate, error) {
	o, err := readObject(rep.body) // whatever it says that it is: the digest decides
	if err != nil {
		return nil, err
	}
	text := o.text("ca", true)
	if o.err != nil {
		return nil, o.err
	}
	list, err := parsePEM([]byte(text), maxCerts)
	switch {
	case err != nil:
		return nil, err
	case len(list) != 1:
		return nil, fmt.Errorf("%w: %d certificates instead of one", ErrAnswer, len(list))
	}
	if got := sha256.Sum256(list[0].Raw); subtle.ConstantTimeCompare(got[:], want) != 1 {
		return nil, ErrOtherRoot
	}
	return list[0], nil
}

func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	// The text is not repeated: it could hold a password.
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("step-ca: %w", ErrAddress)
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, fmt.Errorf("step-ca: %w: want https", ErrAddress)
	}
	return u, nil
}

func (c *Client) certs(ctx context.Context, op Op, path string) ([]*x509.Certificate, error) {
	rep, err := c.get(ctx, op, path, maxBody)
	if err != nil {
		return nil, err
	}
	list, err := parsePEM(rep.body, maxCerts)
	if err != nil {
		return nil, c.fail(op, rep, err)
	}
	return list, nil
}

// fail makes the error of an answer. The status of a good one says nothing.
func (c *Client) fail(op Op, rep reply, err error) *Error {
	e := &Error{Op: op, Host: c.base.Host, Message: rep.message, Err: err}
	if rep.status/100 != 2 || !errors.Is(err, ErrAnswer) && !errors.Is(err, ErrOtherRoot) {
		e.Status = rep.status
	}
	return e
}
