package tui

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/ledger"
	"provstation/tui/screen"
)

// recorder notes what it is asked for as [Intents], [Desk] and [Office].
type recorder struct {
	mu   sync.Mutex
	got  []string
	err  error
	quit func()

	listErr    error
	resolveErr error
	manifests  []string
	manifest   batch.Manifest
	rows       []ledger.RunRow
	detail     ledger.RunDetail
	checks     []screen.Check
	preview    screen.LabelPreview
	duplicates []station.DuplicateFound
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, s)
}

// intents is what was asked for so far.
func (r *recorder) intents() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func (r *recorder) Retry(slot string) error { r.note("retry " + slot); return r.err }
func (r *recorder) Abort(slot string) error { r.note("abort " + slot); return r.err }

func (r *recorder) Quit() {
	r.note("quit")
	if r.quit != nil {
		r.quit()
	}
}

func (r *recorder) Scan(text, slot string) error { r.note("scan " + text + " @" + slot); return r.err }
func (r *recorder) SignIn(name string) error     { r.note("sign in " + name); return r.err }
func (r *recorder) SignOut() error               { r.note("sign out"); return r.err }

func (r *recorder) Override(slot, reason, badge string) error {
	r.note("override " + slot + ", " + reason + ", " + badge)
	return r.err
}

func (r *recorder) Ask(slot string, t station.Task) error {
	r.note("ask " + slot + " " + string(t))
	return r.err
}

func (r *recorder) AskAll(t station.Task) (int, error) {
	r.note("ask all " + string(t))
	return 2, r.err
}

func (r *recorder) RetryFailed() (int, error)      { r.note("retry failed"); return 3, r.err }
func (r *recorder) PauseBatch(reason string) error { r.note("pause " + reason); return r.err }
func (r *recorder) ResumeBatch() error             { r.note("resume"); return r.err }
func (r *recorder) Learn(slot string) error        { r.note("learn " + slot); return r.err }
func (r *recorder) EndLearning() error             { r.note("end learning"); return r.err }

func (r *recorder) Manifests(context.Context) ([]string, error) {
	r.note("manifests")
	return r.manifests, r.err
}

func (r *recorder) CheckManifest(_ context.Context, path string) (batch.Manifest, error) {
	r.note("check " + path)
	return r.manifest, cmp.Or(r.err, r.listErr)
}

func (r *recorder) OpenBatch(_ context.Context, m batch.Manifest) error {
	r.note("open batch " + m.Name)
	return r.err
}

func (r *recorder) CloseBatch(_ context.Context, reason string) (string, error) {
	r.note("close batch " + reason)
	return "/var/lib/report.html", r.err
}

func (r *recorder) Runs(_ context.Context, f ledger.Filter) ([]ledger.RunRow, error) {
	r.note("runs " + f.Text + " " + f.After)
	return r.rows, r.err
}

func (r *recorder) Run(_ context.Context, id string) (ledger.RunDetail, error) {
	r.note("run " + id)
	return r.detail, r.err
}

func (r *recorder) Export(_ context.Context, _ ledger.Filter, format string) (string, error) {
	r.note("export " + format)
	return "/var/lib/runs." + format, r.err
}

func (r *recorder) Duplicates(context.Context) ([]station.DuplicateFound, error) {
	r.note("duplicates")
	return r.duplicates, r.err
}

func (r *recorder) Resolve(_ context.Context, run string, what station.Decision, reason string) error {
	r.note("resolve " + run + " " + string(what) + ", " + reason)
	return cmp.Or(r.err, r.resolveErr)
}

func (r *recorder) Diagnose(ctx context.Context, tell func(screen.Check)) error {
	r.note("diagnose")
	for _, c := range r.checks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		tell(c)
	}
	return r.err
}

func (r *recorder) PreviewLabel(_ context.Context, run string) (screen.LabelPreview, error) {
	r.note("preview " + run)
	return r.preview, r.err
}

func (r *recorder) PrintLabel(_ context.Context, run, reason string) error {
	r.note("print " + run + " " + reason)
	return r.err
}

// stocked gives the office something to show.
func (r *recorder) stocked() {
	r.manifests = []string{"/srv/lists/lot-7.csv", "/srv/lists/lot-6.csv"}
	r.manifest = batch.Manifest{Name: "lot-7", Path: "/srv/lists/lot-7.csv", Devices: []station.BatchDevice{
		{Line: 2, HardwareSerial: "SN-1", DeviceID: "dev-1"}, {Line: 3, HardwareSerial: "SN-2", DeviceID: "dev-2"},
	}}
	for i := range 5 {
		row := ledger.RunRow{DeviceID: "dev-" + strconv.Itoa(i), HardwareSerial: "SN-" + strconv.Itoa(i), Outcome: station.Pass, Elapsed: time.Second}
		row.Run, row.Slot, row.StartedAt = runID(i), slotName(i+1), scriptStart
		r.rows = append(r.rows, row)
	}
	r.detail = ledger.RunDetail{RunRow: r.rows[0]}
	r.checks = []screen.Check{{Name: "bridge", Title: "Bridge", Status: "ok"}, {Name: "disk", Title: "Disk", Status: "fail", Detail: "full", Next: "Make room."}}
	r.preview = screen.LabelPreview{Template: "box", Printer: "zebra-1", Lines: []string{"dev-0041", "▀▄█"}}
}
