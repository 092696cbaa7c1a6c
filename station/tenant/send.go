package tenant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"provstation/station"
	"provstation/station/answer"
)

// request is one request as it is to be sent.
type request struct {
	method   string
	segments []string
	query    url.Values
	body     []byte              // JSON; nil: none
	header   map[string]string   // credentials
	secrets  []string            // what must not come back in a fault
	good     []int               // statuses that are an answer
	missing  func(code any) bool // whether an error's code says that what was asked for is missing; nil: none does
}

// reply is an answer as it came: bounded, and not yet believed.
type reply struct {
	status   int
	body     []byte
	isJSON   bool
	isHTML   bool
	encoded  bool // compressed, which was not asked for
	location string
	secrets  []string
}

var (
	errTooLong = errors.New("the answer is too long")
	errPage    = errors.New("a web page was answered")
	errEncoded = errors.New("the answer is compressed, which was not asked for")
	errKind    = errors.New("the answer does not say that it is JSON")
	errBare    = errors.New("it does not say what is missing") // a 404: of the device, or of the path
)

// send makes one request and reads the whole answer. An answer with another status than the good ones is an error:
// [ErrUnknown], or a *station.Fault.
func (s *server) send(ctx context.Context, r request) (reply, error) {
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	h, err := s.client(ctx)
	if err != nil {
		return reply{}, err
	}
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, s.address(r.query, r.segments...), body)
	if err != nil {
		return reply{}, s.fault(station.CodeInternal, station.Permanent, nil, fmt.Errorf("make a request: %w", err))
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json, application/hal+json")
	req.Header.Set("Accept-Encoding", "identity")
	req.Header.Set("User-Agent", s.cfg.UserAgent)
	for name, value := range r.header {
		req.Header.Set(name, value)
	}
	resp, err := h.Do(req)
	if err != nil {
		return reply{}, s.lost(outer, err)
	}
	defer func() { _ = resp.Body.Close() }()
	rep := describe(resp)
	rep.secrets = r.secrets
	rep.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	good := slices.Contains(r.good, rep.status)
	switch {
	case err != nil:
		return reply{}, s.lost(outer, fmt.Errorf("answer was cut off: %w", err))
	case len(rep.body) > maxAnswer && good:
		return reply{}, s.unbelieved(rep, errTooLong)
	case len(rep.body) > maxAnswer:
		rep.body, rep.isJSON = nil, false
	}
	switch {
	case rep.isHTML && rep.status/100 == 2: // a login page, or the server's own screen: no endpoint is there
		return reply{}, s.pathFault(rep, errPage)
	case good:
		return rep, nil
	case rep.status == http.StatusNotFound && r.missing != nil:
		if r.missing(errorCode(rep)) {
			return reply{}, ErrUnknown
		}
		if !rep.isHTML {
			f := s.refused(rep)
			f.Err = fmt.Errorf("%w (%w)", f.Err, errBare)
			return reply{}, f
		}
	}
	return reply{}, s.refused(rep)
}

// describe reads an answer's header.
func describe(resp *http.Response) reply {
	r := reply{status: resp.StatusCode}
	e := resp.Header.Get("Content-Encoding")
	r.encoded = e != "" && !strings.EqualFold(e, "identity")
	if kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err == nil {
		r.isJSON = kind == "application/json" || strings.HasSuffix(kind, "+json")
		r.isHTML = kind == "text/html" || kind == "application/xhtml+xml"
	}
	if l := resp.Header.Get("Location"); l != "" {
		r.location = "the same host"
		if u, err := url.Parse(l); err != nil {
			r.location = "an unreadable address"
		} else if u.Host != "" {
			r.location = answer.Clean(u.Host)
		}
	}
	return r
}

// json gives the body if it may be read as JSON.
func (r reply) json() ([]byte, error) {
	switch {
	case r.encoded:
		return nil, errEncoded
	case !r.isJSON:
		return nil, errKind
	}
	return r.body, nil
}

// errorCode is the errorCode of an error's body, a number with ThingsBoard and a text with hawkBit; nil if there is none.
func errorCode(r reply) any {
	data, err := r.json()
	if err != nil {
		return nil
	}
	o, err := answer.ParseObject(data)
	if err != nil {
		return nil
	}
	raw, ok := o.Raw("errorCode")
	if !ok {
		return nil
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

// detail is what an error's body says to people: its message, or else its error.
func detail(r reply) string {
	data, err := r.json()
	if err != nil {
		return ""
	}
	o, err := answer.ParseObject(data)
	if err != nil {
		return ""
	}
	for _, name := range []string{"message", "error"} {
		raw, _ := o.Raw(name)
		var text string
		if json.Unmarshal(raw, &text) == nil && strings.TrimSpace(text) != "" {
			return answer.CleanOf(text, r.secrets...)
		}
	}
	return ""
}
