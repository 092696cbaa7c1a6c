package station_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/device"
	"provstation/station/devstack"
	"provstation/station/ledger"
	"provstation/station/mqttcheck"
	"provstation/station/pki"
	"provstation/station/wgconf"
	"provstation/station/words"
)

// rigBaud makes the lines fast: what is tested is not their speed.
const rigBaud = 921600

// rig is a bench of real parts on the embedded tenant stack: ptys, the real agent, the real ledger.
type rig struct {
	t       *testing.T
	stack   *devstack.Stack
	ledger  *ledger.Ledger
	cfg     station.RunnerConfig
	prove   station.Prover
	wrap    func(station.Ledger) station.Ledger
	changes chan station.PortChange
	bridge  bridge.Config
	baud    int

	bench *station.Bench
	feed  <-chan station.Event
	stop  func()
	seen  []station.Event
}

// newRig starts a stack with so many devices, each in the slot of its name, and an empty ledger. Nothing runs yet.
func newRig(t *testing.T, cfg devstack.Config) *rig {
	t.Helper()
	cfg.StateDir, cfg.Quiet = t.TempDir(), true
	if cfg.Baud == 0 {
		cfg.Baud = rigBaud
	}
	s, err := devstack.Start(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close stack: %v", err)
		}
	})
	r := &rig{t: t, stack: s, baud: cfg.Baud, prove: mqttcheck.Check, wrap: func(l station.Ledger) station.Ledger { return l }}
	r.hold(s.Devices...)
	r.open(filepath.Join(t.TempDir(), "ledger.db"))
	r.bridge = bridge.Config{Trust: bridge.TrustFile(s.Root), Timeout: 20 * time.Second}
	r.cfg = station.RunnerConfig{
		Start:    station.RunStart{Tenant: "acme", Station: "bench", StationID: "rig"},
		AssignID: func(g station.Greeting) (string, error) { return "edge-" + strings.ToLower(g.HardwareSerial), nil },
		NameOf:   func(id string, _ station.Greeting) (string, error) { return id, nil },
		CSR:      pki.CSRPolicy{KeyTypes: []pki.KeyType{"P-256"}}, Answer: pki.Policy{ClockSkew: time.Minute},
		WireGuard: true, Tunnel: wgconf.Policy{DNS: wgconf.Allow},
		MQTT:  mqttcheck.Config{Host: s.Broker, Port: uint16(s.Port)},
		Pause: station.Pause{First: 10 * time.Millisecond, Max: 50 * time.Millisecond},
	}
	return r
}

// hold keeps the number of a device's pty from being given to somebody else's when the device is unplugged: the path goes
// away, and does not come back as another program's.
func (r *rig) hold(devices ...*devstack.Device) {
	r.t.Helper()
	for _, d := range devices {
		f, err := os.OpenFile(d.Path, os.O_RDWR|unix.O_NOCTTY, 0)
		must(r.t, err)
		r.t.Cleanup(func() { _ = f.Close() })
	}
}

