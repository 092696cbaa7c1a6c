package words

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"provstation/assets"
)

// Whoever translates writes YAML: a parser of all of it has to find the same sentences.
func TestReadFileAsYAMLDoes(t *testing.T) {
	for _, locale := range Locales() {
		text, err := fs.ReadFile(assets.Locales, "locales/"+locale+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var want file
		if err := yaml.UnmarshalWithOptions(text, &want, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		got, err := readFile(string(text))
		if err != nil {
			t.Fatalf("%s: got %v, want it read", locale, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-YAML +ours):\n%s", locale, diff)
		}
	}
}

// What YAML would read in another way, or not at all, is refused with its line.
func TestReadFileRefuses(t *testing.T) {
	for _, tt := range []struct {
		line string
		want error
	}{
		{"texts: a", errUnknown},
		{"other: a", errUnknown},
		{"  a: b", errUnknown},
		{"texts:\n    a: b", errUnknown},
		{"faults:\n  E-A: b", errUnknown},
		{"faults:\n    message: b", errUnknown},
		{"faults:\n  E-A:\n    other: b", errUnknown},
		{"faults:\n  E-A:\n  E-A:", errTwice},
		{"texts:\n  a: b\ntexts:", errTwice},
		{"texts:\n  a: {b: c}", errPlain},
		{"texts:\n  a: [b]", errPlain},
		{"texts:\n  a: 'b'", errPlain},
		{"texts:\n  a: |", errPlain},
		{"texts:\n  a: b: c", errPlain},
		{"texts:\n  a: b # c", errPlain},
		{"texts:\n  a: b:", errPlain},
		{"texts:\n  a:b", errPlain},
		{"texts:\n  a", errPlain},
		{"texts:\n  a: \"b", errPlain},
		{"texts:\n  a: \"b\\n\"", errPlain},
		{"texts:\n  a: \"b\" c\"", errPlain},
		{"texts:\n  a: *b", errPlain},
	} {
		got, err := readFile("locale: xx\n" + tt.line + "\n")
		if !errors.Is(err, tt.want) || got.Locale != "" {
			t.Errorf("%q: got %v, %v, want nothing, %v", tt.line, got, err, tt.want)
		}
		if last := "line " + string(rune('2'+strings.Count(tt.line, "\n"))) + ":"; err != nil && !strings.HasPrefix(err.Error(), last) {
			t.Errorf("%q: got %v, want it to begin with %q", tt.line, err, last)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load("de"); err != nil {
			b.Fatal(err)
		}
	}
}
