package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"provstation/station"
)

// A fact is what a ledger is told by one call of its methods: that a run began, that a certificate was received. The same
// fact can be told again to another ledger, from an [Entry]. Nothing of it depends on when that is: what a record does not
// date itself has the time of the first telling.

// FactKind names a kind of fact.
type FactKind string

// Kinds of facts that whoever shares a ledger waits for an answer to.
const (
	FactBind  FactKind = "bind-device"
	FactKey   FactKind = "bind-key"
	FactPost  FactKind = "begin-post"
	FactCert  FactKind = "save-certificate"
	FactProof FactKind = "save-proof"
)

// kind is a kind of fact: how it is written, and what it is about.
type kind[A any] struct {
	name  FactKind
	write func(*txn, context.Context, A) error
	run   func(A) string
	// asks: it claims what may be another station's (an id, a key, an address), or comes just before what cannot be undone:
	// who shares a ledger wants to hear what the others' ledger says.
	asks func(A) bool
}

// of is the fact with these values.
func (k kind[A]) of(a A) fact {
	f := fact{kind: k.name, args: a, asks: k.asks != nil && k.asks(a)}
	if k.run != nil {
		f.run = k.run(a)
	}
	f.write = func(ctx context.Context, t *txn) error { return k.write(t, ctx, a) }
	return f
}

// parse is the fact of an entry.
func (k kind[A]) parse(body []byte) (fact, error) {
	var a A
	if err := json.Unmarshal(body, &a); err != nil {
		return fact{}, fmt.Errorf("%w: fact %s: %w", ErrInvalid, k.name, err)
	}
	return k.of(a), nil
}

// fact is one fact.
type fact struct {
	kind  FactKind
	run   string // "" where it is about none, or the run is known by another record alone
	args  any
	asks  bool
	write func(context.Context, *txn) error
}

func always[A any](A) bool { return true }

// Kinds of facts. Their names are kept in outboxes: they do not change.
var (
	factBegin    = kind[station.RunStart]{"begin-run", (*txn).beginRun, func(r station.RunStart) string { return r.Run }, nil}
	factIdentify = kind[identified]{"identify-run", (*txn).identify, func(i identified) string { return i.Run }, nil}
	factPhase    = kind[station.PhaseEnd]{"record-phase", (*txn).recordPhase, func(p station.PhaseEnd) string { return p.Run }, nil}
	factBind     = kind[station.Binding]{
		FactBind, (*txn).bindDevice, func(b station.Binding) string { return b.Run }, always[station.Binding],
	}
	factKey = kind[station.KeyRecord]{
		FactKey, (*txn).bindKeys, func(k station.KeyRecord) string { return k.Run }, always[station.KeyRecord],
	}
	factPost = kind[station.Post]{
		FactPost, (*txn).postBegun, func(p station.Post) string { return p.Run }, always[station.Post],
	}
	factPostEnd = kind[postEnd]{"end-post", (*txn).postEnded, nil, nil}
	factCert    = kind[station.CertRecord]{
		FactCert, (*txn).saveCertificate, func(c station.CertRecord) string { return c.Run },
		func(c station.CertRecord) bool { return len(c.TunnelAddresses) > 0 },
	}
	factRevoke = kind[revoked]{"revoke-certificate", (*txn).revokeCertificate, nil, nil}
	factProof  = kind[station.ProofRecord]{
		FactProof, (*txn).saveProof, func(p station.ProofRecord) string { return p.Run }, always[station.ProofRecord],
	}
	factFinish        = kind[station.RunFinish]{"finish-run", (*txn).finishRun, func(f station.RunFinish) string { return f.Run }, nil}
	factIntend        = kind[station.Intent]{"intend", (*txn).intend, func(i station.Intent) string { return i.Run }, nil}
	factDone          = kind[intentEnd]{"end-intent", (*txn).endIntent, nil, nil}
	factRefuse        = kind[station.Refusal]{"refuse-certificate", (*txn).refuseCertificate, func(r station.Refusal) string { return r.Run }, nil}
	factBatch         = kind[BatchChange]{"change-batch", (*txn).changeBatch, nil, nil}
	factLabel         = kind[LabelPrint]{"begin-label", (*txn).beginLabel, func(p LabelPrint) string { return p.Run }, nil}
	factLabelEnd      = kind[labelEnd]{"end-label", (*txn).endLabel, nil, nil}
	factRelease       = kind[Lease]{"release-lease", (*txn).releaseLease, nil, nil}
	factRevocation    = kind[station.Revocation]{"begin-revocation", (*txn).revocationBegun, nil, nil}
	factRevocationEnd = kind[revocationEnd]{"end-revocation", (*txn).revocationEnded, nil, nil}
	factRetire        = kind[station.Retirement]{"begin-retirement", (*txn).retire, nil, nil}
	factRetireStep    = kind[retirementStep]{"step-retirement", (*txn).retirementStep, nil, nil}
	factRetireEnd     = kind[retirementEnd]{"end-retirement", (*txn).retirementEnded, nil, nil}
	factLeave         = kind[stationLeft]{"release-leases", (*txn).releaseAll, nil, nil}
)

