package answer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrNotJSON is in the chain of every error of this package.
var ErrNotJSON = errors.New("not as it has to be")

// problem is one reason not to believe an answer. Reasons hold names of fields and never values.
type problem string

func (p problem) Error() string { return string(p) }

// Is says that every problem is an [ErrNotJSON].
func (problem) Is(target error) bool { return target == ErrNotJSON }

const notObject = problem("it is not one JSON object")

// Object is a JSON object whose fields are read strictly; the first failure stays.
type Object struct {
	fields map[string]json.RawMessage
	err    error
}

// ParseObject reads one JSON object and nothing else: UTF-8, no field twice, nothing after it. The standard decoder
// lets the last of two fields win and matches names without regard to case; two readers of one answer must not differ
// about what it says.
func ParseObject(data []byte) (*Object, error) {
	if !utf8.Valid(data) {
		return nil, problem("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, notObject
	}
	o := &Object{fields: map[string]json.RawMessage{}}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, notObject
		}
		if _, twice := o.fields[name]; twice {
			return nil, problem(fmt.Sprintf("field %q stands in it twice", Clean(name)))
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, notObject
		}
		o.fields[name] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, notObject
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, problem("something stands behind the JSON object")
	}
	return o, nil
}

// ParseList reads one JSON list of at most so many items and nothing else.
func ParseList(data []byte, most int) ([]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, problem("it is not UTF-8")
	}
	var list []json.RawMessage
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '[' || json.Unmarshal(data, &list) != nil {
		return nil, problem("it is not one JSON list")
	}
	if len(list) > most {
		return nil, problem(fmt.Sprintf("it has more than %d items", most))
	}
	return list, nil
}

// Err is the first failure; nil: every field that was read is as it has to be.
func (o *Object) Err() error { return o.err }

// Fail notes a reason not to believe the object, unless there is one.
func (o *Object) Fail(reason string) {
	if o.err == nil {
		o.err = problem(reason)
	}
}

// Names lists the fields, in alphabetical order. They are the server's text.
func (o *Object) Names() []string { return slices.Sorted(maps.Keys(o.fields)) }

// Raw gives a field as it stands; false if it is absent or null.
func (o *Object) Raw(name string) (json.RawMessage, bool) {
	raw, ok := o.fields[name]
	return raw, ok && !bytes.Equal(raw, []byte("null"))
}

// Text reads a field that must be a text without control characters, line ends and tabs aside. One that is not required
// may be absent, null or empty.
func (o *Object) Text(name string, required bool) string {
	raw, ok := o.Raw(name)
	if !ok {
		if required {
			o.Fail(name + " is missing")
		}
		return ""
	}
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		o.Fail(name + " is not a text")
		return ""
	}
	if required && strings.TrimSpace(s) == "" {
		o.Fail(name + " is empty")
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f || r == utf8.RuneError
	}) {
		o.Fail(name + " holds control characters")
		return ""
	}
	return s
}

// Object reads a field that must be an object.
func (o *Object) Object(name string) *Object {
	none := &Object{}
	raw, ok := o.Raw(name)
	if !ok {
		o.Fail(name + " is missing")
		return none
	}
	inner, err := ParseObject(raw)
	if err != nil {
		o.Fail(name + ": " + err.Error())
		return none
	}
	return inner
}
