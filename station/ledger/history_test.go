package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fixture is a ledger as an earlier program left it: schema and rows as text, in testdata/history/NAME.sql. Every schema that
// a ledger may have been left at has one, with rows in every table of it, and TestHistory has today's program go on with each.
//
// A new migration needs a line here for the schema before it, if that has none yet, and then once
//
//	go test ./station/ledger -run TestMakeHistory -history NAME
//
// (with -run 'TestMakeHistory|TestOnPostgres' for PostgreSQL). That takes the program of the line's revisions out of the
// repository, puts the named parts of testdata/history/stories among its tests and has it write the ledger: the rows are what
// the old code wrote. Tables of a new schema need a part of their own there.
type fixture struct {
	name     string
	database string
	schema   int64
	lived    []life // the programs that had it open, oldest first
	bare     *bare  // instead: no program was ever built that could leave a ledger so
	refused  string // today's program refuses it, naming this; empty: it goes on with it
}

// life is one program's time with a ledger.
type life struct {
	rev   string
	parts string // of testdata/history/stories
}

// bare is a ledger that the migrations of a revision made, with the rows of another fixture.
type bare struct{ rev, rows string }

// The revisions. Issues 1 and 2 landed before firstDesk's parent; issue 3 at landed3; issue 4 at landed4; the
// stations' ledger at landed5. Between them are
// commits of one day that nobody released; a program could be built from some of them, and they are kept, too.
const (
	noIndexes = "0f524a9" // 00001 without certificates_by_post and _by_run: the ledger did not compile
	firstRuns = "938c362" // 00001 as it is now; the last commit before 00002
	firstDesk = "3b93196" // 00002 without label_prints_by_run
	landed3   = "9690f22" // 00002 as it is now
	firstSQL  = "c571616" // PostgreSQL's 00001 and 00002 as they are now, 00003 with its last part alone; no code for it
	queueOnly = "59f6a68" // 00003 with audit_chains.begun_at; the one commit with it that a program can be built from
	unleased  = "1608c69" // 00003 without leases, on both databases
	landed4   = "d461a25" // 00003 as it is now
	landed5   = "8ea5a7a" // 00004 as it is now
)

func fixtures() []fixture {
	const v1, v2, v3 = "runs", "runs desk", "runs desk queue audit records leases"
	const v4 = v3 + " stations"
	return []fixture{
		{name: "sqlite-1-no-indexes", database: SQLite, schema: 1, bare: &bare{noIndexes, "sqlite-1"}},
		{name: "sqlite-1", database: SQLite, schema: 1, lived: []life{{firstRuns, v1}}},
		{name: "sqlite-2-no-index", database: SQLite, schema: 2, lived: []life{{firstDesk, v2}}},
		{name: "sqlite-2", database: SQLite, schema: 2, lived: []life{{landed3, v2}}},
		{name: "sqlite-3-begun-at", database: SQLite, schema: 3, lived: []life{{queueOnly, "runs desk queue"}}},
		{name: "sqlite-3-unleased", database: SQLite, schema: 3, lived: []life{{unleased, "desk audit records"}}},
		{name: "sqlite-3", database: SQLite, schema: 3, lived: []life{{landed4, v3}}},
		// One ledger that was there all the time: it has what each program left out, and old rows under every schema.
		{name: "sqlite-3-grown", database: SQLite, schema: 3, lived: []life{
			{firstRuns, "runs"}, {firstDesk, "desk"}, {queueOnly, "queue"},
		}},
		{name: "sqlite-3-grown-audited", database: SQLite, schema: 3, lived: []life{
			{firstRuns, "runs"}, {landed3, "desk"}, {unleased, "audit records"}, {landed4, "audit queue"},
		}},
		{name: "sqlite-4", database: SQLite, schema: 4, lived: []life{{landed5, v4}}},

		{name: "postgres-1", database: Postgres, schema: 1, bare: &bare{firstSQL, "sqlite-1"}},
		{name: "postgres-2", database: Postgres, schema: 2, bare: &bare{firstSQL, "sqlite-2"}},
		{name: "postgres-3-part", database: Postgres, schema: 3, bare: &bare{firstSQL, "sqlite-2"}, refused: "table audit is missing"},
		{name: "postgres-3-unleased", database: Postgres, schema: 3, lived: []life{{unleased, "desk audit records"}}},
		{name: "postgres-3", database: Postgres, schema: 3, lived: []life{{landed4, v3}}},
		{name: "postgres-4", database: Postgres, schema: 4, lived: []life{{landed5, v4}}},
	}
}

