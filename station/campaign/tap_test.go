package campaign_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"provstation/station"
	"provstation/station/ledger"
)

var errDead = errors.New("this process was killed")

// tap stands between the engine and its ledger: it makes writes fail, stops and kills the station at a write, and is the
// oracle's memory of which first and last writes ever came to pass.
type tap struct {
	station.Ledger
	s *shop

	mu    sync.Mutex
	slots map[string]string // run to slot
}

// received notes what the ledger said it had done.
func (t *tap) received(u *unit, list []receipt) {
	run := -1
	if u != nil {
		run = u.run
		u.progress.Add(1)
	}
	for _, r := range list {
		t.s.w.receive(run, r)
	}
}

// act is what becomes of a write.
type act struct {
	err   error // what the engine hears
	write bool  // it is done for all that
}

// write does one write of a run, with the faults of its slot.
func (t *tap) write(run, name string, do func() error, receipts ...receipt) error {
	if t.s.dead.Load() {
		return errDead
	}
	t.mu.Lock()
	slot := t.slots[run]
	t.mu.Unlock()
	a := act{write: true}
	var after func()
	u := t.s.w.unit(slot)
	if u != nil && u.faulty.Load() {
		a, after = t.fault(u, name)
	}
	if t.s.dead.Load() && !a.write {
		return errDead
	}
	var err error
	if a.write {
		if err = do(); err == nil {
			t.received(u, receipts)
		}
	}
	if after != nil {
		after()
	}
	if t.s.dead.Load() {
		return errDead
	}
	return errors.Join(err, a.err)
}

// fault decides about the next write of a unit.
func (t *tap) fault(u *unit, name string) (a act, after func()) {
	n, w := u.counted("write"), u.w
	a.write = true
	for _, f := range u.plan.faults {
		if n < f.n || !strings.HasPrefix(f.kind, "ledger.") && !strings.HasPrefix(f.kind, "station.") && f.kind != "database.gone" {
			continue
		}
		switch f.kind {
		case "ledger.full", "ledger.read-only":
			if u.spend(f, f.k) {
				w.site.hit(f.kind)
				class := map[string]error{"ledger.full": ledger.ErrFull, "ledger.read-only": ledger.ErrReadOnly}[f.kind]
				return act{err: fmt.Errorf("campaign: %w", class)}, nil
			}
		case "ledger.answer-lost":
			if u.spend(f, f.k) {
				w.site.hit(f.kind)
				return act{err: fmt.Errorf("campaign: %w", ledger.ErrIO), write: true}, nil
			}
		case "ledger.locked":
			if u.spend(f, 1) {
				if unlock := w.lockLedger(); unlock != nil {
					w.site.hit(f.kind)
					return a, unlock
				}
			}
		case "database.gone":
			if u.spend(f, 1) {
				w.databaseGone(f)
			}
		case "station.stop":
			if u.spend(f, 1) {
				w.site.hit(f.kind)
				w.order(t.s, false)
			}
		case "station.abort":
			if u.spend(f, 1) && t.s.bench.Abort(u.slot) == nil {
				w.site.hit(f.kind)
			}
		case "station.kill":
			if !u.spend(f, 1) {
				continue
			}
			if f.k == 1 {
				return a, func() { t.die(f, name, "after") }
			}
			if t.die(f, name, "before") {
				return act{}, nil
			}
		case "station.time-jump":
			if u.spend(f, 1) {
				w.site.hit(f.kind)
				w.jumped.Store(true)
				w.jump.Store(int64(f.k))
			}
		}
	}
	return a, nil
}

// die kills the station beside a write.
func (t *tap) die(f fault, name, when string) bool {
	died := t.s.die()
	if died {
		t.s.w.site.hit(f.kind)
		t.s.w.site.points.add("killed "+when+" "+name, 1)
	}
	return died
}

func (t *tap) BeginRun(ctx context.Context, r station.RunStart) error {
	return t.begin(r, func() error { return t.Ledger.BeginRun(ctx, r) })
}

