package label

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"text/template"

	"provstation/assets"
)

// Limits of templates and labels.
const (
	MaxTemplate = 64 << 10 // bytes
	MaxLabel    = 64 << 10 // bytes
)

// Errors of a template or its rendering.
var (
	ErrTooLarge = errors.New("larger than 64 KiB")
	ErrUnknown  = errors.New("no such built-in label template")
)

// Language is what a printer understands.
type Language string

// Languages of templates.
const (
	ZPL  Language = "zpl"
	Text Language = "txt"
)

const suffix = ".tmpl"

// Template is a checked label template. It is immutable and safe for concurrent use.
type Template struct {
	name string
	lang Language
	tmpl *template.Template
}

// Name is what the template was parsed as.
func (t *Template) Name() string { return t.name }

// Language is what its labels are written in.
func (t *Template) Language() Language { return t.lang }

// Builtin lists the names of the templates that come with the program, sorted.
func Builtin() []string {
	files, err := fs.Glob(assets.Labels, "labels/*"+suffix)
	if err != nil {
		return nil // a malformed pattern only
	}
	names := make([]string, 0, len(files))
	for _, f := range files {
		name, _, _ := strings.Cut(strings.TrimPrefix(f, "labels/"), ".")
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Open parses a built-in template by its name, else the file of that path. ErrUnknown: it is neither, and looks like a
// name.
func Open(nameOrPath string) (*Template, error) {
	for _, lang := range []Language{ZPL, Text} {
		file := nameOrPath + "." + string(lang) + suffix
		if text, err := fs.ReadFile(assets.Labels, "labels/"+file); err == nil {
			t, err := Parse(file, string(text))
			if err != nil {
				return nil, err
			}
			t.name = nameOrPath
			return t, nil
		}
	}
	f, err := os.Open(nameOrPath)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(nameOrPath, `/\.`) {
			return nil, fmt.Errorf("%w: %q; there are %s, or give a file", ErrUnknown, nameOrPath, strings.Join(Builtin(), ", "))
		}
		return nil, fmt.Errorf("open label template: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxTemplate+1))
	if err != nil {
		return nil, fmt.Errorf("read label template: %w", err)
	}
	return Parse(nameOrPath, string(text))
}

// Parse checks a template and fills it to try it out. The language is ZPL if the name ends in .zpl or .zpl.tmpl, or
// the text has ^XA in it; else plain text.
func Parse(name, text string) (*Template, error) {
	if len(text) > MaxTemplate {
		return nil, fmt.Errorf("parse label template %s: %w", name, ErrTooLarge)
	}
	t := &Template{name: name, lang: languageOf(name, text)}
	funcs := textFuncs()
	if t.lang == ZPL {
		funcs = zplFuncs()
	}
	var err error
	if t.tmpl, err = template.New(name).Funcs(funcs).Parse(text); err != nil {
		return nil, fmt.Errorf("parse label template: %w", err)
	}
	for _, d := range samples() {
		if _, err := t.Render(d); err != nil {
			return nil, fmt.Errorf("try label template: %w", err)
		}
	}
	return t, nil
}

func languageOf(name, text string) Language {
	name = strings.ToLower(strings.TrimSuffix(name, suffix))
	switch {
	case strings.HasSuffix(name, ".zpl"), !strings.HasSuffix(name, ".txt") && strings.Contains(text, "^XA"):
		return ZPL
	default:
		return Text
	}
}

// Render fills the template. What it returns goes to the printer as it is. An error leaves nothing to print.
func (t *Template) Render(d Data) ([]byte, error) {
	var data any = fieldsOf[string](d)
	if t.lang == ZPL {
		data = fieldsOf[zplText](d)
	}
	var out bounded
	if err := t.tmpl.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render label: %w", err)
	}
	if t.lang == ZPL {
		if _, err := readZPL(out.Bytes()); err != nil {
			return nil, fmt.Errorf("render label %s: %w", t.name, err)
		}
	}
	if len(bytes.TrimSpace(out.Bytes())) == 0 {
		return nil, fmt.Errorf("render label %s: nothing is on it", t.name)
	}
	return out.Bytes(), nil
}

// bounded refuses to grow beyond MaxLabel.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > MaxLabel {
		return 0, ErrTooLarge
	}
	return b.Buffer.Write(p)
}
