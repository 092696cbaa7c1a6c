//go:build vm

package main

import (
	"bytes"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/stationtest/vm"
	"provstation/station/stationtest/vm/guest"
)

// A box whose one UART is console and provisioning line in one goes from power-on to PASS, with the real CA and broker: the
// kernel's boot text comes before the agent's first frame, its messages come between the frames and cut them. What is
// finished is skipped the second time, over the same line, and proven by a station that has no record of it.
func TestVMSharedConsole(t *testing.T) {
	const noise = "usb 1-1.4: device descriptor read/64, error -71"
	m := newAgentBox(t, "SN-VM-0001", func(c *vm.Config) {
		c.Shared, c.CPUs, c.Image = "ttyS1", 2, agentImage(t)
		// In bursts, on a processor of their own: what falls into one is cut at each refill of the UART's FIFO.
		c.Image.Service(guest.Service{Name: "noise", Args: []string{
			"/bin/sh", "-c", "while usleep 60000; do for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo '<5>" + noise + "' >/dev/kmsg; done; done",
		}})
	})
	b := realBenchWith(t, devstack.Config{Contract: devstack.Deployed}, "1.2", func(_ *realBench, c *config.Config) {
		c.Ports.Include = []string{m.Line(1)}
		c.Ports.Slots = map[string]string{m.Line(1): "left"}
	})
	l := startPatient(t, "run", "--json", "--config", b.config, "--count", "1", "--timeout", "240s")
	m.PowerOn() // the station is there first, and hears all of it
	m.Ready()
	end := one(t, l.wait().events(t), "run-end")
	enrolled(t, m, end, "PASS")
	if end["proof"] != "broker-delivered" || end["hardware_serial"] != "SN-VM-0001" {
		t.Errorf("got %v, want the broker's proof and the serial that DMI tells", end)
	}
	banner, cut := cutByKernel(m, noise)
	if !banner {
		t.Error("before the first frame there was no kernel banner")
	}
	t.Logf("frames cut by kernel lines in the run: %d", cut)
	again := one(t, cli(t, nil, "run", "--json", "--config", b.config, "--count", "1", "--timeout", "60s").good(t).events(t), "run-end")
	enrolled(t, m, again, "SKIPPED")
	// A station that has no record of the box reads its certificates: two dozen frames in a row, some of which are hit.
	for stranger := 1; cut == 0; stranger++ {
		if stranger > 12 {
			t.Fatal("no frame was cut by a kernel line: this did not test what it is for")
		}
		cfg := tenantStack{dir: b.dir}.configFor(t, m.Line(1), nil)
		adopted := one(t, cli(t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "120s").good(t).events(t), "run-end")
		enrolled(t, m, adopted, "PASS")
		_, cut = cutByKernel(m, noise)
		t.Logf("frames cut by kernel lines, with %d strangers: %d", stranger, cut)
	}
}

// cutByKernel tells of what a line carried whether the kernel's boot text came before the first frame, and how many frames
// were cut by a message of the kernel: bytes of a frame and then the message, without the delimiter between them.
func cutByKernel(m *vm.Machine, noise string) (banner bool, cut int) {
	first, rest, _ := bytes.Cut(m.Heard(1), []byte{0})
	for segment := range bytes.SplitSeq(rest, []byte{0}) {
		before, _, found := bytes.Cut(segment, []byte(noise))
		if found && slices.ContainsFunc(before, func(c byte) bool { return c != '\r' && c != '\n' && (c < ' ' || c > '~') }) {
			cut++
		}
	}
	return bytes.Contains(first, []byte("Linux version "+m.Image.Kernel.Version)), cut
}

// The reset button in the middle of a run, at one phase after another: the same run goes on over the same line when the box
// is up again, with the key it had.
func TestVMReset(t *testing.T) {
	image := agentImage(t)
	for i, phase := range []string{"csr", "install", "seal"} {
		t.Run(phase, func(t *testing.T) {
			m := agentBox(t, "SN-VM-010"+string(rune('1'+i)), func(c *vm.Config) { c.Image = image })
			s := startTenant(t, []string{"slot-01"}, "--devices", "1")
			cfg := s.configFor(t, m.Line(1), func(c *config.Config) { allow(c, time.Minute) })
			l := startPatient(t, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "240s")
			l.until(phase, "started")
			reset := time.Now()
			m.Reset()
			m.Ready()
			away := time.Since(reset)
			said := l.wait()
			events := said.events(t)
			end := one(t, events, "run-end")
			enrolled(t, m, end, "PASS")
			if ms, _ := end["elapsed_ms"].(float64); time.Duration(ms)*time.Millisecond < away {
				t.Errorf("the run took %v ms and the box was away for %v: it was over before", ms, away)
			}
			if got := keysMade(events); got != 1 {
				t.Errorf("the box made %d keys, want 1:\n%s", got, said.stdout)
			}
			if keys := keysOn(m); len(keys) != 1 {
				t.Errorf("got %d keys on its disk, want 1", len(keys))
			}
			if m.Boots() != 2 {
				t.Errorf("it came up %d times, want 2", m.Boots())
			}
		})
	}
}

