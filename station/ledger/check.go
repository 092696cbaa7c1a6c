package ledger

import (
	"context"
	"fmt"
	"os"
)

// CheckReport is what Check found.
type CheckReport struct {
	Database   string // SQLite or Postgres
	Place      string // Ledger.Place
	Path       string // "" in memory and on a server
	Schema     int64
	Runs       int64
	Size       int64    // bytes of the database
	Free       uint64   // bytes the user may still write beside a file; 0 on a server, which does not say
	Integrity  []string // what is damaged, at most 20 findings of a kind; empty: sound
	Warnings   []string // what is no damage yet: a server that does not keep what was committed over a power cut
	WriteError error    // nil: a row was written and made durable
}

// OK reports whether the ledger is sound and can be written.
func (r CheckReport) OK() bool { return len(r.Integrity) == 0 && r.WriteError == nil }

// Check looks for damage and writes one row, for the doctor. A file is read whole: that takes time in proportion to it. A
// server is asked what it knows of its tables. An error means that the check itself could not be made; what it found is in
// the report.
func (l *Ledger) Check(ctx context.Context) (CheckReport, error) {
	r := CheckReport{Database: l.Database(), Place: l.place, Path: l.path}
	err := l.d.check(ctx, l, &r)
	if err == nil {
		err = l.readErr(l.read.QueryRowContext(ctx, `SELECT (SELECT max(version_id) FROM goose_db_version WHERE is_applied),
			(SELECT count(*) FROM runs)`).Scan(&r.Schema, &r.Runs))
	}
	if err != nil {
		return r, l.wrap(err, "check", l.place)
	}
	r.WriteError = l.Writable(ctx)
	return r, nil
}

// texts reads the one column of rows.
func texts(ctx context.Context, l *Ledger, q string) ([]string, error) {
	return query(ctx, l, func(scan func(...any) error) (s string, err error) { return s, scan(&s) }, q)
}

func (sqliteDialect) check(ctx context.Context, l *Ledger, r *CheckReport) (err error) {
	if r.Integrity, err = texts(ctx, l, "PRAGMA quick_check(20)"); err != nil {
		return err
	}
	if len(r.Integrity) == 1 && r.Integrity[0] == "ok" {
		r.Integrity = nil
	}
	broken, err := texts(ctx, l, `SELECT DISTINCT 'a row of ' || "table" || ' refers to a missing row of ' || "parent"
		FROM pragma_foreign_key_check LIMIT 20`)
	if err != nil {
		return err
	}
	r.Integrity = append(r.Integrity, broken...)
	if l.path == "" {
		return nil
	}
	r.Size = fileSize(l.path) + fileSize(l.path+"-wal")
	r.Free, err = freeBytes(l.dir)
	return err
}

// check: a server watches over its own pages; it says which indexes are not to be used and which constraints were never
// checked (an index that was built half, a restore without them).
func (*postgresDialect) check(ctx context.Context, l *Ledger, r *CheckReport) (err error) {
	r.Integrity, err = texts(ctx, l, `SELECT 'index ' || c.relname || ' is not valid' FROM pg_catalog.pg_index i
		JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
		WHERE s.nspname = current_schema() AND NOT (i.indisvalid AND i.indisready) LIMIT 20`)
	if err != nil {
		return err
	}
	loose, err := texts(ctx, l, `SELECT 'constraint ' || k.conname || ' was never checked' FROM pg_catalog.pg_constraint k
		JOIN pg_catalog.pg_namespace s ON s.oid = k.connamespace
		WHERE s.nspname = current_schema() AND NOT k.convalidated LIMIT 20`)
	if err != nil {
		return err
	}
	r.Integrity = append(r.Integrity, loose...)
	if r.Warnings, err = weakness(ctx, l.read); err != nil {
		return err
	}
	return l.readErr(l.read.QueryRowContext(ctx, `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
		WHERE s.nspname = current_schema() AND c.relkind = 'r'`).Scan(&r.Size))
}

// Writable proves that a write can be made durable now: a cheap question before a run.
func (l *Ledger) Writable(ctx context.Context) error {
	err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
		_, err := t.exec(ctx, `INSERT INTO write_check (id, checked_at) VALUES (1, ?)
			ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at`, micros(l.cfg.Now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("write to ledger: %w", classify(err, l.dir))
	}
	return nil
}

func fileSize(path string) int64 {
	fi, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return fi.Size()
}
