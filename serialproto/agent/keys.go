package agent

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"

	"provstation/serialproto"
)

// TLS signature schemes (RFC 8446 4.2.3), one for each key algorithm.
const (
	schemeP256    uint16 = 0x0403
	schemeP384    uint16 = 0x0503
	schemeEd25519 uint16 = 0x0807
)

var (
	errUnknownAlg = errors.New("unknown key algorithm")
	errNotPEM     = errors.New("no PEM block with a private key")
	errKeyType    = errors.New("key type is not one this device uses")
)

// TPMKeyType is the PEM type of a key that only the TPM which wrapped it can use.
const TPMKeyType = "TSS2 PRIVATE KEY"

// FlashKeys keeps keys in files, as PKCS#8 PEM (RFC 5958), which OpenSSL, mosquitto and step read as they lie.
type FlashKeys struct{}

// Class is KeyStoreFlash.
func (FlashKeys) Class() serialproto.KeyStore { return serialproto.KeyStoreFlash }

// New makes a key from the operating system's random source.
func (FlashKeys) New(alg Alg) (crypto.Signer, Secret, error) {
	var key crypto.Signer
	var err error
	switch alg {
	case serialproto.AlgP256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case serialproto.AlgP384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case serialproto.AlgEd25519:
		_, key, err = newEd25519()
	default:
		err = errUnknownAlg
	}
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode key: %w", err)
	}
	return key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func newEd25519() (ed25519.PublicKey, crypto.Signer, error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	return pub, priv, err
}

// Open reads a key in PKCS#8 or SEC 1 PEM; the latter is what `openssl ecparam -genkey` writes, after a block of
// parameters.
func (FlashKeys) Open(blob Secret) (crypto.Signer, error) {
	for rest := []byte(blob); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errNotPEM
		}
		if block.Type == TPMKeyType {
			return nil, errInTPM
		}
		var key any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			// The parser's own words could quote the key.
			return nil, errors.New("private key does not parse")
		}
		s, ok := key.(crypto.Signer)
		if !ok {
			return nil, errKeyType
		}
		return s, nil
	}
}

// schemeOf says which algorithm, TLS scheme and hash a public key fixes. Hash 0 means that the message itself is signed.
func schemeOf(pub crypto.PublicKey) (Alg, uint16, crypto.Hash, error) {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			return serialproto.AlgP256, schemeP256, crypto.SHA256, nil
		case elliptic.P384():
			return serialproto.AlgP384, schemeP384, crypto.SHA384, nil
		}
	case ed25519.PublicKey:
		return serialproto.AlgEd25519, schemeEd25519, 0, nil
	}
	return 0, 0, 0, errKeyType
}

// signMessage signs a whole message with the scheme that the key fixes.
func signMessage(key crypto.Signer, msg []byte) ([]byte, error) {
	_, _, hash, err := schemeOf(key.Public())
	if err != nil {
		return nil, err
	}
	sig, err := crypto.SignMessage(key, rand.Reader, msg, hash)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return sig, nil
}

// spkiDigest is SHA-256 of the SubjectPublicKeyInfo, 32 bytes.
func spkiDigest(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("encode public key: %w", err)
	}
	d := sha256.Sum256(der)
	return d[:], nil
}

// newCSR makes the certificate request: CN and SAN are the device id, nothing else.
func newCSR(key crypto.Signer, id string) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject:  pkix.Name{CommonName: id},
		DNSNames: []string{id},
	}, key)
	if err != nil {
		return nil, fmt.Errorf("make certificate request: %w", err)
	}
	return der, nil
}

// newWireGuard makes a Curve25519 key pair, clamped as `wg genkey` does.
func newWireGuard() (priv Secret, pub []byte, err error) {
	priv = make([]byte, 32)
	if _, err := rand.Read(priv); err != nil {
		return nil, nil, fmt.Errorf("make WireGuard key: %w", err)
	}
	priv[0] &= 248
	priv[31] = priv[31]&127 | 64
	if pub, err = wireGuardPublic(priv); err != nil {
		return nil, nil, err
	}
	return priv, pub, nil
}

func wireGuardPublic(priv Secret) ([]byte, error) {
	k, err := ecdh.X25519().NewPrivateKey(priv)
	if err != nil {
		return nil, errors.New("WireGuard key is not 32 bytes")
	}
	return k.PublicKey().Bytes(), nil
}

// samePublicKey compares keys by their encoding.
func samePublicKey(cert *x509.Certificate, pub crypto.PublicKey) bool {
	der, err := x509.MarshalPKIXPublicKey(pub)
	return err == nil && bytes.Equal(der, cert.RawSubjectPublicKeyInfo)
}
