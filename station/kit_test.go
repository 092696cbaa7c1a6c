package station

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"provstation/station/mqttcheck"
	"provstation/station/stationtest"
)

// kit is a bench of fakes. Make it inside a synctest bubble, change it, then play it.
type kit struct {
	t       *testing.T
	pki     *stationtest.PKI
	bridge  *fakeBridge
	ledger  *fakeLedger
	trust   *fakeTrust
	prover  *fakeProver
	conn    *fakeConnector
	watcher *fakeWatcher
	cfg     RunnerConfig
	bench   BenchConfig

	wrapLedger func(Ledger) Ledger // nil: it is used as it is

	on func(b *Bench, e Event) // sees every event, in order, in the goroutine that reads them
}

// newKit makes a bench with one slot, s1, and a fresh device SN-1 in it.
func newKit(t *testing.T) *kit {
	t.Helper()
	p := stationtest.NewPKI(t)
	k := &kit{
		t: t, pki: p, bridge: &fakeBridge{pki: p}, ledger: newFakeLedger(), trust: &fakeTrust{pki: p},
		prover: &fakeProver{proof: mqttcheck.ProofBrokerDelivered}, conn: &fakeConnector{ports: map[string]*fakePort{}},
		watcher: &fakeWatcher{changes: make(chan PortChange, 64)},
		cfg: RunnerConfig{
			Start:    RunStart{Tenant: "acme", Station: "bench"},
			AssignID: func(g Greeting) (string, error) { return "edge-" + strings.ToLower(g.HardwareSerial), nil },
		},
		bench: BenchConfig{Ports: PortRules{Include: []string{"/dev/*"}}, Settle: 20 * time.Second, Info: StationInfo{Broker: "broker:8883"}},
	}
	k.add("s1", newFakeDevice("SN-1"))
	return k
}

// add puts a slot on the bench; a nil device leaves it empty.
func (k *kit) add(slot string, d *fakeDevice) *fakePort {
	p := &fakePort{path: "/dev/" + slot}
	k.conn.ports[p.path] = p
	if d != nil {
		p.plug(d)
	}
	k.watcher.changes <- PortChange{Added: true, Port: PortInfo{Path: p.path, Slot: slot, VID: "0403"}}
	return p
}

func (k *kit) port(slot string) *fakePort { return k.conn.ports["/dev/"+slot] }

// dev is the device in s1.
func (k *kit) dev() *fakeDevice {
	d, _ := k.port("s1").device()
	return d
}

// sealed makes the device in s1 an enrolled one with a certificate of the hierarchy.
func (k *kit) enrolled(state DeviceState) *fakeDevice {
	d := k.dev()
	d.enrolled(k.pki, "edge-sn-1", state, func(pub crypto.PublicKey, id string) []byte { return issueFor(k.pki, pub, id) })
	return d
}

// knows puts a PASS on file for what the device holds.
func (k *kit) knows(d *fakeDevice) {
	k.ledger.knows(d.serial, d.id, d.spki(), d.leafHash(), time.Now().Add(24*time.Hour), false)
}

// play runs the bench until it ends and returns every event. It fails unless the bench ends within an hour of its own time.
func (k *kit) play() []Event {
	k.t.Helper()
	events, err := k.playErr(k.t.Context())
	if err != nil {
		k.t.Errorf("bench: got %v, want nil", err)
	}
	return events
}

func (k *kit) playErr(ctx context.Context) ([]Event, error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	var l Ledger = k.ledger
	if k.wrapLedger != nil {
		l = k.wrapLedger(l)
	}
	r := NewRunner(k.cfg, k.bridge, l, k.trust, k.prover.prove, fakeWords{})
	b := NewBench(k.bench, k.watcher, k.conn, r)
	feed := b.Subscribe()
	var events []Event
	var wg sync.WaitGroup
	wg.Go(func() {
		for e := range feed {
			events = append(events, e)
			if k.on != nil {
				k.on(b, e)
			}
		}
	})
	sum, err := b.Run(ctx)
	wg.Wait()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		k.t.Errorf("the bench did not come to rest within an hour; last events:\n%s", show(events))
	}
	if last, ok := events[len(events)-1].Body.(Summary); !ok || last != sum {
		k.t.Errorf("last event: got %+v, want the summary %+v", events[len(events)-1].Body, sum)
	}
	return events, err
}

// ends are the run-end events.
func ends(events []Event) (list []RunEnded) {
	for _, e := range events {
		if b, ok := e.Body.(RunEnded); ok {
			list = append(list, b)
		}
	}
	return list
}

// one is the only run-end event.
func one(t *testing.T, events []Event) RunEnded {
	t.Helper()
	list := ends(events)
	if len(list) != 1 {
		t.Fatalf("got %d runs, want 1:\n%s", len(list), show(events))
	}
	return list[0]
}

// wantEnd checks how the only run ended.
func wantEnd(t *testing.T, events []Event, outcome Outcome, code Code) RunEnded {
	t.Helper()
	e := one(t, events)
	checkEnd(t, e, outcome, code)
	if t.Failed() {
		t.Logf("events:\n%s", show(events))
	}
	return e
}

func checkEnd(t *testing.T, e RunEnded, outcome Outcome, code Code) {
	t.Helper()
	if e.Outcome != outcome || e.Code != code {
		t.Errorf("got %s %s in %s %v, want %s %s", e.Outcome, e.Code, e.Phase, e.Params, outcome, code)
	}
	if e.Proof == NoProof && outcome == Pass {
		t.Errorf("%s: got proof %q", e.Outcome, e.Proof)
	}
	if code != "" && (e.Message == "" || e.Hint == "") {
		t.Errorf("%s: got message %q and hint %q, want both", code, e.Message, e.Hint)
	}
}

// phases are the events of one phase of every run.
func phases(events []Event, p Phase) (list []PhaseChanged) {
	for _, e := range events {
		if b, ok := e.Body.(PhaseChanged); ok && b.Phase == p {
			list = append(list, b)
		}
	}
	return list
}

// statuses are the statuses of a phase's events.
func statuses(events []Event, p Phase) string {
	var s []string
	for _, e := range phases(events, p) {
		s = append(s, string(e.Status))
	}
	return strings.Join(s, " ")
}

// show prints the newest events.
func show(events []Event) string {
	const most = 12
	var b strings.Builder
	events = events[max(0, len(events)-most):]
	for _, e := range events {
		text, err := e.MarshalJSON()
		fmt.Fprintf(&b, "%s %v\n", text, err)
	}
	return b.String()
}

// bubble runs f in a synctest bubble.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// fault makes a fault as an adapter does.
func fault(code Code, outcome Outcome, class Class) *Fault {
	return &Fault{Code: code, Outcome: outcome, Class: class, Params: map[string]string{}, Err: errors.New("because")}
}
