package ledger

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"provstation/station/audit"
)

// tables compares every audited row of the ledger with its newest state in the chains.
func (v *verifier) tables(ctx context.Context) error {
	for _, name := range auditedNames() {
		var odd []oddRow
		err := v.each(ctx, func(columns []string, row []any) error {
			v.report.Rows++
			o, err := v.compare(name, columns, row)
			if err == nil && o != nil && len(odd) < findingsMax {
				odd = append(odd, *o)
			}
			return err
		}, "SELECT * FROM "+name)
		if err != nil {
			return err
		}
		for _, o := range odd {
			if err := v.explain(ctx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// oddRow is a row that is not as the chain says.
type oddRow struct {
	change  audit.Change
	columns []string
	row     []any
	states  []*rowState // none: the chain does not know it
}

func (v *verifier) compare(table string, columns []string, row []any) (*oddRow, error) {
	a, _ := auditedTables(table)
	if err := a.complete(table, columns); err != nil {
		return nil, err
	}
	c := audit.Change{Table: table, Columns: make(map[string]any, len(columns))}
	for _, k := range a.keys {
		c.Key = append(c.Key, audit.Value(row[slices.Index(columns, k)]))
	}
	for i, name := range columns {
		value := row[i]
		switch {
		case name == a.derived:
			continue
		case a.person(name):
			if p, ok := v.pseudo[text(value)]; ok {
				value = p
			}
		}
		c.Columns[name] = audit.Value(value)
	}
	if table == "runs" && searchText(columns, row) != text(row[slices.Index(columns, a.derived)]) {
		v.found(audit.Finding{Kind: audit.ValueDiffers, Table: table, Row: rowText(c), Column: a.derived})
	}
	id, err := idOf(c)
	if err != nil {
		return nil, err
	}
	s, ok := v.states[id]
	if !ok {
		return &oddRow{change: c}, nil
	}
	sum, err := c.Sum()
	if err != nil {
		return nil, err
	}
	s.seen = true
	states := append([]*rowState{s}, v.alts[id]...)
	if told(states, sum) {
		return nil, nil
	}
	if before, ok := a.before(c); ok {
		if sum, err = before.Sum(); err != nil {
			return nil, err
		}
		if told(states, sum) {
			return nil, nil
		}
	}
	return &oddRow{c, columns, row, states}, nil
}

func told(states []*rowState, sum audit.Digest) bool {
	return slices.ContainsFunc(states, func(s *rowState) bool { return !s.deleted && s.sum == [16]byte(sum[:16]) })
}

// before is the row as a chain told it that had not heard of columns which were added since; ok is false if one of them does
// not hold what it had to begin with.
func (a audited) before(c audit.Change) (was audit.Change, ok bool) {
	if len(a.added) == 0 {
		return c, false
	}
	was = c
	was.Columns = maps.Clone(c.Columns)
	for name, value := range a.added {
		if !audit.Same(c.Columns[name], audit.Value(value)) {
			return c, false
		}
		delete(was.Columns, name)
	}
	return was, true
}

// complete refuses a table without a column that is looked at by its name; what else its schema lacks is named with the
// values.
func (a audited) complete(table string, columns []string) error {
	needed := slices.Clone(a.keys)
	if a.derived != "" {
		needed = append(append(needed, a.derived), searched()...)
	}
	for _, name := range needed {
		if !slices.Contains(columns, name) {
			return fmt.Errorf("table %s: column %s is gone: %w", table, name, ErrCorrupt)
		}
	}
	return nil
}

// searched are the columns that a run is searched by.
func searched() []string {
	return []string{"operator", "batch", "slot", "hardware_serial", "device_id", "code"}
}

// searchText is what a run is searched by, made of its columns as refold makes it.
func searchText(columns []string, row []any) string {
	var parts []string
	for _, name := range searched() {
		part := ""
		if value := row[slices.Index(columns, name)]; value != nil {
			part = text(value)
		}
		parts = append(parts, part)
	}
	return searchOf(parts)
}

// explain names the columns that differ.
func (v *verifier) explain(ctx context.Context, o oddRow) error {
	at := audit.Finding{Table: o.change.Table, Row: rowText(o.change)}
	if len(o.states) == 0 || o.states[0].deleted {
		at.Kind = audit.RowUnknown
		if len(o.states) > 0 {
			at.Detail = "it was deleted"
		}
		v.found(at)
		return nil
	}
	was, err := v.change(ctx, o.states[0])
	if err != nil {
		return err
	}
	a, _ := auditedTables(o.change.Table)
	for name, value := range a.added {
		if _, told := was.Columns[name]; !told {
			was.Columns[name] = audit.Value(value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was.Columns)) {
		i := slices.Index(o.columns, name)
		if i < 0 { // a later schema has it no more
			continue
		}
		if a.person(name) {
			v.person(at, name, text(was.Columns[name]), text(o.row[i]))
			continue
		}
		if have := audit.Value(o.row[i]); !audit.Same(was.Columns[name], have) {
			f := at
			f.Kind, f.Column, f.Station, f.N = audit.ValueDiffers, name, o.states[0].chain, o.states[0].n
			f.Detail = "it is " + valueText(have) + " and was " + valueText(was.Columns[name])
			v.found(f)
		}
	}
	return nil
}

// person holds a name against its pseudonym. One that was erased is the pseudonym itself.
func (v *verifier) person(f audit.Finding, column, was, have string) {
	name, known := v.names[was]
	if have == was || known && have == name {
		return
	}
	f.Kind, f.Column = audit.ValueDiffers, column
	if !known && audit.IsPseudonym(was) {
		f.Kind, f.Detail = audit.Person, "nobody is on record as "+was
	}
	v.found(f)
}

// missing names the rows that the chains know and the ledger does not.
func (v *verifier) missing(ctx context.Context) error {
	var gone []*rowState
	for _, s := range v.states {
		if !s.seen && !s.deleted && len(gone) < findingsMax {
			gone = append(gone, s)
		}
	}
	slices.SortFunc(gone, func(a, b *rowState) int {
		if a.chain != b.chain {
			return strings.Compare(a.chain, b.chain)
		}
		if a.n != b.n {
			return int(a.n) - int(b.n) //nolint:gosec // far below
		}
		return a.index - b.index
	})
	for _, s := range gone {
		c, err := v.change(ctx, s)
		if err != nil {
			return err
		}
		v.found(audit.Finding{Kind: audit.RowMissing, Station: s.chain, N: s.n, Table: c.Table, Row: rowText(c)})
	}
	return nil
}

// rowText is a row's key for people.
func rowText(c audit.Change) string {
	parts := make([]string, len(c.Key))
	for i, k := range c.Key {
		parts[i] = strings.Trim(valueText(k), `"`)
	}
	return strings.Join(parts, "/")
}

func valueText(v any) string {
	switch x := v.(type) {
	case nil:
		return "nothing"
	case []byte:
		return hex.EncodeToString(x)
	case audit.Hidden:
		return "a text with the digest " + audit.Digest(x).String()[:16]
	case string:
		return fmt.Sprintf("%q", free(x))
	default:
		return fmt.Sprint(x)
	}
}
