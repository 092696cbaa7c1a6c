package ledger

import (
	"context"
	"database/sql"
	"time"

	"provstation/station"
)

// DeviceLife is what runs tell of a device beside its certificates.
type DeviceLife struct {
	PassedAt time.Time // of its last PASS; zero: none is on file
	// Renews: it renews its certificate by itself, as a run has found. It may hold certificates that are not on file.
	Renews bool
	// SeenAt is when what it held was put on record last: by a PASS, or by a run that found out that it renews by itself.
	SeenAt time.Time
}

// DeviceLife gives what runs tell of the devices that ever had the id. That one renews by itself stays so: nobody takes
// its word for it that it does no longer.
func (l *Ledger) DeviceLife(ctx context.Context, tenant, deviceID string) (DeviceLife, error) {
	out, err := l.deviceLife(ctx, tenant, deviceID)
	return out, l.wrap(err, "life of device", deviceID)
}

func (l *Ledger) deviceLife(ctx context.Context, tenant, deviceID string) (out DeviceLife, err error) {
	const hardware = `hardware_serial IN (SELECT c.hardware_serial FROM certificates c WHERE c.tenant = ? AND c.device_id_fold = ?)`
	args := []any{tenant, tenant, fold(deviceID)}
	passed, err := query(ctx, l, func(scan func(...any) error) (at sql.NullInt64, err error) { return at, scan(&at) },
		"SELECT max(d.passed_at) FROM devices d WHERE d.tenant = ? AND d."+hardware, args...)
	if err != nil {
		return out, err
	}
	for _, at := range passed {
		out.PassedAt = fromMicros(at)
	}
	out.SeenAt = out.PassedAt
	phases, err := query(ctx, l, scanPhase, `SELECT p.run, p.phase, p.status, p.started_at, p.ended_at, p.tries, p.code, p.facts
		FROM runs r JOIN phases p ON p.run = r.run WHERE r.tenant = ? AND r.`+hardware+` AND p.phase = ?`,
		append(args, string(station.PhaseAutorenew))...)
	for _, p := range phases {
		if p.Facts[station.FactRenewalURL] == "" {
			continue
		}
		out.Renews = true
		if p.EndedAt.After(out.SeenAt) {
			out.SeenAt = p.EndedAt
		}
	}
	return out, err
}
