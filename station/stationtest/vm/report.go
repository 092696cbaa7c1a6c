//go:build linux

package vm

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// run is what this test binary has started.
var run = struct { //nolint:gochecknoglobals // a process has one
	sync.Mutex
	dir  string
	pids []int
	rows []*row
}{}

// row is a line of the table.
type row struct {
	name, kernel string
	boot, took   time.Duration
	what         string
	failed       bool
}

// runDir is this test binary's folder, removed by [Main].
func runDir(t testing.TB) string {
	t.Helper()
	run.Lock()
	defer run.Unlock()
	if run.dir == "" {
		dir, err := os.MkdirTemp("", "vm-") //nolint:usetesting // outlives the test
		if err != nil {
			t.Fatal(err)
		}
		run.dir = dir
	}
	return run.dir
}

func noteStart(m *Machine, pid int) {
	run.Lock()
	defer run.Unlock()
	run.pids = append(run.pids, pid)
	if os.Getenv("VM_QUIET") == "" {
		fmt.Printf("vm: started %s: process %d, Linux %s, %d MiB\n", m.Name, pid, m.version, m.MemoryMiB)
	}
}

// Report adds a line to the table of [Main]: what came of a device on this machine, and how long it took.
func (m *Machine) Report(took time.Duration, outcome string) {
	run.Lock()
	defer run.Unlock()
	run.rows = append(run.rows, &row{name: m.Name, kernel: m.version, boot: m.BootTime(), took: took, what: outcome})
}

// noteEnd marks the lines of a machine whose test has failed, and adds one where there is none.
func noteEnd(m *Machine, failed bool) {
	run.Lock()
	defer run.Unlock()
	found := false
	for _, r := range run.rows {
		if r.name == m.Name {
			found, r.failed = true, r.failed || failed
		}
	}
	if !found {
		run.rows = append(run.rows, &row{name: m.Name, kernel: m.version, boot: m.BootTime(), failed: failed})
	}
}

// Main runs the tests of a binary that starts machines, prints a table of what came of them, and gives the exit code: not 0,
// too, where a machine is left running.
func Main(m *testing.M) int {
	code := m.Run()
	run.Lock()
	defer run.Unlock()
	if run.dir == "" {
		return code
	}
	printTable()
	if left := leftRunning(); len(left) > 0 {
		fmt.Printf("vm: LEFT RUNNING: %s\n", strings.Join(left, ", "))
		code = max(code, 1)
	} else {
		fmt.Printf("vm: nothing is left running of %d starts of QEMU\n", len(run.pids))
	}
	if err := os.RemoveAll(run.dir); err != nil {
		fmt.Printf("vm: %v\n", err)
		code = max(code, 1)
	}
	return code
}

func printTable() {
	fmt.Printf("\n%-36s %-22s %8s %10s  %s\n", "machine", "kernel", "boot", "enrolled", "outcome")
	for _, r := range run.rows {
		what := r.what
		if r.failed {
			what = strings.TrimSpace(what + " (its test FAILED)")
		}
		fmt.Printf("%-36s %-22s %8s %10s  %s\n", r.name, r.kernel, seconds(r.boot), seconds(r.took), what)
	}
	fmt.Println()
}

func seconds(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// leftRunning are processes that were started here or that have this run's folder in their command line.
func leftRunning() []string {
	var out []string
	for _, pid := range run.pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			out = append(out, fmt.Sprintf("process %d", pid))
		}
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return append(out, err.Error())
	}
	for _, path := range lines {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), run.dir) {
			out = append(out, filepath.Dir(path)+" "+strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return out
}
