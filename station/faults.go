package station

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"provstation/station/mqttcheck"
	"provstation/station/pki"
)

// checkParams names the check that failed.
func checkParams(err error) map[string]string {
	return map[string]string{"check": string(pki.CheckOf(err)), "detail": err.Error()}
}

// certFault puts a finding of the response lint into a fault. Every one of them is final: the same answer fails the same
// way, and another post would only issue another certificate.
func certFault(err error) *Fault {
	f := &Fault{Code: CodeCertBad, Outcome: Fail, Params: checkParams(err), Err: err}
	switch pki.CheckOf(err) {
	case pki.CheckKeyMismatch:
		f.Code = CodeCertKey
	case pki.CheckOtherCA, pki.CheckMissingIntermediate, pki.CheckBadSignature, pki.CheckKeyID, pki.CheckNotACA,
		pki.CheckCAKeyUsage, pki.CheckCAEKU, pki.CheckPathLength, pki.CheckChainOrder, pki.CheckPath, pki.CheckStray:
		f.Code = CodeCertChain
	case pki.CheckExpired, pki.CheckNotYetValid, pki.CheckBackdated:
		f.Code = CodeCertDates
	case pki.CheckShelfLife:
		f.Code = CodeCertShelfLife
	case pki.CheckPrivateKeyInAnswer:
		f.Code = CodeCertPrivateKey
	case pki.CheckNoAnchor, pki.CheckNotARoot, pki.CheckFingerprint:
		f.Code, f.Outcome, f.Class = CodeTrustMissing, Error, Misconfigured
	}
	return f
}

// brokerFaults says what each way to fail at the broker means: is it the device's credentials (FAIL) or could we not
// tell (ERROR), and is another try worth it.
var brokerFaults = map[mqttcheck.Reason]struct {
	code    Code
	outcome Outcome
	class   Class
}{
	mqttcheck.BadConfig:             {CodeInternal, Error, Misconfigured},
	mqttcheck.NameNotFound:          {CodeBrokerName, Error, Misconfigured},
	mqttcheck.ResolverFailed:        {CodeBrokerName, Error, Passing},
	mqttcheck.NoRoute:               {CodeBrokerRoute, Error, Passing},
	mqttcheck.Refused:               {CodeBrokerRefused, Error, Passing},
	mqttcheck.ConnectFailed:         {CodeBrokerRoute, Error, Passing},
	mqttcheck.Timeout:               {CodeBrokerTimeout, Timeout, Passing},
	mqttcheck.NotTLS:                {CodeBrokerTLS, Error, Misconfigured},
	mqttcheck.ProtocolVersion:       {CodeBrokerTLS, Error, Misconfigured},
	mqttcheck.HandshakeFailed:       {CodeBrokerTLS, Error, Permanent},
	mqttcheck.ServerUntrusted:       {CodeBrokerUntrusted, Error, Misconfigured},
	mqttcheck.ServerNameMismatch:    {CodeBrokerHostname, Error, Misconfigured},
	mqttcheck.ServerExpired:         {CodeBrokerUntrusted, Error, Misconfigured},
	mqttcheck.NoClientCertRequested: {CodeBrokerTLS, Error, Misconfigured},
	mqttcheck.ClientCertRefused:     {CodeBrokerCert, Fail, Permanent},
	mqttcheck.ConnackRefused:        {CodeBrokerConnack, Fail, Permanent},
	mqttcheck.PublishDenied:         {CodeBrokerPublish, Fail, Permanent},
	mqttcheck.BrokerClosed:          {CodeBrokerClosed, Error, Passing},
	mqttcheck.BrokerMisbehaved:      {CodeBrokerClosed, Error, Permanent},
}

// brokerFault puts a failed MQTT test into a fault. A signer that failed is the device's or the line's matter: its own
// error counts.
func brokerFault(err error, broker string) error {
	var me *mqttcheck.Error
	if !errors.As(err, &me) {
		return err
	}
	switch me.Reason {
	case mqttcheck.Canceled:
		return context.Canceled
	case mqttcheck.SignerFailed:
		if errors.Is(err, ErrDeviceReset) || errors.Is(err, ErrSessionLost) {
			return err
		}
		if f, ok := AsFault(me.Err); ok {
			return f
		}
		if errors.Is(err, context.DeadlineExceeded) { // a device that says nothing has not failed: it is greeted again
			return fmt.Errorf("%w: %w", ErrSessionLost, err)
		}
		return &Fault{Code: CodeAgentError, Outcome: Fail, Params: map[string]string{"detail": me.Error()}, Err: err}
	}
	row, ok := brokerFaults[me.Reason]
	switch {
	case !ok:
		row.code, row.outcome = CodeInternal, Error
	case me.Reason == mqttcheck.ConnackRefused && brokerBusy(me.Protocol, me.Code):
		row.outcome, row.class = Error, Passing
	}
	params := map[string]string{"broker": broker, "step": string(me.Step), "reason": string(me.Reason), "detail": me.Sentence}
	if me.Alert != 0 {
		params["alert"] = strconv.Itoa(int(me.Alert))
	}
	if me.Code != 0 {
		params["reason_code"] = strconv.Itoa(int(me.Code))
	}
	return &Fault{Code: row.code, Outcome: row.outcome, Class: row.class, Params: params, Err: err}
}

// brokerBusy tells the CONNACK codes that speak of the broker's own state and not of the device (MQTT 5 section 3.2.2.2,
// MQTT 3.1.1 table 3.1).
func brokerBusy(p mqttcheck.Protocol, code byte) bool {
	if p == mqttcheck.Protocol311 {
		return code == 3 // server unavailable
	}
	switch code {
	case 0x88, 0x89, 0x8B, 0x97, 0x9F: // unavailable, busy, shutting down, quota exceeded, connection rate exceeded
		return true
	default:
		return false
	}
}

func joined(names []string) string { return strings.Join(names, ", ") }
