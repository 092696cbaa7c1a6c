package config

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"provstation/station"
)

// Tenant is where the tenant lists its devices beside the CA. A server without an address is not asked, and with neither
// there is no phase register.
type Tenant struct {
	ThingsBoard ThingsBoard `yaml:"thingsboard"`
	HawkBit     HawkBit     `yaml:"hawkbit"`
}

// ThingsBoard is the tenant's ThingsBoard, which has to know a device after its first connection to the broker. The station
// has a user with the authority of a tenant administrator, or an API key of one.
type ThingsBoard struct {
	URL          string   `yaml:"url"` // base, may carry a path; empty: not asked
	Username     string   `yaml:"username"`
	PasswordFile string   `yaml:"password_file" path:"yes"`
	PasswordEnv  string   `yaml:"password_env"`
	APIKeyFile   string   `yaml:"api_key_file" path:"yes"` // instead of a user
	APIKeyEnv    string   `yaml:"api_key_env"`
	Timeout      Duration `yaml:"timeout"` // of one request
	TLS          TLS      `yaml:"tls"`
}

// HawkBit is the tenant's update server, which has to have a target for a device.
type HawkBit struct {
	URL          string `yaml:"url"` // base, may carry a path; empty: not asked
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file" path:"yes"`
	PasswordEnv  string `yaml:"password_env"`
	// Attributes names what a target must have; empty: one attribute of any name.
	Attributes []string `yaml:"attributes"`
	// MissingAttributes is what becomes of a device whose target lacks them. They come from the device's own update program,
	// so at a bench without its network they are missing as a rule.
	MissingAttributes string   `yaml:"missing_attributes" enum:"allow|warn|refuse"`
	Timeout           Duration `yaml:"timeout"` // of one request
	TLS               TLS      `yaml:"tls"`
}

// On reports whether any server is asked.
func (t Tenant) On() bool { return t.ThingsBoard.URL != "" || t.HawkBit.URL != "" }

const (
	minTenantTimeout, maxTenantTimeout = time.Second, 5 * time.Minute
	maxAttributeNames                  = 32
)

// secretEnvs are the keys that name a variable with a secret.
func secretEnvs() []string {
	return []string{
		"bridge.auth.token_env", "bridge.auth.client_secret_env", "ledger.password_env", "device.unlock.password_env", "tenant.thingsboard.password_env",
		"tenant.thingsboard.api_key_env", "tenant.hawkbit.password_env",
	}
}

func (v check) tenant() {
	t, h := v.c.Tenant.ThingsBoard, v.c.Tenant.HawkBit
	user := t.Username != "" || t.PasswordFile != "" || t.PasswordEnv != ""
	const tb, hb = "tenant.thingsboard.", "tenant.hawkbit."
	v.platform(tb, t.URL, t.Timeout, t.TLS)
	v.platform(hb, h.URL, h.Timeout, h.TLS)
	v.secretPlaces(tb+"password", t.PasswordFile, t.PasswordEnv)
	v.secretPlaces(tb+"api_key", t.APIKeyFile, t.APIKeyEnv)
	v.secretPlaces(hb+"password", h.PasswordFile, h.PasswordEnv)
	key := t.APIKeyFile != "" || t.APIKeyEnv != ""
	switch {
	case t.URL == "" && (user || key):
		v.bad(tb+"url", "is empty, so the account beside it is of no use: give the address, or take the account out")
	case t.URL == "":
	case user && key:
		v.bad(tb+"api_key_file", "an API key stands for a user: give one of them")
	case !key && (t.Username == "" || t.PasswordFile == "" && t.PasswordEnv == ""):
		v.bad(tb+"username", "the station needs an account: username with password_file or password_env, or api_key_file or api_key_env")
	}
	if t.URL != "" && v.c.MQTT.Mode == MQTTOff {
		v.bad(tb+"url", "ThingsBoard learns of a device from its first connection to the broker, and mqtt.mode is off: nothing connects")
	}
	account := h.Username != "" || h.PasswordFile != "" || h.PasswordEnv != ""
	switch {
	case h.URL == "" && account:
		v.bad(hb+"url", "is empty, so the account beside it is of no use: give the address, or take the account out")
	case h.URL != "" && (h.Username == "" || h.PasswordFile == "" && h.PasswordEnv == ""):
		v.bad(hb+"username", "the station needs an account: username with password_file or password_env")
	case strings.ContainsRune(h.Username, ':'): // RFC 7617 2
		v.bad(hb+"username", "must not hold a colon")
	}
	if slices.Contains(h.Attributes, "") || len(h.Attributes) > maxAttributeNames {
		v.bad(hb+"attributes", "want names of attributes, at most %d", maxAttributeNames)
	}
}

// platform judges what ThingsBoard and hawkBit have in common.
func (v check) platform(prefix, address string, timeout Duration, tls TLS) {
	if (tls.Trust == TrustFile) != (tls.CAFile != "") {
		v.bad(prefix+"tls.ca_file", "belongs to %stls.trust: file, and that needs it", prefix)
	}
	v.host(prefix+"tls.server_name", tls.ServerName)
	if d := timeout.D(); d < minTenantTimeout || d > maxTenantTimeout {
		v.bad(prefix+"timeout", "want 1s to 5m, got %s", timeout)
	}
	if address == "" {
		return
	}
	var u *url.URL
	if u = v.url(prefix+"url", address); u != nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		v.bad(prefix+"url", "credentials are not sent over http, use https")
	}
	if p := v.c.Phases.Register.Deadline; p <= timeout {
		v.bad("phases."+string(station.PhaseRegister)+".deadline", "must be more than %stimeout (%s), got %s", prefix, timeout, p)
	}
}

// secretPlaces judges where a secret is.
func (v check) secretPlaces(key, file, env string) {
	name := key[strings.LastIndexByte(key, '.')+1:]
	if file != "" && env != "" {
		v.bad(key+"_file", "give %s_file or %s_env, and not both", name, name)
	}
	v.match(key+"_env", env, envPattern, "the name of an environment variable")
}
