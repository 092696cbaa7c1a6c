package tui

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/batch"
	"provstation/station/words"
	"provstation/tui/keymap"
	"provstation/tui/screen"
)

// place is one way the screen can be: everything an operator can have in front of them.
type place struct {
	name   string
	screen keymap.Screen
	scene  scene
	keys   []string
	set    func(*recorder)
	field  string // what the station or the office is asked when a scan goes to the dialog; empty: it goes to the desk
}

func sceneBatch(s *script, w faulter) {
	sceneMixed(s, w)
	s.add(station.BatchChanged{
		Batch: "lot-7", State: station.BatchOpen, Expected: 2, OpenedAt: s.at,
		Devices: []station.BatchDevice{{Line: 2, HardwareSerial: "SN-1"}, {Line: 3, HardwareSerial: "SN-2"}},
	})
}

func sceneHeld(s *script, w faulter) {
	sceneBatch(s, w)
	s.add(station.BatchChanged{Batch: "lot-7", State: station.BatchHeld, Code: station.CodeHeldFailures, Reason: "Stopped: 3 devices in a row failed with the same fault.", Expected: 2})
}

func sceneSignIn(s *script, w faulter) {
	sceneMixed(s, w)
	s.add(station.OperatorChanged{Required: true})
}

func sceneSignedIn(s *script, w faulter) {
	sceneMixed(s, w)
	s.add(station.OperatorChanged{Operator: "Ada", Role: station.RoleOperator, Required: true})
}

const scanText = "qrayoLI12340?/fepcbn"

