package stepca

import (
	"errors"
	"fmt"
)

// Arguments that cannot be used. Nothing was sent.
var (
	ErrAddress     = errors.New("not the address of a server")
	ErrFingerprint = errors.New("not a SHA-256 fingerprint")
	ErrArgument    = errors.New("not usable")
)

// Classes of failures. Each [*Error] has exactly one of them in its chain, or context.Canceled.
var (
	// ErrUnreachable: no connection, or no answer in time. The same request may work later.
	ErrUnreachable = errors.New("the server cannot be reached")
	// ErrUntrusted: the server's certificate does not chain to the pinned root, or is for another name.
	ErrUntrusted = errors.New("the server's certificate is not trusted")
	// ErrOtherRoot: what the server calls its root has another digest than the pinned one.
	ErrOtherRoot = errors.New("the server's root is another than the pinned one")
	// ErrUnknownRoot: the server says that it has no such root.
	ErrUnknownRoot = errors.New("the server has no root with this fingerprint")
	// ErrPath: no step-ca behind this address: a redirect, 404, or no TLS.
	ErrPath = errors.New("no step-ca at this address")
	// ErrNoClientCert: the client certificate did not get to the CA, since a proxy ends TLS.
	ErrNoClientCert = errors.New("the client certificate does not reach the CA: a proxy ends TLS")
	// ErrExpired: the certificate has expired and cannot renew; the device must enroll again.
	ErrExpired = errors.New("the certificate has expired")
	// ErrRevoked: the CA does not renew a certificate that is otherwise good: it is revoked. The CA answers the same where
	// the provisioner's renewal is switched off, or a token was used before; a CRL tells, where there is one.
	ErrRevoked = errors.New("the CA does not renew the certificate: it is revoked (or renewal is switched off)")
	// ErrDenied: the CA does not accept this certificate or token.
	ErrDenied = errors.New("not authorized")
	// ErrRefused: the CA does not do what was asked, for another reason than who asks.
	ErrRefused = errors.New("the CA refused the request")
	// ErrServer: the server failed or is busy. The same request may work later.
	ErrServer = errors.New("the CA failed")
	// ErrAnswer: what came back is not what was asked for.
	ErrAnswer = errors.New("unusable answer")
	// ErrSigner: the lent key did not sign; the signer's own error is in the chain.
	ErrSigner = errors.New("the key did not sign")
	// ErrProvisioner: no such JWK provisioner, or one whose key the CA does not give.
	ErrProvisioner = errors.New("no usable JWK provisioner")
	// ErrPassword: the provisioner's key does not open with this password.
	ErrPassword = errors.New("the provisioner's key does not open with this password")
)

// Classes lists the classes, for tables that map them.
func Classes() []error {
	return []error{
		ErrUnreachable, ErrUntrusted, ErrOtherRoot, ErrUnknownRoot, ErrPath, ErrNoClientCert, ErrExpired, ErrRevoked, ErrDenied,
		ErrRefused, ErrServer, ErrAnswer, ErrSigner, ErrProvisioner, ErrPassword,
	}
}

var (
	// ErrMaybeIssued is in the chain of a failed renew or rekey after which a certificate may exist that nobody received.
	ErrMaybeIssued = errors.New("a certificate may have been issued")
	// ErrOtherKey is in the chain of an [ErrAnswer] whose certificate is for another key than the one asked for.
	ErrOtherKey = errors.New("the certificate is for another key")
)

// Op is what was asked of a server.
type Op string

// Operations.
const (
	OpRoot          Op = "root"
	OpRoots         Op = "roots"
	OpIntermediates Op = "intermediates"
	OpRenew         Op = "renew"
	OpRekey         Op = "rekey"
	OpRevoke        Op = "revoke"
	OpProvisioners  Op = "provisioners"
	OpCRL           Op = "crl"
	OpHealth        Op = "health"
)

// doing says what an operation does, for an error's text.
func (o Op) doing() string {
	switch o {
	case OpRenew, OpRekey, OpRevoke:
		return string(o) + " at"
	default:
		return "fetch " + string(o) + " from"
	}
}

// Error is a request that failed.
type Error struct {
	Op     Op
	Host   string // host and port asked
	Status int    // HTTP status; 0 if there was none, or if it was good and the answer was not
	// Message is what the server said: bounded, printable, without the request's secrets. For people, not for deciding.
	Message string
	// Leaf is a certificate (DER) that the CA issued in an answer that is otherwise of no use: one to be revoked.
	Leaf []byte
	Err  error
}

// Error says what was asked of whom.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: ", e.Op.doing(), e.Host)
	if e.Status != 0 {
		text += fmt.Sprintf("HTTP status %d: ", e.Status)
	}
	text += e.Err.Error()
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the server did not answer in time.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}
