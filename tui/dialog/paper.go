package dialog

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"provstation/tui/widget"
)

// paperMargin is how many cells of paper are left and right of what is printed. A QR code needs light ground around it.
const paperMargin = 2

// paper draws lines as a label of its own, in the middle of w cells: dark on light, with a margin above and below where
// room lines leave one. Where the terminal has no block characters, a QR code is drawn of dark and light cells.
func paper(l widget.Look, lines []string, w, room int) []string {
	if l.Signs.ASCII {
		lines = cellular(lines)
	}
	width := 0
	for _, s := range lines {
		width = max(width, ansi.StringWidth(s))
	}
	width = min(width+2*paperMargin, w)
	if len(lines)+2 <= room {
		lines = append(append([]string{""}, lines...), "")
	}
	left := strings.Repeat(" ", (w-width)/2)
	out := make([]string, len(lines))
	for i, s := range lines {
		text := l.Fit(strings.Repeat(" ", paperMargin)+s, width)
		if l.Signs.ASCII {
			out[i] = left + inked(l, text)
		} else {
			out[i] = left + l.Styles.Paper.Render(text)
		}
	}
	return out
}

// inkCell stands for a dark cell until the line is drawn: one cell wide, and of no meaning to anybody else.
const inkCell = "\ue000"

// inked draws a line of text and dark cells.
func inked(l widget.Look, text string) string {
	var b strings.Builder
	for text != "" {
		rest := strings.TrimLeft(text, inkCell)
		if n := (len(text) - len(rest)) / len(inkCell); n > 0 {
			b.WriteString(l.Styles.Ink.Render(strings.Repeat(" ", n)))
		}
		plain, _, _ := strings.Cut(rest, inkCell)
		if plain != "" {
			b.WriteString(l.Styles.Paper.Render(plain))
		}
		text = rest[len(plain):]
	}
	return b.String()
}

// cellular draws what half blocks draw with cells: two lines for one, and two cells for one, so that a module of a QR
// code is a square. That takes so much room that what stands beside the code goes above it.
func cellular(lines []string) []string {
	code := 0 // how far to the right half blocks go
	for _, s := range lines {
		for i, r := range []rune(s) {
			if strings.ContainsRune(halfBlocks, r) {
				code = max(code, i+1)
			}
		}
	}
	var text, out []string
	for _, s := range lines {
		row := []rune(s)
		n := min(code, len(row))
		if code == 0 || strings.Trim(string(row[:n]), halfBlocks+" ") != "" {
			out = append(out, s)
			continue
		}
		if beside := strings.TrimSpace(string(row[n:])); beside != "" {
			text = append(text, beside)
		}
		out = append(out, modules(row[:n], "█▀"), modules(row[:n], "█▄"))
	}
	return append(text, out...)
}

const halfBlocks = "█▀▄"

// modules gives two cells for each rune: dark ones for those that are in ink.
func modules(row []rune, ink string) string {
	var b strings.Builder
	for _, r := range row {
		cell := " "
		if strings.ContainsRune(ink, r) {
			cell = inkCell
		}
		b.WriteString(cell + cell)
	}
	return b.String()
}
