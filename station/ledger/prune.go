package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"github.com/google/uuid"
)

// pruneChunk is how many runs are deleted in one transaction: runs in flight wait that long for their own records.
const pruneChunk = 100

// PruneConfig says what is to be deleted.
type PruneConfig struct {
	Tenant string
	Before time.Time // runs that ended before
	By     string    // who wants it; may be empty
	Really bool      // delete; else only count
}

// PruneReport is what was deleted, or would be.
type PruneReport struct {
	Prune        string // of the row that says so; empty where nothing was deleted
	Runs         int64  // that are gone altogether
	Thinned      int64  // that stay with their result alone, because keys, certificates or people's decisions rest on them
	Phases       int64
	Observations int64
	Labels       int64
	Kept         int64  // older runs that stay whole: see Prune
	Digest       []byte // SHA-256 over the deleted rows
}

// Prune deletes what is known of runs that ended before a time: runs, phases, observations, journal entries and label prints.
// Devices, keys, certificates, requests, proofs, overrides and decisions all stay, and so does the row of a run that one of
// them rests on (it loses its phases, observations and label prints alone).
//
// A run stays whole while it is: not ended; held and not settled; with a request or a journal entry that nobody knows the
// end of; waiting in the queue of collected requests; the one that shows its device's present state, or that put in a certificate
// which no PASS has followed; of a batch that is not closed; or the newest of its device.
//
// What was deleted is said by one row of the table pruned, written in the same transactions, with a digest over the rows.
//
// Errors: ErrInvalid (no tenant, no time, or one that is not in the past).
func (l *Ledger) Prune(ctx context.Context, c PruneConfig) (PruneReport, error) {
	err := need(field{"tenant", c.Tenant})
	if err == nil && (c.Before.IsZero() || c.Before.After(l.cfg.Now())) {
		err = fmt.Errorf("%w: runs before %s: want a time that is past", ErrInvalid, c.Before.Format(time.RFC3339))
	}
	if err != nil {
		return PruneReport{}, l.wrap(err, "prune", "")
	}
	r, err := l.prunable(ctx, c)
	if err == nil && c.Really && r.Runs+r.Thinned > 0 {
		kept := r.Kept
		r, err = l.prune(ctx, c)
		r.Kept = kept
	}
	return r, l.wrap(err, "prune", "")
}

// old is the condition on runs r that the retention is over; needed, that it stays whole all the same.
const (
	old    = `r.tenant = ? AND r.started_at < ? AND (r.ended_at IS NULL OR r.ended_at < ?)`
	needed = `(r.outcome IS NULL OR (` + unresolved + `)
	OR EXISTS (SELECT 1 FROM posts p WHERE p.run = r.run AND p.state IN ('open', 'unknown'))
	OR EXISTS (SELECT 1 FROM intents i WHERE i.run = r.run AND i.result IS NULL)
	OR EXISTS (SELECT 1 FROM intents i JOIN certificates c ON c.fingerprint = i.leaf AND c.tenant = i.tenant
		WHERE i.run = r.run AND i.kind = 'install' AND i.result IN ('done', 'found done') AND c.revoked_at IS NULL
		AND i.begun_at > coalesce((SELECT d.passed_at FROM devices d WHERE d.tenant = r.tenant AND d.hardware_serial = r.hardware_serial), 0))
	OR EXISTS (SELECT 1 FROM collected q WHERE q.run = r.run AND q.state NOT IN ('installed', 'dropped'))
	OR EXISTS (SELECT 1 FROM devices d WHERE d.tenant = r.tenant AND d.hardware_serial = r.hardware_serial
		AND (d.pass_run = r.run OR d.last_run = r.run))
	OR EXISTS (SELECT 1 FROM batches b WHERE b.tenant = r.tenant AND b.batch = r.batch AND b.state <> 'closed'))`
	// anchor: something that stays refers to the run.
	anchor = `(EXISTS (SELECT 1 FROM devices d WHERE d.bound_run = r.run)
	OR EXISTS (SELECT 1 FROM keys k WHERE k.run = r.run)
	OR EXISTS (SELECT 1 FROM posts p WHERE p.run = r.run)
	OR EXISTS (SELECT 1 FROM certificates c WHERE c.run = r.run)
	OR EXISTS (SELECT 1 FROM refused_certificates f WHERE f.run = r.run)
	OR EXISTS (SELECT 1 FROM tunnel_addresses a WHERE a.run = r.run)
	OR EXISTS (SELECT 1 FROM proofs p WHERE p.run = r.run)
	OR EXISTS (SELECT 1 FROM collected q WHERE q.run = r.run)
	OR EXISTS (SELECT 1 FROM overrides o WHERE o.run = r.run)
	OR EXISTS (SELECT 1 FROM resolutions s WHERE s.run = r.run))`
	// thick: there is something to take from a run that stays.
	thick = `(EXISTS (SELECT 1 FROM phases p WHERE p.run = r.run) OR EXISTS (SELECT 1 FROM observations o WHERE o.run = r.run)
	OR EXISTS (SELECT 1 FROM label_prints b WHERE b.run = r.run) OR EXISTS (SELECT 1 FROM intents i WHERE i.run = r.run))`
	prunable = old + " AND NOT " + needed + " AND (NOT " + anchor + " OR " + thick + ")"
)

