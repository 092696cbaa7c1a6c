package words

import (
	"slices"
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

// Sentences gives every sentence as it stands in the file, by its key; the halves of a fault have "fault." and "next." before
// the code.
func (c *Catalogue) Sentences() map[string]Sentence {
	all := make(map[string]Sentence, len(c.texts)+2*len(c.faults))
	for key, t := range c.texts {
		all[key] = t.sentence()
	}
	for code, f := range c.faults {
		all["fault."+string(code)], all["next."+string(code)] = f.message.sentence(), f.next.sentence()
	}
	return all
}

// Sentence is a template to look at: Words is its text with every parameter as {name} and every optional part filled; Params
// are its parameters, those that are left out together as "[a b]", sorted.
type Sentence struct {
	Words  string
	Params string
}

func (t template) sentence() Sentence {
	var text strings.Builder
	var params []string
	for _, p := range t {
		var names []string
		for _, x := range p.pieces {
			if x.param {
				text.WriteString("{" + x.text + "}")
				names = append(names, x.text)
			} else {
				text.WriteString(x.text)
			}
		}
		slices.Sort(names)
		if p.optional {
			names = []string{"[" + strings.Join(names, " ") + "]"}
		}
		params = append(params, names...)
	}
	slices.Sort(params)
	return Sentence{Words: text.String(), Params: strings.Join(slices.Compact(params), " ")}
}
