package ctest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/serialproto/prototest"
	"provstation/station/stationtest"
)

// device is the C example at the far end of a pty.
type device struct {
	t     *testing.T
	tty   string
	state string
	args  []string
	proc  *stationtest.Process
	host  *link.Host
}

// plug starts a device and a host with a line of the given faults between them.
func plug(t *testing.T, line prototest.Config, args ...string) *device {
	t.Helper()
	bin := program(t, "sp1-posix")
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() }) // held open: a device that is killed must not hang the line up
	d := &device{t: t, tty: slave.Name(), state: filepath.Join(t.TempDir(), "state")}
	d.args = append([]string{bin, "--tty", d.tty, "--state-dir", d.state, "--serial", "C-0001", "--model", "c99"}, args...)
	d.start()
	d.host = link.NewHost(prototest.Paced(master, line), link.HostConfig{Baud: line.Baud})
	t.Cleanup(func() { _ = d.host.Close() })
	return d
}

func (d *device) start() {
	d.t.Helper()
	d.proc = stationtest.Start(d.t, d.args[0], d.args[1:]...)
	d.proc.WaitLine("line open")
}

// kill is a power cut.
func (d *device) kill() {
	d.t.Helper()
	if err := d.proc.Cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	d.proc.Stop()
}

func (d *device) greet() serialproto.Welcome {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 30*time.Second)
	defer cancel()
	w, err := d.host.Greet(ctx)
	if err != nil {
		d.t.Fatalf("greet: %v", err)
	}
	return w
}

// ask makes one request; the error is the device's word.
func (d *device) ask(req, result any) error {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 60*time.Second)
	defer cancel()
	return d.host.Call(ctx, req, result)
}

func (d *device) must(req, result any) {
	d.t.Helper()
	if err := d.ask(req, result); err != nil {
		d.t.Fatalf("%T: %v", req, err)
	}
}

// refuses demands a status.
func (d *device) refuses(what string, req any, want serialproto.Status) {
	d.t.Helper()
	if err := d.ask(req, nil); !errors.Is(err, &serialproto.StatusError{Status: want}) {
		d.t.Errorf("%s: got %v, want status %v", what, err, want)
	}
}

// issuer is a tenant of three tiers for one test.
type issuer struct {
	chain [][]byte // DER, root last
	cert  *x509.Certificate
	key   crypto.Signer
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	for _, name := range []string{"Root CA", "ICA", "Sub-CA"} {
		key := newKey(t)
		tmpl := &x509.Certificate{
			Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
		parent, by := i.cert, i.key
		if by == nil {
			parent, by = tmpl, key
		}
		i.cert, i.key = sign(t, tmpl, parent, key.Public(), by), key
		i.chain = append([][]byte{i.cert.Raw}, i.chain...)
	}
	return i
}

func sign(t *testing.T, tmpl, parent *x509.Certificate, pub crypto.PublicKey, by crypto.Signer) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		t.Fatal(err)
	}
	tmpl.SerialNumber, tmpl.NotBefore, tmpl.NotAfter = serial, time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// leaf issues what a CSR asks for.
func (i *issuer) leaf(t *testing.T, csr []byte) []byte {
	t.Helper()
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	return sign(t, &x509.Certificate{
		Subject: r.Subject, DNSNames: r.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, i.cert, r.PublicKey, i.key).Raw
}

const (
	deviceID = "edge-c_0001.x"
	conf     = "[Interface]\nAddress = 10.8.0.7/32\n\n[Peer]\nPublicKey = VGVzdCBrZXkgb2YgYSB3aXJlZ3VhcmQgcGVlciBpbiBDLiE=\nEndpoint = vpn.example.com:51820\nAllowedIPs = 10.8.0.0/24\n"
)

var (
	id1 = []byte("enroll01")
	id2 = []byte("enroll02")
)

func enrollArgs(id []byte) serialproto.EnrollArgs {
	return serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: deviceID, EnrollID: id, WireGuard: true}
}

func (d *device) enroll(id []byte) serialproto.EnrollResult {
	d.t.Helper()
	var r serialproto.EnrollResult
	d.must(enrollArgs(id), &r)
	return r
}

func installArgs(leaf []byte, i *issuer, id []byte) serialproto.InstallArgs {
	return serialproto.InstallArgs{Op: serialproto.OpInstall, Leaf: leaf, Chain: i.chain, WGConf: []byte(conf), EnrollID: id, Commit: true}
}

func lockArgs(id []byte) serialproto.LockArgs {
	return serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id, Flag: "10.8.0.7"}
}

func (d *device) status() serialproto.StatusResult {
	d.t.Helper()
	var r serialproto.StatusResult
	d.must(serialproto.SimpleArgs{Op: serialproto.OpStatus}, &r)
	return r
}

func (d *device) file(name string) []byte {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(d.state, name))
	if err != nil {
		d.t.Error(err)
	}
	return b
}

func glob(t *testing.T, dir, name string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// waitFor looks until something is so.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); !ok(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("no %s within 30 s", what)
		}
	}
}
