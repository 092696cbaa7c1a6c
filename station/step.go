package station

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
)

// Default deadlines and tries of the phases. The bridge's covers three posts of 90 s.
var (
	defaultTimeouts = map[Phase]time.Duration{
		PhaseIdentify: 30 * time.Second, PhaseAssign: 5 * time.Second, PhaseClock: 15 * time.Second,
		PhaseKeygen: 60 * time.Second, PhaseCSR: 5 * time.Second, PhaseEnroll: 300 * time.Second,
		PhaseRenew:  90 * time.Second,
		PhaseVerify: 30 * time.Second, PhaseInstall: 60 * time.Second, PhaseReadback: 30 * time.Second,
		PhaseMQTT: 90 * time.Second, PhaseWireGuard: 60 * time.Second, PhaseRegister: 60 * time.Second,
		PhaseAutorenew: 30 * time.Second, PhaseSeal: 30 * time.Second, PhaseRecord: 10 * time.Second,
	}
	defaultRetries = map[Phase]int{
		PhaseKeygen: 3, PhaseEnroll: 2, PhaseRenew: 2, PhaseVerify: 2, PhaseMQTT: 2, PhaseWireGuard: 1, PhaseRegister: 2,
	}
)

const (
	maxResets = 5 // resets and lost sessions one run mends
)

// timeout is a phase's deadline. That of a phase that may ask a person begins where the asking ends.
func (x *run) timeout(p Phase) time.Duration {
	d := x.profile.Timeouts[p]
	if d <= 0 {
		d = x.cfg.Timeouts[p]
	}
	if d <= 0 {
		d = defaultTimeouts[p]
	}
	if p == PhaseAssign && x.mayAsk() {
		d += cmp.Or(x.cfg.ScanTimeout, defaultScanTimeout)
	}
	return d
}

func (x *run) retries(p Phase) int {
	if n, ok := x.cfg.Retries[p]; ok {
		return n
	}
	return defaultRetries[p]
}

// step does one phase: its deadline, its tries, its record, its events.
func (x *run) step(ctx context.Context, s phaseStep) error {
	x.phase, x.phaseStarted, x.facts = s.phase, x.now(), map[string]string{}
	x.emit(PhaseStarted, nil)
	if err := x.told.failed(); err != nil {
		f := x.unsaved(err)
		x.emit(PhaseFailed, f)
		return f
	}
	pctx, cancel := context.WithTimeout(ctx, x.timeout(s.phase))
	tries, err := x.try(pctx, s)
	cancel()
	err = x.explain(ctx, pctx, err)
	status := PhaseDone
	if err != nil {
		status = PhaseFailed
	}
	f, _ := AsFault(err)
	x.fact(FactWireLog, x.line.take())
	x.fact(FactDeviceLog, withoutKeys(strings.Join(x.line.AgentLog(), "\n")))
	rec := PhaseEnd{
		Run: x.start.Run, Phase: s.phase, Status: status, StartedAt: x.phaseStarted.UTC(), EndedAt: x.now().UTC(),
		Tries: tries, Facts: x.facts, Results: x.takeResults(),
	}
	if f != nil {
		rec.Code = f.Code
	}
	if err != nil {
		_ = x.ledger.RecordPhase(context.WithoutCancel(ctx), rec) // what went wrong first is what is told
		crash(pointOf(s.phase))
		x.emit(status, f)
		return err
	}
	x.record(context.WithoutCancel(ctx), rec)
	return nil
}

// record records a phase that went well and tells of it once it is durable. What is done to the device meanwhile waits for all that
// was recorded before, see [run.when], and so does the run's end.
func (x *run) record(ctx context.Context, rec PhaseEnd) {
	done, failed := x.changed(rec.Status, nil), x.changed(PhaseFailed, x.unsaved(errNotSaved))
	saved := x.ledger.RecordPhaseSoon(ctx, rec)
	x.saved(saved, pointOf(rec.Phase))
	x.recorded++
	x.told.tellSaved(saved, done, failed)
}

