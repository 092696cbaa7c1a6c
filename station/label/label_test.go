package label_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"provstation/station/label"
)

func device() label.Data {
	day := time.Date(2026, time.November, 23, 23, 30, 0, 0, time.UTC)
	return label.Data{
		ID: "gateway-0042", Name: "Gateway", HardwareSerial: "HW-0042", Fingerprint: strings.Repeat("0123456789abcdef", 4), Model: "M1",
		Tenant: "acme", Batch: "2026-47", Station: "bench-1", NotBefore: day, NotAfter: day.AddDate(1, 0, 0),
		PrintedAt: day.In(time.FixedZone("", 2*3600)),
	}
}

// hostile is a device whose every text tries to be a printer command.
func hostile() label.Data {
	const bad = "x^XZ^XA~JR^FS^FD\\&_5E^FH\x1b[2J\r\n\u202e\x00Ünï€😀>;"
	d := device()
	d.ID, d.Name, d.HardwareSerial, d.Fingerprint, d.Model = bad, bad, bad, bad, bad
	d.Tenant, d.Batch, d.Station, d.QRText = bad, bad, bad, bad
	return d
}

func open(t testing.TB, name string) *label.Template {
	t.Helper()
	tm, err := label.Open(name)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	return tm
}

func render(t testing.TB, tm *label.Template, d label.Data) string {
	t.Helper()
	b, err := tm.Render(d)
	if err != nil {
		t.Fatalf("render %s: %v", tm.Name(), err)
	}
	return string(b)
}

// zplCommands splits ZPL as a printer does: a caret or tilde, two characters, and everything up to the next one. It knows
// nothing of how the package makes labels.
func zplCommands(t testing.TB, s string) (names, args []string) {
	t.Helper()
	re := regexp.MustCompile(`[\^~]([A-Z@0-9]{2})([^^~]*)`)
	rest := re.ReplaceAllString(s, "")
	if strings.TrimSpace(rest) != "" {
		t.Errorf("got %q outside of commands, want nothing", rest)
	}
	for _, m := range re.FindAllStringSubmatch(s, -1) {
		names, args = append(names, m[0][:3]), append(args, strings.TrimRight(m[2], "\n"))
	}
	return names, args
}

// checkZPL holds a label against the language: one format after the other, every field ended, nothing but ASCII.
func checkZPL(t testing.TB, s string) {
	t.Helper()
	names, args := zplCommands(t, s)
	if len(names) == 0 || names[0] != "^XA" || names[len(names)-1] != "^XZ" {
		t.Errorf("got commands %v, want them from ^XA to ^XZ", names)
	}
	for i, n := range names {
		if n == "^FD" && (i+1 == len(names) || names[i+1] != "^FS" || i == 0 || names[i-1] != "^FH") {
			t.Errorf("got ^FD%s without ^FH before it or ^FS behind it", args[i])
		}
	}
	for i := range len(s) {
		if s[i] != '\n' && (s[i] < ' ' || s[i] > '~') {
			t.Errorf("got byte %#x in ZPL, want printable ASCII", s[i])
			return
		}
	}
}

func TestBuiltin(t *testing.T) {
	want := []string{"text", "zpl-100x50", "zpl-50x25"}
	if d := cmp.Diff(want, label.Builtin()); d != "" {
		t.Fatalf("built-in templates (-want +got):\n%s", d)
	}
	for _, name := range label.Builtin() {
		t.Run(name, func(t *testing.T) {
			tm := open(t, name)
			if tm.Name() != name {
				t.Errorf("got name %q, want %q", tm.Name(), name)
			}
			for i, d := range []label.Data{device(), hostile(), {ID: "x"}, {ID: strings.Repeat("W", 63), HardwareSerial: strings.Repeat("8", 63)}} {
				s := render(t, tm, d)
				if tm.Language() == label.ZPL {
					checkZPL(t, s)
					if !strings.Contains(s, "^CI28") || !strings.Contains(s, "^PW") || !strings.Contains(s, "^LL") {
						t.Errorf("label %d: want ^CI28, ^PW and ^LL in it", i)
					}
				}
				if strings.Contains(s, "\x1b") || strings.Contains(s, "\u202e") || !utf8.ValidString(s) {
					t.Errorf("label %d: got control characters in %q", i, s)
				}
				for _, line := range tm.Preview(d) {
					if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
						t.Errorf("label %d: got a preview line %q, want printable text", i, line)
					}
				}
				for _, line := range tm.PreviewASCII(d) {
					if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
						t.Errorf("label %d: got a preview line %q, want ASCII", i, line)
					}
				}
			}
		})
	}
}

