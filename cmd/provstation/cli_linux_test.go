package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/stationtest"
)

// tenantStack is `provstation devstack` in a process of its own.
type tenantStack struct {
	dir   string
	ports []string // of slot-01, slot-02, ...
}

func startTenant(t *testing.T, slots []string, args ...string) tenantStack {
	t.Helper()
	s := tenantStack{dir: filepath.Join(t.TempDir(), "stack")}
	p := stationtest.Start(t, binary(t, "provstation"), append([]string{"devstack", "--state-dir", s.dir}, args...)...)
	for _, slot := range slots {
		fields := strings.Fields(p.WaitLine(slot + " "))
		s.ports = append(s.ports, fields[len(fields)-1])
	}
	return s
}

func (s tenantStack) config() string { return filepath.Join(s.dir, "station.yaml") }

// configFor is the stack's configuration for one port and a ledger of its own, changed by edit.
func (s tenantStack) configFor(t *testing.T, port string, edit func(*config.Config)) string {
	t.Helper()
	c, _, err := config.Load(config.LoadOptions{Path: s.config(), Env: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	c = c.Clone()
	c.Ports.Include = []string{port}
	c.Ledger.URL, c.Log.File = "sqlite:"+filepath.Join(dir, "ledger.db"), filepath.Join(dir, "station.log")
	if edit != nil {
		edit(c)
	}
	path := filepath.Join(dir, "station.yaml")
	if err := config.WriteFile(path, c); err != nil {
		t.Fatal(err)
	}
	return path
}

// live is a running provstation whose events are read as they come.
type live struct {
	t      *testing.T
	cmd    *exec.Cmd
	out    *os.File
	lines  *bufio.Scanner
	said   said
	exited chan struct{}
}

// liveEnd is how long a test waits for the next event of a program, and for its end.
const liveEnd = 60 * time.Second

func startLive(t *testing.T, env []string, args ...string) *live {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l := &live{t: t, cmd: exec.Command(binary(t, "provstation"), args...), out: r, lines: bufio.NewScanner(r), exited: make(chan struct{})} //nolint:noctx // ended by the cleanup
	l.cmd.Env, l.cmd.Dir, l.cmd.Stdout = isolated(t, env...), t.TempDir(), w
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if err := r.SetReadDeadline(time.Now().Add(liveEnd)); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = l.cmd.Wait()
		close(l.exited)
	}()
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		<-l.exited
		_ = r.Close()
	})
	return l
}

// until reads to the first event of a phase's status.
func (l *live) until(phase, status string) event {
	l.t.Helper()
	for l.lines.Scan() {
		l.said.stdout += l.lines.Text() + "\n"
		var e event
		if err := json.Unmarshal(l.lines.Bytes(), &e); err != nil {
			l.t.Fatalf("not a JSON object: %q", l.lines.Text())
		}
		if e["phase"] == phase && e["status"] == status {
			return e
		}
	}
	l.t.Fatalf("phase %s was never %s (%v):\n%s", phase, status, l.lines.Err(), l.said.stdout)
	return nil
}

func (l *live) signal(s os.Signal) {
	l.t.Helper()
	if err := l.cmd.Process.Signal(s); err != nil {
		l.t.Fatal(err)
	}
}

// wait reads the rest and waits for the end.
func (l *live) wait() said {
	l.t.Helper()
	for l.lines.Scan() {
		l.said.stdout += l.lines.Text() + "\n"
	}
	if err := l.lines.Err(); err != nil {
		l.t.Fatalf("%v; so far:\n%s", err, l.said.stdout)
	}
	<-l.exited
	l.said.code = l.cmd.ProcessState.ExitCode()
	return l.said
}

// The first interrupt ends the run in order: it is recorded as ABORTED, the summary is said, the exit code is 1, nothing is
// left behind; and the device is none the worse. So does --timeout.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01", "slot-02"}, "--devices", "2", "--baud", "19200")
	for i, c := range []struct {
		name, phase string
		args        []string
		signal      os.Signal
	}{
		{"interrupt", "install", nil, os.Interrupt},
		{"timeout", "", []string{"--timeout", "400ms"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := s.configFor(t, s.ports[i], nil)
			l := startLive(t, nil, append([]string{"run", "--json", "--config", cfg}, c.args...)...)
			if c.signal != nil {
				l.until(c.phase, "started")
				l.signal(c.signal)
			}
			got := l.wait()
			events := got.events(t)
			end := one(t, events, "run-end")
			if got.code != exitBad || end["outcome"] != "ABORTED" || end["code"] != "E-ABORTED" || end.text("hint") == "" {
				t.Errorf("got exit code %d, run-end %v, want 1, ABORTED with E-ABORTED and a hint", got.code, end)
			}
			if c.phase != "" && end["phase"] != c.phase {
				t.Errorf("got phase %v, want %s", end["phase"], c.phase)
			}
			again := cli(t, nil, "run", "--json", "--config", cfg, "--count", "1", "--timeout", "40s").good(t)
			if end := one(t, again.events(t), "run-end"); end["outcome"] != "PASS" {
				t.Errorf("the next run: got %v, want PASS", end)
			}
		})
	}
}

