package agent_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// edKey is an unlock key of a test.
func edKey(b byte) crypto.Signer {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func pin(t testing.TB, k crypto.Signer) []byte {
	t.Helper()
	p, err := serialproto.UnlockPin(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// uptime is a clock that nobody but a test sets.
type uptime struct{ now time.Duration }

func underUnlock(c *agent.Config) { c.Reenroll = serialproto.ReenrollUnlock }

// lockable is a device under policy unlock with a clock of its own for unlocks.
func lockable(t testing.TB) (*device, *uptime) {
	t.Helper()
	up := &uptime{}
	return newDevice(t, func(c *agent.Config) {
		underUnlock(c)
		c.Uptime = func() time.Duration { return up.now }
	}), up
}

// pinned takes a device to the sealed state with unlock keys.
func (d *device) pinned(n byte, p pki, keys ...crypto.Signer) serialproto.EnrollResult {
	d.t.Helper()
	e := d.enroll(n)
	a := installArgs(n, p.leaf(d.t, e.CSR), p)
	for _, k := range keys {
		a.Pins = append(a.Pins, pin(d.t, k))
	}
	d.want(serialproto.StatusOK, a, nil)
	d.want(serialproto.StatusOK, lockArgs(n), nil)
	return e
}

func askFor(p serialproto.Purpose, lifetime uint16) serialproto.UnlockArgs {
	a := serialproto.UnlockArgs{Op: serialproto.OpUnlock, Purpose: p, Lifetime: lifetime}
	if p == serialproto.PurposeTLS13 {
		a.Signatures = 2
	}
	return a
}

// challenge asks for a challenge.
func (d *device) challenge(p serialproto.Purpose, lifetime uint16) []byte {
	d.t.Helper()
	var r serialproto.UnlockResult
	d.want(serialproto.StatusOK, askFor(p, lifetime), &r)
	return r.Challenge
}

// signed is what a station answers a challenge with, having read it.
func (d *device) signed(k crypto.Signer, challenge []byte) serialproto.UnlockArgs {
	d.t.Helper()
	var c serialproto.UnlockChallenge
	if err := serialproto.Decode(challenge, &c); err != nil {
		d.t.Fatal(err)
	}
	if c.Serial != "HW-1" || c.DeviceID != "box-7" || !bytes.Equal(c.BootID, d.agent.Announce().BootID) || bytes.Equal(c.Nonce, make([]byte, 32)) {
		d.t.Fatalf("got challenge %+v of another device", c)
	}
	sig, err := serialproto.SignUnlock(k, challenge, c)
	if err != nil {
		d.t.Fatal(err)
	}
	return serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: sig}
}

func (d *device) unlocked(k crypto.Signer, p serialproto.Purpose) {
	d.t.Helper()
	var r serialproto.UnlockResult
	d.want(serialproto.StatusOK, d.signed(k, d.challenge(p, 60)), &r)
	if s := d.status(); r.Left != 60 || s.Unlocked != p || s.Failures != 0 {
		d.t.Fatalf("got %d s, status %v with %d failures, want 60 s of %v", r.Left, s.Unlocked, s.Failures, p)
	}
}

func eraseArgs(n byte) serialproto.EraseArgs {
	return serialproto.EraseArgs{Op: serialproto.OpErase, EnrollID: id(n)}
}

func sign13() serialproto.SignTLS13Args {
	return serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: make([]byte, 32), Scheme: 0x0403}
}

// TestUnlocksThatAreRefused is the table of threats: each row ends with a device as sealed as before.
func TestUnlocksThatAreRefused(t *testing.T) {
	p, key := newPKI(t), edKey(1)
	for name, tt := range map[string]struct {
		try  func(t *testing.T, d *device, up *uptime) any
		want serialproto.Status
	}{
		"stolen from another device": {func(t *testing.T, d *device, _ *uptime) any {
			other, _ := lockable(t)
			other.pinned(1, p, key)
			stolen := other.signed(key, other.challenge(serialproto.PurposeErase, 60))
			d.challenge(serialproto.PurposeErase, 60)
			return stolen
		}, serialproto.StatusRefused},
		"for another device": {func(_ *testing.T, d *device, _ *uptime) any {
			return d.forged(key, d.challenge(serialproto.PurposeErase, 60), func(c *serialproto.UnlockChallenge) { c.DeviceID = "box-8" })
		}, serialproto.StatusRefused},
		"for another serial": {func(_ *testing.T, d *device, _ *uptime) any {
			return d.forged(key, d.challenge(serialproto.PurposeErase, 60), func(c *serialproto.UnlockChallenge) { c.Serial = "HW-2" })
		}, serialproto.StatusRefused},
		"for another purpose": {func(_ *testing.T, d *device, _ *uptime) any {
			return d.forged(key, d.challenge(serialproto.PurposeErase, 60), func(c *serialproto.UnlockChallenge) { c.Purpose = serialproto.PurposeRekey })
		}, serialproto.StatusRefused},
		"for longer": {func(_ *testing.T, d *device, _ *uptime) any {
			return d.forged(key, d.challenge(serialproto.PurposeErase, 60), func(c *serialproto.UnlockChallenge) { c.Lifetime = 3600 })
		}, serialproto.StatusRefused},
		"without the context string": {func(t *testing.T, d *device, _ *uptime) any {
			sig, err := key.Sign(nil, d.challenge(serialproto.PurposeErase, 60), crypto.Hash(0))
			if err != nil {
				t.Fatal(err)
			}
			return serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: sig}
		}, serialproto.StatusRefused},
		"replayed": {func(_ *testing.T, d *device, _ *uptime) any {
			a := d.signed(key, d.challenge(serialproto.PurposeErase, 60))
			d.want(serialproto.StatusOK, a, nil)
			return a
		}, serialproto.StatusWrongState},
		"a nonce used again": {func(_ *testing.T, d *device, _ *uptime) any {
			a := d.signed(key, d.challenge(serialproto.PurposeErase, 60))
			d.challenge(serialproto.PurposeErase, 60)
			return a
		}, serialproto.StatusRefused},
		"expired": {func(_ *testing.T, d *device, up *uptime) any {
			a := d.signed(key, d.challenge(serialproto.PurposeErase, 60))
			up.now += time.Minute
			return a
		}, serialproto.StatusRefused},
		"after a reset": {func(_ *testing.T, d *device, _ *uptime) any {
			a := d.signed(key, d.challenge(serialproto.PurposeErase, 60))
			d.reopen()
			return a
		}, serialproto.StatusWrongState},
		"challenge of before a reset": {func(_ *testing.T, d *device, _ *uptime) any {
			a := d.signed(key, d.challenge(serialproto.PurposeErase, 60))
			d.reopen()
			d.challenge(serialproto.PurposeErase, 60)
			return a
		}, serialproto.StatusRefused},
		"in another session": {func(_ *testing.T, d *device, _ *uptime) any {
			a := d.signed(key, d.challenge(serialproto.PurposeErase, 60))
			d.agent.SessionEnd()
			d.agent.SessionStart()
			return a
		}, serialproto.StatusWrongState},
		"by a key that is not pinned": {func(_ *testing.T, d *device, _ *uptime) any {
			return d.signed(edKey(2), d.challenge(serialproto.PurposeErase, 60))
		}, serialproto.StatusRefused},
		"by a certificate that the bridge gives anyone": {func(t *testing.T, d *device, _ *uptime) any {
			own := newKey(t, "")
			cert := p.sub.issue(t, &x509.Certificate{DNSNames: []string{"box-9"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, own.Public())
			if _, err := cert.Verify(x509.VerifyOptions{Roots: pool(p.root), Intermediates: pool(p.ica, p.sub), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
				t.Fatalf("the certificate is no good at all: %v", err)
			}
			return d.signed(own, d.challenge(serialproto.PurposeErase, 60))
		}, serialproto.StatusRefused},
		"by the tenant's issuer": {func(_ *testing.T, d *device, _ *uptime) any {
			return d.signed(p.sub.key, d.challenge(serialproto.PurposeErase, 60))
		}, serialproto.StatusRefused},
		"guessed": {func(_ *testing.T, d *device, _ *uptime) any {
			d.challenge(serialproto.PurposeErase, 60)
			return serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: make([]byte, 64)}
		}, serialproto.StatusRefused},
		"without a challenge": {func(*testing.T, *device, *uptime) any {
			return serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: make([]byte, 64)}
		}, serialproto.StatusWrongState},
		"granted, and another session": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeErase)
			d.agent.SessionEnd()
			d.agent.SessionStart()
			return eraseArgs(1)
		}, serialproto.StatusLocked},
		"granted, and a reset": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeErase)
			d.reopen()
			return eraseArgs(1)
		}, serialproto.StatusLocked},
		"granted, and too late": {func(_ *testing.T, d *device, up *uptime) any {
			d.unlocked(key, serialproto.PurposeErase)
			up.now += time.Minute
			return eraseArgs(1)
		}, serialproto.StatusLocked},
		"granted, and asked again": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeErase)
			d.challenge(serialproto.PurposeErase, 60)
			return eraseArgs(1)
		}, serialproto.StatusLocked},
		"granted to rekey, used to erase": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeRekey)
			return eraseArgs(1)
		}, serialproto.StatusLocked},
		"granted to erase, used to enroll": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeErase)
			return enrollArgs(2)
		}, serialproto.StatusLocked},
		"granted to erase, used to sign": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeErase)
			return sign13()
		}, serialproto.StatusLocked},
		"granted to re-enroll, used to sign": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeReenroll)
			return sign13()
		}, serialproto.StatusLocked},
		"granted to rekey, used for another id": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeRekey)
			a := enrollArgs(2)
			a.DeviceID = "box-8"
			return a
		}, serialproto.StatusRefused},
		"erase of another enrollment": {func(_ *testing.T, d *device, _ *uptime) any {
			d.unlocked(key, serialproto.PurposeErase)
			return eraseArgs(2)
		}, serialproto.StatusWrongState},
		"erase without an unlock": {func(*testing.T, *device, *uptime) any { return eraseArgs(1) }, serialproto.StatusLocked},
		"rekey without an unlock": {func(*testing.T, *device, *uptime) any { return enrollArgs(2) }, serialproto.StatusLocked},
	} {
		t.Run(name, func(t *testing.T) {
			d, up := lockable(t)
			d.pinned(1, p, key)
			before := d.status()
			d.want(tt.want, tt.try(t, d, up), nil)
			d.reopen()
			if s := d.status(); s.State != serialproto.StateSealed || !bytes.Equal(s.SPKI, before.SPKI) || s.Generation != 1 || s.Signatures != before.Signatures {
				t.Errorf("got %+v, want the device as sealed as before", s)
			}
		})
	}
}

