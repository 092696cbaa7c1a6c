package stepca_test

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// fake is a server that asks for a client certificate, as the CA does, and answers what a test wants.
type fake struct {
	*httptest.Server
	pki *stationtest.PKI
	dev device
	c   *stepca.Client
}

func newFake(t *testing.T, h http.HandlerFunc) *fake {
	t.Helper()
	return newFakeWith(t, tls.RequestClientCert, h)
}

func newFakeWith(t *testing.T, auth tls.ClientAuthType, h http.HandlerFunc) *fake {
	t.Helper()
	f := &fake{pki: stationtest.NewPKI(t)}
	cert, key := f.pki.ServerFiles(t)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	f.Server = httptest.NewUnstartedServer(h)
	f.EnableHTTP2 = true
	f.Config.ErrorLog = nil
	f.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: auth, ClientCAs: poolOf(f.pki.Root.Cert), MinVersion: tls.VersionTLS12}
	f.StartTLS()
	t.Cleanup(f.Close)
	f.dev = newDevice(t, f.pki, "edge-0001")
	f.c = client(t, f.URL, stepca.Config{Roots: poolOf(f.pki.Root.Cert)})
	return f
}

func newDevice(t *testing.T, pki *stationtest.PKI, id string, opts ...stationtest.LeafOption) device {
	t.Helper()
	key := stationtest.NewKey(t, "P-256")
	return device{id, key, [][]byte{pki.Issue(t, stationtest.NewCSR(t, key, id), opts...), pki.Sub.Cert.Raw, pki.ICA.Cert.Raw}}
}

