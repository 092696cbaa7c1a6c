package tenant

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"

	"provstation/station"
	"provstation/station/answer"
)

// errRefused is in the chain of every fault that a status made, errAnswer in that of an answer that is not believed.
var (
	errRefused = errors.New("refused")
	errAnswer  = errors.New("the answer is not usable")
)

func (s *server) fault(code station.Code, class station.Class, params map[string]string, err error) *station.Fault {
	if params == nil {
		params = map[string]string{}
	}
	params["name"] = s.name
	return &station.Fault{Code: code, Outcome: station.Error, Class: class, Params: params, Err: fmt.Errorf("%s: %w", s.name, err)}
}

// verdictOf is what a status means that is not an answer; see the package's table.
func verdictOf(status int) (station.Code, station.Class) {
	switch s := status; {
	case s/100 == 3, s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusGone:
		return station.CodeTenantPath, station.Misconfigured
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		return station.CodeTenantAuth, station.Misconfigured
	case s == http.StatusRequestTimeout, s == http.StatusTooEarly, s == http.StatusTooManyRequests:
		return station.CodeTenantBusy, station.Passing
	case s == http.StatusBadGateway, s == http.StatusServiceUnavailable:
		return station.CodeTenantDown, station.Passing
	case s == http.StatusGatewayTimeout:
		return station.CodeTenantTimeout, station.Passing
	case s/100 == 5:
		return station.CodeTenantInternal, station.Passing
	default:
		return station.CodeTenantAnswer, station.Permanent
	}
}

// refused is the fault of an answer that is none of those that were asked for.
func (s *server) refused(r reply) *station.Fault {
	code, class := verdictOf(r.status)
	params := map[string]string{"status": strconv.Itoa(r.status)}
	err := fmt.Errorf("%w: status %d", errRefused, r.status)
	if d := detail(r); d != "" {
		params["detail"] = d
		err = fmt.Errorf("%w: %s", err, d)
	}
	if r.status/100 == 3 && r.location != "" {
		params["detail"] = "it redirects to " + r.location
	}
	return s.fault(code, class, params, err)
}

func (s *server) pathFault(r reply, err error) *station.Fault {
	return s.fault(station.CodeTenantPath, station.Misconfigured,
		map[string]string{"status": strconv.Itoa(r.status), "detail": err.Error()}, err)
}

// unbelieved is the fault of an answer with a good status and a body that is not what was asked for.
func (s *server) unbelieved(r reply, err error) *station.Fault {
	return s.fault(station.CodeTenantAnswer, station.Permanent,
		map[string]string{"status": strconv.Itoa(r.status), "detail": answer.CleanOf(err.Error(), r.secrets...)}, fmt.Errorf("%w: %w", errAnswer, err))
}

// secretFault is the fault of a credential that cannot be read.
func (s *server) secretFault(err error) *station.Fault {
	return s.fault(station.CodeTenantSecret, station.Misconfigured, map[string]string{"detail": answer.Clean(err.Error())}, err)
}

func (s *server) trustFault(ctx context.Context, err error) error {
	if f, ok := station.AsFault(err); ok {
		return f
	}
	if ctx.Err() != nil {
		return s.lost(ctx, err)
	}
	return s.fault(station.CodeTrustMissing, station.Misconfigured, map[string]string{"detail": answer.Clean(err.Error())}, err)
}

// lost classifies a request that got no answer. ctx is the caller's: its end is told apart from the request's own timeout.
func (s *server) lost(ctx context.Context, err error) *station.Fault {
	var bare *url.Error
	if errors.As(err, &bare) {
		err = bare.Err // the address is no news
	}
	params := map[string]string{"detail": answer.Clean(err.Error())}
	var (
		timeout net.Error
		record  tls.RecordHeaderError
		op      *net.OpError
	)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		f := s.fault(station.CodeAborted, station.Permanent, params, fmt.Errorf("%w (%w)", err, context.Canceled))
		f.Outcome = station.Aborted
		return f
	case untrusted(err), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &op) && op.Op == "remote error": // a TLS alert (RFC 8446 6.2)
		return s.fault(station.CodeTenantTLS, station.Misconfigured, params, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		if errors.As(err, &op) && op.Op == "dial" {
			return s.fault(station.CodeTenantDown, station.Passing, params, err)
		}
		params["detail"] = "no answer within " + s.cfg.Timeout.String()
		f := s.fault(station.CodeTenantTimeout, station.Passing, params, err)
		f.Outcome = station.Timeout
		return f
	case errors.Is(err, syscall.ECONNREFUSED):
		params["detail"] = "connection refused"
	}
	return s.fault(station.CodeTenantDown, station.Passing, params, err)
}

// untrusted reports whether the server's certificate was refused by us.
func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// during says what a fault's request was for. An [ErrUnknown] stays one.
func during(what string, err error) error {
	f, ok := station.AsFault(err)
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	out := *f
	out.Err = fmt.Errorf("%s: %w", what, f.Err)
	return &out
}