func pool(cas ...ca) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range cas {
		p.AddCert(c.cert)
	}
	return p
}

// forged answers a challenge with a signature over another one.
func (d *device) forged(k crypto.Signer, challenge []byte, change func(*serialproto.UnlockChallenge)) serialproto.UnlockArgs {
	d.t.Helper()
	var c serialproto.UnlockChallenge
	if err := serialproto.Decode(challenge, &c); err != nil {
		d.t.Fatal(err)
	}
	change(&c)
	raw, err := serialproto.Encode(c)
	if err != nil {
		d.t.Fatal(err)
	}
	sig, err := serialproto.SignUnlock(k, raw, c)
	if err != nil {
		d.t.Fatal(err)
	}
	return serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: sig}
}

// TestGuessingIsSlow: failures are counted in storage, and a reset neither clears them nor shortens the wait.
func TestGuessingIsSlow(t *testing.T) {
	p, key := newPKI(t), edKey(1)
	d, up := lockable(t)
	d.pinned(1, p, key)
	guess := serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: make([]byte, 64)}
	wait := []uint32{0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600}
	for i, want := range wait {
		d.challenge(serialproto.PurposeErase, 60)
		d.want(serialproto.StatusRefused, guess, nil)
		if s := d.status(); s.Failures != uint32(i+1) || s.Wait != want {
			t.Fatalf("after %d failures: got %d counted, wait %d s, want %d s", i+1, s.Failures, s.Wait, want)
		}
		d.reopen()
		if s := d.status(); s.Failures != uint32(i+1) || s.Wait != want {
			t.Fatalf("after %d failures and a reset: got %d counted, wait %d s, want %d s", i+1, s.Failures, s.Wait, want)
		}
		if want > 0 {
			up.now += time.Duration(want)*time.Second - time.Millisecond
			d.want(serialproto.StatusBusy, askFor(serialproto.PurposeErase, 60), nil)
			up.now += time.Millisecond
		}
	}
	d.unlocked(key, serialproto.PurposeErase) // never locked for good
	d.reopen()
	if s := d.status(); s.Failures != 0 || s.Wait != 0 {
		t.Errorf("after a right answer: got %d failures, wait %d s, want none", s.Failures, s.Wait)
	}
}

