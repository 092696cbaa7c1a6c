package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"provstation/station"
)

const sqliteScheme = "sqlite:"

// Bounds of the whole.
const (
	// A bridge may take 70 s over one request (10 s CA, 30 s signing, three times 10 s for the update server): with less
	// patience than that, a slow answer becomes a lost certificate.
	minBridgeTimeout = 75 * time.Second
	maxDeadline      = time.Hour
	maxTries         = 20
)

var (
	errNotUTF8   = errors.New("text is not UTF-8")
	errControl   = errors.New("text holds a control character")
	errInlinePEM = errors.New("a key or certificate must not stand in the configuration: put it into a file and name that")
)

var (
	labelPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	hexPattern   = regexp.MustCompile(`^[0-9a-f]{64}$`)
	hostPattern  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)
	// what Linux takes for an interface (dev_valid_name), without what a terminal or a shell would mind
	interfacePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$`)
	envPattern       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	localePattern    = regexp.MustCompile(`^[a-z]{2,3}([-_][A-Z]{2})?$`)
	uuidPattern      = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	idTextPattern    = regexp.MustCompile(`^[A-Za-z0-9._-]*$`)
	idFactNames      = []string{"serial", "serial_lower", "model"}
	idNameFactNames  = []string{"id", "serial", "serial_lower", "model"}
)

// Validate judges the whole configuration. The error is an [*Error] with every problem; src gives them their places and
// may be the zero value.
func (c *Config) Validate(src Sources) error {
	ps := &problems{}
	sch := newSchema()
	for _, k := range sch.keys { // what decoding checks, for a Config built in code
		if err := checkField(c, k); err != nil {
			ps.add(Problem{Where: src.Of(k.Path).Where, Key: k.Path, Message: err.Error()})
		}
	}
	validate(c, src, ps)
	if len(c.Tenants) > 0 {
		if _, ok := c.Tenants[c.Station.Tenant]; !ok {
			ps.add(Problem{Key: "station.tenant", Message: "names no tenant of tenants"})
		}
	}
	return ps.err()
}

func checkField(c *Config, k Key) error {
	f := field(c, k)
	switch k.Kind {
	case "string":
		if k.Enum != nil && !slices.Contains(k.Enum, f.String()) {
			return fmt.Errorf("want one of %s, got %q", strings.Join(k.Enum, ", "), clip(f.String()))
		}
		return checkText(f.String())
	case "list", "map":
		for _, s := range stringsIn(f) {
			if err := checkText(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// check is one validation pass: it knows where values came from and skips what was reported at decoding.
type check struct {
	c   *Config
	src Sources
	ps  *problems
}

func validate(c *Config, src Sources, ps *problems) {
	v := check{c, src, ps}
	v.station()
	v.bridge()
	v.auth()
	v.pki()
	v.mqtt()
	v.wireguard()
	v.renewal()
	v.tenant()
	v.device()
	v.ports()
	v.profiles()
	v.scan()
	v.labels()
	v.desk()
	v.times()
	v.storage()
}

func (v check) bad(key, format string, args ...any) {
	if v.src.bad[key] {
		return
	}
	v.ps.add(Problem{Where: v.src.Of(key).Where, Key: key, Message: fmt.Sprintf(format, args...)})
}

func (v check) match(key, text string, p *regexp.Regexp, want string) {
	if text != "" && !p.MatchString(text) {
		v.bad(key, "want %s, got %q", want, clip(text))
	}
}

func (v check) short(key, text string) {
	if len(text) > 128 {
		v.bad(key, "text is longer than 128 bytes")
	}
}

func (v check) station() {
	s := v.c.Station
	v.short("station.name", s.Name)
	v.short("station.site", s.Site)
	v.short("station.operator", s.Operator)
	if s.Name == "" {
		v.bad("station.name", "this station has no name")
	}
	if s.Tenant == "" {
		v.bad("station.tenant", "must not be empty")
	}
	v.match("station.tenant", s.Tenant, labelPattern, "letters, digits, dot, dash and underscore, at most 63")
	v.match("station.id", s.ID, uuidPattern, "a UUID in lower case")
	v.match("station.locale", s.Locale, localePattern, "a language such as en or de-DE")
}

func (v check) bridge() {
	b := v.c.Bridge
	if b.URL == "" {
		v.bad("bridge.url", "is required: the base address of the tenant's IoT Bridge API")
	} else if u := v.url("bridge.url", b.URL); u != nil && u.Scheme == "http" && b.Auth.Mode != AuthNone &&
		!loopback(u.Hostname()) {
		v.bad("bridge.url", "bridge.auth.mode is %s: credentials are not sent over http, use https", b.Auth.Mode)
	}
	switch d := b.Timeout.D(); {
	case d <= minBridgeTimeout:
		v.bad("bridge.timeout", "must be more than 75s: the bridge may take 70 s over one request, and giving up earlier "+
			"turns a slow answer into a certificate that was issued and lost; got %s", b.Timeout)
	case d > maxDeadline:
		v.bad("bridge.timeout", "must be at most 1h, got %s", b.Timeout)
	}
	t := b.TLS
	if (t.Trust == TrustFile) != (t.CAFile != "") {
		v.bad("bridge.tls.ca_file", "belongs to bridge.tls.trust: file, and that needs it")
	}
	v.host("bridge.tls.server_name", t.ServerName)
}

func (v check) auth() {
	a := v.c.Bridge.Auth
	need := func(ok bool, key, msg string) {
		if !ok {
			v.bad("bridge.auth."+key, "%s", msg)
		}
	}
	tokens, oauth := 0, a.TokenURL != "" || a.ClientID != "" || a.ClientSecretFile != "" || a.ClientSecretEnv != "" ||
		len(a.Scopes) > 0
	for _, s := range []string{a.TokenFile, a.TokenEnv} {
		if s != "" {
			tokens++
		}
	}
	switch a.Mode {
	case AuthBearer:
		need(tokens == 1, "token_file", "mode bearer needs token_file or token_env, and not both")
	case AuthOAuth2:
		need(a.ClientID != "", "client_id", "mode oauth2 needs it")
		need((a.ClientSecretFile == "") != (a.ClientSecretEnv == ""), "client_secret_file",
			"mode oauth2 needs client_secret_file or client_secret_env, and not both")
		if a.TokenURL == "" {
			need(false, "token_url", "mode oauth2 needs it")
		} else if u := v.url("bridge.auth.token_url", a.TokenURL); u != nil && u.Scheme == "http" && !loopback(u.Hostname()) {
			v.bad("bridge.auth.token_url", "a client secret is not sent over http, use https")
		}
	case AuthClientCert:
		need(a.CertFile != "", "cert_file", "mode client-cert needs cert_file and key_file")
	}
	need(tokens == 0 || a.Mode == AuthBearer, "mode", "token_file and token_env belong to mode bearer")
	need(!oauth || a.Mode == AuthOAuth2, "mode",
		"token_url, client_id, client_secret_file, client_secret_env and scopes belong to mode oauth2")
	need((a.CertFile == "") == (a.KeyFile == ""), "key_file", "cert_file and key_file go together")
	v.match("bridge.auth.token_env", a.TokenEnv, envPattern, "the name of an environment variable")
	v.match("bridge.auth.client_secret_env", a.ClientSecretEnv, envPattern, "the name of an environment variable")
}

func (v check) pki() {
	p := v.c.PKI
	v.match("pki.root_fingerprint", p.RootFingerprint, hexPattern, "a SHA-256 fingerprint, 64 hex digits")
	if p.RootFile == "" && p.RootFingerprint == "" {
		v.bad("pki.root_file", "a trust anchor is required: root_file, or root_fingerprint with step_ca_url")
	}
	if p.RootFile == "" && p.RootFingerprint != "" && p.StepCAURL == "" {
		v.bad("pki.step_ca_url", "root_fingerprint without root_file needs it, to fetch the root from")
	}
	if p.StepCAURL != "" {
		if u := v.url("pki.step_ca_url", p.StepCAURL); u != nil && u.Scheme == "http" && !loopback(u.Hostname()) {
			v.bad("pki.step_ca_url", "want https")
		}
	}
	v.revoke()
	if d := p.MinValidity.D(); d < 0 || d > 100*365*day {
		v.bad("pki.min_validity", "want 0s or more, at most 100 years, got %s", p.MinValidity)
	}
	if t := v.c.PKI.StepCATLS; (t.Trust == TrustFile) != (t.CAFile != "") {
		v.bad("pki.step_ca_tls.ca_file", "belongs to pki.step_ca_tls.trust: file, and that needs it")
	}
	v.host("pki.step_ca_tls.server_name", v.c.PKI.StepCATLS.ServerName)
}

// maxDeviceTopic is the longest topic, in bytes, that a device can be asked to test (CHECK_MQTT in serialproto/doc.go).
const maxDeviceTopic = 1024

func (v check) mqtt() {
	m := v.c.MQTT
	if byDevice := m.Mode == MQTTDevice || m.Mode == MQTTBoth; byDevice && len(m.Topic) > maxDeviceTopic {
		v.bad("mqtt.topic", "a device can be asked for a topic of at most %d bytes (mqtt.mode is %s), got %d", maxDeviceTopic, m.Mode, len(m.Topic))
	}
	if m.Mode != MQTTOff && m.Host == "" {
		v.bad("mqtt.host", "is required: the tenant's broker, unless mqtt.mode is off")
	}
	v.host("mqtt.host", m.Host)
	v.host("mqtt.server_name", m.ServerName)
	if m.Port < 1 || m.Port > 65535 {
		v.bad("mqtt.port", "want 1 to 65535, got %d", m.Port)
	}
	if m.Topic == "" || strings.ContainsAny(m.Topic, "+#") { // [MQTT-3.3.2-2]
		v.bad("mqtt.topic", "want a topic to publish to, without + and #")
	}
	if m.Payload == "" {
		v.bad("mqtt.payload", "must not be empty")
	}
	if m.TLSMin > m.TLSMax {
		v.bad("mqtt.tls_min", "is above mqtt.tls_max (%s > %s)", m.TLSMin, m.TLSMax)
	}
}

// wireguard judges how the tunnel is proven. A socket's path is not made relative to the file, as an interface's name is not.
func (v check) wireguard() {
	w := v.c.WireGuard
	if w.Mode != WGOff && !w.Enroll {
		v.bad("wireguard.mode", "%s needs wireguard.enroll: there is no tunnel otherwise", clip(w.Mode))
	}
	switch {
	case w.Mode == WGServer && w.Server == "":
		v.bad("wireguard.server", "mode server needs it: an interface of this machine, or the path of its socket")
	case w.Server != "" && !filepath.IsAbs(w.Server):
		v.match("wireguard.server", w.Server, interfacePattern, "the name of an interface, or a full path")
	}
	if (w.Mode == WGPing) != (w.TunnelFile != "") {
		v.bad("wireguard.tunnel_file", "belongs to wireguard.mode: ping, and that needs it")
	}
	if w.ServerKey != "" {
		if key, err := base64.StdEncoding.Strict().DecodeString(w.ServerKey); err != nil || len(key) != 32 {
			v.bad("wireguard.server_key", "want a WireGuard public key, 44 characters of base64")
		}
	}
}

func (v check) device() {
	d := v.c.Device
	if d.IDTemplate != "" {
		used, err := checkTemplate(d.IDTemplate, idFactNames, idTextPattern.MatchString)
		switch {
		case err != nil:
			v.bad("device.id_template", "%v", err)
		case !slices.Contains(used, "serial") && !slices.Contains(used, "serial_lower"):
			v.bad("device.id_template", "holds neither {serial} nor {serial_lower}: every device would get the same id")
		}
	}
	if d.NameTemplate == "" {
		v.bad("device.name_template", "must not be empty: the deployed bridge requires a device name")
	} else if _, err := checkTemplate(d.NameTemplate, idNameFactNames, func(string) bool { return true }); err != nil {
		v.bad("device.name_template", "%v", err)
	}
	v.match("device.type", d.Type, labelPattern, "letters, digits, dot, dash and underscore, at most 63")
	if d.Type == "" {
		v.bad("device.type", "must not be empty")
	}
	if d.ScanTimeout <= 0 || d.ScanTimeout.D() > day {
		v.bad("device.scan_timeout", "want more than 0s and at most 1d, got %s", d.ScanTimeout)
	}
	v.keyStores(d.KeyStore)
	u := v.c.Device.Unlock
	v.secretPlaces("device.unlock.password", u.PasswordFile, u.PasswordEnv)
	switch {
	case u.KeyFile != "" && u.PinsFile == "":
		v.bad("device.unlock.pins_file", "is empty, so no device is given the public half of device.unlock.key_file")
	case u.KeyFile == "" && (u.PasswordFile != "" || u.PasswordEnv != ""):
		v.bad("device.unlock.key_file", "is empty, so the password beside it is of no use: name the key's file, or take the password out")
	case u.PinsFile == "" && u.Missing == PolicyRefuse:
		v.bad("device.unlock.pins_file", "is empty, and device.unlock.missing is refuse: no device could be finished")
	}
}

// keyStores demands places that a device can name, each once.
func (v check) keyStores(list []string) {
	for i, s := range list {
		switch {
		case !slices.Contains(station.KeyStores(), s):
			v.bad("device.key_store", "%q is none of %s", s, strings.Join(station.KeyStores(), ", "))
		case slices.Contains(list[:i], s):
			v.bad("device.key_store", "%q stands there twice", s)
		}
	}
}

func (v check) times() {
	for key, d := range map[string]Duration{
		"clock.tolerance": v.c.Clock.Tolerance, "clock.station_tolerance": v.c.Clock.StationTolerance,
		"retry.first": v.c.Retry.First, "retry.max": v.c.Retry.Max,
	} {
		if d <= 0 || d.D() > day {
			v.bad(key, "want more than 0s and at most 1d, got %s", d)
		}
	}
	if v.c.Retry.First > v.c.Retry.Max {
		v.bad("retry.max", "is below retry.first (%s < %s)", v.c.Retry.Max, v.c.Retry.First)
	}
	for phase, p := range v.c.Phases.Map() {
		key := "phases." + string(phase)
		if d := p.Deadline.D(); d <= 0 || d > maxDeadline {
			v.bad(key+".deadline", "want more than 0s and at most 1h, got %s", p.Deadline)
		}
		if p.Tries < 1 || p.Tries > maxTries {
			v.bad(key+".tries", "want 1 to %d, got %d", maxTries, p.Tries)
		}
	}
	if key := "phases." + string(station.PhaseEnroll) + ".deadline"; v.c.Phases.Enroll.Deadline <= v.c.Bridge.Timeout {
		v.bad(key, "must be more than bridge.timeout (%s), else a slow answer is lost; got %s", v.c.Bridge.Timeout,
			v.c.Phases.Enroll.Deadline)
	}
}

func (v check) storage() {
	u, server := v.c.Ledger.URL, v.c.Ledger.onServer()
	switch {
	case server:
		v.postgres(u)
	case u == "":
		v.bad("ledger.url", "is required where the environment names no home or state folder")
	case !strings.HasPrefix(u, sqliteScheme) || u == sqliteScheme || strings.ContainsAny(u, "?#"):
		// not quoted: it could hold a password
		v.bad("ledger.url", "want sqlite:PATH or postgres://USER@HOST/DATABASE")
	}
	file, env := v.c.Ledger.PasswordFile, v.c.Ledger.PasswordEnv
	switch {
	case file != "" && !server:
		v.bad("ledger.password_file", "belongs to a postgres:// address in ledger.url")
	case env != "" && !server:
		v.bad("ledger.password_env", "belongs to a postgres:// address in ledger.url")
	case file != "" && env != "":
		v.bad("ledger.password_file", "give password_file or password_env, and not both")
	}
	switch lease := v.c.Ledger.Lease; {
	case lease.D() < time.Minute || lease.D() > day:
		v.bad("ledger.lease", "want 1m to 1d, got %s", lease)
	case v.c.Ledger.File != "" && !server:
		v.bad("ledger.file", "belongs to a postgres:// address in ledger.url, whose part on this station it names")
	}
	v.match("ledger.password_env", env, envPattern, "the name of an environment variable")
}
