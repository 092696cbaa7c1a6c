package ledger

import (
	"context"
	"errors"
	"fmt"

	"provstation/station"
)

// Merged is what became of an entry.
type Merged struct {
	Entry
	// Refused is why an entry that was asked was not written. Nothing of it is in the shared ledger.
	Refused error
	// Duplicate is set where the entry says otherwise than what is on file, or comes too late. What it says is kept.
	Duplicate *Duplicate
}

// Merge writes what a station has told its own ledger, in this order, all in one transaction, each entry once: those that an
// earlier call has written are passed over, also one that was not answered.
//
// An entry that contradicts what is on file takes nothing of the others with it. One that was asked is refused. One that has
// happened already is kept as a [Duplicate], which says whom it contradicts; the station that recorded the other one is told
// ([Ledger.Listen]). Entries under a lease that another station has taken since are written, but say nothing any more of
// what the device is now.
//
// An error is the database's, and means that nothing was written.
func (l *Ledger) Merge(ctx context.Context, stationID string, entries []Entry) ([]Merged, error) {
	if err := need(field{"station id", stationID}); err != nil {
		return nil, l.wrap(err, "merge", "")
	}
	m := &merger{station: stationID, entries: entries, facts: make([]fact, len(entries)), bad: make([]error, len(entries))}
	for i, e := range entries {
		m.facts[i], m.bad[i] = parseFact(e.Kind, e.Body)
		m.guarded = m.guarded || m.bad[i] != nil
	}
	// Nearly always nothing contradicts: then no entry needs a savepoint, which is two exchanges with a server.
	err := l.write.do(ctx, m.merge)
	if errors.Is(err, errContradicts) {
		m.guarded = true
		err = l.write.do(ctx, m.merge)
	}
	if err != nil {
		return nil, l.wrap(err, "merge what station", stationID)
	}
	return m.out, nil
}

// errContradicts: an entry contradicts what is on file, and was not written in a savepoint of its own.
var errContradicts = errors.New("an entry contradicts what is on file")

// merger merges entries. What it has looked up cannot change while it holds the ledger's lock.
type merger struct {
	station string
	entries []Entry
	facts   []fact
	bad     []error // of those that cannot be read
	guarded bool    // each entry in a savepoint of its own

	out    []Merged
	told   map[string]int64 // by epoch
	fences map[Lease]int64  // by tenant and hardware serial
}

func (m *merger) merge(ctx context.Context, t *txn) error {
	m.out, m.told, m.fences = make([]Merged, 0, len(m.entries)), map[string]int64{}, map[Lease]int64{}
	for i, e := range m.entries {
		one := Merged{Entry: e}
		told, err := m.toldBefore(ctx, t, e)
		if err == nil && !told {
			one.Refused, one.Duplicate, err = m.entry(ctx, t, i)
		}
		if err != nil {
			return err
		}
		m.out = append(m.out, one)
	}
	return t.noteTold(ctx, m.station, m.entries)
}

// entry writes one entry.
func (m *merger) entry(ctx context.Context, t *txn, i int) (refused error, d *Duplicate, err error) {
	e, f, stationID := m.entries[i], m.facts[i], m.station
	late, err := m.late(ctx, t, e)
	if err != nil {
		return nil, nil, err
	}
	if late && e.Asked {
		return ErrLeaseLost, nil, nil
	}
	werr := m.bad[i]
	switch {
	case werr != nil:
	case m.guarded:
		if werr, err = t.alone(ctx, func() error { return t.mergeFact(ctx, e, f, late) }); err != nil {
			return nil, nil, err
		}
	default:
		if err := classify(t.mergeFact(ctx, e, f, late), t.w.dir); isStorage(err) {
			return nil, nil, err
		} else if err != nil {
			return nil, nil, fmt.Errorf("%w: %w", errContradicts, err)
		}
	}
	said := t.said
	if werr != nil {
		said = werr
	}
	t.said = nil
	switch {
	case said != nil && e.Asked:
		return said, nil, nil
	case said != nil:
		d, err = t.contradicts(ctx, stationID, e, said)
	case late && f.kind == factFinish.name:
		d, err = t.cameLate(ctx, stationID, e)
	}
	return nil, d, err
}

func (t *txn) mergeFact(ctx context.Context, e Entry, f fact, late bool) error {
	t.merging, t.stale = true, late
	defer func() { t.merging, t.stale = false, false }()
	return t.tell(ctx, f, e.At)
}

// alone runs fn in a savepoint: what it says is wrong undoes what it did; err is the database's, and everybody's.
func (t *txn) alone(ctx context.Context, fn func() error) (wrong, err error) {
	if _, err := t.exec(ctx, "SAVEPOINT entry"); err != nil {
		return nil, err
	}
	before := t.trail
	before.changed, before.seen = append([]rowKey(nil), t.trail.changed...), copySeen(t.trail.seen)
	wrong = classify(fn(), t.w.dir)
	if isStorage(wrong) {
		return nil, wrong
	}
	if wrong != nil {
		if _, err := t.exec(ctx, "ROLLBACK TO entry"); err != nil {
			return nil, err
		}
		t.trail = before
		t.said = nil
	}
	_, err = t.exec(ctx, "RELEASE entry")
	return wrong, err
}

