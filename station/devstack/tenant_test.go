package devstack

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// askAs does one request with a header, as "Name: value"; empty for none.
func askAs(t *testing.T, s *Stack, method, url, header, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if name, value, ok := strings.Cut(header, ": "); ok {
		req.Header.Set(name, value)
	}
	res, err := client(t, s).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("Content-Type"), b.String()}
}

// token logs in to ThingsBoard.
func token(t *testing.T, s *Stack) string {
	t.Helper()
	a := askAs(t, s, "POST", s.ThingsBoard.URL+"/api/auth/login", "", `{"username":"`+s.ThingsBoard.User+`","password":"`+passwordOf(t, s.ThingsBoard.PasswordFile)+`"}`)
	if a.Status != 200 {
		t.Fatalf("login: got %d %s", a.Status, a.Body)
	}
	return "X-Authorization: Bearer " + a.json(t).(map[string]any)["token"].(string)
}

func passwordOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%s: got %v (%v), want mode 0600", file, info, err)
	}
	return strings.TrimSpace(string(text))
}

// said compares an answer's status and some of what its body says.
func (a answer) said(t *testing.T, what string, status int, want map[string]any) {
	t.Helper()
	if a.Status != status {
		t.Errorf("%s: got %d %s, want %d", what, a.Status, a.Body, status)
		return
	}
	if want == nil {
		if a.Body != "" {
			t.Errorf("%s: got body %q, want none", what, a.Body)
		}
		return
	}
	got, _ := a.json(t).(map[string]any)
	for k, v := range want {
		if diff := cmp.Diff(v, got[k]); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", what, k, diff)
		}
	}
}

