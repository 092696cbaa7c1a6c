package station

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// formulaSigns begin a formula in a spreadsheet: those of OWASP's page on CSV injection, with their full-width forms.
const formulaSigns = "=+-@＝＋－＠"

// CSVCell is a text as a CSV cell that no spreadsheet takes for a formula. An apostrophe goes in front of a sign that begins
// one wherever a cell could begin: at the start, and after what another program than the one that was thought of takes for
// the end of a cell or a line (a spreadsheet with a German locale splits at semicolons, and sees no quotes in the middle of a
// line). What nobody sees (white space, quotes, invisible characters) does not hide a sign.
func CSVCell(s string) string {
	if !strings.ContainsAny(s, formulaSigns+"\t\r\n") {
		return s
	}
	var b strings.Builder
	if first, _ := utf8.DecodeRuneInString(s); strings.ContainsRune("\t\r\n", first) {
		b.WriteByte('\'')
	}
	begins := true // a cell could begin here
	for i, r := range s {
		switch {
		case strings.ContainsRune(";|\t\r\n", r), r == '\u2028', r == '\u2029', r == '\u0085':
			begins = true
		case begins && strings.ContainsRune(formulaSigns, r):
			b.WriteByte('\'')
			begins = false
		case begins && r != '\'' && (r == '"' || r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)):
		default:
			begins = false
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+size]) // its own bytes, valid or not
	}
	return b.String()
}
