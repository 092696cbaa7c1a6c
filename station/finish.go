package station

import (
	"context"
	"errors"
)

// end closes the run: final record, goodbye to the device, result. It runs also when ctx is done.
func (x *run) end(ctx context.Context, err error) RunEnded {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.timeout(PhaseRecord))
	defer cancel()
	f, _ := AsFault(err)
	outcome, failedIn := x.outcome(f), Phase("")
	if f != nil {
		failedIn = x.phase
		x.log.Warn("run failed", "phase", x.phase, "code", f.Code, "err", err)
		x.abandon(ctx, f)
	}
	x.phase, x.phaseStarted, x.facts = PhaseRecord, x.now(), nil
	x.emit(PhaseStarted, nil)
	tx, rx := x.line.Traffic()
	tx, rx = tx-x.tx, rx-x.rx
	fin := RunFinish{
		Run: x.start.Run, Tenant: x.start.Tenant, HardwareSerial: x.serial(), DeviceID: x.deviceID,
		Outcome: outcome, Phase: failedIn, SPKI: x.spki, Leaf: x.leaf, NotAfter: x.notAfter,
		Contract: x.answer.Contract, WireTx: tx, WireRx: rx, Warnings: x.warnings, EndedAt: x.now().UTC(),
	}
	fin.Elapsed = fin.EndedAt.Sub(x.began)
	if outcome == Pass { // who reads the proof alone must not be misled by a run that failed after it
		fin.Proof = x.proof
	}
	switch {
	case f != nil:
		fin.Code, fin.Params = f.Code, printables(f.Params)
	case outcome == Skipped:
		fin.Code, fin.Params = CodeSkipped, x.skipParams()
	case outcome == Collected:
		fin.Code, fin.Params = CodeCollected, map[string]string{"device_id": x.deviceID}
	}
	crash(pointFinishing)
	x.finish(ctx, &fin, f == nil)
	crash(pointFinished)
	x.release(ctx)
	x.line.Bye(ctx)
	crash(pointGoodbye)
	if x.claimed {
		x.bench.release(x.serial(), x.start.Slot)
	}
	return x.ended(fin)
}

// finish makes the run's end durable, and fin what is told of it. sound: nothing went wrong so far, and everything that was recorded
// has to be there.
func (x *run) finish(ctx context.Context, fin *RunFinish, sound bool) {
	var err error
	if sound {
		fin.Phases = x.recorded
		if fin.Outcome == Skipped { // nothing else has waited for what was recorded
			err = x.settled()
		}
	}
	open := err != nil
	if !open {
		err = x.ledger.FinishRun(ctx, *fin)
		open = errors.Is(err, ErrPhaseMissing)
	}
	if err == nil && sound {
		err = x.settled()
	}
	if err == nil {
		x.emit(PhaseDone, nil)
		return
	}
	f := x.ledgerFault("finish run", err)
	x.log.Error("run not recorded", "outcome", fin.Outcome, "err", err)
	if sound || fin.Outcome.Good() || fin.Outcome == Installed {
		fin.Outcome, fin.Code, fin.Params, fin.Phase, fin.Proof = Error, f.Code, f.Params, PhaseRecord, NoProof
	}
	if open { // it ends as it is told
		fin.Phases = 0
		if err := x.ledger.FinishRun(ctx, *fin); err != nil {
			x.log.Error("its end is not on file either", "err", err)
		}
	}
	x.emit(PhaseFailed, f)
}

// outcome is how the run ended. PASS needs a proof and a sealed device; the record comes after.
func (x *run) outcome(f *Fault) Outcome {
	switch {
	case f != nil && f.Outcome != "":
		return f.Outcome
	case f != nil:
		return Error
	case x.course == courseSkip:
		return Skipped
	case x.collected:
		return Collected
	case x.proof != NoProof && x.sealed:
		return Pass
	case x.cfg.MQTTOff && x.sealed:
		return Installed
	default:
		return Error
	}
}

func (x *run) ended(fin RunFinish) RunEnded {
	e := RunEnded{
		Run: fin.Run, Attempt: x.attempt, Slot: x.start.Slot, Port: x.start.Port, Outcome: fin.Outcome, Proof: fin.Proof,
		Phase: fin.Phase, Code: fin.Code, Params: fin.Params, DeviceID: fin.DeviceID, HardwareSerial: fin.HardwareSerial,
		Task: x.start.Task, CertFingerprint: hexOf(fin.Leaf), Contract: string(fin.Contract), Batch: x.start.Batch, ElapsedMS: fin.Elapsed.Milliseconds(),
		WireTxBytes: fin.WireTx, WireRxBytes: fin.WireRx,
	}
	if fin.Outcome == Pass || fin.Outcome == Installed { // one that did not come through hands it on to the next
		e.Adopted = joined(x.adopted)
	}
	if !fin.NotAfter.IsZero() {
		at := fin.NotAfter.UTC()
		e.NotAfter = &at
	}
	if fin.Code != "" {
		e.Message, e.Hint = x.words.Fault(fin.Code, fin.Params)
	}
	return e
}
