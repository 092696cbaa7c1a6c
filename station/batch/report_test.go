package batch_test

import (
	"encoding/csv"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/batch"
)

// closedLot is a batch with one device of each fate.
func closedLot() batch.Report {
	l := newLine()
	l.open("lot-17",
		station.BatchDevice{Line: 2, HardwareSerial: "SN-a", DeviceID: "a", Label: "=cmd()"},
		station.BatchDevice{Line: 3, HardwareSerial: "SN-b", DeviceID: "b"},
		station.BatchDevice{Line: 4, HardwareSerial: "-5", DeviceID: "c", Label: "back`tick | *"},
	)
	good := pass("slot 1", "lot-17", "a")
	until := epoch.AddDate(1, 0, 0)
	good.NotAfter, good.CertFingerprint = &until, strings.Repeat("ab", 32)
	l.run(fail("slot 1", "lot-17", "a", station.CodeReadback), 12*time.Second)
	l.run(good, 12*time.Second)
	for range 5 {
		l.run(fail("slot 3", "lot-17", "b", station.CodeLineNoise), 6*time.Second)
		again := good
		again.Outcome = station.Skipped
		again.CertFingerprint = ""
		l.run(again, time.Second)
	}
	l.say(station.PhaseChanged{Slot: "slot 1", Phase: station.PhaseEnroll, Status: station.PhaseDone, ElapsedMS: 1500})
	l.say(station.BatchChanged{Batch: "lot-17", State: station.BatchClosed, By: "Lea", Reason: "end of shift", OpenedAt: epoch})
	r, _ := l.p.Closed()
	r.Station, r.Tenant = "bench-1", "acme"
	return r
}

func TestMarkdown(t *testing.T) {
	got := closedLot().Markdown(sentences(t))
	want := "# Batch `lot-17`\n\n" +
		"- Station: `bench-1`, tenant `acme`\n" +
		"- Opened: 2026-11-23 08:00:00 UTC by `Ann`\n" +
		"- Closed: 2026-11-23 08:00:59 UTC by `Lea`, after 59s\n" +
		"- Reason: `end of shift`\n" +
		"- This report: 2026-11-23 08:00:59 UTC\n" +
		"\n## Result\n\n- Expected: 3\n- Done: 1\n- Missing: 2\n- Runs of devices that were done before: 5\n" +
		"- Runs: 12, of these 6 without success\n- First-pass yield: 0 % (0 of 2)\n" +
		"\n## Missing devices\n\n" +
		"- `b`, hardware serial `SN-b`, line 3, tried 5 times, last E-LINE-NOISE\n" +
		"- `c`, hardware serial `-5`, label `back'tick | *`, line 4\n" +
		"\n## Pace\n\n- One device every 24s\n- Devices an hour: 150.0\n" +
		"- Enroll: half of them within 1.5s, 95 of 100 within 1.5s (1 measured)\n" +
		"\n## Failures\n\n" +
		"- 5 times E-LINE-NOISE (83 %, together 83 %): The line to the device keeps failing, data is lost, or nothing is heard.\n" +
		"- 1 times E-READBACK (17 %, together 100 %): " + sentences(t)("fault.E-READBACK") + "\n" +
		"\n## Slots\n\n- `slot 3`: 5 failed of 5\n- `slot 1`: 1 failed of 7\n"
	// All 5 of slot 3 among 6 of 12: 7 in 792 by chance, and two slots were asked about. Nobody is accused yet.
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestMarkdownNamesTheSlot(t *testing.T) {
	text := sentences(t)
	for rest, want := range map[int]string{
		2: "- `3` fails 21.0 times as often as the others: change its cable.\n",
		0: "- `3` fails and the others do not: change its cable.\n",
	} {
		l := bench(8, 6, rest, station.CodeLineNoise)
		if got := l.p.Report(l.now).Markdown(text); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want it to end in %q", got, want)
		}
	}
	l := newLine()
	l.open("lot", ids(1)...)
	for state, want := range map[station.BatchState]string{
		station.BatchOpen: "It is still open.", station.BatchPaused: "It is paused.", station.BatchHeld: "It is on hold",
	} {
		l.state("lot", state)
		if got := l.p.Report(l.now).Markdown(text); !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", state, got, want)
		}
	}
}

