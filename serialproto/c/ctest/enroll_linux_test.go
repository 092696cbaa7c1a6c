package ctest

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provstation/serialproto"
	"provstation/serialproto/prototest"
)

func digest8(b []byte) []byte {
	d := sha256.Sum256(b)
	return d[:8]
}

// TestEnrollment is a device's way from empty to sealed, and what it refuses on it.
func TestEnrollment(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{})
	w := d.greet()
	want := serialproto.FeatureSignTLS13 | serialproto.FeatureWireGuard
	if w.Features != want || w.State != serialproto.StateEmpty || w.Model != "c99" || w.Serial != "C-0001" || w.Window != 1 {
		t.Errorf("got welcome %+v, want features %#x, empty, c99, C-0001, window 1", w, want)
	}
	ca := newIssuer(t)
	d.refuses("sign on an empty device", serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}, serialproto.StatusWrongState)
	d.refuses("install on an empty device", installArgs(ca.cert.Raw, ca, id1), serialproto.StatusWrongState)
	e := d.enroll(id1)
	checkCSR(t, e.CSR)
	if again := d.enroll(id1); !again.Existing || !bytes.Equal(again.CSR, e.CSR) || !bytes.Equal(again.WireGuard, e.WireGuard) {
		t.Errorf("the same id again: got existing=%v, want the same CSR and WireGuard key", again.Existing)
	}
	leaf := ca.leaf(t, e.CSR)
	checkRefusedBundles(t, d, ca, leaf, e.CSR)
	var in serialproto.InstallResult
	d.must(installArgs(leaf, ca, id1), &in)
	for obj, want := range map[serialproto.Obj][]byte{
		serialproto.ObjLeaf: leaf, serialproto.ObjChain: bytes.Join(ca.chain[:2], nil), serialproto.ObjAnchor: bytes.Join(ca.chain, nil),
		serialproto.ObjWGConf: []byte(conf),
	} {
		if !bytes.Equal(in.Objects[obj], digest8(want)) {
			t.Errorf("%v: got digest %x, want %x", obj, in.Objects[obj], digest8(want))
		}
	}
	checkSignature(t, d, leaf)
	d.must(lockArgs(id1), nil)
	d.must(lockArgs(id1), nil) // its answer may have been lost
	d.must(installArgs(leaf, ca, id1), nil)
	checkSealed(t, d, ca, leaf)
	checkFiles(t, d, ca, leaf, e.WireGuard)
}

// checkCSR demands what the Go agent's CSR has: the device id as the only name, twice.
func checkCSR(t *testing.T, der []byte) {
	t.Helper()
	r, err := x509.ParseCertificateRequest(der)
	if err != nil || r.CheckSignature() != nil {
		t.Fatalf("CSR: %v, signature %v", err, r.CheckSignature())
	}
	if len(r.Subject.Names) != 1 || r.Subject.CommonName != deviceID || !slices.Equal(r.DNSNames, []string{deviceID}) ||
		len(r.Extensions) != 1 || len(r.IPAddresses)+len(r.EmailAddresses)+len(r.URIs) != 0 {
		t.Errorf("got CSR for %v with names %v and %d extensions, want %s alone in both", r.Subject, r.DNSNames, len(r.Extensions), deviceID)
	}
}

