package main

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/google/uuid"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/label"
	"provstation/station/ledger"
)

// printing prints the labels of finished devices. Every label is on record before the printer gets a byte.
type printing struct {
	cfg      config.Labels
	tenant   string
	ledger   *ledger.Ledger
	template *label.Template
	printer  label.Printer // nil: none is configured
	operator func() string
	tell     func(station.LabelPrinted)
}

func newPrinting(cfg config.Labels, tenant string, l *ledger.Ledger, operator func() string, tell func(station.LabelPrinted)) (*printing, error) {
	t, err := label.Open(cfg.Template)
	if err != nil {
		return nil, usage("labels.template: %v", err)
	}
	p := &printing{cfg: cfg, tenant: tenant, ledger: l, template: t, operator: operator, tell: tell}
	switch {
	case cfg.Printer != "":
		p.printer, err = label.TCPPrinter(cfg.Printer)
	case len(cfg.Command) > 0:
		p.printer, err = label.CommandPrinter(cfg.Command)
	}
	if err != nil {
		return nil, usage("labels: %v", err)
	}
	return p, nil
}

// of is what the label of a run's device says. There is one only for a device that is finished.
func (p *printing) of(ctx context.Context, run string) (ledger.RunDetail, label.Data, error) {
	d, err := p.ledger.Run(ctx, run)
	if err != nil {
		return d, label.Data{}, err
	}
	if d.Tenant != p.tenant {
		return d, label.Data{}, station.ErrNotFound
	}
	if !d.Outcome.Good() {
		return d, label.Data{}, &station.Fault{Code: station.CodeLabelNothing, Params: map[string]string{"slot": d.Slot}}
	}
	if d, err = p.newest(ctx, d); err != nil {
		return d, label.Data{}, err
	}
	data := label.Data{
		ID: d.DeviceID, HardwareSerial: d.HardwareSerial, Fingerprint: hexText(d.Leaf), Tenant: d.Tenant,
		Batch: d.Batch, Station: d.Station, NotAfter: d.NotAfter, PrintedAt: time.Now(),
	}
	if n := len(d.Observations); n > 0 {
		data.Model = d.Observations[n-1].Model
	}
	certs, err := p.ledger.CertificatesOf(ctx, d.Tenant, d.DeviceID)
	if err != nil {
		return d, data, err
	}
	for _, c := range certs {
		if string(c.Fingerprint) == string(d.Leaf) {
			data.NotBefore, data.NotAfter = c.NotBefore, c.NotAfter
		}
	}
	return d, data, nil
}

func hexText(b []byte) string { return hex.EncodeToString(b) }

// newest is the run that proved the device as it is now: a label of an older one would name a certificate that is gone.
func (p *printing) newest(ctx context.Context, d ledger.RunDetail) (ledger.RunDetail, error) {
	rows, err := p.ledger.Devices(ctx, ledger.DeviceFilter{Tenant: d.Tenant, HardwareSerial: d.HardwareSerial, Limit: 1})
	if err != nil || len(rows) == 0 || rows[0].PassRun == "" || rows[0].PassRun == d.Run {
		return d, err
	}
	now, err := p.ledger.Run(ctx, rows[0].PassRun)
	now.Slot = d.Slot // where it is looked at
	return now, err
}

// copies is how many labels of the device are out, or may be.
func (p *printing) copies(ctx context.Context, d ledger.RunDetail) (int, error) {
	list, err := p.ledger.Labels(ctx, d.Tenant, d.DeviceID)
	n := 0
	for _, l := range list {
		if l.Err == "" {
			n++
		}
	}
	return n, err
}

var errNoPrinter = errors.New("no label printer is configured: set labels.printer or labels.command")

// print prints the label of a run's device. A further copy needs a reason.
func (p *printing) print(ctx context.Context, run, reason string) error {
	d, data, err := p.of(ctx, run)
	if err != nil {
		return err
	}
	e := station.LabelPrinted{
		Slot: d.Slot, DeviceID: d.DeviceID, HardwareSerial: d.HardwareSerial, Template: p.template.Name(),
	}
	fail := func(err error) error {
		f := &station.Fault{Code: station.CodeLabelPrinter, Params: map[string]string{"detail": plain(err.Error())}, Err: err}
		e.Code, e.Params = f.Code, f.Params
		p.tell(e)
		return f
	}
	if p.printer == nil {
		return fail(errNoPrinter)
	}
	text, err := p.template.Render(data)
	if err != nil {
		return fail(err)
	}
	id := uuid.Must(uuid.NewV7()).String()
	e.Copy, err = p.ledger.BeginLabel(ctx, ledger.LabelPrint{
		ID: id, Tenant: d.Tenant, DeviceID: d.DeviceID, HardwareSerial: d.HardwareSerial, Run: d.Run, Template: p.template.Name(),
		Printer: p.printer.String(), Reason: reason, Operator: p.operator(), At: time.Now().UTC(),
	})
	if err != nil {
		return fail(err)
	}
	perr := p.printer.Print(ctx, text)
	trouble := ""
	if perr != nil {
		trouble = plain(perr.Error())
	}
	if errors.Is(perr, label.ErrMaybePrinted) { // its end stays open: it counts as a copy, and another one needs a reason
		return fail(perr)
	}
	if err := p.ledger.EndLabel(context.WithoutCancel(ctx), id, trouble); err != nil && perr == nil {
		perr = err // it is out, but who reads the record cannot know
	}
	if perr != nil {
		return fail(perr)
	}
	p.tell(e)
	return nil
}

// auto prints the label of each device that passes, until the events end.
func (p *printing) auto(ctx context.Context, events <-chan station.Event) {
	for e := range events {
		end, ok := e.Body.(station.RunEnded)
		if !ok || end.Outcome != station.Pass || ctx.Err() != nil {
			continue
		}
		_ = p.print(ctx, end.Run, "") // what came of it is told; a further copy is not for a machine to decide
	}
}
