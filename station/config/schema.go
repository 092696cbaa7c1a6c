package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Key is one setting that a configuration may hold.
type Key struct {
	Path string   // dotted, as bridge.auth.mode
	Env  string   // the variable that overrides it
	Enum []string // the values it may have; nil: any of its type
	Kind string   // string|bool|int|duration|list|map|durations|profiles|rules

	index  []int
	isPath bool
	driver string // of a profile: the driver that the key belongs to; empty: any
}

const envPrefix = "PROVSTATION_"

// Keys lists every setting in the order of the file, tenant profiles (tenants.NAME.bridge, .pki, .mqtt, .tenant) aside.
func Keys() []Key { return walkType(reflect.TypeFor[Config](), "", nil) }

func walkType(t reflect.Type, prefix string, index []int) []Key {
	var keys []Key
	for f := range t.Fields() {
		name := f.Tag.Get("yaml")
		if name == "-" {
			continue
		}
		at := append(slices.Clone(index), f.Index...)
		driver := f.Tag.Get("driver")
		if f.Type.Kind() == reflect.Struct {
			for _, k := range walkType(f.Type, prefix+name+".", at) {
				k.driver = cmp.Or(k.driver, driver)
				keys = append(keys, k)
			}
			continue
		}
		k := Key{Path: prefix + name, Env: envName(prefix + name), Kind: kindOf(f.Type), index: at, driver: driver}
		if e := f.Tag.Get("enum"); e != "" {
			k.Enum = strings.Split(e, "|")
		}
		k.isPath = f.Tag.Get("path") != ""
		keys = append(keys, k)
	}
	return keys
}

func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Duration]():
		return "duration"
	case t == reflect.TypeFor[map[string]Duration]():
		return "durations"
	case t == reflect.TypeFor[map[string]DeviceProfile]():
		return "profiles"
	case t == reflect.TypeFor[[]ProfileRule]():
		return "rules"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Map:
		return "map"
	case t.Kind() == reflect.Bool:
		return "bool"
	case t.Kind() == reflect.Int:
		return "int"
	case t.Kind() == reflect.String:
		return "string"
	default:
		panic(fmt.Sprintf("config: no kind for %v", t))
	}
}

// schema is what decoding looks keys up in.
type schema struct {
	keys     []Key
	byPath   map[string]Key
	children map[string][]string // section ("" for the top) to the names in it
}

func newSchema() schema {
	s := schemaOf(Keys())
	s.children[""] = append(s.children[""], "tenants")
	return s
}

func schemaOf(keys []Key) schema {
	s := schema{keys: keys, byPath: map[string]Key{}, children: map[string][]string{}}
	for _, k := range s.keys {
		s.byPath[k.Path] = k
		parts := strings.Split(k.Path, ".")
		for i, name := range parts {
			parent := strings.Join(parts[:i], ".")
			if !slices.Contains(s.children[parent], name) {
				s.children[parent] = append(s.children[parent], name)
			}
		}
	}
	return s
}

// profileSections are what a tenant profile may override.
func profileSections() []string { return []string{"bridge", "pki", "mqtt", "tenant"} }

// refusal says why a key that people will try is refused; "" if it is not one of those.
func refusal(path, name string) string {
	switch path {
	case "device.files":
		return "a device's agent names its own files (provagent serve --file-key and others)"
	case "console.password": // of a device profile
		return "a secret must not stand in the configuration: put it into a file and name the file in " + name + "_file, " +
			"or name an environment variable in " + name + "_env"
	case "ledger.password", "tenant.thingsboard.password", "tenant.hawkbit.password", "pki.revoke.password":
		return "a secret must not stand in the configuration: put it into a file and name the file in password_file, " +
			"or name an environment variable in password_env"
	case "tenant.thingsboard.api_key":
		return "a secret must not stand in the configuration: put it into a file and name the file in api_key_file, " +
			"or name an environment variable in api_key_env"
	}
	if s := secretAdvice(name); s != "" {
		return "a secret must not stand in the configuration: " + s
	}
	return ""
}

func secretAdvice(name string) string {
	n := strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	switch n {
	case "token", "bearer", "bearer_token", "access_token", "api_key", "apikey":
		return "put it into a file and name the file in token_file, or name an environment variable in token_env"
	case "client_secret", "secret", "password", "passphrase", "pass":
		return "put it into a file and name the file in client_secret_file, or name an environment variable in client_secret_env"
	case "key", "private_key", "key_pem":
		return "put it into a file and name the file in key_file"
	}
	return ""
}

// field gives the settable value of a key in c.
func field(c *Config, k Key) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(k.index) }
