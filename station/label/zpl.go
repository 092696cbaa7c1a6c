package label

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// zplText is text that ends up in a ^FD after ^FH. However a template writes it out, it comes out escaped.
type zplText string

// Format writes the text escaped for every verb; width and precision count characters of the text itself.
func (z zplText) Format(f fmt.State, _ rune) {
	s := string(z)
	if n, ok := f.Precision(); ok {
		s = cut(s, 0, n)
	}
	if n, ok := f.Width(); ok {
		space := strings.Repeat(" ", max(0, min(n, MaxField)-utf8.RuneCountInString(s)))
		if f.Flag('-') {
			s += space
		} else {
			s = space + s
		}
	}
	_, _ = io.WriteString(f, EscapeZPL(s))
}

// EscapeZPL makes a text fit for a ^FD that has ^FH before it, under ^CI28 (ZPL II Programming Guide, ^FH and ^CI): the command
// prefixes ^ and ~, the escape character _ itself, the backslash that ^FB reads, control characters, and everything beyond
// ASCII, as the hexadecimal bytes of its UTF-8. Only letters, digits and harmless signs stay as they are.
func EscapeZPL(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '^', c == '~', c == '_', c == '\\', c < ' ', c >= 0x7f:
			b.WriteByte('_')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Errors of ZPL that a printer would misunderstand.
var (
	errNoFormat  = errors.New("zpl: want one or more formats from ^XA to ^XZ")
	errOpenField = errors.New("zpl: a ^FD has no ^FS")
	errNoHex     = errors.New("zpl: a field with an escape has no ^FH, or one with another character than _")
	errNoUTF8    = errors.New("zpl: characters beyond ASCII need ^CI28")
	errPrefix    = errors.New("zpl: a label must not change the command prefixes (^CC, ^CT, ^CD)")
)

// fieldKind is how a ZPL field is shown.
type fieldKind int

const (
	fieldText fieldKind = iota
	fieldQR
	fieldBar
)

// zplField is one field of a label as it is printed.
type zplField struct {
	x, y int
	kind fieldKind
	text string
}

// zplReader goes through a label command by command: just enough of the language to show what is on it.
type zplReader struct {
	list   []zplField
	now    zplField
	hex    byte // escape character of ^FH; 0: none
	open   bool // a ^FD awaits its ^FS
	format bool // between ^XA and ^XZ
	utf8   bool // ^CI28 was there
	count  int  // formats
}

// readZPL lists the fields of a label, and refuses one that a printer would not take as it was meant.
func readZPL(b []byte) ([]zplField, error) {
	var z zplReader
	for len(b) > 0 {
		if b[0] != '^' && b[0] != '~' {
			if len(bytes.TrimSpace(b[:1])) > 0 && !z.format {
				return nil, errNoFormat
			}
			b = b[1:]
			continue
		}
		end := bytes.IndexAny(b[1:], "^~") + 1
		if end == 0 {
			end = len(b)
		}
		if err := z.command(b[:end]); err != nil {
			return nil, err
		}
		b = b[end:]
	}
	if z.format || z.count == 0 {
		return nil, errNoFormat
	}
	return z.list, nil
}

func (z *zplReader) command(c []byte) error {
	if len(c) < 3 {
		return errNoFormat
	}
	name, arg := string(c[:3]), string(c[3:])
	if z.open && name != "^FS" {
		return errOpenField
	}
	switch name {
	case "^XA":
		if z.format {
			return errNoFormat
		}
		z.format, z.now = true, zplField{}
		z.count++
	case "^XZ":
		if !z.format {
			return errNoFormat
		}
		z.format = false
	case "^CC", "^CT", "^CD", "~CC", "~CT", "~CD":
		return errPrefix
	case "^CI":
		z.utf8 = strings.TrimSpace(arg) == "28"
	case "^FO", "^FT":
		z.now.x, z.now.y = position(arg)
	case "^BQ":
		z.now.kind = fieldQR
	case "^BC":
		z.now.kind = fieldBar
	case "^FH":
		z.hex = '_'
		if arg = strings.TrimSpace(arg); arg != "" {
			z.hex = arg[0]
		}
	case "^FD", "^FV":
		if err := z.data(arg); err != nil {
			return err
		}
	case "^FS":
		if z.open && z.now.text != "" {
			z.list = append(z.list, z.now)
		}
		z.now, z.hex, z.open = zplField{}, 0, false
	}
	return nil
}

func (z *zplReader) data(arg string) error {
	z.open = true
	if z.hex != '_' && unescapeZPL(arg, '_') != arg {
		return errNoHex
	}
	if z.hex != 0 {
		arg = unescapeZPL(arg, z.hex)
	}
	if !z.utf8 && strings.ContainsFunc(arg, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return errNoUTF8
	}
	switch z.now.kind {
	case fieldQR: // level, input mode, comma, data
		if _, data, ok := strings.Cut(arg, ","); ok {
			arg = data
		}
	case fieldBar:
		arg = strings.ReplaceAll(arg, ">0", ">")
	}
	z.now.text = clean(arg)
	return nil
}

func position(arg string) (x, y int) {
	f := strings.Split(strings.TrimSpace(arg), ",")
	x, _ = strconv.Atoi(f[0]) // a position that cannot be read is the corner
	if len(f) > 1 {
		y, _ = strconv.Atoi(f[1])
	}
	return x, y
}

func unescapeZPL(s string, mark byte) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == mark && i+2 < len(s) {
			if v, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b.WriteByte(v[0])
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
