//go:build linux

package vm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station/stationtest"
	"provstation/station/stationtest/vm/guest"
)

// Config says what a machine has. Image is needed.
type Config struct {
	Name      string // in the table and in messages; "": that of the test
	Image     *Image
	MemoryMiB int // 0: 192
	CPUs      int // 0: 1
	// Lines is how many serial lines come out as ptys, 0 to 3: the guest's ttyS1 to ttyS3.
	Lines int
	// Shared is the line that the kernel prints on in place of ttyS0: "ttyS1". It is then as talkative as on a box, else it is
	// quiet. One UART is the kernel's console: it takes no second of the same driver.
	Shared string
	Kernel []string // more of the kernel's command line
	// DiskMiB is the size of a disk with an ext4 file system, mounted on /data, that outlives reset and power-off; 0: none.
	DiskMiB int
	// Network gives the guest eth0 with user-mode network: this machine is 10.0.2.2.
	Network bool
	// TPM is the control socket of a swtpm that serves the guest's TPM; "": none.
	TPM string
	// Serial and Product are what DMI says; "": nothing.
	Serial, Product string
	Args            []string // more of QEMU's command line
	// Patience is how long a boot may take; 0: five minutes. A machine that is emulated on a busy host is slow.
	Patience time.Duration
}

const defaultPatience = 5 * time.Minute

// Machine is a virtual machine that ends with its test.
type Machine struct {
	Config

	t       testing.TB
	dir     string // of sockets, links, console and disk
	spec    guest.Spec
	version string // of the kernel

	mu    sync.Mutex
	power *power        // nil: off
	boots int           // how often /init said that it is up
	more  chan struct{} // closed and replaced at each boot
	boot  time.Duration // of the first, from the start of QEMU
}

// Start builds the image and powers a machine on. It returns when the guest is up.
func Start(t testing.TB, cfg Config) *Machine {
	t.Helper()
	m := New(t, cfg)
	m.PowerOn()
	m.Ready()
	return m
}

// New is a machine without power.
func New(t testing.TB, cfg Config) *Machine {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = t.Name()
	}
	if cfg.MemoryMiB == 0 {
		cfg.MemoryMiB = 192
	}
	if cfg.CPUs == 0 {
		cfg.CPUs = 1
	}
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	if cfg.Image == nil || cfg.Lines < 0 || cfg.Lines > 3 {
		t.Fatalf("vm: %s: want an image and 0 to 3 lines", cfg.Name)
	}
	dir, err := os.MkdirTemp(runDir(t), "m-") //nolint:usetesting // not t.TempDir: the path of a socket has 107 characters
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{Config: cfg, t: t, dir: dir, version: cfg.Image.Kernel.Version, more: make(chan struct{})}
	m.spec = cfg.Image.Spec
	m.spec.Mounts = slices.Clone(m.spec.Mounts)
	if cfg.DiskMiB > 0 {
		m.spec.Mounts = append([]guest.Mount{{Source: "/dev/vda", Target: "/data", Type: "ext4"}}, m.spec.Mounts...)
		m.format()
	}
	m.spec.Network = m.spec.Network || cfg.Network
	if err := cfg.Image.write(m.file("initrd"), m.spec); err != nil {
		t.Fatalf("vm: %s: write image: %v", cfg.Name, err)
	}
	if err := m.blank(); err != nil {
		t.Fatalf("vm: %s: %v", cfg.Name, err)
	}
	t.Cleanup(m.clean)
	return m
}

func (m *Machine) file(name string) string { return filepath.Join(m.dir, name) }

// clean takes the power away for good.
func (m *Machine) clean() {
	m.PowerOff()
	if m.t.Failed() {
		m.t.Logf("vm: %s: the end of its console:\n%s", m.Name, m.Console(80))
		for n := 1; n <= m.Lines; n++ {
			heard, err := os.ReadFile(m.Line(n) + ".log")
			m.t.Logf("vm: %s: line %d: %d bytes, the end of them: %q (%v)", m.Name, n, len(heard), heard[max(0, len(heard)-600):], err)
		}
	}
	noteEnd(m, m.t.Failed())
	if err := os.RemoveAll(m.dir); err != nil {
		m.t.Errorf("vm: %v", err)
	}
}

