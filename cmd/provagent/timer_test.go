package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// unit reads a systemd unit: section, key, values. It fails on a line that systemd would not take.
func unit(t *testing.T, name string) map[string]map[string][]string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "assets", "systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sections, section := map[string]map[string][]string{}, ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
			if sections[section] != nil {
				t.Errorf("%s: section %s comes twice", name, section)
			}
			sections[section] = map[string][]string{}
		default:
			key, value, found := strings.Cut(line, "=")
			if !found || section == "" || key != strings.TrimSpace(key) || key == "" {
				t.Fatalf("%s: got line %q, want KEY=VALUE in a section", name, line)
			}
			sections[section][key] = append(sections[section][key], value)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return sections
}

// TestTimerFits: the timer that is shipped starts the service beside it, again and again, as docs/device.md says it does; not
// all boxes at once; and the daemon that is taken instead of it keeps it from running.
func TestTimerFits(t *testing.T) {
	timer := unit(t, "provagent-renew.timer")
	for section, keys := range map[string][]string{
		"Unit": {"Description"}, "Timer": {"OnBootSec", "OnUnitInactiveSec", "RandomizedDelaySec", "AccuracySec"}, "Install": {"WantedBy"},
	} {
		for _, key := range keys {
			if len(timer[section][key]) != 1 {
				t.Errorf("[%s] %s: got %q, want one value", section, key, timer[section][key])
			}
		}
		if len(timer[section]) != len(keys) { // a key that is misspelt is only warned of by systemd, and does nothing
			t.Errorf("[%s]: got %v, want %v alone", section, timer[section], keys)
		}
	}
	if len(timer) != 3 || t.Failed() {
		t.Fatalf("got sections %v, want Unit, Timer and Install", timer)
	}
	span := func(key string) time.Duration {
		t.Helper()
		d, err := time.ParseDuration(strings.NewReplacer("min", "m").Replace(timer["Timer"][key][0]))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return d
	}
	every, delay := span("OnUnitInactiveSec"), span("RandomizedDelaySec")
	if every != 15*time.Minute { // counted from the end of the last look, so it goes on after one that failed
		t.Errorf("got a look every %v, want each quarter of an hour", every)
	}
	if delay < time.Minute || delay >= every || span("AccuracySec") > every || span("OnBootSec") > every {
		t.Errorf("got %v, want looks spread over a minute or more, and all of it within %v", timer["Timer"], every)
	}
	if timer["Install"]["WantedBy"][0] != "timers.target" {
		t.Errorf("got WantedBy=%s, want timers.target", timer["Install"]["WantedBy"][0])
	}
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "device.md"))
	if err != nil || !strings.Contains(string(doc), "`provagent-renew.timer` (looks each quarter of an hour)") {
		t.Errorf("docs/device.md does not say how often it looks (%v)", err)
	}

	// Without Unit= it starts the service of the same name: one look, which ends, so that the timer can count from there.
	service := unit(t, "provagent-renew.service")["Service"]
	if kind := strings.Join(service["Type"], ","); kind != "oneshot" || !strings.Contains(strings.Join(service["ExecStart"], ""), " renew --once ") {
		t.Errorf("provagent-renew.service: got Type=%s, ExecStart=%s, want a oneshot that looks once", kind, service["ExecStart"])
	}
	if service["Restart"] != nil || service["RemainAfterExit"] != nil {
		t.Errorf("provagent-renew.service: got %v, want it left to the timer when it runs again", service)
	}
	if got := unit(t, "provagent-renewd.service")["Unit"]["Conflicts"]; len(got) != 1 || got[0] != "provagent-renew.timer" {
		t.Errorf("provagent-renewd.service: got Conflicts=%v, want the timer", got)
	}
}
