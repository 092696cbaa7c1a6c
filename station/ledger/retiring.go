package ledger

import (
	"context"

	"provstation/station"
)

// CertificatesBySerial lists the certificates with a serial number (lower-case hex, whole bytes), newest first: one, unless
// two CAs have given the same number.
func (l *Ledger) CertificatesBySerial(ctx context.Context, tenant, certSerial string) ([]CertRow, error) {
	rows, err := l.certificates(ctx, "c.tenant = ? AND c.cert_serial = ? ORDER BY c.received_at DESC", tenant, fold(certSerial))
	return rows, l.wrap(err, "certificate with serial number", certSerial)
}

// KeysFor lists every key that the hardware has ever had, newest first, also those that no certificate was received for.
func (l *Ledger) KeysFor(ctx context.Context, tenant, hardwareSerial string) ([]station.KeyRecord, error) {
	rows, err := query(ctx, l, scanKey, "SELECT "+keyColumns+" FROM keys WHERE tenant = ? AND hardware_serial = ? ORDER BY recorded_at DESC, spki",
		tenant, hardwareSerial)
	return rows, l.wrap(err, "keys of hardware", hardwareSerial)
}
