package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds on what is read from outside.
const (
	maxFileBytes  = 256 << 10
	maxValueBytes = 4 << 10
	maxListItems  = 1024
	maxTenants    = 64
)

// value is one setting as somebody wrote it, before it has a type.
type value struct {
	kind  string // string|number|bool|list|map|profiles|rules
	text  string
	list  []string
	pairs [][2]string
	// of the kinds that only a file can say
	profiles []profileText
	rules    []ruleText

	where string
	from  string // file|tenant|env|flag
	dir   string // what relative paths are relative to
}

// layer is a set of values by key path.
type layer map[string]value

// document is a decoded file.
type document struct {
	base    layer
	tenants map[string]layer
	order   []string // tenant names as they stand
	where   map[string]string
}

// reader walks a file's tree against the schema and notes everything that is wrong.
type reader struct {
	schema schema
	ps     *problems
	file   string // as it is named in messages
	prefix string // of the schema's paths in messages: a profile's place
	dir    string
}

// read decodes a file's bytes. Problems go to r.ps; what could be read is returned, false if that is nothing.
func (r *reader) read(data []byte) (doc document, ok bool) {
	doc = document{base: layer{}, tenants: map[string]layer{}, where: map[string]string{}}
	body, ok := r.body(data)
	if body != nil {
		r.section(&doc, doc.base, "", "", body)
	}
	return doc, ok
}

// body parses data and gives its one document's node: nil if it is empty or comments alone, and with ok false if it is
// nothing that can be read.
func (r *reader) body(data []byte) (n ast.Node, ok bool) {
	if len(data) > maxFileBytes {
		r.problem(0, "", fmt.Sprintf("file is larger than %d KiB", maxFileBytes>>10), "")
		return nil, false
	}
	if !utf8.Valid(data) {
		r.problem(0, "", "file is not UTF-8 text", "")
		return nil, false
	}
	file, err := parse(data)
	if err != nil {
		line, msg := syntaxError(err)
		r.problem(line, "", "not valid YAML: "+msg, "")
		return nil, false
	}
	if len(file.Docs) > 1 {
		r.problem(0, "", "file holds several YAML documents; only one is read", "")
		return nil, false
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return nil, true // empty, or comments alone
	}
	return file.Docs[0].Body, true
}

// parse runs the YAML parser. Duplicate keys are let through: the walk reports each with its line. The parser has been
// seen to panic on malformed text, and a typing mistake must not end the station: such text is invalid YAML.
func parse(data []byte) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("the parser cannot make sense of it")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// syntaxError takes message and line from a parser's error, and not its excerpt of the file, which could show a secret.
func syntaxError(err error) (line int, msg string) {
	var y yaml.Error
	if !errors.As(err, &y) {
		return 0, clip(err.Error())
	}
	if t := y.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return line, clip(y.GetMessage())
}

func (r *reader) where(line int) string {
	if line <= 0 {
		return r.file
	}
	return r.file + ":" + strconv.Itoa(line)
}

func (r *reader) problem(line int, key, msg, near string) {
	r.ps.add(Problem{Where: r.where(line), Key: clip(key), Message: msg, Nearest: near})
}

// section reads the mapping at path into out. shown is path as the file has it: within a profile it is longer.
func (r *reader) section(doc *document, out layer, path, shown string, n ast.Node) {
	entries, ok := mapping(n)
	if !ok {
		r.problem(nodeLine(n), shown, "want a mapping of keys to values, got "+describe(n), "")
		return
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if r.ps.full() {
			return
		}
		name, line := keyText(e), nodeLine(e.Key)
		at, label := join(path, name), join(shown, name)
		if seen[name] {
			r.problem(line, label, "key stands here twice", "")
			continue
		}
		seen[name] = true
		r.entry(doc, out, at, label, name, line, e.Value)
	}
}

// entry reads one key: a setting, a section, the profiles, or something that does not belong there.
func (r *reader) entry(doc *document, out layer, at, label, name string, line int, n ast.Node) {
	key, isKey := r.schema.byPath[at]
	switch {
	case !strings.ContainsRune(name, '.') && isKey:
		if v, ok := r.value(key, label, line, n); ok {
			out[at] = v
		}
	case at == "tenants" && shownAtTop(label):
		r.profiles(doc, n)
	case !strings.ContainsRune(name, '.') && len(r.schema.children[at]) > 0:
		if isNull(n) {
			return // a section whose keys are all commented out
		}
		r.section(doc, out, at, label, n)
	case strings.ContainsRune(name, '.') && isKey:
		r.problem(line, label, "unknown key; write its sections one below the other", "")
	default:
		if why := refusal(at, name); why != "" {
			r.problem(line, label, why, "")
			return
		}
		r.problem(line, label, "unknown key", r.suggest(at, name))
	}
}

func shownAtTop(label string) bool { return label == "tenants" }

// suggest finds the known key nearest to an unknown one: its siblings first, then the same name elsewhere.
func (r *reader) suggest(at, name string) string {
	parent := strings.TrimSuffix(strings.TrimSuffix(at, name), ".")
	if near := nearest(name, r.schema.children[parent]); near != "" {
		return join(r.prefix, join(parent, near))
	}
	for _, k := range r.schema.keys {
		if strings.HasSuffix(k.Path, "."+name) || k.Path == name {
			return join(r.prefix, k.Path)
		}
	}
	return ""
}

