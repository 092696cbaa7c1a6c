package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"provstation/serialproto/prototest"
	"provstation/station/config"
	"provstation/station/stationtest"
)

// cProgram is the C device side's POSIX example, built once per test run.
var cProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "provstation-c-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("make", "-C", filepath.Join("..", "..", "serialproto", "c"), "OUT="+dir, "example") //nolint:noctx // shared by tests
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make: %w\n%s", err, out)
	}
	return filepath.Join(dir, "sp1-posix"), nil
})

// cDevice is a device whose software is C.
type cDevice struct {
	t     *testing.T
	port  string // the station's end
	tty   string // the device's end
	state string
	proc  *stationtest.Process
}

// newCDevice lays a line of two ptys with faults between them.
func newCDevice(t *testing.T, line prototest.Config) *cDevice {
	t.Helper()
	stationtest.Program(t, "make")
	stationtest.Program(t, "cc")
	if _, err := os.Stat("/usr/include/mbedtls/pk.h"); err != nil {
		if os.Getenv(stationtest.RequireReal) == "1" {
			t.Fatalf("libmbedtls-dev is not installed, and %s=1 demands it", stationtest.RequireReal)
		}
		t.Skip("libmbedtls-dev is not installed")
	}
	near, nearName := rawPTY(t)
	far, farName := rawPTY(t)
	wire := prototest.Paced(far, line)
	t.Cleanup(func() { _ = wire.Close() })
	go func() { _, _ = wireTo(near, wire) }()
	go func() { _, _ = wireTo(wire, near) }()
	return &cDevice{t: t, port: nearName, tty: farName, state: filepath.Join(t.TempDir(), "state")}
}

// wireTo copies until one side ends.
func wireTo(dst interface{ Write([]byte) (int, error) }, src interface{ Read([]byte) (int, error) }) (int, error) {
	buf := make([]byte, 1024)
	for {
		n, err := src.Read(buf)
		if err != nil {
			return n, err
		}
		if n, err = dst.Write(buf[:n]); err != nil {
			return n, err
		}
	}
}

// rawPTY gives the master of a pty that does nothing to bytes, and the name of its slave, which is held open.
func rawPTY(t *testing.T) (*os.File, string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = slave.Close()
		_ = master.Close()
	})
	attr, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	attr.Iflag, attr.Oflag, attr.Lflag = 0, 0, 0
	attr.Cc[unix.VMIN], attr.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(slave.Fd()), unix.TCSETS, attr); err != nil {
		t.Fatal(err)
	}
	return master, slave.Name()
}

func (d *cDevice) start(args ...string) {
	d.t.Helper()
	bin, err := cProgram()
	if err != nil {
		d.t.Fatal(err)
	}
	d.proc = stationtest.Start(d.t, bin, append([]string{
		"--tty", d.tty, "--state-dir", d.state, "--serial", "C-0001", "--model", "c99",
	}, args...)...)
	d.proc.WaitLine("line open")
}

// kill is a power cut.
func (d *cDevice) kill() {
	d.t.Helper()
	if err := d.proc.Cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	d.proc.Stop()
}

// config is the stack's configuration with the C device's port alone.
func (d *cDevice) config(s tenantStack) string {
	d.t.Helper()
	return s.configFor(d.t, d.port, func(c *config.Config) { c.Ports.Slots = map[string]string{d.port: "slot-01"} })
}

func (d *cDevice) enrolls(cfg, outcome string) event {
	d.t.Helper()
	got := cli(d.t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "50s")
	end := one(d.t, got.events(d.t), "run-end")
	if end["outcome"] != outcome {
		d.t.Fatalf("got %v, want %s\n%s\nthe device:\n%s", end, outcome, got.stderr, d.proc.Output())
	}
	return end
}

// checkFiles has openssl look at what the box's programs read.
func (d *cDevice) checkFiles() {
	d.t.Helper()
	file := func(name string) string { return filepath.Join(d.state, name) }
	command(d.t, "openssl", "verify", "-CAfile", file("ca-chain.pem"), file("device.pem"))
	key := command(d.t, "openssl", "pkey", "-in", file("device-key.pem"), "-pubout")
	if cert := command(d.t, "openssl", "x509", "-in", file("device.pem"), "-noout", "-pubkey"); cert != key {
		d.t.Errorf("got a certificate for %s and the key %s, want a pair", cert, key)
	}
	for _, name := range []string{"wg0.conf", ".enrolled"} {
		if _, err := os.Stat(file(name)); err != nil {
			d.t.Error(err)
		}
	}
}

// TestCDevice: the real station enrolls a device whose side of the line is the C library, as small as it may be and larger,
// over a good line and over bad ones.
func TestCDevice(t *testing.T) {
	t.Parallel()
	stationtest.Program(t, "openssl")
	bad := prototest.Faults{Seed: 11, Drop: 5e-4, Flip: 5e-4, Duplicate: 5e-4}
	for _, c := range []struct {
		name string
		line prototest.Config
		args []string
	}{
		{"smallest", prototest.Config{}, []string{"--max-msg", "1024", "--mtu", "32"}},
		{"default", prototest.Config{}, nil},
		{"bad line", prototest.Config{Baud: 115200, ToDevice: prototest.Line{Faults: bad}, ToHost: prototest.Line{Faults: bad, Latency: 16 * time.Millisecond}}, []string{"--window", "4", "--baud", "115200"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := startTenant(t, []string{"slot-01"}, "--devices", "1")
			d := newCDevice(t, c.line)
			d.start(c.args...)
			cfg := d.config(s)
			first := d.enrolls(cfg, "PASS")
			d.checkFiles()
			again := d.enrolls(cfg, "SKIPPED")
			if p, ok := again["params"].(map[string]any); !ok || p["fingerprint"] != first["cert_fingerprint"] {
				t.Errorf("the second run: got %v, want the certificate of the first, %v", again["params"], first["cert_fingerprint"])
			}
		})
	}
}

// TestCDevicePowerCut: the power goes when the key is durable and nobody was told; the station ends that run, and the next
// one goes on with the same key.
func TestCDevicePowerCut(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	d := newCDevice(t, prototest.Config{})
	d.start("--hold-ms", "30000")
	cfg := d.config(s)
	l := startLive(t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "50s")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(liveEnd); ; {
		if _, err := os.Stat(filepath.Join(d.state, "record")); err == nil {
			break
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("no key was made:\n%s", d.proc.Output())
		}
	}
	d.kill()
	key, err := os.ReadFile(filepath.Join(d.state, "key-0"))
	if err != nil {
		t.Fatal(err)
	}
	d.start()
	l.wait() // whether this run goes on or ends is the station's affair
	if end := one(t, l.said.events(t), "run-end"); end["outcome"] != "PASS" {
		d.enrolls(cfg, "PASS")
	}
	if now, err := os.ReadFile(filepath.Join(d.state, "device-key.pem")); err != nil || !bytes.Equal(now, key) {
		t.Errorf("device-key.pem is not the key of before the power cut (%v)", err)
	}
	d.checkFiles()
}
