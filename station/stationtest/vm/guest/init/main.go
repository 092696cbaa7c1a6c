//go:build linux

// Command init is the first process of a test's virtual machine: it sets the machine up as its spec says, runs its services
// and obeys the test. Where the spec names a program for the first process, it becomes that, and a second init does the rest.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"provstation/station/stationtest/vm/guest"
)

func main() {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGUSR1, unix.SIGUSR2)
	m := &machine{running: map[int]bool{}, services: map[string]int{}}
	begin := m.setUp
	if os.Getpid() != 1 {
		begin = m.goOn
	}
	if err := begin(); err != nil {
		say("cannot go on: %v", err)
		end(unix.LINUX_REBOOT_CMD_POWER_OFF)
	}
	if os.Getpid() == 1 {
		go m.reap()
	}
	for s := range signals { // as busybox's init has it
		if s == unix.SIGUSR1 || s == unix.SIGUSR2 {
			end(unix.LINUX_REBOOT_CMD_POWER_OFF)
		} else {
			end(unix.LINUX_REBOOT_CMD_RESTART)
		}
	}
}

// say writes a line to the console.
func say(format string, args ...any) { fmt.Printf("vm: "+format+"\n", args...) }

// speakOn sends what is said here, and what services say, to the machine's own console: the kernel's may be a device line.
func speakOn(tty string) error {
	f, err := os.OpenFile(tty, os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for fd := 1; fd <= 2; fd++ {
		if err := unix.Dup3(int(f.Fd()), fd, 0); err != nil {
			return fmt.Errorf("dup of %s: %w", tty, err)
		}
	}
	return nil
}

func end(how int) {
	unix.Sync()
	if err := unix.Reboot(how); err != nil {
		say("reboot(2): %v", err)
	}
}

// kernelMounts are what every Linux has. Those that an image brings nothing for are left out.
func kernelMounts() []guest.Mount {
	return []guest.Mount{
		{Source: "devtmpfs", Target: "/dev", Type: "devtmpfs"},
		{Source: "proc", Target: "/proc", Type: "proc"},
		{Source: "sysfs", Target: "/sys", Type: "sysfs"},
		{Source: "tmpfs", Target: "/run", Type: "tmpfs"},
		{Source: "tmpfs", Target: "/tmp", Type: "tmpfs"},
		{Source: "devpts", Target: "/dev/pts", Type: "devpts", Data: "ptmxmode=0666,mode=0620"},
		{Source: "tmpfs", Target: "/dev/shm", Type: "tmpfs"},
	}
}

func (m *machine) setUp() error {
	if err := unix.Sethostname([]byte("vm")); err != nil {
		return err
	}
	for _, mt := range kernelMounts() {
		if err := mount(mt); err != nil {
			return err
		}
	}
	if err := speakOn("/dev/ttyS0"); err != nil {
		return err
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(target, filepath.Join("/dev", name)); err != nil && !os.IsExist(err) {
			return err
		}
	}
	if err := m.readSpec(); err != nil {
		return err
	}
	if err := m.apply(); err != nil {
		return err
	}
	if len(m.spec.Init) > 0 {
		return m.handOver()
	}
	return m.work()
}

func (m *machine) readSpec() error {
	text, err := os.ReadFile(guest.SpecPath)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &m.spec); err != nil {
		return fmt.Errorf("%s: %w", guest.SpecPath, err)
	}
	return nil
}

// work runs the services and obeys the test.
func (m *machine) work() error {
	go m.startAll(m.spec.Services)
	return m.obey()
}

// handOver leaves the work to a process of its own, and becomes the program that the image has for the first process.
func (m *machine) handOver() error {
	cmd := exec.Command("/init") //nolint:noctx // ended by the machine
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", m.spec.Init[0], unix.Exec(m.spec.Init[0], m.spec.Init, os.Environ()))
}

// goOn is what that process does.
func (m *machine) goOn() error {
	if err := m.readSpec(); err != nil {
		return err
	}
	return m.work()
}

func (m *machine) apply() error {
	if err := os.Setenv("PATH", "/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"); err != nil {
		return err
	}
	for k, v := range m.spec.Env {
		if err := os.Setenv(k, v); err != nil {
			return err
		}
	}
	if m.spec.Hostname != "" {
		if err := unix.Sethostname([]byte(m.spec.Hostname)); err != nil {
			return err
		}
	}
	for _, k := range m.spec.Modules {
		if err := load(k); err != nil {
			return fmt.Errorf("load %s: %w", k.Path, err)
		}
	}
	for _, mt := range m.spec.Mounts {
		if err := mount(mt); err != nil {
			return err
		}
	}
	return network(m.spec.Network)
}

func mount(mt guest.Mount) error {
	if err := os.MkdirAll(mt.Target, 0o755); err != nil {
		return err
	}
	if filepath.Dir(mt.Source) == "/dev" {
		if err := appear(mt.Source); err != nil {
			return err
		}
	}
	if err := unix.Mount(mt.Source, mt.Target, mt.Type, 0, mt.Data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", mt.Source, mt.Target, err)
	}
	if mt.Target == "/tmp" {
		return os.Chmod(mt.Target, 0o777|os.ModeSticky)
	}
	return nil
}

// appear waits for a device: drivers find theirs when they like.
func appear(path string) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.Now().Add(20 * time.Second); ; <-tick.C {
		if _, err := os.Stat(path); err == nil || time.Now().After(late) {
			return err
		}
	}
}

func load(k guest.Module) error {
	f, err := os.Open(k.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), k.Params, 0); err != nil && err != unix.EEXIST { //nolint:errorlint // a bare errno
		return err
	}
	return nil
}
