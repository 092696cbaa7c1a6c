package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"provstation/station/audit"
)

// schema holds a SQLite file against itself and against what the migrations make: an index that was changed would hide
// rows, a constraint that was removed would let two devices have one key.
func (v *verifier) schema(ctx context.Context) error {
	if v.l.d.name() != SQLite {
		return nil
	}
	lines, err := query(ctx, v.l, func(scan func(...any) error) (s string, err error) { return s, scan(&s) }, "PRAGMA integrity_check(20)")
	if err != nil {
		return err
	}
	for _, line := range lines {
		if line != "ok" {
			v.found(audit.Finding{Kind: audit.Altered, Table: "(file)", Detail: free(line)})
		}
	}
	fresh, err := Open(ctx, "sqlite::memory:", Config{Readers: 1})
	if err != nil {
		return fmt.Errorf("make a ledger to compare with: %w", err)
	}
	defer fresh.Close()
	for _, q := range []string{
		"SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema ORDER BY 1",
		"SELECT 'version ' || version_id, is_applied FROM goose_db_version ORDER BY id",
	} {
		have, err := pairs(ctx, v.l, q)
		if err != nil {
			return err
		}
		want, err := pairs(ctx, fresh, q)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(keysOfBoth(have, want)) {
			if name != "table sqlite_stat1" && name != "table sqlite_stat4" && have[name] != want[name] {
				v.found(audit.Finding{Kind: audit.Altered, Table: "(schema)", Row: free(name)})
			}
		}
	}
	return nil
}

func pairs(ctx context.Context, l *Ledger, q string) (map[string]string, error) {
	type pair struct{ name, text string }
	rows, err := query(ctx, l, func(scan func(...any) error) (p pair, err error) { return p, scan(&p.name, &p.text) }, q)
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.name] = strings.Join(strings.Fields(r.text), " ") + "."
	}
	return out, err
}

func keysOfBoth(a, b map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range a {
			if !yield(k) {
				return
			}
		}
		for k := range b {
			if _, ok := a[k]; !ok && !yield(k) {
				return
			}
		}
	}
}
