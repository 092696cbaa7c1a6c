package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"provstation/station"
)

// ErrNotHeld says that the run waits for no decision, or not for this one.
var ErrNotHeld = errors.New("the run does not wait for this decision")

// hasOutcome are the runs that show a device in order with its key: what was decided before them is done with.
const hasOutcome = "outcome IN ('PASS', 'INSTALLED')"

// unresolved is the condition on runs r that they were held as UNCERTAIN and that neither a person has decided about the
// hardware since, nor was it decommissioned, nor has it passed.
const unresolved = `r.outcome = 'UNCERTAIN'
	AND NOT EXISTS (SELECT 1 FROM resolutions s WHERE s.tenant = r.tenant AND s.hardware_serial = r.hardware_serial
		AND s.decided_at >= r.started_at)
	AND NOT EXISTS (SELECT 1 FROM retirements t WHERE t.tenant = r.tenant AND t.hardware_serial = r.hardware_serial
		AND t.ended_at >= r.started_at)
	AND NOT EXISTS (SELECT 1 FROM runs n WHERE n.tenant = r.tenant AND n.hardware_serial = r.hardware_serial
		AND n.started_at > r.started_at AND n.` + hasOutcome + `)`

// Resolve records what a person decided about a run that was held as UNCERTAIN; it settles the earlier ones of the same
// hardware, too. r.HardwareSerial and r.SPKI are filled in from the run. The same decision again is nil.
//
// Errors: station.ErrNotFound (no such run), ErrNotHeld (it is not held, or the decision would change nothing, see
// [station.DecisionsFor]), ErrConflict (something else was decided about the run already, or it is another tenant's),
// ErrInvalid (no reason, nobody's name).
func (l *Ledger) Resolve(ctx context.Context, r station.Resolution) (station.Resolution, error) {
	r.Reason, r.By = strings.TrimSpace(free(r.Reason)), strings.TrimSpace(free(r.By))
	err := need(field{"run", r.Run}, field{"tenant", r.Tenant}, field{"name", r.By})
	if err == nil && r.Reason == "" {
		err = fmt.Errorf("%w: no reason", ErrInvalid)
	}
	if err == nil && r.At.IsZero() {
		r.At = l.cfg.Now().UTC()
	}
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error { return t.resolve(ctx, &r) })
	}
	if err != nil {
		return station.Resolution{}, l.wrap(err, "resolve run", r.Run)
	}
	return r, nil
}

func (t *txn) resolve(ctx context.Context, r *station.Resolution) error {
	state, err := t.runOf(ctx, r.Run, r.Tenant)
	if err != nil {
		return err
	}
	if station.Outcome(state.outcome.String) != station.Uncertain || state.hardware.String == "" {
		return fmt.Errorf("%w: it ended %s", ErrNotHeld, orDash(state.outcome.String))
	}
	r.HardwareSerial = state.hardware.String
	var code, params, seen string
	var started int64
	if _, err := t.one(ctx, `SELECT code, params, started_at, coalesce((SELECT o.state FROM observations o WHERE o.run = r.run
		ORDER BY o.n DESC LIMIT 1), '') FROM runs r WHERE run = ?`, []any{r.Run}, &code, &params, &started, &seen); err != nil {
		return err
	}
	r.SPKI = nil
	held, err := heldKey(params)
	if err != nil {
		return err
	}
	if !slices.Contains(station.DecisionsFor(station.Code(code), station.DeviceState(seen), held != nil), r.Decision) {
		return fmt.Errorf("%w: %s after %s", ErrNotHeld, free(string(r.Decision)), free(code))
	}
	if r.Decision == station.DecisionKeep {
		r.SPKI = held
	}
	cells := []cell{
		{"run", r.Run},
		{"tenant", r.Tenant},
		{"hardware_serial", r.HardwareSerial},
		{"decision", string(r.Decision)},
		{"spki", blob(r.SPKI)},
		{"reason", r.Reason},
		{"decided_by", r.By},
	}
	if err := t.same(ctx, "resolutions", 1, cells); !isNotFound(err) {
		return err
	}
	if r.Decision != station.DecisionIgnore {
		var passed int64
		if _, err := t.one(ctx, `SELECT count(*) FROM runs WHERE tenant = ? AND hardware_serial = ? AND started_at > ? AND `+hasOutcome,
			[]any{r.Tenant, r.HardwareSerial, started}, &passed); err != nil {
			return err
		}
		if passed > 0 {
			return fmt.Errorf("%w: the device has passed since", ErrNotHeld)
		}
	}
	_, err = t.insertOnce(ctx, "resolutions", 1, append(cells, cell{"decided_at", micros(r.At)}))
	return err
}

func orDash(outcome string) string {
	if outcome == "" {
		return "not yet"
	}
	return outcome
}

