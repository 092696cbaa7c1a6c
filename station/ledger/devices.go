package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"provstation/station"
)

func isConflict(err error) bool { return errors.Is(err, ErrConflict) }
func isNotFound(err error) bool { return errors.Is(err, station.ErrNotFound) }

// wrap says what was being done, to which record.
func (l *Ledger) wrap(err error, doing, id string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ledger: %s %s: %w", doing, free(id), classify(err, l.dir))
}

// Device finds the device by hardware serial. A device is known from IdentifyRun on; before it is bound its id is empty,
// before its first PASS its key and leaf are nil.
func (l *Ledger) Device(ctx context.Context, tenant, hardwareSerial string) (station.DeviceRecord, error) {
	rows, err := l.Devices(ctx, DeviceFilter{Tenant: tenant, HardwareSerial: hardwareSerial, Limit: 1})
	if err == nil && len(rows) == 0 {
		err = station.ErrNotFound
	}
	if err != nil {
		return station.DeviceRecord{}, l.wrap(err, "device", hardwareSerial)
	}
	return rows[0].DeviceRecord, nil
}

// BindDevice claims the device id for the hardware serial. The ids of a tenant are compared without regard to case; the
// same binding again is nil.
func (l *Ledger) BindDevice(ctx context.Context, b station.Binding) error {
	err := checkBinding(b)
	if err == nil {
		err = l.put(ctx, factBind.of(b))
	}
	return l.wrap(err, "bind device", b.DeviceID)
}

func checkBinding(b station.Binding) error {
	return need(field{"run", b.Run}, field{"tenant", b.Tenant}, field{"hardware serial", b.HardwareSerial},
		field{"device id", b.DeviceID})
}

func (t *txn) bindDevice(ctx context.Context, b station.Binding) error {
	state, err := t.runOf(ctx, b.Run, b.Tenant)
	if err != nil {
		return err
	}
	if err := state.about(b.HardwareSerial); err != nil {
		return err
	}
	if err := t.bind(ctx, b); err != nil {
		return err
	}
	_, err = t.exec(ctx, "UPDATE runs SET device_id = ?, device_id_fold = ? WHERE run = ? AND outcome IS NULL",
		b.DeviceID, fold(b.DeviceID), b.Run)
	if err != nil {
		return err
	}
	return t.refold(ctx, b.Run)
}

func (t *txn) bind(ctx context.Context, b station.Binding) error {
	var bound sql.NullString
	seen, err := t.one(ctx, "SELECT device_id FROM devices WHERE tenant = ? AND hardware_serial = ?",
		[]any{b.Tenant, b.HardwareSerial}, &bound)
	if err != nil {
		return err
	}
	if bound.Valid {
		if bound.String == b.DeviceID {
			return nil
		}
		used, err := t.idUsed(ctx, b.Tenant, bound.String)
		if err != nil {
			return err
		}
		if used {
			return &Taken{station.ErrHardwareBound, "bind to " + b.DeviceID, b.HardwareSerial, bound.String}
		}
	}
	var holder, held string
	found, err := t.one(ctx, "SELECT hardware_serial, device_id FROM devices WHERE tenant = ? AND device_id_fold = ?",
		[]any{b.Tenant, fold(b.DeviceID)}, &holder, &held)
	if err != nil {
		return err
	}
	if found {
		return &Taken{station.ErrDeviceIDTaken, "device id " + b.DeviceID, holder, held}
	}
	at := micros(b.At)
	if !seen {
		_, err := t.exec(ctx, "INSERT INTO devices (tenant, hardware_serial, first_seen, updated_at) VALUES (?, ?, ?, ?)",
			b.Tenant, b.HardwareSerial, at, at)
		if err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, `UPDATE devices SET device_id = ?, device_id_fold = ?, id_source = ?, bound_run = ?, bound_at = ?,
		updated_at = ? WHERE tenant = ? AND hardware_serial = ?`,
		b.DeviceID, fold(b.DeviceID), free(b.Source), b.Run, at, at, b.Tenant, b.HardwareSerial)
	return err
}

