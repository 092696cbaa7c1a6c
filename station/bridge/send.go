package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"provstation/station"
)

// reply is an answer as it came: bounded, and not yet believed.
type reply struct {
	status     int
	body       []byte
	isJSON     bool
	isHTML     bool
	encoding   string // Content-Encoding, if there was one
	location   string // host that a redirect names
	retryAfter string
	serverTime time.Time
	scrub      []string // what must not come back in a fault
}

// errTooLong says that a body went over its bound.
var errTooLong = errors.New("answer is too long")

// send makes one request and reads the whole answer. The error is a *station.Fault. mayIssue says that the request
// could have a certificate issued, once it is written.
func (c *Client) send(ctx context.Context, method, addr string, body []byte, limit int64, mayIssue bool) (reply, error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	h, err := c.client(ctx)
	if err != nil {
		return reply{}, err
	}
	authorization, err := c.auth.header(ctx, h)
	if err != nil {
		return reply{}, err
	}
	// Headers are handed to the connection before the body: from here on the server may have had the request. The
	// trace's functions run on the connection's goroutine.
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, method, addr, bytes.NewReader(body))
	if err != nil {
		return reply{}, fault(station.CodeInternal, station.Misconfigured, nil, fmt.Errorf("make a request: %w", err))
	}
	if method == http.MethodGet {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	var scrub []string
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
		_, token, _ := strings.Cut(authorization, " ")
		scrub = []string{token}
	}
	resp, err := h.Do(req)
	if err != nil {
		return reply{}, c.lost(outer, err, mayIssue && written.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	r := describe(resp)
	r.scrub = scrub
	r.body, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil: // without its body an answer is not told apart; a 4xx at least says that nothing was issued
		return reply{}, c.lost(outer, fmt.Errorf("answer was cut off: %w", err), mayIssue && r.status/100 != 4)
	case int64(len(r.body)) > limit && r.status == http.StatusOK:
		return reply{}, issued(fault(station.CodeBridgeAnswer, station.Permanent,
			map[string]string{"reason": fmt.Sprintf("the answer is longer than %d bytes", limit)}, errTooLong), mayIssue)
	case int64(len(r.body)) > limit:
		r.body, r.isJSON = nil, false
	}
	if r.status == http.StatusUnauthorized {
		c.auth.refused()
	}
	return r, nil
}

// lost makes the fault of a request without an answer, told apart by whose deadline passed.
func (c *Client) lost(outer context.Context, err error, maybe bool) *station.Fault {
	f := transportFault(outer, err, maybe)
	// A TLS 1.2 server that misses a client certificate may say no more than handshake_failure (RFC 5246 7.4.6).
	if alert, ok := remoteAlert(err); ok && alert == alertHandshakeFailure && c.auth.asked.Load() {
		f.Code = station.CodeBridgeAuth
	}
	if f.Code == station.CodeBridgeTimeout {
		f.Params["timeout"] = c.cfg.Timeout.String()
	}
	return f
}

// describe reads an answer's header.
func describe(resp *http.Response) reply {
	r := reply{status: resp.StatusCode, encoding: resp.Header.Get("Content-Encoding")}
	if strings.EqualFold(r.encoding, "identity") {
		r.encoding = ""
	}
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil {
		r.isJSON = kind == "application/json" || strings.HasSuffix(kind, "+json")
		r.isHTML = kind == "text/html" || kind == "application/xhtml+xml"
	}
	if t, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		r.serverTime = t.UTC()
	}
	if l := resp.Header.Get("Location"); l != "" {
		r.location = "the same host"
		if u, err := url.Parse(l); err != nil {
			r.location = "an unreadable address"
		} else if u.Host != "" {
			r.location = clean(u.Host)
		}
	}
	r.retryAfter = clean(resp.Header.Get("Retry-After"))
	return r
}
