package bridge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"provstation/station"
)

// errRefused is in the chain of every fault that an HTTP status made.
var errRefused = errors.New("bridge refused")

func fault(code station.Code, class station.Class, params map[string]string, err error) *station.Fault {
	if params == nil {
		params = map[string]string{}
	}
	return &station.Fault{Code: code, Outcome: station.Error, Class: class, Params: params, Err: err}
}

// during says what a fault's request was for.
func during(what string, err error) error {
	f, ok := station.AsFault(err)
	if !ok {
		f = fault(station.CodeInternal, station.Permanent, nil, err)
	}
	out := *f
	out.Err = fmt.Errorf("%s: %w", what, f.Err)
	return &out
}

// issued notes that a certificate may exist.
func issued(f *station.Fault, maybe bool) *station.Fault {
	if maybe {
		f.Err = fmt.Errorf("%w; %w", f.Err, station.ErrMaybeIssued)
		f.Params["maybe_issued"] = "yes"
	}
	return f
}

// verdict is what an answer other than 200 means.
type verdict struct {
	code    station.Code
	class   station.Class
	outcome station.Outcome // zero: ERROR
	maybe   bool            // a certificate may have been issued
}

// classify turns an answer other than 200 into a fault. The server has a CSR checked, then asks the CA, then the update
// server, then sets up the tunnel, and rolls nothing back: what fails behind the CA has lost a certificate. mayIssue says
// whether the request could have one issued at all.
func classify(rep reply, sent station.Contract, mayIssue bool) *station.Fault {
	detail, missing, extra := details(rep)
	v := verdictOf(rep, detail, missing, extra, sent)
	params := map[string]string{"status": strconv.Itoa(rep.status)}
	for _, s := range rep.scrub {
		if s != "" {
			detail = strings.ReplaceAll(detail, s, hidden)
		}
	}
	if d := clean(detail); d != "" {
		params["detail"] = d
	}
	if rep.location != "" && rep.status/100 == 3 {
		params["location"] = rep.location
	}
	if rep.retryAfter != "" {
		params["retry_after"] = rep.retryAfter
	}
	if len(missing) > 0 {
		params["missing"] = clean(strings.Join(missing, ", "))
	}
	err := fmt.Errorf("%w: status %d", errRefused, rep.status)
	if d := params["detail"]; d != "" {
		err = fmt.Errorf("%w: %s", err, d)
	}
	f := fault(v.code, v.class, params, err)
	if v.outcome != "" {
		f.Outcome = v.outcome
	}
	return issued(f, v.maybe && mayIssue)
}

func verdictOf(rep reply, detail string, missing, extra []string, sent station.Contract) verdict {
	switch s := rep.status; {
	case s/100 == 2: // not the 200 that the contracts name
		return verdict{code: station.CodeBridgeAnswer, class: station.Permanent, maybe: true}
	case s/100 == 3, s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusGone:
		return verdict{code: station.CodeBridgePath, class: station.Misconfigured}
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		return verdict{code: station.CodeBridgeAuth, class: station.Misconfigured}
	case s == http.StatusTooManyRequests, s == http.StatusTooEarly, s == http.StatusRequestTimeout:
		return verdict{code: station.CodeBridgeBusy, class: station.Passing}
	case s == http.StatusUnprocessableEntity:
		return unprocessable(detail, missing, extra, sent)
	case s/100 == 4:
		return verdict{code: station.CodeBridgeAnswer, class: station.Permanent}
	case s == http.StatusBadGateway, s == http.StatusServiceUnavailable:
		return upstream(rep, detail)
	case s == http.StatusGatewayTimeout: // a proxy gave up on the bridge, which goes on
		return verdict{code: station.CodeBridgeTimeout, class: station.Passing, maybe: true}
	case s/100 == 5:
		return verdict{code: station.CodeBridgeInternal, class: station.Passing, maybe: true}
	default:
		return verdict{code: station.CodeBridgeAnswer, class: station.Permanent, maybe: true}
	}
}

// unprocessable tells the two meanings of 422 apart: a list is validation, a text is the CSR.
func unprocessable(detail string, missing, extra []string, sent station.Contract) verdict {
	switch {
	case strings.HasPrefix(detail, "Invalid CSR"):
		return verdict{code: station.CodeBridgeCSR, class: station.Permanent, outcome: station.Fail}
	case names(missing, other(sent)) && !names(missing, sent):
		return verdict{code: station.CodeBridgeContract, class: station.OtherContract}
	case len(missing) > 0 || len(extra) > 0:
		return verdict{code: station.CodeBridgeContract, class: station.Permanent}
	default:
		return verdict{code: station.CodeBridgeAnswer, class: station.Permanent}
	}
}

// names reports whether the field that only this contract's request has is among fields.
func names(fields []string, c station.Contract) bool {
	if c == station.ContractDocumented {
		return slices.Contains(fields, "csr_pem")
	}
	return slices.Contains(fields, "csr")
}

