package label

import (
	"errors"
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// QRStyle is how a QR code is drawn with characters.
type QRStyle int

// Styles. Ink is dark in both: show them dark on light, or no scanner takes them for what they are.
const (
	QRHalfBlocks QRStyle = iota // two modules to a character, one above the other
	QRASCII                     // two characters to a module: ## and spaces
)

const (
	maxQR = 256 // bytes
	quiet = 2   // modules of border; what surrounds the lines adds to the four of ISO/IEC 18004
)

// QR draws a text as a QR code (model 2, level M). All lines are equally wide.
func QR(text string, style QRStyle) ([]string, error) {
	dark, err := qrMatrix(text)
	if err != nil {
		return nil, err
	}
	n := len(dark)
	at := func(x, y int) bool {
		x, y = x-quiet, y-quiet
		return x >= 0 && y >= 0 && x < n && y < n && dark[y][x]
	}
	var lines []string
	size := n + 2*quiet
	for y := 0; y < size; y++ {
		var b strings.Builder
		for x := range size {
			switch {
			case style == QRASCII && at(x, y):
				b.WriteString("##")
			case style == QRASCII:
				b.WriteString("  ")
			default:
				b.WriteString(halfBlock(at(x, y), at(x, y+1)))
			}
		}
		lines = append(lines, b.String())
		if style == QRHalfBlocks {
			y++
		}
	}
	return lines, nil
}

func halfBlock(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	default:
		return " "
	}
}

func qrBlock(text string, style QRStyle) (string, error) {
	lines, err := QR(text, style)
	return strings.Join(lines, "\n"), err
}

// qrMatrix encodes a text: rows of modules, dark ones true. Bytes are UTF-8, as phones and scanners take them to be.
func qrMatrix(text string) ([][]bool, error) {
	switch {
	case text == "":
		return nil, errors.New("qr code: no text")
	case len(text) > maxQR:
		return nil, fmt.Errorf("qr code: more than %d bytes", maxQR)
	}
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("qr code: %w", err)
	}
	n := code.Bounds().Dx()
	rows := make([][]bool, n)
	for y := range rows {
		rows[y] = make([]bool, n)
		for x := range n {
			rows[y][x] = color.Gray16Model.Convert(code.At(x, y)) == color.Black
		}
	}
	return rows, nil
}

// qrModules is how many modules a side has when the printer encodes bytes: it may do better, not worse.
func qrModules(text string) (int, error) {
	if text == "" || len(text) > maxQR {
		return 0, fmt.Errorf("qr code: want 1 to %d bytes, got %d", maxQR, len(text))
	}
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return 0, fmt.Errorf("qr code: %w", err)
	}
	return code.Bounds().Dx(), nil
}
