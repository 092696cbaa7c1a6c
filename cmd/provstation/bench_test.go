package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/devstack"
)

// benchOf runs the command in this process.
func benchOf(t *testing.T, f benchFlags) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	f.dir, f.repeat, f.over = t.TempDir(), 1, spreadAuto
	a := &app{stdout: &out, stderr: &errs, version: "test"}
	err = a.bench(t.Context(), f)
	return out.String(), errs.String(), err
}

// contractFields are those that scripts rely on.
func contractFields() []string {
	return strings.Fields(`type method devices baud latency_ms byte_faults known_chain p50_ms p95_ms line_ms bridge_ms broker_ms key_ms ratio_to_limit
		ratio_to_one simulator_overhead payload_bytes wire_bytes devices_per_hour cpu_s peak_rss_mb`)
}

// readLines reads the cells and checks what holds for each.
func readLines(t *testing.T, stdout string) (list []benchLine) {
	t.Helper()
	for text := range strings.Lines(stdout) {
		var l benchLine
		fields := map[string]any{}
		if err := errors.Join(json.Unmarshal([]byte(text), &l), json.Unmarshal([]byte(text), &fields)); err != nil {
			t.Fatalf("not one JSON object: %q: %v", text, err)
		}
		for _, name := range contractFields() {
			if _, ok := fields[name]; !ok {
				t.Errorf("field %s is missing: %s", name, text)
			}
		}
		checkLine(t, l)
		list = append(list, l)
	}
	return list
}

// checkLine checks the relations between the figures of a cell.
func checkLine(t *testing.T, l benchLine) {
	t.Helper()
	about := func(got, want float64) bool { return math.Abs(got-want) <= 1e-3*math.Max(1, want) }
	if got := lineTime(l.Wire, l.Baud); !about(millis(got), l.Line) {
		t.Errorf("line: got %v ms, want %v for %d bytes at %d baud", l.Line, got, l.Wire, l.Baud)
	}
	var kinds uint64
	for _, n := range l.Kinds {
		kinds += n
	}
	parts := 0
	for _, n := range l.Parts {
		parts += n
	}
	for what, ok := range map[string]bool{
		"bytes by kind come to the bytes on the wire": kinds == l.Wire,
		"parts come to what must cross":               parts == l.Payload,
		"ratio to the limit is p50 by limit":          about(l.ToLimit, l.P50/l.Limit),
		"ratio to one is p95 by its p50":              about(l.ToOne, l.P95/l.One),
		"p50 <= p95 <= max":                           l.P50 <= l.P95 && l.P95 <= l.Max,
		"simulated lines are never faster than baud":  l.Simulator >= 1,
		"bridge, broker and key took time":            l.Bridge > 0 && l.Broker > 0 && l.Key > 0,
		"processor time and memory were used":         l.CPU > 0 && l.PeakRSS > 0,
		"nothing failed":                              l.Failed == 0 && l.Type == "bench",
		"devices per hour":                            l.PerHour > 0 && (l.Devices > 1 || l.PerHour >= 3600e3/l.Max*0.999),
	} {
		if !ok {
			t.Errorf("%s: not in %+v", what, l)
		}
	}
}

