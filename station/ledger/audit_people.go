package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"provstation/station/audit"
)

// ErasePerson forgets a person: in every record of the ledger the name is replaced by the pseudonym that the chain has
// for it, and what led from the one to the other is deleted. It gives the number of records that named the person. Free
// texts (reasons, notes) are what somebody wrote, and stay.
func (l *Ledger) ErasePerson(ctx context.Context, name string) (int, error) {
	err := need(field{"name", name})
	if err == nil && audit.IsPseudonym(name) {
		err = fmt.Errorf("%w: that is a pseudonym", ErrInvalid)
	}
	var n int
	if err == nil {
		err = l.write.do(ctx, func(ctx context.Context, t *txn) (err error) {
			n, err = t.erase(ctx, name)
			return err
		})
	}
	if err == nil {
		err = l.overwrite(ctx)
	}
	return n, l.wrap(err, "erase person", "")
}

func (t *txn) erase(ctx context.Context, name string) (n int, err error) {
	if t.trail.chain == nil {
		return 0, ErrNoChain
	}
	v, err := t.pseudonym(ctx, name)
	if err != nil {
		return 0, err
	}
	for _, table := range auditedNames() {
		a, _ := auditedTables(table)
		for _, column := range a.persons {
			keys, err := t.keysOf(ctx, table, "SELECT "+list(a.keys)+" FROM "+table+" WHERE "+column+" = ?", []any{name})
			if err != nil {
				return 0, err
			}
			if _, err := t.run(ctx, "UPDATE "+table+" SET "+column+" = ? WHERE "+column+" = ?", v, name); err != nil {
				return 0, err
			}
			if slices.Contains(a.keys, "run") && a.derived != "" {
				for _, k := range keys {
					if err := t.refold(ctx, text(k.key[0])); err != nil {
						return 0, err
					}
				}
			}
			t.wrote("erase person", keys)
			n += len(keys)
		}
	}
	t.trail.kind, t.trail.facts = "erase person", map[string]string{"pseudonym": text(v)}
	_, err = t.run(ctx, "DELETE FROM people_names WHERE name = ?", name)
	return n, err
}

func list(columns []string) string {
	s := columns[0]
	for _, c := range columns[1:] {
		s += ", " + c
	}
	return s
}

// overwrite makes what was deleted unreadable in the file as well: SQLite leaves it in unused pages and in its log.
func (l *Ledger) overwrite(ctx context.Context) error {
	if l.d.name() != SQLite || l.path == "" {
		return nil
	}
	db, err := openDB(fileURI(l.path), "", []string{"busy_timeout(" + strconv.FormatInt(l.cfg.BusyTimeout.Milliseconds(), 10) + ")"})
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("overwrite what was erased: %w", err)
		}
	}
	return nil
}
