package dialog

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
)

func options() *Choice {
	return NewOptions("t", []string{"about"}, []Option{
		{Text: "renew", About: "the key stays", Why: "it is over"},
		{Text: "rekey", About: strings.Repeat("long words ", 12)},
		{Text: "anew"},
	}, 0)
}

// TestOptions: one that makes no sense is not chosen, and says why where it stands.
func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want Action
	}{
		{[]string{"enter"}, nil},
		{[]string{"down", "enter"}, Chosen{1}},
		{[]string{"end", "enter"}, Chosen{2}},
		{[]string{"end", "home", "enter"}, nil},
		{[]string{"enter", "esc"}, Cancelled{}},
	} {
		if d := cmp.Diff(tt.want, press(options(), tt.keys...)); d != "" {
			t.Errorf("%v (-want +got):\n%s", tt.keys, d)
		}
	}
}

// TestOptionsAreInSight: in a low window the item that is marked is in sight with all that is said of it.
func TestOptionsAreInSight(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want []string
	}{
		{nil, []string{"renew", "the key stays", "it is over"}},
		{[]string{"down"}, []string{"rekey", "long words long"}},
		{[]string{"end"}, []string{"anew"}},
		{[]string{"end", "home"}, []string{"renew", "the key stays", "it is over"}},
	} {
		d := options()
		press(d)
		d.View(50, 11)
		for _, k := range tt.keys {
			d.Update(key(k))
			d.View(50, 11)
		}
		view := ansi.Strip(strings.Join(d.View(50, 11), "\n"))
		for _, want := range tt.want {
			if !strings.Contains(view, want) {
				t.Errorf("%v: got no %q in\n%s", tt.keys, want, view)
			}
		}
	}
}
