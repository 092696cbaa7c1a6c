package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"modernc.org/sqlite"

	"provstation/station"
)

// Config holds a ledger's knobs.
type Config struct {
	// BusyTimeout bounds the wait for another process that is writing. Zero: 10 seconds.
	BusyTimeout time.Duration
	// Timeout bounds one statement on a database server, BusyTimeout not counted. Zero: 30 seconds.
	Timeout time.Duration
	// Password gives the password of the database server's user, each time a connection is made. Nil: the server
	// asks for none, or libpq's environment has it (PGPASSWORD, PGPASSFILE).
	Password func() (station.Secret, error)
	// Readers bounds the connections that read at once. Zero: 4.
	Readers int
	// Now is the clock for what a record does not date itself. Nil: time.Now.
	Now func() time.Time
	// Outbox keeps every fact also for the ledger that the stations share ([Ledger.Pending]), and has this one bear with
	// records that only the others know.
	Outbox bool
	// LockDir is where this machine's processes on a server's ledger find each other, see EndInterrupted. Empty: nothing
	// is known of other processes. A ledger that is a file has its locks beside it.
	LockDir string
	// Logger is told of migrations and of writes that had to be tried again. Nil: silence.
	Logger *slog.Logger

	maxPages   int                                     // tests: the database may not grow past so many pages
	migrations fs.FS                                   // tests: instead of the program's own
	watch      func(driver.Connector) driver.Connector // tests: see every statement of a file's ledger
}

func (c Config) withDefaults() Config {
	if c.BusyTimeout <= 0 {
		c.BusyTimeout = 10 * time.Second
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Readers <= 0 {
		c.Readers = 4
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Ledger is a [station.Ledger] on one database. It is safe for concurrent use.
type Ledger struct {
	cfg    Config
	d      dialect
	place  string // for people
	path   string // "" in memory and on a server
	dir    string // "" in memory and on a server
	write  *writer
	read   *pool
	closed atomic.Bool

	mu      sync.Mutex
	queued  func()           // see OnQueued
	benches []*os.File       // locks that say that a station works on this ledger
	leases  map[string]Lease // by run, see UnderLease

	listening *pgx.ConnConfig // of a connection that listens; nil: nobody tells anything
}

var _ station.Ledger = (*Ledger)(nil)

// Open opens the ledger at url and brings its schema up to date. sqlite:PATH creates the directory (0700) and the file
// (0600) where there are none; sqlite::memory: is a ledger that lives as long as it is open.
//
// postgres://USER@HOST:PORT/DATABASE is a database of a server, or with search_path=SCHEMA one schema of it; a password
// comes from Config. Over a network the server has to prove who it is (sslmode=verify-full) unless the url says otherwise.
// Several stations may open it at once.
//
// Errors: ErrURL, ErrReadOnly, ErrFull, ErrCorrupt, ErrNotLedger, ErrNewerSchema, ErrUnknownSchema, ErrBusy, ErrIO,
// ErrUnreachable, ErrPermission.
func Open(ctx context.Context, ledgerURL string, cfg Config) (*Ledger, error) {
	if IsPostgres(ledgerURL) {
		return openPostgres(ctx, ledgerURL, cfg.withDefaults())
	}
	path, err := parseURL(ledgerURL)
	if err != nil {
		return nil, err
	}
	l := &Ledger{cfg: cfg.withDefaults(), d: sqliteDialect{memory: path == ""}, place: "memory", path: path}
	if path == "" {
		// SQLite shares a database in memory by its name: this one is nobody else's.
		uri := "file:/provstation-" + uuid.NewString() + "?vfs=memdb"
		if err := l.connect(ctx, uri); err != nil {
			return nil, fmt.Errorf("open ledger in memory: %w", err)
		}
		return l, nil
	}
	if l.path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	l.place, l.dir = l.path, filepath.Dir(l.path)
	unlock, err := l.prepareFile()
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", l.path, err)
	}
	defer unlock()
	if err := l.connect(ctx, fileURI(l.path)); err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", l.path, err)
	}
	return l, nil
}

// parseURL gives the path of a ledger url, "" for a ledger in memory.
func parseURL(ledgerURL string) (string, error) {
	scheme, rest, ok := strings.Cut(ledgerURL, ":")
	switch {
	case !ok || scheme != SQLite || rest == "" || strings.ContainsRune(rest, 0):
		// The url may hold a password of a database this build does not know: it is not repeated.
		return "", fmt.Errorf("open ledger: %w: want sqlite:PATH or postgres://USER@HOST/DATABASE", ErrURL)
	case rest == ":memory:":
		return "", nil
	}
	// sqlite:///abs/path is what people who know urls write.
	if abs, ok := strings.CutPrefix(rest, "//"); ok && strings.HasPrefix(abs, "/") {
		rest = abs
	}
	return rest, nil
}

// fileURI names the file so that no character of its path is taken for a part of a url.
func fileURI(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") { // C:/...
		p = "/" + p
	}
	return "file://" + (&url.URL{Path: p}).EscapedPath() + "?"
}

