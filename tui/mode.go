package tui

import "provstation/tui/keymap"

// mode is what the keyboard talks to. Its changes are all in [mode.next].
type mode struct {
	screen keymap.Screen
	ask    question      // set when screen is keymap.Question
	back   keymap.Screen // what a question or the help covers: keymap.Bench or keymap.Details
}

type question uint8

const (
	askNothing question = iota
	askAbort
	askQuit
)

// cue is what may change the mode.
type cue uint8

const (
	cueDetail    cue = iota // open the selected slot
	cueBack                 // back, or no
	cueHelp                 // show the keys
	cueAbort                // ask whether to abort
	cueYes                  // yes to the question
	cueSettled              // the run that the question was about has ended by itself
	cueIdle                 // the last run in flight has ended
	cueQuit                 // quit; runs are in flight
	cueQuitIdle             // quit; nothing is in flight
	cueInterrupt            // ctrl+c; runs are in flight
	cueInterruptIdle
	cueEnded // the station has ended
)

// act is what a change of mode asks the root model to do.
type act uint8

const (
	actNothing act = iota
	actAbort       // abort the run that was asked about
	actQuit        // tell the station to end, and leave when it has
	actLeave       // leave now
)

// next gives the mode after a cue, and what to do.
func (m mode) next(c cue) (mode, act) {
	switch c {
	case cueInterrupt:
		if m.screen == keymap.Ending || m.ask == askQuit {
			return m, actLeave // the second one
		}
		return m.quit(true)
	case cueInterruptIdle:
		if m.screen == keymap.Ending {
			return m, actLeave
		}
		return m.quit(false)
	case cueEnded:
		if m.screen == keymap.Ending {
			return m, actLeave
		}
		return m, actNothing
	}
	switch m.screen {
	case keymap.Ending:
		return m, actNothing
	case keymap.Question:
		return m.answer(c)
	case keymap.HelpPage:
		switch c {
		case cueBack, cueHelp:
			return mode{screen: m.back, back: m.back}, actNothing
		}
	case keymap.Bench, keymap.Details:
		switch c {
		case cueDetail:
			return mode{screen: keymap.Details, back: keymap.Details}, actNothing
		case cueBack:
			return mode{screen: keymap.Bench, back: keymap.Bench}, actNothing
		case cueHelp:
			return mode{screen: keymap.HelpPage, back: m.screen}, actNothing
		case cueAbort:
			return mode{screen: keymap.Question, ask: askAbort, back: m.screen}, actNothing
		}
	}
	switch c {
	case cueQuit:
		return m.quit(true)
	case cueQuitIdle:
		return m.quit(false)
	}
	return m, actNothing
}

// quit asks first when runs are in flight.
func (m mode) quit(busy bool) (mode, act) {
	if busy {
		return mode{screen: keymap.Question, ask: askQuit, back: m.back}, actNothing
	}
	return mode{screen: keymap.Ending, back: m.back}, actQuit
}

func (m mode) answer(c cue) (mode, act) {
	covered := mode{screen: m.back, back: m.back}
	switch {
	case c == cueYes && m.ask == askAbort:
		return covered, actAbort
	case c == cueYes, c == cueIdle && m.ask == askQuit:
		return mode{screen: keymap.Ending, back: m.back}, actQuit
	case c == cueBack, c == cueSettled && m.ask == askAbort:
		return covered, actNothing
	default:
		return m, actNothing
	}
}
