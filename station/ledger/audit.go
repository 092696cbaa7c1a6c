package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"provstation/station"
	"provstation/station/audit"
)

// AuditConfig says which chain a ledger writes, and who signs it.
type AuditConfig struct {
	StationID string
	Tenant    string        // of a chain that is begun; one that is there keeps its own
	Signer    *audit.Signer // the station's key
	Heads     string        // path of the heads file; empty: none is kept outside the database
}

// StartAudit has every write of this ledger from now on append to the station's chain, in the transaction of the write.
// The first chain of a database begins with all that is in it.
//
// What it finds wrong at once (the newest row is not the one that was signed last, in the database or in the heads file) is
// given back and told to the logger; the chain goes on from its newest row, and [Ledger.Verify] keeps naming it.
func (l *Ledger) StartAudit(ctx context.Context, c AuditConfig) ([]audit.Finding, error) {
	if err := need(field{"station id", c.StationID}, field{"tenant", c.Tenant}); err != nil {
		return nil, l.wrap(err, "start audit of station", c.StationID)
	}
	if c.Signer == nil {
		return nil, l.wrap(fmt.Errorf("%w: no station key", ErrInvalid), "start audit of station", c.StationID)
	}
	l.write.heads.keptIn(c.Heads)
	ch := &chain{station: c.StationID, tenant: c.Tenant, signer: c.Signer, now: l.cfg.Now}
	there, err := query(ctx, l, func(scan func(...any) error) (s string, err error) { return s, scan(&s) },
		"SELECT tenant FROM audit_chains WHERE station_id = ?", ch.station)
	switch {
	case err == nil && len(there) == 1:
		ch.tenant = there[0]
	case err == nil:
		err = l.write.do(ctx, func(ctx context.Context, t *txn) error { return t.startChain(ctx, ch) })
	}
	if err != nil {
		return nil, l.wrap(err, "start audit of station", c.StationID)
	}
	l.write.chain.Store(ch)
	found, err := l.startCheck(ctx, ch, c.Heads)
	if err != nil {
		return nil, l.wrap(err, "start audit of station", c.StationID)
	}
	for _, f := range found {
		l.cfg.Logger.ErrorContext(ctx, "ledger: the history was changed", "finding", f.String())
	}
	l.flushHeads(ctx)
	return found, nil
}

// HasChain reports whether the station has a chain here.
func (l *Ledger) HasChain(ctx context.Context, stationID string) (bool, error) {
	var n int64
	err := l.read.QueryRowContext(ctx, "SELECT count(*) FROM audit_chains WHERE station_id = ?", stationID).Scan(&n)
	return n > 0, l.wrap(l.readErr(err), "find history of station", stationID)
}

// startChain finds the chain or begins it. The transaction's own trail is the chain's from here on.
func (t *txn) startChain(ctx context.Context, ch *chain) error {
	var tenant string
	found, err := t.one(ctx, "SELECT tenant FROM audit_chains WHERE station_id = ?", []any{ch.station}, &tenant)
	if err != nil {
		return err
	}
	if found {
		ch.tenant = tenant
		return nil
	}
	var others int64
	if _, err := t.one(ctx, "SELECT count(*) FROM audit_chains", nil, &others); err != nil {
		return err
	}
	genesis := audit.Genesis(ch.station, ch.tenant)
	_, err = t.run(ctx, "INSERT INTO audit_chains (station_id, tenant, n, digest) VALUES (?, ?, 0, ?)",
		ch.station, ch.tenant, genesis[:])
	if err != nil {
		return err
	}
	t.trail.chain = ch
	t.trail.kind, t.trail.facts = "begin chain", map[string]string{"tenant": plainFact(ch.tenant)}
	if others == 0 {
		for _, table := range auditedNames() {
			if err := t.adopt(ctx, table); err != nil {
				return err
			}
		}
	}
	t.signHead()
	return nil
}

func plainFact(s string) string { return cut(s, maxID) }

// adopt puts all rows of a table into the chain.
func (t *txn) adopt(ctx context.Context, table string) error {
	a, _ := auditedTables(table)
	keys, err := t.keysOf(ctx, table, "SELECT "+strings.Join(a.keys, ", ")+" FROM "+table, nil)
	if err != nil {
		return err
	}
	t.wrote("adopt", keys)
	return nil
}

// startSigned is how many of the newest heads a start looks at: it has to be quick after years, too. All of them are for
// Verify.
const startSigned = 8

