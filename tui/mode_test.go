package tui

import (
	"testing"

	"provstation/tui/keymap"
)

func TestModes(t *testing.T) {
	bench := mode{}
	details := mode{screen: keymap.Details, back: keymap.Details}
	help := mode{screen: keymap.HelpPage, back: keymap.Details}
	abort := mode{screen: keymap.Question, ask: askAbort, back: keymap.Details}
	quit := mode{screen: keymap.Question, ask: askQuit}
	ending := mode{screen: keymap.Ending}
	for _, tt := range []struct {
		name string
		from mode
		c    cue
		want mode
		act  act
	}{
		{"open", bench, cueDetail, details, actNothing},
		{"and back", details, cueBack, bench, actNothing},
		{"nothing to go back to", bench, cueBack, bench, actNothing},
		{"help", details, cueHelp, help, actNothing},
		{"help goes back to where it came from", help, cueBack, details, actNothing},
		{"help closes with its own key", help, cueHelp, details, actNothing},
		{"no abort under the help", help, cueAbort, help, actNothing},
		{"abort asks", details, cueAbort, abort, actNothing},
		{"yes aborts", abort, cueYes, details, actAbort},
		{"no does not", abort, cueBack, details, actNothing},
		{"the run ended while asking", abort, cueSettled, details, actNothing},
		{"a question takes no other key", abort, cueQuit, abort, actNothing},
		{"quit with nothing in flight", bench, cueQuitIdle, ending, actQuit},
		{"quit with runs in flight asks", bench, cueQuit, quit, actNothing},
		{"quit from the help asks too", mode{screen: keymap.HelpPage}, cueQuit, quit, actNothing},
		{"yes quits", quit, cueYes, ending, actQuit},
		{"no stays", quit, cueBack, bench, actNothing},
		{"a run's end does not answer the quit question", quit, cueSettled, quit, actNothing},
		{"the last run's end does: nothing is left to ask about", quit, cueIdle, ending, actQuit},
		{"nothing in flight answers no other question", abort, cueIdle, abort, actNothing},
		{"nor quits by itself", bench, cueIdle, bench, actNothing},
		{"ctrl+c asks as q does", bench, cueInterrupt, quit, actNothing},
		{"ctrl+c with nothing in flight", bench, cueInterruptIdle, ending, actQuit},
		{"ctrl+c over the abort question asks to quit", mode{screen: keymap.Question, ask: askAbort}, cueInterrupt, quit, actNothing},
		{"the second ctrl+c leaves", quit, cueInterrupt, quit, actLeave},
		{"ctrl+c while runs end leaves", ending, cueInterrupt, ending, actLeave},
		{"or when the last has ended", ending, cueInterruptIdle, ending, actLeave},
		{"nothing else while runs end", ending, cueYes, ending, actNothing},
		{"the station has ended as asked", ending, cueEnded, ending, actLeave},
		{"the station has ended by itself: what it did stays to be read", bench, cueEnded, bench, actNothing},
		{"even under a question", quit, cueEnded, quit, actNothing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, act := tt.from.next(tt.c)
			if got != tt.want || act != tt.act {
				t.Errorf("got %+v, act %d, want %+v, act %d", got, act, tt.want, tt.act)
			}
		})
	}
}
