package ledger

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"

	"provstation/station"
)

// TestMain runs a child's part when this binary was started by one of the tests.
func TestMain(m *testing.M) {
	if role := os.Getenv("LEDGER_TEST_CHILD"); role != "" {
		if err := child(role, os.Getenv("LEDGER_TEST_URL")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(role, url string) error {
	switch role {
	case "write": // forever: the parent kills it
		return childWrites(url, -1)
	case "write-some":
		return childWrites(url, 40)
	case "open":
		return childOpens(url)
	case "limited":
		return childLimited(url)
	default:
		return fmt.Errorf("no child %q", role)
	}
}

// childWrites makes whole runs and prints the id of each after FinishRun has returned.
func childWrites(url string, n int) error {
	ctx := context.Background()
	l, err := Open(ctx, url, Config{})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	for i := 0; n < 0 || i < n; i++ {
		d := dev(fmt.Sprintf("HW-%d-%d", os.Getpid(), i))
		if err := d.pass(ctx, l); err != nil {
			return err
		}
		if _, err := out.WriteString(d.run + "\n"); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return l.Close()
}

var t0 = time.Date(2026, 11, 23, 10, 0, 0, 123456000, time.UTC)

func sum(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		_, _ = h.Write([]byte(p + "\x00"))
	}
	return h.Sum(nil)
}

// der is a stand-in for a certificate: the ledger looks at the outer SEQUENCE tag only.
func der(name string) []byte { return append([]byte{0x30, 0x82}, name...) }

func newRun() string { return uuid.Must(uuid.NewV7()).String() }

// device is one device's facts in one run; tests bend them.
type device struct {
	run, post          string
	tenant, serial, id string
	spki, leaf         []byte
	der                []byte
	at                 time.Time
}

func dev(serial string) *device {
	leaf := der("leaf of " + serial)
	fp := sha256.Sum256(leaf)
	return &device{
		run: newRun(), post: newRun(), tenant: "acme", serial: serial, id: "dev-" + serial, spki: sum("spki", serial),
		leaf: fp[:], der: leaf, at: t0,
	}
}

// again is the same device in another run.
func (d *device) again() *device {
	c := *d
	c.run, c.post, c.at = newRun(), newRun(), d.at.Add(time.Minute)
	return &c
}

func (d *device) start() station.RunStart {
	return station.RunStart{
		Run: d.run, Tenant: d.tenant, Site: "hall 2", Station: "bench-1", StationID: "st-1", Operator: "Ada", Batch: "b7",
		Profile: "agent", Slot: "1-1.2", Port: "/dev/ttyUSB0", Version: "1.0", ConfigDigest: "abcd", RequestedID: "ask-" + d.id,
		RequestedKey: "P-256", Reenroll: true, Task: station.TaskRekey, StartedAt: d.at, UTCOffset: 3600,
	}
}

func (d *device) observed() station.Observed {
	return station.Observed{
		Tenant: d.tenant, HardwareSerial: d.serial, Model: "box", Firmware: "1.2", BootID: "b00t", State: station.StateEmpty,
		ClockOffset: -1500 * time.Millisecond, HasClock: true,
	}
}

func (d *device) binding() station.Binding {
	return station.Binding{Run: d.run, Tenant: d.tenant, HardwareSerial: d.serial, DeviceID: d.id, Source: "template", At: d.at}
}

func (d *device) key() station.KeyRecord {
	return station.KeyRecord{
		Run: d.run, Tenant: d.tenant, HardwareSerial: d.serial, DeviceID: d.id, SPKI: d.spki,
		EnrollID: station.EnrollID{1, 2, 3, 4, 5, 6, 7, 8}, Generation: 1, KeyType: "P-256", KeyStore: "flash",
		CSRDigest: sum("csr", d.serial), WireGuardKey: sum("wg", d.serial), At: d.at,
	}
}

func (d *device) posted() station.Post {
	return station.Post{
		ID: d.post, Run: d.run, Tenant: d.tenant, DeviceID: d.id, SPKI: d.spki, CSRDigest: sum("csr", d.serial),
		Contract: station.ContractDeployed, At: d.at,
	}
}

func (d *device) cert() station.CertRecord {
	return station.CertRecord{
		Run: d.run, PostID: d.post, Tenant: d.tenant, DeviceID: d.id, HardwareSerial: d.serial, SPKI: d.spki,
		Fingerprint: d.leaf, CertSerial: "0aff" + strconv.FormatUint(uint64(d.leaf[0]), 16), Subject: "CN=" + d.id,
		Issuer: "CN=Tenant Sub-CA", AKI: "aa01", IssuerFingerprint: "ff02", NotBefore: d.at.Add(-time.Minute),
		NotAfter: d.at.Add(24 * time.Hour), Leaf: d.der, Chain: [][]byte{der("sub"), der("ica"), der("root")},
		WGConf: "[Interface]\nAddress = 10.8.0.2/32\n", Contract: station.ContractDeployed, ReceivedAt: d.at,
	}
}

func (d *device) proof() station.ProofRecord {
	return station.ProofRecord{
		Run: d.run, Tenant: d.tenant, HardwareSerial: d.serial, DeviceID: d.id, SPKI: d.spki, Leaf: d.leaf,
		Proof: station.BrokerAcked, Broker: "broker:8883", TLS: "TLS 1.3", MQTT: "5",
		Readback: map[string]string{"leaf": "00ff"}, At: d.at,
	}
}

func (d *device) phase(p station.Phase) station.PhaseEnd {
	return station.PhaseEnd{
		Run: d.run, Phase: p, Status: station.PhaseDone, StartedAt: d.at, EndedAt: d.at.Add(time.Second), Tries: 1,
		Facts: map[string]string{"model": "box"},
	}
}

func (d *device) finish(o station.Outcome) station.RunFinish {
	f := station.RunFinish{
		Run: d.run, Tenant: d.tenant, HardwareSerial: d.serial, DeviceID: d.id, Outcome: o,
		SPKI: d.spki, Leaf: d.leaf, NotAfter: d.at.Add(24 * time.Hour), Contract: station.ContractDeployed, WireTx: 3000,
		WireRx: 4000, Elapsed: 1500 * time.Millisecond, EndedAt: d.at.Add(2 * time.Second),
		Warnings: []station.Warning{{Code: station.CodeCertShelfWarn, Params: map[string]string{"left": "24h"}, Text: "short"}},
	}
	if o == station.Pass {
		f.Proof = station.BrokerAcked
	} else {
		f.Phase, f.Code, f.Params = station.PhaseEnroll, station.CodeBridgeDown, map[string]string{"url": "https://b"}
	}
	return f
}

// identify takes the run as far as a known device.
func (d *device) identify(ctx context.Context, l *Ledger) error {
	err := l.BeginRun(ctx, d.start())
	if err == nil {
		_, err = l.IdentifyRun(ctx, d.run, d.observed())
	}
	return err
}

// prove takes the run to the point where the device is sealed.
func (d *device) prove(ctx context.Context, l *Ledger) error {
	steps := []func() error{
		func() error { return d.identify(ctx, l) },
		func() error { return l.RecordPhase(ctx, d.phase(station.PhaseIdentify)) },
		func() error { return l.BindDevice(ctx, d.binding()) },
		func() error { return l.BindKey(ctx, d.key()) },
		func() error { return l.PostBegun(ctx, d.posted()) },
		func() error { return l.SaveCertificate(ctx, d.cert()) },
		func() error { return l.SaveProof(ctx, d.proof()) },
	}
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

func (d *device) pass(ctx context.Context, l *Ledger) error {
	if err := d.prove(ctx, l); err != nil {
		return err
	}
	return l.FinishRun(ctx, d.finish(station.Pass))
}

// openAt opens a ledger in a file, whichever database the tests run on: for what only a file has.
func openAt(t testing.TB, path string, cfg Config) *Ledger {
	t.Helper()
	return openURL(t, "sqlite:"+path, cfg)
}

func openURL(t testing.TB, url string, cfg Config) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), url, cfg)
	if err != nil {
		t.Fatalf("open: got %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: got %v, want nil", err)
		}
	})
	return l
}

// openNew opens an empty ledger, on PostgreSQL where TestOnPostgres runs the tests.
func openNew(t testing.TB) *Ledger {
	t.Helper()
	return openWith(t, Config{})
}

func openWith(t testing.TB, cfg Config) *Ledger {
	t.Helper()
	return openURL(t, newURL(t), cfg)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("got %v, want nil", err)
	}
}

func want(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got %v, want %v", err, target)
	}
}