// idUsed reports whether anything was, or may have been, issued under the id. Until then a wrong id can be mended.
func (t *txn) idUsed(ctx context.Context, tenant, id string) (bool, error) {
	var n int64
	_, err := t.one(ctx, `SELECT (SELECT count(*) FROM certificates WHERE tenant = ?1 AND device_id_fold = ?2)
		+ (SELECT count(*) FROM posts WHERE tenant = ?1 AND device_id = ?3 AND state <> 'not-issued')
		+ (SELECT count(*) FROM proofs WHERE tenant = ?1 AND device_id = ?3)`, []any{tenant, fold(id), id}, &n)
	return n > 0, err
}

// BindKey records a device key before its CSR leaves the bench. A key (and a WireGuard key) belongs to one hardware over
// all tenants: ErrKeyTaken. The same key of the same device again is nil: what was not known is filled in, CSR digest and
// key store follow the newest call; another device id, key type, enroll id, generation or WireGuard key is ErrConflict.
func (l *Ledger) BindKey(ctx context.Context, k station.KeyRecord) error {
	err := checkKey(k)
	if err == nil {
		err = l.put(ctx, factKey.of(k))
	}
	return l.wrap(err, "bind key of device", k.DeviceID)
}

func checkKey(k station.KeyRecord) error {
	err := need(field{"run", k.Run}, field{"tenant", k.Tenant}, field{"hardware serial", k.HardwareSerial},
		field{"device id", k.DeviceID})
	if err == nil {
		err = digest("spki", k.SPKI, false)
	}
	if err == nil {
		err = digest("csr digest", k.CSRDigest, true)
	}
	if err == nil {
		err = digest("wireguard key", k.WireGuardKey, true)
	}
	if err == nil && k.At.IsZero() {
		err = fmt.Errorf("%w: no time", ErrInvalid)
	}
	return err
}

func (t *txn) bindKeys(ctx context.Context, k station.KeyRecord) error {
	state, err := t.runOf(ctx, k.Run, k.Tenant)
	if err != nil {
		return err
	}
	if err := state.about(k.HardwareSerial); err != nil {
		return err
	}
	if err := t.bindKey(ctx, k); err != nil {
		return err
	}
	return t.bindWireGuardKey(ctx, k)
}

