//go:build vm

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/stationtest"
	"provstation/station/stationtest/vm"
	"provstation/station/stationtest/vm/guest"
)

// consolePassword is root's on the boxes of these tests.
const consolePassword = "box-Pa55;$word'"

// loginImage is a box with a login on the serial line that its kernel prints on, and no agent. Users and passwords are the image's; the
// userland is the test's.
func loginImage(t *testing.T, shell string) *vm.Image {
	t.Helper()
	image := vm.NewImage(t, vm.Cloud)
	hash, err := exec.CommandContext(t.Context(), stationtest.Program(t, "openssl"), "passwd", "-6", consolePassword).Output()
	if err != nil {
		t.Fatal(err)
	}
	image.File("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:"+shell+"\n"))
	image.File("/etc/shadow", 0o600, []byte("root:"+strings.TrimSpace(string(hash))+":20000:0:99999:7:::\n"))
	image.File("/etc/group", 0o644, []byte("root:x:0:\ntty:x:5:\nutmp:x:43:\n"))
	image.File("/etc/issue", 0o644, []byte("A box without an agent\n"))
	return image
}

// noisyKernel has the kernel talk on the line in bursts, so that messages fall into what is said there.
func noisyKernel(image *vm.Image) {
	image.Service(guest.Service{Name: "noise", Args: []string{
		"/bin/sh", "-c", "while sleep 1; do for i in 1 2 3 4; do echo '<1>usb 1-1.4: device descriptor read/64, error -71' >/dev/kmsg; done; done",
	}})
}

func TestVMConsoleBusybox(t *testing.T) {
	image := loginImage(t, "/bin/sh")
	image.Busybox()
	image.Program(stationtest.Program(t, "openssl"))
	image.Service(guest.Service{Name: "getty", TTY: "/dev/ttyS1", Args: []string{"/sbin/getty", "-L", "115200", "-", "vt100"}})
	noisyKernel(image)
	consoleBox(t, image, "SN-VM-0501", 256)
}

func TestVMConsoleDebian(t *testing.T) {
	image := loginImage(t, "/bin/bash")
	image.Debian("bash", "dash", "coreutils", "sed", "grep", "login", "util-linux", "libpam-modules", "openssl", "wireguard-tools", "mosquitto-clients",
		"-debconf", "-perl-base", "-libpam-runtime")
	for _, service := range []string{"login", "other"} { // pam-auth-update is a script that nobody runs here
		image.File("/etc/pam.d/"+service, 0o644, []byte("auth required pam_unix.so\naccount required pam_unix.so\npassword required pam_unix.so\nsession required pam_unix.so\n"))
	}
	image.File("/root/.bashrc", 0o644, []byte(`PS1='\[\e[1;32m\]\u@\h\[\e[0m\]:\w\$ '`+"\nHISTCONTROL=\n"))
	image.Service(guest.Service{Name: "getty", TTY: "/dev/ttyS1", Args: []string{"/sbin/agetty", "-L", "115200", "-", "vt100"}})
	noisyKernel(image)
	m := consoleBox(t, image, "SN-VM-0502", 640)
	if shown := m.Run("sh", "-c", "wg pubkey </data/certs/.provstation/gen1/wireguard.key"); len(strings.TrimSpace(shown)) != 44 {
		t.Errorf("wg reads %q from the box's tunnel key, want a public key", shown)
	}
}

// consoleBox takes a box from power-on to PASS through the real station, with a reset in the middle, and finds it finished
// after.
func consoleBox(t *testing.T, image *vm.Image, serial string, memory int) *vm.Machine {
	t.Helper()
	m := vm.New(t, vm.Config{
		Name: strings.TrimPrefix(t.Name(), "TestVM"), Image: image, Lines: 1, Shared: "ttyS1", DiskMiB: 16, CPUs: 2, MemoryMiB: memory, Serial: serial, Product: "bench-box",
	})
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte(consolePassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := realBenchWith(t, devstack.Config{Contract: devstack.Deployed}, "1.3", func(_ *realBench, c *config.Config) {
		c.Ports.Include = []string{m.Line(1)}
		c.Ports.Slots = map[string]string{m.Line(1): "left"}
		c.Ports.Profile = "box"
		c.Profiles = map[string]config.DeviceProfile{"box": profileLike(t, c, config.ProfileConsole, func(p *config.DeviceProfile) {
			p.Files.Dir = "/data/certs"
			p.Console.PasswordFile = password
			p.Console.CommandTimeout, p.Console.LoginTimeout = config.Duration(2*time.Minute), config.Duration(2*time.Minute)
		})}
		allow(c, 3*time.Minute) // a shell starts a program for all it does: slow where the processor is emulated
	})
	l := startLive(t, nil, "run", "--json", "--config", b.config, "--count", "1", "--timeout", "500s")
	if err := l.out.SetReadDeadline(time.Now().Add(9 * time.Minute)); err != nil { // two boots of an emulated machine
		t.Fatal(err)
	}
	m.PowerOn() // the station is there first, and must not stop the boot
	m.Ready()
	l.until("install", "started")
	m.Reset()
	m.Ready()
	said := l.wait()
	end := one(t, said.events(t), "run-end")
	enrolled(t, m, end, "PASS")
	if t.Failed() {
		t.Logf("%s", said.stdout)
	}
	if end["proof"] != "broker-delivered" || end["hardware_serial"] != serial || m.Boots() != 2 {
		t.Errorf("got %v after %d boots, want the broker's proof, and the serial that DMI tells", end, m.Boots())
	}
	if n := strings.Count(m.Run("ls", "/data/certs/.provstation"), "gen"); n != 1 {
		t.Errorf("the box has made %d keys, want 1", n)
	}
	if !bytes.Contains(m.Heard(1), []byte("error -71")) {
		t.Errorf("the kernel was not heard on the line")
	}
	if strings.Contains(said.stdout+said.stderr, consolePassword) || bytes.Contains(m.Heard(1), []byte(consolePassword)) {
		t.Errorf("the password was shown")
	}
	m.PowerOff()
	m.PowerOn()
	m.Ready()
	again := one(t, cli(t, nil, "run", "--json", "--config", b.config, "--count", "1", "--timeout", "240s").good(t).events(t), "run-end")
	enrolled(t, m, again, "SKIPPED")
	if printk := m.Run("cat", "/proc/sys/kernel/printk"); strings.HasPrefix(printk, "1\t") {
		t.Errorf("the kernel's console is still quiet: %q", printk)
	}
	return m
}
