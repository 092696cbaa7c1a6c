package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
)

func (d *device) intent(kind station.IntentKind) station.Intent {
	return station.Intent{
		ID: newRun(), Run: d.run, Tenant: d.tenant, HardwareSerial: d.serial, Kind: kind, DeviceID: d.id,
		EnrollID: station.EnrollID{1, 2, 3, 4, 5, 6, 7, 8}, SPKI: d.spki, Leaf: d.leaf, At: d.at,
	}
}

// What was begun stays on record until somebody says what came of it; the first word counts.
func TestIntents(t *testing.T) {
	ctx := t.Context()
	l := openNew(t)
	d := dev("HW-1")
	must(t, d.identify(ctx, l))
	key, install := d.intent(station.IntendKey), d.intent(station.IntendInstall)
	key.SPKI, key.Leaf = nil, nil
	install.At = key.At.Add(time.Second)
	must(t, l.Intend(ctx, key))
	must(t, l.Intend(ctx, key))
	must(t, l.Intend(ctx, install))
	open, err := l.OpenIntents(ctx, d.tenant, d.serial)
	must(t, err)
	if diff := cmp.Diff([]station.Intent{key, install}, open); diff != "" {
		t.Errorf("open intents (-want +got):\n%s", diff)
	}
	if others, err := l.OpenIntents(ctx, d.tenant, "HW-2"); err != nil || len(others) != 0 {
		t.Errorf("another device: got %v, %v, want none", others, err)
	}
	other := key
	other.Kind = station.IntendSeal
	if err := l.Intend(ctx, other); !errors.Is(err, ErrConflict) {
		t.Errorf("the same id for another intent: got %v, want ErrConflict", err)
	}

	end := d.phase(station.PhaseKeygen)
	end.Results = map[string]station.IntentResult{key.ID: station.ResultDone}
	must(t, l.RecordPhase(ctx, end))
	must(t, l.RecordPhase(ctx, end))
	must(t, l.Done(ctx, install.ID, station.ResultNotFound))
	must(t, l.Done(ctx, install.ID, station.ResultNotFound))
	if err := l.Done(ctx, install.ID, station.ResultDone); !errors.Is(err, ErrConflict) {
		t.Errorf("another result: got %v, want ErrConflict", err)
	}
	if err := l.Done(ctx, newRun(), station.ResultDone); !errors.Is(err, station.ErrNotFound) {
		t.Errorf("an intent that nobody had: got %v, want ErrNotFound", err)
	}
	rows, err := l.IntentsOf(ctx, d.run)
	must(t, err)
	var got []string
	for _, r := range rows {
		got = append(got, fmt.Sprintf("%s %s %t", r.Kind, r.Result, r.EndedAt.IsZero()))
	}
	if diff := cmp.Diff([]string{"make-key done false", "install found not done false"}, got); diff != "" {
		t.Errorf("intents of the run (-want +got):\n%s", diff)
	}
	if open, err = l.OpenIntents(ctx, d.tenant, d.serial); err != nil || len(open) != 0 {
		t.Errorf("got %v, %v still open, want none", open, err)
	}
}

func TestIntentsRefused(t *testing.T) {
	ctx := t.Context()
	l := openNew(t)
	d := dev("HW-1")
	must(t, d.identify(ctx, l))
	for _, row := range []struct {
		name string
		edit func(*station.Intent)
		want error
	}{
		{"no id", func(in *station.Intent) { in.ID = "" }, ErrInvalid},
		{"no hardware", func(in *station.Intent) { in.HardwareSerial = "" }, ErrInvalid},
		{"an unknown kind", func(in *station.Intent) { in.Kind = "explode" }, ErrInvalid},
		{"half a digest", func(in *station.Intent) { in.SPKI = in.SPKI[:16] }, ErrInvalid},
		{"no time", func(in *station.Intent) { in.At = time.Time{} }, ErrInvalid},
		{"no such run", func(in *station.Intent) { in.Run = newRun() }, station.ErrNotFound},
		{"another hardware's run", func(in *station.Intent) { in.HardwareSerial = "HW-2" }, ErrConflict},
		{"another tenant's run", func(in *station.Intent) { in.Tenant = "other" }, ErrConflict},
	} {
		in := d.intent(station.IntendSeal)
		row.edit(&in)
		if err := l.Intend(ctx, in); !errors.Is(err, row.want) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.want)
		}
	}
}

