package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"provstation/serialproto/conform"
	"provstation/serialproto/prototest"
	"provstation/station/stationtest"
)

// tested is what `conform --json` said of a device.
type tested struct {
	device, summary event
	cases           map[string]event
}

// conformed runs the whole suite on a device through the program.
func conformed(t *testing.T, code int, args ...string) tested {
	t.Helper()
	got := cli(t, nil, append([]string{"conform", "--yes", "--json"}, args...)...)
	if got.code != code {
		t.Errorf("got exit code %d, want %d; stderr: %s", got.code, code, got.stderr)
	}
	out := tested{cases: map[string]event{}}
	for line := range strings.Lines(got.stdout) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch e.text("type") {
		case "device":
			out.device = e
		case "summary":
			out.summary = e
		case "case":
			out.cases[e.text("id")] = e
		}
	}
	return out
}

// passes wants every case passed, but for those of which there is a reason that they do not apply here.
func (c tested) passes(t *testing.T, cases int, reasons map[string]string) {
	t.Helper()
	if len(c.cases) != cases {
		t.Errorf("got %d cases, want %d", len(c.cases), cases)
	}
	for id, e := range c.cases {
		note := e.text("note")
		switch e.text("verdict") {
		case "pass":
		case "n/a":
			if want, ok := reasons[id]; !ok && !strings.HasPrefix(note, "feature not announced") || !strings.Contains(note, want) {
				t.Errorf("%s: does not apply: %s", id, note)
			}
		default:
			if e.text("level") == "SHOULD" && (id == "announce-cadence" || strings.HasPrefix(id, "ack-")) {
				t.Logf("%s: %s", id, note) // times of a busy machine; TestGoDeviceConforms holds them exactly
				continue
			}
			t.Errorf("%s: got %s: %s", id, e.text("verdict"), note)
		}
	}
	t.Logf("%v", c.summary)
}

// TestConformAgent: the agent as a process on a real pty keeps every promise, and is empty afterwards.
func TestConformAgent(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute and a half of silences")
	}
	t.Parallel()
	s := stationtest.StartSocat(t)
	stationtest.Start(t, binary(t, "provagent"), "serve", "--tty", s.Device, "--state-dir", filepath.Join(t.TempDir(), "device"),
		"--serial", "SN-CONFORM-1", "--model", "bench-box", "--sign-tls12")
	got := conformed(t, exitGood, s.Station, "--seal", "--reboot")
	atOnce, ended := "too soon for BUSY", "the check ended at once" // where this machine refuses what leads to nobody
	got.passes(t, len(conform.Cases()), map[string]string{
		"reboot": "reboot is not allowed", "busy-enroll": atOnce, "busy-check": ended, "cancel": ended, "hello-at-work": ended,
	})
	if got.device.text("hardware_serial") != "SN-CONFORM-1" || got.summary.text("state") != "empty" || got.summary["conforms"] != true || got.summary["complete"] != true {
		t.Errorf("got device %v, summary %v, want SN-CONFORM-1, empty, conforms", got.device, got.summary)
	}
	line, _ := got.cases["line-latency"]["line"].(map[string]any)
	if ratio, _ := line["time_ratio"].(float64); ratio < 1 {
		t.Errorf("got %v for a line with latency, want more time than on the clean line", line)
	}
}

