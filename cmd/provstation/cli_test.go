package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// said is how a program ended and what it printed.
type said struct {
	code           int
	stdout, stderr string
}

// isolated is an environment without a configuration, a ledger or temporary files but the test's own; extra goes on top.
func isolated(t *testing.T, extra ...string) []string {
	t.Helper()
	home := t.TempDir()
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "PROVSTATION_") })
	return append(append(env, "HOME="+home, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "LC_ALL=", "LC_MESSAGES=", "LANG=C.UTF-8"), extra...)
}

// cli runs the real program to its end, without a terminal.
func cli(t *testing.T, env []string, args ...string) said {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary(t, "provstation"), args...)
	cmd.Env = isolated(t, env...)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("provstation %s: %v", strings.Join(args, " "), err)
	}
	return said{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// good fails the test unless the program ended with exit code 0.
func (s said) good(t *testing.T) said {
	t.Helper()
	if s.code != exitGood {
		t.Fatalf("got exit code %d, want 0\nstdout: %s\nstderr: %s", s.code, s.stdout, s.stderr)
	}
	return s
}

// events reads NDJSON and checks what holds for every line: one whole object, seq without gaps, the time in UTC, a known type.
func (s said) events(t *testing.T) []event {
	t.Helper()
	known := []string{"station", "port", "run-start", "phase", "run-end", "summary", "batch"}
	var list []event
	for line := range strings.Lines(s.stdout) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("line %d is not one JSON object: %q: %v", len(list)+1, line, err)
		}
		list = append(list, e)
		if e["seq"] != float64(len(list)) {
			t.Errorf("line %d: got seq %v, want %d", len(list), e["seq"], len(list))
		}
		text, _ := e["time"].(string)
		if at, err := time.Parse(time.RFC3339Nano, text); err != nil || !strings.HasSuffix(text, "Z") || time.Since(at).Abs() > time.Hour {
			t.Errorf("line %d: got time %q, want the present in RFC 3339, UTC", len(list), text)
		}
		if typ, _ := e["type"].(string); !slices.Contains(known, typ) {
			t.Errorf("line %d: got type %v, want one of %v", len(list), e["type"], known)
		}
	}
	if len(list) < 2 || list[0]["type"] != "station" || list[len(list)-1]["type"] != "summary" {
		t.Fatalf("want a station event first and a summary last, got\n%s\nstderr: %s", s.stdout, s.stderr)
	}
	if n := len(ofType(list, "station")) + len(ofType(list, "summary")); n != 2 {
		t.Errorf("got %d station and summary events, want one of each", n)
	}
	checkCounts(t, list)
	return list
}

func ofType(events []event, typ string) []event {
	return slices.DeleteFunc(slices.Clone(events), func(e event) bool { return e["type"] != typ })
}

// text is a field's text; "" if there is none.
func (e event) text(field string) string {
	s, _ := e[field].(string)
	return s
}

var outcomes = []string{"pass", "fail", "error", "timeout", "aborted", "installed", "skipped", "uncertain"}

// checkCounts: the summary counts every run once, by its outcome.
func checkCounts(t *testing.T, events []event) {
	t.Helper()
	want := event{}
	for _, o := range outcomes {
		want[o] = 0.0
	}
	ends := ofType(events, "run-end")
	for _, e := range ends {
		n, ok := want[strings.ToLower(e.text("outcome"))].(float64)
		if !ok {
			t.Errorf("got outcome %v, want one of %v", e["outcome"], outcomes)
		}
		want[strings.ToLower(e.text("outcome"))] = n + 1
	}
	want["devices"] = float64(len(ends))
	got := event{"devices": events[len(events)-1]["devices"]}
	for _, o := range outcomes {
		got[o] = events[len(events)-1][o]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the summary does not count the run-end events (-want +got):\n%s", diff)
	}
}

// phaseOrder is the contract's order of phases.
var phaseOrder = []string{
	"identify", "assign", "clock", "keygen", "csr", "enroll", "verify", "install", "readback", "mqtt", "wireguard", "register",
	"seal", "record",
}

