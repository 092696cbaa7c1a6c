package ledger

import (
	"context"
	"database/sql"
	"time"

	"github.com/google/uuid"
)

// DuplicateKind says what two stations have recorded that only one of them can have.
type DuplicateKind string

// Kinds of duplicates.
const (
	DuplicateKey     DuplicateKind = "key"       // one public key from two devices: a cloned image, or a starved random source
	DuplicateID      DuplicateKind = "device-id" // one device id for two devices, or two for one
	DuplicateAddress DuplicateKind = "address"   // one tunnel address for two devices
	DuplicateLease   DuplicateKind = "lease"     // two stations worked on one device at the same time
	DuplicateRecord  DuplicateKind = "record"    // any other contradiction
)

// Duplicate is a contradiction that came out when a station's records were merged. Both sides of it are on file; a person
// decides ([Ledger.Resolve]).
type Duplicate struct {
	ID       string
	Tenant   string
	Kind     DuplicateKind
	Station  string // id of the station whose record came second
	Run      string // of that record; may be empty
	Serial   string // hardware serial
	DeviceID string
	// The record that was there.
	OtherStation string
	OtherRun     string
	OtherSerial  string // empty where it is another tenant's
	OtherID      string
	Detail       string
	Entry        FactKind // what was to be written
	Body         []byte   // its values, JSON
	FoundAt      time.Time
	// Names of the two stations, as far as a run on file here tells them. They are read, never written.
	StationName, OtherName string
}

func newDuplicate(stationID string, e Entry) Duplicate {
	return Duplicate{
		ID: uuid.Must(uuid.NewV7()).String(), Station: stationID, Run: e.Run, Entry: e.Kind, Body: e.Body, FoundAt: e.At,
		Tenant: e.Lease.Tenant, Serial: e.Lease.HardwareSerial,
	}
}

// about fills in what the run of a duplicate is about.
func (t *txn) about(ctx context.Context, d *Duplicate) error {
	at, err := t.w.d.clock(ctx, t, t.w.now)
	if err != nil {
		return err
	}
	d.FoundAt = time.UnixMicro(at.UnixMicro()).UTC()
	if d.Tenant == "" && t.trail.chain != nil {
		d.Tenant = t.trail.chain.tenant
	}
	if d.Run == "" {
		return nil
	}
	var tenant string
	var serial, id sql.NullString
	found, err := t.one(ctx, "SELECT tenant, hardware_serial, device_id, station FROM runs WHERE run = ?", []any{d.Run}, &tenant, &serial, &id,
		&d.StationName)
	if err == nil && found {
		d.Tenant, d.DeviceID = tenant, id.String
		if serial.Valid {
			d.Serial = serial.String
		}
	}
	return err
}

// other fills in who recorded the other side: the newest run of that hardware.
func (t *txn) other(ctx context.Context, d *Duplicate) error {
	if d.OtherSerial == "" {
		return nil
	}
	_, err := t.one(ctx, `SELECT run, station_id, station FROM runs WHERE tenant = ? AND hardware_serial = ? AND run <> ?
		ORDER BY started_at DESC, run DESC LIMIT 1`, []any{d.Tenant, d.OtherSerial, d.Run}, &d.OtherRun, &d.OtherStation, &d.OtherName)
	return err
}

// tellDuplicate keeps the duplicate and tells both stations.
func (t *txn) tellDuplicate(ctx context.Context, d Duplicate) error {
	if err := t.keepDuplicate(ctx, d); err != nil {
		return err
	}
	for _, s := range []string{d.Station, d.OtherStation} {
		if s == "" {
			continue
		}
		if err := t.w.d.notify(ctx, t, duplicateFor(s)); err != nil {
			return err
		}
	}
	return nil
}

