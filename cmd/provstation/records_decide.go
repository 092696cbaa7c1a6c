package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/ledger"
)

func (a *app) recordsOrphansCommand() *cobra.Command {
	var deviceID string
	var expired, asJSON, asCSV bool
	cmd := &cobra.Command{
		Use: "orphans", Short: "List certificates that a CA should revoke: issued, and not at work on their device", Args: cobra.NoArgs,
		Long: `List, by device, every certificate that was issued and is not at work on its device, for revocation at the CA:

  not-proven       it was received, and never proven on the device
  superseded       the device has passed with another key since
  renewed          the device has passed with a newer certificate for the same key since
  decommissioned   it is the device's present one, and a person took the device out of service
  possibly-issued  a request whose answer never came. There is no serial: look into the CA's own list for the device id in
                   that time

Certificates that are revoked, that have ended, or whose run has not, are left out.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON && asCSV {
				return usage("orphans: --json or --csv, not both")
			}
			return a.recordsOrphans(cmd.Context(), ledger.OrphanFilter{DeviceID: deviceID, Expired: expired}, asJSON, asCSV)
		},
	}
	cmd.Flags().StringVar(&deviceID, "device-id", "", "of this device alone")
	cmd.Flags().BoolVar(&expired, "expired", false, "those that have ended, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "CSV on standard output")
	return cmd
}

func (a *app) recordsOrphans(ctx context.Context, f ledger.OrphanFilter, asJSON, asCSV bool) error {
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	f.Tenant = l.tenant
	list, pending, err := l.Orphans(ctx, f)
	if err != nil {
		return recordsError(err)
	}
	switch {
	case asCSV:
		err = ledger.WriteOrphans(a.stdout, list, ledger.ExportCSV)
	case asJSON:
		err = a.orphanLines(list, pending)
	default:
		err = a.orphanTable(list)
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	if pending > 0 && !asJSON {
		fmt.Fprintf(a.stderr, "%d more belong to runs that have not ended\n", pending)
	}
	return nil
}

func (a *app) orphanLines(list []ledger.Orphan, pending int) error {
	w := newLines(a.stdout)
	for _, o := range list {
		if err := w.spliced("orphan", o); err != nil {
			return err
		}
	}
	w.encode(struct {
		eventHead
		Rows    int `json:"rows"`
		Pending int `json:"pending"`
	}{w.head("records-end"), len(list), pending})
	return w.err
}

func (a *app) orphanTable(list []ledger.Orphan) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no orphans")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE ID\tHARDWARE\tREASON\tCERT SERIAL\tFINGERPRINT\tISSUER\tISSUED\tVALID UNTIL\tRUN")
	for _, o := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(o.DeviceID), dash(o.HardwareSerial), o.Reason, dash(o.CertSerial),
			dash(hexText(o.Fingerprint)), dash(o.Issuer), local(o.At), local(o.NotAfter), dash(o.Run))
	}
	return w.Flush()
}

func (a *app) recordsResolveCommand() *cobra.Command {
	var as, reason, by string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "resolve RUN --as DECISION --reason TEXT --by NAME", Short: "Decide about a run that was held as UNCERTAIN",
		Long: `Decide how to go on with a device whose run ended UNCERTAIN. The station tries no such device again by itself.

  keep            the key that the device holds is right: it is carried on from there, and has to prove itself
  re-enroll       it gets a new key and a new certificate the next time it is plugged in
  decommissioned  it is out of service: it is held whenever it turns up, and its certificates are listed as orphans
  ignore          somebody has looked at it, and nothing changes

Which of them a run allows depends on why it was held; "records show RUN" says so. keep and re-enroll are for one PASS.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := station.Resolution{Run: args[0], Decision: station.Decision(as), Reason: reason, By: by}
			return a.recordsResolve(cmd.Context(), r, asJSON)
		},
	}
	cmd.Flags().StringVar(&as, "as", "", listed(station.Decisions())+" (required)")
	cmd.Flags().StringVar(&reason, "reason", "", "why (required)")
	cmd.Flags().StringVar(&by, "by", "", "who decides; station.operator of the configuration where it is left out")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

// minDecision is the least that counts as a reason, in characters.
const minDecision = 4

func (a *app) recordsResolve(ctx context.Context, r station.Resolution, asJSON bool) error {
	switch {
	case !slices.Contains(station.Decisions(), r.Decision):
		return usage("--as %q: want one of %s", plain(string(r.Decision)), listed(station.Decisions()))
	case len([]rune(strings.TrimSpace(r.Reason))) < minDecision:
		return usage("--reason: say why, in %d characters at least", minDecision)
	}
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	if r.By == "" {
		r.By = l.config.Station.Operator
	}
	switch {
	case strings.TrimSpace(r.By) == "":
		return usage("--by: say who decides")
	case strings.ContainsFunc(r.By, unicode.IsControl):
		return usage("--by: %q has control characters", plain(r.By))
	}
	if err := l.decides(ctx); err != nil {
		return err
	}
	r.Tenant = l.tenant
	done, err := l.Resolve(ctx, r)
	if errors.Is(err, ledger.ErrNotHeld) {
		if h, herr := l.Held(ctx, r.Run); herr == nil && len(h.Choices) > 0 {
			err = fmt.Errorf("%w; it allows %s", err, listed(h.Choices))
		}
	}
	if err != nil {
		return recordsError(err)
	}
	if asJSON {
		w := newLines(a.stdout)
		w.encode(struct {
			eventHead
			resolutionJSON
		}{w.head("resolution"), resolutionOf(done)})
		err = w.err
	} else {
		_, err = fmt.Fprintf(a.stdout, "%s: %s, decided by %s\n", plain(done.HardwareSerial), done.Decision, plain(done.By))
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

// resolutionJSON is a decision as JSON shows it.
type resolutionJSON struct {
	Run            string           `json:"run"`
	HardwareSerial string           `json:"hardware_serial"`
	Decision       station.Decision `json:"decision"`
	SPKI           string           `json:"spki_sha256,omitempty"`
	Reason         string           `json:"reason"`
	By             string           `json:"by"`
	At             time.Time        `json:"at"`
}

func resolutionOf(r station.Resolution) resolutionJSON {
	return resolutionJSON{r.Run, r.HardwareSerial, r.Decision, hexText(r.SPKI), r.Reason, r.By, r.At}
}
