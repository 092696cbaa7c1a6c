package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
)

// phaseOf are the events of one phase.
func phaseOf(events []event, phase string) (list []event) {
	for _, e := range ofType(events, "phase") {
		if e["phase"] == phase {
			list = append(list, e)
		}
	}
	return list
}

// In the demo the tenant's own servers say that they list the devices.
func TestDemoRegisters(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	events := cli(t, nil, "demo", "--json", "--devices", "3", "--state-dir", dir).good(t).events(t)
	done := 0
	for _, e := range phaseOf(events, "register") {
		if e["status"] != "done" {
			continue
		}
		done++
		facts, _ := e["facts"].(map[string]any)
		if id, _ := facts["thingsboard_id"].(string); len(id) != 36 || facts["thingsboard_active"] != "yes" ||
			facts["hawkbit_attributes"] != "device_type" || facts["hawkbit_status"] != "unknown" {
			t.Errorf("got facts %v, want what ThingsBoard and hawkBit know", facts)
		}
	}
	if done != 3 {
		t.Errorf("got %d times register done, want 3", done)
	}
	passwords := 0
	for name, text := range regular(t, dir) {
		if strings.HasSuffix(name, ".password") {
			passwords++
			info, err := os.Stat(dir + name)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: got %v (%v), want mode 0600", name, info, err)
			}
			continue
		}
		for _, secret := range []string{"tenant/thingsboard.password", "tenant/hawkbit.password", "tenant/step-ca.password"} {
			s, err := os.ReadFile(filepath.Join(dir, secret))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(text, strings.TrimSpace(string(s))) {
				t.Errorf("%s is in %s", secret, name)
			}
		}
		if strings.Contains(text, "eyJ") && !strings.HasSuffix(name, ".pem") {
			t.Errorf("%s holds what looks like a token", name)
		}
	}
	if passwords != 3 {
		t.Errorf("got %d password files, want 3", passwords)
	}
	shown := cli(t, nil, "config", "show", "--config", filepath.Join(dir, "station.yaml")).good(t)
	if !strings.Contains(shown.stdout, "thingsboard.password") || strings.Contains(shown.stdout, "password: ") {
		t.Errorf("config show: got %s, want the files' names alone", shown.stdout)
	}
}

// What is wrong with the tenant's servers ends a run before the device is sealed, with a code that says where to look; once
// it is mended the device passes with the key and certificate that it has.
func TestRegisterFails(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ faults, outcome, code, name string }{
		{"tb=down", "ERROR", "E-TENANT-DOWN", "ThingsBoard"},
		{"tb=unauthorized", "ERROR", "E-TENANT-AUTH", "ThingsBoard"},
		{"tb=empty", "ERROR", "E-REGISTER-THINGSBOARD", "ThingsBoard"},
		{"tb=late", "PASS", "", ""},
		{"hawkbit=cut", "ERROR", "E-TENANT-DOWN", "hawkBit"},
		{"hawkbit=empty", "ERROR", "E-REGISTER-HAWKBIT", "hawkBit"},
		{"hawkbit=502-first", "PASS", "", ""},
	} {
		t.Run(tc.faults, func(t *testing.T) {
			t.Parallel()
			s := startTenant(t, []string{"slot-01"}, "--devices", "1", "--baud", "921600", "--faults", tc.faults)
			quick := func(c *config.Config) {
				c.Retry.First, c.Retry.Max = config.Duration(50*time.Millisecond), config.Duration(100*time.Millisecond)
				c.Phases.Register.Deadline = config.Duration(6 * time.Second)
				c.Tenant.ThingsBoard.Timeout, c.Tenant.HawkBit.Timeout = config.Duration(5*time.Second), config.Duration(5*time.Second)
			}
			ledger := "" // the same for both runs
			cfg := s.configFor(t, s.ports[0], func(c *config.Config) {
				quick(c)
				ledger = c.Ledger.URL
			})
			got := cli(t, nil, "run", "--json", "--config", cfg, "--timeout", "45s")
			events := got.events(t)
			end := one(t, events, "run-end")
			if end["outcome"] != tc.outcome || end.text("code") != tc.code {
				t.Fatalf("got %v %v in %v: %v", end["outcome"], end["code"], end["phase"], end)
			}
			flag := filepath.Join(s.dir, "devices", "slot-01", ".enrolled")
			_, err := os.Stat(flag)
			if sealed := err == nil; sealed != (tc.outcome == "PASS") {
				t.Errorf("got the device sealed: %t, after %s", sealed, tc.outcome)
			}
			if tc.outcome == "PASS" {
				list := phaseOf(events, "register")
				_, warned := list[len(list)-1]["warnings"]
				if warned != (tc.faults == "hawkbit=502-first") {
					t.Errorf("got %v, want a warning where attributes are missing", list[len(list)-1])
				}
				return
			}
			params, _ := end["params"].(map[string]any)
			if got.code != exitBad || end["phase"] != "register" || end.text("hint") == "" || end.text("message") == "" || params["name"] != tc.name {
				t.Errorf("got exit code %d, %v, want phase register, a hint, and %s named", got.code, end, tc.name)
			}
			if end.text("proof") != "" {
				t.Errorf("got proof %v of a run that failed after it", end["proof"])
			}
			mended := s.configFor(t, s.ports[0], func(c *config.Config) {
				quick(c)
				c.Tenant, c.Ledger.URL = config.Default().Tenant, ledger
			})
			again := one(t, cli(t, nil, "run", "--json", "--config", mended, "--timeout", "45s").good(t).events(t), "run-end")
			if again["outcome"] != "PASS" || again["cert_fingerprint"] != end["cert_fingerprint"] {
				t.Errorf("mended: got %v with %v, want PASS with the certificate that it holds, %v", again["outcome"], again["cert_fingerprint"], end["cert_fingerprint"])
			}
		})
	}
}
