package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"provstation/station"
)

// Intend writes down what is about to be done to a device, before it is done. The same intent again is nil.
func (l *Ledger) Intend(ctx context.Context, in station.Intent) error {
	err := checkIntent(in)
	if err == nil {
		err = l.put(ctx, factIntend.of(in))
	}
	return l.intendError(err, in)
}

func (l *Ledger) intendError(err error, in station.Intent) error {
	return l.wrap(err, "intend "+free(string(in.Kind))+" of hardware", in.HardwareSerial)
}

func checkIntent(in station.Intent) error {
	err := need(field{"intent", in.ID}, field{"run", in.Run}, field{"tenant", in.Tenant}, field{"hardware serial", in.HardwareSerial})
	if err == nil {
		err = errors.Join(may(field{"device id", in.DeviceID}), digest("spki", in.SPKI, true), digest("leaf", in.Leaf, true))
	}
	if err == nil && !slices.Contains(station.IntentKinds(), in.Kind) {
		err = fmt.Errorf("%w: kind of intent %q", ErrInvalid, in.Kind)
	}
	if err == nil && in.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	return err
}

func (t *txn) intend(ctx context.Context, in station.Intent) error {
	state, err := t.runOf(ctx, in.Run, in.Tenant)
	if err != nil {
		return err
	}
	if err := state.about(in.HardwareSerial); err != nil {
		return err
	}
	_, err = t.insertOnce(ctx, "intents", 1, []cell{
		{"intent", in.ID},
		{"run", in.Run},
		{"tenant", in.Tenant},
		{"hardware_serial", in.HardwareSerial},
		{"kind", string(in.Kind)},
		{"device_id", in.DeviceID},
		{"enroll_id", enrollID(in.EnrollID)},
		{"spki", blob(in.SPKI)},
		{"leaf", blob(in.Leaf)},
		{"begun_at", micros(in.At)},
	})
	return err
}

// Done writes down what came of an intent. The first result stays: another one is ErrConflict.
func (l *Ledger) Done(ctx context.Context, id string, result station.IntentResult) error {
	err := need(field{"intent", id}, field{"result", string(result)})
	if err == nil {
		err = l.put(ctx, factDone.of(intentEnd{id, result}))
	}
	return l.wrap(err, "end intent", id)
}

// intentEnd is what came of an intent.
type intentEnd struct {
	Intent string
	Result station.IntentResult
}

func (t *txn) done(ctx context.Context, id string, result station.IntentResult, at time.Time) error {
	text := free(string(result))
	n, err := t.exec(ctx, "UPDATE intents SET result = ?, ended_at = ? WHERE intent = ? AND result IS NULL", text, micros(at), id)
	if err != nil || n == 1 {
		return err
	}
	err = t.same(ctx, "intents", 1, []cell{{"intent", id}, {"result", text}})
	if isNotFound(err) && t.w.partial { // another station's
		return nil
	}
	return err
}

// doneAll ends the intents of a phase, in the order of their ids.
func (t *txn) doneAll(ctx context.Context, results map[string]station.IntentResult, at time.Time) error {
	ids := make([]string, 0, len(results))
	for id := range results {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := t.done(ctx, id, results[id], at); err != nil {
			return fmt.Errorf("intent %s: %w", free(id), err)
		}
	}
	return nil
}

const intentColumns = "intent, run, tenant, hardware_serial, kind, device_id, enroll_id, spki, leaf, begun_at"

// IntentRow is one intent and what came of it.
type IntentRow struct {
	station.Intent
	Result  station.IntentResult // empty: nobody knows
	EndedAt time.Time
}

// OpenIntents lists what was begun with the hardware and never heard of again, oldest first.
func (l *Ledger) OpenIntents(ctx context.Context, tenant, hardwareSerial string) ([]station.Intent, error) {
	rows, err := l.intents(ctx, "tenant = ? AND hardware_serial = ? AND result IS NULL", tenant, hardwareSerial)
	if err != nil {
		return nil, l.wrap(err, "open intents of hardware", hardwareSerial)
	}
	var open []station.Intent
	for _, r := range rows {
		open = append(open, r.Intent)
	}
	return open, nil
}

// IntentsOf lists what a run was about to do, oldest first.
func (l *Ledger) IntentsOf(ctx context.Context, run string) ([]IntentRow, error) {
	rows, err := l.intents(ctx, "run = ?", run)
	return rows, l.wrap(err, "intents of run", run)
}

func (l *Ledger) intents(ctx context.Context, cond string, args ...any) ([]IntentRow, error) {
	return query(ctx, l, scanIntent, "SELECT "+intentColumns+", coalesce(result, ''), ended_at FROM intents WHERE "+cond+
		" ORDER BY begun_at, intent", args...)
}

