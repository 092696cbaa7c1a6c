package ledger

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pressly/goose/v3"

	"provstation/assets"
	"provstation/station"
)

func TestParseURL(t *testing.T) {
	for _, tc := range []struct {
		url, want string
		err       error
	}{
		{"sqlite:ledger.db", "ledger.db", nil},
		{"sqlite:/var/lib/l.db", "/var/lib/l.db", nil},
		{"sqlite:///var/lib/l.db", "/var/lib/l.db", nil},
		{"sqlite:C:\\data\\l.db", "C:\\data\\l.db", nil},
		{"sqlite::memory:", "", nil},
		{"postgres:u:secret@db/l", "", ErrURL},
		{"sqlite:", "", ErrURL},
		{"sqlite:a\x00b", "", ErrURL},
		{"mysql://u:secret@db", "", ErrURL},
		{"ledger.db", "", ErrURL},
		{"", "", ErrURL},
	} {
		got, err := parseURL(tc.url)
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%q: got %q, %v, want %q, %v", tc.url, got, err, tc.want, tc.err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got the password in %q", tc.url, err)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("sqlite:x?mode=ro#f%20")
	f.Add("postgres://u:p@h/d")
	f.Fuzz(func(t *testing.T, s string) {
		path, err := parseURL(s)
		if err != nil && path != "" {
			t.Errorf("got path %q beside %v, want none", path, err)
		}
		if path != "" && !strings.HasSuffix(s, path) {
			t.Errorf("got path %q from %q, want its end", path, s)
		}
	})
}

// A path is a path, whatever a url would take it for; file and directory are the user's alone.
func TestOpenPaths(t *testing.T) {
	for _, name := range []string{"l.db", "a?mode=memory", "b#c", "100%25.db", "spa ce.db", "ü&_pragma=foreign_keys(0).db", "'q\".db"} {
		path := filepath.Join(t.TempDir(), "new", "deep", name)
		l := openAt(t, path, Config{})
		must(t, dev("A").pass(t.Context(), l))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%q: got %v, want the file there", name, err)
			continue
		}
		if runtime.GOOS == "windows" {
			continue
		}
		for _, p := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
			if fi, err := os.Stat(p); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("%q: got %v %v, want mode 0600", p, fi, err)
			}
		}
		if fi, err := os.Stat(filepath.Dir(path)); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("directory: got %v %v, want mode 0700", fi, err)
		}
	}
}

func TestMemory(t *testing.T) {
	a, err := Open(t.Context(), "sqlite::memory:", Config{})
	must(t, err)
	b, err := Open(t.Context(), "sqlite::memory:", Config{})
	must(t, err)
	must(t, dev("A").pass(t.Context(), a))
	_, err = b.Device(t.Context(), "acme", "A")
	want(t, err, station.ErrNotFound)
	rec, err := a.Device(t.Context(), "acme", "A")
	must(t, err)
	if rec.LastOutcome != station.Pass {
		t.Errorf("got %s, want PASS", rec.LastOutcome)
	}
	must(t, errors.Join(a.Close(), b.Close()))
}

func TestClose(t *testing.T) {
	url := newURL(t)
	l := openURL(t, url, Config{})
	d := dev("A")
	must(t, d.pass(t.Context(), l))
	must(t, l.Close())
	must(t, l.Close())
	want(t, l.BeginRun(t.Context(), dev("B").start()), ErrClosed)
	_, err := l.Run(t.Context(), d.run)
	want(t, err, ErrClosed)
	if n := fileSize(l.path + "-wal"); l.path != "" && n != 0 {
		t.Errorf("log after close: got %d bytes, want none", n)
	}
	diff(t, detail(t, openURL(t, url, Config{}), d.run).Outcome, station.Pass)
}

