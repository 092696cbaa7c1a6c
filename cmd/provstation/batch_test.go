package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"provstation/station"
	"provstation/station/ledger"
)

// TestBatchReport reports on a batch that a ledger on disk has, with the real command line.
func TestBatchReport(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PROVSTATION_LEDGER_URL", "sqlite:"+filepath.Join(dir, "ledger.db"))
	t.Setenv("PROVSTATION_CONFIG", filepath.Join("testdata", "batch", "station.yaml"))
	t.Setenv("LC_ALL", "C")
	openLot(t, "sqlite:"+filepath.Join(dir, "ledger.db"))

	run := func(args ...string) string {
		t.Helper()
		var out, problems bytes.Buffer
		if code := realMain(args, &out, &problems); code != exitGood {
			t.Fatalf("%v: got exit code %d, want 0: %s", args, code, &problems)
		}
		return out.String()
	}
	for _, want := range []string{"lot-17", "open", "Ann"} {
		if got := run("batch", "status"); !strings.Contains(got, want) {
			t.Errorf("status: got %q, want %q in it", got, want)
		}
	}
	if got, want := run("batch", "status", "--json"), `"batch":"lot-17","state":"open","station":"bench-1","expected":3,"done":1,"missing":2,`; !strings.Contains(got, want) {
		t.Errorf("status --json: got %q, want %q in it", got, want)
	}
	report := run("batch", "report")
	for _, want := range []string{
		"# Batch `lot-17`\n", "- Opened: ", " by `Ann`\n", "- It is still open.\n", "- Expected: 3\n- Done: 1\n- Missing: 2\n",
		"- `dev-2`, hardware serial `SN-2`, line 3, tried 1 times, last E-READBACK\n", "- `dev-3`, hardware serial `=3`, line 4\n",
		"- Read back: half of them within 2s, 95 of 100 within 2s (2 measured)\n", "1 times E-READBACK (100 %, together 100 %)",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("report: got %q, want %q in it", report, want)
		}
	}
	table := strings.Split(run("batch", "report", "lot-17", "--csv"), "\n")
	if len(table) != 5 || !strings.HasPrefix(table[1], "2,SN-1,dev-1,,yes,SKIPPED,") || !strings.HasPrefix(table[2], "3,SN-2,dev-2,,no,FAIL,") ||
		!strings.HasPrefix(table[3], "4,'=3,dev-3,,no,,") {
		t.Errorf("csv: got %q", table)
	}
}

// openLot makes a ledger with a batch of three: one is done, one failed, one never came.
func openLot(t *testing.T, url string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), url, ledger.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := time.Now().UTC().Add(-time.Hour)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = l.OpenBatch(t.Context(), station.BatchRecord{
		Tenant: "acme", Batch: "lot-17", Station: "bench-1", OpenedBy: "Ann", OpenedAt: at, Digest: bytes.Repeat([]byte{7}, 32),
		Devices: []station.BatchDevice{
			{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1"},
			{Line: 3, HardwareSerial: "SN-2", DeviceID: "dev-2"},
			{Line: 4, HardwareSerial: "=3", DeviceID: "dev-3"},
		},
	})
	check(err)
	for _, r := range []station.RunFinish{
		{HardwareSerial: "SN-1", DeviceID: "dev-1", Outcome: station.Skipped},
		{HardwareSerial: "SN-2", DeviceID: "dev-2", Outcome: station.Fail, Code: station.CodeReadback, Phase: station.PhaseReadback},
	} {
		r.Run, r.Tenant, r.EndedAt, r.Elapsed = uuid.Must(uuid.NewV7()).String(), "acme", at.Add(10*time.Second), 10*time.Second
		check(l.BeginRun(t.Context(), station.RunStart{
			Run: r.Run, Tenant: "acme", Station: "bench-1", StationID: "s", Batch: "lot-17", Slot: "slot 1", Port: "/dev/p", Version: "1",
			ConfigDigest: "c", StartedAt: at,
		}))
		_, err := l.IdentifyRun(t.Context(), r.Run, station.Observed{Tenant: "acme", HardwareSerial: r.HardwareSerial, State: station.StateEmpty})
		check(err)
		check(l.BindDevice(t.Context(), station.Binding{
			Run: r.Run, Tenant: "acme", HardwareSerial: r.HardwareSerial, DeviceID: r.DeviceID, Source: "manifest", At: at,
		}))
		check(l.RecordPhase(t.Context(), station.PhaseEnd{
			Run: r.Run, Phase: station.PhaseReadback, Status: station.PhaseDone, StartedAt: at, EndedAt: at.Add(2 * time.Second), Tries: 1,
		}))
		check(l.FinishRun(t.Context(), r))
		at = at.Add(time.Minute)
	}
}

// The reports of two batches never share a file because of what stands before a slash.
func TestFileNameOfBatch(t *testing.T) {
	for name, want := range map[string]string{
		"B-7": "B-7", "east/7": "east_7", "west/7": "west_7", `a\b`: "a_b", "../../etc": "_.._etc", "..": "batch", "/": "_", "Müller 1": "M_ller_1",
	} {
		if got := fileName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}
