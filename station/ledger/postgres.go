package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	// connectTimeout bounds the making of a connection where the url does not say connect_timeout.
	connectTimeout = 5 * time.Second
	// stallTimeout is the least time after which the server cuts off a station that has begun a transaction and then
	// says nothing.
	stallTimeout = 5 * time.Second
	// migrateWait bounds the wait for another station that migrates.
	migrateWait = 5 * time.Minute
)

// IsPostgres reports whether the url names a PostgreSQL database.
func IsPostgres(ledgerURL string) bool {
	return strings.HasPrefix(ledgerURL, "postgres://") || strings.HasPrefix(ledgerURL, "postgresql://")
}

// postgresDialect is PostgreSQL's. The stations that share a ledger write one after the other, as the processes that
// share a file do: each write transaction takes the ledger's advisory lock first. So a check and the write after it are
// one step, whatever the other stations do, and no transaction has to be rolled back for another one's sake. What must
// be unique is a constraint as well.
//
// A station that stalls with the lock in its hand is cut off by the server (idle_in_transaction_session_timeout), and
// its transaction rolled back.
type postgresDialect struct {
	limit   time.Duration // of a statement
	writes  int64         // the key of the lock that writers take
	channel string        // of notifications
}

func (*postgresDialect) name() string               { return Postgres }
func (*postgresDialect) goose() goose.Dialect       { return goose.DialectPostgres }
func (*postgresDialect) rebind(query string) string { return dollars(query) }
func (*postgresDialect) lingers() bool              { return false }
func (*postgresDialect) again(err error) bool       { return retryable(err) }
func (d *postgresDialect) lock() string {
	return fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", d.writes)
}

func (*postgresDialect) tables() string {
	return "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
}

func (d *postgresDialect) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d.limit, errStalled)
}

func (*postgresDialect) failed(ctx context.Context, err error) error { return failedAt(ctx, err) }

// whole: the server is away, or held, or refuses; that is nothing of a single write's.
func (*postgresDialect) whole(err error) bool {
	for _, class := range []error{ErrUnreachable, ErrInDoubt, ErrBusy, ErrPermission, ErrReadOnly} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

func (d *postgresDialect) begin(ctx context.Context, t *txn) error {
	bctx, cancel := d.bound(ctx)
	defer cancel()
	_, err := t.w.conn.ExecContext(bctx, "BEGIN; "+d.lock()) // in one exchange
	if err == nil {
		return nil
	}
	// The server may have begun, and then not given the lock.
	if _, rerr := t.w.conn.ExecContext(bctx, "ROLLBACK"); rerr != nil {
		t.w.disconnect()
	}
	return d.failed(bctx, err)
}

// commit tells a transaction that was not committed apart from one of which that is not known. The server answers COMMIT
// with ROLLBACK, and with no error, where a statement had failed.
func (d *postgresDialect) commit(ctx context.Context, t *txn) error {
	ctx, cancel := d.bound(ctx)
	defer cancel()
	var tag pgconn.CommandTag
	err := t.w.conn.Raw(func(c any) (err error) {
		conn, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("connection of another driver: %T", c)
		}
		tag, err = conn.Conn().Exec(ctx, "COMMIT")
		return err
	})
	if err == nil {
		if tag.String() != "COMMIT" {
			return errRolledBack
		}
		return nil
	}
	return d.doubt(d.failed(ctx, err))
}

// doubt tells a commit that was refused, or never sent, apart from one that nobody answered.
func (*postgresDialect) doubt(err error) error {
	var p *pgconn.PgError
	refused := errors.As(err, &p) && p.SeverityUnlocalized == "ERROR"
	if refused || pgconn.SafeToRetry(err) {
		return err
	}
	return &storageError{ErrInDoubt, &storageError{ErrUnreachable, err}}
}

// leave closes the connection; a server that is gone has closed it already.
func (*postgresDialect) leave(_ context.Context, w *writer) error {
	_ = w.conn.Close()
	return nil
}

func openPostgres(ctx context.Context, ledgerURL string, cfg Config) (*Ledger, error) {
	conf, err := parsePostgres(ledgerURL)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{cfg: cfg, place: place(conf)}
	wdb := stdlib.OpenDB(*l.session(conf, false), l.password())
	if err := l.connectPostgres(ctx, wdb, conf); err != nil {
		_ = wdb.Close()
		return nil, fmt.Errorf("open ledger %s: %w", l.place, classify(err, ""))
	}
	return l, nil
}

func (l *Ledger) connectPostgres(ctx context.Context, wdb *sql.DB, conf *pgx.ConnConfig) error {
	limit := l.cfg.Timeout + l.cfg.BusyTimeout
	l.d = &postgresDialect{limit: limit}
	schema, err := l.askServer(ctx, wdb)
	if err != nil {
		return err
	}
	l.d = &postgresDialect{limit: limit, writes: lockKey("write", schema), channel: channelOf(schema)}
	l.listening = l.session(conf, true)
	if err := l.migrateAlone(ctx, wdb, lockKey("migrate", schema)); err != nil {
		return err
	}
	wdb.SetMaxIdleConns(1)
	wdb.SetMaxOpenConns(1)
	return l.serve(ctx, wdb, stdlib.OpenDB(*l.session(conf, true), l.password()))
}

