// Package keymap holds every key of every screen and dialog, what it is called, and why it does nothing when it does
// nothing. Help is made from the same bindings that are matched, so the two cannot differ.
package keymap

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// Name tells what a key does.
type Name string

// What keys do.
const (
	Up        Name = "up"
	Down      Name = "down"
	Left      Name = "left"
	Right     Name = "right"
	PageUp    Name = "pageup"
	PageDown  Name = "pagedown"
	Home      Name = "home"
	End       Name = "end"
	Next      Name = "next"
	Previous  Name = "previous"
	Attention Name = "attention" // the next slot that needs a person
	Detail    Name = "detail"
	Rows      Name = "rows" // one line per slot, or cards
	Back      Name = "back"
	Help      Name = "help"
	Quit      Name = "quit"
	Interrupt Name = "interrupt"
	Yes       Name = "yes"
	No        Name = "no"

	ToBench   Name = "bench"
	ToBatch   Name = "batch"
	ToRecords Name = "records"
	ToDoctor  Name = "doctor"

	Retry      Name = "retry"
	RetryAll   Name = "retryall"
	Abort      Name = "abort"
	Override   Name = "override"
	SignIn     Name = "signin"
	SignOut    Name = "signout"
	Label      Name = "label"
	Learn      Name = "learn"
	OpenBatch  Name = "openbatch"
	CloseBatch Name = "closebatch"
	Pause      Name = "pause" // and go on again

	Search Name = "search"
	Filter Name = "filter"
	Open   Name = "open"
	Export Name = "export"
	Again  Name = "again" // load or check anew

	Certificate Name = "certificate" // a new one for a finished device, by one of three ways
	RenewAll    Name = "renewall"    // of all that are finished

	Resolve    Name = "resolve"    // decide about a run that was held
	Duplicates Name = "duplicates" // between stations

	Accept Name = "accept"
	Cancel Name = "cancel"

	Rubout      Name = "rubout" // the character before the cursor
	Delete      Name = "delete" // the character under it
	DeleteWord  Name = "deleteword"
	DeleteStart Name = "deletestart"
)

// Screen is what is in front of the operator.
type Screen uint8

// Screens.
const (
	Bench    Screen = iota // the slots
	Details                // one slot over the whole screen
	Batch                  // the batch and its figures
	Records                // the runs on file
	Record                 // one of them
	Doctor                 // the checks of the station
	HelpPage               // the help
	Question               // a question that wants yes or no
	Ending                 // runs are being ended
	Text                   // a dialog with a text field
	Choice                 // a dialog with a list
	Info                   // a dialog to be read
	Consent                // a dialog to be read and accepted
)

// Screens lists every screen and dialog.
func Screens() []Screen {
	return []Screen{Bench, Details, Batch, Records, Record, Doctor, HelpPage, Question, Ending, Text, Choice, Info, Consent}
}

// IsDialog reports whether the screen is a dialog over another one.
func (s Screen) IsDialog() bool { return s >= Text }

// Key is one binding. Why is empty for a key that works now; else it is the catalogue key of the reason.
type Key struct {
	Name    Name
	Binding key.Binding
	Short   bool // shown in the line at the bottom
	Urgent  int  // its place at the head of that line, from 1: what is asked for now; 0: it is not
	Why     string
}

// Situation is what decides which keys work. The zero value: nothing is selected, all else works.
type Situation struct {
	Slots bool            // there is a slot to select
	Why   map[Name]string // catalogue keys of why a key does nothing now
	Now   []Name          // keys that the situation asks for, where they do something; the first one stands first
	// Halted: the batch stands still, so that the key that pauses it lets it go on.
	Halted bool
}

// Map is the keys of one screen in the order help lists them.
type Map []Key

// CatalogueText is the catalogue.
type CatalogueText func(key string, pairs ...string) string

// Find gives the key that a press means on this screen.
func (m Map) Find(press tea.KeyPressMsg) (Key, bool) {
	for _, k := range m {
		if key.Matches(press, k.Binding) {
			return k, true
		}
	}
	return Key{}, false
}

// Get gives the key of a name.
func (m Map) Get(name Name) (Key, bool) {
	for _, k := range m {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}