// answer is the CA's to renew and rekey, with changes.
func (f *fake) answer(leaf []byte, edit func(map[string]any)) string {
	m := map[string]any{
		"crt": stationtest.CertPEM(leaf), "ca": f.pki.Sub.PEM(),
		"certChain":  []any{stationtest.CertPEM(leaf), f.pki.Sub.PEM(), f.pki.ICA.PEM()},
		"tlsOptions": map[string]any{"minVersion": 1.2},
	}
	if edit != nil {
		edit(m)
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func send(w http.ResponseWriter, status int, kind, body string) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

const isJSON = "application/json"

// What is no answer to renew, by both ways: the class, and whether a certificate may exist.
func TestRenewAnswers(t *testing.T) {
	t.Parallel()
	var f *fake
	var respond http.HandlerFunc
	f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/elsewhere") {
			t.Error("a redirect was followed")
		}
		respond(w, r)
	})
	renewed := f.pki.Issue(t, stationtest.NewCSR(t, f.dev.key, f.dev.id))
	stranger := newDevice(t, f.pki, f.dev.id)
	created := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { send(w, 201, isJSON, body) }
	}
	edited := func(edit func(map[string]any)) http.HandlerFunc { return created(f.answer(renewed, edit)) }
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			send(w, code, isJSON, body)
		}
	}
	message := func(code int, text string) http.HandlerFunc {
		b, _ := json.Marshal(map[string]any{"status": code, "message": text})
		return status(code, string(b))
	}
	good := f.answer(renewed, nil)
	for name, tc := range map[string]struct {
		respond http.HandlerFunc
		want    error
		maybe   bool // a certificate may exist
		leaf    bool // and it is known
	}{
		"200 instead of 201": {status(200, good), stepca.ErrAnswer, true, false},
		"202":                {status(202, good), stepca.ErrAnswer, true, false},
		"web page":           {func(w http.ResponseWriter, _ *http.Request) { send(w, 201, "text/html", good) }, stepca.ErrAnswer, true, false},
		"no type": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			w.WriteHeader(201)
			_, _ = io.WriteString(w, good)
		}, stepca.ErrAnswer, true, false},
		"compressed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			send(w, 201, isJSON, good)
		}, stepca.ErrAnswer, true, false},
		"not JSON":                 {created("hello"), stepca.ErrAnswer, true, false},
		"empty":                    {created(""), stepca.ErrAnswer, true, false},
		"a list":                   {created("[" + good + "]"), stepca.ErrAnswer, true, false},
		"half of it":               {created(good[:len(good)/2]), stepca.ErrAnswer, true, false},
		"more behind it":           {created(good + "{}"), stepca.ErrAnswer, true, false},
		"a field twice":            {created(good[:len(good)-1] + `,"ca":"x"}`), stepca.ErrAnswer, true, false},
		"not UTF-8":                {created(strings.Replace(good, "crt", "cr\xff", 1)), stepca.ErrAnswer, true, false},
		"oversize":                 {created(good + strings.Repeat(" ", 1<<20)), stepca.ErrAnswer, true, false},
		"no crt":                   {edited(func(m map[string]any) { delete(m, "crt") }), stepca.ErrAnswer, true, false},
		"crt is a number":          {edited(func(m map[string]any) { m["crt"] = 1 }), stepca.ErrAnswer, true, false},
		"crt is no PEM":            {edited(func(m map[string]any) { m["crt"] = "MIIB" }), stepca.ErrAnswer, true, false},
		"text before the PEM":      {edited(func(m map[string]any) { m["crt"] = "x\n" + m["crt"].(string) }), stepca.ErrAnswer, true, false},
		"two in crt":               {edited(func(m map[string]any) { m["crt"] = m["crt"].(string) + f.pki.Sub.PEM() }), stepca.ErrAnswer, true, false},
		"control characters":       {edited(func(m map[string]any) { m["crt"] = "\x1b[2J" }), stepca.ErrAnswer, true, false},
		"a huge certificate":       {edited(func(m map[string]any) { m["crt"] = stationtest.CertPEM(make([]byte, 20<<10)) }), stepca.ErrAnswer, true, false},
		"a private key":            {edited(func(m map[string]any) { m["ca"] = strings.ReplaceAll(m["ca"].(string), "CERTIFICATE", "PRIVATE KEY") }), stepca.ErrAnswer, true, true},
		"no ca":                    {edited(func(m map[string]any) { delete(m, "ca") }), stepca.ErrAnswer, true, true},
		"another ca":               {edited(func(m map[string]any) { m["ca"] = f.pki.ICA.PEM() }), stepca.ErrAnswer, true, true},
		"chain is a text":          {edited(func(m map[string]any) { m["certChain"] = "x" }), stepca.ErrAnswer, true, true},
		"chain of numbers":         {edited(func(m map[string]any) { m["certChain"] = []any{1, 2} }), stepca.ErrAnswer, true, true},
		"chain too long":           {edited(func(m map[string]any) { m["certChain"] = append(m["certChain"].([]any), 3, 4, 5, 6, 7, 8) }), stepca.ErrAnswer, true, true},
		"chain without the leaf":   {edited(func(m map[string]any) { m["certChain"] = m["certChain"].([]any)[1:] }), stepca.ErrAnswer, true, true},
		"chain of the leaf alone":  {edited(func(m map[string]any) { m["certChain"] = m["certChain"].([]any)[:1] }), stepca.ErrAnswer, true, true},
		"two leaves":               {edited(func(m map[string]any) { m["certChain"] = []any{m["crt"], m["ca"], m["crt"]} }), stepca.ErrAnswer, true, true},
		"a CA as leaf":             {created(f.answer(f.pki.Sub.Cert.Raw, nil)), stepca.ErrAnswer, true, true},
		"a leaf for another key":   {created(f.answer(stranger.chain[0], nil)), stepca.ErrAnswer, true, true},
		"redirect":                 {status(307, ""), stepca.ErrPath, false, false},
		"permanent redirect":       {status(308, ""), stepca.ErrPath, false, false},
		"found":                    {status(302, ""), stepca.ErrPath, false, false},
		"not found":                {status(404, "404 page not found"), stepca.ErrPath, false, false},
		"wrong method":             {status(405, ""), stepca.ErrPath, false, false},
		"bad request":              {message(400, "The request could not be completed: bad."), stepca.ErrRefused, false, false},
		"missing certificate":      {message(400, "The request could not be completed: missing client certificate."), stepca.ErrNoClientCert, false, false},
		"unauthorized":             {message(401, "The request lacked necessary authorization to be completed."), stepca.ErrRevoked, false, false},
		"bad token":                {message(401, "error validating renew token: invalid issuer claim (iss)"), stepca.ErrDenied, false, false},
		"audience of another CA":   {message(500, "error validating renew token: invalid audience claim (aud)"), stepca.ErrDenied, false, false},
		"forbidden":                {message(403, "no"), stepca.ErrDenied, false, false},
		"proxy wants a password":   {status(407, ""), stepca.ErrDenied, false, false},
		"not implemented":          {message(501, "no"), stepca.ErrRefused, false, false},
		"teapot":                   {status(418, ""), stepca.ErrRefused, false, false},
		"too many":                 {status(429, ""), stepca.ErrServer, false, false},
		"500":                      {message(500, "The certificate authority encountered an Internal Server Error."), stepca.ErrServer, true, false},
		"500 as text":              {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) }, stepca.ErrServer, true, false},
		"proxy lost the CA":        {status(502, "<html>"), stepca.ErrServer, true, false},
		"busy":                     {status(503, ""), stepca.ErrServer, true, false},
		"proxy gave up on the CA":  {status(504, ""), stepca.ErrServer, true, false},
		"status of no known class": {status(999, ""), stepca.ErrAnswer, true, false},
		"oversize error":           {status(500, strings.Repeat("x", 1<<20)), stepca.ErrServer, true, false},
		"body shorter than it says": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9999")
			send(w, 201, isJSON, good)
		}, stepca.ErrUnreachable, true, false},
		"connection cut": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, stepca.ErrUnreachable, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			respond = tc.respond
			check := func(way string, got stepca.Issued, err error) {
				t.Helper()
				want := tc.want
				wantClass(t, way, err, want)
				if got.Leaf != nil || got.Chain != nil {
					t.Errorf("%s: got a result beside an error", way)
				}
				if maybe := errors.Is(err, stepca.ErrMaybeIssued); maybe != tc.maybe {
					t.Errorf("%s: got maybe issued %v, want %v (%v)", way, maybe, tc.maybe, err)
				}
				var e *stepca.Error
				if errors.As(err, &e); (e.Leaf != nil) != tc.leaf || e.Op != stepca.OpRenew {
					t.Errorf("%s: got leaf %v, op %s, want leaf %v", way, e.Leaf != nil, e.Op, tc.leaf)
				}
			}
			got, err := f.c.Renew(t.Context(), f.dev.cert())
			check("mTLS", got, err)
			got, err = f.c.RenewByToken(t.Context(), f.dev.token(t, f.c.Audience(stepca.OpRenew)))
			check("token", got, err)
		})
	}
	respond = created(f.answer(stranger.chain[0], nil))
	if _, err := f.c.Renew(t.Context(), f.dev.cert()); !errors.Is(err, stepca.ErrOtherKey) {
		t.Errorf("a leaf for another key: got %v, want ErrOtherKey in its chain", err)
	}
	// An older CA has no certChain; newer ones may say more.
	respond = edited(func(m map[string]any) { delete(m, "certChain"); m["new"] = []int{1} })
	if got, err := f.c.Renew(t.Context(), f.dev.cert()); err != nil || len(got.Chain) != 1 {
		t.Errorf("without certChain: got %d, %v, want the Sub-CA", len(got.Chain), err)
	}
}