var errNotSaved = errors.New("it could not be saved")

// saved notes what is on its way to the disk. at is the place where the station may die once it is there, and nothing was done that
// rests on it.
func (x *run) saved(s Saved, at point) {
	x.saves = append(x.saves, func() error {
		err := s()
		if err == nil {
			crash(at)
		}
		return err
	})
}

// settled waits until all that was recorded so far is durable. After a write that was waited for it is so already.
func (x *run) settled() error {
	for _, saved := range x.saves {
		if err := saved(); err != nil {
			return err
		}
	}
	x.saves = nil
	return nil
}

// unsaved is the fault of a phase's record that could not be saved.
func (x *run) unsaved(err error) *Fault { return x.ledgerFault("record phase "+string(x.phase), err) }

// skip records a phase that is not part of this run.
func (x *run) skip(ctx context.Context, p Phase) {
	x.phase, x.phaseStarted, x.facts = p, x.now(), nil
	at := x.phaseStarted.UTC()
	x.record(context.WithoutCancel(ctx), PhaseEnd{Run: x.start.Run, Phase: p, Status: PhaseSkipped, StartedAt: at, EndedAt: at})
}

// try does the phase until it succeeds, fails for good, or its tries or time are used up.
func (x *run) try(ctx context.Context, s phaseStep) (tries int, err error) {
	pause := x.cfg.Pause.start()
	left := x.retries(s.phase)
	for {
		tries++
		err = s.do(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
			return tries, err
		case errors.Is(err, ErrDeviceReset), errors.Is(err, ErrSessionLost):
			x.log.Info("session lost", "phase", s.phase, "err", err)
			x.resets++
			if x.resets > maxResets {
				return tries, unmended(err)
			}
			if s.phase == PhaseIdentify {
				continue // identify greets by itself
			}
			if err = x.regreet(ctx); err != nil {
				return tries, err
			}
		default:
			f, ok := AsFault(err)
			if !ok || f.Class != Passing || left == 0 {
				return tries, err
			}
			left--
			x.log.Info("trying again", "phase", s.phase, "err", err)
			x.emit(PhaseProgress, f)
			if werr := pause.wait(ctx); werr != nil {
				return tries, err
			}
		}
	}
}

// explain turns any error into a fault, with the reason a context ended for.
func (x *run) explain(ctx, pctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	switch cause := context.Cause(ctx); {
	case ctx.Err() == nil:
	case errors.Is(cause, errUnplugged):
		return &Fault{Code: CodePortGone, Outcome: Error, Params: map[string]string{"port": x.start.Port}, Err: cause}
	default:
		return &Fault{Code: CodeAborted, Outcome: Aborted, Params: map[string]string{"phase": string(x.phase)}, Err: cause}
	}
	over := errors.Is(pctx.Err(), context.DeadlineExceeded)
	if f, ok := AsFault(err); ok && (!over || f.Outcome == Timeout || !errors.Is(err, context.DeadlineExceeded)) {
		return f // a deadline inside it that is not the phase's is the adapter's business
	}
	if over || errors.Is(err, context.DeadlineExceeded) {
		return &Fault{
			Code: CodeDeadline, Outcome: Timeout, Err: err,
			Params: map[string]string{"phase": string(x.phase), "limit": x.timeout(x.phase).String()},
		}
	}
	if errors.Is(err, ErrDeviceReset) || errors.Is(err, ErrSessionLost) {
		return unmended(err)
	}
	return &Fault{Code: CodeInternal, Outcome: Error, Err: err, Params: map[string]string{"detail": err.Error()}}
}

// unmended is what a run ends with when greeting again did not help: a device that restarts is a bad one, a line without
// progress may be the cable.
func unmended(err error) *Fault {
	if errors.Is(err, ErrDeviceReset) {
		return &Fault{Code: CodeResetLoop, Outcome: Fail, Params: map[string]string{"limit": itoa(maxResets)}, Err: err}
	}
	return &Fault{Code: CodeLineNoise, Outcome: Error, Err: err}
}
