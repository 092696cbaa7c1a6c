package bridge_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/bridge"
)

// client makes a client of a bridge that answers by h, under a base with a path.
func client(t *testing.T, h http.HandlerFunc, cfg bridge.Config) *bridge.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return clientOf(t, s.URL+"/api/", cfg)
}

func clientOf(t *testing.T, url string, cfg bridge.Config) *bridge.Client {
	t.Helper()
	c, err := bridge.New(url, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func request() station.EnrollRequest {
	return station.EnrollRequest{
		DeviceID: "dev-001", DeviceName: "Device 001", DeviceType: "sensor", CSR: []byte{0x30, 0x00},
		WireGuardKey: bytes.Repeat([]byte{7}, 32),
	}
}

const (
	goodDeployed   = `{"certificate":"C","ca_chain":"S","wireguard_ip":"10.8.1.2","wireguard_config":"[Interface]\n"}`
	goodDocumented = `{"device_id":"dev-001","certificate_pem":"C","ca_chain_pem":"S","wireguard_config":"PrivateKey = hunter2"}`
)

func TestRequests(t *testing.T) {
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{0x30, 0x00}}))
	for name, tc := range map[string]struct {
		contract station.Contract
		change   func(*station.EnrollRequest)
		answer   string
		want     map[string]any
	}{
		"documented": {station.ContractDocumented, func(*station.EnrollRequest) {}, goodDocumented, map[string]any{"csr_pem": csr}},
		"deployed": {station.ContractDeployed, func(*station.EnrollRequest) {}, goodDeployed, map[string]any{
			"csr": csr, "device_name": "Device 001", "device_type": "sensor",
			"wg_public_key": "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
		}},
		"deployed without tunnel, name and type": {
			station.ContractDeployed, func(r *station.EnrollRequest) { r.DeviceName, r.DeviceType, r.WireGuardKey = "", "", nil },
			`{"certificate":"C","ca_chain":"S","wireguard_ip":null,"wireguard_config":""}`,
			map[string]any{"csr": csr, "device_name": "dev-001", "device_type": "generic", "wg_public_key": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got map[string]any
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/api/devices/dev-001/enroll" || r.Header.Get("Content-Type") != "application/json" {
					t.Errorf("got %s %s, %v", r.Method, r.URL, r.Header)
				}
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
				answer(200, "application/json; charset=utf-8", tc.answer)(w, r)
			}, bridge.Config{})
			r := request()
			tc.change(&r)
			a, err := c.Enroll(t.Context(), tc.contract, r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if a.Certificate != "C" || a.Chain != "S" || strings.Contains(fmt.Sprintf("%v %+v %#v", a, a, a), "hunter2") {
				t.Errorf("got %v, want the answer with its secret hidden", a)
			}
		})
	}
}

func TestIDIsOneSegment(t *testing.T) {
	var path string
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.URL.EscapedPath()
		answer(200, "application/json", goodDeployed)(w, r)
	}, bridge.Config{})
	r := request()
	r.DeviceID = "../a b/c?d#e"
	if _, err := c.Enroll(t.Context(), station.ContractDeployed, r); err != nil {
		t.Fatal(err)
	}
	if want := "/api/devices/..%2Fa%20b%2Fc%3Fd%23e/enroll"; path != want {
		t.Errorf("got %s, want %s", path, want)
	}
}

func TestRequestsNeverSent(t *testing.T) {
	c := client(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }, bridge.Config{})
	for name, change := range map[string]func(*station.EnrollRequest){
		"no id":     func(r *station.EnrollRequest) { r.DeviceID = "" },
		"dots":      func(r *station.EnrollRequest) { r.DeviceID = ".." },
		"no CSR":    func(r *station.EnrollRequest) { r.CSR = nil },
		"huge CSR":  func(r *station.EnrollRequest) { r.CSR = make([]byte, 1<<20) },
		"short key": func(r *station.EnrollRequest) { r.WireGuardKey = []byte{1} },
	} {
		r := request()
		change(&r)
		_, err := c.Enroll(t.Context(), station.ContractDeployed, r)
		if got, _ := judge(t, err); got.Code != station.CodeInternal || got.Maybe {
			t.Errorf("%s: got %v, want CodeInternal", name, got)
		}
	}
	if _, err := c.Enroll(t.Context(), station.ContractAuto, request()); err == nil {
		t.Error("posting under auto: got no error")
	}
}

