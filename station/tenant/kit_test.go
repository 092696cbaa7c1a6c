package tenant

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
)

// What must never show in an error.
const (
	password = "hunter2-pass"
	apiKey   = "tb_hunter2key"
)

const js = "application/json"

// said is an answer that a test's server gives.
type said struct {
	status     int
	kind, body string
	location   string
	header     func(http.Header)
}

func (a said) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", a.kind)
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	if a.header != nil {
		a.header(w.Header())
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// host is a server by a table of "METHOD path", path as it was sent, below the base; what is not in it is 404 in HTML.
type host struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	routes map[string]func(http.ResponseWriter, *http.Request)
	asked  []string
	heads  []http.Header
	bodies []string
}

const basePath = "/sub/thing%20s"

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, routes: map[string]func(http.ResponseWriter, *http.Request){}}
	h.Server = httptest.NewUnstartedServer(h)
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.StartTLS()
	t.Cleanup(h.Close)
	return h
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path, ok := strings.CutPrefix(r.URL.EscapedPath(), basePath)
	what := r.Method + " " + path
	h.mu.Lock()
	h.asked, h.heads, h.bodies = append(h.asked, what), append(h.heads, r.Header.Clone()), append(h.bodies, string(body))
	f := h.routes[what]
	h.mu.Unlock()
	if !ok || f == nil {
		said{status: 404, kind: "text/html", body: "<html>no such page"}.write(w)
		return
	}
	f(w, r)
}

func (h *host) on(what string, f func(http.ResponseWriter, *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.routes[what] = f
}

func (h *host) say(what string, a said) {
	h.on(what, func(w http.ResponseWriter, _ *http.Request) { a.write(w) })
}

// count is how often it was asked this.
func (h *host) count(what string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, a := range h.asked {
		if a == what {
			n++
		}
	}
	return n
}

func (h *host) config() Config {
	return Config{Trust: func(context.Context) (*x509.CertPool, error) {
		pool := x509.NewCertPool()
		pool.AddCert(h.Certificate())
		return pool, nil
	}}
}

func (h *host) base() string { return h.URL + basePath }

// secretFile keeps a secret where the clients read it.
func secretFile(t *testing.T, text string) Secret {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return Secret{File: path}
}

const (
	loginPath  = "POST /api/auth/login"
	devicePath = "GET /api/tenant/devices"
	deviceUUID = "784f394c-42b6-435a-983c-b7beff2784f9"
)

// jwt is a token as ThingsBoard makes them, good for so long.
func jwt(n int, life time.Duration) string {
	at := time.Now().Unix()
	claims := fmt.Sprintf(`{"sub":"tenant@example.com","iat":%d,"exp":%d,"n":%d}`, at, at+int64(life.Seconds()), n)
	return "eyJhbGciOiJIUzUxMiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2lnbmF0dXJl"
}

// things is a ThingsBoard that logs the station in and knows one device.
func things(t *testing.T, edit func(*ThingsBoardConfig)) (*ThingsBoard, *host) {
	t.Helper()
	h := newHost(t)
	h.say(loginPath, said{status: 200, kind: js, body: `{"token":"` + jwt(1, time.Hour) + `","refreshToken":"r"}`})
	h.say(devicePath, said{status: 200, kind: js, body: deviceBody("edge-1")})
	cfg := ThingsBoardConfig{Config: h.config(), URL: h.base() + "/", Username: "tenant@example.com", Password: secretFile(t, password)}
	if edit != nil {
		edit(&cfg)
	}
	c, err := NewThingsBoard(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, h
}

func deviceBody(name string) string {
	return `{"id":{"entityType":"DEVICE","id":"` + deviceUUID + `"},"createdTime":1,"tenantId":{"entityType":"TENANT","id":"` + deviceUUID +
		`"},"name":"` + name + `","type":"default","label":null,"additionalInfo":{}}`
}

// hawk is a hawkBit that knows one target.
func hawk(t *testing.T, edit func(*HawkBitConfig)) (*HawkBit, *host) {
	t.Helper()
	h := newHost(t)
	h.say("GET /rest/v1/targets/edge-1", said{status: 200, kind: "application/hal+json", body: `{"controllerId":"edge-1","name":"Edge 1","updateStatus":"unknown","_links":{}}`})
	h.say("GET /rest/v1/targets/edge-1/attributes", said{status: 200, kind: js, body: `{"device_type":"sensor","revision":"1.0"}`})
	h.say("GET /rest/v1/targets", said{status: 200, kind: "application/hal+json", body: `{"content":[],"total":0,"size":0}`})
	cfg := HawkBitConfig{Config: h.config(), URL: h.base(), Username: "admin", Password: secretFile(t, password)}
	if edit != nil {
		edit(&cfg)
	}
	c, err := NewHawkBit(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, h
}

// ends checks what an error is: a code with its class, "unknown", or "" for none. No secret is in it.
func ends(t *testing.T, err error, code string, class station.Class) {
	t.Helper()
	checkClean(t, err)
	f, isFault := station.AsFault(err)
	switch {
	case code == "":
		if err != nil {
			t.Errorf("got %v, want no error", err)
		}
	case code == "unknown":
		if !errors.Is(err, ErrUnknown) || isFault {
			t.Errorf("got %v, want ErrUnknown and no fault", err)
		}
	case !isFault || string(f.Code) != code || f.Class != class || f.Params["name"] == "":
		t.Errorf("got %v (%+v), want %s, %s", err, f, code, class)
	}
}

// checkClean looks for secrets and control characters in an error and all that it carries.
func checkClean(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	all := err.Error()
	if f, ok := station.AsFault(err); ok {
		all += fmt.Sprintf("%v %+v", f.Params, f.Err)
	}
	basic := base64.StdEncoding.EncodeToString([]byte("admin:" + password))
	for _, bad := range []string{password, apiKey, basic, "eyJ", "\x1b", "\x00", "\n"} {
		if strings.Contains(all, bad) {
			t.Errorf("%q is in the error %q", bad, all)
		}
	}
}
