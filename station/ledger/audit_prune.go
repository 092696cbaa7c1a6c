package ledger

import (
	"context"
	"fmt"
	"strings"
	"time"

	"provstation/station/audit"
)

// PrunedAudit is what PruneAudit did. Checkpoint is signed and covers all that is gone; zero where nothing was.
type PrunedAudit struct {
	Rows       uint64
	Carried    int // ledger rows whose state was told again, so that they stay covered
	Checkpoint audit.Checkpoint
}

// PruneAudit deletes the rows of this station's chain that were written before a time. In the same transaction a
// checkpoint signs the digest of the last of them, from which the chain goes on, and what is still in the ledger and was
// told by them alone is told anew. ErrNoChain.
func (l *Ledger) PruneAudit(ctx context.Context, before time.Time) (PrunedAudit, error) {
	var out PrunedAudit
	err := l.write.do(ctx, func(ctx context.Context, t *txn) (err error) {
		out, err = t.pruneChain(ctx, before.UnixMicro())
		return err
	})
	l.flushHeads(ctx)
	return out, l.wrap(err, "prune the chain of rows before", before.UTC().Format(time.RFC3339))
}

func (t *txn) pruneChain(ctx context.Context, before int64) (out PrunedAudit, err error) {
	if t.trail.chain == nil {
		return out, ErrNoChain
	}
	if err := t.head(ctx); err != nil {
		return out, err
	}
	last, only, err := t.told(ctx, before)
	if err != nil || last.N == 0 {
		return out, err
	}
	for _, c := range only {
		t.wrote("carry", []rowKey{{c.table, c.key}})
	}
	out.Carried = len(only)
	t.trail.kind = "prune"
	t.trail.facts = map[string]string{"to": fmt.Sprint(last.N), "digest": last.Digest.String()}
	if out.Checkpoint, err = t.checkpoint(ctx, audit.PurposePrune, last.N, last.Digest); err != nil {
		return out, err
	}
	n, err := t.run(ctx, "DELETE FROM audit WHERE station_id = ? AND n <= ?", t.trail.chain.station, counter(last.N))
	if err != nil {
		return out, err
	}
	_, err = t.run(ctx, "DELETE FROM audit_checkpoints WHERE station_id = ? AND n < ?", t.trail.chain.station, counter(last.N))
	out.Rows = uint64(max(n, 0)) //nolint:gosec // not negative
	t.signHead()
	return out, err
}

// told finds the last row of the chain that was written before a time, and the ledger rows whose state is told by rows up
// to it alone. A row that does not fit its body stops it: a chain that was altered is not pruned.
func (t *txn) told(ctx context.Context, before int64) (last audit.Checkpoint, only map[string]rowKey, err error) {
	only = map[string]rowKey{}
	var after int64
	for {
		page, err := t.rows(ctx, "SELECT n, prev, digest, body FROM audit WHERE station_id = ? AND n > ? ORDER BY n LIMIT 256",
			[]any{t.trail.chain.station, after})
		if err != nil {
			return last, nil, err
		}
		for _, v := range page.values {
			after, _ = v[0].(int64)
			prev, _ := v[1].([]byte)
			stored, _ := v[2].([]byte)
			body, _ := v[3].([]byte)
			p, _ := audit.DigestOf(prev)
			d, _ := audit.DigestOf(stored)
			row, err := audit.ParseRow(body)
			if err != nil || audit.Link(p, body) != d || counter(row.N) != after {
				return last, nil, fmt.Errorf("row %d of the chain: %w", after, ErrCorrupt)
			}
			old := row.At < before && last.N+1 >= row.N || row.At < before && last.N == 0
			if old {
				last.N, last.Digest = row.N, d
			}
			for _, c := range row.Changes {
				id, err := c.ID()
				if err != nil {
					return last, nil, err
				}
				if !old || c.Columns == nil {
					delete(only, id)
				} else if key, ok := plainKey(c.Key); ok {
					only[id] = rowKey{c.Table, key}
				} else {
					return last, nil, fmt.Errorf("row %d of the chain: %w: a key of %s is longer than %d bytes", after, ErrInvalid,
						strings.TrimSpace(c.Table), audit.MaxPlain)
				}
			}
		}
		if len(page.values) < 256 {
			return last, only, nil
		}
	}
}

// plainKey is a row's key as the database has it; a long text is in the chain as its digest.
func plainKey(key []any) ([]any, bool) {
	for _, k := range key {
		if _, ok := k.(audit.Hidden); ok {
			return nil, false
		}
	}
	return key, true
}
