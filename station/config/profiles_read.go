package config

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// Bounds of profiles and their rules.
const (
	maxProfiles     = 64
	maxProfileRules = 256
)

var errFileOnly = errors.New("cannot be given by a variable or a flag: write it into the file")

// profileText is a profile as the file has it: the keys that stand there, by their path within the profile.
type profileText struct {
	name, where string
	keys        layer
}

// ruleText is a rule as the file has it.
type ruleText struct {
	where string
	rule  ProfileRule
}

// profileSchema is what a profile's keys are looked up in.
func profileSchema() schema { return schemaOf(ProfileKeys()) }

// deviceProfiles reads profiles: a mapping of names to profiles.
func (r *reader) deviceProfiles(label string, n ast.Node) (list []profileText, ok bool) {
	entries, ok := mapping(n)
	switch {
	case isNull(n):
		return nil, true
	case !ok:
		r.problem(nodeLine(n), label, "want a mapping of profile names to their settings, got "+describe(n), "")
		return nil, false
	case len(entries) > maxProfiles:
		r.problem(nodeLine(n), label, fmt.Sprintf("more than %d profiles", maxProfiles), "")
		return nil, false
	}
	inner := *r
	inner.schema = profileSchema()
	for _, e := range entries {
		name, line := keyText(e), nodeLine(e.Key)
		at := join(label, name)
		if !labelPattern.MatchString(name) {
			r.problem(line, at, "a profile's name is letters, digits, dot, dash and underscore, at most 63", "")
			continue
		}
		if slices.ContainsFunc(list, func(p profileText) bool { return p.name == name }) {
			r.problem(line, at, "key stands here twice", "")
			continue
		}
		p := profileText{name: name, where: r.where(line), keys: layer{}}
		inner.prefix = at
		if !isNull(e.Value) {
			inner.section(&document{}, p.keys, "", at, e.Value)
		}
		list = append(list, p)
	}
	return list, true
}

// profileRules reads ports.profiles: a list of rules. A rule that cannot be read is left out, and its problem keeps the
// configuration from being used.
func (r *reader) profileRules(label string, n ast.Node) (list []ruleText, ok bool) {
	seq, ok := n.(*ast.SequenceNode)
	switch {
	case isNull(n):
		return nil, true
	case !ok:
		r.problem(nodeLine(n), label, "want a list of rules such as {usb: \"0403:6001\", profile: NAME}, got "+describe(n), "")
		return nil, false
	case len(seq.Values) > maxProfileRules:
		r.problem(nodeLine(n), label, fmt.Sprintf("more than %d rules", maxProfileRules), "")
		return nil, false
	}
	for i, item := range seq.Values {
		if rule, ok := r.profileRule(ruleKey(i), item); ok {
			list = append(list, rule)
		}
	}
	return list, true
}

func ruleKey(i int) string { return fmt.Sprintf("ports.profiles[%d]", i+1) }

func (r *reader) profileRule(label string, n ast.Node) (rule ruleText, ok bool) {
	entries, ok := mapping(n)
	if !ok {
		r.problem(nodeLine(n), label, "want a rule such as {usb: \"0403:6001\", profile: NAME}, got "+describe(n), "")
		return rule, false
	}
	line := nodeLine(n)
	if len(entries) > 0 {
		line = nodeLine(entries[0].Key)
	}
	rule.where = r.where(line)
	known := schemaOf(walkType(reflect.TypeFor[ProfileRule](), "", nil))
	seen := map[string]bool{}
	ok = true
	fail := func(line int, key, msg, near string) {
		r.problem(line, join(label, key), msg, near)
		ok = false
	}
	for _, e := range entries {
		name, line := keyText(e), nodeLine(e.Key)
		k, is := known.byPath[name]
		switch {
		case seen[name]:
			fail(line, name, "key stands here twice", "")
		case !is:
			fail(line, name, "unknown key: a rule has usb, port, slot and profile", nearest(name, known.paths()))
		default:
			v, read := r.value(k, join(label, name), line, e.Value)
			if !read {
				ok = false
			} else if err := set(reflect.ValueOf(&rule.rule).Elem().FieldByIndex(k.index), k, v); err != nil {
				fail(line, name, err.Error(), "")
			}
		}
		seen[name] = true
	}
	return rule, ok
}

