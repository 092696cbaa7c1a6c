package retire

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"provstation/station"
)

// Wish is that a device be taken out of service.
type Wish struct {
	DeviceID       string
	HardwareSerial string // "": no hardware is on file under the id
	Reason         string // typed by a person
	// Done names steps that a person has done by hand.
	Done []station.RetirementStepName
	// Again begins anew where the device was taken out of service before.
	Again bool
}

// Step is how a step of a decommissioning stands.
type Step struct {
	station.StepRecord
	Fault *station.Fault // of StepFailed, where it was tried just now
	Waits bool           // it was not begun: the certificates have to be revoked first
}

// Hinders reports whether the decommissioning cannot end before something is done about the step.
func (s Step) Hinders() bool { return !settled(s.StepRecord) }

// Report is how a decommissioning stands.
type Report struct {
	station.RetirementRow
	Steps   []Step    // all, in order
	Revoked []Outcome // certificates that were to be revoked just now
	Before  bool      // it had ended before; nothing was done now
}

// Ended reports whether nothing is left to do.
func (r Report) Ended() bool { return !r.EndedAt.IsZero() }

// ErrNotByHand says that a step is not one that a person can report as done. The exception is a device that renews by itself
// and of which nothing valid is on file: what it has fetched, only a look into the CA's own list can tell.
var ErrNotByHand = errors.New("the CA is always asked: whether a certificate is revoked, it says itself")

// Decommission takes a device out of service, or carries on where it was interrupted. tell, if not nil, hears of each step as
// it begins and ends. The error is that of the records, or the context's; what else failed stands in the report.
func (r *Retirer) Decommission(ctx context.Context, w Wish, tell func(Step)) (Report, error) {
	if tell == nil {
		tell = func(Step) {}
	}
	valid, life, err := r.onFile(ctx, w.DeviceID)
	if err != nil {
		return Report{}, err
	}
	if slices.Contains(w.Done, station.StepRevoke) && (len(valid) > 0 || !life.Renews) {
		return Report{}, ErrNotByHand
	}
	last, err := r.records.Retirement(ctx, r.cfg.Tenant, w.DeviceID)
	switch {
	case errors.Is(err, station.ErrNotFound):
	case err != nil:
		return Report{}, recordFault("look the decommissioning up", err)
	case !last.EndedAt.IsZero() && !w.Again && len(valid) == 0 && !life.PassedAt.After(last.EndedAt):
		return before(last), nil // else it has come back into service since
	}
	x := &retirement{Retirer: r, tell: tell, state: map[station.RetirementStepName]station.StepRecord{}}
	if err := x.begin(ctx, w); err != nil {
		return Report{}, err
	}
	if err := x.byHand(ctx, w.Done); err != nil {
		return Report{}, err
	}
	return x.steps(ctx)
}

// onFile gives the device's certificates that somebody would still accept, as far as they are on file, and what runs tell of it.
func (r *Retirer) onFile(ctx context.Context, deviceID string) (valid []Certificate, life Life, err error) {
	certs, err := r.records.Certificates(ctx, r.cfg.Tenant, deviceID)
	if err != nil {
		return nil, life, recordFault("look the certificates up", err)
	}
	if life, err = r.records.Life(ctx, r.cfg.Tenant, deviceID); err != nil {
		return nil, life, recordFault("look the device up", err)
	}
	valid = slices.DeleteFunc(certs, func(c Certificate) bool { return !c.RevokedAt.IsZero() || c.Over(r.now()) })
	return valid, life, nil
}

// before is the report of a decommissioning that had ended.
func before(row station.RetirementRow) Report {
	rep := Report{RetirementRow: row, Before: true}
	for _, s := range row.Steps {
		rep.Steps = append(rep.Steps, Step{StepRecord: s})
	}
	return rep
}

// retirement is one decommissioning at work.
type retirement struct {
	*Retirer
	tell  func(Step)
	row   station.Retirement
	state map[station.RetirementStepName]station.StepRecord // on record
	rep   Report
}

// begin opens the decommissioning, or finds the one that is open.
func (x *retirement) begin(ctx context.Context, w Wish) error {
	row, err := x.records.RetirementBegun(ctx, station.Retirement{
		ID: newID(), Tenant: x.cfg.Tenant, DeviceID: w.DeviceID, HardwareSerial: w.HardwareSerial, Reason: w.Reason,
		By: x.cfg.By, StationID: x.cfg.StationID, At: x.now(),
	})
	if err != nil {
		return recordFault("record the decommissioning", err)
	}
	station.CrashPoint(pointRetireBegun)
	x.row = row
	now, err := x.records.Retirement(ctx, x.cfg.Tenant, w.DeviceID)
	if err != nil {
		return recordFault("look the decommissioning up", err)
	}
	for _, s := range now.Steps {
		if now.ID == row.ID {
			x.state[s.Step] = s
		}
	}
	return nil
}