func (c PruneConfig) args() []any {
	return []any{c.Tenant, c.Before.UnixMicro(), c.Before.UnixMicro()}
}

// prunable counts.
func (l *Ledger) prunable(ctx context.Context, c PruneConfig) (r PruneReport, err error) {
	chosen := " WHERE run IN (SELECT r.run FROM runs r WHERE " + prunable + ")"
	for _, one := range []struct {
		n *int64
		q string
	}{
		{&r.Runs, "SELECT count(*) FROM runs r WHERE " + prunable + " AND NOT " + anchor},
		{&r.Thinned, "SELECT count(*) FROM runs r WHERE " + prunable + " AND " + anchor},
		{&r.Kept, "SELECT count(*) FROM runs r WHERE " + old + " AND " + needed},
		{&r.Phases, "SELECT count(*) FROM phases" + chosen},
		{&r.Observations, "SELECT count(*) FROM observations" + chosen},
		{&r.Labels, "SELECT count(*) FROM label_prints" + chosen},
	} {
		if err := l.read.QueryRowContext(ctx, one.q, c.args()...).Scan(one.n); err != nil {
			return r, l.readErr(err)
		}
	}
	return r, nil
}

// prune deletes chunk by chunk; each says in its own transaction what is gone.
func (l *Ledger) prune(ctx context.Context, c PruneConfig) (r PruneReport, err error) {
	r.Prune, r.Digest = uuid.Must(uuid.NewV7()).String(), make([]byte, sha256.Size)
	for {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		var next PruneReport
		var n int
		err := l.write.do(ctx, func(ctx context.Context, t *txn) (err error) {
			next = r // once more from the beginning where the transaction is tried again
			n, err = t.pruneChunk(ctx, c, &next)
			if err != nil || n == 0 {
				return err
			}
			return t.sayPruned(ctx, c, next, micros(l.cfg.Now()))
		})
		if err != nil {
			return r, err
		}
		r = next
		if n < pruneChunk {
			return r, nil
		}
	}
}

func (t *txn) sayPruned(ctx context.Context, c PruneConfig, r PruneReport, now any) error {
	_, err := t.exec(ctx, `INSERT INTO pruned (prune, tenant, before, pruned_by, pruned_at, runs, phases, observations, label_prints, digest)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (prune) DO UPDATE SET pruned_at = excluded.pruned_at, runs = excluded.runs, phases = excluded.phases,
			observations = excluded.observations, label_prints = excluded.label_prints, digest = excluded.digest`,
		r.Prune, c.Tenant, c.Before.UnixMicro(), free(c.By), now, r.Runs, r.Phases, r.Observations, r.Labels, r.Digest)
	return err
}

