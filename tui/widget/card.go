package widget

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/theme"
)

// CardHeight is the least number of lines of a card that has room for its verdict in large letters.
const CardHeight = 6

// Card draws a slot as h lines of w cells: its name on the terminal's ground, and below it, on the ground of its
// verdict, as much as there is room for: the verdict in letters that are read from afar, the device's id, the steps,
// the sentence and what to do next. One line is the name and the verdict beside each other.
func (l Look) Card(s *board.Slot, now time.Time, w, h int, chosen bool) []string {
	title := l.CardTitle(s, now, w, h, chosen)
	if title == "" {
		return nil
	}
	return append([]string{title}, l.CardBody(s, w, h, chosen)...)
}

// CardTitle is the first line of a card, the only one that changes with the time. Empty: there is no room.
func (l Look) CardTitle(s *board.Slot, now time.Time, w, h int, chosen bool) string {
	if w < minCard || h < 1 {
		return ""
	}
	c := l.card(s, w, h)
	if h == 1 {
		return l.marker(chosen) + c.chip(chosen)
	}
	return l.marker(chosen) + c.title(chosen, now)
}

// CardBody is the other lines of a card.
func (l Look) CardBody(s *board.Slot, w, h int, chosen bool) []string {
	if w < minCard || h < 2 {
		return nil
	}
	c := l.card(s, w, h)
	marker := l.marker(chosen)
	lines := make([]string, 0, h)
	for _, line := range c.body() {
		style := c.style.Plain
		switch {
		case line.bar:
			style = c.style.Bar
		case line.loud:
			style = c.style.Loud
		}
		lines = append(lines, marker+style.Render(l.Fit(line.text, c.w)))
	}
	return lines
}

const minCard = 4

func (l Look) card(s *board.Slot, w, h int) card {
	c := card{Look: l, slot: s, style: l.Styles.Card(Mood(s)), w: w - 1, h: h}
	c.sign, c.word = l.verdict(s)
	return c
}

func (l Look) marker(chosen bool) string {
	if chosen {
		return l.Styles.Marker.Render(l.Signs.Marker)
	}
	return " "
}

// card is one drawing of a slot. w is the width of the body: the marker's column, which parts cards, is left out.
type card struct {
	Look
	slot       *board.Slot
	style      theme.Card
	sign, word string
	w, h       int
}

type cardLine struct {
	text string
	loud bool
	bar  bool
}

// smallHeight is the height from which the sign stands in the body with the word, and not with the name.
const smallHeight = 4

func (c card) title(chosen bool, now time.Time) string {
	style := c.style.Title
	if chosen {
		style = c.Styles.Chosen
	}
	left := " " + c.slot.Name
	if c.h < smallHeight {
		left = c.sign + " " + c.slot.Name
	}
	took := c.took(now)
	if c.h >= smallHeight && c.loudWord() { // large letters are a picture: who searches or copies text finds the word here
		if said := left + "  " + c.sign + " " + c.word; ansi.StringWidth(said) <= c.w { // it goes before the time
			left = said
		}
	}
	return style.Render(c.Ends(left, took, c.w))
}

// chip is name and verdict on one line; the verdict is never cut before the name.
func (c card) chip(chosen bool) string {
	word := " " + c.word + " "
	name := c.sign + " " + c.slot.Name
	room := max(c.w-ansi.StringWidth(name)-1, min(ansi.StringWidth(word), c.w-4))
	style := c.style.Title
	if chosen {
		style = c.Styles.Chosen
	}
	return style.Render(c.Fit(name, c.w-room)) + c.style.Loud.Render(c.Fit(word, room))
}

func (c card) took(now time.Time) string {
	if c.slot.State != board.Running && c.slot.State != board.Ended {
		return ""
	}
	return Duration(c.slot.RunTime(now))
}

// pad is what a line begins with where a word of the usual length leaves room for it.
func (c card) pad() string {
	if c.w > VerdictWidth {
		return " "
	}
	return ""
}

