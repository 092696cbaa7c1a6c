package main

import (
	"strings"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/stationtest"
)

// endsWith waits for the program's end and its exit code.
func (p *person) endsWith(code int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(liveEnd):
		p.t.Fatalf("still there; the screen:\n%s", p.sees())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("got exit code %d, want %d; the screen:\n%s", got, code, p.sees())
	}
}

// A person at a terminal types the device's id, and the provisioner's password, which nobody sees.
func TestCertRevokeAtTerminal(t *testing.T) {
	t.Parallel()
	b := newLifeBench(t, stationtest.StepCAConfig{})
	c := b.device("edge-1")
	b.device("edge-2")
	asks := b.configFor("asks", func(c *config.Config) { c.PKI.Revoke.PasswordFile = "" })
	shows := func(text string) func(string) bool {
		return func(screen string) bool { return strings.Contains(strings.Join(strings.Fields(screen), " "), text) }
	}
	sit := func() *person {
		return sitDownIn(t, []string{"PROVSTATION_CONFIG=" + asks}, "cert", "revoke", "edge-1", "--reason", "keyCompromise")
	}

	p := sit()
	p.waitFor("the question", shows("To confirm, type: edge-1"))
	p.types("edge-2\r")
	p.endsWith(exitBad)
	p.left(shows("not confirmed: nothing was done"))

	p = sit()
	p.waitFor("the question", shows("To confirm, type: edge-1"))
	p.types("edge-1\r")
	for n := range 3 {
		p.waitFor("the prompt", func(s string) bool { return strings.Count(s, "provisioner iot-bridge:") == n+1 })
		p.types("wrong\r")
	}
	p.endsWith(exitUsage)
	p.left(shows("E-CA-PASSWORD"))
	if strings.Contains(p.sees(), ": wrong") {
		t.Errorf("what was typed is on the screen:\n%s", p.sees())
	}
	if got := b.column("SELECT revocation FROM revocations"); len(got) != 0 {
		t.Errorf("got %d requests on record, want none", len(got))
	}

	p = sit()
	p.waitFor("the question", shows("To confirm, type: edge-1"))
	p.types("edge-1\r")
	p.waitFor("the prompt", shows("Password of the CA's provisioner iot-bridge:"))
	p.types(provisionerPassword + "\r")
	p.endsWith(exitGood)
	p.left(shows(c.serial() + " revoked (keyCompromise)"))
	if strings.Contains(p.sees(), "horse") {
		t.Errorf("the password is on the screen:\n%s", p.sees())
	}

	// Interrupted at the prompts: nothing was done, and nothing keeps the terminal.
	for range 3 {
		p = sitDownIn(t, []string{"PROVSTATION_CONFIG=" + asks}, "cert", "revoke", "edge-2")
		p.waitFor("the question", shows("To confirm, type: edge-2"))
		p.types("\x03")
		p.endsWith(exitBad)
	}
	p = sitDownIn(t, []string{"PROVSTATION_CONFIG=" + asks}, "cert", "revoke", "edge-2", "--yes")
	p.waitFor("the prompt", shows("Password of the CA's provisioner"))
	p.types("\x03")
	p.endsWith(exitBad)
	if got := b.column("SELECT device_id FROM revocations WHERE device_id = 'edge-2'"); len(got) != 0 {
		t.Errorf("got %d requests on record, want none", len(got))
	}
}

// left looks at what the program has left on the screen.
func (p *person) left(ok func(string) bool) {
	p.t.Helper()
	if !ok(p.sees()) {
		p.t.Errorf("the screen:\n%s", p.sees())
	}
}
