package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/label"
	"provstation/station/ledger"
	"provstation/station/scan"
)

func (a *app) labelsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "labels", Short: "Print device labels, and the codes to scan instead of pressing keys", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.labelsCommandsCommand(), a.labelsListCommand(), a.labelsPreviewCommand(), a.labelsPrintCommand())
	return cmd
}

func (a *app) labelsCommandsCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "commands",
		Short: "Print the sheet of command codes: scan one instead of pressing a key",
		Long: `Print the sheet of command codes on standard output. As text each is a QR code with its word beside it: print it black
on white. As ZPL each is a 50 x 25 mm label with a Code 128, ready for a Zebra printer. Works without a configuration, too.`,
		Example: `  provstation labels commands | less
  provstation labels commands --format zpl | nc printer.example.com 9100`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.labelCommands(format) },
	}
	cmd.Flags().StringVar(&format, "format", "text", "text, ascii or zpl")
	return cmd
}

func (a *app) labelCommands(format string) error {
	lang, style := label.Text, label.QRHalfBlocks
	switch format {
	case "text":
	case "ascii":
		style = label.QRASCII
	case "zpl":
		lang = label.ZPL
	default:
		return usage("--format %q: want text, ascii or zpl", plain(format))
	}
	cfg, err := a.loadOrDefault()
	if err != nil {
		return err
	}
	reader, err := scan.Compile(scan.Rules{BadgePrefix: cfg.Scan.BadgePrefix, CommandPrefix: cfg.Scan.CommandPrefix})
	if err != nil {
		return usage("scan: %v", err)
	}
	catalogue, err := sentences(cfg)
	if err != nil {
		return &exitError{exitFault, err}
	}
	var codes []label.Code
	for _, c := range reader.Commands() {
		codes = append(codes, label.Code{Text: c.Code, Word: catalogue.Text("command."+c.Name, nil)})
	}
	sheet, err := label.Sheet(codes, lang, style)
	if err != nil {
		return usage("%v", err)
	}
	_, err = a.stdout.Write(sheet)
	return err
}

// loadOrDefault is the configuration, or the defaults where there is none.
func (a *app) loadOrDefault() (*config.Config, error) {
	cfg, _, err := a.load(nil)
	if errors.Is(err, config.ErrNotFound) {
		return config.Default(), nil
	}
	return cfg, err
}

func (a *app) labelsListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the built-in label templates", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, strings.Join(label.Builtin(), "\n"))
			return err
		},
	}
}

// previewFlags is what a previewed label says.
type previewFlags struct {
	template   string
	raw, ascii bool
	data       label.Data
}

func (a *app) labelsPreviewCommand() *cobra.Command {
	now := time.Now()
	f := previewFlags{data: label.Data{
		Fingerprint: strings.Repeat("0123456789abcdef", 4), NotBefore: now, NotAfter: now.AddDate(1, 0, 0), PrintedAt: now,
	}}
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Show how a label looks, without a device and without a printer",
		Example: `  provstation labels preview --template zpl-100x50 --id gateway-0042
  provstation labels preview --template my-label.zpl.tmpl --raw`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.previewLabel(f) },
	}
	l := cmd.Flags()
	l.StringVar(&f.template, "template", "", "built-in name or file; default: labels.template of the configuration")
	l.BoolVar(&f.raw, "raw", false, "print what the printer would get")
	l.BoolVar(&f.ascii, "ascii", false, "draw with ASCII alone")
	l.StringVar(&f.data.ID, "id", "device-0001", "device id")
	l.StringVar(&f.data.HardwareSerial, "serial", "HW0001", "hardware serial")
	l.StringVar(&f.data.Name, "name", "", "name")
	l.StringVar(&f.data.Model, "model", "", "model")
	l.StringVar(&f.data.Tenant, "tenant", "", "tenant")
	l.StringVar(&f.data.Batch, "batch", "", "batch")
	l.StringVar(&f.data.QRText, "qr", "", "what the QR code holds; default: the device id")
	return cmd
}

