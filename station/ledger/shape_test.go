package ledger

import (
	"database/sql"
	goflag "flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pressly/goose/v3"

	"provstation/assets"
)

var update = goflag.Bool("update", false, "write assets/migrations/*/shapes.txt anew from the migrations")

// here is the database that the tests run on.
func here() dialect {
	if os.Getenv(onPostgres) != "" {
		return &postgresDialect{}
	}
	return sqliteDialect{}
}

// migrations are the files of a database, and the numbers of the schemas that they lead to, in order.
func migrations(t testing.TB, database string) (files fs.FS, numbers []int64) {
	t.Helper()
	files, err := fs.Sub(assets.Migrations, "migrations/"+database)
	must(t, err)
	names, err := fs.Glob(files, "*.sql")
	must(t, err)
	for _, name := range names {
		number, _, _ := strings.Cut(path.Base(name), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		must(t, err)
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return files, numbers
}

// migrator is goose as the program uses it.
func migrator(t testing.TB, db *sql.DB, files fs.FS) *goose.Provider {
	t.Helper()
	p, err := goose.NewProvider(here().goose(), db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	must(t, err)
	return p
}

// emptyDB is a database without a schema, bare.
func emptyDB(t testing.TB) (url string, db *sql.DB) {
	t.Helper()
	url = emptyURL(t)
	if !IsPostgres(url) {
		must(t, os.MkdirAll(filepath.Dir(strings.TrimPrefix(url, "sqlite:")), 0o700))
	}
	db = rawDB(t, url)
	t.Cleanup(func() { must(t, db.Close()) })
	return url, db
}

// What the program takes for the schema of a number is what its migrations make; -update writes it down.
func TestShapes(t *testing.T) {
	d := here()
	files, numbers := migrations(t, d.name())
	_, db := emptyDB(t)
	p := migrator(t, db, files)
	text, last := "", shape{}
	for _, n := range numbers {
		_, err := p.UpTo(t.Context(), n)
		must(t, err)
		now, err := shapeOf(t.Context(), db, d)
		must(t, err)
		for _, object := range slices.Sorted(keysOfBoth(now, last)) {
			switch {
			case now[object] == "":
				text += fmt.Sprintf("%d %s -\n", n, object)
			case now[object] != last[object]:
				text += fmt.Sprintf("%d %s %s\n", n, object, now[object])
			}
		}
		last = now
	}
	if *update {
		text = "# What the ledger's schema of each number consists of, made by:\n" +
			"# LEDGER_TEST_RUN=TestShapes go test ./station/ledger -run 'TestShapes|TestOnPostgres' -update\n" +
			"# A line that changes for a number that has landed breaks ledgers: write another migration instead.\n" + text
		must(t, os.WriteFile(filepath.Join("..", "..", "assets", "migrations", d.name(), "shapes.txt"), []byte(text), 0o644))
		return
	}
	want, err := shapes(d.name())
	must(t, err)
	if got := slices.Sorted(maps.Keys(want)); !slices.Equal(got, numbers) {
		t.Errorf("shapes.txt of %s: got the schemas %v, want %v: write them down with -update", d.name(), got, numbers)
	}
	got, err := parseShapes(text)
	must(t, err)
	diff(t, want, got)
}
