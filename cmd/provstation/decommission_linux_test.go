package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/pki"
	"provstation/station/retire"
	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// retireBench is a tenant stack with a real step-ca and devices that have passed, and a station that takes them out of service.
type retireBench struct {
	*crashBench
	config string
	ca     *stepca.Client
	key    *stepca.Revoker // the CA's provisioner, as somebody else has it
}

func newRetireBench(t *testing.T, devices int) *retireBench {
	t.Helper()
	b := &retireBench{crashBench: newCrashBenchWith(t, devstack.Config{
		Devices: devices, Signer: devstack.SignerStepCA, StepCA: stationtest.Program(t, "step-ca"),
	})}
	b.base.Station.Operator = "Lea"
	b.base.Tenant.ThingsBoard.Timeout, b.base.Tenant.HawkBit.Timeout = config.Default().Tenant.HawkBit.Timeout, config.Default().Tenant.HawkBit.Timeout
	key, pub := filepath.Join(b.dir, "unlock.key"), filepath.Join(b.dir, "unlock.pub")
	command(t, "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
	command(t, "openssl", "pkey", "-in", key, "-pubout", "-out", pub)
	b.base.Device.Unlock.KeyFile, b.base.Device.Unlock.PinsFile = key, pub
	b.config = b.away("station", nil)
	ended := cli(t, nil, "run", "--json", "--config", b.crashBench.config("bench", nil), "--count", strconv.Itoa(devices), "--timeout", "120s").good(t)
	if n := strings.Count(ended.stdout, `"outcome":"PASS"`); n != devices {
		t.Fatalf("got %d PASS, want %d:\n%s", n, devices, ended.stderr)
	}
	text, err := os.ReadFile(b.stack.Root)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pki.LoadRoots(text)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(list[0])
	if b.ca, err = stepca.New(b.stack.StepCAURL, roots); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.ca.Close)
	password, err := fileSecret(b.stack.Provisioner.PasswordFile)
	if err != nil {
		t.Fatal(err)
	}
	if b.key, err = b.ca.Revoker(t.Context(), "", stepca.NewSecret(password.Reveal())); err != nil {
		t.Fatal(err)
	}
	return b
}

// away writes the configuration of a station that has no devices.
func (b *retireBench) away(name string, edit func(*config.Config)) string {
	b.t.Helper()
	return b.crashBench.config(name, func(c *config.Config) {
		c.Ports.Include, c.Ports.Slots = nil, nil
		if edit != nil {
			edit(c)
		}
	})
}

func (b *retireBench) id(i int) string { return "edge-" + strings.ToLower(b.stack.Devices[i].Serial) }

func (b *retireBench) do(code int, args ...string) said {
	b.t.Helper()
	return b.doWith(b.config, code, args...)
}

func (b *retireBench) doWith(cfg string, code int, args ...string) said {
	b.t.Helper()
	got := cli(b.t, []string{"PROVSTATION_CONFIG=" + cfg}, args...)
	if got.code != code {
		b.t.Fatalf("%v: got exit code %d, want %d\nstdout: %s\nstderr: %s", args, got.code, code, got.stdout, got.stderr)
	}
	return got
}

// steps are the states of a decommissioning's steps by its NDJSON.
func steps(t *testing.T, s said) (list []string) {
	t.Helper()
	for _, e := range ofType(s.objects(t), "step") {
		list = append(list, strings.TrimSpace(e.text("state")+" "+e.text("code")))
	}
	return list
}

func (b *retireBench) wantSteps(code int, id string, want ...string) {
	b.t.Helper()
	got := b.do(code, "decommission", id, "--yes", "--json")
	if diff := cmp.Diff(want, steps(b.t, got)); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s\n%s", id, diff, got.stdout)
	}
}