// The intent to seal is durable with the proof, or neither is.
func TestProofWithItsIntent(t *testing.T) {
	ctx := t.Context()
	l := openNew(t)
	d := dev("HW-1")
	must(t, d.prove(ctx, l))
	p, seal := d.proof(), d.intent(station.IntendSeal)
	p.At = p.At.Add(time.Second)
	bad := seal
	bad.Kind, p.Seal = "explode", &bad
	if err := l.SaveProof(ctx, p); !errors.Is(err, ErrInvalid) {
		t.Errorf("a bad intent: got %v, want ErrInvalid", err)
	}
	p.Seal = &seal
	must(t, l.SaveProof(ctx, p))
	must(t, l.SaveProof(ctx, p))
	open, err := l.OpenIntents(ctx, d.tenant, d.serial)
	if err != nil || len(open) != 1 || open[0].ID != seal.ID {
		t.Errorf("got %v, %v, want the intent to seal", open, err)
	}
}

// A refusal is there after a restart; the first one counts.
func TestRefusedCertificate(t *testing.T) {
	ctx := t.Context()
	url := newURL(t)
	l := openURL(t, url, Config{})
	d := dev("HW-1")
	must(t, d.prove(ctx, l))
	r := station.Refusal{Run: d.run, Fingerprint: d.leaf, Code: station.CodeBrokerCert, At: d.at}
	if err := l.RefuseCertificate(ctx, station.Refusal{Run: d.run, Fingerprint: sum("none"), Code: r.Code, At: r.At}); !errors.Is(err, station.ErrNotFound) {
		t.Errorf("a certificate that is not on file: got %v, want ErrNotFound", err)
	}
	if err := l.RefuseCertificate(ctx, station.Refusal{Run: d.run, Fingerprint: d.leaf, At: r.At}); !errors.Is(err, ErrInvalid) {
		t.Errorf("no code: got %v, want ErrInvalid", err)
	}
	must(t, l.RefuseCertificate(ctx, r))
	r.Code = station.CodeCertBad
	must(t, l.RefuseCertificate(ctx, r))
	must(t, l.Close())
	l = openURL(t, url, Config{})
	certs, err := l.Certificates(ctx, d.tenant, d.spki)
	if err != nil || len(certs) != 1 || certs[0].Refused != station.CodeBrokerCert {
		t.Errorf("got %v, %v, want one certificate, refused by the broker", certs, err)
	}
}

// Runs that a process left open are ended when the station starts again, and only its own.
func TestEndInterrupted(t *testing.T) {
	ctx := t.Context()
	url, cfg := newURL(t), Config{LockDir: t.TempDir()}
	l := openURL(t, url, cfg)
	begun, known, posted, done := dev("HW-1"), dev("HW-2"), dev("HW-3"), dev("HW-4")
	must(t, l.BeginRun(ctx, begun.start()))
	must(t, known.identify(ctx, l))
	must(t, l.RecordPhase(ctx, known.phase(station.PhaseKeygen)))
	must(t, posted.identify(ctx, l))
	must(t, l.BindDevice(ctx, posted.binding()))
	must(t, l.BindKey(ctx, posted.key()))
	must(t, l.PostBegun(ctx, posted.posted()))
	must(t, done.pass(ctx, l))
	others := dev("HW-5")
	start := others.start()
	start.StationID = "st-2"
	must(t, l.BeginRun(ctx, start))
	must(t, l.Close())

	l = openURL(t, url, cfg)
	at := t0.Add(time.Hour)
	if n, err := l.EndInterrupted(ctx, "st-1", at); n != 3 || err != nil {
		t.Errorf("got %d, %v, want 3 runs ended", n, err)
	}
	for run, phase := range map[string]station.Phase{begun.run: station.PhaseIdentify, known.run: station.PhaseCSR} {
		r, err := l.Run(ctx, run)
		if err != nil || r.Outcome != station.Aborted || r.Code != station.CodeInterrupted || r.Phase != phase || !r.EndedAt.Equal(at) {
			t.Errorf("got %s %s in %s at %v, %v, want ABORTED E-INTERRUPTED in %s at %v", r.Outcome, r.Code, r.Phase, r.EndedAt, err, phase, at)
		}
	}
	if r, err := l.Run(ctx, done.run); err != nil || r.Outcome != station.Pass {
		t.Errorf("the run that had ended: got %s, %v, want PASS", r.Outcome, err)
	}
	if r, err := l.Run(ctx, others.run); err != nil || r.Outcome != "" {
		t.Errorf("another station's run: got %s, %v, want it open", r.Outcome, err)
	}
	posts, err := l.PossiblyIssued(ctx)
	if err != nil || len(posts) != 1 || posts[0].ID != posted.post {
		t.Errorf("got %v, %v, want the open request as possibly issued", posts, err)
	}
	if n, err := l.EndInterrupted(ctx, "st-1", at); n != 0 || err != nil {
		t.Errorf("once more: got %d, %v, want none", n, err)
	}
}

