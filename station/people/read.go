package people

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"provstation/station"
)

// Problem is one thing that is wrong with a file. It never shows a badge.
type Problem struct {
	Line int // from 1, the header included; 0: the file as a whole
	Text string
}

// Error is everything that is wrong with a file.
type Error struct {
	Name     string // of the file; may be empty
	Problems []Problem
}

const maxShown = 20 // problems in an error's text; Problems has them all

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("read people")
	if e.Name != "" {
		fmt.Fprintf(&b, " %s", e.Name)
	}
	for i, p := range e.Problems {
		if i == maxShown {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Problems)-maxShown)
			break
		}
		if p.Line > 0 {
			fmt.Fprintf(&b, "\n  line %d: %s", p.Line, p.Text)
		} else {
			fmt.Fprintf(&b, "\n  %s", p.Text)
		}
	}
	return b.String()
}

// Load reads a file, see [Read].
func Load(path string, cfg Config) (*List, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	defer f.Close()
	list, err := Read(f, cfg)
	var e *Error
	if errors.As(err, &e) {
		e.Name = path
	}
	return list, err
}

// Read reads a list: a header with the columns name, badge or badge_sha256 (hex), and role, in any order and case; others
// are left alone. A badge may be missing (that person types the name), a role too (operator). Separated by commas or, as some
// spreadsheets write it, semicolons. What is wrong with the content is in an *[Error], all of it at once.
func Read(r io.Reader, cfg Config) (*List, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read people: %w", err)
	}
	p := parser{list: &List{cfg: cfg, byName: map[string]int{}}, names: map[string]int{}, badges: map[[sha256.Size]byte]int{}}
	switch {
	case len(data) > MaxFile:
		p.wrong(0, "the file is larger than 1 MiB")
	case !utf8.Valid(data):
		p.wrong(0, "the file is not UTF-8: save it as CSV UTF-8")
	default:
		p.parse(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	}
	if len(p.problems) > 0 {
		return nil, &Error{Problems: p.problems}
	}
	return p.list, nil
}

type parser struct {
	list     *List
	problems []Problem
	col      map[string]int
	names    map[string]int // folded name to line
	badges   map[[sha256.Size]byte]int
}

// Columns of a file.
const (
	colName  = "name"
	colBadge = "badge"
	colHash  = "badge_sha256"
	colRole  = "role"
)

func (p *parser) wrong(line int, format string, args ...any) {
	p.problems = append(p.problems, Problem{line, fmt.Sprintf(format, args...)})
}

func (p *parser) parse(data []byte) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	head, _, _ := bytes.Cut(data, []byte("\n"))
	if bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		r.Comma = ';'
	}
	for first := true; ; {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			if first {
				p.wrong(0, "the file is empty: want a header line with name, badge, role")
			} else if len(p.list.people) == 0 && len(p.problems) == 0 {
				p.wrong(0, "nobody is on the list")
			}
			return
		}
		if err != nil {
			p.csvTrouble(err)
			return
		}
		line, _ := r.FieldPos(0)
		if first {
			first = false
			if !p.header(line, row) {
				return
			}
			continue
		}
		if strings.TrimSpace(strings.Join(row, "")) == "" {
			continue
		}
		if len(p.list.people) == MaxPeople {
			p.wrong(line, "more than %d people", MaxPeople)
			return
		}
		p.row(line, row)
	}
}

// csvTrouble reports where the quoting is broken. What follows cannot be told apart any more.
func (p *parser) csvTrouble(err error) {
	var e *csv.ParseError
	if errors.As(err, &e) {
		p.wrong(e.Line, "%v", e.Err)
		return
	}
	p.wrong(0, "%v", err)
}

func (p *parser) header(line int, row []string) bool {
	p.col = map[string]int{}
	before := len(p.problems)
	for i, name := range row {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name {
		case colName, colBadge, colHash, colRole:
			if _, ok := p.col[name]; ok {
				p.wrong(line, "column %s is there twice", name)
			}
			p.col[name] = i
		}
	}
	if _, ok := p.col[colName]; !ok {
		p.wrong(line, "column name is missing: want a header line with name, badge, role")
	}
	_, plain := p.col[colBadge]
	_, hashed := p.col[colHash]
	if !plain && !hashed {
		p.wrong(line, "column badge (or badge_sha256) is missing")
	}
	return len(p.problems) == before
}

// cell is a row's value in a column, without the spaces around it.
func (p *parser) cell(row []string, col string) string {
	i, ok := p.col[col]
	if !ok || i >= len(row) {
		return ""
	}
	return strings.Trim(row[i], " ")
}

func (p *parser) row(line int, row []string) {
	name := oneSpaced(p.cell(row, colName))
	if why := nameTrouble(name); why != "" {
		p.wrong(line, "%s", why)
	} else if other, ok := p.names[fold(name)]; ok {
		p.wrong(line, "%s is on line %d already", name, other)
	} else {
		p.names[fold(name)] = line
	}
	role := station.Role(strings.ToLower(p.cell(row, colRole)))
	switch role {
	case "":
		role = station.RoleOperator
	case station.RoleOperator, station.RoleLead:
	default:
		p.wrong(line, "unknown role: want operator, lead, or nothing")
	}
	hash, has, why := p.hash(row)
	if why != "" {
		p.wrong(line, "%s", why)
	}
	person := len(p.list.people)
	p.list.people = append(p.list.people, station.Person{Name: name, Role: role})
	p.list.byName[fold(name)] = person
	if !has {
		return
	}
	if other, ok := p.badges[hash]; ok {
		p.wrong(line, "the badge is on line %d already", other)
	}
	p.badges[hash] = line
	p.list.badges = append(p.list.badges, badge{hash, person})
}

// hash is the SHA-256 of a row's badge. why never shows the badge.
func (p *parser) hash(row []string) (hash [sha256.Size]byte, has bool, why string) {
	text, hexed := p.cell(row, colBadge), p.cell(row, colHash)
	if text != "" && hexed != "" {
		return hash, false, "both badge and badge_sha256 are given"
	}
	if hexed != "" {
		sum, err := hex.DecodeString(hexed)
		if err != nil || len(sum) != len(hash) {
			return hash, false, "badge_sha256 is not 64 hexadecimal digits"
		}
		return [sha256.Size]byte(sum), true, ""
	}
	if text == "" {
		return hash, false, ""
	}
	text = p.list.cfg.bare(text)
	switch {
	case len(text) < MinBadge:
		return hash, false, fmt.Sprintf("badge is shorter than %d characters", MinBadge)
	case len(text) > MaxBadge:
		return hash, false, fmt.Sprintf("badge is longer than %d bytes", MaxBadge)
	case !printable(text):
		return hash, false, "badge has a character that cannot be printed"
	case rounded(text):
		return hash, false, "badge was turned into a rounded number by a spreadsheet: format the column as text"
	}
	return sha256.Sum256([]byte(text)), true, ""
}

// rounded reports whether a text is what a spreadsheet makes of a long row of digits: 4,71E+11.
func rounded(s string) bool {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(s), "E+")
	return ok && digits(strings.NewReplacer(",", "", ".", "").Replace(mantissa)) && digits(exponent)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
