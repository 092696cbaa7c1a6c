package console

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"provstation/station"
	"provstation/station/pki"
)

// signer is the box's key, across the line, for one TLS client handshake. Only the transcript hash crosses; what is signed is
// built on the box.
type signer struct {
	ctx  context.Context //nolint:containedctx // crypto.Signer has no context of its own
	line *line
	pub  crypto.PublicKey

	enroll station.EnrollID
	err    error // why the box does not sign
}

var _ crypto.MessageSigner = (*signer)(nil)

// Signer lends the box's key for one handshake of TLS 1.3. TLS 1.2 is not signed: a shell cannot look into a transcript.
func (l *line) Signer(ctx context.Context, pub crypto.PublicKey, _ [][]byte) crypto.Signer {
	s := &signer{ctx: ctx, line: l, pub: pub}
	s.enroll, s.err = l.maySign(ctx) // before anybody waits for a handshake
	return s
}

// Public returns the box's public key.
func (s *signer) Public() crypto.PublicKey { return s.pub }

var (
	// errRawDigest: a digest says nothing of what is being signed.
	errRawDigest = errors.New("the box signs TLS client handshakes only, never a digest")
	errTLS12     = errors.New("the box signs handshakes of TLS 1.3 only")
)

// Sign refuses: no raw digest is signed.
func (s *signer) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errRawDigest }

// SignMessage has the box sign the content of a client CertificateVerify of TLS 1.3 (RFC 8446 4.4.3). Anything else is refused
// before it reaches the line.
func (s *signer) SignMessage(_ io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	_, hash, err := pki.SchemeFor(s.pub)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	if opts.HashFunc() != hash {
		return nil, fmt.Errorf("sign: the key fixes hash %v, asked for %v", hash, opts.HashFunc())
	}
	transcript, err := pki.ParseTLS13Content(msg)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", errTLS12)
	}
	if s.err != nil {
		return nil, s.err
	}
	return s.line.sign(s.ctx, s.enroll, transcript)
}

// maySign loads what signs, where the box is one that does. The box looks again itself.
func (l *line) maySign(ctx context.Context) (station.EnrollID, error) {
	h, err := l.held(ctx)
	if err != nil {
		return h.enroll, err
	}
	if h.state != station.StateInstalled {
		return h.enroll, boxFault("have the box sign", "refused", "it signs between installation and sealing only, and is "+string(h.state))
	}
	return h.enroll, l.loadSign(ctx)
}

func (l *line) sign(ctx context.Context, enroll station.EnrollID, transcript []byte) ([]byte, error) {
	text, err := l.ask(ctx, keyTime, "have the box sign", command("tls13", hex.EncodeToString(enroll[:]), hex.EncodeToString(transcript)))
	if err != nil {
		return nil, err
	}
	sig, err := base64.StdEncoding.DecodeString(fields(text)["sig"])
	if err != nil || len(sig) == 0 || len(sig) > 256 {
		return nil, badAnswer("sign: the answer holds no signature")
	}
	return sig, nil
}

func (l *line) loadSign(ctx context.Context) error {
	if err := l.work(ctx); err != nil {
		return err
	}
	return l.sess.load(ctx, l.cfg.Command, "sign", strings.ReplaceAll(signScript, "@SIGNATURES@", fmt.Sprint(signatures)))
}