// id names the device in w cells: by its id, or its hardware while there is none.
func (c card) id(w int) string {
	if c.slot.DeviceID != "" {
		return c.CutID(c.slot.DeviceID, w)
	}
	return c.CutID(c.slot.HardwareSerial, w)
}

// device is the id, and what the run is for where there is room for both.
func (c card) device(w int) string {
	id := c.id(w)
	if task := c.Task(c.slot); id != "" && task != "" {
		if all := id + " " + c.Signs.Dot + " " + task; ansi.StringWidth(all) <= w {
			return all
		}
	}
	return id
}

// body is h-1 lines.
func (c card) body() []cardLine {
	rows := c.h - 1
	switch {
	case rows == 1:
		return []cardLine{{text: c.Ends(c.shownWord(0), c.id(c.w), c.w), loud: true}}
	case rows == 2:
		pad := c.pad()
		return []cardLine{{text: pad + c.shownWord(len(pad)), loud: true}, {text: pad + c.device(c.w-len(pad))}}
	case c.slot.State == board.Running && !c.slot.WantsScan:
		return c.working(rows)
	default:
		return c.standing(rows)
	}
}

// working is a slot at work: calm, with its progress as a bar.
func (c card) working(rows int) []cardLine {
	head := " " + c.sign + " " + c.word
	phase := c.Short(c.slot)
	if ansi.StringWidth(head)+2+ansi.StringWidth(phase) <= c.w {
		head += "  " + phase
		phase = ""
	}
	thick := 1
	switch {
	case rows >= 9:
		thick = 3
	case rows >= 6:
		thick = 2
	}
	lines := []cardLine{{text: head, loud: true}}
	if rows > 3 && phase != "" {
		lines = append(lines, cardLine{text: " " + phase})
	}
	if rows > 4+thick {
		lines = append(lines, cardLine{})
	}
	bar := c.bar()
	for range thick {
		lines = append(lines, cardLine{text: bar, bar: true})
	}
	if rows > 5+thick {
		lines = append(lines, cardLine{})
	}
	lines = append(lines, cardLine{text: " " + c.device(c.w-1)})
	what, _ := c.words()
	return c.fill(lines, rows, c.wrap(what, rows-len(lines)), nil)
}

// progress is the steps' signs, each as wide as there is room for.
func (c card) progress() string {
	each := max(1, (c.w-2)/board.StripCount)
	var b strings.Builder
	if c.w > StripWidth {
		b.WriteByte(' ')
	}
	for _, p := range c.slot.Strip() {
		b.WriteString(strings.Repeat(c.Signs.Phase(p.Status, p.Warned), each))
	}
	return b.String()
}

// bar is the progress of a run over the whole width.
func (c card) bar() string {
	cells := max(c.w-2, board.StripCount)
	var b strings.Builder
	if c.w > StripWidth {
		b.WriteByte(' ')
	}
	strip := c.slot.Strip()
	for x := range cells {
		sign := c.Signs.Light
		switch strip[x*board.StripCount/cells].Status {
		case station.PhaseDone, station.PhaseSkipped:
			sign = c.Signs.Full
		case station.PhaseStarted, station.PhaseProgress:
			sign = c.Signs.Shade
		}
		b.WriteString(sign)
	}
	return b.String()
}

// standing is a slot that is not at work: the verdict, or what it waits for, in large letters where that is of use.
func (c card) standing(rows int) []cardLine {
	what, next := c.words()
	needs := NeedsPerson(c.slot)
	id, steps := c.device(c.w-1), ""
	if c.slot.Run != "" && c.slot.State == board.Ended {
		steps = c.progress()
	}
	keep := c.keep(rows, id, steps, what, next, needs)
	lines := c.verdictLines(rows - keep)
	if id != "" {
		lines = append(lines, cardLine{text: " " + id})
	}
	if spare := rows - len(lines); steps != "" && spare > 0 && (what == "" || !needs || spare > 2 || rows < 5) {
		lines = append(lines, cardLine{text: steps})
	}
	left := rows - len(lines)
	if !needs && rows < 5 {
		return c.fill(lines, rows, nil, nil)
	}
	nextLines := c.wrap(next, max(left/2, left-len(c.wrap(what, left))))
	return c.fill(lines, rows, c.wrap(what, left-len(nextLines)), nextLines)
}

