package device_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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

const rigBaud = 921600

// patience is how long the next event may take; the machine that has gadgets is an emulated one.
var patience = func() time.Duration { //nolint:gochecknoglobals // a constant of the machine
	if os.Getenv(gadgetsEnv) != "" {
		return 3 * time.Minute
	}
	return 40 * time.Second
}()

// hotplugRig is a bench of real parts: watcher, connector, ledger, the embedded tenant stack and its devices.
type hotplugRig struct {
	t     *testing.T
	stack *devstack.Stack
	feed  <-chan station.Event
	lines chan station.Line // those the bench opens
	seen  []string
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newHotplugRig starts a bench on the world. Devices have power and lie beside it.
func newHotplugRig(t *testing.T, w world, cfg devstack.Config, rules station.PortRules) *hotplugRig {
	t.Helper()
	cfg.StateDir, cfg.Quiet, cfg.Baud = t.TempDir(), true, rigBaud
	stack, err := devstack.Start(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() { must(t, stack.Close()) })
	records, err := ledger.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Config{})
	must(t, err)
	t.Cleanup(func() { must(t, records.Close()) })
	client, err := bridge.New(stack.BridgeURL, bridge.Config{Trust: bridge.TrustFile(stack.Root), Timeout: 20 * time.Second})
	must(t, err)
	t.Cleanup(client.Close)
	text, err := words.Load("")
	must(t, err)
	runner := station.NewRunner(station.RunnerConfig{
		Start:    station.RunStart{Tenant: "acme", Station: "bench", StationID: "rig"},
		AssignID: func(g station.Greeting) (string, error) { return "edge-" + strings.ToLower(g.HardwareSerial), nil },
		NameOf:   func(id string, _ station.Greeting) (string, error) { return id, nil },
		CSR:      pki.CSRPolicy{KeyTypes: []pki.KeyType{"P-256"}}, Answer: pki.Policy{ClockSkew: time.Minute},
		WireGuard: true, Tunnel: wgconf.Policy{DNS: wgconf.Allow},
		MQTT:  mqttcheck.Config{Host: stack.Broker, Port: uint16(stack.Port)},
		Pause: station.Pause{First: 10 * time.Millisecond, Max: 50 * time.Millisecond},
	}, client, records, pinned{stack.Root, filepath.Join(filepath.Dir(stack.Root), "provider-ica.pem")}, mqttcheck.Check, text)
	r := &hotplugRig{t: t, stack: stack, lines: make(chan station.Line, 64)}
	bench := station.NewBench(station.BenchConfig{
		Info: station.StationInfo{StationID: "rig", Tenant: "acme"}, Ports: rules,
	}, w.watcher(), tap{device.NewConnector(device.Config{Baud: rigBaud}), r.lines}, runner)
	r.feed = bench.Subscribe()
	r.run(bench)
	return r
}

// run runs the bench until the test ends.
func (r *hotplugRig) run(bench *station.Bench) {
	ctx, cancel := context.WithCancel(r.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := bench.Run(ctx); err != nil {
			r.t.Errorf("bench: %v", err)
		}
	})
	r.t.Cleanup(func() { cancel(); wg.Wait() })
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

// tap hands the lines that a connector opens to the test as well.
type tap struct {
	station.Connector
	lines chan<- station.Line
}

func (c tap) Open(ctx context.Context, p station.PortInfo) (station.Line, error) {
	l, err := c.Connector.Open(ctx, p)
	if err == nil {
		select {
		case c.lines <- l:
		default: // nobody asks for them
		}
	}
	return l, err
}

// wait reads events up to the first that take accepts.
func (r *hotplugRig) wait(what string, take func(station.Event) bool) {
	r.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case e, open := <-r.feed:
			if !open {
				r.t.Fatalf("the bench ended before %s; events:\n%s", what, strings.Join(r.seen, "\n"))
			}
			line, err := e.MarshalJSON()
			must(r.t, err)
			r.seen = append(r.seen, string(line))
			if take(e) {
				return
			}
		case <-late.C:
			r.t.Fatalf("no %s within %v; events:\n%s", what, patience, strings.Join(r.seen, "\n"))
		}
	}
}

func (r *hotplugRig) started() (s station.RunStarted) {
	r.t.Helper()
	r.wait("start of a run", func(e station.Event) (ok bool) { s, ok = e.Body.(station.RunStarted); return ok })
	return s
}

func (r *hotplugRig) ended() (s station.RunEnded) {
	r.t.Helper()
	r.wait("end of a run", func(e station.Event) (ok bool) { s, ok = e.Body.(station.RunEnded); return ok })
	return s
}

// enrolling reads until the run waits for the bridge.
func (r *hotplugRig) enrolling(run string) {
	r.t.Helper()
	r.wait("enroll phase", func(e station.Event) bool {
		p, ok := e.Body.(station.PhaseChanged)
		return ok && p.Run == run && p.Phase == station.PhaseEnroll
	})
}

// port reads until something is said of the port.
func (r *hotplugRig) port(path string) (s station.PortSeen) {
	r.t.Helper()
	r.wait("news of "+path, func(e station.Event) bool {
		p, ok := e.Body.(station.PortSeen)
		s = p
		return ok && p.Port == path
	})
	return s
}

// passed compares an end with the run's start.
func (r *hotplugRig) passed(e station.RunEnded, s station.RunStarted) {
	r.t.Helper()
	if e.Run != s.Run || e.Slot != s.Slot || e.Outcome != station.Pass {
		r.t.Errorf("got %s %s of run %s in %q, want PASS of %s in %q; events:\n%s", e.Outcome, e.Code, e.Run, e.Slot, s.Run, s.Slot,
			strings.Join(r.seen, "\n"))
	}
}

// opened is the next line that the bench opens.
func (r *hotplugRig) opened() station.Line {
	r.t.Helper()
	select {
	case l := <-r.lines:
		return l
	case <-time.After(patience):
		r.t.Fatalf("no port was opened within %v", patience)
		return nil
	}
}

// firstByte is when the line heard its first byte.
func firstByte(t *testing.T, l station.Line, bound time.Duration) time.Time {
	t.Helper()
	late := time.After(bound)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if at := l.FirstByte(); !at.IsZero() {
				return at
			}
		case <-late:
			t.Fatalf("nothing heard within %v", bound)
		}
	}
}
