package ledger

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// Databases that hold a ledger, as [Ledger.Database] and the folders of migrations name them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// dialect is what a write, a read or a migration does otherwise on one of the databases. All else, every query
// included, is the same on both.
type dialect interface {
	// name is SQLite or Postgres.
	name() string
	// goose is the migrations' word for it.
	goose() goose.Dialect
	// rebind gives a query with ? and ?1 its own placeholders.
	rebind(query string) string
	// tables is a query for the names of the tables where the ledger's are, or would be.
	tables() string
	// shape is a query for what the ledger's schema consists of: object and how it is made, which may take several rows.
	shape() string
	// lock is a statement that keeps other writers away until the transaction ends; empty: beginning it does.
	lock() string
	// bound limits the time of one statement, where one may wait for ever.
	bound(ctx context.Context) (context.Context, context.CancelFunc)
	// failed gives the error of a statement that was bound its class if the limit ended it.
	failed(ctx context.Context, err error) error
	// begin begins a transaction beside which no other station writes. If it fails there is none.
	begin(ctx context.Context, t *txn) error
	// commit makes the transaction durable.
	commit(ctx context.Context, t *txn) error
	// again reports whether the transaction that failed so may succeed when it is simply run again.
	again(err error) bool
	// whole reports whether a group of writes failed so that each of them alone would, too.
	whole(err error) bool
	// lingers reports whether a transaction may stay open for a moment: nobody else's work waits for it to end.
	lingers() bool
	// clock is the time by which leases run out.
	clock(ctx context.Context, t *txn, now func() time.Time) (time.Time, error)
	// notify tells whoever listens to this ledger, once the transaction is durable.
	notify(ctx context.Context, t *txn, message string) error
	// check fills in what is damaged, and the size.
	check(ctx context.Context, l *Ledger, r *CheckReport) error
	// leave ends the writer's connection in good order.
	leave(ctx context.Context, w *writer) error
}

// sqliteDialect is SQLite's: one file, whose only writer it is while it writes.
type sqliteDialect struct {
	memory bool
}

func (sqliteDialect) name() string               { return SQLite }
func (sqliteDialect) goose() goose.Dialect       { return goose.DialectSQLite3 }
func (sqliteDialect) rebind(query string) string { return query }
func (sqliteDialect) lock() string               { return "" }
func (sqliteDialect) again(error) bool           { return false } // the busy timeout has waited already

func (sqliteDialect) tables() string {
	return `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'`
}

func (sqliteDialect) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return ctx, func() {}
}

func (sqliteDialect) failed(_ context.Context, err error) error { return err }

func (sqliteDialect) notify(context.Context, *txn, string) error { return nil } // nobody listens to a file

func (sqliteDialect) begin(ctx context.Context, t *txn) error {
	_, err := t.exec(ctx, "BEGIN IMMEDIATE")
	return err
}

func (sqliteDialect) commit(ctx context.Context, t *txn) error {
	_, err := t.exec(ctx, "COMMIT")
	return err
}

func (sqliteDialect) whole(error) bool { return false }
func (d sqliteDialect) lingers() bool  { return !d.memory } // whose readers wait for the writer

// leave moves the log into the database file. A reader in another process keeps the log from being emptied; that is no
// error.
func (d sqliteDialect) leave(ctx context.Context, w *writer) error {
	var err error
	for _, s := range w.stmts {
		err = errors.Join(err, s.Close())
	}
	if !d.memory {
		_, cerr := w.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		err = errors.Join(err, cerr)
	}
	return errors.Join(err, w.conn.Close())
}

// dollars writes ? as $1, $2 ... in their order and ?n as $n, outside of quotes and comments. A query has the one kind
// or the other.
func dollars(query string) string {
	if !strings.Contains(query, "?") {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 16)
	n := 0
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '\'' || c == '"':
			end := closing(query, i+1, string(c))
			b.WriteString(query[i:end])
			i = end - 1
		case c == '-' && strings.HasPrefix(query[i:], "--"):
			end := closing(query, i, "\n")
			b.WriteString(query[i:end])
			i = end - 1
		case c != '?':
			b.WriteByte(c)
		case i+1 < len(query) && '1' <= query[i+1] && query[i+1] <= '9':
			b.WriteByte('$') // the number follows
		default:
			n++
			b.WriteString("$" + strconv.Itoa(n))
		}
	}
	return b.String()
}

// closing is where the text that began before from ends, its end mark included. A quote that is doubled ends one text
// and begins the next: the same in the end.
func closing(query string, from int, mark string) int {
	i := strings.Index(query[from:], mark)
	if i < 0 {
		return len(query)
	}
	return from + i + len(mark)
}
