package ledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"provstation/station/audit"
)

// VerifyConfig says what a ledger is held against.
type VerifyConfig struct {
	Keys  audit.Keys         // trusted station keys
	Own   string             // the station whose key must be among them; empty: every station's must
	Heads []audit.Checkpoint // kept outside the database: of a heads file, of passports
}

// VerifyReport is what Verify found.
type VerifyReport struct {
	Chains    []ChainReport
	Findings  []audit.Finding
	Rows      int // of the ledger's tables that were compared
	Signed    int // checkpoints whose signature fits
	Unchecked int // checkpoints of other stations whose key is not known
}

// ChainReport is how far a station's chain goes.
type ChainReport struct {
	Station, Tenant string
	Rows, Last      uint64
	Pruned          uint64 // rows up to it were deleted, which was signed
	SignedTo        uint64 // the newest signed row
	Digest          audit.Digest
}

// findingsMax bounds what is listed.
const findingsMax = 500

// verifier compares a ledger with its chains.
type verifier struct {
	l      *Ledger
	tx     *sql.Tx
	cfg    VerifyConfig
	report VerifyReport

	states map[rowID]*rowState
	alts   map[rowID][]*rowState // of rows that several stations wrote
	names  map[string]string     // pseudonym to name
	pseudo map[string]string     // name to pseudonym
}

// rowID names a row of a table in few bytes.
type rowID [16]byte

// rowState is a row as a chain saw it last.
type rowState struct {
	chain   string
	n       uint64
	index   int // of the change in row n
	sum     [16]byte
	deleted bool
	seen    bool
}

// Verify goes through every chain, the signed heads and every audited row of the ledger, and names what was altered. It
// reads one state of the database, also while a station writes. An error means that it could not be read to the end.
func (l *Ledger) Verify(ctx context.Context, c VerifyConfig) (VerifyReport, error) {
	v := &verifier{
		l: l, cfg: c, states: map[rowID]*rowState{}, alts: map[rowID][]*rowState{}, names: map[string]string{},
		pseudo: map[string]string{},
	}
	err := v.run(ctx)
	return v.report, l.wrap(err, "verify", l.path)
}

func (v *verifier) run(ctx context.Context) error {
	if err := v.schema(ctx); err != nil {
		return err
	}
	opts := &sql.TxOptions{ReadOnly: true}
	if v.l.d.name() == Postgres {
		opts.Isolation = sql.LevelRepeatableRead
	}
	var err error
	if v.tx, err = v.l.read.BeginTx(ctx, opts); err != nil {
		return err
	}
	defer func() { _ = v.tx.Rollback() }()
	for _, step := range []func(context.Context) error{v.people, v.chains, v.tables, v.missing} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) found(f audit.Finding) {
	if len(v.report.Findings) < findingsMax {
		v.report.Findings = append(v.report.Findings, f)
	}
}

