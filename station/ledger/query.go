package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"provstation/station"
)

// PageMax bounds a page; a Limit of 0 asks for PageDefault.
const (
	PageDefault = 100
	PageMax     = 10_000
)

func page(limit int) int {
	if limit <= 0 {
		return PageDefault
	}
	return min(limit, PageMax)
}

// Filter chooses runs. Zero fields choose all. Device ids and Text are compared without regard to case, all else exactly.
type Filter struct {
	Tenant         string // with Batch, DeviceID, HardwareSerial, Slot or Text: give it, the indexes begin with it
	Site           string
	Station        string // by name
	Operator       string
	Batch          string
	DeviceID       string
	HardwareSerial string
	Slot           string // by name
	// Text is found inside device id, hardware serial, code, operator, batch or slot, or begins the certificate's
	// fingerprint (hex, at least 4 digits, colons do not count). Printable, at most TextMax bytes.
	Text     string
	Outcome  station.Outcome
	Outcomes []station.Outcome // any of them
	Code     station.Code
	Open     bool      // only runs that have not ended
	Held     bool      // only runs that ended UNCERTAIN and that nothing has settled since
	Since    time.Time // started at or after
	Until    time.Time // started before
	After    string    // the last run of the page before: what follows it
	Limit    int       // rows; 0: PageDefault, at most PageMax
}

// RunRow is one attempt. Outcome is empty while the run is open. Override is filled in wherever a run has one.
type RunRow struct {
	station.RunStart
	HardwareSerial string // observed
	Attempt        int    // 0 before the device was identified
	DeviceID       string // assigned; empty before
	Outcome        station.Outcome
	Proof          station.Proof
	Phase          station.Phase
	Code           station.Code
	Params         map[string]string
	Warnings       []station.Warning
	SPKI, Leaf     []byte // SHA-256
	NotAfter       time.Time
	Contract       station.Contract
	WireTx, WireRx uint64
	Elapsed        time.Duration
	EndedAt        time.Time
}

// where collects conditions; every one is a constant text with its values beside it.
type where struct {
	conds []string
	args  []any
}

func (w *where) add(cond string, args ...any) {
	w.conds, w.args = append(w.conds, cond), append(w.args, args...)
}

func (w *where) text(col, val string) {
	if val != "" {
		w.add(col+" = ?", val)
	}
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}

const runColumns = `r.run, r.tenant, r.site, r.station, r.station_id, r.operator, r.batch, r.profile, r.slot, r.port,
	r.version, r.config_digest, r.requested_device_id, r.requested_key_type, r.requested_reenroll, r.task, r.started_at,
	r.utc_offset, coalesce(r.hardware_serial, ''), coalesce(r.attempt, 0), coalesce(r.device_id, ''),
	coalesce(r.outcome, ''), r.proof, r.phase, r.code, r.params, r.warnings, r.spki, r.leaf, r.not_after, r.contract,
	r.wire_tx, r.wire_rx, r.elapsed_us, r.ended_at, o.held_run, o.code, o.reason, o.operator, o.lead`

const runTables = " FROM runs r LEFT JOIN overrides o ON o.run = r.run"

func scanRun(scan func(...any) error) (RunRow, error) {
	var r RunRow
	var started, notAfter, ended sql.NullInt64
	var params, warnings string
	var elapsed int64
	var held, code, reason, operator, lead sql.NullString
	err := scan(&r.Run, &r.Tenant, &r.Site, &r.Station, &r.StationID, &r.Operator, &r.Batch, &r.Profile, &r.Slot, &r.Port,
		&r.Version, &r.ConfigDigest, &r.RequestedID, &r.RequestedKey, &r.Reenroll, &r.Task, &started, &r.UTCOffset,
		&r.HardwareSerial, &r.Attempt, &r.DeviceID, &r.Outcome, &r.Proof, &r.Phase, &r.Code, &params, &warnings, &r.SPKI,
		&r.Leaf, &notAfter, &r.Contract, &r.WireTx, &r.WireRx, &elapsed, &ended,
		&held, &code, &reason, &operator, &lead)
	if err != nil {
		return RunRow{}, err
	}
	r.StartedAt, r.NotAfter, r.EndedAt = fromMicros(started), fromMicros(notAfter), fromMicros(ended)
	r.Elapsed = time.Duration(elapsed) * time.Microsecond
	if lead.Valid {
		r.Override = &station.Override{
			Code: station.Code(code.String), Run: held.String, Reason: reason.String, Operator: operator.String,
			Lead: lead.String,
		}
	}
	if r.Params, err = fromJSON(params); err != nil {
		return RunRow{}, err
	}
	if err := json.Unmarshal([]byte(warnings), &r.Warnings); err != nil {
		return RunRow{}, fmt.Errorf("warnings: %w: %w", ErrCorrupt, err)
	}
	if len(r.Warnings) == 0 {
		r.Warnings = nil
	}
	return r, nil
}

// fromJSON reverses toJSON; no facts are nil.
func fromJSON(s string) (map[string]string, error) {
	var m map[string]string
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		return nil, fmt.Errorf("facts: %w: %w", ErrCorrupt, err)
	}
	if len(m) == 0 {
		return nil, nil
	}
	return m, nil
}

