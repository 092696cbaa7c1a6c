package ledger

import (
	"context"
	"fmt"

	"provstation/station"
)

// CertStanding is a certificate on file and how it stands with its device. Revoked and Refused are filled in.
type CertStanding struct {
	CertRow
	// Present: it is at work on its device. Current says that the last PASS was with it; one that was proven since, or
	// installed where policy wants no proof, is present, too.
	Present bool
	// Orphan is why a CA should revoke it, whether or not that was done or it has ended meanwhile. Empty: it is at work, its
	// run has not ended, or it waits for its device in the queue of collected requests.
	Orphan OrphanReason
}

// DeviceCertificates lists every certificate ever issued for the device id, newest first.
func (l *Ledger) DeviceCertificates(ctx context.Context, tenant, deviceID string) ([]CertStanding, error) {
	rows, err := l.standings(ctx, "c.tenant = ? AND c.device_id_fold = ? ORDER BY c.received_at DESC, c.fingerprint", tenant, fold(deviceID))
	return rows, l.wrap(err, "certificates of device", deviceID)
}

// CertificatesBySerial lists the tenant's certificates with a serial, newest first: CAs count for themselves, so there may be
// several. The serial is hex, in either case, with or without colons, leading zeros and 0x. ErrInvalid.
func (l *Ledger) CertificatesBySerial(ctx context.Context, tenant, serial string) ([]CertStanding, error) {
	spelled := serialOf(serial)
	var rows []CertStanding
	err := fmt.Errorf("%w: want hex", ErrInvalid)
	if spelled != "" {
		whole, short := spellings(spelled)
		rows, err = l.standings(ctx, "c.tenant = ? AND c.cert_serial IN (?, ?) ORDER BY c.received_at DESC, c.fingerprint", tenant, whole, short)
	}
	return rows, l.wrap(err, "certificates with serial", serial)
}

// standing is what standings looks up beside the certificate itself.
type standing struct {
	fingerprint                                   []byte
	ended, present, shown, same, retired, waiting bool
}

func (l *Ledger) standings(ctx context.Context, cond string, args ...any) ([]CertStanding, error) {
	rows, err := l.certificates(ctx, cond, args...)
	if err != nil {
		return nil, err
	}
	found, err := query(ctx, l, func(scan func(...any) error) (s standing, err error) {
		return s, scan(&s.fingerprint, &s.ended, &s.present, &s.shown, &s.same, &s.retired, &s.waiting)
	}, `SELECT c.fingerprint, r.outcome IS NOT NULL, `+present+`, `+shown+`, coalesce(d.spki = c.spki, FALSE), `+retired+`, `+waiting+`
		FROM certificates c JOIN runs r ON r.run = c.run
		LEFT JOIN devices d ON d.tenant = c.tenant AND d.hardware_serial = c.hardware_serial WHERE `+cond, args...)
	if err != nil {
		return nil, err
	}
	how := make(map[string]standing, len(found))
	for _, s := range found {
		how[string(s.fingerprint)] = s
	}
	out, records := make([]CertStanding, len(rows)), make([]station.CertRecord, len(rows))
	for i, r := range rows {
		records[i] = r.CertRecord
	}
	if err := l.markRefused(ctx, records); err != nil {
		return nil, err
	}
	for i, r := range rows {
		s := how[string(r.Fingerprint)]
		out[i] = CertStanding{CertRow: r, Present: s.present}
		out[i].Refused, out[i].Revoked = records[i].Refused, !r.RevokedAt.IsZero()
		if s.ended && !s.waiting && (s.retired || !s.present) {
			out[i].Orphan = orphanReason(s.present, s.shown, s.same)
		}
	}
	return out, nil
}