// What is sent: one request, the certificate and key lent, no secret where it does not belong.
func TestRequests(t *testing.T) {
	t.Parallel()
	type seen struct {
		method, path, auth, kind, proto, body string
		certs                                 int
	}
	var last seen
	var count atomic.Int32
	var f *fake
	f = newFake(t, func(w http.ResponseWriter, r *http.Request) {
		count.Add(1)
		body, _ := io.ReadAll(r.Body)
		last = seen{
			r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), r.Proto, string(body),
			len(r.TLS.PeerCertificates),
		}
		if strings.HasSuffix(r.URL.Path, "/revoke") {
			send(w, 200, isJSON, `{"status":"ok"}`)
			return
		}
		send(w, 201, isJSON, f.answer(f.dev.chain[0], nil))
	})
	c := client(t, f.URL+"/pki/", stepca.Config{Roots: poolOf(f.pki.Root.Cert), Name: "ca.example:9000"})
	ctx := t.Context()
	if got := c.Audience(stepca.OpRevoke); got != "https://ca.example:9000/1.0/revoke" {
		t.Errorf("got audience %q", got)
	}
	if _, err := c.Renew(ctx, f.dev.cert()); err != nil {
		t.Fatal(err)
	}
	if want := (seen{"POST", "/pki/1.0/renew", "", "", "HTTP/1.1", "", 3}); last != want {
		t.Errorf("renew by mTLS: got %+v, want %+v", last, want)
	}
	token := f.dev.token(t, c.Audience(stepca.OpRenew))
	if _, err := c.RenewByToken(ctx, token); err != nil {
		t.Fatal(err)
	}
	if want := (seen{"POST", "/pki/1.0/renew", "Bearer " + string(token.Reveal()), "", "HTTP/2.0", "", 0}); last != want {
		t.Errorf("renew by token: got %+v, want %+v", last, want)
	}
	csr := stationtest.NewCSR(t, f.dev.key, f.dev.id)
	if _, err := c.Rekey(ctx, f.dev.cert(), csr); err != nil {
		t.Fatal(err)
	}
	if last.path != "/pki/1.0/rekey" || last.kind != isJSON || last.certs != 3 || !strings.HasPrefix(last.body, `{"csr":"-----BEGIN CERTIFICATE REQUEST-----\n`) {
		t.Errorf("rekey: got %+v", last)
	}
	if _, err := c.Revoke(ctx, f.dev.cert(), stepca.Revocation{Reason: stepca.Superseded, Text: "old\x1b[2J " + strings.Repeat("x", 300)}); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`{"serial":"%s","ott":"","reasonCode":4,"reason":"old[2J %s","passive":true}`, f.dev.leaf(t).SerialNumber, strings.Repeat("x", 193))
	if last.path != "/pki/1.0/revoke" || last.certs != 3 || last.body != want {
		t.Errorf("revoke by mTLS: got %+v, want body %s", last, want)
	}
	if _, err := c.RevokeByToken(ctx, f.dev.leaf(t).SerialNumber, stepca.NewSecret([]byte("a.b.c")), stepca.Revocation{}); err != nil {
		t.Fatal(err)
	}
	if last.certs != 0 || last.auth != "" || !strings.Contains(last.body, `"ott":"a.b.c"`) {
		t.Errorf("revoke by token: got %+v", last)
	}
	if count.Load() != 5 {
		t.Errorf("got %d requests, want 5: nothing is repeated", count.Load())
	}
}

