package conform

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"

	"provstation/serialproto"
)

// algOf is the algorithm of a public key; 0 for one that is not of the specification.
func algOf(pub crypto.PublicKey) serialproto.Alg {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return serialproto.AlgP256
		case elliptic.P384():
			return serialproto.AlgP384
		}
	case ed25519.PublicKey:
		return serialproto.AlgEd25519
	}
	return 0
}

// verify checks a signature over a message by the scheme that the key fixes, ECDSA in ASN.1 DER.
func verify(pub crypto.PublicKey, msg, sig []byte) bool {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P384() {
			h := sha512.Sum384(msg)
			return ecdsa.VerifyASN1(k, h[:], sig)
		}
		h := sha256.Sum256(msg)
		return ecdsa.VerifyASN1(k, h[:], sig)
	case ed25519.PublicKey:
		return ed25519.Verify(k, msg, sig)
	}
	return false
}

// base64Key is 32 bytes that look like a WireGuard public key, drawn from a seed.
func base64Key(seed []byte) string { return base64.StdEncoding.EncodeToString(digest(seed)) }
