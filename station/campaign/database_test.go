package campaign_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // for database/sql

	"provstation/station/audit"
	"provstation/station/ledger"
	"provstation/station/ledger/shared"
)

// database is what a world's station shares with stations that are not there: a schema of the server that all worlds have, and
// the way to it, which a fault closes.
type database struct {
	direct string // url past the gate
	gated  string // url through it
	gate   *gate
	drop   func() error
}

// gate is a socket before the server's.
type gate struct {
	to, path string

	mu     sync.Mutex
	open   bool
	listen net.Listener
	conns  map[net.Conn]bool
}

// newDatabase makes a world's schema and its gate.
func newDatabase(ctx context.Context, serverURL, schema string) (*database, error) {
	u, err := url.Parse(serverURL)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("pgx", serverURL)
	if err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, "CREATE SCHEMA "+schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	dir, err := os.MkdirTemp("/tmp", "gate-") // a socket's path is short
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	const socket = ".s.PGSQL.5432"
	q := u.Query()
	g := &gate{to: filepath.Join(q.Get("host"), socket), path: filepath.Join(dir, socket), conns: map[net.Conn]bool{}}
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	d := &database{direct: u.String(), gate: g}
	q.Set("host", dir)
	u.RawQuery = q.Encode()
	d.gated = u.String()
	d.drop = func() error {
		g.close()
		_, err := db.ExecContext(context.WithoutCancel(ctx), "DROP SCHEMA "+schema+" CASCADE")
		return errors.Join(err, db.Close(), os.RemoveAll(dir))
	}
	return d, g.reopen()
}

// reopen lets stations through again.
func (g *gate) reopen() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open {
		return nil
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", g.path)
	if err != nil {
		return err
	}
	g.open, g.listen = true, l
	go g.serve(l)
	return nil
}

// close cuts everything off, in the middle of whatever it says.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		return
	}
	g.open = false
	_ = g.listen.Close()
	for c := range g.conns {
		_ = c.Close()
	}
	clear(g.conns)
}

func (g *gate) serve(l net.Listener) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := (&net.Dialer{}).DialContext(context.Background(), "unix", g.to)
		if err != nil {
			_ = in.Close()
			continue
		}
		if !g.keep(in, out) {
			continue
		}
		for _, pair := range [][2]net.Conn{{in, out}, {out, in}} {
			go func() {
				_, _ = io.Copy(pair[0], pair[1])
				g.end(in, out)
			}()
		}
	}
}

func (g *gate) keep(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		if !g.open {
			_ = c.Close()
			continue
		}
		g.conns[c] = true
	}
	return g.open
}

func (g *gate) end(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(g.conns, c)
	}
}

// shares reports whether one of the plans has to do with a shared database.
func shares(plans []plan) bool {
	for _, p := range plans {
		if _, ok := p.has("database.gone"); ok {
			return true
		}
	}
	return false
}

// sharing is how many worlds have to do with the server at once: it has the rest of this machine to share.
const sharing = 4

// share puts the station's own ledger before the world's database.
func (s *shop) share(ctx context.Context) (*shared.Ledger, error) {
	w := s.w
	open := func(ctx context.Context) (*ledger.Ledger, error) {
		l, err := ledger.Open(ctx, w.database.gated, ledger.Config{Readers: 1, Now: w.now, Timeout: 5 * time.Second})
		if err != nil {
			return nil, err
		}
		_, err = l.StartAudit(ctx, ledger.AuditConfig{StationID: stationID, Tenant: tenant, Signer: w.site.signer, Heads: w.heads() + ".shared"})
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		return l, nil
	}
	return shared.New(ctx, s.ledger, open, shared.Config{
		StationID: stationID, Tenant: tenant, Lease: time.Minute, ClaimWait: 5 * time.Second, AnswerWait: 30 * time.Second,
	})
}

// databaseGone closes the way to the database for a while.
func (w *world) databaseGone(f fault) {
	if w.database == nil {
		return
	}
	w.site.hit(f.kind)
	w.database.gate.close()
	time.AfterFunc(time.Duration(f.k)*time.Millisecond, func() {
		if err := w.database.gate.reopen(); err != nil {
			w.accuse(-1, "gate: %v", err)
		}
	})
}