// While another process of the station is at work its runs are not touched.
func TestEndInterruptedBesideAnother(t *testing.T) {
	ctx := t.Context()
	url, cfg := newURL(t), Config{LockDir: t.TempDir()}
	first := openURL(t, url, cfg)
	end := func(l *Ledger, want int) {
		t.Helper()
		if n, err := l.EndInterrupted(ctx, "st-1", t0.Add(time.Hour)); n != want || err != nil {
			t.Errorf("got %d, %v, want %d runs ended", n, err, want)
		}
	}
	end(first, 0)
	d := dev("HW-1")
	must(t, d.prove(ctx, first))
	second := openURL(t, url, cfg)
	end(second, 0)
	must(t, first.Close())
	third := openURL(t, url, cfg)
	end(third, 0) // the second one is still there
	must(t, second.Close())
	must(t, third.Close())
	end(openURL(t, url, cfg), 1)
}

// What a run's journal costs, as a ratio of times: whole runs with only the records they had, and with the intents beside
// them, in turn.
func BenchmarkJournal(b *testing.B) {
	ctx := context.Background()
	l := openURL(b, "sqlite:"+filepath.Join(b.TempDir(), "l.db"), Config{})
	var took [2]time.Duration
	for i := 0; b.Loop(); i++ {
		for n, journal := range []bool{false, true} {
			began := time.Now()
			if err := recordedRun(ctx, l, dev(fmt.Sprintf("HW-%d-%d", i, n)), journal); err != nil {
				b.Fatal(err)
			}
			took[n] += time.Since(began)
		}
	}
	b.ReportMetric(float64(took[1])/float64(took[0]), "ratio")
	b.ReportMetric(float64(took[1]-took[0])/float64(b.N)/1e6, "ms-more/run")
}

// recordedRun writes what an enrollment writes, call by call.
func recordedRun(ctx context.Context, l *Ledger, d *device, journal bool) (err error) {
	note := func(e error) { err = errors.Join(err, e) }
	open := map[station.Phase]station.Intent{}
	intend := func(p station.Phase, k station.IntentKind) {
		if journal {
			open[p] = d.intent(k)
			note(l.Intend(ctx, open[p]))
		}
	}
	n := 0
	phase := func(p station.Phase) {
		end := d.phase(p)
		end.StartedAt = end.StartedAt.Add(time.Duration(n) * time.Millisecond)
		n++
		if in, ok := open[p]; ok {
			end.Results = map[string]station.IntentResult{in.ID: station.ResultDone}
		}
		note(l.RecordPhase(ctx, end))
	}
	note(d.identify(ctx, l))
	if journal {
		_, oerr := l.OpenIntents(ctx, d.tenant, d.serial)
		note(oerr)
	}
	phase(station.PhaseIdentify)
	note(l.BindDevice(ctx, d.binding()))
	phase(station.PhaseAssign)
	phase(station.PhaseClock)
	intend(station.PhaseKeygen, station.IntendKey)
	phase(station.PhaseKeygen)
	note(l.BindKey(ctx, d.key()))
	phase(station.PhaseCSR)
	note(l.PostBegun(ctx, d.posted()))
	c := d.cert()
	note(l.SaveCertificate(ctx, c))
	phase(station.PhaseEnroll)
	note(l.SaveCertificate(ctx, c))
	phase(station.PhaseVerify)
	intend(station.PhaseInstall, station.IntendInstall)
	phase(station.PhaseInstall)
	phase(station.PhaseReadback)
	phase(station.PhaseMQTT)
	phase(station.PhaseWireGuard)
	phase(station.PhaseRegister)
	p := d.proof()
	if journal {
		in := d.intent(station.IntendSeal)
		open[station.PhaseSeal], p.Seal = in, &in
	}
	note(l.SaveProof(ctx, p))
	phase(station.PhaseSeal)
	note(l.FinishRun(ctx, d.finish(station.Pass)))
	return err
}
