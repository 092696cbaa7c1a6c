package label_test

import (
	"strings"
	"testing"

	"provstation/station/label"
)

// qrGrid reads a drawn code back into modules, without its border.
func qrGrid(t *testing.T, lines []string, style label.QRStyle) [][]bool {
	t.Helper()
	var grid [][]bool
	for _, line := range lines {
		var upper, lower []bool
		r := []rune(line)
		for i := 0; i < len(r); i++ {
			if style == label.QRASCII {
				upper = append(upper, r[i] == '#')
				i++
				continue
			}
			upper = append(upper, r[i] == '█' || r[i] == '▀')
			lower = append(lower, r[i] == '█' || r[i] == '▄')
		}
		grid = append(grid, upper)
		if style == label.QRHalfBlocks {
			grid = append(grid, lower)
		}
	}
	n := len(grid[0])
	var inner [][]bool
	for y := 2; y < n-2; y++ {
		if len(grid[y]) != n {
			t.Fatalf("row %d: got %d modules, want %d", y, len(grid[y]), n)
		}
		inner = append(inner, grid[y][2:n-2])
	}
	return inner
}

// qrRead decodes a code of one block at level M by ISO/IEC 18004, versions 1 to 3, without correcting errors. It shares
// nothing with the library that made the code.
func qrRead(t *testing.T, m [][]bool) string {
	t.Helper()
	n := len(m)
	version := (n - 17) / 4
	if n != 17+4*version || version < 1 || version > 3 {
		t.Fatalf("got %d modules a side, want version 1 to 3", n)
	}
	for i := range 7 { // the dark rim of the three finder patterns
		if !m[0][i] || !m[i][0] || !m[0][n-1-i] || !m[i][n-1] || !m[n-1][i] || !m[n-1-i][0] {
			t.Fatal("a finder pattern is broken")
		}
	}
	// Format information beside the upper left finder pattern, masked with 101010000010010: level and mask come first.
	format := 0
	for _, x := range []int{0, 1, 2, 3, 4} {
		format <<= 1
		if m[8][x] {
			format |= 1
		}
	}
	format ^= 0b10101
	if level := format >> 3; level != 0b00 {
		t.Fatalf("got level %02b, want 00 (M)", level)
	}
	bits := qrBits(m, n, version, format&7)
	take := func(k int) (v int) {
		for range k {
			v = v<<1 | bits[0]
			bits = bits[1:]
		}
		return v
	}
	var out strings.Builder
	switch mode := take(4); mode {
	case 0b0001:
		for left := take(10); left > 0; left -= 3 {
			width := map[bool]int{true: 10, false: 1 + 3*left}[left >= 3]
			digits := []byte("000")
			for i, v := min(left, 3)-1, take(width); i >= 0; i, v = i-1, v/10 {
				digits[i] = byte('0' + v%10)
			}
			out.Write(digits[:min(left, 3)])
		}
	case 0b0010:
		const set = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
		for left := take(9); left > 0; left -= 2 {
			if left == 1 {
				out.WriteByte(set[take(6)])
				break
			}
			v := take(11)
			out.WriteByte(set[v/45])
			out.WriteByte(set[v%45])
		}
	case 0b0100:
		for range take(8) {
			out.WriteByte(byte(take(8)))
		}
	default:
		t.Fatalf("got mode %04b", mode)
	}
	return out.String()
}

// qrBits reads the data in the order of the standard: pairs of columns from the right, up and down, without the timing
// column, leaving out what is no data, with the mask taken off.
func qrBits(m [][]bool, n, version, mask int) []int {
	function := func(x, y int) bool {
		if x == 6 || y == 6 || x < 9 && y < 9 || x >= n-8 && y < 9 || x < 9 && y >= n-8 {
			return true
		}
		c := n - 7 // centre of the alignment pattern
		return version > 1 && x >= c-2 && x <= c+2 && y >= c-2 && y <= c+2
	}
	masks := []func(x, y int) bool{
		func(x, y int) bool { return (y+x)%2 == 0 },
		func(_, y int) bool { return y%2 == 0 },
		func(x, _ int) bool { return x%3 == 0 },
		func(x, y int) bool { return (y+x)%3 == 0 },
		func(x, y int) bool { return (y/2+x/3)%2 == 0 },
		func(x, y int) bool { return y*x%2+y*x%3 == 0 },
		func(x, y int) bool { return (y*x%2+y*x%3)%2 == 0 },
		func(x, y int) bool { return ((y+x)%2+y*x%3)%2 == 0 },
	}
	var bits []int
	up := true
	for right := n - 1; right > 0; right -= 2 {
		if right == 6 {
			right--
		}
		for i := range n {
			y := i
			if up {
				y = n - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if function(x, y) {
					continue
				}
				bit := 0
				if m[y][x] != masks[mask](x, y) {
					bit = 1
				}
				bits = append(bits, bit)
			}
		}
		up = !up
	}
	return bits
}

func TestQRReads(t *testing.T) {
	for _, text := range []string{"x", "device-0042", "PS:RETRY", "1234567", "Gerät-7 €", "gateway-0042.acme.example.com", strings.Repeat("a", 40)} {
		for _, style := range []label.QRStyle{label.QRHalfBlocks, label.QRASCII} {
			lines, err := label.QR(text, style)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if got := qrRead(t, qrGrid(t, lines, style)); got != text {
				t.Errorf("style %d: got %q, want %q", style, got, text)
			}
		}
	}
}

func TestQRRefuses(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("a", 257)} {
		if lines, err := label.QR(text, label.QRASCII); err == nil || lines != nil {
			t.Errorf("%d bytes: got %d lines, %v, want an error", len(text), len(lines), err)
		}
	}
}

// A printer draws the code itself: whatever the text, it stays within its place.
func TestQRStaysInPlace(t *testing.T) {
	const place = 168 // dots
	tm, err := label.Parse("a.zpl", "^XA^CI28^FO0,0^BQN,2,{{qrscale 168 .QRText}}^FH^FDMA,{{.QRText}}^FS^XZ")
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 80; n++ {
		text := strings.Repeat("a", n)
		names, args := zplCommands(t, render(t, tm, label.Data{QRText: text}))
		scale := 0
		for i, name := range names {
			if name == "^BQ" {
				scale = int(args[i][len(args[i])-1] - '0')
				if strings.HasSuffix(args[i], "10") {
					scale = 10
				}
			}
		}
		lines, err := label.QR(text, label.QRASCII)
		if err != nil {
			t.Fatal(err)
		}
		if modules := len(lines) - 4; scale < 2 || modules*scale > place {
			t.Errorf("%d characters: got scale %d for %d modules, want 2 or more within %d dots", n, scale, modules, place)
		}
	}
}
