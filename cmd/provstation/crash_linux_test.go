package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/devstack"
)

// crashCase is one place to die at, what leads there, and what must have become of the device when it is seen again.
type crashCase struct {
	at     string
	before []string // a run before it: the place that one dies at, or flags of one that ends by itself
	flags  []string
	cfg    func(*config.Config) // of the run that dies; nil: the stack's own
	refuse bool                 // the bridge refuses the device's first request

	skipped  bool   // finished already
	adopted  string // by the last run
	keys     int    // 0: 1
	certs    int    // the CA has signed; 0: 1
	onFile   int    // of them, in the ledger; 0: 1
	possibly int    // open possibly-issued rows
	open     bool   // the run that died is on record as interrupted
}

// crashCases has one case for every place.
func crashCases() []crashCase {
	const key, cert, files = "key", "key, certificate", "key, certificate, files"
	cut := func(adopted string, at ...string) (list []crashCase) {
		for _, a := range at {
			list = append(list, crashCase{at: a, adopted: adopted, open: true})
		}
		return list
	}
	list := slices.Concat(
		[]crashCase{{at: "start.interrupted"}},
		cut("", "run.begun", "identify.greeted", "identify.observed", "identify.reconciled", "identify.recorded", "assign.bound",
			"assign.recorded", "set-clock.intended", "set-clock.done", "clock.recorded", "make-key.intended"),
		cut(key, "make-key.done"),
		cut(cert, "enroll.journaled", "enroll.recorded", "verify.saved", "verify.recorded", "install.intended"),
		cut(files, "install.done", "install.recorded", "readback.recorded", "mqtt.proven", "mqtt.recorded", "wireguard.recorded",
			"register.recorded", "seal.intended", "seal.done", "record.begun"),
		[]crashCase{{at: "seal.recorded", skipped: true}, {at: "record.done", skipped: true}, {at: "record.goodbye", skipped: true}},
	)
	noDNS := func(c *config.Config) { c.WireGuard.Policy.DNS = "refuse" } // the stack's wg0.conf names a resolver
	noBroker := func(c *config.Config) { c.MQTT.Port = 1 }
	again := []string{"--reenroll"}
	for _, at := range []string{"keygen.recorded", "csr.bound", "csr.recorded"} { // durable with the request
		list = append(list, crashCase{at: at, adopted: key, open: true, possibly: 1})
	}
	return append(
		list,
		crashCase{at: "enroll.intended", adopted: key, open: true, possibly: 1},
		crashCase{at: "enroll.answered", adopted: key, open: true, possibly: 1, certs: 2},
		crashCase{at: "enroll.closed", adopted: key, open: true, refuse: true},
		crashCase{at: "enroll.on-file", before: []string{"enroll.journaled"}, adopted: cert, open: true},
		crashCase{at: "verify.refusing", cfg: noDNS, adopted: cert, open: true},
		crashCase{at: "verify.refused", cfg: noDNS, adopted: key, open: true, certs: 2, onFile: 2},
		crashCase{at: "verify.held", before: []string{"seal.done"}, adopted: files, open: true},
		crashCase{at: "seal.adopted", before: []string{"seal.done"}, adopted: files, open: true},
		crashCase{at: "abandon.intended", before: []string{""}, flags: again, cfg: noBroker, adopted: files, open: true, keys: 2, certs: 2, onFile: 2},
		crashCase{at: "abandon.done", before: []string{""}, flags: again, cfg: noBroker, skipped: true, open: true, keys: 2, certs: 2, onFile: 2},
		crashCase{at: "abandon.recorded", before: []string{""}, flags: again, cfg: noBroker, skipped: true, open: true, keys: 2, certs: 2, onFile: 2},
	)
}

// crashBench is a tenant stack, a ledger, and stations that die.
type crashBench struct {
	t      *testing.T
	stack  *devstack.Stack
	dir    string
	deadly string // the program that dies
	base   *config.Config
}

func newCrashBench(t *testing.T, devices int) *crashBench {
	t.Helper()
	return newCrashBenchWith(t, devstack.Config{Devices: devices})
}

// newCrashBenchWith has a stack of another kind.
func newCrashBenchWith(t *testing.T, dcfg devstack.Config) *crashBench {
	t.Helper()
	dir := t.TempDir()
	b := &crashBench{t: t, dir: dir, deadly: filepath.Join(t.TempDir(), "provstation")}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "crashpoints", "-o", b.deadly, "./cmd/provstation")
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build -tags crashpoints: %v\n%s", err, out)
	}
	dcfg.StateDir, dcfg.Baud, dcfg.Quiet, dcfg.ClockOff = dir, 921600, true, -time.Hour
	stack, err := devstack.Start(t.Context(), dcfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Errorf("close stack: %v", err)
		}
	})
	b.stack, b.base = stack, stackConfig(stack, dcfg)
	b.base.WireGuard.Mode = config.WGServer
	return b
}

