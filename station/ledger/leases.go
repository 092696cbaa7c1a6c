package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"provstation/station"
)

// Errors of leases.
var (
	// ErrLeased: another station works on the device. The error is a *Leased, which says which.
	ErrLeased = station.ErrLeased
	// ErrLeaseLost: the lease ran out and another claim came after it, or it was given back.
	ErrLeaseLost = station.ErrLeaseLost
)

// Leased says who works on a device, and until when unless the lease is renewed.
type Leased struct {
	StationID string
	Name      string // of the station, as its last run of the device tells it; may be empty
	ExpiresAt time.Time
}

// Error says who and until when.
func (e *Leased) Error() string {
	return fmt.Sprintf("%v: station %s, until %s", ErrLeased, free(e.StationID), e.ExpiresAt.Format(time.RFC3339))
}

// Station is the id of the station that works on it.
func (e *Leased) Station() string { return e.StationID }

// StationName is how people call it; may be empty.
func (e *Leased) StationName() string { return e.Name }

// Unwrap gives the class.
func (*Leased) Unwrap() error { return ErrLeased }

// Lease is a station's sole right to enroll a device for a while. Fence grows with every claim of the device: of two who
// believe that they hold it, the one with the greater fence does.
type Lease struct {
	Tenant, HardwareSerial, StationID string
	Fence                             int64
	ExpiresAt                         time.Time // by the database's clock
}

// Claim takes the device for the station, for so long. The same station may claim it again (after a crash): it gets a new
// fence, and what it held before is lost. On a server the server's clock counts, for every station.
//
// Errors: ErrLeased, ErrInvalid.
func (l *Ledger) Claim(ctx context.Context, tenant, hardwareSerial, stationID string, ttl time.Duration) (Lease, error) {
	lease := Lease{Tenant: tenant, HardwareSerial: hardwareSerial, StationID: stationID}
	err := lease.check(ttl)
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) (err error) {
			lease.Fence, lease.ExpiresAt, err = t.lease(ctx, lease, ttl, l.cfg.Now)
			return err
		})
	}
	if err != nil {
		return Lease{}, l.wrap(err, "claim device", hardwareSerial)
	}
	return lease, nil
}

func (e Lease) check(ttl time.Duration) error {
	if ttl < time.Microsecond {
		return fmt.Errorf("%w: a lease for %s", ErrInvalid, ttl)
	}
	return need(field{"tenant", e.Tenant}, field{"hardware serial", e.HardwareSerial}, field{"station id", e.StationID})
}

func (t *txn) lease(ctx context.Context, e Lease, ttl time.Duration, now func() time.Time) (int64, time.Time, error) {
	at, err := t.w.d.clock(ctx, t, now)
	if err != nil {
		return 0, time.Time{}, err
	}
	var holder string
	var fence int64
	var until sql.NullInt64
	found, err := t.one(ctx, "SELECT station_id, fence, expires_at FROM leases WHERE tenant = ? AND hardware_serial = ?",
		[]any{e.Tenant, e.HardwareSerial}, &holder, &fence, &until)
	if err != nil {
		return 0, time.Time{}, err
	}
	expires := at.Add(ttl)
	switch {
	case !found:
		_, err = t.exec(ctx, "INSERT INTO leases (tenant, hardware_serial, station_id, fence, expires_at) VALUES (?, ?, ?, ?, ?)",
			e.Tenant, e.HardwareSerial, e.StationID, int64(1), micros(expires))
	case until.Valid && until.Int64 > at.UnixMicro() && holder != e.StationID:
		leased := &Leased{StationID: holder, ExpiresAt: fromMicros(until)}
		_, err = t.one(ctx, `SELECT station FROM runs WHERE tenant = ? AND hardware_serial = ? AND station_id = ?
			ORDER BY started_at DESC, run DESC LIMIT 1`, []any{e.Tenant, e.HardwareSerial, holder}, &leased.Name)
		if err == nil {
			err = leased
		}
		return 0, time.Time{}, err
	default:
		_, err = t.exec(ctx, "UPDATE leases SET station_id = ?, fence = ?, expires_at = ? WHERE tenant = ? AND hardware_serial = ?",
			e.StationID, fence+1, micros(expires), e.Tenant, e.HardwareSerial)
	}
	return fence + 1, time.UnixMicro(expires.UnixMicro()).UTC(), err
}

