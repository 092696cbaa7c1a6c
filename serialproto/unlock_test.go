package serialproto

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func ecKey(t testing.TB, c elliptic.Curve) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(c, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// edKey is a key that everybody knows, for vectors: Ed25519 signs the same way each time.
func edKey(b byte) crypto.Signer { return ed25519.NewKeyFromSeed(fill(ed25519.SeedSize, b)) }

func pin(t testing.TB, k crypto.Signer) []byte {
	t.Helper()
	p, err := UnlockPin(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func someChallenge() UnlockChallenge {
	return UnlockChallenge{fill(32, 1), "SN-000123", "device-0001", fill(8, 0xb0), PurposeTLS13, 2, 300}
}

func TestUnlockSignAndVerify(t *testing.T) {
	c := someChallenge()
	raw, err := Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{
		"P-256": ecKey(t, elliptic.P256()), "P-384": ecKey(t, elliptic.P384()), "Ed25519": edKey(1),
	} {
		t.Run(name, func(t *testing.T) {
			sig, err := SignUnlock(key, raw, c)
			if err != nil {
				t.Fatal(err)
			}
			if err := VerifyUnlock([][]byte{pin(t, edKey(9)), pin(t, key)}, raw, sig); err != nil {
				t.Errorf("got %v, want the second pin to fit", err)
			}
			for what, err := range map[string]error{
				"no pin":            VerifyUnlock(nil, raw, sig),
				"another pin":       VerifyUnlock([][]byte{pin(t, edKey(9))}, raw, sig),
				"junk pin":          VerifyUnlock([][]byte{fakeCert(91, 1)}, raw, sig),
				"another challenge": VerifyUnlock([][]byte{pin(t, key)}, append(bytes.Clone(raw), 0), sig),
				"cut":               VerifyUnlock([][]byte{pin(t, key)}, raw, sig[:len(sig)-1]),
				"none":              VerifyUnlock([][]byte{pin(t, key)}, raw, nil),
			} {
				if !errors.Is(err, ErrUnlockSignature) {
					t.Errorf("%s: got %v, want %v", what, err, ErrUnlockSignature)
				}
			}
		})
	}
}

// TestUnlockIsSignedForWhatWasAsked: the device chooses the challenge's bytes, so the key's side reads them.
func TestUnlockIsSignedForWhatWasAsked(t *testing.T) {
	want, key := someChallenge(), edKey(1)
	for name, change := range map[string]func(*UnlockChallenge){
		"another purpose": func(c *UnlockChallenge) { c.Purpose, c.Signatures = PurposeErase, 0 },
		"more signatures": func(c *UnlockChallenge) { c.Signatures++ },
		"longer":          func(c *UnlockChallenge) { c.Lifetime++ },
		"another serial":  func(c *UnlockChallenge) { c.Serial = "SN-000124" },
		"no serial":       func(c *UnlockChallenge) { c.Serial = "" },
		"another device":  func(c *UnlockChallenge) { c.DeviceID = "device-0002" },
		"another boot":    func(c *UnlockChallenge) { c.BootID = fill(8, 1) },
	} {
		c := want
		change(&c)
		raw, err := Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		if sig, err := SignUnlock(key, raw, want); !errors.Is(err, ErrUnlockChallenge) || sig != nil {
			t.Errorf("%s: got %v, want %v", name, err, ErrUnlockChallenge)
		}
	}
	if _, err := SignUnlock(key, []byte("a contract of sale"), want); !errors.Is(err, ErrUnlockChallenge) {
		t.Errorf("other bytes: got %v, want %v", err, ErrUnlockChallenge)
	}
	raw, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]crypto.Signer{"RSA": weak, "P-224": ecKey(t, elliptic.P224())} {
		if _, err := SignUnlock(k, raw, want); !errors.Is(err, ErrUnlockKey) {
			t.Errorf("%s: got %v, want %v", name, err, ErrUnlockKey)
		}
	}
}

func TestRenewURL(t *testing.T) {
	for _, good := range []string{
		"https://ca.example/1.0/renew", "https://ca.example:9000/renew", "https://tenant.example.com/pki/1.0/renew", "https://[2001:db8::1]:9000/1.0/renew",
	} {
		if err := CheckRenewURL(good); err != nil {
			t.Errorf("%s: got %v, want nil", good, err)
		}
	}
	for _, bad := range []string{
		"", "/1.0/renew", "http://ca.example/1.0/renew", "HTTPS://ca.example/1.0/renew", "https:///1.0/renew", "https://ca.example/1.0/rekey",
		"https://ca.example/1.0/revoke", "https://ca.example/1.0/renewal", "https://ca.example/1.0/renew/", "https://ca.example/renew?x=/renew",
		"https://ca.example/rekey#/renew", "https://ca.example/rekey?/renew", "https://u:p@ca.example/renew", "https://ca.example/1.0/rekey/../renew",
		"https://ca.example//renew", "https://ca.example/1.0%2frenew", "https://ca.example/re\x00new", "https://ca.example/\"/renew",
		"https://ca.example/é/renew", "https:ca.example/renew", "https://" + strings.Repeat("a", 250) + "/renew", "https://ca.example/a b/renew",
		"https://ca.example/<x>/renew", "https://:443/renew",
	} {
		if err := CheckRenewURL(bad); !errors.Is(err, ErrRenewURL) {
			t.Errorf("%q: got %v, want %v", bad, err, ErrRenewURL)
		}
	}
}

const audience = "https://ca.example/1.0/renew"

// signJWS signs a token's input with the key that a device would use.
func signJWS(t testing.TB, key crypto.Signer, input []byte) []byte {
	t.Helper()
	switch k := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, digestFor(&k.PublicKey, input))
		if err != nil {
			t.Fatal(err)
		}
		n := (k.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
	case ed25519.PrivateKey:
		return ed25519.Sign(k, input)
	}
	t.Fatalf("key %T", key)
	return nil
}

func TestTokenIsChecked(t *testing.T) {
	chain := [][]byte{fakeCert(60, 1), fakeCert(50, 2)}
	good := NewTokenClaims(audience, "device-0001", [16]byte(fill(16, 0xab)), time.Unix(1795520000, 0))
	for alg, key := range map[Alg]crypto.Signer{
		AlgP256: ecKey(t, elliptic.P256()), AlgP384: ecKey(t, elliptic.P384()), AlgEd25519: edKey(1),
	} {
		make := func(change func(*TokenClaims)) TokenResult {
			c := good
			change(&c)
			claims, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			return TokenResult{Claims: claims, Signature: signJWS(t, key, TokenInput(alg, chain, claims))}
		}
		r := make(func(*TokenClaims) {})
		text, claims, err := Token(r, key.Public(), chain, audience, "device-0001")
		if err != nil || claims != good || strings.Count(text, ".") != 2 || !strings.HasPrefix(text, "eyJ") {
			t.Errorf("%v: got %q, %+v, %v", alg, text, claims, err)
		}
		for name, bad := range map[string]TokenResult{
			"another audience": make(func(c *TokenClaims) { c.Audience = "https://ca.example/1.0/rekey" }),
			"another subject":  make(func(c *TokenClaims) { c.Subject = "device-0002" }),
			"another issuer":   make(func(c *TokenClaims) { c.Issuer = "me" }),
			"longer":           make(func(c *TokenClaims) { c.Expires++ }),
			"later":            make(func(c *TokenClaims) { c.Begins++ }),
			"no id":            make(func(c *TokenClaims) { c.ID = "" }),
			"other signature":  {Claims: r.Claims, Signature: fill(len(r.Signature), 1)},
			"cut signature":    {Claims: r.Claims, Signature: r.Signature[1:]},
			"spaced":           {Claims: append([]byte(" "), r.Claims...), Signature: r.Signature},
			"no claims":        {Signature: r.Signature},
		} {
			if text, _, err := Token(bad, key.Public(), chain, audience, "device-0001"); !errors.Is(err, ErrToken) || text != "" {
				t.Errorf("%v, %s: got %v, want %v", alg, name, err, ErrToken)
			}
		}
		if _, _, err := Token(r, key.Public(), chain[:1], audience, "device-0001"); !errors.Is(err, ErrToken) {
			t.Errorf("%v, another chain: got %v, want %v", alg, err, ErrToken)
		}
		if _, _, err := Token(r, edKey(7).Public(), chain, audience, "device-0001"); !errors.Is(err, ErrToken) {
			t.Errorf("%v, another key: got %v, want %v", alg, err, ErrToken)
		}
	}
}

// signedVectors are what unlock keys and device keys sign, with a key that everybody knows (Ed25519, seed 01 x 32).
func signedVectors(t testing.TB) string {
	t.Helper()
	key := edKey(1)
	raw, err := Encode(someChallenge())
	if err != nil {
		t.Fatal(err)
	}
	sig, err := SignUnlock(key, raw, someChallenge())
	if err != nil {
		t.Fatal(err)
	}
	claims, err := NewTokenClaims(audience, "device-0001", [16]byte(fill(16, 0xab)), time.Unix(1795520000, 0)).Encode()
	if err != nil {
		t.Fatal(err)
	}
	input := TokenInput(AlgEd25519, [][]byte{fakeCert(10, 1), fakeCert(12, 2)}, claims)
	var b strings.Builder
	b.WriteString("# What is signed: Ed25519, seed 01 x 32. pin is its SubjectPublicKeyInfo.\n")
	fmt.Fprintf(&b, "\nname: unlock\npin: %s\nchallenge: %s\ncontent: %s\nsignature: %s\n", spaced(pin(t, key)), spaced(raw), spaced(UnlockContent(raw)), spaced(sig))
	fmt.Fprintf(&b, "\nname: token\npin: %s\nleaf: %s\nsub: %s\nclaims: %s\ninput: %s\nsignature: %s\n", spaced(pin(t, key)),
		spaced(fakeCert(10, 1)), spaced(fakeCert(12, 2)), claims, input, spaced(signJWS(t, key, input)))
	return b.String()
}

func TestSignedVectors(t *testing.T) {
	file := filepath.Join("testdata", "vectors", "signed.txt")
	want := signedVectors(t)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Fatalf("%s is not what is signed (%v)", file, err)
	}
	v := readVectors(t, "signed.txt")
	if err := VerifyUnlock([][]byte{unhex(t, v[0]["pin"])}, unhex(t, v[0]["challenge"]), unhex(t, v[0]["signature"])); err != nil {
		t.Error(err)
	}
	// The first bytes that keep a token apart from all else that a device signs.
	if !strings.HasPrefix(v[1]["input"], "eyJ") {
		t.Errorf("token input begins %q, want eyJ", v[1]["input"][:3])
	}
	head, _, _ := strings.Cut(v[1]["input"], ".")
	if b, err := base64.RawURLEncoding.DecodeString(head); err != nil || !bytes.HasPrefix(b, []byte(`{"alg":"EdDSA","typ":"JWT","x5cInsecure":["`)) {
		t.Errorf("header %q (%v)", b, err)
	}
}

