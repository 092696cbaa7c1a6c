package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"modernc.org/sqlite"

	"provstation/assets"
)

// Errors of backup and restore.
var (
	// ErrNoBackup: this kind of ledger is not backed up here (in memory; PostgreSQL has pg_dump).
	ErrNoBackup = errors.New("this ledger is no file")
	// ErrNotBackup: the file is no whole, sound ledger.
	ErrNotBackup = errors.New("not a sound backup of a ledger")
	// ErrExists: there is something where the copy was to be written.
	ErrExists = errors.New("there is a file already")
)

// backupPages is how many pages are copied at once.
const backupPages = 512

// TableSum is what a copy holds of one table.
type TableSum struct {
	Table  string
	Rows   int64
	Digest []byte // SHA-256 over its rows in their order
}

// Snapshot says what a ledger held at one moment.
type Snapshot struct {
	File   string
	Size   int64 // bytes
	Schema int64
	Tables []TableSum // by name
	Digest []byte     // SHA-256 over the tables' digests
}

// Rows is the number of rows of a table, 0 for one that is not there.
func (s Snapshot) Rows(table string) int64 {
	for _, t := range s.Tables {
		if t.Table == table {
			return t.Rows
		}
	}
	return 0
}

// Backup copies the ledger as it is at one moment into a new file, while stations work with it, and reads the copy back:
// it has to be sound, with the same rows in every table. Only a copy that passed has the name file in the end.
//
// Errors: ErrNoBackup, ErrExists, ErrNotBackup (the copy is not what the ledger held), those of the disk.
func (l *Ledger) Backup(ctx context.Context, file string) (Snapshot, error) {
	var s Snapshot
	err := ErrNoBackup
	if l.path != "" {
		s, err = copyLedger(ctx, l.path, file, false)
	}
	if err != nil {
		return Snapshot{}, l.wrap(err, "back up to", file)
	}
	return s, nil
}

// Inspect reads a backup from its first to its last byte and says what it holds. Nothing is written beside it.
//
// Errors: ErrNotBackup (what is wrong is in its text), ErrNewerSchema, fs.ErrNotExist.
func Inspect(ctx context.Context, file string) (Snapshot, error) {
	s, err := inspect(ctx, file)
	if err != nil {
		return Snapshot{}, fmt.Errorf("ledger: inspect %s: %w", free(file), err)
	}
	return s, nil
}

// Restore makes a new ledger file of a backup, and reads it back. There must be none yet.
//
// Errors: those of Inspect, ErrExists, ErrURL, ErrNoBackup (the url names no file).
func Restore(ctx context.Context, file, ledgerURL string) (Snapshot, error) {
	path, err := parseURL(ledgerURL)
	if err == nil && path == "" {
		err = ErrNoBackup
	}
	var s Snapshot
	if err == nil {
		s, err = copyLedger(ctx, file, path, true)
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("ledger: restore %s: %w", free(file), err)
	}
	return s, nil
}

// copyLedger copies a ledger file into a new one and checks the copy. A source that is at rest is checked before, and the
// copy may be in a new folder.
func copyLedger(ctx context.Context, from, to string, atRest bool) (s Snapshot, err error) {
	to, err = filepath.Abs(to)
	if err != nil {
		return s, err
	}
	for _, path := range []string{to, to + "-wal"} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return s, errors.Join(fmt.Errorf("%w: %s", ErrExists, path), err)
		}
	}
	options := "?mode=rw&_pragma=query_only(1)&_pragma=busy_timeout(10000)"
	if atRest {
		if _, err := inspect(ctx, from); err != nil {
			return s, err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil { // for a sound backup alone
			return s, openTrouble("make folder", err)
		}
		options = "?mode=ro&immutable=1"
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".new-*")
	if err != nil {
		return s, openTrouble("make file", err)
	}
	defer func() {
		for _, tail := range []string{"", "-journal", "-wal", "-shm"} {
			_ = os.Remove(f.Name() + tail)
		}
	}()
	if err := f.Close(); err != nil {
		return s, openTrouble("make file", err)
	}
	want, err := copyPages(ctx, fileName(from)+options, f.Name())
	if err != nil {
		return s, classify(err, filepath.Dir(to))
	}
	s, err = inspect(ctx, f.Name())
	if err != nil {
		return s, err
	}
	if !slices.Equal(s.Digest, want.Digest) {
		return s, fmt.Errorf("%w: the copy holds other rows than the ledger", ErrNotBackup)
	}
	s.File = to
	return s, settle(f.Name(), to)
}

// fileName is a path as the database's url, without its question mark.
func fileName(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	p := filepath.ToSlash(abs)
	if p[0] != '/' { // C:/...
		p = "/" + p
	}
	return "file://" + (&url.URL{Path: p}).EscapedPath()
}

// settle makes a whole file durable under a name that nothing has.
func settle(from, to string) error {
	f, err := os.OpenFile(from, os.O_RDWR, 0)
	if err == nil {
		err = errors.Join(f.Sync(), f.Close())
	}
	if err == nil {
		if err = os.Link(from, to); errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: %s", ErrExists, to)
		}
	}
	if err != nil { // a file system without hard links
		if _, serr := os.Lstat(to); serr == nil {
			return fmt.Errorf("%w: %s", ErrExists, to)
		}
		err = os.Rename(from, to)
	}
	if err == nil {
		err = syncDir(filepath.Dir(to))
	}
	if err != nil {
		return openTrouble("name the copy", err)
	}
	return nil
}