// startCheck holds the newest row against what was signed last.
func (l *Ledger) startCheck(ctx context.Context, ch *chain, heads string) ([]audit.Finding, error) {
	keys := audit.NewKeys(ch.signer.Public)
	signed, found, err := l.newestCheckpoints(ctx, ch.station, keys)
	if err != nil {
		return nil, err
	}
	if heads != "" {
		kept, err := newestHeads(heads, ch.station)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, c := range kept {
			if c.Verify(keys) == nil {
				signed = append(signed, c)
			}
		}
	}
	var last audit.Checkpoint
	for _, c := range signed {
		if c.N > last.N {
			last = c
		}
	}
	if last.N == 0 {
		return found, nil
	}
	rows, err := query(ctx, l, scanStored, "SELECT n, prev, digest, body FROM audit WHERE station_id = ? AND n = ?", ch.station, counter(last.N))
	if err != nil {
		return nil, err
	}
	switch {
	case len(rows) == 0 && last.Purpose != audit.PurposePrune:
		found = append(found, audit.Finding{Kind: audit.Cut, Station: ch.station, N: last.N, Last: last.N})
	case len(rows) == 1 && string(rows[0].Digest) != string(last.Digest[:]):
		found = append(found, audit.Finding{Kind: audit.Recomputed, Station: ch.station, N: last.N})
	}
	return found, nil
}

func scanStored(scan func(...any) error) (s audit.Stored, err error) {
	var n int64
	err = scan(&n, &s.Prev, &s.Digest, &s.Body)
	s.N = uint64(max(n, 0)) //nolint:gosec // not negative
	return s, err
}

// newestCheckpoints are the newest signed heads on record whose signature fits; the others are found wrong.
func (l *Ledger) newestCheckpoints(ctx context.Context, stationID string, keys audit.Keys) (good []audit.Checkpoint, bad []audit.Finding, err error) {
	type row struct {
		n, purpose int64
		line       string
	}
	rows, err := query(ctx, l, func(scan func(...any) error) (r row, err error) {
		return r, scan(&r.n, &r.purpose, &r.line)
	}, "SELECT n, purpose, line FROM audit_checkpoints WHERE station_id = ? ORDER BY n DESC, purpose LIMIT ?", stationID, startSigned)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range rows {
		c, err := audit.ParseCheckpoint([]byte(r.line))
		if err == nil {
			err = c.Verify(keys)
		}
		if err == nil && (c.Station != stationID || counter(c.N) != r.n || counter(c.Purpose) != r.purpose) {
			err = errors.New("it was signed as another one")
		}
		if err != nil {
			bad = append(bad, audit.Finding{
				Kind: audit.Signature, Station: stationID, N: uint64(max(r.n, 0)), Detail: free(err.Error()), //nolint:gosec // not negative
			})
			continue
		}
		good = append(good, c)
	}
	return good, bad, nil
}

// Head is the newest signed head of the station's chain. station.ErrNotFound before the first.
func (l *Ledger) Head(ctx context.Context) (audit.Checkpoint, error) {
	ch := l.write.chain.Load()
	if ch == nil {
		return audit.Checkpoint{}, l.wrap(ErrNoChain, "find head", "")
	}
	lines, err := query(ctx, l, func(scan func(...any) error) (s string, err error) { return s, scan(&s) },
		"SELECT line FROM audit_checkpoints WHERE station_id = ? ORDER BY n DESC, purpose LIMIT 1", ch.station)
	if err == nil && len(lines) == 0 {
		err = station.ErrNotFound
	}
	var c audit.Checkpoint
	if err == nil {
		c, err = audit.ParseCheckpoint([]byte(lines[0]))
	}
	return c, l.wrap(err, "find head of station", ch.station)
}

// flushHeads keeps the signed heads outside the database, too. A file that cannot be written is told to the logger: the
// records themselves are durable, and the heads wait for the next time.
func (l *Ledger) flushHeads(ctx context.Context) {
	if err := l.write.heads.flush(); err != nil {
		l.headsLost(ctx, err)
	}
}

func (l *Ledger) headsLost(ctx context.Context, err error) {
	l.cfg.Logger.ErrorContext(ctx, "ledger: signed heads could not be kept outside the database", "error", err)
}

// endAudit signs what was written since the last run ended.
func (l *Ledger) endAudit(ctx context.Context) {
	ch := l.write.chain.Load()
	if ch == nil || !ch.wrote.Load() {
		return
	}
	err := l.write.do(ctx, func(ctx context.Context, t *txn) error {
		if err := t.head(ctx); err != nil {
			return err
		}
		var signed int64
		_, err := t.one(ctx, "SELECT coalesce(max(n), 0) FROM audit_checkpoints WHERE station_id = ?", []any{ch.station}, &signed)
		if err == nil && counter(t.trail.n) > signed {
			t.signHead()
		}
		return err
	})
	if err != nil {
		l.cfg.Logger.ErrorContext(ctx, "ledger: the head could not be signed", "error", err)
	}
	l.flushHeads(ctx)
}
