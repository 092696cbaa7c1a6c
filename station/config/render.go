package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Show writes the effective configuration as YAML that [Load] reads back, each value with where it came from. Secrets
// are not in it: a configuration only refers to them.
func (c *Config) Show(w io.Writer, src Sources) error {
	var b bytes.Buffer
	if src.Path != "" {
		fmt.Fprintf(&b, "# from %s\n", clipPath(src.Path))
	}
	c.render(&b, func(path string) string {
		s := src.Of(path)
		if s.From == "default" || s.Where == "" {
			return s.From
		}
		return s.Where
	})
	_, err := w.Write(b.Bytes())
	return err
}

// Marshal gives the configuration as YAML that [Load] reads back to the same values.
func (c *Config) Marshal() []byte {
	var b bytes.Buffer
	c.render(&b, nil)
	return b.Bytes()
}

// Digest is the SHA-256 of the effective configuration's canonical text, in hex. Two stations with the same digest do
// the same; where a value came from and profiles that are not in force make no difference.
func (c *Config) Digest() string {
	e := *c
	e.Tenants = nil
	sum := sha256.Sum256(e.Marshal())
	return hex.EncodeToString(sum[:])
}

// WriteFile writes the configuration atomically: a reader sees the old file, none, or the whole new one, mode 0600.
func WriteFile(path string, c *Config) error {
	if err := writeAtomic(path, ".station-*.yaml", c.Marshal()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// render writes the sections in order. note, if given, is said behind each key.
func (c *Config) render(b *bytes.Buffer, note func(path string) string) {
	renderStruct(b, reflect.ValueOf(*c), "", 0, note, false)
	if len(c.Tenants) == 0 {
		return
	}
	b.WriteString("tenants:\n")
	for _, name := range sortedKeys(c.Tenants) {
		fmt.Fprintf(b, "  %s:\n", scalarText(name))
		renderStruct(b, reflect.ValueOf(c.Tenants[name]), "tenants."+name+".", 2, nil, true)
	}
}

// renderStruct writes v's keys. Empty texts, lists and maps are left out, since absence means the same; in a profile they
// are written when all is set, since there absence means what the base says.
func renderStruct(b *bytes.Buffer, v reflect.Value, prefix string, depth int, note func(string) string, all bool) {
	for i := range v.NumField() {
		renderField(b, v.Type().Field(i), v.Field(i), prefix, depth, note, all)
	}
}

func renderField(b *bytes.Buffer, field reflect.StructField, f reflect.Value, prefix string, depth int, note func(string) string, all bool) {
	name, indent := field.Tag.Get("yaml"), strings.Repeat("  ", depth)
	if name == "-" {
		return
	}
	path := prefix + name
	if profiles, ok := f.Interface().(map[string]DeviceProfile); ok {
		renderProfiles(b, profiles, note)
		return
	}
	if f.Kind() == reflect.Struct {
		var inner bytes.Buffer
		renderStruct(&inner, f, path+".", depth+1, note, all)
		if inner.Len() > 0 {
			fmt.Fprintf(b, "%s%s:\n%s", indent, name, inner.Bytes())
		}
		return
	}
	text := valueText(f, depth+1)
	if text == "" {
		if !all {
			return
		}
		text = emptyText(f)
	}
	fmt.Fprintf(b, "%s%s:", indent, name)
	if note != nil && !strings.HasPrefix(text, "\n") {
		fmt.Fprintf(b, " %s  # %s\n", text, clipPath(note(path)))
		return
	}
	if note != nil {
		fmt.Fprintf(b, "  # %s", clipPath(note(path)))
	}
	if !strings.HasPrefix(text, "\n") {
		b.WriteByte(' ')
	}
	b.WriteString(text + "\n")
}

func emptyText(f reflect.Value) string {
	switch f.Kind() {
	case reflect.Slice:
		return "[]"
	case reflect.Map:
		return "{}"
	default:
		return `""`
	}
}

// valueText is a value as YAML: a scalar, or a block that begins with a line break. Empty texts, lists and maps are "";
// no key with a default that is not empty may be empty, so leaving them out loses nothing.
func valueText(f reflect.Value, depth int) string {
	indent := "\n" + strings.Repeat("  ", depth)
	var b strings.Builder
	switch {
	case f.Type() == reflect.TypeFor[Duration]():
		return Duration(f.Int()).String()
	case f.Kind() == reflect.Bool:
		return strconv.FormatBool(f.Bool())
	case f.Kind() == reflect.Int:
		return strconv.FormatInt(f.Int(), 10)
	case f.Type() == reflect.TypeFor[[]ProfileRule]():
		return rulesText(f.Interface().([]ProfileRule), indent)
	case f.Kind() == reflect.Slice:
		for _, s := range stringsIn(f) {
			b.WriteString(indent + "- " + scalarText(s))
		}
	case f.Kind() == reflect.Map:
		if m, ok := f.Interface().(map[string]Duration); ok {
			for _, k := range sortedKeys(m) {
				b.WriteString(indent + scalarText(k) + ": " + m[k].String())
			}
			break
		}
		m, _ := f.Interface().(map[string]string)
		for _, k := range sortedKeys(m) {
			b.WriteString(indent + scalarText(k) + ": " + scalarText(m[k]))
		}
	case f.String() != "":
		return scalarText(f.String())
	}
	return b.String()
}

// plainPattern is text that is the same string without quotes in every YAML version.
var plainPattern = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9/._-]*(:[A-Za-z0-9/._-]+)*$`)

// scalarText quotes a text where YAML could read it as something else. A double-quoted YAML text is written like JSON.
func scalarText(s string) string {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "y", "n":
	default:
		if plainPattern.MatchString(s) {
			return s
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s)
	}
	return strings.TrimSpace(b.String())
}

func stringsIn(f reflect.Value) []string {
	switch list := f.Interface().(type) {
	case []string:
		return list
	case map[string]string:
		var out []string
		for _, k := range sortedKeys(list) {
			out = append(out, k, list[k])
		}
		return out
	default:
		return nil
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// clipPath makes a path fit for a comment: one line, no control characters.
func clipPath(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