// TestGuessIsCountedBeforeItIsLookedAt: where the count cannot be stored, nothing is unlocked.
func TestGuessIsCountedBeforeItIsLookedAt(t *testing.T) {
	d, _ := lockable(t)
	d.pinned(1, newPKI(t), edKey(1))
	var err error
	if d.agent, err = agent.New(fullCounts{d.store}, d.cfg); err != nil {
		t.Fatal(err)
	}
	d.want(serialproto.StatusNoSpace, d.signed(edKey(1), d.challenge(serialproto.PurposeErase, 60)), nil)
	d.want(serialproto.StatusLocked, eraseArgs(1), nil)
}

type fullCounts struct{ agent.Store }

func (fullCounts) CountFailures(uint32) error { return agent.ErrNoSpace }

func TestErase(t *testing.T) {
	p, key := newPKI(t), edKey(1)
	d, _ := lockable(t)
	d.pinned(1, p, edKey(7), key) // the spare key lies elsewhere
	d.unlocked(key, serialproto.PurposeErase)
	d.want(serialproto.StatusOK, eraseArgs(1), nil)
	d.want(serialproto.StatusOK, eraseArgs(1), nil) // the answer was lost
	d.reopen()
	if s := d.status(); s.State != serialproto.StateEmpty || s.Unlocked != 0 || len(s.Objects) != 0 {
		t.Errorf("got %+v, want an empty device", s)
	}
	for _, name := range []string{"device-key.pem", "device.pem", "ca-chain.pem", "wg0.conf", ".enrolled", "current", "generations/*", "staging/*"} {
		if left, err := filepath.Glob(filepath.Join(d.dir, name)); err != nil || len(left) > 0 {
			t.Errorf("left over: %v (%v)", left, err)
		}
	}
	for _, args := range []any{askFor(serialproto.PurposeErase, 60), enrollArgs(1)} { // an id stands for one key for ever
		d.want(serialproto.StatusWrongState, args, nil)
	}
	if g := d.pinned(2, p, edKey(3)).Generation; g != 2 {
		t.Errorf("provisioned anew: got generation %d, want 2", g)
	}
	d.want(serialproto.StatusRefused, d.signed(key, d.challenge(serialproto.PurposeErase, 60)), nil) // the old key opens nothing
}

