//go:build vm

package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"provstation/station/stationtest/vm"
	"provstation/station/stationtest/vm/guest"
)

// runTests has the table of machines printed, and sees to it that none is left running.
func runTests(m *testing.M) int { return vm.Main(m) }

// agentState is the agent's state directory on a machine's disk.
const agentState = "/data/certs"

// agentImage is a box with provagent on its ttyS1, as a vendor would ship it: Debian's kernel, a busybox, the agent.
func agentImage(t *testing.T, flags ...string) *vm.Image {
	t.Helper()
	image := vm.NewImage(t, vm.Cloud)
	image.Busybox()
	image.GoProgram("/usr/bin/provagent", "./cmd/provagent")
	image.Service(guest.Service{Name: "provagent", Args: append([]string{
		"/usr/bin/provagent", "serve", "--tty", "/dev/ttyS1", "--state-dir", agentState, "--sign-tls12",
	}, flags...)})
	return image
}

// agentBox is a machine of that image with a disk, started.
func agentBox(t *testing.T, serial string, change func(*vm.Config)) *vm.Machine {
	t.Helper()
	m := newAgentBox(t, serial, change)
	m.PowerOn()
	m.Ready()
	return m
}

// newAgentBox is the same without power.
func newAgentBox(t *testing.T, serial string, change func(*vm.Config)) *vm.Machine {
	t.Helper()
	cfg := vm.Config{Name: strings.TrimPrefix(t.Name(), "TestVM") + " " + serial, Lines: 1, DiskMiB: 16, Serial: serial, Product: "bench-box"}
	if change != nil {
		change(&cfg)
	}
	if cfg.Image == nil {
		cfg.Image = agentImage(t)
	}
	return vm.New(t, cfg)
}

// keysOn are the digests of the device keys on a machine, each once.
func keysOn(m *vm.Machine) []string {
	seen := map[string]bool{}
	var sums []string
	for line := range strings.Lines(m.Run("find", agentState, "-name", "device-key.pem", "-exec", "sha256sum", "{}", ";")) {
		if sum, _, ok := strings.Cut(line, " "); ok && !seen[sum] {
			seen[sum] = true
			sums = append(sums, sum)
		}
	}
	return sums
}

// enrolled puts what came of a run into the table, and checks it.
func enrolled(t *testing.T, m *vm.Machine, end event, want string) {
	t.Helper()
	ms, _ := end["elapsed_ms"].(float64)
	m.Report(time.Duration(ms)*time.Millisecond, fmt.Sprint(end["outcome"]))
	if end["outcome"] != want {
		t.Errorf("%s: got %v %v in phase %v (%v), want %s", m.Name, end["outcome"], end["code"], end["phase"], end["message"], want)
	}
}

// startPatient is startLive for a device that boots in between, emulated on a busy machine.
func startPatient(t *testing.T, args ...string) *live {
	t.Helper()
	l := startLive(t, nil, args...)
	if err := l.out.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	return l
}
