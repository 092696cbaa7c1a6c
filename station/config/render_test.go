package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"provstation/station/config"
)

func valid() *config.Config {
	c := config.Default()
	c.Station.Name = "bench"
	c.Bridge.URL = "https://b.example/api"
	c.PKI.RootFile = "/r.pem"
	c.MQTT.Host = "m.example"
	c.Ledger.URL = "sqlite:/l.db"
	c.Log.File = "/l.log"
	c.Ports.SlotsFile = "/slots.yaml"
	c.Batch.Folder = "/batches"
	return c
}

func TestDefaultLacksOnlyTheTenant(t *testing.T) {
	if err := valid().Validate(config.Sources{}); err != nil {
		t.Errorf("got %v, want the defaults to be valid", err)
	}
	c := valid()
	c.MQTT.Protocol, c.WireGuard.Mode, c.Station.Operator = "4", "on", "a\x1b[0m"
	if got := problemsOf(t, c.Validate(config.Sources{})); len(got) != 3 {
		t.Errorf("got %q, want 3 problems of a configuration built in code", got)
	}
}

func TestWriteFileRoundTrip(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "station.yaml")
	c := valid()
	c.Ports.Include = []string{"/dev/pts/*", "/dev/ttyS[01]"}
	c.Ports.Slots = map[string]string{"1-1.2": "A: 1", "/dev/ttyS0": "yes"}
	c.MQTT.Payload = `{"test": 1, "x": "#"}`
	c.Batch.Columns = map[string]string{"hardware_serial": "S/N: #1"}
	c.Scan.Pattern, c.Scan.Gap = `^\\x5d?[A-Z]{2}\d+$`, config.Duration(40*time.Millisecond)
	c.Labels.Command, c.Labels.Auto = []string{"lp", "-d", "zebra"}, true
	c.Screen.ASCII, c.Screen.Bell = config.ASCIIYes, false
	c.Bridge.Auth = config.Auth{Mode: config.AuthBearer, TokenFile: "/t"}
	c.Tenant.HawkBit.URL, c.Tenant.HawkBit.Username, c.Tenant.HawkBit.PasswordFile = "https://h.example/hawkbit", `DEFAULT\u`, "/p"
	c.Tenant.HawkBit.Attributes = []string{"device_type", "no: 1"}
	other := config.Profile{Bridge: c.Bridge, PKI: c.PKI, MQTT: c.MQTT, Tenant: config.Default().Tenant}
	other.Bridge.Auth = config.Auth{Mode: config.AuthNone} // must not take the base's token file back
	c.Station.Tenant = "a"
	c.Tenants = map[string]config.Profile{"a": {Bridge: c.Bridge, PKI: c.PKI, MQTT: c.MQTT, Tenant: c.Tenant}, "b": other}
	if err := config.WriteFile(path, c); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v (%v), want 0600", info.Mode(), err)
	}
	got, src, err := config.Load(config.LoadOptions{Path: path, Env: home(t), Hostname: host})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("written and read differ (-wrote +read):\n%s", diff)
	}
	if got.Digest() != c.Digest() {
		t.Error("digest changed by writing and reading")
	}
	var shown bytes.Buffer
	if err := got.Show(&shown, src); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(dir, "shown.yaml")
	if err := os.WriteFile(again, shown.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	back, _, err := config.Load(config.LoadOptions{Path: again, Env: home(t), Hostname: host})
	if err != nil || back.Digest() != c.Digest() {
		t.Errorf("what show prints does not load to the same: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("got %d files (%v), want no temporary file left", len(entries), err)
	}
}

func TestWriteFileFails(t *testing.T) {
	err := config.WriteFile(filepath.Join(t.TempDir(), "absent", "station.yaml"), valid())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
}

func TestDigestTellsDifferences(t *testing.T) {
	base := valid()
	for _, k := range config.Keys() {
		if k.Kind != "int" && k.Kind != "bool" {
			continue
		}
		o := config.LoadOptions{Env: home(t), Dir: t.TempDir(), Hostname: host, Optional: true, Places: []string{}}
		o.Overrides = map[string]string{"bridge.url": "https://b", "pki.root_file": "r", "mqtt.host": "b"}
		a, _, err := config.Load(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []string{"true", "false", "12", "600"} {
			o.Overrides[k.Path] = v
			b, _, err := config.Load(o)
			if err != nil {
				continue
			}
			if diff := cmp.Diff(a, b); (diff == "") != (a.Digest() == b.Digest()) {
				t.Errorf("%s=%s: difference %q, digests %s %s", k.Path, v, diff, a.Digest(), b.Digest())
			}
		}
	}
	if len(base.Digest()) != 64 {
		t.Errorf("got %q, want 64 hex digits", base.Digest())
	}
}

// Any text that a setting may hold survives being written and read.
func TestTextRoundTrip(t *testing.T) {
	dir := t.TempDir()
	env := home(t)
	rapid.Check(t, func(t *rapid.T) {
		c := valid()
		c.MQTT.Payload = rapid.StringN(1, 40, 400).Draw(t, "payload")
		c.Station.Site = rapid.StringN(0, 20, 100).Draw(t, "site")
		c.Ports.Slots = map[string]string{rapid.StringMatching(`[ -~]{1,12}`).Draw(t, "place"): rapid.StringMatching(`[!-~]{1,12}`).Draw(t, "slot")}
		if c.Validate(config.Sources{}) != nil {
			return
		}
		path := filepath.Join(dir, "station.yaml")
		if err := config.WriteFile(path, c); err != nil {
			t.Fatal(err)
		}
		got, _, err := config.Load(config.LoadOptions{Path: path, Env: env, Hostname: host})
		if err != nil {
			t.Fatalf("%v\n%s", err, c.Marshal())
		}
		if diff := cmp.Diff(c, got); diff != "" {
			t.Fatalf("(-wrote +read):\n%s", diff)
		}
	})
}

func TestRenderTemplate(t *testing.T) {
	facts := config.DeviceFacts("SN-00A1", "m{id}")
	for _, tc := range []struct{ tmpl, want string }{
		{"edge-{serial}", "edge-SN-00A1"},
		{"{model}.{serial_lower}", "m{id}.sn-00a1"}, // a fact is not expanded again
		{"plain", "plain"},
		{"", ""},
	} {
		if got, err := config.RenderTemplate(tc.tmpl, facts); err != nil || got != tc.want {
			t.Errorf("%q: got %q, %v; want %q", tc.tmpl, got, err, tc.want)
		}
	}
	facts["model"] = ""
	for _, bad := range []string{"{", "}", "{}", "{serail}", "a{serial", "{{serial}}", "{model}", "{Serial}"} {
		if got, err := config.RenderTemplate(bad, facts); !errors.Is(err, config.ErrTemplate) || got != "" {
			t.Errorf("%q: got %q, %v; want ErrTemplate", bad, got, err)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for _, s := range []string{"0s", "90s", "5m", "30d", "1h30m", "1.5s", "-2d", "250ms", "36h", "1d"} {
		d, err := config.ParseDuration(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if back, err := config.ParseDuration(d.String()); err != nil || back != d {
			t.Errorf("%s: wrote %s, read %v (%v)", s, d, back, err)
		}
	}
	for _, s := range []string{"", "90", "d", "1.5d", "999999d", "5 m", "1w"} {
		if d, err := config.ParseDuration(s); err == nil {
			t.Errorf("%q: got %s, want an error", s, d)
		}
	}
}
