package tui

import "provstation/tui/keymap"

// mode is what the keyboard talks to. Its changes are all in [mode.next].
type mode struct {
	screen keymap.Screen
	ask    question      // set when screen is keymap.Question
	back   keymap.Screen // the page that is shown, or that a question, a dialog or the help covers
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
	cueBench                // go to a page
	cueBatch                //
	cueRecords              //
	cueDoctor               //
	cueRecord               // open the selected record
	cueText                 // a dialog opens, by its kind
	cueChoice               //
	cueInfo                 //
	cueConsent              //
	cueClosed               // the dialog was closed
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

// pageOf is the page that a cue leads to; a page covers nothing.
func pageOf(c cue) (keymap.Screen, bool) {
	switch c {
	case cueBench:
		return keymap.Bench, true
	case cueDetail:
		return keymap.Details, true
	case cueBatch:
		return keymap.Batch, true
	case cueRecords:
		return keymap.Records, true
	case cueRecord:
		return keymap.Record, true
	case cueDoctor:
		return keymap.Doctor, true
	default:
		return 0, false
	}
}

// dialogOf is the kind of dialog that a cue opens.
func dialogOf(c cue) (keymap.Screen, bool) {
	switch c {
	case cueText:
		return keymap.Text, true
	case cueChoice:
		return keymap.Choice, true
	case cueInfo:
		return keymap.Info, true
	case cueConsent:
		return keymap.Consent, true
	default:
		return 0, false
	}
}

// isPage reports whether a screen covers nothing.
func isPage(s keymap.Screen) bool { return s <= keymap.Doctor }

func at(s keymap.Screen) mode { return mode{screen: s, back: s} }

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
	switch {
	case m.screen == keymap.Ending:
		return m, actNothing
	case m.screen == keymap.Question:
		return m.answer(c)
	case m.screen.IsDialog():
		return m.converse(c)
	case m.screen == keymap.HelpPage && (c == cueBack || c == cueHelp):
		return at(m.back), actNothing
	case isPage(m.screen):
		if next, ok := m.turn(c); ok {
			return next, actNothing
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

// turn goes from a page to another, or lays something over it.
func (m mode) turn(c cue) (mode, bool) {
	if d, ok := dialogOf(c); ok {
		return mode{screen: d, back: m.screen}, true
	}
	switch c {
	case cueDetail:
		return at(keymap.Details), m.screen == keymap.Bench
	case cueRecord:
		return at(keymap.Record), m.screen == keymap.Records
	case cueBack:
		if m.screen == keymap.Record {
			return at(keymap.Records), true
		}
		return at(keymap.Bench), true
	case cueHelp:
		return mode{screen: keymap.HelpPage, back: m.screen}, true
	case cueAbort:
		return mode{screen: keymap.Question, ask: askAbort, back: m.screen}, m.screen == keymap.Bench || m.screen == keymap.Details
	}
	page, ok := pageOf(c)
	return at(page), ok
}

// converse is a dialog: it is followed by another one, or closed.
func (m mode) converse(c cue) (mode, act) {
	if d, ok := dialogOf(c); ok {
		return mode{screen: d, back: m.back}, actNothing
	}
	if c == cueClosed {
		return at(m.back), actNothing
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
	covered := at(m.back)
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
