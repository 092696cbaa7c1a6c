package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"provstation/station"
)

// RetirementBegun opens the decommissioning of a device, or gives the one that is open for its device id, compared without
// regard to case: there is one at a time, whoever asks.
//
// A ledger with an outbox is one of several, and cannot know what is open at the others: what it is told it takes for what the
// shared one gave (station/ledger/shared asks there), and an older one that it takes for open is over.
func (l *Ledger) RetirementBegun(ctx context.Context, r station.Retirement) (station.Retirement, error) {
	err := checkRetirement(r)
	open := r
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) (err error) {
			if open, err = t.openRetirement(ctx, r); err != nil || open.ID != r.ID {
				return err
			}
			f, at := factRetire.of(r), l.cfg.Now()
			if err := t.tell(ctx, f, at); err != nil {
				return err
			}
			return t.queue(ctx, l, f, at)
		})
	}
	if err != nil {
		return station.Retirement{}, l.wrap(err, "begin to decommission device", r.DeviceID)
	}
	l.tellQueued()
	return open, nil
}

func checkRetirement(r station.Retirement) error {
	err := need(field{"retirement", r.ID}, field{"tenant", r.Tenant}, field{"device id", r.DeviceID})
	if err == nil {
		err = may(field{"hardware serial", r.HardwareSerial}, field{"name", r.By}, field{"station id", r.StationID})
	}
	if err == nil && r.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	return err
}

const retirementColumns = "retirement, tenant, device_id, hardware_serial, reason, retired_by, station_id, begun_at, ended_at"

func scanRetirement(scan func(...any) error) (r station.RetirementRow, err error) {
	var begun, ended sql.NullInt64
	err = scan(&r.ID, &r.Tenant, &r.DeviceID, &r.HardwareSerial, &r.Reason, &r.By, &r.StationID, &begun, &ended)
	r.At, r.EndedAt = fromMicros(begun), fromMicros(ended)
	return r, err
}

// openRetirement is the one that is open for the device id, or r.
func (t *txn) openRetirement(ctx context.Context, r station.Retirement) (station.Retirement, error) {
	if t.w.partial {
		return r, nil
	}
	var found bool
	have, err := scanRetirement(func(dest ...any) (err error) {
		found, err = t.one(ctx, "SELECT "+retirementColumns+` FROM retirements WHERE tenant = ? AND device_id_fold = ?
			AND ended_at IS NULL`, []any{r.Tenant, fold(r.DeviceID)}, dest...)
		return err
	})
	if err != nil || !found {
		return r, err
	}
	return have.Retirement, nil
}

func (t *txn) retire(ctx context.Context, r station.Retirement) error {
	if err := checkRetirement(r); err != nil {
		return err
	}
	cells := []cell{
		{"retirement", r.ID},
		{"tenant", r.Tenant},
		{"device_id", r.DeviceID},
		{"device_id_fold", fold(r.DeviceID)},
		{"hardware_serial", r.HardwareSerial},
		{"reason", free(r.Reason)},
		{"station_id", r.StationID},
		{"begun_at", micros(r.At)},
	}
	// Not who began it: one of the two ledgers may have forgotten the name.
	if err := t.same(ctx, "retirements", 1, cells); !isNotFound(err) {
		return err
	}
	if t.w.partial {
		// The ledger that the stations share has opened another one: the one before has ended there.
		_, err := t.exec(ctx, "UPDATE retirements SET ended_at = ? WHERE tenant = ? AND device_id_fold = ? AND ended_at IS NULL",
			micros(r.At), r.Tenant, fold(r.DeviceID))
		if err != nil {
			return err
		}
	} else if open, err := t.openRetirement(ctx, r); err != nil {
		return err
	} else if open.ID != r.ID {
		return fmt.Errorf("%w: the device is being decommissioned under %s", ErrConflict, open.ID)
	}
	_, err := t.insertOnce(ctx, "retirements", 1, append(cells, cell{"retired_by", r.By}))
	return err
}

// RetirementStep says how a step stands. A later word replaces an earlier one; what is over stays. station.ErrNotFound.
func (l *Ledger) RetirementStep(ctx context.Context, id string, s station.StepRecord) error {
	err := need(field{"retirement", id})
	if err == nil {
		err = checkStep(s)
	}
	if err == nil {
		err = l.put(ctx, factRetireStep.of(retirementStep{id, s}))
	}
	return l.wrap(err, "step "+free(string(s.Step))+" of decommissioning", id)
}

// retirementStep is how a step of a decommissioning stands.
type retirementStep struct {
	Retirement string
	station.StepRecord
}

func checkStep(s station.StepRecord) error {
	switch {
	case !slices.Contains(station.RetirementSteps(), s.Step):
		return fmt.Errorf("%w: step %q", ErrInvalid, free(string(s.Step)))
	case !slices.Contains([]station.StepState{
		station.StepBegun, station.StepDone, station.StepGone, station.StepOff, station.StepFailed, station.StepManual,
	}, s.State):
		return fmt.Errorf("%w: state of a step %q", ErrInvalid, free(string(s.State)))
	case s.At.IsZero():
		return fmt.Errorf("%w: no time", ErrInvalid)
	default:
		return nil
	}
}

