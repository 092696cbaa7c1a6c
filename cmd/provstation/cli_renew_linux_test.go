package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Bulk renewal of what is connected: devices whose certificate lives long enough are left alone, which is said and is good;
// those whose certificate ends within are renewed.
func TestRenewAllWithin(t *testing.T) {
	t.Parallel()
	slots := []string{"slot-01", "slot-02"}
	s := startTenant(t, slots, "--devices", "2", "--baud", "921600")
	cli(t, nil, "run", "--json", "--config", s.config(), "--count", "2", "--timeout", "60s").good(t)
	held := func() map[string]string {
		t.Helper()
		files := map[string]string{}
		for _, slot := range slots {
			for _, name := range []string{"device.pem", "device-key.pem"} {
				text, err := os.ReadFile(filepath.Join(s.dir, "devices", slot, name))
				if err != nil {
					t.Fatal(err)
				}
				files[slot+"/"+name] = string(text)
			}
		}
		return files
	}
	renew := []string{"cert", "renew", "--all", "--config", s.config(), "--timeout", "60s", "--within"}

	before := held()
	events := cli(t, nil, append(renew, "1h", "--json")...).good(t).events(t) // the certificates are for a day
	left := map[string]int{}
	for _, e := range ofType(events, "port") {
		if e["code"] == "I-HELD-OTHER" {
			left[e.text("slot")]++
		}
	}
	if !maps.Equal(left, map[string]int{"slot-01": 1, "slot-02": 1}) || len(ofType(events, "run-end")) != 0 {
		t.Errorf("within an hour: got %v left alone and %v, want both left, said once each, and no run", left, ofType(events, "run-end"))
	}
	got := cli(t, nil, append(renew, "1h")...).good(t)
	if !strings.Contains(got.stderr, "It is left alone.") {
		t.Errorf("within an hour: got %q, want it said that they are left alone", got.stderr)
	}
	if after := held(); !maps.Equal(before, after) {
		t.Error("within an hour: a device's files were changed")
	}

	ends := ofType(cli(t, nil, append(renew, "30d", "--json")...).good(t).events(t), "run-end")
	if len(ends) != len(slots) {
		t.Errorf("within 30 days: got %d runs, want %d", len(ends), len(slots))
	}
	for _, e := range ends {
		if e["outcome"] != "PASS" || e["task"] != "renew" {
			t.Errorf("within 30 days: got %v %v of %v, want it renewed", e["outcome"], e["code"], e["task"])
		}
	}
	for name, text := range held() {
		if same := before[name] == text; same != strings.HasSuffix(name, "-key.pem") {
			t.Errorf("within 30 days: %s as before: %v, want a new certificate for the same key", name, same)
		}
	}
}
