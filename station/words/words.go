// Package words is the one catalogue of sentences an operator sees: what is wrong, what to do next, and every text on
// the screen, by language. Stable English names (codes, keys, parameter names) go in, sentences come out.
//
// Out of scope: log lines and errors, which are for engineers and always English.
package words

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"provstation/assets"
	"provstation/station"
)

// Default is the language that every other one falls back to.
const Default = "en"

// ErrNoLocale says that there is no catalogue for a language.
var ErrNoLocale = errors.New("no such locale")

// Catalogue holds the sentences of one language. It is immutable and safe for concurrent use.
type Catalogue struct {
	locale string
	name   string
	faults map[station.Code]fault
	texts  map[string]template
}

type fault struct{ message, next template }

// Load reads the catalogue of a language. locale is a POSIX or BCP 47 name ("de", "de_AT.UTF-8", "de-AT"); the empty
// name, "C" and "POSIX" mean [Default]. What a translation leaves out is taken from [Default]. The error is
// [ErrNoLocale] when neither the name nor its language has a file.
func Load(locale string) (*Catalogue, error) {
	base, err := read(assets.Locales, Default)
	if err != nil {
		return nil, err
	}
	found, ok := find(locale)
	if !ok {
		return nil, fmt.Errorf("load locale %q: %w", locale, ErrNoLocale)
	}
	if found == Default {
		return base, nil
	}
	c, err := read(assets.Locales, found)
	if err != nil {
		return nil, err
	}
	c.fill(base)
	return c, nil
}

// Match gives the name of the catalogue that [Load] would take for locale, or [Default] where it would fail: the right
// choice for a name that comes from the environment and not from a person.
func Match(locale string) string {
	if found, ok := find(locale); ok {
		return found
	}
	return Default
}

// Wanted gives the locale that the environment asks for in what people read, or the empty name: the first of LC_ALL,
// LC_MESSAGES and LANG that is set, as POSIX has it (XBD 8.2).
func Wanted(getenv func(string) string) string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// Locales lists the languages there are, sorted.
func Locales() []string {
	names, err := fs.Glob(assets.Locales, "locales/*.yaml")
	if err != nil {
		return nil
	}
	for i, n := range names {
		names[i] = strings.TrimSuffix(path.Base(n), ".yaml")
	}
	slices.Sort(names)
	return names
}

// find maps a locale's name to the file that serves it best.
func find(locale string) (string, bool) {
	name := locale
	if i := strings.IndexAny(name, ".@"); i > 0 {
		name = name[:i]
	}
	name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
	if name == "" || name == "c" || name == "posix" {
		return Default, true
	}
	language, _, _ := strings.Cut(name, "-")
	for _, want := range []string{name, language} {
		for _, have := range Locales() {
			if strings.EqualFold(have, want) {
				return have, true
			}
		}
	}
	return "", false
}

// read parses one locale file. An unknown key, a key given twice, or a malformed sentence is an error.
func read(fsys fs.FS, locale string) (*Catalogue, error) {
	text, err := fs.ReadFile(fsys, "locales/"+locale+".yaml")
	if err != nil {
		return nil, fmt.Errorf("read locale %s: %w", locale, err)
	}
	f, err := readFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("parse locale %s: %w", locale, err)
	}
	if f.Locale != locale {
		return nil, fmt.Errorf("parse locale %s: it says it is %q", locale, f.Locale)
	}
	c := &Catalogue{
		locale: f.Locale, name: f.Name,
		faults: make(map[station.Code]fault, len(f.Faults)),
		texts:  make(map[string]template, len(f.Texts)),
	}
	for code, e := range f.Faults {
		message, err := parse(e.Message)
		if err != nil {
			return nil, fmt.Errorf("parse locale %s: message of %s: %w", locale, code, err)
		}
		next, err := parse(e.Next)
		if err != nil {
			return nil, fmt.Errorf("parse locale %s: next of %s: %w", locale, code, err)
		}
		c.faults[station.Code(code)] = fault{message, next}
	}
	for key, s := range f.Texts {
		t, err := parse(s)
		if err != nil {
			return nil, fmt.Errorf("parse locale %s: text %s: %w", locale, key, err)
		}
		c.texts[key] = t
	}
	return c, nil
}

// fill takes from base what c leaves out.
func (c *Catalogue) fill(base *Catalogue) {
	for code, f := range base.faults {
		if _, ok := c.faults[code]; !ok {
			c.faults[code] = f
		}
	}
	for key, t := range base.texts {
		if _, ok := c.texts[key]; !ok {
			c.texts[key] = t
		}
	}
}

// Locale is the catalogue's language, e.g. "en".
func (c *Catalogue) Locale() string { return c.locale }

// Name is what the language calls itself.
func (c *Catalogue) Name() string { return c.name }

// Fault says what is wrong and what the person at the bench does next. Parameters that are missing leave their part of
// the sentence out. For a code without an entry the message is the code itself and next is empty.
func (c *Catalogue) Fault(code station.Code, params map[string]string) (message, next string) {
	f, ok := c.faults[code]
	if !ok {
		return string(code), ""
	}
	return f.message.fill(params), f.next.fill(params)
}

// Message gives what is wrong alone; see [Catalogue.Fault].
func (c *Catalogue) Message(code station.Code, params map[string]string) string {
	message, _ := c.Fault(code, params)
	return message
}

// Text gives the sentence for a key. The keys "fault.CODE" and "next.CODE" give the halves of [Catalogue.Fault]. For a
// key without an entry it gives the key.
func (c *Catalogue) Text(key string, params map[string]string) string {
	if t, ok := c.texts[key]; ok {
		return t.fill(params)
	}
	if code, ok := strings.CutPrefix(key, "fault."); ok {
		if f, ok := c.faults[station.Code(code)]; ok {
			return f.message.fill(params)
		}
	}
	if code, ok := strings.CutPrefix(key, "next."); ok {
		if f, ok := c.faults[station.Code(code)]; ok {
			return f.next.fill(params)
		}
	}
	return key
}

// Codes lists the codes that have an entry, sorted.
func (c *Catalogue) Codes() []station.Code { return slices.Sorted(maps.Keys(c.faults)) }

// Keys lists the keys of [Catalogue.Text], those of faults aside, sorted.
func (c *Catalogue) Keys() []string { return slices.Sorted(maps.Keys(c.texts)) }

// Params lists the parameters that a code's sentences use, sorted.
func (c *Catalogue) Params(code station.Code) []string {
	f := c.faults[code]
	names := append(f.message.params(), f.next.params()...)
	slices.Sort(names)
	return slices.Compact(names)
}
