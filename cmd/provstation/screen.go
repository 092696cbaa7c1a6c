package main

import (
	"context"
	"os"

	"golang.org/x/term"

	"provstation/tui"
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
	cfg, _, err := a.load(nil)
	if err != nil {
		return err
	}
	b, err := a.open(ctx, cfg, openOptions{reenroll: cfg.Device.Reenroll})
	if err != nil {
		return err
	}
	defer b.Close()
	return a.show(ctx, b)
}

// show works the bench behind the screen. An ordinary quit ends well, whatever the outcomes were.
func (a *app) show(ctx context.Context, b *bench) error {
	events := b.Subscribe()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	worked := make(chan error, 1)
	go func() {
		_, err := b.Run(ctx)
		worked <- err
	}()
	err := tui.Run(ctx, tui.Config{Events: events, Intents: b, Words: b.Words})
	cancel()
	if werr := <-worked; werr != nil && err == nil {
		err = werr
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}
