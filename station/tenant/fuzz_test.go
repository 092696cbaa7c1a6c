package tenant

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"provstation/station"
)

// Whatever a server answers: what is believed is what was asked for, bounded and fit for a terminal, or there is an error
// and nothing else.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(deviceBody("edge-1")), 200)
	f.Add([]byte(`{"token":"`+jwt(1, 3600e9)+`"}`), 401)
	f.Add([]byte(`[{"key":"active","value":true,"lastUpdateTs":1}]`), 404)
	f.Add([]byte(`{"controllerId":"edge-1","updateStatus":"in_sync"}`), 404)
	f.Add([]byte(`{"device_type":"sensor"}`), 500)
	f.Add([]byte(hawkGone), 409)
	f.Add([]byte(tbError("404", "32", "x\\u001b[2J")), 302)
	s := &server{name: "x"}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		r := reply{status: status, body: body, isJSON: true}
		if token, err := parseToken(r); (err == nil) != fitForHeader(token) {
			t.Errorf("token %q, %v", token, err)
		}
		if d, err := parseDevice(r, "edge-1"); (err == nil) != (d.Name == "edge-1" && uuidPattern.MatchString(d.ID)) {
			t.Errorf("device %+v, %v", d, err)
		}
		if st, err := parseState(r); err != nil && st != (State{}) || st.Active && !st.Known {
			t.Errorf("state %+v, %v", st, err)
		}
		if target, err := parseTarget(body, "edge-1"); (err == nil) != (target.ControllerID == "edge-1") || !printable(target.Status) {
			t.Errorf("target %+v, %v", target, err)
		}
		list, err := parseAttributes(r)
		if err != nil && list != nil || len(list) > maxAttributes {
			t.Errorf("attributes %v, %v", list, err)
		}
		for name, value := range list {
			if !printable(name+value) || utf8.RuneCountInString(name) > maxText || utf8.RuneCountInString(value) > maxText {
				t.Errorf("%q: %q passed", name, value)
			}
		}
		if d := detail(r); !printable(d) || utf8.RuneCountInString(d) > 300 {
			t.Errorf("detail %q", d)
		}
		fault := s.refused(r)
		if fault.Code == "" || fault.Outcome != station.Error || !printable(strings.Join([]string{fault.Params["detail"], fault.Error()}, " ")) {
			t.Errorf("fault %+v", fault)
		}
		_ = thingsBoardMisses(errorCode(r))
		_ = hawkBitMisses(errorCode(r))
	})
}

func FuzzLifetime(f *testing.F) {
	f.Add(jwt(1, 3600e9))
	f.Add("a.eyJleHAiOjFlMzAwfQ.c")
	f.Fuzz(func(t *testing.T, token string) {
		if life, ok := lifetime(token); ok != (life > 0) || life > 366*24*3600e9 {
			t.Errorf("%q: got %v, %t", token, life, ok)
		}
	})
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
