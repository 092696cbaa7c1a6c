package tui

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/tui/keymap"
)

func selected(m *Model) string {
	if s := m.bench.Selected(); s != nil {
		return s.Name
	}
	return ""
}

func TestSelection(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want string
	}{
		{nil, "slot 1"},
		{[]string{"right"}, "slot 2"},
		{[]string{"down"}, "slot 9"},
		{[]string{"down", "up", "left"}, "slot 1"},
		{[]string{"v", "down"}, "slot 2"},
		{[]string{"v", "j", "j", "k"}, "slot 2"},
		{[]string{"up"}, "slot 1"},
		{[]string{"end"}, "slot 64"},
		{[]string{"G", "right"}, "slot 64"},
		{[]string{"end", "home"}, "slot 1"},
		{[]string{"end", "g"}, "slot 1"},
		{[]string{"tab", "tab", "shift+tab"}, "slot 2"},
		{[]string{"v", "pgdown", "pgup"}, "slot 1"},
		{[]string{"enter", "tab"}, "slot 2"},
		{[]string{"enter", "down", "esc"}, "slot 1"},
		{[]string{"n"}, "slot 5"},
		{[]string{"n", "n"}, "slot 9"},
		{[]string{"enter", "n", "esc"}, "slot 5"},
	} {
		t.Run(strings.Join(tt.keys, " "), func(t *testing.T) {
			m, _ := benchModel(t, scene64, 80, 24, utf8Env)
			press(m, tt.keys...)
			if got := selected(m); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			marked := regexp.MustCompile("▌[^▌]{0,3}" + tt.want + `\b`)
			if view := plainView(m); m.mode.screen == keymap.Bench && !marked.MatchString(view) {
				t.Errorf("the selected slot is not in sight:\n%s", view)
			}
		})
	}
}

func TestSelectionStaysWithItsSlot(t *testing.T) {
	m, _ := benchModel(t, func(s *script, _ faulter) { s.listen(5); s.listen(7) }, 80, 24, utf8Env)
	press(m, "right")
	m.Update(eventsArrived{events: []station.Event{{Seq: 99, Body: station.PortSeen{Port: "x", Slot: "slot 6", Status: "listening"}}}})
	if got := selected(m); got != "slot 7" {
		t.Errorf("got %s, want slot 7", got)
	}
}

