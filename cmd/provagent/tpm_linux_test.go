package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/link"
	"provstation/station/stationtest"
)

// builtTPM gives a provagent with TPM support.
func builtTPM(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "provagent")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", "tpm,nethttpomithttp2", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// tpmBox is a box with a TPM of its own, a tap before that, and an agent that is started and killed.
type tpmBox struct {
	t              *testing.T
	bin, far, dir  string
	tpm            *stationtest.SWTPM
	tap            *stationtest.TPMTap
	agent          *process
	host           *link.Host
	ctx            context.Context
	root, ica, sub issuer
}

func newTPMBox(t *testing.T) *tpmBox {
	t.Helper()
	wires := t.TempDir()
	near := filepath.Join(wires, "near")
	b := &tpmBox{t: t, bin: builtTPM(t), far: filepath.Join(wires, "far"), dir: filepath.Join(wires, "state"), tpm: stationtest.StartSWTPM(t)}
	b.tap = b.tpm.Tap()
	cable(t, near, b.far)
	b.host = station(t, near)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	b.ctx = ctx
	b.root = issuer{}.ca(t, "Provider Root CA", 2)
	b.ica = b.root.ca(t, "Provider ICA", 1)
	b.sub = b.ica.ca(t, "Tenant Sub-CA", 0)
	return b
}

// store are the flags that every command of the box needs.
func (b *tpmBox) store() []string {
	return []string{"--state-dir", b.dir, "--key-store", "tpm", "--tpm-device", b.tap.Device()}
}

func (b *tpmBox) start(flags ...string) {
	b.t.Helper()
	b.agent = start(b.t, b.bin, append(append([]string{"serve", "--tty", b.far, "--baud", "0", "--serial", "HW-7"}, b.store()...), flags...)...)
	b.agent.says(b.t, "line open", 1)
}

func (b *tpmBox) kill() {
	b.t.Helper()
	_ = b.agent.cmd.Process.Kill() // it may have been by the test's own hand
	b.agent.ends(b.t)
}

func (b *tpmBox) greet() serialproto.Welcome {
	b.t.Helper()
	w, err := b.host.Greet(b.ctx)
	if err != nil {
		b.t.Fatalf("greet: %v\n%s", err, b.agent.out)
	}
	return w
}

func (b *tpmBox) call(req, result any) {
	b.t.Helper()
	if err := b.host.Call(b.ctx, req, result); err != nil {
		b.t.Fatalf("%T: %v\n%s", req, err, b.agent.out)
	}
}

// refuses demands a status whose words hold a text.
func (b *tpmBox) refuses(req any, status serialproto.Status, text string) {
	b.t.Helper()
	err := b.host.Call(b.ctx, req, nil)
	var se *serialproto.StatusError
	if !errors.As(err, &se) || se.Status != status || !strings.Contains(se.Detail, text) {
		b.t.Errorf("%T: got %v, want %s with %q\n%s", req, err, status, text, b.agent.out)
		return
	}
	b.t.Logf("%T: %v", req, err)
}

func (b *tpmBox) enroll(id string, alg serialproto.Alg) serialproto.EnrollArgs {
	return serialproto.EnrollArgs{Op: serialproto.OpEnroll, Alg: alg, DeviceID: boxID, EnrollID: []byte(id)}
}

// install has the CSR signed and the files installed.
func (b *tpmBox) install(csr []byte, id string) (chain []*x509.Certificate) {
	b.t.Helper()
	c, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		b.t.Fatal(err)
	}
	leaf := b.sub.issue(b.t, &x509.Certificate{
		Subject: c.Subject, DNSNames: c.DNSNames, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, c.PublicKey)
	b.call(serialproto.InstallArgs{
		Op: serialproto.OpInstall, Leaf: leaf.Raw, Chain: [][]byte{b.sub.cert.Raw, b.ica.cert.Raw, b.root.cert.Raw}, EnrollID: []byte(id), Commit: true,
	}, nil)
	return []*x509.Certificate{leaf, b.sub.cert, b.ica.cert}
}

