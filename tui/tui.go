// Package tui is the station's screen. It shows what the event stream says and sends intents back; it never touches a
// run, and no run waits for it.
//
// The root model here owns the terminal, the keyboard's mode and the one outstanding wait for events. What events mean
// is tui/board; what a screen looks like is tui/screen, made of tui/widget; colours and signs are tui/theme; keys are
// tui/keymap. Every sentence comes from the catalogue.
//
// Out of scope: anything that does I/O other than to the terminal.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	tea "charm.land/bubbletea/v2"

	"provstation/station"
	"provstation/tui/scanner"
)

// Intents is what the screen may ask of the station; [station.Bench] answers it. Its methods are called one at a time
// per intent, off the screen's own goroutine, so they may take their time. Errors are shown to the operator.
type Intents interface {
	Retry(slot string) error
	Abort(slot string) error
	Quit()
}

// Words is the catalogue of sentences; package station/words has it. A key without an entry gives the key back.
type Words interface {
	Text(key string, params map[string]string) string
}

// Config is what a screen needs.
type Config struct {
	Events  <-chan station.Event // required; closed when the station has ended
	Intents Intents              // required
	Words   Words                // required
	Desk    Desk                 // nil: what is asked of it is shown as not available here
	Office  Office               // the same

	Title   string           // shown until the station says its name, and as the window's title; "": "provstation"
	Now     func() time.Time // nil: time.Now. Its location is the one times are shown in
	Environ []string         // the terminal's environment, KEY=VALUE; nil: the process's
	Scan    scanner.Config   // how a scan is told from keys
	Theme   string           // name of a theme; "": dark or light, as the terminal's background is
	ASCII   bool             // no other characters, whatever the terminal can
	Bell    bool             // the terminal's bell when a person is needed, or a scan was refused
	Sound   func()           // called at each verdict, off the screen's goroutine and never twice at once; nil: nothing
	Input   io.Reader        // nil: the terminal
	Output  io.Writer        // nil: the terminal
}

// ErrConfig says that a required part of [Config] is missing.
var ErrConfig = errors.New("tui: events, intents and words are required")

// Run shows the screen until the operator quits or ctx ends. Quitting tells the station to end ([Intents.Quit]) and
// waits, with the screen still up, until the events say that it has, or the operator presses ctrl+c again; ending what
// is left is the caller's. The terminal is restored in every case, a panic included. Signals are the caller's: ctx is to
// end on SIGINT, SIGTERM and SIGHUP. The error is nil after an ordinary quit, and ctx's cause when ctx ended first.
func Run(ctx context.Context, cfg Config) error { return run(ctx, cfg) }

func run(ctx context.Context, cfg Config, more ...tea.ProgramOption) error {
	if cfg.Events == nil || cfg.Intents == nil || cfg.Words == nil {
		return ErrConfig
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of the office's work
	m := New(cfg)
	m.ctx = ctx
	if cfg.Output == nil {
		if err := m.drawFirst(os.Stdout); err != nil {
			return fmt.Errorf("run screen: %w", err)
		}
		defer m.undrawFirst(os.Stdout)
	}
	_, err := tea.NewProgram(m, append(options(ctx, cfg), more...)...).Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrProgramPanic):
		return fmt.Errorf("screen ended: %w", context.Cause(ctx))
	case m.crash != nil:
		return fmt.Errorf("run screen: %w: %w", err, m.crash)
	default:
		return fmt.Errorf("run screen: %w", err)
	}
}

func options(ctx context.Context, cfg Config) []tea.ProgramOption {
	opts := []tea.ProgramOption{tea.WithContext(ctx), tea.WithoutSignalHandler(), tea.WithFPS(fps)}
	if cfg.Input != nil {
		opts = append(opts, tea.WithInput(cfg.Input))
	}
	if cfg.Output != nil {
		opts = append(opts, tea.WithOutput(cfg.Output))
	}
	if cfg.Environ != nil {
		opts = append(opts, tea.WithEnvironment(cfg.Environ))
	}
	return opts
}

// getenv looks a variable up in cfg.Environ, where the last one wins.
func (cfg Config) getenv(key string) string {
	if cfg.Environ == nil {
		return os.Getenv(key)
	}
	for i := len(cfg.Environ) - 1; i >= 0; i-- {
		if kv := cfg.Environ[i]; len(kv) > len(key) && kv[:len(key)] == key && kv[len(key)] == '=' {
			return kv[len(key)+1:]
		}
	}
	return ""
}
