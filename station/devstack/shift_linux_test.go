package devstack_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/serialproto/port"
	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/device"
	"provstation/station/devstack"
	"provstation/station/ledger"
	"provstation/station/mqttcheck"
	"provstation/station/pki"
	"provstation/station/scan"
	"provstation/station/wgconf"
	"provstation/station/words"
)

// places watches a stack's places as the station does, and nothing else.
type places []devstack.Place

func (p places) Watch(ctx context.Context) (<-chan station.PortChange, error) {
	cfg := port.WatchConfig{OnlyPaths: true}
	for _, x := range p {
		cfg.Paths = append(cfg.Paths, x.Path)
	}
	in, err := port.Watch(ctx, cfg)
	if err != nil {
		return nil, err
	}
	out := make(chan station.PortChange)
	go func() {
		defer close(out)
		for c := range in {
			select {
			case out <- station.PortChange{Added: c.Kind == port.Added, Port: station.PortInfo{Path: c.Info.Path, Slot: c.Info.Slot}}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// anchors gives the stack's root and ICA.
type anchors string

func (a anchors) Anchors(context.Context) (set station.Anchors, err error) {
	root, err := os.ReadFile(string(a))
	if err != nil {
		return set, err
	}
	ica, err := os.ReadFile(filepath.Join(filepath.Dir(string(a)), "provider-ica.pem"))
	if err != nil {
		return set, err
	}
	if set.Roots, err = pki.LoadRoots(root); err != nil {
		return set, err
	}
	set.Intermediates, err = pki.LoadIntermediates(ica)
	return set, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// bench is a real station on the places of a stack: every label is scanned, and nobody waits long for a bridge.
func bench(t *testing.T, s *devstack.Stack, tunnels bool) *station.Bench {
	t.Helper()
	l, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Config{})
	must(t, err)
	client, err := bridge.New(s.BridgeURL, bridge.Config{Trust: bridge.TrustFile(s.Root), Timeout: 20 * time.Second})
	must(t, err)
	text, err := words.Load("")
	must(t, err)
	scans, err := scan.Compile(scan.Rules{})
	must(t, err)
	slots := map[string]string{}
	for _, p := range s.Places() {
		slots[p.Path] = p.Slot
	}
	runner := station.NewRunner(station.RunnerConfig{
		Start:    station.RunStart{Tenant: "acme", Station: "bench", StationID: "shift"},
		Assign:   station.AssignScan,
		AssignID: func(g station.Greeting) (string, error) { return "edge-" + strings.ToLower(g.HardwareSerial), nil },
		NameOf:   func(id string, _ station.Greeting) (string, error) { return id, nil },
		CSR:      pki.CSRPolicy{KeyTypes: []pki.KeyType{"P-256"}}, Answer: pki.Policy{ClockSkew: time.Minute},
		WireGuard: tunnels, Tunnel: wgconf.Policy{DNS: wgconf.Allow}, ClockSet: true, ClockRefuse: true,
		MQTT:    mqttcheck.Config{Host: s.Broker, Port: uint16(s.Port)},
		Retries: map[station.Phase]int{station.PhaseEnroll: 1}, Pause: station.Pause{First: time.Millisecond, Max: time.Millisecond},
	}, client, l, anchors(s.Root), mqttcheck.Check, text)
	b := station.NewBench(station.BenchConfig{
		Info: station.StationInfo{StationID: "shift", Tenant: "acme"}, Ports: station.PortRules{Slots: slots}, Scans: scans,
	}, places(s.Places()), device.NewConnector(device.Config{Baud: 921600}), runner)
	t.Cleanup(func() {
		client.Close()
		_ = l.Close()
	})
	return b
}

// worker is somebody who works a batch off: scans what is printed on each box, gives up where the label is refused, tries
// again once the bridge is back, and lets the line swap the boxes.
type worker struct {
	t     *testing.T
	stack *devstack.Stack
	bench *station.Bench

	ends    map[devstack.Trouble]map[string]int // outcome and code, by what is wrong with the box
	kill    int                                 // boxes that pass before the bridge dies; 0: it lives
	tunnels bool
	outage  context.CancelFunc // ends the time in which the bridge is dead; nil before it has begun
	down    int                // runs that met the dead bridge
}

func (w *worker) event(e station.Event) {
	line := w.stack.Line
	switch v := e.Body.(type) {
	case station.RunStarted:
		line.Started(v.Slot)
	case station.ScanWanted:
		if box, ok := line.At(v.Slot); ok && v.Wanted {
			must(w.t, w.bench.Scan(box.Label, v.Slot))
		}
	case station.ScanTaken:
		if v.Code == station.CodeScanWrong {
			must(w.t, w.bench.Abort(v.Params["slot"]))
			w.count(v.Params["slot"], "scan "+string(v.Code))
		}
	case station.RunEnded:
		w.ended(v)
	}
}

func (w *worker) ended(v station.RunEnded) {
	verdict := devstack.Bad
	switch {
	case v.Outcome.Good():
		verdict = devstack.Good
	case v.Outcome == station.Error, v.Outcome == station.Timeout:
		verdict = devstack.Passing
	}
	if v.Code == station.CodeBridgeDown {
		w.down++
		w.outage()
	} else {
		w.count(v.Slot, strings.TrimSpace(string(v.Outcome)+" "+string(v.Code)))
	}
	if w.outage == nil && w.kill > 0 && w.ends[devstack.NoTrouble]["PASS"] == w.kill {
		w.killBridge()
	}
	w.stack.Line.Ended(devstack.End{
		Slot: v.Slot, HardwareSerial: v.HardwareSerial, Code: string(v.Code), Verdict: verdict,
	})
	if verdict != devstack.Passing {
		return
	}
	for deadline := time.After(20 * time.Second); w.stack.Bridge.IsDead(); {
		select {
		case <-deadline:
			w.t.Fatal("the bridge does not come back")
		case <-time.After(5 * time.Millisecond):
		}
	}
	must(w.t, w.bench.Retry(v.Slot))
}

// killBridge takes the bridge away until a run has met that, however long the machine takes.
func (w *worker) killBridge() {
	var ctx context.Context
	ctx, w.outage = context.WithCancel(w.t.Context())
	go w.stack.Bridge.Dead(ctx, time.Hour)
}

func (w *worker) count(slot, what string) {
	box, ok := w.stack.Line.At(slot)
	if !ok {
		w.t.Errorf("%s ended %s without a box", slot, what)
	}
	if w.ends[box.Trouble] == nil {
		w.ends[box.Trouble] = map[string]int{}
	}
	w.ends[box.Trouble][what]++
}

// work takes the batch through, and tells of each run's end.
func (w *worker) work(ended func()) {
	t, s := w.t, w.stack
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close stack: %v", err)
		}
	})
	w.bench, w.ends = bench(t, s, w.tunnels), map[devstack.Trouble]map[string]int{}
	feed := w.bench.Subscribe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := w.bench.Run(ctx)
		done <- err
	}()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
	})
	patience := time.After(90 * time.Second)
	for through := false; !through; {
		select {
		case e := <-feed:
			w.event(e)
			if _, ok := e.Body.(station.RunEnded); ok {
				ended()
			}
		case <-s.Line.Through():
			through = true
		case <-patience:
			t.Fatalf("the batch is not through: %+v, %v", s.Line.Progress(), w.ends)
		}
	}
}