func (m *Machine) format() {
	m.t.Helper()
	f, err := os.Create(m.file("disk"))
	if err != nil {
		m.t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(int64(m.DiskMiB) << 20); err != nil {
		m.t.Fatal(err)
	}
	if _, err := aptIn(m.t, "", stationtest.Program(m.t, "mke2fs"), "-q", "-F", "-t", "ext4", m.file("disk")); err != nil {
		m.t.Fatalf("vm: %v", err)
	}
}

// Use has a subtest be the one that fails where the machine does not do what it is told, until it ends.
func (m *Machine) Use(t testing.TB) {
	before := m.t
	m.t = t
	t.Cleanup(func() { m.t = before })
}

// Line is the path of serial line n (the guest's ttyS1 is 1) on this machine: a link to a pty, there while the machine has
// power, gone else. The pty's own name is another after each power-on.
func (m *Machine) Line(n int) string { return m.file("line" + strconv.Itoa(n)) }

// PowerOn starts QEMU. It does not wait for the guest: [Machine.Ready] does.
func (m *Machine) PowerOn() {
	m.t.Helper()
	m.mu.Lock()
	on := m.power != nil
	m.mu.Unlock()
	if on {
		m.t.Fatalf("vm: %s has power already", m.Name)
	}
	p, err := m.start()
	if err != nil {
		m.t.Fatalf("vm: %s: %v", m.Name, err)
	}
	m.mu.Lock()
	m.power = p
	m.mu.Unlock()
	go m.listen(p)
	for n := 1; n <= m.Lines; n++ {
		if err := m.plug(p, n); err != nil {
			m.t.Fatalf("vm: %s: line %d: %v", m.Name, n, err)
		}
	}
	m.QMP("cont", nil, nil) // it was held until its lines were there
}

// plug makes the link to a line's pty.
func (m *Machine) plug(p *power, n int) error {
	var list []struct{ Label, Filename string }
	if err := p.qmp.do(m.t.Context(), "query-chardev", nil, &list); err != nil {
		return err
	}
	for _, c := range list {
		if pty, ok := strings.CutPrefix(c.Filename, "pty:"); ok && c.Label == "line"+strconv.Itoa(n) {
			fresh := m.Line(n) + ".new"
			if err := os.Symlink(pty, fresh); err != nil {
				return err
			}
			return os.Rename(fresh, m.Line(n))
		}
	}
	return fmt.Errorf("QEMU knows no such pty: %+v", list)
}

// PowerOff takes the power away, as pulling the plug does: nothing is synced, the lines are gone. Without power it does
// nothing.
func (m *Machine) PowerOff() {
	m.t.Helper()
	m.mu.Lock()
	p := m.power
	m.power = nil
	m.mu.Unlock()
	if p == nil {
		return
	}
	p.kill()
	m.unplug()
}

// unplug removes the links to lines whose QEMU is gone.
func (m *Machine) unplug() {
	for n := 1; n <= m.Lines; n++ {
		if err := os.Remove(m.Line(n)); err != nil && !os.IsNotExist(err) {
			m.t.Errorf("vm: %s: %v", m.Name, err)
		}
	}
}

// Reset presses the reset button, and returns when QEMU has done so. The lines stay, what was not synced is lost.
func (m *Machine) Reset() {
	m.t.Helper()
	seen, p := m.events("RESET"), m.on()
	m.mu.Lock()
	p.up = false
	m.mu.Unlock()
	m.QMP("system_reset", nil, nil)
	m.WaitEvent("RESET", seen+1)
}

// Ready waits until the guest is up: after [Machine.PowerOn], or after [Machine.Reset].
func (m *Machine) Ready() {
	m.t.Helper()
	m.mu.Lock()
	p := m.power
	m.mu.Unlock()
	if p == nil {
		m.t.Fatalf("vm: %s has no power", m.Name)
	}
	late := time.After(m.Patience)
	for {
		m.mu.Lock()
		more, up := m.more, p.up
		m.mu.Unlock()
		if up {
			return
		}
		select {
		case <-more:
		case <-p.exited:
			m.t.Fatalf("vm: %s ended before it was up: %v; QEMU said: %s\n%s", m.Name, p.err, p.stderr.String(), m.Console(40))
		case <-late:
			m.t.Fatalf("vm: %s was not up within %v:\n%s", m.Name, m.Patience, m.Console(80))
		}
	}
}

// Boots is how often the guest has come up.
func (m *Machine) Boots() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boots
}

// WaitBoots waits until the guest has come up n times since the machine was made.
func (m *Machine) WaitBoots(n int) {
	m.t.Helper()
	late := time.After(m.Patience)
	for {
		m.mu.Lock()
		more, boots := m.more, m.boots
		m.mu.Unlock()
		if boots >= n {
			return
		}
		select {
		case <-more:
		case <-late:
			m.t.Fatalf("vm: %s came up %d times, want %d within %v:\n%s", m.Name, boots, n, m.Patience, m.Console(80))
		}
	}
}

// BootTime is from the start of QEMU to the first word of the first process, the first time.
func (m *Machine) BootTime() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.boot
}

// Console is the end of what the guest printed on its console, over all its boots.
func (m *Machine) Console(lines int) string {
	text, err := os.ReadFile(m.file("console.log"))
	if err != nil {
		return err.Error()
	}
	list := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r", ""), "\n"), "\n")
	return strings.Join(list[max(0, len(list)-lines):], "\n")
}

// Heard is every byte that the guest sent on a line since the machine was made, whether or not somebody had it open.
func (m *Machine) Heard(line int) []byte {
	m.t.Helper()
	data, err := os.ReadFile(m.Line(line) + ".log")
	if err != nil {
		m.t.Fatal(err)
	}
	return data
}

// WaitConsole waits for a text on the console.
func (m *Machine) WaitConsole(text string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), m.Patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(m.Console(1<<20), text) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			m.t.Fatalf("vm: %s never printed %q:\n%s", m.Name, text, m.Console(80))
		}
	}
}
