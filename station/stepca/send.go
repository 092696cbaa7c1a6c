package stepca

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// request is one request. A body makes it a POST.
type request struct {
	op     Op
	path   string
	query  url.Values
	post   bool
	body   []byte
	bearer Secret            // put into Authorization
	scrub  string            // a secret of the body, which must not come back in an error
	limit  int64             // of the answer
	loan   *loan             // nil: no client certificate
	leaf   *x509.Certificate // the present certificate, where the request is about one
}

// mayIssue reports whether the request can have a certificate issued.
func (r request) mayIssue() bool { return r.op == OpRenew || r.op == OpRekey }

// reply is an answer as it came: bounded, and not yet believed.
type reply struct {
	status     int
	body       []byte
	isJSON     bool
	message    string // of an error's JSON
	serverTime time.Time
}

func newHTTP(c *tls.Config, limit time.Duration) *http.Client {
	return &http.Client{
		Timeout:       limit,
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

// get fetches what must be a 200.
func (c *Client) get(ctx context.Context, op Op, path string, limit int64) (reply, error) {
	return c.getQuery(ctx, op, path, nil, limit)
}

func (c *Client) getQuery(ctx context.Context, op Op, path string, query url.Values, limit int64) (reply, error) {
	r := request{op: op, path: path, query: query, limit: limit}
	rep, err := c.exchange(ctx, c.http, r)
	if err != nil {
		return reply{}, err
	}
	if rep.status != http.StatusOK {
		return reply{}, c.refused(r, rep)
	}
	return rep, nil
}

// exchange makes one request and reads the whole answer, whatever its status. Nothing is repeated.
func (c *Client) exchange(ctx context.Context, client *http.Client, r request) (reply, error) {
	// From here on the server may have the request: what follows runs beside this goroutine. The trace's function runs on
	// the connection's.
	var written atomic.Bool
	outer := ctx
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { written.Store(true) }})
	req, err := c.newRequest(ctx, r)
	if err != nil {
		return reply{}, &Error{Op: r.op, Host: c.base.Host, Err: fmt.Errorf("%w: %w", ErrArgument, err)}
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, c.lost(outer, r, err, r.mayIssue() && written.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	rep := reply{status: resp.StatusCode}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil {
		rep.isJSON = kind == "application/json" || strings.HasSuffix(kind, "+json")
	}
	if enc := resp.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		rep.isJSON = false
	}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		rep.serverTime = t.UTC()
	}
	rep.body, err = io.ReadAll(io.LimitReader(resp.Body, r.limit+1))
	good := rep.status/100 == 2
	switch {
	case err != nil && good:
		return reply{}, c.lost(outer, r, fmt.Errorf("the answer was cut off: %w", err), r.mayIssue())
	case int64(len(rep.body)) > r.limit && good:
		err := fmt.Errorf("%w: longer than %d bytes", ErrAnswer, r.limit)
		return reply{}, c.fail(r.op, rep, maybeIssued(err, r.mayIssue()))
	case err != nil, int64(len(rep.body)) > r.limit: // the status is what counts
		rep.body, rep.isJSON = nil, false
	}
	if !good {
		rep.message = errorMessage(rep, r.scrub, string(r.bearer.Reveal()))
	}
	return rep, nil
}

func (c *Client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	u := *c.base
	u.Path, u.RawPath, u.RawQuery = strings.TrimRight(c.base.Path, "/")+r.path, "", r.query.Encode()
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if r.post {
		method = http.MethodPost
		if len(r.body) > 0 {
			body = bytes.NewReader(r.body)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if len(r.body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if !r.bearer.Empty() {
		req.Header.Set("Authorization", "Bearer "+string(r.bearer.Reveal()))
	}
	return req, nil
}

// maybeIssued notes that a certificate may exist.
func maybeIssued(err error, maybe bool) error {
	if maybe {
		return fmt.Errorf("%w; %w", err, ErrMaybeIssued)
	}
	return err
}
