package tui

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"provstation/station"
	"provstation/station/words"
	"provstation/tui/keymap"
	"provstation/tui/scanner"
)

var update = flag.Bool("update", false, "write the golden views")

var (
	utf8Env  = []string{"LANG=en_US.UTF-8", "TERM=xterm-256color"}
	asciiEnv = []string{"LANG=C", "TERM=linux", "NO_COLOR=1"}
)

var english = sync.OnceValues(func() (*words.Catalogue, error) { return words.Load("en") })

func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := english()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// bench is a model in a scene at a size.
func benchModel(t testing.TB, sc scene, w, h int, env []string) (*Model, *recorder) {
	t.Helper()
	return benchIn(t, catalogue(t), sc, w, h, env)
}

func benchIn(t testing.TB, c *words.Catalogue, sc scene, w, h int, env []string) (*Model, *recorder) {
	t.Helper()
	s, rec := newScript(), &recorder{}
	sc(s, c)
	m := New(Config{Events: make(chan station.Event), Intents: rec, Desk: rec, Office: rec, Words: c, Now: func() time.Time { return s.at }, Environ: env, Bell: true})
	m.keyboard.clock = func() time.Time { return s.at }
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	m.Update(eventsArrived{events: s.events})
	m.View() // a key is pressed by someone who has seen a screen
	return m, rec
}

func press(m *Model, keys ...string) []tea.Cmd {
	var cmds []tea.Cmd
	for _, k := range keys {
		_, cmd := m.Update(keyPress(k))
		if m.keyboard.scan.Holding() { // A person is in no hurry: the key is known for one before the next.
			cmd = m.hear(scanner.Result{Out: m.keyboard.scan.Flush()})
		}
		cmds = append(cmds, cmd)
		m.View()
	}
	return cmds
}

