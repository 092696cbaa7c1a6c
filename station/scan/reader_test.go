package scan_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"provstation/station/scan"
)

func compile(t testing.TB, rules scan.Rules) *scan.Reader {
	t.Helper()
	r, err := scan.Compile(rules)
	if err != nil {
		t.Fatalf("compile %+v: %v", rules, err)
	}
	return r
}

// plain is what a label without any structure comes to.
func plain(s string) scan.Label { return scan.Label{Kind: scan.KindLabel, Text: s, ID: s} }

const gtin = "09506000134352"

func TestRead(t *testing.T) {
	full := scan.Label{
		Kind: scan.KindLabel, Text: "(01)09506000134352(10)LOT7(21)A-1", ID: "A-1", GTIN: gtin, Serial: "A-1", Batch: "LOT7",
	}
	serial := scan.Label{Kind: scan.KindLabel, Text: "(01)09506000134352(21)A-1", ID: "A-1", GTIN: gtin, Serial: "A-1"}
	as := func(l scan.Label, text string) scan.Label { l.Text = text; return l }
	for _, c := range []struct {
		name, text string
		rules      scan.Rules
		want       scan.Label
	}{
		{"plain", "device-0042", scan.Rules{}, plain("device-0042")},
		{"line end", "device-0042\r\n", scan.Rules{}, plain("device-0042")},
		{"tab and spaces", " \tdevice-0042 \t", scan.Rules{}, plain("device-0042")},
		{"space inside", "SN 12 34", scan.Rules{}, plain("SN 12 34")},
		{"not ASCII", "Gerät-7", scan.Rules{}, plain("Gerät-7")},
		{"digits are no GS1", "0109506000134352", scan.Rules{}, plain("0109506000134352")},
		{"digits with more", "010950600013435221A-1", scan.Rules{}, plain("010950600013435221A-1")},
		{"EAN without its mark", "9506000134352", scan.Rules{}, plain("9506000134352")},
		{"plain symbology", "]C0device-0042", scan.Rules{}, plain("device-0042")},
		{"plain QR", "]Q1device-0042", scan.Rules{}, plain("device-0042")},
		{"parentheses of its own", "(A)7", scan.Rules{}, plain("(A)7")},
		{"unknown identifier in parentheses", "(05)7", scan.Rules{}, plain("(05)7")},

		{"GS1-128", "]C101095060001343522110", scan.Rules{}, scan.Label{
			Kind: scan.KindLabel, Text: "(01)09506000134352(21)10", ID: "10", GTIN: gtin, Serial: "10",
		}},
		{"DataMatrix, separator", "]d2010950600013435210LOT7\x1d21A-1", scan.Rules{}, full},
		{"QR", "]Q3010950600013435210LOT7\x1d21A-1\r", scan.Rules{}, full},
		{"DataBar", "]e0010950600013435210LOT7\x1d21A-1", scan.Rules{}, full},
		{"FNC1 in front, no identifier", "\x1d010950600013435221A-1", scan.Rules{}, serial},
		{"separator, no identifier", "010950600013435210LOT7\x1d21A-1", scan.Rules{}, full},
		{"separator at the end", "]d2010950600013435221A-1\x1d", scan.Rules{}, serial},
		{"separator after a fixed length", "]d20109506000134352\x1d21A-1", scan.Rules{}, serial},
		{"{GS}", "010950600013435210LOT7{GS}21A-1", scan.Rules{}, full},
		{"<GS>", "010950600013435210LOT7<GS>21A-1", scan.Rules{}, full},
		{"symbol for GS", "010950600013435210LOT7␝21A-1", scan.Rules{}, full},
		{"caret bracket", "010950600013435210LOT7^]21A-1", scan.Rules{}, full},
		{"readable", "(01)09506000134352(10)LOT7(21)A-1", scan.Rules{}, full},
		{"readable, spaced", "(01) 09506000134352 (10) LOT7 (21) A-1", scan.Rules{}, full},
		{"readable, parentheses in data", "(21)A(B)1", scan.Rules{}, scan.Label{
			Kind: scan.KindLabel, Text: "(21)A(B)1", ID: "A(B)1", Serial: "A(B)1",
		}},
		{"dates and measures", "]C1112601311701023120000510LOT7\x1d21A-1", scan.Rules{}, scan.Label{}},
		{"asset", "]C18004ASSET7", scan.Rules{}, scan.Label{Kind: scan.KindLabel, Text: "(8004)ASSET7", ID: "ASSET7"}},
		{"returnable asset", "]C1800309506000134352X7", scan.Rules{}, scan.Label{
			Kind: scan.KindLabel, Text: "(8003)09506000134352X7", ID: "X7",
		}},
		{"secondary serial", "]C1250S2", scan.Rules{}, scan.Label{Kind: scan.KindLabel, Text: "(250)S2", ID: "S2"}},
		{"company data beside the serial", "]C121A-1\x1d91INTERNAL", scan.Rules{}, scan.Label{
			Kind: scan.KindLabel, Text: "(21)A-1(91)INTERNAL", ID: "A-1", Serial: "A-1",
		}},

		{"link", "https://id.gs1.org/01/09506000134352/21/A-1", scan.Rules{}, as(serial, "https://id.gs1.org/01/09506000134352/21/A-1")},
		{
			"link, batch and query", "https://id.gs1.org/01/09506000134352/10/LOT7/21/A-1?17=270131&utm=x",
			scan.Rules{},
			as(full, "https://id.gs1.org/01/09506000134352/10/LOT7/21/A-1?17=270131&utm=x"),
		},
		{
			"link, own host and path", "]Q1HTTPS://example.com/p/01/9506000134352/21/A%2D1",
			scan.Rules{},
			as(serial, "HTTPS://example.com/p/01/9506000134352/21/A%2D1"),
		},
		{"address without key", "https://example.com/d/0042", scan.Rules{}, plain("https://example.com/d/0042")},
		{"address with 01 in it", "https://example.com/01/room", scan.Rules{}, plain("https://example.com/01/room")},

		{"prefix there", "SN:42", scan.Rules{Prefix: "SN:"}, plain("42")},
		{"prefix missing", "42", scan.Rules{Prefix: "SN:"}, plain("42")},
		{"prefix after the identifier", "]C0SN:42", scan.Rules{Prefix: "SN:", RequirePrefix: true}, plain("42")},
		{"control characters around", "\x02]d2010950600013435221A-1\x03\r\n", scan.Rules{Prefix: "\x02", Suffix: "\x03"}, serial},
		{"pattern", "AB-42", scan.Rules{Pattern: `[A-Z]+-\d+`}, plain("AB-42")},
		{"pattern with id", "V1;SN=42;X", scan.Rules{Pattern: `V1;SN=(?P<id>\d+);.*`}, scan.Label{
			Kind: scan.KindLabel, Text: "V1;SN=42;X", ID: "42",
		}},
		{"pattern with choices", "b", scan.Rules{Pattern: `a|b`}, plain("b")},
		{
			"pattern on GS1", "]C1010950600013435221A-1",
			scan.Rules{Pattern: `\(01\)(?P<id>\d{14})\(21\).*`},
			scan.Label{Kind: scan.KindLabel, Text: "(01)09506000134352(21)A-1", ID: gtin, GTIN: gtin, Serial: "A-1"},
		},
		{"pattern over a bad readable form", "(21)", scan.Rules{Pattern: `\(\d+\)`}, plain("(21)")},

		{"badge", "PSB:4711-a", scan.Rules{}, scan.Label{Kind: scan.KindBadge, Badge: "4711-a"}},
		{"badge, identifier, Caps Lock", "]Q1psb:4711\r", scan.Rules{}, scan.Label{Kind: scan.KindBadge, Badge: "4711"}},
		{"badge with its prefix", "EMP4711", scan.Rules{BadgePrefix: "EMP"}, scan.Label{Kind: scan.KindBadge, Badge: "4711"}},
		{"badge between what the scanner adds", "\x02PSB:4711\x03", scan.Rules{Prefix: "\x02", Suffix: "\x03"}, scan.Label{Kind: scan.KindBadge, Badge: "4711"}},
		{"badge that the prefix is part of", "PSB:4711", scan.Rules{Prefix: "P"}, scan.Label{Kind: scan.KindBadge, Badge: "4711"}},
		{"command", "PS:RETRY", scan.Rules{}, scan.Label{Kind: scan.KindCommand, Text: "PS:RETRY", Command: scan.CommandRetry}},
		{"command, any case", "ps:Next\n", scan.Rules{}, scan.Label{Kind: scan.KindCommand, Text: "PS:NEXT", Command: scan.CommandNext}},
		{"command of another prefix", "#!ABORT", scan.Rules{CommandPrefix: "#!"}, scan.Label{Kind: scan.KindCommand, Text: "#!ABORT", Command: scan.CommandAbort}},
		{"command needs no required prefix", "PS:PRINT", scan.Rules{Prefix: "SN:", RequirePrefix: true}, scan.Label{Kind: scan.KindCommand, Text: "PS:PRINT", Command: scan.CommandPrint}},
	} {
		if c.want.Kind == "" { // several fixed lengths in a row
			c.text, c.want = "]C11126013117010231310300000510LOT7\x1d21A-1", scan.Label{
				Kind: scan.KindLabel, Text: "(11)260131(17)010231(3103)000005(10)LOT7(21)A-1", ID: "A-1", Serial: "A-1", Batch: "LOT7",
			}
		}
		t.Run(c.name, func(t *testing.T) {
			got, err := compile(t, c.rules).Read(c.text)
			if err != nil {
				t.Fatalf("got error %v, want %+v", err, c.want)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("label (-want +got):\n%s", d)
			}
			if got.Badge.Reveal() != string(c.want.Badge) {
				t.Error("got another badge than the one scanned")
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	pattern := scan.Rules{Pattern: `AB-\d+`}
	for _, c := range []struct {
		name, text string
		rules      scan.Rules
		want       scan.Reason
	}{
		{"nothing", "", scan.Rules{}, scan.ReasonEmpty},
		{"line end alone", "\r\n", scan.Rules{}, scan.ReasonEmpty},
		{"prefix alone", "SN:", scan.Rules{Prefix: "SN:"}, scan.ReasonEmpty},
		{"identifier alone", "]C0", scan.Rules{}, scan.ReasonEmpty},
		{"GS1 identifier alone", "]C1", scan.Rules{}, scan.ReasonEmpty},
		{"too long", strings.Repeat("x", scan.MaxText+1), scan.Rules{}, scan.ReasonTooLong},
		{"escape sequence", "a\x1b[31mb", scan.Rules{}, scan.ReasonNotPrintable},
		{"line end inside", "a\nb", scan.Rules{}, scan.ReasonNotPrintable},
		{"turned writing", "a\u202eb", scan.Rules{}, scan.ReasonNotPrintable},
		{"zero width", "a\u200bb", scan.Rules{}, scan.ReasonNotPrintable},
		{"not UTF-8", "a\xffb", scan.Rules{}, scan.ReasonNotPrintable},
		{"separator in a plain code", "ab\x1dcd", scan.Rules{}, scan.ReasonGS1},
		{"required prefix", "42", scan.Rules{Prefix: "SN:", RequirePrefix: true}, scan.ReasonPrefix},
		{"pattern", "AC-1", pattern, scan.ReasonPattern},
		{"pattern matches a part", "xAB-1", pattern, scan.ReasonPattern},
		{"pattern matches a line", "AB-1\nx", pattern, scan.ReasonNotPrintable},
		{"empty id", "AB-", scan.Rules{Pattern: `AB-(?P<id>\d*)`}, scan.ReasonNoSerial},

		{"check digit", "]C1010950600013435321A-1", scan.Rules{}, scan.ReasonCheckDigit},
		{"check digit, readable", "(01)09506000134353(21)A-1", scan.Rules{}, scan.ReasonCheckDigit},
		{"check digit, link", "https://example.com/01/09506000134353/21/A-1", scan.Rules{}, scan.ReasonCheckDigit},
		{"check digit, asset", "]C1800309506000134353X7", scan.Rules{}, scan.ReasonCheckDigit},
		{"check digit, product code", "]E09506000134353", scan.Rules{}, scan.ReasonCheckDigit},
		{"pattern does not heal a check digit", "]C1010950600013435321A-1", scan.Rules{Pattern: `.*`}, scan.ReasonCheckDigit},
		{"product, not device", "]E09506000134352", scan.Rules{}, scan.ReasonNoSerial},
		{"product and batch, not device", "]C1010950600013435210LOT7", scan.Rules{}, scan.ReasonNoSerial},
		{"short product code", "]E0123", scan.Rules{}, scan.ReasonGS1},
		{"letters in a number", "]C10109506000A34352", scan.Rules{}, scan.ReasonGS1},
		{"too short", "]C1010950600013435", scan.Rules{}, scan.ReasonGS1},
		{"serial too long", "]C121" + strings.Repeat("A", 21), scan.Rules{}, scan.ReasonGS1},
		{"serial empty", "]C121\x1d10A", scan.Rules{}, scan.ReasonGS1},
		{"serial with a space", "]C121A B", scan.Rules{}, scan.ReasonGS1},
		{"unknown identifier", "]C105123", scan.Rules{}, scan.ReasonGS1},
		{"no identifier", "]C1ABC", scan.Rules{}, scan.ReasonGS1},
		{"twice, different", "]C121A\x1d21B", scan.Rules{}, scan.ReasonGS1},
		{"no month", "]C11126133121A-1", scan.Rules{}, scan.ReasonGS1},
		{"rest behind a fixed length", "(11)2601311", scan.Rules{}, scan.ReasonGS1},
		{"readable, nothing in it", "(21)", scan.Rules{}, scan.ReasonGS1},
		{"stand-in in nonsense", "ab<GS>cd", scan.Rules{}, scan.ReasonGS1},
		{"link without key", "https://id.gs1.org/x", scan.Rules{}, scan.ReasonGS1},
		{"link, half a pair", "https://id.gs1.org/01/09506000134352/21", scan.Rules{}, scan.ReasonGS1},
		{"link, unknown pair", "https://id.gs1.org/01/09506000134352/05/x", scan.Rules{}, scan.ReasonGS1},
		{"link, control character", "https://id.gs1.org/01/09506000134352/21/A%1b", scan.Rules{}, scan.ReasonGS1},
		{"link, bad query", "https://id.gs1.org/01/09506000134352/21/A?17=991332", scan.Rules{}, scan.ReasonGS1},

		{"badge without text", "PSB: ", scan.Rules{}, scan.ReasonBadge},
		{"badge with control characters", "PSB:47\x0011", scan.Rules{}, scan.ReasonBadge},
		{"badge too long", "PSB:" + strings.Repeat("4", 129), scan.Rules{}, scan.ReasonBadge},
		{"label and badge in one", "device-1PSB:4711", scan.Rules{}, scan.ReasonBadge},
		{"unknown command", "PS:EXPLODE", scan.Rules{}, scan.ReasonCommand},
		{"command without word", "PS:", scan.Rules{}, scan.ReasonCommand},
		{"badge through German keys", "PSBÖ4711", scan.Rules{}, scan.ReasonLayout},
		{"command through German keys", "psöretrz", scan.Rules{}, scan.ReasonLayout},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := compile(t, c.rules).Read(c.text)
			var e *scan.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %+v, %v, want an error of reason %s", got, err, c.want)
			}
			if e.Reason != c.want {
				t.Errorf("got reason %s (%v), want %s", e.Reason, err, c.want)
			}
			if got != (scan.Label{}) {
				t.Errorf("got %+v with an error, want nothing", got)
			}
			if !strings.HasPrefix(err.Error(), "read scan: "+string(c.want)) {
				t.Errorf("got text %q, want it to begin with the reason", err)
			}
			if strings.Contains(err.Error()+e.Text, "4711") {
				t.Errorf("the error shows a badge: %v, %q", err, e.Text)
			}
			for _, r := range err.Error() + e.Text {
				if !unicode.IsPrint(r) {
					t.Errorf("got %q in an error, want printable text", r)
				}
			}
			if n := len([]rune(e.Text)); n > 64 {
				t.Errorf("got a text of %d characters in an error, want 64 at most", n)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules scan.Rules
		want  string
	}{
		{"pattern", scan.Rules{Pattern: `(`}, "pattern"},
		{"pattern that breaks out of its group", scan.Rules{Pattern: `a)|(b`}, "pattern"},
		{"long pattern", scan.Rules{Pattern: strings.Repeat("a", 2000)}, "pattern"},
		{"short mark", scan.Rules{BadgePrefix: "B"}, "badge prefix"},
		{"control character in a mark", scan.Rules{CommandPrefix: "P\x02"}, "command prefix"},
		{"one mark for both", scan.Rules{BadgePrefix: "PS:B", CommandPrefix: "ps:"}, "begins with the other"},
		{"required, but none", scan.Rules{RequirePrefix: true}, "required"},
		{"line end as suffix", scan.Rules{Suffix: "\r"}, "suffix"},
		{"long prefix", scan.Rules{Prefix: strings.Repeat("a", 17)}, "prefix"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := scan.Compile(c.rules)
			if err == nil || r != nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error about %q", r, err, c.want)
			}
		})
	}
	_, err := scan.Compile(scan.Rules{Pattern: "(", BadgePrefix: "B"})
	if err == nil || !strings.Contains(err.Error(), "pattern") || !strings.Contains(err.Error(), "badge prefix") {
		t.Errorf("got %v, want both problems at once", err)
	}
}

func TestBadgeIsHidden(t *testing.T) {
	l, err := compile(t, scan.Rules{}).Read("PSB:4711")
	if err != nil {
		t.Fatal(err)
	}
	out := []string{fmt.Sprint(l), fmt.Sprintf("%+v %#v %v %s %q %x %d", l, l, l.Badge, l.Badge, l.Badge, l.Badge, l.Badge)}
	js, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("scan", "label", l, "badge", l.Badge)
	for _, s := range append(out, string(js), log.String(), l.Badge.String(), l.Badge.GoString()) {
		if strings.Contains(s, "4711") || strings.Contains(s, "34373131") || !strings.Contains(s, "(hidden)") {
			t.Errorf("got %s, want (hidden)", s)
		}
	}
	if got := l.Badge.Reveal(); got != "4711" {
		t.Errorf("got badge %q, want 4711", got)
	}
}

// Whatever is printed on the sheet of commands is understood.
func TestCommandsAreUnderstood(t *testing.T) {
	for _, r := range []*scan.Reader{compile(t, scan.Rules{}), compile(t, scan.Rules{CommandPrefix: "BENCH-", Prefix: "\x02"})} {
		for _, c := range r.Commands() {
			l, err := r.Read(c.Code)
			if err != nil || l.Kind != scan.KindCommand || l.Command != c.Name {
				t.Errorf("%s: got %+v, %v, want the command %s", c.Code, l, err, c.Name)
			}
		}
	}
	if d := cmp.Diff(scan.Commands(), compile(t, scan.Rules{}).Commands()); d != "" {
		t.Errorf("commands of the default rules (-want +got):\n%s", d)
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"device-0042", "]C1010950600013435221A-1", "010950600013435210LOT7\x1d21A-1", "(01)09506000134352(21)A-1",
		"https://id.gs1.org/01/09506000134352/21/A-1?17=270131", "PSB:4711", "PS:RETRY", "PSBÖ1", "]E09506000134352", "^]", "(21)A(21)",
	} {
		f.Add(s, false)
		f.Add("\x02"+s+"\x03", true)
	}
	simple := compile(f, scan.Rules{})
	strict := compile(f, scan.Rules{Prefix: "\x02", Suffix: "\x03", RequirePrefix: true, Pattern: `.*?(?P<id>[0-9A-Z]+)$`})
	f.Fuzz(func(t *testing.T, text string, ruled bool) {
		r := simple
		if ruled {
			r = strict
		}
		l, err := r.Read(text)
		if err != nil {
			var e *scan.Error
			if !errors.As(err, &e) || l != (scan.Label{}) {
				t.Fatalf("got %+v, %v, want an empty label and a *scan.Error", l, err)
			}
			if shown := err.Error() + e.Text; strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("got %q in an error, want printable text", shown)
			}
			return
		}
		for _, s := range []string{l.Text, l.ID, l.GTIN, l.Serial, l.Batch, l.Command, string(l.Badge)} {
			if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || len(s) > scan.MaxText+200 {
				t.Fatalf("got %q, want printable, bounded text", s)
			}
		}
		switch l.Kind {
		case scan.KindLabel:
			if l.ID == "" || l.Text == "" || l.Badge != "" || l.Command != "" {
				t.Fatalf("got %#v, want a label with an id and nothing of the other kinds", l)
			}
			if strings.Contains(strings.ToUpper(l.Text), "PSB:") {
				t.Fatalf("got a label text %q, want no badge in it", l.Text)
			}
			if l.Serial != "" && !ruled && l.ID != l.Serial {
				t.Fatalf("got id %q, want the serial %q", l.ID, l.Serial)
			}
		case scan.KindBadge:
			if l.Badge == "" || l.Text+l.ID+l.GTIN+l.Serial+l.Batch+l.Command != "" {
				t.Fatalf("got %#v, want a badge and nothing else", l)
			}
		case scan.KindCommand:
			if l.Command == "" || l.ID != "" || l.Badge != "" {
				t.Fatalf("got %#v, want a command and nothing else", l)
			}
		default:
			t.Fatalf("got kind %q", l.Kind)
		}
	})
}
