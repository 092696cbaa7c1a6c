package keymap

import (
	"slices"
	"testing"

	tea "charm.land/bubbletea/v2"
)

func text(key string, _ ...string) string { return key }

// TestNoCollisions: on no screen do two keys share a press, or two bindings a name.
func TestNoCollisions(t *testing.T) {
	for _, s := range Screens() {
		presses, names := map[string]Name{}, map[Name]bool{}
		for _, k := range For(s, Situation{Slots: true}, "^v", text) {
			if names[k.Name] {
				t.Errorf("screen %d: %s is bound twice", s, k.Name)
			}
			names[k.Name] = true
			for _, p := range k.Binding.Keys() {
				if other, ok := presses[p]; ok {
					t.Errorf("screen %d: %q means %s and %s", s, p, other, k.Name)
				}
				presses[p] = k.Name
			}
			if h := k.Binding.Help(); h.Key == "" || h.Desc == "" || h.Desc == "key." {
				t.Errorf("screen %d: %s has no words", s, k.Name)
			}
		}
		if presses["ctrl+c"] != Interrupt {
			t.Errorf("screen %d: ctrl+c does not interrupt", s)
		}
	}
}

// TestEveryPageLeadsEverywhere: from each page a key leads to every other one, to help and out.
func TestEveryPageLeadsEverywhere(t *testing.T) {
	for _, s := range []Screen{Bench, Details, Batch, Records, Record, Doctor} {
		m := For(s, Situation{Slots: true}, "^v", text)
		for press, want := range map[string]Name{"1": ToBench, "2": ToBatch, "3": ToRecords, "4": ToDoctor, "?": Help, "q": Quit} {
			if k, ok := m.Find(tea.KeyPressMsg{Code: rune(press[0]), Text: press}); !ok || k.Name != want {
				t.Errorf("screen %d: %s means %q, want %q", s, press, k.Name, want)
			}
		}
	}
}

func TestWhy(t *testing.T) {
	now := Situation{Why: map[Name]string{Pause: "why.nobatch"}}
	for _, tt := range []struct {
		screen Screen
		name   Name
		want   string
	}{
		{Bench, Pause, "why.nobatch"},
		{Batch, Pause, "why.nobatch"},
		{Bench, Retry, "why.noslot"},
		{Details, Label, "why.noslot"},
		{Record, Label, ""},
		{Records, Up, ""},
		{Bench, Quit, ""},
	} {
		if k, ok := For(tt.screen, now, "^v", text).Get(tt.name); !ok || k.Why != tt.want {
			t.Errorf("screen %d, %s: got %q, want %q", tt.screen, tt.name, k.Why, tt.want)
		}
	}
	if _, ok := For(Ending, now, "^v", text).Get(Quit); ok {
		t.Error("q is bound while the runs end")
	}
}

// TestShortKeys: the line at the bottom begins with what is used most and ends with help and quit.
func TestShortKeys(t *testing.T) {
	for _, s := range []Screen{Bench, Details, Batch, Records, Record, Doctor} {
		var short []Name
		for _, k := range For(s, Situation{}, "^v", text) {
			if k.Short {
				short = append(short, k.Name)
			}
		}
		if n := len(short); n < 3 || !slices.Equal(short[n-2:], []Name{Help, Quit}) {
			t.Errorf("screen %d: got %v, want help and quit at the end", s, short)
		}
	}
}

// TestHaltedBatch: the key that pauses a batch says that it lets a halted one go on, and keys that are asked for have the
// order in which they are wanted.
func TestHaltedBatch(t *testing.T) {
	for _, s := range []Screen{Bench, Batch} {
		for halted, want := range map[bool]string{false: "key.pause", true: "key.resume"} {
			m := For(s, Situation{Slots: true, Halted: halted, Now: []Name{Pause, RetryAll}}, "^v", text)
			p, _ := m.Get(Pause)
			r, _ := m.Get(RetryAll)
			if got := p.Binding.Help().Desc; got != want {
				t.Errorf("screen %d, halted %t: got %s, want %s", s, halted, got, want)
			}
			if p.Urgent != 1 || r.Urgent != 2 || !r.Short {
				t.Errorf("screen %d: got places %d and %d, want 1 and 2", s, p.Urgent, r.Urgent)
			}
		}
	}
}
