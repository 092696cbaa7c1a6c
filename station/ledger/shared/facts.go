package shared

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"provstation/station"
	"provstation/station/ledger"
)

// BeginRun opens a row for one attempt.
func (l *Ledger) BeginRun(ctx context.Context, r station.RunStart) error {
	return l.local.BeginRun(ctx, r)
}

// IdentifyRun says which hardware the run is about. The attempt's number is the database's, which counts all stations', or
// the own file's while that is away.
func (l *Ledger) IdentifyRun(ctx context.Context, run string, o station.Observed) (int, error) {
	attempt, err := l.local.IdentifyRun(ctx, run, o)
	if err != nil {
		return attempt, err
	}
	server, err := l.Server(ctx)
	if err == nil {
		var n int
		if n, err = server.Attempt(ctx, run); err == nil {
			return n, nil
		}
	}
	return attempt, ctx.Err()
}

// RecordPhase appends one phase's end.
func (l *Ledger) RecordPhase(ctx context.Context, p station.PhaseEnd) error {
	return l.local.RecordPhase(ctx, p)
}

// BindDevice claims the device id. The database says whether it may; while that is away only what it has already holds.
func (l *Ledger) BindDevice(ctx context.Context, b station.Binding) error {
	err := l.local.BindDevice(ctx, b)
	if err == nil && l.cfg.Alone {
		return l.local.Insist(ctx, b.Run, ledger.FactBind)
	}
	if ledger.IsTaken(err) {
		// The file may be out of date: what another station mended it does not know.
		return l.overruled(ctx, err, func(server *ledger.Ledger) error {
			if err := server.BindDevice(ctx, b); err != nil {
				return err
			}
			return l.local.Yield(ctx, b)
		})
	}
	if err != nil {
		return err
	}
	err = l.answer(ctx, b.Run, ledger.FactBind)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, station.ErrLedgerAway):
		return errors.Join(err, l.local.Unbind(ctx, b))
	case l.boundTo(b.Run) == b.DeviceID && l.holds(b.Run) == nil:
		return l.local.Insist(ctx, b.Run, ledger.FactBind)
	default:
		return err
	}
}

// overruled asks the database where the file refused what it may know better.
func (l *Ledger) overruled(ctx context.Context, refused error, ask func(*ledger.Ledger) error) error {
	server, err := l.Server(ctx)
	if err != nil {
		return refused
	}
	if err = ask(server); err != nil && gone(err) {
		return away(err)
	}
	return err
}

// BindKey records a device key. Where the database is away the run goes on: that another station has seen the key comes out
// when the records are merged.
func (l *Ledger) BindKey(ctx context.Context, k station.KeyRecord) error {
	err := l.local.BindKey(ctx, k)
	if ledger.IsTaken(err) {
		return l.overruled(ctx, err, func(server *ledger.Ledger) error { return server.BindKey(ctx, k) })
	}
	if err != nil {
		return err
	}
	return l.asked(ctx, k.Run, ledger.FactKey)
}

// asked waits for what the database says of a fact that is in the file; where it is away the run goes on as long as it holds
// its device.
func (l *Ledger) asked(ctx context.Context, run string, kind ledger.FactKind) error {
	err := l.answer(ctx, run, kind)
	if !errors.Is(err, station.ErrLedgerAway) {
		return err
	}
	if err := l.holds(run); err != nil {
		return err
	}
	return l.local.Insist(ctx, run, kind)
}

// PostBegun opens a possibly-issued row, if the run still holds its device; where it does not, nothing is posted and the row
// says so.
func (l *Ledger) PostBegun(ctx context.Context, p station.Post) error {
	err := l.local.PostBegun(ctx, p)
	if err != nil {
		return err
	}
	if err = l.asked(ctx, p.Run, ledger.FactPost); err != nil {
		err = errors.Join(err, l.PostEnded(context.WithoutCancel(ctx), p.ID, "not posted: "+err.Error()))
	}
	return err
}

// PostEnded closes the row: nothing was issued.
func (l *Ledger) PostEnded(ctx context.Context, postID, reason string) error {
	return l.local.PostEnded(ctx, postID, reason)
}

// SaveCertificate makes a received certificate durable. Whose a tunnel address is, the database says.
func (l *Ledger) SaveCertificate(ctx context.Context, c station.CertRecord) error {
	err := l.local.SaveCertificate(ctx, c)
	taken := errors.Is(err, station.ErrAddressTaken)
	if err != nil && !taken {
		return err
	}
	if len(c.TunnelAddresses) == 0 { // one whose address is taken is on file all the same
		return err
	}
	aerr := l.answer(ctx, c.Run, ledger.FactCert)
	if errors.Is(aerr, station.ErrLedgerAway) {
		return errors.Join(err, l.local.Insist(ctx, c.Run, ledger.FactCert))
	}
	return aerr
}

// SaveProof makes the broker's proof durable, if the run still holds its device.
func (l *Ledger) SaveProof(ctx context.Context, p station.ProofRecord) error {
	err := l.local.SaveProof(ctx, p)
	if err != nil {
		return err
	}
	return l.asked(ctx, p.Run, ledger.FactProof)
}

