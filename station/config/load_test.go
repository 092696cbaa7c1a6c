package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station/config"
)

const fingerprint = "3f2a5c1be07d94468ab1c0d2e3f4051627384950a1b2c3d4e5f60718293a4b5c"

// minimal is the shortest valid configuration; tests append to it, so its sections come last-line first.
const minimal = `pki: {root_file: root.pem}
mqtt: {host: broker.example}
bridge: {url: "https://bridge.example/api"}
`

func home(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"HOME": t.TempDir()}
}

func host() (string, error) { return "bench-host", nil }

// load writes text as station.yaml in a folder of its own and loads it from there.
func load(t *testing.T, text string, env map[string]string) (*config.Config, config.Sources, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "station.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all := home(t)
	for k, v := range env {
		all[k] = v
	}
	return config.Load(config.LoadOptions{Env: all, Dir: dir, Hostname: host})
}

func problemsOf(t *testing.T, err error) []string {
	t.Helper()
	var e *config.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a *config.Error", err)
	}
	list := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		list = append(list, p.String())
	}
	return list
}

func TestMinimal(t *testing.T) {
	c, src, err := load(t, minimal, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Station.Name, "bench-host"; got != want {
		t.Errorf("name: got %q, want the host's %q", got, want)
	}
	if !strings.HasPrefix(c.Ledger.URL, "sqlite:/") || !strings.HasSuffix(c.Ledger.URL, "/.local/state/provstation/ledger.db") {
		t.Errorf("ledger: got %s, want it in the state folder", c.Ledger.URL)
	}
	if got, want := c.PKI.RootFile, filepath.Join(filepath.Dir(src.Path), "root.pem"); got != want {
		t.Errorf("root file: got %s, want %s", got, want)
	}
	if got, want := src.Of("mqtt.host"), (config.Source{From: "file", Where: "station.yaml:2"}); got != want {
		t.Errorf("source: got %v, want %v", got, want)
	}
}

// Each text is wrong in one way; the message names place, key and what to do.
func TestProblems(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"unknown key": {
			minimal + "device:\n  id_templat: edge-{serial}\n",
			"station.yaml:5: device.id_templat: unknown key (did you mean device.id_template?)",
		},
		"unknown section":  {minimal + "brigde: {}\n", "station.yaml:4: brigde: unknown key (did you mean bridge?)"},
		"key elsewhere":    {minimal + "url: x\n", "station.yaml:4: url: unknown key (did you mean bridge.url?)"},
		"hooks":            {minimal + "hooks: {run_end: x}\n", "station.yaml:4: hooks: unknown key"},
		"dotted key":       {minimal + "log.level: info\n", "station.yaml:4: log.level: unknown key; write its sections one below the other"},
		"twice":            {minimal + "log: {level: info, level: warn}\n", "station.yaml:4: log.level: key stands here twice"},
		"list for text":    {minimal + "station: {name: [a]}\n", "station.yaml:4: station.name: want a text, got a list"},
		"text for list":    {minimal + "ports: {include: a}\n", "station.yaml:4: ports.include: want a list of texts, got a text"},
		"text for section": {minimal + "log: info\n", "station.yaml:4: log: want a mapping of keys to values, got a text"},
		"text for number":  {minimal + "ports: {baud: fast}\n", `station.yaml:4: ports.baud: want a whole number, got "fast"`},
		"octal number":     {minimal + "ports: {baud: 0115200}\n", `station.yaml:4: ports.baud: want a whole number, got "0115200"`},
		"no unit":          {minimal + "retry: {first: 3}\n", `station.yaml:4: retry.first: want a duration with its unit, such as 3s, got "3"`},
		"yes":              {minimal + "clock: {set: yes}\n", `station.yaml:4: clock.set: want true or false, got "yes"`},
		"bool for text":    {minimal + "station: {operator: true}\n", "station.yaml:4: station.operator: want a text, got true; quote it if that is meant"},
		"no value":         {minimal + "log:\n  level:\n", "station.yaml:5: log.level: has no value; remove the key or give it one"},
		"enum":             {minimal + "log: {level: inof}\n", `station.yaml:4: log.level: want one of debug, info, warn, error, got "inof" (did you mean info?)`},
		"alias":            {minimal + "log: &x {level: info}\n", "station.yaml:4: log: want a mapping of keys to values, got a YAML anchor or alias, which is not supported"},
		"not yaml":         {"bridge: [\n", "station.yaml:1: not valid YAML: sequence end token ']' not found"},
		"two documents":    {minimal + "---\nlog: {}\n", "station.yaml: file holds several YAML documents; only one is read"},
		"control":          {minimal + "station: {name: \"a\\e[2Jb\"}\n", "station.yaml:4: station.name: text holds a control character"},
		"mqtt both": {
			"mqtt: {host: b, mode: both, topic: " + strings.Repeat("t", 1025) + "}\nbridge: {url: \"https://b\"}\npki: {root_file: r}\n",
			"station.yaml:1: mqtt.topic: a device can be asked for a topic of at most 1024 bytes (mqtt.mode is both), got 1025",
		},
		"renewal mode":    {minimal + "renewal: {mode: sett}\n", `station.yaml:4: renewal.mode: want one of off, set, check, got "sett" (did you mean set?)`},
		"renewal nowhere": {minimal + "renewal: {mode: set}\n", "renewal.url: mode set needs it, or pki.step_ca_url"},
		"renewal address": {
			minimal + "renewal: {url: \"https://ca/1.0/rekey\"}\n",
			`station.yaml:4: renewal.url: want an https address that ends in /renew, without user, query or fragment, of at most 256 bytes, got "https://ca/1.0/rekey"`,
		},
		"renewal audience":    {minimal + "renewal: {audience: \"https://ca/renew\"}\n", "station.yaml:4: renewal.audience: goes with renewal.url: without a proxy before the CA both are the same"},
		"wireguard mode":      {minimal + "wireguard: {mode: pong}\n", `station.yaml:4: wireguard.mode: want one of off, device, server, ping, got "pong" (did you mean ping?)`},
		"no tunnel":           {minimal + "wireguard: {mode: server, server: wg0, enroll: false}\n", "station.yaml:4: wireguard.mode: server needs wireguard.enroll: there is no tunnel otherwise"},
		"no server":           {minimal + "wireguard: {mode: server}\n", "wireguard.server: mode server needs it: an interface of this machine, or the path of its socket"},
		"server's name":       {minimal + "wireguard: {mode: server, server: run/wg0.sock}\n", `station.yaml:4: wireguard.server: want the name of an interface, or a full path, got "run/wg0.sock"`},
		"no tunnel file":      {minimal + "wireguard: {mode: ping}\n", "wireguard.tunnel_file: belongs to wireguard.mode: ping, and that needs it"},
		"stray tunnel file":   {minimal + "wireguard: {tunnel_file: f}\n", "station.yaml:4: wireguard.tunnel_file: belongs to wireguard.mode: ping, and that needs it"},
		"server key":          {minimal + "wireguard: {server_key: abc}\n", "station.yaml:4: wireguard.server_key: want a WireGuard public key, 44 characters of base64"},
		"postgres":            {minimal + "ledger: {url: \"postgres://u:hunter2@h/db\"}\n", "station.yaml:4: ledger.url: a password must not stand in it: put it into a file and name the file in ledger.password_file, or name an environment variable in ledger.password_env"},
		"postgres password":   {minimal + "ledger: {url: \"postgres://u@h/db?password=hunter2\"}\n", "station.yaml:4: ledger.url: a password must not stand in it: put it into a file and name the file in ledger.password_file, or name an environment variable in ledger.password_env"},
		"postgres server":     {minimal + "ledger: {url: \"postgres://u@/db\"}\n", "station.yaml:4: ledger.url: names no server: want postgres://USER@HOST/DATABASE"},
		"postgres user":       {minimal + "ledger: {url: \"postgres://h/db\"}\n", "station.yaml:4: ledger.url: names no user: want postgres://USER@HOST/DATABASE"},
		"postgres database":   {minimal + "ledger: {url: \"postgres://u@h\"}\n", "station.yaml:4: ledger.url: names no database: want postgres://USER@HOST/DATABASE"},
		"postgres sslmode":    {minimal + "ledger: {url: \"postgres://u@h/db?sslmode=prefer\"}\n", "station.yaml:4: ledger.url: sslmode: want verify-full (which it is without one, but on this machine), verify-ca, require or disable"},
		"postgres address":    {minimal + "ledger: {url: \"postgres://u:hunter2%@h/db\"}\n", "station.yaml:4: ledger.url: want postgres://USER@HOST/DATABASE, and %XX for a character that an address cannot hold"},
		"inline db password":  {minimal + "ledger: {password: hunter2}\n", "station.yaml:4: ledger.password: a secret must not stand in the configuration: put it into a file and name the file in password_file, or name an environment variable in password_env"},
		"password for a file": {minimal + "ledger: {url: \"sqlite:/l.db\", password_env: P}\n", "station.yaml:4: ledger.password_env: belongs to a postgres:// address in ledger.url"},
		"two db passwords":    {minimal + "ledger: {url: \"postgres://u@h/db\", password_env: P, password_file: f}\n", "station.yaml:4: ledger.password_file: give password_file or password_env, and not both"},
		"thingsboard":         {minimal + "tenant: {thingsbaord: {}}\n", "station.yaml:4: tenant.thingsbaord: unknown key (did you mean tenant.thingsboard?)"},
		"phase":               {minimal + "phases: {wireguard: {tries: 0}}\n", "station.yaml:4: phases.wireguard.tries: want 1 to 20, got 0"},
		"template":            {minimal + "device: {id_template: \"edge-{serail}\"}\n", "station.yaml:4: device.id_template: template: unknown placeholder {serail}; did you mean {serial}?"},
		"template constant":   {minimal + "device: {id_template: \"edge-{model}\"}\n", "station.yaml:4: device.id_template: holds neither {serial} nor {serial_lower}: every device would get the same id"},
		"template characters": {minimal + "device: {id_template: \"edge/{serial}\"}\n", `station.yaml:4: device.id_template: template: "edge/" has characters that a device id may not have`},
		"same file":           {minimal + "device: {files: {cert: x, ca: X}}\n", "station.yaml:4: device.files: a device's agent names its own files (provagent serve --file-key and others)"},
		"same slot":           {minimal + "ports: {slots: {1-1: A, 1-2: A}}\n", `station.yaml:4: ports.slots: 1-1 and 1-2 have the same name "A"`},
		"pattern":             {minimal + "ports: {include: [\"/dev/tty[\"]}\n", `station.yaml:4: ports.include: "/dev/tty[" is not a path or a pattern`},
		"tcp port":            {minimal + "ports: {include: [\"tcp://host\"]}\n", `station.yaml:4: ports.include: "tcp://host": want a serial server as tcp://host:port`},
		"tcp user":            {minimal + "ports: {include: [\"tcp://u@host:1\"]}\n", `station.yaml:4: ports.include: "tcp://u@host:1": want a serial server as tcp://host:port`},
		"tcp port zero":       {minimal + "ports: {include: [\"tcp://host:0\"]}\n", `station.yaml:4: ports.include: "tcp://host:0": want a serial server as tcp://host:port`},
		"rfc2217":             {minimal + "ports: {include: [\"rfc2217://host:1\"]}\n", `station.yaml:4: ports.include: "rfc2217://host:1": RFC 2217 is not available in this version; have the serial server pass raw bytes and use tcp://`},
		"unknown ports":       {minimal + "ports: {unknown: hide}\n", `station.yaml:4: ports.unknown: want one of show, use, got "hide"`},
		"assign":              {minimal + "device: {assign: scna}\n", `station.yaml:4: device.assign: want one of auto, template, manifest, scan, got "scna" (did you mean scan?)`},
		"scan timeout":        {minimal + "device: {scan_timeout: 0s}\n", `station.yaml:4: device.scan_timeout: want more than 0s and at most 1d, got 0s`},
		"key over tcp":        {minimal + "wireguard: {key_over_tcp: warn}\n", `station.yaml:4: wireguard.key_over_tcp: want one of refuse, allow, got "warn"`},
		"hold after":          {minimal + "batch: {hold_after: -1}\n", `station.yaml:4: batch.hold_after: want 0 (never) to 1000, got -1`},
		"column":              {minimal + "batch: {columns: {Serial: hardware_serial}}\n", `station.yaml:4: batch.columns: "Serial": want what a column means, such as hardware_serial, and its header in the file`},
		"column twice":        {minimal + "batch: {columns: {device_id: ID, label: ID}}\n", `station.yaml:4: batch.columns: device_id and label are the same column "ID"`},
		"scan pattern":        {minimal + "scan: {pattern: \"(a\"}\n", "station.yaml:4: scan.pattern: is not a regular expression (RE2): error parsing regexp: missing closing ): `(a`"},
		"scan gap":            {minimal + "scan: {gap: 1s}\n", "station.yaml:4: scan.gap: want 5ms to 200ms, got 1s"},
		"scan length":         {minimal + "scan: {min_length: 0}\n", "station.yaml:4: scan.min_length: want 1 to 64, got 0"},
		"scan badge":          {minimal + "scan: {badge_prefix: \"\"}\n", "station.yaml:4: scan.badge_prefix: must not be empty: every scan would be one"},
		"scan prefixes":       {minimal + "scan: {badge_prefix: \"PS:B\"}\n", `scan.command_prefix: begins like scan.badge_prefix: a scan could be either ("PS:", "PS:B")`},
		"scan prefix":         {minimal + "scan: {prefix: \"12345678901234567\"}\n", "station.yaml:4: scan.prefix: want at most 16 characters"},
		"label template":      {minimal + "labels: {template: \"\"}\n", "station.yaml:4: labels.template: must not be empty: a built-in name such as zpl-50x25, or a file"},
		"label printer":       {minimal + "labels: {printer: \"lp0\"}\n", `station.yaml:4: labels.printer: want a raw printer as tcp://host:port, got "lp0"`},
		"two printers":        {minimal + "labels: {printer: \"tcp://p:9100\", command: [lp]}\n", "station.yaml:4: labels.command: labels.printer is set too: only one of them can print"},
		"no printer":          {minimal + "labels: {auto: true}\n", "station.yaml:4: labels.auto: needs labels.printer or labels.command"},
		"theme":               {minimal + "screen: {theme: drak}\n", `station.yaml:4: screen.theme: want one of auto, dark, light, contrast, colourblind, mono, got "drak" (did you mean dark?)`},
		"sound":               {minimal + "screen: {sound: [\"\"]}\n", "station.yaml:4: screen.sound: the first item is the program, and it is empty"},
		"short enroll":        {minimal + "phases: {enroll: {deadline: 60s}}\n", "station.yaml:4: phases.enroll.deadline: must be more than bridge.timeout (90s), else a slow answer is lost; got 60s"},
		"tenant":              {minimal + "station: {tenant: acem}\ntenants: {acme: {}}\n", `station.yaml:4: station.tenant: no tenant "acem" among tenants: acme (did you mean acme?)`},
		"tenant section":      {minimal + "station: {tenant: a}\ntenants: {a: {ledger: {url: x}}}\n", "station.yaml:5: tenants.a.ledger: a tenant has its own bridge, pki, mqtt and tenant, nothing else"},
		"tenant key":          {minimal + "station: {tenant: a}\ntenants:\n  a:\n    mqtt:\n      prot: 1\n", "station.yaml:8: tenants.a.mqtt.prot: unknown key (did you mean mqtt.port?)"},
		"fingerprint":         {"pki: {root_fingerprint: abc, step_ca_url: \"https://c\"}\nmqtt: {host: b}\nbridge: {url: \"https://b\"}\n", `station.yaml:1: pki.root_fingerprint: want a SHA-256 fingerprint, 64 hex digits, got "abc"`},
		"fingerprint alone":   {"pki: {root_fingerprint: " + fingerprint + "}\nmqtt: {host: b}\nbridge: {url: \"https://b\"}\n", "pki.step_ca_url: root_fingerprint without root_file needs it, to fetch the root from"},
		"no anchor":           {"mqtt: {host: b}\nbridge: {url: \"https://b\"}\n", "pki.root_file: a trust anchor is required: root_file, or root_fingerprint with step_ca_url"},
		"tls versions":        {"mqtt: {host: b, tls_min: 1.3, tls_max: 1.2}\npki: {root_file: r}\nbridge: {url: \"https://b\"}\n", "station.yaml:1: mqtt.tls_min: is above mqtt.tls_max (1.3 > 1.2)"},
		"topic":               {"mqtt: {host: b, topic: \"a/#\"}\npki: {root_file: r}\nbridge: {url: \"https://b\"}\n", "station.yaml:1: mqtt.topic: want a topic to publish to, without + and #"},
		"broker address":      {"mqtt: {host: \"ssl://b:1\"}\npki: {root_file: r}\nbridge: {url: \"https://b\"}\n", `station.yaml:1: mqtt.host: want a host name or an IP address alone, got "ssl://b:1"`},
	} {
		t.Run(name, func(t *testing.T) {
			c, _, err := load(t, tc.text, nil)
			if c != nil {
				t.Error("got a configuration besides the error")
			}
			got := problemsOf(t, err)
			if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBridgeProblems(t *testing.T) {
	const rest = "\npki: {root_file: r}\nmqtt: {host: b}\n"
	for name, tc := range map[string]struct{ bridge, want string }{
		"timeout":         {"url: 'https://b', timeout: 75s", "bridge.timeout: must be more than 75s: the bridge may take 70 s over one request, and giving up earlier turns a slow answer into a certificate that was issued and lost; got 75s"},
		"ftp":             {"url: 'ftp://b'", "bridge.url: want an address such as https://tenant.example.com/api"},
		"no host":         {"url: 'https:///api'", "bridge.url: want an address such as https://tenant.example.com/api"},
		"query":           {"url: 'https://b/?x=1'", "bridge.url: want an address without ? and #"},
		"user":            {"url: 'https://u:hunter2@b'", "bridge.url: a user name or password must not stand in an address; see bridge.auth"},
		"broken user":     {"url: 'https://u:hunter2@b:x%'", "bridge.url: want an address such as https://tenant.example.com/api"},
		"inline token":    {"url: 'https://b', auth: {mode: none, token: hunter2}", "bridge.auth.token: a secret must not stand in the configuration: put it into a file and name the file in token_file, or name an environment variable in token_env"},
		"inline secret":   {"url: 'https://b', auth: {mode: none, client_secret: hunter2}", "bridge.auth.client_secret: a secret must not stand in the configuration: put it into a file and name the file in client_secret_file, or name an environment variable in client_secret_env"},
		"inline key":      {"url: 'https://b', auth: {key_file: \"-----BEGIN PRIVATE KEY-----hunter2\", cert_file: x}", "bridge.auth.key_file: a key or certificate must not stand in the configuration: put it into a file and name that"},
		"token over http": {"url: 'http://b', auth: {mode: bearer, token_env: T}", "bridge.url: bridge.auth.mode is bearer: credentials are not sent over http, use https"},
		"two tokens":      {"url: 'https://b', auth: {mode: bearer, token_env: T, token_file: f}", "bridge.auth.token_file: mode bearer needs token_file or token_env, and not both"},
		"no token":        {"url: 'https://b', auth: {mode: bearer}", "bridge.auth.token_file: mode bearer needs token_file or token_env, and not both"},
		"stray token":     {"url: 'https://b', auth: {token_env: T}", "bridge.auth.mode: token_file and token_env belong to mode bearer"},
		"env name":        {"url: 'https://b', auth: {mode: bearer, token_env: 'a b'}", `bridge.auth.token_env: want the name of an environment variable, got "a b"`},
		"half a pair":     {"url: 'https://b', auth: {cert_file: c}", "bridge.auth.key_file: cert_file and key_file go together"},
		"no certificate":  {"url: 'https://b', auth: {mode: client-cert}", "bridge.auth.cert_file: mode client-cert needs cert_file and key_file"},
		"trust file":      {"url: 'https://b', tls: {trust: file}", "bridge.tls.ca_file: belongs to bridge.tls.trust: file, and that needs it"},
		"oauth http":      {"url: 'https://b', auth: {mode: oauth2, client_id: i, client_secret_env: S, token_url: 'http://k/t'}", "bridge.auth.token_url: a client secret is not sent over http, use https"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, "bridge: {"+tc.bridge+"}"+rest, nil)
			got := problemsOf(t, err)
			if len(got) != 1 || strings.TrimPrefix(got[0], "station.yaml:1: ") != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if strings.Contains(fmt.Sprint(err), "hunter2") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	_, _, err := load(t, "bridge:\n  url: https://b\n  timeout: 10s\n  contrct: auto\nports:\n  baud: x\nmqtt:\n  port: 70000\n",
		map[string]string{"PROVSTATION_LOG_LEVEL": "loud"})
	want := []string{
		"station.yaml:3: bridge.timeout", "station.yaml:4: bridge.contrct", "station.yaml:6: ports.baud",
		"station.yaml:8: mqtt.port", "mqtt.host", "pki.root_file", "$PROVSTATION_LOG_LEVEL: log.level",
	}
	got := problemsOf(t, err)
	if len(got) != len(want) {
		t.Fatalf("got %d problems, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]+": ") {
			t.Errorf("problem %d: got %q, want it to begin %q", i, got[i], want[i])
		}
	}
	if !strings.HasPrefix(err.Error(), "configuration has 7 problems:\n  station.yaml:3: ") {
		t.Errorf("got %q, want a headed list", err)
	}
}

func TestProblemOfAnotherTenant(t *testing.T) {
	_, _, err := load(t, "station: {tenant: a}\ntenants:\n"+
		"  a: {bridge: {url: 'https://a'}, pki: {root_file: r}, mqtt: {host: h}}\n  b: {bridge: {url: 'https://b'}, pki: {root_file: r}}\n", nil)
	want := []string{"tenants.b.mqtt.host: is required: the tenant's broker, unless mqtt.mode is off"}
	if diff := cmp.Diff(want, problemsOf(t, err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestLayers(t *testing.T) {
	env := map[string]string{
		"PROVSTATION_BRIDGE_URL":            "https://env.example",
		"PROVSTATION_PORTS_INCLUDE":         "/dev/ttyUSB*, /dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",
		"PROVSTATION_PORTS_SLOTS":           "1-1=A,1-2=B",
		"PROVSTATION_PHASES_ENROLL_TRIES":   "7",
		"PROVSTATION_CLOCK_SET":             "false",
		"PROVSTATION_REQUIRE_REAL":          "1", // not a setting
		"PROVSTATION_BRIDGE_AUTH_MODE":      "bearer",
		"PROVSTATION_BRIDGE_AUTH_TOKEN_ENV": "PROVSTATION_BRIDGE_TOKEN",
		"PROVSTATION_BRIDGE_TOKEN":          "hunter2",
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "station.yaml"), []byte(minimal+"ports: {baud: 9600}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for k, v := range home(t) {
		env[k] = v
	}
	c, src, err := config.Load(config.LoadOptions{
		Env: env, Dir: dir, Hostname: host,
		Overrides: map[string]string{"bridge.url": "https://flag.example", "pki.min_validity": "12h"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Bridge.URL, "https://flag.example"; got != want {
		t.Errorf("a flag wins: got %s, want %s", got, want)
	}
	if diff := cmp.Diff([]string{"/dev/ttyUSB*", "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0"}, c.Ports.Include); diff != "" {
		t.Errorf("include (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"1-1": "A", "1-2": "B"}, c.Ports.Slots); diff != "" {
		t.Errorf("slots (-want +got):\n%s", diff)
	}
	if c.Phases.Enroll.Tries != 7 || c.Clock.Set || c.Ports.Baud != 9600 {
		t.Errorf("got tries %d, set %v, baud %d; want 7, false, 9600", c.Phases.Enroll.Tries, c.Clock.Set, c.Ports.Baud)
	}
	if got, want := src.Of("clock.set").Where, "$PROVSTATION_CLOCK_SET"; got != want {
		t.Errorf("source: got %s, want %s", got, want)
	}
	var out bytes.Buffer
	if err := c.Show(&out, src); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter2") || !strings.Contains(out.String(), "token_env: PROVSTATION_BRIDGE_TOKEN") {
		t.Errorf("show: want the token's reference and not the token, got\n%s", out.String())
	}
	for _, want := range []string{"url: https://flag.example  # flag", "baud: 9600  # station.yaml:4", "  # default"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("show: got\n%s\nwant it to hold %q", out.String(), want)
		}
	}
}

func TestEnvironmentTypo(t *testing.T) {
	_, _, err := load(t, minimal, map[string]string{"PROVSTATION_BRIDGE_TIMOUT": "80s", "PROVSTATION_OTHER": "x"})
	want := []string{"$PROVSTATION_BRIDGE_TIMOUT: unknown setting in the environment (did you mean PROVSTATION_BRIDGE_TIMEOUT?)"}
	if diff := cmp.Diff(want, problemsOf(t, err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestUnknownOverride(t *testing.T) {
	_, _, err := config.Load(config.LoadOptions{
		Env: home(t), Dir: t.TempDir(), Hostname: host, Optional: true, Places: []string{},
		Overrides: map[string]string{
			"port.baud": "1", "bridge.url": "https://b", "pki.root_file": "r", "mqtt.host": "b",
		},
	})
	if got := problemsOf(t, err); len(got) != 1 || got[0] != "flag: port.baud: unknown key (did you mean ports.baud?)" {
		t.Errorf("got %q, want the unknown key named", got)
	}
}

func TestSearchOrder(t *testing.T) {
	dir, user, etc := t.TempDir(), t.TempDir(), t.TempDir()
	env := map[string]string{"HOME": user}
	places := []string{
		filepath.Join(dir, "station.yaml"), filepath.Join(user, ".config/provstation/station.yaml"), filepath.Join(etc, "station.yaml"),
	}
	if got := config.SearchPaths(env, dir); got[0] != places[0] || got[1] != places[1] || got[2] != "/etc/provstation/station.yaml" {
		t.Errorf("search paths: got %v", got)
	}
	named, flagged := filepath.Join(t.TempDir(), "n.yaml"), filepath.Join(t.TempDir(), "f.yaml")
	o := config.LoadOptions{Env: env, Dir: dir, Hostname: host, Places: places}
	if _, _, err := config.Load(o); !errors.Is(err, config.ErrNotFound) || !strings.Contains(err.Error(), places[2]) {
		t.Fatalf("no file: got %v, want ErrNotFound with the places", err)
	}
	for _, step := range []struct {
		path string
		set  func()
	}{
		{places[2], func() {}},
		{places[1], func() {}},
		{places[0], func() {}},
		{named, func() { env[config.EnvConfig] = named }},
		{flagged, func() { o.Path = flagged }},
	} {
		if err := os.MkdirAll(filepath.Dir(step.path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(step.path, []byte(minimal), 0o600); err != nil {
			t.Fatal(err)
		}
		step.set()
		_, src, err := config.Load(o)
		if err != nil || src.Path != step.path {
			t.Errorf("got %s, %v; want %s", src.Path, err, step.path)
		}
	}
	o.Path = filepath.Join(dir, "absent.yaml")
	if _, _, err := config.Load(o); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a named file that is not there: got %v, want fs.ErrNotExist", err)
	}
}

func TestStateDir(t *testing.T) {
	for _, tc := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/x", "STATE_DIRECTORY": "/var/lib/provstation"}, "/var/lib/provstation"},
		{map[string]string{"HOME": "/h", "XDG_STATE_HOME": "/x"}, "/x/provstation"},
		{map[string]string{"HOME": "/h", "XDG_STATE_HOME": "relative"}, "/h/.local/state/provstation"},
		{nil, ""},
	} {
		if got := config.StateDir(tc.env); got != tc.want {
			t.Errorf("%v: got %q, want %q", tc.env, got, tc.want)
		}
	}
}