// query reads rows with scan.
func query[T any](ctx context.Context, l *Ledger, scan func(func(...any) error) (T, error), q string, args ...any) ([]T, error) {
	ctx, cancel := l.d.bound(ctx)
	defer cancel()
	rows, err := l.read.QueryContext(ctx, q, args...)
	if err != nil {
		return nil, l.readErr(l.d.failed(ctx, err))
	}
	defer func() { _ = rows.Close() }()
	var out []T
	for rows.Next() {
		v, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil {
		return nil, l.readErr(l.d.failed(ctx, err))
	}
	return out, nil
}

// Runs lists attempts, newest first, one page at a time.
func (l *Ledger) Runs(ctx context.Context, f Filter) ([]RunRow, error) {
	if err := f.check(); err != nil {
		return nil, l.wrap(err, "list runs", "")
	}
	q, args := runsQuery(f)
	rows, err := query(ctx, l, scanRun, q, args...)
	return rows, l.wrap(err, "list runs", "")
}

func runsQuery(f Filter) (string, []any) {
	w := f.where()
	if f.After != "" {
		w.add("(r.started_at, r.run) < (SELECT started_at, run FROM runs WHERE run = ?)", f.After)
	}
	return "SELECT " + runColumns + runTables + w.String() + " ORDER BY r.started_at DESC, r.run DESC LIMIT ?",
		append(w.args, page(f.Limit))
}

// Count is how many runs the filter chooses, whatever its After and Limit.
func (l *Ledger) Count(ctx context.Context, f Filter) (n int, err error) {
	if err = f.check(); err == nil {
		w := f.where()
		err = l.readErr(l.read.QueryRowContext(ctx, "SELECT count(*) FROM runs r"+w.String(), w.args...).Scan(&n))
	}
	if err != nil {
		return 0, l.wrap(err, "count runs", "")
	}
	return n, nil
}

// Observation is what a device said of itself in a run.
type Observation struct {
	station.Observed
	At time.Time
}

// RunDetail is one attempt with everything that was recorded on the way.
type RunDetail struct {
	RunRow
	Observations []Observation
	Phases       []station.PhaseEnd
	Posts        []PostRow
	Proofs       []station.ProofRecord
	Certificates []CertRow    // received in this run
	Labels       []LabelPrint // of this run, newest first
	Held         Held         // of a run that ended UNCERTAIN
}

// Run finds one attempt. station.ErrNotFound.
func (l *Ledger) Run(ctx context.Context, id string) (RunDetail, error) {
	d, err := l.run(ctx, id)
	if err != nil {
		return RunDetail{}, l.wrap(err, "run", id)
	}
	return d, nil
}

func (l *Ledger) run(ctx context.Context, id string) (d RunDetail, err error) {
	rows, err := query(ctx, l, scanRun, "SELECT "+runColumns+runTables+" WHERE r.run = ?", id)
	if err != nil {
		return d, err
	}
	if len(rows) == 0 {
		return d, station.ErrNotFound
	}
	d.RunRow = rows[0]
	d.Observations, err = query(ctx, l, func(scan func(...any) error) (Observation, error) {
		var o Observation
		var offset, at sql.NullInt64
		err := scan(&o.HardwareSerial, &o.Model, &o.Firmware, &o.BootID, &o.State, &offset, &at)
		o.Tenant, o.At, o.HasClock = d.Tenant, fromMicros(at), offset.Valid
		o.ClockOffset = time.Duration(offset.Int64) * time.Microsecond
		return o, err
	}, `SELECT hardware_serial, model, firmware, boot_id, state, clock_offset_us, observed_at FROM observations
		WHERE run = ? ORDER BY n`, id)
	if err != nil {
		return d, err
	}
	if d.Phases, err = query(ctx, l, scanPhase, `SELECT run, phase, status, started_at, ended_at, tries, code, facts
		FROM phases WHERE run = ? ORDER BY n`, id); err != nil {
		return d, err
	}
	if d.Posts, err = l.posts(ctx, "run = ? ORDER BY begun_at, post", id); err != nil {
		return d, err
	}
	if d.Proofs, err = l.proofs(ctx, "run = ? ORDER BY n", id); err != nil {
		return d, err
	}
	if d.Certificates, err = l.certificates(ctx, "c.run = ? ORDER BY c.received_at", id); err != nil {
		return d, err
	}
	if d.Labels, err = l.labels(ctx, "run = ?", id); err != nil || d.Outcome != station.Uncertain {
		return d, err
	}
	d.Held, err = l.held(ctx, id)
	return d, err
}

func scanPhase(scan func(...any) error) (station.PhaseEnd, error) {
	var p station.PhaseEnd
	var started, ended sql.NullInt64
	var facts string
	if err := scan(&p.Run, &p.Phase, &p.Status, &started, &ended, &p.Tries, &p.Code, &facts); err != nil {
		return p, err
	}
	p.StartedAt, p.EndedAt = fromMicros(started), fromMicros(ended)
	var err error
	p.Facts, err = fromJSON(facts)
	return p, err
}

func (l *Ledger) proofs(ctx context.Context, cond string, args ...any) ([]station.ProofRecord, error) {
	return query(ctx, l, func(scan func(...any) error) (station.ProofRecord, error) {
		var p station.ProofRecord
		var at sql.NullInt64
		var readback string
		err := scan(&p.Run, &p.Tenant, &p.HardwareSerial, &p.DeviceID, &p.SPKI, &p.Leaf, &p.Proof, &p.Broker, &p.TLS,
			&p.MQTT, &readback, &at)
		if err != nil {
			return p, err
		}
		p.At = fromMicros(at)
		p.Readback, err = fromJSON(readback)
		return p, err
	}, `SELECT run, tenant, hardware_serial, device_id, spki, leaf, proof, broker, tls, mqtt, readback, proven_at
		FROM proofs WHERE `+cond, args...)
}