// parseFact reads what an entry says.
func parseFact(name FactKind, body []byte) (fact, error) {
	kinds := map[FactKind]func([]byte) (fact, error){
		factBegin.name: factBegin.parse, factIdentify.name: factIdentify.parse, factPhase.name: factPhase.parse,
		factBind.name: factBind.parse, factKey.name: factKey.parse, factPost.name: factPost.parse,
		factPostEnd.name: factPostEnd.parse, factCert.name: factCert.parse, factRevoke.name: factRevoke.parse,
		factProof.name: factProof.parse, factFinish.name: factFinish.parse, factIntend.name: factIntend.parse,
		factDone.name: factDone.parse, factRefuse.name: factRefuse.parse, factBatch.name: factBatch.parse,
		factLabel.name: factLabel.parse, factLabelEnd.name: factLabelEnd.parse, factRelease.name: factRelease.parse,
		factLeave.name: factLeave.parse, factRevocation.name: factRevocation.parse, factRevocationEnd.name: factRevocationEnd.parse,
		factRetire.name: factRetire.parse, factRetireStep.name: factRetireStep.parse, factRetireEnd.name: factRetireEnd.parse,
	}
	parse, ok := kinds[name]
	if !ok {
		return fact{}, fmt.Errorf("%w: fact %q", ErrInvalid, string(name))
	}
	return parse(body)
}

// put writes a fact and, where others wait for it, what they will be told, in one transaction.
func (l *Ledger) put(ctx context.Context, f fact) error {
	var said error
	return l.passOn(l.write.do(ctx, l.telling(f, &said)), &said)
}

// putSoon is put without waiting, see [writer.soon]: what it returns does that.
func (l *Ledger) putSoon(ctx context.Context, f fact) (saved func() error) {
	var said error
	ended := l.write.soon(ctx, l.telling(f, &said))
	return func() error { return l.passOn(ended(), &said) }
}

// putNow is put without waiting for what is made durable as soon as may be.
func (l *Ledger) putNow(ctx context.Context, f fact) (saved func() error) {
	var said error
	_, ended := l.write.enqueue(ctx, urgent, l.telling(f, &said))
	return func() error { return l.passOn(ended(), &said) }
}

// putAccepted is put for what is run at once: accepted waits for that, see [writer.accept]. also, if there, reads in the same
// transaction; it may run more than once.
func (l *Ledger) putAccepted(ctx context.Context, f fact, also func(context.Context, *txn) error) (accepted func() error, saved station.Saved) {
	var said atomic.Pointer[error] // as it was when the fact was accepted, or later
	ran, ended := l.write.accept(ctx, func(ctx context.Context, t *txn) error {
		var what error
		err := l.telling(f, &what)(ctx, t)
		if err == nil && also != nil {
			err = also(ctx, t)
		}
		said.Store(&what)
		return err
	})
	accepted = func() error {
		if err := ran(); err != nil {
			return err
		}
		return *said.Load()
	}
	return accepted, func() error { return l.passOn(ended(), new(error)) }
}

// telling is the transaction of a fact. said is what the fact objects to though it was written.
func (l *Ledger) telling(f fact, said *error) func(context.Context, *txn) error {
	return func(ctx context.Context, t *txn) error {
		at := l.cfg.Now()
		if err := t.tell(ctx, f, at); err != nil {
			return err
		}
		*said = t.said
		return t.queue(ctx, l, f, at)
	}
}

// passOn tells whoever passes facts on to others that there is one more.
func (l *Ledger) passOn(err error, said *error) error {
	if err != nil {
		return err
	}
	l.tellQueued()
	return *said
}

// tell writes a fact that was first told at a time.
func (t *txn) tell(ctx context.Context, f fact, at time.Time) error {
	t.at, t.said = at, nil
	return f.write(ctx, t)
}

func (t *txn) endIntent(ctx context.Context, e intentEnd) error {
	return t.done(ctx, e.Intent, e.Result, t.at)
}
