package shared

import (
	"context"

	"provstation/station"
)

// What the database is asked for is waited for; the rest is the own file's.

// BeginRunSoon is BeginRun without waiting.
func (l *Ledger) BeginRunSoon(ctx context.Context, r station.RunStart) station.Saved {
	return l.local.BeginRunSoon(ctx, r)
}

// IdentifyRunSoon is IdentifyRun.
func (l *Ledger) IdentifyRunSoon(ctx context.Context, run string, o station.Observed) (accepted func() (int, station.Saved, error)) {
	attempt, err := l.IdentifyRun(ctx, run, o)
	return func() (int, station.Saved, error) {
		saved, err := waited(err)
		return attempt, saved, err
	}
}

// BindDeviceSoon is BindDevice.
func (l *Ledger) BindDeviceSoon(ctx context.Context, b station.Binding) (station.Saved, error) {
	return waited(l.BindDevice(ctx, b))
}

// BindKeySoon is BindKey.
func (l *Ledger) BindKeySoon(ctx context.Context, k station.KeyRecord) (station.Saved, error) {
	return waited(l.BindKey(ctx, k))
}

// SaveCertificateSoon is SaveCertificate.
func (l *Ledger) SaveCertificateSoon(ctx context.Context, c station.CertRecord) station.Saved {
	err := l.SaveCertificate(context.WithoutCancel(ctx), c)
	return func() error { return err }
}

// IntendSoon is Intend without waiting.
func (l *Ledger) IntendSoon(ctx context.Context, in station.Intent) station.Saved {
	return l.local.IntendSoon(ctx, in)
}

// SaveProofSoon is SaveProof.
func (l *Ledger) SaveProofSoon(ctx context.Context, p station.ProofRecord) station.Saved {
	err := l.SaveProof(ctx, p)
	return func() error { return err }
}

// RecordPhaseSoon is RecordPhase without waiting.
func (l *Ledger) RecordPhaseSoon(ctx context.Context, p station.PhaseEnd) station.Saved {
	return l.local.RecordPhaseSoon(ctx, p)
}

// waited is what was waited for already.
func waited(err error) (station.Saved, error) {
	if err != nil {
		return nil, err
	}
	return func() error { return nil }, nil
}
