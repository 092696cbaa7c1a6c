package tpmkey

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/google/go-tpm/legacy/tpm2"
	"go.step.sm/crypto/tpm/tss2"

	"provstation/serialproto"
	"provstation/serialproto/agent"
)

// maxBlob bounds a key file: a wrapped P-384 key has about 500 bytes of PEM.
const maxBlob = 4096

// attributes of a device key: made in this TPM, bound to it and to its parent, for signatures; usable with an empty password,
// so that dictionary attack protection is of no use, and its lockout, which anybody can bring about, must not stop a device.
const attributes = tpm2.FlagFixedTPM | tpm2.FlagFixedParent | tpm2.FlagSensitiveDataOrigin | tpm2.FlagUserWithAuth |
	tpm2.FlagNoDA | tpm2.FlagSign

// never are attributes that a device key does not have, whoever made it.
const never = tpm2.FlagDecrypt | tpm2.FlagRestricted

// curve is what an algorithm fixes.
type curve struct {
	curve elliptic.Curve
	id    tpm2.EllipticCurve
	hash  tpm2.Algorithm
}

var curves = map[agent.Alg]curve{
	serialproto.AlgP256: {elliptic.P256(), tpm2.CurveNISTP256, tpm2.AlgSHA256},
	serialproto.AlgP384: {elliptic.P384(), tpm2.CurveNISTP384, tpm2.AlgSHA384},
}

func (c curve) template() tpm2.Public {
	return tpm2.Public{
		Type: tpm2.AlgECC, NameAlg: tpm2.AlgSHA256, Attributes: attributes,
		ECCParameters: &tpm2.ECCParams{Sign: &tpm2.SigScheme{Alg: tpm2.AlgECDSA, Hash: c.hash}, CurveID: c.id},
	}
}

func hashOf(c elliptic.Curve) crypto.Hash {
	if c == elliptic.P384() {
		return crypto.SHA384
	}
	return crypto.SHA256
}

// parseBlob reads a key file, which may be anything.
func parseBlob(blob []byte) (*tss2.TPMKey, *ecdsa.PublicKey, error) {
	key, pub, err := parse(blob)
	switch {
	case errors.Is(err, ErrFile):
		return nil, nil, &agent.KeyError{Status: serialproto.StatusCrypto, Detail: "the key lies in a file, and is not this TPM's", Lost: true, Err: err}
	case err != nil:
		return nil, nil, &agent.KeyError{Status: serialproto.StatusCrypto, Detail: "the key file is damaged", Err: fmt.Errorf("%w: %w", ErrBlob, err)}
	}
	return key, pub, nil
}

func parse(blob []byte) (*tss2.TPMKey, *ecdsa.PublicKey, error) {
	if len(blob) > maxBlob {
		return nil, nil, fmt.Errorf("%d bytes", len(blob))
	}
	block, rest := pem.Decode(blob)
	switch {
	case block == nil:
		return nil, nil, errors.New("no PEM block")
	case block.Type != agent.TPMKeyType:
		return nil, nil, ErrFile
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, nil, errors.New("something follows the key")
	}
	key, err := tss2.ParsePrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	pub, err := checkKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, pub, nil
}

// checkKey demands a key that was made in a TPM and stays there: a key that was imported has been outside.
func checkKey(key *tss2.TPMKey) (*ecdsa.PublicKey, error) {
	if _, err := tss2.CreateSigner(nowhere{}, key); err != nil { // type, policies, lengths
		return nil, err
	}
	if key.Parent != int(tpm2.HandleOwner) {
		return nil, fmt.Errorf("its parent is %#x, not the owner hierarchy", key.Parent)
	}
	if !key.EmptyAuth {
		return nil, errors.New("it has a password")
	}
	p, err := tpm2.DecodePublic(key.PublicKey[2:])
	if err != nil {
		return nil, err
	}
	if p.Type != tpm2.AlgECC || p.ECCParameters == nil {
		return nil, errors.New("it is not an ECC key")
	}
	if p.Attributes&attributes != attributes || p.Attributes&never != 0 {
		return nil, fmt.Errorf("its attributes are %#x", uint32(p.Attributes))
	}
	for _, c := range curves {
		if c.id != p.ECCParameters.CurveID {
			continue
		}
		if s := p.ECCParameters.Sign; s != nil && s.Alg != tpm2.AlgNull && (s.Alg != tpm2.AlgECDSA || s.Hash != c.hash) {
			return nil, errors.New("it signs by another scheme")
		}
		x, y := p.ECCParameters.Point.X(), p.ECCParameters.Point.Y()
		n := (c.curve.Params().BitSize + 7) / 8
		if x.BitLen() > 8*n || y.BitLen() > 8*n {
			return nil, errors.New("its point is too large")
		}
		raw := append(append([]byte{4}, x.FillBytes(make([]byte, n))...), y.FillBytes(make([]byte, n))...)
		return ecdsa.ParseUncompressedPublicKey(c.curve, raw)
	}
	return nil, fmt.Errorf("its curve is %#x", uint16(p.ECCParameters.CurveID))
}

// nowhere stands for a TPM where none is asked.
type nowhere struct{}

func (nowhere) Read([]byte) (int, error)  { return 0, errors.New("no TPM") }
func (nowhere) Write([]byte) (int, error) { return 0, errors.New("no TPM") }