// An interrupted demo ends in order, too, and takes its temporary folder along.
func TestInterruptedDemo(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	l := startLive(t, []string{"TMPDIR=" + tmp}, "demo", "--json", "--devices", "3", "--baud", "4800")
	l.until("assign", "done")
	l.signal(syscall.SIGTERM)
	got := l.wait()
	events := got.events(t)
	if last := events[len(events)-1]; got.code != exitBad || last["aborted"] == 0.0 || last["pass"] != 0.0 {
		t.Errorf("got exit code %d, summary %v, want 1, aborted runs and no PASS", got.code, last)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v left behind, want nothing", left, err)
	}
}

// When whoever reads the events is gone, the station ends its runs in order and says that it failed: it does not drop dead
// with devices in mid-run and its folder, keys of a CA in it, left behind.
func TestReaderGone(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	l := startLive(t, []string{"TMPDIR=" + tmp}, "demo", "--json", "--devices", "2", "--baud", "4800")
	l.until("assign", "done")
	if err := l.out.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.exited:
	case <-time.After(liveEnd):
		t.Fatal("still running")
	}
	if code := l.cmd.ProcessState.ExitCode(); code != exitFault {
		t.Errorf("got %v, want exit code 3", l.cmd.ProcessState)
	}
	if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v left behind, want nothing", left, err)
	}
}

// The second interrupt ends it at once, even where the first one cannot finish: here nobody reads standard output.
func TestSecondInterrupt(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	l := startLive(t, nil, "run", "--json", "--config", s.config(), "--count", "2")
	if _, err := unix.FcntlInt(l.out.Fd(), unix.F_SETPIPE_SZ, os.Getpagesize()); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, func() bool { // sealed: by then there are more events than the pipe and the program's buffer hold
		_, err := os.Stat(filepath.Join(s.dir, "devices", "slot-01", ".enrolled"))
		return err == nil
	})
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	late := time.After(liveEnd)
	sent := 0
	for {
		select {
		case <-l.exited:
			status, ok := l.cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() || status.Signal() != syscall.SIGINT || sent < 2 {
				t.Errorf("after %d interrupts: got %v, want the second to end it by its signal", sent, l.cmd.ProcessState)
			}
			return
		case <-tick.C:
			sent++
			if err := l.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
				t.Fatal(err)
			}
		case <-late:
			t.Fatalf("still running after %d interrupts", sent)
		}
	}
}

// waitUntil asks again and again, within the time an event may take.
func waitUntil(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(liveEnd); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("what was waited for did not happen within %v", liveEnd)
		}
	}
}

// A station that is killed in the middle of a run, at one point of it after another, finds its way back: the same devices end
// PASS with the keys they had, and the ledger is sound. A device gives up on the dead session after 10 s without a word.
func TestKilledStation(t *testing.T) {
	t.Parallel()
	points := []struct{ slot, phase, status string }{
		{"slot-01", "keygen", "done"},
		{"slot-02", "enroll", "done"},
		{"slot-03", "install", "started"},
		{"slot-04", "mqtt", "started"},
		{"slot-05", "seal", "started"},
	}
	var slots []string
	for _, p := range points {
		slots = append(slots, p.slot)
	}
	s := startTenant(t, slots, "--devices", "5", "--baud", "57600")
	files := func(slot string) string { return filepath.Join(s.dir, "devices", slot) }
	keys := map[string][]string{}
	for i, p := range points {
		l := startLive(t, nil, "run", "--json", "--config", s.config(), "--slot", s.ports[i]+"="+p.slot)
		l.until(p.phase, p.status)
		l.signal(os.Kill)
		<-l.exited
		waitUntil(t, func() bool { // the key, wherever it lies by now
			keys[p.slot] = keysBelow(t, files(p.slot))
			return len(keys[p.slot]) == 1
		})
		checkLedger(t, filepath.Join(s.dir, "ledger.db"))
	}
	all := []string{"run", "--json", "--config", s.config(), "--count", "5", "--timeout", "40s"}
	ends := ofType(cli(t, nil, all...).good(t).events(t), "run-end")
	if len(ends) != len(points) {
		t.Errorf("got %d runs, want %d", len(ends), len(points))
	}
	for _, end := range ends {
		slot := end.text("slot")
		if end["outcome"] != "PASS" {
			t.Errorf("%s: got %v, want PASS", slot, end)
		}
		if diff := cmp.Diff(keys[slot], keysBelow(t, files(slot))); diff != "" {
			t.Errorf("%s: digest of the device's key (-before +after):\n%s", slot, diff)
		}
		if sum := sha256.Sum256(leafOf(t, filepath.Join(files(slot), "device.pem")).Raw); hex.EncodeToString(sum[:]) != end["cert_fingerprint"] {
			t.Errorf("%s: the device holds another certificate than the run says", slot)
		}
	}
	checkLedger(t, filepath.Join(s.dir, "ledger.db"))
	events := cli(t, nil, all...).good(t).events(t)
	if last := events[len(events)-1]; last["skipped"] != 5.0 {
		t.Errorf("a run over finished devices: got summary %v, want five SKIPPED", last)
	}
}

