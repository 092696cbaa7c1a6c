package batch

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"provstation/station"
)

// list is one file while it is read.
type list struct {
	cfg     ReadConfig
	faults  []Fault
	devices []station.BatchDevice

	width   int            // cells of the header
	headers []string       // printable
	column  map[string]int // field to its column
	used    map[string]string
	ignored []string
	first   map[string]place // what must be unique, to where it stood first
}

// place is where something stands.
type place struct {
	line  int
	field string
}

// usualNames are headers that a field is found by, letters and digits alone, besides its own name.
var usualNames = map[string][]string{
	FieldHardwareSerial: {
		"serial", "serialnumber", "serialno", "serialnr", "sn", "hwserial", "hwserialnumber", "hwsn", "hardwareserialnumber",
		"boardserial", "cpuserial", "seriennummer", "seriennr", "geraeteseriennummer",
	},
	FieldDeviceID: {"device", "devid", "id", "deviceno", "devicenumber", "name", "devicename", "hostname", "cn", "gerät", "gerätid", "geräteid"},
	FieldLabel:    {"barcode", "labeltext", "qr", "qrcode", "datamatrix", "scan", "etikett", "aufkleber"},
}

// table parses the text and checks every row.
func (l *list) table(text []byte) {
	comma, skip := separator(text)
	r := reader(text, comma)
	rows, began := 0, false
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if rows++; rows > MaxDevices+1 {
			line, _ := r.FieldPos(0)
			l.fault(line, "", "list.too-many", "list.next.split", "limit", strconv.Itoa(MaxDevices))
			return
		}
		var pe *csv.ParseError
		if errors.As(err, &pe) {
			l.fault(pe.StartLine, "", "list.quote", "list.next.quote")
			if !began { // without its header nothing in it can be judged
				return
			}
			continue
		}
		line, _ := r.FieldPos(0)
		switch {
		case skip: // Excel's own first line, sep=;
			skip = false
		case blank(cells):
		case !began:
			began = true
			if !l.header(line, cells) {
				return
			}
		default:
			l.row(line, cells)
		}
	}
	switch {
	case !began:
		l.fault(0, "", "list.no-header", "list.next.header")
	case len(l.devices) == 0 && len(l.faults) == 0:
		l.fault(0, "", "list.no-devices", "list.next.devices")
	}
}

func reader(text []byte, comma rune) *csv.Reader {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = comma, -1, true
	return r
}

// separator finds what stands between cells: what Excel's "sep=" line says, else what makes the most of the header. skip
// says that the first line is not the header.
func separator(text []byte) (comma rune, skip bool) {
	head, _, _ := bytes.Cut(text, []byte{'\n'})
	if rest, ok := strings.CutPrefix(strings.ToLower(strings.TrimRight(string(head), "\r ")), "sep="); ok {
		if c := []rune(rest); len(c) == 1 && strings.ContainsRune(",;\t|", c[0]) {
			return c[0], true
		}
	}
	comma, best := ',', -1
	for _, c := range ",;\t" {
		cells, err := firstRow(text, c)
		if err != nil {
			continue
		}
		score := len(cells)
		for _, cell := range cells {
			if fieldOf(cell) != "" {
				score += 1000 // names that are known tell more than their number
			}
		}
		if score > best {
			comma, best = c, score
		}
	}
	return comma, false
}

func firstRow(text []byte, comma rune) ([]string, error) {
	r := reader(text, comma)
	for {
		cells, err := r.Read()
		if err != nil || !blank(cells) {
			return cells, err
		}
	}
}

// blank rows are what spreadsheets leave of empty ones, whatever they are split by.
func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimFunc(c, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;", r) }) != "" {
			return false
		}
	}
	return true
}

// squeeze keeps letters and digits of a header, in lower case.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// fieldOf is the field that a header usually means, empty if none.
func fieldOf(header string) string {
	s := squeeze(header)
	for _, f := range Fields() {
		if s == squeeze(f) || slices.Contains(usualNames[f], s) {
			return f
		}
	}
	return ""
}

// header maps the columns. It reports whether rows can be read by it.
func (l *list) header(line int, cells []string) bool {
	before := len(l.faults)
	l.width, l.column, l.used = len(cells), map[string]int{}, map[string]string{}
	for i, c := range cells {
		name := strings.TrimSpace(c)
		if !utf8.ValidString(c) { // a name that is known could be unreadable
			l.fault(line, "", "list.encoding", "list.next.csv", "value", shown(name))
		}
		name = printable(name)
		if name == "" {
			name = "#" + strconv.Itoa(i+1)
		}
		l.headers = append(l.headers, clip(name))
	}
	for _, f := range Fields() {
		if l.cfg.Columns[f] != "" {
			l.mapped(line, f, cells)
		}
	}
	for _, f := range Fields() {
		if l.cfg.Columns[f] == "" {
			l.found(line, f, cells)
		}
	}
	if len(l.column) == 0 && len(l.faults) == before {
		l.fault(line, "", "list.no-column", "list.next.column", "columns", strings.Join(some(l.headers), ", "))
	}
	for i, h := range l.headers {
		if !l.taken(i) && len(l.ignored) < 64 {
			l.ignored = append(l.ignored, h)
		}
	}
	return len(l.faults) == before
}

// mapped finds the column that the configuration names for a field.
func (l *list) mapped(line int, field string, cells []string) {
	want := strings.TrimSpace(l.cfg.Columns[field])
	at := -1
	for i, c := range cells {
		if !strings.EqualFold(strings.TrimSpace(c), want) {
			continue
		}
		if at >= 0 {
			l.fault(line, l.headers[i], "list.column-twice", "list.next.rename", "field", field)
			return
		}
		at = i
	}
	switch {
	case at < 0:
		l.fault(line, clip(printable(want)), "list.column-missing", "list.next.column", "field", field,
			"columns", strings.Join(some(l.headers), ", "))
	case l.taken(at):
		l.fault(line, l.headers[at], "list.column-shared", "list.next.column", "field", field,
			"columns", strings.Join(some(l.headers), ", "))
	default:
		l.use(field, at)
	}
}

// found looks for a field's column by its usual names. Its own name goes before the others.
func (l *list) found(line int, field string, cells []string) {
	var fit, exact []int
	for i, c := range cells {
		if fieldOf(c) != field || l.taken(i) {
			continue
		}
		if fit = append(fit, i); squeeze(c) == squeeze(field) {
			exact = append(exact, i)
		}
	}
	if len(exact) > 0 {
		fit = exact
	}
	switch len(fit) {
	case 0:
	case 1:
		l.use(field, fit[0])
	default:
		l.fault(line, l.headers[fit[1]], "list.column-unclear", "list.next.which", "field", field, "other", l.headers[fit[0]])
	}
}

func (l *list) use(field string, i int) {
	l.column[field], l.used[field] = i, l.headers[i]
}

func (l *list) taken(i int) bool {
	for _, at := range l.column {
		if at == i {
			return true
		}
	}
	return false
}

func clip(s string) string {
	const most = 40 // runes
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}

// some is as many headers as a sentence bears.
func some(headers []string) []string {
	const most = 12
	if len(headers) <= most {
		return headers
	}
	return append(slices.Clone(headers[:most]), "...")
}
