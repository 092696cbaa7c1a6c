package tenant

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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

// Bounds. A device or a target is about 2 kB.
const (
	maxAnswer     = 256 << 10
	maxAttributes = 512
	maxText       = 256 // of one attribute's name or value that is kept
)

// Errors that are no faults.
var (
	ErrConfig  = errors.New("tenant configuration") // in the chain of every error of the constructors
	ErrUnknown = errors.New("the server does not know it")
	ErrExists  = errors.New("the server has it already")
)

// Trust gives the roots that a server's certificate must chain to; nil is the operating system's. It is asked again until it
// succeeds once. A *station.Fault in its error's chain is passed on.
type Trust func(ctx context.Context) (*x509.CertPool, error)

// Config holds what both clients have in common.
type Config struct {
	Timeout        time.Duration // of one request; zero: 15 s
	ConnectTimeout time.Duration // zero: 10 s
	Trust          Trust         // nil: the operating system's roots
	ServerName     string        // in the server's certificate; empty: the host of the URL
	Getenv         func(string) string
	UserAgent      string           // empty: provstation
	Now            func() time.Time // nil: time.Now
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = 15 * time.Second
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = 10 * time.Second
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.UserAgent == "" {
		c.UserAgent = "provstation"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// server is one server of the tenant: its address and the connections to it. It is safe for concurrent use.
type server struct {
	name string // as people know it
	base *url.URL
	cfg  Config

	mu   sync.Mutex
	http *http.Client // once trust is known
}

func newServer(name, baseURL string, cfg Config) (*server, error) {
	base, err := url.Parse(baseURL)
	switch {
	case err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Hostname() == "" ||
		base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("%w: %s: the URL is not a server's address", ErrConfig, name) // not repeated: may hold a password
	case base.User != nil:
		return nil, fmt.Errorf("%w: %s: the URL holds a user name or password", ErrConfig, name)
	case base.Scheme != "https" && !loopback(base.Hostname()):
		return nil, fmt.Errorf("%w: %s: credentials are not sent over http", ErrConfig, name)
	}
	return &server{name: name, base: base, cfg: cfg.withDefaults()}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Close drops idle connections.
func (s *server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http != nil {
		s.http.CloseIdleConnections()
	}
}

// address is an endpoint under the base. Each segment is escaped, so that none can become two.
func (s *server) address(query url.Values, segments ...string) string {
	u := *s.base
	path, raw := strings.TrimRight(u.Path, "/"), strings.TrimRight(u.EscapedPath(), "/")
	for _, seg := range segments {
		path += "/" + seg
		raw += "/" + url.PathEscape(seg)
	}
	u.Path, u.RawPath, u.RawQuery = path, raw, query.Encode()
	return u.String()
}

// client makes the HTTP client at the first use, since trust may have to be fetched. Two that make it at once are both
// right; one is kept.
func (s *server) client(ctx context.Context) (*http.Client, error) {
	s.mu.Lock()
	have := s.http
	s.mu.Unlock()
	if have != nil {
		return have, nil
	}
	var roots *x509.CertPool
	if s.cfg.Trust != nil {
		var err error
		if roots, err = s.cfg.Trust(ctx); err != nil {
			return nil, s.trustFault(ctx, err)
		}
	}
	made := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:       http.ProxyFromEnvironment,
			DialContext: (&net.Dialer{Timeout: s.cfg.ConnectTimeout, KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig: &tls.Config{
				RootCAs: roots, ServerName: s.cfg.ServerName, MinVersion: tls.VersionTLS12,
			},
			TLSHandshakeTimeout:    s.cfg.ConnectTimeout,
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // so that the bound on the body bounds what is decoded
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        30 * time.Second,
		},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.http == nil {
		s.http = made
	}
	return s.http, nil
}

// usable refuses an id that could not stand in a path, before anything is sent.
func (s *server) usable(id string) error {
	if id == "" || id == "." || id == ".." || len(id) > 256 || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return s.fault(station.CodeInternal, station.Permanent, map[string]string{"detail": "not a device id"}, errNotID)
	}
	return nil
}

var errNotID = errors.New("not a device id")
