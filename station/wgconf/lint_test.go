package wgconf_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station/wgconf"
)

func TestLint(t *testing.T) {
	quiet := strings.Replace(strings.Replace(canonical, "localhost", "vpn.example", 1), "DNS = 10.8.1.1\n", "", 1)
	priv := newKey(t)
	peer := func(s string) string { return quiet + "\n[Peer]\nPublicKey = " + priv.PublicKey().String() + "\n" + s }
	endpoint := func(host string) string { return strings.Replace(quiet, "vpn.example", host, 1) }
	allowed := func(v string) string { return strings.Replace(quiet, "10.8.1.0/24", v, 1) }
	const warn, refuse = wgconf.Warn, wgconf.Refuse
	type found map[wgconf.Problem]wgconf.Severity
	tests := []struct {
		name, text string
		policy     wgconf.Policy
		want       found
	}{
		{"nothing", quiet, wgconf.Policy{}, found{}},
		{"localhost", endpoint("localhost"), wgconf.Policy{}, found{wgconf.ProblemEndpointLoopback: warn}},
		{"localhost in capitals with a dot", endpoint("LocalHost."), wgconf.Policy{}, found{wgconf.ProblemEndpointLoopback: warn}},
		{"under localhost", endpoint("vpn.localhost"), wgconf.Policy{}, found{wgconf.ProblemEndpointLoopback: warn}},
		{"127.9.9.9", endpoint("127.9.9.9"), wgconf.Policy{}, found{wgconf.ProblemEndpointLoopback: warn}},
		{"::1", endpoint("[::1]"), wgconf.Policy{}, found{wgconf.ProblemEndpointLoopback: warn}},
		{"mapped loopback", endpoint("[::ffff:127.0.0.1]"), wgconf.Policy{}, found{wgconf.ProblemEndpointLoopback: warn}},
		{"loopback refused", endpoint("localhost"), wgconf.Policy{EndpointLoopback: refuse}, found{wgconf.ProblemEndpointLoopback: refuse}},
		{"loopback allowed", endpoint("localhost"), wgconf.Policy{EndpointLoopback: wgconf.Allow}, found{}},
		{"0.0.0.0", endpoint("0.0.0.0"), wgconf.Policy{}, found{wgconf.ProblemEndpointUnspecified: refuse}},
		{"::", endpoint("[::]"), wgconf.Policy{}, found{wgconf.ProblemEndpointUnspecified: refuse}},
		{"no endpoint", strings.Replace(quiet, "Endpoint = vpn.example:51820\n", "", 1), wgconf.Policy{}, found{wgconf.ProblemNoEndpoint: warn}},
		{"everything", allowed("0.0.0.0/0"), wgconf.Policy{}, found{wgconf.ProblemRouteEverything: warn}},
		{"everything in IPv6, refused", allowed("::/0"), wgconf.Policy{RouteEverything: refuse}, found{wgconf.ProblemRouteEverything: refuse}},
		{"everything in halves", allowed("0.0.0.0/1, 128.0.0.0/1"), wgconf.Policy{}, found{wgconf.ProblemRouteEverything: warn}},
		{"no allowed IPs", strings.Replace(quiet, "AllowedIPs = 10.8.1.0/24\n", "", 1), wgconf.Policy{}, found{wgconf.ProblemNoAllowedIPs: warn}},
		{"DNS", canonical, wgconf.Policy{EndpointLoopback: wgconf.Allow}, found{wgconf.ProblemDNS: warn}},
		{"DNS refused", canonical, wgconf.Policy{EndpointLoopback: wgconf.Allow, DNS: refuse}, found{wgconf.ProblemDNS: refuse}},
		{"preshared key", quiet + "PresharedKey = " + priv.String(), wgconf.Policy{}, found{wgconf.ProblemPresharedKey: refuse}},
		{"preshared key, warned", quiet + "PresharedKey = " + priv.String(), wgconf.Policy{PresharedKey: warn}, found{wgconf.ProblemPresharedKey: warn}},
		{"several peers", peer("AllowedIPs = 10.9.0.0/16\nEndpoint = b.example:1"), wgconf.Policy{}, found{wgconf.ProblemSeveralPeers: warn}},
		{
			"the peer is the device",
			strings.Replace(peer("AllowedIPs = 10.9.0.0/16\nEndpoint = b.example:1"), "[Interface]\n", "[Interface]\nPrivateKey = "+priv.String()+"\n", 1),
			wgconf.Policy{SeveralPeers: wgconf.Allow},
			found{wgconf.ProblemOwnKey: refuse},
		},
		{"an unknown severity refuses", canonical, wgconf.Policy{EndpointLoopback: wgconf.Allow, DNS: 77}, found{wgconf.ProblemDNS: 77}},
		{"everything odd, on a device", strings.Replace(canonical, "10.8.1.0/24", "0.0.0.0/0", 1), wgconf.DevicePolicy(), found{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			findings, err := wgconf.Lint(mustParse(t, tt.text), tt.policy)
			got, refused := found{}, false
			for _, f := range findings {
				got[f.Problem] = f.Severity
				refused = refused || f.Severity != warn
				if f.Key == "" || f.Detail == "" || !strings.Contains(f.String(), f.Detail) {
					t.Errorf("got finding %+v, want it to say where and what", f)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if (err != nil) != refused {
				t.Errorf("got error %v, want one: %v", err, refused)
			}
			if err != nil && got[wgconf.ProblemOf(err)] == 0 {
				t.Errorf("got problem %q, want one of the findings", wgconf.ProblemOf(err))
			}
		})
	}
}

func TestSeverityText(t *testing.T) {
	for _, s := range []wgconf.Severity{wgconf.Default, wgconf.Allow, wgconf.Warn, wgconf.Refuse} {
		text, err := s.MarshalText()
		var back wgconf.Severity
		if err != nil || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%s: got %s back, %v", s, back, err)
		}
	}
	var s wgconf.Severity
	if err := s.UnmarshalText([]byte("ignore")); err == nil {
		t.Error("got nil, want an error for an unknown word")
	}
	if got := wgconf.Severity(9).String(); got != "unknown(9)" {
		t.Errorf("got %q, want unknown(9)", got)
	}
}