func (t *txn) bindKey(ctx context.Context, k station.KeyRecord) error {
	have, found, err := t.key(ctx, k.SPKI)
	if err != nil {
		return err
	}
	if !found {
		var known int64
		if _, err := t.one(ctx, "SELECT count(*) FROM devices WHERE tenant = ? AND hardware_serial = ?",
			[]any{k.Tenant, k.HardwareSerial}, &known); err != nil {
			return err
		}
		if known == 0 {
			return fmt.Errorf("device: %w", station.ErrNotFound)
		}
		_, err := t.exec(ctx, `INSERT INTO keys (spki, tenant, hardware_serial, device_id, enroll_id, generation, key_type,
			key_store, csr_digest, wireguard_key, run, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			k.SPKI, k.Tenant, k.HardwareSerial, k.DeviceID, enrollID(k.EnrollID), int64(k.Generation), free(k.KeyType),
			free(k.KeyStore), blob(k.CSRDigest), blob(k.WireGuardKey), k.Run, micros(k.At))
		return err
	}
	if have.Tenant != k.Tenant || have.HardwareSerial != k.HardwareSerial {
		return keyTaken("device key", k, have.Tenant, have.HardwareSerial, have.DeviceID)
	}
	switch {
	case have.DeviceID != k.DeviceID:
		return fmt.Errorf("%w: the key is on file for device id %q", ErrConflict, have.DeviceID)
	case have.KeyType != "" && k.KeyType != "" && have.KeyType != k.KeyType:
		return fmt.Errorf("%w: key type %q", ErrConflict, have.KeyType)
	case !have.EnrollID.IsZero() && !k.EnrollID.IsZero() && have.EnrollID != k.EnrollID:
		return fmt.Errorf("%w: enroll id", ErrConflict)
	case have.Generation != 0 && k.Generation != 0 && have.Generation != k.Generation:
		return fmt.Errorf("%w: generation %d", ErrConflict, have.Generation)
	case len(have.WireGuardKey) > 0 && len(k.WireGuardKey) > 0 && !bytes.Equal(have.WireGuardKey, k.WireGuardKey):
		return fmt.Errorf("%w: wireguard key", ErrConflict)
	}
	_, err = t.exec(ctx, `UPDATE keys SET enroll_id = coalesce(enroll_id, ?), generation = CASE generation WHEN 0 THEN ? ELSE generation END,
		key_type = CASE key_type WHEN '' THEN ? ELSE key_type END, key_store = coalesce(?, key_store),
		csr_digest = coalesce(?, csr_digest), wireguard_key = coalesce(wireguard_key, ?) WHERE spki = ?`,
		enrollID(k.EnrollID), int64(k.Generation), free(k.KeyType), orNull(free(k.KeyStore)), blob(k.CSRDigest),
		blob(k.WireGuardKey), k.SPKI)
	return err
}

// bindWireGuardKey refuses the public half that another device has: whoever holds the private half reads its tunnel.
func (t *txn) bindWireGuardKey(ctx context.Context, k station.KeyRecord) error {
	if len(k.WireGuardKey) == 0 {
		return nil
	}
	_, err := t.insertOnce(ctx, "wireguard_keys", 1, []cell{
		{"wireguard_key", k.WireGuardKey},
		{"tenant", k.Tenant},
		{"hardware_serial", k.HardwareSerial},
	})
	if !isConflict(err) {
		return err
	}
	var tenant, serial string
	if _, err := t.one(ctx, "SELECT tenant, hardware_serial FROM wireguard_keys WHERE wireguard_key = ?",
		[]any{k.WireGuardKey}, &tenant, &serial); err != nil {
		return err
	}
	return keyTaken("wireguard key", k, tenant, serial, "")
}

// keyTaken names the holder to its own tenant only.
func keyTaken(what string, k station.KeyRecord, tenant, serial, deviceID string) error {
	if tenant != k.Tenant {
		serial, deviceID = "", ""
	}
	return &Taken{station.ErrKeyTaken, what, serial, deviceID}
}

func enrollID(e station.EnrollID) any {
	if e.IsZero() {
		return nil
	}
	return e[:]
}

const keyColumns = `run, tenant, hardware_serial, device_id, spki, enroll_id, generation, key_type, key_store, csr_digest,
	wireguard_key, recorded_at`

func scanKey(scan func(...any) error) (station.KeyRecord, error) {
	var k station.KeyRecord
	var enroll []byte
	var at sql.NullInt64
	err := scan(&k.Run, &k.Tenant, &k.HardwareSerial, &k.DeviceID, &k.SPKI, &enroll, &k.Generation, &k.KeyType,
		&k.KeyStore, &k.CSRDigest, &k.WireGuardKey, &at)
	if err != nil {
		return station.KeyRecord{}, err
	}
	copy(k.EnrollID[:], enroll)
	k.At = fromMicros(at)
	return k, nil
}

func (t *txn) key(ctx context.Context, spki []byte) (k station.KeyRecord, found bool, err error) {
	k, err = scanKey(func(dest ...any) (err error) {
		found, err = t.one(ctx, "SELECT "+keyColumns+" FROM keys WHERE spki = ?", []any{spki}, dest...)
		return err
	})
	return k, found, err
}

// Key finds the tenant's key on file by SPKI hash.
func (l *Ledger) Key(ctx context.Context, tenant string, spki []byte) (station.KeyRecord, error) {
	k, err := scanKey(l.read.QueryRowContext(ctx, "SELECT "+keyColumns+" FROM keys WHERE spki = ? AND tenant = ?",
		spki, tenant).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		err = station.ErrNotFound
	}
	if err != nil {
		return station.KeyRecord{}, l.wrap(l.readErr(err), "key", fmt.Sprintf("%x", spki))
	}
	return k, nil
}

// readErr turns the pool's own "closed" into ErrClosed.
func (l *Ledger) readErr(err error) error {
	if err != nil && l.closed.Load() {
		return ErrClosed
	}
	return err
}
