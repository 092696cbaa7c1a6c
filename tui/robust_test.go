package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
)

// brittle is a catalogue that panics when it is told to.
type brittle struct {
	Words
	key atomic.Value
}

func (b *brittle) Text(key string, params map[string]string) string {
	if bad, _ := b.key.Load().(string); bad != "" && strings.HasPrefix(key, bad) {
		panic("no words for " + key)
	}
	return b.Words.Text(key, params)
}

// TestProgramPanics: a panic while drawing, while taking a key in, and in a dialog gives the terminal back, and the
// error says what happened.
func TestProgramPanics(t *testing.T) {
	for _, tt := range []struct{ name, key, types string }{
		{"drawing", "header.", "j"},
		{"taking a key in", "why.", "a"},
		{"a dialog", "dialog.signin", "i"},
		{"a page", "doctor.", "4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, words := newScript(), &brittle{Words: catalogue(t)}
			scenePass(s, catalogue(t))
			r, w := io.Pipe()
			term := &terminal{in: w}
			t.Cleanup(func() { _ = w.Close() })
			events := make(chan station.Event, len(s.events))
			for _, e := range s.events {
				events <- e
			}
			rec := &recorder{}
			done := make(chan error, 1)
			go func() {
				done <- run(t.Context(), Config{
					Events: events, Intents: rec, Desk: rec, Office: rec, Words: words, Environ: utf8Env, Input: r, Output: term,
				}, tea.WithWindowSize(100, 30))
			}()
			waitFor(t, func() bool { return len(events) == 0 && strings.Contains(term.text(), "\x1b[?1049h") })
			words.key.Store(tt.key)
			go func() { _, _ = w.Write([]byte(tt.types)) }()
			err := ends(t, done)
			if !errors.Is(err, tea.ErrProgramPanic) || !errors.Is(err, errPanic) || !strings.Contains(err.Error(), "no words for "+tt.key) {
				t.Errorf("got %v, want an error that tells of the panic", err)
			}
			restored(t, term)
		})
	}
}

func TestProgramHangsUp(t *testing.T) {
	hangUp := errors.New("hang-up")
	ctx, cancel := context.WithCancelCause(t.Context())
	r, w := io.Pipe()
	term := &terminal{in: w}
	events := make(chan station.Event)
	done := make(chan error, 1)
	go func() {
		done <- Run(ctx, Config{Events: events, Intents: &recorder{}, Words: catalogue(t), Environ: utf8Env, Input: r, Output: term})
	}()
	waitFor(t, func() bool { return strings.Contains(term.text(), "\x1b[?1049h") })
	_ = w.Close() // A terminal that dies: no more input, then the signal.
	cancel(hangUp)
	if err := ends(t, done); !errors.Is(err, hangUp) {
		t.Errorf("got %v, want %v", err, hangUp)
	}
	restored(t, term)
}

// probe is the model under load, with a look at what each drawing shows.
type probe struct {
	*Model
	mu    sync.Mutex
	views int
	seen  map[string]time.Time // when a drawing first showed it
}

func (p *probe) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	_, cmd := p.Model.Update(msg)
	return p, cmd
}

func (p *probe) View() tea.View {
	v := p.Model.View()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views++
	shown := fmt.Sprintf("%s %t", selected(p.Model), p.bench.List())
	if _, ok := p.seen[shown]; !ok {
		p.seen[shown] = time.Now()
	}
	return v
}

func (p *probe) at(shown string) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.seen[shown]
	return at, ok
}

func (p *probe) drawings() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.views
}

// TestUnderLoad feeds 2000 events a second from 64 running slots and presses keys: each is done, in order and soon, and
// a scan is still a scan. The bounds are generous; the log tells the times.
func TestUnderLoad(t *testing.T) {
	s, c := newScript(), catalogue(t)
	for i := 1; i <= 64; i++ {
		s.listen(i)
		s.work(i, station.PhaseEnroll, station.PhaseStarted)
	}
	r, w := io.Pipe()
	defer w.Close()
	events := make(chan station.Event, 4096)
	for _, e := range s.events {
		events <- e
	}
	rec := &recorder{}
	cfg := Config{Events: events, Intents: rec, Desk: rec, Office: rec, Words: c, Environ: utf8Env, Input: r, Output: io.Discard}
	p := &probe{Model: New(cfg), seen: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := tea.NewProgram(p, append(options(ctx, cfg), tea.WithWindowSize(200, 50))...).Run()
		done <- err
	}()
	fed := feed(ctx, events, s)
	waitFor(t, func() bool { _, ok := p.at("slot 1 false"); return ok && len(events) < 1000 })

	var took []time.Duration
	measure := func(keys, shown string) {
		start := time.Now()
		if _, err := w.Write([]byte(keys)); err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { _, ok := p.at(shown); return ok })
		at, _ := p.at(shown)
		took = append(took, at.Sub(start))
	}
	begin, before := time.Now(), p.drawings()
	for i := 2; i <= 21; i++ {
		measure("\x1b[C", fmt.Sprintf("slot %d false", i)) // an arrow
	}
	arrows := slices.Clone(took)
	took = nil
	measure("v", "slot 21 true")
	for i := 22; i <= 41; i++ {
		measure("j", fmt.Sprintf("slot %d true", i)) // a letter, which is held back until it is no scan's
	}
	letters := took
	took = nil
	measure(strings.Repeat("\x1b[B", 20), "slot 61 true") // faster than anyone can draw
	rate := float64(p.drawings()-before) / time.Since(begin).Seconds()

	measure("SN-4711-qrayo\r\x1b[B", "slot 62 true")
	waitFor(t, func() bool { return len(rec.intents()) > 0 })
	if got := rec.intents(); len(got) != 1 || got[0] != "scan SN-4711-qrayo @slot 61" {
		t.Errorf("got %v, want the one scan", got)
	}
	cancel()
	if err := ends(t, done); !errors.Is(err, tea.ErrProgramKilled) {
		t.Errorf("got %v, want %v", err, tea.ErrProgramKilled)
	}
	n := <-fed
	slices.Sort(arrows)
	slices.Sort(letters)
	t.Logf("%d events; arrows: median %v, worst %v; letters: median %v, worst %v; %.0f drawings a second",
		n, arrows[len(arrows)/2], arrows[len(arrows)-1], letters[len(letters)/2], letters[len(letters)-1], rate)
	if median := arrows[len(arrows)/2]; median > slower*50*time.Millisecond {
		t.Errorf("half of the arrows took longer than %v, want %v", median, slower*50*time.Millisecond)
	}
	if median := letters[len(letters)/2]; median > slower*100*time.Millisecond {
		t.Errorf("half of the letters took longer than %v, want %v", median, slower*100*time.Millisecond)
	}
	if rate > 400 {
		t.Errorf("got %.0f drawings a second, want at most one per frame and key", rate)
	}
}

// feed sends 2000 events a second until ctx ends, and then how many there were. The screen must never hold it up for
// long: a run does not wait for the screen.
func feed(ctx context.Context, events chan<- station.Event, s *script) <-chan int {
	n := make(chan int, 1)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		sent := 0
		for {
			for range 10 {
				i := sent%64 + 1
				s.seq++
				e := station.Event{Seq: s.seq, Time: s.at, Body: station.PhaseChanged{
					Run: runID(i), Attempt: 1, Slot: slotName(i), Phase: station.PhaseEnroll, Status: station.PhaseProgress, ElapsedMS: int64(sent),
				}}
				select {
				case events <- e:
					sent++
				case <-ctx.Done():
					n <- sent
					return
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				n <- sent
				return
			}
		}
	}()
	return n
}