// allow gives the phases time for a boot of an emulated machine.
func allow(c *config.Config, boot time.Duration) {
	for _, p := range []*config.PhasePolicy{
		&c.Phases.Identify, &c.Phases.Keygen, &c.Phases.CSR, &c.Phases.Install, &c.Phases.Readback, &c.Phases.MQTT, &c.Phases.Seal,
	} {
		p.Deadline = config.Duration(time.Duration(p.Deadline) + boot)
	}
}

var shownKey = regexp.MustCompile(`\bkey \d+\b`)

// keysMade counts the keys that a device has shown: "key 1 made", "key 1 was there".
func keysMade(events []event) int {
	seen := map[string]bool{}
	for _, e := range events {
		facts, _ := e["facts"].(map[string]any)
		text, _ := facts["wire_log"].(string)
		for _, key := range shownKey.FindAllString(text, -1) {
			seen[key] = true
		}
	}
	return len(seen)
}

// The power goes in the middle of a run: the port is gone and the run says so; with the power back, under another pty, the
// next run carries on with the same key and passes. Then the box is finished, whatever happens to its power.
func TestVMPower(t *testing.T) {
	m := agentBox(t, "SN-VM-0201", nil)
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	cfg := s.configFor(t, m.Line(1), nil)
	l := startPatient(t, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "240s")
	l.until("install", "started")
	m.PowerOff()
	m.PowerOn()
	m.Ready()
	events := l.wait().events(t)
	ends := ofType(events, "run-end")
	if len(ends) != 2 {
		t.Fatalf("got %d runs, want the one that lost its device and the one after: %v", len(ends), ends)
	}
	if ends[0]["outcome"] != "ERROR" || ends[0]["code"] != "E-PORT-GONE" {
		t.Errorf("got %v, want ERROR with E-PORT-GONE", ends[0])
	}
	enrolled(t, m, ends[1], "PASS")
	if ends[1]["attempt"] != 2.0 {
		t.Errorf("got attempt %v, want 2: it is the same device", ends[1]["attempt"])
	}
	if got := keysMade(events); got != 1 {
		t.Errorf("the box made %d keys, want 1", got)
	}
	if keys := keysOn(m); len(keys) != 1 {
		t.Errorf("got %d keys on its disk, want 1", len(keys))
	}
	m.ShutDown()
	m.PowerOn()
	m.Ready()
	again := one(t, cli(t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "60s").good(t).events(t), "run-end")
	enrolled(t, m, again, "SKIPPED")
}

// Two boxes at once, each on its own line: both pass, both are skipped the second time, and neither has the other's
// certificate.
func TestVMTwo(t *testing.T) {
	image := agentImage(t)
	left := newAgentBox(t, "SN-VM-0301", func(c *vm.Config) { c.Image = image })
	right := newAgentBox(t, "SN-VM-0302", func(c *vm.Config) { c.Image = image })
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	cfg := s.configFor(t, left.Line(1), func(c *config.Config) {
		c.Ports.Include = []string{left.Line(1), right.Line(1)}
		c.Ports.Slots = map[string]string{left.Line(1): "left", right.Line(1): "right"}
	})
	boxes := map[string]*vm.Machine{"left": left, "right": right}
	left.PowerOn()
	right.PowerOn()
	left.Ready()
	right.Ready()
	for _, want := range []string{"PASS", "SKIPPED"} {
		got := map[string]string{}
		for _, end := range ofType(cli(t, nil, "run", "--json", "--config", cfg, "--count", "2", "--timeout", "120s").good(t).events(t), "run-end") {
			m := boxes[end.text("slot")]
			if m == nil {
				t.Fatalf("a run in slot %q", end.text("slot"))
			}
			enrolled(t, m, end, want)
			got[end.text("slot")] = end.text("hardware_serial")
		}
		if diff := cmp.Diff(map[string]string{"left": "SN-VM-0301", "right": "SN-VM-0302"}, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", want, diff)
		}
	}
	if a, b := left.ReadFile(agentState+"/device.pem"), right.ReadFile(agentState+"/device.pem"); bytes.Equal(a, b) {
		t.Error("both boxes hold the same certificate")
	}
}
