package ledger

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"provstation/station"
)

// OrphanReason says why a certificate, or a request for one, is an orphan.
type OrphanReason string

// Reasons. The certificate of all but the last is on file.
const (
	// OrphanNotProven: it was received, and never proven on the device that it was issued for.
	OrphanNotProven OrphanReason = "not-proven"
	// OrphanSuperseded: it was proven, and the device has passed with another key since.
	OrphanSuperseded OrphanReason = "superseded"
	// OrphanRenewed: it was proven, and the device has passed with a newer certificate for the same key since.
	OrphanRenewed OrphanReason = "renewed"
	// OrphanDecommissioned: it is the device's present one, and a person took the device out of service.
	OrphanDecommissioned OrphanReason = "decommissioned"
	// OrphanPossiblyIssued: a request whose answer never came; the CA's own list has the certificate, if there is one, under
	// the device id in the time from At to EndedAt.
	OrphanPossiblyIssued OrphanReason = "possibly-issued"
)

// Orphan is a certificate that was issued and is not at work on its device, or a request that may have made one: what a CA
// has to revoke.
type Orphan struct {
	Reason         OrphanReason
	Tenant         string
	DeviceID       string
	HardwareSerial string
	Run            string // that asked for it
	Post           string // empty for a certificate that no request of a station made
	SPKI           []byte // SHA-256
	CSRDigest      []byte // SHA-256, of a request; nil where it is not known
	Fingerprint    []byte // SHA-256; nil of a request
	CertSerial     string // lower-case hex; empty of a request
	Subject        string
	Issuer         string
	AKI            string
	NotBefore      time.Time
	NotAfter       time.Time
	At             time.Time // received, or asked for
	EndedAt        time.Time // of a request: when it was given up
	Contract       station.Contract
}

// OrphanFilter chooses orphans. Zero fields choose all.
type OrphanFilter struct {
	Tenant   string
	DeviceID string // without regard to case
	Now      time.Time
	Expired  bool // those that have ended, too: nobody need revoke them
}

// present is the condition that certificate c is at work on device d, or may be: the last PASS was with it, or it was proven (or
// installed, where policy wants no proof) since that, or the device has it since that and nobody has proven it yet. The
// certificate before stays present beside the last until a PASS tells: what may be at work is nothing to revoke in bulk.
const present = `(d.leaf IS NOT NULL AND d.leaf = c.fingerprint
	OR EXISTS (SELECT 1 FROM proofs p WHERE p.leaf = c.fingerprint AND p.tenant = c.tenant
		AND p.hardware_serial = c.hardware_serial AND p.proven_at > coalesce(d.passed_at, 0))
	OR EXISTS (SELECT 1 FROM runs i WHERE i.tenant = c.tenant AND i.hardware_serial = c.hardware_serial
		AND i.leaf = c.fingerprint AND i.outcome = 'INSTALLED' AND i.started_at > coalesce(d.passed_at, 0)
		AND NOT EXISTS (SELECT 1 FROM runs j WHERE j.tenant = c.tenant AND j.hardware_serial = c.hardware_serial
			AND j.started_at > i.started_at AND j.outcome = 'INSTALLED' AND j.leaf <> c.fingerprint))
	OR ` + putIn + ` OR ` + readFrom + `)`

// putIn is the condition that certificate c was put into device d, or may have been (nobody heard), and that nothing on record
// has taken its place: no PASS, no INSTALLED with another one, no other one for the same key, no giving up of its enrollment.
// A certificate for another key lies beside it until it is sealed, and sealing ends in a proof.
const putIn = `EXISTS (SELECT 1 FROM runs g JOIN intents n ON n.run = g.run
	WHERE g.tenant = c.tenant AND g.hardware_serial = c.hardware_serial AND n.kind = 'install' AND n.leaf = c.fingerprint
	AND (n.result IS NULL OR n.result IN ('done', 'found done')) AND n.begun_at > coalesce(d.passed_at, 0)
	AND NOT EXISTS (SELECT 1 FROM runs h JOIN intents m ON m.run = h.run
		WHERE h.tenant = c.tenant AND h.hardware_serial = c.hardware_serial AND m.begun_at > n.begun_at
		AND m.result IN ('done', 'found done')
		AND (m.kind = 'install' AND m.leaf <> n.leaf AND m.spki = n.spki OR m.kind = 'abandon' AND m.enroll_id = n.enroll_id))
	AND NOT EXISTS (SELECT 1 FROM runs j WHERE j.tenant = c.tenant AND j.hardware_serial = c.hardware_serial
		AND j.started_at > n.begun_at AND j.outcome = 'INSTALLED' AND j.leaf <> c.fingerprint))`

