package ledger

import (
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// schemaText is all that a database says of its schema, constraints in its own words: far more than a shape.
func schemaText(t testing.TB, db *sql.DB) map[string]string {
	t.Helper()
	q := `SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_stat%'`
	if here().name() == Postgres {
		q = `SELECT 'column ' || c.relname || '.' || a.attname, concat_ws(' ', row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod), a.attnotnull,
				o.collname, pg_get_expr(d.adbin, d.adrelid))
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			LEFT JOIN pg_collation o ON o.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
			WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname <> 'goose_db_version'
			UNION ALL SELECT 'constraint ' || c.relname || '.' || k.conname, concat_ws(' ', pg_get_constraintdef(k.oid), k.convalidated)
			FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid WHERE k.connamespace = current_schema()::regnamespace
			UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()`
	}
	rows, err := db.QueryContext(t.Context(), q)
	must(t, err)
	defer func() { _ = rows.Close() }()
	out := make(map[string]string)
	for rows.Next() {
		var object, text string
		must(t, rows.Scan(&object, &text))
		out[object] = strings.Join(strings.Fields(text), " ")
	}
	must(t, rows.Err())
	return out
}

// newSchema is the schema of a ledger that is new: made once.
var newSchema struct {
	sync.Mutex
	text map[string]string
}

// checkSchema compares a ledger's schema with that of one that is new, and has SQLite look at its pages.
func checkSchema(t testing.TB, url string) {
	t.Helper()
	newSchema.Lock()
	defer newSchema.Unlock()
	if newSchema.text == nil {
		db := rawDB(t, ownURL(t))
		newSchema.text = schemaText(t, db)
		must(t, db.Close())
	}
	have := rawDB(t, url)
	defer func() { must(t, have.Close()) }()
	diff(t, schemaText(t, have), newSchema.text)
	if here().name() == SQLite {
		for _, check := range []string{"PRAGMA integrity_check", "PRAGMA quick_check"} {
			found, err := column[string](t.Context(), have, check)
			must(t, err)
			diff(t, found, []string{"ok"})
		}
		found, err := column[string](t.Context(), have, `SELECT "table" FROM pragma_foreign_key_check`)
		must(t, err)
		diff(t, len(found), 0)
	}
}

// ledgerAt makes a ledger of a schema from before, with today's migrations.
func ledgerAt(t testing.TB, schema int64) (url string, db *sql.DB) {
	t.Helper()
	files, _ := migrations(t, here().name())
	url, db = emptyDB(t)
	_, err := migrator(t, db, files).UpTo(t.Context(), schema)
	must(t, err)
	return url, db
}

func execAll(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// Whatever an early text of a migration has left out is mended, one as well as all together.
func TestMends(t *testing.T) {
	lacks := []string{
		"DROP INDEX certificates_by_post", "DROP INDEX certificates_by_run", "DROP INDEX label_prints_by_run", "DROP TABLE leases",
	}
	if here().name() == SQLite {
		lacks = append(lacks, `DROP TABLE audit_chains; CREATE TABLE audit_chains (
    station_id  TEXT    NOT NULL PRIMARY KEY CHECK (station_id <> ''),
    tenant      TEXT    NOT NULL,
    begun_at    INTEGER NOT NULL,
    n           INTEGER NOT NULL CHECK (n >= 0),
    digest      BLOB    NOT NULL CHECK (length(digest) = 32)
) STRICT`)
	}
	all := 1<<len(lacks) - 1
	for some := range all + 1 {
		if here().name() == Postgres && some != all && bits.OnesCount(uint(some)) > 1 {
			continue // a database each
		}
		url, db := ledgerAt(t, 3)
		for i, s := range lacks {
			if some&(1<<i) != 0 {
				execAll(t, db, s)
			}
		}
		l := openURL(t, url, Config{})
		must(t, dev("A").pass(t.Context(), l))
		checkSchema(t, url)
	}
}

// A ledger whose tables are no version's is left alone, and the error says what is wrong with it and what to do.
func TestUnknownSchema(t *testing.T) {
	both := map[string][]string{
		"table wireguard_keys is missing":         {"DROP TABLE wireguard_keys"},
		"table posts is made in another way":      {"ALTER TABLE posts ADD COLUMN note TEXT"},
		"table proofs is made in another way":     {"ALTER TABLE proofs DROP COLUMN tls"},
		"table devices is made in another way":    {"ALTER TABLE devices RENAME COLUMN model TO kind"},
		"index runs_open is made in another way":  {"DROP INDEX runs_open", "CREATE INDEX runs_open ON runs (outcome)"},
		"index runs_done is made in another way":  {"DROP INDEX runs_done", "CREATE UNIQUE INDEX runs_done ON runs (run)"},
		"index batches_current is made in anothe": {"DROP INDEX batches_current", "CREATE INDEX batches_current ON batches (tenant, station)"},
	}
	lite := map[string][]string{
		"table keys is made in another way": {
			"PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET sql = replace(sql, ' CHECK (length(spki) = 32)', '') WHERE name = 'keys'",
		},
		"table audit_chains is made in another way": { // the column that is known, and one more
			"ALTER TABLE audit_chains ADD COLUMN begun_at INTEGER", "ALTER TABLE audit_chains ADD COLUMN x INTEGER",
		},
	}
	post := map[string][]string{
		"table keys is made in another way":         {"ALTER TABLE keys DROP CONSTRAINT keys_spki_check"},
		"table runs is made in another way":         {"ALTER TABLE runs DROP CONSTRAINT runs_tenant_hardware_serial_attempt_key"},
		"table certificates is made in another way": {"ALTER TABLE certificates ALTER COLUMN der DROP NOT NULL"},
		"table chains is made in another way":       {"ALTER TABLE chains DROP CONSTRAINT chains_ca_fkey"},
		"table observations is made in another way": {`ALTER TABLE observations ALTER COLUMN model TYPE TEXT COLLATE "default"`},
		"table phases is made in another way":       {"ALTER TABLE phases ALTER COLUMN tries TYPE INTEGER"},
	}
	if here().name() == SQLite {
		maps.Copy(both, lite)
	} else {
		maps.Copy(both, post)
	}
	for _, says := range slices.Sorted(maps.Keys(both)) {
		t.Run(says, func(t *testing.T) {
			url := ownURL(t)
			l := openURL(t, url, Config{})
			must(t, dev("A").pass(t.Context(), l))
			must(t, l.Close())
			db := rawDB(t, url)
			defer func() { must(t, db.Close()) }()
			db.SetMaxOpenConns(1)
			execAll(t, db, both[says]...)
			before := schemaText(t, db)
			_, err := Open(t.Context(), url, Config{})
			want(t, err, ErrUnknownSchema)
			if err != nil && (!strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "backup")) {
				t.Errorf("got %q, want %q and what to do", err, says)
			}
			diff(t, schemaText(t, db), before)
		})
	}
}

// An index that is missing is made again; what is the owner's own does not keep a ledger from being opened.
func TestSchemaOfOnesOwn(t *testing.T) {
	url := ownURL(t)
	db := rawDB(t, url)
	defer func() { must(t, db.Close()) }()
	execAll(t, db, "DROP INDEX runs_by_tenant", "DROP INDEX batch_devices_label")
	must(t, dev("A").pass(t.Context(), openURL(t, url, Config{})))
	checkSchema(t, url)
	execAll(t, db, "CREATE INDEX mine ON runs (site)", "CREATE TABLE notes (n INTEGER)", "CREATE VIEW passed AS SELECT run FROM runs WHERE outcome = 'PASS'", "ANALYZE")
	must(t, dev("B").pass(t.Context(), openURL(t, url, Config{})))
}

// A rule that was missing for a while, and was broken meanwhile, is not put back in silence.
func TestMendRefused(t *testing.T) {
	url := ownURL(t)
	db := rawDB(t, url)
	defer func() { must(t, db.Close()) }()
	l := openURL(t, url, Config{})
	opened(t, l, lot("lot 7"))
	must(t, l.Close())
	execAll(t, db, "DROP INDEX batches_current", `INSERT INTO batches (tenant, batch, station, state, code, reason, digest, opened_by, opened_at)
		SELECT tenant, 'lot 8', station, state, code, reason, digest, opened_by, opened_at FROM batches`)
	_, err := Open(t.Context(), url, Config{})
	want(t, err, ErrUnknownSchema)
	if err == nil || !strings.Contains(err.Error(), "mend index batches_current") {
		t.Errorf("got %v, want it to say which rule", err)
	}
	found, err := column[int64](t.Context(), db, "SELECT count(*) FROM batches")
	must(t, err)
	diff(t, found, []int64{2})
}

// withBroken are the migrations with an error at the end of one of them.
func withBroken(t testing.TB, schema int64) fstest.MapFS {
	t.Helper()
	files, numbers := migrations(t, here().name())
	out := fstest.MapFS{}
	names, err := fs.Glob(files, "*.sql")
	must(t, err)
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		must(t, err)
		if numbers[i] == schema {
			up, down, _ := strings.Cut(string(text), "-- +goose Down")
			text = []byte(up + "INSERT INTO nowhere VALUES (1);\n-- +goose Down" + down)
		}
		out[name] = &fstest.MapFile{Data: text}
	}
	return out
}

// withNext are the migrations with one more that changes nothing.
func withNext(t testing.TB) fstest.MapFS {
	t.Helper()
	files := withBroken(t, -1)
	files[fmt.Sprintf("%05d_next.sql", len(files)+1)] = &fstest.MapFile{Data: []byte("-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 1;\n")}
	return files
}