// keepDuplicate keeps a duplicate. The same one again is nil.
func (t *txn) keepDuplicate(ctx context.Context, d Duplicate) error {
	_, err := t.insertOnce(ctx, "duplicates", 1, []cell{
		{"duplicate", d.ID},
		{"tenant", d.Tenant},
		{"kind", string(d.Kind)},
		{"station_id", d.Station},
		{"run", d.Run},
		{"hardware_serial", d.Serial},
		{"device_id", d.DeviceID},
		{"other_station_id", d.OtherStation},
		{"other_run", d.OtherRun},
		{"other_hardware_serial", d.OtherSerial},
		{"other_device_id", d.OtherID},
		{"detail", free(d.Detail)},
		{"entry", string(d.Entry)},
		{"body", d.Body},
		{"found_at", micros(d.FoundAt)},
	})
	return err
}

// KeepDuplicate keeps a duplicate that the shared ledger told of. The same one again is nil.
func (l *Ledger) KeepDuplicate(ctx context.Context, d Duplicate) error {
	err := need(field{"duplicate", d.ID})
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error { return t.keepDuplicate(ctx, d) })
	}
	return l.wrap(err, "keep duplicate", d.ID)
}

// HasDuplicate reports whether the duplicate is on file here.
func (l *Ledger) HasDuplicate(ctx context.Context, id string) (bool, error) {
	var n int64
	err := l.read.QueryRowContext(ctx, "SELECT count(*) FROM duplicates WHERE duplicate = ?", id).Scan(&n)
	return n > 0, l.wrap(l.readErr(err), "find duplicate", id)
}

// DuplicateFilter chooses duplicates. Zero fields choose all.
type DuplicateFilter struct {
	Tenant   string
	Station  string // that recorded one of the two sides
	Serial   string // hardware serial of one of the two
	Open     bool   // only those about which nobody has decided, for one of its devices
	AfterID  string // later than this one
	PageSize int    // 0: PageMax
}

const duplicateColumns = `d.duplicate, d.tenant, d.kind, d.station_id, d.run, d.hardware_serial, d.device_id, d.other_station_id,
	d.other_run, d.other_hardware_serial, d.other_device_id, d.detail, d.entry, d.body, d.found_at,
	coalesce((SELECT r.station FROM runs r WHERE r.run = d.run), ''), coalesce((SELECT r.station FROM runs r WHERE r.run = d.other_run), '')`

// Duplicates lists duplicates, oldest first.
func (l *Ledger) Duplicates(ctx context.Context, f DuplicateFilter) ([]Duplicate, error) {
	var w where
	w.text("d.tenant", f.Tenant)
	if f.Station != "" {
		w.add("(d.station_id = ? OR d.other_station_id = ?)", f.Station, f.Station)
	}
	if f.Serial != "" {
		w.add("(d.hardware_serial = ? OR d.other_hardware_serial = ?)", f.Serial, f.Serial)
	}
	if f.AfterID != "" {
		w.add("d.duplicate > ?", f.AfterID)
	}
	if f.Open {
		w.add(`NOT EXISTS (SELECT 1 FROM resolutions r WHERE r.tenant = d.tenant AND r.decided_at > d.found_at
			AND (r.hardware_serial = d.hardware_serial OR r.hardware_serial = d.other_hardware_serial))
		AND NOT EXISTS (SELECT 1 FROM retirements t WHERE t.tenant = d.tenant AND t.ended_at > d.found_at AND t.hardware_serial <> ''
			AND (t.hardware_serial = d.hardware_serial OR t.hardware_serial = d.other_hardware_serial))`)
	}
	if f.PageSize <= 0 {
		f.PageSize = PageMax
	}
	rows, err := query(ctx, l, scanDuplicate, "SELECT "+duplicateColumns+" FROM duplicates d"+w.String()+
		" ORDER BY d.duplicate LIMIT ?", append(w.args, page(f.PageSize))...)
	return rows, l.wrap(err, "list duplicates", "")
}

func scanDuplicate(scan func(...any) error) (d Duplicate, err error) {
	var at sql.NullInt64
	err = scan(&d.ID, &d.Tenant, &d.Kind, &d.Station, &d.Run, &d.Serial, &d.DeviceID, &d.OtherStation, &d.OtherRun, &d.OtherSerial,
		&d.OtherID, &d.Detail, &d.Entry, &d.Body, &at, &d.StationName, &d.OtherName)
	d.FoundAt = fromMicros(at)
	return d, err
}