func places() []place {
	badList := func(r *recorder) {
		r.listErr = &batch.ManifestError{Path: "/srv/lot-7.csv", Faults: []batch.Fault{{Line: 3, Column: "id", Problem: "Twice.", Next: "Mend it."}}}
	}
	cloned := func(r *recorder) { r.duplicates = []station.DuplicateFound{clone(1, "key"), clone(2, "lease")} }
	copies := func(r *recorder) { r.preview.Copies = 1 }
	reason := []string{"o", "b", "a", "d", "enter"}
	confirm := append(slices.Clone(reason), append(letters("slot 1"), "enter")...)
	return []place{
		{name: "bench", screen: keymap.Bench, scene: sceneMixed},
		{name: "bench in rows", screen: keymap.Bench, scene: sceneMixed, keys: []string{"v"}},
		{name: "bench with nothing", screen: keymap.Bench, scene: sceneEmpty},
		{name: "details", screen: keymap.Details, scene: sceneMixed, keys: []string{"enter"}},
		{name: "batch", screen: keymap.Batch, scene: sceneBatch, keys: []string{"2"}},
		{name: "no batch", screen: keymap.Batch, scene: sceneMixed, keys: []string{"2"}},
		{name: "records", screen: keymap.Records, scene: sceneMixed, keys: []string{"3"}},
		{name: "record", screen: keymap.Record, scene: sceneMixed, keys: []string{"3", "enter"}},
		{name: "doctor", screen: keymap.Doctor, scene: sceneMixed, keys: []string{"4"}},
		{name: "help", screen: keymap.HelpPage, scene: sceneMixed, keys: []string{"?"}},
		{name: "abort", screen: keymap.Question, scene: sceneRunning, keys: []string{"a"}},
		{name: "quit", screen: keymap.Question, scene: sceneRunning, keys: []string{"q"}},
		{name: "ending", screen: keymap.Ending, scene: sceneRunning, keys: []string{"q", "y"}},
		{name: "sign in", screen: keymap.Text, scene: sceneMixed, keys: []string{"i"}},
		{name: "sign in by itself", screen: keymap.Text, scene: sceneSignIn},
		{name: "override, why", screen: keymap.Text, scene: sceneMixed, keys: []string{"o"}},
		{name: "override, confirm", screen: keymap.Text, scene: sceneMixed, keys: reason},
		{name: "override, badge", screen: keymap.Text, scene: sceneMixed, keys: confirm, field: "override slot 1, bad, " + scanText},
		{name: "pause", screen: keymap.Text, scene: sceneBatch, keys: []string{"p"}},
		{name: "held by itself", screen: keymap.Info, scene: sceneHeld},
		{name: "learn", screen: keymap.Text, scene: sceneMixed, keys: []string{"L"}},
		{name: "learn, plug", screen: keymap.Info, scene: sceneMixed, keys: []string{"L", "enter"}},
		{name: "open batch", screen: keymap.Choice, scene: sceneMixed, keys: []string{"b"}},
		{name: "open batch, file", screen: keymap.Text, scene: sceneMixed, keys: []string{"b", "end", "enter"}},
		{name: "open batch, faults", screen: keymap.Info, scene: sceneMixed, keys: []string{"b", "enter"}, set: badList},
		{name: "open batch, confirm", screen: keymap.Consent, scene: sceneMixed, keys: []string{"b", "enter"}},
		{name: "field", screen: keymap.Bench, scene: sceneField},
		{name: "field in rows", screen: keymap.Bench, scene: sceneField, keys: []string{"v"}},
		{name: "field, renewed", screen: keymap.Details, scene: sceneField, keys: []string{"tab", "tab", "tab", "tab", "enter"}},
		{name: "field, expired", screen: keymap.Details, scene: sceneField, keys: []string{"tab", "tab", "enter"}},
		{name: "certificate", screen: keymap.Choice, scene: sceneField, keys: []string{"c"}},
		{name: "certificate of an expired one", screen: keymap.Choice, scene: sceneField, keys: []string{"tab", "tab", "c"}},
		{name: "enroll anew", screen: keymap.Text, scene: sceneField, keys: []string{"c", "end", "enter"}},
		{name: "renew all", screen: keymap.Consent, scene: sceneField, keys: []string{"C"}},
		{name: "close batch, why", screen: keymap.Text, scene: sceneBatch, keys: []string{"2", "c"}},
		{name: "label", screen: keymap.Consent, scene: scenePass, keys: []string{"l"}},
		{name: "label again", screen: keymap.Text, scene: scenePass, keys: []string{"l", "enter"}, set: copies},
		{name: "label, no printer", screen: keymap.Info, scene: scenePass, keys: []string{"l"}, set: func(r *recorder) { r.preview.Printer = "" }},
		{name: "search", screen: keymap.Text, scene: sceneMixed, keys: []string{"3", "/"}, field: "runs " + scanText + " "},
		{name: "filter", screen: keymap.Choice, scene: sceneBatch, keys: []string{"3", "f"}},
		{name: "alarm by itself", screen: keymap.Info, scene: sceneAlarm},
		{name: "alarms by themselves", screen: keymap.Info, scene: sceneAlarms},
		{name: "shared database away", screen: keymap.Bench, scene: sceneAway},
		{name: "duplicates", screen: keymap.Choice, scene: sceneMixed, keys: []string{"3", "d"}, set: cloned},
		{name: "duplicates, one", screen: keymap.Choice, scene: sceneMixed, keys: []string{"3", "d", "enter"}, set: cloned},
		{name: "duplicates, none", screen: keymap.Info, scene: sceneMixed, keys: []string{"3", "d"}},
		{name: "export", screen: keymap.Choice, scene: sceneMixed, keys: []string{"3", "e"}},
	}
}

// visit brings the screen to a place, as a person would.
func (p place) visit(t *testing.T) (*Model, *recorder, *fakeClock) {
	t.Helper()
	return p.visitIn(t, catalogue(t), utf8Env)
}

func (p place) visitIn(t *testing.T, c *words.Catalogue, env []string) (*Model, *recorder, *fakeClock) {
	t.Helper()
	m, rec := benchIn(t, c, p.scene, 100, 30, env)
	rec.stocked()
	if p.set != nil {
		p.set(rec)
	}
	clock := clockOf(m)
	clock.people(m, p.keys...)
	if p.name == "doctor" {
		waitFor(t, func() bool { return slices.Contains(rec.intents(), "diagnose") })
	}
	if m.mode.screen != p.screen {
		t.Fatalf("%s: got screen %d, want %d:\n%s", p.name, m.mode.screen, p.screen, plainView(m))
	}
	rec.mu.Lock()
	rec.got = nil
	rec.mu.Unlock()
	return m, rec, clock
}

