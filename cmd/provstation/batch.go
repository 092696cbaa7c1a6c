package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/config"
	"provstation/station/words"
)

func (a *app) batchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "batch", Short: "Check a batch list, and report on batches", Args: cobra.NoArgs,
		Long: `Work with batches: lists of devices that a bench expects. A batch is opened, paused and closed at the screen; here its list
is checked before that, and its report is written at any time.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.batchCheckCommand(), a.batchStatusCommand(), a.batchReportCommand())
	return cmd
}

func (a *app) batchCheckCommand() *cobra.Command {
	var columns []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a batch list: every fault at once, with its line",
		Long: `Check a list of expected devices: a CSV file (RFC 4180, UTF-8) with a header, separated by comma, semicolon or tab. A column is
found by its usual names (serial, S/N, device id, label, barcode), by batch.columns of the configuration, or by --column.
Nothing is opened and nothing is written.

Exit codes: 0 the list is in order, 2 it is not.`,
		Example: `  provstation batch check lot-17.csv
  provstation batch check lot-17.csv --column hardware_serial="Board S/N" --column device_id=Nr`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.batchCheck(args[0], columns, asJSON) },
	}
	cmd.Flags().StringArrayVar(&columns, "column", nil, "which header holds hardware_serial, device_id or label, as FIELD=HEADER")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

// batchVerdict is what `batch check --json` prints.
type batchVerdict struct {
	OK      bool              `json:"ok"`
	Path    string            `json:"path"`
	Batch   string            `json:"batch,omitempty"`
	Devices int               `json:"devices,omitempty"`
	Digest  string            `json:"sha256,omitempty"`
	Columns map[string]string `json:"columns,omitempty"` // field to header
	Ignored []string          `json:"ignored,omitempty"`
	Faults  []batchFault      `json:"faults,omitempty"`
}

type batchFault struct {
	Line    int               `json:"line,omitempty"` // absent: the file as a whole
	Column  string            `json:"column,omitempty"`
	Kind    string            `json:"kind"` // stable English
	Params  map[string]string `json:"params,omitempty"`
	Problem string            `json:"problem"`
	Next    string            `json:"next"`
}

func (a *app) batchCheck(path string, columns []string, asJSON bool) error {
	cfg, text, err := a.batchOffice()
	if err != nil {
		return err
	}
	if cfg, err = withColumns(cfg, columns); err != nil {
		return err
	}
	m, err := readManifest(path, cfg, text.Text)
	var bad *batch.ManifestError
	switch {
	case errors.As(err, &bad) && !asJSON:
		for _, f := range bad.Faults { // all of them: who mends a file wants to do it once
			fmt.Fprintf(a.stderr, "%s: %s\n", plain(path), f)
		}
		return usage("%s is no batch list (faults: %d)", plain(path), len(bad.Faults))
	case err != nil && bad == nil:
		return &exitError{exitUsage, err}
	case asJSON:
		return a.batchVerdict(path, m, bad)
	}
	return a.batchSummary(m)
}

// withColumns adds the flags' mapping to the configuration's.
func withColumns(cfg *config.Config, flags []string) (*config.Config, error) {
	if len(flags) == 0 {
		return cfg, nil
	}
	cfg = cfg.Clone()
	all := map[string]string{}
	maps.Copy(all, cfg.Batch.Columns)
	for _, f := range flags {
		field, header, ok := strings.Cut(f, "=")
		if !ok || strings.TrimSpace(header) == "" || !slices.Contains(batch.Fields(), field) {
			return nil, usage("--column %s: want FIELD=HEADER, where FIELD is one of %s", plain(f), strings.Join(batch.Fields(), ", "))
		}
		all[field] = header
	}
	cfg.Batch.Columns = all
	return cfg, nil
}

func (a *app) batchSummary(m batch.Manifest) error {
	w := newLines(a.stdout)
	w.printf("%s is in order: batch %s, %d devices, sha256 %x\n", plain(m.Path), m.Name, len(m.Devices), m.Digest)
	for _, f := range batch.Fields() {
		if h := m.Columns[f]; h != "" {
			w.printf("  %-16s from column %q\n", f, h)
		}
	}
	if len(m.Ignored) > 0 {
		w.printf("  ignored columns: %s\n", strings.Join(m.Ignored, ", "))
	}
	return w.err
}

func (a *app) batchVerdict(path string, m batch.Manifest, bad *batch.ManifestError) error {
	v := batchVerdict{OK: bad == nil, Path: path}
	if bad == nil {
		v.Batch, v.Devices, v.Digest, v.Columns, v.Ignored = m.Name, len(m.Devices), hexText(m.Digest), m.Columns, m.Ignored
	} else {
		for _, f := range bad.Faults {
			v.Faults = append(v.Faults, batchFault{
				Line: f.Line, Column: f.Column, Kind: strings.TrimPrefix(f.Key, "list."), Params: f.Params, Problem: f.Problem, Next: f.Next,
			})
		}
	}
	w := newLines(a.stdout)
	w.encode(struct {
		eventHead
		batchVerdict
	}{w.head("batch-check"), v})
	switch {
	case w.err != nil:
		return &exitError{exitFault, w.err}
	case bad != nil:
		return &exitError{code: exitUsage}
	}
	return nil
}

// batchOffice is the configuration, or what holds without one, and the catalogue of its language.
func (a *app) batchOffice() (*config.Config, *words.Catalogue, error) {
	cfg, _, err := a.load(nil)
	if errors.Is(err, config.ErrNotFound) && a.configPath == "" {
		cfg, err = config.Default(), nil
	}
	if err != nil {
		return nil, nil, err
	}
	text, err := sentences(cfg)
	if err != nil {
		return nil, nil, &exitError{exitFault, err}
	}
	return cfg, text, nil
}

func (a *app) batchStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "List the newest batches: state, expected, done, missing",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.batchStatus(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

// batchRow is one batch as `batch status` shows it.
type batchRow struct {
	Batch    string             `json:"batch"`
	State    station.BatchState `json:"state"`
	Station  string             `json:"station"`
	Expected int                `json:"expected"`
	Done     int                `json:"done"`
	Missing  int                `json:"missing"`
	OpenedAt time.Time          `json:"opened_at"`
	OpenedBy string             `json:"opened_by,omitempty"`
	ClosedAt *time.Time         `json:"closed_at,omitempty"`
	Reason   string             `json:"reason,omitempty"`
}

// maxStatus is how many batches `batch status` lists.
const maxStatus = 20

func (a *app) batchStatus(ctx context.Context, asJSON bool) error {
	cfg, l, err := a.readRecords(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	list, err := l.BatchList(ctx, cfg.Station.Tenant)
	if err != nil {
		return &exitError{exitFault, err}
	}
	var rows []batchRow
	for _, b := range list[:min(len(list), maxStatus)] {
		if b, err = l.Batch(ctx, cfg.Station.Tenant, b.Batch); err != nil {
			return &exitError{exitFault, err}
		}
		rows = append(rows, batchRowOf(b))
	}
	if err := a.writeBatches(rows, asJSON); err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

func batchRowOf(b station.BatchRecord) batchRow {
	r := batchRow{
		Batch: b.Batch, State: b.State, Station: b.Station, Expected: len(b.Devices), OpenedAt: b.OpenedAt, OpenedBy: b.OpenedBy, Reason: b.Reason,
	}
	for _, d := range b.Devices {
		if d.Done {
			r.Done++
		}
	}
	r.Missing = r.Expected - r.Done
	if !b.ClosedAt.IsZero() {
		r.ClosedAt = &b.ClosedAt
	}
	return r
}

func (a *app) writeBatches(rows []batchRow, asJSON bool) error {
	if asJSON {
		w := newLines(a.stdout)
		for _, r := range rows {
			w.encode(struct {
				eventHead
				batchRow
			}{w.head("batch"), r})
		}
		return w.err
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no batches yet")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BATCH\tSTATE\tSTATION\tEXPECTED\tDONE\tMISSING\tOPENED\tBY")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", plain(r.Batch), r.State, plain(r.Station), r.Expected, r.Done, r.Missing,
			r.OpenedAt.Local().Format("2006-01-02 15:04"), plain(r.OpenedBy))
	}
	return w.Flush()
}

func (a *app) batchReportCommand() *cobra.Command {
	var asCSV bool
	cmd := &cobra.Command{
		Use:   "report [NAME]",
		Short: "Print the report of a batch: the named one, else the newest",
		Long: `Print the report of a batch as Markdown: what is done and what is missing, pace, phases, failures and slots. With --csv one line
for each expected device. Made from the records, while the batch is open as well as later.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.batchReport(cmd.Context(), strings.Join(args, ""), asCSV)
		},
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, "one line for each expected device")
	return cmd
}

func (a *app) batchReport(ctx context.Context, name string, asCSV bool) error {
	cfg, l, err := a.readRecords(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	text, err := sentences(cfg)
	if err != nil {
		return &exitError{exitFault, err}
	}
	if name == "" {
		list, err := l.BatchList(ctx, cfg.Station.Tenant)
		switch {
		case err != nil:
			return &exitError{exitFault, err}
		case len(list) == 0:
			return &exitError{exitBad, errors.New("there is no batch yet")}
		}
		name = list[0].Batch
	}
	r, err := batchReport(ctx, l, cfg.Station.Tenant, name, time.Now())
	switch {
	case errors.Is(err, station.ErrNotFound):
		return &exitError{exitBad, fmt.Errorf("there is no batch %q; `provstation batch status` lists them", plain(name))}
	case err != nil:
		return &exitError{exitFault, err}
	}
	if asCSV {
		err = r.CSV(a.stdout)
	} else {
		_, err = fmt.Fprint(a.stdout, r.Markdown(pairs(text.Text)))
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}