func TestRekey(t *testing.T) {
	p, other, key := newPKI(t), newPKI(t), edKey(1)
	d, _ := lockable(t)
	d.pinned(1, p, key)
	before, err := os.ReadFile(filepath.Join(d.dir, "device.pem"))
	if err != nil {
		t.Fatal(err)
	}
	d.unlocked(key, serialproto.PurposeRekey)
	e := d.enroll(2)
	if s := d.status(); s.State != serialproto.StateKeyed || s.Active != 1 || s.Unlocked != 0 {
		t.Fatalf("got %+v, want a new key beside generation 1, and the unlock spent", s)
	}
	d.want(serialproto.StatusLocked, enrollArgs(3), nil)
	d.reopen() // what was begun goes on without another unlock
	if again := d.enroll(2); !again.Existing || !bytes.Equal(again.CSR, e.CSR) {
		t.Errorf("got another CSR after a reset")
	}
	in := installArgs(2, p.leaf(t, e.CSR), p)
	foreign := installArgs(2, other.leaf(t, e.CSR), other)
	d.want(serialproto.StatusRefused, foreign, nil)
	req, err := x509.ParseCertificateRequest(e.CSR)
	if err != nil {
		t.Fatal(err)
	}
	more := in
	more.Leaf = p.sub.issue(t, &x509.Certificate{Subject: req.Subject, DNSNames: []string{"box-7", "admin"}}, req.PublicKey).Raw
	d.want(serialproto.StatusRefused, more, nil)
	pins := in
	pins.Pins = [][]byte{pin(t, edKey(2))}
	d.want(serialproto.StatusLocked, pins, nil) // rekey is not for other pins
	d.want(serialproto.StatusOK, in, nil)
	if now, err := os.ReadFile(filepath.Join(d.dir, "device.pem")); err != nil || !bytes.Equal(now, before) {
		t.Errorf("active files changed before LOCK (%v)", err)
	}
	d.want(serialproto.StatusOK, sign13(), nil) // the broker test of the new key
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	d.want(serialproto.StatusOK, in, nil) // repeated, without the pins that it inherited
	if s := d.status(); s.Active != 2 || s.Objects[serialproto.ObjPins].Length == 0 {
		t.Errorf("got %+v, want generation 2 with the pins of generation 1", s)
	}
	d.unlocked(key, serialproto.PurposeErase)
}