// TestScanLandsEverywhere types a label at 1 ms per key into every screen and dialog. It must land as a scan, once, and
// nothing else may happen: its letters are keys nearly everywhere.
func TestScanLandsEverywhere(t *testing.T) {
	for _, p := range places() {
		for _, way := range []string{"enter", "tab", "no end", "paste", "small window"} {
			t.Run(p.name+"/"+way, func(t *testing.T) {
				m, rec, c := p.visit(t)
				rec.err = nil
				before, talk := m.mode, m.talk.id
				slot := selected(m)
				typing := m.typing()
				c.at = c.at.Add(time.Second)
				switch way {
				case "paste":
					_, cmd := m.Update(tea.PasteMsg{Content: scanText + "\r"})
					settle(m, cmd)
				case "no end":
					c.press(m, time.Millisecond, letters(scanText)...)
				case "small window":
					m.Update(tea.WindowSizeMsg{Width: 40, Height: 10})
					c.press(m, time.Millisecond, append(letters(scanText), "enter")...)
				default:
					c.press(m, time.Millisecond, append(letters(scanText), way)...)
				}
				if way == "no end" && typing {
					if got := rec.intents(); got != nil {
						t.Errorf("typing into a field asked for %v", got)
					}
					return
				}
				want := []string{"scan " + scanText + " @" + slot}
				if p.field != "" {
					want = []string{p.field}
				}
				if d := cmp.Diff(want, rec.intents()); d != "" {
					t.Errorf("asked for (-want +got):\n%s", d)
				}
				if p.field != "" || strings.HasPrefix(p.name, "sign in") {
					if m.mode.screen.IsDialog() {
						t.Errorf("the dialog is still there after its scan:\n%s", plainView(m))
					}
					return
				}
				wantMode(t, m, before)
				if m.talk.id != talk {
					t.Error("the dialog is another one")
				}
				if selected(m) != slot {
					t.Errorf("the selection moved to %s", selected(m))
				}
			})
		}
	}
}

// TestEveryKeyEverywhere presses every binding in every place: no panic, and the screen keeps its shape.
func TestEveryKeyEverywhere(t *testing.T) {
	for _, p := range places() {
		t.Run(p.name, func(t *testing.T) {
			first, _, _ := p.visit(t)
			for _, k := range first.keys(first.mode.screen) {
				for _, name := range k.Binding.Keys() {
					m, _, c := p.visit(t)
					c.at = c.at.Add(time.Second)
					c.people(m, name)
					checkShape(t, plainView(m), 100, 30)
					if m.mode.screen.IsDialog() != (m.talk.dialog != nil) {
						t.Errorf("after %s: screen %d, but there is a dialog: %t", name, m.mode.screen, m.talk.dialog != nil)
					}
					if k.Why != "" && !strings.Contains(plainView(m), strings.Fields(m.text(k.Why))[0]) {
						t.Errorf("%s does not say why it does nothing", name)
					}
					if k.Name == keymap.Cancel && m.mode.screen.IsDialog() {
						t.Errorf("%s did not close the dialog", name)
					}
				}
			}
		})
	}
}

// TestPlacesKeepTheirShape draws every place in every size, with and without colours and signs.
func TestPlacesKeepTheirShape(t *testing.T) {
	for _, p := range places() {
		for _, size := range [][2]int{{80, 24}, {120, 35}, {200, 50}, {81, 25}, {60, 12}, {10, 3}} {
			m, _, _ := p.visit(t)
			m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			checkShape(t, plainView(m), size[0], size[1])
		}
	}
}

