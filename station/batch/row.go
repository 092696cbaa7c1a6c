package batch

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"provstation/station"
)

// shortened is what a spreadsheet makes of a long number: its last digits are lost.
var shortened = regexp.MustCompile(`(?i)^[0-9]([.,][0-9]+)?e\+[0-9]+$`)

// row checks one row and takes it in. All its faults are noted.
func (l *list) row(line int, cells []string) {
	if len(cells) != l.width {
		l.fault(line, "", "list.cells", "list.next.cells", "have", strconv.Itoa(len(cells)), "want", strconv.Itoa(l.width))
		return
	}
	d := station.BatchDevice{Line: line}
	serial, serialOK := l.cell(line, FieldHardwareSerial, cells)
	id, idOK := l.cell(line, FieldDeviceID, cells)
	label, labelOK := l.cell(line, FieldLabel, cells)
	d.HardwareSerial, d.DeviceID, d.Label = serial, id, label
	l.complete(line, serial, id, label)
	if serialOK && serial != "" {
		l.serial(line, serial)
	}
	if idOK && id == "" && serial != "" && serialOK && l.cfg.Template != nil {
		d.DeviceID, idOK = l.templated(line, serial)
	}
	if idOK && d.DeviceID != "" {
		l.id(line, d.DeviceID)
	}
	if labelOK && label != "" {
		l.label(line, label, idOK && d.DeviceID == "")
	}
	l.devices = append(l.devices, d)
}

// cell reads a field's cell, without space around it. ok is false when it cannot be used; that is noted then, and the
// value is not compared with others.
func (l *list) cell(line int, field string, cells []string) (value string, ok bool) {
	i, is := l.column[field]
	if !is {
		return "", true
	}
	limit := map[string]int{FieldHardwareSerial: MaxHardwareSerial, FieldDeviceID: MaxDeviceID, FieldLabel: MaxLabel}[field]
	v := strings.TrimSpace(cells[i])
	switch {
	case !utf8.ValidString(cells[i]):
		l.fault(line, l.headers[i], "list.encoding", "list.next.csv", "value", shown(v))
	case v != printable(v):
		l.fault(line, l.headers[i], "list.control", "list.next.retype", "value", shown(v))
	case len(v) > limit:
		l.fault(line, l.headers[i], "list.long", "list.next.retype", "value", shown(v), "limit", strconv.Itoa(limit))
	default:
		return strings.Clone(v), true // not a part of the whole line, which would be kept with it
	}
	return unusable, false
}

// unusable stands for a value that is there but cannot be used, so that nobody calls the cell empty.
const unusable = "?"

// complete wants the cells that a row needs: every hardware serial and device id that there is a column for, the id only
// if no template gives it; a label where it is all that a device is known by.
func (l *list) complete(line int, serial, id, label string) {
	need := func(field, value string) {
		if i, is := l.column[field]; is && value == "" {
			l.fault(line, l.headers[i], "list.empty", "list.next.fill")
		}
	}
	need(FieldHardwareSerial, serial)
	if l.cfg.Template == nil || serial == "" {
		need(FieldDeviceID, id)
	}
	if len(l.column) == 1 {
		need(FieldLabel, label)
	}
}

func (l *list) serial(line int, serial string) {
	header := l.used[FieldHardwareSerial]
	switch {
	case station.JunkSerial(serial):
		l.fault(line, header, "list.junk", "list.next.serial", "value", shown(serial))
	case shortened.MatchString(serial):
		l.fault(line, header, "list.shortened", "list.next.text", "value", shown(serial))
	default:
		l.unique(line, FieldHardwareSerial, serial)
	}
}

func (l *list) templated(line int, serial string) (id string, ok bool) {
	id, err := l.cfg.Template(serial)
	if err != nil {
		l.fault(line, l.columnOf(FieldDeviceID), "list.template", "list.next.template", "value", shown(serial), "detail", printable(err.Error()))
		return "", false
	}
	return id, true
}

func (l *list) id(line int, id string) {
	if l.cfg.ValidID != nil {
		if err := l.cfg.ValidID(id); err != nil {
			l.fault(line, l.columnOf(FieldDeviceID), "list.id", "list.next.id", "value", shown(id), "detail", printable(err.Error()))
			return
		}
	}
	if len(id) > MaxDeviceID || id != printable(id) { // of a template, where no house rule is given
		l.fault(line, l.columnOf(FieldDeviceID), "list.long", "list.next.template", "value", shown(id), "limit", strconv.Itoa(MaxDeviceID))
		return
	}
	l.unique(line, FieldDeviceID, id)
}

// label checks a label; isID: the row has no other id.
func (l *list) label(line int, label string, isID bool) {
	if isID && l.cfg.LabelIsID && l.cfg.ValidID != nil {
		if err := l.cfg.ValidID(label); err != nil {
			l.fault(line, l.columnOf(FieldLabel), "list.id", "list.next.id", "value", shown(label), "detail", printable(err.Error()))
			return
		}
	}
	l.unique(line, FieldLabel, label)
}

// unique notes a value that another row has, too. A label must also not be the id or serial of another device: who scans
// it could mean either.
func (l *list) unique(line int, field, value string) {
	same := "same:" + field + ":" + foldBy(field, value)
	at, twice := l.first[same]
	if !twice {
		l.first[same] = place{line, field}
		at, twice = l.mistakable(line, field, value)
	}
	if twice {
		l.fault(line, l.columnOf(field), "list.duplicate", "list.next.duplicate", "value", shown(value), "line", strconv.Itoa(at.line),
			"other", l.columnOf(at.field))
	}
}

// mistakable finds the other row that a scan of the value could mean.
func (l *list) mistakable(line int, field, value string) (place, bool) {
	scan := func(f string) string { return "scan:" + f + ":" + fold(value) }
	if _, is := l.first[scan(field)]; !is {
		l.first[scan(field)] = place{line, field}
	}
	others := []string{FieldLabel}
	if field == FieldLabel {
		others = []string{FieldHardwareSerial, FieldDeviceID}
	}
	for _, o := range others {
		if p, is := l.first[scan(o)]; is && p.line != line {
			return p, true
		}
	}
	return place{}, false
}

// columnOf is a field's header; the field's name where it has no column and a template gives it.
func (l *list) columnOf(field string) string {
	if h := l.used[field]; h != "" {
		return h
	}
	return field
}

// fold makes device ids and labels comparable.
func fold(s string) string { return strings.ToLower(s) }

// foldBy is what a value is compared by: hardware serials are compared exactly.
func foldBy(field, value string) string {
	if field == FieldHardwareSerial {
		return value
	}
	return fold(value)
}