// each reads the rows of a query.
func (v *verifier) each(ctx context.Context, do func(columns []string, row []any) error, q string, args ...any) error {
	rows, err := v.tx.QueryContext(ctx, v.l.d.rebind(q), args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		row, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if err := do(columns, row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// people reads the names, and checks that each is the one its pseudonym was made of.
func (v *verifier) people(ctx context.Context) error {
	return v.each(ctx, func(_ []string, row []any) error {
		p, name := text(row[0]), text(row[1])
		salt, _ := row[2].([]byte)
		if audit.Pseudonym(salt, name) != p {
			v.found(audit.Finding{Kind: audit.Person, Table: "people_names", Row: free(p), Column: "name"})
		}
		v.names[p] = name
		if have, ok := v.pseudo[name]; !ok || p < have {
			v.pseudo[name] = p
		}
		return nil
	}, "SELECT pseudonym, name, salt FROM people_names")
}

// chains checks every station's chain and remembers what it says of the ledger's rows.
func (v *verifier) chains(ctx context.Context) error {
	type head struct {
		tenant string
		n      uint64
		digest []byte
	}
	heads := map[string]head{}
	var order []string
	err := v.each(ctx, func(_ []string, row []any) error {
		n, _ := row[2].(int64)
		d, _ := row[3].([]byte)
		heads[text(row[0])] = head{text(row[1]), uint64(max(n, 0)), d} //nolint:gosec // not negative
		order = append(order, text(row[0]))
		return nil
	}, "SELECT station_id, tenant, n, digest FROM audit_chains ORDER BY station_id")
	if err != nil {
		return err
	}
	err = v.each(ctx, func(_ []string, row []any) error {
		if id := text(row[0]); !slices.Contains(order, id) {
			order = append(order, id)
			v.found(audit.Finding{Kind: audit.Head, Station: free(id), Detail: "the chain has no row in audit_chains"})
		}
		return nil
	}, "SELECT DISTINCT station_id FROM audit UNION SELECT DISTINCT station_id FROM audit_checkpoints")
	if err != nil {
		return err
	}
	for _, h := range v.cfg.Heads {
		if !slices.Contains(order, h.Station) && h.Verify(v.cfg.Keys) == nil {
			order = append(order, h.Station)
			heads[h.Station] = head{tenant: h.Tenant}
		}
	}
	if len(order) == 0 {
		v.found(audit.Finding{Kind: audit.Missing, N: 1, Detail: "there is no chain"})
	}
	for _, id := range order {
		h, ok := heads[id]
		result, err := v.chain(ctx, id, h.tenant)
		if err != nil {
			return err
		}
		if ok && (result.Last != h.n || string(result.Digest[:]) != string(h.digest)) {
			v.found(audit.Finding{Kind: audit.Head, Station: free(id), N: result.Last, Last: h.n})
		}
	}
	return nil
}

func (v *verifier) chain(ctx context.Context, id, tenant string) (audit.Result, error) {
	onRecord, signed, err := v.signed(ctx, id)
	if err != nil {
		return audit.Result{}, err
	}
	var ended, signedTo uint64 // the newest row that ends a run, and the newest signed one
	for _, s := range signed {
		signedTo = max(signedTo, s.N)
	}
	result, err := audit.Check(audit.Chain{
		Station: id, Tenant: tenant, Signed: signed, Rows: func() iter.Seq2[audit.Stored, error] { return v.stored(ctx, id) },
		Each: func(at uint64, r audit.Row) error {
			if r.Facts[factSigned] != "" && r.N > 1 && !onRecord[r.N-1] {
				v.found(audit.Finding{Kind: audit.Signature, Station: free(id), N: r.N - 1, Detail: "its checkpoint is not on record"})
			}
			for i, c := range r.Changes {
				if c.Table == "runs" && c.Columns["outcome"] != nil && r.Kind == "update runs" {
					ended = at
				}
				if err := v.remember(id, at, i, c); err != nil {
					return err
				}
			}
			return nil
		},
	})
	if err != nil {
		return result, err
	}
	for _, f := range result.Findings {
		v.found(f)
	}
	checkpointed := signedTo // what is there of a station whose key is not known counts: that it is there is what can be said
	for n := range onRecord {
		checkpointed = max(checkpointed, n)
	}
	if ended > checkpointed {
		v.found(audit.Finding{Kind: audit.Signature, Station: free(id), N: ended, Detail: "a run ended, and the head was not signed"})
	}
	v.report.Chains = append(v.report.Chains, ChainReport{
		Station: id, Tenant: tenant, Rows: result.Rows, Last: result.Last, Pruned: result.Pruned, SignedTo: signedTo, Digest: result.Digest,
	})
	return result, nil
}

// stored gives a chain's rows, page by page: a page is read to its end before it is looked at.
func (v *verifier) stored(ctx context.Context, id string) iter.Seq2[audit.Stored, error] {
	const page = 512
	return func(yield func(audit.Stored, error) bool) {
		after, first := int64(0), true
		for {
			var rows []audit.Stored
			var last int64
			cond := "n > ?"
			if first {
				cond = "n >= ?"
				after = -1 << 62
			}
			err := v.each(ctx, func(_ []string, row []any) error {
				last, _ = row[0].(int64)
				s := audit.Stored{N: uint64(max(last, 0))} //nolint:gosec // not negative
				s.Prev, _ = row[1].([]byte)
				s.Digest, _ = row[2].([]byte)
				s.Body, _ = row[3].([]byte)
				rows = append(rows, s)
				return nil
			}, "SELECT n, prev, digest, body FROM audit WHERE station_id = ? AND "+cond+" ORDER BY n LIMIT "+strconv.Itoa(page), id, after)
			if err != nil {
				yield(audit.Stored{}, err)
				return
			}
			for _, s := range rows {
				if !yield(s, nil) {
					return
				}
			}
			if len(rows) < page {
				return
			}
			after, first = last, false
		}
	}
}

// signed gives the checkpoints whose signature fits, and which rows have one on record.
func (v *verifier) signed(ctx context.Context, id string) (onRecord map[uint64]bool, good []audit.Checkpoint, err error) {
	onRecord = map[uint64]bool{}
	judge := func(c audit.Checkpoint, err error, where string) bool {
		if err == nil {
			err = c.Verify(v.cfg.Keys)
		}
		switch {
		case err == nil:
			v.report.Signed++
			good = append(good, c)
			return true
		case errors.Is(err, audit.ErrUnknownKey) && v.cfg.Own != "" && v.cfg.Own != id:
			v.report.Unchecked++
			return true
		}
		v.found(audit.Finding{Kind: audit.Signature, Station: free(id), N: c.N, Detail: where + free(err.Error())})
		return false
	}
	err = v.each(ctx, func(_ []string, row []any) error {
		n, _ := row[0].(int64)
		purpose, _ := row[1].(int64)
		c, err := audit.ParseCheckpoint([]byte(text(row[2])))
		if err == nil && (c.Station != id || counter(c.N) != n || counter(c.Purpose) != purpose) {
			err = errors.New("it was signed as another one")
		}
		if judge(c, err, "") {
			onRecord[c.N] = true
		}
		return nil
	}, "SELECT n, purpose, line FROM audit_checkpoints WHERE station_id = ? ORDER BY n, purpose", id)
	if err != nil {
		return nil, nil, err
	}
	var pruned uint64
	for _, c := range good {
		if c.Purpose == audit.PurposePrune {
			pruned = max(pruned, c.N)
		}
	}
	for _, h := range v.cfg.Heads {
		if h.Station != id || !judge(h, nil, "heads file: ") {
			continue
		}
		if !onRecord[h.N] && h.N > pruned {
			onRecord[h.N] = true // said once
			v.found(audit.Finding{Kind: audit.Signature, Station: free(id), N: h.N, Detail: "its checkpoint is in the heads file and not on record"})
		}
	}
	slices.SortStableFunc(good, func(a, b audit.Checkpoint) int { return cmp.Compare(a.N, b.N) })
	return onRecord, good, nil
}

func idOf(c audit.Change) (rowID, error) {
	id, err := c.ID()
	if err != nil {
		return rowID{}, err
	}
	sum := sha256.Sum256([]byte(id))
	return rowID(sum[:16]), nil
}

// remember takes a change as the row's newest state in its chain.
func (v *verifier) remember(chain string, n uint64, index int, c audit.Change) error {
	id, err := idOf(c)
	if err != nil {
		return err
	}
	s := &rowState{chain: chain, n: n, index: index, deleted: c.Columns == nil}
	if !s.deleted {
		sum, err := c.Sum()
		if err != nil {
			return err
		}
		s.sum = [16]byte(sum[:16])
	}
	if have, ok := v.states[id]; ok && have.chain != chain {
		v.alts[id] = append(v.alts[id], have)
	}
	v.states[id] = s
	return nil
}

// change reads one change of a chain again.
func (v *verifier) change(ctx context.Context, s *rowState) (c audit.Change, err error) {
	var body []byte
	err = v.tx.QueryRowContext(ctx, v.l.d.rebind("SELECT body FROM audit WHERE station_id = ? AND n = ?"), s.chain, counter(s.n)).Scan(&body)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return c, err
	}
	r, err := audit.ParseRow(body)
	if err != nil || s.index >= len(r.Changes) {
		return c, fmt.Errorf("row %d of chain %s: %w", s.n, s.chain, ErrCorrupt)
	}
	return r.Changes[s.index], nil
}
