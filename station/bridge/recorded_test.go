package bridge_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/bridge"
)

// recorded is one answer of the real bridge, byte for byte.
type recorded struct {
	Label       string `json:"label"`
	Status      int    `json:"status"`
	ContentType string `json:"content_type"`
	Body        string `json:"body"`
}

func recordings(t *testing.T) []recorded {
	t.Helper()
	f, err := os.Open("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var list []recorded
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var r recorded
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// judged is what a fault means to a run.
type judged struct {
	Code    station.Code
	Class   station.Class
	Outcome station.Outcome
	Maybe   bool
}

func judge(t *testing.T, err error) (judged, *station.Fault) {
	t.Helper()
	f, ok := err.(*station.Fault) //nolint:errorlint // the contract is that the error is a fault itself
	if !ok {
		t.Fatalf("got %v (%T), want a *station.Fault", err, err)
	}
	return judged{f.Code, f.Class, f.Outcome, errors.Is(err, station.ErrMaybeIssued)}, f
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Every recorded answer to a post, under the contract that was posted.
func TestRecordedAnswers(t *testing.T) {
	const (
		passing, permanent = station.Passing, station.Permanent
		wrong              = station.Misconfigured
	)
	csr := judged{station.CodeBridgeCSR, permanent, station.Fail, false}
	policy := judged{station.CodeBridgePolicy, permanent, station.Fail, false}
	hawkbit := judged{station.CodeBridgeHawkbit, passing, station.Error, true}
	internal := judged{station.CodeBridgeInternal, passing, station.Error, true}
	path := judged{station.CodeBridgePath, wrong, station.Error, false}
	otherContract := judged{station.CodeBridgeContract, station.OtherContract, station.Error, false}
	bug := judged{station.CodeBridgeAnswer, permanent, station.Error, false}
	want := map[string]judged{
		"documented contract (csr_pem)":        otherContract,
		"documented exact curl (raw newlines)": bug,
		"empty object":                         otherContract,
		"body not json":                        bug,
		"GET method":                           path,
		"yocto/freertos path /v1/enroll":       path,
		"malformed csr":                        csr,
		"csr corrupt DER":                      csr,
		"csr bad signature":                    csr,
		"csr is a certificate":                 csr,
		"CN mismatch":                          policy,
		"SAN id + extra":                       policy,
		"SAN IP":                               policy,
		"key rsa1024":                          policy,
		"hawkBit mode=real first":              hawkbit,
		"hawkBit slow (15s)":                   hawkbit,
		"hawkBit down":                         hawkbit,
		"step-ca down":                         {station.CodeBridgeCADown, passing, station.Error, false},
		"step-ca hung (SIGSTOP)":               {station.CodeBridgeCADown, passing, station.Error, true},
		"wrong provisioner name":               {station.CodeBridgeCAConfig, wrong, station.Error, false},
		"wrong provisioner password":           internal,
		"wg subnet exhausted":                  internal,
	}
	for _, r := range recordings(t) {
		t.Run(r.Label, func(t *testing.T) {
			c := client(t, answer(r.Status, r.ContentType, r.Body), bridge.Config{})
			if r.Status == http.StatusOK {
				checkGood(t, c, r)
				return
			}
			a, err := c.Enroll(t.Context(), station.ContractDocumented, request())
			got, f := judge(t, err)
			if diff := cmp.Diff(want[r.Label], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if a.Certificate != "" || a.Contract != "" || !a.WGConf.Empty() {
				t.Error("got an answer besides the error")
			}
			if strings.ContainsAny(f.Error()+f.Params["detail"], "\n\x1b") || strings.Contains(f.Error(), "-----BEGIN") {
				t.Errorf("got %q, want one clean line", f)
			}
		})
	}
}

func checkGood(t *testing.T, c *bridge.Client, r recorded) {
	t.Helper()
	a, err := c.Enroll(t.Context(), station.ContractDeployed, request())
	if err != nil {
		t.Fatal(err)
	}
	var body map[string]string
	if err := json.Unmarshal([]byte(r.Body), &body); err != nil {
		t.Fatal(err)
	}
	if a.Certificate != body["certificate"] || a.Chain != body["ca_chain"] || a.WireGuardIP != body["wireguard_ip"] ||
		string(a.WGConf.Reveal()) != body["wireguard_config"] || a.Contract != station.ContractDeployed {
		t.Errorf("got %v, want the recorded fields", a)
	}
	if a.ServerTime.IsZero() {
		t.Error("server time was not read")
	}
}

// What the recordings do not have: proxies, limits, and servers that answer in their own way.
func TestOtherStatuses(t *testing.T) {
	const js = "application/json"
	for name, tc := range map[string]struct {
		status   int
		kind     string
		body     string
		contract station.Contract
		want     judged
	}{
		"401":              {401, js, `{"detail":"Not authenticated"}`, "", judged{station.CodeBridgeAuth, station.Misconfigured, station.Error, false}},
		"403":              {403, "text/html", "<html>", "", judged{station.CodeBridgeAuth, station.Misconfigured, station.Error, false}},
		"429":              {429, js, `{}`, "", judged{station.CodeBridgeBusy, station.Passing, station.Error, false}},
		"400":              {400, js, `{"detail":"no"}`, "", judged{station.CodeBridgeAnswer, station.Permanent, station.Error, false}},
		"413":              {413, "text/html", "", "", judged{station.CodeBridgeAnswer, station.Permanent, station.Error, false}},
		"201":              {201, js, `{}`, "", judged{station.CodeBridgeAnswer, station.Permanent, station.Error, true}},
		"204":              {204, js, ``, "", judged{station.CodeBridgeAnswer, station.Permanent, station.Error, true}},
		"502 of a proxy":   {502, "text/html", "<h1>Bad Gateway</h1>", "", judged{station.CodeBridgeDown, station.Passing, station.Error, true}},
		"503 of a proxy":   {503, "text/html", "<h1>Busy</h1>", "", judged{station.CodeBridgeBusy, station.Passing, station.Error, false}},
		"503 later step":   {503, js, `{"detail":"WireGuard unreachable: "}`, "", judged{station.CodeBridgeBusy, station.Passing, station.Error, true}},
		"504":              {504, "text/html", "", "", judged{station.CodeBridgeTimeout, station.Passing, station.Error, true}},
		"507":              {507, js, `{}`, "", judged{station.CodeBridgeInternal, station.Passing, station.Error, true}},
		"CA 403 otherwise": {502, js, `{"detail":"PKI signing failed: step-ca /1.0/sign returned 403: token refused"}`, "", judged{station.CodeBridgeCAConfig, station.Misconfigured, station.Error, false}},
		"CA 401":           {502, js, `{"detail":"PKI signing failed: step-ca /1.0/sign returned 401: x"}`, "", judged{station.CodeBridgeCAConfig, station.Misconfigured, station.Error, false}},
		"documented server": {
			422, js, `{"detail":[{"type":"missing","loc":["body","csr_pem"],"msg":"Field required"}]}`,
			station.ContractDeployed,
			judged{station.CodeBridgeContract, station.OtherContract, station.Error, false},
		},
		"own field missing": {
			422, js, `{"detail":[{"type":"missing","loc":["body","csr"],"msg":"Field required"}]}`,
			station.ContractDeployed,
			judged{station.CodeBridgeContract, station.Permanent, station.Error, false},
		},
		"third field missing": {
			422, js, `{"detail":[{"type":"missing","loc":["body","site"],"msg":"Field required"}]}`,
			station.ContractDeployed,
			judged{station.CodeBridgeContract, station.Permanent, station.Error, false},
		},
		"422 of a stranger":   {422, js, `[]`, "", judged{station.CodeBridgeAnswer, station.Permanent, station.Error, false}},
		"detail of odd types": {422, js, `{"detail":[{"type":1}]}`, "", judged{station.CodeBridgeAnswer, station.Permanent, station.Error, false}},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, answer(tc.status, tc.kind, tc.body), bridge.Config{})
			if tc.contract == "" {
				tc.contract = station.ContractDeployed
			}
			_, err := c.Enroll(t.Context(), tc.contract, request())
			got, f := judge(t, err)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if f.Params["status"] == "" {
				t.Errorf("got params %v, want the status", f.Params)
			}
		})
	}
}

func TestRetryAfterAndMissingAreTold(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}, bridge.Config{})
	_, err := c.Enroll(t.Context(), station.ContractDeployed, request())
	if _, f := judge(t, err); f.Params["retry_after"] != "7" {
		t.Errorf("got %v, want retry_after 7", f.Params)
	}
}
