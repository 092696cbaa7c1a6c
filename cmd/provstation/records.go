package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/ledger"
)

func (a *app) recordsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "records", Short: "Look at what is on file, decide about what was held, and keep it safe", Args: cobra.NoArgs,
		Long: `Work with the station's ledger: every run with what was recorded on the way, every device, key and certificate.

Exit codes: 0 done, 1 there is no such record or it does not allow that, 2 usage or configuration, 3 the ledger failed.`,
		Example: `  provstation records list --since 24h --outcome FAIL,ERROR
  provstation records list --issuer "Tenant Sub-CA"
  provstation records show edge-0041
  provstation records export --since 2026-11-01 --format csv --out november.csv
  provstation records orphans --csv > revoke.csv
  provstation records resolve 0193... --as re-enroll --reason "reflashed at the bench" --by "Lea Lead"
  provstation records backup /mnt/backup/ledger-2026-11-23.db`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.recordsListCommand(), a.recordsSearchCommand(), a.recordsShowCommand(), a.recordsExportCommand(), a.recordsOrphansCommand(),
		a.recordsDuplicatesCommand(), a.recordsOutboxCommand(),
		a.recordsResolveCommand(), a.recordsBackupCommand(), a.recordsRestoreCommand(), a.recordsPruneCommand(), a.recordsVerifyCommand(),
	)
	return cmd
}

// recordsError gives an error of the ledger its exit code.
func recordsError(err error) error {
	var e *exitError
	switch {
	case err == nil || errors.As(err, &e):
		return err
	case errors.Is(err, station.ErrNotFound), errors.Is(err, ledger.ErrNotHeld), errors.Is(err, ledger.ErrConflict),
		errors.Is(err, ledger.ErrExists), errors.Is(err, ledger.ErrNotBackup):
		return &exitError{exitBad, err}
	case errors.Is(err, ledger.ErrInvalid), errors.Is(err, ledger.ErrURL), errors.Is(err, ledger.ErrNoBackup):
		return &exitError{exitUsage, err}
	default:
		return &exitError{exitFault, err}
	}
}

// choosing is the flags that choose runs.
type choosing struct {
	since, until, code, batch, operator, slot, deviceID, serial, station string
	outcomes                                                             []string
	open, held                                                           bool
}

func (c *choosing) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.since, "since", "", "runs that began then or later: 2026-11-23, 2026-11-23T10:30:00Z, or 24h, 7d for so long ago")
	f.StringVar(&c.until, "until", "", "runs that began before")
	f.StringSliceVar(&c.outcomes, "outcome", nil, "PASS, FAIL, ERROR, ...; several with commas")
	f.StringVar(&c.code, "code", "", "what they ended with, such as E-BRIDGE-DOWN")
	f.StringVar(&c.batch, "batch", "", "the batch's name")
	f.StringVar(&c.operator, "operator", "", "who worked at the bench")
	f.StringVar(&c.slot, "slot", "", "the slot's name")
	f.StringVar(&c.deviceID, "device-id", "", "the device's id, in either case")
	f.StringVar(&c.serial, "serial", "", "the hardware serial")
	f.StringVar(&c.station, "station", "", "the station's name")
	f.BoolVar(&c.open, "open", false, "only runs that have not ended")
	f.BoolVar(&c.held, "held", false, "only UNCERTAIN ones that nobody has decided about")
}

// filter is what the flags mean.
func (c *choosing) filter(tenant string, now time.Time) (f ledger.Filter, err error) {
	f = ledger.Filter{
		Tenant: tenant, Code: station.Code(strings.ToUpper(c.code)), Batch: c.batch, Operator: c.operator, Slot: c.slot,
		DeviceID: c.deviceID, HardwareSerial: c.serial, Station: c.station, Open: c.open, Held: c.held,
	}
	if f.Since, err = moment("--since", c.since, now); err != nil {
		return f, err
	}
	if f.Until, err = moment("--until", c.until, now); err != nil {
		return f, err
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return f, usage("--since %s is not before --until %s", c.since, c.until)
	}
	for _, text := range c.outcomes {
		o := station.Outcome(strings.ToUpper(strings.TrimSpace(text)))
		if !slices.Contains(station.Outcomes(), o) {
			return f, usage("--outcome %s: want one of %s", plain(text), listed(station.Outcomes()))
		}
		f.Outcomes = append(f.Outcomes, o)
	}
	if c.open && (c.held || len(f.Outcomes) > 0) {
		return f, usage("--open are runs without an outcome; it goes with neither --outcome nor --held")
	}
	return f, nil
}

