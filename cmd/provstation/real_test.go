package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provstation/station/config"
	"provstation/station/devstack"
	"provstation/station/stationtest"
)

// binaries are the real programs, built once per test run.
var binaries = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "provstation-test-")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", dir, "./cmd/provstation", "./cmd/provagent") //nolint:noctx // shared by tests
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return dir, nil
})

func binary(t *testing.T, name string) string {
	t.Helper()
	dir, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// realBench is a whole bench of real parts: step-ca, mosquitto and provagent as processes, a socat pty pair between.
type realBench struct {
	t      *testing.T
	dir    string
	config string
	files  string // the device's state directory
	caURL  string // step-ca's

	root, serverCert, serverKey string // PEM files of the tenant

	socat  *stationtest.Socat
	broker *stationtest.Mosquitto
	agent  *stationtest.Process
	keys   map[string][]byte // every device key there was, in every form
	tunnel map[string][]byte // and every tunnel key
	out    bytes.Buffer      // every run's NDJSON
}

func newRealBench(t *testing.T, contract devstack.Contract, tlsMax string) *realBench {
	t.Helper()
	return realBenchWith(t, devstack.Config{Contract: contract}, tlsMax, nil, "--reenroll", "open", "--sign-tls12")
}

// realBenchWith is a bench whose tenant stack, agent and configuration are changed.
func realBenchWith(
	t *testing.T, tenant devstack.Config, tlsMax string, change func(*realBench, *config.Config), agent ...string,
) *realBench {
	t.Helper()
	b := &realBench{t: t, dir: t.TempDir(), keys: map[string][]byte{}, tunnel: map[string][]byte{}}
	tenant.StateDir, tenant.Signer, tenant.StepCA = filepath.Join(b.dir, "tenant"), devstack.SignerStepCA, stationtest.Program(t, "step-ca")
	stack, err := devstack.Start(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stack.Close(); err != nil {
			t.Errorf("close the tenant stack: %v", err)
		}
	})
	cert, key, err := stack.ServerFiles(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	b.broker = stationtest.StartMosquitto(t, stack.Root, cert, key)
	b.socat = stationtest.StartSocat(t)
	b.files = filepath.Join(b.dir, "device")
	b.agent = stationtest.Start(t, agentFor(t, agent), append([]string{
		"serve", "--tty", b.socat.Device, "--state-dir", b.files, "--serial", "SN-REAL-0001", "--model", "bench-box",
	}, agent...)...)
	b.root, b.serverCert, b.serverKey = stack.Root, cert, key

	b.caURL = stack.StepCAURL
	c := config.Default()
	c.Station.Name, c.Station.Tenant = "test-bench", "acme"
	c.Bridge.URL, c.Bridge.TLS.Trust = stack.BridgeURL, config.TrustRoot
	c.PKI.RootFingerprint, c.PKI.StepCAURL = stack.RootPrint, stack.StepCAURL
	c.PKI.MinValidity = config.Duration(time.Hour)
	c.PKI.Revoke.Provisioner, c.PKI.Revoke.PasswordFile = stack.Provisioner.Name, stack.Provisioner.PasswordFile
	c.MQTT.Host, c.MQTT.Port, c.MQTT.TLSMax = "127.0.0.1", b.broker.Port, tlsMax
	if tlsMax == "1.3" {
		c.MQTT.TLSMin = "1.3"
	}
	c.Device.IDTemplate = "edge-{serial_lower}"
	c.Ports.Include = []string{b.socat.Station}
	c.Ports.Slots = map[string]string{b.socat.Station: "left"}
	c.Ledger.URL = "sqlite:" + filepath.Join(b.dir, "ledger.db")
	c.Log.File, c.Log.Level = filepath.Join(b.dir, "station.log"), "debug"
	b.config = filepath.Join(b.dir, "station.yaml")
	if change != nil {
		change(b, c)
	}
	if err := config.WriteFile(b.config, c); err != nil {
		t.Fatal(err)
	}
	return b
}

// event is one line of NDJSON.
type event map[string]any

// run does `provstation run --json` and returns its events.
func (b *realBench) run(args ...string) (code int, events []event) {
	b.t.Helper()
	return b.does(append([]string{"run", "--count", "1", "--timeout", "60s"}, args...)...)
}

// does runs a command with the bench's configuration and --json, and returns its events.
func (b *realBench) does(args ...string) (code int, events []event) {
	b.t.Helper()
	args = append(args, "--config", b.config, "--json")
	cmd := exec.CommandContext(b.t.Context(), binary(b.t, "provstation"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatalf("provstation run: %v", err)
	}
	b.out.Write(out)
	b.out.Write(stderr.Bytes())
	for line := range strings.Lines(string(out)) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			b.t.Fatalf("not a JSON object: %q: %v", line, err)
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		b.t.Fatalf("provstation run said nothing; stderr: %s", stderr.String())
	}
	return cmd.ProcessState.ExitCode(), events
}

// one finds the only event of a type.
func one(t *testing.T, events []event, typ string) event {
	t.Helper()
	var found []event
	for _, e := range events {
		if e["type"] == typ {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("got %d %s events, want 1: %v", len(found), typ, events)
	}
	return found[0]
}

// expect checks a run's outcome, exit code and place of the summary.
func (b *realBench) expect(outcome string, args ...string) event {
	b.t.Helper()
	code, events := b.run(args...)
	end := one(b.t, events, "run-end")
	if end["outcome"] != outcome {
		b.t.Fatalf("got outcome %v (%v: %v; phase %v, params %v), want %s", end["outcome"], end["code"], end["message"], end["phase"], end["params"], outcome)
	}
	if code != 0 {
		b.t.Errorf("got exit code %d, want 0", code)
	}
	last := events[len(events)-1]
	if last["type"] != "summary" || last[strings.ToLower(outcome)] != float64(1) || last["devices"] != float64(1) {
		b.t.Errorf("got last line %v, want a summary that counts one %s", last, outcome)
	}
	if events[0]["type"] != "station" {
		b.t.Errorf("got first event %v, want station", events[0])
	}
	for i, e := range events {
		if e["seq"] != float64(i+1) {
			b.t.Errorf("event %d: got seq %v, want %d", i, e["seq"], i+1)
		}
	}
	return end
}

func (b *realBench) file(name string) string { return filepath.Join(b.files, name) }

// snapshot is the digest of every file of the device.
func (b *realBench) snapshot() map[string]string {
	b.t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(b.files, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		sum := sha256.Sum256(data)
		sums[path] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return sums
}

func leafOf(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatalf("%s: no PEM", path)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// command runs a program that has to succeed and returns what it printed.
func command(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), stationtest.Program(t, program), args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// From plug to PASS with nothing that pretends: for both contracts and both TLS versions.
func TestRealParts(t *testing.T) {
	for _, contract := range []devstack.Contract{devstack.Deployed, devstack.Documented} {
		for _, tlsMax := range []string{"1.2", "1.3"} {
			t.Run(string(contract)+" TLS "+tlsMax, func(t *testing.T) {
				t.Parallel()
				b := newRealBench(t, contract, tlsMax)
				end := b.expect("PASS")
				if end["proof"] != "broker-delivered" || end["contract"] != string(contract) || end["device_id"] != "edge-sn-real-0001" {
					t.Errorf("got %v, want proof broker-delivered, contract %s, device edge-sn-real-0001", end, contract)
				}
				b.checkTLS("TLS " + tlsMax)
				b.checkDocumentedCommands()
				b.collectSecrets()
				b.checkAgain(end)
				b.collectSecrets()
				b.checkSecrets(contract)
			})
		}
	}
}

// checkTLS finds in the broker's own log which TLS version the device's client spoke.
func (b *realBench) checkTLS(want string) {
	b.t.Helper()
	for line := range strings.Lines(b.out.String()) {
		var e struct {
			Type, Phase, Status string
			Facts               map[string]string
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Type == "phase" && e.Phase == "mqtt" && e.Status == "done" {
			if !strings.HasPrefix(e.Facts["tls"], want+" ") {
				b.t.Errorf("got TLS %q, want %s", e.Facts["tls"], want)
			}
			return
		}
	}
	b.t.Errorf("no mqtt phase was done")
}

// checkDocumentedCommands: the tenant's own commands work on the device's files as they lie.
func (b *realBench) checkDocumentedCommands() {
	t := b.t
	t.Helper()
	out := command(t, "openssl", "verify", "-CAfile", b.file("ca-chain.pem"), b.file("device.pem"))
	if !strings.Contains(out, "device.pem: OK") {
		t.Errorf("got %q, want openssl to accept device.pem with the CA file alone", out)
	}
	shown := command(t, "openssl", "verify", "-show_chain", "-CAfile", b.file("ca-chain.pem"), b.file("device.pem"))
	at := -1
	for _, cn := range []string{"edge-sn-real-0001", "Demo Tenant Issuing CA", "Provider Intermediate CA", "Provider Root CA"} {
		i := strings.Index(shown, "CN = "+cn)
		if i <= at {
			t.Errorf("got chain %q, want %s in its place", shown, cn)
		}
		at = i
	}
	for name, mode := range map[string]fs.FileMode{"device-key.pem": 0o600, "wg0.conf": 0o600} {
		info, err := os.Stat(b.file(name))
		if err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: got mode %v, %v, want %v", name, info.Mode().Perm(), err, mode)
		}
	}
	sub := stationtest.Start(t, stationtest.Program(t, "mosquitto_sub"), "-h", "127.0.0.1", "-p", fmt.Sprint(b.broker.Plain),
		"-t", "v1/devices/me/telemetry", "-C", "1", "-W", "20")
	b.broker.WaitLine("Sending SUBACK")
	command(t, "mosquitto_pub", "-h", "127.0.0.1", "-p", fmt.Sprint(b.broker.Port), "--cafile", b.file("ca-chain.pem"),
		"--cert", b.file("device.pem"), "--key", b.file("device-key.pem"), "--tls-version", "tlsv1.2", "-q", "1",
		"-i", "edge-sn-real-0001", "-t", "v1/devices/me/telemetry", "-m", `{"test": 1}`)
	sub.WaitLine(`{"test": 1}`)
}

// checkAgain: a second run changes nothing; --reenroll makes a new key and leaves the old certificate listed.
func (b *realBench) checkAgain(first event) {
	t := b.t
	t.Helper()
	before := b.snapshot()
	end := b.expect("SKIPPED")
	if end["cert_fingerprint"] != first["cert_fingerprint"] || end["not_after"] == nil {
		t.Errorf("got %v, want the certificate of the first run and its end", end)
	}
	if after := b.snapshot(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("a SKIPPED run changed the device's files:\n%v\n%v", before, after)
	}
	old := leafOf(t, b.file("device.pem"))
	end = b.expect("PASS", "--reenroll")
	fresh := leafOf(t, b.file("device.pem"))
	if bytes.Equal(old.RawSubjectPublicKeyInfo, fresh.RawSubjectPublicKeyInfo) || end["cert_fingerprint"] == first["cert_fingerprint"] {
		t.Errorf("--reenroll: want a new key and a new certificate")
	}
	listed := b.certificates("acme", "edge-sn-real-0001")
	for _, fp := range []any{first["cert_fingerprint"], end["cert_fingerprint"]} {
		if !listed[fmt.Sprint(fp)] {
			t.Errorf("certificate %v is not in the ledger any more: %v", fp, listed)
		}
	}
}