// TestReenrollBringsOtherPins: another id, another issuer and other unlock keys come under an unlock for re-enroll only.
func TestReenrollBringsOtherPins(t *testing.T) {
	p, other, key := newPKI(t), newPKI(t), edKey(1)
	d, _ := lockable(t)
	d.pinned(1, p, key)
	d.unlocked(key, serialproto.PurposeReenroll)
	args := enrollArgs(2)
	args.DeviceID = "box-8"
	var e serialproto.EnrollResult
	d.want(serialproto.StatusOK, args, &e)
	in := installArgs(2, other.leaf(t, e.CSR), other)
	in.Pins = [][]byte{pin(t, edKey(2))}
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	if s := d.status(); s.DeviceID != "box-8" || s.Active != 2 {
		t.Errorf("got %+v, want box-8", s)
	}
}

// TestOpenPolicyKeepsThePins: who may make a new key at any time may still not take the unlock keys away.
func TestOpenPolicyKeepsThePins(t *testing.T) {
	p := newPKI(t)
	d := newDevice(t, func(c *agent.Config) { c.Reenroll = serialproto.ReenrollOpen })
	d.pinned(1, p, edKey(1))
	e := d.enroll(2)
	in := installArgs(2, p.leaf(t, e.CSR), p)
	in.Pins = [][]byte{pin(t, edKey(2))}
	d.want(serialproto.StatusLocked, in, nil)
	in.Pins = nil
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusOK, lockArgs(2), nil)
	d.unlocked(edKey(1), serialproto.PurposeErase)
}

func TestProofUnderUnlock(t *testing.T) {
	p, key := newPKI(t), edKey(1)
	for _, policy := range []serialproto.Reenroll{serialproto.ReenrollUnlock, serialproto.ReenrollNever} {
		d := newDevice(t, func(c *agent.Config) { c.Reenroll, c.MaxSignatures = policy, 1 })
		e := d.pinned(1, p, key)
		d.unlocked(key, serialproto.PurposeTLS13)
		for range 2 {
			var r serialproto.SignResult
			d.want(serialproto.StatusOK, sign13(), &r)
			checkTLS13(t, e.CSR, r.Signature)
		}
		d.want(serialproto.StatusLocked, sign13(), nil)
		if s := d.status(); s.Unlocked != 0 || s.Signatures != 0 {
			t.Errorf("got %v, %d signatures left, want locked and all of them counted", s.Unlocked, s.Signatures)
		}
	}
}