func (b *tpmBox) lock(id string) {
	b.t.Helper()
	b.call(serialproto.LockArgs{Op: serialproto.OpLock, EnrollID: []byte(id)}, nil)
}

const renewalURL = "https://ca.example/1.0/renew"

// fromTPM demands that a signature over a message is, number for number, what the TPM answered to the message's digest.
func (b *tpmBox) fromTPM(what string, pub any, msg []byte, r, s *big.Int) {
	b.t.Helper()
	digest := sha256.Sum256(msg)
	got, ok := b.tap.Signed(r, s)
	if !ok || !bytes.Equal(got.Digest, digest[:]) {
		b.t.Errorf("%s: r = %x is not what TPM2_Sign gave for %x", what, r, digest)
		return
	}
	if !ecdsa.Verify(pub.(*ecdsa.PublicKey), digest[:], r, s) {
		b.t.Errorf("%s: the signature does not verify", what)
	}
	b.t.Logf("%s: TPM2_Sign(%x...) gave r = %x..., s = %x...: the same", what, digest[:6], r.Bytes()[:6], s.Bytes()[:6])
}

func der(t *testing.T, sig []byte) (r, s *big.Int) {
	t.Helper()
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &rs); err != nil || len(rest) > 0 {
		t.Fatalf("signature: %v", err)
	}
	return rs.R, rs.S
}

// TestTPMSignsEverything: CSR, TLS 1.3 CertificateVerify and renewal token of an enrollment over the line are TPM2_Sign's own
// numbers, one TPM2_Sign for each, and no private key lies in the box's files.
func TestTPMSignsEverything(t *testing.T) {
	b := newTPMBox(t)
	b.start()
	b.greet()
	b.refuses(b.enroll("ed25519!", serialproto.AlgEd25519), serialproto.StatusRefused, "Ed25519")
	if w := b.greet(); w.State != serialproto.StateEmpty {
		t.Fatalf("after a refused key type the device is %s", w.State)
	}
	var e serialproto.EnrollResult
	b.call(b.enroll("12345678", serialproto.AlgP256), &e)
	if e.KeyStore != serialproto.KeyStoreSE {
		t.Errorf("got key store %s, want the secure element", e.KeyStore)
	}
	csr, err := x509.ParseCertificateRequest(e.CSR)
	if err != nil || csr.CheckSignature() != nil {
		t.Fatalf("CSR: %v", err)
	}
	r, s := der(t, csr.Signature)
	b.fromTPM("CSR", csr.PublicKey, csr.RawTBSCertificateRequest, r, s)

	chain := b.install(e.CSR, "12345678")
	var sig serialproto.SignResult
	hash := sha256.Sum256([]byte("transcript"))
	b.call(serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: hash[:], Scheme: 0x0403}, &sig)
	content := append(bytes.Repeat([]byte{0x20}, 64), "TLS 1.3, client CertificateVerify\x00"...)
	r, s = der(t, sig.Signature)
	b.fromTPM("CertificateVerify", csr.PublicKey, append(content, hash[:]...), r, s)

	b.lock("12345678")
	var tok serialproto.TokenResult
	b.call(serialproto.TokenArgs{Op: serialproto.OpToken, Audience: renewalURL}, &tok)
	ders := [][]byte{chain[0].Raw, chain[1].Raw, chain[2].Raw}
	if _, _, err := serialproto.Token(tok, csr.PublicKey, ders, renewalURL, boxID); err != nil {
		t.Fatal(err)
	}
	r, s = new(big.Int).SetBytes(tok.Signature[:32]), new(big.Int).SetBytes(tok.Signature[32:])
	b.fromTPM("renewal token", csr.PublicKey, serialproto.TokenInput(serialproto.AlgP256, ders, tok.Claims), r, s)
	if n := len(b.tap.Signatures()); n != 3 {
		t.Errorf("got %d signatures of the TPM, want 3", n)
	}
	b.checkFiles()

	// What the files hold is of no use without the TPM: not to the file store, and not to another TPM.
	for name, args := range map[string][]string{
		"the file store": {"--state-dir", b.dir, "--key-store", "file"},
		"another TPM":    {"--state-dir", b.dir, "--key-store", "tpm", "--tpm-device", stationtest.StartSWTPM(t).Device()},
	} {
		p := start(t, b.bin, append([]string{"renew", "--once", "--force", "--url", renewalURL}, args...)...)
		if code := p.ends(t); code != exitError || !strings.Contains(p.out.String(), "TPM") {
			t.Errorf("%s: got exit code %d: %s", name, code, p.out)
		}
		t.Logf("%s: %s", name, p.out)
	}
}

