package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"provstation/station/retire"
	"provstation/station/stepca"
)

func (a *app) certShowCommand() *cobra.Command {
	var asJSON, ca bool
	cmd := &cobra.Command{
		Use: "show DEVICE_ID", Short: "Show every certificate of a device that is on file, and what became of it", Args: cobra.ExactArgs(1),
		Long: `Show every certificate that was ever issued for a device, newest first, and how it stands:

  present    the device works with it
  orphan     issued, and not at work on the device: why, as in "records orphans"
  revoked    when, and why
  expired    it has ended

With --ca also what the CA's list of revoked certificates (CRL) says.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "" {
				return usage("show: the device id is empty")
			}
			return a.certShow(cmd.Context(), args[0], ca, asJSON)
		},
	}
	cmd.Flags().BoolVar(&ca, "ca", false, "ask the CA for its list of revoked certificates, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

// Renewal is due when two thirds of a certificate's life are over, as the daemon on a device has it.
const renewNum, renewDen = 2, 3

// renewBy is when a certificate is due to be renewed.
func renewBy(c retire.Certificate) time.Time {
	if c.NotBefore.IsZero() || c.NotAfter.IsZero() {
		return time.Time{}
	}
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / renewDen * renewNum)
}

// States of a certificate on file.
const (
	certPresent = "present"
	certOrphan  = "orphan"
	certRevoked = "revoked"
	certExpired = "expired"
	certOther   = "on-file" // of a run that has not ended, or in the queue
)

func certState(c retire.Certificate, present bool, now time.Time) string {
	switch {
	case !c.RevokedAt.IsZero():
		return certRevoked
	case c.Over(now):
		return certExpired
	case present:
		return certPresent
	case c.Orphan != "":
		return certOrphan
	default:
		return certOther
	}
}

// certShownJSON is one certificate as `cert show --json` has it.
type certShownJSON struct {
	eventHead
	certificateName
	State        string     `json:"state"` // present|orphan|revoked|expired|on-file
	Present      bool       `json:"present"`
	Orphan       string     `json:"orphan,omitempty"` // why
	RevokedAt    *time.Time `json:"revoked_at,omitempty"`
	RevokeReason string     `json:"revoke_reason,omitempty"`
	NotBefore    *time.Time `json:"not_before,omitempty"`
	RenewBy      *time.Time `json:"renew_by,omitempty"`
	DaysLeft     int        `json:"days_left"`
	Open         int        `json:"open_requests,omitempty"` // to revoke it, whose answer never came
	CRL          *crlJSON   `json:"crl,omitempty"`
}

// crlJSON is what the CA's list says of a certificate.
type crlJSON struct {
	State  string     `json:"state"` // off|fresh|stale|early
	Listed bool       `json:"listed"`
	Since  *time.Time `json:"since,omitempty"`
	Reason string     `json:"reason,omitempty"`
	Covers bool       `json:"covers"` // the list is for this certificate
}

func (a *app) certShow(ctx context.Context, deviceID string, ask, asJSON bool) error {
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	certs, err := retireRecords{l.Ledger}.Certificates(ctx, l.tenant, deviceID)
	if err != nil {
		return recordsError(err)
	}
	if len(certs) == 0 {
		return &exitError{exitBad, fmt.Errorf("no certificate of a device %q is on file", plain(deviceID))}
	}
	open, err := openRevocations(ctx, l, deviceID)
	if err != nil {
		return recordsError(err)
	}
	s := certSheet{sheet: sheet{lines: newLines(a.stdout), words: l.words}, now: time.Now(), json: asJSON, open: open}
	var crlErr error
	if ask {
		ca := &authority{app: a, cfg: l.config}
		defer ca.close()
		s.crl, crlErr = ca.crl(ctx)
		s.asked = crlErr == nil
	}
	present := presentOf(certs, s.now)
	if !asJSON {
		s.printf("device %s\n", plain(certs[0].DeviceID))
	}
	for i, c := range certs {
		s.certificate(c, i == present)
	}
	if s.err != nil {
		return &exitError{exitFault, s.err}
	}
	if crlErr != nil {
		_, message, next := l.faultWords(crlErr)
		return &exitError{exitBad, fmt.Errorf("the CA's list could not be had: %s %s", message, next)}
	}
	return nil
}

// openRevocations counts by serial the requests whose answer never came.
func openRevocations(ctx context.Context, l *archive, deviceID string) (map[string]int, error) {
	rows, err := l.Revocations(ctx, l.tenant, deviceID, "")
	open := map[string]int{}
	for _, r := range rows {
		if r.Result == "" {
			open[r.CertSerial]++
		}
	}
	return open, err
}

// certSheet shows certificates.
type certSheet struct {
	sheet
	now   time.Time
	json  bool
	open  map[string]int
	asked bool // the CA gave its list, or said that it has none
	crl   stepca.CRL
}

func (s certSheet) certificate(c retire.Certificate, present bool) {
	line := certShownJSON{
		certificateName: nameOf(c), State: certState(c, present, s.now), Present: present, Orphan: c.Orphan, RevokeReason: c.RevokeReason,
		DaysLeft: max(0, days(c.NotAfter.Sub(s.now))), Open: s.open[c.CertSerial], RevokedAt: given(c.RevokedAt),
		NotBefore: given(c.NotBefore), RenewBy: given(renewBy(c)),
	}
	if s.asked {
		line.CRL = s.listed(c)
	}
	if s.json {
		line.eventHead = s.head("certificate")
		s.encode(line)
		return
	}
	s.section("certificate " + local(c.ReceivedAt))
	s.entry("state", s.stateWords(c, line))
	s.entry("serial", serialNamed(c))
	s.entry("fingerprint", line.Fingerprint)
	s.entry("valid", local(c.NotBefore)+" to "+local(c.NotAfter))
	if line.State == certPresent || line.State == certOther {
		s.entry("left", fmt.Sprintf("%d days, renew by %s", line.DaysLeft, local(renewBy(c))))
	}
	if line.Open > 0 {
		s.entry("revocation", fmt.Sprintf("%d requests without an answer: \"cert revoke\" asks again", line.Open))
	}
	s.entry("CA's list", s.listWords(line.CRL))
}

func (s certSheet) stateWords(c retire.Certificate, line certShownJSON) string {
	words := line.State
	switch line.State {
	case certRevoked:
		words += " " + local(c.RevokedAt) + " (" + c.RevokeReason + ")"
	case certOrphan:
		words += " (" + c.Orphan + ")"
	}
	if line.Present && line.State != certPresent {
		words += ", and the device works with it"
	}
	return words
}

// listed is what the CA's list says of a certificate.
func (s certSheet) listed(c retire.Certificate) *crlJSON {
	out := &crlJSON{State: retire.CRLState(s.crl, s.now).String()}
	if !s.crl.On() {
		return out
	}
	if leaf, err := x509.ParseCertificate(c.Leaf); err == nil {
		out.Covers = s.crl.Covers(leaf)
	}
	if n, err := c.Number(); err == nil {
		var e stepca.CRLEntry
		if e, out.Listed = s.crl.Revoked(n); out.Listed {
			out.Since, out.Reason = given(e.At), e.Reason.String()
		}
	}
	return out
}

func (s certSheet) listWords(c *crlJSON) string {
	switch {
	case c == nil:
		return ""
	case c.State == stepca.CRLOff.String():
		return "the CA makes none"
	}
	words := "not in it"
	if c.Listed {
		words = "in it since " + local(*c.Since) + " (" + c.Reason + ")"
	}
	if !c.Covers {
		words += "; the list is not for this certificate"
	}
	if c.State != stepca.CRLFresh.String() {
		words += "; the list is " + c.State
	}
	return words
}

// given is a time, nil where it is not known.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