func (a *app) previewLabel(f previewFlags) error {
	if f.template == "" {
		cfg, err := a.loadOrDefault()
		if err != nil {
			return err
		}
		f.template = cfg.Labels.Template
	}
	t, err := label.Open(f.template)
	if err != nil {
		return usage("%v", err)
	}
	text, err := t.Render(f.data)
	if err != nil {
		return usage("%v", err)
	}
	switch {
	case f.raw:
		_, err = a.stdout.Write(text)
	case f.ascii:
		_, err = fmt.Fprintln(a.stdout, strings.Join(t.PreviewASCII(f.data), "\n"))
	default:
		_, err = fmt.Fprintln(a.stdout, strings.Join(t.Preview(f.data), "\n"))
	}
	return err
}

func (a *app) labelsPrintCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "print RUN|DEVICE-ID",
		Short: "Print the label of a finished device; a further copy needs a reason and is recorded",
		Long: `Print the label of a finished device by labels.template, to labels.printer or labels.command of the configuration. The
device is named by its id, or by the run that finished it. Every print is recorded; a further copy needs --reason.`,
		Example: `  provstation labels print gateway-0042
  provstation labels print gateway-0042 --reason "first one torn"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.printLabel(cmd.Context(), args[0], reason) },
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why another copy is wanted")
	return cmd
}

func (a *app) printLabel(ctx context.Context, what, reason string) error {
	cfg, _, err := a.load(nil)
	if err != nil {
		return err
	}
	h, err := openHistory(ctx, cfg, nil, sharingMode{})
	if err != nil {
		return &exitError{exitFault, err}
	}
	defer h.Close()
	l := h.Ledger
	var told station.LabelPrinted
	p, err := newPrinting(cfg.Labels, cfg.Station.Tenant, l, func() string { return cfg.Station.Operator }, func(e station.LabelPrinted) { told = e })
	if err != nil {
		return err
	}
	if p.printer == nil {
		return usage("%v", errNoPrinter)
	}
	run, err := finishedRun(ctx, l, cfg.Station.Tenant, what)
	if err == nil {
		err = p.print(ctx, run, strings.TrimSpace(reason))
	}
	if err != nil {
		return printTrouble(err, what)
	}
	_, err = fmt.Fprintf(a.stdout, "label of %s: copy %d went to %s\n", plain(told.DeviceID), told.Copy, p.printer)
	return err
}

// finishedRun finds the run that a label is about: by its own id, else the newest good one of a device.
func finishedRun(ctx context.Context, l *ledger.Ledger, tenant, what string) (string, error) {
	if id, err := uuid.Parse(what); err == nil {
		d, err := l.Run(ctx, id.String())
		if err == nil {
			return d.Run, nil
		}
		if !errors.Is(err, station.ErrNotFound) {
			return "", err
		}
	}
	rows, err := l.Runs(ctx, ledger.Filter{
		Tenant: tenant, DeviceID: what, Outcomes: []station.Outcome{station.Pass, station.Skipped}, Limit: 1,
	})
	if err != nil {
		return "", err
	}
	if len(rows) == 0 {
		return "", station.ErrNotFound
	}
	return rows[0].Run, nil
}

// printTrouble says who can mend it: the caller (exit code 2), somebody at the bench (1) or the station's keeper (3).
func printTrouble(err error, what string) error {
	f, ok := station.AsFault(err)
	switch {
	case errors.Is(err, ledger.ErrReasonNeeded):
		return usage("a label of %s was printed before: say why another one is wanted, with --reason", plain(what))
	case errors.Is(err, ledger.ErrInvalid):
		return usage("%q is neither a run nor a device id", plain(what))
	case errors.Is(err, station.ErrNotFound), ok && f.Code == station.CodeLabelNothing:
		return &exitError{exitBad, fmt.Errorf("no finished device: %s", plain(what))}
	case ok && f.Code == station.CodeLabelPrinter:
		return &exitError{exitBad, err}
	default:
		return &exitError{exitFault, fmt.Errorf("print label of %s: %w", plain(what), err)}
	}
}