// profiles reads tenants: a mapping of names to sections.
func (r *reader) profiles(doc *document, n ast.Node) {
	if isNull(n) {
		return
	}
	entries, ok := mapping(n)
	if !ok {
		r.problem(nodeLine(n), "tenants", "want a mapping of tenant names to their settings, got "+describe(n), "")
		return
	}
	if len(entries) > maxTenants {
		r.problem(nodeLine(n), "tenants", fmt.Sprintf("more than %d tenants", maxTenants), "")
		return
	}
	for _, e := range entries {
		name, line := keyText(e), nodeLine(e.Key)
		label := join("tenants", name)
		if !labelPattern.MatchString(name) {
			r.problem(line, label, "a tenant's name is letters, digits, dot, dash and underscore, at most 63", "")
			continue
		}
		if _, twice := doc.tenants[name]; twice {
			r.problem(line, label, "key stands here twice", "")
			continue
		}
		out := layer{}
		doc.tenants[name], doc.order, doc.where[name] = out, append(doc.order, name), r.where(line)
		if !isNull(e.Value) {
			r.profile(doc, out, label, e.Value)
		}
	}
}

func (r *reader) profile(doc *document, out layer, label string, n ast.Node) {
	entries, ok := mapping(n)
	if !ok {
		r.problem(nodeLine(n), label, "want a mapping, got "+describe(n), "")
		return
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if r.ps.full() {
			return
		}
		name, line := keyText(e), nodeLine(e.Key)
		switch {
		case seen[name]:
			r.problem(line, join(label, name), "key stands here twice", "")
		case slices.Contains(profileSections(), name):
			r.entry(doc, out, name, join(label, name), name, line, e.Value)
		default:
			r.problem(line, join(label, name), "a tenant has its own bridge, pki, mqtt and tenant, nothing else",
				nearest(name, profileSections()))
		}
		seen[name] = true
	}
}

// value reads one setting's node as the shape its key wants.
func (r *reader) value(k Key, label string, line int, n ast.Node) (value, bool) {
	v := value{where: r.where(line), from: "file", dir: r.dir}
	fail := func(msg string) (value, bool) {
		r.problem(line, label, msg, "")
		return value{}, false
	}
	switch k.Kind {
	case "profiles":
		list, ok := r.deviceProfiles(label, n)
		v.kind, v.profiles = k.Kind, list
		return v, ok
	case "rules":
		list, ok := r.profileRules(label, n)
		v.kind, v.rules = k.Kind, list
		return v, ok
	}
	if isNull(n) {
		return fail("has no value; remove the key or give it one")
	}
	switch k.Kind {
	case "list":
		seq, ok := n.(*ast.SequenceNode)
		if !ok || len(seq.Values) > maxListItems {
			return fail("want a list of texts, got " + describe(n))
		}
		v.kind, v.list = "list", []string{}
		for _, item := range seq.Values {
			kind, text, ok := scalar(item)
			if !ok || kind == "bool" {
				return fail("want a list of texts, but an item is " + describe(item))
			}
			v.list = append(v.list, text)
		}
	case "map", "durations":
		entries, ok := mapping(n)
		if !ok || len(entries) > maxListItems {
			return fail("want a mapping of texts to texts, got " + describe(n))
		}
		v.kind = "map"
		seen := map[string]bool{}
		for _, e := range entries {
			kind, text, ok := scalar(e.Value)
			name := keyText(e)
			if !ok || kind == "bool" {
				return fail("want a text for " + clip(name) + ", got " + describe(e.Value))
			}
			if seen[name] {
				return fail(clip(name) + " stands here twice")
			}
			seen[name] = true
			v.pairs = append(v.pairs, [2]string{name, text})
		}
	default:
		var ok bool
		if v.kind, v.text, ok = scalar(n); !ok {
			return fail("want " + wanted(k.Kind) + ", got " + describe(n))
		}
	}
	return v, true
}

// mapping gives the entries of a mapping node, whichever of the parser's two shapes it has.
func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	default:
		return nil, false
	}
}

// scalar gives a scalar's text as it was written.
func scalar(n ast.Node) (kind, text string, ok bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return "string", s.Value, true
	case *ast.LiteralNode:
		if s.Value == nil {
			return "", "", false
		}
		return "string", s.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode:
		return "number", n.GetToken().Value, true
	case *ast.BoolNode:
		return "bool", n.GetToken().Value, true
	default:
		return "", "", false
	}
}

func isNull(n ast.Node) bool {
	_, null := n.(*ast.NullNode)
	return n == nil || null
}

// keyText is a mapping key's text; keys that are no plain text read as something no schema has.
func keyText(e *ast.MappingValueNode) string {
	if e.Key == nil {
		return "?"
	}
	if s, ok := e.Key.(*ast.StringNode); ok {
		return s.Value
	}
	if t := e.Key.GetToken(); t != nil {
		return t.Value
	}
	return "?"
}

func nodeLine(n ast.Node) int {
	if n == nil {
		return 0
	}
	if v := reflect.ValueOf(n); v.Kind() == reflect.Pointer && v.IsNil() {
		return 0
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// describe says what a node is without showing what it holds.
func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.NullNode, nil:
		return "nothing"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "a YAML anchor or alias, which is not supported"
	case *ast.TagNode:
		return "a YAML tag, which is not supported"
	default:
		return "something else"
	}
}

func wanted(kind string) string {
	switch kind {
	case "bool":
		return "true or false"
	case "int":
		return "a whole number"
	case "duration":
		return "a duration such as 90s, 5m or 30d"
	case "list":
		return "a list of texts"
	case "map", "durations":
		return "a mapping"
	default:
		return "a text"
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// absolute makes a path that somebody wrote absolute.
func absolute(dir, path string) string {
	if path == "" || filepath.IsAbs(path) || dir == "" {
		return path
	}
	return filepath.Join(dir, path)
}
