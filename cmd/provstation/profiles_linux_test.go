package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"provstation/station/config"
	"provstation/station/stationtest"
)

// speedOf is the speed that a terminal was set to last.
func speedOf(t *testing.T, path string) uint32 {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tio, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	return tio.Ospeed
}

// Two boxes of different kinds on one bench: each port has the speed, the key type and the deadlines of its own profile, and
// the name of that is on record.
func TestTwoProfiles(t *testing.T) {
	s := startTenant(t, []string{"slot-01", "slot-02"}, "--devices", "2", "--baud", "921600")
	path := s.configFor(t, s.ports[0], func(c *config.Config) {
		c.Ports.Include = s.ports
		c.Ports.Baud, c.Ports.Profile = 115200, "small"
		c.Ports.Profiles = []config.ProfileRule{{Slot: "slot-01", Profile: "fast"}, {Port: "/dev/pts/*", Slot: "nowhere", Profile: "uboot"}}
		c.Profiles = map[string]config.DeviceProfile{
			"fast":  profileLike(t, c, "agent", func(p *config.DeviceProfile) { p.Baud = 921600 }),
			"small": profileLike(t, c, "mcu", func(p *config.DeviceProfile) { p.KeyType = "P-384" }),
		}
	})
	out := cli(t, nil, "run", "--config", path, "--json", "--count", "2", "--timeout", "60s").good(t)
	for _, e := range ofType(out.events(t), "run-end") {
		want := map[string][3]string{"slot-01": {"fast", "P-256", "921600"}, "slot-02": {"small", "P-384", "115200"}}[e.text("slot")]
		shown := cli(t, nil, "records", "show", "--config", path, e.text("run")).good(t).stdout
		if e.text("outcome") != "PASS" || !hasLine(shown, "profile", want[0]) || !hasLine(shown, "key_type", want[1]) {
			t.Errorf("%s: %s, want a PASS with profile %s and a key of type %s:\n%s", e.text("slot"), e.text("outcome"), want[0], want[1], shown)
		}
		if got := speedOf(t, e.text("port")); want[2] != "" && got != map[string]uint32{"921600": 921600, "115200": 115200}[want[2]] {
			t.Errorf("%s: the port was opened at %d, want %s", e.text("slot"), got, want[2])
		}
	}
	listed := cli(t, nil, "ports", "--config", path, "--json").good(t).stdout
	for _, part := range []string{`"profile":"fast","profile_by":"rule 1: slot slot-01"`, `"profile":"small","profile_by":"ports.profile"`} {
		if !strings.Contains(listed, part) {
			t.Errorf("ports lacks %s:\n%s", part, listed)
		}
	}
}

// A box without an agent goes to PASS by a profile of driver: console: its key type, its folder and its name count.
func TestConsoleProfile(t *testing.T) {
	stationtest.Program(t, "openssl") // what the box makes its key with
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	dir := t.TempDir()
	shell, near, certs := filepath.Join(dir, "login.sh"), filepath.Join(dir, "console"), filepath.Join(dir, "certs")
	err := errors.Join(os.Mkdir(certs, 0o700), os.WriteFile(shell, []byte("#!/bin/sh\nwhile :; do /bin/sh -i; done\n"), 0o700))
	if err != nil {
		t.Fatal(err)
	}
	p := stationtest.Start(t, stationtest.Program(t, "socat"), "-d", "-d", "exec:"+shell+",pty,setsid,ctty,stderr", "pty,raw,echo=0,link="+near)
	p.WaitLine("starting data transfer loop")
	path := s.configFor(t, near, func(c *config.Config) {
		c.Ports.Profiles = []config.ProfileRule{{Port: near, Profile: "router"}}
		c.Profiles = map[string]config.DeviceProfile{"router": profileLike(t, c, "console", func(p *config.DeviceProfile) {
			p.KeyType, p.Files.Dir, p.Files.Device, p.Console.Quiet = "P-384", certs, "router.pem", config.Duration(time.Second)
		})}
	})
	if r, code := tried(t, near, "--config", path, "--login", "--for", "20s"); code != exitGood || r.Profile != "router" || r.LoggedIn == nil || r.LoggedIn.State != "empty" {
		t.Fatalf("profile try: exit %d, %+v; want a login at an empty box", code, r)
	}
	out := cli(t, nil, "run", "--config", path, "--json", "--count", "1", "--timeout", "100s").good(t)
	for _, e := range ofType(out.events(t), "run-end") {
		shown := cli(t, nil, "records", "show", "--config", path, e.text("run")).good(t).stdout
		if e.text("outcome") != "PASS" || !hasLine(shown, "profile", "router") || !hasLine(shown, "key_type", "P-384") {
			t.Errorf("%s, want a PASS with profile router and P-384:\n%s", e.text("outcome"), shown)
		}
	}
	if _, err := os.Stat(filepath.Join(certs, "router.pem")); err != nil {
		t.Errorf("the box lacks what files.device names: %v", err)
	}
}

// A deadline that only the profile of one port has ends the run of that port alone.
func TestProfileDeadline(t *testing.T) {
	s := startTenant(t, []string{"slot-01", "slot-02"}, "--devices", "2")
	path := s.configFor(t, s.ports[0], func(c *config.Config) {
		c.Ports.Include = s.ports
		c.Ports.Profiles = []config.ProfileRule{{Slot: "slot-02", Profile: "hasty"}}
		c.Profiles = map[string]config.DeviceProfile{"hasty": profileLike(t, c, "agent", func(p *config.DeviceProfile) {
			p.Timeouts = map[string]config.Duration{"keygen": 1e6} // no box answers within a millisecond over a paced line
		})}
	})
	out := cli(t, nil, "run", "--config", path, "--json", "--timeout", "60s")
	got := map[string]string{}
	for _, e := range ofType(out.events(t), "run-end") {
		got[e.text("slot")] = e.text("outcome") + " " + e.text("code") + " " + e.text("phase")
	}
	if got["slot-01"] != "PASS  " || got["slot-02"] != "TIMEOUT E-DEADLINE keygen" {
		t.Errorf("got %q, want slot-02 alone to time out in keygen", got)
	}
}

func profileLike(t *testing.T, c *config.Config, name string, edit func(*config.DeviceProfile)) config.DeviceProfile {
	t.Helper()
	p, ok := c.DeviceProfile(name)
	if !ok {
		t.Fatalf("no profile %s", name)
	}
	edit(&p)
	return p
}

// hasLine reports whether text has a line of a name and a value.
func hasLine(text, name, value string) bool {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == name && f[1] == value {
			return true
		}
	}
	return false
}