// FinishRun closes the run: in the file, which is what a PASS rests on.
func (l *Ledger) FinishRun(ctx context.Context, e station.RunFinish) error {
	l.forget(e.Run)
	return l.local.FinishRun(ctx, e)
}

// Intend writes down what is about to be done to a device.
func (l *Ledger) Intend(ctx context.Context, in station.Intent) error {
	return l.local.Intend(ctx, in)
}

// Done writes down what came of it.
func (l *Ledger) Done(ctx context.Context, id string, result station.IntentResult) error {
	return l.local.Done(ctx, id, result)
}

// RefuseCertificate notes that a certificate on file is not to be used again.
func (l *Ledger) RefuseCertificate(ctx context.Context, r station.Refusal) error {
	return l.local.RefuseCertificate(ctx, r)
}

// EndInterrupted ends the runs that an earlier process of the station left open, and gives its devices back.
func (l *Ledger) EndInterrupted(ctx context.Context, stationID string, at time.Time) (int, error) {
	return l.local.EndInterrupted(ctx, stationID, at)
}

// read asks the database, once it has heard what this station wrote.
func read[T any](ctx context.Context, l *Ledger, ask func(*ledger.Ledger) (T, error)) (v T, err error) {
	if l.cfg.Alone {
		return ask(l.local)
	}
	server, err := l.Server(ctx)
	if err != nil {
		return v, err
	}
	if v, err = ask(server); err != nil && gone(err) {
		err = away(err)
	}
	return v, err
}

// Device finds the device by hardware serial.
func (l *Ledger) Device(ctx context.Context, tenant, hardwareSerial string) (station.DeviceRecord, error) {
	return read(ctx, l, func(from *ledger.Ledger) (station.DeviceRecord, error) {
		return from.Device(ctx, tenant, hardwareSerial)
	})
}

// Key finds the key on file by SPKI hash.
func (l *Ledger) Key(ctx context.Context, tenant string, spki []byte) (station.KeyRecord, error) {
	return read(ctx, l, func(from *ledger.Ledger) (station.KeyRecord, error) { return from.Key(ctx, tenant, spki) })
}

// Certificates lists what was issued for the key. While the database is away that is what it had when the device was claimed,
// since when nobody else had the device, and what was issued here.
func (l *Ledger) Certificates(ctx context.Context, tenant string, spki []byte) ([]station.CertRecord, error) {
	list, err := read(ctx, l, func(from *ledger.Ledger) ([]station.CertRecord, error) { return from.Certificates(ctx, tenant, spki) })
	if !errors.Is(err, station.ErrLedgerAway) {
		return list, err
	}
	had, claimed := l.certificatesHeld(tenant, spki)
	if !claimed {
		return nil, err
	}
	if list, err = l.local.Certificates(ctx, tenant, spki); err != nil {
		return nil, err
	}
	for _, c := range had {
		i := slices.IndexFunc(list, func(own station.CertRecord) bool { return bytes.Equal(own.Fingerprint, c.Fingerprint) })
		if i < 0 {
			list = append(list, c)
			continue
		}
		list[i].Revoked = list[i].Revoked || c.Revoked // by another station: the file has not heard of it
		if list[i].Refused == "" {
			list[i].Refused = c.Refused
		}
	}
	return list, nil
}

// certificatesHeld are those for the key that were on file when its device was claimed. claimed: a run has the device, if it is
// one that the database knows the key of, or one that has no key there yet.
func (l *Ledger) certificatesHeld(tenant string, spki []byte) (list []station.CertRecord, claimed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.held {
		if h.lease.Tenant != tenant {
			continue
		}
		claimed = true
		for _, c := range h.certs {
			if bytes.Equal(c.SPKI, spki) {
				list = append(list, c)
			}
		}
	}
	return list, claimed
}

// Proof finds the newest proof for exactly this hardware, key and certificate.
func (l *Ledger) Proof(ctx context.Context, tenant, hardwareSerial string, spki, leaf []byte) (station.ProofRecord, error) {
	return read(ctx, l, func(from *ledger.Ledger) (station.ProofRecord, error) {
		return from.Proof(ctx, tenant, hardwareSerial, spki, leaf)
	})
}

// Passed finds the PASS for exactly this hardware, key and certificate.
func (l *Ledger) Passed(ctx context.Context, tenant, hardwareSerial string, spki, leaf []byte) (station.PassRecord, error) {
	return read(ctx, l, func(from *ledger.Ledger) (station.PassRecord, error) {
		return from.Passed(ctx, tenant, hardwareSerial, spki, leaf)
	})
}

// OpenIntents lists what was begun with the hardware and never heard of again.
func (l *Ledger) OpenIntents(ctx context.Context, tenant, hardwareSerial string) ([]station.Intent, error) {
	return read(ctx, l, func(from *ledger.Ledger) ([]station.Intent, error) {
		return from.OpenIntents(ctx, tenant, hardwareSerial)
	})
}

// Resolution finds the decision that holds for the hardware.
func (l *Ledger) Resolution(ctx context.Context, tenant, hardwareSerial string) (station.Resolution, error) {
	return read(ctx, l, func(from *ledger.Ledger) (station.Resolution, error) {
		return from.Resolution(ctx, tenant, hardwareSerial)
	})
}
