package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/wgcheck"
)

// tunnelDone is the end of a run's tunnel phase.
func tunnelDone(events []event) (done event) {
	for _, e := range events {
		if e.text("phase") == "wireguard" && e.text("status") != "started" && e.text("status") != "progress" {
			done = e
		}
	}
	return done
}

func factOf(e event, name string) string {
	facts, _ := e["facts"].(map[string]any)
	text, _ := facts[name].(string)
	return text
}

// The demo shows each device's handshake with the server of its own stack, with the key that the device made for it.
func TestDemoShowsHandshakes(t *testing.T) {
	t.Parallel()
	begun := time.Now().Truncate(time.Second)
	dir := t.TempDir()
	events := cli(t, nil, "demo", "--headless", "--json", "--devices", "4", "--baud", "921600", "--state-dir", dir).good(t).events(t)
	seen := map[string]bool{}
	for _, end := range ofType(events, "run-end") {
		var run []event
		for _, e := range events {
			if e["run"] == end["run"] {
				run = append(run, e)
			}
		}
		p := tunnelDone(run)
		at, err := time.Parse(time.RFC3339, factOf(p, "tunnel_handshake"))
		if p.text("status") != "done" || err != nil || at.Before(begun) || factOf(p, "tunnel_way") != "server" {
			t.Errorf("%s: got tunnel phase %v, want a handshake since %s", end["slot"], p, begun)
		}
		for _, e := range run {
			if key := factOf(e, "wireguard_key"); key != "" {
				seen[key] = true
			}
		}
	}
	if len(seen) != 4 {
		t.Errorf("got %d tunnel keys, want one for each of 4 devices", len(seen))
	}
}

// A wrong key on either side of the tunnel is FAIL, with a hint that says which.
func TestTunnelFaultsAreTold(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string][2]string{
		"server-key": {"E-WG-SERVER-KEY", "enrolled again"},
		"peer-key":   {"E-WG-PEER-KEY", "key of this enrollment"},
	} {
		s := startTenant(t, []string{"slot-01"}, "--devices", "1", "--baud", "921600", "--faults", "tunnel="+fault)
		cfg := s.configFor(t, s.ports[0], func(c *config.Config) {
			c.WireGuard.Mode, c.Phases.WireGuard = config.WGServer, config.PhasePolicy{Deadline: config.Duration(time.Second), Tries: 1}
		})
		got := cli(t, nil, "run", "--json", "--config", cfg, "--timeout", "10s")
		end := ofType(got.events(t), "run-end")[0]
		if got.code != exitBad || end["outcome"] != "FAIL" || end["code"] != want[0] || !strings.Contains(end.text("hint"), want[1]) {
			t.Errorf("%s: got exit code %d, %v, want FAIL %s and a hint of %q", fault, got.code, end, want[0], want[1])
		}
	}
}

// Each way to see a handshake, as a station's configuration has it, against a tenant stack in another process.
func TestTunnelModes(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01", "slot-02", "slot-03"}, "--devices", "3", "--baud", "921600")
	run := func(port string, edit func(*config.Config)) []event {
		t.Helper()
		got := cli(t, nil, "run", "--json", "--config", s.configFor(t, port, edit), "--count", "1", "--timeout", "60s").good(t)
		return got.events(t)
	}
	if p := tunnelDone(run(s.ports[0], nil)); p.text("status") != "skipped" {
		t.Errorf("off: got %v, want it skipped", p)
	}
	p := tunnelDone(run(s.ports[1], func(c *config.Config) { c.WireGuard.Mode = config.WGServer }))
	if factOf(p, "tunnel_way") != "server" || factOf(p, "tunnel_handshake") == "" {
		t.Errorf("server: got %v, want a handshake", p)
	}
	p = tunnelDone(run(s.ports[2], func(c *config.Config) {
		i, err := wgcheck.At(c.WireGuard.Server).Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.WireGuard.Mode, c.WireGuard.TunnelFile = config.WGPing, filepath.Join(s.dir, "station-wg0.conf")
		c.WireGuard.ServerKey = i.PublicKey.String()
	}))
	if factOf(p, "tunnel_way") != "ping" || factOf(p, "tunnel_round_trip") == "" {
		t.Errorf("ping: got %v, want an answer", p)
	}
	for name, edit := range map[string]func(c *config.Config){
		"no such file": func(c *config.Config) { c.WireGuard.TunnelFile = filepath.Join(s.dir, "none.conf") },
		"no wg0.conf":  func(c *config.Config) { c.WireGuard.TunnelFile = s.config() },
	} {
		cfg := s.configFor(t, s.ports[0], func(c *config.Config) { c.WireGuard.Mode = config.WGPing; edit(c) })
		if got := cli(t, nil, "run", "--json", "--config", cfg); got.code != exitUsage || !strings.Contains(got.stderr, "wireguard.tunnel_file") {
			t.Errorf("%s: got exit code %d, %s, want 2 and the key's name", name, got.code, got.stderr)
		}
	}
}
