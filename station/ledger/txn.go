package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"provstation/station"
)

// txn is a write transaction. Statements are prepared once per connection.
type txn struct {
	w     *writer
	trail trail

	// of the fact in hand, see [txn.tell]
	at      time.Time // when it was told first
	said    error     // what is to be said of it although it was written
	merging bool      // it comes from another ledger
	stale   bool      // whoever told it did not hold the device any more
}

func (t *txn) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := t.w.stmts[query]; ok {
		return s, nil
	}
	if t.w.conn == nil {
		return nil, &storageError{ErrIO, errors.New("no connection")}
	}
	s, err := t.w.conn.PrepareContext(ctx, t.w.d.rebind(query))
	if err != nil {
		return nil, err
	}
	t.w.stmts[query] = s
	return s, nil
}

// exec runs a statement and says how many rows it changed. What it writes goes into the chain, too.
func (t *txn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	keys, err := t.note(ctx, query, args)
	if err != nil {
		return 0, err
	}
	n, err := t.run(ctx, query, args...)
	if err == nil && n > 0 && len(keys) > 0 {
		t.wrote(t.w.planOf(query).op, keys)
	}
	return n, err
}

// run runs a statement past the chain.
func (t *txn) run(ctx context.Context, query string, args ...any) (int64, error) {
	ctx, cancel := t.w.d.bound(ctx)
	defer cancel()
	s, err := t.stmt(ctx, query) //nolint:sqlclosecheck // kept for the connection's life
	if err != nil {
		return 0, t.w.d.failed(ctx, err)
	}
	res, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, t.w.d.failed(ctx, err)
	}
	return res.RowsAffected()
}

// one scans the first row; found is false if there is none.
func (t *txn) one(ctx context.Context, query string, args []any, dest ...any) (found bool, err error) {
	ctx, cancel := t.w.d.bound(ctx)
	defer cancel()
	s, err := t.stmt(ctx, query) //nolint:sqlclosecheck // kept for the connection's life
	if err != nil {
		return false, t.w.d.failed(ctx, err)
	}
	err = s.QueryRowContext(ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, t.w.d.failed(ctx, err)
}

// cell is one column's value: int64, string, []byte or nil.
type cell struct {
	col string
	val any
}

// insertOnce inserts the row. If a row with the same key (the first n cells) is there, it is compared instead: the same
// facts give inserted false and nil, others ErrConflict. Table and columns are constants of this package.
func (t *txn) insertOnce(ctx context.Context, table string, key int, cells []cell) (inserted bool, err error) {
	cols, vals := split(cells)
	n, err := t.exec(ctx, "INSERT INTO "+table+" ("+strings.Join(cols, ", ")+") VALUES (?"+
		strings.Repeat(", ?", len(cols)-1)+") ON CONFLICT ("+strings.Join(cols[:key], ", ")+") DO NOTHING", vals...)
	if err != nil {
		return false, err
	}
	if n == 1 {
		return true, nil
	}
	return false, t.same(ctx, table, key, cells)
}

// same is nil if the row with the key (the first n cells) has the other cells' values, ErrConflict if it has others.
func (t *txn) same(ctx context.Context, table string, key int, cells []cell) error {
	cols, vals := split(cells)
	have := make([]any, len(cols)-key)
	dest := make([]any, len(have))
	for i := range have {
		dest[i] = &have[i]
	}
	found, err := t.one(ctx, "SELECT "+strings.Join(cols[key:], ", ")+" FROM "+table+" WHERE "+
		strings.Join(cols[:key], " = ? AND ")+" = ?", vals[:key], dest...)
	if err != nil {
		return err
	}
	if !found {
		return station.ErrNotFound
	}
	for i, h := range have {
		if !equal(h, vals[key+i]) {
			return fmt.Errorf("%w: %s differs", ErrConflict, cols[key+i])
		}
	}
	return nil
}

func split(cells []cell) (cols []string, vals []any) {
	cols, vals = make([]string, len(cells)), make([]any, len(cells))
	for i, c := range cells {
		cols[i], vals[i] = c.col, c.val
	}
	return cols, vals
}

func equal(a, b any) bool {
	if x, ok := a.([]byte); ok {
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	}
	if _, ok := b.([]byte); ok {
		return false
	}
	return a == b
}

// micros is t as stored; NULL for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// fromMicros reverses micros.
func fromMicros(n sql.NullInt64) time.Time {
	if !n.Valid {
		return time.Time{}
	}
	return time.UnixMicro(n.Int64).UTC()
}

// blob is b as stored; NULL for none.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// orNull is s as stored where the empty text means "not known".
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func flag(b bool) any {
	if b {
		return int64(1)
	}
	return int64(0)
}

func fold(s string) string { return strings.ToLower(s) }
