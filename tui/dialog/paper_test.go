package dialog

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"provstation/tui/theme"
	"provstation/tui/widget"
)

// TestPaperIsDarkOnLight: a QR code that is light on dark is none to a scanner.
func TestPaperIsDarkOnLight(t *testing.T) {
	const darkOnLight, inverse = "\x1b[38;2;0;0;0;48;2;255;255;255m", "\x1b[7m"
	for _, tt := range []struct {
		name  string
		theme theme.Theme
		dark  bool
		want  string
	}{
		{"dark", theme.Dark(), true, darkOnLight},
		{"light", theme.Light(), false, darkOnLight},
		{"mono", theme.Theme{}, true, inverse},
		{"mono", theme.Theme{}, false, "  █▀▀█ id"},
	} {
		th := tt.theme
		if th.Name == "" {
			th, _ = theme.ByName(tt.name, tt.dark)
		}
		d := NewInfo(InfoConfig{Title: "t", Lines: []string{"█▀▀█ id", "▀▀▀▀"}, Paper: true})
		d.SetLook(widget.Look{Styles: th.Styles(), Signs: theme.Unicode(), Text: func(key string, _ ...string) string { return key }})
		for _, row := range d.View(80, 24) {
			before, _, found := strings.Cut(row, "█▀▀█ id")
			if !found {
				continue
			}
			if !strings.HasSuffix(before+"█▀▀█ id", tt.want+"  █▀▀█ id") && !strings.HasSuffix(before+"█▀▀█ id", tt.want) {
				t.Errorf("%s on a dark ground %t: got %q, want it after %q", tt.name, tt.dark, row, tt.want)
			}
			if tt.name == "mono" && !tt.dark && strings.Contains(row, inverse) {
				t.Errorf("on a light ground: got %q, want it not inverted", row)
			}
		}
	}
}

// TestPaperWithoutBlocks: a terminal that has no block characters shows the code of dark and light cells, not as question
// marks.
func TestPaperWithoutBlocks(t *testing.T) {
	l := look(theme.ASCII())
	rows := paper(l, []string{"  █▀▄ id", "text", "  █ █"}, 40, 20)
	var got []string
	for _, row := range rows {
		row = strings.ReplaceAll(row, l.Styles.Ink.Render("  "), "##")
		row = strings.ReplaceAll(row, l.Styles.Ink.Render("    "), "####")
		got = append(got, strings.TrimRight(ansi.Strip(row), " "))
	}
	left := strings.Repeat(" ", (40-(5*2+4))/2+2)
	want := []string{"", left + "id", left + "    ####", left + "    ##  ##", left + "text", left + "    ##  ##", left + "    ##  ##", ""}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, row := range rows {
		if strings.Contains(widget.ASCIIOnly(row), "?") {
			t.Errorf("got %q", row)
		}
	}
}
