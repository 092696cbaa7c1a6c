package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// apply sets every value of l in c, notes where each came from, and reports what does not fit its type.
func (s schema) apply(c *Config, l layer, src Sources, ps *problems) {
	for _, k := range s.keys {
		v, ok := l[k.Path]
		if !ok {
			continue
		}
		if k.Kind == "profiles" && v.kind == "profiles" { // see setProfiles
			src.keys[k.Path] = Source{From: v.from, Where: v.where}
			continue
		}
		if k.Kind == "rules" && v.kind == "rules" {
			v.setRules(c, src)
			src.keys[k.Path] = Source{From: v.from, Where: v.where}
			continue
		}
		if err := set(field(c, k), k, v); err != nil {
			ps.add(Problem{Where: v.where, Key: k.Path, Message: err.Error(), Nearest: enumNearest(k, v)})
			src.bad[k.Path] = true
			continue
		}
		delete(src.bad, k.Path)
		src.keys[k.Path] = Source{From: v.from, Where: v.where}
	}
}

func enumNearest(k Key, v value) string {
	if k.Enum == nil {
		return ""
	}
	return nearest(v.text, k.Enum)
}

// set converts v to the field's type. Messages never repeat a value that could hold a secret: only enumerated, numeric
// and duration keys are quoted, bounded.
func set(f reflect.Value, k Key, v value) error {
	switch k.Kind {
	case "list":
		return setList(f, k, v)
	case "map":
		return setMap(f, v)
	case "durations":
		return setDurations(f, v)
	case "profiles", "rules":
		return errFileOnly
	case "bool":
		b, err := strconv.ParseBool(v.text)
		if err != nil || (v.kind == "number") || (v.text != "true" && v.text != "false") {
			return fmt.Errorf("want true or false, got %q", clip(v.text))
		}
		f.SetBool(b)
	case "int":
		n, err := strconv.ParseInt(v.text, 10, 32)
		if err != nil || strconv.FormatInt(n, 10) != v.text {
			return fmt.Errorf("want a whole number, got %q", clip(v.text))
		}
		f.SetInt(n)
	case "duration":
		if v.kind == "number" && v.text != "0" {
			return fmt.Errorf("want a duration with its unit, such as %ss, got %q", clip(v.text), clip(v.text))
		}
		d, err := ParseDuration(v.text)
		if err != nil {
			return fmt.Errorf("want a duration: %w", err)
		}
		f.SetInt(int64(d))
	default:
		return setString(f, k, v)
	}
	return nil
}

func setString(f reflect.Value, k Key, v value) error {
	if v.kind == "bool" {
		return fmt.Errorf("want a text, got %s; quote it if that is meant", v.text)
	}
	if err := checkText(v.text); err != nil {
		return err
	}
	if k.Enum != nil {
		if !contains(k.Enum, v.text) {
			return fmt.Errorf("want one of %s, got %q", strings.Join(k.Enum, ", "), clip(v.text))
		}
	}
	text := v.text
	switch {
	case k.isPath:
		text = absolute(v.dir, text)
	case k.Path == "ledger.url":
		if p, ok := strings.CutPrefix(text, sqliteScheme); ok && p != "" {
			text = sqliteScheme + absolute(v.dir, p)
		}
	case k.Path == "labels.template" && text != "" && !builtinPattern.MatchString(text):
		text = absolute(v.dir, text)
	case k.Path == "pki.root_fingerprint":
		text = strings.ToLower(strings.ReplaceAll(text, ":", ""))
	}
	f.SetString(text)
	return nil
}

func setList(f reflect.Value, k Key, v value) error {
	list := v.list
	if v.kind != "list" { // a variable or a flag: items between commas
		list = []string{}
		for item := range strings.SplitSeq(v.text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
	}
	for i, item := range list {
		if err := checkText(item); err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	if len(list) == 0 {
		list = nil
	}
	f.Set(reflect.ValueOf(list))
	return nil
}

func setMap(f reflect.Value, v value) error {
	pairs := v.pairs
	if v.kind != "map" { // a variable or a flag: key=value between commas
		pairs = nil
		for item := range strings.SplitSeq(v.text, ",") {
			if item = strings.TrimSpace(item); item == "" {
				continue
			}
			i := strings.LastIndexByte(item, '=')
			if i <= 0 {
				return fmt.Errorf("want key=value between commas, got %q", clip(item))
			}
			pairs = append(pairs, [2]string{item[:i], item[i+1:]})
		}
	}
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		if err := checkText(p[0]); err != nil {
			return err
		}
		if err := checkText(p[1]); err != nil {
			return err
		}
		m[p[0]] = p[1]
	}
	if len(m) == 0 {
		m = nil
	}
	f.Set(reflect.ValueOf(m))
	return nil
}

// checkText refuses what no setting may hold: it would reach terminals, file names and other programs.
func checkText(s string) error {
	if len(s) > maxValueBytes {
		return fmt.Errorf("text is longer than %d bytes", maxValueBytes)
	}
	if !utf8.ValidString(s) {
		return errNotUTF8
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return errControl
		}
	}
	if strings.Contains(s, "-----BEGIN") {
		return errInlinePEM
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
