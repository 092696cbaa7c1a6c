// Package theme holds every colour and every sign of the screen. Nothing else in the TUI names a colour. A state is
// never told by colour alone: each has a word and a sign too.
package theme

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
)

// Theme is a set of colour tokens. A nil colour means the terminal's own.
type Theme struct {
	Name  string
	Mono  bool // attributes only: bold, faint, reverse
	Light bool // of a Mono theme: the terminal's ground is light

	// Ground is the terminal's ground that the theme is made for. Only one that is very different hurts; Paint says that
	// it must be painted, since the theme promises contrasts.
	Ground color.Color
	Paint  bool

	Text, Muted, Off, Rule, Accent color.Color // on Ground; Off is for keys that do nothing now
	Good, Bad, Warn, Busy, Ask     color.Color // grounds; the text on them is black or white, see [Ink]
	GoodText, BadText              color.Color // the same, as text on Ground, Work and Idle
	WarnText, BusyText, AskText    color.Color
	Work, Idle                     color.Color // calm grounds: a slot at work, and one where nothing happens
}

// Mood is what a slot's place looks like. It follows from its state, never the other way round.
type Mood uint8

// Moods.
const (
	MoodIdle Mood = iota // nothing happens, nothing is wanted
	MoodWork             // at work, leave it alone
	MoodGood
	MoodBad
	MoodWarn
	MoodAsk // waits for a person's scan
)

// Moods lists every mood.
func Moods() []Mood { return []Mood{MoodIdle, MoodWork, MoodGood, MoodBad, MoodWarn, MoodAsk} }

// Styles are a theme's tokens made ready for use.
type Styles struct {
	Mono bool

	Text, Strong, Muted, Rule, Accent lipgloss.Style
	Heading                           lipgloss.Style // titles of sections and columns
	Marker                            lipgloss.Style // beside what is selected
	Chosen                            Paint          // the title of what is selected
	Good, Bad, Warn, Busy, Ask        lipgloss.Style // text
	GoodBar, BadBar, WarnBar, BusyBar lipgloss.Style // grounds: badges and bars
	AskBar                            lipgloss.Style
	PlainBar                          lipgloss.Style // the bar of a slot without a verdict
	Key, KeyOff                       lipgloss.Style
	Paper, Ink                        lipgloss.Style // what is printed: dark on light, whatever the terminal is; Ink is a solid dark cell

	cards [MoodAsk + 1]Card
}

// Card is how a slot's place is drawn.
type Card struct {
	Title Paint // above the body, on the terminal's ground
	Loud  Paint // the verdict in the body
	Plain Paint // everything else in the body
	Bar   Paint // a bar of progress in the body
}

// Card gives the styles of a mood.
func (s Styles) Card(m Mood) Card {
	if int(m) >= len(s.cards) {
		m = MoodIdle
	}
	return s.cards[m]
}

// Styles derives the styles.
func (t Theme) Styles() Styles {
	s := Styles{
		Mono: t.Mono,
		Text: fg(t.Text), Strong: fg(t.Text).Bold(true), Muted: fg(t.Muted), Rule: fg(t.Rule), Accent: fg(t.Accent),
		Heading: fg(t.Accent).Bold(true), Marker: fg(t.Accent).Bold(true), Chosen: paint(t.bar(t.Accent)),
		Good: fg(t.GoodText).Bold(true), Bad: fg(t.BadText).Bold(true), Warn: fg(t.WarnText).Bold(true),
		Busy: fg(t.BusyText).Bold(true), Ask: fg(t.AskText).Bold(true),
		GoodBar: t.bar(t.Good), BadBar: t.bar(t.Bad), WarnBar: t.bar(t.Warn), BusyBar: t.bar(t.Busy), AskBar: t.bar(t.Ask),
		PlainBar: t.bar(t.Muted),
		Key:      fg(t.Text).Bold(true), KeyOff: fg(t.Off),
	}
	if t.Mono {
		s.Muted, s.Rule, s.KeyOff = s.Muted.Faint(true), s.Rule.Faint(true), s.KeyOff.Faint(true)
	}
	s.Paper, s.Ink = t.paper()
	s.cards = t.cards(s)
	return s
}

// paper is dark on light, since no scanner takes a code that is light on dark for what it is (ISO/IEC 18004).
func (t Theme) paper() (paper, ink lipgloss.Style) {
	plain, reversed := lipgloss.NewStyle(), lipgloss.NewStyle().Reverse(true)
	switch {
	case t.Mono && t.Light:
		return plain, reversed
	case t.Mono:
		return reversed, plain
	}
	black, white := hex("#000000"), hex("#ffffff")
	return fg(black).Background(white), fg(white).Background(black)
}

// cards: without colours, what wants a person is reversed and what does not is not, so that the eye finds it.
func (t Theme) cards(s Styles) [MoodAsk + 1]Card {
	if t.Mono {
		plain, strong := lipgloss.NewStyle(), lipgloss.NewStyle().Bold(true)
		calm := Card{paint(plain), paint(strong), paint(plain), paint(plain)}
		loud := Card{paint(strong), paint(strong.Reverse(true)), paint(plain.Reverse(true)), paint(plain.Reverse(true))}
		faint := paint(plain.Faint(true))
		return [...]Card{
			MoodIdle: {paint(plain), paint(strong), faint, faint}, MoodWork: calm, MoodGood: calm,
			MoodBad: loud, MoodWarn: loud, MoodAsk: loud,
		}
	}
	on := func(text, ground color.Color, title lipgloss.Style) Card {
		p := fg(text)
		if ground != nil {
			p = p.Background(ground)
		}
		return Card{paint(title), paint(p.Bold(true)), paint(p), paint(p)}
	}
	work := on(t.Text, t.Work, s.Strong)
	work.Bar = on(t.BusyText, t.Work, s.Strong).Plain
	return [...]Card{
		MoodIdle: on(t.Muted, t.Idle, s.Text), MoodWork: work,
		MoodGood: on(Ink(t.Good), t.Good, s.Good), MoodBad: on(Ink(t.Bad), t.Bad, s.Bad),
		MoodWarn: on(Ink(t.Warn), t.Warn, s.Warn), MoodAsk: on(Ink(t.Ask), t.Ask, s.Ask),
	}
}

// Paint is a style for one line of text, made once: cards are drawn many times a second, and a style looks at its
// margins, borders and paddings every time.
type Paint struct{ on, off string }

func paint(s lipgloss.Style) Paint {
	on, off, _ := strings.Cut(s.Render("x"), "x")
	return Paint{on, off}
}

// Render gives the text in the style.
func (p Paint) Render(text string) string { return p.on + text + p.off }

func fg(c color.Color) lipgloss.Style {
	if c == nil {
		return lipgloss.NewStyle()
	}
	return lipgloss.NewStyle().Foreground(c)
}

func (t Theme) bar(c color.Color) lipgloss.Style {
	if t.Mono || c == nil {
		return lipgloss.NewStyle().Bold(true).Reverse(true)
	}
	return fg(Ink(c)).Background(c).Bold(true)
}
