package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
)

// terminal is the far end of a program under test: what it typed in, what came out.
type terminal struct {
	in  *io.PipeWriter
	mu  sync.Mutex
	out bytes.Buffer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.String()
}

// start runs the whole program on pipes; drawn is closed once the model has its events.
func start(t *testing.T, ctx context.Context, sc scene) (*terminal, *recorder, chan station.Event, chan error) {
	t.Helper()
	s, c := newScript(), catalogue(t)
	sc(s, c)
	r, w := io.Pipe()
	term := &terminal{in: w}
	t.Cleanup(func() { _ = w.Close() })
	events := make(chan station.Event, len(s.events)+8)
	for _, e := range s.events {
		events <- e
	}
	rec := &recorder{}
	cfg := Config{Events: events, Intents: rec, Words: c, Now: func() time.Time { return s.at }, Environ: utf8Env, Input: r, Output: term}
	opts := append(options(ctx, cfg), tea.WithWindowSize(100, 30))
	done := make(chan error, 1)
	go func() {
		_, err := tea.NewProgram(New(cfg), opts...).Run()
		done <- err
	}()
	// The events are taken before the first key is typed: the channel is empty when the wait has its batch.
	waitFor(t, func() bool { return len(events) == 0 && strings.Contains(term.text(), "\x1b[?1049h") })
	return term, rec, events, done
}

func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatal("what was waited for did not happen within 10 s")
		case <-tick.C:
		}
	}
}

func (t *terminal) typed(tb testing.TB, keys string) {
	tb.Helper()
	if _, err := t.in.Write([]byte(keys)); err != nil {
		tb.Fatal(err)
	}
}

func ends(t *testing.T, done chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(10 * time.Second):
		t.Fatal("the program did not end within 10 s")
		return nil
	}
}

func restored(t *testing.T, term *terminal) {
	t.Helper()
	if out := term.text(); strings.LastIndex(out, "\x1b[?1049l") < strings.LastIndex(out, "\x1b[?1049h") {
		t.Error("the terminal was not given back")
	}
}

func TestProgramQuits(t *testing.T) {
	for _, keys := range []string{"q", "\x03"} {
		t.Run(fmt.Sprintf("%q", keys), func(t *testing.T) {
			term, rec, _, done := start(t, t.Context(), scenePass)
			term.typed(t, keys)
			if err := ends(t, done); err != nil {
				t.Errorf("got %v, want no error", err)
			}
			if got := rec.intents(); len(got) != 1 || got[0] != "quit" {
				t.Errorf("got intents %v, want one quit", got)
			}
			restored(t, term)
		})
	}
}

// TestProgramWaitsForRuns: y after q tells the station, and the screen stays until the station has ended.
func TestProgramWaitsForRuns(t *testing.T) {
	term, rec, events, done := start(t, t.Context(), func(s *script, _ faulter) { s.listen(1); s.begin(1) })
	term.typed(t, "qy")
	waitFor(t, func() bool { return len(rec.intents()) == 1 })
	select {
	case err := <-done:
		t.Fatalf("left with a run in flight: %v", err)
	default:
	}
	events <- station.Event{Seq: 4, Time: scriptStart, Body: station.RunEnded{Run: runID(1), Slot: slotName(1), Outcome: station.Aborted}}
	events <- station.Event{Seq: 5, Time: scriptStart, Body: station.Summary{}}
	close(events)
	if err := ends(t, done); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	restored(t, term)
}

// TestProgramSecondInterrupt leaves at once although a run is in flight and nobody answers.
func TestProgramSecondInterrupt(t *testing.T) {
	term, rec, _, done := start(t, t.Context(), func(s *script, _ faulter) { s.listen(1); s.begin(1) })
	term.typed(t, "\x03\x03")
	if err := ends(t, done); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if got := rec.intents(); got != nil {
		t.Errorf("got intents %v, want none", got)
	}
	restored(t, term)
}

func TestProgramEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	term, _, _, done := start(t, ctx, sceneRunning)
	cancel()
	if err := ends(t, done); !errors.Is(err, tea.ErrProgramKilled) {
		t.Errorf("got %v, want %v", err, tea.ErrProgramKilled)
	}
	restored(t, term)
}

func TestRunRefusesHalfAConfig(t *testing.T) {
	if err := Run(t.Context(), Config{}); !errors.Is(err, ErrConfig) {
		t.Errorf("got %v, want %v", err, ErrConfig)
	}
}