// checkRun checks one device's events: run-start, every phase started and done or skipped, in order, run-end.
func checkRun(t *testing.T, events []event) {
	t.Helper()
	first, last := events[0], events[len(events)-1]
	if first["type"] != "run-start" || last["type"] != "run-end" {
		t.Fatalf("got a run from %v to %v, want run-start to run-end", first["type"], last["type"])
	}
	var order []string
	open := ""
	for _, e := range events[1 : len(events)-1] {
		phase, status := e.text("phase"), e.text("status")
		if ms, ok := e["elapsed_ms"].(float64); !ok || ms < 0 {
			t.Errorf("phase %s %s: got elapsed_ms %v, want a number", phase, status, e["elapsed_ms"])
		}
		for _, field := range []string{"run", "attempt", "slot"} {
			if e[field] != first[field] {
				t.Errorf("phase %s %s: got %s %v, want %v", phase, status, field, e[field], first[field])
			}
		}
		if slices.Index(phaseOrder, phase) > slices.Index(phaseOrder, "assign") && e["device_id"] != last["device_id"] {
			t.Errorf("phase %s %s: got device_id %v, want %v", phase, status, e["device_id"], last["device_id"])
		}
		switch {
		case status == "started" && open == "":
			open = phase
		case status == "progress" && open == phase:
		case status == "done" && open == phase:
			open, order = "", append(order, phase)
		case status == "skipped" && (open == "" || open == phase):
			open, order = "", append(order, phase)
		default:
			t.Errorf("got phase %s %s while %q was open", phase, status, open)
		}
	}
	if diff := cmp.Diff(phaseOrder, order); diff != "" {
		t.Errorf("phases of a PASS (-want +got):\n%s", diff)
	}
	for _, field := range []string{"proof", "device_id", "hardware_serial", "cert_fingerprint", "not_after", "contract", "port", "slot", "run"} {
		if last.text(field) == "" {
			t.Errorf("run-end: got %s %v, want a text", field, last[field])
		}
	}
	for _, field := range []string{"attempt", "elapsed_ms", "wire_tx_bytes", "wire_rx_bytes"} {
		if n, ok := last[field].(float64); !ok || n <= 0 {
			t.Errorf("run-end: got %s %v, want a number above 0", field, last[field])
		}
	}
}

// `demo --headless --json` is the whole contract of the event stream, on eight devices at once.
func TestDemoEvents(t *testing.T) {
	t.Parallel()
	s := cli(t, nil, "demo", "--headless", "--json", "--devices", "8").good(t)
	if s.stderr != "" {
		t.Errorf("got %q on standard error, want nothing", s.stderr)
	}
	events := s.events(t)
	first := events[0]
	if first["schema"] != 1.0 || first["tenant"] != "demo" {
		t.Errorf("got schema %v, tenant %v, want 1, demo", first["schema"], first["tenant"])
	}
	for _, field := range []string{"station_id", "station", "version", "config_digest", "bridge", "broker"} {
		if first.text(field) == "" {
			t.Errorf("station: got %s %v, want a text", field, first[field])
		}
	}
	if got := events[len(events)-1]["pass"]; got != 8.0 {
		t.Errorf("got summary with pass %v, want 8", got)
	}
	runs := map[string][]event{}
	for _, e := range events {
		if run := e.text("run"); run != "" {
			runs[run] = append(runs[run], e)
		}
	}
	if len(runs) != 8 {
		t.Fatalf("got %d runs, want 8", len(runs))
	}
	unique := map[string]map[string]bool{}
	for _, list := range runs {
		checkRun(t, list)
		for _, field := range []string{"device_id", "hardware_serial", "cert_fingerprint", "slot", "port"} {
			if unique[field] == nil {
				unique[field] = map[string]bool{}
			}
			unique[field][list[len(list)-1].text(field)] = true
		}
	}
	for field, values := range unique {
		if len(values) != 8 {
			t.Errorf("got %d different values of %s, want 8", len(values), field)
		}
	}
}

// Without --json, what people read goes to standard error and standard output stays empty.
func TestDemoText(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	s := cli(t, []string{"TMPDIR=" + tmp}, "demo", "--headless", "--devices", "2").good(t)
	if s.stdout != "" || strings.Count(s.stderr, " PASS ") != 2 || !strings.Contains(s.stderr, "2 devices: 2 PASS") {
		t.Errorf("got stdout %q, stderr %q, want nothing and two PASS with their sum", s.stdout, s.stderr)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("without --state-dir: got %v, %v left behind, want nothing", left, err)
	}
}

// Lines that lose and turn bytes, and are slow to answer, cost time and nothing else.
func TestDemoFaults(t *testing.T) {
	t.Parallel()
	s := cli(t, nil, "demo", "--json", "--devices", "4", "--faults", "drop=1e-3,flip=1e-3,latency=16ms").good(t)
	events := s.events(t)
	if got := events[len(events)-1]["pass"]; got != 4.0 {
		t.Errorf("got summary with pass %v, want 4", got)
	}
}

