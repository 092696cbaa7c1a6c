package ledger

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"provstation/station/audit"
)

// trail is what a write transaction owes the chain.
type trail struct {
	chain *chain // nil: nobody began one

	// of the job in hand
	kind    string
	changed []rowKey
	seen    map[string]bool
	facts   map[string]string

	// of the transaction
	begun  bool // n and digest are known
	dirty  bool
	before bool // the row that was the newest is signed
	n      uint64
	digest audit.Digest
	sign   bool
	signed []audit.Checkpoint
	plain  bool // no chain is begun in this database: asked once
}

// factSigned, in a row, says that the row before it has a checkpoint.
const factSigned = "signed-before"

// rowKey names a row that was written.
type rowKey struct {
	table string
	key   []any
}

// chain is the station's chain that a ledger writes.
type chain struct {
	station, tenant string
	signer          *audit.Signer
	now             func() time.Time
	wrote           atomic.Bool // something, through this ledger
}

// plan is a statement of this package as the chain sees it, kept for the connection's life.
type plan struct {
	statement
	writes bool
	err    error
}

func (w *writer) planOf(query string) plan {
	p, ok := w.plans[query]
	if !ok {
		p.statement, p.writes, p.err = parseWrite(query)
		if w.plans == nil {
			w.plans = make(map[string]plan)
		}
		w.plans[query] = p
	}
	return p
}

// note finds the rows that a statement is about to write.
func (t *txn) note(ctx context.Context, query string, args []any) ([]rowKey, error) {
	p := t.w.planOf(query)
	if !p.writes {
		return nil, nil
	}
	if t.trail.chain == nil {
		return nil, t.noChain(ctx)
	}
	switch {
	case p.err != nil:
		return nil, p.err
	case p.keyArgs == nil:
		return t.keysOf(ctx, p.table, p.find, args[p.findArgs:])
	}
	k := rowKey{table: p.table, key: make([]any, len(p.keyArgs))}
	for i, n := range p.keyArgs {
		var err error
		if k.key[i], err = driver.DefaultParameterConverter.ConvertValue(args[n]); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	return []rowKey{k}, nil
}

// noChain allows a write without a chain as long as nobody has begun one in this database.
func (t *txn) noChain(ctx context.Context) error {
	if t.trail.plain {
		return nil
	}
	var n int64
	if _, err := t.one(ctx, "SELECT count(*) FROM audit_chains", nil, &n); err != nil {
		return err
	}
	if n > 0 {
		return ErrNoChain
	}
	t.trail.plain = true
	return nil
}

func (t *txn) keysOf(ctx context.Context, table, query string, args []any) ([]rowKey, error) {
	rows, err := t.rows(ctx, query, args)
	if err != nil {
		return nil, err
	}
	keys := make([]rowKey, len(rows.values))
	for i, v := range rows.values {
		keys[i] = rowKey{table, v}
	}
	return keys, nil
}

// wrote remembers rows for the chain.
func (t *txn) wrote(op string, keys []rowKey) {
	for _, k := range keys {
		id := k.table + "\x00" + fmt.Sprintf("%q", k.key)
		if t.trail.seen[id] {
			continue
		}
		if t.trail.seen == nil {
			t.trail.seen = make(map[string]bool)
		}
		t.trail.seen[id] = true
		t.trail.changed = append(t.trail.changed, k)
		if t.trail.kind == "" {
			t.trail.kind = op + " " + k.table
		}
	}
}

// signHead has the chain's head signed with this transaction.
func (t *txn) signHead() { t.trail.sign = true }

// job runs one write and appends what it did to the chain, in the same transaction. On error the chain is where it was.
func (t *txn) job(ctx context.Context, fn func(context.Context, *txn) error) error {
	before := t.trail
	t.trail.kind, t.trail.changed, t.trail.seen, t.trail.facts = "", nil, nil, nil
	err := fn(ctx, t)
	if err == nil && t.trail.chain != nil && (len(t.trail.changed) > 0 || t.trail.facts != nil) {
		err = t.append(ctx)
	}
	if err != nil {
		plain := t.trail.plain
		t.trail = before
		t.trail.plain = plain
	}
	return err
}

// append writes the job's rows into the chain: one row of it, or several where there are many.
func (t *txn) append(ctx context.Context) error {
	for first := true; first || len(t.trail.changed) > 0; first = false {
		some := t.trail.changed[:min(len(t.trail.changed), changesMax)]
		t.trail.changed = t.trail.changed[len(some):]
		row := audit.Row{Kind: t.trail.kind, Facts: t.trail.facts, Changes: make([]audit.Change, len(some))}
		for i, k := range some {
			c, err := t.image(ctx, k)
			if err != nil {
				return fmt.Errorf("audit %s: %w", k.table, err)
			}
			row.Changes[i] = c
		}
		if err := t.appendRow(ctx, row); err != nil {
			return err
		}
		t.trail.facts = nil
	}
	return nil
}

// changesMax is how many changes go into one row of the chain: as many of the widest rows stay far below its bound.
const changesMax = 128

// head finds the chain's newest row.
func (t *txn) head(ctx context.Context) error {
	if t.trail.begun {
		return nil
	}
	c := t.trail.chain
	var n int64
	var d []byte
	found, err := t.one(ctx, "SELECT n, digest FROM audit WHERE station_id = ? ORDER BY n DESC LIMIT 1", []any{c.station}, &n, &d)
	if err != nil {
		return err
	}
	if !found { // nothing yet, or all of it was pruned
		var tenant string
		found, err = t.one(ctx, "SELECT tenant, n, digest FROM audit_chains WHERE station_id = ?", []any{c.station}, &tenant, &n, &d)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoChain
		}
	}
	digest, ok := audit.DigestOf(d)
	if !ok || n < 0 {
		return fmt.Errorf("chain of station %s: %w", free(c.station), ErrCorrupt)
	}
	var signed int64
	_, err = t.one(ctx, "SELECT count(*) FROM audit_checkpoints WHERE station_id = ? AND n = ? AND purpose = 1",
		[]any{c.station, n}, &signed)
	t.trail.begun, t.trail.n, t.trail.digest, t.trail.before = true, uint64(n), digest, signed > 0
	return err
}

