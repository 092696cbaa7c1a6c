// Package theme holds every colour and every sign of the screen. Nothing else in the TUI names a colour. A state is
// never told by colour alone: each has a word and a sign too.
package theme

import (
	"image/color"

	"charm.land/lipgloss/v2"

	"provstation/station"
)

// Theme is a set of colour tokens. A nil colour means the terminal's own.
type Theme struct {
	Name string
	Mono bool // attributes only: bold, faint, reverse

	Text, Muted, Rule, Accent color.Color
	Ink                       color.Color // text on the grounds below
	Good, Bad, Warn, Busy     color.Color // grounds of verdicts
	GoodText, BadText         color.Color // the same, as text on the terminal's ground
	WarnText, BusyText        color.Color
}

// Dark is for terminals with a dark background.
func Dark() Theme {
	return Theme{
		Name: "dark",
		Text: lipgloss.Color("#e6e6e6"), Muted: lipgloss.Color("#9a9a9a"), Rule: lipgloss.Color("#5a5a5a"), Accent: lipgloss.Color("#7cc4ff"),
		Ink:  lipgloss.Color("#000000"),
		Good: lipgloss.Color("#3ddc84"), Bad: lipgloss.Color("#ff6b6b"), Warn: lipgloss.Color("#ffc145"), Busy: lipgloss.Color("#7cc4ff"),
		GoodText: lipgloss.Color("#3ddc84"), BadText: lipgloss.Color("#ff8080"), WarnText: lipgloss.Color("#ffc145"), BusyText: lipgloss.Color("#7cc4ff"),
	}
}

// Light is for terminals with a light background.
func Light() Theme {
	return Theme{
		Name: "light",
		Text: lipgloss.Color("#1c1c1c"), Muted: lipgloss.Color("#5f5f5f"), Rule: lipgloss.Color("#a8a8a8"), Accent: lipgloss.Color("#0050a0"),
		Ink:  lipgloss.Color("#ffffff"),
		Good: lipgloss.Color("#00702f"), Bad: lipgloss.Color("#b00020"), Warn: lipgloss.Color("#8a5200"), Busy: lipgloss.Color("#0050a0"),
		GoodText: lipgloss.Color("#00702f"), BadText: lipgloss.Color("#b00020"), WarnText: lipgloss.Color("#8a5200"), BusyText: lipgloss.Color("#0050a0"),
	}
}

// Mono is for NO_COLOR and for terminals without colours.
func Mono() Theme { return Theme{Name: "mono", Mono: true} }

// Styles are a theme's tokens made ready for use.
type Styles struct {
	Mono bool

	Text, Strong, Muted, Rule, Accent lipgloss.Style
	Heading                           lipgloss.Style // titles of sections and columns
	Marker                            lipgloss.Style // beside the selected row
	Good, Bad, Warn, Busy             lipgloss.Style // text
	GoodBar, BadBar, WarnBar, BusyBar lipgloss.Style // grounds: badges and bars
	PlainBar                          lipgloss.Style // the bar of a slot without a verdict
	Key, KeyOff                       lipgloss.Style
}

// Styles derives the styles.
func (t Theme) Styles() Styles {
	fg := func(c color.Color) lipgloss.Style {
		if c == nil {
			return lipgloss.NewStyle()
		}
		return lipgloss.NewStyle().Foreground(c)
	}
	bar := func(c color.Color) lipgloss.Style {
		if t.Mono {
			return lipgloss.NewStyle().Bold(true).Reverse(true)
		}
		return fg(t.Ink).Background(c).Bold(true)
	}
	s := Styles{
		Mono: t.Mono,
		Text: fg(t.Text), Strong: fg(t.Text).Bold(true), Muted: fg(t.Muted), Rule: fg(t.Rule), Accent: fg(t.Accent),
		Heading: fg(t.Accent).Bold(true), Marker: fg(t.Accent).Bold(true),
		Good: fg(t.GoodText).Bold(true), Bad: fg(t.BadText).Bold(true), Warn: fg(t.WarnText).Bold(true), Busy: fg(t.BusyText).Bold(true),
		GoodBar: bar(t.Good), BadBar: bar(t.Bad), WarnBar: bar(t.Warn), BusyBar: bar(t.Busy), PlainBar: bar(t.Muted),
		Key: fg(t.Text).Bold(true), KeyOff: fg(t.Rule),
	}
	if t.Mono {
		s.Muted, s.Rule, s.KeyOff = s.Muted.Faint(true), s.Rule.Faint(true), s.KeyOff.Faint(true)
	}
	return s
}

// Verdict is the ground for an outcome.
func (s Styles) Verdict(o station.Outcome) lipgloss.Style {
	switch o {
	case station.Pass, station.Skipped:
		return s.GoodBar
	case station.Fail, station.Uncertain:
		return s.BadBar
	default:
		return s.WarnBar
	}
}

// VerdictText is the text colour for an outcome.
func (s Styles) VerdictText(o station.Outcome) lipgloss.Style {
	switch o {
	case station.Pass, station.Skipped:
		return s.Good
	case station.Fail, station.Uncertain:
		return s.Bad
	default:
		return s.Warn
	}
}
