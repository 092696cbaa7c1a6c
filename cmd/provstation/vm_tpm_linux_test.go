//go:build vm

package main

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/stationtest"
	"provstation/station/stationtest/vm"
	"provstation/station/stationtest/vm/guest"
)

// TestVMTPM: a box with a TPM, behind the guest kernel's own driver and resource manager. Policy demands a secure element; the
// box is reset in the middle of its run, and passes with the key it had; the signature in its request is one that crossed to
// the TPM; switched off and on, it is finished.
func TestVMTPM(t *testing.T) {
	const state = agentState
	image := vm.NewImage(t, vm.Cloud)
	image.Busybox()
	image.GoProgram("/usr/bin/provagent", "./cmd/provagent", "-tags", "tpm")
	image.Modules("tpm_tis")
	image.Service(guest.Service{Name: "provagent", Args: []string{
		"/usr/bin/provagent", "serve", "--tty", "/dev/ttyS1", "--state-dir", state, "--key-store", "tpm", "--tpm-device", "/dev/tpmrm0",
	}})
	tpm := stationtest.StartSWTPMForQEMU(t)
	m := vm.Start(t, vm.Config{
		Name: "TPM SN-VM-0901", Image: image, Lines: 1, DiskMiB: 16, Serial: "SN-VM-0901", Product: "tpm-box", TPM: tpm.Control,
	})
	if got := strings.TrimSpace(m.Run("cat", "/sys/class/tpm/tpm0/tpm_version_major")); got != "2" {
		t.Fatalf("the guest has a TPM of version %q, want 2", got)
	}
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	cfg := s.configFor(t, m.Line(1), func(c *config.Config) {
		c.Device.KeyStore = []string{station.KeyStoreSE}
		allow(c, time.Minute)
	})
	l := startLive(t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "150s")
	if err := l.out.SetReadDeadline(time.Now().Add(3 * time.Minute)); err != nil { // a boot lies in between
		t.Fatal(err)
	}
	l.until("install", "started")
	key := m.ReadFile(state + "/generations/1.1/device-key.pem")
	m.Reset()
	m.Ready()
	said := l.wait()
	events := said.events(t)
	end := one(t, events, "run-end")
	ms, _ := end["elapsed_ms"].(float64)
	m.Report(time.Duration(ms)*time.Millisecond, fmt.Sprint(end["outcome"], ", key in ", keyStoreIn(events)))
	if end["outcome"] != "PASS" || keyStoreIn(events) != station.KeyStoreSE || m.Boots() != 2 {
		t.Fatalf("got %v %v in phase %v (%v), key in %q, %d boots, want PASS with a secure element after a reset",
			end["outcome"], end["code"], end["phase"], end["message"], keyStoreIn(events), m.Boots())
	}
	if again := m.ReadFile(state + "/device-key.pem"); string(again) != string(key) || !strings.HasPrefix(string(key), "-----BEGIN TSS2 PRIVATE KEY-----") {
		t.Errorf("got another key after the reset, or none of a TPM: %.40q", again)
	}
	if out := m.Run("sh", "-c", "grep -rl 'BEGIN PRIVATE KEY\\|BEGIN EC PRIVATE KEY' "+state+" || echo none"); strings.TrimSpace(out) != "none" {
		t.Errorf("private keys in the clear: %s", out)
	}
	crossed := hexOnly(tpm.Log())
	if r, ss := csrNumbers(t, m, state); !strings.Contains(crossed, r) || !strings.Contains(crossed, ss) {
		t.Errorf("the numbers of the CSR's signature, %s and %s, did not cross to the TPM", r, ss)
	}
	m.ShutDown()
	tpm.Kill() // QEMU has ended it; what it keeps without power is on file
	tpm.Start()
	m.PowerOn()
	m.Ready()
	last := one(t, cli(t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "60s").good(t).events(t), "run-end")
	m.Report(0, fmt.Sprint(last["outcome"]))
	if last["outcome"] != "SKIPPED" {
		t.Errorf("with power again: got %v, want SKIPPED", last)
	}
}

// keyStoreIn is where the device said it keeps its key.
func keyStoreIn(events []event) (store string) {
	for _, e := range events {
		if facts, _ := e["facts"].(map[string]any); facts[station.FactKeyStore] != nil {
			store = fmt.Sprint(facts[station.FactKeyStore])
		}
	}
	return store
}

// csrNumbers are the two numbers of the signature in the request that the box keeps, in hex.
func csrNumbers(t *testing.T, m *vm.Machine, state string) (r, s string) {
	t.Helper()
	record := string(m.ReadFile(state + "/current/generation.json"))
	_, rest, _ := strings.Cut(record, `"csr":"`)
	text, _, _ := strings.Cut(rest, `"`)
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(csr.Signature, &rs); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%X", rs.R.FillBytes(make([]byte, 32))), fmt.Sprintf("%X", rs.S.FillBytes(make([]byte, 32)))
}

// hexOnly is the log without its line breaks and spaces.
func hexOnly(log string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, strings.ToUpper(log))
}
