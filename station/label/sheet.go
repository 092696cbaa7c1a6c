package label

import (
	"bytes"
	"fmt"
	"strings"
)

// Code is one code of a [Sheet]: what a scanner reads, and what people read beside it.
type Code struct {
	Text string // printable ASCII, at most 32 characters
	Word string
}

const maxCode = 32 // characters: a Code 128 of so many is as wide as a 100 mm label

// Sheet makes a printable sheet of codes. As text each is a QR code with its word beside it; style says how it is drawn. In
// ZPL each is a label of its own with a Code 128, sized for 50 x 25 mm at 203 dpi where the code fits.
func Sheet(codes []Code, lang Language, style QRStyle) ([]byte, error) {
	var out bytes.Buffer
	for i, c := range codes {
		if len(c.Text) > maxCode || !barFits(1<<10, c.Text) {
			return nil, fmt.Errorf("sheet of codes: code %q: want 1 to %d characters of printable ASCII", clean(c.Text), maxCode)
		}
		if lang == ZPL {
			zplCode(&out, c)
			continue
		}
		lines, err := QR(c.Text, style)
		if err != nil {
			return nil, fmt.Errorf("sheet of codes: %w", err)
		}
		if i > 0 {
			out.WriteString("\n")
		}
		middle := len(lines) / 2
		words := make([]string, middle+1)
		words[middle-1], words[middle] = show(clean(c.Word), style), c.Text
		for _, line := range beside(lines, words) {
			out.WriteString(line + "\n")
		}
	}
	return out.Bytes(), nil
}

// zplCode makes one label: the word above, the bars with their quiet zone of ten modules, the code in letters below.
func zplCode(out *bytes.Buffer, c Code) {
	const narrow, high, module, zone = 400, 200, 2, 20
	bars := module * (11*(len(c.Text)+2) + 13)
	width := max(narrow, bars+2*zone)
	word := clean(c.Word)
	size := fontSize(width-2*zone, 36, word)
	fmt.Fprintf(out, "^XA\n^CI28\n^PW%d\n^LL%d\n^LH0,0\n", width, high)
	fmt.Fprintf(out, "^FO%d,16^A0N,%d^FB%d,1,0,C^FH^FD%s^FS\n", zone, size, width-2*zone, EscapeZPL(cut(word, 0, 64)))
	fmt.Fprintf(out, "^FO%d,60^BY%d^BCN,90,N,N,N^FH^FD%s^FS\n", (width-bars)/2, module, EscapeZPL(strings.ReplaceAll(c.Text, ">", ">0")))
	fmt.Fprintf(out, "^FO%d,164^A0N,22^FB%d,1,0,C^FH^FD%s^FS\n", zone, width-2*zone, EscapeZPL(c.Text))
	out.WriteString("^PQ1\n^XZ\n")
}