func listed[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, t := range list {
		texts[i] = string(t)
	}
	return strings.Join(texts, ", ")
}

// moment is a time that a flag gives: a date, a time, or how long ago. Empty is the zero time.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, usage("%s %s: want a date (2026-11-23), a time (2026-11-23T10:30:00Z) or how long ago (24h, 7d)", flag, plain(text))
}

// paging is the flags of a list that is read page by page.
type paging struct {
	limit  int
	after  string
	asJSON bool
}

func (p *paging) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&p.limit, "limit", ledger.PageDefault, "so many rows at most")
	cmd.Flags().StringVar(&p.after, "after", "", "go on after this run, the last one of the page before")
	cmd.Flags().BoolVar(&p.asJSON, "json", false, "one JSON object a line on standard output")
}

func (a *app) recordsListCommand() *cobra.Command {
	var c choosing
	var p paging
	var issuer string
	cmd := &cobra.Command{
		Use: "list", Short: "List runs, newest first, or the devices under a CA", Args: cobra.NoArgs,
		Long: issuerLong,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("issuer") {
				return a.recordsUnder(cmd, issuer, p.asJSON)
			}
			return a.recordsList(cmd.Context(), c, p, "")
		},
	}
	c.flags(cmd)
	p.flags(cmd)
	cmd.Flags().StringVar(&issuer, "issuer", "", "devices under a CA instead: its name, its authority key id or its certificate's SHA-256")
	return cmd
}