// TestIntents presses keys and looks at what the station was asked, and what the operator is told.
func TestIntents(t *testing.T) {
	for _, tt := range []struct {
		name  string
		scene scene
		keys  []string
		err   error
		want  []string
		says  string
	}{
		{"retry", sceneMixed, []string{"r"}, nil, []string{"retry slot 1"}, "slot 1: asked to start again."},
		{"retry refused", sceneMixed, []string{"r"}, errors.New("slot 1 is empty: plug a device in"), []string{"retry slot 1"}, "cannot start again: slot 1 is empty"},
		{"retry while running", sceneRunning, []string{"r"}, nil, nil, "r: the run is still going; abort it first."},
		{"retry before anything ran", sceneListening, []string{"r"}, nil, nil, "r: nothing has run in this slot yet"},
		{"retry with nothing there", sceneEmpty, []string{"r"}, nil, nil, "r: no slot is selected."},
		{"retry of what was unplugged", func(s *script, w faulter) {
			scenePass(s, w)
			s.add(station.PortSeen{Port: portName(1), Slot: slotName(1), Status: "gone"})
		}, []string{"r"}, nil, nil, "r: the device was unplugged"},
		{"abort asks", sceneRunning, []string{"a"}, nil, nil, "Stop the work on slot 1 (dev-0041)?"},
		{"abort", sceneRunning, []string{"a", "y"}, nil, []string{"abort slot 1"}, "slot 1: asked to stop."},
		{"abort refused", sceneRunning, []string{"a", "y"}, errors.New("nothing is running"), []string{"abort slot 1"}, "cannot be stopped: nothing is running"},
		{"abort not", sceneRunning, []string{"a", "n"}, nil, nil, ""},
		{"abort not, by esc", sceneRunning, []string{"a", "esc"}, nil, nil, ""},
		{"a question ignores other keys", sceneRunning, []string{"a", "r", "enter", "x", "down"}, nil, nil, "Stop the work on"},
		{"abort of what does not run", sceneMixed, []string{"a"}, nil, nil, "a: nothing is running in this slot."},
		{"abort from the details", sceneRunning, []string{"enter", "a", "y"}, nil, []string{"abort slot 1"}, "asked to stop"},
		{"quit", scenePass, []string{"q"}, nil, []string{"quit"}, "Ending the runs in order."},
		{"quit from the help", scenePass, []string{"?", "q"}, nil, []string{"quit"}, "Ending the runs in order."},
		{"quit asks", sceneRunning, []string{"q"}, nil, nil, "Runs still going: 8. Stop them and quit?"},
		{"quit not", sceneRunning, []string{"q", "n"}, nil, nil, ""},
		{"quit yes", sceneRunning, []string{"q", "y"}, nil, []string{"quit"}, "Runs still going: 8. Press ctrl+c to leave at once."},
		{"ctrl+c is q", sceneRunning, []string{"ctrl+c"}, nil, nil, "Stop them and quit?"},
		{"an unknown key", sceneMixed, []string{"z"}, nil, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, rec := benchModel(t, tt.scene, 80, 24, utf8Env)
			rec.err = tt.err
			for _, cmd := range press(m, tt.keys...) {
				if len(rec.intents()) != 0 && cmd == nil {
					continue
				}
				if cmd != nil {
					m.Update(cmd())
				}
			}
			if d := cmp.Diff(tt.want, rec.intents()); d != "" {
				t.Errorf("intents (-want +got):\n%s", d)
			}
			lines := strings.Split(plainView(m), "\n")
			footer := strings.Join(lines[len(lines)-2:], "\n")
			if tt.says == "" && strings.TrimSpace(lines[len(lines)-2]) != "" || !strings.Contains(footer, tt.says) {
				t.Errorf("got the status %q, want %q", footer, tt.says)
			}
		})
	}
}

// TestUpdateDoesNotDo: intents go out from commands, never from Update itself, and the same one is not sent twice.
func TestUpdateDoesNotDo(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 80, 24, utf8Env)
	cmds := press(m, "r", "r")
	if got := rec.intents(); got != nil {
		t.Errorf("Update itself sent %v", got)
	}
	if cmds[0] == nil || cmds[1] != nil {
		t.Errorf("got commands %v, want one for the first press alone", cmds)
	}
	if !strings.Contains(plainView(m), "already asked") {
		t.Error("the second press does not say that it was asked already")
	}
}

// TestHelpListsEveryBinding compares help with what is matched, on every page.
func TestHelpListsEveryBinding(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 120, 140, utf8Env)
	for _, from := range []struct {
		screen keymap.Screen
		keys   []string
	}{
		{keymap.Bench, nil},
		{keymap.Details, []string{"enter"}},
		{keymap.Batch, []string{"2"}},
		{keymap.Records, []string{"3"}},
		{keymap.Doctor, []string{"4"}},
	} {
		press(m, from.keys...)
		if m.mode.screen != from.screen {
			t.Fatalf("got screen %d, want %d", m.mode.screen, from.screen)
		}
		keys := m.keys(from.screen)
		press(m, "?")
		view := strings.Join(strings.Fields(plainView(m)), " ")
		for _, k := range keys {
			if len(k.Binding.Keys()) == 0 {
				continue
			}
			h := k.Binding.Help()
			if !strings.Contains(view, h.Key) || !strings.Contains(view, h.Desc) {
				t.Errorf("screen %d: help lacks %s (%s, %s)", from.screen, k.Name, h.Key, h.Desc)
			}
			if why := m.text(k.Why); k.Why != "" && !strings.Contains(view, strings.Fields(why)[0]) {
				t.Errorf("screen %d: help does not say why %s does nothing", from.screen, k.Name)
			}
		}
		press(m, "esc")
	}
}