// A 200 that is not what was asked for is not believed; a certificate may be lost then.
func TestUnbelievable200(t *testing.T) {
	const js = "application/json"
	for name, tc := range map[string]struct {
		contract   station.Contract
		kind, body string
		reason     string
		class      station.Class
	}{
		"login page":      {"", "text/html; charset=utf-8", "<html>log in</html>", "web page", station.Misconfigured},
		"no type":         {"", "text/plain", goodDeployed, "does not say that it is JSON", 0},
		"empty":           {"", js, "", "not one JSON object", 0},
		"array":           {"", js, "[]", "not one JSON object", 0},
		"null":            {"", js, "null", "not one JSON object", 0},
		"cut":             {"", js, goodDeployed[:40], "not one JSON object", 0},
		"trailing":        {"", js, goodDeployed + "{}", "something stands behind", 0},
		"twice":           {"", js, `{"certificate":"A",` + goodDeployed[1:], `field "certificate" stands in it twice`, 0},
		"other case":      {"", js, strings.Replace(goodDeployed, "certificate", "Certificate", 1), "certificate is missing", 0},
		"missing":         {"", js, `{"certificate":"C"}`, "ca_chain is missing", 0},
		"null field":      {"", js, strings.Replace(goodDeployed, `"C"`, "null", 1), "certificate is missing", 0},
		"number":          {"", js, strings.Replace(goodDeployed, `"C"`, "5", 1), "certificate is not a text", 0},
		"list":            {"", js, strings.Replace(goodDeployed, `"C"`, `["C"]`, 1), "certificate is not a text", 0},
		"blank":           {"", js, strings.Replace(goodDeployed, `"C"`, `" \n"`, 1), "certificate is empty", 0},
		"no tunnel":       {"", js, `{"certificate":"C","ca_chain":"S"}`, "wireguard_ip is missing", 0},
		"NUL escaped":     {"", js, strings.Replace(goodDeployed, `"C"`, `"C\u0000"`, 1), "certificate holds control characters", 0},
		"NUL raw":         {"", js, strings.Replace(goodDeployed, `"C"`, "\"C\x00\"", 1), "not one JSON object", 0},
		"escape":          {"", js, strings.Replace(goodDeployed, `"C"`, `"\u001b[2J"`, 1), "certificate holds control characters", 0},
		"lone surrogate":  {"", js, strings.Replace(goodDeployed, `"C"`, `"\ud800"`, 1), "certificate holds control characters", 0},
		"not UTF-8":       {"", js, strings.Replace(goodDeployed, `"C"`, "\"\xff\"", 1), "not UTF-8", 0},
		"long address":    {"", js, strings.Replace(goodDeployed, "10.8.1.2", strings.Repeat("1", 65), 1), "wireguard_ip is not an address", 0},
		"10 MB":           {"", js, `{"x":"` + strings.Repeat("a", 10<<20) + `"}`, "longer than 262144 bytes", 0},
		"other contract":  {station.ContractDocumented, js, goodDeployed, "device_id is missing", 0},
		"another device":  {station.ContractDocumented, js, strings.Replace(goodDocumented, "dev-001", "dev-002", 1), "device_id is another device's", 0},
		"deep":            {"", js, `{"x":` + strings.Repeat("[", 20000), "not one JSON object", 0},
		"its own problem": {"", "application/problem+json", `{"detail":"x"}`, "certificate is missing", 0},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.contract == "" {
				tc.contract = station.ContractDeployed
			}
			c := client(t, answer(200, tc.kind, tc.body), bridge.Config{})
			a, err := c.Enroll(t.Context(), tc.contract, request())
			got, f := judge(t, err)
			if want := (judged{station.CodeBridgeAnswer, tc.class, station.Error, true}); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
			if !strings.Contains(f.Params["reason"], tc.reason) {
				t.Errorf("got reason %q, want %q in it", f.Params["reason"], tc.reason)
			}
			// What was issued is not lost for what else is wrong; nothing else of such an answer is handed on.
			kept := map[string]string{"missing": "C", "no tunnel": "C", "another device": "C", "long address": "C"}[name]
			if a.Certificate != kept || a.WireGuardIP != "" || !a.WGConf.Empty() {
				t.Errorf("got certificate %q, address %q besides the error, want %q and no more", a.Certificate, a.WireGuardIP, kept)
			}
		})
	}
}

func TestGzipIsNotInflated(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("asked for %q, want identity", got)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.CopyN(z, zeros{}, 100<<20)
		_ = z.Close()
	}, bridge.Config{})
	_, err := c.Enroll(t.Context(), station.ContractDeployed, request())
	if got, f := judge(t, err); got.Code != station.CodeBridgeAnswer || !got.Maybe || !strings.Contains(f.Params["reason"], "compressed") {
		t.Errorf("got %v %v, want it refused as compressed", got, f.Params)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRedirectIsNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		posts := 0
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			posts++
			w.Header().Set("Location", "https://login.example.com/realms?next=secret")
			w.WriteHeader(status)
		}, bridge.Config{})
		_, err := c.Enroll(t.Context(), station.ContractDeployed, request())
		got, f := judge(t, err)
		if want := (judged{station.CodeBridgePath, station.Misconfigured, station.Error, false}); got != want || posts != 1 {
			t.Errorf("%d: got %v after %d posts, want %v after 1", status, got, posts, want)
		}
		if f.Params["location"] != "login.example.com" {
			t.Errorf("%d: got location %q, want the host", status, f.Params["location"])
		}
	}
}