func TestMigrate(t *testing.T) {
	url := emptyURL(t)
	l := openURL(t, url, Config{})
	r, err := l.Check(t.Context())
	must(t, err)
	files, err := fs.Glob(assets.Migrations, "migrations/"+l.Database()+"/*.sql")
	must(t, err)
	if r.Schema != int64(len(files)) || !r.OK() {
		t.Errorf("got schema %d, %v %v, want %d and sound", r.Schema, r.Integrity, r.WriteError, len(files))
	}
	must(t, l.Close())

	db := rawDB(t, url)
	sub, err := fs.Sub(assets.Migrations, "migrations/"+l.Database())
	must(t, err)
	p, err := goose.NewProvider(l.d.goose(), db, sub, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	must(t, err)
	_, err = p.DownTo(t.Context(), 0)
	must(t, err)
	left, err := tableNames(t.Context(), db, l.d)
	must(t, err)
	diff(t, left, []string{"goose_db_version"})
	must(t, db.Close())
	must(t, dev("A").pass(t.Context(), openURL(t, url, Config{})))
}

// A ledger of the first version keeps its runs, and they are found by what they are searched by now.
func TestMigrateOldRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	db, err := openDB(fileURI(path), "", nil)
	must(t, err)
	sub, err := fs.Sub(assets.Migrations, "migrations/sqlite")
	must(t, err)
	p, err := goose.NewProvider(goose.DialectSQLite3, db, sub, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	must(t, err)
	_, err = p.UpTo(t.Context(), 1)
	must(t, err)
	_, err = db.ExecContext(t.Context(), `INSERT INTO runs (run, tenant, site, station, station_id, operator, batch, profile,
		slot, port, version, config_digest, started_at, utc_offset, requested_device_id, requested_key_type,
		requested_reenroll, hardware_serial, attempt, device_id, device_id_fold, outcome, code, ended_at)
		VALUES ('old', 'acme', '', 's', 's', 'Özil', 'Lot-7', '', 'Rack 1', '', '', '', 5, 0, '', '', 0, 'HW-OLD', 1, 'Dev-Old',
		'dev-old', 'FAIL', 'E-X', 6), ('open', 'acme', '', 's', 's', '', '', '', '', '', '', '', 5, 0, '', '', 0, NULL, NULL,
		NULL, NULL, NULL, '', NULL)`)
	must(t, err)
	must(t, db.Close())
	l := openAt(t, path, Config{})
	for _, text := range []string{"özil", "LOT-7", "rack 1", "hw-old", "DEV-OLD", "e-x"} {
		rows, err := l.Runs(t.Context(), Filter{Tenant: "acme", Text: text})
		must(t, err)
		if len(rows) != 1 || rows[0].Run != "old" || rows[0].Outcome != station.Fail {
			t.Errorf("%q: got %+v, want the old run", text, rows)
		}
	}
	n, err := l.Count(t.Context(), Filter{})
	must(t, err)
	diff(t, n, 2)
}

// A migration that fails leaves the schema it found.
func TestMigrateFails(t *testing.T) {
	url := newURL(t)
	l := openURL(t, url, Config{})
	must(t, dev("A").pass(t.Context(), l))
	db := rawDB(t, url)
	defer func() { _ = db.Close() }()
	before, err := l.schemaVersion(t.Context(), db)
	must(t, err)
	files := fstest.MapFS{
		"00001_a.sql": {Data: []byte("-- +goose Up\nSELECT 1;\n")},
		"99999_b.sql": {Data: []byte("-- +goose Up\nCREATE TABLE extra (x TEXT);\nINSERT INTO nowhere VALUES (1);\n")},
	}
	if err := migrateWith(t.Context(), db, files, l); err == nil {
		t.Error("got nil, want an error")
	}
	tables, err := tableNames(t.Context(), db, l.d)
	must(t, err)
	v, err := l.schemaVersion(t.Context(), db)
	must(t, err)
	if slices.Contains(tables, "extra") || v != before {
		t.Errorf("got the tables %v at schema %d, want none of the failed migration's at %d", tables, v, before)
	}
}

func raw(t *testing.T, path string, stmts ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	for _, s := range stmts {
		_, err := db.ExecContext(t.Context(), s)
		must(t, err)
	}
	must(t, db.Close())
}

func TestOpenRefuses(t *testing.T) {
	for _, tc := range []struct {
		name string
		make func(t *testing.T, path string)
		want error
	}{
		{"newer schema", func(t *testing.T, path string) {
			must(t, openAt(t, path, Config{}).Close())
			raw(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
		}, ErrNewerSchema},
		{"another program's database", func(t *testing.T, path string) {
			raw(t, path, "CREATE TABLE bookmarks (url TEXT)")
		}, ErrNotLedger},
		{"another program's database under goose", func(t *testing.T, path string) {
			raw(t, path, "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY, version_id INTEGER, is_applied INTEGER, tstamp)",
				"INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, 1)")
		}, ErrNotLedger},
		{"no database at all", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte(strings.Repeat("this is not a database\n", 500)), 0o600))
		}, ErrCorrupt},
		{"cut file", func(t *testing.T, path string) {
			must(t, openAt(t, path, Config{}).Close())
			must(t, os.Truncate(path, 5000))
		}, ErrCorrupt},
		{"damaged schema", func(t *testing.T, path string) {
			must(t, openAt(t, path, Config{}).Close())
			b, err := os.ReadFile(path)
			must(t, err)
			copy(b[100:], strings.Repeat("\xff", 200))
			must(t, os.WriteFile(path, b, 0o600))
		}, ErrCorrupt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "l.db")
			tc.make(t, path)
			before, err := os.ReadFile(path)
			must(t, err)
			l, err := Open(t.Context(), "sqlite:"+path, Config{})
			want(t, err, tc.want)
			if l != nil {
				t.Error("got a ledger beside the error, want nil")
			}
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("got %q, want the file named", err)
			}
			after, err := os.ReadFile(path)
			must(t, err)
			if errors.Is(tc.want, ErrCorrupt) && string(after) != string(before) {
				t.Error("file: got it changed, want it left for the person who mends it")
			}
		})
	}
}

// Damage inside the file is found by the doctor, not by a run in the middle.
func TestCheckFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.db")
	l := openAt(t, path, Config{})
	for i := range 30 {
		must(t, dev("HW"+string(rune('A'+i))).pass(t.Context(), l))
	}
	must(t, l.Close())
	b, err := os.ReadFile(path)
	must(t, err)
	for off := len(b) / 2; off < len(b)-4096; off += 4096 {
		copy(b[off:], strings.Repeat("\xa5", 64))
	}
	must(t, os.WriteFile(path, b, 0o600))
	l, err = Open(t.Context(), "sqlite:"+path, Config{})
	if err != nil {
		want(t, err, ErrCorrupt)
		return
	}
	defer func() { _ = l.Close() }()
	r, err := l.Check(t.Context())
	if err != nil {
		want(t, err, ErrCorrupt)
	} else if r.OK() {
		t.Errorf("got a sound ledger, want damage reported")
	}
}

func TestCheckSound(t *testing.T) {
	l := openNew(t)
	must(t, dev("A").pass(t.Context(), l))
	r, err := l.Check(t.Context())
	must(t, err)
	if !r.OK() || r.Runs != 1 || r.Size == 0 || r.Free == 0 && r.Database == SQLite || r.Path != l.Path() || r.Place != l.Place() {
		t.Errorf("got %+v, want sound, 1 run, sizes", r)
	}
}
