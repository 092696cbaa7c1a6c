package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"provstation/station"
)

// ErrReasonNeeded says that a label of the device may be out already, and nobody said why another one is wanted.
var ErrReasonNeeded = errors.New("another copy of a label needs a reason")

// LabelPrint is one label that was sent to a printer.
type LabelPrint struct {
	ID             string // UUIDv7, given by the caller
	Tenant         string
	DeviceID       string
	HardwareSerial string
	Run            string // that the label is about; may be empty
	Template       string
	Printer        string
	Reason         string // a person's; empty for a first copy
	Operator       string
	Copy           int       // from 1; given by BeginLabel
	At             time.Time // of BeginLabel's call
	EndedAt        time.Time // zero: not known to have ended, the label may have come out
	Err            string    // why it failed; empty with EndedAt set: printed
}

// BeginLabel makes the intent durable before the printer gets a byte, and gives the copy's number: one more than the
// labels of the device that were printed, or may have been because their end was never recorded. Failed prints do not
// count. The same intent again gives the same number.
//
// Errors: ErrReasonNeeded (a further copy without a reason), station.ErrNotFound (no such run), ErrConflict (the run is
// another tenant's, or other facts under the same id), ErrInvalid.
func (l *Ledger) BeginLabel(ctx context.Context, p LabelPrint) (copyNumber int, err error) {
	err = need(field{"print", p.ID}, field{"tenant", p.Tenant}, field{"device id", p.DeviceID},
		field{"template", p.Template})
	if err == nil {
		err = may(field{"hardware serial", p.HardwareSerial}, field{"run", p.Run})
	}
	if err == nil && p.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err == nil {
		err = l.put(ctx, factLabel.of(p))
	}
	if err == nil {
		err = l.read.QueryRowContext(ctx, "SELECT copy FROM label_prints WHERE print = ?", p.ID).Scan(&copyNumber)
	}
	if err != nil {
		return 0, l.wrap(l.readErr(err), "begin label of device", p.DeviceID)
	}
	return copyNumber, nil
}

func (t *txn) beginLabel(ctx context.Context, p LabelPrint) error {
	if p.Run != "" {
		if _, err := t.runOf(ctx, p.Run, p.Tenant); err != nil {
			return err
		}
	}
	cells := []cell{
		{"print", p.ID},
		{"tenant", p.Tenant},
		{"device_id", p.DeviceID},
		{"device_id_fold", fold(p.DeviceID)},
		{"hardware_serial", p.HardwareSerial},
		{"run", orNull(p.Run)},
		{"template", p.Template},
		{"printer", free(p.Printer)},
		{"reason", free(strings.TrimSpace(p.Reason))},
		{"operator", free(p.Operator)},
		{"at", micros(p.At)},
	}
	var n int64
	found, err := t.one(ctx, "SELECT copy FROM label_prints WHERE print = ?", []any{p.ID}, &n)
	if err != nil {
		return err
	}
	if found {
		return t.same(ctx, "label_prints", 1, cells)
	}
	_, err = t.one(ctx, `SELECT count(*) FROM label_prints WHERE tenant = ? AND device_id_fold = ?
		AND (ok IS NULL OR ok = 1)`, []any{p.Tenant, fold(p.DeviceID)}, &n)
	if err != nil {
		return err
	}
	if n++; n > 1 && strings.TrimSpace(p.Reason) == "" && !t.merging { // a label that is out is out
		return ErrReasonNeeded
	}
	_, err = t.insertOnce(ctx, "label_prints", 1, append(cells, cell{"copy", n}))
	return err
}

// EndLabel records how the print ended: trouble is empty if the printer took all of it. The same end again is nil,
// another one ErrConflict; station.ErrNotFound.
func (l *Ledger) EndLabel(ctx context.Context, id, trouble string) error {
	err := need(field{"print", id})
	if err == nil {
		err = l.put(ctx, factLabelEnd.of(labelEnd{id, trouble}))
	}
	return l.wrap(err, "end label", id)
}

// labelEnd is how a print ended.
type labelEnd struct{ Print, Trouble string }

func (t *txn) endLabel(ctx context.Context, e labelEnd) error {
	id, trouble, now := e.Print, free(e.Trouble), micros(t.at)
	var ok sql.NullBool
	var have string
	found, err := t.one(ctx, "SELECT ok, error FROM label_prints WHERE print = ?", []any{id}, &ok, &have)
	switch {
	case err != nil:
		return err
	case !found:
		return station.ErrNotFound
	case ok.Valid && have == trouble:
		return nil
	case ok.Valid:
		return fmt.Errorf("%w: the print has ended otherwise", ErrConflict)
	}
	_, err = t.exec(ctx, "UPDATE label_prints SET ok = ?, error = ?, ended_at = ? WHERE print = ?", flag(trouble == ""),
		trouble, now, id)
	return err
}

// Labels lists the labels of the device id, newest first, at most PageMax.
func (l *Ledger) Labels(ctx context.Context, tenant, deviceID string) ([]LabelPrint, error) {
	rows, err := l.labels(ctx, "tenant = ? AND device_id_fold = ?", tenant, fold(deviceID))
	return rows, l.wrap(err, "labels of device", deviceID)
}

func (l *Ledger) labels(ctx context.Context, cond string, args ...any) ([]LabelPrint, error) {
	return query(ctx, l, func(scan func(...any) error) (LabelPrint, error) {
		var p LabelPrint
		var at, ended sql.NullInt64
		err := scan(&p.ID, &p.Tenant, &p.DeviceID, &p.HardwareSerial, &p.Run, &p.Template, &p.Printer, &p.Copy, &p.Reason,
			&p.Operator, &at, &ended, &p.Err)
		p.At, p.EndedAt = fromMicros(at), fromMicros(ended)
		return p, err
	}, `SELECT print, tenant, device_id, hardware_serial, coalesce(run, ''), template, printer, copy, reason, operator, at,
		ended_at, error FROM label_prints WHERE `+cond+" ORDER BY at DESC, print DESC LIMIT ?", append(args, PageMax)...)
}