// raw serves one connection after another with f, below HTTP.
func raw(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f(conn)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// readRequest reads a whole request off a connection.
func readRequest(c net.Conn) {
	buf, got := make([]byte, 4096), []byte{}
	for !bytes.Contains(got, []byte("wg_public_key")) {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		got = append(got, buf[:n]...)
	}
}

func TestCutConnections(t *testing.T) {
	for name, tc := range map[string]struct {
		serve func(net.Conn)
		want  judged
	}{
		"after the request": {readRequest, judged{station.CodeBridgeDown, station.Passing, station.Error, true}},
		"in the header": {func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Ty")
		}, judged{station.CodeBridgeDown, station.Passing, station.Error, true}},
		"in the body": {func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"certif")
		}, judged{station.CodeBridgeDown, station.Passing, station.Error, true}},
		"in the body of a refusal": {func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 422 No\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"det")
		}, judged{station.CodeBridgeDown, station.Passing, station.Error, false}},
		"not HTTP": {func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n\r\n")
		}, judged{station.CodeBridgeDown, station.Passing, station.Error, true}},
	} {
		t.Run(name, func(t *testing.T) {
			c := clientOf(t, raw(t, tc.serve), bridge.Config{})
			_, err := c.Enroll(t.Context(), station.ContractDeployed, request())
			if got, f := judge(t, err); got != tc.want {
				t.Errorf("got %v (%v), want %v", got, f, tc.want)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	for _, url := range []string{"http://" + addr, "http://bridge.invalid"} {
		_, err := clientOf(t, url, bridge.Config{}).Enroll(t.Context(), station.ContractDeployed, request())
		if got, want := first(judge(t, err)), (judged{station.CodeBridgeDown, station.Passing, station.Error, false}); got != want {
			t.Errorf("%s: got %v, want %v", url, got, want)
		}
	}
}

func first(j judged, _ *station.Fault) judged { return j }

func TestSlowBridge(t *testing.T) {
	release := make(chan struct{})
	posted := make(chan struct{}, 4)
	h := func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		posted <- struct{}{}
		<-release
	}
	t.Cleanup(func() { close(release) }) // runs before the server's own cleanup, which is registered earlier
	s := httptest.NewServer(http.HandlerFunc(h))
	t.Cleanup(func() { s.CloseClientConnections() })

	timeout := judged{station.CodeBridgeTimeout, station.Passing, station.Timeout, true}
	_, err := clientOf(t, s.URL, bridge.Config{Timeout: 50 * time.Millisecond}).Enroll(t.Context(), station.ContractDeployed, request())
	if got := first(judge(t, err)); got != timeout {
		t.Errorf("own timeout: got %v, want %v", got, timeout)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = clientOf(t, s.URL, bridge.Config{}).Enroll(ctx, station.ContractDeployed, request())
	if got := first(judge(t, err)); got != timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("caller's deadline: got %v, want %v", got, timeout)
	}
	for range 2 {
		<-posted
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-posted; stop() }()
	_, err = clientOf(t, s.URL, bridge.Config{}).Enroll(ctx, station.ContractDeployed, request())
	if got, want := first(judge(t, err)), (judged{station.CodeAborted, station.Permanent, station.Aborted, true}); got != want || !errors.Is(err, context.Canceled) {
		t.Errorf("caller gives up: got %v, want %v", got, want)
	}
	_, err = clientOf(t, s.URL, bridge.Config{}).Enroll(ctx, station.ContractDeployed, request())
	if got := first(judge(t, err)); got.Code != station.CodeAborted || got.Maybe {
		t.Errorf("given up before: got %v, want nothing issued", got)
	}
}

// quiet starts a TLS bridge whose handshake errors go nowhere.
func quiet(t *testing.T, h http.HandlerFunc, cfg *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = cfg
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func caFile(t *testing.T, s *httptest.Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTrust(t *testing.T) {
	s := quiet(t, answer(200, "application/json", goodDeployed), nil)
	missing := filepath.Join(t.TempDir(), "absent.pem")
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	notTLS := raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	for name, tc := range map[string]struct {
		url  string
		cfg  bridge.Config
		want judged
	}{
		"right":       {s.URL, bridge.Config{Trust: bridge.TrustFile(caFile(t, s))}, judged{}},
		"system":      {s.URL, bridge.Config{}, judged{station.CodeBridgeTLS, station.Misconfigured, station.Error, false}},
		"other name":  {s.URL, bridge.Config{Trust: bridge.TrustFile(caFile(t, s)), ServerName: "other.test"}, judged{station.CodeBridgeTLS, station.Misconfigured, station.Error, false}},
		"no file":     {s.URL, bridge.Config{Trust: bridge.TrustFile(missing)}, judged{station.CodeTrustMissing, station.Misconfigured, station.Error, false}},
		"empty file":  {s.URL, bridge.Config{Trust: bridge.TrustFile(empty)}, judged{station.CodeTrustMissing, station.Misconfigured, station.Error, false}},
		"not TLS":     {strings.Replace(notTLS, "http:", "https:", 1), bridge.Config{}, judged{station.CodeBridgeTLS, station.Misconfigured, station.Error, false}},
		"CA down":     {s.URL, bridge.Config{Trust: bridge.TrustRoot("https://127.0.0.1:1", strings.Repeat("ab", 32))}, judged{station.CodeTrustMissing, station.Passing, station.Error, false}},
		"fingerprint": {s.URL, bridge.Config{Trust: bridge.TrustRoot("https://127.0.0.1:1", "zz")}, judged{station.CodeTrustMissing, station.Misconfigured, station.Error, false}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := clientOf(t, tc.url, tc.cfg).Enroll(t.Context(), station.ContractDeployed, request())
			if tc.want == (judged{}) {
				if err != nil {
					t.Errorf("got %v, want no error", err)
				}
				return
			}
			if got, f := judge(t, err); got != tc.want {
				t.Errorf("got %v (%v), want %v", got, f, tc.want)
			}
		})
	}
}

// A root that cannot be had now is asked for again.
func TestTrustIsAskedAgain(t *testing.T) {
	s := quiet(t, answer(200, "application/json", goodDeployed), nil)
	calls := 0
	trust := func(ctx context.Context) (*x509.CertPool, error) {
		if calls++; calls == 1 {
			return nil, context.DeadlineExceeded
		}
		return bridge.TrustFile(caFile(t, s))(ctx)
	}
	c := clientOf(t, s.URL, bridge.Config{Trust: trust})
	for i, wantErr := range []bool{true, false, false} {
		if _, err := c.Enroll(t.Context(), station.ContractDeployed, request()); (err != nil) != wantErr {
			t.Errorf("try %d: got %v", i+1, err)
		}
	}
	if calls != 2 {
		t.Errorf("trust was asked %d times, want 2", calls)
	}
}

func TestHealth(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/api/health" {
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		w.Header().Set("Date", "Mon, 23 Nov 2026 10:00:00 GMT")
		answer(200, "application/json", `{"status":"ok","service":"iot-bridge-api"}`)(w, r)
	}, bridge.Config{})
	got, err := c.Health(t.Context())
	want := bridge.Health{Status: "ok", Service: "iot-bridge-api", ServerTime: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	if err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for name, tc := range map[string]struct {
		status int
		body   string
		want   station.Code
	}{
		"missing": {404, `{"detail":"Not Found"}`, station.CodeBridgePath},
		"list":    {200, `[]`, station.CodeBridgeAnswer},
		"empty":   {200, `{}`, station.CodeBridgeAnswer},
		"500":     {500, ``, station.CodeBridgeInternal},
	} {
		_, err := client(t, answer(tc.status, "application/json", tc.body), bridge.Config{}).Health(t.Context())
		if got, _ := judge(t, err); got.Code != tc.want || got.Maybe {
			t.Errorf("%s: got %v, want %s and nothing issued", name, got, tc.want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		url string
		cfg bridge.Config
	}{
		"scheme":       {"ftp://h", bridge.Config{}},
		"user":         {"https://u:hunter2@h", bridge.Config{}},
		"broken":       {"https://u:hunter2@h:%", bridge.Config{}},
		"query":        {"https://h?x", bridge.Config{}},
		"contract":     {"https://h", bridge.Config{Contract: "new"}},
		"two secrets":  {"https://h", bridge.Config{Auth: bridge.Auth{BearerFile: "a", BearerEnv: "b"}}},
		"two kinds":    {"https://h", bridge.Config{Auth: bridge.Auth{BearerFile: "a", ClientID: "b"}}},
		"half OAuth2":  {"https://h", bridge.Config{Auth: bridge.Auth{ClientID: "b"}}},
		"half a pair":  {"https://h", bridge.Config{Auth: bridge.Auth{CertFile: "b"}}},
		"token, plain": {"http://bridge.example", bridge.Config{Auth: bridge.Auth{BearerEnv: "b"}}},
	} {
		c, err := bridge.New(tc.url, tc.cfg)
		if !errors.Is(err, bridge.ErrConfig) || c != nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want ErrConfig", name, err)
		}
	}
}
