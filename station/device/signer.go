package device

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"slices"

	"provstation/serialproto"
	"provstation/station/pki"
)

// signer is the device's key, across the line, for one TLS client handshake. crypto/tls hands it the content to sign
// (crypto.MessageSigner); only what the device needs to build that content itself crosses the wire.
type signer struct {
	ctx   context.Context //nolint:containedctx // crypto.Signer has no context of its own
	line  *line
	pub   crypto.PublicKey
	chain [][]byte
}

var _ crypto.MessageSigner = (*signer)(nil)

// Public returns the device's public key.
func (s *signer) Public() crypto.PublicKey { return s.pub }

// errRawDigest: a digest says nothing of what is being signed, so no device signs one.
var errRawDigest = errors.New("the device signs TLS client handshakes only, never a digest")

// Sign refuses: the device signs no raw digest.
func (s *signer) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errRawDigest }

// SignMessage has the device sign the content of a client CertificateVerify (RFC 8446 4.4.3, RFC 5246 7.4.8). Anything
// else is refused before it reaches the wire.
func (s *signer) SignMessage(_ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	scheme, hash, err := pki.SchemeFor(s.pub)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if opts.HashFunc() != hash {
		return nil, fmt.Errorf("sign: the key fixes hash %v, asked for %v", hash, opts.HashFunc())
	}
	var args any
	if transcript, err13 := pki.ParseTLS13Content(msg); err13 == nil {
		args = &serialproto.SignTLS13Args{Op: serialproto.OpSignTLS13, Hash: transcript, Scheme: uint16(scheme)}
	} else {
		t, err := pki.ParseTLS12Transcript(msg)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		if !slices.EqualFunc(t.ClientChain, s.chain, slices.Equal) {
			return nil, errors.New("sign: the handshake does not carry the device's own chain")
		}
		args = &serialproto.SignTLS12Args{
			Op: serialproto.OpSignTLS12, Head: t.Head, Certs: uint8(len(t.ClientChain)), Tail: t.Tail, Scheme: uint16(scheme),
		}
	}
	var r serialproto.SignResult
	if err := s.line.call(s.ctx, "have the device sign", args, &r); err != nil {
		return nil, err
	}
	return r.Signature, nil
}
