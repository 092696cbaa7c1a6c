package ledger

import (
	"context"
	"database/sql"
	"errors"
)

// pool reads. It gives queries the database's placeholders, and a query whose connection turns out to be broken is asked
// once more on a new one: reading changes nothing, so nothing can be done twice.
type pool struct {
	*sql.DB
	d     dialect
	conns int
	kept  prepared
}

// QueryContext is that of [sql.DB].
func (p *pool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	query = p.d.rebind(query)
	for left := p.conns; ; left-- {
		rows, err := p.kept.rows(ctx, p.DB, query, args)
		if err == nil || left == 0 || !stale(ctx, err) {
			return rows, err //nolint:rowserrcheck // the caller's
		}
	}
}

// row is the answer of QueryRowContext, asked for when it is scanned.
type row struct {
	p     *pool
	ctx   context.Context //nolint:containedctx // of one call, as in sql.Row
	query string
	args  []any
}

// QueryRowContext is that of [sql.DB]; what it gives is scanned once.
func (p *pool) QueryRowContext(ctx context.Context, query string, args ...any) *row { //nolint:revive // only scanned
	return &row{p, ctx, p.d.rebind(query), args}
}

// Scan is that of [sql.Row].
func (r *row) Scan(dest ...any) error {
	for left := r.p.conns; ; left-- {
		ctx, cancel := r.p.d.bound(r.ctx)
		err := r.p.d.failed(ctx, r.p.kept.scan(ctx, r.p.DB, r.query, r.args, dest))
		cancel()
		if err == nil || left == 0 || !stale(r.ctx, err) {
			return err
		}
	}
}

// stale reports whether err is that of a connection which broke before this call, as each of the pool may have when a
// server was restarted. A server that cannot be reached at all is told at once.
func stale(ctx context.Context, err error) bool {
	return ctx.Err() == nil && errors.Is(classify(err, ""), ErrUnreachable) && !errors.Is(err, errStalled) && !isConnect(err)
}
