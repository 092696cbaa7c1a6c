package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
)

// issued takes a device of bench-1 to its PASS with a certificate by a CA.
func issued(ctx context.Context, l station.Ledger, serial, issuer, aki string) (leaf [32]byte, err error) {
	run, err := begin(ctx, l, "bench-1", "st-a", serial)
	now := time.Now().UTC()
	id, der := "edge-"+serial, append([]byte{0x30, 0x82}, run...)
	leaf = sha256.Sum256(der)
	spki := sha256.Sum256([]byte(serial))
	return leaf, errors.Join(err,
		l.BindDevice(ctx, station.Binding{Run: run, Tenant: "acme", HardwareSerial: serial, DeviceID: id, Source: "scan", At: now}),
		l.SaveCertificate(ctx, station.CertRecord{
			Run: run, Tenant: "acme", DeviceID: id, HardwareSerial: serial, SPKI: spki[:], Fingerprint: leaf[:], Leaf: der,
			CertSerial: "0a" + strings.Repeat("b", 8), Issuer: issuer, AKI: aki, NotBefore: now, NotAfter: now.Add(time.Hour),
			Contract: station.ContractDeployed, ReceivedAt: now,
		}),
		l.SaveProof(ctx, station.ProofRecord{
			Run: run, Tenant: "acme", HardwareSerial: serial, DeviceID: id, SPKI: spki[:], Leaf: leaf[:], Proof: station.BrokerAcked, At: now,
		}),
		l.FinishRun(ctx, station.RunFinish{
			Run: run, Tenant: "acme", HardwareSerial: serial, DeviceID: id, Outcome: station.Pass, Proof: station.BrokerAcked, SPKI: spki[:],
			Leaf: leaf[:], EndedAt: now,
		}))
}

// A Sub-CA is compromised: the line lead sees what is left, and what is no longer to be reached.
func TestRecordsUnderIssuer(t *testing.T) {
	ctx := t.Context()
	b := newSharingBench(t, "bench-1", "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"))
	ask := func(args ...string) (text string, code int) {
		t.Helper()
		b.err.Reset()
		return b.output(func(ctx context.Context) error {
			cmd := b.recordsListCommand()
			cmd.SetArgs(args)
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			return cmd.ExecuteContext(ctx)
		})
	}
	b.records(func(h *history) error {
		for _, one := range [][3]string{{"HW-1", "CN=Old CA", "aa01"}, {"HW-2", "CN=Old CA", "aa01"}, {"HW-3", "CN=Old CA", "aa01"}, {"HW-3", "CN=New CA", "bb02"}} {
			if _, err := issued(ctx, h, one[0], one[1], one[2]); err != nil {
				return err
			}
		}
		r, err := h.RetirementBegun(ctx, station.Retirement{
			ID: "01930000-0000-7000-8000-000000000001", Tenant: "acme", DeviceID: "edge-HW-2", HardwareSerial: "HW-2", Reason: "scrapped", By: "Lea", At: time.Now(),
		})
		return errors.Join(err, h.RetirementStep(ctx, r.ID, station.StepRecord{
			Step: station.StepTunnel, State: station.StepManual, Detail: "wg set wg0 peer x remove", At: time.Now(),
		}), h.RetirementEnded(ctx, r.ID, time.Now()), h.RevocationBegun(ctx, station.Revocation{
			ID: "01930000-0000-7000-8000-000000000002", Tenant: "acme", DeviceID: "edge-HW-2", CertSerial: "0abbbbbbbb", Reason: "cessationOfOperation",
			Way: "provisioner", By: "Lea", At: time.Now(),
		}))
	})

	text, code := ask("--issuer", "old ca")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if code != 0 || len(lines) != 4 || !strings.HasPrefix(lines[1], "edge-HW-1 ") || !strings.Contains(lines[1], " in use ") ||
		!strings.HasPrefix(lines[2], "edge-HW-2 ") || !strings.Contains(lines[2], " out of service ") ||
		lines[3] != "1 left under it, 1 moved to another issuer, 1 out of service" {
		t.Errorf("got exit code %d and\n%s", code, text)
	}
	text, code = ask("--issuer", "AA:01", "--json")
	if code != 0 || strings.Count(text, `"type":"device","device_id":"edge-HW-`) != 2 || !strings.Contains(text, `"authority_key_id":"aa01"`) ||
		!strings.Contains(text, `"type":"records-end","rows":2,"left":1,"moved":1,"authority_key_ids":["aa01"]}`) {
		t.Errorf("got exit code %d and\n%s", code, text)
	}
	text, code = ask("--issuer", "New CA")
	if code != 0 || !strings.HasSuffix(text, "\n1 left under it, 0 moved to another issuer\n") {
		t.Errorf("the new CA: got exit code %d and\n%s", code, text)
	}
	if text, code = ask("--issuer", "Odl CA"); code != exitBad || text != "" {
		t.Errorf("a slip of the pen: got exit code %d and %q, want %d and no word of nothing left", code, text, exitBad)
	}
	for _, args := range [][]string{{"--issuer", " "}, {"--issuer", "x", "--since", "24h"}, {"--issuer", "x", "--limit", "5"}, {"--issuer", "x", "--held"}} {
		if _, code := ask(args...); code != exitUsage {
			t.Errorf("%v: got exit code %d, want %d", args, code, exitUsage)
		}
	}

	text, code = b.output(func(ctx context.Context) error { return b.recordsShow(ctx, "edge-HW-2", false) })
	for _, part := range []string{
		"revocation ", "cessationOfOperation", "nobody knows what came of it", "decommissioned ", "out of service since ",
		"wireguard-peer   manual: wg set wg0 peer x remove",
	} {
		if code != 0 || !strings.Contains(text, part) {
			t.Errorf("show: got exit code %d, want %q in\n%s", code, part, text)
		}
	}
	text, code = b.output(func(ctx context.Context) error { return b.recordsShow(ctx, "edge-HW-2", true) })
	for _, part := range []string{
		`"revocations":[{"revocation":"01930000-0000-7000-8000-000000000002","cert_serial":"0abbbbbbbb","reason":"cessationOfOperation","way":"provisioner"`,
		`"retirement":{"retirement":"01930000-0000-7000-8000-000000000001","reason":"scrapped","by":"Lea",`, `"step":"wireguard-peer","state":"manual"`, `"task":""`,
	} {
		if code != 0 || !strings.Contains(text, part) {
			t.Errorf("show --json: got exit code %d, want %q in\n%s", code, part, text)
		}
	}
}

// Every flag of the list but two is about runs, and named as such.
func TestChoosingFlags(t *testing.T) {
	cmd := (&app{}).recordsListCommand()
	for _, name := range choosingFlags {
		if cmd.Flags().Lookup(name) == nil {
			t.Errorf("--%s: got no such flag", name)
		}
	}
	if names := flagNames(cmd); len(names) != len(choosingFlags)+2 || !slices.Contains(names, "issuer") || !slices.Contains(names, "json") {
		t.Errorf("got the flags %v, want %v and two more", names, choosingFlags)
	}
}

// flagNames are the flags of a command as its help lists them.
func flagNames(cmd *cobra.Command) (names []string) {
	for _, word := range strings.Fields(cmd.Flags().FlagUsages()) {
		if name, ok := strings.CutPrefix(word, "--"); ok {
			names = append(names, name)
		}
	}
	return names
}
