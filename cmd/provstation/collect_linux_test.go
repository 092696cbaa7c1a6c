package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/devstack"
	"provstation/station/ledger"
)

// fieldKit is a stack in this process, whose faults a test sets, with the configuration for the real program.
type fieldKit struct {
	*embedded
	t      *testing.T
	config string
}

func newFieldKit(t *testing.T, f stackFlags) *fieldKit {
	t.Helper()
	f.stateDir, f.baud, f.signer, f.reenroll = filepath.Join(t.TempDir(), "stack"), 115200, devstack.SignerBuiltin, "open"
	if f.contract == "" {
		f.contract = string(devstack.Deployed)
	}
	e, err := (&app{}).startStack(t.Context(), f, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close the stack: %v", err)
		}
	})
	return &fieldKit{embedded: e, t: t, config: filepath.Join(f.stateDir, "station.yaml")}
}

// noNetwork is an environment in which every server of the tenant is a trap: the test fails when one is connected to.
func (k *fieldKit) noNetwork() []string {
	k.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed by the cleanup
	if err != nil {
		k.t.Fatal(err)
	}
	var asked atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			_ = c.Close()
		}
	}()
	k.t.Cleanup(func() {
		_ = l.Close()
		if n := asked.Load(); n > 0 {
			k.t.Errorf("the network was asked %d times, want never", n)
		}
	})
	url := "https://" + l.Addr().String()
	return []string{
		"PROVSTATION_BRIDGE_URL=" + url + "/api", "PROVSTATION_PKI_STEP_CA_URL=" + url,
		"PROVSTATION_MQTT_PORT=" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port),
	}
}

// noBridge is an environment in which the bridge alone is out of reach.
func noBridge() []string { return []string{"PROVSTATION_BRIDGE_URL=https://127.0.0.1:1/api"} }

func (k *fieldKit) do(env []string, code int, args ...string) []event {
	k.t.Helper()
	got := cli(k.t, env, append(args, "--config", k.config)...)
	if got.code != code {
		k.t.Fatalf("provstation %s: got exit code %d, want %d\n%s%s", strings.Join(args, " "), got.code, code, got.stdout, got.stderr)
	}
	return objects(k.t, got.stdout)
}

// objects reads NDJSON whose seq has no gaps.
func objects(t *testing.T, text string) (list []event) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("not a JSON object: %q: %v", line, err)
		}
		if list = append(list, e); e["seq"] != float64(len(list)) {
			t.Errorf("got seq %v, want %d", e["seq"], len(list))
		}
	}
	return list
}

// queue is what `collect list --json` says: state and code by device, "" and all states first.
func (k *fieldKit) queue() map[string]string {
	k.t.Helper()
	args := []string{"collect", "list", "--json"}
	for _, s := range station.QueueStates() {
		args = append(args, "--state", string(s))
	}
	got := map[string]string{}
	for _, e := range k.do(nil, exitGood, args...) {
		got[e.text("device_id")] = strings.TrimSpace(e.text("state") + " " + e.text("code"))
		if (e.text("code") == "") != (e.text("message") == "") {
			k.t.Errorf("got %v, want a sentence with every code", e)
		}
	}
	return got
}

func (k *fieldKit) wantQueue(want map[string]string) {
	k.t.Helper()
	if diff := cmp.Diff(want, k.queue()); diff != "" {
		k.t.Errorf("queue (-want +got):\n%s", diff)
	}
}

func (k *fieldKit) id(n int) string { return "edge-" + strings.ToLower(k.Devices[n-1].Serial) }

