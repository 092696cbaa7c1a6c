package words

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want error
	}{
		{"a {b", errBrace},
		{"a }", errBrace},
		{"a {}", errBrace},
		{"a {b c}", errBrace},
		{"a [b", errBracket},
		{"a b]", errBracket},
		{"a [b [c] d]", errBracket},
		{"[{a]}", errBrace},
	} {
		if got, err := parse(tt.in); !errors.Is(err, tt.want) || got != nil {
			t.Errorf("parse(%q): got %v, %v, want nil, %v", tt.in, got, err, tt.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"unknown key":      {"locale: xx\nnames: a\n", "line 2: unknown key"},
		"key given twice":  {"locale: xx\ntexts:\n  a: b\n  a: c\n", "already defined"},
		"another language": {"locale: yy\n", `"yy"`},
		"bad sentence":     {"locale: xx\ntexts:\n  a: \"{b\"\n", "text a"},
		"bad message":      {"locale: xx\nfaults:\n  E-A:\n    message: \"[b\"\n    next: c\n", "message of E-A"},
		"bad action":       {"locale: xx\nfaults:\n  E-A:\n    message: b\n    next: \"c]\"\n", "next of E-A"},
		"no file":          {"", "read locale"},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			if tt.text != "" {
				fsys["locales/xx.yaml"] = &fstest.MapFile{Data: []byte(tt.text)}
			}
			c, err := read(fsys, "xx")
			if err == nil || !strings.Contains(err.Error(), tt.want) || c != nil {
				t.Errorf("got %v, %v, want nil and an error about %q", c, err, tt.want)
			}
		})
	}
}

func TestFallback(t *testing.T) {
	fsys := fstest.MapFS{
		"locales/en.yaml": &fstest.MapFile{Data: []byte("locale: en\nfaults:\n  E-A:\n    message: A.\n    next: B.\ntexts:\n  a: one\n  b: two\n")},
		"locales/de.yaml": &fstest.MapFile{Data: []byte("locale: de\ntexts:\n  a: eins\n")},
	}
	en, err := read(fsys, "en")
	if err != nil {
		t.Fatal(err)
	}
	de, err := read(fsys, "de")
	if err != nil {
		t.Fatal(err)
	}
	de.fill(en)
	if got := de.Text("a", nil) + " " + de.Text("b", nil); got != "eins two" {
		t.Errorf("got %q, want %q", got, "eins two")
	}
	if message, _ := de.Fault("E-A", nil); message != "A." {
		t.Errorf("got %q, want the English message", message)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a", "{a}", "[{a} b]", "a[b", "]", "{"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tpl, err := parse(s)
		if err != nil {
			if tpl != nil {
				t.Errorf("parse(%q): got %v with an error, want nil", s, tpl)
			}
			return
		}
		if !strings.ContainsAny(s, "[]{}") && tpl.fill(nil) != s {
			t.Errorf("got %q, want %q", tpl.fill(nil), s)
		}
	})
}
