package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrTemplate is in the chain of every template error.
var ErrTemplate = errors.New("template")

// RenderTemplate fills {name} placeholders from facts. It is strict: an unknown placeholder, one whose fact is empty, and
// a brace that belongs to none are errors. Facts are put in as they are and never expanded again.
func RenderTemplate(tmpl string, facts map[string]string) (string, error) {
	var out strings.Builder
	err := scanTemplate(tmpl, func(text, name string) error {
		out.WriteString(text)
		if name == "" {
			return nil
		}
		fact, ok := facts[name]
		switch {
		case !ok:
			return unknownPlaceholder(name, slices.Sorted(maps.Keys(facts)))
		case fact == "":
			return fmt.Errorf("%w: {%s} is empty for this device", ErrTemplate, name)
		}
		out.WriteString(fact)
		return nil
	})
	if err != nil {
		return "", err
	}
	return out.String(), nil
}

// DeviceFacts are the placeholders of device.id_template: {serial} as the device reported it, {serial_lower} and
// {model}. device.name_template has {id} besides.
func DeviceFacts(hardwareSerial, model string) map[string]string {
	return map[string]string{"serial": hardwareSerial, "serial_lower": strings.ToLower(hardwareSerial), "model": model}
}

// scanTemplate calls each for every piece: literal text, and the placeholder that follows it ("" at the end).
func scanTemplate(tmpl string, each func(text, name string) error) error {
	for {
		i := strings.IndexAny(tmpl, "{}")
		if i < 0 {
			return each(tmpl, "")
		}
		if tmpl[i] == '}' {
			return fmt.Errorf("%w: a } without its {", ErrTemplate)
		}
		j := strings.IndexAny(tmpl[i+1:], "{}")
		if j < 0 || tmpl[i+1+j] == '{' {
			return fmt.Errorf("%w: a { without its }", ErrTemplate)
		}
		name := tmpl[i+1 : i+1+j]
		if name == "" {
			return fmt.Errorf("%w: {} names nothing", ErrTemplate)
		}
		if err := each(tmpl[:i], name); err != nil {
			return err
		}
		tmpl = tmpl[i+j+2:]
	}
}

// checkTemplate judges a template before there is a device: its placeholders and its literal text.
func checkTemplate(tmpl string, known []string, literal func(string) bool) (used []string, err error) {
	err = scanTemplate(tmpl, func(text, name string) error {
		if !literal(text) {
			return fmt.Errorf("%w: %q has characters that a device id may not have", ErrTemplate, clip(text))
		}
		if name != "" && !slices.Contains(known, name) {
			return unknownPlaceholder(name, known)
		}
		if name != "" {
			used = append(used, name)
		}
		return nil
	})
	return used, err
}

func unknownPlaceholder(name string, known []string) error {
	hint := "known are {" + strings.Join(known, "}, {") + "}"
	if near := nearest(name, known); near != "" {
		hint = "did you mean {" + near + "}?"
	}
	return fmt.Errorf("%w: unknown placeholder {%s}; %s", ErrTemplate, clip(name), hint)
}
