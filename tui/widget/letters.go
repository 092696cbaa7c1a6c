package widget

import (
	"strings"
	"unicode/utf8"
)

// glyphs are the large letters: five rows of points, most of them three points wide.
var glyphs = map[rune][5]string{
	'A': {"###", "# #", "###", "# #", "# #"},
	'B': {"## ", "# #", "## ", "# #", "## "},
	'C': {"###", "#  ", "#  ", "#  ", "###"},
	'D': {"## ", "# #", "# #", "# #", "## "},
	'E': {"###", "#  ", "## ", "#  ", "###"},
	'F': {"###", "#  ", "## ", "#  ", "#  "},
	'G': {"####", "#   ", "# ##", "#  #", "####"},
	'H': {"# #", "# #", "###", "# #", "# #"},
	'I': {"#", "#", "#", "#", "#"},
	'J': {"  #", "  #", "  #", "# #", "###"},
	'K': {"# #", "# #", "## ", "# #", "# #"},
	'L': {"#  ", "#  ", "#  ", "#  ", "###"},
	'M': {"#   #", "## ##", "# # #", "#   #", "#   #"},
	'N': {"#  #", "## #", "# ##", "#  #", "#  #"},
	'O': {"###", "# #", "# #", "# #", "###"},
	'P': {"###", "# #", "###", "#  ", "#  "},
	'Q': {"####", "#  #", "#  #", "####", "   #"},
	'R': {"###", "# #", "## ", "# #", "# #"},
	'S': {"###", "#  ", "###", "  #", "###"},
	'T': {"###", " # ", " # ", " # ", " # "},
	'U': {"# #", "# #", "# #", "# #", "###"},
	'V': {"# #", "# #", "# #", "# #", " # "},
	'W': {"#   #", "#   #", "# # #", "## ##", "#   #"},
	'X': {"# #", "# #", " # ", "# #", "# #"},
	'Y': {"# #", "# #", " # ", " # ", " # "},
	'Z': {"###", "  #", " # ", "#  ", "###"},
	'Ä': {"# #", "   ", "###", "###", "# #"},
	'Ö': {"# #", "   ", "###", "# #", "###"},
	'Ü': {"# #", "   ", "# #", "# #", "###"},
	'0': {"###", "# #", "# #", "# #", "###"},
	'1': {"## ", " # ", " # ", " # ", "###"},
	'2': {"###", "  #", "###", "#  ", "###"},
	'3': {"###", "  #", " ##", "  #", "###"},
	'4': {"# #", "# #", "###", "  #", "  #"},
	'5': {"###", "#  ", "###", "  #", "###"},
	'6': {"###", "#  ", "###", "# #", "###"},
	'7': {"###", "  #", "  #", "  #", "  #"},
	'8': {"###", "# #", "###", "# #", "###"},
	'9': {"###", "# #", "###", "  #", "###"},
	'/': {"  #", "  #", " # ", "#  ", "#  "},
	'-': {"  ", "  ", "##", "  ", "  "},
	'!': {"#", "#", "#", " ", "#"},
	'?': {"###", "  #", " ##", "   ", " # "},
	' ': {"  ", "  ", "  ", "  ", "  "},
}

// scale is how large a point is: cells across, half cells down.
type scale struct{ across, down int }

// scales, largest first. Half cells need the half blocks, which ASCII lacks.
var (
	scales      = []scale{{6, 6}, {4, 4}, {3, 3}, {2, 2}, {1, 1}}
	scalesASCII = []scale{{6, 6}, {4, 4}, {2, 2}, {1, 2}}
)

const pointRows = 5

func (s scale) height() int { return (pointRows*s.down + 1) / 2 }

// Letters draws words in large letters, as large as fit in w cells and h lines: side by side, or one below the other
// where that is larger. Nil: they do not fit, or there is a letter that has no large shape. All lines are equally wide.
func (l Look) Letters(text string, w, h int) []string {
	words := strings.Fields(strings.ToUpper(text))
	if len(words) == 0 || utf8.RuneCountInString(text) > 64 {
		return nil
	}
	all := scales
	if l.Signs.ASCII {
		all = scalesASCII
	}
	one := points(strings.Join(words, " "))
	if one[0] == "" {
		return nil
	}
	for _, s := range all {
		if s.height() <= h && len(one[0])*s.across <= w {
			return l.draw(one, s, len(one[0])*s.across)
		}
		if len(words) == 1 || s.height()*len(words) > h {
			continue
		}
		if lines := l.stack(words, s, w); lines != nil {
			return lines
		}
	}
	return nil
}

// stack draws one word below the other, nil if one is too wide.
func (l Look) stack(words []string, s scale, w int) []string {
	widest, each := 0, make([][pointRows]string, len(words))
	for i, word := range words {
		each[i] = points(word)
		widest = max(widest, len(each[i][0])*s.across)
	}
	if widest > w {
		return nil
	}
	var lines []string
	for _, p := range each {
		lines = append(lines, l.draw(p, s, widest)...)
	}
	return lines
}

// points joins the glyphs of a word, a free point between two. Empty rows: a letter has no glyph.
func points(word string) [pointRows]string {
	var rows [pointRows]string
	for i, r := range word {
		g, ok := glyphs[r]
		if !ok {
			return [pointRows]string{}
		}
		for y := range rows {
			if i > 0 {
				rows[y] += " "
			}
			rows[y] += g[y]
		}
	}
	return rows
}

// draw enlarges points, in the middle of w cells.
func (l Look) draw(p [pointRows]string, s scale, w int) []string {
	at := func(x, halfRow int) bool {
		y := halfRow / s.down
		return y < pointRows && p[y][x] == '#'
	}
	lines := make([]string, s.height())
	for row := range lines {
		var b strings.Builder
		for x := range len(p[0]) {
			cell := " "
			switch up, low := at(x, 2*row), at(x, 2*row+1); {
			case up && low:
				cell = l.Signs.Full
			case up:
				cell = l.Signs.Upper
			case low:
				cell = l.Signs.Lower
			}
			b.WriteString(strings.Repeat(cell, s.across))
		}
		lines[row] = l.Centre(b.String(), w)
	}
	return lines
}
