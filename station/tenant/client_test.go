package tenant

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
)

func TestRefusedConfigurations(t *testing.T) {
	ok := Secret{Env: "P"}
	for name, cfg := range map[string]ThingsBoardConfig{
		"no address":     {Username: "u", Password: ok},
		"ftp":            {URL: "ftp://h", Username: "u", Password: ok},
		"password in it": {URL: "https://u:hunter2-pass@h", Username: "u", Password: ok},
		"broken":         {URL: "https://u:hunter2-pass@h:x%", Username: "u", Password: ok},
		"query":          {URL: "https://h/?a=b", Username: "u", Password: ok},
		"plain http":     {URL: "http://tb.example", Username: "u", Password: ok},
		"nobody":         {URL: "https://h"},
		"no password":    {URL: "https://h", Username: "u"},
		"no user":        {URL: "https://h", Password: ok},
		"user and key":   {URL: "https://h", Username: "u", Password: ok, APIKey: ok},
		"two places":     {URL: "https://h", Username: "u", Password: Secret{File: "f", Env: "E"}},
	} {
		c, err := NewThingsBoard(cfg)
		if c != nil || !errors.Is(err, ErrConfig) {
			t.Errorf("ThingsBoard, %s: got %v, %v, want ErrConfig", name, c != nil, err)
		}
		checkClean(t, err)
	}
	for name, cfg := range map[string]HawkBitConfig{
		"no user":     {URL: "https://h", Password: ok},
		"no password": {URL: "https://h", Username: "u"},
		"colon":       {URL: "https://h", Username: "a:b", Password: ok},
		"plain http":  {URL: "http://h", Username: "u", Password: ok},
		"two places":  {URL: "https://h", Username: "u", Password: Secret{File: "f", Env: "E"}},
	} {
		if c, err := NewHawkBit(cfg); c != nil || !errors.Is(err, ErrConfig) {
			t.Errorf("hawkBit, %s: got %v, %v, want ErrConfig", name, c != nil, err)
		}
	}
	if _, err := NewThingsBoard(ThingsBoardConfig{URL: "http://127.0.0.1:8080", Username: "u", Password: ok}); err != nil {
		t.Errorf("loopback: got %v, want http to be allowed there", err)
	}
}

