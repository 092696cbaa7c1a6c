// Package stepca asks a step-ca server for its certificates: the root by fingerprint, before there is any trust, and
// roots and intermediates once there is.
//
// Answers are bounded, redirects are not followed, and nothing is believed but what a digest or a pinned root proves.
// Paths are those of step-ca 0.30, which serves them without authentication.
//
// Out of scope: judging a chain (package pki), and signing.
package stepca

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Bounds on what a server may answer.
const (
	maxBody  = 256 << 10
	maxCerts = 32
	timeout  = 20 * time.Second
	connect  = 10 * time.Second
)

// Errors that callers tell apart. Anything else in an [*Error] is the network's or TLS's.
var (
	ErrAddress     = errors.New("not the address of a server")
	ErrFingerprint = errors.New("not a SHA-256 fingerprint")
	ErrOtherRoot   = errors.New("the server's root is another than the pinned one")
	ErrUnknownRoot = errors.New("the server has no root with this fingerprint")
	ErrAnswer      = errors.New("unusable answer")
)

// Error is a request that failed.
type Error struct {
	Op     string // root|roots|intermediates
	Host   string // host and port asked
	Status int    // HTTP status; 0 if there was none
	Err    error
}

// Error says what was asked of whom.
func (e *Error) Error() string {
	if e.Status != 0 {
		return fmt.Sprintf("fetch %s from %s: HTTP status %d: %v", e.Op, e.Host, e.Status, e.Err)
	}
	return fmt.Sprintf("fetch %s from %s: %v", e.Op, e.Host, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the server did not answer in time.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Client asks one server whose certificate it checks. It is safe for concurrent use.
type Client struct {
	base *url.URL
	http *http.Client
}

// New makes a client of the server at baseURL (https, or http on loopback), trusting roots alone; nil roots are the
// operating system's.
func New(baseURL string, roots *x509.CertPool) (*Client, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, http: newHTTP(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})}, nil
}

// Roots gives the server's roots (GET /roots.pem). They are as good as the trust of the client.
func (c *Client) Roots(ctx context.Context) ([]*x509.Certificate, error) {
	return certs(ctx, c.http, c.base, "roots", "/roots.pem")
}

// Intermediates gives the server's intermediates (GET /intermediates.pem), in its order. They prove nothing until they
// chain to a pinned root.
func (c *Client) Intermediates(ctx context.Context) ([]*x509.Certificate, error) {
	return certs(ctx, c.http, c.base, "intermediates", "/intermediates.pem")
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
	client := newHTTP(&tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}) //nolint:gosec // see above
	defer client.CloseIdleConnections()
	fail := func(status int, err error) (*x509.Certificate, error) {
		return nil, &Error{Op: "root", Host: base.Host, Status: status, Err: err}
	}
	body, status, err := get(ctx, client, base, "/root/"+hex.EncodeToString(want))
	switch {
	case status == http.StatusNotFound:
		return fail(status, ErrUnknownRoot)
	case err != nil:
		return fail(status, err)
	}
	var answer struct {
		CA string `json:"ca"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fail(0, fmt.Errorf("%w: not the JSON object that was asked for", ErrAnswer))
	}
	list, err := parsePEM([]byte(answer.CA))
	switch {
	case err != nil:
		return fail(0, err)
	case len(list) != 1:
		return fail(0, fmt.Errorf("%w: %d certificates instead of one", ErrAnswer, len(list)))
	}
	if got := sha256.Sum256(list[0].Raw); subtle.ConstantTimeCompare(got[:], want) != 1 {
		return fail(0, ErrOtherRoot)
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

func newHTTP(c *tls.Config) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: connect}).DialContext,
			TLSClientConfig:        c,
			TLSHandshakeTimeout:    connect,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // so that the bound on the body bounds what is decoded
			MaxResponseHeaderBytes: 64 << 10,
			IdleConnTimeout:        10 * time.Second,
		},
	}
}

func certs(ctx context.Context, client *http.Client, base *url.URL, op, path string) ([]*x509.Certificate, error) {
	body, status, err := get(ctx, client, base, path)
	if err == nil {
		var list []*x509.Certificate
		if list, err = parsePEM(body); err == nil {
			return list, nil
		}
		status = 0
	}
	return nil, &Error{Op: op, Host: base.Host, Status: status, Err: err}
}

// get fetches a bounded body. The status is that of an answer that is not 200, which is an error.
func get(ctx context.Context, client *http.Client, base *url.URL, path string) (body []byte, status int, err error) {
	u := *base
	u.Path, u.RawPath = strings.TrimRight(base.Path, "/")+path, ""
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, bare(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, resp.StatusCode, ErrAnswer
	}
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, 0, bare(err)
	case len(body) > maxBody:
		return nil, 0, fmt.Errorf("%w: longer than %d bytes", ErrAnswer, maxBody)
	}
	return body, 0, nil
}

// bare takes the address off an error: [Error] names the host.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// parsePEM reads one or more certificates and nothing else.
func parsePEM(data []byte) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	for len(bytes.TrimSpace(data)) > 0 {
		block, rest := pem.Decode(data)
		if block == nil || block.Type != "CERTIFICATE" || len(list) == maxCerts {
			return nil, fmt.Errorf("%w: want PEM certificates, at most %d, and nothing else", ErrAnswer, maxCerts)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %d: %w", ErrAnswer, len(list)+1, err)
		}
		list, data = append(list, cert), rest
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: no certificate", ErrAnswer)
	}
	return list, nil
}
