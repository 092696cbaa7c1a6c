package bridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"provstation/station"
)

// Bounds. A good answer is about 4 kB; an OpenAPI description about 100 kB.
const (
	maxAnswer  = 256 << 10
	maxOpenAPI = 2 << 20
	maxSecret  = 64 << 10
	maxCSR     = 16 << 10
)

// ErrConfig is in the chain of every error of [New].
var ErrConfig = errors.New("bridge configuration")

// Config holds a client's knobs.
type Config struct {
	Contract       station.Contract    // zero: auto
	Timeout        time.Duration       // of one whole request; zero: 90 s. A server may take 70 s over one
	ConnectTimeout time.Duration       // zero: 10 s
	TLSTimeout     time.Duration       // of the handshake; zero: 10 s
	Auth           Auth                // zero: none
	Trust          Trust               // whom to believe to be the bridge; nil: the operating system's roots
	ServerName     string              // in the bridge's certificate; empty: the host of the URL
	Getenv         func(string) string // nil: os.Getenv
	UserAgent      string              // empty: provstation
}

// Client asks one bridge. It is safe for concurrent use and shares its connections.
type Client struct {
	base     *url.URL
	cfg      Config
	contract *gate[station.Contract]
	http     *gate[*http.Client]
	auth     *authenticator
}

var _ station.Bridge = (*Client)(nil)

// New makes a client of the bridge at baseURL, which may carry a path. It reads no file and asks no server.
func New(baseURL string, cfg Config) (*Client, error) {
	base, err := url.Parse(baseURL)
	switch {
	case err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Hostname() == "" ||
		base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("%w: the URL is not a server's address", ErrConfig) // not repeated: may hold a password
	case base.User != nil:
		return nil, fmt.Errorf("%w: the URL holds a user name or password", ErrConfig)
	}
	if cfg.Contract == "" {
		cfg.Contract = station.ContractAuto
	}
	if c := cfg.Contract; c != station.ContractAuto && c != station.ContractDocumented && c != station.ContractDeployed {
		return nil, fmt.Errorf("%w: unknown contract %q", ErrConfig, string(c))
	}
	cfg.Timeout = orDefault(cfg.Timeout, 90*time.Second)
	cfg.ConnectTimeout = orDefault(cfg.ConnectTimeout, 10*time.Second)
	cfg.TLSTimeout = orDefault(cfg.TLSTimeout, 10*time.Second)
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "provstation"
	}
	if cfg.Trust == nil {
		cfg.Trust = TrustSystem()
	}
	auth, err := newAuthenticator(cfg.Auth, cfg.Getenv)
	if err != nil {
		return nil, err
	}
	if auth.sendsSecret() && base.Scheme != "https" && !loopback(base.Hostname()) {
		return nil, fmt.Errorf("%w: credentials are not sent over http", ErrConfig)
	}
	c := &Client{base: base, cfg: cfg, contract: newGate[station.Contract](), http: newGate[*http.Client](), auth: auth}
	return c, nil
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Close drops idle connections.
func (c *Client) Close() {
	if h, ok := c.http.peek(); ok {
		h.CloseIdleConnections()
	}
}

// address is an endpoint under the base. Each segment is escaped, so that none can become two.
func (c *Client) address(segments ...string) string {
	u := *c.base
	path, raw := strings.TrimRight(u.Path, "/"), strings.TrimRight(u.EscapedPath(), "/")
	for _, s := range segments {
		path += "/" + s
		raw += "/" + url.PathEscape(s)
	}
	u.Path, u.RawPath = path, raw
	return u.String()
}

// client makes the HTTP client at the first use, since trust may have to be fetched.
func (c *Client) client(ctx context.Context) (*http.Client, error) {
	return c.http.get(ctx, func(ctx context.Context) (*http.Client, error) {
		roots, err := c.cfg.Trust(ctx)
		if err != nil {
			return nil, trustFault(err)
		}
		return &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:       http.ProxyFromEnvironment,
				DialContext: (&net.Dialer{Timeout: c.cfg.ConnectTimeout, KeepAlive: 15 * time.Second}).DialContext,
				TLSClientConfig: &tls.Config{
					RootCAs: roots, ServerName: c.cfg.ServerName, MinVersion: tls.VersionTLS12,
					GetClientCertificate: c.auth.clientCertificate,
				},
				TLSHandshakeTimeout: c.cfg.TLSTimeout,
				// HTTP/1.1 alone: over HTTP/2 the library drops the alert by which a TLS 1.3 server refuses a client
				// certificate, and the bridge's server speaks 1.1 in any case.
				Protocols:              http1(),
				DisableCompression:     true, // so that the bound on the body bounds what is decoded
				MaxResponseHeaderBytes: 64 << 10,
				MaxIdleConnsPerHost:    16,
				// The bridge's server closes an idle connection after 5 s. A post that meets such a close would count as
				// possibly issued, so ours go first.
				IdleConnTimeout: 4 * time.Second,
			},
		}, nil
	})
}

func http1() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	return p
}

// gate holds a value that is made at the first use, by one caller at a time, and kept once it is made. Waiting for
// another caller's making ends with the context; nothing else waits.
type gate[T any] struct {
	turn chan struct{} // holds one token: whose turn it is to make

	mu   sync.Mutex
	done bool
	v    T
}

func newGate[T any]() *gate[T] {
	g := &gate[T]{turn: make(chan struct{}, 1)}
	g.turn <- struct{}{}
	return g
}

func (g *gate[T]) get(ctx context.Context, create func(context.Context) (T, error)) (T, error) {
	if v, ok := g.peek(); ok {
		return v, nil
	}
	var zero T
	select {
	case <-g.turn:
	case <-ctx.Done():
		return zero, transportFault(ctx, ctx.Err(), false)
	}
	defer func() { g.turn <- struct{}{} }()
	if v, ok := g.peek(); ok {
		return v, nil
	}
	v, err := create(ctx)
	if err != nil {
		return zero, err
	}
	g.set(v)
	return v, nil
}

func (g *gate[T]) peek() (T, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.v, g.done
}

func (g *gate[T]) set(v T) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.v, g.done = v, true
}

// clear forgets the value if keep says no.
func (g *gate[T]) clear(keep func(T) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done && !keep(g.v) {
		g.done = false
	}
}
