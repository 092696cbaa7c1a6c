package main

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provstation/station/config"
	"provstation/station/stationtest"
)

// What the embedded stack's own CA is for: devices that a first command has enrolled are renewed and given new keys by later
// ones, over the addresses in station.yaml, and a revoked one is told from the others.
func TestDemoCA(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01", "slot-02"}, "--devices", "2", "--baud", "921600", "--crl")
	c, _, err := config.Load(config.LoadOptions{Path: s.config(), Env: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	if c.PKI.StepCAURL == "" || c.PKI.RootFile == "" || c.PKI.RootFingerprint == "" {
		t.Fatalf("station.yaml: got %+v, want the CA's address and the root", c.PKI)
	}
	cli(t, nil, "run", "--json", "--config", s.config(), "--count", "2", "--timeout", "60s").good(t)
	file := func(slot, name string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(s.dir, "devices", slot, name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	slots := []string{"slot-01", "slot-02"}
	for _, way := range []struct {
		task    string
		args    []string
		sameKey bool
	}{
		{"renew", []string{"cert", "renew", "--all", "--by", "token"}, true},
		{"rekey", []string{"cert", "rekey", "--all"}, false},
	} {
		before := map[string][]byte{}
		for _, slot := range slots {
			before[slot], before[slot+"-key"] = file(slot, "device.pem"), file(slot, "device-key.pem")
		}
		events := cli(t, nil, append(way.args, "--json", "--config", s.config(), "--timeout", "60s")...).good(t).events(t)
		ends := ofType(events, "run-end")
		for _, e := range ends {
			if e["outcome"] != "PASS" || e["task"] != way.task || e["proof"] != "broker-delivered" {
				t.Errorf("%v: got %v, want PASS, proven at the broker", way.args, e)
			}
		}
		if len(ends) != len(slots) {
			t.Errorf("%v: got %d runs, want %d", way.args, len(ends), len(slots))
		}
		for _, slot := range slots {
			if bytes.Equal(before[slot], file(slot, "device.pem")) {
				t.Errorf("%v: %s has the certificate that it had", way.args, slot)
			}
			if same := bytes.Equal(before[slot+"-key"], file(slot, "device-key.pem")); same != way.sameKey {
				t.Errorf("%v: %s has the same key: %v, want %v", way.args, slot, same, way.sameKey)
			}
		}
	}
	id := idAt(t, s, "slot-01")
	got := cli(t, nil, "cert", "revoke", id, "--reason", "keyCompromise", "--yes", "--by", "Lea", "--config", s.config()).good(t)
	if !strings.Contains(got.stdout+got.stderr, "refuses the device as soon as it has the list") {
		t.Errorf("revoke: got %s%s, want it said what brokers do", got.stdout, got.stderr)
	}
	again := cli(t, nil, "cert", "renew", id, "--json", "--config", s.config(), "--timeout", "60s")
	if end := one(t, again.events(t), "run-end"); again.code != exitBad || end.text("code") != "E-CA-REVOKED" {
		t.Errorf("renew after that: got exit code %d, %v", again.code, end)
	}
}

// idAt is the id in the certificate that the device at a place holds.
func idAt(t *testing.T, s tenantStack, slot string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.dir, "devices", slot, "device.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatalf("%s: no certificate in %q", slot, data)
	}
	return stationtest.ParseCert(t, block.Bytes).Subject.CommonName
}
