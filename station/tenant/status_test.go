package tenant

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"provstation/station"
)

const html = "text/html; charset=utf-8"

// Error bodies as the servers write them: ThingsBoard's, hawkBit's, and Spring's of a path that is not there.
func tbError(status, code, message string) string {
	return `{"status":` + status + `,"message":"` + message + `","errorCode":` + code + `,"timestamp":"2026-01-01T00:00:00.000+00:00"}`
}

func springError(status, text string) string {
	return `{"timestamp":"2026-01-01T00:00:00.000+00:00","status":` + status + `,"error":"` + text + `","path":"/x"}`
}

const (
	hawkGone   = `{"exceptionClass":"org.eclipse.hawkbit.repository.exception.EntityNotFoundException","errorCode":"hawkbit.server.error.repo.entitiyNotFound","message":"Target with given identifier {edge-1} does not exist.","parameters":null}`
	hawkExists = `{"exceptionClass":"org.eclipse.hawkbit.repository.exception.EntityAlreadyExistsException","errorCode":"hawkbit.server.error.repo.entitiyAlreayExists","message":"exists","parameters":null}`
)

// statusRow is one answer and what it means to every request.
type statusRow struct {
	name  string
	a     said
	code  string
	class station.Class
}

// common is what either server, or a proxy before it, can answer to any request.
func common() []statusRow {
	const p, m, passing = station.Permanent, station.Misconfigured, station.Passing
	return []statusRow{
		{"redirect", said{status: 302, kind: html, location: "https://login.example.com/x?next=1"}, "E-TENANT-PATH", m},
		{"moved for good", said{status: 308, kind: html, location: "/other"}, "E-TENANT-PATH", m},
		{"web page", said{status: 200, kind: html, body: "<html>log in"}, "E-TENANT-PATH", m},
		{"web page 201", said{status: 201, kind: "application/xhtml+xml", body: "<html>"}, "E-TENANT-PATH", m},
		{"404 web page", said{status: 404, kind: html, body: "<html>"}, "E-TENANT-PATH", m},
		{"method", said{status: 405, kind: js, body: springError("405", "Method Not Allowed")}, "E-TENANT-PATH", m},
		{"gone", said{status: 410, kind: js, body: "{}"}, "E-TENANT-PATH", m},
		{"forbidden", said{status: 403, kind: js, body: tbError("403", "20", "You don't have permission to perform this operation!")}, "E-TENANT-AUTH", m},
		{"proxy's login", said{status: 407, kind: html}, "E-TENANT-AUTH", m},
		{"bad request", said{status: 400, kind: js, body: tbError("400", "31", "Invalid UUID string")}, "E-TENANT-ANSWER", p},
		{"teapot", said{status: 418, kind: js, body: "{}"}, "E-TENANT-ANSWER", p},
		{"timeout of theirs", said{status: 408, kind: html}, "E-TENANT-BUSY", passing},
		{"early", said{status: 425, kind: html}, "E-TENANT-BUSY", passing},
		{"too many", said{status: 429, kind: js, body: tbError("429", "33", "Too many requests for current tenant!")}, "E-TENANT-BUSY", passing},
		{"internal", said{status: 500, kind: js, body: tbError("500", "2", "x")}, "E-TENANT-INTERNAL", passing},
		{"not implemented", said{status: 501, kind: "text/plain", body: "x"}, "E-TENANT-INTERNAL", passing},
		{"bad gateway", said{status: 502, kind: html, body: "<html>nginx"}, "E-TENANT-DOWN", passing},
		{"unavailable", said{status: 503, kind: html, body: "<html>"}, "E-TENANT-DOWN", passing},
		{"gateway timeout", said{status: 504, kind: html}, "E-TENANT-TIMEOUT", passing},
		{"another 2xx", said{status: 206, kind: js, body: "{}"}, "E-TENANT-ANSWER", p},
		{"steers a terminal", said{status: 400, kind: js, body: `{"message":"no \u001b[2J\u0000"}`}, "E-TENANT-ANSWER", p},
		{"long error", said{status: 500, kind: js, body: `{"message":"` + strings.Repeat("a b ", 100000) + `"}`}, "E-TENANT-INTERNAL", passing},
	}
}