// TestPlacesGolden draws every page and dialog in every language, and without colours.
func TestPlacesGolden(t *testing.T) {
	for _, locale := range words.Locales() {
		c, err := words.Load(locale)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range places() {
			for _, size := range [][2]int{{80, 24}, {120, 35}, {200, 50}} {
				p.golden(t, c, utf8Env, locale, size)
			}
			p.golden(t, c, []string{"LANG=C.UTF-8", "NO_COLOR=1"}, locale+"-nocolor", [2]int{80, 24})
		}
	}
}

func (p place) golden(t *testing.T, c *words.Catalogue, env []string, folder string, size [2]int) {
	name := folder + "/" + strings.NewReplacer(" ", "-", ",", "").Replace(p.name) + "-" + itoa(size[0]) + "x" + itoa(size[1])
	t.Run(name, func(t *testing.T) {
		m, _, _ := p.visitIn(t, c, env)
		if p.screen == keymap.Doctor {
			m.doctor.id++ // What comes from the checks that are on their way is of no interest here.
			m.doctor.page.Begin()
			m.doctor.page.Add(screen.Check{Name: "disk", Title: "Disk", Status: "fail", Detail: "full", Next: "Make room."})
			m.doctor.page.Finish(nil)
		}
		m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		got := plainView(m)
		checkShape(t, got, size[0], size[1])
		golden(t, name, got)
	})
}

// TestGuard: a dialog that opens by itself hears nothing until input was quiet, and nothing below it does either.
func TestGuard(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	c.people(m, "down")
	_, cmd := m.Update(eventsArrived{events: []station.Event{{Seq: 900, Time: scriptStart, Body: station.OperatorChanged{Required: true}}}})
	settle(m, cmd)
	if m.mode.screen != keymap.Text {
		t.Fatalf("got screen %d, want the sign-in", m.mode.screen)
	}
	slot := selected(m)
	for range 20 { // Somebody goes on typing what was meant for the bench.
		c.press(m, 100*time.Millisecond, "r", "q", "esc", "enter", "x")
	}
	if got := rec.intents(); got != nil || m.mode.screen != keymap.Text || selected(m) != slot {
		t.Fatalf("keys that were meant for the bench acted: %v, screen %d", got, m.mode.screen)
	}
	if strings.Contains(plainView(m), "xrq") {
		t.Error("keys that were meant for the bench are in the field")
	}
	c.at = m.keyboard.typed.Add(quietTime - time.Millisecond)
	c.press(m, 0, "esc")
	if m.mode.screen != keymap.Text {
		t.Error("a key was heard before input was quiet for 400 ms")
	}
	c.at = c.at.Add(quietTime)
	c.press(m, 0, "A")
	c.press(m, 100*time.Millisecond, "d", "a", "enter")
	if d := cmp.Diff([]string{"sign in Ada"}, rec.intents()); d != "" {
		t.Errorf("after the pause the dialog does not listen (-want +got):\n%s", d)
	}
}

