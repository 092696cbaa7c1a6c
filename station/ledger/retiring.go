package ledger

import (
	"context"

	"provstation/station"
)

// KeysFor lists every key that the hardware has ever had, newest first, also those that no certificate was received for.
func (l *Ledger) KeysFor(ctx context.Context, tenant, hardwareSerial string) ([]station.KeyRecord, error) {
	rows, err := query(ctx, l, scanKey, "SELECT "+keyColumns+" FROM keys WHERE tenant = ? AND hardware_serial = ? ORDER BY recorded_at DESC, spki",
		tenant, hardwareSerial)
	return rows, l.wrap(err, "keys of hardware", hardwareSerial)
}