// Answers to revoke, and what a server says that repeats the token.
func TestRevokeAnswers(t *testing.T) {
	t.Parallel()
	var status int
	var kind, body string
	f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { send(w, status, kind, body) })
	serial, token := f.dev.leaf(t).SerialNumber, f.dev.token(t, "x")
	for name, tc := range map[string]struct {
		status int
		body   string
		want   error // nil: revoked before
	}{
		"already":             {400, `{"status":400,"message":"The request could not be completed: certificate with serial number '1' is already revoked."}`, nil},
		"201":                 {201, `{"status":"ok"}`, stepca.ErrAnswer},
		"not ok":              {200, `{"status":"failed"}`, stepca.ErrAnswer},
		"status is a number":  {200, `{"status":0}`, stepca.ErrAnswer},
		"null":                {200, `null`, stepca.ErrAnswer},
		"bad request":         {400, `{"status":400,"message":"reasonCode out of bounds"}`, stepca.ErrRefused},
		"already, as 500":     {500, `{"status":500,"message":"is already revoked."}`, stepca.ErrServer},
		"already, not JSON":   {400, `is already revoked.`, stepca.ErrRefused},
		"unauthorized":        {401, `{"status":401,"message":"token already used"}`, stepca.ErrDenied},
		"no database":         {501, `{"status":501,"message":"no persistence layer configured"}`, stepca.ErrRefused},
		"repeats the token":   {403, `{"status":403,"message":"bad token ` + string(token.Reveal()) + `"}`, stepca.ErrDenied},
		"terminal escapes":    {403, `{"status":403,"message":"\u001b[2Jx"}`, stepca.ErrDenied},
		"redirect":            {302, ``, stepca.ErrPath},
		"an endless message":  {400, `{"message":"` + strings.Repeat("x", 100<<10) + `"}`, stepca.ErrRefused},
		"message is a number": {400, `{"message":1}`, stepca.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			status, kind, body = tc.status, isJSON, tc.body
			got, err := f.c.RevokeByToken(t.Context(), serial, token, stepca.Revocation{})
			if tc.want == nil {
				if err != nil || !got.Already {
					t.Errorf("got %+v, %v, want Already", got, err)
				}
				return
			}
			wantClass(t, name, err, tc.want)
			if text := err.Error(); len(text) > 600 || strings.ContainsAny(text, "\x1b\n") {
				t.Errorf("got %q, want a short printable text", text)
			}
			if errors.Is(err, stepca.ErrMaybeIssued) {
				t.Errorf("got %v: revoking issues nothing", err)
			}
		})
	}
}