// readFrom is the condition that certificate c was read from device d, not received for it: no request made it. A device that
// renews by itself has such, and so has one that another station enrolled.
const readFrom = `(c.post IS NULL AND c.received_at > coalesce(d.passed_at, 0)
	AND NOT EXISTS (SELECT 1 FROM runs j WHERE j.tenant = c.tenant AND j.hardware_serial = c.hardware_serial
		AND j.started_at > c.received_at AND j.outcome = 'INSTALLED' AND j.leaf <> c.fingerprint))`

// shown is the condition that certificate c was ever at work on its device.
const shown = `(EXISTS (SELECT 1 FROM proofs p WHERE p.leaf = c.fingerprint AND p.tenant = c.tenant
		AND p.hardware_serial = c.hardware_serial)
	OR EXISTS (SELECT 1 FROM runs i WHERE i.tenant = c.tenant AND i.hardware_serial = c.hardware_serial
		AND i.leaf = c.fingerprint AND i.outcome IN ('PASS', 'INSTALLED')))`

// retired is the condition that the newest decision about certificate c's device took it out of service: of a person about a
// run, or its decommissioning.
const retired = `(EXISTS (SELECT 1 FROM resolutions s WHERE s.tenant = c.tenant AND s.hardware_serial = c.hardware_serial
	AND s.decision = 'decommissioned' AND NOT EXISTS (SELECT 1 FROM resolutions n WHERE n.tenant = s.tenant
		AND n.hardware_serial = s.hardware_serial AND n.decided_at > s.decided_at AND n.decision <> 'ignore'))
	OR EXISTS (SELECT 1 FROM retirements t WHERE t.tenant = c.tenant AND t.hardware_serial = c.hardware_serial
		AND t.ended_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM resolutions n WHERE n.tenant = t.tenant
			AND n.hardware_serial = t.hardware_serial AND n.decided_at > t.ended_at AND n.decision NOT IN ('ignore', 'decommissioned'))))`

// waiting is the condition that certificate c waits for its device in the queue of collected requests.
const waiting = `EXISTS (SELECT 1 FROM collected q WHERE q.leaf = c.fingerprint AND q.tenant = c.tenant AND q.state = 'issued')`

// Orphans lists the certificates that a CA should revoke because no device works with them, and the requests that may have
// made one, by device and then oldest first. What belongs to a run that has not ended is not among them: pending counts
// it; nor is one that waits for its device in the queue of collected requests. Revoked and expired ones are left out, the
// latter unless asked for.
func (l *Ledger) Orphans(ctx context.Context, f OrphanFilter) (list []Orphan, pending int, err error) {
	if f.Now.IsZero() {
		f.Now = l.cfg.Now()
	}
	list, pending, err = l.orphans(ctx, f)
	if err != nil {
		return nil, 0, l.wrap(err, "list orphans", "")
	}
	slices.SortStableFunc(list, func(a, b Orphan) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(fold(a.DeviceID), fold(b.DeviceID)), a.At.Compare(b.At),
			bytes.Compare(a.Fingerprint, b.Fingerprint), cmp.Compare(a.Post, b.Post))
	})
	return list, pending, nil
}

// scanned is an orphan with whether its run has ended.
type scanned struct {
	Orphan
	ended bool
}

func (l *Ledger) orphans(ctx context.Context, f OrphanFilter) (list []Orphan, pending int, err error) {
	q, args := orphansQuery(f)
	found, err := query(ctx, l, scanOrphan, q, args...)
	if err != nil {
		return nil, 0, err
	}
	q, args = postsQuery(f)
	asked, err := query(ctx, l, scanAsked, q, args...)
	if err != nil {
		return nil, 0, err
	}
	for _, o := range append(found, asked...) {
		if !o.ended {
			pending++
			continue
		}
		list = append(list, o.Orphan)
	}
	return list, pending, nil
}

func orphansQuery(f OrphanFilter) (string, []any) {
	var w where
	w.text("c.tenant", f.Tenant)
	w.text("c.device_id_fold", fold(f.DeviceID))
	w.add("c.revoked_at IS NULL")
	if !f.Expired {
		w.add("(c.not_after IS NULL OR c.not_after > ?)", f.Now.UnixMicro())
	}
	w.add("NOT " + waiting)
	w.add("(" + retired + " OR NOT " + present + ")")
	return `SELECT c.tenant, c.device_id, c.hardware_serial, c.run, coalesce(c.post, ''), c.spki, c.fingerprint,
		c.cert_serial, c.subject, c.issuer, c.aki, c.not_before, c.not_after, c.received_at, c.contract,
		CASE WHEN r.outcome IS NULL THEN 0 ELSE 1 END, CASE WHEN ` + present + ` THEN 1 ELSE 0 END,
		CASE WHEN ` + shown + ` THEN 1 ELSE 0 END, CASE WHEN d.spki = c.spki THEN 1 ELSE 0 END
		FROM certificates c JOIN runs r ON r.run = c.run
		LEFT JOIN devices d ON d.tenant = c.tenant AND d.hardware_serial = c.hardware_serial` + w.String(), w.args
}

