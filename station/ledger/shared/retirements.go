package shared

import (
	"context"
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

var _ station.Retirements = (*Ledger)(nil)

// RevocationBegun writes down that a CA is about to be asked, whether or not the database is there: that a certificate has to
// go does not wait.
func (l *Ledger) RevocationBegun(ctx context.Context, r station.Revocation) error {
	return l.local.RevocationBegun(ctx, r)
}

// RevocationEnded writes down what came of it. Whose certificate it is the own file may not know; the database does, when it
// hears of it.
func (l *Ledger) RevocationEnded(ctx context.Context, id string, result station.IntentResult, at time.Time) error {
	return l.local.RevocationEnded(ctx, id, result, at)
}

// Revocations lists those of a device id, or of a certificate. The database is asked, and has to be there.
func (l *Ledger) Revocations(ctx context.Context, tenant, deviceID, certSerial string) ([]station.RevocationRow, error) {
	return read(ctx, l, func(from *ledger.Ledger) ([]station.RevocationRow, error) {
		return from.Revocations(ctx, tenant, deviceID, certSerial)
	})
}

// RetirementBegun opens the decommissioning of a device, or gives the one that any station has opened: that is the database's
// to say, and it has to be there. The own file gets the same, so that its steps can be written down when it is lost.
func (l *Ledger) RetirementBegun(ctx context.Context, r station.Retirement) (station.Retirement, error) {
	if l.cfg.Alone {
		return station.Retirement{}, away(nil)
	}
	rec, err := read(ctx, l, func(from *ledger.Ledger) (station.Retirement, error) { return from.RetirementBegun(ctx, r) })
	if err != nil {
		return station.Retirement{}, err
	}
	return l.local.RetirementBegun(ctx, rec)
}

// RetirementStep writes down how a step stands.
func (l *Ledger) RetirementStep(ctx context.Context, id string, s station.StepRecord) error {
	return l.local.RetirementStep(ctx, id, s)
}

// RetirementEnded closes a decommissioning. Other stations hold the device when the database has heard of it.
func (l *Ledger) RetirementEnded(ctx context.Context, id string, at time.Time) error {
	return l.local.RetirementEnded(ctx, id, at)
}

// Retirement gives the newest decommissioning of a device id. The database is asked, and has to be there.
func (l *Ledger) Retirement(ctx context.Context, tenant, deviceID string) (station.RetirementRow, error) {
	return read(ctx, l, func(from *ledger.Ledger) (station.RetirementRow, error) {
		return from.Retirement(ctx, tenant, deviceID)
	})
}
