package keymap

import (
	"slices"

	"charm.land/bubbles/v2/key"
)

// binder makes bindings whose words come from the catalogue.
type binder struct{ text CatalogueText }

func (b binder) bind(name Name, short bool, label, desc string, keys ...string) Key {
	return Key{Name: name, Short: short, Binding: key.NewBinding(key.WithKeys(keys...), key.WithHelp(label, b.text("key."+desc)))}
}

// For gives the keys of a screen in a situation. arrows is the sign for the two arrow keys, such as "↑↓".
func For(screen Screen, now Situation, arrows string, text CatalogueText) Map {
	b := binder{text}
	var m Map
	switch screen {
	case Bench, Details:
		m = b.slots(screen)
	case Batch:
		m = slices.Concat(b.scroll(), b.work(true, OpenBatch, Pause, CloseBatch), b.work(false, RetryAll, SignIn, SignOut), b.places(screen), b.ways("esc"))
	case Records:
		m = b.records()
	case Record:
		m = slices.Concat(b.scroll(), b.work(true, Label), b.work(false, Resolve), b.places(screen), b.ways("enter, esc", "enter"))
	case Doctor:
		m = slices.Concat(b.scroll(), Map{b.bind(Again, true, "r", "again", "r")}, b.work(false, SignIn, SignOut), b.places(screen), b.ways("esc"))
	case HelpPage:
		m = append(b.scroll(), b.bind(Back, true, "?", "back", "?", "esc", "enter"), b.bind(Quit, true, "q", "quit", "q"), b.interrupt())
	case Question:
		return Map{b.bind(Yes, true, "y", "yes", "y", "Y"), b.bind(No, true, "n / esc", "no", "n", "N", "esc"), b.interrupt()}
	case Ending:
		return Map{b.interrupt()}
	default:
		m = b.dialog(screen)
	}
	now.apply(m, screen)
	if at := slices.IndexFunc(m, func(k Key) bool { return k.Name == Pause }); at >= 0 && now.Halted {
		m[at].Binding.SetHelp(m[at].Binding.Help().Key, text("key.resume"))
	}
	if at := slices.IndexFunc(m, func(k Key) bool { return k.Name == Help }); at > 0 && (screen == Bench || screen == Details) {
		m = slices.Insert(m, at, Key{Name: "places", Short: true, Binding: key.NewBinding(key.WithHelp("1-4", text("key.places")))})
	}
	if screen == Bench || screen == Records || screen == Choice {
		m = slices.Insert(m, 0, Key{Name: "select", Short: true, Binding: key.NewBinding(key.WithHelp(arrows, text("key.select")))})
	}
	return m
}

// apply marks the keys that do nothing now.
func (now Situation) apply(m Map, screen Screen) {
	for i := range m {
		if why := now.Why[m[i].Name]; why != "" {
			m[i].Why = why
			continue
		}
		if at := slices.Index(now.Now, m[i].Name); at >= 0 {
			m[i].Short, m[i].Urgent = true, at+1
		}
		if now.Slots || screen != Bench && screen != Details {
			continue
		}
		switch m[i].Name {
		case Up, Down, Left, Right, PageUp, PageDown, Home, End, Next, Previous, Attention, Detail, Retry, Abort, Override, Label, Certificate:
			m[i].Why = "why.noslot"
		}
	}
}

func (b binder) interrupt() Key { return b.bind(Interrupt, false, "ctrl+c", "interrupt", "ctrl+c") }

// slots are the keys of the bench and of one slot.
func (b binder) slots(screen Screen) Map {
	up, down := b.bind(Up, false, "up, k", "up", "up", "k"), b.bind(Down, false, "down, j", "down", "down", "j")
	if screen == Details {
		up, down = b.bind(Up, false, "up, k", "scrollup", "up", "k"), b.bind(Down, false, "down, j", "scrolldown", "down", "j")
	}
	m := Map{up, down}
	if screen == Bench {
		m = append(m, b.bind(Left, false, "left", "left", "left"), b.bind(Right, false, "right", "right", "right"))
	} else {
		m = append(m, b.bind(Left, false, "left", "tableft", "left"), b.bind(Right, false, "right", "tabright", "right"))
	}
	m = append(m, b.pages()...)
	m = append(m, b.bind(Next, false, "tab", "next", "tab"), b.bind(Previous, false, "shift+tab", "previous", "shift+tab"))
	if screen == Bench {
		m = append(m, b.bind(Detail, true, "enter", "detail", "enter"), b.bind(Rows, false, "v", "rows", "v"))
	} else {
		m = append(m, b.bind(Back, true, "enter, esc", "back", "enter", "esc"))
	}
	m = append(m, b.bind(Retry, true, "r", "retry", "r"), b.bind(Abort, true, "a", "abort", "a"), b.bind(Attention, true, "n", "attention", "n"))
	m = append(m, b.work(true, Label)...)
	m = append(m, b.work(screen == Details, Certificate)...)
	m = append(m, b.work(false, Override, RetryAll, RenewAll, OpenBatch, Pause, SignIn, SignOut, Learn)...)
	m = append(m, b.places(screen)...)
	return append(m, b.bind(Help, true, "?", "help", "?"), b.bind(Quit, true, "q", "quit", "q"), b.interrupt())
}

