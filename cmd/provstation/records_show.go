package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/ledger"
)

func (a *app) recordsShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show RUN|DEVICE-ID", Short: "Show everything that is on file of a run, or of a device", Args: cobra.ExactArgs(1),
		Long: `Show everything that was recorded of a run, or of a device by its id or hardware serial: its runs, newest first, its certificates,
labels and decisions, what was revoked, and how far it was decommissioned.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.recordsShow(cmd.Context(), args[0], asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

func (a *app) recordsShow(ctx context.Context, what string, asJSON bool) error {
	if what == "" { // no filter: it would show any device
		return usage("show: the name of the run or device is empty")
	}
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	if uuid.Validate(what) == nil {
		d, err := l.Run(ctx, what)
		if err == nil && d.Tenant != l.tenant {
			err = station.ErrNotFound
		}
		if err == nil {
			return a.shown(a.showRun(l, d, asJSON))
		}
		if !errors.Is(err, station.ErrNotFound) {
			return recordsError(err)
		}
	}
	d, err := l.device(ctx, what)
	switch {
	case errors.Is(err, station.ErrNotFound):
		return &exitError{exitBad, fmt.Errorf("there is no run and no device %q", plain(what))}
	case err != nil:
		return recordsError(err)
	}
	return a.showDevice(ctx, l, d, asJSON)
}

func (a *app) shown(err error) error {
	if err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

// device finds a device by its id, else by its hardware serial.
func (l *archive) device(ctx context.Context, what string) (ledger.DeviceRow, error) {
	return findDevice(ctx, l.Ledger, l.tenant, what)
}

// findDevice finds a tenant's device by its id, else by its hardware serial. ErrNotFound.
func findDevice(ctx context.Context, l *ledger.Ledger, tenant, what string) (ledger.DeviceRow, error) {
	for _, f := range []ledger.DeviceFilter{{DeviceID: what}, {HardwareSerial: what}} {
		f.Tenant, f.Limit = tenant, 1
		rows, err := l.Devices(ctx, f)
		if err != nil {
			return ledger.DeviceRow{}, err
		}
		if len(rows) > 0 {
			return rows[0], nil
		}
	}
	return ledger.DeviceRow{}, station.ErrNotFound
}

// shownRuns is how many of a device's runs are shown to people; JSON has all of them.
const shownRuns = 20

func (a *app) showDevice(ctx context.Context, l *archive, d ledger.DeviceRow, asJSON bool) error {
	decisions, err := l.ResolutionsOf(ctx, l.tenant, d.HardwareSerial)
	if err != nil {
		return recordsError(err)
	}
	var certs []ledger.CertRow
	var life lifeEnd
	if d.DeviceID != "" {
		if certs, err = l.CertificatesOf(ctx, l.tenant, d.DeviceID); err != nil {
			return recordsError(err)
		}
		if life, err = l.lifeEnd(ctx, d.DeviceID); err != nil {
			return recordsError(err)
		}
	}
	f := ledger.Filter{Tenant: l.tenant, HardwareSerial: d.HardwareSerial, Limit: shownRuns + 1}
	if !asJSON {
		rows, err := l.Runs(ctx, f)
		if err != nil {
			return recordsError(err)
		}
		return a.shown(a.deviceText(l, d, certs, decisions, life, rows))
	}
	w := newLines(a.stdout)
	w.encode(struct {
		eventHead
		deviceJSON
		lifeJSON
	}{w.head("device"), deviceOf(d, certs, decisions), life.json()})
	for f.Limit = ledger.PageDefault; ; {
		rows, err := l.Runs(ctx, f)
		if err != nil {
			return recordsError(err)
		}
		for _, r := range rows {
			detail, err := l.Run(ctx, r.Run)
			if err != nil {
				return recordsError(err)
			}
			if err := w.spliced("record", detail, detailOf(detail)); err != nil {
				return a.shown(err)
			}
		}
		if len(rows) < f.Limit {
			return a.shown(w.err)
		}
		f.After = rows[len(rows)-1].Run
	}
}

func (a *app) showRun(l *archive, d ledger.RunDetail, asJSON bool) error {
	w := newLines(a.stdout)
	if asJSON {
		return errors.Join(w.spliced("record", d, detailOf(d)), w.err)
	}
	s := sheet{lines: w, words: l.words}
	s.run(d)
	s.held(d.Held)
	for _, o := range d.Observations {
		s.section("seen " + local(o.At))
		s.entry("model", strings.TrimSpace(o.Model+" "+o.Firmware))
		s.entry("state", string(o.State))
		s.entry("boot id", o.BootID)
	}
	if len(d.Phases) > 0 {
		s.section("phases")
	}
	for _, p := range d.Phases {
		s.printf("  %-10s %-8s %8s  tries %d  %s\n", plain(string(p.Phase)), plain(string(p.Status)), p.EndedAt.Sub(p.StartedAt).Round(time.Millisecond), p.Tries, plain(string(p.Code)))
		for _, k := range sorted(p.Facts) {
			s.printf("    %-20s %s\n", plain(k), plain(firstLine(p.Facts[k])))
		}
	}
	for _, p := range d.Posts {
		s.section("request " + local(p.At))
		s.entry("state", strings.TrimSpace(string(p.State)+" "+p.Reason))
		s.entry("csr sha256", hexText(p.CSRDigest))
	}
	s.certificates(d.Certificates)
	for _, p := range d.Proofs {
		s.section("proof " + local(p.At))
		s.entry("proof", string(p.Proof))
		s.entry("broker", p.Broker)
		s.entry("tls", p.TLS)
		s.entry("mqtt", p.MQTT)
		s.entry("fingerprint", hexText(p.Leaf))
	}
	for _, p := range d.Labels {
		s.section("label " + local(p.At))
		s.entry("copy", fmt.Sprint(p.Copy))
		s.entry("printer", p.Printer)
		s.entry("reason", p.Reason)
		s.entry("trouble", p.Err)
	}
	return w.err
}

// sheet writes what is on file for people.
type sheet struct {
	*lines
	words station.Words
}

func (s sheet) section(title string) { s.printf("%s\n", plain(title)) }

// entry is one line; what is not known is left out.
func (s sheet) entry(name, value string) {
	if value = plain(value); value != "" && value != "-" {
		s.printf("  %-16s %s\n", name, value)
	}
}

func firstLine(s string) string {
	line, rest, more := strings.Cut(s, "\n")
	if more && strings.TrimSpace(rest) != "" {
		line += " ..."
	}
	return line
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

func (s sheet) run(d ledger.RunDetail) {
	s.printf("run %s  %s\n", d.Run, orOpen(d.Outcome))
	if d.Code != "" {
		message, next := s.words.Fault(d.Code, d.Params)
		s.entry("code", string(d.Code))
		s.entry("what", message)
		s.entry("next", next)
		s.entry("in phase", string(d.Phase))
	}
	s.entry("asked for", string(d.Task))
	s.entry("device id", d.DeviceID)
	s.entry("hardware", d.HardwareSerial)
	s.entry("proof", string(d.Proof))
	s.entry("fingerprint", hexText(d.Leaf))
	s.entry("valid until", local(d.NotAfter))
	s.entry("started", local(d.StartedAt))
	s.entry("ended", local(d.EndedAt))
	s.entry("slot", d.Slot)
	s.entry("port", d.Port)
	s.entry("profile", d.Profile)
	s.entry("operator", d.Operator)
	s.entry("batch", d.Batch)
	s.entry("station", d.Station)
	s.entry("version", d.Version)
	if o := d.Override; o != nil {
		s.entry("let go on by", o.Lead+", although "+string(o.Code)+": "+o.Reason)
	}
	for _, warning := range d.Warnings {
		s.entry("note", warning.Text)
	}
}

func (s sheet) held(h ledger.Held) {
	if h.Resolution != nil {
		s.decision(*h.Resolution)
	}
	if h.Open {
		s.section("waits for a decision")
		s.entry("one of", listed(h.Choices))
	}
}

func (s sheet) decision(r station.Resolution) {
	s.section("decided " + local(r.At))
	s.entry("decision", string(r.Decision))
	s.entry("by", r.By)
	s.entry("reason", r.Reason)
	s.entry("key", hexText(r.SPKI))
}

func (s sheet) certificates(list []ledger.CertRow) {
	for _, c := range list {
		s.section("certificate " + local(c.ReceivedAt))
		s.entry("serial", c.CertSerial)
		s.entry("fingerprint", hexText(c.Fingerprint))
		s.entry("subject", c.Subject)
		s.entry("issuer", c.Issuer)
		s.entry("valid", local(c.NotBefore)+" to "+local(c.NotAfter))
		s.entry("key", hexText(c.SPKI))
		s.entry("tunnel", strings.Join(c.TunnelAddresses, " "))
		if c.Current {
			s.entry("state", "in use")
		}
		if !c.RevokedAt.IsZero() {
			s.entry("state", "revoked "+local(c.RevokedAt)+" "+c.RevokeReason)
		}
	}
}

func (a *app) deviceText(l *archive, d ledger.DeviceRow, certs []ledger.CertRow, decisions []station.Resolution, life lifeEnd, rows []ledger.RunRow) error {
	s := sheet{lines: newLines(a.stdout), words: l.words}
	s.printf("device %s  %s\n", dash(d.DeviceID), orOpen(d.LastOutcome))
	s.entry("hardware", d.HardwareSerial)
	s.entry("model", strings.TrimSpace(d.Model+" "+d.Firmware))
	s.entry("id from", d.IDSource)
	s.entry("attempts", fmt.Sprint(d.Attempts))
	s.entry("first seen", local(d.FirstSeen))
	s.entry("passed", local(d.PassedAt))
	s.entry("fingerprint", hexText(d.Leaf))
	s.entry("valid until", local(d.NotAfter))
	if d.Revoked {
		s.entry("certificate", "revoked")
	}
	for _, r := range decisions {
		s.decision(r)
	}
	s.certificates(certs)
	s.lifeEnd(life)
	s.section("runs")
	if s.err != nil {
		return s.err
	}
	if err := runTable(a.stdout, rows[:min(len(rows), shownRuns)]); err != nil {
		return err
	}
	if len(rows) > shownRuns {
		_, err := fmt.Fprintf(a.stderr, "older runs: provstation records list --serial %s --after %s\n", plain(d.HardwareSerial), rows[shownRuns-1].Run)
		return err
	}
	return nil
}