// A device appears in ThingsBoard with its first mTLS connection, not before, under its certificate's name; the rule engine
// has its target made.
func TestThingsBoardLearnsOfDevices(t *testing.T) {
	dir := t.TempDir()
	s := start(t, Config{StateDir: dir})
	auth, find := token(t, s), s.ThingsBoard.URL+"/api/tenant/devices?deviceName=dev-001"
	unknown := map[string]any{"status": 404.0, "errorCode": 32.0, "message": "Requested item wasn't found!"}
	askAs(t, s, "GET", find, auth, "").said(t, "before", 404, unknown)
	if _, err := connect(t, s, "dev-002", identity(t, s.pki, "dev-001", s.pki.sub, s.pki.ica), tls.VersionTLS13); err == nil {
		t.Fatal("a client under another name was let in")
	}
	askAs(t, s, "GET", find, auth, "").said(t, "refused", 404, unknown)

	c, err := connect(t, s, "dev-001", identity(t, s.pki, "dev-001", s.pki.sub, s.pki.ica), tls.VersionTLS13)
	if err != nil {
		t.Fatal(err)
	}
	a := askAs(t, s, "GET", find, auth, "")
	a.said(t, "connected", 200, map[string]any{"name": "dev-001"})
	id := a.json(t).(map[string]any)["id"].(map[string]any)
	if id["entityType"] != "DEVICE" || !uuidPattern.MatchString(id["id"].(string)) {
		t.Errorf("got id %v, want a device's UUID", id)
	}
	active := func() any {
		t.Helper()
		url := s.ThingsBoard.URL + "/api/plugins/telemetry/DEVICE/" + id["id"].(string) + "/values/attributes/SERVER_SCOPE?keys=active"
		list, _ := askAs(t, s, "GET", url, auth, "").json(t).([]any)
		if len(list) != 1 {
			t.Fatalf("got %v, want one attribute", list)
		}
		return list[0].(map[string]any)["value"]
	}
	if active() != false {
		t.Error("active before it has sent anything")
	}
	if tok := c.Publish("v1/devices/me/telemetry", 1, false, `{"test": 1}`); !tok.WaitTimeout(5*time.Second) || tok.Error() != nil {
		t.Fatal(tok.Error())
	}
	if active() != true {
		t.Error("not active after telemetry")
	}
	if diff := cmp.Diff([]string{"dev-001"}, s.HawkBit.IDs()); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	c.Disconnect(0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Another stack on the same folder knows them all, and has the same accounts.
	again := start(t, Config{StateDir: dir})
	if diff := cmp.Diff([][]string{{"dev-001"}, {"dev-001"}}, [][]string{again.ThingsBoard.Names(), again.HawkBit.IDs()}); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if again.ThingsBoard.password != s.ThingsBoard.password {
		t.Error("the station's password changed")
	}
}

// Every error ThingsBoard's part can answer.
func TestThingsBoardErrors(t *testing.T) {
	s := start(t, Config{})
	base, auth := s.ThingsBoard.URL, token(t, s)
	const nobody = "784f394c-42b6-435a-983c-b7beff2784f9"
	for _, row := range []struct {
		what, method, path, header, body string
		status, code                     int
		message                          string
	}{
		{"wrong password", "POST", "/api/auth/login", "", `{"username":"` + s.ThingsBoard.User + `","password":"x"}`, 401, 10, "Invalid username or password"},
		{"wrong user", "POST", "/api/auth/login", "", `{"username":"x","password":"` + s.ThingsBoard.password + `"}`, 401, 10, "Invalid username or password"},
		{"no JSON", "POST", "/api/auth/login", "", `x`, 401, 10, "Authentication failed"},
		{"GET login", "GET", "/api/auth/login", "", "", 401, 10, "Authentication method not supported"},
		{"no token", "GET", "/api/tenant/devices?deviceName=x", "", "", 401, 10, "Authentication failed"},
		{"forged token", "GET", "/api/tenant/devices?deviceName=x", auth[:len(auth)-2] + "AA", "", 401, 10, "Authentication failed"},
		{"unknown", "GET", "/api/tenant/devices?deviceName=x", auth, "", 404, 32, "Requested item wasn't found!"},
		{"delete unknown", "DELETE", "/api/device/" + nobody, auth, "", 404, 32, "Device with id [" + nobody + "] is not found"},
		{"delete by name", "DELETE", "/api/device/x", auth, "", 400, 31, "Invalid UUID string: x"},
	} {
		askAs(t, s, row.method, base+row.path, row.header, row.body).
			said(t, row.what, row.status, map[string]any{"status": float64(row.status), "errorCode": float64(row.code), "message": row.message})
	}
	if a := askAs(t, s, "GET", base+"/devices", "", ""); a.Status != 200 || !strings.HasPrefix(a.Type, "text/html") {
		t.Errorf("its screen: got %d %s, want a web page", a.Status, a.Type)
	}
	askAs(t, s, "GET", base+"/api/tenant/devices", auth, "").said(t, "no name", 400, map[string]any{"error": "Bad Request"})
	askAs(t, s, "GET", base+"/api/nothing", auth, "").said(t, "no such path", 404, map[string]any{"error": "Not Found"})

	var ahead atomic.Int64
	late := start(t, Config{Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	old := token(t, late)
	ahead.Store(int64(tokenLife))
	askAs(t, late, "GET", late.ThingsBoard.URL+"/api/tenant/devices?deviceName=x", old, "").
		said(t, "token is over", 401, map[string]any{"errorCode": 11.0, "message": "Token has expired"})
}

// The bridge makes a target at enrollment; stations see it, and every error hawkBit's part can answer.
func TestHawkBit(t *testing.T) {
	s := start(t, Config{})
	base := s.HawkBit.URL + "/rest/v1/targets"
	auth := "Authorization: " + basic(s.HawkBit.User, passwordOf(t, s.HawkBit.PasswordFile))
	gone := map[string]any{
		"errorCode": "hawkbit.server.error.repo.entitiyNotFound", "exceptionClass": "org.eclipse.hawkbit.repository.exception.EntityNotFoundException",
	}
	askAs(t, s, "GET", base+"/dev-001", auth, "").said(t, "before", 404, gone)
	if a := enroll(t, s, "dev-001", deployed(csrPEM(t, "dev-001"))); a.Status != 200 {
		t.Fatalf("enroll: got %d %s", a.Status, a.Body)
	}
	a := askAs(t, s, "GET", base+"/dev-001", auth, "")
	a.said(t, "enrolled", 200, map[string]any{"controllerId": "dev-001", "name": "Device", "updateStatus": "unknown"})
	if a.Type != "application/hal+json" {
		t.Errorf("got type %s", a.Type)
	}
	askAs(t, s, "GET", base+"/dev-001/attributes", auth, "").said(t, "attributes", 200, map[string]any{"device_type": "sensor"})
	askAs(t, s, "PUT", base+"/dev-001/attributes", auth, "{}").
		said(t, "attributes are the device's", 405, map[string]any{"error": "Method Not Allowed", "path": "/hawkbit/rest/v1/targets/dev-001/attributes"})
	askAs(t, s, "POST", base, auth, `[{"controllerId":"dev-002","name":"B"}]`)
	askAs(t, s, "GET", base+"/dev-002/attributes", auth, "").said(t, "no attributes", 204, nil)
	askAs(t, s, "GET", base+"?limit=1", auth, "").said(t, "list", 200, map[string]any{"total": 2.0, "size": 1.0})
	for _, row := range []struct {
		what, method, path, header, body string
		status                           int
		want                             map[string]any
	}{
		{"no account", "GET", "/dev-001", "", "", 401, map[string]any{"error": "Unauthorized"}},
		{"wrong password", "GET", "/dev-001", "Authorization: " + basic(s.HawkBit.User, "x"), "", 401, map[string]any{"error": "Unauthorized"}},
		{"made twice", "POST", "", auth, `[{"controllerId":"dev-001","name":"A"}]`, 409, map[string]any{"errorCode": "hawkbit.server.error.repo.entitiyAlreayExists"}},
		{"no JSON", "POST", "", auth, `x`, 400, map[string]any{"errorCode": "hawkbit.server.error.rest.body.notReadable"}},
		{"no id", "POST", "", auth, `[{"name":"A"}]`, 400, map[string]any{"errorCode": "hawkbit.server.error.repo.constraintViolation"}},
		{"deleted", "DELETE", "/dev-001", auth, "", 200, nil},
		{"deleted again", "DELETE", "/dev-001", auth, "", 404, gone},
		{"attributes of none", "GET", "/dev-001/attributes", auth, "", 404, gone},
	} {
		askAs(t, s, row.method, base+row.path, row.header, row.body).said(t, row.what, row.status, row.want)
	}
	askAs(t, s, "GET", s.HawkBit.URL+"/rest/v2/targets", auth, "").said(t, "another path", 404, map[string]any{"error": "Not Found"})
}

func basic(user, password string) string {
	r, _ := http.NewRequest(http.MethodGet, "https://x", nil) //nolint:noctx // only for its header
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

// A hawkBit that refuses attributes, and one that is away, make the bridge answer as recorded: a certificate is issued and
// lost. The second try meets the target and goes well.
func TestHawkBitFailsAsRecorded(t *testing.T) {
	all := recorded(t)
	s := start(t, Config{Faults: Spec{HawkBit: HawkBit502First}})
	mustMatch(t, enroll(t, s, "hb-real", deployed(csrPEM(t, "hb-real"))), all["hawkBit mode=real first"])
	if a := enroll(t, s, "hb-real", deployed(csrPEM(t, "hb-real"))); a.Status != 200 || len(s.Issued()) != 2 {
		t.Errorf("second try: got %d %s, %d certificates, want 200 and one lost", a.Status, a.Body, len(s.Issued()))
	}
	auth := "Authorization: " + basic(s.HawkBit.User, s.HawkBit.password)
	askAs(t, s, "GET", s.HawkBit.URL+"/rest/v1/targets/hb-real/attributes", auth, "").said(t, "attributes", 204, nil)

	down := start(t, Config{Faults: Spec{HawkBit: ServiceDown}})
	mustMatch(t, enroll(t, down, "hb-down", deployed(csrPEM(t, "hb-down"))), all["hawkBit down"])
	down.HawkBit.SetFault(HawkBitCut) // the bridge reaches it again, a station does not
	if a := enroll(t, down, "hb-down", deployed(csrPEM(t, "hb-down"))); a.Status != 200 {
		t.Errorf("cut: got %d %s, want the bridge to reach it", a.Status, a.Body)
	}
	if a, err := try(t, client(t, down), "GET", down.HawkBit.URL+"/rest/v1/targets", nil); err == nil {
		t.Errorf("cut: got %d %s, want no answer", a.Status, a.Body)
	}
	down.HawkBit.SetFault(ServiceWorks)
	askAs(t, down, "GET", down.HawkBit.URL+"/rest/v1/targets", "Authorization: "+basic(down.HawkBit.User, down.HawkBit.password), "").
		said(t, "back", 200, map[string]any{"total": 1.0})
}
