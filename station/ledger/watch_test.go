package ledger

import (
	"context"
	"database/sql/driver"
	"maps"
	"slices"
	"sync"
)

// watched counts the statements that go to a database, by their text.
type watched struct {
	mu   sync.Mutex
	seen map[string]int
}

func (w *watched) note(query string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil {
		w.seen = map[string]int{}
	}
	w.seen[query]++
}

// take gives what was seen since the last call.
func (w *watched) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := slices.Sorted(maps.Keys(w.seen))
	w.seen = nil
	return list
}

func (w *watched) wrap(c driver.Connector) driver.Connector { return watchedConnector{c, w} }

type watchedConnector struct {
	driver.Connector
	w *watched
}

func (c watchedConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return watchedConn{conn.(sqliteConn), c.w}, nil
}

// sqliteConn is what database/sql uses of the driver's connections.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type watchedConn struct {
	sqliteConn
	w *watched
}

func (c watchedConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	c.w.note(query)
	return c.sqliteConn.PrepareContext(ctx, query)
}

func (c watchedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	c.w.note(query)
	return c.sqliteConn.ExecContext(ctx, query, args)
}

func (c watchedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.w.note(query)
	return c.sqliteConn.QueryContext(ctx, query, args)
}