func (t *txn) appendRow(ctx context.Context, row audit.Row) error {
	if err := t.head(ctx); err != nil {
		return err
	}
	if !t.trail.dirty && t.trail.before {
		// Whoever removes the checkpoint of the row before is betrayed by this one.
		row.Facts = maps.Clone(row.Facts)
		if row.Facts == nil {
			row.Facts = make(map[string]string, 1)
		}
		row.Facts[factSigned] = "yes"
	}
	row.Station, row.N, row.At = t.trail.chain.station, t.trail.n+1, t.trail.chain.now().UnixMicro()
	body, err := row.Encode()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	prev := t.trail.digest
	digest := audit.Link(prev, body)
	_, err = t.run(ctx, "INSERT INTO audit (station_id, n, prev, digest, body) VALUES (?, ?, ?, ?, ?)",
		row.Station, counter(row.N), prev[:], digest[:], body)
	if err != nil {
		return fmt.Errorf("audit row %d: %w", row.N, err)
	}
	t.trail.n, t.trail.digest, t.trail.dirty = row.N, digest, true
	return nil
}

// settle writes the chain's head, and signs it where a job asked for that. It is the transaction's last act.
func (t *txn) settle(ctx context.Context) error {
	tr := &t.trail
	if tr.chain == nil || !tr.dirty && !tr.sign {
		return nil
	}
	if err := t.head(ctx); err != nil {
		return err
	}
	if tr.dirty {
		tr.chain.wrote.Store(true)
		_, err := t.run(ctx, "UPDATE audit_chains SET n = ?, digest = ? WHERE station_id = ?", counter(tr.n), tr.digest[:],
			tr.chain.station)
		if err != nil {
			return err
		}
	}
	if !tr.sign || tr.n == 0 {
		return nil
	}
	_, err := t.checkpoint(ctx, audit.PurposeHead, tr.n, tr.digest)
	return err
}

