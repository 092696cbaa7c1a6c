package config_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"provstation/station/config"
)

func TestTenantProblems(t *testing.T) {
	const account = "username: u, password_env: P"
	for name, tc := range map[string]struct{ tenant, want string }{
		"tb no account":       {"thingsboard: {url: 'https://t'}", "tenant.thingsboard.username: the station needs an account: username with password_file or password_env, or api_key_file or api_key_env"},
		"tb no password":      {"thingsboard: {url: 'https://t', username: u}", "tenant.thingsboard.username: the station needs an account: username with password_file or password_env, or api_key_file or api_key_env"},
		"tb no user":          {"thingsboard: {url: 'https://t', password_env: P}", "tenant.thingsboard.username: the station needs an account: username with password_file or password_env, or api_key_file or api_key_env"},
		"tb user and key":     {"thingsboard: {url: 'https://t', " + account + ", api_key_env: K}", "tenant.thingsboard.api_key_file: an API key stands for a user: give one of them"},
		"tb no address":       {"thingsboard: {" + account + "}", "tenant.thingsboard.url: is empty, so the account beside it is of no use: give the address, or take the account out"},
		"tb two passwords":    {"thingsboard: {url: 'https://t', " + account + ", password_file: f}", "tenant.thingsboard.password_file: give password_file or password_env, and not both"},
		"tb two keys":         {"thingsboard: {url: 'https://t', api_key_file: f, api_key_env: K}", "tenant.thingsboard.api_key_file: give api_key_file or api_key_env, and not both"},
		"tb env name":         {"thingsboard: {url: 'https://t', username: u, password_env: 'a b'}", `tenant.thingsboard.password_env: want the name of an environment variable, got "a b"`},
		"tb plain http":       {"thingsboard: {url: 'http://t', " + account + "}", "tenant.thingsboard.url: credentials are not sent over http, use https"},
		"tb password in it":   {"thingsboard: {url: 'https://u:hunter2@t', " + account + "}", "tenant.thingsboard.url: a user name or password must not stand in an address; see username and password_file beside it"},
		"tb query":            {"thingsboard: {url: 'https://t/?a=hunter2', " + account + "}", "tenant.thingsboard.url: want an address without ? and #"},
		"tb timeout":          {"thingsboard: {url: 'https://t', " + account + ", timeout: 0s}", "tenant.thingsboard.timeout: want 1s to 5m, got 0s"},
		"tb trust":            {"thingsboard: {url: 'https://t', " + account + ", tls: {trust: file}}", "tenant.thingsboard.tls.ca_file: belongs to tenant.thingsboard.tls.trust: file, and that needs it"},
		"tb server name":      {"thingsboard: {url: 'https://t', " + account + ", tls: {server_name: 'a b'}}", `tenant.thingsboard.tls.server_name: want a host name or an IP address alone, got "a b"`},
		"tb inline password":  {"thingsboard: {url: 'https://t', username: u, password: hunter2, password_env: P}", "tenant.thingsboard.password: a secret must not stand in the configuration: put it into a file and name the file in password_file, or name an environment variable in password_env"},
		"tb inline key":       {"thingsboard: {url: 'https://t', api_key: hunter2, api_key_env: P}", "tenant.thingsboard.api_key: a secret must not stand in the configuration: put it into a file and name the file in api_key_file, or name an environment variable in api_key_env"},
		"hawkbit no account":  {"hawkbit: {url: 'https://h'}", "tenant.hawkbit.username: the station needs an account: username with password_file or password_env"},
		"hawkbit no address":  {"hawkbit: {" + account + "}", "tenant.hawkbit.url: is empty, so the account beside it is of no use: give the address, or take the account out"},
		"hawkbit colon":       {"hawkbit: {url: 'https://h', username: 'a:b', password_env: P}", "tenant.hawkbit.username: must not hold a colon"},
		"hawkbit names":       {"hawkbit: {url: 'https://h', " + account + ", attributes: ['']}", "tenant.hawkbit.attributes: want names of attributes, at most 32"},
		"hawkbit policy":      {"hawkbit: {url: 'https://h', " + account + ", missing_attributes: ignore}", `tenant.hawkbit.missing_attributes: want one of allow, warn, refuse, got "ignore"`},
		"hawkbit inline":      {"hawkbit: {url: 'https://h', username: u, password: hunter2, password_env: P}", "tenant.hawkbit.password: a secret must not stand in the configuration: put it into a file and name the file in password_file, or name an environment variable in password_env"},
		"hawkbit two secrets": {"hawkbit: {url: 'https://h', " + account + ", password_file: f}", "tenant.hawkbit.password_file: give password_file or password_env, and not both"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, minimal+"tenant: {"+tc.tenant+"}\n", nil)
			got := problemsOf(t, err)
			if len(got) != 1 || strings.TrimPrefix(got[0], "station.yaml:4: ") != tc.want {
				t.Errorf("got %q, want %q at line 4", got, tc.want)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
	for name, tc := range map[string]struct{ text, want string }{
		"nothing connects": {"mqtt: {mode: 'off'}\npki: {root_file: r}\nbridge: {url: 'https://b'}\ntenant: {thingsboard: {url: 'https://t', " + account + "}}\n", "station.yaml:4: tenant.thingsboard.url: ThingsBoard learns of a device from its first connection to the broker, and mqtt.mode is off: nothing connects"},
		"no patience":      {minimal + "tenant: {hawkbit: {url: 'https://h', " + account + "}}\nphases: {register: {deadline: 10s}}\n", "station.yaml:5: phases.register.deadline: must be more than tenant.hawkbit.timeout (15s), got 10s"},
	} {
		_, _, err := load(t, tc.text, nil)
		if got := problemsOf(t, err); len(got) != 1 || got[0] != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

// Each profile has its own servers, variables reach them, and what show prints holds no secret.
func TestTenantServers(t *testing.T) {
	text := minimal + "station: {tenant: a}\ntenants:\n  a:\n    tenant: {thingsboard: {url: 'https://a', username: u, password_env: PROVSTATION_TENANT_A}}\n" +
		"  b:\n    tenant: {hawkbit: {url: 'https://b', username: u, password_env: P}}\n"
	env := map[string]string{
		"PROVSTATION_TENANT_A": "hunter2", "PROVSTATION_TENANT_THINGSBOARD_TIMEOUT": "20s", "P": "hunter2",
	}
	c, src, err := load(t, text, env)
	if err != nil {
		t.Fatal(err)
	}
	if tb := c.Tenant.ThingsBoard; tb.URL != "https://a" || tb.Timeout.String() != "20s" || c.Tenant.HawkBit.URL != "" || !c.Tenant.On() {
		t.Errorf("got %+v", c.Tenant)
	}
	b, err := c.ForTenant("b")
	if err != nil {
		t.Fatal(err)
	}
	if b.Tenant.ThingsBoard.URL != "" || b.Tenant.HawkBit.URL != "https://b" {
		t.Errorf("got %+v, want the other profile's server alone", b.Tenant)
	}
	var shown bytes.Buffer
	if err := c.Show(&shown, src); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "hunter2") || !strings.Contains(shown.String(), "password_env: PROVSTATION_TENANT_A") {
		t.Errorf("got %s, want the variable's name and not what it holds", shown.String())
	}
	env["PROVSTATION_TENANT_THINGSBOARD_TIMOUT"] = "1s"
	_, _, err = load(t, text, env)
	if got := problemsOf(t, err); len(got) != 1 || !strings.Contains(got[0], "PROVSTATION_TENANT_THINGSBOARD_TIMEOUT") {
		t.Errorf("got %q, want the nearest variable", got)
	}
	if config.Default().Tenant.On() {
		t.Error("by default no server is asked")
	}
}
