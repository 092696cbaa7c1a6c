package station

import (
	"context"
	"errors"
	"time"
)

// patience is how long a fake ledger takes to give up by itself.
const patience = 10 * time.Second

// atOnce is what is recorded without waiting, by a ledger whose disk takes no time.
func atOnce(ctx context.Context, write func(context.Context) error) Saved {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := write(ctx)
	return func() error { return err }
}

// atOnceOr says what is wrong with it.
func atOnceOr(ctx context.Context, write func(context.Context) error) (Saved, error) {
	saved := atOnce(ctx, write)
	if err := saved(); err != nil {
		return nil, err
	}
	return saved, nil
}

func (l *fakeLedger) BeginRunSoon(ctx context.Context, r RunStart) Saved {
	saved, durable := atOnce(ctx, func(ctx context.Context) error { return l.BeginRun(ctx, r) }), make(chan struct{})
	time.AfterFunc(l.lag, func() { close(durable) })
	return func() error {
		<-durable
		return saved()
	}
}

func (l *fakeLedger) IdentifyRunSoon(ctx context.Context, run string, o Observed) func() (int, Saved, error) {
	attempt := 0
	saved, err := atOnceOr(ctx, func(ctx context.Context) (err error) {
		attempt, err = l.IdentifyRun(ctx, run, o)
		return err
	})
	return func() (int, Saved, error) { return attempt, saved, err }
}

func (l *fakeLedger) BindDeviceSoon(ctx context.Context, b Binding) (Saved, error) {
	return atOnceOr(ctx, func(ctx context.Context) error { return l.BindDevice(ctx, b) })
}

func (l *fakeLedger) BindKeySoon(ctx context.Context, k KeyRecord) (Saved, error) {
	return atOnceOr(ctx, func(ctx context.Context) error { return l.BindKey(ctx, k) })
}

func (l *fakeLedger) SaveCertificateSoon(ctx context.Context, c CertRecord) Saved {
	return atOnce(ctx, func(ctx context.Context) error { return l.SaveCertificate(ctx, c) })
}

func (l *fakeLedger) IntendSoon(ctx context.Context, in Intent) Saved {
	return atOnce(ctx, func(ctx context.Context) error { return l.Intend(ctx, in) })
}

func (l *fakeLedger) SaveProofSoon(ctx context.Context, p ProofRecord) Saved {
	return atOnce(ctx, func(ctx context.Context) error { return l.SaveProof(ctx, p) })
}

func (l *fakeLedger) RecordPhaseSoon(ctx context.Context, p PhaseEnd) Saved {
	if p.Phase == l.lose {
		return func() error { return errors.New("disk full") }
	}
	return atOnce(ctx, func(ctx context.Context) error { return l.RecordPhase(ctx, p) })
}
