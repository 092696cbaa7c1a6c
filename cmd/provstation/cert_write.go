package main

import (
	"context"
	"errors"
	"time"

	"provstation/station"
	"provstation/station/retire"
)

// revokeWriter tells what came of revocations, for people or as NDJSON.
type revokeWriter struct {
	*lines
	*archive
	json bool
	sum  revokeEnd
}

// revokedJSON is what came of one revocation.
type revokedJSON struct {
	eventHead
	certificateName
	Reason  string       `json:"reason"`
	Result  string       `json:"result"` // revoked|already-revoked|on-record|failed|left
	Code    station.Code `json:"code,omitempty"`
	Message string       `json:"message,omitempty"`
	Hint    string       `json:"hint,omitempty"`
}

// certificateName is which certificate is meant.
type certificateName struct {
	DeviceID       string     `json:"device_id,omitempty"`
	HardwareSerial string     `json:"hardware_serial,omitempty"`
	CertSerial     string     `json:"cert_serial"`
	Decimal        string     `json:"cert_serial_decimal,omitempty"`
	Fingerprint    string     `json:"cert_fingerprint,omitempty"`
	NotAfter       *time.Time `json:"not_after,omitempty"`
}

func nameOf(c retire.Certificate) certificateName {
	n := certificateName{DeviceID: c.DeviceID, HardwareSerial: c.HardwareSerial, CertSerial: c.CertSerial, Fingerprint: fingerprintText(c)}
	if number, err := c.Number(); err == nil {
		n.Decimal = number.String()
	}
	if !c.NotAfter.IsZero() {
		n.NotAfter = &c.NotAfter
	}
	return n
}

// revokeEnd is the last line.
type revokeEnd struct {
	eventHead
	Revoked int          `json:"revoked"` // now
	Already int          `json:"already"` // before
	Failed  int          `json:"failed"`
	Left    int          `json:"left"` // it was stopped before them
	Code    station.Code `json:"code,omitempty"`
}

// outcome tells of one certificate.
func (w *revokeWriter) outcome(o retire.Outcome) {
	line := revokedJSON{certificateName: nameOf(o.Certificate), Reason: o.Reason.String(), Result: string(o.Way)}
	if errors.Is(o.Err, context.Canceled) { // a person stopped it: nobody knows, as with what comes after
		o.Err, o.Left = nil, true
	}
	switch {
	case o.Err != nil:
		line.Result = "failed"
		line.Code, line.Message, line.Hint = w.faultWords(o.Err)
		w.sum.Failed++
	case o.Left:
		line.Result = "left"
		w.sum.Left++
	case o.Way == retire.ByUs:
		w.sum.Revoked++
	default:
		w.sum.Already++
	}
	if w.json {
		line.eventHead = w.head("revocation")
		w.encode(line)
		return
	}
	name := dash(o.DeviceID)
	switch {
	case o.Err != nil:
		w.printf("%s  %s  not revoked: %s %s\n", name, plain(o.CertSerial), line.Code, line.Message)
		if line.Hint != "" {
			w.printf("  next: %s\n", line.Hint)
		}
	case o.Left:
		w.printf("%s  %s  left\n", name, plain(o.CertSerial))
	case o.Way == retire.ByUs:
		w.printf("%s  %s  revoked (%s)\n", name, plain(o.CertSerial), o.Reason)
	case o.Way == retire.OnRecord && !o.RevokedAt.IsZero():
		w.printf("%s  %s  was revoked before, %s (%s)\n", name, plain(o.CertSerial), local(o.RevokedAt), plain(o.RevokeReason))
	default:
		w.printf("%s  %s  was revoked before\n", name, plain(o.CertSerial))
	}
}

// brokersJSON is what brokers make of one certificate.
type brokersJSON struct {
	eventHead
	certificateName
	Brokers retire.Brokers `json:"brokers"`
	Message string         `json:"message"`
}

// brokers says whether brokers will refuse what is revoked.
func (w *revokeWriter) brokers(ctx context.Context, ca *authority, list []retire.Outcome) {
	w.judged(ctx, ca, list, func(o retire.Outcome, b retire.Brokers, text string) {
		if w.json {
			w.encode(brokersJSON{w.head("brokers"), nameOf(o.Certificate), b, text})
		}
	})
}

// judged asks the CA for its list, and says once each what it means for the certificates that are revoked.
func (w *revokeWriter) judged(ctx context.Context, ca *authority, list []retire.Outcome, each func(retire.Outcome, retire.Brokers, string)) {
	var revoked []retire.Outcome
	for _, o := range list {
		if o.Way != "" {
			revoked = append(revoked, o)
		}
	}
	if len(revoked) == 0 || ctx.Err() != nil {
		return
	}
	crl, err := ca.crl(ctx)
	var said []string
	count := map[string]int{}
	for _, o := range revoked {
		b, text := w.brokerWords(crl, err, o.Certificate)
		if each != nil {
			each(o, b, text)
		}
		if count[text]++; count[text] == 1 {
			said = append(said, text)
		}
	}
	for _, text := range said {
		switch {
		case w.json:
		case len(said) == 1:
			w.printf("%s\n", plain(text))
		default:
			w.printf("%d of them: %s\n", count[text], plain(text))
		}
	}
}

// others names the valid certificates of the device that were not meant.
func (w *revokeWriter) others(list []retire.Certificate) {
	for i, c := range list {
		if w.json {
			w.encode(struct {
				eventHead
				certificateName
			}{w.head("other-certificate"), nameOf(c)})
			continue
		}
		if i == 0 {
			w.printf("the device has %d more certificates that are valid; --all revokes them, too:\n", len(list))
		}
		w.printf("  %s  until %s  %s\n", plain(c.CertSerial), local(c.NotAfter), plain(c.Orphan))
	}
}

func (w *revokeWriter) end(stopped error) {
	if stopped != nil {
		w.sum.Code, _, _ = w.faultWords(stopped)
	}
	if w.json {
		w.sum.eventHead = w.head("revocations-end")
		w.encode(w.sum)
		return
	}
	if n := w.sum.Revoked + w.sum.Already + w.sum.Failed + w.sum.Left; n > 1 {
		w.printf("%d revoked, %d were before, %d failed, %d left\n", w.sum.Revoked, w.sum.Already, w.sum.Failed, w.sum.Left)
	}
}