// upstream tells apart whose failure a 502 or 503 reports.
func upstream(rep reply, detail string) verdict {
	const signing, unreachable = "PKI signing failed:", "step-ca unreachable:"
	switch {
	case strings.HasPrefix(detail, signing):
		// The CA's own policy speaks of the request; anything else it refuses (provisioner, token) is its set-up.
		if strings.Contains(detail, "returned 403") && strings.Contains(detail, "certificate request") {
			return verdict{code: station.CodeBridgePolicy, class: station.Permanent, outcome: station.Fail}
		}
		return verdict{code: station.CodeBridgeCAConfig, class: station.Misconfigured}
	case strings.HasPrefix(detail, unreachable):
		// Without a reason the bridge gave up waiting: the CA may have signed meanwhile.
		reason := strings.TrimSpace(strings.TrimPrefix(detail, unreachable))
		return verdict{code: station.CodeBridgeCADown, class: station.Passing, maybe: reason == ""}
	case strings.HasPrefix(detail, "hawkBit"):
		return verdict{code: station.CodeBridgeHawkbit, class: station.Passing, maybe: true}
	case rep.status == http.StatusBadGateway && detail == "":
		// A proxy lost the bridge, perhaps in the middle of the request.
		return verdict{code: station.CodeBridgeDown, class: station.Passing, maybe: true}
	default:
		return verdict{code: station.CodeBridgeBusy, class: station.Passing, maybe: detail != ""}
	}
}

// details reads {"detail": text} or {"detail": [{type, loc, msg}...]}; what is something else gives nothing. Validation
// errors repeat the input, which is left out.
func details(rep reply) (detail string, missing, extra []string) {
	var whole struct {
		Detail json.RawMessage `json:"detail"`
	}
	if !rep.isJSON || rep.encoding != "" || json.Unmarshal(rep.body, &whole) != nil {
		return "", nil, nil
	}
	if json.Unmarshal(whole.Detail, &detail) == nil {
		return detail, nil, nil
	}
	var list []struct {
		Type string            `json:"type"`
		Loc  []json.RawMessage `json:"loc"`
		Msg  string            `json:"msg"`
	}
	if json.Unmarshal(whole.Detail, &list) != nil {
		return "", nil, nil
	}
	var texts []string
	for _, e := range list[:min(len(list), 16)] {
		var field string
		if len(e.Loc) > 0 {
			_ = json.Unmarshal(e.Loc[len(e.Loc)-1], &field) // a place may be a number: then there is no field
		}
		switch e.Type {
		case "missing", "value_error.missing":
			missing = append(missing, field)
		case "extra_forbidden", "value_error.extra":
			extra = append(extra, field)
		}
		texts = append(texts, strings.TrimSpace(field+" "+e.Msg))
	}
	return strings.Join(texts, "; "), missing, extra
}

// answerFault is the fault of a 200 that is not believed: something was issued, most likely.
func answerFault(rep reply, err error) *station.Fault {
	class := station.Permanent
	if rep.isHTML { // a login page or a proxy's own: the address is wrong or asks for people
		class = station.Misconfigured
	}
	return issued(fault(station.CodeBridgeAnswer, class,
		map[string]string{"status": strconv.Itoa(rep.status), "reason": clean(err.Error())}, err), true)
}

// transportFault classifies a request that got no answer. ctx is the caller's: its end is told apart from the client's
// own timeout. maybe says that the server may have had the whole request.
func transportFault(ctx context.Context, err error, maybe bool) *station.Fault {
	var bare *url.Error
	if errors.As(err, &bare) {
		err = bare.Err // the address is no news
	}
	if f, ok := station.AsFault(err); ok {
		return f
	}
	params := map[string]string{"reason": clean(err.Error())}
	make := func(code station.Code, class station.Class) *station.Fault {
		return issued(fault(code, class, params, err), maybe)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		f := make(station.CodeAborted, station.Permanent)
		f.Outcome, f.Err = station.Aborted, fmt.Errorf("%w (%w)", f.Err, context.Canceled)
		return f
	}
	if alert, ok := remoteAlert(err); ok {
		return alertFault(alert, params, err, maybe)
	}
	var timeout net.Error
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, errCredential):
		return fault(station.CodeBridgeTokenBad, station.Misconfigured, params, err)
	case untrusted(err), errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return fault(station.CodeBridgeTLS, station.Misconfigured, params, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		if connecting(err) {
			return make(station.CodeBridgeDown, station.Passing)
		}
		f := make(station.CodeBridgeTimeout, station.Passing)
		f.Outcome = station.Timeout
		return f
	case errors.Is(err, syscall.ECONNREFUSED):
		params["reason"] = "connection refused"
	}
	return make(station.CodeBridgeDown, station.Passing)
}

// untrusted reports whether the server's certificate was refused by us.
func untrusted(err error) bool {
	var verify *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &verify) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}

// connecting reports whether it was a connection attempt that took too long.
func connecting(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

const alertHandshakeFailure = 40

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

// alertFault classifies a TLS alert (RFC 8446 6.2). Under TLS 1.3 the server refuses a client certificate after the
// client has sent its request; nothing of it was read then.
func alertFault(alert uint64, params map[string]string, err error, maybe bool) *station.Fault {
	switch alert {
	case 42, 43, 44, 45, 46, 48, 49, 116: // bad, unsupported, revoked, expired, unknown certificate; CA; access; required
		return fault(station.CodeBridgeAuth, station.Misconfigured, params, err)
	default:
		return issued(fault(station.CodeBridgeTLS, station.Misconfigured, params, err), maybe)
	}
}