func scanOrphan(scan func(...any) error) (o scanned, err error) {
	var before, after, at sql.NullInt64
	var ended, present, shown, same int64
	err = scan(&o.Tenant, &o.DeviceID, &o.HardwareSerial, &o.Run, &o.Post, &o.SPKI, &o.Fingerprint, &o.CertSerial, &o.Subject,
		&o.Issuer, &o.AKI, &before, &after, &at, &o.Contract, &ended, &present, &shown, &same)
	o.NotBefore, o.NotAfter, o.At, o.ended = fromMicros(before), fromMicros(after), fromMicros(at), ended == 1
	o.Reason = orphanReason(present == 1, shown == 1, same == 1)
	return o, err
}

// orphanReason is why a certificate is one. One that is at work, and chosen all the same, is of a device out of service.
func orphanReason(present, shown, same bool) OrphanReason {
	switch {
	case present:
		return OrphanDecommissioned
	case !shown:
		return OrphanNotProven
	case same:
		return OrphanRenewed
	default:
		return OrphanSuperseded
	}
}

func postsQuery(f OrphanFilter) (string, []any) {
	var w where
	w.text("p.tenant", f.Tenant)
	w.add("p.state IN ('open', 'unknown')")
	if f.DeviceID != "" {
		w.add("r.device_id_fold = ?", fold(f.DeviceID))
	}
	return `SELECT p.tenant, p.device_id, coalesce(r.hardware_serial, ''), p.run, p.post, p.spki, p.csr_digest, p.begun_at, p.ended_at,
		p.contract, CASE WHEN r.outcome IS NULL THEN 0 ELSE 1 END
		FROM posts p JOIN runs r ON r.run = p.run` + w.String(), w.args
}

func scanAsked(scan func(...any) error) (o scanned, err error) {
	var at, until sql.NullInt64
	var ended int64
	err = scan(&o.Tenant, &o.DeviceID, &o.HardwareSerial, &o.Run, &o.Post, &o.SPKI, &o.CSRDigest, &at, &until, &o.Contract, &ended)
	o.Reason, o.At, o.EndedAt, o.ended = OrphanPossiblyIssued, fromMicros(at), fromMicros(until), ended == 1
	return o, err
}

// WriteOrphans writes orphans in a format of [ExportFormats], with the rules of [Ledger.Export].
func WriteOrphans(w io.Writer, list []Orphan, format string) error {
	if !slices.Contains(ExportFormats(), format) {
		return fmt.Errorf("%w: export format %q, want %s", ErrInvalid, format, strings.Join(ExportFormats(), ", "))
	}
	enc := newEncoder(w, format, orphanRow(Orphan{}))
	if err := enc.begin(); err != nil {
		return err
	}
	for _, o := range list {
		if err := enc.row(orphanRow(o)); err != nil {
			return err
		}
	}
	return enc.end()
}

func orphanRow(o Orphan) []value {
	return []value{
		{"reason", string(o.Reason)},
		{"device_id", o.DeviceID},
		{"hardware_serial", o.HardwareSerial},
		{"cert_serial", o.CertSerial},
		{"cert_fingerprint", hex.EncodeToString(o.Fingerprint)},
		{"subject", o.Subject},
		{"issuer", o.Issuer},
		{"authority_key_id", o.AKI},
		{"not_before", timeText(o.NotBefore)},
		{"not_after", timeText(o.NotAfter)},
		{"spki_sha256", hex.EncodeToString(o.SPKI)},
		{"csr_sha256", hex.EncodeToString(o.CSRDigest)},
		{"since", timeText(o.At)},
		{"until", timeText(o.EndedAt)},
		{"tenant", o.Tenant},
		{"contract", string(o.Contract)},
		{"run", o.Run},
		{"post", o.Post},
	}
}

// Row is the object that an export writes for the orphan, for a program that writes more around it.
func (o Orphan) Row() ([]byte, error) { return rowJSON(orphanRow(o)) }

// Row is the object that an export writes for the run, for a program that writes more around it.
func (r RunRow) Row() ([]byte, error) { return rowJSON(exportRow(r)) }

func rowJSON(cells []value) ([]byte, error) {
	var b bytes.Buffer
	if err := (&jsonEncoder{w: &b}).row(cells); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}