func (a *app) recordsSearchCommand() *cobra.Command {
	var c choosing
	var p paging
	cmd := &cobra.Command{
		Use: "search TEXT", Short: "List the runs that have a text in them",
		Long: `List the runs that have a text, in either case, in their device id, hardware serial, code, operator, batch or slot, or whose
certificate's fingerprint begins with it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case strings.TrimSpace(args[0]) == "":
				return usage("search: there is no text to look for")
			case strings.ContainsFunc(args[0], unicode.IsControl):
				return usage("search: the text has control characters")
			}
			return a.recordsList(cmd.Context(), c, p, args[0])
		},
	}
	c.flags(cmd)
	p.flags(cmd)
	return cmd
}

func (a *app) recordsList(ctx context.Context, c choosing, p paging, text string) error {
	if p.limit < 1 || p.limit > ledger.PageMax {
		return usage("--limit %d: want 1 to %d", p.limit, ledger.PageMax)
	}
	if _, err := c.filter("", time.Now()); err != nil { // before a ledger is opened for nothing
		return err
	}
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	f, err := c.filter(l.tenant, time.Now())
	if err != nil {
		return err
	}
	f.Text, f.After, f.Limit = text, p.after, p.limit
	if p.after != "" {
		if _, err := l.Run(ctx, p.after); errors.Is(err, station.ErrNotFound) {
			return usage("--after %s: there is no such run", plain(p.after))
		}
	}
	rows, err := l.Runs(ctx, f)
	if err != nil {
		return recordsError(err)
	}
	next := ""
	if len(rows) == p.limit {
		next = rows[len(rows)-1].Run
	}
	if err := a.writeRuns(rows, next, p.asJSON); err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

// recordsEnd is the last line of a list.
type recordsEnd struct {
	Rows int    `json:"rows"`
	Next string `json:"next,omitempty"` // for --after; absent: that was all
}

func (a *app) writeRuns(rows []ledger.RunRow, next string, asJSON bool) error {
	if asJSON {
		w := newLines(a.stdout)
		for _, r := range rows {
			if err := w.spliced("record", r); err != nil {
				return err
			}
		}
		w.encode(struct {
			eventHead
			recordsEnd
		}{w.head("records-end"), recordsEnd{len(rows), next}})
		return w.err
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no such runs")
		return err
	}
	if err := runTable(a.stdout, rows); err != nil {
		return err
	}
	if next != "" {
		_, err := fmt.Fprintf(a.stderr, "more: --after %s\n", next)
		return err
	}
	return nil
}

func runTable(out io.Writer, rows []ledger.RunRow) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STARTED\tOUTCOME\tDEVICE ID\tHARDWARE\tSLOT\tBATCH\tOPERATOR\tCODE\tRUN")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", local(r.StartedAt), orOpen(r.Outcome), dash(r.DeviceID), dash(r.HardwareSerial),
			dash(r.Slot), dash(r.Batch), dash(r.Operator), dash(string(r.Code)), dash(r.Run))
	}
	return w.Flush()
}

func orOpen(o station.Outcome) string {
	if o == "" {
		return "open"
	}
	return plain(string(o))
}

// dash is a text of the ledger as a table shows it.
func dash(s string) string {
	if s = plain(s); s == "" {
		return "-"
	}
	return s
}

func local(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// rower is a record that gives itself as the object that exports write.
type rower interface{ Row() ([]byte, error) }

// spliced writes a line whose object is the head's, the record's and then more's.
func (l *lines) spliced(kind string, r rower, more ...any) error {
	row, err := r.Row()
	if err != nil {
		return err
	}
	parts := append([]any{l.head(kind), json.RawMessage(row)}, more...)
	line := []byte{'{'}
	for _, p := range parts {
		b, err := unescaped(p)
		if err != nil {
			return err
		}
		if b = b[1 : len(b)-1]; len(b) > 0 && len(line) > 1 {
			line = append(line, ',')
		}
		line = append(line, b...)
	}
	_, err = l.w.Write(append(line, '}', '\n'))
	return err
}

// unescaped is JSON whose "<" is left for people's eyes.
func unescaped(v any) ([]byte, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return []byte(strings.TrimSpace(b.String())), err
}

func (a *app) recordsExportCommand() *cobra.Command {
	var c choosing
	var format, out string
	cmd := &cobra.Command{
		Use: "export --out FILE", Short: "Write runs into a file: CSV, JSON or NDJSON", Args: cobra.NoArgs,
		Long: `Write every run that the flags choose into a file, newest first, with the same columns in every format. The file is there whole
or not at all; one that is there already is replaced. In CSV a cell that a spreadsheet would take for a formula gets an
apostrophe in front.`,
		Example: `  provstation records export --batch lot-17 --format csv --out lot-17.csv
  provstation records export --since 7d --outcome FAIL --format ndjson --out week.ndjson`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.recordsExport(cmd.Context(), c, format, out) },
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&format, "format", ledger.ExportCSV, strings.Join(ledger.ExportFormats(), ", "))
	cmd.Flags().StringVar(&out, "out", "", "the file (required)")
	return cmd
}

func (a *app) recordsExport(ctx context.Context, c choosing, format, out string) error {
	if _, err := c.filter("", time.Now()); err != nil {
		return err
	}
	switch {
	case out == "":
		return usage("export: --out says which file to write")
	case !slices.Contains(ledger.ExportFormats(), format):
		return usage("--format %s: want one of %s", plain(format), strings.Join(ledger.ExportFormats(), ", "))
	}
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	f, err := c.filter(l.tenant, time.Now())
	if err != nil {
		return err
	}
	var rows int
	err = wholeFile(out, func(w io.Writer) (err error) {
		rows, err = l.Export(ctx, w, f, format)
		return err
	})
	if err != nil {
		return &exitError{exitFault, fmt.Errorf("export: %w", err)}
	}
	fmt.Fprintf(a.stdout, "%d runs written to %s\n", rows, plain(out))
	return nil
}

// wholeFile writes a file that is there whole or not at all.
func wholeFile(path string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