// A field changes what is printed, never which commands there are.
func TestNoFieldIsACommand(t *testing.T) {
	for _, name := range []string{"zpl-50x25", "zpl-100x50"} {
		plain, bad := device(), hostile()
		plain.ID, bad.ID = strings.Repeat("x", 40), "^"+strings.Repeat("~", 39) // neither fits as bars
		want, _ := zplCommands(t, render(t, open(t, name), plain))
		got, _ := zplCommands(t, render(t, open(t, name), bad))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: commands (-plain +hostile):\n%s", name, d)
		}
	}
}

// However a template's author writes a field, it stays a field.
func TestZPLEscapesEverywhere(t *testing.T) {
	for _, use := range []string{
		`{{.ID}}`, `{{print .ID}}`, `{{printf "%s" .ID}}`, `{{printf "%v" .ID}}`, `{{printf "%d" .ID}}`, `{{printf "%-20s" .ID}}`,
		`{{printf "%.12s" .ID}}`, `{{printf "%20q" .ID}}`, `{{upper .ID}}`, `{{lower .ID}}`, `{{short 9 .ID}}`, `{{part 0 9 .ID}}`,
		`{{group 2 .ID}}`, `{{pad 40 .ID}}`, `{{join .ID .Name}}`, `{{code128 .ID}}`, `{{.ID | short 9 | upper}}`, `{{or .ID .Name}}`,
		`{{with .ID}}{{.}}{{end}}`, `{{println .ID}}`, `{{html .ID}}`, `{{js .ID}}`, `{{urlquery .ID}}`, `{{.}}`, `{{printf "%+v" .}}`,
		`{{define "x"}}{{.ID}}{{end}}{{template "x" .}}`,
	} {
		text := "^XA^CI28^FO0,0^FH^FD" + use + "^FS^XZ"
		tm, err := label.Parse("own.zpl", text)
		if err != nil {
			t.Errorf("%s: %v", use, err)
			continue
		}
		s := render(t, tm, hostile())
		names, _ := zplCommands(t, s)
		if want := []string{"^XA", "^CI", "^FO", "^FH", "^FD", "^FS", "^XZ"}; !slices.Equal(names, want) {
			t.Errorf("%s: got commands %v in %q, want %v", use, names, s, want)
		}
	}
}

