package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"provstation/station"
)

// BeginRun opens a row for one attempt, and in the same transaction the row of its override if it has one.
func (l *Ledger) BeginRun(ctx context.Context, r station.RunStart) error {
	err := checkStart(r)
	if err == nil {
		err = l.put(ctx, factBegin.of(r))
	}
	return l.wrap(err, "begin run", r.Run)
}

func checkStart(r station.RunStart) error {
	err := need(field{"run", r.Run}, field{"tenant", r.Tenant})
	if err == nil && r.StartedAt.IsZero() {
		err = fmt.Errorf("%w: no start time", ErrInvalid)
	}
	if err == nil {
		err = checkOverride(r.Override)
	}
	return err
}

func (t *txn) beginRun(ctx context.Context, r station.RunStart) error {
	inserted, err := t.insertOnce(ctx, "runs", 1, []cell{
		{"run", r.Run},
		{"tenant", r.Tenant},
		{"site", free(r.Site)},
		{"station", free(r.Station)},
		{"station_id", free(r.StationID)},
		{"operator", free(r.Operator)},
		{"batch", free(r.Batch)},
		{"profile", free(r.Profile)},
		{"slot", free(r.Slot)},
		{"port", free(r.Port)},
		{"version", free(r.Version)},
		{"config_digest", free(r.ConfigDigest)},
		{"started_at", micros(r.StartedAt)},
		{"utc_offset", int64(r.UTCOffset)},
		{"requested_device_id", free(r.RequestedID)},
		{"requested_key_type", free(r.RequestedKey)},
		{"requested_reenroll", flag(r.Reenroll)},
		{"task", free(string(r.Task))},
	})
	if err == nil && inserted {
		err = t.refold(ctx, r.Run)
	}
	if err != nil {
		return err
	}
	return t.override(ctx, r, inserted)
}

// checkOverride refuses what cannot be an override: two people decide, and one of them says why.
func checkOverride(o *station.Override) error {
	if o == nil {
		return nil
	}
	if err := need(field{"code", string(o.Code)}, field{"lead", o.Lead}); err != nil {
		return fmt.Errorf("override: %w", err)
	}
	if err := may(field{"held run", o.Run}, field{"operator", o.Operator}); err != nil {
		return fmt.Errorf("override: %w", err)
	}
	switch {
	case strings.TrimSpace(o.Reason) == "":
		return fmt.Errorf("override: %w: no reason", ErrInvalid)
	case strings.EqualFold(o.Lead, o.Operator):
		return fmt.Errorf("override: %w: the lead is the operator", ErrInvalid)
	}
	return nil
}

// override records the override of a run that was begun just now. One that was begun before has the same one, or none.
func (t *txn) override(ctx context.Context, r station.RunStart, begun bool) error {
	if r.Override == nil {
		var n int64
		_, err := t.one(ctx, "SELECT count(*) FROM overrides WHERE run = ?", []any{r.Run}, &n)
		if err == nil && n > 0 {
			err = fmt.Errorf("%w: the run has an override", ErrConflict)
		}
		return err
	}
	cells := []cell{
		{"run", r.Run},
		{"held_run", r.Override.Run},
		{"code", string(r.Override.Code)},
		{"reason", free(r.Override.Reason)},
		{"operator", r.Override.Operator},
		{"lead", r.Override.Lead},
		{"at", micros(r.StartedAt)},
	}
	if begun {
		_, err := t.insertOnce(ctx, "overrides", 1, cells)
		return err
	}
	err := t.same(ctx, "overrides", 1, cells)
	if isNotFound(err) {
		err = fmt.Errorf("%w: the run has no override", ErrConflict)
	}
	return err
}

// runState is what later records are held against.
type runState struct {
	tenant   string
	hardware sql.NullString
	attempt  sql.NullInt64
	outcome  sql.NullString
}

// runOf finds the run and checks that it is the tenant's. ErrNotFound, ErrConflict.
func (t *txn) runOf(ctx context.Context, run, tenant string) (runState, error) {
	var s runState
	found, err := t.one(ctx, "SELECT tenant, hardware_serial, attempt, outcome FROM runs WHERE run = ?", []any{run},
		&s.tenant, &s.hardware, &s.attempt, &s.outcome)
	switch {
	case err != nil:
		return s, err
	case !found:
		return s, fmt.Errorf("run: %w", station.ErrNotFound)
	case tenant != "" && s.tenant != tenant:
		return s, fmt.Errorf("%w: the run belongs to another tenant", ErrConflict)
	}
	return s, nil
}

// about checks that the run is about this hardware, as far as it is known.
func (s runState) about(hardwareSerial string) error {
	if s.hardware.Valid && s.hardware.String != hardwareSerial {
		return fmt.Errorf("%w: the run is about hardware serial %q, not %q", ErrConflict, s.hardware.String, hardwareSerial)
	}
	return nil
}

// IdentifyRun says which hardware the run is about and returns the attempt's number for it. A repeated call returns the
// same number and keeps what is new in the observation (a device that resets has another boot id); another hardware
// serial is ErrConflict.
func (l *Ledger) IdentifyRun(ctx context.Context, run string, o station.Observed) (int, error) {
	err := checkObserved(run, o)
	if err == nil {
		err = l.put(ctx, factIdentify.of(identified{run, o}))
	}
	if err != nil {
		return 0, l.wrap(err, "identify run", run)
	}
	return l.Attempt(ctx, run)
}

func checkObserved(run string, o station.Observed) error {
	return need(field{"run", run}, field{"tenant", o.Tenant}, field{"hardware serial", o.HardwareSerial})
}

