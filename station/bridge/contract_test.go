package bridge_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"provstation/station"
	"provstation/station/bridge"
)

const (
	missesDeployed   = `{"detail":[{"type":"missing","loc":["body","csr"],"msg":"Field required","input":{}},{"type":"missing","loc":["body","device_name"],"msg":"Field required","input":{}}]}`
	missesDocumented = `{"detail":[{"type":"missing","loc":["body","csr_pem"],"msg":"Field required","input":{}}]}`
)

// describe makes an OpenAPI description whose enroll request has these fields.
func describe(t *testing.T, path string, fields ...string) string {
	t.Helper()
	props := map[string]any{}
	for _, f := range fields {
		props[f] = map[string]string{"type": "string"}
	}
	b, err := json.Marshal(map[string]any{
		"openapi": "3.1.0",
		"paths": map[string]any{path: map[string]any{"post": map[string]any{"requestBody": map[string]any{
			"content": map[string]any{"application/json": map[string]any{
				"schema": map[string]string{"$ref": "#/components/schemas/EnrollRequest"},
			}},
		}}}},
		"components": map[string]any{"schemas": map[string]any{"EnrollRequest": map[string]any{"properties": props}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// finder answers openapi.json with one and the probe with another; whatever is posted must be an empty object.
func finder(t *testing.T, api, probe http.HandlerFunc) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Path == "/api/openapi.json" {
			api(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "{}" {
			t.Errorf("%s %s with %q: finding out must post nothing but an empty object", r.Method, r.URL, body)
		}
		probe(w, r)
	}
}

func TestContractIsFoundOut(t *testing.T) {
	const js, path = "application/json", "/devices/{device_id}/enroll"
	none := answer(404, js, `{"detail":"Not Found"}`)
	for name, tc := range map[string]struct {
		api, probe http.HandlerFunc
		want       station.Contract
		code       station.Code
		seen       string
	}{
		"deployed by description":   {answer(200, js, describe(t, path, "csr", "device_name", "device_type", "wg_public_key")), nil, station.ContractDeployed, "", ""},
		"documented by description": {answer(200, js, describe(t, "/api"+path, "csr_pem")), nil, station.ContractDocumented, "", ""},
		"both by description":       {answer(200, js, describe(t, path, "csr", "csr_pem")), nil, "", station.CodeBridgeContract, "openapi.json names csr, csr_pem"},
		"neither by description":    {answer(200, js, describe(t, path, "request")), nil, "", station.CodeBridgeContract, "openapi.json names request"},
		"deployed by probe":         {none, answer(422, js, missesDeployed), station.ContractDeployed, "", ""},
		"documented by probe":       {none, answer(422, js, missesDocumented), station.ContractDocumented, "", ""},
		"login page, then probe":    {answer(200, "text/html", "<html>"), answer(422, js, missesDeployed), station.ContractDeployed, "", ""},
		"other API, then probe":     {answer(200, js, describe(t, "/devices", "csr")), answer(422, js, missesDocumented), station.ContractDocumented, "", ""},
		"huge, then probe":          {answer(200, js, strings.Repeat(" ", 3<<20)), answer(422, js, missesDeployed), station.ContractDeployed, "", ""},
		"nothing missing":           {none, answer(422, js, `{"detail":"no"}`), "", station.CodeBridgeContract, "status 422"},
		"an empty request is fine":  {none, answer(200, js, goodDeployed), "", station.CodeBridgeContract, "status 200"},
		"wrong base":                {none, none, "", station.CodeBridgePath, ""},
		"not let in":                {answer(401, js, `{}`), answer(401, js, `{}`), "", station.CodeBridgeAuth, ""},
		"500":                       {answer(500, js, ``), answer(500, js, ``), "", station.CodeBridgeInternal, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.probe == nil {
				tc.probe = func(http.ResponseWriter, *http.Request) { t.Error("was probed although the description says it") }
			}
			got, err := client(t, finder(t, tc.api, tc.probe), bridge.Config{}).Contract(t.Context())
			if tc.code == "" {
				if err != nil || got != tc.want {
					t.Errorf("got %q, %v; want %q", got, err, tc.want)
				}
				return
			}
			j, f := judge(t, err)
			if j.Code != tc.code || j.Maybe || got != "" || !strings.Contains(f.Params["seen"], tc.seen) {
				t.Errorf("got %q, %v, %v; want %s, seen %q, nothing issued", got, j, f.Params, tc.code, tc.seen)
			}
		})
	}
}

func TestConfiguredContractAsksNobody(t *testing.T) {
	c := client(t, func(http.ResponseWriter, *http.Request) { t.Error("the bridge was asked") },
		bridge.Config{Contract: station.ContractDocumented})
	if got, err := c.Contract(t.Context()); err != nil || got != station.ContractDocumented {
		t.Errorf("got %q, %v; want documented", got, err)
	}
}

// One asks for all, the answer is kept, a failure is not; and who waits for another's question is let go by its context.
func TestContractIsKept(t *testing.T) {
	var asked atomic.Int32
	down := make(chan struct{})
	entered := make(chan struct{}, 1)
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			entered <- struct{}{}
			<-down
			answer(503, "application/json", `{}`)(w, r)
			return
		}
		answer(200, "application/json", describe(t, "/devices/{id}/enroll", "csr"))(w, r)
	}, bridge.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = c.Contract(t.Context()) })
	<-entered
	cancel()
	if _, err := c.Contract(ctx); first(judge(t, err)).Code != station.CodeAborted {
		t.Errorf("waiting with an ended context: got %v, want CodeAborted", err)
	}
	close(down)
	wg.Wait()
	before := asked.Load()
	for range 8 {
		wg.Go(func() {
			if got, err := c.Contract(t.Context()); err != nil || got != station.ContractDeployed {
				t.Errorf("got %q, %v; want deployed", got, err)
			}
		})
	}
	wg.Wait()
	if n := asked.Load() - before; n > 1 {
		t.Errorf("the bridge was asked %d times, want at most once", n)
	}
}

// A server whose description lies is believed when it names the fields it misses.
func TestOtherContractIsRemembered(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			answer(200, "application/json", describe(t, "/devices/{id}/enroll", "csr"))(w, r)
			return
		}
		answer(422, "application/json", missesDocumented)(w, r)
	}, bridge.Config{})
	contract, err := c.Contract(t.Context())
	if err != nil || contract != station.ContractDeployed {
		t.Fatalf("got %q, %v; want deployed", contract, err)
	}
	_, err = c.Enroll(t.Context(), contract, request())
	if got, f := judge(t, err); got.Class != station.OtherContract || f.Params["missing"] != "csr_pem" {
		t.Errorf("got %v %v, want class OtherContract", got, f.Params)
	}
	if got, err := c.Contract(t.Context()); err != nil || got != station.ContractDocumented {
		t.Errorf("afterwards: got %q, %v; want documented", got, err)
	}
}