func checkTLS13(t *testing.T, csr, sig []byte) {
	t.Helper()
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	content := append(bytes.Repeat([]byte{0x20}, 64), "TLS 1.3, client CertificateVerify\x00"...)
	cert := &x509.Certificate{PublicKey: req.PublicKey, PublicKeyAlgorithm: req.PublicKeyAlgorithm}
	if err := cert.CheckSignature(x509.ECDSAWithSHA256, append(content, make([]byte, 32)...), sig); err != nil {
		t.Errorf("signature: %v", err)
	}
}

// TestPolicyNever: nothing but a proof is unlocked.
func TestPolicyNever(t *testing.T) {
	d := newDevice(t, nil)
	d.pinned(1, newPKI(t), edKey(1))
	for _, p := range []serialproto.Purpose{serialproto.PurposeRekey, serialproto.PurposeErase, serialproto.PurposeReenroll} {
		d.want(serialproto.StatusRefused, askFor(p, 60), nil)
	}
}

// TestNoPinNoUnlock: a device that was sealed without an unlock key says so, and stays as it is.
func TestNoPinNoUnlock(t *testing.T) {
	d, _ := lockable(t)
	d.sealed(1, newPKI(t))
	for p := serialproto.PurposeRekey; p <= serialproto.PurposeReenroll; p++ {
		d.want(serialproto.StatusRefused, askFor(p, 60), nil)
	}
	if s := d.status(); s.Reenroll != serialproto.ReenrollUnlock || s.Objects[serialproto.ObjPins].Length != 0 {
		t.Errorf("got %+v, want a station to see policy unlock without pins", s)
	}
	d.want(serialproto.StatusLocked, enrollArgs(2), nil)
	d.want(serialproto.StatusLocked, eraseArgs(1), nil)
}

func TestPinsAreChecked(t *testing.T) {
	p := newPKI(t)
	d, _ := lockable(t)
	e := d.enroll(1)
	req, err := x509.ParseCertificateRequest(e.CSR)
	if err != nil {
		t.Fatal(err)
	}
	rsa, err := x509.MarshalPKIXPublicKey(newKey(t, "rsa").Public())
	if err != nil {
		t.Fatal(err)
	}
	good := pin(t, edKey(1))
	for name, pins := range map[string][][]byte{
		"own key":            {req.RawSubjectPublicKeyInfo},
		"the tenant's CA":    {good, p.sub.cert.RawSubjectPublicKeyInfo},
		"the provider's CA":  {p.root.cert.RawSubjectPublicKeyInfo},
		"a certificate":      {good, append([]byte{0x30, 0x09}, make([]byte, 9)...)},
		"bytes after":        {append(bytes.Clone(good), 0)},
		"RSA":                {rsa[:min(len(rsa), 256)]},
		"cut":                {good[:len(good)-1]},
		"five through PUT":   {append(append(bytes.Clone(good), good...), good...), good, good},
		"not the one length": {append([]byte{0x30, 0x81}, good[1:]...)},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			a := installArgs(1, p.leaf(t, e.CSR), p)
			a.Pins = pins
			d.want(serialproto.StatusBadArgument, a, nil)
		})
	}
	d.t = t
	a := installArgs(1, p.leaf(t, e.CSR), p)
	a.Pins = [][]byte{good, pin(t, newKey(t, ""))}
	var r serialproto.InstallResult
	d.want(serialproto.StatusOK, a, &r)
	if want := digestOf(bytes.Join(a.Pins, nil))[:8]; !bytes.Equal(r.Objects[serialproto.ObjPins], want) {
		t.Errorf("pins read back as %x, want %x", r.Objects[serialproto.ObjPins], want)
	}
}

