package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
)

// KeyType is a kind of device key.
type KeyType string

// Key types a device may have. The signature scheme is fixed by the key.
const (
	P256    KeyType = "P-256"
	P384    KeyType = "P-384"
	Ed25519 KeyType = "Ed25519"
)

// KeyTypes lists all key types.
func KeyTypes() []KeyType { return []KeyType{P256, P384, Ed25519} }

// KeyTypeOf returns the type of a public key. The error is an [*Error] with [CheckKeyType].
func KeyTypeOf(pub crypto.PublicKey) (KeyType, error) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return P256, nil
		case elliptic.P384():
			return P384, nil
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize {
			return Ed25519, nil
		}
	}
	return "", finding(CheckKeyType, describeKey(pub)+" is not one of P-256, P-384, Ed25519")
}

func describeKey(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if k.Curve != nil {
			return k.Curve.Params().Name
		}
	case *rsa.PublicKey:
		if k.N != nil {
			return fmt.Sprintf("RSA-%d", k.N.BitLen())
		}
	}
	return fmt.Sprintf("%T", pub)
}

// SPKIHash is the SHA-256 of the DER of a public key's SubjectPublicKeyInfo (RFC 5280 4.1.2.7).
func SPKIHash(pub crypto.PublicKey) ([32]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return [32]byte{}, findingErr(CheckKeyType, "encode public key", err)
	}
	return sha256.Sum256(der), nil
}

// SchemeFor returns the one signature scheme a device with this key uses in TLS and elsewhere, and its hash (0 for
// Ed25519, which signs the message itself): P-256 ecdsa_secp256r1_sha256 (0x0403), P-384 ecdsa_secp384r1_sha384 (0x0503),
// Ed25519 (0x0807), RFC 8446 4.2.3.
func SchemeFor(pub crypto.PublicKey) (tls.SignatureScheme, crypto.Hash, error) {
	kt, err := KeyTypeOf(pub)
	if err != nil {
		return 0, 0, err
	}
	switch kt {
	case P256:
		return tls.ECDSAWithP256AndSHA256, crypto.SHA256, nil
	case P384:
		return tls.ECDSAWithP384AndSHA384, crypto.SHA384, nil
	default:
		return tls.Ed25519, crypto.Hash(0), nil
	}
}

// x509AlgFor is the signature algorithm a key of this type puts under a CSR.
func x509AlgFor(kt KeyType) x509.SignatureAlgorithm {
	switch kt {
	case P256:
		return x509.ECDSAWithSHA256
	case P384:
		return x509.ECDSAWithSHA384
	default:
		return x509.PureEd25519
	}
}

// sameKey compares encoded SubjectPublicKeyInfo, so that no type's Equal can be fooled by a foreign type.
func sameKey(a, b crypto.PublicKey) bool {
	da, errA := x509.MarshalPKIXPublicKey(a)
	db, errB := x509.MarshalPKIXPublicKey(b)
	return errA == nil && errB == nil && bytes.Equal(da, db)
}

// weak says why a CA's key or a signature is too weak, "" if it is not. The limits are those of OpenSSL's security level
// 2, Debian's default.
func weak(c *x509.Certificate) string {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return describeKey(k) + " key"
		}
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize < 256 {
			return describeKey(k) + " key"
		}
	case ed25519.PublicKey:
	default:
		return fmt.Sprintf("key type %T", c.PublicKey)
	}
	switch c.SignatureAlgorithm {
	case x509.UnknownSignatureAlgorithm, x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1,
		x509.DSAWithSHA256, x509.ECDSAWithSHA1:
		return "signature algorithm " + c.SignatureAlgorithm.String()
	}
	return ""
}