// handOver has a station tell the database what is left to tell, as one that is started the next morning does.
func (w *world) handOver(ctx context.Context) error {
	if w.database == nil {
		return nil
	}
	if err := w.database.gate.reopen(); err != nil {
		return err
	}
	s := &shop{w: w}
	var err error
	if s.ledger, err = openLedger(ctx, w); err != nil {
		return err
	}
	if err := s.audit(ctx); err != nil {
		return errors.Join(err, s.ledger.Close())
	}
	l, err := s.share(ctx)
	if err != nil {
		return errors.Join(err, s.ledger.Close())
	}
	fctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return errors.Join(l.Flush(fctx), l.Close())
}

// sharedTables are what the database has to have of the own file: all rows, by their keys and what came of them.
var sharedTables = []struct{ what, query string }{
	{"run", "SELECT run || ' ' || coalesce(outcome, 'open') || ' ' || coalesce(hardware_serial, '') FROM runs"},
	{"phase", "SELECT run || ' ' || phase || ' ' || started_at || ' ' || status FROM phases"},
	{"certificate", "SELECT cert_serial FROM certificates"},
	{"post", "SELECT post || ' ' || state FROM posts"},
	{"proof", "SELECT run || ' ' || hardware_serial || ' ' || proven_at FROM proofs"},
	{"intent", "SELECT intent || ' ' || coalesce(result, 'open') FROM intents"},
	{"waiting entry", "SELECT kind || ' ' || run FROM outbox"},
	{"duplicate", "SELECT kind || ' ' || detail FROM duplicates"},
}

// judgeShared holds the database against the own file: all of it is there, nothing waits, and nothing contradicts.
func (w *world) judgeShared(ctx context.Context) error {
	if w.database == nil {
		return nil
	}
	read := func(driver, source, query string) (map[string]bool, error) {
		db, err := sql.Open(driver, source)
		if err != nil {
			return nil, err
		}
		defer db.Close()
		rows, err := db.QueryContext(ctx, query)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		set := map[string]bool{}
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				return nil, err
			}
			set[s] = true
		}
		return set, rows.Err()
	}
	for _, t := range sharedTables {
		own, err := read("sqlite", "file:"+w.ledgerPath+"?mode=ro", t.query)
		if err != nil {
			return fmt.Errorf("%s: %w", t.what, err)
		}
		there, err := read("pgx", w.database.direct, t.query)
		if err != nil {
			return fmt.Errorf("%s in the database: %w", t.what, err)
		}
		if t.what == "waiting entry" || t.what == "duplicate" {
			for s := range own {
				w.accuse(-1, "SHARED: %s in the own file: %s", t.what, s)
			}
			for s := range there {
				w.accuse(-1, "SHARED: %s in the database: %s", t.what, s)
			}
			continue
		}
		for s := range own {
			if !there[s] {
				w.accuse(-1, "SHARED: the database has no %s %s", t.what, s)
			}
		}
		for s := range there {
			if !own[s] {
				w.accuse(-1, "SHARED: the own file has no %s %s", t.what, s)
			}
		}
	}
	return w.judgeSharedChain(ctx)
}

// judgeSharedChain: what was told is in the station's chain there, unaltered.
func (w *world) judgeSharedChain(ctx context.Context) error {
	l, err := ledger.Open(ctx, w.database.direct, ledger.Config{Readers: 1})
	if err != nil {
		return err
	}
	defer l.Close()
	r, err := l.Verify(ctx, ledger.VerifyConfig{Keys: audit.NewKeys(w.site.signer.Public)})
	for _, f := range r.Findings {
		w.accuse(-1, "SHARED: chain: %v", f)
	}
	return err
}

// schemaOf names a world's schema: each campaign has a server of its own.
func (w *world) schemaOf() string {
	return strings.ToLower(fmt.Sprintf("g%d_w%d", w.site.generation, w.number))
}