func (t *txn) pruneChunk(ctx context.Context, c PruneConfig, r *PruneReport) (int, error) {
	runs, err := t.list(ctx, "SELECT r.run, CASE WHEN "+anchor+" THEN 1 ELSE 0 END FROM runs r WHERE "+prunable+
		" ORDER BY r.started_at, r.run LIMIT ?", append(c.args(), pruneChunk)...)
	if err != nil {
		return 0, err
	}
	sum := sha256.New()
	_, _ = sum.Write(r.Digest)
	for _, row := range runs {
		run := text(row[0])
		for _, part := range []struct {
			table, order string
			n            *int64
		}{{"phases", "n", &r.Phases}, {"observations", "n", &r.Observations}, {"label_prints", "print", &r.Labels}, {"intents", "intent", new(int64)}} {
			if err := t.drop(ctx, sum, part.table, part.order, run, part.n); err != nil {
				return 0, err
			}
		}
		if stays, _ := row[1].(int64); stays == 1 {
			r.Thinned++
			continue
		}
		if err := t.drop(ctx, sum, "runs", "run", run, &r.Runs); err != nil {
			return 0, err
		}
	}
	r.Digest = sum.Sum(nil)
	return len(runs), nil
}

// drop deletes the rows of a run in a table, and adds them to the sum and the count. Table and column are constants.
func (t *txn) drop(ctx context.Context, sum hash.Hash, table, order, run string, count *int64) error {
	rows, err := t.list(ctx, "SELECT * FROM "+table+" WHERE run = ? ORDER BY "+order, run)
	if err != nil || len(rows) == 0 {
		return err
	}
	for _, row := range rows {
		digestRow(sum, table, row)
	}
	n, err := t.exec(ctx, "DELETE FROM "+table+" WHERE run = ?", run)
	*count += n
	return err
}

// list reads rows of a few columns; it is for few rows.
func (t *txn) list(ctx context.Context, q string, args ...any) ([][]any, error) {
	s, err := t.stmt(ctx, q) //nolint:sqlclosecheck // kept for the connection's life
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	return scanAll(rows)
}

func scanAll(rows *sql.Rows) (all [][]any, err error) {
	cols, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, dest := make([]any, len(cols)), make([]any, len(cols))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}

// digestRow adds a row to a sum, each value with its kind and length, so that no two rows give the same bytes.
func digestRow(sum hash.Hash, table string, row []any) {
	part := func(kind byte, b []byte) {
		var head [9]byte
		head[0] = kind
		binary.BigEndian.PutUint64(head[1:], uint64(len(b)))
		_, _ = sum.Write(head[:])
		_, _ = sum.Write(b)
	}
	part('t', []byte(table))
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			part('n', nil)
		case []byte:
			part('b', v)
		default:
			part('v', []byte(fmt.Sprint(v)))
		}
	}
}

// Pruned is one row of what was deleted.
type Pruned struct {
	PruneReport
	Tenant string
	Before time.Time
	By     string
	At     time.Time
}

// PrunedList lists what was deleted, newest first, at most PageMax.
func (l *Ledger) PrunedList(ctx context.Context, tenant string) ([]Pruned, error) {
	rows, err := query(ctx, l, func(scan func(...any) error) (p Pruned, err error) {
		var before, at sql.NullInt64
		err = scan(&p.Prune, &p.Tenant, &before, &p.By, &at, &p.Runs, &p.Phases, &p.Observations, &p.Labels, &p.Digest)
		p.Before, p.At = fromMicros(before), fromMicros(at)
		return p, err
	}, `SELECT prune, tenant, before, pruned_by, pruned_at, runs, phases, observations, label_prints, digest FROM pruned
		WHERE tenant = ? ORDER BY pruned_at DESC, prune LIMIT ?`, tenant, PageMax)
	return rows, l.wrap(err, "list what was pruned", "")
}