// A whole batch with one of every trouble goes through three places of a real station: real ports, agent, bridge, broker and
// ledger. Each trouble ends with its own code, a dead bridge costs a second try and no device, and all others pass.
func TestShift(t *testing.T) {
	s, err := devstack.Start(t.Context(), devstack.Config{
		StateDir: t.TempDir(), Devices: 3, Baud: 921600, Quiet: true, Line: devstack.LineConfig{
			Boxes: 9, WrongLabel: 2, ClonedKey: 6, BadClock: 3, SwapDelay: 5 * time.Millisecond, AsideDelay: 10 * time.Millisecond,
		},
	})
	must(t, err)
	w := &worker{t: t, stack: s, kill: 2, tunnels: true}
	w.work(func() {})
	want := map[devstack.Trouble]map[string]int{
		devstack.NoTrouble:  {"PASS": 6},
		devstack.WrongLabel: {"scan " + string(station.CodeScanWrong): 1, "ABORTED " + string(station.CodeAborted): 1},
		devstack.ClonedKey:  {"FAIL " + string(station.CodeKeyTaken): 1},
		devstack.BadClock:   {"FAIL " + string(station.CodeClockDevice): 1},
	}
	if diff := cmp.Diff(want, w.ends); diff != "" {
		t.Errorf("ends by trouble (-want +got):\n%s", diff)
	}
	if w.down == 0 {
		t.Error("no run met the dead bridge")
	}
	if n := s.Bridge.Enrolled(); n != 6 {
		t.Errorf("the bridge enrolled %d devices, want 6", n)
	}
	if p := s.Line.Progress(); p != (devstack.Progress{Boxes: 9, Done: 6, Aside: 3}) {
		t.Errorf("got %+v, want 6 done and 3 aside", p)
	}
}

// However many boxes come and go, the process has as many descriptors and goroutines as in the beginning.
func TestLongShiftLeavesNothing(t *testing.T) {
	const boxes, third = 60, 20
	s, err := devstack.Start(t.Context(), devstack.Config{
		StateDir: t.TempDir(), Devices: 3, Baud: 921600, Quiet: true, Line: devstack.LineConfig{
			Boxes: boxes, SwapDelay: time.Millisecond, AsideDelay: time.Millisecond,
		},
	})
	must(t, err)
	w := &worker{t: t, stack: s} // the tenant's end of each tunnel would stay
	n := 0
	var files, routines [boxes/third + 1]int // most of each third
	w.work(func() {
		open, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		files[n/third], routines[n/third] = max(files[n/third], len(open)), max(routines[n/third], runtime.NumGoroutine())
		n++
	})
	if w.ends[devstack.NoTrouble]["PASS"] != boxes {
		t.Fatalf("got %v, want %d boxes that pass", w.ends, boxes)
	}
	t.Logf("descriptors %v, goroutines %v", files, routines)
	for what, most := range map[string][boxes/third + 1]int{"descriptors": files, "goroutines": routines} {
		if most[2] > most[0]+third/2 {
			t.Errorf("got %d %s in the last %d runs and %d in the first, want about as many", most[2], what, third, most[0])
		}
	}
}