// TestGuardTakesAScan: a badge is data, whenever it comes.
func TestGuardTakesAScan(t *testing.T) {
	m, rec := benchModel(t, sceneSignIn, 100, 30, utf8Env)
	c := clockOf(m)
	m.keyboard.typed = c.at
	c.scan(m, "badge-4711")
	if d := cmp.Diff([]string{"scan badge-4711 @slot 1"}, rec.intents()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if m.mode.screen != keymap.Bench {
		t.Errorf("got screen %d, want the bench", m.mode.screen)
	}
}

// TestScanOfABusyMachine: keys that arrive late are still a scan's, unless the message that ends the burst came first.
func TestScanOfABusyMachine(t *testing.T) {
	m, rec := benchModel(t, sceneRunning, 100, 30, utf8Env)
	c := clockOf(m)
	for i, k := range append(letters(scanText), "enter") {
		c.at = c.at.Add(time.Millisecond)
		if i == 7 {
			c.at = c.at.Add(300 * time.Millisecond) // The machine stood still, and the expiry got in before the keys.
			_, cmd := m.Update(burstExpired{id: 7})
			if len(leaves(cmd)) != 1 || rec.intents() != nil {
				t.Fatal("a late expiry did not wait for keys that are late too")
			}
		}
		_, cmd := m.Update(keyPress(k))
		settle(m, cmd)
	}
	if d := cmp.Diff([]string{"scan " + scanText + " @slot 1"}, rec.intents()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestScanOrder: scans go out one at a time and in order, however slow the station is.
func TestScanOrder(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	var first tea.Cmd
	for i, text := range []string{"SN-1", "SN-2", "SN-3"} {
		for _, k := range append(letters(text), "enter") {
			c.at = c.at.Add(time.Millisecond)
			_, cmd := m.Update(keyPress(k))
			for _, leaf := range leaves(cmd) {
				if strings.Contains(nameOf(leaf), "nextScan") {
					if i > 0 {
						t.Fatal("the next scan went out before the station had answered")
					}
					first = leaf
				}
			}
		}
	}
	settle(m, first)
	if d := cmp.Diff([]string{"scan SN-1 @slot 1", "scan SN-2 @slot 1", "scan SN-3 @slot 1"}, rec.intents()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestScanRefused(t *testing.T) {
	m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
	c := clockOf(m)
	rec.err = &station.Fault{Code: station.CodeScanForeign, Params: map[string]string{"label": "SN-9", "batch": "lot-7"}}
	if bells := c.scan(m, "SN-9"); bells != 1 {
		t.Errorf("got %d bells, want 1", bells)
	}
	what, next := catalogue(t).Fault(station.CodeScanForeign, map[string]string{"label": "SN-9", "batch": "lot-7"})
	if want := what + " " + next; !strings.Contains(strings.Join(strings.Fields(plainView(m)), " "), want) {
		t.Errorf("the status does not say %q:\n%s", want, plainView(m))
	}
	rec.err = errors.New("out of order")
	c.scan(m, "SN-9")
	if !strings.Contains(plainView(m), "out of order") {
		t.Error("the status does not give the reason")
	}
}

// TestScanTaken looks at what the operator is told of a scan.
func TestScanTaken(t *testing.T) {
	for _, tt := range []struct {
		name  string
		taken station.ScanTaken
		slot  string
		says  string
		bells int
	}{
		{"a label", station.ScanTaken{Kind: station.ScanLabel, Text: "dev-9", Slot: "slot 3"}, "slot 3", "slot 3: label dev-9 taken.", 0},
		{"refused", station.ScanTaken{Kind: station.ScanLabel, Text: "dev-9", Slot: "slot 4", Code: station.CodeScanWrong, Message: "It is another one.", Hint: "Scan again."}, "slot 4", "It is another one. Scan again.", 1},
		{"refused without words", station.ScanTaken{Kind: station.ScanUnknown, Code: station.CodeScanUnreadable}, "slot 1", "is no label that this bench can use", 1},
		{"next", station.ScanTaken{Kind: station.ScanCommand, Command: "next"}, "slot 3", "", 0},
		{"retry", station.ScanTaken{Kind: station.ScanCommand, Command: "retry", Slot: "slot 2"}, "slot 2", "Command taken: retry.", 0},
		{"print", station.ScanTaken{Kind: station.ScanCommand, Command: "print", Slot: "slot 2"}, "slot 2", "zebra-1", 0},
		{"print without a device", station.ScanTaken{Kind: station.ScanCommand, Command: "print", Slot: "slot 3"}, "slot 3", "no finished device", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, rec := benchModel(t, sceneMixed, 100, 30, utf8Env)
			rec.stocked()
			clockOf(m)
			_, cmd := m.Update(eventsArrived{events: []station.Event{{Seq: 900, Time: scriptStart, Body: tt.taken}}})
			bells, _ := settle(m, cmd)
			if selected(m) != tt.slot || bells != tt.bells {
				t.Errorf("got %s and %d bells, want %s and %d", selected(m), bells, tt.slot, tt.bells)
			}
			if !strings.Contains(plainView(m), tt.says) {
				t.Errorf("does not say %q:\n%s", tt.says, plainView(m))
			}
		})
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