// One device at 115200 baud, with the chain sent and with the chain known.
func TestBenchOneDevice(t *testing.T) {
	stdout, _, err := benchOf(t, benchFlags{
		devices: []int{1}, baud: []int{115200}, latency: []string{"0"}, faults: []string{"0"}, known: []string{"no", "yes"},
		methods: []string{methodStation}, json: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	lines := readLines(t, stdout)
	if len(lines) != 2 || lines[0].KnownChain || !lines[1].KnownChain {
		t.Fatalf("got %+v, want a cell with the chain sent, then one with it known", lines)
	}
	for _, l := range lines {
		if l.Samples != onesRepeat || l.Limit < l.Line || l.One != l.P50 {
			t.Errorf("got %d samples, limit %v, line %v, p50 %v, one %v: want %d, a limit that is more than the line, and one device to be itself",
				l.Samples, l.Limit, l.Line, l.P50, l.One, onesRepeat)
		}
		want := []station.Phase{
			phaseHeard, station.PhaseIdentify, station.PhaseAssign, station.PhaseClock, station.PhaseKeygen, station.PhaseCSR, station.PhaseEnroll,
			station.PhaseVerify, station.PhaseInstall, station.PhaseReadback, station.PhaseMQTT, station.PhaseSeal, station.PhaseRecord,
		}
		for _, p := range want {
			if _, ok := l.Phases[p]; !ok {
				t.Errorf("phase %s is missing", p)
			}
		}
		if len(l.Phases) != len(want) {
			t.Errorf("got phases %v, want %v", slices.Sorted(maps.Keys(l.Phases)), want)
		}
	}
	sent, known := lines[0], lines[1]
	plain := uint64(sent.Parts["request"] + sent.Parts["to sign"] + sent.Parts["signature"] + sent.Parts["device id"]) // nothing packs these
	cas := uint64(sent.Parts["CA 1"] + sent.Parts["CA 2"] + sent.Parts["CA 3"])
	if known.Wire < plain || sent.Wire <= known.Wire || sent.Wire-known.Wire > cas*12/10 {
		t.Errorf("got %d bytes on the wire, %d with the chain known; want at least %d, and to save some of the %d of its certificates", sent.Wire,
			known.Wire, plain, cas)
	}
	// What was set out, of the median of five devices: a line without faults repeats nothing, whatever else the machine does.
	for most, l := range map[float64]benchLine{1.0: sent, 0.60: known} {
		if got := float64(l.Wire) / float64(l.Payload); got > most {
			t.Errorf("got %.2f times what must cross on the wire (chain known: %v), want %.2f at most", got, l.KnownChain, most)
		}
	}
	if n := sent.Kinds["AHEAD"]; n == 0 || n > cas || known.Kinds["AHEAD"] != 0 {
		t.Errorf("got %d bytes ahead, and %d with the chain known; want some of the %d of its certificates, and none", n, known.Kinds["AHEAD"], cas)
	}
	// As to time this holds where nobody else wants the processors.
	if quiet := sent.Others*1000 < sent.P50/4; quiet && sent.ToLimit > 1.15 {
		t.Errorf("got %.2f times the limit, want 1.15 at most: %+v", sent.ToLimit, sent)
	}
	if d := sent.Payload - known.Payload; d < -16 || d > 16 {
		t.Errorf("what must cross: got %d and %d, want it not to depend on what the device holds", sent.Payload, known.Payload)
	}
}

// The other ways run in the same cells, and several devices are compared with one.
func TestBenchOtherWays(t *testing.T) {
	stdout, stderr, err := benchOf(t, benchFlags{
		devices: []int{2}, baud: []int{921600}, latency: []string{"0"}, faults: []string{"0"}, known: []string{"no"}, methods: benchMethods(),
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, want := range []string{
		"METHOD", "than here-documents", "than AT commands", "than mcumgr", "What this machine cannot tell", "must cross", "on the wire",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is missing in\n%s", want, stdout)
		}
	}
	if n := strings.Count(stderr, "p50"); n != len(benchMethods()) {
		t.Errorf("got %d cells, want %d\n%s", n, len(benchMethods()), stderr)
	}
}

// No figure comes from a cell in which a device did not pass, and it is said which and why.
func TestBenchFailedCell(t *testing.T) {
	var out, errs bytes.Buffer
	r := &benchRig{
		app: &app{stdout: &out, stderr: &errs, version: "test"}, dir: t.TempDir(), repeat: 1, over: spreadAuto, ones: map[benchCell]*benchResult{},
	}
	c := benchCell{method: methodStation, devices: 1, baud: 921600, trouble: devstack.Spec{Lie: devstack.Lies()[0]}}
	results, failed, err := r.all(t.Context(), []benchCell{c}, true)
	if err != nil || !failed || len(results) > 0 {
		t.Fatalf("got %d results, failed %t, %v; want none, a failed cell and no fault of the machine", len(results), failed, err)
	}
	var l failedLine
	if err := json.Unmarshal(out.Bytes(), &l); err != nil || l.Type != "bench-failed" || !strings.Contains(l.Error, "slot-01 FAIL in verify: E-") {
		t.Errorf("got %s (%v), want a failed cell that names device, phase and code", out.String(), err)
	}
	if strings.Contains(out.String(), "p50") || !strings.Contains(errs.String(), "FAILED") {
		t.Errorf("got %q and %q, want no figures and a word of failure", out.String(), errs.String())
	}
}

func TestBenchFlags(t *testing.T) {
	good := benchFlags{
		over:    spreadAuto,
		devices: []int{1, 256}, baud: []int{115200}, latency: []string{"0", "16ms"}, faults: []string{"0", "1e-4"}, known: []string{"no", "yes"},
		methods: []string{methodStation, "at"}, repeat: 1,
	}
	cells, err := good.cells()
	if err != nil || len(cells) != 2*2*2*2*2 {
		t.Fatalf("got %d cells (%v), want 32", len(cells), err)
	}
	for name, change := range map[string]func(*benchFlags){
		"--devices: between 1 and 256, got 0":              func(f *benchFlags) { f.devices = []int{1, 0} },
		"--devices: between 1 and 256, got 257":            func(f *benchFlags) { f.devices = []int{257} },
		"--baud: between 300 and 4000000, got 110":         func(f *benchFlags) { f.baud = []int{110} },
		"--latency: between 0 and 1s, as 16ms, got \"2s\"": func(f *benchFlags) { f.latency = []string{"2s"} },
		"--latency: between 0 and 1s, as 16ms, got \"16\"": func(f *benchFlags) { f.latency = []string{"16"} },
		"--faults: a chance from 0 to 0.01":                func(f *benchFlags) { f.faults = []string{"0.5"} },
		"--faults: a chance from 0 to 0.01, as":            func(f *benchFlags) { f.faults = []string{"NaN"} },
		"--known-chain: yes or no, got \"maybe\"":          func(f *benchFlags) { f.known = []string{"maybe"} },
		"--methods: provstation, ":                         func(f *benchFlags) { f.methods = []string{"pigeon"} },
		"--bridge-delay: between 0s and 1m":                func(f *benchFlags) { f.delay = -time.Second },
		"--repeat: between 1 and 1000, got 0":              func(f *benchFlags) { f.repeat = 0 },
	} {
		f := good
		change(&f)
		if _, err := f.cells(); err == nil || !strings.Contains(err.Error(), name) || exitCode(err) != exitUsage {
			t.Errorf("got %v, want usage with %q", err, name)
		}
	}
}

// What the other ways are not measured with is left out, with the reason, unless it is asked for.
func TestMeasurable(t *testing.T) {
	cells := []benchCell{
		{method: methodStation, devices: 64, faults: 1e-4, known: true},
		{method: "at", devices: 8},
		{method: "at", devices: 16},
		{method: "at", devices: 1, faults: 1e-4},
		{method: "at", devices: 1, known: true},
	}
	for asked, want := range map[bool]int{false: 2, true: 4} {
		list, reasons := measurable(cells, asked)
		if len(list) != want || len(reasons) != len(cells)-want {
			t.Errorf("asked %t: got %d cells and reasons %q, want %d cells and a reason for each other", asked, len(list), reasons, want)
		}
	}
}

// Where the machine was the limit, the text says so; where the station is slower than another way, too.
func TestBenchText(t *testing.T) {
	c, runs := twoRuns()
	ours, theirs := resultOf(c, runs), resultOf(c, runs)
	ours.one, theirs.one, theirs.cell.method, theirs.elapsed.p50 = time.Second, time.Second, "heredoc", 650*time.Millisecond
	ours.simulator, theirs.simulator = 1, 1.2
	var b strings.Builder
	if err := writeBench(&b, []*benchResult{ours, theirs}, benchMachine{cores: 1, inMemory: true}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2 at 10000 baud: 2.0x SLOWER than here-documents",
		"provstation, 2 at 10000 baud: 1.1 of 1 cores were in use, 0.1 of them by other programs",
		"heredoc, 2 at 10000 baud: the simulated lines alone are 1.20 times as slow",
		"lies in memory", "REQ 1000, RSP 100", "leaf 400, CA 1 100",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in\n%s", want, b.String())
		}
	}
}