// TestPinsInPieces brings pins by PUT and COMMIT, for a device with small messages.
func TestPinsInPieces(t *testing.T) {
	p, key := newPKI(t), edKey(1)
	d, _ := lockable(t)
	e := d.enroll(1)
	commit := serialproto.CommitArgs{Op: serialproto.OpCommit, EnrollID: id(1), Objects: map[serialproto.Obj][]byte{}}
	for obj, data := range map[serialproto.Obj][]byte{
		serialproto.ObjLeaf: p.leaf(t, e.CSR), serialproto.ObjAnchor: bytes.Join(p.chain(), nil), serialproto.ObjPins: append(pin(t, edKey(2)), pin(t, key)...),
	} {
		commit.Objects[obj] = digestOf(data)
		d.want(serialproto.StatusOK, serialproto.PutArgs{
			Op: serialproto.OpPut, Obj: obj, Total: uint32(len(data)), SHA256: digestOf(data), Data: data, EnrollID: id(1),
		}, nil)
	}
	var first, again serialproto.InstallResult
	d.want(serialproto.StatusOK, commit, &first)
	d.want(serialproto.StatusOK, commit, &again)
	if len(first.Objects) != 4 || !bytes.Equal(again.Objects[serialproto.ObjPins], first.Objects[serialproto.ObjPins]) {
		t.Errorf("got %v, then %v, want leaf, chain, anchors and pins twice", first.Objects, again.Objects)
	}
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	d.unlocked(key, serialproto.PurposeErase)
}

// TestClockUnderUnlock: a sealed device's clock is set under an unlock, within the same bounds.
func TestClockUnderUnlock(t *testing.T) {
	d, _ := lockable(t)
	d.pinned(1, newPKI(t), edKey(1))
	set := serialproto.ClockArgs{Op: serialproto.OpClock, Set: time.Now().Add(time.Hour).UnixMicro()}
	d.want(serialproto.StatusLocked, set, nil)
	d.unlocked(edKey(1), serialproto.PurposeTLS13)
	d.want(serialproto.StatusOK, set, nil)
	set.Set = time.Now().Add(-time.Hour).UnixMicro()
	d.want(serialproto.StatusRefused, set, nil)
}

// TestGuardIsHeld: every request has the store to itself, and gives it back.
func TestGuardIsHeld(t *testing.T) {
	held, taken := 0, 0
	d := newDevice(t, func(c *agent.Config) {
		c.Guard = func() (func(), error) { held, taken = held+1, taken+1; return func() { held-- }, nil }
	})
	d.sealed(1, newPKI(t))
	d.agent.Welcome(serialproto.Hello{})
	if held != 0 || taken < 4 {
		t.Errorf("got %d held of %d, want all given back", held, taken)
	}
	d.cfg.Guard = func() (func(), error) { return nil, errors.New("somebody else has it") }
	d.reopen()
	d.want(serialproto.StatusInternal, enrollArgs(1), nil)
}

// TestUnlockByOpenSSL: the key's side needs nothing of this project. It signs the context string and the challenge.
func TestUnlockByOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("PROVSTATION_REQUIRE_REAL") == "1" {
			t.Fatal("openssl is missing")
		}
		t.Skip("openssl is missing")
	}
	dir := t.TempDir()
	tool := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openssl %s: %v", args[0], err)
		}
		return out
	}
	tool("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "unlock.key")
	p := newPKI(t)
	d, _ := lockable(t)
	e := d.enroll(1)
	in := installArgs(1, p.leaf(t, e.CSR), p)
	in.Pins = [][]byte{tool("pkey", "-in", "unlock.key", "-pubout", "-outform", "DER")}
	d.want(serialproto.StatusOK, in, nil)
	d.want(serialproto.StatusOK, lockArgs(1), nil)
	content := append([]byte("provstation SP1 device unlock\x00"), d.challenge(serialproto.PurposeErase, 60)...)
	if err := os.WriteFile(filepath.Join(dir, "content"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	sig := tool("dgst", "-sha256", "-sign", "unlock.key", "content")
	d.want(serialproto.StatusOK, serialproto.UnlockArgs{Op: serialproto.OpUnlock, Signature: sig}, nil)
	d.want(serialproto.StatusOK, eraseArgs(1), nil)
}
