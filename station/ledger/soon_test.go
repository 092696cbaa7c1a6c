package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"provstation/station"
)

// What is recorded without waiting is durable with the next write that is waited for, in the order in which it came.
func TestRecordPhaseSoonGoesWithTheNext(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	want := []station.Phase{station.PhaseAssign, station.PhaseKeygen, station.PhaseCSR}
	var saves []func() error
	for i, p := range want {
		end := d.phase(p)
		end.StartedAt = end.StartedAt.Add(time.Duration(i) * time.Millisecond)
		saves = append(saves, l.RecordPhaseSoon(t.Context(), end))
	}
	must(t, l.BindKey(t.Context(), d.key()))
	r, err := l.Run(t.Context(), d.run)
	must(t, err)
	for i, p := range want {
		must(t, saves[i]())
		if n := len(r.Phases) - len(want) + i; n < 0 || r.Phases[n].Phase != p {
			t.Errorf("got phases %v, want %v last", r.Phases, want)
		}
	}
}

// It does not wait for another write, and what is wrong with it is told to who asks, in nobody else's place.
func TestRecordPhaseSoonByItself(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	must(t, l.RecordPhaseSoon(t.Context(), d.phase(station.PhaseAssign))())
	bad := dev("SN-2").phase(station.PhaseAssign) // a run that nobody began
	lost := l.RecordPhaseSoon(t.Context(), bad)
	must(t, l.BindKey(t.Context(), d.key()))
	if err := lost(); err == nil {
		t.Errorf("a phase of no run: got nil, want an error")
	}
	none := d.phase("")
	if err := l.RecordPhaseSoon(t.Context(), none)(); err == nil {
		t.Errorf("a phase without a name: got nil, want an error")
	}
}

func TestRecordPhaseSoonAfterClose(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	must(t, l.write.close())
	want(t, l.RecordPhaseSoon(t.Context(), d.phase(station.PhaseAssign))(), ErrClosed)
}

// However many follow, the first does not wait longer for them.
func TestSoonIsNotPutOffByMore(t *testing.T) {
	l, d := openNew(t), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	first := l.RecordPhaseSoon(t.Context(), d.phase(station.PhaseAssign))
	saved := make(chan error, 1)
	go func() { saved <- first() }()
	more := time.NewTicker(soonTime / 4)
	defer more.Stop()
	for n := 1; n <= 400; n++ {
		select {
		case err := <-saved:
			must(t, err)
			return
		case <-more.C:
			end := d.phase(station.PhaseKeygen)
			end.StartedAt = end.StartedAt.Add(time.Duration(n) * time.Millisecond)
			l.RecordPhaseSoon(t.Context(), end)
		}
	}
	t.Error("not saved while others kept coming")
}

// What is accepted is refused at once where it has to be, by what was accepted a moment ago as well, and durable with the next write
// that is waited for, in its order.
func TestAccepted(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	first, second := dev("SN-1"), dev("SN-2")
	second.id = first.id
	must(t, l.BeginRunSoon(ctx, first.start())())
	must(t, l.BeginRunSoon(ctx, second.start())())
	var saves []station.Saved
	for _, d := range []*device{first, second} {
		attempt, saved, err := l.IdentifyRunSoon(ctx, d.run, d.observed())()
		must(t, err)
		if attempt != 1 {
			t.Errorf("%s: got attempt %d, want 1", d.serial, attempt)
		}
		saves = append(saves, saved)
	}
	saved, err := l.BindDeviceSoon(ctx, first.binding())
	must(t, err)
	saves = append(saves, saved)
	if _, err := l.BindDeviceSoon(ctx, second.binding()); !errors.Is(err, station.ErrDeviceIDTaken) {
		t.Errorf("the same device id: got %v, want %v", err, station.ErrDeviceIDTaken)
	}
	saved, err = l.BindKeySoon(ctx, first.key())
	must(t, err)
	must(t, l.IntendSoon(ctx, first.intent(station.IntendInstall))())
	// Nothing is waited for any more.
	for i, saved := range append(saves, saved) {
		if err := saved(); err != nil {
			t.Errorf("write %d: got %v, want nil", i, err)
		}
	}
	d, err := l.Device(ctx, first.tenant, first.serial)
	must(t, err)
	if d.DeviceID != first.id {
		t.Errorf("got device id %q, want %q", d.DeviceID, first.id)
	}
	_, err = l.Key(ctx, first.tenant, first.key().SPKI)
	must(t, err)
}