func (k *fieldKit) plugAll(in bool) {
	k.t.Helper()
	for _, d := range k.Devices {
		var err error
		if in {
			err = d.Plug(k.t.Context())
		} else {
			err = d.Unplug()
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

// five devices are collected where there is no network, relayed over a bridge that stumbles and a relay that is killed, and
// installed when they are plugged in again: each with the key it made in the field, none asked for twice.
func TestCollectRelayInstall(t *testing.T) {
	t.Parallel()
	k := newFieldKit(t, stackFlags{devices: 5})
	events := k.do(k.noNetwork(), exitGood, "collect", "--count", "5", "--timeout", "60s", "--json")
	if last := events[len(events)-1]; last["collected"] != 5.0 || last["devices"] != 5.0 || last["pass"] != 0.0 {
		t.Fatalf("collect: got summary %v, want five collected", last)
	}
	for _, e := range ofType(events, "run-end") {
		if e["outcome"] != "COLLECTED" || e["code"] != "I-COLLECTED" || e.text("hint") == "" || e["cert_fingerprint"] != nil {
			t.Errorf("collect: got %v, want COLLECTED with a hint and no certificate", e)
		}
	}
	keys := map[int][]string{}
	for i := range k.Devices {
		keys[i] = keysBelow(t, filepath.Join(filepath.Dir(k.config), "devices", k.Devices[i].Name))
	}
	if n := k.Bridge.Posts(); n != 0 {
		t.Fatalf("got %d posts, want none", n)
	}
	k.plugAll(false)

	// 1 is told to come back, 2 is refused, the answer for 3 is lost.
	k.Bridge.SetFault(func(id string, _ int) *devstack.Fault {
		switch id {
		case k.id(1):
			return &devstack.Fault{Status: 503, Body: `{"detail":""}`}
		case k.id(2):
			return &devstack.Fault{Status: 422, Body: `{"detail":"Invalid CSR: bad signature"}`}
		case k.id(3):
			return &devstack.Fault{Issue: true, Cut: true}
		}
		return nil
	})
	events = k.do(nil, exitBad, "relay", "--json", "--parallel", "1")
	if events[0]["type"] != "station" || len(ofType(events, "relay")) == 0 {
		t.Errorf("relay: got %v, want the station, then requests", events)
	}
	events = append(events, k.do(nil, exitBad, "relay", "--json")...) // what a stop left over
	if last := events[len(events)-1]; last["type"] != "relay-summary" || last["waiting"] != 2.0 {
		t.Errorf("relay: got summary %v, want two waiting", last)
	}
	after := map[string]string{
		k.id(1): "waiting E-BRIDGE-BUSY", k.id(2): "parked E-BRIDGE-CSR", k.id(3): "waiting E-BRIDGE-DOWN", k.id(4): "issued", k.id(5): "issued",
	}
	k.wantQueue(after)
	posts := k.Bridge.Posts()
	k.do(nil, exitBad, "relay", "--json") // nothing is due
	if got := k.Bridge.Posts(); posts != 5 || got != posts {
		t.Errorf("got %d posts, then %d, want five, and none before its time", posts, got)
	}

	// The relay is killed while the bridge has signed and says nothing yet.
	k.Bridge.SetFault(func(string, int) *devstack.Fault {
		return &devstack.Fault{Issue: true, Delay: time.Minute, Status: 500}
	})
	l := startLive(t, nil, "relay", "--now", "--parallel", "1", "--config", k.config)
	waitUntil(t, func() bool { return len(k.Issued()) == 4 })
	got := cli(t, nil, "relay", "--config", k.config)
	if got.code != exitFault || !strings.Contains(got.stderr, "another relay") {
		t.Errorf("a second relay: got exit code %d, %s, want 3 and why", got.code, got.stderr)
	}
	l.signal(os.Kill)
	<-l.exited
	k.Bridge.SetFault(nil)
	relayed := ofType(k.do(nil, exitGood, "relay", "--now", "--json"), "relay")
	if len(relayed) != 2 {
		t.Errorf("after the kill: got %v, want two relayed", relayed)
	}
	after[k.id(1)], after[k.id(3)] = "issued", "issued"
	k.wantQueue(after)
	k.do(nil, exitGood, "relay", "retry", strings.ToUpper(k.id(2)))
	k.do(nil, exitGood, "relay", "--json")
	after[k.id(2)] = "issued"
	k.wantQueue(after)
	posts = k.Bridge.Posts()

	// Plugged in again: first where not even the broker is in reach, then where it is. The bridge is not asked any more.
	k.plugAll(true)
	one := k.Devices[0]
	offline := append(noBridge(), "PROVSTATION_MQTT_PORT=1", "PROVSTATION_PHASES_MQTT_TRIES=1")
	ends := ofType(k.do(offline, exitBad, "run", "--slot", one.Path+"=left", "--timeout", "3s", "--json"), "run-end")
	if len(ends) != 1 || ends[0]["outcome"] != "ERROR" || ends[0]["phase"] != "mqtt" {
		t.Errorf("without a network: got %v, want ERROR in mqtt", ends)
	}
	ends = ofType(k.do(noBridge(), exitGood, "run", "--count", "5", "--timeout", "60s", "--json"), "run-end")
	for _, e := range ends {
		if e["outcome"] != "PASS" {
			t.Errorf("got %v, want PASS", e)
		}
	}
	if got := k.Bridge.Posts(); got != posts || len(ends) != 5 {
		t.Errorf("got %d runs and %d posts more, want five and none", len(ends), got-posts)
	}
	for id := range after {
		after[id] = "installed"
	}
	k.wantQueue(after)
	k.oracle(keys)
}

// oracle reads the devices' files, the ledger and the CA's own list: every device has the key that it made in the field and
// a certificate for it, its tunnel is set up; every certificate that the CA signed is in the ledger or is covered by a post
// that may have issued one.
func (k *fieldKit) oracle(keys map[int][]string) {
	k.t.Helper()
	for i, d := range k.Devices {
		dir := filepath.Join(filepath.Dir(k.config), "devices", d.Name)
		if diff := cmp.Diff(keys[i], keysBelow(k.t, dir)); diff != "" || len(keys[i]) != 1 {
			k.t.Errorf("%s: key (-collected +installed):\n%s", d.Name, diff)
		}
		if leaf := leafOf(k.t, filepath.Join(dir, "device.pem")); leaf.Subject.CommonName != k.id(i+1) {
			k.t.Errorf("%s: got CN %q, want %s", d.Name, leaf.Subject.CommonName, k.id(i+1))
		}
		conf, err := os.ReadFile(filepath.Join(dir, "wg0.conf"))
		if err != nil || !strings.Contains(string(conf), "PrivateKey = ") || strings.Contains(string(conf), devstack.PlaceholderKey) {
			k.t.Errorf("%s: got wg0.conf %q, %v, want the device's own key in it", d.Name, conf, err)
		}
	}
	path := filepath.Join(filepath.Dir(k.config), "ledger.db")
	checkLedger(k.t, path)
	l, err := ledger.Open(k.t.Context(), "sqlite:"+path, ledger.Config{})
	if err != nil {
		k.t.Fatal(err)
	}
	defer l.Close()
	maybe, err := l.PossiblyIssued(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	var lost, covered []string
	for _, p := range maybe {
		covered = append(covered, p.DeviceID)
	}
	for _, c := range k.Issued() {
		rows, err := l.CertificatesOf(k.t.Context(), k.embedded.config.Station.Tenant, c.Asked)
		if err != nil {
			k.t.Fatal(err)
		}
		if !slices.ContainsFunc(rows, func(r ledger.CertRow) bool { return string(r.Fingerprint) == string(c.Fingerprint[:]) }) {
			lost = append(lost, c.Asked)
		}
	}
	slices.Sort(lost)
	slices.Sort(covered)
	if diff := cmp.Diff(covered, lost); diff != "" || len(lost) != 2 {
		k.t.Errorf("certificates that nobody received (-possibly issued +by the CA's list):\n%s", diff)
	}
}

// Under the documented contract the answer holds the tunnel's private key: refused before anything is posted, with the
// reason; where the contract is configured, before anything is collected.
func TestRelayDocumentedContract(t *testing.T) {
	t.Parallel()
	k := newFieldKit(t, stackFlags{devices: 2, contract: string(devstack.Documented)})
	got := cli(t, []string{"PROVSTATION_BRIDGE_CONTRACT=documented"}, "collect", "--config", k.config)
	if got.code != exitUsage || !strings.Contains(got.stderr, "E-COLLECT-KEY") {
		t.Errorf("contract configured: got exit code %d, %s, want 2 and E-COLLECT-KEY", got.code, got.stderr)
	}
	k.do(k.noNetwork(), exitGood, "collect", "--count", "2", "--timeout", "60s", "--json")
	k.do(nil, exitBad, "relay", "--json")
	k.wantQueue(map[string]string{k.id(1): "parked E-COLLECT-KEY", k.id(2): "parked E-COLLECT-KEY"})
	if n := k.Bridge.Posts(); n != 0 || len(k.Issued()) != 0 {
		t.Errorf("got %d posts, want none", n)
	}
	// At a bench with a network the device is enrolled as any other.
	events := k.do(nil, exitGood, "run", "--count", "2", "--timeout", "60s", "--json")
	if last := events[len(events)-1]; last["pass"] != 2.0 {
		t.Errorf("at a bench: got %v, want two PASS", last)
	}
	for id, state := range k.queue() {
		if state != "installed" && !strings.HasPrefix(state, "dropped") {
			t.Errorf("%s: got %s, want nothing that waits", id, state)
		}
	}
}