// fixturesHere are those of the database that the tests run on.
func fixturesHere() (list []fixture) {
	for _, f := range fixtures() {
		if f.database == here().name() {
			list = append(list, f)
		}
	}
	return list
}

func (f fixture) file() string { return filepath.Join("testdata", "history", f.name+".sql") }

// Every schema that a migration starts from has a fixture, in a file, and with rows in every table.
func TestHistoryIsWhole(t *testing.T) {
	for _, database := range []string{SQLite, Postgres} {
		_, numbers := migrations(t, database)
		for _, n := range numbers[:len(numbers)-1] {
			if !slices.ContainsFunc(fixtures(), func(f fixture) bool { return f.name == fmt.Sprintf("%s-%d", database, n) }) {
				t.Errorf("%s has migration %05d and no fixture of schema %d, which it starts from: add the line %s-%d to fixtures() "+
					"and make testdata/history/%s-%d.sql, see the comment there", database, n+1, n, database, n, database, n)
			}
		}
	}
	for _, f := range fixtures() {
		if _, err := os.Stat(f.file()); err != nil {
			t.Errorf("%v: make it: go test ./station/ledger -run 'TestMakeHistory|TestOnPostgres' -history %s", err, f.name)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "history", "*.sql"))
	must(t, err)
	for _, file := range files {
		if !slices.ContainsFunc(fixtures(), func(f fixture) bool { return f.file() == file }) {
			t.Errorf("%s: got no line in fixtures(), want one", file)
		}
	}
}

// load makes a database of the fixture.
func (f fixture) load(t testing.TB) (url string) {
	t.Helper()
	text, err := os.ReadFile(f.file())
	must(t, err)
	if f.database == SQLite {
		url = "sqlite:" + filepath.Join(t.TempDir(), "ledger.db")
	} else {
		url = emptyURL(t)
	}
	db := rawDB(t, url)
	defer func() { must(t, db.Close()) }()
	_, err = db.ExecContext(t.Context(), "BEGIN;\n"+string(text)+"COMMIT;\n")
	must(t, err)
	return url
}

// rowsOf are the rows of a table as text, column by column.
func rowsOf(t testing.TB, db *sql.DB, table string) (rows []map[string]string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	must(t, err)
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	must(t, err)
	for found.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		must(t, found.Scan(dest...))
		row := make(map[string]string, len(columns))
		for i, c := range columns {
			row[c] = shownCell(values[i])
		}
		rows = append(rows, row)
	}
	must(t, found.Err())
	return rows
}

func shownCell(v any) string {
	switch x := v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return fmt.Sprintf("x%x", x)
	case string:
		return "'" + x
	default:
		return fmt.Sprint(x)
	}
}

// contents are the rows of all tables.
func contents(t testing.TB, url string) map[string][]map[string]string {
	t.Helper()
	db := rawDB(t, url)
	defer func() { must(t, db.Close()) }()
	names, err := tableNames(context.Background(), db, here())
	must(t, err)
	out := make(map[string][]map[string]string, len(names))
	for _, n := range names {
		out[n] = rowsOf(t, db, n)
	}
	return out
}

// lines are rows as text, in an order of their own, without the columns named.
func lines(rows []map[string]string, columns []string) (list []string) {
	for _, r := range rows {
		parts := make([]string, len(columns))
		for i, c := range columns {
			v, ok := r[c]
			if !ok {
				v = "(no column)"
			}
			parts[i] = c + "=" + v
		}
		list = append(list, strings.Join(parts, " "))
	}
	slices.Sort(list)
	return list
}