// checkpoint signs that row n has the digest.
func (t *txn) checkpoint(ctx context.Context, purpose, n uint64, digest audit.Digest) (audit.Checkpoint, error) {
	tr := &t.trail
	c, err := tr.chain.signer.Sign(audit.Checkpoint{
		Station: tr.chain.station, Tenant: tr.chain.tenant, N: n, Digest: digest, At: tr.chain.now(), Purpose: purpose,
	})
	if err != nil {
		return c, err
	}
	line, err := c.Line()
	if err != nil {
		return c, err
	}
	_, err = t.run(ctx, `INSERT INTO audit_checkpoints (station_id, n, purpose, line) VALUES (?, ?, ?, ?)
		ON CONFLICT (station_id, n, purpose) DO NOTHING`, c.Station, counter(c.N), counter(purpose), strings.TrimSuffix(string(line), "\n"))
	if err == nil {
		tr.signed = append(tr.signed, c)
	}
	return c, err
}

// image is the row as it stands now, with pseudonyms in place of names.
func (t *txn) image(ctx context.Context, k rowKey) (audit.Change, error) {
	a, _ := auditedTables(k.table)
	c := audit.Change{Table: k.table, Key: make([]any, len(k.key))}
	for i, v := range k.key {
		c.Key[i] = audit.Value(v)
	}
	rows, err := t.rows(ctx, "SELECT * FROM "+k.table+" WHERE "+strings.Join(a.keys, " = ? AND ")+" = ?", k.key)
	if err != nil || len(rows.values) == 0 {
		return c, err
	}
	c.Columns = make(map[string]any, len(rows.columns))
	for i, name := range rows.columns {
		v := rows.values[0][i]
		if name == a.derived {
			continue
		}
		if a.person(name) {
			if v, err = t.pseudonym(ctx, v); err != nil {
				return c, err
			}
		}
		c.Columns[name] = audit.Value(v)
	}
	return c, nil
}

// pseudonym is what stands for the person in the chain; one who was never named gets one.
func (t *txn) pseudonym(ctx context.Context, v any) (any, error) {
	name, _ := v.(string)
	if name == "" || audit.IsPseudonym(name) {
		return v, nil
	}
	var p string
	found, err := t.one(ctx, "SELECT pseudonym FROM people_names WHERE name = ? ORDER BY pseudonym LIMIT 1", []any{name}, &p)
	if err != nil || found {
		return p, err
	}
	salt := audit.NewSalt()
	p = audit.Pseudonym(salt, name)
	_, err = t.run(ctx, "INSERT INTO people_names (pseudonym, name, salt) VALUES (?, ?, ?)", p, name, salt)
	return p, err
}

// table is the answer to a query: int64, string, []byte or nil.
type table struct {
	columns []string
	values  [][]any
}

func (t *txn) rows(ctx context.Context, query string, args []any) (out table, err error) {
	ctx, cancel := t.w.d.bound(ctx)
	defer cancel()
	s, err := t.stmt(ctx, query) //nolint:sqlclosecheck // kept for the connection's life
	if err != nil {
		return out, t.w.d.failed(ctx, err)
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return out, t.w.d.failed(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	if out.columns, err = rows.Columns(); err != nil {
		return out, t.w.d.failed(ctx, err)
	}
	for rows.Next() {
		row := make([]any, len(out.columns))
		dest := make([]any, len(row))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return out, t.w.d.failed(ctx, err)
		}
		out.values = append(out.values, row)
	}
	return out, t.w.d.failed(ctx, rows.Err())
}
