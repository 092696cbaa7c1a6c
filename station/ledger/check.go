package ledger

import (
	"context"
	"fmt"
	"os"
)

// CheckReport is what Check found.
type CheckReport struct {
	Path       string // "" in memory
	Schema     int64
	Runs       int64
	Size       int64    // bytes of the database file and its log
	Free       uint64   // bytes the user may still write beside it
	Integrity  []string // SQLite's findings, at most 20; empty: sound
	WriteError error    // nil: a row was written and made durable
}

// OK reports whether the ledger is sound and can be written.
func (r CheckReport) OK() bool { return len(r.Integrity) == 0 && r.WriteError == nil }

// Check reads the whole file and writes one row, for the doctor: it takes time in proportion to the file. An error means
// that the check itself could not be made; what it found is in the report.
func (l *Ledger) Check(ctx context.Context) (CheckReport, error) {
	r := CheckReport{Path: l.path}
	var err error
	r.Integrity, err = query(ctx, l, func(scan func(...any) error) (s string, err error) { return s, scan(&s) },
		"PRAGMA quick_check(20)")
	if err != nil {
		return r, l.wrap(err, "check", l.path)
	}
	if len(r.Integrity) == 1 && r.Integrity[0] == "ok" {
		r.Integrity = nil
	}
	broken, err := query(ctx, l, func(scan func(...any) error) (s string, err error) {
		var table, parent string
		err = scan(&table, &parent)
		return "a row of " + table + " refers to a missing row of " + parent, err
	}, `SELECT DISTINCT "table", "parent" FROM pragma_foreign_key_check LIMIT 20`)
	if err != nil {
		return r, l.wrap(err, "check", l.path)
	}
	r.Integrity = append(r.Integrity, broken...)
	err = l.read.QueryRowContext(ctx, `SELECT (SELECT max(version_id) FROM goose_db_version WHERE is_applied),
		(SELECT count(*) FROM runs)`).Scan(&r.Schema, &r.Runs)
	if err != nil {
		return r, l.wrap(l.readErr(err), "check", l.path)
	}
	if l.path != "" {
		if r.Free, err = freeBytes(l.dir); err != nil {
			return r, l.wrap(err, "check", l.path)
		}
		r.Size = fileSize(l.path) + fileSize(l.path+"-wal")
	}
	r.WriteError = l.Writable(ctx)
	return r, nil
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
