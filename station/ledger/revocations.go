package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"provstation/station"
)

var _ station.Retirements = (*Ledger)(nil)

// Ways of a revocation: with a token of a provisioner, or with the device's own key.
var revocationWays = []string{"provisioner", "device"}

// RevocationBegun writes down that a CA is about to be asked to revoke a certificate, on file here or not. The same record
// again is nil, another one under its id ErrConflict.
func (l *Ledger) RevocationBegun(ctx context.Context, r station.Revocation) error {
	err := checkRevocation(r)
	if err == nil {
		err = l.put(ctx, factRevocation.of(r))
	}
	return l.wrap(err, "begin revocation of certificate", r.CertSerial)
}

func checkRevocation(r station.Revocation) error {
	err := need(field{"revocation", r.ID}, field{"tenant", r.Tenant}, field{"certificate serial", r.CertSerial}, field{"reason", r.Reason})
	if err == nil {
		err = errors.Join(may(field{"device id", r.DeviceID}, field{"hardware serial", r.HardwareSerial}, field{"name", r.By},
			field{"station id", r.StationID}), digest("fingerprint", r.Fingerprint, true))
	}
	switch {
	case err != nil:
		return err
	case serialOf(r.CertSerial) == "":
		return fmt.Errorf("%w: certificate serial %q: want hex", ErrInvalid, free(r.CertSerial))
	case !slices.Contains(revocationWays, r.Way):
		return fmt.Errorf("%w: way of a revocation %q", ErrInvalid, free(r.Way))
	case r.At.IsZero():
		return fmt.Errorf("%w: no time", ErrInvalid)
	default:
		return nil
	}
}

// serialOf is a certificate serial as the ledger spells it: whole bytes in lower-case hex, as little as it takes. Empty: it is
// none. Colons, spaces, leading zeros and 0x are how others write one.
func serialOf(text string) string {
	s := strings.TrimPrefix(fold(strings.Map(func(r rune) rune {
		if r == ':' || r == ' ' {
			return -1
		}
		return r
	}, text)), "0x")
	if s == "" || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	switch s = strings.TrimLeft(s, "0"); {
	case s == "":
		return "00"
	case len(s)%2 == 1:
		return "0" + s
	default:
		return s
	}
}

// spellings are a serial with and without its leading zero: what other tools put on file may lack it.
func spellings(serial string) (whole, short string) {
	return serial, strings.TrimPrefix(serial, "0")
}

func (t *txn) revocationBegun(ctx context.Context, r station.Revocation) error {
	if err := checkRevocation(r); err != nil { // it may be another station's word
		return err
	}
	_, err := t.insertOnce(ctx, "revocations", 1, []cell{
		{"revocation", r.ID},
		{"tenant", r.Tenant},
		{"device_id", r.DeviceID},
		{"device_id_fold", fold(r.DeviceID)},
		{"hardware_serial", r.HardwareSerial},
		{"cert_serial", serialOf(r.CertSerial)},
		{"fingerprint", blob(r.Fingerprint)},
		{"reason", free(r.Reason)},
		{"note", free(r.Text)},
		{"way", r.Way},
		{"asked_by", r.By},
		{"station_id", r.StationID},
		{"begun_at", micros(r.At)},
	})
	return err
}

// RevocationEnded says what came of a revocation. The first result stays: another one is ErrConflict, unless it comes to the
// same for the certificate. Where the CA has revoked it, the certificate on file is a revoked one from then on; one that was
// known by its serial alone is looked for. station.ErrNotFound.
func (l *Ledger) RevocationEnded(ctx context.Context, id string, result station.IntentResult, at time.Time) error {
	err := need(field{"revocation", id}, field{"result", string(result)})
	if err == nil && at.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	if err == nil {
		err = l.put(ctx, factRevocationEnd.of(revocationEnd{id, result, at}))
	}
	return l.wrap(err, "end revocation", id)
}

// revocationEnd is what came of a revocation.
type revocationEnd struct {
	Revocation string
	Result     station.IntentResult
	At         time.Time
}

// revokedBy reports whether the CA's list has the certificate.
func revokedBy(result station.IntentResult) bool {
	return result == station.ResultDone || result == station.ResultFound
}

func (t *txn) revocationEnded(ctx context.Context, e revocationEnd) error {
	r := station.Revocation{ID: e.Revocation}
	var have station.IntentResult
	found, err := t.one(ctx, `SELECT tenant, device_id, cert_serial, fingerprint, reason, coalesce(result, '') FROM revocations
		WHERE revocation = ?`, []any{e.Revocation}, &r.Tenant, &r.DeviceID, &r.CertSerial, &r.Fingerprint, &r.Reason, &have)
	switch result := station.IntentResult(free(string(e.Result))); {
	case err != nil:
		return err
	case !found && t.w.partial: // another station's
		return nil
	case !found:
		return station.ErrNotFound
	case have == "":
		if _, err := t.exec(ctx, "UPDATE revocations SET result = ?, ended_at = ? WHERE revocation = ?", string(result), micros(e.At),
			e.Revocation); err != nil {
			return err
		}
	case have != result && revokedBy(have) != revokedBy(result):
		return fmt.Errorf("%w: the revocation ended %q", ErrConflict, have)
	}
	if !revokedBy(e.Result) {
		return nil
	}
	return t.revokeOnFile(ctx, r, e.At)
}

