package stepca

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// object is a JSON object whose fields are read strictly; the first failure stays.
type object struct {
	fields map[string]json.RawMessage
	err    error
}

// parseObject reads an answer that must be one JSON object and nothing else: UTF-8, no field twice, nothing after it. The
// standard decoder lets the last of two fields win and matches names without regard to case; two readers of one answer
// must not differ about what it says. Fields that nobody asks for are let be: newer servers add some.
func parseObject(rep reply) (*object, error) {
	if !rep.isJSON {
		return nil, fmt.Errorf("%w: it does not say that it is plain JSON", ErrAnswer)
	}
	return readObject(rep.body)
}

func readObject(data []byte) (*object, error) {
	notJSON := fmt.Errorf("%w: it is not one JSON object", ErrAnswer)
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrAnswer)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, notJSON
	}
	o := &object{fields: map[string]json.RawMessage{}}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, notJSON
		}
		if _, twice := o.fields[name]; twice {
			return nil, fmt.Errorf("%w: field %q stands in it twice", ErrAnswer, clean(name))
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, notJSON
		}
		o.fields[name] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, notJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: something stands behind the JSON object", ErrAnswer)
	}
	return o, nil
}

func (o *object) fail(reason string) {
	if o.err == nil {
		o.err = fmt.Errorf("%w: %s", ErrAnswer, reason)
	}
}

func (o *object) raw(name string) (json.RawMessage, bool) {
	raw, ok := o.fields[name]
	return raw, ok && !bytes.Equal(raw, []byte("null"))
}

// text reads a field that must be a text without control characters, line ends and tabs aside. One that is not required
// may be absent, null or empty.
func (o *object) text(name string, required bool) string {
	raw, ok := o.raw(name)
	if !ok {
		if required {
			o.fail(name + " is missing")
		}
		return ""
	}
	s, ok := asText(raw)
	switch {
	case !ok:
		o.fail(name + " is not a text")
	case required && strings.TrimSpace(s) == "":
		o.fail(name + " is empty")
	default:
		return s
	}
	return ""
}

// list reads a field that must be an array of at most limit elements.
func (o *object) list(name string, required bool, limit int) []json.RawMessage {
	raw, ok := o.raw(name)
	if !ok {
		if required {
			o.fail(name + " is missing")
		}
		return nil
	}
	var list []json.RawMessage
	switch {
	case raw[0] != '[' || json.Unmarshal(raw, &list) != nil:
		o.fail(name + " is not a list")
	case len(list) > limit:
		o.fail(fmt.Sprintf("%s has more than %d elements", name, limit))
	default:
		return list
	}
	return nil
}

// asText decodes a JSON text that holds nothing a terminal would act on.
func asText(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	bad := strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError
	})
	return s, !bad
}
