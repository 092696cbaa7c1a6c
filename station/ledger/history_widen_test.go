package ledger

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
)

// Migration 00003 widens a CHECK of SQLite by its text. Old rows may end COLLECTED after it, nothing else may, and whoever
// has the file open meanwhile goes by the new rule, too.
func TestWidenWhileOpen(t *testing.T) {
	for _, f := range fixturesHere() {
		if f.schema >= 3 {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			ctx, url := t.Context(), f.load(t)
			db := rawDB(t, url)
			defer func() { must(t, db.Close()) }()
			execAll(t, db, "PRAGMA journal_mode = wal")
			reader, err := db.Conn(ctx)
			must(t, err)
			writer, err := db.Conn(ctx)
			must(t, err)
			defer func() { must(t, errors.Join(reader.Close(), writer.Close())) }()
			end, err := writer.PrepareContext(ctx, "UPDATE runs SET outcome = ?, ended_at = 5 WHERE outcome IS NULL")
			must(t, err)
			defer func() { must(t, end.Close()) }()
			if _, err := end.ExecContext(ctx, "COLLECTED"); err == nil || !strings.Contains(err.Error(), "CHECK constraint failed") {
				t.Fatalf("before: got %v, want the CHECK to fail", err)
			}
			tx, err := reader.BeginTx(ctx, nil)
			must(t, err)
			var open int
			must(t, tx.QueryRowContext(ctx, "SELECT count(*) FROM runs WHERE outcome IS NULL").Scan(&open))

			l := openURL(t, url, Config{})
			if _, err := end.ExecContext(ctx, "NONSENSE"); err == nil || !strings.Contains(err.Error(), "CHECK constraint failed") {
				t.Errorf("nonsense: got %v, want the CHECK to fail", err)
			}
			_, err = end.ExecContext(ctx, "COLLECTED")
			must(t, err)
			var still int
			must(t, tx.QueryRowContext(ctx, "SELECT count(*) FROM runs WHERE outcome IS NULL").Scan(&still))
			diff(t, still, open)
			must(t, tx.Rollback())
			n, err := l.Count(ctx, Filter{Tenant: "acme", Outcome: "COLLECTED"})
			must(t, err)
			diff(t, n, open)
			checkSchema(t, url)
		})
	}
}

// A CHECK in other words or with other spaces is not widened in silence: the migration fails, and nothing of it stays.
func TestWidenOtherText(t *testing.T) {
	const words = "the CHECK of runs.outcome is not in the words that are looked for"
	for name, tc := range map[string]struct {
		from, to string
		says     string
	}{
		"spaces":   {"'SKIPPED', 'UNCERTAIN')", "'SKIPPED',  'UNCERTAIN')", words},
		"a line":   {"'SKIPPED', 'UNCERTAIN')", "'SKIPPED',\n'UNCERTAIN')", words},
		"one more": {"'SKIPPED', 'UNCERTAIN')", "'SKIPPED', 'UNCERTAIN', 'LATER')", "table runs is made in another way"},
		"none":     {"CHECK (outcome IN", "CHECK (1 OR outcome IN", "table runs is made in another way"},
	} {
		t.Run(name, func(t *testing.T) {
			url, db := ledgerAt(t, 2)
			db.SetMaxOpenConns(1)
			_, err := db.ExecContext(t.Context(), "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'runs'; PRAGMA writable_schema = RESET", tc.from, tc.to)
			must(t, err)
			before := schemaText(t, db)
			text := runsText(t, db)
			if !strings.Contains(text, tc.to) {
				t.Fatalf("got %s, want %q in it", text, tc.to)
			}
			_, err = Open(t.Context(), url, Config{})
			want(t, err, ErrUnknownSchema)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want it to say %q", err, tc.says)
			}
			diff(t, schemaText(t, db), before)
			diff(t, runsText(t, db), text)

			files, _ := migrations(t, SQLite)
			if _, err := migrator(t, db, files).UpTo(t.Context(), 3); err == nil && tc.says == words {
				t.Error("by itself: got nil, want the migration to fail")
			}
		})
	}
}

func runsText(t *testing.T, db *sql.DB) string {
	t.Helper()
	texts, err := column[string](t.Context(), db, "SELECT sql FROM sqlite_schema WHERE name = 'runs'")
	must(t, err)
	return texts[0]
}
