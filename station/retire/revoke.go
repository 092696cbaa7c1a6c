package retire

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"provstation/station"
	"provstation/station/stepca"
)

// Order is the wish that a certificate be revoked.
type Order struct {
	Certificate
	Reason stepca.Reason
	Text   string // typed by a person
}

// Way says how a certificate turned out to be revoked.
type Way string

// Ways.
const (
	ByUs     Way = "revoked"         // the CA has done it now
	Already  Way = "already-revoked" // the CA had done it before
	OnRecord Way = "on-record"       // the records knew, and the CA was not asked
)

// wayProvisioner is the way of all revocations here: a token that a provisioner's key signed.
const wayProvisioner = "provisioner"

// Revoke has the CA revoke one certificate. It may be called again: what is revoked stays so, and a request whose answer was
// lost is asked again. The error is a *station.Fault, or the context's.
func (r *Retirer) Revoke(ctx context.Context, o Order) (Way, error) {
	serial, err := o.Number()
	if err != nil {
		return "", caFault(err)
	}
	rows, err := r.records.Revocations(ctx, r.cfg.Tenant, "", o.CertSerial)
	if err != nil {
		return "", recordFault("look the revocation up", err)
	}
	var open []station.RevocationRow
	known := !o.RevokedAt.IsZero()
	for _, row := range rows {
		switch row.Result {
		case "":
			open = append(open, row)
		case station.ResultDone, station.ResultFound:
			known = true
		}
	}
	if known { // what was left open was for the same certificate, which is what it wanted
		return OnRecord, r.settle(ctx, open, station.ResultFound)
	}
	ca, err := r.authority(ctx)
	if err != nil {
		return "", err
	}
	own, others, err := r.begin(ctx, o, open)
	if err != nil {
		return "", err
	}
	station.CrashPoint(pointRevokeBegun)
	answer, err := ca.Revoke(ctx, serial, stepca.Revocation{Reason: o.Reason, Text: o.Text})
	if err != nil {
		return "", r.notRevoked(ctx, own, err)
	}
	station.CrashPoint(pointRevokeAnswered)
	way, result, before := ByUs, station.ResultDone, station.ResultNotFound
	if answer.Already {
		way, result, before = Already, station.ResultFound, station.ResultFound
	}
	if err := r.settle(ctx, others, before); err != nil { // the older ones first: the reason of the first one is the CA's
		return "", err
	}
	if err := r.settle(ctx, []station.RevocationRow{own}, result); err != nil {
		return "", err
	}
	station.CrashPoint(pointRevokeRecorded)
	return way, nil
}

// begin writes down what the CA is about to be asked, or carries on with the same request that is open.
func (r *Retirer) begin(ctx context.Context, o Order, open []station.RevocationRow) (own station.RevocationRow, others []station.RevocationRow, err error) {
	for _, row := range open {
		if own.ID == "" && row.Reason == o.Reason.String() && row.Text == o.Text {
			own = row
		} else {
			others = append(others, row)
		}
	}
	if own.ID != "" {
		return own, others, nil
	}
	own.Revocation = station.Revocation{
		ID: newID(), Tenant: r.cfg.Tenant, DeviceID: o.DeviceID, HardwareSerial: o.HardwareSerial, CertSerial: o.CertSerial,
		Fingerprint: o.Fingerprint, Reason: o.Reason.String(), Text: o.Text, Way: wayProvisioner, By: r.cfg.By,
		StationID: r.cfg.StationID, At: r.now(),
	}
	if err := r.records.RevocationBegun(ctx, own.Revocation); err != nil {
		return own, nil, recordFault("record the revocation", err)
	}
	return own, others, nil
}

// notRevoked closes a request that the CA refused. One that it may have heard stays open: nobody knows.
func (r *Retirer) notRevoked(ctx context.Context, own station.RevocationRow, err error) error {
	fault := caFault(err)
	if mayHaveHeard(err) {
		return fault
	}
	f, ok := station.AsFault(fault)
	if !ok {
		return fault
	}
	if lerr := r.settle(ctx, []station.RevocationRow{own}, failedWith(f.Code)); lerr != nil {
		return errors.Join(lerr, fault)
	}
	return fault
}

// mayHaveHeard reports whether the CA may have revoked although no usable answer came.
func mayHaveHeard(err error) bool {
	for _, class := range []error{
		stepca.ErrUnreachable, stepca.ErrServer, stepca.ErrAnswer, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// settle writes down what came of requests, also after the caller has lost patience.
func (r *Retirer) settle(ctx context.Context, rows []station.RevocationRow, result station.IntentResult) error {
	for _, row := range rows {
		if err := r.records.RevocationEnded(context.WithoutCancel(ctx), row.ID, result, r.now()); err != nil {
			return recordFault("record that the certificate is revoked", err)
		}
	}
	return nil
}

func failedWith(c station.Code) station.IntentResult { return "failed: " + station.IntentResult(c) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Outcome is what came of one order of several.
type Outcome struct {
	Order
	Way  Way   // "": it is not known to be revoked
	Err  error // why not
	Left bool  // the CA was not asked: see what stopped it
}

// RevokeAll has the CA revoke many certificates with one key. What fails for one does not stop the others; what would fail for
// all (no CA, no key, no records) does, and is the error. tell, if not nil, hears of each as it ends.
func (r *Retirer) RevokeAll(ctx context.Context, orders []Order, tell func(Outcome)) ([]Outcome, error) {
	var list []Outcome
	var stopped error
	for _, o := range orders {
		out := Outcome{Order: o, Left: true}
		if stopped == nil {
			stopped = ctx.Err()
		}
		if stopped == nil {
			out.Left = false
			out.Way, out.Err = r.Revoke(ctx, o)
			if stopsAll(out.Err) {
				stopped = out.Err
			}
		}
		list = append(list, out)
		if tell != nil {
			tell(out)
		}
	}
	return list, stopped
}

// stopsAll reports whether a failure is not about the one certificate.
func stopsAll(err error) bool {
	f, ok := station.AsFault(err)
	return err != nil && (!ok || f.Code != station.CodeCARefused && f.Code != station.CodeInternal)
}
