package theme

import (
	"charm.land/lipgloss/v2"

	"provstation/station"
)

// Verdict is the ground for an outcome.
func (s Styles) Verdict(o station.Outcome) lipgloss.Style {
	switch Outcome(o) {
	case MoodGood:
		return s.GoodBar
	case MoodBad:
		return s.BadBar
	default:
		return s.WarnBar
	}
}

// VerdictText is the text colour for an outcome.
func (s Styles) VerdictText(o station.Outcome) lipgloss.Style {
	switch Outcome(o) {
	case MoodGood:
		return s.Good
	case MoodBad:
		return s.Bad
	default:
		return s.Warn
	}
}

// Outcome is the mood of an outcome.
func Outcome(o station.Outcome) Mood {
	switch o {
	case station.Pass, station.Skipped:
		return MoodGood
	case station.Fail, station.Uncertain:
		return MoodBad
	default:
		return MoodWarn
	}
}
