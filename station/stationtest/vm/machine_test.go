//go:build vm && linux

package vm_test

import (
	"strings"
	"testing"

	"provstation/station/stationtest/vm"
	"provstation/station/stationtest/vm/guest"
)

// A machine does what a box does, as far as the rig promises: its disk outlives reset and power-off, its line is there while
// it has power, commands run in it.
func TestVMMachine(t *testing.T) {
	image := vm.NewImage(t, vm.Cloud)
	image.Busybox()
	image.Program("/usr/bin/openssl")
	image.Service(guest.Service{Name: "echo", Args: []string{"/bin/sh", "-c", "stty raw -echo; exec cat"}, TTY: "/dev/ttyS1"})
	m := vm.Start(t, vm.Config{Image: image, Lines: 1, DiskMiB: 8, Network: true, Serial: "SN-1", Product: "box"})
	if got := m.Run("uname", "-r"); strings.TrimSpace(got) != image.Kernel.Version {
		t.Errorf("got kernel %q, want %q", got, image.Kernel.Version)
	}
	if got := m.Run("openssl", "version"); !strings.HasPrefix(got, "OpenSSL 3") {
		t.Errorf("got %q from a program with shared libraries, want OpenSSL 3", got)
	}
	if got := string(m.ReadFile("/sys/class/dmi/id/product_serial")); got != "SN-1\n" {
		t.Errorf("got serial %q, want SN-1", got)
	}
	if code, out := m.Exec("sh", "-c", "echo no; exit 3"); code != 3 || out != "no\n" {
		t.Errorf("got %d %q, want 3 and no", code, out)
	}
	if got := m.Run("ip", "route"); !strings.Contains(got, "default via 10.0.2.2") {
		t.Errorf("got routes %q, want the network's", got)
	}
	m.WriteFile("/data/kept", 0o600, []byte("kept"))
	m.Run("sync")
	m.WriteFile("/run/lost", 0o600, []byte("lost"))
	reset := func() { m.Reset(); m.Ready() }
	again := []struct {
		name string
		do   func()
	}{
		{"reset", reset},
		{"reset again", reset},
		{"reset a third time", reset},
		{"reboot", m.Reboot},
		{"power", func() { m.PowerOff(); m.PowerOn(); m.Ready() }},
		{"shut down", func() { m.ShutDown(); m.PowerOn(); m.Ready() }},
	}
	for _, a := range again {
		a.do()
		if got := string(m.ReadFile("/data/kept")); got != "kept" {
			t.Errorf("%s: got %q on the disk, want kept", a.name, got)
		}
		if code, _ := m.Exec("test", "-e", "/run/lost"); code == 0 {
			t.Errorf("%s: a file in memory is still there", a.name)
		}
	}
	if got, want := m.Boots(), 1+len(again); got != want {
		t.Errorf("came up %d times, want %d", got, want)
	}
	m.Report(0, "up")
}