// Renew keeps the lease for so long from now, also one that ran out if nobody has claimed the device since. ErrLeaseLost.
func (l *Ledger) Renew(ctx context.Context, e Lease, ttl time.Duration) (Lease, error) {
	err := e.check(ttl)
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error {
			at, err := t.w.d.clock(ctx, t, l.cfg.Now)
			if err != nil {
				return err
			}
			e.ExpiresAt = time.UnixMicro(at.Add(ttl).UnixMicro()).UTC()
			return t.holding(ctx, e, micros(e.ExpiresAt))
		})
	}
	if err != nil {
		return Lease{}, l.wrap(err, "renew lease of device", e.HardwareSerial)
	}
	return e, nil
}

// Release gives the device back; its fence stays on file, so that it never comes twice. ErrLeaseLost.
func (l *Ledger) Release(ctx context.Context, e Lease) error {
	err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
		if err := t.holding(ctx, e, nil); err != nil {
			return err
		}
		return t.w.d.notify(ctx, t, leaseFreed(e))
	})
	return l.wrap(err, "release device", e.HardwareSerial)
}

// holding moves the end of the lease if it is still the device's last.
func (t *txn) holding(ctx context.Context, e Lease, until any) error {
	n, err := t.exec(ctx, `UPDATE leases SET expires_at = ? WHERE tenant = ? AND hardware_serial = ? AND station_id = ?
		AND fence = ? AND expires_at IS NOT NULL`, until, e.Tenant, e.HardwareSerial, e.StationID, e.Fence)
	if err == nil && n == 0 {
		err = ErrLeaseLost
	}
	return err
}

// Lease is the device's lease, whether or not it has run out. station.ErrNotFound: nobody holds one.
func (l *Ledger) Lease(ctx context.Context, tenant, hardwareSerial string) (Lease, error) {
	e := Lease{Tenant: tenant, HardwareSerial: hardwareSerial}
	var until sql.NullInt64
	err := l.read.QueryRowContext(ctx, `SELECT station_id, fence, expires_at FROM leases
		WHERE tenant = ? AND hardware_serial = ? AND expires_at IS NOT NULL`, tenant, hardwareSerial).
		Scan(&e.StationID, &e.Fence, &until)
	if errors.Is(err, sql.ErrNoRows) {
		err = station.ErrNotFound
	}
	if err != nil {
		return Lease{}, l.wrap(l.readErr(err), "lease of device", hardwareSerial)
	}
	e.ExpiresAt = fromMicros(until)
	return e, nil
}

// clock is this machine's: the file's writers are all on it.
func (sqliteDialect) clock(_ context.Context, _ *txn, now func() time.Time) (time.Time, error) {
	return now(), nil
}

// clock is the server's: those of two stations differ.
func (*postgresDialect) clock(ctx context.Context, t *txn, _ func() time.Time) (time.Time, error) {
	var us int64
	_, err := t.one(ctx, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)", nil, &us)
	return time.UnixMicro(us).UTC(), err
}

// releaseLease gives a lease back. One that is lost already is nobody's business here.
func (t *txn) releaseLease(ctx context.Context, e Lease) error {
	if t.w.partial { // leases are the others' ledger's
		return nil
	}
	err := t.holding(ctx, e, nil)
	if err == nil {
		err = t.w.d.notify(ctx, t, leaseFreed(e))
	}
	if isLeaseLost(err) {
		err = nil
	}
	return err
}

// stationLeft is a station whose earlier process holds nothing any more.
type stationLeft struct{ StationID string }

// releaseAll gives back what the station had.
func (t *txn) releaseAll(ctx context.Context, s stationLeft) error {
	if t.w.partial {
		return nil
	}
	left, err := t.rows(ctx, "SELECT tenant, hardware_serial, fence FROM leases WHERE station_id = ? AND expires_at IS NOT NULL",
		[]any{s.StationID})
	if err != nil {
		return err
	}
	for _, row := range left.values {
		e := Lease{StationID: s.StationID}
		e.Tenant, _ = row[0].(string)
		e.HardwareSerial, _ = row[1].(string)
		e.Fence, _ = row[2].(int64)
		if err := t.releaseLease(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
