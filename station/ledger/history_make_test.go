package ledger

import (
	"archive/tar"
	"bytes"
	"database/sql"
	"errors"
	goflag "flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var makeHistory = goflag.String("history", "", "make this fixture of testdata/history anew, or all, see fixtures()")

// TestMakeHistory makes fixtures from the repository's history, when it is asked to.
func TestMakeHistory(t *testing.T) {
	for _, f := range fixturesHere() {
		if *makeHistory != f.name && *makeHistory != "all" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			var url string
			if f.bare != nil {
				url = f.bare.make(t, f)
			} else {
				url = emptyURL(t)
				for i, l := range f.lived {
					l.live(t, url, fmt.Sprint(i+1))
				}
			}
			text := "-- " + f.name + ": see fixtures() in station/ledger/history_test.go. Made, not written.\n" + asSQL(t, url)
			if strings.Contains(text, "PRIVATE KEY") {
				t.Fatal("got a private key in it")
			}
			must(t, os.MkdirAll(filepath.Dir(f.file()), 0o755))
			must(t, os.WriteFile(f.file(), []byte(text), 0o644))
		})
	}
}

func git(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", filepath.Join("..", "..")}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, stderr.Bytes())
	}
	return out
}

// live has the program of a revision open the ledger and tell its parts of the story.
func (l life) live(t testing.TB, url, tag string) {
	t.Helper()
	dir := t.TempDir()
	unpack(t, git(t, "archive", l.rev), dir)
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata", "history", "stories", name))
		must(t, err)
		return string(b)
	}
	put := func(name, text string) {
		must(t, os.WriteFile(filepath.Join(dir, "station", "ledger", "zz_"+name), []byte(text), 0o600))
	}
	var calls []string
	for _, part := range strings.Fields(l.parts) {
		put(part+"_test.go", read(part+".go.txt"))
		calls = append(calls, "s."+part)
	}
	// Where a part uses what another one defines, it is there without being told.
	for part, needs := range map[string]string{"desk": "runs", "records": "runs"} {
		if strings.Contains(l.parts, part) && !strings.Contains(l.parts, needs) {
			put(needs+"_test.go", read(needs+".go.txt"))
		}
	}
	put("story_test.go", strings.Replace(read("story_test.go.txt"), "/* parts */", strings.Join(calls, ", "), 1))
	cmd := exec.CommandContext(t.Context(), "go", "test", "-trimpath", "-count=1", "-run", "^TestStory$", "./station/ledger")
	cmd.Dir = dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, onPostgres) }),
		"STORY_URL="+url, "STORY_TAG="+tag)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s, %s: %v\n%s", l.rev, l.parts, err, out)
	}
}

func unpack(t testing.TB, archive []byte, dir string) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		must(t, err)
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		switch h.Typeflag {
		case tar.TypeDir:
			must(t, os.MkdirAll(path, 0o700))
		case tar.TypeReg:
			b, err := io.ReadAll(r)
			must(t, err)
			must(t, os.WriteFile(path, b, 0o600))
		}
	}
}

// make has the migrations of the revision make the schema, and copies rows into it.
func (b bare) make(t testing.TB, f fixture) (url string) {
	t.Helper()
	folder := "assets/migrations/" + f.database + "/"
	files := fstest.MapFS{}
	for name := range strings.Lines(string(git(t, "ls-tree", "--name-only", b.rev, folder))) {
		name = strings.TrimSpace(name)
		files[strings.TrimPrefix(name, folder)] = &fstest.MapFile{Data: git(t, "show", b.rev+":"+name)}
	}
	url, db := emptyDB(t)
	_, err := migrator(t, db, files).UpTo(t.Context(), f.schema)
	must(t, err)
	i := slices.IndexFunc(fixtures(), func(o fixture) bool { return o.name == b.rows })
	from := rawDB(t, fixtures()[i].load(t))
	defer func() { must(t, from.Close()) }()
	copyRows(t, from, db)
	return url
}

// copyRows copies what both databases have a table for.
func copyRows(t testing.TB, from, to *sql.DB) {
	t.Helper()
	tx, err := to.BeginTx(t.Context(), nil)
	must(t, err)
	if here().name() == Postgres {
		_, err := tx.ExecContext(t.Context(), "SET LOCAL session_replication_role = replica") // in any order
		must(t, err)
	}
	have, err := tableNames(t.Context(), from, sqliteDialect{})
	must(t, err)
	for _, table := range have {
		if table == "goose_db_version" {
			continue
		}
		copyTable(t, from, tx, table)
	}
	must(t, tx.Commit())
}

func copyTable(t testing.TB, from *sql.DB, to *sql.Tx, table string) {
	t.Helper()
	rows, err := from.QueryContext(t.Context(), "SELECT * FROM "+table)
	must(t, err)
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	must(t, err)
	insert := here().rebind("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")")
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		must(t, rows.Scan(dest...))
		_, err := to.ExecContext(t.Context(), insert, values...)
		must(t, err)
	}
	must(t, rows.Err())
}

// asSQL is a database as statements that make it anew.
func asSQL(t testing.TB, url string) string {
	t.Helper()
	if IsPostgres(url) {
		return dumpPostgres(t, url)
	}
	db := rawDB(t, url)
	defer func() { must(t, db.Close()) }()
	var b strings.Builder
	tables, err := column[string](t.Context(), db, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		ORDER BY type <> 'table', rowid`)
	must(t, err)
	for _, s := range tables {
		b.WriteString(s + ";\n")
	}
	names, err := tableNames(t.Context(), db, sqliteDialect{})
	must(t, err)
	for _, name := range names {
		columns, err := column[string](t.Context(), db, "SELECT 'quote(\"' || name || '\")' FROM pragma_table_info('"+name+"')")
		must(t, err)
		rows, err := column[string](t.Context(), db, "SELECT '(' || "+strings.Join(columns, " || ', ' || ")+" || ')' FROM "+name+" ORDER BY rowid")
		must(t, err)
		if len(rows) > 0 {
			b.WriteString("INSERT INTO " + name + " VALUES\n" + strings.Join(rows, ",\n") + ";\n")
		}
	}
	return b.String()
}

// dumpPostgres leaves out what only psql or one version of the server reads.
func dumpPostgres(t testing.TB, url string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pg_dump", "--inserts", "--rows-per-insert=1000", "--no-owner", "--no-privileges", "-d", url).Output()
	must(t, err)
	var b strings.Builder
	blank, inText := true, false
	for line := range strings.Lines(string(out)) {
		skip := !inText && (blank && line == "\n" || strings.HasPrefix(line, "--") || strings.HasPrefix(line, "SET ") ||
			strings.HasPrefix(line, `\`) || strings.HasPrefix(line, "SELECT pg_catalog.set_config"))
		if !skip {
			b.WriteString(line)
			blank = line == "\n"
		}
		inText = inText != (strings.Count(line, "'")%2 == 1)
	}
	return b.String()
}
