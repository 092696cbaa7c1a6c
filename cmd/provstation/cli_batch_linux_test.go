package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provstation/station"
)

// waitText waits until the screen shows the text.
func (p *person) waitText(text string) {
	p.t.Helper()
	p.waitFor(text, func(s string) bool { return strings.Contains(s, text) })
}

// typesByHand types into a field as a person does: each key after the one before is on the screen. Faster, and it would be
// a scan.
func (p *person) typesByHand(label, text string) {
	p.t.Helper()
	for i := range text {
		p.types(text[i : i+1])
		p.waitText(label + text[:i+1])
	}
}

// A shift at the bench by keyboard alone: a batch is opened; a wrong label, a cloned key, a clock of 1970 and a bridge that
// goes away are met; the right label is scanned; the batch is closed with its report. Nothing else is needed.
func TestBatchByKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := sitDown(t, "demo", "--devices", "3", "--baud", "921600", "--outage", "3s", "--state-dir", dir)
	p.waitText("PASS 3")
	p.types("b")
	p.waitText("demo-batch.csv")
	p.types("\r")
	p.waitText("VD5350-0007") // the list, as it was checked
	p.types("\r")
	p.waitText("of 7 done")

	p.waitFor("why the label is wrong", func(s string) bool { // it stays at its slot, whatever the others do
		return strings.Contains(s, "SCAN") && strings.Contains(s, "belongs to another") && strings.Contains(s, "VD5350-0004")
	})
	p.types("edge-vd5350-0004\r") // as fast as a scanner
	p.waitFor("everything that can be finished", func(s string) bool {
		return strings.Contains(s, "5 of 7 done") && strings.Contains(s, "FAIL 2")
	})

	p.types("2")
	p.waitText("E-KEY-DUPLICATE")
	p.waitText("E-CLOCK-DEVICE")
	p.types("c")
	p.waitText("Reason")
	p.typesByHand("Reason: ", "scrap")
	p.types("\r")
	p.waitText("To confirm, type: demo-batch")
	p.typesByHand("Type it: ", "demo-batch")
	p.types("\r")
	p.waitText("The batch is closed.")
	p.types("1")
	p.types("q")
	p.leaves()

	report, err := os.ReadFile(filepath.Join(dir, "batches", "demo-batch-report.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Done: 5", "Missing: 2", "scrap", "edge-vd5350-0005", "edge-vd5350-0006", "E-KEY-DUPLICATE"} {
		if !strings.Contains(string(report), want) {
			t.Errorf("report: got no %q in it:\n%s", want, report)
		}
	}
	pass := map[string]int{}
	for _, r := range whole(t, dir) {
		if r.Outcome == station.Pass {
			pass[r.DeviceID]++
		}
	}
	if len(pass) != 5 {
		t.Errorf("got %v with a PASS, want the five good boxes", pass)
	}
}
