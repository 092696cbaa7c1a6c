package agent_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/serialproto/agent/filestore"
)

// ca is one certificate authority of a test's own PKI.
type ca struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// pki is a root, an intermediate and a sub CA with path lengths 2, 1, 0, made anew for each test.
type pki struct{ root, ica, sub ca }

func newKey(t testing.TB, alg string) crypto.Signer {
	t.Helper()
	var k crypto.Signer
	var err error
	switch alg {
	case "rsa":
		k, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ed25519":
		_, k, err = ed25519.GenerateKey(rand.Reader)
	default:
		k, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (c ca) issue(t testing.TB, tmpl *x509.Certificate, pub crypto.PublicKey) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	tmpl.SerialNumber = serial
	if tmpl.NotBefore.IsZero() {
		tmpl.NotBefore, tmpl.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(24*time.Hour)
	}
	parent := c.cert
	if parent == nil {
		parent = tmpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, pub, c.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func authority(t testing.TB, parent *ca, name string, pathLen int) ca {
	t.Helper()
	key := newKey(t, "")
	tmpl := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, MaxPathLen: pathLen,
		MaxPathLenZero: pathLen == 0, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	signer := ca{key: key}
	if parent != nil {
		signer = *parent
	}
	return ca{signer.issue(t, tmpl, key.Public()), key}
}

func newPKI(t testing.TB) pki {
	t.Helper()
	root := authority(t, nil, "Provider Root CA", 2)
	ica := authority(t, &root, "Provider ICA", 1)
	return pki{root, ica, authority(t, &ica, "Tenant Sub-CA", 0)}
}

func (p pki) chain() [][]byte { return [][]byte{p.sub.cert.Raw, p.ica.cert.Raw, p.root.cert.Raw} }

// leaf issues a device certificate for a CSR.
func (p pki) leaf(t testing.TB, csr []byte) []byte {
	t.Helper()
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	return p.sub.issue(t, &x509.Certificate{
		Subject: req.Subject, DNSNames: req.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, req.PublicKey).Raw
}

// server issues a broker's certificate.
func (p pki) server(t testing.TB, key crypto.Signer, usage x509.ExtKeyUsage) *x509.Certificate {
	t.Helper()
	return p.sub.issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "broker"}, DNSNames: []string{"broker.example"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, key.Public())
}

// device is an agent on a store in a directory, as a station sees it.
type device struct {
	t     testing.TB
	dir   string
	store *filestore.Store
	agent *agent.Agent
	cfg   agent.Config
	clock *fakeClock
	open  filestore.Config
}

type fakeClock struct{ t time.Time }

func (c *fakeClock) Now() time.Time        { return c.t }
func (c *fakeClock) Set(t time.Time) error { c.t = t; return nil }

const privLine = "PrivateKey = "

// completeWG and stripWG stand for the tunnel's own package: they put the key behind the first line.
func completeWG(conf []byte, priv [32]byte) ([]byte, error) {
	head, rest, ok := bytes.Cut(conf, []byte("\n"))
	if !ok || string(head) != "[Interface]" {
		return nil, errors.New("no interface")
	}
	line := privLine + base64.StdEncoding.EncodeToString(priv[:]) + "\n"
	return append(append(append(bytes.Clone(head), '\n'), line...), rest...), nil
}

func stripWG(file []byte) ([]byte, error) {
	var out []byte
	for l := range bytes.Lines(file) {
		if !bytes.HasPrefix(l, []byte(privLine)) {
			out = append(out, l...)
		}
	}
	return out, nil
}

const wgConf = "[Interface]\nAddress = 10.8.0.7/32\n"

func newDevice(t testing.TB, change func(*agent.Config)) *device {
	t.Helper()
	d := &device{t: t, dir: t.TempDir(), clock: &fakeClock{time.Now()}}
	d.cfg = agent.Config{
		Model: "box", Serial: "HW-1", Firmware: "1.0", Clock: d.clock, CompleteWG: completeWG, StripWG: stripWG,
		SignTLS12: true, ManageClock: true,
	}
	if change != nil {
		change(&d.cfg)
	}
	d.reopen()
	return d
}

// reopen is a power cycle.
func (d *device) reopen() {
	d.t.Helper()
	var err error
	if d.store, err = filestore.Open(d.dir, d.open); err != nil {
		d.t.Fatalf("open store: %v", err)
	}
	if d.agent, err = agent.New(d.store, d.cfg); err != nil {
		d.t.Fatalf("new agent: %v", err)
	}
}

// call sends a request the way the link does and decodes the answer.
func (d *device) call(args, result any) serialproto.ResponseHead {
	d.t.Helper()
	req, err := serialproto.EncodeRequest(args)
	if err != nil {
		d.t.Fatalf("encode %T: %v", args, err)
	}
	head, err := serialproto.DecodeResponse(d.agent.Handle(d.t.Context(), serialproto.RequestOp(args), req), result)
	if err != nil {
		d.t.Fatalf("decode answer to %T: %v", args, err)
	}
	return head
}

// want calls and demands a status.
func (d *device) want(status serialproto.Status, args, result any) serialproto.ResponseHead {
	d.t.Helper()
	h := d.call(args, result)
	if h.Status != status {
		d.t.Fatalf("%T: got %v (%s), want %v", args, h.Status, h.Detail, status)
	}
	return h
}

func id(n byte) []byte { return []byte{1, 2, 3, 4, 5, 6, 7, n} }

func enrollArgs(n byte) serialproto.EnrollArgs {
	return serialproto.EnrollArgs{
		Op: serialproto.OpEnroll, Alg: serialproto.AlgP256, DeviceID: "box-7", EnrollID: id(n), WireGuard: true,
	}
}

func (d *device) enroll(n byte) serialproto.EnrollResult {
	d.t.Helper()
	var r serialproto.EnrollResult
	d.want(serialproto.StatusOK, enrollArgs(n), &r)
	return r
}

func installArgs(n byte, leaf []byte, p pki) serialproto.InstallArgs {
	return serialproto.InstallArgs{
		Op: serialproto.OpInstall, Leaf: leaf, Chain: p.chain(), WGConf: []byte(wgConf), EnrollID: id(n), Commit: true,
	}
}

// installed takes a device to the installed state.
func (d *device) installed(n byte, p pki) (serialproto.EnrollResult, serialproto.InstallResult) {
	d.t.Helper()
	e := d.enroll(n)
	var r serialproto.InstallResult
	d.want(serialproto.StatusOK, installArgs(n, p.leaf(d.t, e.CSR), p), &r)
	return e, r
}

func lockArgs(n byte) serialproto.LockArgs {
	return serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: id(n), Flag: "10.8.0.7"}
}

func (d *device) sealed(n byte, p pki) serialproto.EnrollResult {
	d.t.Helper()
	e, _ := d.installed(n, p)
	d.want(serialproto.StatusOK, lockArgs(n), nil)
	return e
}

func (d *device) status() serialproto.StatusResult {
	d.t.Helper()
	var r serialproto.StatusResult
	d.want(serialproto.StatusOK, serialproto.SimpleArgs{Op: serialproto.OpStatus}, &r)
	return r
}