// What goes over the wire: base path, escaping, headers, body.
func TestRequests(t *testing.T) {
	tb, h := things(t, func(c *ThingsBoardConfig) { c.UserAgent = "provstation/9" })
	const id = `a/b?c&d=#e ü%2f`
	h.on(devicePath, func(w http.ResponseWriter, r *http.Request) {
		if got := r.URL.Query()["deviceName"]; len(got) != 1 || got[0] != id || len(r.URL.Query()) != 1 {
			t.Errorf("got query %q, want one deviceName, %q", r.URL.RawQuery, id)
		}
		said{status: 404, kind: js, body: tbError("404", "32", "x")}.write(w)
	})
	if _, err := tb.Find(t.Context(), id); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	if want := `{"password":"hunter2-pass","username":"tenant@example.com"}`; h.bodies[0] != want {
		t.Errorf("got login %s, want %s", h.bodies[0], want)
	}
	head := h.heads[1]
	if head.Get("X-Authorization") != "Bearer "+jwtOf(t, h) || head.Get("User-Agent") != "provstation/9" || head.Get("Authorization") != "" {
		t.Errorf("got headers %v", head)
	}
	hb, hh := hawk(t, nil)
	const escaped = "/rest/v1/targets/a%2Fb%3Fc&d=%23e%20%C3%BC%252f"
	hh.say("DELETE "+escaped, said{status: 200})
	if err := hb.Delete(t.Context(), id); err != nil || hh.count("DELETE "+escaped) != 1 {
		t.Errorf("got %v, asked %v, want one segment", err, hh.asked)
	}
	if got, want := hh.heads[0].Get("Authorization"), "Basic "+base64.StdEncoding.EncodeToString([]byte("admin:"+password)); got != want {
		t.Error("got another Authorization header than basic authentication's")
	}
	hh.say("POST /rest/v1/targets", said{status: 409, kind: js, body: hawkExists})
	if _, err := hb.Create(t.Context(), "edge-1", "Edge \"1\""); !errors.Is(err, ErrExists) {
		t.Errorf("got %v, want ErrExists", err)
	}
	if got, want := hh.bodies[len(hh.bodies)-1], `[{"controllerId":"edge-1","name":"Edge \"1\""}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// jwtOf is the token that the host's login gives.
func jwtOf(t *testing.T, h *host) string {
	t.Helper()
	rec := httptest.NewRecorder()
	h.routes[loginPath](rec, nil)
	tok, err := parseToken(reply{body: rec.Body.Bytes(), isJSON: true})
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestUnusableIDs(t *testing.T) {
	tb, h := things(t, nil)
	hb, hh := hawk(t, nil)
	for _, id := range []string{"", ".", "..", "a\nb", "a\x00", strings.Repeat("a", 257)} {
		for _, err := range []error{
			second(tb.Find(t.Context(), id)), second(hb.Target(t.Context(), id)), second(hb.Attributes(t.Context(), id)),
			second(hb.Create(t.Context(), id, "n")), hb.Delete(t.Context(), id), tb.Delete(t.Context(), Device{ID: id}),
		} {
			ends(t, err, "E-INTERNAL", station.Permanent)
		}
	}
	if len(h.asked)+len(hh.asked) != 0 {
		t.Errorf("asked %v %v, want nothing sent", h.asked, hh.asked)
	}
}

func second[T any](_ T, err error) error { return err }

// One login serves all runs, at once and one after the other.
func TestOneLoginForAll(t *testing.T) {
	tb, h := things(t, nil)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() { ends(t, second(tb.Find(t.Context(), "edge-1")), "", 0) })
	}
	wg.Wait()
	if n := h.count(loginPath); n != 1 {
		t.Errorf("got %d logins, want 1", n)
	}
}

// A token that the server takes no longer is renewed once; that the new one is refused, too, is the account's matter.
func TestRenewedOnce(t *testing.T) {
	tb, h := things(t, nil)
	n := 0
	h.on(loginPath, func(w http.ResponseWriter, _ *http.Request) {
		n++
		said{status: 200, kind: js, body: `{"token":"` + jwt(n, time.Hour) + `"}`}.write(w)
	})
	taken := func(which string) {
		h.on(devicePath, func(w http.ResponseWriter, r *http.Request) {
			claims, _ := base64.RawURLEncoding.DecodeString(strings.Split(r.Header.Get("X-Authorization"), ".")[1])
			if !strings.Contains(string(claims), `"n":`+which+"}") {
				said{status: 401, kind: js, body: tbError("401", "11", "Token has expired")}.write(w)
				return
			}
			said{status: 200, kind: js, body: deviceBody("edge-1")}.write(w)
		})
	}
	taken("1")
	ends(t, second(tb.Find(t.Context(), "edge-1")), "", 0)
	taken("2")
	ends(t, second(tb.Find(t.Context(), "edge-1")), "", 0)
	if n != 2 || h.count(devicePath) != 3 {
		t.Errorf("got %d logins and %d requests, want 2 and 3", n, h.count(devicePath))
	}
	taken("none")
	ends(t, second(tb.Find(t.Context(), "edge-1")), "E-TENANT-AUTH", station.Misconfigured)
	if n != 3 || h.count(devicePath) != 5 {
		t.Errorf("got %d logins and %d requests, want one more login and two more requests", n, h.count(devicePath))
	}
}

// A token that is about to expire is not used any more.
func TestTokenExpires(t *testing.T) {
	now := time.Now()
	tb, h := things(t, func(c *ThingsBoardConfig) { c.Now = func() time.Time { return now } })
	for _, step := range []struct {
		later  time.Duration
		logins int
	}{{0, 1}, {59 * time.Minute, 1}, {30 * time.Second, 2}, {time.Minute, 2}} {
		now = now.Add(step.later)
		ends(t, second(tb.Find(t.Context(), "edge-1")), "", 0)
		if n := h.count(loginPath); n != step.logins {
			t.Errorf("after another %v: got %d logins, want %d", step.later, n, step.logins)
		}
	}
}

func TestLifetime(t *testing.T) {
	tok := func(claims string) string { return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s" }
	for in, want := range map[string]time.Duration{
		tok(`{"iat":1000,"exp":10000}`):          9000 * time.Second,
		tok(`{"iat":1000.5,"exp":10000}`):        9000 * time.Second,
		tok(`{"iat":0,"exp":1e11}`):              366 * 24 * time.Hour,
		tok(`{"exp":10000}`):                     0,
		tok(`{"iat":10000,"exp":1000}`):          0,
		tok(`{"iat":"1","exp":2}`):               0,
		tok(`{"iat":-1,"exp":1e300}`):            0,
		tok(`{"iat":1,"exp":2,"exp":3}`):         0,
		tok(`[]`):                                0,
		"opaque":                                 0,
		"a.b":                                    0,
		"a.!!.c":                                 0,
		"a..c":                                   0,
		strings.Repeat("a", 100) + ".." + "a.b.": 0,
	} {
		if got, ok := lifetime(in); got != want || ok != (want != 0) {
			t.Errorf("%s: got %v, %t, want %v", in, got, ok, want)
		}
	}
}

// A refused password is not tried again for a minute, whoever asks: ThingsBoard locks accounts. A new one is, at once.
func TestRefusedLoginIsNotRepeated(t *testing.T) {
	now := time.Now()
	var file string
	tb, h := things(t, func(c *ThingsBoardConfig) {
		c.Now = func() time.Time { return now }
		file = c.Password.File
	})
	h.say(loginPath, said{status: 401, kind: js, body: tbError("401", "10", "Invalid username or password")})
	for _, step := range []struct {
		later    time.Duration
		password string
		logins   int
	}{{0, "", 1}, {30 * time.Second, "", 1}, {31 * time.Second, "", 2}, {0, "hunter2-pass2", 3}, {0, "", 3}} {
		now = now.Add(step.later)
		if step.password != "" {
			if err := os.WriteFile(file, []byte(step.password), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ends(t, second(tb.Find(t.Context(), "edge-1")), "E-TENANT-AUTH", station.Misconfigured)
		if n := h.count(loginPath); n != step.logins {
			t.Errorf("got %d logins, want %d", n, step.logins)
		}
	}
}

func TestAPIKey(t *testing.T) {
	var file string
	tb, h := things(t, func(c *ThingsBoardConfig) {
		c.Username, c.Password, c.APIKey = "", Secret{}, secretFile(t, apiKey)
		file = c.APIKey.File
	})
	ends(t, second(tb.Find(t.Context(), "edge-1")), "", 0)
	if got := h.heads[0].Get("X-Authorization"); got != "ApiKey "+apiKey || h.count(loginPath) != 0 {
		t.Errorf("got %q and %d logins, want the key alone", got, h.count(loginPath))
	}
	h.say(devicePath, said{status: 401, kind: js, body: tbError("401", "10", "no such key "+apiKey)})
	ends(t, second(tb.Find(t.Context(), "edge-1")), "E-TENANT-AUTH", station.Misconfigured)
	if n := h.count(devicePath); n != 2 {
		t.Errorf("got %d requests, want a refused key not to be repeated", n)
	}
	if err := os.WriteFile(file, []byte("two words"), 0o600); err != nil {
		t.Fatal(err)
	}
	ends(t, second(tb.Find(t.Context(), "edge-1")), "E-TENANT-SECRET", station.Misconfigured)
}

func TestSecrets(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		ok   bool
	}{
		"one line": {password + "\r\n", true}, "spaces": {" a b ", true}, "umlauts": {"pässwörd", true},
		"empty": {"\n", false}, "two lines": {password + "\n" + password, false}, "NUL": {password + "\x00", false},
		"not UTF-8": {"\xff", false}, "long": {strings.Repeat(password, 1000), false},
	} {
		got, err := Secret{Env: "P"}.read(func(string) string { return tc.text })
		if (err == nil) != tc.ok || tc.ok && got != strings.TrimRight(tc.text, "\r\n") || !tc.ok && got != "" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		checkClean(t, err)
	}
	hb, _ := hawk(t, func(c *HawkBitConfig) { c.Password = Secret{File: "/nowhere/at/all"} })
	ends(t, hb.Check(t.Context()), "E-TENANT-SECRET", station.Misconfigured)
	tb, _ := things(t, func(c *ThingsBoardConfig) {
		c.Password, c.Getenv = Secret{Env: "NOT_SET"}, func(string) string { return "" }
	})
	ends(t, tb.Check(t.Context()), "E-TENANT-SECRET", station.Misconfigured)
}

// Failures of the way to the server.
func TestNoAnswer(t *testing.T) {
	const passing, m = station.Passing, station.Misconfigured
	hang := func(t *testing.T, h *host) {
		release := make(chan struct{})
		t.Cleanup(func() { close(release) })
		h.on(loginPath, func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		})
	}
	for name, tc := range map[string]struct {
		edit  func(*ThingsBoardConfig)
		set   func(*testing.T, *host)
		code  string
		class station.Class
	}{
		"refused": {func(c *ThingsBoardConfig) { c.URL = "https://127.0.0.1:1" }, nil, "E-TENANT-DOWN", passing},
		"no name": {func(c *ThingsBoardConfig) { c.URL = "https://thingsboard.invalid" }, nil, "E-TENANT-DOWN", passing},
		"slow":    {func(c *ThingsBoardConfig) { c.Timeout = 50 * time.Millisecond }, hang, "E-TENANT-TIMEOUT", passing},
		"cut": {nil, func(_ *testing.T, h *host) {
			h.on(loginPath, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = w.Write([]byte("{"))
				panic(http.ErrAbortHandler)
			})
		}, "E-TENANT-DOWN", passing},
		"another CA":   {func(c *ThingsBoardConfig) { c.Trust = nil }, nil, "E-TENANT-TLS", m},
		"another name": {func(c *ThingsBoardConfig) { c.ServerName = "tb.example.org" }, nil, "E-TENANT-TLS", m},
		"no TLS": {func(c *ThingsBoardConfig) {
			s := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			c.URL = strings.Replace(s.URL, "http:", "https:", 1)
		}, nil, "E-TENANT-TLS", m},
		"no roots": {func(c *ThingsBoardConfig) {
			c.Trust = func(context.Context) (*x509.CertPool, error) { return nil, errors.New("no such file") }
		}, nil, "E-TRUST-MISSING", m},
	} {
		t.Run(name, func(t *testing.T) {
			tb, h := things(t, tc.edit)
			if tc.set != nil {
				tc.set(t, h)
			}
			ends(t, tb.Check(t.Context()), tc.code, tc.class)
		})
	}
	t.Run("the caller's deadline", func(t *testing.T) {
		tb, h := things(t, nil)
		hang(t, h)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := tb.Check(ctx)
		ends(t, err, "E-TENANT-TIMEOUT", passing)
		if f, _ := station.AsFault(err); f.Outcome != station.Timeout {
			t.Errorf("got outcome %s, want TIMEOUT", f.Outcome)
		}
	})
	t.Run("aborted", func(t *testing.T) {
		tb, h := things(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		h.on(loginPath, func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
		f, ok := station.AsFault(tb.Check(ctx))
		if !ok || f.Code != station.CodeAborted || f.Outcome != station.Aborted || !errors.Is(f, context.Canceled) {
			t.Errorf("got %v, want the abort", f)
		}
	})
	t.Run("trust's own fault", func(t *testing.T) {
		own := &station.Fault{Code: station.CodeTrustMissing, Outcome: station.Error, Class: station.Passing, Params: map[string]string{"name": "x"}}
		tb, _ := things(t, func(c *ThingsBoardConfig) {
			c.Trust = func(context.Context) (*x509.CertPool, error) { return nil, fmt.Errorf("roots: %w", own) }
		})
		ends(t, tb.Check(t.Context()), "E-TRUST-MISSING", passing)
	})
}

// A login that somebody else is making is waited for no longer than the caller has time.
func TestWaitForLoginEnds(t *testing.T) {
	tb, h := things(t, nil)
	in, release := make(chan struct{}), make(chan struct{})
	h.on(loginPath, func(w http.ResponseWriter, _ *http.Request) {
		close(in)
		<-release
		said{status: 200, kind: js, body: `{"token":"` + jwt(1, time.Hour) + `"}`}.write(w)
	})
	first := make(chan error, 1)
	go func() { first <- second(tb.Find(t.Context(), "edge-1")) }()
	<-in
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	ends(t, second(tb.Find(ctx, "edge-1")), "E-TENANT-TIMEOUT", station.Passing)
	close(release)
	ends(t, <-first, "", 0)
}

func TestRemove(t *testing.T) {
	const tbDelete, hbDelete, hbGet = "DELETE /api/device/" + deviceUUID, "DELETE /rest/v1/targets/edge-1", "GET /rest/v1/targets/edge-1"
	tbGone, hbGone := said{status: 404, kind: js, body: tbError("404", "32", "x")}, said{status: 404, kind: js, body: hawkGone}
	vanish := func(h *host, del, get string, status int, gone said) {
		h.on(del, func(w http.ResponseWriter, _ *http.Request) {
			h.say(get, gone)
			said{status: status}.write(w)
		})
	}
	for name, tc := range map[string]struct {
		set    func(tb, hb *host)
		result RemovalResult
		code   station.Code
		class  station.Class
	}{
		"done": {func(tb, hb *host) {
			vanish(tb, tbDelete, devicePath, 200, tbGone)
			vanish(hb, hbDelete, hbGet, 204, hbGone)
		}, Removed, "", 0},
		"gone before": {func(tb, hb *host) {
			tb.say(devicePath, tbGone)
			hb.say(hbDelete, hbGone)
		}, AlreadyGone, "", 0},
		"gone meanwhile": {func(tb, hb *host) {
			tb.say(tbDelete, tbGone)
			hb.say(hbDelete, hbGone)
		}, AlreadyGone, "", 0},
		"still there": {func(tb, hb *host) {
			tb.say(tbDelete, said{status: 200})
			hb.say(hbDelete, said{status: 200})
		}, NotRemoved, station.CodeTenantAnswer, station.Permanent},
		"forbidden": {func(tb, hb *host) {
			tb.say(tbDelete, said{status: 403, kind: js, body: tbError("403", "20", "no")})
			hb.say(hbDelete, said{status: 403, kind: js, body: `{"message":"no"}`})
		}, NotRemoved, station.CodeTenantAuth, station.Misconfigured},
		"down": {func(tb, hb *host) {
			tb.say(tbDelete, said{status: 503})
			hb.say(hbDelete, said{status: 503})
		}, NotRemoved, station.CodeTenantDown, station.Passing},
		"a page": {func(tb, hb *host) {
			tb.say(tbDelete, said{status: 200, kind: html, body: "<html>"})
			hb.say(hbDelete, said{status: 200, kind: html, body: "<html>"})
		}, NotRemoved, station.CodeTenantPath, station.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			tb, th := things(t, nil)
			hb, hh := hawk(t, nil)
			tc.set(th, hh)
			for _, got := range []Removal{tb.Remove(t.Context(), "edge-1"), hb.Remove(t.Context(), "edge-1")} {
				if got.Result != tc.result || got.Code != tc.code || got.Class != tc.class || (got.Text != "") != (tc.result == NotRemoved) {
					t.Errorf("got %+v, want %s %s %s", got, tc.result, tc.code, tc.class)
				}
			}
		})
	}
}
