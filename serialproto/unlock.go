package serialproto

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
)

// unlockContext separates unlocks from everything else that their key may sign.
const unlockContext = "provstation SP1 device unlock\x00"

// Errors of unlocks.
var (
	ErrUnlockKey       = errors.New("unlock key is none of ECDSA P-256, ECDSA P-384, Ed25519")
	ErrUnlockChallenge = errors.New("challenge is not the one that was asked for")
	ErrUnlockSignature = errors.New("signature is not by a pinned key over this challenge")
)

// UnlockContent is what an unlock key signs for a challenge as it crossed the line.
func UnlockContent(challenge []byte) []byte { return append([]byte(unlockContext), challenge...) }

// UnlockPin is the pin of an unlock key: its SubjectPublicKeyInfo. Errors: ErrUnlockKey.
func UnlockPin(pub crypto.PublicKey) ([]byte, error) {
	if _, err := unlockHash(pub); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("unlock pin: %w", err)
	}
	return der, nil
}

// ParsePin reads a pin. It has one spelling only. Errors: ErrUnlockKey.
func ParsePin(der []byte) (crypto.PublicKey, error) {
	pub, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, ErrUnlockKey
	}
	again, err := UnlockPin(pub)
	if err != nil || !bytes.Equal(again, der) {
		return nil, ErrUnlockKey
	}
	return pub, nil
}

// unlockHash is the hash that a key fixes; 0: the message itself is signed.
func unlockHash(pub crypto.PublicKey) (crypto.Hash, error) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return crypto.SHA256, nil
		case elliptic.P384():
			return crypto.SHA384, nil
		}
	case ed25519.PublicKey:
		return 0, nil
	}
	return 0, ErrUnlockKey
}

// SignUnlock signs a device's challenge, for which want is what was asked: purpose, signatures, lifetime, and the device by
// hardware serial, device id and boot id. Nonce is the device's and not looked at. A challenge for anything else is not
// signed: the device chose its bytes. Errors: ErrUnlockChallenge, ErrUnlockKey, and the key's own.
func SignUnlock(key crypto.Signer, challenge []byte, want UnlockChallenge) ([]byte, error) {
	hash, err := unlockHash(key.Public())
	if err != nil {
		return nil, err
	}
	var c UnlockChallenge
	if err := Decode(challenge, &c); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnlockChallenge, err)
	}
	switch {
	case c.Purpose != want.Purpose, c.Signatures != want.Signatures, c.Lifetime > want.Lifetime:
		return nil, fmt.Errorf("%w: it is for another purpose or longer", ErrUnlockChallenge)
	case c.Serial != want.Serial, c.DeviceID != want.DeviceID, !bytes.Equal(c.BootID, want.BootID):
		return nil, fmt.Errorf("%w: it is of another device", ErrUnlockChallenge)
	}
	sig, err := crypto.SignMessage(key, rand.Reader, UnlockContent(challenge), hash)
	if err != nil {
		return nil, fmt.Errorf("sign unlock: %w", err)
	}
	return sig, nil
}

// VerifyUnlock checks that one of the pinned keys signed the challenge. Errors: ErrUnlockSignature.
func VerifyUnlock(pinned [][]byte, challenge, sig []byte) error {
	content := UnlockContent(challenge)
	for _, der := range pinned {
		pub, err := ParsePin(der)
		if err != nil {
			continue // not a key that unlocks anything
		}
		if verifyMessage(pub, content, sig) {
			return nil
		}
	}
	return ErrUnlockSignature
}

// verifyMessage checks a signature by the scheme that the key fixes, ECDSA in ASN.1 DER.
func verifyMessage(pub crypto.PublicKey, msg, sig []byte) bool {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(k, digestFor(k, msg), sig)
	case ed25519.PublicKey:
		return ed25519.Verify(k, msg, sig)
	}
	return false
}

// digestFor hashes a message as the key's curve demands.
func digestFor(k *ecdsa.PublicKey, msg []byte) []byte {
	if k.Curve == elliptic.P384() {
		d := sha512.Sum384(msg)
		return d[:]
	}
	d := sha256.Sum256(msg)
	return d[:]
}