// checkRefusedBundles: nothing of these is installed.
func checkRefusedBundles(t *testing.T, d *device, ca *issuer, leaf, csr []byte) {
	t.Helper()
	other := newIssuer(t)
	with := func(change func(*serialproto.InstallArgs)) serialproto.InstallArgs {
		a := installArgs(leaf, ca, id1)
		a.Chain = slices.Clone(a.Chain)
		change(&a)
		return a
	}
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	named := sign(t, &x509.Certificate{Subject: ca.cert.Subject}, ca.cert, r.PublicKey, ca.key).Raw
	authority := sign(t, &x509.Certificate{Subject: r.Subject, IsCA: true, BasicConstraintsValid: true}, ca.cert, r.PublicKey, ca.key).Raw
	for _, c := range []struct {
		name string
		args serialproto.InstallArgs
		want serialproto.Status
	}{
		{"leaf of another key", with(func(a *serialproto.InstallArgs) { a.Leaf = other.chain[0] }), serialproto.StatusCertKey},
		{"leaf of another name", with(func(a *serialproto.InstallArgs) { a.Leaf = named }), serialproto.StatusBadArgument},
		{"leaf that is a CA", with(func(a *serialproto.InstallArgs) { a.Leaf = authority }), serialproto.StatusBadArgument},
		{"leaf of another issuer", with(func(a *serialproto.InstallArgs) { a.Leaf = other.leaf(t, csr) }), serialproto.StatusBadArgument},
		{"leaf that is damaged", with(func(a *serialproto.InstallArgs) {
			a.Leaf = bytes.Clone(a.Leaf)
			a.Leaf[len(a.Leaf)-1] ^= 1
		}), serialproto.StatusBadArgument},
		{"chain without its root", with(func(a *serialproto.InstallArgs) { a.Chain = a.Chain[:2] }), serialproto.StatusBadArgument},
		{"chain in another order", with(func(a *serialproto.InstallArgs) { slices.Reverse(a.Chain) }), serialproto.StatusBadArgument},
		{"no chain", with(func(a *serialproto.InstallArgs) { a.Chain = nil }), serialproto.StatusBadArgument},
		{"certificate named that is not held", with(func(a *serialproto.InstallArgs) { a.Chain[2] = []byte("notheld!") }), serialproto.StatusBadArgument},
		{"tunnel with a hook", with(func(a *serialproto.InstallArgs) { a.WGConf = []byte("[Interface]\nPostUp = reboot\n" + conf[12:]) }), serialproto.StatusBadArgument},
		{"tunnel with a key", with(func(a *serialproto.InstallArgs) { a.WGConf = []byte("[Interface]\nPrivateKey = x\n" + conf[12:]) }), serialproto.StatusBadArgument},
		{"key without tunnel", with(func(a *serialproto.InstallArgs) { a.WGConf, a.WGPrivate = nil, make([]byte, 32) }), serialproto.StatusBadArgument},
		{"pins", with(func(a *serialproto.InstallArgs) { a.Pins = [][]byte{append([]byte{0x30}, make([]byte, 90)...)} }), serialproto.StatusRefused},
		{"another enrollment", with(func(a *serialproto.InstallArgs) { a.EnrollID = id2 }), serialproto.StatusWrongState},
	} {
		d.refuses(c.name, c.args, c.want)
	}
	if s := d.status(); s.State != serialproto.StateKeyed || len(s.Objects) != 0 {
		t.Errorf("after refusals: got %v with %v, want keyed with nothing", s.State, s.Objects)
	}
	d.refuses("lock with nothing installed", lockArgs(id1), serialproto.StatusWrongState)
}

// checkSignature verifies what a TLS 1.3 server would.
func checkSignature(t *testing.T, d *device, leaf []byte) {
	t.Helper()
	cert, err := x509.ParseCertificate(leaf)
	if err != nil {
		t.Fatal(err)
	}
	pub, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		t.Fatalf("got a %T in the leaf", cert.PublicKey)
	}
	before := d.status().Signatures
	for _, hash := range [][]byte{bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{9}, 48)} {
		var r serialproto.SignResult
		d.must(serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: hash, Scheme: 0x0403}, &r)
		content := slices.Concat(bytes.Repeat([]byte{0x20}, 64), []byte("TLS 1.3, client CertificateVerify\x00"), hash)
		sum := sha256.Sum256(content)
		if !ecdsa.VerifyASN1(pub, sum[:], r.Signature) {
			t.Errorf("signature over a hash of %d bytes does not verify", len(hash))
		}
	}
	d.refuses("scheme of another key", serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0503}, serialproto.StatusBadArgument)
	if after := d.status().Signatures; before != 16 || after != 14 {
		t.Errorf("got %d and then %d signatures left, want 16 and 14", before, after)
	}
}

