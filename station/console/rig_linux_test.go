package console_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station"
	"provstation/station/bridge"
	"provstation/station/console"
	"provstation/station/devstack"
	"provstation/station/ledger"
	"provstation/station/mqttcheck"
	"provstation/station/pki"
	"provstation/station/wgconf"
	"provstation/station/words"
)

// rig is a real bench on the embedded tenant stack, whose boxes have no agent.
type rig struct {
	t      *testing.T
	stack  *devstack.Stack
	ledger *ledger.Ledger
	file   string
	cfg    station.RunnerConfig
	con    console.Config
	wrap   func(station.Ledger) station.Ledger

	bench *station.Bench
	feed  <-chan station.Event
	stop  func()
	seen  []station.Event
}

func newRig(t *testing.T, con console.Config) *rig {
	t.Helper()
	s, err := devstack.Start(t.Context(), devstack.Config{StateDir: t.TempDir(), Quiet: true})
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close stack: %v", err)
		}
	})
	r := &rig{t: t, stack: s, con: con, wrap: func(l station.Ledger) station.Ledger { return l }}
	r.open(filepath.Join(t.TempDir(), "ledger.db"))
	r.cfg = station.RunnerConfig{
		Start:    station.RunStart{Tenant: "acme", Station: "bench", StationID: "rig"},
		AssignID: func(g station.Greeting) (string, error) { return "edge-" + strings.ToLower(g.HardwareSerial), nil },
		NameOf:   func(id string, _ station.Greeting) (string, error) { return id, nil },
		CSR:      pki.CSRPolicy{KeyTypes: []pki.KeyType{"P-256", "P-384", "Ed25519"}}, Answer: pki.Policy{ClockSkew: time.Minute},
		WireGuard: true, Tunnel: wgconf.Policy{DNS: wgconf.Allow},
		MQTT:  mqttcheck.Config{Host: s.Broker, Port: uint16(s.Port)},
		Pause: station.Pause{First: 10 * time.Millisecond, Max: 50 * time.Millisecond},
	}
	return r
}

func (r *rig) open(path string) {
	r.t.Helper()
	l, err := ledger.Open(r.t.Context(), "sqlite:"+path, ledger.Config{})
	must(r.t, err)
	r.ledger, r.file = l, path
	r.t.Cleanup(func() { _ = l.Close() })
}

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

type watcher chan station.PortChange

func (w watcher) Watch(context.Context) (<-chan station.PortChange, error) { return w, nil }

// start puts a bench on the rig's parts, with one console.
func (r *rig) start() {
	r.t.Helper()
	client, err := bridge.New(r.stack.BridgeURL, bridge.Config{Trust: bridge.TrustFile(r.stack.Root), Timeout: 20 * time.Second})
	must(r.t, err)
	text, err := words.Load("")
	must(r.t, err)
	changes := make(chan station.PortChange)
	trust := pinned{r.stack.Root, filepath.Join(filepath.Dir(r.stack.Root), "provider-ica.pem")}
	runner := station.NewRunner(r.cfg, client, r.wrap(r.ledger), trust, mqttcheck.Check, text)
	r.bench = station.NewBench(station.BenchConfig{
		Info: station.StationInfo{StationID: "rig", Tenant: "acme"}, Ports: station.PortRules{Include: []string{"console"}}, SilentAfter: time.Second,
	}, watcher(changes), console.NewConnector(r.con), runner)
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
	changes <- station.PortChange{Added: true, Port: station.PortInfo{Path: "console", Slot: "left"}}
}

const patience = 90 * time.Second

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

func (r *rig) tail() string {
	var b strings.Builder
	for _, e := range r.seen[max(0, len(r.seen)-25):] {
		text, _ := e.MarshalJSON()
		fmt.Fprintf(&b, "%s\n", text)
	}
	return b.String()
}

// end reads until the next run has ended.
func (r *rig) end() station.RunEnded {
	r.t.Helper()
	e := r.until("end of a run", func(e station.Event) bool { _, ok := e.Body.(station.RunEnded); return ok })
	end, _ := e.Body.(station.RunEnded)
	return end
}

// check compares an end with what it has to be. A code has a sentence and a next action.
func (r *rig) check(what string, e station.RunEnded, outcome station.Outcome, code station.Code) {
	r.t.Helper()
	if e.Outcome != outcome || e.Code != code {
		r.t.Errorf("%s: got %s %s in %q %v, want %s %s\n%s", what, e.Outcome, e.Code, e.Phase, e.Params, outcome, code, r.tail())
	}
	if code != "" && (e.Hint == "" || e.Message == "") {
		r.t.Errorf("%s: got message %q, hint %q, want both", what, e.Message, e.Hint)
	}
	if e.Outcome == station.Pass && e.Proof == station.NoProof {
		r.t.Errorf("%s: got a PASS without a proof", what)
	}
}

// fact is a fact of a phase of a run, as its end told it.
func (r *rig) fact(run string, p station.Phase, name string) string {
	for _, e := range r.seen {
		if c, ok := e.Body.(station.PhaseChanged); ok && c.Run == run && c.Phase == p && (c.Status == station.PhaseDone || c.Status == station.PhaseFailed) {
			return c.Facts[name]
		}
	}
	return ""
}
