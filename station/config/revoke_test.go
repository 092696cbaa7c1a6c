package config_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestRevokeProblems(t *testing.T) {
	const ca = "root_file: r, step_ca_url: 'https://ca.example.com:9000'"
	for name, tc := range map[string]struct{ pki, want string }{
		"no CA":         {"root_file: r, revoke: {provisioner: admin}", "pki.revoke.provisioner: the CA is asked to revoke, and pki.step_ca_url is empty"},
		"name alone":    {"root_file: r, step_ca_name: ca", "pki.step_ca_name: belongs to pki.step_ca_url, which is empty"},
		"name with URL": {ca + ", step_ca_name: 'https://ca'", `pki.step_ca_name: want a host of the CA's dnsNames, with or without a port, got "https://ca"`},
		"name's port":   {ca + ", step_ca_name: 'ca:http'", `pki.step_ca_name: want a host of the CA's dnsNames, with or without a port, got "ca:http"`},
		"name as IPv6":  {ca + ", step_ca_name: '::1'", `pki.step_ca_name: want a host of the CA's dnsNames, with or without a port, got "::1"`},
		"two passwords": {ca + ", revoke: {password_file: f, password_env: P}", "pki.revoke.password_file: give password_file or password_env, and not both"},
		"variable":      {ca + ", revoke: {password_env: 'a b'}", `pki.revoke.password_env: want the name of an environment variable, got "a b"`},
		"inline":        {ca + ", revoke: {password: hunter2}", "pki.revoke.password: a secret must not stand in the configuration: put it into a file and name the file in password_file, or name an environment variable in password_env"},
		"unknown key":   {ca + ", revoke: {provisoner: admin}", "pki.revoke.provisoner: unknown key (did you mean pki.revoke.provisioner?)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, "bridge: {url: 'https://b'}\nmqtt: {host: b}\npki: {"+tc.pki+"}\n", nil)
			got := problemsOf(t, err)
			if len(got) != 1 || strings.TrimPrefix(got[0], "station.yaml:3: ") != tc.want {
				t.Errorf("got %q, want %q at line 3", got, tc.want)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
	for _, name := range []string{"ca.internal", "ca.internal:9000", "127.0.0.1", "'[::1]:9000'"} {
		c, _, err := load(t, "bridge: {url: 'https://b'}\nmqtt: {host: b}\npki: {"+ca+", step_ca_name: "+name+", revoke: {provisioner: admin, password_file: p.txt}}\n", nil)
		if err != nil || !c.PKI.Revoke.On() || !strings.HasSuffix(c.PKI.Revoke.PasswordFile, "/p.txt") {
			t.Errorf("%s: got %v, want it to be taken, with the whole path of the file", name, err)
		}
	}
}