// TestEveryBindingFires presses every key of every binding: each is found under its own name, and none twice.
func TestEveryBindingFires(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 120, 35, utf8Env)
	for _, s := range keymap.Screens() {
		keys := m.keys(s)
		for _, k := range keys {
			for _, name := range k.Binding.Keys() {
				msg := keyPress(name)
				if msg.String() != name {
					t.Errorf("binding %q can never fire: such a press is called %q", name, msg.String())
				}
				if found, ok := keys.Find(msg); !ok || found.Name != k.Name {
					t.Errorf("screen %d: %q means %s, want %s", s, name, found.Name, k.Name)
				}
			}
			if h := k.Binding.Help(); strings.HasPrefix(h.Desc, "key.") {
				t.Errorf("%s has no name in the catalogue", k.Name)
			}
			if why := m.text(k.Why); k.Why != "" && why == k.Why {
				t.Errorf("%s has no reason in the catalogue: %s", k.Name, k.Why)
			}
		}
	}
}

func TestTooSmallStillQuits(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 60, 10, utf8Env)
	press(m, "r", "down", "enter")
	if selected(m) != "slot 1" || rec.intents() != nil || m.mode.screen != keymap.Bench {
		t.Error("a key acted on a slot that is not in sight")
	}
	press(m, "q")
	if !strings.Contains(plainView(m), "Stop them and quit?") {
		t.Errorf("the question is not shown:\n%s", plainView(m))
	}
	if cmd := press(m, "y")[0]; cmd == nil {
		t.Error("got no command, want the quit")
	} else {
		m.Update(cmd())
	}
	if d := cmp.Diff([]string{"quit"}, rec.intents()); d != "" {
		t.Error(d)
	}
}

// TestLeaving waits for the runs to end, and not longer.
func TestLeaving(t *testing.T) {
	quits := func(cmd tea.Cmd) bool {
		return slices.ContainsFunc(leaves(cmd), func(c tea.Cmd) bool { return nameOf(c) == nameOf(tea.Quit) })
	}
	m, _ := benchModel(t, func(s *script, _ faulter) { s.listen(1); s.work(1, station.PhaseEnroll, station.PhaseStarted) }, 80, 24, utf8Env)
	press(m, "q", "y")
	if _, cmd := m.Update(quitAnswered{}); quits(cmd) {
		t.Error("left with a run in flight")
	}
	_, cmd := m.Update(eventsArrived{closed: true, events: []station.Event{
		{Seq: 50, Time: scriptStart, Body: station.RunEnded{Run: runID(1), Slot: slotName(1), Outcome: station.Aborted}},
		{Seq: 51, Time: scriptStart, Body: station.Summary{}},
	}})
	if !quits(cmd) {
		t.Error("did not leave when the station had ended")
	}
	idle, _ := benchModel(t, scenePass, 80, 24, utf8Env)
	press(idle, "q")
	if _, cmd := idle.Update(quitAnswered{}); !quits(cmd) {
		t.Error("did not leave with nothing in flight")
	}
	ended, _ := benchModel(t, scenePass, 80, 24, utf8Env)
	if _, cmd := ended.Update(eventsArrived{closed: true}); quits(cmd) {
		t.Error("left by itself when the station ended: the verdicts are gone from the screen")
	}
	if !strings.Contains(plainView(ended), "The station has stopped.") {
		t.Error("does not say that the station has stopped")
	}
}

// TestHeldDeviceNamesItsKey: what to do about it says that a line lead may release it, so the key for that is in sight.
func TestHeldDeviceNamesItsKey(t *testing.T) {
	scene := func(s *script, w faulter) {
		s.pass(1)
		s.fail(2, station.PhaseIdentify, station.Uncertain, station.CodeUnknownKey, nil, w)
	}
	m, _ := benchModel(t, scene, 120, 35, utf8Env)
	footer := func() string {
		lines := strings.Split(plainView(m), "\n")
		return lines[len(lines)-1]
	}
	const key = "o let it go on (line lead)"
	if got := footer(); strings.Contains(got, key) {
		t.Errorf("got %q beside a device that is finished", got)
	}
	press(m, "right")
	if got := footer(); !strings.Contains(got, key) {
		t.Errorf("got %q, want %q in it", got, key)
	}
}