// checkSealed: what a sealed device does and does not.
func checkSealed(t *testing.T, d *device, ca *issuer, leaf []byte) {
	t.Helper()
	s := d.status()
	if s.State != serialproto.StateSealed || s.Generation != 1 || s.Active != 1 || s.Reenroll != serialproto.ReenrollNever || len(s.Objects) != 4 {
		t.Errorf("got status %+v, want sealed, generation 1, four objects", s)
	}
	d.refuses("TLS 1.3 once sealed", serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}, serialproto.StatusLocked)
	d.refuses("a new key once sealed", enrollArgs(id2), serialproto.StatusLocked)
	d.refuses("other files once sealed", installArgs(leaf, newIssuer(t), id1), serialproto.StatusLocked)
	d.refuses("abort once sealed", serialproto.AbortArgs{Op: serialproto.OpAbort, EnrollID: id1}, serialproto.StatusLocked)
	for _, op := range []serialproto.Op{serialproto.OpBaud, 14, 99, serialproto.OpErase, serialproto.OpUnlock, serialproto.OpToken, serialproto.OpRenew, serialproto.OpCheckMQTT, serialproto.OpCheckWG} {
		d.refuses(op.String(), serialproto.SimpleArgs{Op: op}, serialproto.StatusUnknownOp)
	}
	for _, op := range []serialproto.Op{serialproto.OpEnroll, serialproto.OpInstall, serialproto.OpPut, serialproto.OpRead} {
		d.refuses(op.String()+" without arguments", serialproto.SimpleArgs{Op: op}, serialproto.StatusBadArgument)
	}
	d.refuses("reboot", serialproto.SimpleArgs{Op: serialproto.OpReboot}, serialproto.StatusRefused)
	d.refuses("clock", serialproto.ClockArgs{Op: serialproto.OpClock, Set: 1795520000000000}, serialproto.StatusRefused)
	for obj, want := range map[serialproto.Obj][][]byte{serialproto.ObjLeaf: {leaf}, serialproto.ObjChain: ca.chain[:2], serialproto.ObjAnchor: ca.chain} {
		var r serialproto.ReadResult
		d.must(serialproto.ReadArgs{Op: serialproto.OpRead, Obj: obj}, &r)
		if !slices.EqualFunc(r.Certs, want, bytes.Equal) {
			t.Errorf("read %v: got %d certificates, want the %d that were installed", obj, len(r.Certs), len(want))
		}
	}
	w := d.greet()
	known := [][]byte{digest8(ca.chain[0]), digest8(ca.chain[1]), digest8(ca.chain[2])}
	leafSum := sha256.Sum256(leaf)
	if !slices.EqualFunc(w.Known, known, bytes.Equal) || !bytes.Equal(w.Leaf, leafSum[:16]) || !bytes.Equal(w.SPKI, s.SPKI[:16]) {
		t.Errorf("got welcome %+v, want the chain's prefixes, the leaf's and the key's digest", w)
	}
}

// checkFiles: what the box's other programs read.
func checkFiles(t *testing.T, d *device, ca *issuer, leaf, wireGuard []byte) {
	t.Helper()
	certs := func(name string) (out [][]byte) {
		for rest := d.file(name); ; {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				return out
			}
			out = append(out, b.Bytes)
		}
	}
	if got := certs("device.pem"); !slices.EqualFunc(got, append([][]byte{leaf}, ca.chain[:2]...), bytes.Equal) {
		t.Errorf("device.pem: got %d certificates, want leaf, Sub-CA, ICA", len(got))
	}
	if got := certs("ca-chain.pem"); !slices.EqualFunc(got, ca.chain, bytes.Equal) {
		t.Errorf("ca-chain.pem: got %d certificates, want Sub-CA, ICA, root", len(got))
	}
	block, _ := pem.Decode(d.file("device-key.pem"))
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := x509.ParseCertificate(leaf); err != nil || !key.PublicKey.Equal(c.PublicKey) {
		t.Errorf("device-key.pem is not the leaf's key (%v)", err)
	}
	for name, mode := range map[string]os.FileMode{"device-key.pem": 0o600, "wg0.conf": 0o600, "key-0": 0o600, "wireguard-0": 0o600, "device.pem": 0o644, "ca-chain.pem": 0o644, ".enrolled": 0o644} {
		if i, err := os.Stat(filepath.Join(d.state, name)); err != nil || i.Mode().Perm() != mode {
			t.Errorf("%s: got %v (%v), want mode %v", name, i, err, mode)
		}
	}
	if got := string(d.file(".enrolled")); got != "10.8.0.7" {
		t.Errorf(".enrolled: got %q, want the flag", got)
	}
	checkTunnel(t, string(d.file("wg0.conf")), wireGuard)
}

