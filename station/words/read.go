package words

import (
	"errors"
	"fmt"
	"strings"
)

// file is what a locale file says, sentences as they are written.
type file struct {
	Locale string            `yaml:"locale"`
	Name   string            `yaml:"name"`
	Faults map[string]entry  `yaml:"faults"`
	Texts  map[string]string `yaml:"texts"`
}

type entry struct {
	Message string `yaml:"message"`
	Next    string `yaml:"next"`
}

var (
	errUnknown = errors.New("unknown key, or one in the wrong place")
	errTwice   = errors.New("key already defined")
	errPlain   = errors.New(`want "key: value" with a plain value or one in double quotes without \`)
)

// readFile reads a locale file: YAML's block mappings with two spaces a level and one line a value, and nothing else of
// YAML, since every start of the station waits for it (a hundredth of the time that a parser of all of YAML takes).
// What it reads, YAML reads alike; what it cannot read is an error with its line.
func readFile(text string) (file, error) {
	f := file{Faults: map[string]entry{}, Texts: map[string]string{}}
	at := position{seen: map[string]bool{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, " \r\n")
		body := strings.TrimLeft(line, " ")
		if body == "" || body[0] == '#' {
			continue
		}
		key, value, err := pair(body)
		if err == nil {
			err = f.put(&at, len(line)-len(body), key, value)
		}
		if err != nil {
			return file{}, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return f, nil
}

// position is which mapping a line of a file stands in.
type position struct {
	section, code string
	seen          map[string]bool // keys by their whole path
}

// put takes one line of a file, indented by so many spaces.
func (f *file) put(at *position, indent int, key, value string) error {
	switch {
	case indent == 0:
		at.section, at.code = "", ""
		switch {
		case key == "locale" && value != "":
			f.Locale = value
		case key == "name" && value != "":
			f.Name = value
		case (key == "faults" || key == "texts") && value == "":
			at.section = key
		default:
			return errUnknown
		}
	case indent == 2 && at.section == "texts":
		f.Texts[key] = value
	case indent == 2 && at.section == "faults" && value == "":
		at.code = key
		f.Faults[key] = entry{}
	case indent == 4 && at.code != "":
		e := f.Faults[at.code]
		switch key {
		case "message":
			e.Message = value
		case "next":
			e.Next = value
		default:
			return errUnknown
		}
		f.Faults[at.code] = e
	default:
		return errUnknown
	}
	path := key
	if indent > 0 {
		path = at.section + " " + key
	}
	if indent == 4 {
		path = at.section + " " + at.code + " " + key
	}
	if at.seen[path] {
		return fmt.Errorf("%w: %s", errTwice, key)
	}
	at.seen[path] = true
	return nil
}

// pair takes a line apart. The value is empty where the key begins a mapping.
func pair(body string) (key, value string, err error) {
	key, value, ok := strings.Cut(body, ":")
	if !ok || key == "" || strings.ContainsAny(key, " \t\"'#{}[],&*!|>%@`") || (value != "" && value[0] != ' ') {
		return "", "", errPlain
	}
	value = strings.TrimLeft(value, " ")
	if quoted, ok := strings.CutPrefix(value, `"`); ok {
		quoted, ok = strings.CutSuffix(quoted, `"`)
		if !ok || quoted == "" || strings.ContainsAny(quoted, "\"\\\t") {
			return "", "", errPlain
		}
		return key, quoted, nil
	}
	if value != "" && (strings.ContainsRune("-?:,[]{}#&*!|>'%@`~", rune(value[0])) || strings.Contains(value, ": ") ||
		strings.Contains(value, " #") || strings.HasSuffix(value, ":") || strings.Contains(value, "\t")) {
		return "", "", errPlain
	}
	return key, value, nil
}
