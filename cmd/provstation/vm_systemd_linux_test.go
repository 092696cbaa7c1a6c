//go:build vm

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/stationtest/vm"
)

// systemdImage is a box with Debian's systemd and the agent's units as the package ships them, and no getty but those that
// systemd makes itself. The agent on the console is enabled as `systemctl enable` would do it in an image.
func systemdImage(t *testing.T) *vm.Image {
	t.Helper()
	image := vm.NewImage(t, vm.Cloud)
	image.Spec.Init = []string{"/lib/systemd/systemd"}
	image.Debian("systemd", "udev", "util-linux", "-debconf", "-passwd", "-adduser", "-util-linux-extra")
	image.Busybox()
	image.GoProgram("/usr/bin/provagent", "./cmd/provagent")
	image.File("/etc/group", 0o644, []byte(udevGroups+"utmp:x:43:\nsystemd-journal:x:999:\n"))
	image.File("/etc/machine-id", 0o444, []byte("0123456789abcdef0123456789abcdef\n")) // without one it is a first boot, with questions
	for _, unit := range []string{"provagent@.service", "provagent-console@.service"} {
		image.Copy("/lib/systemd/system/"+unit, filepath.Join("..", "..", "assets", "systemd", unit))
	}
	image.Symlink("/etc/systemd/system/multi-user.target.wants/provagent-console@ttyS1.service", "/lib/systemd/system/provagent-console@.service")
	for _, unit := range unneeded() {
		image.Symlink("/etc/systemd/system/"+unit, "/dev/null")
	}
	return image
}

// unneeded are units that have no part in this and take time where the processor is emulated, or want D-Bus.
func unneeded() []string {
	return []string{
		"systemd-logind.service", "getty-static.service", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
		"systemd-user-sessions.service", "systemd-random-seed.service", "systemd-pcrphase.service", "systemd-journal-flush.service",
		"modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service", "modprobe@efi_pstore.service", "modprobe@fuse.service",
		"modprobe@loop.service", "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
		"systemd-tmpfiles-clean.timer", "apt-daily.timer", "e2scrub_all.timer", "fstrim.timer", "systemd-sysctl.service",
	}
}

// The units as they are shipped, under Debian's systemd. At boot the agent has the kernel's console, and the login prompt that
// systemd makes there gives way; what the unit forbids the agent is nothing that it needs. On a line of its own it is enabled by
// hand, and started again when it is killed.
func TestVMSystemd(t *testing.T) {
	m := vm.Start(t, vm.Config{
		Image: systemdImage(t), Lines: 2, Shared: "ttyS1", CPUs: 2, MemoryMiB: 768, Serial: "SN-VM-1001", Product: "bench-box",
		Args:     []string{"-rtc", "base=2001-01-01"},
		Patience: 8 * time.Minute, // for systemd's part of the boot, too
		// Nothing has changed since the image was made; and a device may take its time on a busy host.
		Kernel: []string{"systemd.condition-needs-update=0", "systemd.default_timeout_start_sec=300"},
	})
	b := systemdBox{t, m}
	b.booted()
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	t.Run("console", func(t *testing.T) {
		m.Use(t)
		systemdBox{t, m}.console(s)
	})
	t.Run("line", func(t *testing.T) {
		m.Use(t)
		systemdBox{t, m}.line(s)
	})
}

// systemdBox is a machine that systemd runs.
type systemdBox struct {
	t *testing.T
	m *vm.Machine
}

// until asks again and again until ok.
func (b systemdBox) until(what string, ok func() bool) {
	b.t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for late := time.After(b.m.Patience); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			_, said := b.m.Exec("sh", "-c", "systemctl --no-pager --failed; systemctl --no-pager list-jobs; journalctl --no-pager -n 60")
			b.t.Fatalf("no %s within %v:\n%s", what, b.m.Patience, said)
		}
	}
}

// state is what systemctl says of a unit: active, inactive, failed.
func (b systemdBox) state(unit string) string {
	b.t.Helper()
	_, out := b.m.Exec("systemctl", "is-active", unit)
	return strings.TrimSpace(out)
}

// show is a property of a unit.
func (b systemdBox) show(unit, property string) string {
	b.t.Helper()
	return strings.TrimSpace(b.m.Run("systemctl", "show", "--value", "--property", property, unit))
}

// booted waits until systemd has started all that is enabled, and nothing of it has failed.
func (b systemdBox) booted() {
	b.t.Helper()
	state := ""
	began := time.Now()
	b.until("end of the boot", func() bool {
		_, out := b.m.Exec("systemctl", "is-system-running", "--wait") // an error as long as systemd does not listen
		state = strings.TrimSpace(out)
		return state == "running" || state == "degraded"
	})
	if state != "running" {
		b.t.Errorf("the system is %s:\n%s", state, b.m.Run("systemctl", "--no-pager", "--failed"))
	}
	b.t.Logf("systemd took %v", time.Since(began).Round(100*time.Millisecond))
}

// run is a run of the station on a line of the box.
func (b systemdBox) run(cfg, want string) event {
	b.t.Helper()
	end := one(b.t, cli(b.t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "280s").good(b.t).events(b.t), "run-end")
	enrolled(b.t, b.m, end, want)
	return end
}

