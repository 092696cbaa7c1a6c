package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrNotFound is in the chain when no configuration file exists in any of the places searched.
var ErrNotFound = errors.New("no configuration file found")

// Problem is one thing wrong with a configuration.
type Problem struct {
	Where   string // FILE:LINE, "$VARIABLE", "flag", or empty when nothing was set
	Key     string // dotted, as bridge.url; may be empty for a file that cannot be parsed
	Message string // what is wrong; never holds a secret
	Nearest string // the known key or value that was probably meant; may be empty
}

// String is one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Where != "" {
		b.WriteString(p.Where + ": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Nearest != "" {
		b.WriteString(" (did you mean " + p.Nearest + "?)")
	}
	return b.String()
}

// Error is everything wrong with a configuration, in the file's order.
type Error struct {
	Problems []Problem // at least one
}

// Error lists every problem, one per line.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + e.Problems[0].String()
	}
	lines := make([]string, 0, len(e.Problems)+1)
	lines = append(lines, fmt.Sprintf("configuration has %d problems:", len(e.Problems)))
	for _, p := range e.Problems {
		lines = append(lines, "  "+p.String())
	}
	return strings.Join(lines, "\n")
}

const maxProblems = 100

// problems collects findings; the same finding twice (base and profile) is one.
type problems struct {
	list   []Problem
	parent *problems // where findings go instead
	tenant string    // whose profile they are about
}

func (ps *problems) add(p Problem) {
	if ps.parent != nil {
		if p.Where == "" {
			p.Key = join("tenants."+ps.tenant, p.Key)
		}
		ps.parent.add(p)
		return
	}
	if !ps.full() && !slices.Contains(ps.list, p) {
		ps.list = append(ps.list, p)
	}
}

// full reports whether there are more problems than anybody would read.
func (ps *problems) full() bool {
	if ps.parent != nil {
		return ps.parent.full()
	}
	return len(ps.list) >= maxProblems
}

func (ps *problems) count() int { return len(ps.list) }

func (ps *problems) err() error {
	if len(ps.list) == 0 {
		return nil
	}
	slices.SortFunc(ps.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(lineOf(a.Where), lineOf(b.Where)), cmp.Compare(a.Where, b.Where),
			cmp.Compare(a.Key, b.Key), cmp.Compare(a.Message, b.Message))
	})
	return &Error{Problems: ps.list}
}

// lineOf orders problems: those of the file by line, the others after them.
func lineOf(where string) int {
	if i := strings.LastIndexByte(where, ':'); i >= 0 {
		if n, err := strconv.Atoi(where[i+1:]); err == nil {
			return n
		}
	}
	return 1 << 30
}

// clip makes foreign text fit for a message: bounded, one line, no control characters.
func clip(s string) string {
	const most = 60
	s = strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// nearest finds the candidate that s was probably meant to be, or "".
func nearest(s string, candidates []string) string {
	best, at := "", 1<<30
	if len(s) > 64 {
		return ""
	}
	for _, c := range candidates {
		d := distance(strings.ToLower(s), strings.ToLower(c))
		if d < at {
			best, at = c, d
		}
	}
	if at > max(2, len(s)/3) || at >= len(s) {
		return ""
	}
	return best
}

// distance is the number of edits (insert, delete, replace, swap of neighbours) between two short strings.
func distance(a, b string) int {
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}