// known is where the tenant still knows the device: "" where it is gone everywhere.
func (b *retireBench) known(i int) string {
	b.t.Helper()
	var list []string
	if slices.Contains(b.stack.ThingsBoard.Names(), b.id(i)) {
		list = append(list, "ThingsBoard")
	}
	if slices.Contains(b.stack.HawkBit.IDs(), b.id(i)) {
		list = append(list, "hawkBit")
	}
	server, err := b.stack.Tunnels(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, address := range b.texts("SELECT address FROM tunnel_addresses WHERE device_id = ?", b.id(i)) {
		for _, p := range server.Peers {
			if len(p.AllowedIPs) == 1 && p.AllowedIPs[0].Addr().String() == address {
				list = append(list, "peer")
			}
		}
	}
	for _, serial := range b.texts("SELECT cert_serial FROM certificates WHERE device_id = ?", b.id(i)) {
		if !b.revoked(serial) {
			list = append(list, "certificate")
		}
	}
	return strings.Join(list, " ")
}

func (b *retireBench) texts(query string, args ...any) []string {
	b.t.Helper()
	l := &lifeBench{t: b.t, ledger: filepath.Join(b.dir, "ledger.db")}
	return l.column(query, args...)
}

// revoked asks the CA itself: a certificate that is revoked does not renew, and its own list is off. It says so to whoever
// would revoke it again, which is why this is for the end of a test.
func (b *retireBench) revoked(serial string) bool {
	b.t.Helper()
	n, ok := new(big.Int).SetString(serial, 16)
	if !ok {
		b.t.Fatalf("serial %q", serial)
	}
	r, err := b.key.Revoke(b.t.Context(), n, stepca.Revocation{})
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Already
}

// A device goes out of service at real servers: all of it, what is gone already, what fails and is tried again, what only an
// administrator can do; and it is held when it turns up.
func TestDecommissionStack(t *testing.T) {
	t.Parallel()
	b := newRetireBench(t, 6)
	b.do(exitBad, "decommission", "edge-none", "--yes").says(t, `no device "edge-none" is on file`)
	b.do(exitUsage, "decommission", b.id(0)).says(t, "no terminal", "--yes")
	b.do(exitUsage, "decommission", b.id(0), "--yes", "--done", "revoke").says(t, "the CA is always asked")

	got := b.do(exitGood, "decommission", strings.ToUpper(b.id(0)), "--reason", "water in the box", "--yes")
	got.says(t, "revoke          done       1 revoked", "wireguard-peer  done       removed ", "thingsboard     done       deleted", "hawkbit         done       deleted",
		"erase           by hand    The device is not connected", "Brokers accept the certificate until it expires on", b.id(0)+" is out of service")
	if left := b.known(0); left != "" {
		t.Errorf("the tenant still has %s of it", left)
	}
	b.do(exitGood, "decommission", b.id(0), "--yes").says(t, "was taken out of service on", "by Lea", "Nothing was done now")
	b.wantSteps(exitGood, b.id(0), "done", "done", "done", "done", "manual")
	held := cli(t, nil, "run", "--json", "--config", b.crashBench.config("again", nil), "--slot", b.stack.Devices[0].Path+"=again", "--timeout", "20s")
	if !strings.Contains(held.stdout, "E-DECOMMISSIONED") || held.code != exitBad {
		t.Errorf("the device turns up: got exit code %d, want it held\n%s", held.code, held.stdout)
	}

	t.Run("already gone", func(t *testing.T) { b.gone(1) })
	t.Run("servers fail", func(t *testing.T) { b.failing(2) })
	t.Run("CA down", func(t *testing.T) { b.withoutCA(3) })
	t.Run("by hand", func(t *testing.T) { b.byHand(4) })
	t.Run("connected", func(t *testing.T) { b.connected(5) })
	for i := range 6 {
		if left := b.known(i); left != "" && i != 4 {
			t.Errorf("%s: the tenant still has %s of it", b.id(i), left)
		}
	}
	b.do(exitGood, "records", "verify")
}

// gone: somebody has cleaned up by hand.
func (b *retireBench) gone(i int) {
	b.do(exitGood, "cert", "revoke", b.id(i), "--yes", "--reason", "cessationOfOperation")
	cfg, _, err := config.Load(config.LoadOptions{Path: b.config, Env: map[string]string{}})
	if err != nil {
		b.t.Fatal(err)
	}
	places, err := (&app{}).retirePlaces(cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	defer places.close()
	var c retire.Config
	places.into(&c)
	for _, p := range []retire.Place{c.ThingsBoard, c.HawkBit} {
		if gone, err := p.Remove(b.t.Context(), b.id(i)); err != nil || gone {
			b.t.Fatalf("got %t, %v, want it deleted", gone, err)
		}
	}
	server, err := c.Server.Read(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	address := b.texts("SELECT address FROM tunnel_addresses WHERE device_id = ?", b.id(i))[0]
	for _, p := range server.Peers {
		if p.AllowedIPs[0].Addr().String() == address {
			if err := c.Server.Remove(b.t.Context(), p.PublicKey); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.wantSteps(exitGood, b.id(i), "gone", "gone", "gone", "gone", "manual")
}

// failureCodes are what ends a step where a server fails in a way that nothing mends.
func failureCodes() map[devstack.ServiceFault]string {
	return map[devstack.ServiceFault]string{
		devstack.ServiceDown: "E-TENANT-DOWN", devstack.ServiceUnauthorized: "E-TENANT-AUTH", devstack.ServiceForbidden: "E-TENANT-AUTH",
		devstack.ServiceGarbage: "E-TENANT-ANSWER", devstack.ServicePage: "E-TENANT-PATH", devstack.ServiceBroken: "E-TENANT-INTERNAL",
		devstack.ServiceGateway: "E-TENANT-DOWN", devstack.HawkBitCut: "E-TENANT-DOWN",
	}
}

// failures are those of the faults that nothing mends.
func failures(list []devstack.ServiceFault) []devstack.ServiceFault {
	return slices.DeleteFunc(slices.Clone(list), func(f devstack.ServiceFault) bool { return failureCodes()[f] == "" })
}

// failing: every way in which the servers fail ends the step with its code, and the next call tries that one alone again.
func (b *retireBench) failing(i int) {
	board, hawk := b.stack.ThingsBoard, b.stack.HawkBit
	for n, f := range failures(devstack.HawkBitFaults()) {
		first := "done"
		if n == 0 {
			board.SetFault(f)
			first = "failed " + failureCodes()[f]
		}
		hawk.SetFault(f)
		b.wantSteps(exitBad, b.id(i), "done", "done", first, "failed "+failureCodes()[f], "manual")
		board.SetFault(devstack.ServiceWorks)
	}
	if slices.Contains(board.Names(), b.id(i)) || !slices.Contains(hawk.IDs(), b.id(i)) {
		b.t.Errorf("want it gone from ThingsBoard and still in hawkBit")
	}
	text := b.do(exitBad, "decommission", b.id(i), "--yes")
	text.says(b.t, "hawkbit         failed     E-TENANT-DOWN", "is not out of service yet. Steps that are left: 1")
	hawk.SetFault(devstack.ServiceSlow)
	b.wantSteps(exitGood, b.id(i), "done", "done", "done", "done", "manual")
	hawk.SetFault(devstack.ServiceWorks)
}

// withoutCA: what would list the device again waits for its certificates.
func (b *retireBench) withoutCA(i int) {
	board := b.stack.ThingsBoard
	gone := b.away("no-ca", func(c *config.Config) {
		c.PKI.StepCAURL = "https://127.0.0.1:" + strconv.Itoa(stationtest.FreePort(b.t))
	})
	got := b.doWith(gone, exitBad, "decommission", b.id(i), "--yes", "--json")
	if diff := cmp.Diff([]string{"failed E-CA-DOWN", "done", "waits", "waits", "waits"}, steps(b.t, got)); diff != "" {
		b.t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.Contains(board.Names(), b.id(i)) {
		b.t.Error("ThingsBoard has forgotten it, and it still gets in")
	}
	for _, f := range failures(devstack.ThingsBoardFaults()) {
		board.SetFault(f)
		b.wantSteps(exitBad, b.id(i), "done", "done", "failed "+failureCodes()[f], "done", "manual")
	}
	board.SetFault(devstack.ThingsBoardExpired) // a token that has ended is no failure: another is asked for
	b.wantSteps(exitGood, b.id(i), "done", "done", "done", "done", "manual")
}

// byHand: the tunnel server is out of reach.
func (b *retireBench) byHand(i int) {
	far := b.away("far", func(c *config.Config) {
		c.WireGuard.Server, c.WireGuard.Mode, c.Device.Unlock.KeyFile = "", config.WGOff, ""
	})
	key := b.texts("SELECT hex(wireguard_key) FROM keys WHERE device_id = ?", b.id(i))
	got := b.doWith(far, exitBad, "decommission", b.id(i), "--yes", "--json")
	if diff := cmp.Diff([]string{"done", "manual", "done", "done", "manual"}, steps(b.t, got)); diff != "" || len(key) != 1 {
		b.t.Errorf("%d keys, (-want +got):\n%s", len(key), diff)
	}
	got.says(b.t, "wg set wg0 peer ", " remove && wg-quick save wg0", "its key and files are still on it")
	b.doWith(far, exitGood, "decommission", b.id(i), "--yes", "--done", "wireguard-peer").says(b.t, "done by hand, says Lea")
	if left := b.known(i); left != "peer" {
		b.t.Errorf("the tenant has %q of it, want the peer alone", left)
	}
}

// connected: the device is at hand. It revokes itself, and is erased under an unlock.
func (b *retireBench) connected(i int) {
	d := b.stack.Devices[i]
	here := b.crashBench.config("here", func(c *config.Config) {
		c.Ports.Include, c.Ports.Slots = []string{d.Path}, nil
		c.PKI.Revoke = config.Revoke{} // no provisioner is needed
	})
	b.do(exitBad, "cert", "revoke", b.id(i), "--with-device", "--yes").says(b.t, "E-NOT-HERE")
	b.doWith(here, exitGood, "cert", "revoke", b.id(i), "--with-device", "--yes", "--reason", "cessationOfOperation").says(b.t, "revoked (cessationOfOperation)")
	if got := b.texts("SELECT way || ' ' || result FROM revocations WHERE device_id = ? ORDER BY begun_at", b.id(i)); !slices.Equal(got, []string{"device failed: E-NOT-HERE", "device done"}) {
		b.t.Errorf("got %q on record", got)
	}
	flag := filepath.Join(b.dir, "devices", d.Name, ".enrolled")
	if _, err := os.Stat(flag); err != nil {
		b.t.Fatal(err)
	}
	got := b.doWith(here, exitGood, "decommission", b.id(i), "--yes", "--json")
	if diff := cmp.Diff([]string{"gone", "done", "done", "done", "done"}, steps(b.t, got)); diff != "" {
		b.t.Errorf("(-want +got):\n%s\n%s", diff, got.stdout)
	}
	if _, err := os.Stat(flag); !errors.Is(err, fs.ErrNotExist) {
		b.t.Errorf("got %v, want the device erased", err)
	}
}

// A decommissioning that is killed at any place, by a real signal, is carried on by the same command: nothing is forgotten,
// nothing is done for another device, and the records are whole.
func TestDecommissionKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("kills some twenty processes")
	}
	points := retire.CrashPoints()
	b := newRetireBench(t, len(points)+1)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 3)
	for i, at := range points {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			b.dieIn(i, at)
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	for i, at := range points {
		if got := b.known(i); got != "" {
			t.Errorf("%s: the tenant still has %s of it", at, got)
		}
		if got := b.texts("SELECT CASE WHEN ended_at IS NULL THEN 'open' ELSE 'ended' END FROM retirements WHERE device_id = ?", b.id(i)); len(got) != 1 || got[0] != "ended" {
			t.Errorf("%s: got %q on record, want one that has ended", at, got)
		}
		if got := b.texts("SELECT coalesce(result, 'open') FROM revocations WHERE device_id = ?", b.id(i)); len(got) != 1 || !slices.Contains([]string{"done", "found done"}, got[0]) {
			t.Errorf("%s: got %q on record of its revocation", at, got)
		}
		if got := b.texts("SELECT state FROM retirement_steps r JOIN retirements t ON t.retirement = r.retirement WHERE t.device_id = ?", b.id(i)); len(got) != 5 || slices.Contains(got, "begun") || slices.Contains(got, "failed") {
			t.Errorf("%s: got steps %q", at, got)
		}
	}
	if got := b.known(len(points)); got != "ThingsBoard hawkBit peer certificate" {
		t.Errorf("another device: the tenant has %q of it, want all", got)
	}
	checkLedger(t, filepath.Join(b.dir, "ledger.db"))
	b.do(exitGood, "records", "verify")
}

// dieIn kills a decommissioning at a place, and has it carried on.
func (b *retireBench) dieIn(i int, at string) {
	ctx, cancel := context.WithTimeout(b.t.Context(), liveEnd)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.deadly, "decommission", b.id(i), "--yes")
	cmd.Env, cmd.Dir = isolated(b.t, "PROVSTATION_CRASH_AT="+at, "PROVSTATION_CONFIG="+b.config), b.t.TempDir()
	out, err := cmd.CombinedOutput()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGKILL || ctx.Err() != nil {
		b.t.Errorf("%s was never reached: got %v, %v\n%s", at, cmd.ProcessState, err, out)
		return
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		b.t.Errorf("%s: %v", at, err)
	}
	got := cli(b.t, []string{"PROVSTATION_CONFIG=" + b.config}, "decommission", b.id(i), "--yes", "--json")
	list := steps(b.t, got)
	if got.code != exitGood || len(list) != len(station.RetirementSteps()) {
		b.t.Errorf("%s, then carried on: got exit code %d, steps %v\n%s%s", at, got.code, list, got.stdout, got.stderr)
	}
	b.t.Logf("%-30s %s", at, strings.Join(list, ", "))
}