func checkTunnel(t *testing.T, file string, public []byte) {
	t.Helper()
	head, rest, _ := strings.Cut(file, "PrivateKey = ")
	text, rest, _ := strings.Cut(rest, "\n")
	if head+rest != conf {
		t.Errorf("wg0.conf without its key differs from what was pushed")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal("wg0.conf holds no key")
	}
	key, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil || !bytes.Equal(key.PublicKey().Bytes(), public) {
		t.Errorf("wg0.conf holds a key that is not the one enrolled (%v)", err)
	}
}

// TestP384: the other curve, and one that mbed TLS does not have.
func TestP384(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{}, "--no-tunnel", "--max-msg", "1024")
	if w := d.greet(); w.Features != serialproto.FeatureSignTLS13 || w.MaxMessage != 1024 {
		t.Errorf("got features %#x, max_msg %d, want TLS 1.3 alone and 1024", w.Features, w.MaxMessage)
	}
	args := serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: serialproto.AlgP384, DeviceID: deviceID, EnrollID: id1}
	var e serialproto.EnrollResult
	d.must(args, &e)
	checkCSR(t, e.CSR)
	ca := newIssuer(t)
	leaf := ca.leaf(t, e.CSR)
	d.put(serialproto.ObjLeaf, leaf, id1, 500)
	d.put(serialproto.ObjAnchor, bytes.Join(ca.chain, nil), id1, 500)
	d.must(commitArgs(leaf, ca, id1), nil)
	var r serialproto.SignResult
	d.must(serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 48), Scheme: 0x0503}, &r)
	cert, err := x509.ParseCertificate(leaf)
	if err != nil {
		t.Fatal(err)
	}
	content := slices.Concat(bytes.Repeat([]byte{0x20}, 64), []byte("TLS 1.3, client CertificateVerify\x00"), make([]byte, 48))
	sum := sha512.Sum384(content)
	if pub, ok := cert.PublicKey.(*ecdsa.PublicKey); !ok || !ecdsa.VerifyASN1(pub, sum[:], r.Signature) {
		t.Error("signature of P-384 does not verify")
	}
	args.Alg, args.EnrollID = serialproto.AlgEd25519, id2
	d.refuses("Ed25519", args, serialproto.StatusCrypto)
	args.Alg, args.WireGuard = serialproto.AlgP256, true
	args.EnrollID = []byte("enroll03")
	d.refuses("a tunnel where there is none", args, serialproto.StatusRefused)
}

// TestIllegalNames: what cannot be a DNS name, a file name and a client id is no device id.
func TestIllegalNames(t *testing.T) {
	t.Parallel()
	d := plug(t, prototest.Config{})
	d.greet()
	for _, name := range []string{"-a", "a-", ".a", "a.", "a..b", "a/b", "a b", "10.0.0.1", "a:b", "*.a", strings.Repeat("a", 64), "a,CN=b", "a%00"} {
		args := enrollArgs(id1)
		args.DeviceID = name
		d.refuses(name, args, serialproto.StatusBadArgument)
	}
	args := enrollArgs(id1)
	args.DeviceID = strings.Repeat("a", 63)
	d.must(args, nil)
}