func (t *txn) retirementStep(ctx context.Context, e retirementStep) error {
	if err := checkStep(e.StepRecord); err != nil {
		return err
	}
	if known, err := t.knownRetirement(ctx, e.Retirement); err != nil || !known {
		return err
	}
	var state station.StepState
	var at int64
	found, err := t.one(ctx, "SELECT state, at FROM retirement_steps WHERE retirement = ? AND step = ?",
		[]any{e.Retirement, string(e.Step)}, &state, &at)
	switch {
	case err != nil:
		return err
	case !found:
		_, err = t.insertOnce(ctx, "retirement_steps", 2, []cell{
			{"retirement", e.Retirement},
			{"step", string(e.Step)},
			{"state", string(e.State)},
			{"code", free(string(e.Code))},
			{"detail", free(e.Detail)},
			{"at", micros(e.At)},
		})
		return err
	case state.Over(), !e.State.Over() && e.At.UnixMicro() < at: // words of two stations may come in any order
		return nil
	}
	_, err = t.exec(ctx, "UPDATE retirement_steps SET state = ?, code = ?, detail = ?, at = ? WHERE retirement = ? AND step = ?",
		string(e.State), free(string(e.Code)), free(e.Detail), micros(e.At), e.Retirement, string(e.Step))
	return err
}

// knownRetirement reports whether it is on file; that it is not is an error where every one is.
func (t *txn) knownRetirement(ctx context.Context, id string) (bool, error) {
	var n int64
	_, err := t.one(ctx, "SELECT count(*) FROM retirements WHERE retirement = ?", []any{id}, &n)
	if err == nil && n == 0 && !t.w.partial {
		err = station.ErrNotFound
	}
	return n > 0, err
}

// RetirementEnded closes a decommissioning: from then on [Ledger.Resolution] holds its hardware, until a person decides
// otherwise. The first end stays. station.ErrNotFound.
func (l *Ledger) RetirementEnded(ctx context.Context, id string, at time.Time) error {
	err := need(field{"retirement", id})
	if err == nil && at.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err == nil {
		err = l.put(ctx, factRetireEnd.of(retirementEnd{id, at}))
	}
	return l.wrap(err, "end decommissioning", id)
}

// retirementEnd is a decommissioning that is done.
type retirementEnd struct {
	Retirement string
	At         time.Time
}

func (t *txn) retirementEnded(ctx context.Context, e retirementEnd) error {
	if known, err := t.knownRetirement(ctx, e.Retirement); err != nil || !known {
		return err
	}
	_, err := t.exec(ctx, "UPDATE retirements SET ended_at = ? WHERE retirement = ? AND ended_at IS NULL", micros(e.At), e.Retirement)
	return err
}

// Retirement gives the newest decommissioning of a device id, its steps in their order. station.ErrNotFound.
func (l *Ledger) Retirement(ctx context.Context, tenant, deviceID string) (station.RetirementRow, error) {
	rows, err := query(ctx, l, scanRetirement, "SELECT "+retirementColumns+` FROM retirements WHERE tenant = ? AND device_id_fold = ?
		ORDER BY begun_at DESC, retirement DESC LIMIT 1`, tenant, fold(deviceID))
	if err == nil && len(rows) == 0 {
		err = station.ErrNotFound
	}
	if err == nil {
		rows[0].Steps, err = l.retirementSteps(ctx, rows[0].ID)
	}
	if err != nil {
		return station.RetirementRow{}, l.wrap(err, "decommissioning of device", deviceID)
	}
	return rows[0], nil
}

func (l *Ledger) retirementSteps(ctx context.Context, id string) ([]station.StepRecord, error) {
	steps, err := query(ctx, l, func(scan func(...any) error) (s station.StepRecord, err error) {
		var at sql.NullInt64
		err = scan(&s.Step, &s.State, &s.Code, &s.Detail, &at)
		s.At = fromMicros(at)
		return s, err
	}, "SELECT step, state, code, detail, at FROM retirement_steps WHERE retirement = ?", id)
	order := station.RetirementSteps()
	slices.SortFunc(steps, func(a, b station.StepRecord) int {
		return cmp.Compare(slices.Index(order, a.Step), slices.Index(order, b.Step))
	})
	return steps, err
}

// retiredHardware is the newest decommissioning of the hardware that has ended, as a decision about it. station.ErrNotFound.
func (l *Ledger) retiredHardware(ctx context.Context, tenant, hardwareSerial string) (station.Resolution, error) {
	rows, err := query(ctx, l, scanRetirement, "SELECT "+retirementColumns+` FROM retirements WHERE tenant = ? AND hardware_serial = ?
		AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1`, tenant, hardwareSerial)
	if err == nil && (len(rows) == 0 || hardwareSerial == "") {
		err = station.ErrNotFound
	}
	if err != nil {
		return station.Resolution{}, err
	}
	r := rows[0]
	return station.Resolution{
		Tenant: r.Tenant, HardwareSerial: r.HardwareSerial, Decision: station.DecisionDecommissioned, Reason: r.Reason, By: r.By,
		At: r.EndedAt,
	}, nil
}