// bodies are what a good status may come with that is not to be believed.
func bodies() []statusRow {
	const p = station.Permanent
	row := func(name, kind, body string) statusRow {
		return statusRow{name, said{status: 200, kind: kind, body: body}, "E-TENANT-ANSWER", p}
	}
	return []statusRow{
		row("no type", "", "{}"),
		row("text", "text/plain", "{}"),
		row("cut", js, `{"token":"`),
		row("empty", js, ""),
		row("another kind", js, `"token"`),
		row("twice", js, `{"token":"a","token":"b","name":"edge-1","name":"edge-1","controllerId":"edge-1","controllerId":"x"}`),
		row("not UTF-8", js, "{\"token\":\"\xff\",\"name\":\"\xff\",\"controllerId\":\"\xff\"}"),
		row("fields missing", js, `{"other":"x"}`),
		row("fields of another type", js, `{"token":1,"id":"x","name":2,"controllerId":[],"device_type":{}}`),
		row("too long", js, `{"x":"`+strings.Repeat("a", maxAnswer)+`"}`),
		{"compressed", said{status: 200, kind: js, body: "{}", header: func(h http.Header) { h.Set("Content-Encoding", "gzip") }}, "E-TENANT-ANSWER", p},
	}
}

// Every answer to every request of either server, by the table in the package's documentation.
func TestStatuses(t *testing.T) {
	m, p := station.Misconfigured, station.Permanent
	tbUnknown := statusRow{"unknown", said{status: 404, kind: js, body: tbError("404", "32", "Requested item wasn't found!")}, "unknown", 0}
	hawkUnknown := statusRow{"unknown", said{status: 404, kind: js, body: hawkGone}, "unknown", 0}
	unauthorized := statusRow{"unauthorized", said{status: 401, kind: js, body: tbError("401", "10", "Authentication failed")}, "E-TENANT-AUTH", m}
	for _, tc := range []struct {
		name, path string
		ask        func(context.Context, *ThingsBoard, *HawkBit) error
		rows       []statusRow
		empty      bool // the answer has no body that is read
	}{
		{
			"thingsboard login", loginPath, func(ctx context.Context, tb *ThingsBoard, _ *HawkBit) error { return tb.Check(ctx) },
			[]statusRow{
				{"wrong password", said{status: 401, kind: js, body: tbError("401", "10", "Invalid username or password")}, "E-TENANT-AUTH", m},
				{"locked", said{status: 401, kind: js, body: tbError("401", "10", "User account is locked due to security policy")}, "E-TENANT-AUTH", m},
				{"expired", said{status: 401, kind: js, body: `{"message":"User password expired!","errorCode":15,"resetToken":"hunter2-pass"}`}, "E-TENANT-AUTH", m},
				{"no such path", said{status: 404, kind: js, body: springError("404", "Not Found")}, "E-TENANT-PATH", m},
				{"no such path, coded", tbUnknown.a, "E-TENANT-PATH", m},
				{"token of two words", said{status: 200, kind: js, body: `{"token":"a b"}`}, "E-TENANT-ANSWER", p},
				{"token of two lines", said{status: 200, kind: js, body: `{"token":"a\nX-Evil: 1"}`}, "E-TENANT-ANSWER", p},
				{"huge token", said{status: 200, kind: js, body: `{"token":"` + strings.Repeat("a", 20000) + `"}`}, "E-TENANT-ANSWER", p},
			},
			false,
		},
		{
			"thingsboard find", devicePath, func(ctx context.Context, tb *ThingsBoard, _ *HawkBit) error {
				d, err := tb.Find(ctx, "edge-1")
				if err == nil && (d.ID != deviceUUID || d.Name != "edge-1") {
					t.Errorf("got %+v, want the device", d)
				}
				return err
			}, []statusRow{
				tbUnknown, unauthorized,
				{"found", said{status: 200, kind: js + ";charset=UTF-8", body: deviceBody("edge-1")}, "", 0},
				{"bare 404 after a login", said{status: 404, kind: js, body: springError("404", "Not Found")}, "unknown", 0},
				{"another's", said{status: 200, kind: js, body: deviceBody("edge-2")}, "E-TENANT-ANSWER", p},
				{"an asset", said{status: 200, kind: js, body: strings.Replace(deviceBody("edge-1"), "DEVICE", "ASSET", 1)}, "E-TENANT-ANSWER", p},
				{"no UUID", said{status: 200, kind: js, body: strings.Replace(deviceBody("edge-1"), deviceUUID, "../user", 1)}, "E-TENANT-ANSWER", p},
			}, false,
		},
		{
			"thingsboard state", "GET /api/plugins/telemetry/DEVICE/" + deviceUUID + "/values/attributes/SERVER_SCOPE",
			func(ctx context.Context, tb *ThingsBoard, _ *HawkBit) error {
				_, err := tb.State(ctx, Device{ID: deviceUUID})
				return err
			},
			[]statusRow{
				tbUnknown, unauthorized,
				{"active", said{status: 200, kind: js, body: `[{"lastUpdateTs":1,"key":"active","value":true},{"key":"lastConnectTime","value":1}]`}, "", 0},
				{"none", said{status: 200, kind: js, body: `[]`}, "", 0},
				{"odd", said{status: 200, kind: js, body: `[{"key":"active","value":"maybe"}]`}, "E-TENANT-ANSWER", p},
				{"no objects", said{status: 200, kind: js, body: `[1]`}, "E-TENANT-ANSWER", p},
				{"too many", said{status: 200, kind: js, body: "[" + strings.Repeat(`{"key":"a"},`, maxAttributes) + `{"key":"a"}]`}, "E-TENANT-ANSWER", p},
			},
			false,
		},
		{
			"thingsboard delete", "DELETE /api/device/" + deviceUUID,
			func(ctx context.Context, tb *ThingsBoard, _ *HawkBit) error {
				return tb.Delete(ctx, Device{ID: deviceUUID, Name: "edge-1"})
			},
			[]statusRow{
				tbUnknown, unauthorized,
				{"deleted", said{status: 200}, "", 0},
				{"deleted, no content", said{status: 204}, "", 0},
			},
			true,
		},
		{
			"hawkbit target", "GET /rest/v1/targets/edge-1", func(ctx context.Context, _ *ThingsBoard, h *HawkBit) error {
				_, err := h.Target(ctx, "edge-1")
				return err
			}, []statusRow{
				hawkUnknown, unauthorized,
				{"spelt rightly", said{status: 404, kind: js, body: strings.Replace(hawkGone, "entitiyNotFound", "entityNotFound", 1)}, "unknown", 0},
				{"bare 404, the list is there", said{status: 404, kind: js, body: springError("404", "Not Found")}, "unknown", 0},
				{"another's", said{status: 200, kind: js, body: `{"controllerId":"edge-2"}`}, "E-TENANT-ANSWER", p},
			}, false,
		},
		{
			"hawkbit attributes", "GET /rest/v1/targets/edge-1/attributes", func(ctx context.Context, _ *ThingsBoard, h *HawkBit) error {
				_, err := h.Attributes(ctx, "edge-1")
				return err
			}, []statusRow{
				hawkUnknown, unauthorized,
				{"none", said{status: 204}, "", 0},
				{"none in an object", said{status: 200, kind: js, body: `{}`}, "", 0},
				{"fields missing", said{status: 200, kind: js, body: `{"other":"x"}`}, "", 0},
				{"control characters", said{status: 200, kind: js, body: `{"a":"\u001b[2J"}`}, "E-TENANT-ANSWER", p},
			}, false,
		},
		{
			"hawkbit create", "POST /rest/v1/targets", func(ctx context.Context, _ *ThingsBoard, h *HawkBit) error {
				_, err := h.Create(ctx, "edge-1", "Edge 1")
				return err
			}, []statusRow{
				unauthorized,
				{"created", said{status: 201, kind: js, body: `[{"controllerId":"edge-1","name":"Edge 1"}]`}, "", 0},
				{"created another", said{status: 201, kind: js, body: `[{"controllerId":"edge-2"}]`}, "E-TENANT-ANSWER", p},
				{"created nothing", said{status: 201, kind: js, body: `[]`}, "E-TENANT-ANSWER", p},
				{"created two", said{status: 201, kind: js, body: `[{},{}]`}, "E-TENANT-ANSWER", p},
				{"not found", said{status: 404, kind: js, body: hawkGone}, "E-TENANT-PATH", m},
			}, false,
		},
		{
			"hawkbit delete", "DELETE /rest/v1/targets/edge-1",
			func(ctx context.Context, _ *ThingsBoard, h *HawkBit) error { return h.Delete(ctx, "edge-1") },
			[]statusRow{
				hawkUnknown, unauthorized,
				{"deleted", said{status: 200}, "", 0},
				{"deleted, no content", said{status: 204}, "", 0},
			},
			true,
		},
		{
			"hawkbit list", "GET /rest/v1/targets",
			func(ctx context.Context, _ *ThingsBoard, h *HawkBit) error { return h.Check(ctx) },
			[]statusRow{
				unauthorized,
				{"listed", said{status: 200, kind: js, body: `{"content":[],"total":0,"size":0}`}, "", 0},
				{"bare 404", said{status: 404, kind: js, body: springError("404", "Not Found")}, "E-TENANT-PATH", m},
			},
			false,
		},
	} {
		special := map[string]bool{}
		for _, r := range tc.rows {
			special[r.name] = true
		}
		rows := append(common(), tc.rows...)
		if !tc.empty {
			rows = append(rows, bodies()...)
		}
		seen := map[string]bool{}
		for _, row := range rows {
			if special[row.name] && seen[row.name] {
				continue // a body that means something else here
			}
			seen[row.name] = true
			t.Run(tc.name+"/"+row.name, func(t *testing.T) {
				t.Parallel()
				tb, th := things(t, nil)
				hb, hh := hawk(t, nil)
				th.say(tc.path, row.a)
				hh.say(tc.path, row.a)
				ends(t, tc.ask(t.Context(), tb, hb), row.code, row.class)
			})
		}
	}
}

