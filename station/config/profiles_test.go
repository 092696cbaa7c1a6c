package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/config"
)

// withProfiles is a valid configuration with rules and profiles, written as flow mappings.
func withProfiles(rules, profiles string) string {
	return minimal + "ports: {profiles: [" + rules + "]}\nprofiles: {" + profiles + "}\n"
}

// Each text is wrong in one way; the message names place, key and what to do.
func TestProfileProblems(t *testing.T) {
	const rule, profile = "station.yaml:4: ports.profiles[1]", "station.yaml:5: profiles.x"
	for name, tc := range map[string]struct{ rules, profiles, want string }{
		"unknown profile": {"{usb: \"0403:6001\", profile: rooter}", "router: {}", rule + `.profile: there is no profile "rooter" (did you mean router?)`},
		"unknown built-in": {
			"{slot: A, profile: shared-consol}", "x: {}", rule + `.profile: there is no profile "shared-consol" (did you mean shared-console?)`,
		},
		"no profile":         {"{slot: A}", "x: {}", rule + ": names no profile"},
		"no port":            {"{profile: mcu}", "x: {}", rule + ": names no port: want usb, port or slot"},
		"usb":                {"{usb: \"403:6001\", profile: mcu}", "x: {}", rule + `.usb: want VID:PID or VID:* in hex digits, such as "0403:6001" (quoted), got "403:6001"`},
		"usb without quotes": {"{usb: 0403, profile: mcu}", "x: {}", rule + `.usb: want VID:PID or VID:* in hex digits, such as "0403:6001" (quoted), got "0403"`},
		"pattern":            {"{port: \"/dev/tty[\", profile: mcu}", "x: {}", rule + `.port: "/dev/tty[" is not a path or a pattern`},
		"server":             {"{port: \"tcp://host\", profile: mcu}", "x: {}", rule + `.port: "tcp://host": want a serial server as tcp://host:port`},
		"key of a rule":      {"{sloot: A, profile: mcu}", "x: {}", rule + ".sloot: unknown key: a rule has usb, port, slot and profile (did you mean slot?)"},
		"twice":              {"{slot: A, slot: B, profile: mcu}", "x: {}", rule + ".slot: key stands here twice"},
		"no rule":            {"mcu", "x: {}", rule + `: want a rule such as {usb: "0403:6001", profile: NAME}, got a text`},
		"never reached": {
			"{usb: \"303a:*\", profile: mcu}, {usb: \"303A:*\", profile: agent}", "x: {}",
			"station.yaml:4: ports.profiles[2]: is never reached: ports.profiles[1] says the same of usb 303A:*",
		},

		"key":           {"", "x: {bauds: 9600}", profile + ".bauds: unknown key (did you mean profiles.x.baud?)"},
		"inner key":     {"", "x: {driver: console, console: {usr: root}}", profile + ".console.usr: unknown key (did you mean profiles.x.console.user?)"},
		"name":          {"", "\"a b\": {}", `station.yaml:5: profiles.a b: a profile's name is letters, digits, dot, dash and underscore, at most 63`},
		"like":          {"", "x: {like: ubot}", profile + `.like: want one of agent, console, mcu, uboot, shared-console, got "ubot" (did you mean uboot?)`},
		"like itself":   {"", "mcu: {like: agent}", "station.yaml:5: profiles.mcu.like: mcu is built in, and begins as itself: give the profile another name"},
		"driver":        {"", "x: {driver: consol}", profile + `.driver: want one of agent, console, got "consol" (did you mean console?)`},
		"two drivers":   {"", "x: {like: mcu, driver: console}", profile + `.driver: a profile like mcu has driver: agent, got "console" (did you mean agent?)`},
		"baud":          {"", "x: {baud: 299}", profile + ".baud: want 300 to 4000000, got 299"},
		"baud of text":  {"", "x: {baud: fast}", profile + `.baud: want a whole number, got "fast"`},
		"uboot probes":  {"", "uboot: {probe: true}", "station.yaml:5: profiles.uboot.probe: a profile like uboot sends nothing before the device has announced itself: a byte during the countdown stops the boot for good"},
		"modem line":    {"", "x: {dtr: up}", profile + `.dtr: want one of leave, raise, drop, got "up"`},
		"mtu":           {"", "x: {mtu: 247}", profile + ".mtu: want 48 to 246, or 0 for as much as there is, got 247"},
		"window":        {"", "x: {window: 65}", profile + ".window: want 1 to 64, or 0 for as much as there is, got 65"},
		"message":       {"", "x: {max_message: 512}", profile + ".max_message: want 1024 to 62976, or 0 for as much as there is, got 512"},
		"silence":       {"", "x: {silent_after: 100ms}", profile + ".silent_after: want 500ms to 10m, got 100ms"},
		"key type":      {"", "x: {key_type: P-348}", profile + `.key_type: want one of P-256, P-384, Ed25519, got "P-348" (did you mean P-384?)`},
		"phase":         {"", "x: {timeouts: {keygne: 60s}}", profile + `.timeouts: there is no phase "keygne" (did you mean keygen?)`},
		"deadline":      {"", "x: {timeouts: {keygen: 2h}}", profile + ".timeouts: keygen: want more than 0s and at most 1h, got 2h"},
		"no unit":       {"", "x: {timeouts: {keygen: 60}}", profile + `.timeouts: keygen: want a duration: "60" is not a duration such as 90s, 5m or 30d`},
		"lost answer":   {"", "x: {timeouts: {enroll: 60s}}", profile + ".timeouts: enroll: must be more than bridge.timeout (90s), else a slow answer is lost; got 60s"},
		"agent's files": {"", "x: {files: {dir: /certs}}", profile + ".files.dir: belongs to driver: console, and this profile has driver: agent"},
		"agent's login": {"", "x: {like: mcu, console: {user: root}}", profile + ".console.user: belongs to driver: console, and this profile has driver: agent"},
		"console probe": {"", "x: {driver: console, probe: true}", profile + ".probe: belongs to driver: agent, and this profile has driver: console"},
		"folder":        {"", "x: {driver: console, files: {dir: certs}}", profile + `.files.dir: want a full path of a folder on the box, of letters, digits, dot, dash and underscore, got "certs"`},
		"folder above":  {"", "x: {driver: console, files: {dir: /a/../b}}", profile + `.files.dir: want a full path of a folder on the box, of letters, digits, dot, dash and underscore, got "/a/../b"`},
		"shell in it":   {"", "x: {driver: console, files: {key: \"a;b\"}}", profile + `.files.key: want a file's name of letters, digits, dot, dash and underscore, got "a;b"`},
		"same file":     {"", "x: {driver: console, files: {ca: device.pem}}", profile + ".files.ca: has the name of files.device"},
		"station's own": {"", "x: {driver: console, files: {flag: .provstation}}", profile + `.files.flag: want a file's name of letters, digits, dot, dash and underscore, got ".provstation"`},
		"user":          {"", "x: {driver: console, console: {user: \"a b\"}}", profile + `.console.user: want a user of the box, got "a b"`},
		"password": {
			"", "x: {driver: console, console: {password: hunter2}}",
			profile + ".console.password: a secret must not stand in the configuration: put it into a file and name the file in password_file, or name an environment variable in password_env",
		},
		"two passwords":   {"", "x: {driver: console, console: {password_file: f, password_env: E}}", profile + ".console.password_file: give password_file or password_env, and not both"},
		"variable":        {"", "x: {driver: console, console: {password_env: \"a b\"}}", profile + `.console.password_env: want the name of an environment variable, got "a b"`},
		"become":          {"", "x: {driver: console, console: {become: su}}", profile + `.console.become: want one of none, sudo, got "su"`},
		"wake":            {"", "x: {driver: console, console: {wake: enter}}", profile + `.console.wake: want one of cr, lf, ctrl-c, never, got "enter"`},
		"prompt":          {"", "x: {driver: console, console: {prompt: \"(a\"}}", profile + ".console.prompt: is not a regular expression (RE2): error parsing regexp: missing closing ): `(a`"},
		"prompt of all":   {"", "x: {driver: console, console: {prompt: \".*\"}}", profile + ".console.prompt: matches the empty text: it would be seen at once"},
		"line":            {"", "x: {driver: console, console: {max_line: 100}}", profile + ".console.max_line: want 200 to 4000, got 100"},
		"profiles a list": {"", "x: [a]", profile + ": want a mapping of keys to values, got a list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := load(t, withProfiles(tc.rules, tc.profiles), nil)
			got := problemsOf(t, err)
			if len(got) != 1 || !strings.HasPrefix(got[0], tc.want) {
				t.Errorf("got %q\nwant %q", got, tc.want)
			}
		})
	}
	_, _, err := load(t, minimal+"ports: {profile: agnet}\n", nil)
	if got, want := problemsOf(t, err)[0], `station.yaml:4: ports.profile: there is no profile "agnet" (did you mean agent?)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, _, err = load(t, minimal, map[string]string{"PROVSTATION_PROFILES": "x=y", "PROVSTATION_PORTS_PROFILES": "x"})
	if got := strings.Join(problemsOf(t, err), "\n"); strings.Count(got, "write it into the file") != 2 {
		t.Errorf("profiles from the environment: got %q, want both refused", got)
	}
}

// Two hundred thousand bytes of rules are bounded before they are used.
func TestProfileBounds(t *testing.T) {
	_, _, err := load(t, withProfiles(strings.Repeat("{slot: A, profile: mcu}, ", 257), ""), nil)
	if got := strings.Join(problemsOf(t, err), "\n"); !strings.Contains(got, "ports.profiles: more than 256 rules") {
		t.Errorf("got %q", got)
	}
}

func TestBuiltInProfiles(t *testing.T) {
	c, _, err := load(t, minimal+"ports: {baud: 57600, probe: true}\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	agent, _ := c.DeviceProfile(config.ProfileAgent)
	want := config.DeviceProfile{
		Like: "agent", Driver: "agent", Baud: 57600, Probe: true, DTR: "leave", RTS: "leave", SilentAfter: config.Duration(3 * time.Second),
	}
	if diff := cmp.Diff(want, agent); diff != "" {
		t.Errorf("agent is not what ports.baud and ports.probe say and nothing else (-want +got):\n%s", diff)
	}
	got := map[string]bool{}
	for _, name := range c.ProfileNames() {
		p, ok := c.DeviceProfile(name)
		if !ok || p.Baud != 57600 {
			t.Errorf("%s: got %d baud (%v), want that of ports.baud", name, p.Baud, ok)
		}
		got[name] = p.Probe
	}
	// whatever ports.probe says, nothing is sent into a countdown or a login
	if diff := cmp.Diff(map[string]bool{"agent": true, "console": false, "mcu": true, "uboot": false, "shared-console": false}, got); diff != "" {
		t.Errorf("who probes (-want +got):\n%s", diff)
	}
	if got := c.ProfileFor(station.PortInfo{Path: "/dev/ttyUSB0"}); got.Name != "agent" || got.Why() != "ports.profile" {
		t.Errorf("got %s by %s, want agent by ports.profile", got.Name, got.Why())
	}
}

// The speed of ports that a variable or a flag gives is that of every profile which names none.
func TestProfilesFollowPorts(t *testing.T) {
	text := withProfiles("", "mcu: {silent_after: 20s}, fast: {like: mcu, baud: 921600}, box: {driver: console}")
	c, src, err := load(t, text, map[string]string{"PROVSTATION_PORTS_BAUD": "9600"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"mcu": 9600, "fast": 921600, "box": 9600, "uboot": 9600} {
		if p, _ := c.DeviceProfile(name); p.Baud != want {
			t.Errorf("%s: got %d baud, want %d", name, p.Baud, want)
		}
	}
	mcu, _ := c.DeviceProfile("mcu")
	if mcu.SilentAfter.D() != 20*time.Second || mcu.Window != 1 || mcu.DTR != config.LineRaise {
		t.Errorf("mcu: got %+v, want the built-in one with another patience", mcu)
	}
	if got := src.Of("profiles.mcu.silent_after").Where; got != "station.yaml:5" {
		t.Errorf("place: got %q, want station.yaml:5", got)
	}
	if got, want := c.ProfileNames(), []string{"agent", "console", "mcu", "uboot", "shared-console", "box", "fast"}; !cmp.Equal(got, want) {
		t.Errorf("names: got %q, want %q", got, want)
	}
}

func TestProfileRules(t *testing.T) {
	c, _, err := load(t, withProfiles(
		`{usb: "0403:6001", slot: left, profile: uboot}, {usb: "0403:6001", profile: mcu}, {usb: "10c4:*", profile: shared-console}, `+
			`{port: "/dev/ttyUSB*", profile: console}, {port: "tcp://192.0.2.1:4001", profile: x}, {slot: left, profile: agent}`,
		"x: {like: mcu}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		port      station.PortInfo
		name, why string
	}{
		{station.PortInfo{Path: "/dev/ttyUSB0", VID: "0403", PID: "6001", SlotName: "left"}, "uboot", "rule 1: usb 0403:6001, slot left"},
		{station.PortInfo{Path: "/dev/ttyUSB0", VID: "0403", PID: "6001", SlotName: "right"}, "mcu", "rule 2: usb 0403:6001"},
		{station.PortInfo{Path: "/dev/ttyUSB0", VID: "0403", PID: "6010"}, "console", "rule 4: port /dev/ttyUSB*"},
		{station.PortInfo{Path: "/dev/ttyUSB0", VID: "10C4", PID: "EA60"}, "shared-console", "rule 3: usb 10c4:*"},
		{station.PortInfo{Path: "/dev/ttyACM0", VID: "10C4", PID: "EA70"}, "shared-console", "rule 3: usb 10c4:*"},
		{station.PortInfo{Path: "tcp://192.0.2.1:4001", Network: true}, "x", "rule 5: port tcp://192.0.2.1:4001"},
		{station.PortInfo{Path: "/dev/ttyACM0", SlotName: "left"}, "agent", "rule 6: slot left"},
		{station.PortInfo{Path: "/dev/ttyACM0", SlotName: "right"}, "agent", "ports.profile"},
		{station.PortInfo{Path: "/dev/ttyACM0"}, "agent", "ports.profile"}, // no USB id, no slot: rules for those do not fit
		{station.PortInfo{Path: "/dev/pts/1", ByID: "/dev/ttyUSB-by-id"}, "console", "rule 4: port /dev/ttyUSB*"},
	} {
		if got := c.ProfileFor(tc.port); got.Name != tc.name || got.Why() != tc.why || got.Profile.Driver == "" {
			t.Errorf("%+v: got %s by %q, want %s by %q", tc.port, got.Name, got.Why(), tc.name, tc.why)
		}
	}
	if got, want := c.Patience(), 90*time.Second; got != want {
		t.Errorf("patience: got %s, want %s, which uboot has", got, want)
	}
}

// A variable that only a profile names as the place of its password is no mistyped setting.
func TestProfilePasswordVariable(t *testing.T) {
	text := withProfiles("", "r: {driver: console, console: {password_env: PROVSTATION_PORTS_PW}}")
	if _, _, err := load(t, text, map[string]string{"PROVSTATION_PORTS_PW": "hunter2"}); err != nil {
		t.Errorf("got %v, want it left alone", err)
	}
}

func TestProfilesRoundTrip(t *testing.T) {
	path := filepath.Join(examples, "profiles.yaml")
	c, src, err := config.Load(config.LoadOptions{Path: path, Env: home(t), Hostname: host})
	if err != nil {
		t.Fatal(err)
	}
	router := c.Profiles["router"]
	router.Files.OtherFlags = nil // not the same as what the built-in one has
	c.Profiles["router"] = router
	var shown strings.Builder
	if err := c.Show(&shown, src); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "hunter2") || !strings.Contains(shown.String(), "password_env: ROUTER_PASSWORD") {
		t.Errorf("show: want the variable's name and nothing of what is in it:\n%s", shown.String())
	}
	for name, text := range map[string]string{"show": shown.String(), "marshal": string(c.Marshal())} {
		back := filepath.Join(t.TempDir(), "station.yaml")
		if err := os.WriteFile(back, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := config.Load(config.LoadOptions{Path: back, Env: home(t), Hostname: host})
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, text)
		}
		if diff := cmp.Diff(c.Profiles, got.Profiles); diff != "" {
			t.Errorf("%s: profiles (-had +read):\n%s", name, diff)
		}
		if diff := cmp.Diff(c.Ports.Profiles, got.Ports.Profiles); diff != "" || got.Ports.Profile != "gateway" {
			t.Errorf("%s: rules (-had +read), profile %s:\n%s", name, got.Ports.Profile, diff)
		}
	}
	other := c.Clone()
	other.Profiles["router"].Timeouts["keygen"] = config.Duration(time.Second)
	if c.Profiles["router"].Timeouts["keygen"] == other.Profiles["router"].Timeouts["keygen"] {
		t.Error("a clone shares the timeouts of its profiles")
	}
	if other.Digest() == c.Digest() {
		t.Error("another timeout of a profile has the same digest")
	}
}

// Every key of a profile stands in full.yaml.
func TestFullExampleHasEveryProfileKey(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(examples, "full.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	text = text[strings.Index(text, "\nprofiles:"):strings.Index(text, "\nbatch:")]
	for _, k := range config.ProfileKeys() {
		name := k.Path[strings.LastIndexByte(k.Path, '.')+1:]
		if !regexp.MustCompile(`(?m)^ +` + name + `:`).MatchString(text) {
			t.Errorf("%s is not in full.yaml", k.Path)
		}
	}
}