// Nobody has to write anything for it to become durable, and a ledger that is closed has it.
func TestAcceptedByItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l, d := openAt(t, path, Config{}), dev("SN-1")
	must(t, d.identify(t.Context(), l))
	saved, err := l.BindDeviceSoon(t.Context(), d.binding())
	must(t, err)
	must(t, saved())
	saved, err = l.BindKeySoon(t.Context(), d.key())
	must(t, err)
	must(t, l.Close())
	must(t, saved())
	l = openAt(t, path, Config{})
	_, err = l.Key(t.Context(), d.tenant, d.key().SPKI)
	must(t, err)
}

// One that was accepted and is lost takes with it what came after it, and says so; what came before stays.
func TestAcceptedAndLost(t *testing.T) {
	l, ctx := openNew(t), t.Context()
	mark := func(n int64, fault func(run int) error) func(context.Context, *txn) error {
		runs := 0
		return func(ctx context.Context, tx *txn) error {
			runs++
			if err := fault(runs); err != nil {
				return err
			}
			_, err := tx.exec(ctx, "UPDATE write_check SET checked_at = checked_at + ?", n)
			return err
		}
	}
	broken := func(from int) func(int) error {
		return func(run int) error {
			if run >= from {
				return &storageError{ErrIO, errors.New("the cable of the disk")}
			}
			return nil
		}
	}
	must(t, l.write.do(ctx, func(ctx context.Context, tx *txn) error {
		_, err := tx.exec(ctx, "INSERT INTO write_check (id, checked_at) VALUES (1, 0) ON CONFLICT (id) DO UPDATE SET checked_at = 0")
		return err
	}))
	jobs := []*job{
		newJob(ctx, hasty, mark(1, broken(3))), newJob(ctx, hasty, mark(10, broken(2))), newJob(ctx, hasty, mark(100, broken(3))),
		newJob(ctx, urgent, mark(1000, broken(1))),
	}
	// The goroutine is stopped and its part played here, so that none is made durable by itself.
	l.write.stop.Do(func() {
		close(l.write.quit)
		<-l.write.done
	})
	for i, j := range jobs {
		l.write.serve([]*job{j})
		if took := i < 3; took != (j.told && j.err == nil) {
			t.Errorf("write %d: got accepted %v and %v, want %v", i, j.told, j.err, took)
		}
	}
	kept, failed, onFile := 1, []bool{false, true, true, true}, int64(1)
	if !l.d.lingers() { // each was made durable as it came
		kept, failed, onFile = 3, []bool{false, false, false, true}, 111
	}
	for i, j := range jobs {
		if (j.err != nil) != failed[i] {
			t.Errorf("write %d: got %v, want it lost %v", i, j.err, failed[i])
		}
	}
	want(t, jobs[kept].err, ErrIO)
	var at int64
	must(t, l.read.QueryRowContext(ctx, "SELECT checked_at FROM write_check").Scan(&at))
	if at != onFile {
		t.Errorf("got %d on file, want %d: what came before", at, onFile)
	}
	must(t, l.write.conn.Close())
	must(t, l.write.db.Close())
}

// A run does not end well while the end of one of its phases is not on file.
func TestFinishWithoutAPhase(t *testing.T) {
	l, ctx, d := openNew(t), t.Context(), dev("SN-1")
	must(t, d.prove(ctx, l))
	r, err := l.Run(ctx, d.run)
	must(t, err)
	end := d.finish(station.Pass)
	end.Phases = len(r.Phases) + 1
	want(t, l.FinishRun(ctx, end), station.ErrPhaseMissing)
	must(t, l.RecordPhaseSoon(ctx, d.phase(station.PhaseSeal))())
	must(t, l.FinishRun(ctx, end))
}
