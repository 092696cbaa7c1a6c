package ledger

import (
	"context"
	"database/sql"
	"encoding/hex"
	"time"

	"provstation/station"
)

// PostState is how far a POST to the bridge came.
type PostState string

// Post states. PostOpen and PostUnknown may have issued a certificate that nobody received.
const (
	PostOpen      PostState = "open"       // asked, no answer yet (or the station died while it waited)
	PostIssued    PostState = "issued"     // the certificate is on file
	PostNotIssued PostState = "not-issued" // the bridge said no, or was never reached
	PostUnknown   PostState = "unknown"    // the run ended without an answer
)

// PostRow is one POST and what became of it.
type PostRow struct {
	station.Post
	State   PostState
	Reason  string
	EndedAt time.Time // zero while open
}

func (l *Ledger) posts(ctx context.Context, cond string, args ...any) ([]PostRow, error) {
	return query(ctx, l, func(scan func(...any) error) (PostRow, error) {
		var p PostRow
		var begun, ended sql.NullInt64
		err := scan(&p.ID, &p.Run, &p.Tenant, &p.DeviceID, &p.SPKI, &p.CSRDigest, &p.Contract, &begun, &p.State, &p.Reason,
			&ended)
		p.At, p.EndedAt = fromMicros(begun), fromMicros(ended)
		return p, err
	}, `SELECT post, run, tenant, device_id, spki, csr_digest, contract, begun_at, state, reason, ended_at
		FROM posts WHERE `+cond, args...)
}

// PossiblyIssued lists the posts that may have issued a certificate nobody received, oldest first, at most PageMax.
func (l *Ledger) PossiblyIssued(ctx context.Context) ([]PostRow, error) {
	rows, err := l.posts(ctx, "state IN ('open', 'unknown') ORDER BY begun_at, post LIMIT ?", PageMax)
	return rows, l.wrap(err, "list possibly issued certificates", "")
}

// DeviceFilter chooses devices. Zero fields choose all.
type DeviceFilter struct {
	Tenant         string
	HardwareSerial string
	DeviceID       string // without regard to case
	Outcome        station.Outcome
	AfterTenant    string // with After: the last row of the page before
	After          string // hardware serial
	Limit          int    // rows; 0: PageDefault, at most PageMax
}

// DeviceRow is a device's current state.
type DeviceRow struct {
	station.DeviceRecord
	Model, Firmware string
	Attempts        int
	LastRun         string
	PassRun         string
	PassedAt        time.Time
	FirstSeen       time.Time
	CertSerial      string // of the current leaf
	NotAfter        time.Time
	Revoked         bool
}

// Devices lists devices by tenant and hardware serial, one page at a time.
func (l *Ledger) Devices(ctx context.Context, f DeviceFilter) ([]DeviceRow, error) {
	q, args := devicesQuery(f)
	rows, err := query(ctx, l, scanDevice, q, args...)
	return rows, l.wrap(err, "list devices", "")
}

func devicesQuery(f DeviceFilter) (string, []any) {
	var w where
	w.text("d.tenant", f.Tenant)
	w.text("d.hardware_serial", f.HardwareSerial)
	w.text("d.device_id_fold", fold(f.DeviceID))
	w.text("d.last_outcome", string(f.Outcome))
	if f.After != "" {
		tenant := f.AfterTenant
		if tenant == "" {
			tenant = f.Tenant
		}
		w.add("(d.tenant, d.hardware_serial) > (?, ?)", tenant, f.After)
	}
	return `SELECT d.tenant, d.hardware_serial, coalesce(d.device_id, ''), d.spki, d.leaf, d.last_outcome, d.updated_at,
		d.id_source, d.model, d.firmware, d.attempts, coalesce(d.last_run, ''), coalesce(d.pass_run, ''), d.passed_at,
		d.first_seen, coalesce(c.cert_serial, ''), c.not_after, c.revoked_at
		FROM devices d LEFT JOIN certificates c ON c.fingerprint = d.leaf` + w.String() +
		" ORDER BY d.tenant, d.hardware_serial LIMIT ?", append(w.args, page(f.Limit))
}

func scanDevice(scan func(...any) error) (DeviceRow, error) {
	var d DeviceRow
	var updated, passed, first, notAfter, revoked sql.NullInt64
	err := scan(&d.Tenant, &d.HardwareSerial, &d.DeviceID, &d.SPKI, &d.Leaf, &d.LastOutcome, &updated, &d.IDSource,
		&d.Model, &d.Firmware, &d.Attempts, &d.LastRun, &d.PassRun, &passed, &first, &d.CertSerial, &notAfter, &revoked)
	d.UpdatedAt, d.PassedAt, d.FirstSeen = fromMicros(updated), fromMicros(passed), fromMicros(first)
	d.NotAfter, d.Revoked = fromMicros(notAfter), revoked.Valid
	return d, err
}

// CertRow is one certificate ever issued.
type CertRow struct {
	station.CertRecord
	Current      bool      // the device's last PASS was with it
	RevokedAt    time.Time // zero: not known to be revoked
	RevokeReason string
}