// A laptop that was suspended in the middle of a run wakes up to a device that has given up on the session: the run goes on
// with the same key.
func TestSuspendedStation(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01"}, "--devices", "1", "--baud", "57600")
	files := filepath.Join(s.dir, "devices", "slot-01")
	l := startLive(t, nil, "run", "--json", "--config", s.config(), "--slot", s.ports[0]+"=slot-01", "--count", "1", "--timeout", "50s")
	l.until("install", "started")
	l.signal(syscall.SIGSTOP)
	keys := keysBelow(t, files)
	waitUntil(t, func() bool {
		log, err := os.ReadFile(filepath.Join(s.dir, "devstack.log"))
		return err == nil && bytes.Contains(log, []byte("session ended"))
	})
	l.signal(syscall.SIGCONT)
	ends := ofType(l.wait().good(t).events(t), "run-end")
	if len(ends) != 1 || ends[0]["outcome"] != "PASS" {
		t.Errorf("got %v, want one PASS", ends)
	}
	if diff := cmp.Diff(keys, keysBelow(t, files)); diff != "" || len(keys) != 1 {
		t.Errorf("digest of the device's key (-before +after):\n%s", diff)
	}
	checkLedger(t, filepath.Join(s.dir, "ledger.db"))
}

// keysBelow are the digests of all different device keys below a folder, in order.
func keysBelow(t *testing.T, dir string) []string {
	t.Helper()
	var sums []string
	for name, text := range regular(t, dir) {
		if sum := sha256.Sum256([]byte(text)); filepath.Base(name) == "device-key.pem" {
			sums = append(sums, hex.EncodeToString(sum[:]))
		}
	}
	slices.Sort(sums)
	return slices.Compact(sums)
}

// checkLedger lets the database itself say whether it is whole.
func checkLedger(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity of the ledger: got %q, %v, want ok", verdict, err)
	}
	var broken int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil || broken != 0 {
		t.Errorf("foreign keys of the ledger: got %d broken, %v, want none", broken, err)
	}
}

// --slot names a port and uses no other; --device-id alone is the id, said not to be corroborated, refusable by policy.
func TestSlotAndDeviceID(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01", "slot-02"}, "--devices", "2")
	untied := func(c *config.Config) { c.Device.IDTemplate = "" }
	cfg := s.configFor(t, s.ports[0], untied)
	events := cli(t, nil, "run", "--json", "--config", cfg, "--slot", s.ports[0]+"=left", "--device-id", "box-77", "--count", "1",
		"--timeout", "30s").good(t).events(t)
	if end := one(t, events, "run-end"); end["outcome"] != "PASS" || end["slot"] != "left" || end["device_id"] != "box-77" {
		t.Errorf("got %v, want PASS for box-77 in slot left", end)
	}
	if !slices.ContainsFunc(events, func(e event) bool { return e["phase"] == "assign" && saysWarning(e, "W-ID-NOT-CORROBORATED") }) {
		t.Errorf("no assign phase warns W-ID-NOT-CORROBORATED")
	}
	if leaf := leafOf(t, filepath.Join(s.dir, "devices", "slot-01", "device.pem")); leaf.Subject.CommonName != "box-77" {
		t.Errorf("got CN %q, want box-77", leaf.Subject.CommonName)
	}

	strict := s.configFor(t, s.ports[1], func(c *config.Config) { untied(c); c.Device.NotCorroborated = config.PolicyRefuse })
	got := cli(t, nil, "run", "--json", "--config", strict, "--slot", s.ports[1]+"=right", "--device-id", "box-78", "--timeout", "3s")
	end := one(t, got.events(t), "run-end")
	if got.code != exitBad || end["outcome"] != "FAIL" || end["phase"] != "assign" || !strings.HasPrefix(end.text("code"), "E-ID-") {
		t.Errorf("by policy: got exit code %d, %v, want 1 and FAIL in assign for its id", got.code, end)
	}
	if keys := keysBelow(t, filepath.Join(s.dir, "devices", "slot-02")); len(keys) != 0 {
		t.Errorf("got %d keys on a device whose id was refused, want none", len(keys))
	}
}

