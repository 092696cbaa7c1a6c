package ledger

import (
	"fmt"
	"slices"
	"strings"
)

// statement is what the chain has to know of a statement that writes: which rows it is about.
type statement struct {
	op    string // insert, update, delete
	table string
	// keyArgs are the arguments that name the one row; nil where rows have to be looked for.
	keyArgs []int
	// find selects the keys of the rows that the statement is about, with the arguments from findArgs on.
	find     string
	findArgs int
}

// parseWrite reads a statement of this package as far as the chain needs it: INSERT INTO t (columns) VALUES (...),
// UPDATE t SET ... WHERE ... and DELETE FROM t WHERE .... ok is false for a statement that writes no row of an audited
// table. A statement that writes one and cannot be read is an error: nothing is written past the chain.
func parseWrite(query string) (s statement, ok bool, err error) {
	words := strings.Fields(query)
	if len(words) < 3 {
		return statement{}, false, nil
	}
	s.op = strings.ToLower(words[0])
	switch {
	case s.op == "insert" && strings.EqualFold(words[1], "INTO"), s.op == "delete" && strings.EqualFold(words[1], "FROM"):
		s.table = words[2]
	case s.op == "update":
		s.table = words[1]
	case s.op == "with":
		return statement{}, true, fmt.Errorf("%w: %s", ErrUnaudited, query)
	default:
		return statement{}, false, nil
	}
	s.table, _, _ = strings.Cut(s.table, "(")
	if aside(s.table) {
		return statement{}, false, nil
	}
	a, known := auditedTables(s.table)
	if !known {
		return s, true, fmt.Errorf("%w: table %s", ErrUnaudited, s.table)
	}
	if s.op == "insert" {
		err = s.insert(query, a)
	} else {
		err = s.where(query, a)
	}
	return s, true, err
}

// insert finds the arguments that are the row's key.
func (s *statement) insert(query string, a audited) error {
	bad := fmt.Errorf("%w: %s", ErrUnaudited, query)
	_, rest, ok := strings.Cut(query, "(")
	if !ok {
		return bad
	}
	list, rest, ok := strings.Cut(rest, ")")
	rest = strings.TrimSpace(rest)
	if !ok || !strings.HasPrefix(strings.ToUpper(rest), "VALUES") {
		return bad
	}
	_, rest, ok = strings.Cut(rest, "(")
	if !ok {
		return bad
	}
	values, after := list0(rest)
	if strings.HasPrefix(strings.TrimSpace(after), ",") { // several rows at once
		return bad
	}
	columns := strings.Split(list, ",")
	if len(values) != len(columns) {
		return bad
	}
	arg, args := 0, make([]int, len(columns))
	for i, v := range values {
		args[i] = -1
		if strings.TrimSpace(v) == "?" {
			args[i] = arg
		}
		arg += marks(v)
	}
	for _, k := range a.keys {
		i := slices.IndexFunc(columns, func(c string) bool { return strings.TrimSpace(c) == k })
		if i < 0 || args[i] < 0 {
			return bad
		}
		s.keyArgs = append(s.keyArgs, args[i])
	}
	return nil
}

// list0 splits a list at its commas up to the bracket that closes it; after is what follows.
func list0(text string) (values []string, after string) {
	depth, from := 0, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\'':
			i = closing(text, i+1, "'") - 1
		case '(':
			depth++
		case ')':
			if depth == 0 {
				return append(values, text[from:i]), text[i+1:]
			}
			depth--
		case ',':
			if depth == 0 {
				values, from = append(values, text[from:i]), i+1
			}
		}
	}
	return append(values, text[from:]), ""
}

// marks counts the placeholders outside of quotes.
func marks(text string) int {
	n := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\'':
			i = closing(text, i+1, "'") - 1
		case '?':
			n++
		}
	}
	return n
}

// where takes the key from conditions that name it, or selects the rows before they are written.
func (s *statement) where(query string, a audited) error {
	i := topWhere(query)
	if i < 0 || strings.ContainsAny(query, "$") || strings.Contains(query, "?1") {
		return fmt.Errorf("%w: %s", ErrUnaudited, query)
	}
	cond := query[i+len(" WHERE "):]
	s.findArgs = marks(query[:i])
	s.find = "SELECT " + strings.Join(a.keys, ", ") + " FROM " + s.table + " WHERE " + cond
	s.keyArgs = namedKey(cond, a.keys, s.findArgs)
	return nil
}

// namedKey finds the arguments of "key = ?" for every key column in a plain conjunction; nil if there is another form.
func namedKey(cond string, keys []string, from int) []int {
	if strings.ContainsAny(cond, "()'") || strings.Contains(cond, " OR ") {
		return nil
	}
	args, arg := make(map[string]int, len(keys)), from
	for _, part := range strings.Split(strings.Join(strings.Fields(cond), " "), " AND ") {
		if column, ok := strings.CutSuffix(part, " = ?"); ok {
			args[column] = arg
		}
		arg += marks(part)
	}
	out := make([]int, 0, len(keys))
	for _, k := range keys {
		n, ok := args[k]
		if !ok {
			return nil
		}
		out = append(out, n)
	}
	return out
}

// topWhere is where the statement's own WHERE begins, outside of brackets and quotes.
func topWhere(query string) int {
	depth := 0
	for i := 0; i < len(query); i++ {
		switch c := query[i]; {
		case c == '\'':
			i = closing(query, i+1, "'") - 1
		case c == '(':
			depth++
		case c == ')':
			depth--
		case depth == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if len(query) > i+7 && strings.EqualFold(query[i+1:i+6], "WHERE") && strings.ContainsRune(" \t\n", rune(query[i+6])) {
				return i
			}
		}
	}
	return -1
}