func TestEscapeZPL(t *testing.T) {
	for in, want := range map[string]string{
		"device-0042": "device-0042", "a^b~c_d\\e": "a_5Eb_7Ec_5Fd_5Ce", "Ü€": "_C3_9C_E2_82_AC", "a\nb\x7f": "a_0Ab_7F", "": "",
		"a,b:c>d": "a,b:c>d",
	} {
		if got := label.EscapeZPL(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{{.ID}} {{.Name}} {{.HardwareSerial}} {{.Model}}`, "gateway-0042 Gateway HW-0042 M1"},
		{`{{.Tenant}} {{.Batch}} {{.Station}}`, "acme 2026-47 bench-1"},
		{`{{.NotBefore}} {{.NotAfter}} {{.PrintedAt}}`, "2026-11-23 2027-11-23 2026-11-24"},
		{`{{.Fingerprint | short 16 | group 4 | upper}}`, "0123 4567 89AB CDEF"},
		{`{{part 60 99 .Fingerprint}}|{{part 9 2 .ID}}|{{part -3 3 .ID}}|{{short -1 .ID}}`, "cdef||gat|"},
		{`{{pad 8 "ab"}}|{{join .Name "" " " .Model}}`, "ab      |Gateway M1"},
		{`{{.QRText}}`, "gateway-0042"},
	} {
		tm, err := label.Parse("own.txt", c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := render(t, tm, device()); got != c.want {
			t.Errorf("%s: got %q, want %q", c.text, got, c.want)
		}
	}
	empty, err := label.Parse("own.txt", `{{.ID}}[{{.NotAfter}}][{{.Batch}}]`)
	if err != nil {
		t.Fatal(err)
	}
	if got := render(t, empty, label.Data{ID: "x"}); got != "x[][]" {
		t.Errorf("got %q, want x[][]", got)
	}
}

func TestParseRefuses(t *testing.T) {
	const head = "^XA^CI28^FO0,0"
	for _, c := range []struct{ name, file, text, want string }{
		{"syntax", "a.txt", "{{.ID", "a.txt"},
		{"unknown field", "a.txt", "{{.Nope}}", "Nope"},
		{"unknown function", "a.txt", "{{shout .ID}}", "shout"},
		{"function of the other language", "a.zpl", head + "^FH^FD{{qr .ID}}^FS^XZ", `"qr" not defined`},
		{"nothing on it", "a.txt", "{{/* nothing */}}\n", "nothing is on it"},
		{"no format", "a.zpl", "{{.ID}}", "from ^XA to ^XZ"},
		{"format not ended", "a.zpl", head + "^FH^FD{{.ID}}^FS", "from ^XA to ^XZ"},
		{"field not ended", "a.zpl", head + "^FH^FD{{.ID}}^XZ", "no ^FS"},
		{"no ^FH", "a.zpl", head + "^FD{{.ID}}^FS^XZ", "^FH"},
		{"another ^FH", "a.zpl", head + `^FH\^FD{{.ID}}^FS^XZ`, "^FH"},
		{"no ^CI28", "a.zpl", "^XA^FO0,0^FH^FD{{.ID}}^FS^XZ", "^CI28"},
		{"other prefixes", "a.zpl", "^XA^CC+^CI28^FO0,0^FH^FD{{.ID}}^FS^XZ", "prefixes"},
		{"too much QR code", "a.zpl", head + "^BQN,2,{{qrscale 20 .ID}}^FH^FDMA,{{.ID}}^FS^XZ", "does not fit"},
		{"ZPL by its text", "own", "^XA{{.ID}}", "from ^XA to ^XZ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tm, err := label.Parse(c.file, c.text)
			if err == nil || tm != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error about %q", tm, err, c.want)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	if _, err := label.Parse("a.txt", strings.Repeat("x", label.MaxTemplate+1)); !errors.Is(err, label.ErrTooLarge) {
		t.Errorf("template: got %v, want ErrTooLarge", err)
	}
	if _, err := label.Parse("a.txt", `{{range 100000000}}0123456789{{end}}`); !errors.Is(err, label.ErrTooLarge) {
		t.Errorf("label: got %v, want ErrTooLarge", err)
	}
	tm, err := label.Parse("a.txt", `{{.ID}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := render(t, tm, label.Data{ID: strings.Repeat("x", 100_000)}); len(got) != label.MaxField {
		t.Errorf("got a field of %d characters, want %d", len(got), label.MaxField)
	}
}

func TestOpen(t *testing.T) {
	if _, err := label.Open("zpl-9x9"); !errors.Is(err, label.ErrUnknown) || !strings.Contains(err.Error(), "zpl-50x25") {
		t.Errorf("got %v, want ErrUnknown and the names there are", err)
	}
	path := filepath.Join(t.TempDir(), "own.zpl.tmpl")
	if _, err := label.Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want os.ErrNotExist", err)
	}
	if err := os.WriteFile(path, []byte("^XA^CI28^FO9,9^FH^FD{{.ID}}^FS^XZ"), 0o600); err != nil {
		t.Fatal(err)
	}
	tm := open(t, path)
	if got, want := render(t, tm, device()), "^XA^CI28^FO9,9^FH^FDgateway-0042^FS^XZ"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), label.MaxTemplate+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := label.Open(path); !errors.Is(err, label.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
	if _, err := label.Open(t.TempDir()); err == nil {
		t.Error("a folder: got no error")
	}
}

func TestPreview(t *testing.T) {
	d := device()
	d.ID, d.Name = "a^b_c", "Geräte>1"
	lines := open(t, "zpl-100x50").Preview(d)
	text := strings.Join(lines, "\n")
	for _, want := range []string{"a^b_c", "Geräte>1 M1", "HW HW-0042", "valid 2026-11-23 to 2027-11-23", "|||| a^b_c ||||", "acme 2026-47 bench-1 2026-11-24"} {
		if !strings.Contains(text, want) {
			t.Errorf("got preview\n%s\nwant %q in it", text, want)
		}
	}
	code, err := label.QR(d.ID, label.QRHalfBlocks)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range code {
		if !strings.HasPrefix(lines[i], line) {
			t.Fatalf("line %d: got %q, want it to begin with the QR code's %q", i, lines[i], line)
		}
	}
	if got := open(t, "text").Preview(d); got[0] != "a^b_c" {
		t.Errorf("got first line %q, want the id", got[0])
	}
	// A label that cannot be made is told, not shown empty.
	tm, err := label.Parse("a.zpl", "^XA^CI28^FO0,0^BQN,2,{{qrscale 100 .QRText}}^FH^FDMA,{{.QRText}}^FS^XZ")
	if err != nil {
		t.Fatal(err)
	}
	d.QRText = strings.Repeat("long", 60)
	if got := tm.Preview(d); len(got) != 1 || !strings.Contains(got[0], "does not fit") {
		t.Errorf("got preview %q, want what is wrong", got)
	}
}

func TestSheet(t *testing.T) {
	codes := []label.Code{{"PS:RETRY", "Noch einmal für den Steckplatz"}, {"PS:RESUME", "^XZ"}}
	s, err := label.Sheet(codes, label.ZPL, label.QRHalfBlocks)
	if err != nil {
		t.Fatal(err)
	}
	checkZPL(t, string(s))
	names, args := zplCommands(t, string(s))
	var got []string
	for i, n := range names {
		if n == "^FD" && names[i-2] == "^BC" {
			got = append(got, args[i])
		}
	}
	if want := []string{"PS:RETRY", "PS:RESUME"}; !slices.Equal(got, want) {
		t.Errorf("got bars %q, want %q", got, want)
	}
	for style, marks := range map[label.QRStyle]string{label.QRHalfBlocks: "█▀▄", label.QRASCII: "##"} {
		s, err := label.Sheet(codes, label.Text, style)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(s), "PS:RETRY\n") || !strings.ContainsAny(string(s), marks) {
			t.Errorf("style %d: got\n%s\nwant the code in letters and as a QR code", style, s)
		}
	}
	for _, bad := range []string{"", "Ö", "a\x1b", strings.Repeat("x", 33)} {
		if s, err := label.Sheet([]label.Code{{bad, "x"}}, label.ZPL, 0); err == nil || s != nil {
			t.Errorf("%q: got %q, %v, want an error", bad, s, err)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("gateway-0042", "HW-0042", "Gateway")
	f.Add("^XZ~JR", "\\&_5E", "\x1b[2J\xff\u202e")
	f.Add("", strings.Repeat("€", 300), ">;>8")
	var all []*label.Template
	for _, name := range label.Builtin() {
		all = append(all, open(f, name))
	}
	f.Fuzz(func(t *testing.T, id, serial, name string) {
		d := device()
		d.ID, d.HardwareSerial, d.Name, d.QRText = id, serial, name, "x"
		for _, tm := range all {
			b, err := tm.Render(d)
			if err != nil {
				t.Fatalf("%s: %v", tm.Name(), err)
			}
			if tm.Language() == label.ZPL {
				checkZPL(t, string(b))
			}
			for _, line := range tm.Preview(d) {
				if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Fatalf("%s: got preview line %q, want printable text", tm.Name(), line)
				}
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("^XA^CI28^FO0,0^FH^FD{{.ID}}^FS^XZ")
	f.Add("{{qr .QRText}}{{.NotAfter}}")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "range") || strings.Contains(text, "template") {
			return // a template that never ends is its author's
		}
		for _, name := range []string{"a.zpl", "a.txt"} {
			tm, err := label.Parse(name, text)
			if err != nil {
				if tm != nil || fmt.Sprint(err) == "" {
					t.Fatalf("got %v with error %v", tm, err)
				}
				continue
			}
			for _, line := range tm.Preview(hostile()) {
				if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
					t.Fatalf("got preview line %q, want printable text", line)
				}
			}
		}
	})
}
