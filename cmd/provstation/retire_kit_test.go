package main

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.step.sm/crypto/pemutil"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/stationtest"
	"provstation/station/stepca"
)

// provisionerPassword opens the key of the CA's provisioner.
const provisionerPassword = "correct horse battery"

// lifeBench is a real step-ca, a real ledger with devices on file, and the real program.
type lifeBench struct {
	t      *testing.T
	dir    string
	ca     *stationtest.StepCA
	base   *config.Config
	config string
	ledger string // file
}

func newLifeBench(t *testing.T, cfg stationtest.StepCAConfig) *lifeBench {
	t.Helper()
	cfg.Password = provisionerPassword
	b := &lifeBench{t: t, dir: t.TempDir(), ca: stationtest.StartStepCA(t, cfg)}
	b.ledger = filepath.Join(b.dir, "ledger.db")
	c := config.Default()
	c.Station.Name, c.Station.Tenant, c.Station.Operator = "test-bench", "acme", "Lea"
	c.Bridge.URL, c.MQTT.Host = "https://bridge.tenant.example/api", "broker.tenant.example"
	c.PKI.RootFile, c.PKI.StepCAURL, c.PKI.Revoke.Provisioner = b.ca.Root, b.ca.URL, b.ca.Provisioner
	c.PKI.Revoke.PasswordFile = filepath.Join(b.dir, "provisioner.password")
	c.Ledger.URL, c.Log.File = "sqlite:"+b.ledger, filepath.Join(b.dir, "station.log")
	b.base = c
	if err := os.WriteFile(c.PKI.Revoke.PasswordFile, []byte(provisionerPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.config = b.configFor("station", nil)
	return b
}

// configFor writes a configuration of its own, changed by edit.
func (b *lifeBench) configFor(name string, edit func(*config.Config)) string {
	b.t.Helper()
	c := b.base.Clone()
	if edit != nil {
		edit(c)
	}
	path := filepath.Join(b.dir, name+".yaml")
	if err := config.WriteFile(path, c); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// issuedCert is a certificate that the CA signed, with its key.
type issuedCert struct {
	id, hardware string
	key          crypto.Signer
	chain        [][]byte // leaf, Sub-CA, ICA
	leaf         *x509.Certificate
}

func (c issuedCert) serial() string { return hex.EncodeToString(c.leaf.SerialNumber.Bytes()) }

// issue has the CA sign a certificate; key nil: a new one.
func (b *lifeBench) issue(id string, key crypto.Signer) issuedCert {
	b.t.Helper()
	if key == nil {
		key = stationtest.NewKey(b.t, "P-256")
	}
	chain := b.ca.Enroll(stationtest.NewCSR(b.t, key, id), id, "")
	return issuedCert{id: id, hardware: "HW-" + id, key: key, chain: chain, leaf: stationtest.ParseCert(b.t, chain[0])}
}

// onFile puts a certificate on file, as a run does: with a PASS, or received and never proven.
func (b *lifeBench) onFile(c issuedCert, pass bool) {
	b.t.Helper()
	l, err := ledger.Open(b.t.Context(), "sqlite:"+b.ledger, ledger.Config{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer l.Close()
	ctx, run, post, now := b.t.Context(), uuid.Must(uuid.NewV7()).String(), uuid.Must(uuid.NewV7()).String(), time.Now().UTC()
	spki, sum := sha256.Sum256(c.leaf.RawSubjectPublicKeyInfo), sha256.Sum256(c.leaf.Raw)
	_, err = func() (int, error) {
		if err := l.BeginRun(ctx, station.RunStart{Run: run, Tenant: "acme", StartedAt: now}); err != nil {
			return 0, err
		}
		return l.IdentifyRun(ctx, run, station.Observed{Tenant: "acme", HardwareSerial: c.hardware, State: station.StateEmpty})
	}()
	err = errors.Join(
		err,
		l.BindDevice(ctx, station.Binding{Run: run, Tenant: "acme", HardwareSerial: c.hardware, DeviceID: c.id, Source: "template", At: now}),
		l.BindKey(ctx, station.KeyRecord{Run: run, Tenant: "acme", HardwareSerial: c.hardware, DeviceID: c.id, SPKI: spki[:], Generation: 1, KeyType: "P-256", At: now}),
		l.PostBegun(ctx, station.Post{ID: post, Run: run, Tenant: "acme", DeviceID: c.id, SPKI: spki[:], At: now}),
		l.SaveCertificate(ctx, station.CertRecord{
			Run: run, PostID: post, Tenant: "acme", DeviceID: c.id, HardwareSerial: c.hardware, SPKI: spki[:], Fingerprint: sum[:], CertSerial: c.serial(),
			Subject: c.id, Issuer: c.leaf.Issuer.CommonName, NotBefore: c.leaf.NotBefore, NotAfter: c.leaf.NotAfter, Leaf: c.leaf.Raw, ReceivedAt: now,
		}),
	)
	end := station.RunFinish{
		Run: run, Tenant: "acme", HardwareSerial: c.hardware, DeviceID: c.id, Outcome: station.Error, SPKI: spki[:], Leaf: sum[:],
		NotAfter: c.leaf.NotAfter, EndedAt: now,
	}
	if pass {
		end.Outcome, end.Proof = station.Pass, station.BrokerDelivered
		err = errors.Join(err, l.SaveProof(ctx, station.ProofRecord{
			Run: run, Tenant: "acme", HardwareSerial: c.hardware, DeviceID: c.id, SPKI: spki[:], Leaf: sum[:], Proof: station.BrokerDelivered, At: now,
		}))
	}
	if err := errors.Join(err, l.FinishRun(ctx, end)); err != nil {
		b.t.Fatalf("%s on file: %v", c.id, err)
	}
}

// runFails puts a run on file that came so far as do, and then failed.
func (b *lifeBench) runFails(c issuedCert, do func(ctx context.Context, l *ledger.Ledger, run string) error) {
	b.t.Helper()
	l, err := ledger.Open(b.t.Context(), "sqlite:"+b.ledger, ledger.Config{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer l.Close()
	ctx, run, now := b.t.Context(), uuid.Must(uuid.NewV7()).String(), time.Now().UTC()
	_, err = func() (int, error) {
		if err := l.BeginRun(ctx, station.RunStart{Run: run, Tenant: "acme", StartedAt: now}); err != nil {
			return 0, err
		}
		return l.IdentifyRun(ctx, run, station.Observed{Tenant: "acme", HardwareSerial: c.hardware, State: station.StateSealed})
	}()
	if err == nil {
		err = do(ctx, l, run)
	}
	end := station.RunFinish{Run: run, Tenant: "acme", HardwareSerial: c.hardware, DeviceID: c.id, Outcome: station.Error, EndedAt: time.Now().UTC()}
	if err := errors.Join(err, l.FinishRun(ctx, end)); err != nil {
		b.t.Fatalf("a run of %s: %v", c.id, err)
	}
}

// device is a certificate on file that its device works with.
func (b *lifeBench) device(id string) issuedCert {
	b.t.Helper()
	c := b.issue(id, nil)
	b.onFile(c, true)
	return c
}

// do runs the program with the bench's configuration.
func (b *lifeBench) do(code int, args ...string) said {
	b.t.Helper()
	return b.doWith(b.config, code, args...)
}

func (b *lifeBench) doWith(cfg string, code int, args ...string) said {
	b.t.Helper()
	got := cli(b.t, []string{"PROVSTATION_CONFIG=" + cfg}, args...)
	if got.code != code {
		b.t.Fatalf("%v: got exit code %d, want %d\nstdout: %s\nstderr: %s", args, got.code, code, got.stdout, got.stderr)
	}
	for _, secret := range []string{provisionerPassword, "eyJ"} {
		if strings.Contains(got.stdout+got.stderr, secret) {
			b.t.Errorf("%v: a secret is shown:\n%s%s", args, got.stdout, got.stderr)
		}
	}
	return got
}

// says checks that a text stands in what was printed.
func (s said) says(t *testing.T, wants ...string) said {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(s.stdout+s.stderr, want) {
			t.Errorf("it does not say %q:\n%s%s", want, s.stdout, s.stderr)
		}
	}
	return s
}

// objects are the lines of NDJSON.
func (s said) objects(t *testing.T) (list []event) {
	t.Helper()
	for line := range strings.Lines(s.stdout) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("not a JSON object: %q: %v", line, err)
		}
		if e["seq"] != float64(len(list)+1) {
			t.Errorf("line %d: got seq %v", len(list)+1, e["seq"])
		}
		list = append(list, e)
	}
	return list
}

// client is a client of the CA, which trusts its root.
func (b *lifeBench) client() *stepca.Client {
	b.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(b.ca.PKI.Root.Cert)
	c, err := stepca.New(b.ca.URL, roots)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Close)
	return c
}

func (b *lifeBench) crl() stepca.CRL {
	b.t.Helper()
	list, err := b.client().CRL(b.t.Context(), stepca.CRLTrust{
		Roots: []*x509.Certificate{b.ca.PKI.Root.Cert}, Intermediates: []*x509.Certificate{b.ca.PKI.ICA.Cert, b.ca.PKI.Sub.Cert},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// strings_ reads one column of a query on the ledger.
func (b *lifeBench) column(query string, args ...any) (list []string) {
	b.t.Helper()
	db, err := sql.Open("sqlite", "file:"+b.ledger+"?mode=ro")
	if err != nil {
		b.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(b.t.Context(), query, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			b.t.Fatal(err)
		}
		list = append(list, s.String)
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return list
}

// wantRevoked compares the certificates that are revoked by the ledger with those that should be, and the CA's own list with
// both: every one is in it, and nothing else but more.
func (b *lifeBench) wantRevoked(list stepca.CRL, more int, want ...issuedCert) {
	b.t.Helper()
	var serials []string
	for _, c := range want {
		serials = append(serials, c.serial())
		if _, ok := list.Revoked(c.leaf.SerialNumber); !ok {
			b.t.Errorf("%s %s is not on the CA's list", c.id, c.serial())
		}
	}
	slices.Sort(serials)
	got := b.column("SELECT cert_serial FROM certificates WHERE revoked_at IS NOT NULL ORDER BY cert_serial")
	if diff := cmp.Diff(serials, got); diff != "" {
		b.t.Errorf("revoked by the ledger (-want +got):\n%s", diff)
	}
	if list.Len() != len(want)+more {
		b.t.Errorf("the CA's list has %d entries, want %d", list.Len(), len(want)+more)
	}
}

// files writes what a device holds, for an OpenSSL client.
func (c issuedCert) files(t *testing.T, b *lifeBench) (cert, key, ca string) {
	t.Helper()
	dir := t.TempDir()
	block, err := pemutil.Serialize(c.key)
	if err != nil {
		t.Fatal(err)
	}
	var chain string
	for _, der := range c.chain {
		chain += stationtest.CertPEM(der)
	}
	for name, text := range map[string]string{
		"device.pem": chain, "key.pem": string(pem.EncodeToMemory(block)),
		"ca.pem": b.ca.PKI.Sub.PEM() + b.ca.PKI.ICA.PEM() + b.ca.PKI.Root.PEM(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "device.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
}

// accepts reports whether a real broker takes the device's connection and message.
func (b *lifeBench) accepts(m *stationtest.Mosquitto, c issuedCert) bool {
	b.t.Helper()
	cert, key, ca := c.files(b.t, b)
	out, err := exec.CommandContext(b.t.Context(), stationtest.Program(b.t, "mosquitto_pub"), "-h", "127.0.0.1", "-p", fmt.Sprint(m.Port),
		"--cafile", ca, "--cert", cert, "--key", key, "--tls-version", "tlsv1.2", "-q", "1", "-i", c.id,
		"-t", "v1/devices/me/telemetry", "-m", `{"test": 1}`).CombinedOutput()
	b.t.Logf("%s: %v %s", c.id, err, strings.TrimSpace(string(out)))
	return err == nil
}
