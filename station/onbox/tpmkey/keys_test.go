package tpmkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-tpm/legacy/tpm2"
	direct "github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpmutil"

	"provstation/serialproto"
	"provstation/serialproto/agent"
	"provstation/station/stationtest"
)

func keysAt(t testing.TB, device string) *Keys {
	t.Helper()
	k, err := New(device, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func made(t testing.TB, k *Keys, alg agent.Alg) (crypto.Signer, agent.Secret) {
	t.Helper()
	s, blob, err := k.New(alg)
	if err != nil {
		t.Fatal(err)
	}
	return s, blob
}

// refusedAs demands an error of a class, which says to the station what is told.
func refusedAs(t *testing.T, what string, err, class error, status serialproto.Status) {
	t.Helper()
	var k *agent.KeyError
	if !errors.As(err, &k) || !errors.Is(err, class) {
		t.Errorf("%s: got %v, want %v", what, err, class)
		return
	}
	if k.Status != status || k.Detail == "" || len(k.Detail) > serialproto.MaxDetail || k.Lost != (errors.Is(class, ErrLost) || errors.Is(class, ErrFile)) {
		t.Errorf("%s: got status %s, %q, lost %v; want %s", what, k.Status, k.Detail, k.Lost, status)
	}
	t.Logf("%s: %s (%v)", what, k.Detail, err)
}

// loaded does something with a key in the TPM.
func loaded(t *testing.T, k *Keys, blob agent.Secret, f func(rw io.ReadWriter, h tpmutil.Handle)) {
	t.Helper()
	key, _, err := parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	err = k.use(func(rw io.ReadWriter) error {
		return withParent(rw, func(parent tpmutil.Handle) error {
			h, _, err := tpm2.Load(rw, parent, "", key.PublicKey[2:], key.PrivateKey[2:])
			if err != nil {
				return err
			}
			f(rw, h)
			return tpm2.FlushContext(rw, h)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// transient counts what is loaded.
func transient(t *testing.T, k *Keys) (n int) {
	t.Helper()
	err := k.use(func(rw io.ReadWriter) error {
		for _, kind := range []uint32{0x80000000, 0x02000000, 0x03000000} { // objects, loaded sessions, saved ones
			list, _, err := tpm2.GetCapability(rw, tpm2.CapabilityHandles, 64, kind)
			if err != nil {
				return err
			}
			n += len(list)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSignatureIsTheTPMs: what a signer gives is, number for number, what TPM2_Sign answered to the message's digest.
func TestSignatureIsTheTPMs(t *testing.T) {
	tap := stationtest.StartSWTPM(t).Tap()
	k := keysAt(t, tap.Device())
	for alg, hash := range map[agent.Alg]crypto.Hash{serialproto.AlgP256: crypto.SHA256, serialproto.AlgP384: crypto.SHA384} {
		s, blob := made(t, k, alg)
		again, err := k.Open(blob)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Public().(*ecdsa.PublicKey).Equal(again.Public()) {
			t.Errorf("%s: opened, it is another key", alg)
		}
		for _, signer := range []crypto.Signer{s, again} {
			msg := []byte("to be signed")
			before := tap.Count(stationtest.TPMSign)
			sig, err := crypto.SignMessage(signer, rand.Reader, msg, hash)
			if err != nil {
				t.Fatal(err)
			}
			h := hash.New()
			h.Write(msg)
			if !ecdsa.VerifyASN1(signer.Public().(*ecdsa.PublicKey), h.Sum(nil), sig) {
				t.Errorf("%s: the signature does not verify", alg)
			}
			var rs struct{ R, S *big.Int }
			if _, err := asn1.Unmarshal(sig, &rs); err != nil {
				t.Fatal(err)
			}
			got, ok := tap.Signed(rs.R, rs.S)
			if !ok || !bytes.Equal(got.Digest, h.Sum(nil)) || tap.Count(stationtest.TPMSign) != before+1 {
				t.Errorf("%s: the signature is not the TPM's", alg)
			}
		}
		if _, err := s.Sign(rand.Reader, make([]byte, 20), crypto.SHA1); err == nil {
			t.Errorf("%s: got a signature of a SHA-1 digest", alg)
		}
		if _, err := s.Sign(rand.Reader, make([]byte, hash.Size()), nil); err == nil {
			t.Errorf("%s: got a signature without a hash", alg)
		}
	}
}

// TestKeyCannotLeave: the TPM itself says what the key is, and refuses to duplicate it; one that may be duplicated shows that
// the question is put right.
func TestKeyCannotLeave(t *testing.T) {
	tpm := stationtest.StartSWTPM(t)
	k := keysAt(t, tpm.Device())
	_, blob := made(t, k, serialproto.AlgP256)
	loaded(t, k, blob, func(rw io.ReadWriter, h tpmutil.Handle) {
		pub, name, _, err := tpm2.ReadPublic(rw, h)
		if err != nil {
			t.Fatal(err)
		}
		const want = tpm2.FlagFixedTPM | tpm2.FlagFixedParent | tpm2.FlagSensitiveDataOrigin | tpm2.FlagSign
		const bad = tpm2.FlagDecrypt | tpm2.FlagRestricted
		if pub.Attributes&want != want || pub.Attributes&bad != 0 {
			t.Errorf("got attributes %#x, want %#x and none of %#x", pub.Attributes, want, bad)
		}
		t.Logf("TPM2_ReadPublic: attributes %#x, name %x", uint32(pub.Attributes), name)
		for what, err := range duplicates(t, rw, h, name) {
			if err == nil {
				t.Errorf("TPM2_Duplicate %s: the TPM gave the key out", what)
			}
			t.Logf("TPM2_Duplicate %s: %v", what, err)
		}
		if _, err := tpm2.Unseal(rw, h, ""); err == nil {
			t.Error("TPM2_Unseal gave something")
		}
	})
	err := k.use(func(rw io.ReadWriter) error {
		return withParent(rw, func(parent tpmutil.Handle) error {
			c := curves[serialproto.AlgP256].template()
			c.Attributes &^= tpm2.FlagFixedTPM | tpm2.FlagFixedParent
			c.AuthPolicy = duplicatePolicy(t, rw)
			private, public, _, _, _, err := tpm2.CreateKey(rw, parent, tpm2.PCRSelection{}, "", "", c)
			if err != nil {
				return err
			}
			h, _, err := tpm2.Load(rw, parent, "", public, private)
			if err != nil {
				return err
			}
			_, name, _, err := tpm2.ReadPublic(rw, h)
			if err != nil {
				return err
			}
			if err := duplicates(t, rw, h, name)["under its policy"]; err != nil {
				t.Errorf("a key that may be duplicated: %v", err)
			}
			return tpm2.FlushContext(rw, h)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// duplicates asks the TPM to duplicate a key, by password and under the policy that the command wants.
func duplicates(t *testing.T, rw io.ReadWriter, h tpmutil.Handle, name []byte) map[string]error {
	t.Helper()
	tpm := transport.FromReadWriter(rw)
	out := map[string]error{}
	for what, auth := range map[string]direct.Session{
		"by password": direct.PasswordAuth(nil),
		"under its policy": direct.Policy(direct.TPMAlgSHA256, 16, func(tpm transport.TPM, s direct.TPMISHPolicy, _ direct.TPM2BNonce) error {
			_, err := direct.PolicyCommandCode{PolicySession: s, Code: direct.TPMCCDuplicate}.Execute(tpm)
			return err
		}),
	} {
		_, out[what] = direct.Duplicate{
			ObjectHandle:    direct.AuthHandle{Handle: direct.TPMHandle(h), Name: direct.TPM2BName{Buffer: name}, Auth: auth},
			NewParentHandle: direct.TPMRHNull,
			Symmetric:       direct.TPMTSymDef{Algorithm: direct.TPMAlgNull},
		}.Execute(tpm)
	}
	return out
}

// duplicatePolicy is the policy of a key that may be duplicated.
func duplicatePolicy(t *testing.T, rw io.ReadWriter) []byte {
	t.Helper()
	tpm := transport.FromReadWriter(rw)
	s, closing, err := direct.PolicySession(tpm, direct.TPMAlgSHA256, 16, direct.Trial())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := closing(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := (direct.PolicyCommandCode{PolicySession: s.Handle(), Code: direct.TPMCCDuplicate}).Execute(tpm); err != nil {
		t.Fatal(err)
	}
	d, err := direct.PolicyGetDigest{PolicySession: s.Handle()}.Execute(tpm)
	if err != nil {
		t.Fatal(err)
	}
	return d.PolicyDigest.Buffer
}

// TestBoundToItsTPM: another TPM does not load the blob, nor does the same one once it was cleared.
func TestBoundToItsTPM(t *testing.T) {
	tpm, other := stationtest.StartSWTPM(t), stationtest.StartSWTPM(t)
	k := keysAt(t, tpm.Device())
	s, blob := made(t, k, serialproto.AlgP256)
	_, err := keysAt(t, other.Device()).Open(blob)
	refusedAs(t, "another TPM", err, ErrLost, serialproto.StatusCrypto)

	tpm.Kill()
	tpm.Start() // a power cycle costs nothing
	if _, err := k.Open(blob); err != nil {
		t.Errorf("after a power cycle: %v", err)
	}
	if err := k.use(func(rw io.ReadWriter) error {
		_, err := direct.Clear{AuthHandle: direct.TPMRHLockout}.Execute(transport.FromReadWriter(rw))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, err = k.Open(blob)
	refusedAs(t, "TPM2_Clear, then open", err, ErrLost, serialproto.StatusCrypto)
	_, err = s.Sign(nil, make([]byte, 32), crypto.SHA256)
	refusedAs(t, "TPM2_Clear, then sign", err, ErrLost, serialproto.StatusCrypto)
}

// TestKeyTypes: what a TPM does not have is refused by name, before and after it is asked.
func TestKeyTypes(t *testing.T) {
	tap := stationtest.StartSWTPM(t).Tap()
	k := keysAt(t, tap.Device())
	_, _, err := k.New(serialproto.AlgEd25519)
	refusedAs(t, "Ed25519", err, ErrAlgorithm, serialproto.StatusRefused)
	if n := len(tap.Commands()); n != 0 {
		t.Errorf("the TPM was asked %d things for that", n)
	}
	tap.Fake(func(code uint32) uint32 {
		if code == stationtest.TPMCreate {
			return 0x2e6 // TPM_RC_CURVE, parameter 2
		}
		return 0
	})
	_, _, err = k.New(serialproto.AlgP384)
	refusedAs(t, "a TPM without P-384", err, ErrAlgorithm, serialproto.StatusRefused)
	tap.Fake(nil)
	if n := transient(t, k); n != 0 {
		t.Errorf("%d objects are left loaded", n)
	}
}

// TestManySignatures: nothing stays loaded, however many signatures are made.
func TestManySignatures(t *testing.T) {
	k := keysAt(t, stationtest.StartSWTPM(t).Device())
	s, blob := made(t, k, serialproto.AlgP256)
	digest := sha256.Sum256([]byte("x"))
	const n = 200
	for i := range n {
		if _, err := s.Sign(nil, digest[:], crypto.SHA256); err != nil {
			t.Fatalf("signature %d: %v", i, err)
		}
		if _, err := k.Open(blob); err != nil {
			t.Fatalf("open %d: %v", i, err)
		}
	}
	if left := transient(t, k); left != 0 {
		t.Errorf("%d objects and sessions are left loaded", left)
	}
	t.Logf("%d signatures, %d opened: nothing left loaded", n, n)
}

// TestRoomThatOthersTook: what a program that was killed left loaded, without a resource manager, is flushed.
func TestRoomThatOthersTook(t *testing.T) {
	k := keysAt(t, stationtest.StartSWTPM(t).Device())
	s, _ := made(t, k, serialproto.AlgP256)
	left := 0
	if err := k.use(func(rw io.ReadWriter) error {
		for {
			_, _, err := tpm2.CreatePrimary(rw, tpm2.HandleOwner, tpm2.PCRSelection{}, "", "", curves[serialproto.AlgP256].template())
			var full tpm2.Warning
			if errors.As(err, &full) && full.Code == tpm2.RCObjectMemory {
				return nil
			}
			if err != nil {
				return err
			}
			left++
		}
	}); err != nil {
		t.Fatal(err)
	}
	if left == 0 {
		t.Fatal("nothing could be loaded")
	}
	if _, err := s.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
		t.Errorf("with %d objects left by another: %v", left, err)
	}
	if n := transient(t, k); n != 0 {
		t.Errorf("%d objects are left loaded", n)
	}
}

// TestAway: a TPM that is gone is said at once, gives no signature, and is used again when it is back.
func TestAway(t *testing.T) {
	tpm := stationtest.StartSWTPM(t)
	tap := tpm.Tap()
	k := keysAt(t, tap.Device())
	s, blob := made(t, k, serialproto.AlgP256)
	tpm.Kill()
	sig, err := s.Sign(nil, make([]byte, 32), crypto.SHA256)
	refusedAs(t, "sign without its TPM", err, ErrAway, serialproto.StatusCrypto)
	if sig != nil {
		t.Error("got a signature without the TPM")
	}
	_, err = k.Open(blob)
	refusedAs(t, "open without its TPM", err, ErrAway, serialproto.StatusCrypto)
	key, blob2, err := k.New(serialproto.AlgP256)
	refusedAs(t, "make without its TPM", err, ErrAway, serialproto.StatusCrypto)
	if key != nil || blob2 != nil {
		t.Error("got a key without the TPM")
	}
	tpm.Start()
	if _, err := s.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
		t.Errorf("the TPM is back: %v", err)
	}
	// It goes in the middle of a conversation.
	tap.Hold(func(code uint32) {
		if code == stationtest.TPMSign {
			tpm.Kill()
		}
	})
	_, err = s.Sign(nil, make([]byte, 32), crypto.SHA256)
	refusedAs(t, "gone between load and sign", err, ErrAway, serialproto.StatusCrypto)

	_, _, err = keysAt(t, "/dev/no-such-tpm").New(serialproto.AlgP256)
	refusedAs(t, "no device file", err, ErrAway, serialproto.StatusCrypto)
}

// TestBusy: "later" is waited out, within bounds.
func TestBusy(t *testing.T) {
	tap := stationtest.StartSWTPM(t).Tap()
	k := keysAt(t, tap.Device())
	s, _ := made(t, k, serialproto.AlgP256)
	for name, rc := range map[string]uint32{"retry": rcRetry, "yielded": rcYielded, "testing": rcTesting, "NV rate": rcNVRate} {
		left := 3
		tap.Fake(func(code uint32) uint32 {
			if code == stationtest.TPMSign && left > 0 {
				left--
				return rc
			}
			return 0
		})
		if _, err := s.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil || left != 0 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	k.patience = 50 * time.Millisecond
	tap.Fake(func(uint32) uint32 { return rcRetry })
	_, err := s.Sign(nil, make([]byte, 32), crypto.SHA256)
	refusedAs(t, "busy for ever", err, ErrBusy, serialproto.StatusBusy)
	for what, tt := range map[string]struct {
		rc    uint32
		class error
	}{
		"locked out":     {0x921, ErrBusy},
		"not started":    {0x100, ErrAway},
		"failure mode":   {0x101, ErrAway},
		"owner password": {0x9a2, ErrOwned}, // TPM_RC_BAD_AUTH, session 1
		"hierarchy off":  {0x185, ErrOwned}, // TPM_RC_HIERARCHY, handle 1
	} {
		tap.Fake(func(uint32) uint32 { return tt.rc })
		_, err = s.Sign(nil, make([]byte, 32), crypto.SHA256)
		refusedAs(t, what, err, tt.class, serialproto.StatusCrypto)
		_, _, err = k.New(serialproto.AlgP256)
		refusedAs(t, what+", new key", err, tt.class, serialproto.StatusCrypto)
	}
}

// TestLockoutDoesNotStopTheKey: a TPM that somebody locked with wrong passwords still signs.
func TestLockoutDoesNotStopTheKey(t *testing.T) {
	k := keysAt(t, stationtest.StartSWTPM(t).Device())
	s, _ := made(t, k, serialproto.AlgP256)
	if err := k.use(func(rw io.ReadWriter) error {
		// TPM2_DictionaryAttackParameters: by the lockout's empty password, no wrong password is let pass.
		_, rc, err := tpmutil.RunCommand(rw, tpm2.TagSessions, 0x13a, tpm2.HandleLockout, tpmutil.U32Bytes{0x40, 0, 0, 9, 0, 0, 1, 0, 0},
			uint32(0), uint32(1000), uint32(1000))
		if rc != 0 {
			t.Errorf("set the lockout: %#x", rc)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(nil, make([]byte, 32), crypto.SHA256); err != nil {
		t.Errorf("got %v", err)
	}
}

// TestDamagedFiles: whatever lies in the key file, the answer is a class and no key.
func TestDamagedFiles(t *testing.T) {
	k := keysAt(t, stationtest.StartSWTPM(t).Device())
	_, blob := made(t, k, serialproto.AlgP256)
	block, _ := pem.Decode(blob)
	if block == nil || block.Type != "TSS2 PRIVATE KEY" {
		t.Fatalf("got %s, want a TSS2 private key", blob)
	}
	changed := func(at int) agent.Secret {
		der := bytes.Clone(block.Bytes)
		der[at] ^= 1
		return pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: der})
	}
	_, file, err := agent.FlashKeys{}.New(serialproto.AlgP256)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]agent.Secret{
		"empty": nil, "text": agent.Secret("key"), "cut off": blob[:len(blob)/2], "two keys": append(bytes.Clone(blob), blob...),
		"large": append(bytes.Clone(blob), make([]byte, maxBlob)...), "another type of key": changed(8), "DER cut off": pem.EncodeToMemory(&pem.Block{
			Type: block.Type, Bytes: block.Bytes[:len(block.Bytes)-1],
		}),
	} {
		_, err := k.Open(b)
		refusedAs(t, name, err, ErrBlob, serialproto.StatusCrypto)
	}
	_, err = k.Open(file)
	refusedAs(t, "a key in a file", err, ErrFile, serialproto.StatusCrypto)
	if _, err := (agent.FlashKeys{}).Open(blob); err == nil {
		t.Error("a store of files opens a TPM's key")
	} else {
		refusedAs(t, "a TPM's key, without the TPM", err, err, serialproto.StatusCrypto)
	}
	// Each bit of what the TPM wrapped counts.
	for at := len(block.Bytes) - 60; at < len(block.Bytes); at += 7 {
		_, err := k.Open(changed(at))
		refusedAs(t, "a bit of the private half", err, ErrLost, serialproto.StatusCrypto)
	}
}

func TestDeviceNames(t *testing.T) {
	for name, ok := range map[string]bool{
		"/dev/tpmrm0": true, "unix:/run/tpm": true, "tcp:127.0.0.1:2321": true,
		"": false, "tpmrm0": false, "unix:": false, "tcp:2321": false, "http://x": false,
	} {
		if _, err := New(name, 0); (err == nil) != ok {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