func copySeen(seen map[string]bool) map[string]bool {
	if seen == nil {
		return nil
	}
	c := make(map[string]bool, len(seen))
	for k := range seen {
		c[k] = true
	}
	return c
}

// late reports whether another station has taken the device since the entry's lease.
func (m *merger) late(ctx context.Context, t *txn, e Entry) (bool, error) {
	if e.Lease.Fence == 0 {
		return false, nil
	}
	d := Lease{Tenant: e.Lease.Tenant, HardwareSerial: e.Lease.HardwareSerial}
	fence, known := m.fences[d]
	if !known {
		_, err := t.one(ctx, "SELECT coalesce(max(fence), 0) FROM leases WHERE tenant = ? AND hardware_serial = ?",
			[]any{d.Tenant, d.HardwareSerial}, &fence)
		if err != nil {
			return false, err
		}
		m.fences[d] = fence
	}
	return fence > e.Lease.Fence, nil
}

// toldBefore reports whether an entry was merged by an earlier call.
func (m *merger) toldBefore(ctx context.Context, t *txn, e Entry) (bool, error) {
	seq, known := m.told[e.Epoch]
	if !known {
		_, err := t.one(ctx, "SELECT coalesce(max(seq), 0) FROM merged WHERE station_id = ? AND epoch = ?",
			[]any{m.station, e.Epoch}, &seq)
		if err != nil {
			return false, err
		}
		m.told[e.Epoch] = seq
	}
	return e.Seq <= seq, nil
}

// noteTold notes how far the station's entries are merged.
func (t *txn) noteTold(ctx context.Context, stationID string, entries []Entry) error {
	last := map[string]int64{}
	for _, e := range entries {
		last[e.Epoch] = max(last[e.Epoch], e.Seq)
	}
	for epoch, seq := range last {
		_, err := t.run(ctx, `INSERT INTO merged (station_id, epoch, seq) VALUES (?, ?, ?)
			ON CONFLICT (station_id, epoch) DO UPDATE SET seq = CASE WHEN excluded.seq > merged.seq THEN excluded.seq ELSE merged.seq END`,
			stationID, epoch, seq)
		if err != nil {
			return err
		}
	}
	return nil
}

func isLeaseLost(err error) bool { return errors.Is(err, ErrLeaseLost) }

// contradicts keeps an entry that cannot be written, with whom it contradicts.
func (t *txn) contradicts(ctx context.Context, stationID string, e Entry, why error) (*Duplicate, error) {
	d := newDuplicate(stationID, e)
	d.Detail = free(why.Error())
	switch {
	case errors.Is(why, station.ErrKeyTaken):
		d.Kind = DuplicateKey
	case errors.Is(why, station.ErrDeviceIDTaken), errors.Is(why, station.ErrHardwareBound):
		d.Kind = DuplicateID
	case errors.Is(why, station.ErrAddressTaken):
		d.Kind = DuplicateAddress
	default:
		d.Kind = DuplicateRecord
	}
	if err := t.about(ctx, &d); err != nil {
		return nil, err
	}
	var taken *Taken
	if errors.As(why, &taken) {
		d.OtherSerial, d.OtherID = taken.HardwareSerial, taken.DeviceID
	}
	if err := t.other(ctx, &d); err != nil {
		return nil, err
	}
	return &d, t.tellDuplicate(ctx, d)
}

// cameLate keeps that a run ended after another station had taken its device.
func (t *txn) cameLate(ctx context.Context, stationID string, e Entry) (*Duplicate, error) {
	d := newDuplicate(stationID, e)
	d.Kind, d.Detail = DuplicateLease, fmt.Sprintf("the run ended under fence %d, after another station had taken the device", e.Lease.Fence)
	if err := t.about(ctx, &d); err != nil {
		return nil, err
	}
	var holder string
	_, err := t.one(ctx, "SELECT station_id FROM leases WHERE tenant = ? AND hardware_serial = ?",
		[]any{e.Lease.Tenant, e.Lease.HardwareSerial}, &holder)
	if err != nil {
		return nil, err
	}
	d.OtherStation, d.OtherSerial = holder, e.Lease.HardwareSerial
	_, err = t.one(ctx, `SELECT run, station FROM runs WHERE tenant = ? AND hardware_serial = ? AND run <> ?
		ORDER BY started_at DESC, run DESC LIMIT 1`, []any{e.Lease.Tenant, e.Lease.HardwareSerial, e.Run}, &d.OtherRun, &d.OtherName)
	if err != nil {
		return nil, err
	}
	return &d, t.tellDuplicate(ctx, d)
}
