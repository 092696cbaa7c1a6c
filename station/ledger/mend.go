package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// mend brings a table that an earlier text of a migration made to what its present text makes. A missing index needs no
// mend of its own: it is made anew.
type mend struct {
	schema int64
	object string // of a shape
	was    string // its digest in a ledger of that time; empty: it is missing
	do     string // statements; empty: the migrations' own that makes it
}

// mends are what ledgers lack that were written before their migration got its present text. Nothing may be added here
// for a new migration: one that has landed stays as it is, and the next one changes what it made.
func mends(database string) []mend {
	list := []mend{
		{schema: 3, object: "table leases"}, // 00003 until commit 9d9f9a0
	}
	if database == SQLite {
		// 00003 until commit dd55668. No program of that time wrote the table.
		list = append(list, mend{3, "table audit_chains", "acf5a9fa8b51a373", "ALTER TABLE audit_chains DROP COLUMN begun_at"})
	}
	return list
}

// settleShape checks that a ledger has the shape of its schema's number, and mends what is known. ErrUnknownSchema.
func (l *Ledger) settleShape(ctx context.Context, db *sql.DB, files fs.FS, schema int64) error {
	all, err := shapes(l.d.name())
	if err != nil {
		return err
	}
	want, ok := all[schema]
	if !ok { // a migration of a test's own; TestShapes looks to it that the program's are all there
		return nil
	}
	have, err := shapeOf(ctx, db, l.d)
	if err != nil {
		return err
	}
	differ := want.differences(have)
	if len(differ) == 0 {
		return nil
	}
	statements, left, err := l.mending(files, schema, differ, have)
	if err != nil {
		return err
	}
	if len(left) == 0 {
		if err := l.alter(ctx, db, func(tx *sql.Tx) error {
			for _, s := range statements {
				if _, err := tx.ExecContext(ctx, s); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return l.strange(fmt.Errorf("mend %s: %w", strings.Join(differ, ", "), err))
		}
		if have, err = shapeOf(ctx, db, l.d); err != nil {
			return err
		}
		left = want.differences(have)
	}
	if len(left) > 0 {
		return fmt.Errorf("%w: schema %d: %s", ErrUnknownSchema, schema, inWords(left, have))
	}
	l.cfg.Logger.WarnContext(ctx, "ledger mended: it was not as its schema is made now", "ledger", l.place,
		"schema", schema, "mended", strings.Join(differ, ", "))
	return nil
}

// mending gives the statements that mend what differs, and what none can.
func (l *Ledger) mending(files fs.FS, schema int64, differ []string, have shape) (statements, left []string, err error) {
	known := mends(l.d.name())
	for _, object := range differ {
		i := slices.IndexFunc(known, func(m mend) bool {
			return m.schema == schema && m.object == object && m.was == have[object]
		})
		switch {
		case i >= 0 && known[i].do != "":
			statements = append(statements, known[i].do)
		case i >= 0, strings.HasPrefix(object, "index ") && have[object] == "":
			do, err := making(files, schema, object)
			if err != nil {
				return nil, nil, err
			}
			statements = append(statements, do)
		default:
			left = append(left, object)
		}
	}
	return statements, left, nil
}

// making finds the statement by which the migrations up to a schema make a table or an index.
func making(files fs.FS, schema int64, object string) (statement string, err error) {
	kind, name, _ := strings.Cut(object, " ")
	find := regexp.MustCompile(`(?ims)^CREATE (UNIQUE )?` + kind + " " + regexp.QuoteMeta(name) + `\s.*?;\s*$`)
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	slices.Sort(names)
	for i, file := range names {
		if int64(i) >= schema {
			break
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return "", err
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		if s := find.FindString(up); s != "" {
			statement = s
		}
	}
	if statement == "" {
		return "", fmt.Errorf("no migration makes %s", object)
	}
	return statement, nil
}

func inWords(objects []string, have shape) string {
	for i, o := range objects {
		verb := "is missing"
		if have[o] != "" {
			verb = "is made in another way"
		}
		objects[i] = free(o) + " " + verb
	}
	return strings.Join(objects, ", ")
}

// alter changes the ledger outside of the writer, beside no other writer, in one transaction.
func (l *Ledger) alter(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		if err != nil {
			_ = tx.Rollback() // the error that led here is the one to tell
		}
	}()
	if lock := l.d.lock(); lock != "" {
		if _, err = tx.ExecContext(ctx, lock); err != nil {
			return err
		}
	}
	if err = do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
