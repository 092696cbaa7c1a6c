package words

import (
	"errors"
	"strings"
)

// template is a parsed sentence: parts in order. An optional part came in [brackets] and is left out when one of its
// parameters is missing. Values are put in as they are and never parsed.
type template []part

type part struct {
	pieces   []piece
	optional bool
}

// piece is literal text or a parameter's name.
type piece struct {
	text  string
	param bool
}

var (
	errBrace   = errors.New("a { without its }")
	errBracket = errors.New("brackets do not match")
)

// parse reads a sentence. Brackets do not nest; there is no way to write a literal bracket or brace, and no sentence
// needs one.
func parse(s string) (template, error) {
	var t template
	cur := part{}
	flush := func() {
		if len(cur.pieces) > 0 {
			t = append(t, cur)
		}
	}
	for s != "" {
		i := strings.IndexAny(s, "[]{}")
		if i < 0 {
			cur.pieces = append(cur.pieces, piece{text: s})
			break
		}
		if i > 0 {
			cur.pieces = append(cur.pieces, piece{text: s[:i]})
		}
		c := s[i]
		s = s[i+1:]
		switch c {
		case '[', ']':
			if cur.optional == (c == '[') {
				return nil, errBracket
			}
			flush()
			cur = part{optional: c == '['}
		case '{':
			name, rest, ok := strings.Cut(s, "}")
			if !ok || name == "" || strings.ContainsAny(name, "[]{ ") {
				return nil, errBrace
			}
			cur.pieces = append(cur.pieces, piece{text: name, param: true})
			s = rest
		default:
			return nil, errBrace
		}
	}
	if cur.optional {
		return nil, errBracket
	}
	flush()
	return t, nil
}

func (t template) fill(params map[string]string) string {
	var b strings.Builder
	for _, p := range t {
		if p.optional && !p.complete(params) {
			continue
		}
		for _, x := range p.pieces {
			if x.param {
				// A value that is itself a sentence brings a full stop; ours follows.
				b.WriteString(strings.TrimSuffix(params[x.text], "."))
			} else {
				b.WriteString(x.text)
			}
		}
	}
	return b.String()
}

func (p part) complete(params map[string]string) bool {
	for _, x := range p.pieces {
		if x.param && params[x.text] == "" {
			return false
		}
	}
	return true
}

func (t template) params() []string {
	var names []string
	for _, p := range t {
		for _, x := range p.pieces {
			if x.param {
				names = append(names, x.text)
			}
		}
	}
	return names
}
