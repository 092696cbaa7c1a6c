package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"provstation/station/ledger"
)

const issuerLong = `List runs, newest first, page by page.

With --issuer it is a list of devices: those whose present certificate is by the CA, which is named by its common name (or whole
distinguished name), by the authority key id of what it issues, or by the SHA-256 fingerprint of its own certificate, both in hex
with or without colons. The last line says how many are left to be moved to another CA, and how many have moved. A device that
renewed by itself meanwhile is on file with its new certificate once it was connected.`

// choosingFlags choose runs, or a page of them.
var choosingFlags = []string{
	"since", "until", "outcome", "code", "batch", "operator", "slot", "device-id", "serial", "station", "open", "held", "limit", "after",
}

// recordsUnder lists the devices under a CA. Flags that choose runs mean nothing there.
func (a *app) recordsUnder(cmd *cobra.Command, issuer string, asJSON bool) error {
	if strings.TrimSpace(issuer) == "" {
		return usage("--issuer: which CA?")
	}
	for _, name := range choosingFlags {
		if cmd.Flags().Changed(name) {
			return usage("--issuer lists devices: --%s is for lists of runs", name)
		}
	}
	l, err := a.archive(cmd.Context())
	if err != nil {
		return err
	}
	defer l.Close()
	under, err := l.DevicesUnder(cmd.Context(), ledger.IssuerOf(l.tenant, issuer))
	switch {
	case err != nil:
		return recordsError(err)
	case !under.Known: // "nothing left" would be the wrong thing to say to a slip of the pen
		return &exitError{exitBad, fmt.Errorf("no certificate on file is by a CA %q", plain(issuer))}
	case asJSON:
		err = a.underLines(under)
	default:
		err = a.underTable(under)
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

func (a *app) underLines(under ledger.UnderIssuer) error {
	w := newLines(a.stdout)
	for _, d := range under.Devices {
		if err := w.spliced("device", d); err != nil {
			return err
		}
	}
	w.encode(struct {
		eventHead
		Rows  int      `json:"rows"`
		Left  int      `json:"left"`
		Moved int      `json:"moved"`
		Keys  []string `json:"authority_key_ids,omitempty"`
	}{w.head("records-end"), len(under.Devices), under.Left, under.Moved, under.Keys})
	return w.err
}

func (a *app) underTable(under ledger.UnderIssuer) error {
	if len(under.Devices) > 0 {
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "DEVICE ID\tHARDWARE\tCERT SERIAL\tVALID UNTIL\tLAST SEEN\tCERTIFICATE\tISSUER\tISSUER KEY")
		for _, d := range under.Devices {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(d.DeviceID), dash(d.HardwareSerial), dash(d.CertSerial), local(d.NotAfter),
				local(d.LastSeen), underState(d), dash(d.Issuer), dash(d.AKI))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	end := fmt.Sprintf("%d left under it, %d moved to another issuer", under.Left, under.Moved)
	if gone := len(under.Devices) - under.Left; gone > 0 {
		end += fmt.Sprintf(", %d out of service", gone)
	}
	if _, err := fmt.Fprintln(a.stdout, end); err != nil {
		return err
	}
	if len(under.Keys) > 1 {
		fmt.Fprintf(a.stderr, "that name has several CA keys: %s; --issuer with one of them lists that one's\n", plain(strings.Join(under.Keys, ", ")))
	}
	return nil
}

func underState(d ledger.DeviceUnder) string {
	switch {
	case d.Retired:
		return "out of service"
	case d.Revoked:
		return "revoked"
	default:
		return "in use"
	}
}
