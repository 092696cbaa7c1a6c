package label

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const maxPreview = 200 // lines

// Preview is the label as lines of printable text, for the screen: the QR code in half blocks, and beside it what is
// printed, from top to bottom. What is wrong with the label is the text then.
func (t *Template) Preview(d Data) []string { return t.preview(d, QRHalfBlocks) }

// PreviewASCII is Preview for terminals that show ASCII alone.
func (t *Template) PreviewASCII(d Data) []string { return t.preview(d, QRASCII) }

func (t *Template) preview(d Data, style QRStyle) []string {
	b, err := t.Render(d)
	if err != nil {
		return []string{show(err.Error(), style)}
	}
	var lines []string
	if t.lang == ZPL {
		lines = previewZPL(b, style)
	} else {
		lines = strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	}
	lines = lines[:min(len(lines), maxPreview)]
	for i := range lines {
		lines[i] = show(lines[i], style)
	}
	return lines
}

// previewZPL puts texts in reading order to the right of the first QR code; further codes come below.
func previewZPL(b []byte, style QRStyle) []string {
	list, err := readZPL(b)
	if err != nil {
		return []string{err.Error()}
	}
	slices.SortStableFunc(list, func(a, b zplField) int {
		if a.y != b.y {
			return a.y - b.y
		}
		return a.x - b.x
	})
	var texts, codes []string
	for _, f := range list {
		switch f.kind {
		case fieldQR:
			code, err := QR(f.text, style)
			if err != nil {
				code = []string{err.Error()}
			}
			codes = append(codes, code...)
		case fieldBar:
			texts = append(texts, "|||| "+f.text+" ||||")
		default:
			texts = append(texts, f.text)
		}
	}
	return beside(codes, texts)
}

func beside(left, right []string) []string {
	width := 0
	for _, s := range left {
		width = max(width, utf8.RuneCountInString(s))
	}
	var lines []string
	for i := range max(len(left), len(right)) {
		s := ""
		if i < len(left) {
			s = left[i]
		}
		if i < len(right) && right[i] != "" {
			s += strings.Repeat(" ", width-utf8.RuneCountInString(s)) + "  " + right[i]
		}
		lines = append(lines, s)
	}
	return lines
}

// show makes a line printable, and ASCII where nothing else can be shown. Spaces within it stay: they are part of a QR code.
func show(s string, style QRStyle) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !printableRune(r):
			return -1
		case style == QRASCII && r >= utf8.RuneSelf:
			return '?'
		default:
			return r
		}
	}, s)
}