// TestConformC: so does the C device, as it is shipped and with the smallest buffers that the protocol allows.
func TestConformC(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute and a half of silences, twice")
	}
	t.Parallel()
	t.Run("as shipped", func(t *testing.T) {
		t.Parallel()
		d := newCDevice(t, prototest.Config{})
		d.start("--own-clock", "--reboot")
		got := conformed(t, exitGood, d.port, "--seal", "--reboot")
		got.passes(t, len(conform.Cases()), map[string]string{
			"ack-gap": "window 1", "enroll-ed25519": "makes no Ed25519 keys", "busy-enroll": "too soon for BUSY",
			"log-form": "no LOG frames came",
		})
		if got.summary.text("state") != "sealed" || got.summary.text("advice") == "" {
			t.Errorf("got %v, want the device sealed and advice", got.summary)
		}
	})
	t.Run("smallest", func(t *testing.T) {
		t.Parallel()
		d := newCDevice(t, prototest.Config{})
		d.start("--own-clock", "--mtu", "32", "--max-msg", "1024", "--work-ms", "700")
		only := sizeCases()
		got := conformed(t, exitGood, d.port, "--only", strings.Join(only, ","))
		if v := got.cases["lock"].text("verdict"); v != "not run" {
			t.Errorf("lock: got %s without --seal, want not run", v)
		}
		if got.summary["complete"] != false || got.summary["conforms"] != false {
			t.Errorf("got %v, want a part of the suite to conform to nothing", got.summary)
		}
		delete(got.cases, "lock")
		got.passes(t, len(only), map[string]string{"ack-gap": "window 1", "install-stage": "larger than max_msg"})
		if got.cases["busy-enroll"].text("verdict") != "pass" || got.summary.text("state") != "empty" {
			t.Errorf("got busy-enroll %v, summary %v, want BUSY judged and the device empty", got.cases["busy-enroll"], got.summary)
		}
	})
}

// sizeCases are those of which buffers and the time of work make another case, and one that needs --seal.
func sizeCases() []string {
	ids := []string{"lock", "line-clean", "line-drop-1e-3", "line-text"}
	for _, c := range conform.Cases() {
		group, _, _ := strings.Cut(c.ID, "-")
		if slices.Contains([]string{"fragment", "ack", "response", "request", "put", "commit", "install", "busy", "welcome"}, group) && c.Features == 0 {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// TestConformAsks: a person is asked before a device is used, and reads the table at 80 columns.
func TestConformAsks(t *testing.T) {
	t.Parallel()
	s := stationtest.StartSocat(t)
	stationtest.Start(t, binary(t, "provagent"), "serve", "--tty", s.Device, "--state-dir", filepath.Join(t.TempDir(), "device"), "--serial", "SN-CONFORM-2")
	p := sitDownAt(t, 80, 40, nil, "conform", s.Station, "--only", "announce-idle,clock-set,lock,enroll")
	p.waitFor("the question", func(s string) bool { return strings.Contains(s, "To confirm, type: test") })
	p.types("test\r")
	select {
	case <-p.ended:
	case <-time.After(liveEnd):
		t.Fatalf("still there; the screen:\n%s", p.sees())
	}
	screen := p.sees()
	for _, want := range []string{
		"CASE                      LEVEL   VERDICT  CLAUSE",
		"announce-idle             MUST    pass     Session",
		"clock-set                 MUST    n/a      Messages\n    feature not announced: setting the clock",
		"lock                      MUST    not run  Messages\n    it seals the device; not asked for",
		"5 cases: 3 pass, 0 FAIL, 0 SHOULD fail, 1 n/a, 1 not run\nit conforms as far as it was tested (" + strconv.Itoa(untried("announce-idle", "ready", "clock-set", "enroll")) + " MUST cases not run)",
		"the device was left empty",
	} {
		if !strings.Contains(trimmedLines(screen), want) {
			t.Errorf("the table does not hold %q:\n%s", want, screen)
		}
	}
	if code := p.cmd.ProcessState.ExitCode(); code != exitGood {
		t.Errorf("got exit code %d, want 0", code)
	}
}

// untried is how many MUSTs there are beside these.
func untried(tried ...string) int {
	n := 0
	for _, c := range conform.Cases() {
		if c.Level == conform.Must && !slices.Contains(tried, c.ID) {
			n++
		}
	}
	return n
}

// trimmedLines takes blanks off the ends of lines: a screen is full of them.
func trimmedLines(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		out = append(out, strings.TrimRight(line, " \r\n"))
	}
	return strings.Join(out, "\n")
}