// wordsWidth is the least width of a body that has sentences: narrower, they are cut before they say anything.
const wordsWidth = 24

// words is the sentence and the next action.
func (c card) words() (what, next string) {
	if c.w < wordsWidth {
		return "", ""
	}
	what, next = c.Sentence(c.slot)
	if next != "" {
		next = c.Text("detail.next") + " " + next
	}
	return what, next
}

// keep is how many lines are kept for words when the letters are chosen.
func (c card) keep(rows int, id, steps, what, next string, needs bool) int {
	n := 0
	if id != "" {
		n++
	}
	if steps != "" && rows >= 5 {
		n++
	}
	switch {
	case rows >= 10:
		n += len(c.wrap(what, 3)) + len(c.wrap(next, 3))
	case rows >= 7 && needs:
		n += min(2, len(c.wrap(what, 1))+len(c.wrap(next, 1)))
	case rows >= 7:
		n += len(c.wrap(what, 1))
	}
	return n
}

// verdictLines is the verdict in large letters in the middle, in spaced ones where those do not fit, or as a word.
func (c card) verdictLines(room int) []cardLine {
	if !c.loudWord() {
		return []cardLine{{text: " " + c.sign + " " + c.shownWord(4), loud: true}}
	}
	letters := c.Letters(c.longWord(), c.w, room)
	if letters == nil {
		letters = c.Letters(c.word, c.w, room)
	}
	if letters == nil {
		letters = c.spaced(room)
	}
	if letters == nil {
		return []cardLine{{text: " " + c.sign + " " + c.shownWord(4), loud: true}}
	}
	pad := (room - len(letters)) / 2
	lines := make([]cardLine, 0, room)
	for range min(pad, 2) {
		lines = append(lines, cardLine{})
	}
	for _, line := range letters {
		lines = append(lines, cardLine{text: c.Centre(line, c.w), loud: true})
	}
	if pad > 0 {
		lines = append(lines, cardLine{})
	}
	return lines
}

// spaced is the verdict with its letters apart and its sign before it, nil where there is no room.
func (c card) spaced(room int) []string {
	wide := strings.Join(strings.Split(c.word, ""), " ")
	if room < 2 || ansi.StringWidth(wide) > c.w {
		return nil
	}
	if signed := c.sign + "  " + wide; ansi.StringWidth(signed) <= c.w {
		wide = signed
	}
	return []string{wide}
}

// longWord is the verdict where there is room for more than one word.
func (c card) longWord() string {
	if c.slot.WantsScan && c.slot.State == board.Running {
		return c.Text("state.scanlabel")
	}
	return c.word
}

// shownWord is the longer word where that leaves so many cells, or the shorter one.
func (c card) shownWord(leave int) string {
	if long := c.longWord(); ansi.StringWidth(long)+leave <= c.w {
		return long
	}
	return c.word
}

// loudWord reports whether the word is worth large letters: a verdict, or something that a person must see to.
func (c card) loudWord() bool {
	return NeedsPerson(c.slot) || (c.slot.State == board.Ended && c.slot.End.Outcome != station.Outcome(""))
}

// wrap breaks a text into at most n lines; what does not fit is cut.
func (c card) wrap(text string, n int) []string { return c.WrapCut(text, c.w-2, n) }

// fill puts the words below the lines and makes it exactly rows.
func (c card) fill(lines []cardLine, rows int, what, next []string) []cardLine {
	if free := rows - len(lines) - len(what) - len(next); free > 0 && len(what) > 0 {
		lines = append(lines, cardLine{})
	}
	for _, line := range what {
		lines = append(lines, cardLine{text: " " + line})
	}
	for _, line := range next {
		lines = append(lines, cardLine{text: " " + line, loud: true})
	}
	for len(lines) < rows {
		lines = append(lines, cardLine{})
	}
	return lines[:rows]
}