// plug plugs unplugged devices in again.
func (r *rig) plug(devices ...*devstack.Device) {
	r.t.Helper()
	for _, d := range devices {
		must(r.t, d.Plug(r.t.Context()))
		r.hold(d)
		r.plugged(d.Path, d.Name)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open opens the ledger at path.
func (r *rig) open(path string) {
	r.t.Helper()
	l, err := ledger.Open(r.t.Context(), "sqlite:"+path, ledger.Config{})
	must(r.t, err)
	r.ledger = l
	r.t.Cleanup(func() { _ = l.Close() })
}

// watcher hands the rig's changes on.
type watcher chan station.PortChange

func (w watcher) Watch(context.Context) (<-chan station.PortChange, error) { return w, nil }

// pinned gives the stack's anchors.
type pinned struct{ root, ica string }

func (p pinned) Anchors(context.Context) (a station.Anchors, err error) {
	root, err := os.ReadFile(p.root)
	if err != nil {
		return a, err
	}
	ica, err := os.ReadFile(p.ica)
	if err != nil {
		return a, err
	}
	if a.Roots, err = pki.LoadRoots(root); err != nil {
		return a, err
	}
	a.Intermediates, err = pki.LoadIntermediates(ica)
	return a, err
}

// start puts a bench on the rig's parts and plugs the given devices in.
func (r *rig) start(devices ...*devstack.Device) {
	r.t.Helper()
	client, err := bridge.New(r.stack.BridgeURL, r.bridge)
	must(r.t, err)
	text, err := words.Load("")
	must(r.t, err)
	r.changes = make(chan station.PortChange)
	trust := pinned{r.stack.Root, filepath.Join(filepath.Dir(r.stack.Root), "provider-ica.pem")}
	runner := station.NewRunner(r.cfg, client, r.wrap(r.ledger), trust, r.prove, text)
	r.bench = station.NewBench(station.BenchConfig{
		Info: station.StationInfo{StationID: "rig", Tenant: "acme"}, Ports: station.PortRules{Include: r.include()}, SilentAfter: time.Second,
	}, watcher(r.changes), device.NewConnector(device.Config{Baud: r.baud}), runner)
	r.feed = r.bench.Subscribe()
	ctx, cancel := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := r.bench.Run(ctx); err != nil {
			r.t.Errorf("bench: %v", err)
		}
	})
	r.stop = func() {
		cancel()
		wg.Wait()
		client.Close()
		for e := range r.feed {
			r.seen = append(r.seen, e)
		}
		r.stop = func() {}
	}
	r.t.Cleanup(func() { r.stop() })
	for _, d := range devices {
		r.plugged(d.Path, d.Name)
	}
}

func (r *rig) plugged(path, slot string) {
	r.changes <- station.PortChange{Added: true, Port: station.PortInfo{Path: path, Slot: slot}}
}

// unplugged tells of ports that went away, and returns when the bench has heard of them all.
func (r *rig) unplugged(paths ...string) {
	for _, p := range append(paths, "/dev/none", "/dev/none") {
		r.changes <- station.PortChange{Port: station.PortInfo{Path: p}}
	}
}

// include names every port of this bench: the devices', and ptys.
func (r *rig) include() []string {
	list := []string{"/dev/pts/*"}
	for _, d := range r.stack.Devices {
		list = append(list, d.Path)
	}
	return list
}

// patience bounds every wait; a run takes a fraction of a second.
const patience = 40 * time.Second

// until reads events up to the first that is wanted.
func (r *rig) until(what string, ok func(station.Event) bool) station.Event {
	r.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case e, open := <-r.feed:
			if !open {
				r.t.Fatalf("bench ended before %s:\n%s", what, r.tail())
			}
			r.seen = append(r.seen, e)
			if ok(e) {
				return e
			}
		case <-timer.C:
			r.t.Fatalf("no %s within %v:\n%s", what, patience, r.tail())
		}
	}
}

// tail prints the newest events.
func (r *rig) tail() string {
	var b strings.Builder
	open := map[string]bool{} // slots with a run that has not ended
	for _, e := range r.seen {
		switch v := e.Body.(type) {
		case station.RunStarted:
			open[v.Slot] = true
		case station.RunEnded:
			delete(open, v.Slot)
		}
	}
	fmt.Fprintf(&b, "runs in flight: %v\n", open)
	for _, e := range r.seen[max(0, len(r.seen)-25):] {
		text, _ := e.MarshalJSON()
		b.Write(text)
		b.WriteByte('\n')
	}
	return b.String()
}

// ends reads until so many runs have ended and returns them by slot; a slot that ends twice meanwhile fails the test.
func (r *rig) ends(n int) map[string]station.RunEnded {
	r.t.Helper()
	got := map[string]station.RunEnded{}
	for range n {
		e := r.until("end of a run", func(e station.Event) bool { _, ok := e.Body.(station.RunEnded); return ok })
		end, _ := e.Body.(station.RunEnded)
		if before, twice := got[end.Slot]; twice {
			r.t.Errorf("%s ended twice: %s %s, then %s %s", end.Slot, before.Outcome, before.Code, end.Outcome, end.Code)
		}
		got[end.Slot] = end
	}
	return got
}

