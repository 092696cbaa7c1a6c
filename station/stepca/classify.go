package stepca

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"time"
)

// refused makes the error of an answer that is not what a success is.
func (c *Client) refused(r request, rep reply) *Error {
	class := r.class(rep, c.cfg.Now)
	// What failed behind the CA's signature, or on its way through a proxy, may have left a certificate.
	maybe := r.mayIssue() && (class == ErrServer && rep.status/100 == 5 || class == ErrAnswer) //nolint:errorlint // sentinels of our own, bare
	return c.fail(r.op, rep, maybeIssued(class, maybe))
}

// class says what a status other than the good one means.
func (r request) class(rep reply, now func() time.Time) error {
	switch s := rep.status; {
	case s/100 == 2:
		return ErrAnswer // not the one that this operation has
	case s/100 == 3, s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusGone:
		return ErrPath
	case s == http.StatusBadRequest, s == http.StatusUnauthorized, s == http.StatusForbidden:
		return r.classOfRefusal(rep, now)
	case s == http.StatusProxyAuthRequired:
		return ErrDenied
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests:
		return ErrServer
	case s == http.StatusNotImplemented, s/100 == 4:
		return ErrRefused
	case r.op == OpRenew && s == http.StatusInternalServerError && says(rep, wordsToken):
		return ErrDenied // its audience names another host, or its signature is wrong
	case s/100 == 5:
		return ErrServer
	default:
		return ErrAnswer
	}
}

// classOfRefusal tells 400, 401 and 403 apart.
func (r request) classOfRefusal(rep reply, now func() time.Time) error {
	// The CA asks every client for a certificate. A server that did not is a proxy, whatever it says.
	if r.loan != nil && !r.loan.wasAsked() || says(rep, wordsNoCert, wordsNoCertOrOTT) {
		return ErrNoClientCert
	}
	if rep.status == http.StatusBadRequest {
		return ErrRefused
	}
	if !r.mayIssue() || rep.status != http.StatusUnauthorized {
		return ErrDenied
	}
	switch {
	case r.expired(rep.serverTime, now):
		return ErrExpired
	case says(rep, wordsToken):
		return ErrDenied
	default: // one text for all that is left
		return ErrRevoked
	}
}

// lost makes the error of a request without an answer. ctx is the caller's: its end is told apart from the client's own
// timeout. maybe says that the server may have had the whole request.
func (c *Client) lost(ctx context.Context, r request, err error, maybe bool) *Error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // the address is no news: Error names the host
	}
	e := &Error{Op: r.op, Host: c.base.Host}
	class := r.lostClass(err, c.cfg.Now)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Err = fmt.Errorf("%w (%w)", context.Canceled, printable(err))
	case errors.Is(class, ErrSigner):
		e.Err = class // with the signer's own error; TLS has made a text of it
	default:
		e.Err = fmt.Errorf("%w: %w", class, printable(err))
	}
	// Under TLS 1.3 the server refuses a client certificate after the client has sent its request, and reads none of it.
	unread := errors.Is(class, ErrSigner) || errors.Is(class, ErrExpired) || errors.Is(class, ErrRevoked) ||
		errors.Is(class, ErrDenied) || errors.Is(class, ErrUntrusted) || errors.Is(class, ErrPath)
	e.Err = maybeIssued(e.Err, maybe && !unread)
	return e
}

func (r request) lostClass(err error, now func() time.Time) error {
	if failed := r.loan.failure(); failed != nil {
		return fmt.Errorf("%w: %w", ErrSigner, failed)
	}
	if alert, ok := remoteAlert(err); ok {
		return r.alertClass(alert, now)
	}
	var timeout net.Error
	var record tls.RecordHeaderError
	switch {
	case untrusted(err):
		return ErrUntrusted
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return ErrPath
	case errors.As(err, &timeout) && timeout.Timeout():
		return ErrUnreachable
	case r.loan.wasSigned() && r.expired(time.Time{}, now):
		// The alert can be lost: the server closes while the request is still being written.
		return ErrExpired
	default:
		return ErrUnreachable
	}
}

// expired reports whether the present certificate is past its end, by the server's clock if it told the time.
func (r request) expired(server time.Time, now func() time.Time) bool {
	if server.IsZero() {
		server = now()
	}
	return r.leaf != nil && server.After(r.leaf.NotAfter)
}

// untrusted reports whether the server's certificate was refused by us.
func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// Alerts that the code decides by (RFC 8446 6.2).
const (
	alertCertificateRevoked = 44
	alertCertificateExpired = 45
)

// alertClass classifies the server's TLS alert.
func (r request) alertClass(alert uint64, now func() time.Time) error {
	switch alert {
	case alertCertificateExpired:
		return ErrExpired
	case alertCertificateRevoked:
		return ErrRevoked
	case 40, 42, 43, 46, 48, 49, 51, 116: // handshake failure; bad, unsupported, unknown certificate; CA; access; decrypt; required
		if r.loan.wasSigned() && r.expired(time.Time{}, now) {
			return ErrExpired // OpenSSL and others are less exact
		}
		return ErrDenied
	default: // no common version, cipher or name
		return ErrUntrusted
	}
}

// remoteAlert gives the number of the TLS alert that the server sent. crypto/tls keeps the alert's type to itself and
// wraps it into an OpError whose Op is "remote error".
func remoteAlert(err error) (uint64, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
		return v.Uint(), true
	}
	return 0, false
}

// printableError is an error whose text may hold what a server sent (a bad header, a name in a certificate).
type printableError struct{ error }

func (e printableError) Error() string { return clean(e.error.Error()) }

func (e printableError) Unwrap() error { return e.error }

func printable(err error) error { return printableError{err} }
