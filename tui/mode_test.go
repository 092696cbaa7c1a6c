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
	batch, records, record, doctor := at(keymap.Batch), at(keymap.Records), at(keymap.Record), at(keymap.Doctor)
	text := mode{screen: keymap.Text, back: keymap.Records}
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
		{"to the batch", bench, cueBatch, batch, actNothing},
		{"to the records, from one slot", details, cueRecords, records, actNothing},
		{"to the doctor, from a record", record, cueDoctor, doctor, actNothing},
		{"to the bench", doctor, cueBench, bench, actNothing},
		{"open a record", records, cueRecord, record, actNothing},
		{"back to the records", record, cueBack, records, actNothing},
		{"back to the bench", records, cueBack, bench, actNothing},
		{"no record opens elsewhere", batch, cueRecord, batch, actNothing},
		{"no slot opens from another page", batch, cueDetail, batch, actNothing},
		{"no abort from another page", records, cueAbort, records, actNothing},
		{"help over another page", doctor, cueHelp, mode{screen: keymap.HelpPage, back: keymap.Doctor}, actNothing},
		{"and back to it", mode{screen: keymap.HelpPage, back: keymap.Doctor}, cueBack, doctor, actNothing},
		{"no page under the help", help, cueBatch, help, actNothing},
		{"a dialog covers a page", records, cueText, text, actNothing},
		{"a dialog follows another", text, cueInfo, mode{screen: keymap.Info, back: keymap.Records}, actNothing},
		{"a choice", batch, cueChoice, mode{screen: keymap.Choice, back: keymap.Batch}, actNothing},
		{"something to accept", bench, cueConsent, mode{screen: keymap.Consent}, actNothing},
		{"a dialog closes", text, cueClosed, records, actNothing},
		{"no dialog over the help", help, cueText, help, actNothing},
		{"no dialog over a question", quit, cueText, quit, actNothing},
		{"no dialog at the end", ending, cueText, ending, actNothing},
		{"a dialog hides the pages", text, cueBatch, text, actNothing},
		{"a dialog takes no q", text, cueQuit, text, actNothing},
		{"nothing to close", records, cueClosed, records, actNothing},
		{"ctrl+c in a dialog asks over its page", text, cueInterrupt, mode{screen: keymap.Question, ask: askQuit, back: keymap.Records}, actNothing},
		{"quit from another page asks over it", batch, cueQuit, mode{screen: keymap.Question, ask: askQuit, back: keymap.Batch}, actNothing},
		{"and no goes back to it", mode{screen: keymap.Question, ask: askQuit, back: keymap.Batch}, cueBack, batch, actNothing},
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
