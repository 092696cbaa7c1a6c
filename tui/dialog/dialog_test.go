package dialog

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"provstation/tui/keymap"
	"provstation/tui/theme"
	"provstation/tui/widget"
)

func look(signs theme.Signs) widget.Look {
	return widget.Look{Styles: theme.Dark().Styles(), Signs: signs, Text: func(key string, _ ...string) string { return key }}
}

func key(name string) tea.KeyPressMsg {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd,
		"backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "up": tea.KeyUp, "down": tea.KeyDown, "pgdown": tea.KeyPgDown, "pgup": tea.KeyPgUp, "tab": tea.KeyTab,
	}
	if r, ok := special[name]; ok {
		return tea.KeyPressMsg{Code: r}
	}
	if r, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(r[0]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(name)[0], Text: name}
}

// press presses keys, each of which is a name or one character, and gives the last answer.
func press(d Dialog, keys ...string) Action {
	d.SetLook(look(theme.Unicode()))
	var a Action
	for _, k := range keys {
		a = d.Update(key(k))
	}
	return a
}

func chars(s string) []string { return strings.Split(s, "") }

func TestTextEditing(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{chars("abc"), "abc"},
		{append(chars("abc"), "left", "x"), "abxc"},
		{append(chars("abc"), "left", "left", "left", "left", "x"), "xabc"},
		{append(chars("abc"), "home", "x", "end", "y"), "xabcy"},
		{append(chars("abc"), "ctrl+a", "delete", "delete"), "c"},
		{append(chars("abc"), "backspace", "backspace", "backspace", "backspace", "z"), "z"},
		{append(chars("ab cd  "), "ctrl+w"), "ab "},
		{append(chars("ab cd"), "left", "ctrl+u"), "d"},
		{append(chars("abc"), "right", "delete", "d"), "abcd"},
		{chars("e\u0301x"), "e\u0301x"},
		{append([]string{"👩‍🔧", "a"}, "left", "backspace"), "a"},
		{append(chars("日本"), "backspace"), "日"},
		{[]string{"a", "tab", "ctrl+z", "up", "down", "b"}, "ab"},
	} {
		d := NewText(TextConfig{})
		press(d, tt.keys...)
		if d.Value() != tt.want {
			t.Errorf("%v: got %q, want %q", tt.keys, d.Value(), tt.want)
		}
	}
}

func TestTextAnswers(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  TextConfig
		keys []string
		want Action
		says string
	}{
		{"text", TextConfig{}, append(chars(" Ada "), "enter"), Entered{Text: "Ada"}, ""},
		{"nothing", TextConfig{Short: "more"}, []string{"enter"}, nil, "! more"},
		{"spaces alone", TextConfig{Short: "more"}, []string{" ", " ", "enter"}, nil, "! more"},
		{"nothing where it may be", TextConfig{Empty: true}, []string{"enter"}, Entered{}, ""},
		{"too short", TextConfig{Min: 3, Short: "more"}, []string{"é", "é", "enter"}, nil, "! more"},
		{"long enough", TextConfig{Min: 2}, []string{"é", "é", "enter"}, Entered{Text: "éé"}, ""},
		{"the wanted word", TextConfig{Want: "PURGE"}, append(chars("PURGE"), "enter"), Entered{Text: "PURGE"}, ""},
		{"another word", TextConfig{Want: "PURGE", Wrong: "type PURGE"}, append(chars("purge"), "enter"), nil, "! type PURGE"},
		{"turned back", TextConfig{}, append(chars("x"), "esc"), Cancelled{}, ""},
		{"what was there", TextConfig{Value: "slot 3"}, []string{"enter"}, Entered{Text: "slot 3"}, ""},
		{"the problem goes with the next key", TextConfig{Short: "more"}, []string{"enter", "x"}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := NewText(tt.cfg)
			if d := cmp.Diff(tt.want, press(d, tt.keys...)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			view := ansi.Strip(strings.Join(d.View(80, 24), "\n"))
			if strings.Contains(view, "! ") != (tt.says != "") || !strings.Contains(view, tt.says) {
				t.Errorf("does not say %q:\n%s", tt.says, view)
			}
		})
	}
}

func TestScans(t *testing.T) {
	for _, tt := range []struct {
		name  string
		d     Dialog
		want  Action
		taken bool
	}{
		{"a field that takes scans", NewText(TextConfig{Scan: true}), Entered{Text: "SN-1", Scanned: true}, true},
		{"another field", NewText(TextConfig{}), nil, false},
		{"a typed confirmation", NewConfirm("t", nil, "l", "SN-1", "w"), nil, false},
		{"a list", NewChoice("t", nil, []string{"a"}, 0), nil, false},
		{"something to accept", NewInfo(InfoConfig{Accept: true}), nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, taken := tt.d.Scan("SN-1")
			if d := cmp.Diff(tt.want, got); d != "" || taken != tt.taken {
				t.Errorf("got taken %t, want %t (-want +got):\n%s", taken, tt.taken, d)
			}
		})
	}
}

