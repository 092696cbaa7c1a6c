package config_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station/config"
)

const examples = "../../configs"

func TestExamplesLoad(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("got %d example files (%v), want at least 3", len(files), err)
	}
	for _, f := range files {
		c, src, err := config.Load(config.LoadOptions{Path: f, Env: home(t)})
		if err != nil {
			t.Errorf("%s: got %v, want no error", f, err)
			continue
		}
		if err := c.Validate(src); err != nil {
			t.Errorf("%s: validating again: got %v, want no error", f, err)
		}
	}
}

// Every key stands in full.yaml, and stands there with the default unless its comment says otherwise.
func TestFullExampleHasEveryKey(t *testing.T) {
	path := filepath.Join(examples, "full.yaml")
	_, src, err := config.Load(config.LoadOptions{Path: path, Env: home(t)})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range config.Keys() {
		if got := src.Of(k.Path).From; got != "file" {
			t.Errorf("%s: got source %q, want it to stand in full.yaml", k.Path, got)
		}
		name := k.Path[strings.LastIndexByte(k.Path, '.')+1:]
		if !regexp.MustCompile(`\b` + name + `:`).Match(data) {
			t.Errorf("%s is not mentioned in full.yaml", k.Path)
		}
	}
}

func TestFullExampleShowsDefaults(t *testing.T) {
	c, _, err := config.Load(config.LoadOptions{Path: filepath.Join(examples, "full.yaml"), Env: home(t)})
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	for _, section := range []struct {
		name      string
		got, want any
	}{
		{"retry", c.Retry, want.Retry},
		{"phases", c.Phases, want.Phases},
		{"clock", c.Clock, want.Clock},
		{"wireguard", c.WireGuard, want.WireGuard},
		{"scan", c.Scan, want.Scan},
		{"screen", c.Screen, want.Screen},
		{"device.assign", c.Device.Assign, want.Device.Assign},
		{"device.scan_timeout", c.Device.ScanTimeout, want.Device.ScanTimeout},
		{"ports.unknown", c.Ports.Unknown, want.Ports.Unknown},
		{"batch.hold_after", c.Batch.HoldAfter, want.Batch.HoldAfter},
		{"labels.template", c.Labels.Template, want.Labels.Template},
		{"bridge.auth", c.Bridge.Auth, want.Bridge.Auth},
		{"bridge.tls", c.Bridge.TLS, want.Bridge.TLS},
		{"tenant.thingsboard.tls", c.Tenant.ThingsBoard.TLS, want.Tenant.ThingsBoard.TLS},
		{"tenant.thingsboard.timeout", c.Tenant.ThingsBoard.Timeout, want.Tenant.ThingsBoard.Timeout},
		{"tenant.hawkbit.tls", c.Tenant.HawkBit.TLS, want.Tenant.HawkBit.TLS},
		{"tenant.hawkbit.timeout", c.Tenant.HawkBit.Timeout, want.Tenant.HawkBit.Timeout},
		{"tenant.hawkbit.missing_attributes", c.Tenant.HawkBit.MissingAttributes, want.Tenant.HawkBit.MissingAttributes},
	} {
		if diff := cmp.Diff(section.want, section.got); diff != "" {
			t.Errorf("%s differs from the defaults (-want +got):\n%s", section.name, diff)
		}
	}
}

func TestTwoTenants(t *testing.T) {
	path := filepath.Join(examples, "two-tenants.yaml")
	c, _, err := config.Load(config.LoadOptions{Path: path, Env: home(t)})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Bridge.URL, "https://acme.example.com/api"; got != want {
		t.Errorf("selected bridge: got %s, want %s", got, want)
	}
	if got, want := c.Bridge.Timeout.String(), "120s"; got != want {
		t.Errorf("timeout from the base: got %s, want %s", got, want)
	}
	env := home(t)
	env["PROVSTATION_STATION_TENANT"] = "globex"
	g, _, err := config.Load(config.LoadOptions{Path: path, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := [3]string{g.Bridge.URL, g.PKI.KeyType, g.MQTT.TLSMin}, [3]string{
		"https://iot.globex.example", "P-384", "1.2",
	}; got != want {
		t.Errorf("globex: got %v, want %v", got, want)
	}
	switched, err := c.ForTenant("globex")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g.Bridge, switched.Bridge); diff != "" {
		t.Errorf("ForTenant differs from loading for that tenant (-load +switch):\n%s", diff)
	}
	if _, err := c.ForTenant("initech"); err == nil {
		t.Error("ForTenant of an unknown tenant: got no error")
	}
	if g.Digest() == c.Digest() {
		t.Error("two tenants have the same digest")
	}
	if got := c.Tenants["acme"].Bridge.Auth.TokenFile; got != mustAbs(t, filepath.Join(examples, "secrets/acme.token")) {
		t.Errorf("token file: got %s, want it relative to the configuration", got)
	}
}

func mustAbs(t *testing.T, p string) string {
	t.Helper()
	a, err := filepath.Abs(p)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