// config writes the configuration of one station; all of them share the ledger.
func (b *crashBench) config(name string, edit func(*config.Config)) string {
	b.t.Helper()
	c := b.base.Clone()
	c.Log.File = filepath.Join(b.dir, name+".log")
	if edit != nil {
		edit(c)
	}
	path := filepath.Join(b.dir, name+".yaml")
	if err := config.WriteFile(path, c); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// die runs a station on one device until it dies at the place; an empty one means that it ends by itself, in good order.
func (b *crashBench) die(d *devstack.Device, at string, edit func(*config.Config), flags ...string) {
	b.dieAt(d, at, edit, append([]string{"run", "--count", "1"}, flags...)...)
}

// dieAt is die for any command that works on devices.
func (b *crashBench) dieAt(d *devstack.Device, at string, edit func(*config.Config), args ...string) {
	ctx, cancel := context.WithTimeout(b.t.Context(), liveEnd)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.deadly, append(args,
		"--json", "--timeout", "45s", "--config", b.config(d.Name, edit), "--slot", d.Path+"="+d.Name,
	)...)
	cmd.Env, cmd.Dir = isolated(b.t, "PROVSTATION_CRASH_AT="+at), b.t.TempDir()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case at == "" && err != nil:
		b.t.Errorf("%s: got %v, want a run that ends well\n%s", d.Name, err, out.String())
	case at != "" && (!status.Signaled() || status.Signal() != syscall.SIGKILL || ctx.Err() != nil):
		b.t.Errorf("%s: %s was never reached: got %v, want the process killed there\n%s", d.Name, at, cmd.ProcessState, out.String())
	}
}

// A station that is killed at any place, by a real signal, finds its way back when it is started again: no key is made twice,
// no certificate asked for twice where one is on file, every record is whole, and the summary says what was taken over.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills some fifty stations")
	}
	cases := crashCases()
	var covered []string
	for _, c := range cases {
		covered = append(covered, c.at)
	}
	want := station.CrashPoints()
	slices.Sort(want)
	slices.Sort(covered)
	if diff := cmp.Diff(want, covered); diff != "" {
		t.Fatalf("places without a case, or cases without a place (-places +cases):\n%s", diff)
	}
	b := newCrashBench(t, len(cases))
	var refused sync.Map
	for i, c := range cases {
		if c.refuse {
			refused.Store("edge-"+strings.ToLower(b.stack.Devices[i].Serial), true)
		}
	}
	b.stack.Bridge.SetFault(func(id string, _ int) *devstack.Fault {
		if _, first := refused.LoadAndDelete(id); first {
			return &devstack.Fault{Status: http.StatusForbidden, Body: `{"detail":"not now"}`}
		}
		return nil
	})
	b.everyone(cases, func(c crashCase, d *devstack.Device) {
		for _, at := range c.before {
			b.die(d, at, nil)
		}
		b.die(d, c.at, c.cfg, c.flags...)
	})
	if t.Failed() {
		return
	}
	b.recover(cases)
}

// everyone does something for each case and its device, a few at a time.
func (b *crashBench) everyone(cases []crashCase, do func(crashCase, *devstack.Device)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for i, c := range cases {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(c, b.stack.Devices[i])
		})
	}
	wg.Wait()
}

// recover starts the ordinary station on all devices, and checks what became of each.
func (b *crashBench) recover(cases []crashCase) {
	t := b.t
	events := cli(t, nil, "run", "--json", "--config", b.config("after", nil), "--count", strconv.Itoa(len(cases)), "--timeout", "90s").events(t)
	if first := events[0]; first["interrupted"] == nil {
		t.Errorf("got station event %v, want interrupted in it", first)
	}
	ends := map[string]event{}
	for _, e := range ofType(events, "run-end") {
		ends[e.text("slot")] = e
	}
	sum := event{}
	for i, c := range cases {
		d := b.stack.Devices[i]
		end, outcome := ends[d.Name], "PASS"
		if c.skipped {
			outcome = "SKIPPED"
		}
		if end["outcome"] != outcome || end.text("adopted") != c.adopted {
			t.Errorf("%s: got %v %v, adopted %q, want %s, %q: %v", c.at, end["outcome"], end["code"], end.text("adopted"), outcome, c.adopted, end)
		}
		t.Logf("%-20s %s, taken over: %s", c.at, end["outcome"], end.text("adopted"))
		count(sum, c.adopted)
		b.check(c, d, end)
	}
	last := events[len(events)-1]
	for _, field := range []string{"adopted", "adopted_keys", "adopted_certificates", "adopted_files"} {
		if last[field] != sum[field] {
			t.Errorf("summary: got %s %v, want %v", field, last[field], sum[field])
		}
	}
	t.Logf("summary: %v", last)
	checkLedger(t, filepath.Join(b.dir, "ledger.db"))
	if n := b.rows("SELECT count(*) FROM runs WHERE outcome IS NULL"); n != 0 {
		t.Errorf("got %d open runs, want none", n)
	}
	if n := b.rows("SELECT count(*) FROM intents WHERE result IS NULL"); n != 0 {
		t.Errorf("got %d intents that nobody settled, want none", n)
	}
}

