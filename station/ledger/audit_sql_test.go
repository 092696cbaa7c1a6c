package ledger

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseWrite(t *testing.T) {
	for _, c := range []struct {
		query string
		want  statement
	}{
		{"INSERT INTO devices (a, tenant, hardware_serial) VALUES ('?', ?, ?)", statement{op: "insert", table: "devices", keyArgs: []int{0, 1}}},
		{
			"INSERT INTO posts (run, post) VALUES (?, ?) ON CONFLICT (post) DO UPDATE SET run = excluded.run",
			statement{op: "insert", table: "posts", keyArgs: []int{1}},
		},
		{
			"UPDATE runs SET a = coalesce(?, a), b = ? WHERE x = ? AND run = ?",
			statement{op: "update", table: "runs", keyArgs: []int{3}, find: "SELECT run FROM runs WHERE x = ? AND run = ?", findArgs: 2},
		},
		{
			"UPDATE posts SET state = 'unknown?' WHERE run = ? AND state = 'open'",
			statement{op: "update", table: "posts", find: "SELECT post FROM posts WHERE run = ? AND state = 'open'"},
		},
		{"DELETE FROM chains\nWHERE leaf = ?", statement{op: "delete", table: "chains", find: "SELECT leaf, position FROM chains WHERE leaf = ?"}},
	} {
		got, ok, err := parseWrite(c.query)
		if err != nil || !ok {
			t.Errorf("%s: got %v %v, want it read", c.query, ok, err)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(statement{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.query, diff)
		}
	}
	for _, q := range []string{"BEGIN IMMEDIATE", "SAVEPOINT job", "COMMIT", "SELECT run FROM runs", "UPDATE write_check SET checked_at = ? WHERE id = 1"} {
		if _, ok, err := parseWrite(q); ok || err != nil {
			t.Errorf("%s: got %v %v, want it to be no write", q, ok, err)
		}
	}
	for _, q := range []string{
		"INSERT INTO runs SELECT * FROM runs", "INSERT INTO runs (run) VALUES ('x')", "INSERT INTO runs (run) VALUES (?), (?)",
		"INSERT INTO runs (tenant) VALUES (?)", "UPDATE runs SET batch = ?", "DELETE FROM runs", "UPDATE runs SET batch = ?2 WHERE run = ?1",
		"WITH x AS (SELECT 1) DELETE FROM runs WHERE run = ?", "UPDATE unheard SET a = ? WHERE b = ?", "INSERT INTO posts (post, run) VALUES (?)",
	} {
		if _, ok, err := parseWrite(q); !ok || !errors.Is(err, ErrUnaudited) {
			t.Errorf("%s: got %v %v, want %v", q, ok, err, ErrUnaudited)
		}
	}
}

// Every statement of this package that writes can be followed by the chain.
func TestEveryWriteCanBeAudited(t *testing.T) {
	files, err := os.ReadDir(".")
	must(t, err)
	n := 0
	for _, e := range files {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		must(t, err)
		ast.Inspect(f, func(node ast.Node) bool {
			if b, ok := node.(*ast.BinaryExpr); ok && b.Op == token.ADD { // put together: tests that run it see to it
				return false
			}
			x, ok := node.(*ast.BasicLit)
			if !ok || x.Kind != token.STRING {
				return true
			}
			q, err := strconv.Unquote(x.Value)
			must(t, err)
			word, _, _ := strings.Cut(q, " ")
			if word != "INSERT" && word != "UPDATE" && word != "DELETE" {
				return true
			}
			n++
			if _, _, err := parseWrite(q); err != nil {
				t.Errorf("%s: %v", e.Name(), err)
			}
			return true
		})
	}
	if n < 20 {
		t.Errorf("got %d statements, want those of the package", n)
	}
}