// Certificates lists what was issued for the key, newest first.
func (l *Ledger) Certificates(ctx context.Context, tenant string, spki []byte) ([]station.CertRecord, error) {
	rows, err := l.certificates(ctx, "c.tenant = ? AND c.spki = ? ORDER BY c.received_at DESC", tenant, spki)
	out, err := l.certRecords(ctx, rows, err)
	return out, l.wrap(err, "certificates of key", hex.EncodeToString(spki))
}

// CertificatesFor lists what was issued for the hardware, newest first.
func (l *Ledger) CertificatesFor(ctx context.Context, tenant, hardwareSerial string) ([]station.CertRecord, error) {
	rows, err := l.certificates(ctx, "c.tenant = ? AND c.hardware_serial = ? ORDER BY c.received_at DESC", tenant, hardwareSerial)
	out, err := l.certRecords(ctx, rows, err)
	return out, l.wrap(err, "certificates of hardware", hardwareSerial)
}

func (l *Ledger) certRecords(ctx context.Context, rows []CertRow, err error) ([]station.CertRecord, error) {
	if err != nil {
		return nil, err
	}
	out := make([]station.CertRecord, len(rows))
	for i, r := range rows {
		out[i] = r.CertRecord
		out[i].Revoked = !r.RevokedAt.IsZero()
	}
	return out, l.markRefused(ctx, out)
}

// CertificatesOf lists every certificate ever issued for the device id, newest first: old ones stay valid until they
// expire, so they stay listed.
func (l *Ledger) CertificatesOf(ctx context.Context, tenant, deviceID string) ([]CertRow, error) {
	rows, err := l.certificates(ctx, "c.tenant = ? AND c.device_id_fold = ? ORDER BY c.received_at DESC", tenant,
		fold(deviceID))
	return rows, l.wrap(err, "certificates of device", deviceID)
}

func (l *Ledger) certificates(ctx context.Context, cond string, args ...any) ([]CertRow, error) {
	rows, err := query(ctx, l, scanCert, `SELECT c.run, coalesce(c.post, ''), c.tenant, c.device_id, c.hardware_serial,
		c.spki, c.fingerprint, c.cert_serial, c.subject, c.issuer, c.aki, c.issuer_fingerprint, c.not_before, c.not_after,
		c.der, c.wg_conf, c.wireguard_key_by_bridge, c.contract, c.received_at, c.revoked_at, c.revoke_reason,
		EXISTS (SELECT 1 FROM devices d WHERE d.leaf = c.fingerprint)
		FROM certificates c WHERE `+cond, args...)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		c := &rows[i]
		c.Chain, err = query(ctx, l, func(scan func(...any) error) (der []byte, err error) { return der, scan(&der) },
			`SELECT a.der FROM chains h JOIN ca_certificates a ON a.fingerprint = h.ca WHERE h.leaf = ? ORDER BY h.position`,
			c.Fingerprint)
		if err != nil {
			return nil, err
		}
		c.TunnelAddresses, err = query(ctx, l, func(scan func(...any) error) (a string, err error) { return a, scan(&a) },
			"SELECT address FROM certificate_addresses WHERE leaf = ? ORDER BY position", c.Fingerprint)
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func scanCert(scan func(...any) error) (CertRow, error) {
	var c CertRow
	var before, after, received, revoked sql.NullInt64
	err := scan(&c.Run, &c.PostID, &c.Tenant, &c.DeviceID, &c.HardwareSerial, &c.SPKI, &c.Fingerprint, &c.CertSerial,
		&c.Subject, &c.Issuer, &c.AKI, &c.IssuerFingerprint, &before, &after, &c.Leaf, &c.WGConf,
		&c.WireGuardKeyByBridge, &c.Contract, &received, &revoked, &c.RevokeReason, &c.Current)
	c.NotBefore, c.NotAfter = fromMicros(before), fromMicros(after)
	c.ReceivedAt, c.RevokedAt = fromMicros(received), fromMicros(revoked)
	return c, err
}

// Counts sums up runs.
type Counts struct {
	Runs           int // that began
	Open           int // of them, not ended
	ByOutcome      map[station.Outcome]int
	Devices        int // in the ledger, whatever the time
	PossiblyIssued int // whatever the time
}

// Counts counts the runs that began at or after since.
func (l *Ledger) Counts(ctx context.Context, since time.Time) (Counts, error) {
	c := Counts{ByOutcome: make(map[station.Outcome]int)}
	type group struct {
		outcome station.Outcome
		n       int
	}
	groups, err := query(ctx, l, func(scan func(...any) error) (g group, err error) {
		return g, scan(&g.outcome, &g.n)
	}, "SELECT coalesce(outcome, ''), count(*) FROM runs WHERE started_at >= ? GROUP BY outcome", since.UnixMicro())
	for _, g := range groups {
		c.Runs += g.n
		if g.outcome == "" {
			c.Open += g.n
		} else {
			c.ByOutcome[g.outcome] = g.n
		}
	}
	if err == nil {
		err = l.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM devices),
			(SELECT count(*) FROM posts WHERE state IN ('open', 'unknown'))`).Scan(&c.Devices, &c.PossiblyIssued)
	}
	if err != nil {
		return Counts{}, l.wrap(l.readErr(err), "count runs", "")
	}
	return c, nil
}
