package tui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
)

func tell(m *Model, seq uint64, bodies ...station.Body) (bells int) {
	events := make([]station.Event, len(bodies))
	for i, b := range bodies {
		events[i] = station.Event{Seq: seq + uint64(i), Time: scriptStart, Body: b}
	}
	_, cmd := m.Update(eventsArrived{events: events})
	bells, _ = settle(m, cmd)
	return bells
}

func TestBell(t *testing.T) {
	end := func(i int, o station.Outcome) station.RunEnded {
		return station.RunEnded{Run: runID(i), Slot: slotName(i), Outcome: o}
	}
	for _, tt := range []struct {
		name   string
		bodies []station.Body
		want   int
	}{
		{"a pass is quiet", []station.Body{end(1, station.Pass)}, 0},
		{"a failure rings", []station.Body{end(1, station.Fail)}, 1},
		{"many at once ring once", []station.Body{end(1, station.Fail), end(2, station.Error), end(3, station.Uncertain)}, 1},
		{"a hold rings", []station.Body{station.BatchChanged{Batch: "b", State: station.BatchHeld}}, 1},
		{"a refused scan rings", []station.Body{station.ScanTaken{Kind: station.ScanLabel, Code: station.CodeScanWrong}}, 1},
		{"a label that was not printed rings", []station.Body{station.LabelPrinted{Code: station.CodeLabelPrinter}}, 1},
		{"a printed one does not", []station.Body{station.LabelPrinted{DeviceID: "d"}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := benchModel(t, sceneRunning, 100, 30, utf8Env)
			if got := tell(m, 900, tt.bodies...); got != tt.want {
				t.Errorf("got %d bells, want %d", got, tt.want)
			}
			m.cfg.Bell = false
			m.alarm = alarm{}
			if got := tell(m, 950, tt.bodies...); got != 0 {
				t.Errorf("got %d bells with the bell switched off, want none", got)
			}
		})
	}
}

// TestSound: it plays at each verdict, never twice at once, and what came while it played is heard once more.
func TestSound(t *testing.T) {
	m, _ := benchModel(t, sceneRunning, 100, 30, utf8Env)
	played := 0
	m.cfg.Sound = func() { played++ }
	var cmds []tea.Cmd
	for i := 1; i <= 5; i++ {
		_, cmd := m.Update(eventsArrived{events: []station.Event{{Seq: uint64(900 + i), Time: scriptStart, Body: station.RunEnded{Run: runID(i), Slot: slotName(i), Outcome: station.Pass}}}})
		for _, c := range leaves(cmd) {
			if strings.Contains(nameOf(c), "sound") {
				cmds = append(cmds, c)
			}
		}
	}
	if len(cmds) != 1 || played != 0 {
		t.Fatalf("got %d sounds at once, %d played in Update, want one command", len(cmds), played)
	}
	settle(m, cmds[0])
	if played != 2 {
		t.Errorf("played %d times, want 2: once, and once for all that came meanwhile", played)
	}
}

func TestProgressBar(t *testing.T) {
	m, _ := benchModel(t, sceneMixed, 100, 30, utf8Env)
	if m.View().ProgressBar != nil {
		t.Error("there is a progress bar without a batch")
	}
	devices := []station.BatchDevice{{Line: 2, HardwareSerial: "SN-1"}, {Line: 3, HardwareSerial: "SN-2", Done: true}}
	for i, tt := range []struct {
		state station.BatchState
		want  tea.ProgressBarState
	}{
		{station.BatchOpen, tea.ProgressBarDefault},
		{station.BatchPaused, tea.ProgressBarWarning},
		{station.BatchHeld, tea.ProgressBarError},
		{station.BatchClosed, tea.ProgressBarNone},
	} {
		b := station.BatchChanged{Batch: "lot-7", State: tt.state, Expected: 2, Done: 1, OpenedAt: scriptStart}
		if i == 0 {
			b.Devices = devices
		}
		tell(m, uint64(900+i), b)
		got := m.View().ProgressBar
		switch {
		case tt.want == tea.ProgressBarNone:
			if got != nil {
				t.Errorf("%s: got %v, want none", tt.state, *got)
			}
		case got == nil || got.State != tt.want || got.Value != 50:
			t.Errorf("%s: got %v, want %v at 50", tt.state, got, tt.want)
		}
	}
}

func TestThemeAndASCIIByName(t *testing.T) {
	s, c := newScript(), catalogue(t)
	sceneMixed(s, c)
	view := func(theme string, ascii bool) string {
		m := New(Config{Events: make(chan station.Event), Intents: &recorder{}, Words: c, Now: func() time.Time { return s.at }, Environ: utf8Env, Theme: theme, ASCII: ascii})
		m.Update(tea.WindowSizeMsg{Width: 100, Height: 30})
		m.Update(eventsArrived{events: s.events})
		return m.View().Content
	}
	plain := view("", false)
	if other := view("contrast", false); other == plain {
		t.Error("the theme changes nothing")
	}
	if view("no such theme", false) != plain {
		t.Error("an unknown theme is not the usual one")
	}
	if strings.ContainsFunc(view("", true), func(r rune) bool { return r > 0x7e }) {
		t.Error("the screen is not ASCII alone")
	}
}

// TestEveryTextIsInTheCatalogue looks for keys of the catalogue in the source: each has its sentence.
func TestEveryTextIsInTheCatalogue(t *testing.T) {
	keys := catalogue(t).Keys()
	groups := regexp.MustCompile(`^(dialog|status|why|filter|export|ask|small|quitting|key)\.[a-z.]+[a-z]$`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && groups.MatchString(s) && !slices.Contains(keys, s) {
					t.Errorf("%s: %q is not in the catalogue", path, s)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
