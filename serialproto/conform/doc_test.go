package conform_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/serialproto/conform"
)

var update = flag.Bool("update", false, "write the table of cases in docs/conformance.md")

// tableMark is where the table begins, which ends with the page.
const tableMark = "<!-- written by: go test ./serialproto/conform -run TestCasesDoc -update -->\n"

// TestCasesDoc keeps the table in docs/conformance.md equal to the suite; -update writes it.
func TestCasesDoc(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "conformance.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, table, ok := strings.Cut(string(page), tableMark)
	if !ok {
		t.Fatalf("%s has no line %q", path, tableMark)
	}
	want := casesTable()
	if *update {
		if err := os.WriteFile(path, []byte(text+tableMark+want), 0o644); err != nil {
			t.Fatal(err)
		}
		table = want
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("%s is not what the suite says; go test ./serialproto/conform -run TestCasesDoc -update writes it (-want +got):\n%s", path, diff)
	}
}

func casesTable() string {
	var b strings.Builder
	b.WriteString("\n| case | clause | level | what the device has to do | needs |\n|---|---|---|---|---|\n")
	for _, c := range conform.Cases() {
		fmt.Fprintf(&b, "| `%s` | %s | %v | %s | %s |\n", c.ID, c.Clause, c.Level, c.Text, c.Needs())
	}
	return b.String()
}

// TestClausesAreHeadings: a clause is a section of the specification, with the number of a rule where there are such.
func TestClausesAreHeadings(t *testing.T) {
	t.Parallel()
	spec, err := os.ReadFile(filepath.Join("..", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	headings := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^// # (.+)$`).FindAllStringSubmatch(string(spec), -1) {
		headings[m[1]] = true
	}
	for _, c := range conform.Cases() {
		if name := regexp.MustCompile(` \d+$`).ReplaceAllString(c.Clause, ""); !headings[name] {
			t.Errorf("%s names the clause %q, which the specification does not have", c.ID, c.Clause)
		}
	}
}
