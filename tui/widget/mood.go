package widget

import (
	"provstation/station"
	"provstation/tui/board"
	"provstation/tui/theme"
)

// Mood is what a slot's place looks like. A verdict whose device is gone is calm: somebody has taken it, and the place
// is free for the next one.
func Mood(s *board.Slot) theme.Mood {
	switch s.State {
	case board.Running:
		if s.WantsScan {
			return theme.MoodAsk
		}
		return theme.MoodWork
	case board.Ended:
		if !s.Plugged() {
			return theme.MoodIdle
		}
		return theme.Outcome(s.End.Outcome)
	case board.Trouble:
		if s.PortStatus != "silent" {
			return theme.MoodWarn
		}
	}
	return theme.MoodIdle
}

// NeedsPerson reports whether a slot waits for somebody to do something about it: its label is to be scanned, its
// device did not come out well and is still there, or its port cannot be used. A silent port may just be an adapter
// without a device.
func NeedsPerson(s *board.Slot) bool {
	switch Mood(s) {
	case theme.MoodBad, theme.MoodWarn, theme.MoodAsk:
		return true
	default:
		return false
	}
}

// Calls reports whether a person is to go to the slot. A device that is held for the database which the stations share is
// shown as the others that are held, and goes on by itself.
func Calls(s *board.Slot) bool {
	return NeedsPerson(s) && (s.State != board.Trouble || s.PortCode != station.CodeLedgerAway)
}
