package widget

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/words"
	"provstation/tui/theme"
)

func lookOf(t testing.TB, locale string, signs theme.Signs) Look {
	t.Helper()
	c, err := words.Load(locale)
	if err != nil {
		t.Fatal(err)
	}
	return Look{Styles: theme.Mono().Styles(), Signs: signs, Text: func(key string, pairs ...string) string {
		params := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			params[pairs[i]] = pairs[i+1]
		}
		return c.Text(key, params)
	}}
}

func TestLetters(t *testing.T) {
	for _, tt := range []struct {
		name  string
		signs theme.Signs
		text  string
		w, h  int
		want  []string
	}{
		{"smallest", theme.Unicode(), "FAIL", 13, 3, []string{"█▀▀ █▀█ █ █  ", "█▀  █▀█ █ █  ", "▀   ▀ ▀ ▀ ▀▀▀"}},
		{"one cell too narrow", theme.Unicode(), "FAIL", 12, 3, nil},
		{"one line too low", theme.Unicode(), "FAIL", 13, 2, nil},
		{"ascii", theme.ASCII(), "FAIL", 20, 5, []string{"### ### # #  ", "#   # # # #  ", "##  ### # #  ", "#   # # # #  ", "#   # # # ###"}},
		{"ascii, one line too low", theme.ASCII(), "FAIL", 20, 4, nil},
		{"twice as large", theme.Unicode(), "if", 12, 5, []string{"██  ██████", "██  ██    ", "██  ████  ", "██  ██    ", "██  ██    "}},
		{"one below the other", theme.Unicode(), "IN IN", 6, 6, []string{"█ █▄ █", "█ █ ▀█", "▀ ▀  ▀", "█ █▄ █", "█ █ ▀█", "▀ ▀  ▀"}},
		{"a letter without a shape", theme.Unicode(), "日本", 80, 10, nil},
		{"nothing", theme.Unicode(), "", 80, 10, nil},
		{"far too long", theme.Unicode(), strings.Repeat("A", 65), 10000, 10, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := lookOf(t, "en", tt.signs).Letters(tt.text, tt.w, tt.h)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestEveryVerdictHasLetters: every word that a card may write large has its shapes, in every language, and fits a card
// of 40 cells.
func TestEveryVerdictHasLetters(t *testing.T) {
	for _, locale := range words.Locales() {
		for _, signs := range []theme.Signs{theme.Unicode(), theme.ASCII()} {
			l := lookOf(t, locale, signs)
			keys := []string{"state.scan", "state.scanlabel", "state.held", "state.busy", "state.denied", "state.error"}
			for _, o := range station.Outcomes() {
				keys = append(keys, "outcome."+string(o))
			}
			for _, key := range keys {
				lines := l.Letters(l.Text(key), 39, 10)
				if lines == nil {
					t.Errorf("%s: %s (%q) cannot be written large", locale, key, l.Text(key))
				}
				for _, line := range lines {
					if n := ansi.StringWidth(line); n > 39 || n != ansi.StringWidth(lines[0]) {
						t.Errorf("%s: %s: got a line of %d cells", locale, key, n)
					}
				}
			}
		}
	}
}

// TestGlyphsAreWhole: five rows of the same width each, and no two letters look the same, the digits that are letters in
// five rows of three points aside.
func TestGlyphsAreWhole(t *testing.T) {
	seen := map[[5]string]rune{}
	for r, g := range glyphs {
		for _, row := range g {
			if len(row) != len(g[0]) || strings.Trim(row, "# ") != "" {
				t.Errorf("%c: row %q is not like %q", r, row, g[0])
			}
		}
		if other, ok := seen[g]; ok && r > '9' && other > '9' {
			t.Errorf("%c looks like %c", r, other)
		}
		seen[g] = r
	}
}
