package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"provstation/station"
)

// Bounds of a batch.
const (
	maxBatchName = 64
	// BatchMax bounds the devices of one batch.
	BatchMax = 100_000
)

var _ station.Batches = (*Ledger)(nil)

// OpenBatch records a new batch with its devices, or opens a closed one of the same name, digest and tenant again, at the
// station that asks; the list on file counts then, and OpenedBy and OpenedAt become this opening's. A batch that is not
// closed at this station is given back as it stands: a pause or a hold is not lifted by this. All of it is one
// transaction. What comes back has Done filled in, devices in the order of their lines.
//
// Errors: station.ErrConflict (the name is on file with another list), station.ErrBatchOpen (another batch is open at
// this station, or this one at another), ErrInvalid (no devices or more than BatchMax, two of the same, a name that
// cannot be printed).
func (l *Ledger) OpenBatch(ctx context.Context, b station.BatchRecord) (station.BatchRecord, error) {
	err := checkBatch(b)
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error { return t.openBatch(ctx, b) })
	}
	if err == nil {
		b, err = l.batch(ctx, "tenant = ? AND batch = ?", b.Tenant, b.Batch)
	}
	if err != nil {
		return station.BatchRecord{}, l.wrap(err, "open batch", b.Batch)
	}
	return b, nil
}