func keyPress(k string) tea.KeyPressMsg {
	special := map[string]rune{
		"up": tea.KeyUp, "down": tea.KeyDown, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "left": tea.KeyLeft, "right": tea.KeyRight,
		"backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
	}
	if r, ok := special[k]; ok {
		return tea.KeyPressMsg{Code: r}
	}
	if k == "shift+tab" {
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	}
	if r, ok := strings.CutPrefix(k, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(r[0]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: rune(k[0]), Text: k}
}

func plainView(m *Model) string { return ansi.Strip(m.View().Content) }

func TestGolden(t *testing.T) {
	sizes := []struct{ w, h int }{{80, 24}, {120, 35}, {200, 50}}
	for _, tt := range []struct {
		name  string
		scene scene
		env   []string
		keys  []string
	}{
		{"empty", sceneEmpty, utf8Env, nil},
		{"listening", sceneListening, utf8Env, []string{"end"}},
		{"running", sceneRunning, utf8Env, nil},
		{"pass", scenePass, utf8Env, nil},
		{"mixed", sceneMixed, utf8Env, nil},
		{"mixed-running", sceneMixed, utf8Env, []string{"end"}},
		{"mixed-detail", sceneMixed, utf8Env, []string{"enter"}},
		{"mixed-detail-end", sceneMixed, utf8Env, []string{"enter", "end"}},
		{"mixed-disabled", sceneMixed, utf8Env, []string{"a"}},
		{"mixed-ascii", sceneMixed, asciiEnv, nil},
		{"empty-ascii", sceneEmpty, asciiEnv, nil},
		{"help", sceneMixed, utf8Env, []string{"?"}},
		{"help-ascii", sceneMixed, asciiEnv, []string{"?"}},
		{"quit", sceneRunning, utf8Env, []string{"q"}},
		{"quitting", sceneRunning, utf8Env, []string{"q", "y"}},
		{"abort", sceneRunning, utf8Env, []string{"down", "down", "a"}},
		{"slots-64", scene64, utf8Env, nil},
		{"slots-64-end", scene64, utf8Env, []string{"end"}},
		{"slots-64-middle", scene64, utf8Env, []string{"pgdown", "pgdown"}},
	} {
		for _, size := range sizes {
			name := tt.name + "-" + strconv.Itoa(size.w) + "x" + strconv.Itoa(size.h)
			t.Run(name, func(t *testing.T) {
				m, _ := benchModel(t, tt.scene, size.w, size.h, tt.env)
				press(m, tt.keys...)
				got := plainView(m)
				checkShape(t, got, size.w, size.h)
				golden(t, name, got)
			})
		}
	}
	t.Run("small", func(t *testing.T) {
		m, _ := benchModel(t, sceneRunning, 79, 23, utf8Env)
		checkShape(t, plainView(m), 79, 23)
		golden(t, "small-79x23", plainView(m))
	})
}

// checkShape fails unless the view is exactly as large as the window: no line wraps, nothing jumps.
func checkShape(t *testing.T, view string, w, h int) {
	t.Helper()
	lines := strings.Split(view, "\n")
	if len(lines) != h {
		t.Errorf("got %d lines, want %d", len(lines), h)
	}
	for i, line := range lines {
		if n := ansi.StringWidth(line); n != w {
			t.Errorf("line %d: got %d cells, want %d: %q", i+1, n, w, line)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	lines := strings.Split(got, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	got = strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("view differs from %s (-want +got):\n%s", path, d)
	}
}

// TestEverySizeHasItsShape resizes at any moment, the sizes nobody has included.
func TestEverySizeHasItsShape(t *testing.T) {
	for i, sc := range []scene{sceneEmpty, sceneListening, sceneMixed, scene64} {
		m, _ := benchModel(t, sc, 80, 24, [][]string{utf8Env, asciiEnv}[i%2])
		for _, keys := range [][]string{nil, {"end", "enter"}, {"end"}, {"esc", "?", "end"}, {"esc", "q"}} {
			press(m, keys...)
			for _, size := range [][2]int{{1, 1}, {20, 5}, {79, 24}, {80, 23}, {81, 25}, {140, 24}, {240, 70}} {
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				checkShape(t, plainView(m), size[0], size[1])
			}
		}
	}
}

func TestASCIIViewIsASCII(t *testing.T) {
	hostile := func(s *script, w faulter) {
		sceneMixed(s, w)
		s.add(station.PhaseChanged{Run: "r", Slot: "日本 é", DeviceID: "デバイス👩‍🔧", Phase: station.PhaseClock, Status: station.PhaseStarted})
	}
	for _, keys := range [][]string{nil, {"enter"}, {"esc", "end"}, {"?"}} {
		m, _ := benchModel(t, hostile, 120, 35, asciiEnv)
		press(m, keys...)
		for i, r := range m.View().Content {
			if r > 0x7e {
				t.Fatalf("after %v: got %q at %d, want ASCII alone", keys, r, i)
			}
		}
		checkShape(t, plainView(m), 120, 35)
	}
}

func TestNoColorHasNoColour(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 80, 24, []string{"LANG=C.UTF-8", "NO_COLOR=1"})
	content := m.View().Content
	for _, colour := range []string{"38;", "48;", "\x1b[31m", "\x1b[32m"} {
		if strings.Contains(content, colour) {
			t.Errorf("got the colour sequence %q with NO_COLOR set", colour)
		}
	}
	if !strings.Contains(ansi.Strip(content), "▌ slot 1") {
		t.Error("the selected row is not marked without colour")
	}
}

func TestBackgroundChoosesTheme(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 80, 24, utf8Env)
	dark := m.View().Content
	m.Update(tea.BackgroundColorMsg{Color: ansi.BrightWhite})
	light := m.View().Content
	if dark == light {
		t.Error("a light background changes nothing")
	}
	if ansi.Strip(dark) != ansi.Strip(light) {
		t.Error("a light background changes more than colours")
	}
}

// TestHostileText sends escape sequences and marks through every text of every event; none reaches the terminal.
func TestHostileText(t *testing.T) {
	const bad = "\x1b]0;owned\x07\x1b[2J\x1b[31mX\u009b31m\r\n\u202e\x00\x7f"
	sc := func(s *script, _ faulter) {
		info := station.StationInfo{Station: bad, Tenant: bad, Site: bad, StationID: bad, Version: bad, Bridge: bad, Broker: bad, ConfigDigest: bad}
		s.add(info)
		s.add(station.PortSeen{Port: bad, Status: "ignored", Code: bad, Reason: bad})
		s.add(station.PortSeen{Port: bad, Slot: "A" + bad, Status: bad, Code: bad, Reason: bad})
		facts := map[string]string{}
		for _, name := range []string{
			station.FactHardwareSerial, station.FactModel, station.FactFirmware, station.FactIDSource, station.FactSPKI, station.FactIssuer,
			station.FactChain, station.FactNotAfter, station.FactBootLog, station.FactTunnelAddress, station.FactContract, station.FactProof, bad,
		} {
			facts[name] = bad
		}
		s.add(station.PhaseChanged{
			Run: "r" + bad, Slot: "B" + bad, DeviceID: bad, Phase: station.PhaseMQTT, Status: station.PhaseProgress, Step: bad, Code: bad,
			Facts: facts, Params: map[string]string{"broker": bad}, Warnings: []station.Warning{{Code: bad, Text: bad}},
		})
		s.add(station.RunEnded{Run: "q", Slot: "C", DeviceID: bad, HardwareSerial: bad, Outcome: bad, Phase: bad, Code: bad, Message: bad, Hint: bad, CertFingerprint: bad, Contract: bad})
	}
	for _, keys := range [][]string{nil, {"down"}, {"end"}, {"enter"}, {"tab"}, {"tab"}, {"esc", "?", "end"}, {"esc", "home", "down", "a"}} {
		m, rec := benchModel(t, sc, 120, 35, utf8Env)
		rec.err = errors.New(bad)
		for _, cmd := range press(m, append(keys, "r")...) {
			if cmd != nil {
				m.Update(cmd())
			}
		}
		m.Update(intentAnswered{keymap.Retry, "C", errors.New(bad)})
		view := m.View()
		for _, line := range strings.Split(view.Content, "\n") {
			rest := line
			for rest != "" {
				seq, _, n, _ := ansi.DecodeSequence(rest, 0, nil)
				if seq[0] < 0x20 && (!strings.HasPrefix(seq, "\x1b[") || !strings.HasSuffix(seq, "m")) {
					t.Fatalf("after %v: got %q in %q, want styles alone", keys, seq, line)
				}
				rest = rest[n:]
			}
			if strings.ContainsAny(line, "\u009b\u202e\x7f") || strings.Contains(line, "owned") {
				t.Fatalf("after %v: hostile text in %q", keys, line)
			}
		}
		checkShape(t, ansi.Strip(view.Content), 120, 35)
	}
}