func (t *tap) begin(r station.RunStart, write func() error) error {
	t.mu.Lock()
	t.slots[r.Run] = r.Slot
	t.mu.Unlock()
	err := t.write(r.Run, "BeginRun", func() error {
		err := write()
		if err == nil {
			t.s.w.note(t.s.w.begun, r.Run)
		}
		return err
	}, receiptOf("run", r.Run))
	if err != nil && !errors.Is(err, context.Canceled) && !t.s.dead.Load() {
		t.s.w.note(t.s.w.refused, r.Run)
	}
	return err
}

func (t *tap) IdentifyRun(ctx context.Context, run string, o station.Observed) (attempt int, err error) {
	werr := t.write(run, "IdentifyRun", func() error {
		attempt, err = t.Ledger.IdentifyRun(ctx, run, o)
		return err
	}, receiptOf("known", run, o.HardwareSerial))
	return attempt, werr
}

func (t *tap) RecordPhase(ctx context.Context, p station.PhaseEnd) error {
	return t.phaseWrite(p, func() error { return t.Ledger.RecordPhase(ctx, p) })
}

func (t *tap) phaseWrite(p station.PhaseEnd, write func() error) error {
	list := []receipt{receiptOf("phase", p.Run, p.Phase, p.StartedAt.UnixMicro(), p.Status)}
	for id := range p.Results {
		list = append(list, receiptOf("settled", id))
	}
	return t.write(p.Run, "RecordPhase", write, list...)
}

func (t *tap) BindDevice(ctx context.Context, b station.Binding) error {
	return t.write(b.Run, "BindDevice", func() error { return t.Ledger.BindDevice(ctx, b) },
		receiptOf("device", b.HardwareSerial, b.DeviceID))
}

func (t *tap) BindKey(ctx context.Context, k station.KeyRecord) error {
	return t.write(k.Run, "BindKey", func() error { return t.Ledger.BindKey(ctx, k) },
		receiptOf("key", k.SPKI, k.HardwareSerial))
}

func (t *tap) PostBegun(ctx context.Context, p station.Post) error {
	t.mu.Lock()
	t.slots[p.ID] = t.slots[p.Run]
	t.mu.Unlock()
	return t.write(p.Run, "PostBegun", func() error { return t.Ledger.PostBegun(ctx, p) },
		receiptOf("post", p.ID, p.DeviceID))
}

func (t *tap) PostEnded(ctx context.Context, id, reason string) error {
	return t.write(id, "PostEnded", func() error { return t.Ledger.PostEnded(ctx, id, reason) },
		receiptOf("answered", id))
}

func (t *tap) SaveCertificate(ctx context.Context, c station.CertRecord) error {
	return t.write(c.Run, "SaveCertificate", func() error { return t.Ledger.SaveCertificate(ctx, c) },
		receiptOf("certificate", c.Fingerprint))
}

func (t *tap) SaveProof(ctx context.Context, p station.ProofRecord) error {
	return t.write(p.Run, "SaveProof", func() error { return t.Ledger.SaveProof(ctx, p) }, proofReceipts(p)...)
}

func (t *tap) Intend(ctx context.Context, in station.Intent) error {
	t.knows(in)
	return t.write(in.Run, "Intend", func() error { return t.Ledger.Intend(ctx, in) },
		receiptOf("intent", in.ID, in.Kind))
}

func (t *tap) Done(ctx context.Context, id string, r station.IntentResult) error {
	return t.write(id, "Done", func() error { return t.Ledger.Done(ctx, id, r) },
		receiptOf("settled", id))
}

func (t *tap) RefuseCertificate(ctx context.Context, r station.Refusal) error {
	return t.write(r.Run, "RefuseCertificate", func() error { return t.Ledger.RefuseCertificate(ctx, r) },
		receiptOf("refused", r.Fingerprint))
}

func (t *tap) FinishRun(ctx context.Context, e station.RunFinish) error {
	err := t.write(e.Run, "FinishRun", func() error { return t.Ledger.FinishRun(ctx, e) },
		receiptOf("finished", e.Run, e.Outcome))
	if err != nil && !t.s.dead.Load() {
		t.s.w.note(t.s.w.unfinished, e.Run)
	}
	return err
}
