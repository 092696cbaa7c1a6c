package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"provstation/station"
)

// Entry is one fact that is on file here and not yet in the ledger that the stations share.
type Entry struct {
	// Epoch and Seq name it: the process that told it, and its place among what that process told. Epochs are UUIDv7.
	Epoch string
	Seq   int64
	Kind  FactKind
	Run   string
	Lease Lease // under which it was told; no fence: under none
	// Asked: whoever told it waits for what becomes of it, and does not go on where it is refused.
	Asked bool
	At    time.Time
	Body  []byte // JSON
}

// EntryMax bounds an entry's body.
const EntryMax = 4 << 20

// outgoing is what a ledger knows of its outbox. It belongs to the writer's goroutine, but for the leases.
type outgoing struct {
	epoch string
	seq   int64
}

// queue puts the fact into the outbox, in the transaction that writes it, where this ledger is one that has others behind it.
func (t *txn) queue(ctx context.Context, l *Ledger, f fact, at time.Time) error {
	if !t.w.partial {
		return nil
	}
	body, err := json.Marshal(f.args)
	if err == nil {
		body, err = scrub(body)
	}
	if err != nil {
		return fmt.Errorf("fact %s: %w", f.kind, err)
	}
	if len(body) > EntryMax {
		return fmt.Errorf("%w: fact %s of %d bytes", ErrInvalid, f.kind, len(body))
	}
	lease := l.leaseOf(f.run)
	var n int64
	if _, err := t.one(ctx, "SELECT coalesce(max(n), 0) FROM outbox", nil, &n); err != nil {
		return err
	}
	t.w.out.seq++
	_, err = t.run(ctx, `INSERT INTO outbox (n, epoch, seq, kind, run, tenant, hardware_serial, station_id, fence, asked, at, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, n+1, t.w.out.epoch, t.w.out.seq, string(f.kind), f.run, lease.Tenant,
		lease.HardwareSerial, lease.StationID, lease.Fence, flag(f.asks), micros(at), body)
	return err
}

// maySecret finds texts in which [free] may have something to hide.
var maySecret = regexp.MustCompile(`(?i)private|preshared`)

// scrub hides private keys in the texts of a fact, as the record of it does.
func scrub(body []byte) ([]byte, error) {
	if !maySecret.Match(body) {
		return body, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(scrubbed(v))
}

func scrubbed(v any) any {
	switch v := v.(type) {
	case string:
		if keyText.MatchString(v) {
			return hiddenText
		}
		return v
	case []any:
		for i := range v {
			v[i] = scrubbed(v[i])
		}
		return v
	case map[string]any:
		for k, e := range v {
			delete(v, k)
			v[free(k)] = scrubbed(e)
		}
		return v
	default:
		return v
	}
}

// OnQueued has fn called each time something was put into the outbox by this ledger, when it is durable.
func (l *Ledger) OnQueued(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued = fn
}

func (l *Ledger) tellQueued() {
	l.mu.Lock()
	fn := l.queued
	l.mu.Unlock()
	if fn != nil {
		fn()
	}
}

// UnderLease has the facts of a run carry the lease, until the zero lease takes it back.
func (l *Ledger) UnderLease(run string, e Lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e == (Lease{}) {
		delete(l.leases, run)
		return
	}
	if l.leases == nil {
		l.leases = make(map[string]Lease)
	}
	l.leases[run] = e
}

func (l *Ledger) leaseOf(run string) Lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leases[run]
}

// QueueRelease has the lease given back after everything that was told before.
func (l *Ledger) QueueRelease(ctx context.Context, e Lease) error {
	return l.wrap(l.put(ctx, factRelease.of(e)), "release device", e.HardwareSerial)
}

// Pending lists what the shared ledger does not have yet, in the order it was told, at most limit.
func (l *Ledger) Pending(ctx context.Context, limit int) ([]Entry, error) {
	rows, err := query(ctx, l, func(scan func(...any) error) (e Entry, err error) {
		var at sql.NullInt64
		var asked int64
		err = scan(&e.Epoch, &e.Seq, &e.Kind, &e.Run, &e.Lease.Tenant, &e.Lease.HardwareSerial, &e.Lease.StationID, &e.Lease.Fence,
			&asked, &at, &e.Body)
		e.At, e.Asked = fromMicros(at), asked == 1
		return e, err
	}, `SELECT epoch, seq, kind, run, tenant, hardware_serial, station_id, fence, asked, at, body FROM outbox ORDER BY n LIMIT ?`, limit)
	return rows, l.wrap(err, "read outbox", "")
}

// Waiting is how many facts the shared ledger does not have yet, and since when; the zero time: none.
func (l *Ledger) Waiting(ctx context.Context) (n int, since time.Time, err error) {
	var at sql.NullInt64
	err = l.read.QueryRowContext(ctx, "SELECT count(*), min(at) FROM outbox").Scan(&n, &at)
	return n, fromMicros(at), l.wrap(l.readErr(err), "count outbox", "")
}

// WaitingKinds is how many facts of each kind the shared ledger does not have yet.
func (l *Ledger) WaitingKinds(ctx context.Context) (map[FactKind]int, error) {
	kinds := map[FactKind]int{}
	_, err := query(ctx, l, func(scan func(...any) error) (struct{}, error) {
		var kind FactKind
		var n int
		err := scan(&kind, &n)
		kinds[kind] = n
		return struct{}{}, err
	}, "SELECT kind, count(*) FROM outbox GROUP BY kind")
	return kinds, l.wrap(err, "count outbox", "")
}

// Acknowledge deletes entries that the shared ledger has now, and keeps what it said of them, in one transaction.
func (l *Ledger) Acknowledge(ctx context.Context, merged []Merged) error {
	err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
		for _, m := range merged {
			if m.Duplicate != nil {
				if err := t.keepDuplicate(ctx, *m.Duplicate); err != nil {
					return err
				}
			}
			if _, err := t.run(ctx, "DELETE FROM outbox WHERE epoch = ? AND seq = ?", m.Epoch, m.Seq); err != nil {
				return err
			}
		}
		return nil
	})
	return l.wrap(err, "clear outbox", "")
}

// Insist has the run's facts of a kind told to the shared ledger whatever it says: the run goes on without its answer.
func (l *Ledger) Insist(ctx context.Context, run string, kind FactKind) error {
	err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
		_, err := t.run(ctx, "UPDATE outbox SET asked = 0 WHERE run = ? AND kind = ?", run, string(kind))
		return err
	})
	return l.wrap(err, "insist on run", run)
}

// Yield lets the hardware have the device id here because the ledger that the stations share says so: who had it here has it
// no more.
func (l *Ledger) Yield(ctx context.Context, b station.Binding) error {
	err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
		_, err := t.exec(ctx, `UPDATE devices SET device_id = NULL, device_id_fold = NULL, updated_at = ?
			WHERE tenant = ? AND device_id_fold = ? AND hardware_serial <> ?`, micros(b.At), b.Tenant, fold(b.DeviceID), b.HardwareSerial)
		if err == nil {
			_, err = t.exec(ctx, `UPDATE devices SET device_id = ?, device_id_fold = ?, id_source = ?, bound_run = ?, bound_at = ?,
				updated_at = ? WHERE tenant = ? AND hardware_serial = ?`, b.DeviceID, fold(b.DeviceID), free(b.Source), b.Run,
				micros(b.At), micros(b.At), b.Tenant, b.HardwareSerial)
		}
		if err == nil {
			_, err = t.exec(ctx, "UPDATE runs SET device_id = ?, device_id_fold = ? WHERE run = ? AND outcome IS NULL",
				b.DeviceID, fold(b.DeviceID), b.Run)
		}
		if err == nil {
			err = t.refold(ctx, b.Run)
		}
		return err
	})
	return l.wrap(err, "bind device", b.DeviceID)
}

// Unbind takes back what the run bound here, because the shared ledger refused it.
func (l *Ledger) Unbind(ctx context.Context, b station.Binding) error {
	err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
		_, err := t.exec(ctx, `UPDATE devices SET device_id = NULL, device_id_fold = NULL, updated_at = ? WHERE tenant = ?
			AND hardware_serial = ? AND device_id = ? AND bound_run = ?`, micros(b.At), b.Tenant, b.HardwareSerial, b.DeviceID, b.Run)
		return err
	})
	return l.wrap(err, "unbind device", b.DeviceID)
}

// IsTaken reports whether err says that what was claimed is another device's, or that device and ledger contradict each other.
func IsTaken(err error) bool {
	for _, class := range []error{
		station.ErrDeviceIDTaken, station.ErrHardwareBound, station.ErrKeyTaken, station.ErrAddressTaken, station.ErrConflict,
	} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}
