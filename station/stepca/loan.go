package stepca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	// The hashes of the ECDSA schemes.
	_ "crypto/sha256"
	_ "crypto/sha512"
)

// Errors of a lent key, below [ErrSigner].
var (
	errSignature       = errors.New("the signature does not verify with the certificate")
	errNoSignature     = fmt.Errorf("wait for the signature: %w", context.DeadlineExceeded)
	errSecondSignature = errors.New("a second signature was asked for")
	errNoDigest        = errors.New("only whole messages are signed, not digests")
)

// loan lends a certificate's key to one TLS handshake. The key may be a device's across a slow line: it is asked once, and
// the wait for it ends with the request. crypto/tls makes a text of a signer's error, so the error is kept here. Its
// methods but failure, wasAsked and wasSigned are called by one handshake.
type loan struct {
	ctx  context.Context
	cert tls.Certificate // with Leaf
	key  crypto.Signer

	mu     sync.Mutex
	asked  bool // the server asked for a certificate
	begun  bool // and the key was asked for a signature
	signed bool // and gave a good one
	err    error
}

// lend checks that certificate and key go together before anything is sent.
func lend(ctx context.Context, cert tls.Certificate) (*loan, error) {
	key, ok := cert.PrivateKey.(crypto.Signer)
	if !ok || len(cert.Certificate) == 0 || len(cert.Certificate) > maxChain {
		return nil, fmt.Errorf("%w: want a certificate with its chain, and a crypto.Signer", ErrArgument)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrArgument, err)
	}
	if pub, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(key.Public()) {
		return nil, fmt.Errorf("%w: the key is not the certificate's", ErrArgument)
	}
	l := &loan{ctx: ctx, key: key, cert: cert}
	l.cert.Leaf, l.cert.PrivateKey = leaf, l
	return l, nil
}

// client makes an HTTP client for the one request that the loan is for.
func (l *loan) client(cfg Config) *http.Client {
	h := newHTTP(&tls.Config{
		RootCAs: cfg.Roots, ServerName: cfg.ServerName, MinVersion: tls.VersionTLS12, MaxVersion: cfg.MaxTLS,
		// Not Certificates: of those Go silently sends none if the server's CA list does not match.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.asked = true
			return &l.cert, nil
		},
	}, cfg.Timeout)
	t := h.Transport.(*http.Transport) //nolint:forcetypeassert,errcheck // newHTTP's own
	// One connection, one request, nothing that HTTP/2 would repeat by itself.
	t.DisableKeepAlives, t.ForceAttemptHTTP2, t.TLSHandshakeTimeout = true, false, cfg.Timeout
	return h
}

func (l *loan) wasAsked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

func (l *loan) wasSigned() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.signed
}

// failure is the key's own, if that is what ended the handshake.
func (l *loan) failure() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil && l.begun && !l.signed { // nothing but the end of the request ends a handshake that waits for it
		return errNoSignature
	}
	return l.err
}

// Public is the certificate's key.
func (l *loan) Public() crypto.PublicKey { return l.cert.Leaf.PublicKey }

// Sign refuses: a device that checks what it signs needs the whole message.
func (l *loan) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, l.failed(errNoDigest)
}

// SignMessage asks the key.
func (l *loan) SignMessage(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	l.mu.Lock()
	again := l.begun
	l.begun = true
	l.mu.Unlock()
	if again {
		return nil, l.failed(errSecondSignature)
	}
	sig, err := l.remote(rand, msg, opts)
	if err == nil && !verifies(l.Public(), msg, sig, opts.HashFunc()) {
		err = errSignature
	}
	if err != nil {
		return nil, l.failed(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signed = true
	return sig, nil
}

func (l *loan) failed(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	return err
}

// remote waits for the key no longer than the request does. The message is copied: a signer that was given up may still
// read it.
func (l *loan) remote(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	type answer struct {
		sig []byte
		err error
	}
	done := make(chan answer, 1)
	own := bytes.Clone(msg)
	go func() {
		sig, err := crypto.SignMessage(l.key, rand, own, opts)
		done <- answer{sig, err}
	}()
	select {
	case a := <-done:
		return a.sig, a.err
	case <-l.ctx.Done():
		return nil, fmt.Errorf("wait for the signature: %w", l.ctx.Err())
	}
}

// verifies checks a signature before it is sent, so that a device whose key does not fit is not told as a refusal by the
// CA. RSA, which no device here has, is left to the CA.
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
	default:
		return true
	}
}
