package ledger

import (
	"context"
	"fmt"
	"slices"

	"provstation/station"
)

// FinishRun closes the run and, for a PASS, makes it the device's current state, in one transaction. Posts of the run
// that were never answered become unknown: they stay listed as possibly issued.
//
// A PASS needs a proof on file (SaveProof) for the same hardware, key and certificate: ErrNoProof. A finished run can be
// finished again with the same facts only: ErrConflict.
func (l *Ledger) FinishRun(ctx context.Context, e station.RunFinish) error {
	_, err := finishCells(e)
	if err == nil {
		err = l.put(ctx, factFinish.of(e))
	}
	return l.wrap(err, "finish run", e.Run)
}

func (t *txn) finishRun(ctx context.Context, e station.RunFinish) error {
	end, err := finishCells(e)
	if err != nil {
		return err
	}
	state, err := t.runOf(ctx, e.Run, e.Tenant)
	if err != nil {
		return err
	}
	if e.HardwareSerial != "" {
		if err := state.about(e.HardwareSerial); err != nil {
			return err
		}
	}
	if state.outcome.Valid {
		return t.same(ctx, "runs", 1, end)
	}
	if e.Outcome == station.Pass {
		if err := t.proven(ctx, e); err != nil {
			return err
		}
	}
	if err := t.complete(ctx, e); err != nil {
		return err
	}
	t.signHead()
	return t.finish(ctx, e, end)
}

// complete checks that every phase is on file which the run has recorded. What is told of by an outbox was checked when it was told.
func (t *txn) complete(ctx context.Context, e station.RunFinish) error {
	if e.Phases == 0 || t.merging {
		return nil
	}
	var n int64
	_, err := t.one(ctx, "SELECT count(*) FROM phases WHERE run = ?", []any{e.Run}, &n)
	if err == nil && n < int64(e.Phases) {
		err = fmt.Errorf("%w: got %d, want %d", station.ErrPhaseMissing, n, e.Phases)
	}
	return err
}

// finishCells checks the record and gives the columns of runs it sets, the key first.
func finishCells(e station.RunFinish) ([]cell, error) {
	if err := need(field{"run", e.Run}, field{"tenant", e.Tenant}); err != nil {
		return nil, err
	}
	if err := may(field{"hardware serial", e.HardwareSerial}, field{"device id", e.DeviceID}); err != nil {
		return nil, err
	}
	passed := e.Outcome == station.Pass
	switch {
	case !slices.Contains(station.Outcomes(), e.Outcome):
		return nil, fmt.Errorf("%w: outcome %q", ErrInvalid, e.Outcome)
	case e.EndedAt.IsZero():
		return nil, fmt.Errorf("%w: no end time", ErrInvalid)
	case passed && (e.HardwareSerial == "" || e.DeviceID == ""):
		return nil, fmt.Errorf("%w: PASS without hardware serial or device id", ErrInvalid)
	case passed && e.Proof == station.NoProof:
		return nil, fmt.Errorf("PASS: %w", ErrNoProof)
	}
	if err := digest("spki", e.SPKI, !passed); err != nil {
		return nil, err
	}
	if err := digest("leaf", e.Leaf, !passed); err != nil {
		return nil, err
	}
	params, err := toJSON(e.Params)
	if err != nil {
		return nil, err
	}
	warnings, err := warningsJSON(e.Warnings)
	if err != nil {
		return nil, err
	}
	cells := []cell{
		{"run", e.Run},
		{"outcome", string(e.Outcome)},
		{"proof", string(e.Proof)},
		{"phase", free(string(e.Phase))},
		{"code", free(string(e.Code))},
		{"params", params},
		{"warnings", warnings},
		{"spki", blob(e.SPKI)},
		{"leaf", blob(e.Leaf)},
		{"not_after", micros(e.NotAfter)},
		{"contract", free(string(e.Contract))},
		{"wire_tx", counter(e.WireTx)},
		{"wire_rx", counter(e.WireRx)},
		{"elapsed_us", e.Elapsed.Microseconds()},
		{"ended_at", micros(e.EndedAt)},
	}
	// What the end does not know, earlier records may: it is left as it is.
	if e.HardwareSerial != "" {
		cells = append(cells, cell{"hardware_serial", e.HardwareSerial})
	}
	if e.DeviceID != "" {
		cells = append(cells, cell{"device_id", e.DeviceID}, cell{"device_id_fold", fold(e.DeviceID)})
	}
	return cells, nil
}

// proven checks that a proof for exactly this hardware, key and certificate is durable, and that the device holds the id.
func (t *txn) proven(ctx context.Context, e station.RunFinish) error {
	var n int64
	_, err := t.one(ctx, `SELECT count(*) FROM proofs
		WHERE leaf = ? AND spki = ? AND tenant = ? AND hardware_serial = ? AND device_id = ? AND proof = ?`,
		[]any{e.Leaf, e.SPKI, e.Tenant, e.HardwareSerial, e.DeviceID, string(e.Proof)}, &n)
	if err != nil {
		return err
	}
	if n == 0 {
		return fmt.Errorf("PASS: %w", ErrNoProof)
	}
	var bound string
	found, err := t.one(ctx, "SELECT coalesce(device_id, '') FROM devices WHERE tenant = ? AND hardware_serial = ?",
		[]any{e.Tenant, e.HardwareSerial}, &bound)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("device: %w", station.ErrNotFound)
	}
	if bound != e.DeviceID {
		return fmt.Errorf("%w: the hardware is bound to device id %q, not %q", ErrConflict, bound, e.DeviceID)
	}
	return nil
}

func (t *txn) finish(ctx context.Context, e station.RunFinish, end []cell) error {
	cols, vals := split(end)
	set := ""
	for i, c := range cols[1:] {
		if i > 0 {
			set += ", "
		}
		set += c + " = ?"
	}
	if _, err := t.exec(ctx, "UPDATE runs SET "+set+" WHERE run = ?", append(vals[1:], vals[0])...); err != nil {
		return err
	}
	if err := t.refold(ctx, e.Run); err != nil {
		return err
	}
	_, err := t.exec(ctx, "UPDATE posts SET state = 'unknown', ended_at = ? WHERE run = ? AND state = 'open'",
		micros(e.EndedAt), e.Run)
	if err != nil || e.HardwareSerial == "" {
		return err
	}
	if err := t.relayed(ctx, e); err != nil || t.stale {
		return err // of what the device is now, who worked on it after this run knows more
	}
	if e.Outcome == station.Pass {
		_, err = t.exec(ctx, `UPDATE devices SET spki = ?, leaf = ?, pass_run = ?, passed_at = ?
			WHERE tenant = ? AND hardware_serial = ?`,
			blob(e.SPKI), blob(e.Leaf), e.Run, micros(e.EndedAt), e.Tenant, e.HardwareSerial)
		if err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, `UPDATE devices SET last_run = ?, last_outcome = ?, updated_at = ?
		WHERE tenant = ? AND hardware_serial = ?`,
		e.Run, string(e.Outcome), micros(e.EndedAt), e.Tenant, e.HardwareSerial)
	return err
}
