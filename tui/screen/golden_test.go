package screen

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"provstation/station/words"
	"provstation/tui/theme"
	"provstation/tui/widget"
)

var update = flag.Bool("update", false, "write the golden views")

// size is a terminal's; a page gets it without the header and the footer.
type size struct{ w, h int }

var sizes = []size{{80, 24}, {120, 35}, {200, 50}}

func (s size) String() string { return strconv.Itoa(s.w) + "x" + strconv.Itoa(s.h) }

// page is what every page can do.
type page interface {
	SetSize(w, h int)
	SetLook(l widget.Look)
	SetNow(t time.Time)
	View() string
}

// lookIn is how a language looks in colour, or in ASCII without.
func lookIn(t testing.TB, locale string, plain bool) widget.Look {
	t.Helper()
	c, err := words.Load(locale)
	if err != nil {
		t.Fatal(err)
	}
	l := widget.Look{Styles: theme.Dark().Styles(), Signs: theme.Unicode()}
	if plain {
		l.Styles, l.Signs = theme.Mono().Styles(), theme.ASCII()
	}
	l.Text = func(key string, pairs ...string) string {
		params := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			params[pairs[i]] = pairs[i+1]
		}
		text := c.Text(key, params)
		if text == key && !strings.HasPrefix(key, "step.") && !strings.HasPrefix(key, "value.") && !strings.HasPrefix(key, "number.") &&
			!strings.HasPrefix(key, "fact.") && !strings.HasPrefix(key, "fault.") && !strings.HasPrefix(key, "next.") {
			t.Errorf("%s: the catalogue has no %q", locale, key)
		}
		if plain {
			return widget.Spelled(text)
		}
		return text
	}
	return l
}

// goldens draws a page at every size in every language, in colour and in ASCII, and compares.
func goldens(t *testing.T, name string, now time.Time, make func() page) {
	t.Helper()
	for _, locale := range words.Locales() {
		for _, plain := range []bool{false, true} {
			look := lookIn(t, locale, plain)
			for _, at := range sizes {
				p := make()
				p.SetLook(look)
				p.SetNow(now)
				file := name
				if plain {
					file += "-ascii"
				}
				w, h := at.w, at.h-HeaderHeight-2
				p.SetSize(w, h)
				view := p.View()
				if plain {
					view = widget.ASCIIOnly(view)
				}
				checkShape(t, view, w, h)
				compare(t, file+"-"+at.String()+"."+locale, ansi.Strip(view))
			}
		}
	}
}

func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	rows := strings.Split(got, "\n")
	for i := range rows {
		rows[i] = strings.TrimRight(rows[i], " ")
	}
	got = strings.Join(rows, "\n") + "\n"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// checkShape fails unless a view is exactly h lines of w cells.
func checkShape(t testing.TB, view string, w, h int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != h {
		t.Errorf("at %dx%d: got %d lines, want %d", w, h, len(lines), h)
	}
	for i, line := range lines {
		if got := ansi.StringWidth(line); got != w {
			t.Errorf("at %dx%d: line %d is %d cells wide: %q", w, h, i, got, ansi.Strip(line))
			return
		}
	}
}
