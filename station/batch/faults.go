package batch

import (
	"fmt"
	"strconv"
	"strings"
)

// Fault is one thing that is wrong with a list.
type Fault struct {
	Line    int    // of the file, from 1; 0: of the file as a whole
	Column  string // header of the column, printable; empty: of the whole line
	Problem string // a sentence in the station's language, see [ReadConfig]
	Next    string // what to do about it

	Key    string            // the catalogue's key of Problem: a stable name of the kind of fault
	Params map[string]string // of the sentence; printable
}

// maxShown is how many faults an error's text lists.
const maxShown = 20

// ManifestError says everything that is wrong with a list, in the order of its lines. There is at least one fault.
type ManifestError struct {
	Path   string
	Faults []Fault
}

// Error lists the first faults, a line each, and counts the rest.
func (e *ManifestError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d faults in the batch list %s", len(e.Faults), printable(e.Path))
	if len(e.Faults) == 1 {
		b.Reset()
		fmt.Fprintf(&b, "1 fault in the batch list %s", printable(e.Path))
	}
	for i, f := range e.Faults {
		if i == maxShown {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Faults)-maxShown)
			break
		}
		fmt.Fprintf(&b, "\n  %s", f)
	}
	return b.String()
}

// String is the fault on one line.
func (f Fault) String() string {
	var b strings.Builder
	switch {
	case f.Line > 0 && f.Column != "":
		fmt.Fprintf(&b, "line %d, %s: ", f.Line, f.Column)
	case f.Line > 0:
		fmt.Fprintf(&b, "line %d: ", f.Line)
	}
	b.WriteString(f.Problem)
	if f.Next != "" {
		b.WriteString(" " + f.Next)
	}
	return b.String()
}

// fault notes one. pairs are parameters of both sentences, name and value in turn.
func (l *list) fault(line int, column, problem, next string, pairs ...string) {
	f := Fault{Line: line, Column: column, Key: problem, Problem: l.sentence(problem, pairs), Next: l.sentence(next, pairs)}
	if len(pairs) > 0 {
		f.Params = make(map[string]string, len(pairs)/2)
		for i := 0; i+1 < len(pairs); i += 2 {
			f.Params[pairs[i]] = pairs[i+1]
		}
	}
	l.faults = append(l.faults, f)
}

func (l *list) sentence(key string, pairs []string) string {
	if l.cfg.Text != nil {
		return l.cfg.Text(key, pairs...)
	}
	var b strings.Builder
	b.WriteString(key)
	for i := 0; i+1 < len(pairs); i += 2 {
		fmt.Fprintf(&b, " %s=%q", pairs[i], pairs[i+1])
	}
	return b.String()
}

// shown quotes what stands in a cell for a sentence: bounded, and nothing in it that a terminal acts upon.
func shown(s string) string {
	const most = 48 // runes
	q := strconv.QuoteToGraphic(strings.ToValidUTF8(s, "?"))
	if r := []rune(q); len(r) > most {
		return string(r[:most]) + "..."
	}
	return q
}