// checkFiles looks for private keys in the box's files.
func (b *tpmBox) checkFiles() {
	b.t.Helper()
	wrapped := 0
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte("BEGIN PRIVATE KEY")) || bytes.Contains(text, []byte("BEGIN EC PRIVATE KEY")) {
			b.t.Errorf("%s holds a private key", path)
		}
		if bytes.Contains(text, []byte("BEGIN TSS2 PRIVATE KEY")) {
			wrapped++
			if i, err := d.Info(); err != nil || i.Mode().Perm() != 0o600 {
				b.t.Errorf("%s: got mode %v (%v), want 0600", path, i.Mode(), err)
			}
		}
		return nil
	})
	if err != nil || wrapped != 1 {
		b.t.Errorf("got %d wrapped keys (%v), want one", wrapped, err)
	}
}

// TestTPMOfP384: the other curve, through the whole line.
func TestTPMOfP384(t *testing.T) {
	b := newTPMBox(t)
	b.start()
	b.greet()
	var e serialproto.EnrollResult
	b.call(b.enroll("12345678", serialproto.AlgP384), &e)
	b.install(e.CSR, "12345678")
	b.call(serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 48), Scheme: 0x0503}, nil)
}

// TestTPMStops: a TPM that goes away gives no signature and no key, the station is told so, nothing is left half done, and all
// goes on when it is back.
func TestTPMStops(t *testing.T) {
	b := newTPMBox(t)
	b.start()
	b.tpm.Kill()
	b.greet()
	b.refuses(b.enroll("12345678", serialproto.AlgP256), serialproto.StatusCrypto, "TPM")
	if w := b.greet(); w.State != serialproto.StateEmpty {
		t.Errorf("a key that could not be made left the device %s", w.State)
	}
	b.tpm.Start()
	var e serialproto.EnrollResult
	b.call(b.enroll("12345678", serialproto.AlgP256), &e)
	b.install(e.CSR, "12345678")
	sign := serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}
	b.tap.Hold(func(code uint32) { // it goes in the middle of a signature
		if code == stationtest.TPMSign {
			b.tpm.Kill()
		}
	})
	before := len(b.tap.Signatures())
	b.refuses(sign, serialproto.StatusCrypto, "the TPM does not answer")
	b.tap.Hold(nil)
	b.refuses(sign, serialproto.StatusCrypto, "the TPM does not answer")
	var st serialproto.StatusResult
	b.call(serialproto.SimpleArgs{Op: serialproto.OpStatus}, &st)
	if n := len(b.tap.Signatures()); n != before || st.State != serialproto.StateInstalled {
		t.Errorf("got %d signatures more and state %s", n-before, st.State)
	}
	b.tpm.Start()
	b.call(sign, nil)

	// An agent that starts without its TPM serves its line all the same, to say so.
	b.kill()
	b.tpm.Kill()
	b.start()
	b.agent.says(t, "the device's key is of no use now", 1)
	b.greet()
	b.refuses(sign, serialproto.StatusCrypto, "the TPM does not answer")
	b.refuses(b.enroll("12345678", serialproto.AlgP256), serialproto.StatusCrypto, "the TPM does not answer")
	b.tpm.Start()
	var again serialproto.EnrollResult
	b.call(b.enroll("12345678", serialproto.AlgP256), &again)
	if !again.Existing || !bytes.Equal(again.CSR, e.CSR) {
		t.Error("with the TPM back, it is another key")
	}
}

