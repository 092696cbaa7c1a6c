package words_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"provstation/station"
	"provstation/station/words"
)

// sentences reads a language without its fallback to English, which would hide what is missing.
func sentences(t *testing.T, locale string) map[string]words.Sentence {
	t.Helper()
	c, err := words.ReadOnly(locale)
	if err != nil {
		t.Fatal(err)
	}
	return c.Sentences()
}

func TestGermanIsThere(t *testing.T) {
	for _, want := range []string{"en", "de"} {
		if !slices.Contains(words.Locales(), want) {
			t.Errorf("got the languages %v, want %s among them", words.Locales(), want)
		}
	}
	for _, name := range []string{"de", "de_DE.UTF-8", "de-AT", "de_CH@euro", "DE"} {
		if got := words.Match(name); got != "de" {
			t.Errorf("Match(%q): got %q, want de", name, got)
		}
	}
}

func TestWanted(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"LANG": "de_DE.UTF-8"}, "de_DE.UTF-8"},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB"}, "en_GB"},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_MESSAGES": "en_GB", "LC_ALL": "C"}, "C"},
		{map[string]string{"LANG": "de_DE.UTF-8", "LC_ALL": ""}, "de_DE.UTF-8"},
		{map[string]string{"LC_CTYPE": "de_DE.UTF-8"}, ""},
	} {
		if got := words.Wanted(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("with %v: got %q, want %q", tt.env, got, tt.want)
		}
	}
}

// TestTranslationsSayTheSame compares every sentence with the reference: it is not empty, takes the same parameters, leaves
// out the same ones together, and is not the English one again.
func TestTranslationsSayTheSame(t *testing.T) {
	en := sentences(t, words.Default)
	for _, locale := range words.Locales() {
		all := sentences(t, locale)
		for key, got := range all {
			want, ok := en[key]
			switch {
			case !ok:
				t.Errorf("%s: %s is not in English", locale, key)
			case strings.TrimSpace(got.Words) == "":
				t.Errorf("%s: %s is empty", locale, key)
			case got.Params != want.Params:
				t.Errorf("%s: %s takes %q, want %q as in English", locale, key, got.Params, want.Params)
			case locale != words.Default && got.Words == want.Words && len(strings.Fields(letters(got.Words))) > 2:
				t.Errorf("%s: %s is not translated: %q", locale, key, got.Words)
			}
		}
		for key := range en {
			if _, ok := all[key]; !ok {
				t.Errorf("%s: %s is missing", locale, key)
			}
		}
	}
}

// letters leaves of a sentence what somebody would translate.
func letters(s string) string {
	for {
		before, rest, ok := strings.Cut(s, "{")
		if !ok {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune("():;,.-=", r) {
					return ' '
				}
				return r
			}, s)
		}
		_, after, _ := strings.Cut(rest, "}")
		s = before + " " + after
	}
}

// TestWordsFitTheirPlace holds the words to the cells that the screen has for them. A letter with two dots counts twice: a
// terminal that knows ASCII alone shows ä as ae.
func TestWordsFitTheirPlace(t *testing.T) {
	places := []struct {
		prefix string
		cells  int
		but    []string // longer ones, which stand elsewhere
	}{
		{"outcome.", 9, nil},
		{"state.", 9, []string{"state.running", "state.scanlabel"}},
		{"triangle.", 9, []string{"triangle.hardware", "triangle.request", "triangle.certificate", "triangle.all", "triangle.check", "triangle.wrong", "triangle.yet"}},
		{"fact.", 15, nil},
		{"record.", 17, []string{"record.current", "record.revoked", "record.tries", "record.copy.unknown"}},
		{"meaning.", 27, nil},
		{"phase.", 15, nil},
		{"doctor.status.", 9, nil},
		{"batch.state.", 12, nil},
	}
	for _, locale := range words.Locales() {
		all := sentences(t, locale)
		for _, key := range slices.Sorted(maps.Keys(all)) {
			for _, p := range places {
				if !strings.HasPrefix(key, p.prefix) || slices.Contains(p.but, key) {
					continue
				}
				if got := cells(all[key].Words); got > p.cells {
					t.Errorf("%s: %s (%q) takes %d cells, want at most %d", locale, key, all[key].Words, got, p.cells)
				}
			}
		}
		c := load(t, locale)
		for _, phase := range station.Phases() {
			n := strconv.Itoa(phase.Index() + 1)
			if got := c.Text("state.running", map[string]string{"n": n, "of": "14"}); cells(got) > 9 {
				t.Errorf("%s: %q takes more than 9 cells", locale, got)
			}
		}
	}
}

func cells(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range "äöüÄÖÜß" {
		n += strings.Count(s, string(r))
	}
	return n
}

// TestEveryTextIsUsed looks for every key among the literals of the program: as it is, or by what it begins with where the
// rest is put together ("outcome."+o).
func TestEveryTextIsUsed(t *testing.T) {
	literals := map[string]bool{}
	root := filepath.Join("..", "..")
	for _, dir := range []string{"cmd", "station", "tui"} {
		err := fs.WalkDir(os.DirFS(root), dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if x, ok := n.(*ast.BasicLit); ok && x.Kind == token.STRING {
					if s, err := strconv.Unquote(x.Value); err == nil {
						literals[s] = true
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range load(t, words.Default).Keys() {
		used := literals[key]
		for i, r := range key {
			used = used || ((r == '.' || r == '-') && literals[key[:i+1]])
		}
		_, name, _ := strings.Cut(key, ".")
		if !used && !literals[name] { // "name" alone, where a function puts the prefix before it
			t.Errorf("%s is used nowhere", key)
		}
	}
}