// saysWarning reports whether a phase let something pass and said so.
func saysWarning(e event, code string) bool {
	list, _ := e["warnings"].([]any)
	return slices.ContainsFunc(list, func(w any) bool {
		m, _ := w.(map[string]any)
		return m["code"] == code
	})
}

// --count stops after so many devices, and begins no more; fewer than that is exit code 1.
func TestCount(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01", "slot-02", "slot-03"}, "--devices", "3")
	events := cli(t, nil, "run", "--json", "--config", s.config(), "--count", "2", "--timeout", "30s").good(t).events(t)
	if last := events[len(events)-1]; last["devices"] != 2.0 || last["pass"] != 2.0 {
		t.Errorf("--count 2: got summary %v, want two devices, PASS both", last)
	}
	got := cli(t, nil, "run", "--json", "--config", s.config(), "--count", "4", "--timeout", "4s")
	events = got.events(t)
	if last := events[len(events)-1]; got.code != exitBad || last["devices"] != 3.0 || last["pass"] != 1.0 || last["skipped"] != 2.0 {
		t.Errorf("--count 4 of 3: got exit code %d, summary %v, want 1, one PASS and two SKIPPED", got.code, last)
	}
}

// A batch that is paused is for a person to go on with: without a screen nobody can, so the command ends, --count or not,
// having touched no device. One that is open is worked on.
func TestPausedBatch(t *testing.T) {
	t.Parallel()
	s := startTenant(t, []string{"slot-01"}, "--devices", "1")
	path := s.configFor(t, s.ports[0], nil)
	cfg, _, err := config.Load(config.LoadOptions{Path: path, Env: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*ledger.Ledger) error) { // between the commands: each goes on with the history that it finds
		t.Helper()
		h, err := openHistory(t.Context(), cfg, slog.New(slog.DiscardHandler), sharingMode{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f(h.Ledger), h.Close()); err != nil {
			t.Fatal(err)
		}
	}
	b := station.BatchRecord{
		Tenant: cfg.Station.Tenant, Station: cfg.Station.Name, Batch: "B-7", State: station.BatchOpen, Digest: make([]byte, 32),
		OpenedAt: time.Now(), Devices: []station.BatchDevice{{Line: 2, DeviceID: "another"}},
	}
	change(func(l *ledger.Ledger) error { _, err := l.OpenBatch(t.Context(), b); return err })
	step := station.BatchStep{Tenant: b.Tenant, Batch: b.Batch, State: station.BatchPaused, Reason: "lunch", At: time.Now()}
	change(func(l *ledger.Ledger) error { return l.ChangeBatch(t.Context(), step) })
	for _, count := range []string{"0", "1"} {
		began := time.Now()
		got := cli(t, nil, "run", "--json", "--config", path, "--count", count, "--timeout", "30s")
		events := got.events(t)
		held := slices.ContainsFunc(events, func(e event) bool { return e["type"] == "port" && e["code"] == "I-HELD-PAUSED" })
		if got.code != exitBad || !held || len(ofType(events, "run-start")) != 0 || events[len(events)-1]["type"] != "summary" {
			t.Errorf("--count %s: got exit code %d, %v, want 1 and the device held", count, got.code, events)
		}
		if took := time.Since(began); took > 25*time.Second {
			t.Errorf("--count %s: took %v, want it to end by itself", count, took)
		}
	}
	step.State, step.Reason = station.BatchOpen, ""
	change(func(l *ledger.Ledger) error { return l.ChangeBatch(t.Context(), step) })
	got := cli(t, nil, "run", "--json", "--config", path, "--timeout", "30s")
	if end := one(t, got.events(t), "run-end"); got.code != exitBad || end["code"] != "E-BATCH-FOREIGN" || end["batch"] != "B-7" {
		t.Errorf("open: got exit code %d, %v, want 1 and a foreign device", got.code, end)
	}
}