func checkBatch(b station.BatchRecord) error {
	if err := need(field{"tenant", b.Tenant}, field{"batch", b.Batch}, field{"station", b.Station}); err != nil {
		return err
	}
	switch {
	case len(b.Batch) > maxBatchName || strings.ContainsFunc(b.Batch, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%w: batch name is longer than %d bytes or not printable", ErrInvalid, maxBatchName)
	case free(b.Batch) != b.Batch: // runs would carry another name
		return fmt.Errorf("batch name: %w", ErrSecret)
	case b.OpenedAt.IsZero():
		return fmt.Errorf("%w: no opening time", ErrInvalid)
	case len(b.Devices) == 0 || len(b.Devices) > BatchMax:
		return fmt.Errorf("%w: %d devices, want 1 to %d", ErrInvalid, len(b.Devices), BatchMax)
	}
	if err := digest("list", b.Digest, false); err != nil {
		return err
	}
	return checkBatchDevices(b.Devices)
}

// checkBatchDevices finds what is there twice before the database does: its error would be one of names, not of lines.
func checkBatchDevices(devices []station.BatchDevice) error {
	type key struct{ what, value string }
	seen := make(map[key]int, 2*len(devices))
	for _, d := range devices {
		if err := may(field{"hardware serial", d.HardwareSerial}, field{"device id", d.DeviceID},
			field{"label", d.Label}); err != nil {
			return fmt.Errorf("line %d: %w", d.Line, err)
		}
		if d.Line < 1 || d.HardwareSerial == "" && d.DeviceID == "" && d.Label == "" {
			return fmt.Errorf("%w: line %d names no device", ErrInvalid, d.Line)
		}
		for _, k := range []key{
			{"line", strconv.Itoa(d.Line)},
			{"hardware serial", d.HardwareSerial},
			{"device id", fold(d.DeviceID)},
			{"label", fold(d.Label)},
		} {
			if k.value == "" {
				continue
			}
			if first, ok := seen[k]; ok {
				return fmt.Errorf("%w: lines %d and %d have the same %s", ErrInvalid, first, d.Line, k.what)
			}
			seen[k] = d.Line
		}
	}
	return nil
}

func (t *txn) openBatch(ctx context.Context, b station.BatchRecord) error {
	var where, state string
	var have []byte
	found, err := t.one(ctx, "SELECT station, state, digest FROM batches WHERE tenant = ? AND batch = ?",
		[]any{b.Tenant, b.Batch}, &where, &state, &have)
	switch {
	case err != nil:
		return err
	case found && !equal(have, b.Digest):
		return fmt.Errorf("%w: the batch is on file with another list", ErrConflict)
	case found && state != string(station.BatchClosed) && where == b.Station:
		return nil
	case found && state != string(station.BatchClosed):
		return fmt.Errorf("%w: at station %q", station.ErrBatchOpen, where)
	}
	var other string
	taken, err := t.one(ctx, "SELECT batch FROM batches WHERE tenant = ? AND station = ? AND state <> 'closed'",
		[]any{b.Tenant, b.Station}, &other)
	if err != nil {
		return err
	}
	if taken {
		return fmt.Errorf("%w: %q", station.ErrBatchOpen, other)
	}
	if found {
		_, err = t.exec(ctx, `UPDATE batches SET station = ?, state = 'open', code = '', reason = '', opened_by = ?,
			opened_at = ?, closed_at = NULL WHERE tenant = ? AND batch = ?`,
			b.Station, free(b.OpenedBy), micros(b.OpenedAt), b.Tenant, b.Batch)
	} else {
		err = t.newBatch(ctx, b)
	}
	if err != nil {
		return err
	}
	return t.batchState(ctx, BatchChange{
		Tenant: b.Tenant, Batch: b.Batch, State: station.BatchOpen, By: b.OpenedBy, At: b.OpenedAt,
	})
}

func (t *txn) newBatch(ctx context.Context, b station.BatchRecord) error {
	_, err := t.exec(ctx, `INSERT INTO batches (tenant, batch, station, state, code, reason, digest, opened_by, opened_at)
		VALUES (?, ?, ?, 'open', '', '', ?, ?, ?)`,
		b.Tenant, b.Batch, b.Station, b.Digest, free(b.OpenedBy), micros(b.OpenedAt))
	if err != nil {
		return err
	}
	for _, d := range b.Devices {
		_, err := t.exec(ctx, `INSERT INTO batch_devices (tenant, batch, line, hardware_serial, device_id, device_id_fold,
			label, label_fold) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			b.Tenant, b.Batch, d.Line, d.HardwareSerial, d.DeviceID, fold(d.DeviceID), d.Label, fold(d.Label))
		if err != nil {
			return fmt.Errorf("line %d: %w", d.Line, err)
		}
	}
	return nil
}

// BatchChange is one change of a batch's state.
type BatchChange = station.BatchStep

func (t *txn) batchState(ctx context.Context, c BatchChange) error {
	var n int64
	_, err := t.one(ctx, "SELECT coalesce(max(n), 0) FROM batch_states WHERE tenant = ? AND batch = ?",
		[]any{c.Tenant, c.Batch}, &n)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO batch_states (tenant, batch, n, state, code, reason, by, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		c.Tenant, c.Batch, n+1, string(c.State), free(string(c.Code)), free(c.Reason), free(c.By), micros(c.At))
	return err
}

// ChangeBatch changes the state of a batch and keeps the change in its history. The same state, code and reason again
// changes nothing. station.ErrNotFound; ErrConflict for a closed batch: only OpenBatch opens it again.
func (l *Ledger) ChangeBatch(ctx context.Context, c BatchChange) error {
	err := need(field{"tenant", c.Tenant}, field{"batch", c.Batch})
	if err == nil && c.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err == nil {
		switch c.State {
		case station.BatchOpen, station.BatchPaused, station.BatchHeld, station.BatchClosed:
		default:
			err = fmt.Errorf("%w: batch state %q", ErrInvalid, c.State)
		}
	}
	if err == nil {
		err = l.put(ctx, factBatch.of(c))
	}
	return l.wrap(err, "change batch", c.Batch)
}

func (t *txn) changeBatch(ctx context.Context, c BatchChange) error {
	var state, code, reason string
	found, err := t.one(ctx, "SELECT state, code, reason FROM batches WHERE tenant = ? AND batch = ?",
		[]any{c.Tenant, c.Batch}, &state, &code, &reason)
	switch {
	case err != nil:
		return err
	case !found:
		return station.ErrNotFound
	case state == string(c.State) && code == free(string(c.Code)) && reason == free(c.Reason):
		return nil
	case state == string(station.BatchClosed):
		return fmt.Errorf("%w: the batch is closed", ErrConflict)
	}
	var closed any
	if c.State == station.BatchClosed {
		closed = micros(c.At)
	}
	_, err = t.exec(ctx, "UPDATE batches SET state = ?, code = ?, reason = ?, closed_at = ? WHERE tenant = ? AND batch = ?",
		string(c.State), free(string(c.Code)), free(c.Reason), closed, c.Tenant, c.Batch)
	if err != nil {
		return err
	}
	return t.batchState(ctx, c)
}

// CurrentBatch is the batch of the station that is not closed, with Done filled in from the runs. station.ErrNotFound.
func (l *Ledger) CurrentBatch(ctx context.Context, tenant, stationName string) (station.BatchRecord, error) {
	b, err := l.batch(ctx, "tenant = ? AND station = ? AND state <> 'closed'", tenant, stationName)
	return b, l.wrap(err, "current batch of station", stationName)
}

// Batch is the batch of that name, open or closed, with Done filled in from the runs. station.ErrNotFound.
func (l *Ledger) Batch(ctx context.Context, tenant, name string) (station.BatchRecord, error) {
	b, err := l.batch(ctx, "tenant = ? AND batch = ?", tenant, name)
	return b, l.wrap(err, "batch", name)
}

// BatchList lists the batches of a tenant without their devices, last opened first, at most PageMax.
func (l *Ledger) BatchList(ctx context.Context, tenant string) ([]station.BatchRecord, error) {
	rows, err := query(ctx, l, scanBatch, "SELECT "+batchColumns+` FROM batches WHERE tenant = ?
		ORDER BY opened_at DESC, batch DESC LIMIT ?`, tenant, PageMax)
	return rows, l.wrap(err, "list batches of tenant", tenant)
}

// BatchChanges is the history of a batch's state, oldest first, at most PageMax.
func (l *Ledger) BatchChanges(ctx context.Context, tenant, name string) ([]BatchChange, error) {
	rows, err := query(ctx, l, func(scan func(...any) error) (BatchChange, error) {
		c := BatchChange{Tenant: tenant, Batch: name}
		var at sql.NullInt64
		err := scan(&c.State, &c.Code, &c.Reason, &c.By, &at)
		c.At = fromMicros(at)
		return c, err
	}, "SELECT state, code, reason, by, at FROM batch_states WHERE tenant = ? AND batch = ? ORDER BY n LIMIT ?",
		tenant, name, PageMax)
	return rows, l.wrap(err, "history of batch", name)
}

const batchColumns = "tenant, batch, station, state, code, reason, digest, opened_by, opened_at, closed_at"

func scanBatch(scan func(...any) error) (station.BatchRecord, error) {
	var b station.BatchRecord
	var opened, closed sql.NullInt64
	err := scan(&b.Tenant, &b.Batch, &b.Station, &b.State, &b.Code, &b.Reason, &b.Digest, &b.OpenedBy, &opened, &closed)
	b.OpenedAt, b.ClosedAt = fromMicros(opened), fromMicros(closed)
	return b, err
}

func (l *Ledger) batch(ctx context.Context, cond string, args ...any) (b station.BatchRecord, err error) {
	rows, err := query(ctx, l, scanBatch, "SELECT "+batchColumns+" FROM batches WHERE "+cond, args...)
	if err != nil {
		return b, err
	}
	if len(rows) == 0 {
		return b, station.ErrNotFound
	}
	b = rows[0]
	b.Devices, err = query(ctx, l, func(scan func(...any) error) (d station.BatchDevice, err error) {
		return d, scan(&d.Line, &d.HardwareSerial, &d.DeviceID, &d.Label)
	}, `SELECT line, hardware_serial, device_id, label FROM batch_devices WHERE tenant = ? AND batch = ? ORDER BY line`,
		b.Tenant, b.Batch)
	if err != nil {
		return station.BatchRecord{}, err
	}
	if err := l.markDone(ctx, b); err != nil {
		return station.BatchRecord{}, err
	}
	return b, nil
}

// finished is who a good run of a batch was about.
type finished struct{ hardware, idFold string }

const finishedQuery = `SELECT DISTINCT hardware_serial, device_id_fold FROM runs
	WHERE tenant = ? AND batch = ? AND batch <> '' AND outcome IN ('PASS', 'SKIPPED')`

// finishedElsewhere are the devices of a list that have their PASS from before or from beside the batch, with a
// certificate that is good now: a run of them would end SKIPPED. The list leads, line by line (CROSS JOIN keeps SQLite from
// turning that around): a tenant has more devices than a batch.
const finishedElsewhere = `SELECT d.hardware_serial, d.device_id_fold
	FROM batch_devices b CROSS JOIN devices d CROSS JOIN certificates c
	WHERE b.tenant = ? AND b.batch = ? AND d.tenant = b.tenant AND d.hardware_serial = b.hardware_serial
		AND c.fingerprint = d.leaf AND d.pass_run IS NOT NULL AND c.revoked_at IS NULL AND c.not_after > ?
	UNION SELECT d.hardware_serial, d.device_id_fold
	FROM batch_devices b CROSS JOIN devices d CROSS JOIN certificates c
	WHERE b.tenant = ? AND b.batch = ? AND d.tenant = b.tenant
		AND d.device_id_fold = CASE WHEN b.device_id_fold = '' AND b.hardware_serial = '' THEN b.label_fold ELSE b.device_id_fold END
		AND c.fingerprint = d.leaf AND d.pass_run IS NOT NULL AND c.revoked_at IS NULL AND c.not_after > ?`

// markDone sets Done of the devices that a run of this batch ended PASS or SKIPPED for, or that need none. Line and run must agree in every
// name that both have: the right id on other hardware is not the device of the line. A line that has but a label is done
// by the device whose id is that label.
func (l *Ledger) markDone(ctx context.Context, b station.BatchRecord) error {
	read := func(scan func(...any) error) (finished, error) {
		var hardware, id sql.NullString
		err := scan(&hardware, &id)
		return finished{hardware.String, id.String}, err
	}
	runs, err := query(ctx, l, read, finishedQuery, b.Tenant, b.Batch)
	if err != nil {
		return err
	}
	now := micros(l.cfg.Now())
	before, err := query(ctx, l, read, finishedElsewhere, b.Tenant, b.Batch, now, b.Tenant, b.Batch, now)
	if err != nil {
		return err
	}
	runs = append(runs, before...)
	byHardware, byID := make(map[string][]finished, len(runs)), make(map[string][]finished, len(runs))
	for _, f := range runs {
		if f.hardware != "" {
			byHardware[f.hardware] = append(byHardware[f.hardware], f)
		}
		if f.idFold != "" {
			byID[f.idFold] = append(byID[f.idFold], f)
		}
	}
	for i := range b.Devices {
		d := &b.Devices[i]
		id := fold(d.DeviceID)
		if id == "" && d.HardwareSerial == "" {
			id = fold(d.Label)
		}
		d.Done = slices.ContainsFunc(slices.Concat(byHardware[d.HardwareSerial], byID[id]), func(f finished) bool {
			return agree(d.HardwareSerial, f.hardware) && agree(id, f.idFold)
		})
	}
	return nil
}

// agree reports whether two names of one thing do not contradict each other; empty is not known.
func agree(a, b string) bool { return a == "" || b == "" || a == b }
