package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/ledger/shared"
	"provstation/station/pki"
	"provstation/tui/screen"
)

// office answers what the screen asks beyond the bench.
type office struct {
	app      *app
	bench    *bench
	printing *printing
	src      config.Sources
}

// maxManifests bounds the list of files that a batch can be opened from.
const maxManifests = 500

// Manifests lists the CSV files of the batch folder, newest first. Reports of batches are no lists.
func (o *office) Manifests(context.Context) ([]string, error) {
	entries, err := os.ReadDir(o.bench.config.Batch.Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for lists: %w", err)
	}
	type found struct {
		path string
		at   time.Time
	}
	var files []found
	for _, e := range entries {
		if e.IsDir() || !strings.EqualFold(filepath.Ext(e.Name()), ".csv") || strings.Contains(e.Name(), reportMark) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // it went away meanwhile
		}
		files = append(files, found{filepath.Join(o.bench.config.Batch.Folder, e.Name()), info.ModTime()})
	}
	slices.SortFunc(files, func(a, b found) int { return b.at.Compare(a.at) })
	var list []string
	for _, f := range files[:min(len(files), maxManifests)] {
		list = append(list, f.path)
	}
	return list, nil
}

// CheckManifest reads a list. A name without a folder is looked for in the batch folder.
func (o *office) CheckManifest(_ context.Context, path string) (batch.Manifest, error) {
	if filepath.Base(path) == path {
		path = filepath.Join(o.bench.config.Batch.Folder, path)
	}
	return readManifest(path, o.bench.config, o.bench.Words.Text)
}

// readManifest reads a list by the configuration.
func readManifest(path string, cfg *config.Config, text func(key string, params map[string]string) string) (batch.Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return batch.Manifest{}, fmt.Errorf("read the list: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return batch.Manifest{}, fmt.Errorf("read the list: %s is no file", path)
	}
	rc := batch.ReadConfig{
		Path: path, Columns: cfg.Batch.Columns, ValidID: pki.ValidDeviceID, LabelIsID: cfg.Device.IDTemplate == "",
		Text: pairs(text),
	}
	if tmpl := cfg.Device.IDTemplate; tmpl != "" && !strings.Contains(tmpl, "{model") { // a list does not say the model
		rc.Template = func(serial string) (string, error) {
			return config.RenderTemplate(tmpl, config.DeviceFacts(serial, ""))
		}
	}
	return batch.Read(f, rc)
}

// OpenBatch makes a list the batch that the bench works on.
func (o *office) OpenBatch(ctx context.Context, m batch.Manifest) error {
	return o.bench.OpenBatch(ctx, station.BatchRecord{Batch: m.Name, Digest: m.Digest, Devices: m.Devices})
}

// Runs, Run and Export are the ledger's, for this tenant alone.
func (o *office) Runs(ctx context.Context, f ledger.Filter) ([]ledger.RunRow, error) {
	f.Tenant = o.bench.config.Station.Tenant
	return o.bench.history.records().Runs(ctx, f)
}

// Run finds a run with all that was recorded of it.
func (o *office) Run(ctx context.Context, id string) (ledger.RunDetail, error) {
	d, err := o.bench.history.records().Run(ctx, id)
	if err == nil && d.Tenant != o.bench.config.Station.Tenant {
		return ledger.RunDetail{}, station.ErrNotFound
	}
	return d, err
}

// Duplicates lists the contradictions between stations that nobody has decided about: of all stations, or of this one while
// the others' ledger is away.
func (o *office) Duplicates(ctx context.Context) ([]station.DuplicateFound, error) {
	list, err := o.bench.history.records().Duplicates(ctx, ledger.DuplicateFilter{Tenant: o.bench.config.Station.Tenant, Open: true})
	out := make([]station.DuplicateFound, len(list))
	for i, d := range list {
		out[i] = shared.Found(d)
	}
	return out, err
}

// Resolve records what the person who is signed in decided about a run that was held. On a bench that lists its people it
// takes a lead, as to let a device go on.
func (o *office) Resolve(ctx context.Context, run string, what station.Decision, reason string) error {
	p := o.bench.Operator()
	switch {
	case p.Name == "":
		return &station.Fault{Code: station.CodeHeldSignIn}
	case o.bench.config.People.File != "" && p.Role != station.RoleLead:
		return &station.Fault{Code: station.CodeResolveLead}
	}
	l, err := o.bench.history.decisions(ctx)
	if err != nil {
		return &station.Fault{Code: station.CodeLedgerAway, Params: map[string]string{"detail": err.Error()}, Err: err}
	}
	_, err = l.Resolve(ctx, station.Resolution{
		Run: run, Tenant: o.bench.config.Station.Tenant, Decision: what, Reason: reason, By: p.Name,
	})
	if errors.Is(err, ledger.ErrNotHeld) || errors.Is(err, ledger.ErrConflict) {
		return &station.Fault{Code: station.CodeResolveNot, Params: map[string]string{"detail": err.Error()}, Err: err}
	}
	return err
}

// Export writes runs into a file of the batch folder.
func (o *office) Export(ctx context.Context, f ledger.Filter, format string) (string, error) {
	f.Tenant = o.bench.config.Station.Tenant
	name := "records-" + time.Now().Format("20060102-150405") + reportMark + "." + format
	return o.write(name, func(w io.Writer) error {
		_, err := o.bench.history.records().Export(ctx, w, f, format)
		return err
	})
}

// write makes a whole file in the batch folder, or none.
func (o *office) write(name string, fill func(io.Writer) error) (path string, err error) {
	dir := o.bench.config.Batch.Folder
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(fill(f), f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	path = filepath.Join(dir, name)
	return path, os.Rename(f.Name(), path)
}

// Diagnose makes the checks of `provstation doctor`. Ports that this bench holds open itself are in order.
func (o *office) Diagnose(ctx context.Context, tell func(screen.Check)) error {
	d := &doctor{cfg: o.bench.config, src: o.src, sys: realSystem(), version: o.app.version, atWork: true}
	examine(ctx, d.checks(), func(list []finding) {
		for _, f := range list {
			tell(o.check(f))
		}
	})
	return ctx.Err()
}

// check puts a finding on the screen.
func (o *office) check(f finding) screen.Check {
	title := o.bench.Words.Text("doctor."+f.Check, nil)
	if title == "doctor."+f.Check {
		title = f.Check
	}
	if f.Subject != "" {
		title += " " + f.Subject
	}
	return screen.Check{Name: f.Check, Title: title, Status: string(f.Status), Detail: f.Seen, Next: f.Fix}
}

// PreviewLabel shows the label of a run's device.
func (o *office) PreviewLabel(ctx context.Context, run string) (screen.LabelPreview, error) {
	d, data, err := o.printing.of(ctx, run)
	if err != nil {
		return screen.LabelPreview{}, err
	}
	p := screen.LabelPreview{Template: o.printing.template.Name(), Lines: o.printing.template.Preview(data)}
	if o.printing.printer != nil {
		p.Printer = o.printing.printer.String()
	}
	p.Copies, err = o.printing.copies(ctx, d)
	return p, err
}

// PrintLabel prints the label of a run's device.
func (o *office) PrintLabel(ctx context.Context, run, reason string) error {
	return o.printing.print(ctx, run, reason)
}
