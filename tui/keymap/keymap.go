// Package keymap holds every key of every screen, what it is called, and why it does nothing when it does nothing. Help
// is made from the same bindings that are matched, so the two cannot differ.
package keymap

import (
	"slices"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
)

// Name tells what a key does.
type Name string

// What keys do.
const (
	Up        Name = "up"
	Down      Name = "down"
	PageUp    Name = "pageup"
	PageDown  Name = "pagedown"
	Home      Name = "home"
	End       Name = "end"
	Next      Name = "next"
	Previous  Name = "previous"
	Detail    Name = "detail"
	Back      Name = "back"
	Retry     Name = "retry"
	Abort     Name = "abort"
	Help      Name = "help"
	Quit      Name = "quit"
	Interrupt Name = "interrupt"
	Yes       Name = "yes"
	No        Name = "no"
)

// Screen is what is in front of the operator.
type Screen uint8

// Screens.
const (
	Bench    Screen = iota // the slots
	Details                // one slot over the whole screen
	HelpPage               // the help
	Question               // a question that wants yes or no
	Ending                 // runs are being ended
)

// Key is one binding. Why is empty for a key that works now; else it is the catalogue key of the reason.
type Key struct {
	Name    Name
	Binding key.Binding
	Short   bool // shown in the line at the bottom
	Why     string
}

// Situation is what decides which keys work. The zero value: nothing is selected.
type Situation struct {
	Slots    bool   // there is a slot to select
	RetryWhy string // catalogue key of why retry cannot be, empty when it can
	AbortWhy string
}

// Map is the keys of one screen in the order help lists them.
type Map []Key

// Text is the catalogue.
type Text func(key string, pairs ...string) string

// For gives the keys of a screen in a situation. arrows is the sign for the two arrow keys, such as "↑↓".
func For(screen Screen, now Situation, arrows string, text Text) Map {
	b := func(name Name, short bool, label, desc string, keys ...string) Key {
		return Key{Name: name, Short: short, Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(label, text("key."+desc)))}
	}
	interrupt := b(Interrupt, false, "ctrl+c", "interrupt", "ctrl+c")
	switch screen {
	case Question:
		return Map{b(Yes, true, "y", "yes", "y", "Y"), b(No, true, "n / esc", "no", "n", "N", "esc"), interrupt}
	case Ending:
		return Map{interrupt}
	}

	up, down := b(Up, false, "up, k", "up", "up", "k"), b(Down, false, "down, j", "down", "down", "j")
	if screen != Bench {
		up, down = b(Up, false, "up, k", "scrollup", "up", "k"), b(Down, false, "down, j", "scrolldown", "down", "j")
	}
	m := Map{
		up, down,
		b(PageUp, false, "pgup", "pageup", "pgup", "ctrl+b"), b(PageDown, false, "pgdown", "pagedown", "pgdown", "ctrl+f"),
		b(Home, false, "home, g", "home", "home", "g"), b(End, false, "end, G", "end", "end", "G"),
	}
	if screen == HelpPage {
		return append(m, b(Back, true, "?", "back", "?", "esc", "enter"), b(Quit, true, "q", "quit", "q"), interrupt)
	}
	m = append(m, b(Next, false, "tab", "next", "tab"), b(Previous, false, "shift+tab", "previous", "shift+tab"))
	if screen == Bench {
		m = append(m, b(Detail, true, "enter", "detail", "enter"))
	} else {
		m = append(m, b(Back, true, "enter, esc", "back", "enter", "esc"))
	}
	m = append(m,
		b(Retry, true, "r", "retry", "r"), b(Abort, true, "a", "abort", "a"),
		b(Help, true, "?", "help", "?"), b(Quit, true, "q", "quit", "q"), interrupt)
	for i := range m {
		switch m[i].Name {
		case Retry:
			m[i].Why = now.RetryWhy
		case Abort:
			m[i].Why = now.AbortWhy
		case Help, Quit, Interrupt, Back:
		default:
			if !now.Slots {
				m[i].Why = "why.noslot"
			}
		}
	}
	if screen == Bench {
		m = slices.Insert(m, 0, Key{Name: "select", Short: true, Binding: key.NewBinding(key.WithHelp(arrows, text("key.select")))})
	}
	return m
}

// Find gives the key that a press means on this screen.
func (m Map) Find(press tea.KeyPressMsg) (Key, bool) {
	for _, k := range m {
		if key.Matches(press, k.Binding) {
			return k, true
		}
	}
	return Key{}, false
}
