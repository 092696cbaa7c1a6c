package campaign_test

import (
	"context"
	"sync"

	"provstation/station"
)

// later is what was recorded without waiting: its faults come when it is waited for, and so do its receipts.
func (t *tap) later(run, name string, saved station.Saved, receipts ...receipt) station.Saved {
	return sync.OnceValue(func() error { return t.write(run, name, saved, receipts...) })
}

// accepted is later for what may be wrong at once.
func (t *tap) accepted(run, name string, saved station.Saved, err error, receipts ...receipt) (station.Saved, error) {
	if saved == nil {
		return nil, err
	}
	return t.later(run, name, saved, receipts...), err
}

func (t *tap) BeginRunSoon(ctx context.Context, r station.RunStart) station.Saved {
	saved := t.Ledger.BeginRunSoon(ctx, r)
	return sync.OnceValue(func() error { return t.begin(r, saved) })
}

func (t *tap) IdentifyRunSoon(ctx context.Context, run string, o station.Observed) func() (int, station.Saved, error) {
	accepted := t.Ledger.IdentifyRunSoon(ctx, run, o)
	return func() (int, station.Saved, error) {
		attempt, saved, err := accepted()
		saved, err = t.accepted(run, "IdentifyRun", saved, err, receiptOf("known", run, o.HardwareSerial))
		return attempt, saved, err
	}
}

func (t *tap) RecordPhaseSoon(ctx context.Context, p station.PhaseEnd) station.Saved {
	saved := t.Ledger.RecordPhaseSoon(ctx, p)
	return sync.OnceValue(func() error { return t.phaseWrite(p, saved) })
}

func (t *tap) BindDeviceSoon(ctx context.Context, b station.Binding) (station.Saved, error) {
	saved, err := t.Ledger.BindDeviceSoon(ctx, b)
	return t.accepted(b.Run, "BindDevice", saved, err, receiptOf("device", b.HardwareSerial, b.DeviceID))
}

func (t *tap) BindKeySoon(ctx context.Context, k station.KeyRecord) (station.Saved, error) {
	saved, err := t.Ledger.BindKeySoon(ctx, k)
	return t.accepted(k.Run, "BindKey", saved, err, receiptOf("key", k.SPKI, k.HardwareSerial))
}

func (t *tap) SaveCertificateSoon(ctx context.Context, c station.CertRecord) station.Saved {
	return t.later(c.Run, "SaveCertificate", t.Ledger.SaveCertificateSoon(ctx, c), receiptOf("certificate", c.Fingerprint))
}

func (t *tap) SaveProofSoon(ctx context.Context, p station.ProofRecord) station.Saved {
	return t.later(p.Run, "SaveProof", t.Ledger.SaveProofSoon(ctx, p), proofReceipts(p)...)
}

func (t *tap) IntendSoon(ctx context.Context, in station.Intent) station.Saved {
	t.knows(in)
	return t.later(in.Run, "Intend", t.Ledger.IntendSoon(ctx, in), receiptOf("intent", in.ID, in.Kind))
}

// knows remembers whose intent it is.
func (t *tap) knows(in station.Intent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots[in.ID] = t.slots[in.Run]
}

func proofReceipts(p station.ProofRecord) []receipt {
	list := []receipt{receiptOf("proof", p.Run, p.Leaf)}
	if p.Seal != nil {
		list = append(list, receiptOf("intent", p.Seal.ID, p.Seal.Kind))
	}
	return list
}
