package agent

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // hashes that server signatures use
	_ "crypto/sha512"
	"crypto/x509"
)

// authKind is the kind of server key that a cipher suite demands.
type authKind uint8

const (
	authECDSA authKind = iota + 1 // ECDSA or Ed25519 (RFC 8422 5.1.3)
	authRSA
)

// ecdheSuites are the TLS 1.2 suites with ephemeral ECDH (RFC 5289, 7251, 7905, 8422).
var ecdheSuites = map[uint16]authKind{
	0xc02b: authECDSA, 0xc02c: authECDSA, 0xcca9: authECDSA, 0xc0ac: authECDSA, 0xc0ad: authECDSA,
	0xc0ae: authECDSA, 0xc0af: authECDSA, 0xc023: authECDSA, 0xc024: authECDSA, 0xc009: authECDSA, 0xc00a: authECDSA,
	0xc02f: authRSA, 0xc030: authRSA, 0xcca8: authRSA, 0xc027: authRSA, 0xc028: authRSA, 0xc013: authRSA, 0xc014: authRSA,
}

// pointLen is the length of a public key on a named curve, 0 for curves not known here (RFC 8422 5.4.1, RFC 7748).
func pointLen(curve uint16) int {
	switch curve {
	case 23: // secp256r1
		return 65
	case 24: // secp384r1
		return 97
	case 25: // secp521r1
		return 133
	case 29: // x25519
		return 32
	case 30: // x448
		return 56
	default:
		return 0
	}
}

// checkKeyExchange verifies the server's signature over both randoms and its ECDHE parameters (RFC 8422 5.4): who made
// this transcript up would have to hold the server's key.
func (t *transcript12) checkKeyExchange(leaf *x509.Certificate) error {
	signed := append(append(append([]byte{}, t.clientRandom...), t.serverRandom...), t.params...)
	var ok bool
	var kind authKind
	switch pub := leaf.PublicKey.(type) {
	case *ecdsa.PublicKey:
		kind, ok = authECDSA, verifyECDSA(pub, t.skeScheme, signed, t.skeSignature)
	case ed25519.PublicKey:
		kind, ok = authECDSA, t.skeScheme == schemeEd25519 && ed25519.Verify(pub, signed, t.skeSignature)
	case *rsa.PublicKey:
		kind, ok = authRSA, verifyRSA(pub, t.skeScheme, signed, t.skeSignature)
	}
	if kind != ecdheSuites[t.suite] {
		return bad("server key does not fit suite %#04x", t.suite)
	}
	if !ok {
		return bad("ServerKeyExchange signature is not valid")
	}
	return nil
}

func hashed(h crypto.Hash, msg []byte) []byte {
	d := h.New()
	d.Write(msg)
	return d.Sum(nil)
}

func verifyECDSA(pub *ecdsa.PublicKey, scheme uint16, msg, sig []byte) bool {
	var h crypto.Hash
	switch scheme {
	case 0x0403:
		h = crypto.SHA256
	case 0x0503:
		h = crypto.SHA384
	case 0x0603:
		h = crypto.SHA512
	default:
		return false
	}
	return ecdsa.VerifyASN1(pub, hashed(h, msg), sig)
}

func verifyRSA(pub *rsa.PublicKey, scheme uint16, msg, sig []byte) bool {
	hashes := map[uint16]crypto.Hash{
		0x0401: crypto.SHA256, 0x0501: crypto.SHA384, 0x0601: crypto.SHA512, // PKCS #1 v1.5
		0x0804: crypto.SHA256, 0x0805: crypto.SHA384, 0x0806: crypto.SHA512, // PSS, rsaEncryption keys
	}
	h, ok := hashes[scheme]
	if !ok {
		return false
	}
	if scheme>>8 == 0x08 {
		opts := &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}
		return rsa.VerifyPSS(pub, h, hashed(h, msg), sig, opts) == nil
	}
	return rsa.VerifyPKCS1v15(pub, h, hashed(h, msg), sig) == nil
}