func (b systemdBox) console(s tenantStack) {
	const agent, prompt = "provagent-console@ttyS1.service", "serial-getty@ttyS1.service"
	if got := strings.TrimSpace(string(b.m.ReadFile("/sys/class/tty/console/active"))); got != "ttyS1" {
		b.t.Fatalf("the kernel's console is %q, want ttyS1", got)
	}
	if got := b.m.Run("ls", "/run/systemd/generator/getty.target.wants"); !strings.Contains(got, prompt) {
		b.t.Fatalf("the generator made %q, want a prompt on the console", got)
	}
	if a, p := b.state(agent), b.state(prompt); a != "active" || p != "inactive" {
		b.t.Fatalf("after boot the agent is %s and the prompt is %s, want active and inactive:\n%s", a, p, b.m.Run("journalctl", "--no-pager", "-n", "60"))
	}
	before := b.m.Run("cat", "/proc/sys/kernel/printk")
	cfg := s.configFor(b.t, b.m.Line(1), func(c *config.Config) {
		c.Clock.Set = true
		allow(c, time.Minute)
	})
	l := startLive(b.t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "280s")
	if err := l.out.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		b.t.Fatal(err)
	}
	l.until("install", "started")
	during := b.m.Run("cat", "/proc/sys/kernel/printk")
	end := one(b.t, l.wait().events(b.t), "run-end")
	enrolled(b.t, b.m, end, "PASS")
	if end["hardware_serial"] != "SN-VM-1001" {
		b.t.Errorf("got %v, want the serial that DMI tells", end)
	}
	if quiet := strings.HasPrefix(during, "1\t"); !quiet || strings.HasPrefix(before, "1\t") {
		b.t.Errorf("the kernel's console level was %q before and %q during the run, want it quiet in the run alone", before, during)
	}
	b.until("kernel's console as before", func() bool { return b.m.Run("cat", "/proc/sys/kernel/printk") == before })
	var now int64
	if _, err := fmt.Sscan(b.m.Run("date", "+%s"), &now); err != nil {
		b.t.Fatal(err)
	}
	if off := time.Since(time.Unix(now, 0)).Abs(); off > time.Minute {
		b.t.Errorf("the box's clock is %v off after the run, want it set", off)
	}
	b.files("/var/lib/provagent")
	if p := b.state(prompt); p != "inactive" {
		b.t.Errorf("the prompt is %s after the run", p)
	}
}

// files checks who may read what in a state directory.
func (b systemdBox) files(dir string) {
	b.t.Helper()
	for name, want := range map[string]string{"": "755", "/device.pem": "644", "/device-key.pem": "600"} {
		if got := strings.TrimSpace(b.m.Run("stat", "-L", "-c", "%a", dir+name)); got != want {
			b.t.Errorf("%s%s has permissions %s, want %s", dir, name, got, want)
		}
	}
}

// line: the prompt comes back to the console as the manual says, and the agent goes to another line with settings of the box's.
func (b systemdBox) line(s tenantStack) {
	const agent = "provagent@ttyS2.service"
	b.m.Run("systemctl", "disable", "--now", "provagent-console@ttyS1")
	b.m.Run("systemctl", "start", "serial-getty@ttyS1")
	if got := b.state("serial-getty@ttyS1"); got != "active" {
		b.t.Errorf("the prompt is %s once the agent is disabled, want active", got)
	}
	b.m.WriteFile("/etc/default/provagent", os.FileMode(0o644), []byte("PROVAGENT_STATE_DIR=/var/lib/provagent/second\nPROVAGENT_FLAGS=--manage-clock --serial SN-VM-1002\n"))
	b.m.Run("systemctl", "enable", "--now", "provagent@ttyS2")
	if got := b.state(agent); got != "active" {
		b.t.Fatalf("the agent is %s, want active:\n%s", got, b.m.Run("journalctl", "--no-pager", "-u", agent))
	}
	if got := b.m.Run("ls", "/etc/systemd/system/dev-ttyS2.device.wants"); strings.TrimSpace(got) != agent {
		b.t.Errorf("the line wants %q, want the agent", got)
	}
	cfg := s.configFor(b.t, b.m.Line(2), func(c *config.Config) { allow(c, time.Minute) })
	if end := b.run(cfg, "PASS"); end["hardware_serial"] != "SN-VM-1002" {
		b.t.Errorf("got %v, want the serial that /etc/default/provagent gives", end)
	}
	b.files("/var/lib/provagent/second")
	pid := b.show(agent, "MainPID")
	b.m.Run("systemctl", "kill", "--signal", "KILL", agent)
	b.until("another agent after the kill", func() bool {
		now := b.show(agent, "MainPID")
		return now != pid && now != "0" && b.state(agent) == "active"
	})
	if got := b.show(agent, "NRestarts"); got != "1" {
		b.t.Errorf("systemd started the agent again %s times, want once", got)
	}
	b.run(cfg, "SKIPPED")
	if got := b.state("serial-getty@ttyS1"); got != "active" {
		b.t.Errorf("the prompt on the other line is %s, want active", got)
	}
}