// revokeOnFile notes at the certificate that it is revoked, if it is here.
func (t *txn) revokeOnFile(ctx context.Context, r station.Revocation, at time.Time) error {
	if len(r.Fingerprint) == 0 {
		var err error
		if r.Fingerprint, err = t.bySerial(ctx, r.Tenant, r.DeviceID, r.CertSerial); err != nil || r.Fingerprint == nil {
			return err
		}
	}
	err := t.revokeCertificate(ctx, revoked{r.Tenant, r.Fingerprint, r.Reason, at})
	if isNotFound(err) {
		return nil
	}
	return err
}

// bySerial finds the one certificate with a serial, of the device where it is known; nil where there is none, or several: CAs
// count for themselves.
func (t *txn) bySerial(ctx context.Context, tenant, deviceID, serial string) ([]byte, error) {
	whole, short := spellings(serial)
	found, err := t.rows(ctx, `SELECT fingerprint FROM certificates WHERE tenant = ? AND cert_serial IN (?, ?)
		AND (? = '' OR device_id_fold = ?) LIMIT 2`, []any{tenant, whole, short, deviceID, fold(deviceID)})
	if err != nil || len(found.values) != 1 {
		return nil, err
	}
	fingerprint, _ := found.values[0][0].([]byte)
	return fingerprint, nil
}

// revokedBefore notes at a certificate that is new here that the CA has revoked it meanwhile: what was revoked by its serial
// may come on file later, from a station that was on its own.
func (t *txn) revokedBefore(ctx context.Context, c station.CertRecord) error {
	serial := serialOf(c.CertSerial)
	if serial == "" {
		return nil
	}
	r := station.Revocation{Tenant: c.Tenant, CertSerial: serial}
	var at sql.NullInt64
	found, err := t.one(ctx, `SELECT device_id, fingerprint, reason, ended_at FROM revocations WHERE tenant = ? AND cert_serial = ?
		AND (fingerprint = ? OR fingerprint IS NULL AND device_id_fold IN ('', ?)) AND result IN (?, ?)
		ORDER BY begun_at, revocation LIMIT 1`, []any{
		c.Tenant, serial, c.Fingerprint, fold(c.DeviceID), string(station.ResultDone),
		string(station.ResultFound),
	}, &r.DeviceID, &r.Fingerprint, &r.Reason, &at)
	if err != nil || !found {
		return err
	}
	return t.revokeOnFile(ctx, r, fromMicros(at))
}

// Revocations lists those of a device id, oldest first: that name it, or a certificate of it. Where certSerial is not empty
// they are those of a certificate.
func (l *Ledger) Revocations(ctx context.Context, tenant, deviceID, certSerial string) ([]station.RevocationRow, error) {
	var rows []station.RevocationRow
	err := need(field{"tenant", tenant})
	switch serial := serialOf(certSerial); {
	case err != nil:
	case certSerial == "" && deviceID == "", certSerial != "" && serial == "":
		err = fmt.Errorf("%w: revocations of no device and no certificate", ErrInvalid)
	case serial != "":
		rows, err = l.revocations(ctx, "v.tenant = ? AND v.cert_serial = ?", tenant, serial)
	default:
		rows, err = l.revocations(ctx, `v.tenant = ? AND (v.device_id_fold = ? OR v.device_id_fold = '' AND v.cert_serial IN
			(SELECT c.cert_serial FROM certificates c WHERE c.tenant = ? AND c.device_id_fold = ?))`,
			tenant, fold(deviceID), tenant, fold(deviceID))
	}
	return rows, l.wrap(err, "revocations of", deviceID+certSerial)
}

func (l *Ledger) revocations(ctx context.Context, cond string, args ...any) ([]station.RevocationRow, error) {
	return query(ctx, l, func(scan func(...any) error) (r station.RevocationRow, err error) {
		var begun, ended sql.NullInt64
		err = scan(&r.ID, &r.Tenant, &r.DeviceID, &r.HardwareSerial, &r.CertSerial, &r.Fingerprint, &r.Reason, &r.Text, &r.Way, &r.By,
			&r.StationID, &begun, &r.Result, &ended)
		r.At, r.EndedAt = fromMicros(begun), fromMicros(ended)
		return r, err
	}, `SELECT v.revocation, v.tenant, v.device_id, v.hardware_serial, v.cert_serial, v.fingerprint, v.reason, v.note, v.way, v.asked_by,
		v.station_id, v.begun_at, coalesce(v.result, ''), v.ended_at FROM revocations v WHERE `+cond+
		" ORDER BY v.begun_at, v.revocation LIMIT ?", append(args, PageMax)...)
}