// TestTPMIsAnother: the TPM was cleared, or the disk is in another box. A sealed device says so and makes no key without an
// unlock; one that was never finished makes another key, under another enroll id.
func TestTPMIsAnother(t *testing.T) {
	b := newTPMBox(t)
	b.start()
	b.greet()
	var e, next serialproto.EnrollResult
	b.call(b.enroll("12345678", serialproto.AlgP256), &e)
	b.kill()
	b.tpm.Forget()
	b.start()
	b.greet()
	b.refuses(b.enroll("12345678", serialproto.AlgP256), serialproto.StatusWrongState, "the key of this enroll id is gone")
	b.call(b.enroll("87654321", serialproto.AlgP256), &next)
	if next.Existing || bytes.Equal(next.CSR, e.CSR) {
		t.Error("got the key that is lost")
	}
	b.install(next.CSR, "87654321")
	b.lock("87654321")
	b.kill()
	b.tpm.Forget()
	b.start()
	b.agent.says(t, "the device's key is of no use now", 1)
	if w := b.greet(); w.State != serialproto.StateSealed {
		t.Errorf("got state %s, want it sealed as before", w.State)
	}
	b.refuses(serialproto.TokenArgs{Op: serialproto.OpToken, Audience: renewalURL}, serialproto.StatusCrypto, "this TPM does not hold the key")
	b.refuses(b.enroll("87654321", serialproto.AlgP256), serialproto.StatusCrypto, "this TPM does not hold the key")
	b.refuses(b.enroll("abcdefgh", serialproto.AlgP256), serialproto.StatusLocked, "unlock")
	if n := b.tap.Count(stationtest.TPMCreate); n != 2 {
		t.Errorf("the TPM made %d keys, want the two that were asked for", n)
	}
	b.kill()
	p := start(t, b.bin, append([]string{"renew", "--once", "--force", "--url", renewalURL}, b.store()...)...)
	if code := p.ends(t); code != exitError || !strings.Contains(p.out.String(), "this TPM does not hold the key") {
		t.Errorf("renew: got exit code %d: %s", code, p.out)
	}
}

// TestKilledAtEveryTPMCommand kills the agent when its nth command arrives at the TPM, for every n of an ENROLL. Whatever it
// left loaded there is in nobody's way; started again, the enrollment ends with one key, and asked again with the same one.
func TestKilledAtEveryTPMCommand(t *testing.T) {
	b := newTPMBox(t)
	killed := 0
	for n := 1; ; n++ {
		if err := os.RemoveAll(b.dir); err != nil {
			t.Fatal(err)
		}
		b.start()
		b.greet()
		var left atomic.Int64
		left.Store(int64(n))
		short, cancel := context.WithCancel(b.ctx)
		b.tap.Hold(func(uint32) {
			if left.Add(-1) == 0 {
				_ = b.agent.cmd.Process.Kill()
				cancel() // nobody answers any more
			}
		})
		var e, again serialproto.EnrollResult
		enroll := b.enroll(fmt.Sprintf("%08d", n), serialproto.AlgP256)
		err := b.host.Call(short, enroll, &e)
		cancel()
		b.tap.Hold(nil)
		if err == nil {
			break // it needed fewer than n
		}
		killed++
		b.kill()
		b.start()
		b.greet()
		b.call(enroll, &e)
		b.kill() // a reset after the answer
		b.start()
		b.greet()
		b.call(enroll, &again)
		if !again.Existing || !bytes.Equal(again.CSR, e.CSR) || again.Generation != 1 {
			t.Errorf("killed at command %d: got another key, or generation %d", n, again.Generation)
		}
		b.checkFiles()
		b.kill()
	}
	if killed < 10 {
		t.Errorf("killed %d times, want one for each command", killed)
	}
	t.Logf("killed at each of %d commands to the TPM", killed)
}