// byHand takes a person's word for steps.
func (x *retirement) byHand(ctx context.Context, done []station.RetirementStepName) error {
	for _, name := range done {
		if x.state[name].State.Over() {
			continue
		}
		s := station.StepRecord{Step: name, State: station.StepDone, Detail: "done by hand, says " + x.cfg.By, At: x.now()}
		if err := x.record(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (x *retirement) record(ctx context.Context, s station.StepRecord) error {
	if err := x.records.RetirementStep(context.WithoutCancel(ctx), x.row.ID, s); err != nil {
		return recordFault(fmt.Sprintf("record the step %s", s.Step), err)
	}
	x.state[s.Step] = s
	return nil
}

// steps goes through all of them, in order.
func (x *retirement) steps(ctx context.Context) (Report, error) {
	acts := map[station.RetirementStepName]func(context.Context) (verdict, error){
		station.StepRevoke: x.revoke, station.StepTunnel: x.peer, station.StepErase: x.erase,
		station.StepThingsBoard: func(ctx context.Context) (verdict, error) { return x.place(ctx, x.cfg.ThingsBoard) },
		station.StepHawkBit:     func(ctx context.Context) (verdict, error) { return x.place(ctx, x.cfg.HawkBit) },
	}
	x.rep.Retirement = x.row
	over := true
	for _, name := range station.RetirementSteps() {
		s, err := x.step(ctx, name, acts[name])
		if err != nil {
			return x.rep, err
		}
		x.rep.Steps = append(x.rep.Steps, s)
		x.rep.RetirementRow.Steps = append(x.rep.RetirementRow.Steps, s.StepRecord)
		over = over && settled(s.StepRecord)
	}
	if !over {
		return x.rep, nil
	}
	station.CrashPoint(pointRetireOver)
	at := x.now()
	if err := x.records.RetirementEnded(context.WithoutCancel(ctx), x.row.ID, at); err != nil {
		return x.rep, recordFault("record the end of the decommissioning", err)
	}
	station.CrashPoint(pointRetireEnded)
	x.rep.EndedAt = at
	return x.rep, nil
}

// settled reports whether a step does not hinder the end: a device that is not here is erased when it turns up.
func settled(s station.StepRecord) bool {
	return s.State.Over() || s.Step == station.StepErase && s.State == station.StepManual
}

// needsRevoked reports whether a step waits until the certificates are revoked: a device that still gets in would be listed
// again, and one that was erased cannot vouch for itself.
func needsRevoked(name station.RetirementStepName) bool {
	return name == station.StepThingsBoard || name == station.StepHawkBit || name == station.StepErase
}

// step does one step unless it is over.
func (x *retirement) step(ctx context.Context, name station.RetirementStepName, act func(context.Context) (verdict, error)) (Step, error) {
	if s := x.state[name]; s.State.Over() {
		out, err := Step{StepRecord: s}, error(nil)
		if name == station.StepRevoke {
			out, err = x.revokedSince(ctx, s)
		}
		if err == nil {
			x.tell(out)
		}
		return out, err
	}
	if needsRevoked(name) && !x.state[station.StepRevoke].State.Over() {
		out := Step{StepRecord: station.StepRecord{Step: name, Detail: "waits until the certificates are revoked"}, Waits: true}
		x.tell(out)
		return out, nil
	}
	if err := ctx.Err(); err != nil {
		return Step{}, err
	}
	start := station.StepRecord{Step: name, State: station.StepBegun, At: x.now()}
	if err := x.record(ctx, start); err != nil {
		return Step{}, err
	}
	station.CrashPoint(pointOf(name, begun))
	x.tell(Step{StepRecord: start})
	v, err := act(ctx)
	if err != nil { // it stays begun: nobody knows
		return Step{}, err
	}
	station.CrashPoint(pointOf(name, acted))
	out := Step{StepRecord: station.StepRecord{Step: name, State: v.state, Detail: v.detail, At: x.now()}, Fault: v.fault}
	if v.fault != nil && v.state == station.StepFailed {
		out.Code = v.fault.Code
	}
	if err := x.record(ctx, out.StepRecord); err != nil {
		return Step{}, err
	}
	station.CrashPoint(pointOf(name, recorded))
	x.tell(out)
	return out, nil
}

// revokedSince revokes what came on file after the step was over, and gives how the step stands now. What is over stays so on
// record: a failure hinders the end of this call alone, and the next one finds the certificate again.
func (x *retirement) revokedSince(ctx context.Context, was station.StepRecord) (Step, error) {
	if err := ctx.Err(); err != nil {
		return Step{}, err
	}
	v, err := x.revoke(ctx)
	switch {
	case err != nil:
		return Step{}, err
	case len(x.rep.Revoked) == 0 && v.state != station.StepFailed:
		return Step{StepRecord: was}, nil
	}
	now := station.StepRecord{Step: was.Step, State: v.state, Detail: v.detail, At: x.now()}
	if v.fault != nil {
		now.Code = v.fault.Code
	}
	x.state[was.Step] = now
	return Step{StepRecord: now, Fault: v.fault}, nil
}
