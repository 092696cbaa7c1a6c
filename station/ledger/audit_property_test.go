package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"provstation/station/audit"
)

// sealed is an audited ledger that was closed, as bytes.
type sealed struct {
	file, heads []byte
	keys        audit.Keys
	columns     map[string][]string
	counts      map[string]int
}

func seal(t testing.TB) sealed {
	t.Helper()
	k := newAudited(t)
	k.fill(t, 3)
	k.whole(t)
	s := sealed{keys: audit.NewKeys(k.signer.Public), columns: map[string][]string{}, counts: map[string]int{}}
	for _, name := range append(auditedNames(), "audit", "audit_chains", "audit_checkpoints", "people_names") {
		s.count(t, k.read.DB, name)
	}
	must(t, k.Close())
	var err error
	s.file, err = os.ReadFile(k.path)
	must(t, err)
	s.heads, err = os.ReadFile(k.heads)
	must(t, err)
	return s
}

func (s sealed) count(t testing.TB, db *sql.DB, name string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+name)
	must(t, err)
	defer rows.Close()
	s.columns[name], err = rows.Columns()
	must(t, err)
	for rows.Next() {
		s.counts[name]++
	}
	must(t, rows.Err())
}

// verify says what is found in a copy.
func (s sealed) verify(path string) ([]audit.Finding, error) {
	ctx := context.Background()
	l, err := Open(ctx, "sqlite:"+path, Config{})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	heads, _, err := ReadHeads(bytes.NewReader(s.heads))
	if err != nil {
		return nil, err
	}
	r, err := l.Verify(ctx, VerifyConfig{Keys: s.keys, Heads: heads})
	return r.Findings, err
}

// Whatever one row, or one value, is changed to past the ledger: it is named.
func TestVerifyNamesAnyRow(t *testing.T) {
	s := seal(t)
	dir := t.TempDir()
	n, tried := 0, 0
	defer func() {
		if t.Logf("%d of %d changes were made, and named", tried, n); tried < n/3 {
			t.Errorf("got %d changes of %d made, want most", tried, n)
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprintf("%d.db", n))
		if err := os.WriteFile(path, s.file, 0o600); err != nil {
			rt.Fatal(err)
		}
		names := append(auditedNames(), "audit", "audit_chains", "audit_checkpoints", "people_names")
		name := rapid.SampledFrom(names).Filter(func(n string) bool { return s.counts[n] > 0 }).Draw(rt, "table")
		row := fmt.Sprintf("rowid = (SELECT rowid FROM %s LIMIT 1 OFFSET %d)", name, rapid.IntRange(0, s.counts[name]-1).Draw(rt, "row"))
		column := `"` + rapid.SampledFrom(s.columns[name]).Draw(rt, "column") + `"`
		do := map[string]string{
			"delete": "DELETE FROM " + name + " WHERE " + row,
			"change": "UPDATE OR IGNORE " + name + " SET " + column + " = CASE typeof(" + column + ") WHEN 'integer' THEN " + column +
				" + 1 WHEN 'blob' THEN CAST(substr(" + column + ", 2) || x'aa' AS BLOB) WHEN 'text' THEN " + column + " || 'x' ELSE 1 END WHERE " + row,
			"empty": "UPDATE OR IGNORE " + name + " SET " + column + " = NULL WHERE " + row + " AND " + column + " IS NOT NULL",
		}[rapid.SampledFrom([]string{"delete", "change", "empty"}).Draw(rt, "do")]
		changed, err := tamperFile(path, do)
		if err != nil || changed == 0 {
			return // the schema does not let it be
		}
		tried++
		found, err := s.verify(path)
		if err != nil {
			rt.Fatalf("%s: got %v, want it read", do, err)
		}
		if len(found) == 0 {
			rt.Fatalf("%s: got nothing found, want it named", do)
		}
		named := slices.ContainsFunc(found, func(f audit.Finding) bool { return f.Table == name })
		if _, ok := auditedTables(name); ok && !named {
			rt.Fatalf("%s: got %v, want the table named", do, found)
		}
		_ = os.Remove(path)
	})
}

func tamperFile(path, statement string) (int64, error) {
	db, err := sql.Open("sqlite", fileURI(path)+"_pragma=foreign_keys(0)&_pragma=ignore_check_constraints(1)")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	res, err := db.ExecContext(context.Background(), statement)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Whatever byte of the file is changed: it is named, or the file cannot be read, or it is a byte that holds nothing.
func TestVerifyNamesAnyByte(t *testing.T) {
	s := seal(t)
	dir := t.TempDir()
	want := content(t, s, filepath.Join(dir, "whole.db"), s.file)
	n, named, unreadable := 0, 0, 0
	defer func() { t.Logf("%d bytes: %d were named, %d made the file unreadable", n, named, unreadable) }()
	rapid.Check(t, func(rt *rapid.T) {
		n++
		at := rapid.IntRange(0, len(s.file)-1).Draw(rt, "byte")
		file := bytes.Clone(s.file)
		file[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		path := filepath.Join(dir, fmt.Sprintf("%d.db", n))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			rt.Fatal(err)
		}
		found, err := s.verify(path)
		switch {
		case err != nil:
			unreadable++
		case len(found) > 0:
			named++
		default:
			if got := content(t, s, path, nil); got != want {
				rt.Fatalf("byte %d: got nothing found, and the records are others", at)
			}
		}
		for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
			_ = os.Remove(path + suffix)
		}
	})
}

// content is all that the ledger's tables hold.
func content(t testing.TB, s sealed, path string, file []byte) string {
	t.Helper()
	if file != nil {
		must(t, os.WriteFile(path, file, 0o600))
	}
	db, err := sql.Open("sqlite", fileURI(path))
	must(t, err)
	defer db.Close()
	var b strings.Builder
	for _, name := range append(auditedNames(), "audit", "audit_chains", "audit_checkpoints", "people_names") {
		dump(t, &b, db, name, len(s.columns[name]))
	}
	return b.String()
}

func dump(t testing.TB, b *strings.Builder, db *sql.DB, name string, columns int) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+name+" ORDER BY rowid")
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		row, dest := make([]any, columns), make([]any, columns)
		for i := range row {
			dest[i] = &row[i]
		}
		must(t, rows.Scan(dest...))
		fmt.Fprintf(b, "%s %q\n", name, row)
	}
	must(t, rows.Err())
}