func TestPaste(t *testing.T) {
	d := NewText(TextConfig{})
	d.Paste("a\x1b[31mb\u202ec\x00" + strings.Repeat("x", 400))
	if got := d.Value(); !strings.HasPrefix(got, "abcxx") || len(got) != MaxText {
		t.Errorf("got %d bytes, %.10q, want %d clean ones", len(got), got, MaxText)
	}
	c := NewConfirm("t", nil, "l", "PURGE", "w")
	c.Paste("PURGE")
	if got := press(c, "enter"); got != nil {
		t.Errorf("got %v, want nothing: a confirmation is typed", got)
	}
}

func TestChoice(t *testing.T) {
	items := strings.Split("abcdefghijklmnopqrstuvwxyz", "")
	for _, tt := range []struct {
		keys []string
		want Action
	}{
		{[]string{"enter"}, Chosen{2}},
		{[]string{"down", "enter"}, Chosen{3}},
		{[]string{"k", "k", "k", "k", "enter"}, Chosen{0}},
		{[]string{"end", "j", "enter"}, Chosen{25}},
		{[]string{"G", "home", "enter"}, Chosen{0}},
		{[]string{"end", "pgup", "enter"}, Chosen{18}},
		{[]string{"esc"}, Cancelled{}},
		{[]string{"x"}, nil},
	} {
		c := NewChoice("t", nil, items, 2)
		if d := cmp.Diff(tt.want, press(c, tt.keys...)); d != "" {
			t.Errorf("%v (-want +got):\n%s", tt.keys, d)
		}
		i := c.at
		if view := ansi.Strip(strings.Join(c.View(80, 12), "\n")); !strings.Contains(view, "▌ "+items[i]) {
			t.Errorf("%v: the marked item is not in sight:\n%s", tt.keys, view)
		}
	}
	if got := press(NewChoice("t", nil, nil, 5), "enter"); got != nil {
		t.Errorf("got %v from an empty list, want nothing", got)
	}
}

func TestInfo(t *testing.T) {
	lines := strings.Split(strings.Repeat("x\n", 60), "\n")
	read := NewInfo(InfoConfig{Title: "t", Lines: lines})
	if got := press(read, "enter"); got != (Cancelled{}) || read.Screen() != keymap.Info {
		t.Errorf("got %v, want it closed", got)
	}
	accept := NewInfo(InfoConfig{Title: "t", Lines: lines, Accept: true})
	if got := press(accept, "enter"); got != (Accepted{}) || accept.Screen() != keymap.Consent {
		t.Errorf("got %v, want it accepted", got)
	}
	accept.View(80, 20)
	press(accept, "end")
	bottom := accept.view.offset
	press(accept, "down", "pgdown")
	if bottom == 0 || accept.view.offset != bottom {
		t.Errorf("got offset %d after the end, want %d", accept.view.offset, bottom)
	}
	press(accept, "home")
	if accept.view.offset != 0 {
		t.Errorf("got offset %d, want 0", accept.view.offset)
	}
}

// TestShape draws every dialog in every size: never larger than it may be, every line of the same width.
func TestShape(t *testing.T) {
	long := strings.Repeat("many words that go on and on, ", 30)
	for _, signs := range []theme.Signs{theme.Unicode(), theme.ASCII()} {
		for _, d := range []Dialog{
			NewText(TextConfig{Title: long, About: []string{long, long}, Label: long, Value: strings.Repeat("日", 60), Short: long}),
			NewText(TextConfig{Title: "t", Masked: true, Value: "secret"}),
			NewConfirm("t", []string{"a"}, "l", "w", "wrong"),
			NewChoice(long, []string{long}, []string{long, long, "日本語"}, 1),
			NewInfo(InfoConfig{Title: long, About: []string{long, "", long}, Lines: []string{long, "▀▄█"}, Accept: true, Tone: Grave}),
			NewInfo(InfoConfig{}),
		} {
			d.SetLook(look(signs))
			for _, w := range []int{80, 120, 200} {
				for _, h := range []int{20, 31, 46} {
					rows := d.View(w, h)
					if len(rows) > h {
						t.Errorf("%T: got %d lines in %d", d, len(rows), h)
					}
					for _, row := range rows {
						if got, want := ansi.StringWidth(row), min(w-4, MaxWidth); got != want {
							t.Errorf("%T: got a line of %d cells, want %d: %q", d, got, want, ansi.Strip(row))
						}
					}
				}
			}
		}
	}
}

func TestMaskedShowsNothing(t *testing.T) {
	d := NewText(TextConfig{Masked: true})
	press(d, append(chars("secret"), "left", "left")...)
	if view := ansi.Strip(strings.Join(d.View(80, 24), "\n")); strings.Contains(view, "ecre") || !strings.Contains(view, "******") {
		t.Errorf("got\n%s", view)
	}
}

func FuzzText(f *testing.F) {
	f.Add("abc", 3)
	f.Add("\x1b", 34)
	f.Add("e\u0301\u200d\x1b[31m", 1)
	f.Fuzz(func(t *testing.T, text string, left int) {
		d := NewText(TextConfig{})
		d.SetLook(look(theme.Unicode()))
		d.Paste(text)
		for range min(max(left, 0), 300) {
			d.Update(key("left"))
		}
		d.Paste(text)
		if got := d.Value(); len(got) > MaxText || strings.ContainsAny(got, "\x1b\n\r\x00") {
			t.Errorf("got %q", got)
		}
		for _, row := range d.View(80, 24) {
			if n := ansi.StringWidth(row); n != 76 {
				t.Errorf("got a line of %d cells, want 76", n)
			}
		}
	})
}
