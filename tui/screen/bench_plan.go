package screen

import (
	"math"

	"github.com/charmbracelet/x/ansi"

	"provstation/tui/widget"
)

// plan is how the room of the bench is shared out.
type plan struct {
	list   bool // one line per slot
	cols   int  // of the grid
	rows   int  // in sight
	all    int  // rows that there are
	height int  // lines of a card
	width  int  // of the grid
	ports  int  // lines for ports that are left alone
	panel  int  // lines for the selected slot; all of them where it stands beside
	side   int  // width of the panel where it stands beside the grid, 0 where it stands below
}

// grade is how good a card is; a larger one may take room from the panel.
type grade uint8

const (
	gradeLine  grade = iota // name and verdict on one line
	gradeTwo                // and the device's id
	gradeThree              // each on its own line
	gradeSmall              // and the steps
	gradeWords              // the verdict in large letters
	gradeFull               // and the sentence and what to do
)

func gradeOf(w, h int) grade {
	switch {
	case h >= 8 && w >= 30:
		return gradeFull
	case h >= widget.CardHeight && w >= 22:
		return gradeWords
	case h >= 4 && w > widget.StripWidth:
		return gradeSmall
	case h >= 3:
		return gradeThree
	case h == 2:
		return gradeTwo
	default:
		return gradeLine
	}
}

// Bounds of the layout, in cells and lines.
const (
	minPanel   = 3 // bar, sentence, next action
	fairPanel  = 5
	maxCard    = 16 // lines; beyond, the detail has more use for them
	listPanel  = 9
	wordWidth  = widget.VerdictWidth - 2
	sideWidth  = 160 // from here on the panel may stand beside the grid
	portsTall  = 36  // from here on ports have a line each
	maxName    = 24
	cardAspect = 3.5 // width to height, in cells, of a card that looks right
)

// plan shares out the room of the bench.
func (b *Bench) plan() plan {
	slots := b.board.Slots()
	name := 4
	for _, s := range slots {
		name = max(name, ansi.StringWidth(s.Name))
	}
	return layout(len(slots), min(name, maxName), len(b.board.Ports()), b.w, b.h, b.asList)
}

// layout shares w cells and h lines out among n slots whose names have up to name cells, the ports that are left alone,
// and the selected slot.
func layout(n, name, ports, w, h int, list bool) plan {
	strip := 0
	switch {
	case ports > 0 && h >= portsTall:
		strip = min(ports, 3) + 1
	case ports > 0:
		strip = 1
	}
	p, ok := share(n, name, w, h-strip, list)
	if !ok && strip > 0 {
		strip = 0
		p, _ = share(n, name, w, h, list)
	}
	p.ports = strip
	return p
}

// share is layout without the ports. False: not all slots are in sight, or only with a panel that is too small.
func share(n, name, w, h int, list bool) (plan, bool) {
	if list {
		p := plan{list: true, cols: 1, all: n, height: 1, width: w}
		if 2*n+1 <= h-listPanel-4 {
			p.height = 2
		}
		p.rows = min(n, max(1, (h-1-listPanel)/p.height))
		p.panel = h - 1 - p.rows*p.height
		return p, p.rows == n
	}
	if w >= sideWidth && w >= 5*h {
		gw := w * 3 / 5
		if p, ok := grid(n, name, gw, h, 0); ok {
			p.side, p.panel = w-gw-3, h
			return p, true
		}
	}
	best, found, bestScore := plan{}, false, 0.0
	roomy := min(max(h*3/10, roomyPanel), 16)
	for _, panel := range []int{roomy, 7, 6, fairPanel, fairPanel - 1, minPanel} {
		p, ok := grid(n, name, w, h-panel, panel)
		if !ok || (panel < fairPanel && found && gradeOf(w/best.cols, best.height) > gradeLine) {
			continue
		}
		if score := p.score(n) - 0.1*float64(max(0, roomy-panel)); !found || score > bestScore {
			best, bestScore, found = p, score, true
		}
	}
	if found {
		best.panel = h - best.rows*best.height
		return best, best.panel >= fairPanel
	}
	return scrolled(n, name, w, h), false
}

// least is the least width of a card of so many lines. Its first column is the marker's.
func least(name, height int) int {
	switch {
	case height == 1:
		return 1 + 2 + name + 1 + wordWidth
	case height < 4:
		return 1 + max(2+name, 9)
	default:
		return 1 + max(1+name, wordWidth+1)
	}
}

// grid finds the grid that shows every slot in w cells and h lines with the best cards.
func grid(n, name, w, h, panel int) (plan, bool) {
	var best plan
	found, bestScore := false, 0.0
	for cols := 1; cols <= n && w/cols >= least(1, 2); cols++ {
		rows := (n + cols - 1) / cols
		if rows > h {
			continue
		}
		p := plan{cols: cols, rows: rows, all: rows, height: min(h/rows, maxCard), width: w, panel: panel}
		if w/cols < least(name, p.height) {
			continue
		}
		if score := p.score(n); !found || score > bestScore {
			best, bestScore, found = p, score, true
		}
	}
	return best, found
}

// score says how good a grid is for n slots: what its cards can show counts most, then that no place in it is empty (a
// rack has the same number of slots in every row), then the shape of the cards.
func (p plan) score(n int) float64 {
	w := p.width / p.cols
	score := 10*float64(gradeOf(w, p.height)) - math.Abs(math.Log(float64(w)/(cardAspect*float64(p.height))))
	if holes := p.rows*p.cols - n; holes > 0 {
		score -= 1.5 + float64(holes)/float64(n)
	}
	return score
}

// scrolled is the grid where not all slots can be in sight: as many as possible, and a line that tells of the others.
func scrolled(n, name, w, h int) plan {
	height, panel := 2, fairPanel+1
	cols := w / least(name, height)
	if one := w / least(name, 1); one >= 1 && 2*one > cols {
		height, cols = 1, one
	}
	if cols < 1 {
		height, cols = 1, 1
	}
	all := (n + cols - 1) / cols
	rows := min(all, max(1, (h-panel)/height))
	return plan{cols: cols, rows: rows, all: all, height: height, width: w, panel: h - rows*height}
}
