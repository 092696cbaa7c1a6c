package words_test

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/words"
)

var update = flag.Bool("update", false, "write docs/codes.md from the catalogue")

// faultParams are the parameters that faults may carry; the head of en.yaml lists them too.
var faultParams = []string{
	"port", "slot", "holder", "status", "detail", "device_id", "hardware_serial", "check", "alert", "broker", "bridge",
	"have", "want", "limit", "url", "left", "not_after", "phase", "step", "objects", "doing", "reason", "reason_code",
	"batch", "label", "name", "other", "code", "count", "lead", "n", "by", "decision", "kind", "station", "user", "missing",
}

// declaredCodes reads the value and comment order of every Code constant from the source of package station, so that
// a code cannot be added without its sentence.
func declaredCodes(t *testing.T) []station.Code {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "codes.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []station.Code
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			v := s.(*ast.ValueSpec)
			if id, ok := v.Type.(*ast.Ident); !ok || id.Name != "Code" {
				continue
			}
			for _, x := range v.Values {
				text, err := strconv.Unquote(x.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, station.Code(text))
			}
		}
	}
	if len(codes) < 50 {
		t.Fatalf("got %d codes in codes.go, want all of them: has the file's shape changed?", len(codes))
	}
	return codes
}

func load(t *testing.T, locale string) *words.Catalogue {
	t.Helper()
	c, err := words.Load(locale)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryCodeHasSentences(t *testing.T) {
	declared := declaredCodes(t)
	for _, locale := range words.Locales() {
		c := load(t, locale)
		for _, code := range declared {
			if message, next := c.Fault(code, nil); message == string(code) || message == "" || next == "" {
				t.Errorf("%s: %s has no message or no next action", locale, code)
			}
		}
		for _, code := range c.Codes() {
			if !slices.Contains(declared, code) {
				t.Errorf("%s: %s has sentences, but is not a code of package station", locale, code)
			}
			for _, p := range c.Params(code) {
				if !slices.Contains(faultParams, p) {
					t.Errorf("%s: %s uses {%s}, which no fault carries", locale, code, p)
				}
			}
		}
	}
}

// TestSentencesReadWell renders every fault with no parameter, with each alone, and with all of them.
func TestSentencesReadWell(t *testing.T) {
	for _, locale := range words.Locales() {
		c := load(t, locale)
		for _, code := range c.Codes() {
			all := map[string]string{}
			sets := []map[string]string{nil, all}
			for _, p := range c.Params(code) {
				all[p] = "x1"
				sets = append(sets, map[string]string{p: "x1"})
			}
			for _, params := range sets {
				message, next := c.Fault(code, params)
				for _, s := range []string{message, next} {
					if bad := clumsy(s); bad != "" {
						t.Errorf("%s %s: %q: %s", locale, code, s, bad)
					}
				}
			}
		}
	}
}

func clumsy(s string) string {
	for _, bad := range []string{"  ", " .", " ,", " ;", "()", "( ", "\"\"", "{", "}", "[", "]", ".."} {
		if strings.Contains(s, bad) {
			return fmt.Sprintf("has %q in it", bad)
		}
	}
	if s == "" || s != strings.TrimSpace(s) || !strings.HasSuffix(s, ".") {
		return "is no sentence"
	}
	return ""
}

// TestNextActionsAreForOperators keeps words out of the next action that the person at the bench need not know.
func TestNextActionsAreForOperators(t *testing.T) {
	c := load(t, "en")
	for _, code := range c.Codes() {
		_, next := c.Fault(code, nil)
		for _, word := range []string{"CSR", "SPKI", "x509", "X.509", "chain", "leaf", "PKI", "handshake", "CONNACK", "CN ", "SAN ", "fingerprint"} {
			if strings.Contains(next, word) {
				t.Errorf("%s: next action %q uses the word %q", code, next, word)
			}
		}
	}
}

func TestFill(t *testing.T) {
	c := load(t, "en")
	for _, tt := range []struct {
		name   string
		code   station.Code
		params map[string]string
		want   string
	}{
		{"nothing known", station.CodePortBusy, nil, "Another program is using the port."},
		{"all known", station.CodePortBusy, map[string]string{"port": "/dev/ttyUSB0", "holder": "ModemManager"}, "Another program is using the port /dev/ttyUSB0 (ModemManager)."},
		{"one known", station.CodePortBusy, map[string]string{"holder": "minicom"}, "Another program is using the port (minicom)."},
		{"a value is not a template", station.CodePortBusy, map[string]string{"holder": "{port}[x]", "port": "p"}, "Another program is using the port p ({port}[x])."},
		{"a value that is a sentence", station.CodeInternal, map[string]string{"detail": "disk full."}, "The station itself made an error (disk full)."},
		{"an extra one does nothing", station.CodeSwapped, map[string]string{"zzz": "1"}, "Another board answered after the connection came back."},
		{"half of an optional part", station.CodeSwapped, map[string]string{"want": "A"}, "Another board answered after the connection came back."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := c.Fault(tt.code, tt.params); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	c := load(t, "en")
	if message, next := c.Fault("E-NEW", nil); message != "E-NEW" || next != "" {
		t.Errorf("got %q, %q, want the code and no action", message, next)
	}
	if got := c.Text("no.such", nil); got != "no.such" {
		t.Errorf("got %q, want the key", got)
	}
	wantMessage, wantNext := c.Fault(station.CodeAborted, nil)
	if got := c.Text("fault.E-ABORTED", nil); got != wantMessage {
		t.Errorf("got %q, want %q", got, wantMessage)
	}
	if got := c.Text("next.E-ABORTED", nil); got != wantNext {
		t.Errorf("got %q, want %q", got, wantNext)
	}
}

func TestLocaleNames(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"", "en"}, {"C", "en"}, {"POSIX", "en"}, {"C.UTF-8", "en"}, {"en", "en"}, {"en_GB.UTF-8", "en"}, {"EN-us", "en"}, {"en@euro", "en"},
	} {
		c, err := words.Load(tt.name)
		if err != nil || c.Locale() != tt.want {
			t.Errorf("Load(%q): got a catalogue: %t, %v, want %s", tt.name, c != nil, err, tt.want)
		}
	}
	for _, name := range []string{"xx", "../en", "en/../en", "tlh_QO.UTF-8"} {
		if c, err := words.Load(name); !errors.Is(err, words.ErrNoLocale) || c != nil {
			t.Errorf("Load(%q): got a catalogue: %t, %v, want none, ErrNoLocale", name, c != nil, err)
		}
		if got := words.Match(name); got != words.Default {
			t.Errorf("Match(%q): got %q, want %q", name, got, words.Default)
		}
	}
}

// TestTranslationsAreComplete fails when a language leaves out a key of the reference, or has one that no longer exists,
// or uses other parameters.
func TestTranslationsAreComplete(t *testing.T) {
	en := load(t, words.Default)
	for _, locale := range words.Locales() {
		raw, err := words.ReadOnly(locale)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(en.Keys(), raw.Keys()); diff != "" {
			t.Errorf("%s: keys differ from English (-want +got):\n%s", locale, diff)
		}
		if diff := cmp.Diff(en.Codes(), raw.Codes()); diff != "" {
			t.Errorf("%s: codes differ from English (-want +got):\n%s", locale, diff)
		}
		if raw.Name() == "" {
			t.Errorf("%s: the language has no name", locale)
		}
	}
}

// TestCodesDoc keeps docs/codes.md equal to the catalogue; -update writes it.
func TestCodesDoc(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "codes.md")
	want := words.CodesDoc(load(t, words.Default), declaredCodes(t))
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/codes.md is not what the catalogue says; go test ./station/words -run TestCodesDoc -update writes it (-want +got):\n%s", diff)
	}
}
