package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/station/retire"
	"provstation/station/stepca"
)

// revoking is what `cert revoke` was asked for.
type revoking struct {
	deviceID, serial                   string
	orphans, all, unknown, yes, asJSON bool
	withDevice                         bool
	reason, text, by                   string

	why      stepca.Reason
	reasoned bool // a reason was given
}

func (a *app) certRevokeCommand() *cobra.Command {
	var o revoking
	cmd := &cobra.Command{
		Use:   "revoke DEVICE_ID | --serial CERT_SERIAL | --orphans",
		Short: "Have the CA revoke certificates", Args: cobra.MaximumNArgs(1),
		Long: `Have the tenant's CA revoke a device's present certificate (with --all every one that is still valid), one certificate by its
serial number, or all orphans: certificates that no device works with any more (see "records orphans").

The CA is asked with the key of a provisioner, whose password comes from pki.revoke of the configuration or is asked for; or, with
--with-device, by the device itself, which has to be connected, to hold the certificate and to sign TLS 1.2. Each request is on
record before it is made, and again when its result is known. What is revoked already counts as done, and a request whose answer
was lost is made again by the next call.

Revoking does not cut a device off by itself: brokers accept the certificate until it expires, unless they have the CA's list of
revoked certificates. The command says which it is.

A serial number is hexadecimal as "cert show" prints it, or decimal. The CA says "ok" to any number: one that is not on file takes
--unknown.

Reasons: ` + reasonWords() + `.
Without --reason it is unspecified; for orphans, superseded or cessationOfOperation where that is why.`,
		Example: `  provstation cert revoke edge-0041 --reason keyCompromise --text "stolen from the yard"
  provstation cert revoke edge-0041 --all --yes
  provstation cert revoke --serial 3fa94c1d20e8b7a6530f9c2e4d8b1a77 --reason superseded
  provstation cert revoke --orphans --yes --json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if o.deviceID = args[0]; o.deviceID == "" {
					return usage("revoke: the device id is empty")
				}
			}
			o.reasoned = cmd.Flags().Changed("reason")
			return a.certRevoke(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.serial, "serial", "", "the certificate with this serial number")
	f.BoolVar(&o.orphans, "orphans", false, "every certificate that no device works with; with DEVICE_ID those of this device")
	f.BoolVar(&o.all, "all", false, "every valid certificate of the device, not the present one alone")
	f.BoolVar(&o.withDevice, "with-device", false, "by the device itself, which is connected: no provisioner and no password")
	f.BoolVar(&o.unknown, "unknown", false, "also a serial number that is not on file")
	f.StringVar(&o.reason, "reason", "", "why, in a word (see above)")
	f.StringVar(&o.text, "text", "", "why, for the records")
	f.StringVar(&o.by, "by", "", "who wants it; station.operator of the configuration where it is left out")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

// reasonWords lists the reasons that revoke.
func reasonWords() string {
	var words []string
	for _, r := range stepca.Reasons() {
		if r != stepca.RemoveFromCRL {
			words = append(words, r.String())
		}
	}
	return strings.Join(words, ", ")
}

// maxRevokeText is how much of a text the CA keeps.
const maxRevokeText = 200

// check judges what was asked for before anything is opened.
func (o *revoking) check() (err error) {
	named := o.deviceID != ""
	switch {
	case o.serial != "" && (named || o.orphans || o.all):
		return usage("revoke: --serial is for one certificate, whosever it is: give nothing else beside it")
	case o.serial == "" && !named && !o.orphans:
		return usage("revoke: say which: a DEVICE_ID, --serial or --orphans")
	case o.all && (!named || o.orphans):
		return usage("revoke: --all goes with a DEVICE_ID")
	case o.withDevice && (!named || o.all || o.orphans):
		return usage("revoke: --with-device goes with a DEVICE_ID: a device revokes the certificate that it holds")
	case o.unknown && o.serial == "":
		return usage("revoke: --unknown goes with --serial")
	}
	for flag, text := range map[string]string{"--text": o.text, "--by": o.by, "DEVICE_ID": o.deviceID} {
		if strings.ContainsFunc(text, unicode.IsControl) || len([]rune(text)) > maxRevokeText {
			return usage("%s: want at most %d printable characters", flag, maxRevokeText)
		}
	}
	if o.reasoned {
		if o.why, err = stepca.ParseReason(o.reason); err != nil || o.why == stepca.RemoveFromCRL {
			return usage("--reason %q: want one of %s", plain(o.reason), reasonWords())
		}
	}
	if o.serial != "" {
		if _, _, err := serialNumbers(o.serial); err != nil {
			return err
		}
	}
	return mayAsk(o.yes)
}

func (a *app) certRevoke(ctx context.Context, o revoking) error {
	if err := o.check(); err != nil {
		return err
	}
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	orders, others, err := a.revokeChoice(ctx, l, o)
	if err != nil {
		return err
	}
	if len(orders) == 0 {
		return a.nothingToRevoke(o)
	}
	question, word := o.question(orders)
	if err := a.confirm(ctx, question, word, o.yes); err != nil {
		return err
	}
	if err := l.decides(ctx); err != nil {
		return err
	}
	ca := &authority{app: a, cfg: l.config}
	defer ca.close()
	r, err := l.retirer(ca, l.whoAsks(o.by), o.how())
	if err != nil {
		return err
	}
	if o.withDevice {
		ca.device = &orders[0].Certificate
	}
	w := &revokeWriter{lines: newLines(a.stdout), archive: l, json: o.asJSON}
	list, stopped := r.RevokeAll(ctx, orders, w.outcome)
	w.brokers(ctx, ca, list)
	w.others(others)
	w.end(stopped)
	return w.exit(list, stopped)
}

// nothingToRevoke says so: what was wanted is the case.
func (a *app) nothingToRevoke(o revoking) error {
	w := newLines(a.stdout)
	if o.asJSON {
		w.encode(revokeEnd{eventHead: w.head("revocations-end")})
	} else {
		w.printf("nothing to revoke\n")
	}
	if w.err != nil {
		return &exitError{exitFault, w.err}
	}
	return nil
}

// question is what a person is asked, and the word that says yes.
func (o *revoking) question(orders []retire.Order) (question, word string) {
	first := orders[0]
	switch {
	case len(orders) == 1 && first.DeviceID != "":
		return fmt.Sprintf("The CA will revoke the certificate %s of %s, for good (%s).", first.CertSerial, first.DeviceID, first.Reason), first.DeviceID
	case len(orders) == 1:
		return fmt.Sprintf("The CA will revoke the certificate %s, which is not on file here, for good (%s).", first.CertSerial, first.Reason), first.CertSerial
	case o.deviceID != "":
		return fmt.Sprintf("The CA will revoke %d certificates of %s, for good.", len(orders), first.DeviceID), first.DeviceID
	default:
		return fmt.Sprintf("The CA will revoke %d certificates that no device works with, for good.", len(orders)), fmt.Sprintf("revoke %d", len(orders))
	}
}

// revokeChoice finds the certificates that are meant, and the valid ones of the same device that are not.
func (a *app) revokeChoice(ctx context.Context, l *archive, o revoking) (orders []retire.Order, others []retire.Certificate, err error) {
	switch {
	case o.serial != "":
		c, err := a.certificateBySerial(ctx, l, o)
		if err != nil {
			return nil, nil, err
		}
		return []retire.Order{o.order(c, o.why)}, nil, nil
	case o.orphans:
		orders, err = a.orphanOrders(ctx, l, o)
		return orders, nil, err
	}
	certs, err := retireRecords{l.Ledger}.Certificates(ctx, l.tenant, o.deviceID)
	if err != nil {
		return nil, nil, recordsError(err)
	}
	if len(certs) == 0 {
		return nil, nil, &exitError{exitBad, fmt.Errorf("no certificate of a device %q is on file", plain(o.deviceID))}
	}
	present, now := presentOf(certs, time.Now()), time.Now()
	for i, c := range certs {
		valid := c.RevokedAt.IsZero() && !c.Over(now)
		switch {
		case o.all && valid, !o.all && i == present:
			orders = append(orders, o.order(c, o.why))
		case valid:
			others = append(others, c)
		}
	}
	if len(orders) == 0 && !o.all {
		return nil, nil, &exitError{exitBad, fmt.Errorf("%s works with no certificate that is on file; %d others are valid: --all revokes them, --orphans those that are known not to be at work",
			plain(o.deviceID), len(others))}
	}
	return orders, others, nil
}

// how says in the records how the CA is asked.
func (o *revoking) how() func(*retire.Config) {
	return func(c *retire.Config) {
		if o.withDevice {
			c.How = retire.ByDevice
		}
	}
}

func (o revoking) order(c retire.Certificate, why stepca.Reason) retire.Order {
	return retire.Order{Certificate: c, Reason: why, Text: o.text}
}

// presentOf finds the certificate that the device works with, a valid one before others. -1: there is none on file.
func presentOf(certs []retire.Certificate, now time.Time) int {
	found := -1
	for i, c := range certs {
		switch {
		case !c.Present:
		case c.RevokedAt.IsZero() && !c.Over(now):
			return i
		case found < 0:
			found = i
		}
	}
	return found
}

// orphanOrders are the certificates that no device works with.
func (a *app) orphanOrders(ctx context.Context, l *archive, o revoking) (orders []retire.Order, err error) {
	list, pending, err := l.Orphans(ctx, ledger.OrphanFilter{Tenant: l.tenant, DeviceID: o.deviceID})
	if err != nil {
		return nil, recordsError(err)
	}
	lost := 0
	for _, orphan := range list {
		if orphan.CertSerial == "" {
			lost++
			continue
		}
		rows, err := l.CertificatesBySerial(ctx, l.tenant, orphan.CertSerial)
		if err != nil {
			return nil, recordsError(err)
		}
		for _, c := range retireCertificates(rows) {
			if string(c.Fingerprint) != string(orphan.Fingerprint) {
				continue
			}
			c.Orphan = string(orphan.Reason)
			why := o.why
			if !o.reasoned {
				why = orphanReason(c.Orphan)
			}
			orders = append(orders, o.order(c, why))
		}
	}
	if lost > 0 {
		a.note(fmt.Sprintf("%d requests may have made certificates that nobody received: look into the CA's own list (provstation records orphans)", lost))
	}
	if pending > 0 {
		a.note(fmt.Sprintf("%d more belong to runs that have not ended", pending))
	}
	return orders, nil
}

// certificateBySerial finds the certificate with a serial number. One that is not on file is taken where that is wanted.
func (a *app) certificateBySerial(ctx context.Context, l *archive, o revoking) (c retire.Certificate, err error) {
	hexadecimal, decimal, err := serialNumbers(o.serial)
	if err != nil {
		return c, err
	}
	var found []retire.Certificate
	if hexadecimal != nil {
		rows, err := l.CertificatesBySerial(ctx, l.tenant, retire.SerialText(hexadecimal))
		if err != nil {
			return c, recordsError(err)
		}
		found = retireCertificates(rows)
	}
	if decimal != nil {
		rows, err := l.CertificatesBySerial(ctx, l.tenant, retire.SerialText(decimal))
		if err != nil {
			return c, recordsError(err)
		}
		found = append(found, retireCertificates(rows)...)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return c, &exitError{exitBad, fmt.Errorf("several certificates on file have the serial number %s: name the device, or write 0x before a hexadecimal number", plain(o.serial))}
	case !o.unknown:
		return c, &exitError{exitBad, fmt.Errorf("no certificate with serial number %s is on file, and the CA says \"ok\" to any number: check it, or add --unknown", plain(o.serial))}
	}
	n := hexadecimal
	if decimal != nil { // as the CA itself would read it
		n = decimal
	}
	a.note(fmt.Sprintf("warning: no certificate with serial number %s is on file. The CA says \"ok\" whether it has ever issued one or not.", n))
	return retire.Certificate{CertSerial: retire.SerialText(n)}, nil
}

// exit is the exit code of revocations.
func (w *revokeWriter) exit(list []retire.Outcome, stopped error) error {
	f, ok := station.AsFault(stopped)
	switch {
	case w.err != nil:
		return &exitError{exitFault, w.err}
	case ok && f.Code == station.CodeLedger:
		return &exitError{code: exitFault}
	case ok && f.Class == station.Misconfigured:
		return &exitError{code: exitUsage}
	case errors.Is(stopped, context.Canceled):
		return &exitError{exitBad, errors.New("stopped: what is left can be revoked by the same command")}
	}
	for _, o := range list {
		if o.Way == "" {
			return &exitError{code: exitBad}
		}
	}
	return nil
}
