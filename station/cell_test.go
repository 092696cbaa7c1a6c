package station_test

import (
	"encoding/csv"
	"strings"
	"testing"
	"unicode"

	"provstation/station"
)

// No cell is a formula to a spreadsheet, also to one that splits lines otherwise than at commas.
func TestCSVCell(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"edge-0041":                "edge-0041",
		"a=b":                      "a=b",
		"2026-11-23T10:00:00Z":     "2026-11-23T10:00:00Z",
		"+49 30 1234":              "'+49 30 1234",
		"=1+2":                     "'=1+2",
		"-5":                       "'-5",
		"@SUM(A1)":                 "'@SUM(A1)",
		"＝1":                       "'＝1",
		"\t=1":                     "'\t'=1",
		"\rx":                      "'\rx",
		"\nx":                      "'\nx",
		" =1":                      " '=1",
		"\u00a0=1":                 "\u00a0'=1",
		"\u200b=1":                 "\u200b'=1",
		"\ufeff=1":                 "\ufeff'=1",
		"\u202e=1":                 "\u202e'=1",
		"\x00=1":                   "\x00'=1",
		"\xff=1":                   "\xff'=1",
		`"=1`:                      `"'=1`,
		"'=1":                      "'=1",
		"x;=cmd|' /C calc'!A0;y":   "x;'=cmd|' /C calc'!A0;y",
		"x; =1":                    "x; '=1",
		"x\n=1":                    "x\n'=1",
		"x\u2028=1":                "x\u2028'=1",
		`{"a":"b;=1"}`:             `{"a":"b;'=1"}`,
		"I-SKIPPED W-SHELF-LIFE":   "I-SKIPPED W-SHELF-LIFE",
		"slot 1; -12 dB on line 2": "slot 1; '-12 dB on line 2",
	} {
		if got := station.CSVCell(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzCSVCell(f *testing.F) {
	f.Add("x;=cmd|' /C calc'!A0;y")
	f.Add("\ufeff\t＝1")
	f.Fuzz(func(t *testing.T, s string) {
		got := station.CSVCell(s)
		if again := station.CSVCell(got); again != got {
			t.Errorf("%q: got %q, then %q", s, got, again)
		}
		if strings.ReplaceAll(got, "'", "") != strings.ReplaceAll(s, "'", "") {
			t.Errorf("%q: got %q, want nothing but apostrophes added", s, got)
		}
		var line strings.Builder
		w := csv.NewWriter(&line)
		if w.Write([]string{"run", got, "end"}) != nil {
			t.Skip()
		}
		w.Flush()
		for _, cell := range strings.FieldsFunc(line.String(), func(r rune) bool { return strings.ContainsRune(",;\t\r\n", r) }) {
			cell = strings.TrimLeftFunc(cell, func(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) })
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@") && !strings.Contains(s, ",") {
				t.Errorf("%q: got the cell %q", s, cell)
			}
		}
	})
}