// copyPages copies a database page by page as one read transaction sees it, and says what that saw.
func copyPages(ctx context.Context, from, to string) (s Snapshot, err error) {
	c, err := sqlite.NewConnector(from)
	if err != nil {
		return s, fmt.Errorf("set up sqlite: %w", err)
	}
	db := sql.OpenDB(c)
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return s, err
	}
	defer conn.Close()
	// The transaction holds the write-ahead log's state from its first read to its end; who writes meanwhile is not held up.
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return s, err
	}
	defer func() { _, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") }()
	if s, err = summarize(ctx, conn); err != nil {
		return s, err
	}
	return s, conn.Raw(func(c any) error {
		source, ok := c.(interface {
			NewBackup(dst string) (*sqlite.Backup, error)
		})
		if !ok {
			return ErrNoBackup
		}
		b, err := source.NewBackup(fileName(to))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if more, err = b.Step(backupPages); err == nil {
				err = ctx.Err()
			}
		}
		return errors.Join(err, b.Finish())
	})
}

// asker is a connection that answers questions.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// summarize reads every row of every table.
func summarize(ctx context.Context, db asker) (s Snapshot, err error) {
	names, err := column[string](ctx, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		ORDER BY name`)
	if err != nil {
		return s, err
	}
	if !slices.Contains(names, "runs") || !slices.Contains(names, "goose_db_version") {
		return s, ErrNotLedger
	}
	versions, err := column[int64](ctx, db, "SELECT max(version_id) FROM goose_db_version WHERE is_applied")
	if err != nil {
		return s, err
	}
	s.Schema = versions[0]
	all := sha256.New()
	for _, name := range names {
		t, err := sumTable(ctx, db, name)
		if err != nil {
			return s, fmt.Errorf("table %s: %w", name, err)
		}
		s.Tables = append(s.Tables, t)
		_, _ = fmt.Fprintf(all, "%s %d %x\n", t.Table, t.Rows, t.Digest)
	}
	s.Digest = all.Sum(nil)
	return s, nil
}

func sumTable(ctx context.Context, db asker, name string) (t TableSum, err error) {
	rows, err := db.QueryContext(ctx, `SELECT * FROM "`+name+`" ORDER BY rowid`) // a name of the schema
	if err != nil {
		return t, err
	}
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	if err != nil {
		return t, err
	}
	t.Table = name
	sum, row, dest := sha256.New(), make([]any, len(cols)), make([]any, len(cols))
	for i := range row {
		dest[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return t, err
		}
		digestRow(sum, name, row)
		t.Rows++
	}
	t.Digest = sum.Sum(nil)
	return t, rows.Err()
}

// column reads the first column.
func column[T any](ctx context.Context, db asker, q string) (list []T, err error) {
	rows, err := db.QueryContext(ctx, q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

func inspect(ctx context.Context, file string) (s Snapshot, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return s, err
	}
	if !info.Mode().IsRegular() {
		return s, fmt.Errorf("%w: no file", ErrNotBackup)
	}
	if wal, err := os.Stat(file + "-wal"); err == nil && wal.Size() > 0 {
		return s, fmt.Errorf("%w: a part of it lies beside it, in %s-wal: copy a ledger with records backup", ErrNotBackup, filepath.Base(file))
	}
	c, err := sqlite.NewConnector(fileName(file) + "?mode=ro&immutable=1&_pragma=cell_size_check(1)&_pragma=trusted_schema(0)")
	if err != nil {
		return s, fmt.Errorf("set up sqlite: %w", err)
	}
	db := sql.OpenDB(c)
	defer func() { err = errors.Join(err, db.Close()) }()
	bad, err := column[string](ctx, db, "PRAGMA integrity_check(20)")
	if err == nil && (len(bad) != 1 || bad[0] != "ok") {
		err = fmt.Errorf("%d findings, the first: %s", len(bad), free(bad[0]))
	}
	if err == nil {
		bad, err = column[string](ctx, db, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`)
	}
	if err == nil && len(bad) > 0 {
		err = fmt.Errorf("a row of %s refers to a missing one", free(bad[0]))
	}
	if err == nil {
		s, err = summarize(ctx, db)
	}
	if err != nil {
		if ctx.Err() != nil {
			return Snapshot{}, ctx.Err()
		}
		return Snapshot{}, fmt.Errorf("%w: %w", ErrNotBackup, err)
	}
	if newest, err := newestSchema(); err != nil || s.Schema > newest {
		return Snapshot{}, errors.Join(fmt.Errorf("%w: schema %d, this program knows %d", ErrNewerSchema, s.Schema, newest), err)
	}
	s.File, s.Size = file, info.Size()
	return s, nil
}

// newestSchema is the schema that this program brings a ledger to.
func newestSchema() (int64, error) {
	files, err := fs.Glob(assets.Migrations, "migrations/sqlite/*.sql")
	return int64(len(files)), err
}

// String is the digest as people compare it.
func (s Snapshot) String() string { return hex.EncodeToString(s.Digest) }