// Attempt is which attempt for its hardware the run is. station.ErrNotFound: that is not known.
func (l *Ledger) Attempt(ctx context.Context, run string) (int, error) {
	var attempt int64
	err := l.read.QueryRowContext(ctx, "SELECT attempt FROM runs WHERE run = ? AND attempt IS NOT NULL", run).Scan(&attempt)
	if errors.Is(err, sql.ErrNoRows) {
		err = station.ErrNotFound
	}
	return int(attempt), l.wrap(l.readErr(err), "attempt of run", run)
}

// identified is what a device said of itself in a run.
type identified struct {
	Run string
	station.Observed
}

func (t *txn) identify(ctx context.Context, i identified) error {
	state, err := t.runOf(ctx, i.Run, i.Tenant)
	if err != nil {
		return err
	}
	if err := state.about(i.HardwareSerial); err != nil {
		return err
	}
	if !state.attempt.Valid {
		if _, err := t.newAttempt(ctx, i.Run, i.Observed, micros(t.at)); err != nil {
			return err
		}
	}
	return t.observe(ctx, i.Run, i.Observed, micros(t.at))
}

func (t *txn) newAttempt(ctx context.Context, run string, o station.Observed, now any) (int64, error) {
	_, err := t.exec(ctx, `INSERT INTO devices (tenant, hardware_serial, model, firmware, attempts, first_seen, updated_at)
		VALUES (?, ?, ?, ?, 1, ?, ?)
		ON CONFLICT (tenant, hardware_serial) DO UPDATE SET
			model = excluded.model, firmware = excluded.firmware, attempts = devices.attempts + 1,
			updated_at = excluded.updated_at`,
		o.Tenant, o.HardwareSerial, free(o.Model), free(o.Firmware), now, now)
	if err != nil {
		return 0, err
	}
	var attempt int64
	_, err = t.one(ctx, "SELECT attempts FROM devices WHERE tenant = ? AND hardware_serial = ?",
		[]any{o.Tenant, o.HardwareSerial}, &attempt)
	if err != nil {
		return 0, err
	}
	_, err = t.exec(ctx, "UPDATE runs SET hardware_serial = ?, attempt = ? WHERE run = ?", o.HardwareSerial, attempt, run)
	if err == nil {
		err = t.refold(ctx, run)
	}
	return attempt, err
}

// observe keeps the observation unless the newest one says the same.
func (t *txn) observe(ctx context.Context, run string, o station.Observed, now any) error {
	var offset any
	if o.HasClock {
		offset = o.ClockOffset.Microseconds()
	}
	cells := []cell{
		{"run", run},
		{"n", int64(0)},
		{"hardware_serial", o.HardwareSerial},
		{"model", free(o.Model)},
		{"firmware", free(o.Firmware)},
		{"boot_id", free(o.BootID)},
		{"state", free(string(o.State))},
		{"clock_offset_us", offset},
	}
	n, err := t.lastN(ctx, "observations", run)
	if err != nil {
		return err
	}
	if n > 0 {
		cells[1].val = n
		if err := t.same(ctx, "observations", 2, cells); err == nil || !isConflict(err) {
			return err
		}
	}
	cells[1].val = n + 1
	_, err = t.insertOnce(ctx, "observations", 2, append(cells, cell{"observed_at", now}))
	return err
}

// lastN is the highest n of the run's rows, 0 if there are none.
func (t *txn) lastN(ctx context.Context, table, run string) (int64, error) {
	var n int64
	_, err := t.one(ctx, "SELECT coalesce(max(n), 0) FROM "+table+" WHERE run = ?", []any{run}, &n)
	return n, err
}

// RecordPhase appends one phase's end, and what came of its intents with it. A phase of a run is told apart by the time it started.
func (l *Ledger) RecordPhase(ctx context.Context, p station.PhaseEnd) error {
	err := checkPhase(p)
	if err == nil {
		err = l.put(ctx, factPhase.of(p))
	}
	return l.phaseError(err, p)
}

func checkPhase(p station.PhaseEnd) error {
	err := need(field{"run", p.Run}, field{"phase", string(p.Phase)})
	if err == nil && (p.StartedAt.IsZero() || p.EndedAt.IsZero()) {
		err = fmt.Errorf("%w: phase without times", ErrInvalid)
	}
	return err
}

func (l *Ledger) phaseError(err error, p station.PhaseEnd) error {
	return l.wrap(err, "record phase "+free(string(p.Phase))+" of run", p.Run)
}

func (t *txn) recordPhase(ctx context.Context, p station.PhaseEnd) error {
	facts, err := toJSON(p.Facts)
	if err != nil {
		return err
	}
	n, err := t.lastN(ctx, "phases", p.Run)
	if err == nil && n == 0 { // the first: is there such a run?
		_, err = t.runOf(ctx, p.Run, "")
	}
	if err != nil {
		return err
	}
	cells := []cell{
		{"run", p.Run},
		{"phase", string(p.Phase)},
		{"started_at", micros(p.StartedAt)},
		{"status", string(p.Status)},
		{"ended_at", micros(p.EndedAt)},
		{"tries", int64(p.Tries)},
		{"code", free(string(p.Code))},
		{"facts", facts},
	}
	if err := t.doneAll(ctx, p.Results, p.EndedAt); err != nil {
		return err
	}
	_, err = t.insertOnce(ctx, "phases", 3, append(cells, cell{"n", n + 1}))
	if isConflict(err) { // on file already, under its number
		err = t.same(ctx, "phases", 3, cells)
	}
	return err
}

// counter is an unsigned count as stored.
func counter(n uint64) int64 {
	return int64(min(n, math.MaxInt64)) //nolint:gosec // bounded
}
