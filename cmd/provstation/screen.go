package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/term"

	"provstation/station"
	"provstation/station/config"
	"provstation/tui"
	"provstation/tui/scanner"
)

// isTerminal reports whether there is a screen and a keyboard.
func isTerminal() bool {
	return term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
}

// screen is provstation without a subcommand.
func (a *app) screen(ctx context.Context) error {
	if !isTerminal() {
		return usage("%v", errNoTerminal)
	}
	cfg, src, err := a.load(nil)
	if err != nil {
		return err
	}
	b, err := a.open(ctx, cfg, openOptions{reenroll: cfg.Device.Reenroll, person: true})
	if err != nil {
		return err
	}
	defer b.Close()
	return a.show(ctx, b, src)
}

// show works the bench behind the screen. An ordinary quit ends well, whatever the outcomes were.
func (a *app) show(ctx context.Context, b *bench, src config.Sources) error {
	cfg := b.config
	operator := func() string {
		if name := b.Operator().Name; name != "" {
			return name
		}
		return cfg.Station.Operator
	}
	labels, err := newPrinting(cfg.Labels, cfg.Station.Tenant, b.Ledger, operator, b.Printed)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	printed := make(chan struct{})
	if cfg.Labels.Auto {
		events := b.Subscribe()
		go func() {
			defer close(printed)
			labels.auto(ctx, events)
		}()
	} else {
		close(printed)
	}
	events := b.Subscribe()
	worked := make(chan error, 1)
	go func() {
		_, err := b.Run(ctx)
		worked <- err
	}()
	err = tui.Run(ctx, tui.Config{
		Events: events, Intents: b, Words: b.Words, Desk: b, Office: &office{app: a, bench: b, printing: labels, src: src},
		Scan:  scanner.Config{Gap: cfg.Scan.Gap.D(), MinLength: cfg.Scan.MinLength},
		Theme: themeName(cfg.Screen.Theme), ASCII: cfg.Screen.ASCII == config.ASCIIYes, Bell: cfg.Screen.Bell,
		Sound: sound(ctx, cfg.Screen.Sound),
	})
	cancel()
	werr := <-worked
	<-printed
	if werr != nil && err == nil {
		err = werr
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

// themeName is a theme by its name; empty: by the terminal's background.
func themeName(name string) string {
	if name == config.ThemeAuto {
		return ""
	}
	return name
}

// soundLimit ends a sound command that does not end.
const soundLimit = 10 * time.Second

// sound is what runs at a verdict; nil: nothing. What it writes is not shown, and what becomes of it changes nothing.
func sound(ctx context.Context, argv []string) func() {
	if len(argv) == 0 {
		return nil
	}
	return func() {
		ctx, cancel := context.WithTimeout(ctx, soundLimit)
		defer cancel()
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
		_ = cmd.Run()
	}
}

// The bench answers everything that the screen may ask of it.
var (
	_ tui.Intents = (*station.Bench)(nil)
	_ tui.Desk    = (*station.Bench)(nil)
	_ tui.Office  = (*office)(nil)
)
