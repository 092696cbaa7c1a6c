package ledger

import (
	"context"
	"sync/atomic"

	"provstation/station"
)

// What a run records without waiting, see [station.Soon].

// BeginRunSoon is BeginRun without waiting.
func (l *Ledger) BeginRunSoon(ctx context.Context, r station.RunStart) station.Saved {
	wrap := func(err error) error { return l.wrap(err, "begin run", r.Run) }
	return l.later(checkStart(r), wrap, func() station.Saved { return l.putNow(ctx, factBegin.of(r)) })
}

// IdentifyRunSoon is IdentifyRun; accepted waits until it is.
func (l *Ledger) IdentifyRunSoon(ctx context.Context, run string, o station.Observed) (accepted func() (int, station.Saved, error)) {
	wrap := func(err error) error { return l.wrap(err, "identify run", run) }
	var attempt atomic.Int64
	saved := l.accepted(checkObserved(run, o), wrap, func() (func() error, station.Saved) {
		return l.putAccepted(ctx, factIdentify.of(identified{run, o}), func(ctx context.Context, t *txn) error {
			s, err := t.runOf(ctx, run, o.Tenant)
			attempt.Store(s.attempt.Int64)
			return err
		})
	})
	return func() (int, station.Saved, error) {
		s, err := saved()
		return int(attempt.Load()), s, err
	}
}

// BindDeviceSoon is BindDevice, accepted.
func (l *Ledger) BindDeviceSoon(ctx context.Context, b station.Binding) (station.Saved, error) {
	wrap := func(err error) error { return l.wrap(err, "bind device", b.DeviceID) }
	return l.accepted(checkBinding(b), wrap, func() (func() error, station.Saved) { return l.putAccepted(ctx, factBind.of(b), nil) })()
}

// BindKeySoon is BindKey, accepted.
func (l *Ledger) BindKeySoon(ctx context.Context, k station.KeyRecord) (station.Saved, error) {
	wrap := func(err error) error { return l.wrap(err, "bind key of device", k.DeviceID) }
	return l.accepted(checkKey(k), wrap, func() (func() error, station.Saved) { return l.putAccepted(ctx, factKey.of(k), nil) })()
}

// SaveCertificateSoon is SaveCertificate without waiting.
func (l *Ledger) SaveCertificateSoon(ctx context.Context, c station.CertRecord) station.Saved {
	_, err := checkCert(c)
	wrap := func(err error) error { return l.wrap(err, "save certificate of device", c.DeviceID) }
	return l.later(err, wrap, func() station.Saved { return l.putNow(ctx, factCert.of(c)) })
}

// IntendSoon is Intend without waiting.
func (l *Ledger) IntendSoon(ctx context.Context, in station.Intent) station.Saved {
	wrap := func(err error) error { return l.intendError(err, in) }
	return l.later(checkIntent(in), wrap, func() station.Saved { return l.putNow(ctx, factIntend.of(in)) })
}

// SaveProofSoon is SaveProof without waiting.
func (l *Ledger) SaveProofSoon(ctx context.Context, p station.ProofRecord) station.Saved {
	wrap := func(err error) error { return l.wrap(err, "save proof of device", p.DeviceID) }
	return l.later(checkProof(p), wrap, func() station.Saved { return l.putNow(ctx, factProof.of(p)) })
}

// RecordPhaseSoon is RecordPhase without waiting.
func (l *Ledger) RecordPhaseSoon(ctx context.Context, p station.PhaseEnd) station.Saved {
	wrap := func(err error) error { return l.phaseError(err, p) }
	return l.later(checkPhase(p), wrap, func() station.Saved { return l.putSoon(ctx, factPhase.of(p)) })
}

// later puts what is right, and says what is wrong to who waits.
func (*Ledger) later(wrong error, wrap func(error) error, put func() station.Saved) station.Saved {
	if wrong != nil {
		return func() error { return wrap(wrong) }
	}
	saved := put()
	return func() error { return wrap(saved()) }
}

// accepted puts what is right. What it returns waits until that was accepted, or says what is wrong.
func (*Ledger) accepted(
	wrong error, wrap func(error) error, put func() (func() error, station.Saved),
) (accepted func() (station.Saved, error)) {
	if wrong != nil {
		return func() (station.Saved, error) { return nil, wrap(wrong) }
	}
	ran, saved := put()
	return func() (station.Saved, error) {
		if err := ran(); err != nil {
			return nil, wrap(err)
		}
		return func() error { return wrap(saved()) }, nil
	}
}
