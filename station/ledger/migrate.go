package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pressly/goose/v3"

	"provstation/assets"
)

// migrate checks that the database is a ledger this program can write, and brings it to the newest schema.
func (l *Ledger) migrate(ctx context.Context, db *sql.DB) error {
	if l.cfg.migrations != nil {
		return migrateWith(ctx, db, l.cfg.migrations, l)
	}
	files, err := fs.Sub(assets.Migrations, "migrations/"+l.d.name())
	if err != nil {
		return fmt.Errorf("find migrations: %w", err)
	}
	return migrateWith(ctx, db, files, l)
}

// checkDurable asks whether the connection got what durability rests on.
func (l *Ledger) checkDurable(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("read database: %w", err)
	}
	var sync int
	if err := db.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return fmt.Errorf("read database: %w", err)
	}
	if l.path != "" && (mode != "wal" || sync != 2) {
		return fmt.Errorf("%w: no write-ahead log on this disk (journal %s, synchronous %d)", ErrIO, mode, sync)
	}
	return nil
}

func migrateWith(ctx context.Context, db *sql.DB, files fs.FS, l *Ledger) error {
	have, err := l.schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(l.d.goose(), db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	sources := p.ListSources()
	want := sources[len(sources)-1].Version
	if have > want {
		return fmt.Errorf("%w: schema %d, this program knows %d", ErrNewerSchema, have, want)
	}
	if have > 0 {
		// A migration rests on what the ones before have made: nothing is built on anything else.
		if err := l.settleShape(ctx, db, files, have); err != nil || have == want {
			return err
		}
	}
	// goose tries for seconds where writing cannot work: that is found out first.
	if err := tryWrite(ctx, db); err != nil {
		return err
	}
	if err := l.up(ctx, db, p, have, want); err != nil {
		return l.strange(fmt.Errorf("migrate from schema %d to %d: %w", have, want, err))
	}
	return l.settleShape(ctx, db, files, want)
}

// strange gives an error of a constraint its class: the ledger holds what no version of this program makes.
func (l *Ledger) strange(err error) error {
	if c := classify(err, l.dir); errors.Is(c, ErrInvalid) || errors.Is(c, ErrConflict) {
		return &storageError{ErrUnknownSchema, err}
	}
	return err
}

// up runs the migrations, each in a transaction of its own: one that fails leaves the ledger at the schema before it, from
// which the next start goes on.
func (l *Ledger) up(ctx context.Context, db *sql.DB, p *goose.Provider, have, want int64) error {
	for _, to := range []int64{min(searchSchema, want), want} {
		results, err := p.UpTo(ctx, to)
		if err != nil {
			return err
		}
		for _, r := range results {
			l.cfg.Logger.InfoContext(ctx, "ledger migrated", "ledger", l.place, "schema", r.Source.Version)
		}
		if to == searchSchema && 0 < have && have <= searchFixed {
			if err := l.refoldAll(ctx, db); err != nil {
				return err
			}
		}
	}
	return nil
}

// schemaVersion is 0 for an empty database.
func (l *Ledger) schemaVersion(ctx context.Context, db *sql.DB) (int64, error) {
	tables, err := tableNames(ctx, db, l.d)
	if err != nil {
		return 0, fmt.Errorf("read schema: %w", err)
	}
	if len(tables) == 0 {
		return 0, nil
	}
	if !slices.Contains(tables, "goose_db_version") {
		return 0, ErrNotLedger
	}
	var version sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&version)
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	if version.Int64 > 0 && !slices.Contains(tables, "runs") {
		return 0, ErrNotLedger
	}
	return version.Int64, nil
}

func tableNames(ctx context.Context, db *sql.DB, d dialect) (names []string, err error) {
	rows, err := db.QueryContext(ctx, d.tables())
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// tryWrite writes and takes it back.
func tryWrite(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	_, err = tx.ExecContext(ctx, "CREATE TABLE provstation_write_probe (x INTEGER)")
	if err != nil {
		err = fmt.Errorf("write: %w", err)
	}
	if rerr := tx.Rollback(); rerr != nil && !errors.Is(rerr, sql.ErrTxDone) {
		err = errors.Join(err, fmt.Errorf("roll back: %w", rerr))
	}
	return err
}