// TestTPMRenews: renewals over the box's own network, with the real step-ca; each token is the TPM's signature.
func TestTPMRenews(t *testing.T) {
	ca := startRealCA(t, time.Hour)
	b := newTPMBox(t)
	b.start()
	b.greet()
	near := filepath.Join(filepath.Dir(b.far), "near")
	if err := b.host.Bye(b.ctx); err != nil {
		t.Fatal(err)
	}
	if err := b.host.Close(); err != nil {
		t.Fatal(err)
	}
	provision(b.ctx, t, near, ca.pki, ca.sign, ca.url+"/1.0/renew", "")
	leaf := func() *x509.Certificate {
		text, err := os.ReadFile(filepath.Join(b.dir, "device.pem"))
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		if block == nil {
			t.Fatal("device.pem is empty")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, last := leaf(), leaf()
	const renewals = 5
	for i := range renewals {
		before := len(b.tap.Signatures())
		p := start(t, b.bin, append([]string{"renew", "--once", "--force"}, b.store()...)...)
		if code := p.ends(t); code != exitOK {
			t.Fatalf("renewal %d: got exit code %d: %s", i+1, code, p.out)
		}
		next := leaf()
		if next.SerialNumber.Cmp(last.SerialNumber) == 0 || !next.PublicKey.(*ecdsa.PublicKey).Equal(first.PublicKey) {
			t.Errorf("renewal %d: got the same certificate, or one for another key", i+1)
		}
		if n := len(b.tap.Signatures()); n != before+1 {
			t.Errorf("renewal %d: the TPM signed %d times, want once", i+1, n-before)
		}
		t.Logf("renewal %d: certificate %x, the TPM's signature %d", i+1, next.SerialNumber.Bytes()[:4], before+1)
		last = next
	}
	b.checkFiles()
}

// TestTPMChecksBroker: the box's own broker test, with TLS 1.3 and 1.2, against a real mosquitto.
func TestTPMChecksBroker(t *testing.T) {
	pki := stationtest.NewPKI(t)
	b := newTPMBox(t)
	b.sub, b.ica, b.root = issuer{pki.Sub.Cert, pki.Sub.Key}, issuer{pki.ICA.Cert, pki.ICA.Key}, issuer{pki.Root.Cert, pki.Root.Key}
	broker := mosquittoOf(t, t.TempDir(), pki)
	b.start()
	b.greet()
	var e serialproto.EnrollResult
	b.call(b.enroll("12345678", serialproto.AlgP256), &e)
	b.install(e.CSR, "12345678")
	for _, version := range []uint16{0x0303, 0x0304} {
		before := len(b.tap.Signatures())
		var r serialproto.CheckMQTTResult
		b.call(serialproto.CheckMQTTArgs{
			Op: serialproto.OpCheckMQTT, Host: "127.0.0.1", Port: uint16(broker.Port), ServerName: "localhost", TLSMin: version, TLSMax: version,
			Protocol: "auto", Topic: "v1/devices/me/telemetry", Payload: []byte("{}"), Seconds: 20,
		}, &r)
		if !r.OK || r.TLS == 0 || len(b.tap.Signatures()) != before+1 {
			t.Errorf("TLS %#x: got %+v, and %d signatures of the TPM", version, r, len(b.tap.Signatures())-before)
		}
	}
}

// TestWithoutTPMSupport: a build without it says what to install, and does not keep keys in files instead.
func TestWithoutTPMSupport(t *testing.T) {
	bin, dir := built(t), filepath.Join(t.TempDir(), "state")
	for _, args := range [][]string{{"serve", "--tty", "/dev/null"}, {"renew", "--once"}} {
		p := start(t, bin, append(args, "--state-dir", dir, "--key-store", "tpm")...)
		if code := p.ends(t); code != exitUsage || !strings.Contains(p.out.String(), "-tags tpm") {
			t.Errorf("%s: got exit code %d: %s", args[0], code, p.out)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a state directory was made: %v", err)
	}
	for b, want := range map[string]string{bin: "key stores: file\n", builtTPM(t): "key stores: file, tpm\n"} {
		if got := command(t, ".", b, "version"); !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want it to end in %q", got, want)
		}
	}
}