// prepareFile makes directory and file, private from their first moment, and holds other processes off until the
// schema is settled. An existing database is not opened here: closing a second descriptor of a file drops the locks
// that SQLite holds on it in this process (POSIX record locks).
func (l *Ledger) prepareFile() (unlock func(), err error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, openTrouble("make directory", err)
	}
	lock, err := os.OpenFile(l.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, openTrouble("make lock file", err)
	}
	unlock = func() { _ = lock.Close() }
	if err := lockFile(lock); err != nil {
		unlock()
		return nil, openTrouble("lock", err)
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return unlock, nil
	}
	if err == nil {
		err = errors.Join(f.Close(), syncDir(l.dir))
	}
	if err != nil {
		unlock()
		return nil, openTrouble("create file", err)
	}
	return unlock, nil
}

func openTrouble(doing string, err error) error {
	return fmt.Errorf("%s: %w", doing, &storageError{troubleClass(err), err})
}

// connect opens writer and readers and settles the schema. On error nothing stays open.
func (l *Ledger) connect(ctx context.Context, uri string) (err error) {
	// fullfsync: on macOS fsync alone leaves the data in the drive's cache. Elsewhere the pragma does nothing.
	pragmas := []string{"foreign_keys(1)", "trusted_schema(0)", "cell_size_check(1)", "temp_store(memory)"}
	busy := "busy_timeout(" + strconv.FormatInt(l.cfg.BusyTimeout.Milliseconds(), 10) + ")"
	writing := append([]string{
		busy, "journal_mode(wal)", "synchronous(full)", "fullfsync(1)",
		"checkpoint_fullfsync(1)", "journal_size_limit(67108864)",
	}, pragmas...)
	if l.path == "" {
		writing[1] = "journal_mode(memory)"
	}
	if l.cfg.maxPages > 0 {
		writing = append(writing, "max_page_count("+strconv.Itoa(l.cfg.maxPages)+")")
	}
	reading := append([]string{busy, "query_only(1)"}, pragmas...)

	wdb, err := l.openDB(uri, "&_txlock=immediate", writing)
	if err != nil {
		return err
	}
	wdb.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			_ = wdb.Close()
		}
	}()
	if err = l.checkDurable(ctx, wdb); err == nil {
		err = l.migrate(ctx, wdb)
	}
	if err != nil {
		return classify(err, l.dir)
	}
	rdb, err := l.openDB(uri, "", reading)
	if err != nil {
		return err
	}
	return l.serve(ctx, wdb, rdb)
}

// serve begins to read and write. On error rdb is closed.
func (l *Ledger) serve(ctx context.Context, wdb, rdb *sql.DB) (err error) {
	rdb.SetMaxOpenConns(l.cfg.Readers)
	rdb.SetMaxIdleConns(l.cfg.Readers)
	l.read = &pool{DB: rdb, d: l.d, conns: l.cfg.Readers, kept: prepared{off: l.d.name() != SQLite}}
	if l.write, err = newWriter(ctx, wdb, l); err != nil {
		_ = rdb.Close()
		return classify(err, l.dir)
	}
	return nil
}

func openDB(uri, extra string, pragmas []string) (*sql.DB, error) {
	c, err := connector(uri, extra, pragmas)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c), nil
}

func connector(uri, extra string, pragmas []string) (driver.Connector, error) {
	dsn := uri + extra + "&_error_rc=1"
	for _, p := range pragmas {
		dsn += "&_pragma=" + url.QueryEscape(p)
	}
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("set up sqlite: %w", err)
	}
	return c, nil
}

// openDB opens one of the ledger's own databases.
func (l *Ledger) openDB(uri, extra string, pragmas []string) (*sql.DB, error) {
	c, err := connector(uri, extra, pragmas)
	if err != nil {
		return nil, err
	}
	if l.cfg.watch != nil {
		c = l.cfg.watch(c)
	}
	return sql.OpenDB(c), nil
}

// Path is the ledger's file, "" for one in memory or on a server.
func (l *Ledger) Path() string { return l.path }

// Place says where the ledger is, for people: its file, or the server, database and user, never with a password.
func (l *Ledger) Place() string { return l.place }

// Database is SQLite or Postgres.
func (l *Ledger) Database() string { return l.d.name() }

// Close waits for the writes in hand, moves the log of a file into it and closes the database. Calls after it fail with
// ErrClosed.
func (l *Ledger) Close() error {
	if l.closed.Swap(true) {
		return nil
	}
	l.endAudit(context.Background())
	l.flushHeads(context.Background())
	err := l.read.Close()
	err = errors.Join(err, l.write.close(), l.leave())
	if err != nil {
		return fmt.Errorf("close ledger: %w", classify(err, l.dir))
	}
	return nil
}
