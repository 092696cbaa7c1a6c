package ledger

import (
	"context"
	"database/sql"
	"sync"
)

// mostPrepared bounds how many queries a pool keeps prepared. There are some forty; those of a search are put together.
const mostPrepared = 64

// prepared keeps queries as the database has understood them: that takes longer than most of them do. A driver that does so by
// itself (PostgreSQL's) needs none.
type prepared struct {
	off bool

	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

// of is the query, prepared, or nil where it is not kept.
func (p *prepared) of(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	s, ok := p.stmts[query]
	full := len(p.stmts) >= mostPrepared
	p.mu.Unlock()
	if ok || p.off || full {
		return s, nil
	}
	s, err := db.PrepareContext(ctx, query) // which may wait for a connection
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if was, ok := p.stmts[query]; ok {
		_ = s.Close() //nolint:sqlclosecheck // the other one is kept
		return was, nil
	}
	if p.stmts == nil {
		p.stmts = make(map[string]*sql.Stmt)
	}
	p.stmts[query] = s
	return s, nil
}

// rows asks for rows.
func (p *prepared) rows(ctx context.Context, db *sql.DB, query string, args []any) (*sql.Rows, error) {
	s, err := p.of(ctx, db, query) //nolint:sqlclosecheck // kept for the pool's life
	if err != nil {
		return nil, err
	}
	if s == nil {
		return db.QueryContext(ctx, query, args...)
	}
	return s.QueryContext(ctx, args...)
}

// scan asks for one row.
func (p *prepared) scan(ctx context.Context, db *sql.DB, query string, args, dest []any) error {
	s, err := p.of(ctx, db, query) //nolint:sqlclosecheck // kept for the pool's life
	if err != nil {
		return err
	}
	if s == nil {
		return db.QueryRowContext(ctx, query, args...).Scan(dest...)
	}
	return s.QueryRowContext(ctx, args...).Scan(dest...)
}