func count(sum event, adopted string) {
	if adopted == "" {
		return
	}
	add := func(field string) {
		n, _ := sum[field].(float64)
		sum[field] = n + 1
	}
	add("adopted")
	for w := range strings.SplitSeq(adopted, ", ") {
		add(map[string]string{"key": "adopted_keys", "certificate": "adopted_certificates", "files": "adopted_files"}[w])
	}
}

// check compares the device's files, the CA's own list and the ledger.
func (b *crashBench) check(c crashCase, d *devstack.Device, end event) {
	t := b.t
	keys, certs, onFile := max(c.keys, 1), max(c.certs, 1), max(c.onFile, 1)
	if n := b.rows("SELECT count(*) FROM keys WHERE hardware_serial = ?", d.Serial); n != keys {
		t.Errorf("%s: got %d keys on record, want %d", c.at, n, keys)
	}
	if n := b.rows("SELECT count(*) FROM (SELECT enroll_id FROM keys WHERE hardware_serial = ? GROUP BY enroll_id HAVING count(*) > 1)", d.Serial); n != 0 {
		t.Errorf("%s: got %d enroll ids with more than one key, want none", c.at, n)
	}
	have := keysBelow(t, filepath.Join(b.dir, "devices", d.Name))
	if len(have) == 0 || len(have) > keys {
		t.Errorf("%s: got %d keys on the device, want 1 to %d", c.at, len(have), keys)
	}
	issued, known := 0, 0
	for _, x := range b.stack.Issued() {
		if x.Asked != end.text("device_id") {
			continue
		}
		issued++
		known += b.rows("SELECT count(*) FROM certificates WHERE cert_serial = ?", x.Serial)
	}
	possibly := b.rows("SELECT count(*) FROM posts WHERE device_id = ? AND state IN ('open', 'unknown')", end.text("device_id"))
	if issued != certs || known != onFile || possibly != c.possibly {
		t.Errorf("%s: the CA signed %d, %d of them on file, %d possibly issued, want %d, %d, %d", c.at, issued, known, possibly, certs, onFile, c.possibly)
	}
	if issued > known+possibly {
		t.Errorf("%s: a certificate that nobody knows of", c.at)
	}
	leaf := leafOf(t, filepath.Join(b.dir, "devices", d.Name, "device.pem"))
	if fp := hex.EncodeToString(sumOf(leaf.Raw)); fp != end["cert_fingerprint"] {
		t.Errorf("%s: the device holds %s, the run says %v", c.at, fp, end["cert_fingerprint"])
	}
	n := b.rows("SELECT count(*) FROM runs WHERE hardware_serial = ? AND code = 'E-INTERRUPTED' AND outcome = 'ABORTED'", d.Serial)
	least, most := 0, 0
	for _, at := range append([]string{c.at}, c.before...) {
		switch {
		case at == "" || !c.open:
		case slices.Contains([]string{"run.begun", "identify.greeted"}, at): // without its device, which was not known
		case slices.Contains(beforeFirst, at):
			most++
		default:
			least, most = least+1, most+1
		}
	}
	if n < least || n > most {
		t.Errorf("%s: got %d interrupted runs on record, want %d to %d", c.at, n, least, most)
	}
}

// beforeFirst are points before anything is done to a device: whose device it is may be on its way to the disk.
var beforeFirst = []string{"identify.reconciled"}

// rows is a number from the ledger.
func (b *crashBench) rows(query string, args ...any) (n int) {
	b.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.dir, "ledger.db")+"?mode=ro")
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(b.t.Context(), query, args...).Scan(&n); err != nil {
		b.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func sumOf(der []byte) []byte {
	sum := sha256.Sum256(der)
	return sum[:]
}