func TestReportCSV(t *testing.T) {
	var b strings.Builder
	if err := closedLot().CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"line", "hardware_serial", "device_id", "label", "done", "outcome", "run", "found_hardware_serial", "found_device_id", "cert_fingerprint", "not_after", "ended_at", "attempts", "last_code"},
		{"2", "SN-a", "a", "'=cmd()", "yes", "PASS", "run-2", "SN-a", "a", strings.Repeat("ab", 32), "2027-11-23T08:00:00Z", "2026-11-23T08:00:24Z", "7", "E-READBACK"},
		{"3", "SN-b", "b", "", "no", "FAIL", "run-11", "SN-b", "b", "", "", "2026-11-23T08:00:58Z", "5", "E-LINE-NOISE"},
		{"4", "'-5", "c", "back`tick | *", "no", "", "", "", "", "", "", "", "0", ""},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

type fullDisk struct{}

var errDisk = errors.New("no space left")

func (fullDisk) Write([]byte) (int, error) { return 0, errDisk }

func TestReportCSVFails(t *testing.T) {
	if err := closedLot().CSV(fullDisk{}); !errors.Is(err, errDisk) {
		t.Errorf("got %v, want %v", err, errDisk)
	}
}

func TestReplayOfClosed(t *testing.T) {
	at := func(m int) time.Time { return epoch.Add(time.Duration(m) * time.Minute) }
	done := ids(3)
	done[2].Done = true // by a run that is not at hand
	rec := station.BatchRecord{
		Tenant: "acme", Station: "bench-1", Batch: "lot", State: station.BatchClosed, Reason: "enough", OpenedBy: "Bo", OpenedAt: at(20),
		ClosedAt: at(30), Devices: done,
	}
	changes := []batch.StateChange{ // closed once before, and opened again
		{State: station.BatchOpen, By: "Ann", At: at(0)},
		{State: station.BatchClosed, By: "Lea", At: at(5)},
		{State: station.BatchOpen, By: "Bo", At: at(20)},
		{State: station.BatchClosed, By: "Bo", Reason: "enough", At: at(30)},
	}
	one, two := pass("A", "lot", "dev-1"), pass("A", "lot", "dev-2")
	runs := []batch.RunResult{
		{End: two, StartedAt: at(21), EndedAt: at(22), Phases: []station.PhaseEnd{
			{Phase: station.PhaseMQTT, Status: station.PhaseDone, StartedAt: at(21), EndedAt: at(22)},
		}},
		{End: one, StartedAt: at(1), EndedAt: at(2)},
		{End: fail("A", "lot", "dev-9", "E-X"), StartedAt: at(23)}, // still runs
	}
	r := batch.Replay(rec, changes, runs, at(9999))
	if r.Done != 3 || r.Missing != 0 || r.Runs != 2 || r.OpenedBy != "Ann" || r.ClosedBy != "Bo" || r.Reason != "enough" ||
		!r.At.Equal(at(30)) || r.Elapsed != 30*time.Minute || !r.ClosedAt.Equal(at(30)) || r.State != station.BatchClosed {
		t.Errorf("got %+v", r)
	}
	if want := (3*time.Minute + 2*time.Minute + time.Minute) / 2; r.Takt != want { // at 1 to 5 and 20 to 22
		t.Errorf("got takt %v, want %v: it stood still while it was closed", r.Takt, want)
	}
	if len(r.Phases) != 1 || r.Phases[0].P50 != time.Minute || r.Devices[0].Outcome != station.Pass || !r.Devices[2].Done {
		t.Errorf("got phases %+v, devices %+v", r.Phases, r.Devices)
	}
	if rec.Devices[0].Done {
		t.Error("the record was changed")
	}
}