// setRules puts the rules in force and notes their places.
func (v value) setRules(c *Config, src Sources) {
	c.Ports.Profiles = nil
	for i, t := range v.rules {
		c.Ports.Profiles = append(c.Ports.Profiles, t.rule)
		src.keys[ruleKey(i)] = Source{From: v.from, Where: t.where}
	}
}

// setProfiles completes each profile of the file from the built-in one that it begins as. It comes after all other layers,
// since the built-in ones follow ports.baud and ports.probe.
func (s schema) setProfiles(c *Config, l layer, src Sources, ps *problems) {
	v, ok := l["profiles"]
	if !ok || v.kind != "profiles" {
		return
	}
	c.Profiles = nil
	for _, t := range v.profiles {
		if c.Profiles == nil {
			c.Profiles = map[string]DeviceProfile{}
		}
		at := "profiles." + t.name
		src.keys[at] = Source{From: v.from, Where: t.where}
		c.Profiles[t.name] = s.setProfile(t, c.Ports, at, src, ps)
	}
}

func (s schema) setProfile(t profileText, ports Ports, at string, src Sources, ps *problems) DeviceProfile {
	p, _ := builtinProfile(t.base(), ports)
	if d := t.keys["driver"].text; d == DriverAgent || d == DriverConsole {
		p.Driver = d // where it contradicts like, that is a problem of its own
	}
	for _, k := range s.keys {
		v, ok := t.keys[k.Path]
		if !ok {
			continue
		}
		key := at + "." + k.Path
		src.keys[key] = Source{From: v.from, Where: v.where}
		if k.driver != "" && k.driver != p.Driver {
			ps.add(Problem{Where: v.where, Key: key, Message: fmt.Sprintf("belongs to driver: %s, and this profile has driver: %s", k.driver, p.Driver)})
			src.bad[key] = true
			continue
		}
		if err := set(reflect.ValueOf(&p).Elem().FieldByIndex(k.index), k, v); err != nil {
			ps.add(Problem{Where: v.where, Key: key, Message: err.Error(), Nearest: enumNearest(k, v)})
			src.bad[key] = true
		}
	}
	return p
}

// base is the built-in profile that the text begins as.
func (t profileText) base() string {
	switch {
	case slices.Contains(builtinNames(), t.name):
		return t.name
	case slices.Contains(builtinNames(), t.keys["like"].text):
		return t.keys["like"].text
	case t.keys["driver"].text == DriverConsole:
		return ProfileConsole
	default:
		return ProfileAgent
	}
}

// setDurations adds durations by name to those that are there.
func setDurations(f reflect.Value, v value) error {
	if v.kind != "map" {
		return errFileOnly
	}
	old, _ := f.Interface().(map[string]Duration)
	m := maps.Clone(old)
	if m == nil {
		m = map[string]Duration{}
	}
	for _, p := range v.pairs {
		if err := checkText(p[0]); err != nil {
			return err
		}
		d, err := ParseDuration(p[1])
		if err != nil {
			return fmt.Errorf("%s: want a duration: %w", clip(p[0]), err)
		}
		m[p[0]] = d
	}
	if len(m) == 0 {
		m = nil
	}
	f.Set(reflect.ValueOf(m))
	return nil
}

// profileSecretEnvs are the variables that the profiles name as places of secrets.
func profileSecretEnvs(base layer) []string {
	var names []string
	for _, p := range base["profiles"].profiles {
		if v, ok := p.keys["console.password_env"]; ok {
			names = append(names, v.text)
		}
	}
	return names
}

// ProfileKeys lists every key of a device profile in the order of the file.
func ProfileKeys() []Key { return walkType(reflect.TypeFor[DeviceProfile](), "", nil) }