// A 404 that does not say what is missing is no proof where nothing below the base has answered.
func TestBare404(t *testing.T) {
	bare := said{status: 404, kind: js, body: springError("404", "Not Found")}
	tb, th := things(t, func(c *ThingsBoardConfig) {
		c.Username, c.Password, c.APIKey = "", Secret{}, secretFile(t, apiKey)
	})
	th.say(devicePath, bare)
	_, err := tb.Find(t.Context(), "edge-1")
	ends(t, err, "E-TENANT-PATH", station.Misconfigured)

	hb, hh := hawk(t, nil)
	for _, what := range []string{"GET /rest/v1/targets", "GET /rest/v1/targets/edge-1", "DELETE /rest/v1/targets/edge-1"} {
		hh.say(what, bare)
	}
	_, err = hb.Target(t.Context(), "edge-1")
	ends(t, err, "E-TENANT-PATH", station.Misconfigured)
	if got := hb.Remove(t.Context(), "edge-1"); got.Result != NotRemoved || got.Code != station.CodeTenantPath {
		t.Errorf("got %+v, want the wrong path not to count as gone", got)
	}
}

// A base without a ThingsBoard answers its own screen to everything.
func TestWrongBase(t *testing.T) {
	tb, _ := things(t, func(c *ThingsBoardConfig) { c.URL = strings.TrimSuffix(c.URL, "/") + "/deeper" })
	ends(t, tb.Check(t.Context()), "E-TENANT-PATH", station.Misconfigured)
	hb, _ := hawk(t, func(c *HawkBitConfig) { c.URL += "/deeper" })
	ends(t, hb.Check(t.Context()), "E-TENANT-PATH", station.Misconfigured)
}