func TestRunSaysWhyTheContextEnded(t *testing.T) {
	cause := errors.New("hang-up")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	err := Run(ctx, Config{Events: make(chan station.Event), Intents: &recorder{}, Words: catalogue(t), Input: strings.NewReader(""), Output: io.Discard, Environ: utf8Env})
	if !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
}

// TestOneWaitOnEvents: every batch that arrives starts exactly one new wait, and the last one none.
func TestOneWaitOnEvents(t *testing.T) {
	events := make(chan station.Event, 1000)
	for i := range 700 {
		events <- station.Event{Seq: uint64(i + 1), Body: station.StationInfo{}}
	}
	close(events)
	wait, got := waitForEvents(events, time.Time{}), 0
	for batches := 0; ; batches++ {
		msg := wait().(eventsArrived)
		if len(msg.events) > maxBatch {
			t.Fatalf("got a batch of %d, want at most %d", len(msg.events), maxBatch)
		}
		got += len(msg.events)
		if msg.closed {
			break
		}
	}
	if got != 700 {
		t.Errorf("got %d events, want 700", got)
	}
}

// TestOldTicksAreVoid: only the newest tick goes on, so there is one clock however often it was started anew.
func TestOldTicksAreVoid(t *testing.T) {
	m, _ := benchModel(t, sceneRunning, 80, 24, utf8Env)
	if _, cmd := m.Update(ticked{id: m.tick - 1, at: scriptStart}); cmd != nil {
		t.Error("an old tick went on")
	}
	if _, cmd := m.Update(ticked{id: m.tick, at: scriptStart}); cmd == nil {
		t.Error("the clock stopped")
	}
}

// TestIdleScreenIsStill: with nothing that runs, the clock goes on with the minute, what is shown between is the same, and a
// notice is taken off in its time.
func TestIdleScreenIsStill(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	m := New(Config{Events: make(chan station.Event), Intents: &recorder{}, Words: catalogue(t), Now: func() time.Time { return at }, Environ: utf8Env})
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 35})
	m.Init()
	if want := time.Date(2026, 3, 4, 5, 7, 0, 0, time.UTC); !m.due.Equal(want) {
		t.Errorf("next tick: got %v, want it at %v", m.due, want)
	}
	before := m.View().Content
	at = at.Add(52 * time.Second)
	m.setNow(at)
	if got := m.View().Content; got != before {
		t.Errorf("within the minute: got another screen, want the same\n%s\n%s", before, got)
	}
	at = at.Add(-50 * time.Second)
	m.setNow(at)
	m.say("something", false)
	m.Update(nil)
	if early, late := m.notice.until, m.notice.until.Add(time.Second); m.due.Before(early) || m.due.After(late) {
		t.Errorf("next tick: got %v, want it between %v and %v, when the notice is over", m.due, early, late)
	}
	at = m.due
	m.Update(ticked{id: m.tick, at: at})
	if got := m.View().Content; got != before {
		t.Errorf("after the notice's time: got another screen, want the one before it\n%s\n%s", before, got)
	}
	if want := time.Date(2026, 3, 4, 5, 7, 0, 0, time.UTC); !m.due.Equal(want) {
		t.Errorf("next tick: got %v, want it at %v", m.due, want)
	}
}

// TestImports holds the TUI to what it may see: no network, no database, no wire, no other part of the project than
// value types. Colours are named in theme alone.
func TestImports(t *testing.T) {
	colour := regexp.MustCompile(`"#[0-9a-fA-F]{3,8}"`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			own := slices.Contains([]string{"provstation/station", "provstation/station/batch", "provstation/station/config", "provstation/station/ledger"}, name) || strings.HasPrefix(name, "provstation/tui/")
			if strings.HasPrefix(name, "provstation/") && !own || strings.HasPrefix(name, "net") || strings.HasPrefix(name, "database/") || name == "os/exec" {
				t.Errorf("%s imports %s", path, name)
			}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(path, "theme") && (bytes.Contains(text, []byte("lipgloss.Color(")) || colour.Match(text)) {
			t.Errorf("%s names a colour", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkView draws the bench with few slots and with many: only rows in sight are drawn, so the cost is near the
// same.
func BenchmarkView(b *testing.B) {
	for _, n := range []int{8, 64, 512} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m, _ := benchModel(b, func(s *script, _ faulter) {
				for i := 1; i <= n; i++ {
					s.listen(i)
					s.work(i, ordinaryPhases()[i%10], station.PhaseStarted)
				}
			}, 120, 35, utf8Env)
			for b.Loop() {
				m.View()
			}
		})
	}
}
