package words

import (
	"strings"

	"provstation/assets"
	"provstation/station"
)

// ReadOnly reads a locale without its fallback.
func ReadOnly(locale string) (*Catalogue, error) { return read(assets.Locales, locale) }

// CodesDoc writes docs/codes.md.
func CodesDoc(c *Catalogue, codes []station.Code) string {
	var b strings.Builder
	b.WriteString("# Codes\n\n" +
		"What the station can say, and what to do. `E-` codes end a run, `W-` codes are warnings that do not, `I-` codes are\n" +
		"for information. The code is the same in every language; scripts may depend on it. Words in *italics* are\n" +
		"filled in where they are known.\n\n" +
		"This page is written from the catalogue (`go test ./station/words -run TestCodesDoc -update`).\n\n" +
		"| code | what happened | what to do |\n|---|---|---|\n")
	for _, code := range codes {
		f := c.faults[code]
		b.WriteString("| `" + string(code) + "` | " + f.message.markdown() + " | " + f.next.markdown() + " |\n")
	}
	return b.String()
}

func (t template) markdown() string {
	var b strings.Builder
	for _, p := range t {
		for _, x := range p.pieces {
			if x.param {
				b.WriteString("*" + strings.ReplaceAll(x.text, "_", " ") + "*")
			} else {
				b.WriteString(strings.ReplaceAll(x.text, "|", "\\|"))
			}
		}
	}
	return b.String()
}
