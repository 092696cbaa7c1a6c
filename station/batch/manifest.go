package batch

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"provstation/station"
)

// Bounds of a batch list and of what is in it, in bytes where nothing else is said.
const (
	MaxFile           = 4 << 20
	MaxDevices        = 20_000 // rows
	MaxLine           = 64 << 10
	MaxHardwareSerial = 64
	MaxDeviceID       = 63
	MaxLabel          = 256
	MaxName           = 64
)

// Fields of a device that a column of a list can hold.
const (
	FieldHardwareSerial = "hardware_serial"
	FieldDeviceID       = "device_id"
	FieldLabel          = "label"
)

// Fields lists every field, in the order they are said.
func Fields() []string { return []string{FieldHardwareSerial, FieldDeviceID, FieldLabel} }

// Manifest is a list of expected devices that passed every check.
type Manifest struct {
	Name    string // of the batch: given, or the file's name without its ending
	Path    string
	Digest  []byte // SHA-256 of the file
	Devices []station.BatchDevice

	Columns map[string]string // field to the header it was read from
	Ignored []string          // headers of columns that nothing was read from, printable
}

// ReadConfig says how to read a list. Its zero value reads a list whose headers have one of the built-in names.
type ReadConfig struct {
	Path string // said in faults and kept in the manifest; nothing is opened
	Name string // of the batch; empty: taken from Path

	// Columns maps a field ([Fields]) to the header of its column in the file, without regard to case. A field that is
	// not in it is found by its usual names (serial, S/N, device id, barcode...).
	Columns map[string]string
	// Template gives the device id of a row that has none, by its hardware serial. Nil: such a row keeps none.
	Template func(hardwareSerial string) (string, error)
	// ValidID is the house rule of device ids. Nil: any printable text of at most [MaxDeviceID].
	ValidID func(id string) error
	// LabelIsID says that a row without a device id goes by its label, which must be a valid id then.
	LabelIsID bool
	// Text gives the catalogue's sentence for a key and its parameters, name and value in turn. Nil: the key and the
	// parameters themselves.
	Text func(key string, pairs ...string) string
}

// Read reads a list of expected devices: CSV (RFC 4180) with a header line, separated by comma, semicolon or tab. It is
// checked as a whole: the error is a [*ManifestError] with every fault in it, and then there is no manifest at all. Any
// other error is r's. A cell is plain data, whatever it begins with.
func Read(r io.Reader, cfg ReadConfig) (Manifest, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return Manifest{}, fmt.Errorf("read batch list %s: %w", cfg.Path, err)
	}
	l := &list{cfg: cfg, first: map[string]place{}}
	if text, ok := l.decode(raw); ok {
		l.table(text)
	}
	name := l.name()
	if len(l.faults) > 0 {
		return Manifest{}, &ManifestError{Path: cfg.Path, Faults: l.faults}
	}
	digest := sha256.Sum256(raw)
	return Manifest{
		Name: name, Path: cfg.Path, Digest: digest[:], Devices: l.devices, Columns: l.used, Ignored: l.ignored,
	}, nil
}

// decode judges the file as a whole before anything is parsed, and takes a byte order mark off.
func (l *list) decode(raw []byte) ([]byte, bool) {
	switch {
	case len(raw) > MaxFile:
		l.fault(0, "", "list.too-big", "list.next.split", "limit", strconv.Itoa(MaxFile>>20)+" MiB")
		return nil, false
	case bytes.HasPrefix(raw, []byte("PK\x03\x04")), bytes.HasPrefix(raw, []byte("\xd0\xcf\x11\xe0")): // xlsx or ods, xls
		l.fault(0, "", "list.workbook", "list.next.csv")
		return nil, false
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}), bytes.HasPrefix(raw, []byte{0xfe, 0xff}), bytes.IndexByte(raw, 0) >= 0:
		l.fault(0, "", "list.utf16", "list.next.csv")
		return nil, false
	}
	text := bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(text, '\n') < 0 { // line ends of old Macintosh programs
		text = bytes.ReplaceAll(text, []byte{'\r'}, []byte{'\n'})
	}
	n, ok := 0, true
	for line := range bytes.Lines(text) {
		if n++; len(line) > MaxLine {
			l.fault(n, "", "list.line-long", "list.next.csv", "limit", strconv.Itoa(MaxLine))
			ok = false
			break
		}
	}
	return text, ok
}

// name is the batch's: given, or made from the file's.
func (l *list) name() string {
	name := l.cfg.Name
	if name == "" {
		base := filepath.Base(strings.ReplaceAll(l.cfg.Path, "\\", "/"))
		name = strings.TrimSpace(printable(strings.TrimSuffix(base, filepath.Ext(base))))
		for len(name) > MaxName {
			_, n := utf8.DecodeLastRuneInString(name)
			name = name[:len(name)-n]
		}
		if l.cfg.Path == "" {
			name = ""
		}
	}
	if name == "" || len(name) > MaxName || name != strings.TrimSpace(name) || name != printable(name) {
		l.fault(0, "", "list.name", "list.next.name", "limit", strconv.Itoa(MaxName))
	}
	return name
}

// printable drops what must not reach a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