// heldKey is the key that the device held, as the run's end tells it; nil where it does not.
func heldKey(params string) ([]byte, error) {
	facts, err := fromJSON(params)
	if err != nil {
		return nil, err
	}
	if key, err := hex.DecodeString(facts["have"]); err == nil && len(key) == 32 {
		return key, nil
	}
	return nil, nil
}

const resolutionColumns = "run, tenant, hardware_serial, decision, spki, reason, decided_by, decided_at"

func scanResolution(scan func(...any) error) (station.Resolution, error) {
	var r station.Resolution
	var at sql.NullInt64
	err := scan(&r.Run, &r.Tenant, &r.HardwareSerial, &r.Decision, &r.SPKI, &r.Reason, &r.By, &at)
	r.At = fromMicros(at)
	return r, err
}

// Resolution finds the decision that holds for the hardware; see [station.Resolutions]. A decommissioning that has ended is
// one, about no run: what a person decides after it takes the device back.
func (l *Ledger) Resolution(ctx context.Context, tenant, hardwareSerial string) (station.Resolution, error) {
	type found struct {
		station.Resolution
		passed int64
	}
	rows, err := query(ctx, l, func(scan func(...any) error) (f found, err error) {
		f.Resolution, err = scanResolution(func(dest ...any) error { return scan(append(dest, &f.passed)...) })
		return f, err
	}, "SELECT "+resolutionColumns+`, (SELECT count(*) FROM runs n WHERE n.tenant = s.tenant
			AND n.hardware_serial = s.hardware_serial AND n.started_at >= s.decided_at AND n.`+hasOutcome+`)
		FROM resolutions s WHERE tenant = ? AND hardware_serial = ? AND decision <> 'ignore'
		ORDER BY decided_at DESC, run DESC LIMIT 1`, tenant, hardwareSerial)
	if err == nil {
		r, rerr := l.retiredHardware(ctx, tenant, hardwareSerial)
		if rerr == nil && (len(rows) == 0 || !rows[0].At.After(r.At)) {
			return r, nil
		}
		if !isNotFound(rerr) {
			err = rerr
		}
	}
	if err == nil && (len(rows) == 0 || rows[0].Decision != station.DecisionDecommissioned && rows[0].passed > 0) {
		err = station.ErrNotFound
	}
	if err != nil {
		return station.Resolution{}, l.wrap(err, "find decision about hardware", hardwareSerial)
	}
	return rows[0].Resolution, nil
}

// ResolutionsOf lists every decision about the hardware, newest first, at most PageMax.
func (l *Ledger) ResolutionsOf(ctx context.Context, tenant, hardwareSerial string) ([]station.Resolution, error) {
	rows, err := query(ctx, l, scanResolution, "SELECT "+resolutionColumns+` FROM resolutions
		WHERE tenant = ? AND hardware_serial = ? ORDER BY decided_at DESC, run DESC LIMIT ?`, tenant, hardwareSerial, PageMax)
	return rows, l.wrap(err, "list decisions about hardware", hardwareSerial)
}

// Held is how it stands with a run that was held as UNCERTAIN.
type Held struct {
	Resolution *station.Resolution // that was made about this run; nil: none
	Open       bool                // nothing has settled it: neither a decision about the hardware nor a PASS
	Choices    []station.Decision  // what can be decided; nil where Open is false
}

// Held says how it stands with a run that was held; the zero Held for any other run. station.ErrNotFound.
func (l *Ledger) Held(ctx context.Context, run string) (Held, error) {
	h, err := l.held(ctx, run)
	if err != nil {
		return Held{}, l.wrap(err, "look at held run", run)
	}
	return h, nil
}

func (l *Ledger) held(ctx context.Context, run string) (h Held, err error) {
	var code, params, state, serial string
	var open int64
	err = l.read.QueryRowContext(ctx, `SELECT r.code, r.params, coalesce(r.hardware_serial, ''), coalesce((SELECT o.state FROM observations o
		WHERE o.run = r.run ORDER BY o.n DESC LIMIT 1), ''), CASE WHEN `+unresolved+` THEN 1 ELSE 0 END FROM runs r WHERE r.run = ?`,
		run).Scan(&code, &params, &serial, &state, &open)
	if errors.Is(err, sql.ErrNoRows) {
		return h, station.ErrNotFound
	}
	if err != nil {
		return h, l.readErr(err)
	}
	rows, err := query(ctx, l, scanResolution, "SELECT "+resolutionColumns+" FROM resolutions WHERE run = ?", run)
	if err != nil {
		return h, err
	}
	if len(rows) > 0 {
		h.Resolution = &rows[0]
	}
	if h.Open = open == 1 && serial != ""; h.Open {
		key, err := heldKey(params)
		if err != nil {
			return h, err
		}
		h.Choices = station.DecisionsFor(station.Code(code), station.DeviceState(state), key != nil)
	}
	return h, nil
}
