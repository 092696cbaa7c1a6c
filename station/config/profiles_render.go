package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// renderProfiles writes the device profiles, each in full but for the keys of the other driver, which it may not have.
func renderProfiles(b *bytes.Buffer, profiles map[string]DeviceProfile, note func(string) string) {
	if len(profiles) == 0 {
		return
	}
	b.WriteString("profiles:\n")
	for _, name := range sortedKeys(profiles) {
		fmt.Fprintf(b, "  %s:\n", scalarText(name))
		renderProfile(b, profiles[name], "profiles."+name+".", 2, note)
	}
}

// Render is the profile as YAML, as it would stand under profiles.
func (p DeviceProfile) Render(name string) []byte {
	var b bytes.Buffer
	renderProfiles(&b, map[string]DeviceProfile{name: p}, nil)
	return b.Bytes()
}

// renderProfile writes one profile. An empty list of files is not the same as none: absence means what the built-in one says.
func renderProfile(b *bytes.Buffer, p DeviceProfile, prefix string, depth int, note func(string) string) {
	v := reflect.ValueOf(p)
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if d := field.Tag.Get("driver"); d == "" || d == p.Driver {
			renderField(b, field, v.Field(i), prefix, depth, note, field.Name == "Files")
		}
	}
}

// rulesText is rules as YAML, one a line.
func rulesText(rules []ProfileRule, indent string) string {
	var b strings.Builder
	for _, r := range rules {
		b.WriteString(indent + "- " + r.Render())
	}
	return b.String()
}

// Render is the rule as YAML, as it would stand under ports.profiles.
func (r ProfileRule) Render() string {
	var parts []string
	for _, c := range [][2]string{{"usb", r.USB}, {"port", r.Port}, {"slot", r.Slot}, {"profile", r.Profile}} {
		if c[1] != "" {
			parts = append(parts, c[0]+": "+quotedText(c[1]))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// quotedText is scalarText for a mapping in braces, where a comma or a colon ends a plain text.
func quotedText(s string) string {
	if text := scalarText(s); strings.HasPrefix(text, `"`) || labelPattern.MatchString(text) {
		return text
	}
	return `"` + s + `"`
}
