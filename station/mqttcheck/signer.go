package mqttcheck

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"

	// The hashes of the two ECDSA schemes.
	_ "crypto/sha256"
	_ "crypto/sha512"
)

// Errors of the device's signature; found by errors.Is in Error.Err.
var (
	// ErrBadSignature means that the device's signature does not fit its
	// certificate's public key. It never left the station.
	ErrBadSignature = errors.New("the device's signature does not verify with its certificate")

	errSecondSignature = errors.New("a second signature on one connection was asked for")
	errNoDigest        = errors.New("only whole messages are signed, not digests")
)

// onceSigner lends the device's key to one TLS handshake. crypto/tls turns a
// signer's error into text (TLS 1.3) and has no context for it, so the error is
// kept here and the wait ends with ctx. It signs once.
type onceSigner struct {
	ctx    context.Context
	signer crypto.Signer
	pub    crypto.PublicKey // of the certificate
	asking func()           // called before the device is asked

	asked bool
	err   error
}

var _ crypto.MessageSigner = (*onceSigner)(nil)

func (s *onceSigner) Public() crypto.PublicKey { return s.pub }

func (s *onceSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	s.err = errNoDigest
	return nil, s.err
}

func (s *onceSigner) SignMessage(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.asked {
		s.err = errSecondSignature
		return nil, s.err
	}
	s.asked = true
	s.asking()
	sig, err := s.remote(rand, msg, opts)
	if err == nil && !verifies(s.pub, msg, sig, opts.HashFunc()) {
		err = ErrBadSignature
	}
	if err != nil {
		s.err = err
		return nil, err
	}
	return sig, nil
}

// remote waits for the device no longer than ctx allows. The message is copied:
// an abandoned signer may still read it while the handshake is torn down.
func (s *onceSigner) remote(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	type answer struct {
		sig []byte
		err error
	}
	done := make(chan answer, 1)
	own := bytes.Clone(msg)
	go func() {
		sig, err := crypto.SignMessage(s.signer, rand, own, opts)
		done <- answer{sig, err}
	}()
	select {
	case a := <-done:
		return a.sig, a.err
	case <-s.ctx.Done():
		return nil, fmt.Errorf("wait for the device's signature: %w", s.ctx.Err())
	}
}

// verifies checks the signature before it is sent, so that a device whose key
// does not fit is not reported as a broker's refusal.
func verifies(pub crypto.PublicKey, msg, sig []byte, hash crypto.Hash) bool {
	switch pub := pub.(type) {
	case *ecdsa.PublicKey:
		if !hash.Available() {
			return false
		}
		h := hash.New()
		h.Write(msg)
		return ecdsa.VerifyASN1(pub, h.Sum(nil), sig)
	case ed25519.PublicKey:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(pub, msg, sig)
	}
	return false
}