// A proxy that asks for no certificate is told by that, whatever it answers.
func TestProxyIsTold(t *testing.T) {
	t.Parallel()
	for _, status := range []int{400, 401, 403} {
		f := newFakeWith(t, tls.NoClientCert, func(w http.ResponseWriter, _ *http.Request) { send(w, status, "text/html", "<h1>no</h1>") })
		_, err := f.c.Renew(t.Context(), f.dev.cert())
		wantClass(t, fmt.Sprint(status), err, stepca.ErrNoClientCert)
	}
}

func TestHealthAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]error{
		`{"status":"ok"}`: nil, `{"status":"down"}`: stepca.ErrAnswer, `{}`: stepca.ErrAnswer, `<html>`: stepca.ErrAnswer,
	} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) { send(w, 200, isJSON, body) })
		err := f.c.Health(t.Context())
		if want == nil && err != nil {
			t.Errorf("%s: got %v", body, err)
		} else if want != nil {
			wantClass(t, body, err, want)
		}
	}
}

// An expired certificate by token is told by the server's clock, where ours is wrong.
func TestExpiredByServerClock(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		server, ours time.Duration
		want         error
	}{
		"server says past the end": {25 * time.Hour, -time.Hour, stepca.ErrExpired},
		"server says before it":    {0, 25 * time.Hour, stepca.ErrRevoked},
	} {
		f := newFake(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", time.Now().Add(tc.server).UTC().Format(http.TimeFormat))
			send(w, 401, isJSON, `{"status":401,"message":"no"}`)
		})
		c := client(t, f.URL, stepca.Config{Roots: poolOf(f.pki.Root.Cert), Now: func() time.Time { return time.Now().Add(tc.ours) }})
		_, err := c.RenewByToken(t.Context(), f.dev.token(t, "x"))
		wantClass(t, name, err, tc.want)
	}
}