// parsePostgres reads a url. Its errors never repeat it: it may hold a password.
func parsePostgres(ledgerURL string) (*pgx.ConnConfig, error) {
	bad := func(why string) error {
		return fmt.Errorf("%w: want postgres://USER@HOST/DATABASE: %s", ErrURL, why)
	}
	conf, err := pgx.ParseConfig(ledgerURL)
	if err != nil {
		return nil, bad(hideURL(err))
	}
	if u, err := url.Parse(ledgerURL); err != nil || u.Opaque != "" || u.Fragment != "" {
		return nil, bad("not a url")
	} else if u.Query().Get("sslmode") == "" && !local(conf.Host) {
		// Over a network the driver's own choice would do without TLS where the server has none.
		q := u.Query()
		q.Set("sslmode", "verify-full")
		u.RawQuery = q.Encode()
		if conf, err = pgx.ParseConfig(u.String()); err != nil {
			return nil, bad(hideURL(err))
		}
	}
	if conf.Database == "" {
		return nil, bad("no database named")
	}
	return conf, nil
}

// local reports whether the server is on this machine: a socket's folder or the loopback interface.
func local(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// place is the database for people.
func place(conf *pgx.ConnConfig) string {
	u := url.URL{Scheme: Postgres, User: url.User(conf.User), Path: "/" + conf.Database}
	if strings.HasPrefix(conf.Host, "/") {
		u.RawQuery = "host=" + conf.Host
	} else {
		u.Host = net.JoinHostPort(conf.Host, strconv.Itoa(int(conf.Port)))
	}
	return u.String()
}

// session is the configuration of a reading or writing connection.
func (l *Ledger) session(conf *pgx.ConnConfig, reading bool) *pgx.ConnConfig {
	c := conf.Copy()
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
	set := map[string]string{
		"default_transaction_isolation":       "read committed",
		"default_transaction_read_only":       "off",
		"idle_in_transaction_session_timeout": ms(max(l.cfg.BusyTimeout, stallTimeout)),
		"lock_timeout":                        ms(l.cfg.BusyTimeout),
		"standard_conforming_strings":         "on",
		"synchronous_commit":                  "on", // a server or a role may have it off: then a commit is not durable
	}
	if reading {
		set["default_transaction_read_only"] = "on"
	}
	for name, value := range set {
		c.RuntimeParams[name] = value
	}
	if c.RuntimeParams["application_name"] == "" {
		c.RuntimeParams["application_name"] = "provstation"
	}
	return c
}

// password puts the password into a configuration just before it is used.
func (l *Ledger) password() stdlib.OptionOpenDB {
	return stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) error {
		if l.cfg.Password == nil {
			return nil
		}
		secret, err := l.cfg.Password()
		if err != nil {
			return fmt.Errorf("password of the ledger's database: %w", err)
		}
		c.Password = string(secret.Reveal())
		return nil
	})
}

// askServer gives the schema the ledger is in, and says in the log what the server does not keep.
func (l *Ledger) askServer(ctx context.Context, db *sql.DB) (schema string, err error) {
	ctx, cancel := l.d.bound(ctx)
	defer cancel()
	var have sql.NullString
	if err := db.QueryRowContext(ctx, "SELECT current_schema()").Scan(&have); err != nil {
		return "", l.d.failed(ctx, err)
	}
	if !have.Valid {
		return "", fmt.Errorf("%w: the search path names no schema that exists", ErrURL)
	}
	weak, err := weakness(ctx, db)
	if err != nil {
		return "", l.d.failed(ctx, err)
	}
	for _, w := range weak {
		l.cfg.Logger.WarnContext(ctx, "ledger: "+w, "ledger", l.place)
	}
	return have.String, nil
}

// weakness lists the server's settings with which a power cut loses what was committed.
func weakness(ctx context.Context, db interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
},
) (list []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM pg_catalog.pg_settings
		WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, "the server has "+name+" off: a power cut there loses records")
	}
	return list, rows.Err()
}

// lockKey names an advisory lock: such locks are the database's, a ledger is a schema's.
func lockKey(what, schema string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("provstation ledger " + what + " " + schema))
	return int64(h.Sum64()) //nolint:gosec // all 64 bits count
}

// migrateAlone migrates while no other station does: those that start at the same moment find it done.
func (l *Ledger) migrateAlone(ctx context.Context, db *sql.DB, key int64) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	_, err = conn.ExecContext(ctx, fmt.Sprintf("SET lock_timeout = %d", migrateWait.Milliseconds()))
	if err == nil {
		_, err = conn.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_lock(%d)", key))
	}
	if err != nil {
		return fmt.Errorf("wait for the migration by another station: %w", err)
	}
	if err := l.migrate(ctx, db); err != nil {
		return err
	}
	// The connection goes back to be used: it gives the lock back and waits as long as the others.
	_, err = conn.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_unlock(%d); RESET lock_timeout", key))
	return err
}