// passEach reads, from the first event on, until n slots have ended in PASS, each with its first run. A device that was
// restarted when it was finished already is looked at once more and left alone.
func (r *rig) passEach(n int, what func(slot string) string) {
	r.t.Helper()
	passed := map[string]bool{}
	note := func(e station.Event) {
		end, ok := e.Body.(station.RunEnded)
		switch {
		case !ok:
		case passed[end.Slot]:
			r.check(what(end.Slot), end, station.Skipped, station.CodeSkipped)
		default:
			r.check(what(end.Slot), end, station.Pass, "")
			if end.Attempt != 1 {
				r.t.Errorf("%s: got attempt %d, want 1", what(end.Slot), end.Attempt)
			}
			passed[end.Slot] = true
		}
	}
	for _, e := range r.seen {
		note(e)
	}
	for len(passed) < n {
		note(r.until("end of a run", func(e station.Event) bool { _, ok := e.Body.(station.RunEnded); return ok }))
	}
}

// end reads until the next run has ended.
func (r *rig) end() station.RunEnded {
	r.t.Helper()
	for _, e := range r.ends(1) {
		return e
	}
	return station.RunEnded{}
}

// check compares an end with what it has to be. A code has a sentence and a next action.
func (r *rig) check(what string, e station.RunEnded, outcome station.Outcome, code station.Code) {
	r.t.Helper()
	if e.Outcome != outcome || e.Code != code {
		r.t.Errorf("%s: got %s %s in %q %v, want %s %s", what, e.Outcome, e.Code, e.Phase, e.Params, outcome, code)
	}
	if code != "" && (e.Hint == "" || e.Message == "") {
		r.t.Errorf("%s: got message %q, hint %q, want both", what, e.Message, e.Hint)
	}
	if e.Outcome == station.Pass && e.Proof == station.NoProof {
		r.t.Errorf("%s: got a PASS without a proof", what)
	}
}

// spki is the key that the csr phase of a run found, or an enrolled device showed.
func (r *rig) spki(run string) string {
	for _, e := range r.seen {
		if p, ok := e.Body.(station.PhaseChanged); ok && p.Run == run && p.Facts[station.FactSPKI] != "" {
			return p.Facts[station.FactSPKI]
		}
	}
	return ""
}

// hooked is a ledger that tells when a phase is about to begin: the record of the one before it is durable. It is also
// where a write can be made to fail.
type hooked struct {
	station.Ledger
	mu    sync.Mutex
	slots map[string]string // run to slot
	at    func(slot string, next station.Phase)
}

func hook(at func(slot string, next station.Phase)) func(station.Ledger) station.Ledger {
	return func(l station.Ledger) station.Ledger { return &hooked{Ledger: l, slots: map[string]string{}, at: at} }
}

func (h *hooked) BeginRun(ctx context.Context, s station.RunStart) error {
	h.mu.Lock()
	h.slots[s.Run] = s.Slot
	h.mu.Unlock()
	err := h.Ledger.BeginRun(ctx, s)
	h.at(s.Slot, station.PhaseIdentify)
	return err
}

func (h *hooked) BeginRunSoon(ctx context.Context, s station.RunStart) station.Saved {
	err := h.BeginRun(context.WithoutCancel(ctx), s)
	return func() error { return err }
}

func (h *hooked) RecordPhase(ctx context.Context, p station.PhaseEnd) error {
	err := h.Ledger.RecordPhase(ctx, p)
	h.after(p)
	return err
}

func (h *hooked) RecordPhaseSoon(ctx context.Context, p station.PhaseEnd) station.Saved {
	saved := h.Ledger.RecordPhaseSoon(ctx, p)
	h.after(p)
	return saved
}

func (h *hooked) after(p station.PhaseEnd) {
	h.mu.Lock()
	slot := h.slots[p.Run]
	h.mu.Unlock()
	if p.Status != station.PhaseFailed && p.Phase != station.PhaseRecord {
		h.at(slot, p.Phase.Next())
	}
}

// once does something the first time a slot comes to its phase.
func once(want map[string]station.Phase, do func(slot string)) func(string, station.Phase) {
	var mu sync.Mutex
	done := map[string]bool{}
	return func(slot string, p station.Phase) {
		mu.Lock()
		hit := want[slot] == p && !done[slot]
		if hit {
			done[slot] = true
		}
		mu.Unlock()
		if hit {
			do(slot)
		}
	}
}