func scanIntent(scan func(...any) error) (IntentRow, error) {
	var r IntentRow
	var enroll []byte
	var begun, ended sql.NullInt64
	err := scan(&r.ID, &r.Run, &r.Tenant, &r.HardwareSerial, &r.Kind, &r.DeviceID, &enroll, &r.SPKI, &r.Leaf, &begun, &r.Result, &ended)
	copy(r.EnrollID[:], enroll)
	r.At, r.EndedAt = fromMicros(begun), fromMicros(ended)
	return r, err
}

// RefuseCertificate notes that a certificate on file is not to be used again. The first note stays.
func (l *Ledger) RefuseCertificate(ctx context.Context, r station.Refusal) error {
	err := need(field{"run", r.Run}, field{"code", string(r.Code)})
	if err == nil {
		err = digest("fingerprint", r.Fingerprint, false)
	}
	if err == nil && r.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err == nil {
		err = l.put(ctx, factRefuse.of(r))
	}
	return l.wrap(err, "refuse certificate", fmt.Sprintf("%x", r.Fingerprint))
}

func (t *txn) refuseCertificate(ctx context.Context, r station.Refusal) error {
	var n int64
	if _, err := t.one(ctx, "SELECT count(*) FROM certificates WHERE fingerprint = ?", []any{r.Fingerprint}, &n); err != nil {
		return err
	}
	switch {
	case n == 0 && t.w.partial: // another station's
		return nil
	case n == 0:
		return station.ErrNotFound
	}
	_, err := t.exec(ctx, `INSERT INTO refused_certificates (fingerprint, run, code, refused_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (fingerprint) DO NOTHING`, r.Fingerprint, r.Run, string(r.Code), micros(r.At))
	return err
}

// markRefused fills in Refused.
func (l *Ledger) markRefused(ctx context.Context, certs []station.CertRecord) error {
	for i := range certs {
		codes, err := query(ctx, l, func(scan func(...any) error) (c station.Code, err error) { return c, scan(&c) },
			"SELECT code FROM refused_certificates WHERE fingerprint = ?", certs[i].Fingerprint)
		if err != nil {
			return err
		}
		if len(codes) > 0 {
			certs[i].Refused = codes[0]
		}
	}
	return nil
}

// EndInterrupted ends the runs that an earlier process of the station left open, as ABORTED with E-INTERRUPTED, and says
// how many there were. While another process of the same station works on the ledger it does nothing: an open run may be
// that one's. From the call to Close this process counts as such a one.
//
// Of a ledger in memory, and of a server's without Config.LockDir, nothing is known of other processes: nothing is ended.
func (l *Ledger) EndInterrupted(ctx context.Context, stationID string, at time.Time) (ended int, err error) {
	if err := need(field{"station id", stationID}); err != nil {
		return 0, l.wrap(err, "end interrupted runs of station", stationID)
	}
	err = l.alone(stationID, func() error {
		return l.write.do(ctx, func(ctx context.Context, t *txn) error {
			for ended = 0; ; ended++ {
				more, err := t.endInterrupted(ctx, l, stationID, at)
				if err != nil {
					return err
				}
				if !more {
					return t.queue(ctx, l, factLeave.of(stationLeft{stationID}), at)
				}
			}
		})
	})
	if err != nil {
		return 0, l.wrap(err, "end interrupted runs of station", stationID)
	}
	l.tellQueued()
	return ended, nil
}

// endInterrupted ends the oldest open run of the station in the phase after the last one on record.
func (t *txn) endInterrupted(ctx context.Context, l *Ledger, stationID string, at time.Time) (more bool, err error) {
	e := station.RunFinish{Outcome: station.Aborted, Code: station.CodeInterrupted, EndedAt: at}
	more, err = t.one(ctx, `SELECT run, tenant, coalesce(hardware_serial, ''), coalesce(device_id, '') FROM runs
		WHERE station_id = ? AND outcome IS NULL ORDER BY started_at, run LIMIT 1`, []any{stationID},
		&e.Run, &e.Tenant, &e.HardwareSerial, &e.DeviceID)
	if err != nil || !more {
		return false, err
	}
	var last string
	_, err = t.one(ctx, "SELECT phase FROM phases WHERE run = ? ORDER BY n DESC LIMIT 1", []any{e.Run}, &last)
	if err != nil {
		return false, err
	}
	e.Phase = station.Phase(last).Next()
	e.Params = map[string]string{"phase": string(e.Phase)}
	end, err := finishCells(e)
	if err != nil {
		return false, err
	}
	if err := t.finish(ctx, e, end); err != nil {
		return false, err
	}
	return true, t.queue(ctx, l, factFinish.of(e), at)
}