// What a fault says of a redirect is the host alone, and nothing was sent there.
func TestRedirectIsNotFollowed(t *testing.T) {
	other := newHost(t)
	tb, h := things(t, nil)
	h.say(loginPath, said{status: 307, kind: html, location: other.URL + "/login?token=hunter2-pass"})
	err := tb.Check(t.Context())
	ends(t, err, "E-TENANT-PATH", station.Misconfigured)
	if f, _ := station.AsFault(err); !strings.Contains(f.Params["detail"], strings.TrimPrefix(other.URL, "https://")) {
		t.Errorf("got %q, want the host in it", f.Params["detail"])
	}
	if len(other.asked) != 0 {
		t.Errorf("the password went to another host: %v", other.asked)
	}
}

func TestMessageIsTold(t *testing.T) {
	tb, h := things(t, nil)
	h.say(loginPath, said{status: 401, kind: js, body: tbError("401", "10", "User account is locked\\u001b[2J due to security policy")})
	f, _ := station.AsFault(tb.Check(t.Context()))
	if got := f.Params["detail"]; got != "User account is locked[2J due to security policy" || f.Params["status"] != "401" {
		t.Errorf("got %q, %v", got, f.Params)
	}
}

// A server that repeats what it was sent puts no secret into a fault.
func TestEchoedSecrets(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body := `{"message":"bad request ` + password + " X-Authorization: " + r.Header.Get("X-Authorization") + " as " + r.Header.Get("Authorization") + `"}`
		said{status: 400, kind: js, body: body}.write(w)
	}
	tb, h := things(t, nil)
	h.on(loginPath, echo)
	ends(t, tb.Check(t.Context()), "E-TENANT-ANSWER", station.Permanent)
	hb, hh := hawk(t, nil)
	hh.on("GET /rest/v1/targets", echo)
	ends(t, hb.Check(t.Context()), "E-TENANT-ANSWER", station.Permanent)
	echoToken := func(w http.ResponseWriter, r *http.Request) {
		_, token, _ := strings.Cut(r.Header.Get("X-Authorization"), " ")
		said{status: 400, kind: js, body: `{"message":"what is ` + token + `"}`}.write(w)
	}
	for _, token := range []string{"opaque-token-1", jwt(1, time.Hour)} {
		tb, h = things(t, nil)
		h.say(loginPath, said{status: 200, kind: js, body: `{"token":"` + token + `"}`})
		h.on(devicePath, echoToken)
		err := tb.Check(t.Context())
		ends(t, err, "E-TENANT-ANSWER", station.Permanent)
		if strings.Contains(err.Error(), token) {
			t.Errorf("the token is in %q", err)
		}
	}
	tb, h = things(t, func(c *ThingsBoardConfig) { c.Username, c.Password, c.APIKey = "", Secret{}, secretFile(t, apiKey) })
	h.on(devicePath, echoToken)
	ends(t, tb.Check(t.Context()), "E-TENANT-ANSWER", station.Permanent)
}