func FuzzToken(f *testing.F) {
	key := edKey(1)
	chain := [][]byte{fakeCert(60, 1)}
	good, err := NewTokenClaims(audience, "box", [16]byte{}, time.Unix(1795520000, 0)).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"AUD":"x"}`))
	f.Fuzz(func(t *testing.T, claims []byte) {
		r := TokenResult{Claims: claims, Signature: signJWS(t, key, TokenInput(AlgEd25519, chain, claims))}
		text, c, err := Token(r, key.Public(), chain, audience, "box")
		if (err == nil) != (text != "") {
			t.Fatalf("got %q with %v", text, err)
		}
		if err == nil && (c.Audience != audience || c.Subject != "box" || c.Expires-c.Issued != 300) {
			t.Fatalf("got claims %+v", c)
		}
	})
}

// FuzzUnlock: whatever a device sends as challenge, nothing is signed but what was asked for, and nothing but the pinned
// key's signature over it unlocks.
func FuzzUnlock(f *testing.F) {
	raw, err := Encode(someChallenge())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, []byte{})
	f.Add([]byte{0xa0}, fill(64, 1))
	key := edKey(1)
	f.Fuzz(func(t *testing.T, challenge, junk []byte) {
		want := someChallenge()
		if sig, err := SignUnlock(key, challenge, want); err == nil {
			var c UnlockChallenge
			if err := Decode(challenge, &c); err != nil || c.Purpose != want.Purpose || c.Serial != want.Serial || c.DeviceID != want.DeviceID {
				t.Fatalf("signed %+v", c)
			}
			if VerifyUnlock([][]byte{pin(t, key)}, challenge, sig) != nil {
				t.Fatal("own signature is refused")
			}
		}
		if VerifyUnlock([][]byte{pin(t, key), junk}, challenge, junk) == nil {
			d := sha256.Sum256(junk)
			t.Fatalf("%x unlocks", d)
		}
	})
}