func (b binder) pages() Map {
	return Map{
		b.bind(PageUp, false, "pgup", "pageup", "pgup", "ctrl+b"), b.bind(PageDown, false, "pgdown", "pagedown", "pgdown", "ctrl+f"),
		b.bind(Home, false, "home, g", "home", "home", "g"), b.bind(End, false, "end, G", "end", "end", "G"),
	}
}

// scroll are the keys of a page that is read.
func (b binder) scroll() Map {
	return append(Map{b.bind(Up, false, "up, k", "scrollup", "up", "k"), b.bind(Down, false, "down, j", "scrolldown", "down", "j")}, b.pages()...)
}

// work are the keys that ask something of the station, wherever they are.
func (b binder) work(short bool, names ...Name) Map {
	keys := map[Name]string{
		Label: "l", Override: "o", RetryAll: "R", OpenBatch: "b", Pause: "p", CloseBatch: "c", SignIn: "i", SignOut: "I", Learn: "L", Resolve: "u",
		Duplicates: "d", Certificate: "c", RenewAll: "C",
	}
	m := make(Map, 0, len(names))
	for _, name := range names {
		m = append(m, b.bind(name, short, keys[name], string(name), keys[name]))
	}
	return m
}

// places are the keys that lead to the other screens.
func (b binder) places(here Screen) Map {
	return Map{
		b.bind(ToBench, here != Bench && here != Details, "1", "bench", "1"), b.bind(ToBatch, false, "2", "batch", "2"),
		b.bind(ToRecords, false, "3", "records", "3"), b.bind(ToDoctor, false, "4", "doctor", "4"),
	}
}

// ways are the keys that lead back and out.
func (b binder) ways(label string, more ...string) Map {
	return Map{
		b.bind(Back, true, label, "back", append(more, "esc")...), b.bind(Help, true, "?", "help", "?"),
		b.bind(Quit, true, "q", "quit", "q"), b.interrupt(),
	}
}

func (b binder) records() Map {
	m := append(Map{b.bind(Up, false, "up, k", "recordup", "up", "k"), b.bind(Down, false, "down, j", "recorddown", "down", "j")}, b.pages()...)
	m = append(m,
		b.bind(Open, true, "enter", "open", "enter"), b.bind(Search, true, "/", "search", "/"), b.bind(Filter, true, "f", "filter", "f"),
		b.bind(Export, true, "e", "export", "e"), b.bind(Again, false, "r", "reload", "r"))
	return slices.Concat(m, b.work(false, Resolve, Duplicates), b.places(Records), b.ways("esc"))
}

// dialog gives the keys of a dialog.
func (b binder) dialog(screen Screen) Map {
	cancel := b.bind(Cancel, true, "esc", "cancel", "esc")
	switch screen {
	case Text:
		return Map{
			b.bind(Accept, true, "enter", "accept", "enter"), cancel,
			b.bind(Left, false, "left", "cursorleft", "left"), b.bind(Right, false, "right", "cursorright", "right"),
			b.bind(Home, false, "home", "cursorhome", "home", "ctrl+a"), b.bind(End, false, "end", "cursorend", "end", "ctrl+e"),
			b.bind(Rubout, false, "backspace", "rubout", "backspace", "ctrl+h"), b.bind(Delete, false, "delete", "delete", "delete"),
			b.bind(DeleteWord, false, "ctrl+w", "deleteword", "ctrl+w"), b.bind(DeleteStart, false, "ctrl+u", "deletestart", "ctrl+u"),
			b.interrupt(),
		}
	case Choice:
		m := append(Map{
			b.bind(Accept, true, "enter", "accept", "enter"), cancel,
			b.bind(Up, false, "up, k", "lineup", "up", "k"), b.bind(Down, false, "down, j", "linedown", "down", "j"),
		}, b.pages()...)
		return append(m, b.interrupt())
	case Consent:
		return append(append(Map{b.bind(Accept, true, "enter", "accept", "enter"), cancel}, b.scroll()...), b.interrupt())
	default:
		return append(append(Map{b.bind(Cancel, true, "enter, esc", "close", "enter", "esc")}, b.scroll()...), b.interrupt())
	}
}