// A device that restarts, has no random numbers at first and a flash that is full, beside a bridge whose answer is lost and a
// broker that hangs up: each ends well, by itself or by another try. The seed is said.
func TestDemoDeviceFaults(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		spec string
		good bool // every run
		pass float64
	}{
		{"reset=2,random=1,key=100ms,noise=16,bridge=lost", true, 2},
		{"zero=1e-3,ff=1e-3,swap=1e-3,broker=drop", true, 2},
		{"flash=5", false, 0},
		{"unplug=2", false, 2}, // by the run after it
	} {
		t.Run(row.spec, func(t *testing.T) {
			s := cli(t, nil, "demo", "--json", "--devices", "2", "--baud", "921600", "--seed", "5", "--faults", row.spec)
			if (s.code == exitGood) != row.good {
				t.Errorf("got exit code %d, want 0: %v\n%s", s.code, row.good, s.stderr)
			}
			if !strings.Contains(s.stderr, "faults "+row.spec+", seed 5") {
				t.Errorf("got %q, want faults and seed in it", s.stderr)
			}
			events := s.events(t)
			if got := events[len(events)-1]["pass"]; got != row.pass {
				t.Errorf("got summary with pass %v, want %v", got, row.pass)
			}
		})
	}
}

// regular lists every regular file below dir with its content.
func regular(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// --state-dir keeps everything, and the next demo carries on from it.
func TestDemoStateDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	demo := []string{"demo", "--json", "--devices", "8", "--state-dir", dir}
	events := cli(t, nil, demo...).good(t).events(t)
	if got := events[len(events)-1]["pass"]; got != 8.0 {
		t.Errorf("got summary with pass %v, want 8", got)
	}
	checkModes(t, dir)
	station := filepath.Join(dir, "station.yaml")
	cli(t, nil, "config", "check", "--config", station).good(t)

	before := regular(t, filepath.Join(dir, "devices"))
	again := cli(t, nil, demo...).good(t).events(t)
	if got := again[len(again)-1]["skipped"]; got != 8.0 {
		t.Errorf("second demo: got summary with skipped %v, want 8", got)
	}
	if diff := cmp.Diff(before, regular(t, filepath.Join(dir, "devices"))); diff != "" {
		t.Errorf("a second demo changed the devices' files (-before +after):\n%s", diff)
	}
	if again[0]["station_id"] != events[0]["station_id"] {
		t.Errorf("got station_id %v, then %v, want one station", events[0]["station_id"], again[0]["station_id"])
	}
	// The stack is gone by now: the configuration is good all the same, and no device is no success.
	s := cli(t, nil, "run", "--config", station, "--json", "--timeout", "1s")
	if got := s.events(t); s.code != exitBad || got[len(got)-1]["devices"] != 0.0 {
		t.Errorf("run without devices: got exit code %d, summary %v, want 1, no devices", s.code, got[len(got)-1])
	}
}

// checkModes: what is kept is where it is said to be, and secrets are for their owner alone.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	want := map[string]fs.FileMode{".": 0o700, "devices": 0o700, "station.yaml": 0o600, "ledger.db": 0o600, "station.log": 0o600, "devstack.log": 0o600}
	for _, name := range []string{"slot-01", "slot-08"} {
		want["devices/"+name] = 0o700
		want["devices/"+name+"/device-key.pem"] = 0o600
		want["devices/"+name+"/wg0.conf"] = 0o600
		want["devices/"+name+"/device.pem"] = 0o644
		want["devices/"+name+"/ca-chain.pem"] = 0o644
	}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s: got mode %v, want %v", name, info.Mode().Perm(), mode)
		}
	}
}

// What needs no bench answers at once: a person who asks for help does not wait.
func TestStartsQuickly(t *testing.T) {
	t.Parallel()
	const patience = 500 * time.Millisecond
	for _, args := range [][]string{{"version"}, {"--help"}, {"completion", "bash"}, {"man"}} {
		best := time.Hour
		for range 5 { // the best of some: other tests keep the machine busy
			began := time.Now()
			if s := cli(t, nil, args...).good(t); s.stdout == "" {
				t.Errorf("provstation %s: printed nothing", strings.Join(args, " "))
			}
			best = min(best, time.Since(began))
		}
		if best > patience {
			t.Errorf("provstation %s: got %v at best, want less than %v", strings.Join(args, " "), best, patience)
		}
	}
}
