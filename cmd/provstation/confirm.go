package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"provstation/station"
)

// interactive reports whether there is a person who can be asked.
func interactive() bool { return term.IsTerminal(int(os.Stdin.Fd())) } //nolint:gosec // a descriptor

// note tells the person who is asked something; standard output is for results.
func (a *app) note(text string) { fmt.Fprintln(a.stderr, text) }

// mayAsk refuses at once what would have to ask where nobody is.
func mayAsk(yes bool) error {
	if !yes && !interactive() {
		return usage("there is no terminal to confirm this at: add --yes")
	}
	return nil
}

// errNotConfirmed says that a person did not type what was asked for.
var errNotConfirmed = errors.New("not confirmed: nothing was done")

// confirm has a person type a word before something that cannot be taken back.
func (a *app) confirm(ctx context.Context, question, word string, yes bool) error {
	if yes {
		return nil
	}
	fmt.Fprintf(a.stderr, "%s\nTo confirm, type: %s\n> ", plain(question), plain(word))
	var line string
	err := fromTerminal(ctx, func(r io.Reader) (err error) {
		line, err = bufio.NewReader(io.LimitReader(r, maxTyped)).ReadString('\n')
		return err
	})
	if err != nil || strings.TrimSpace(line) != word {
		return &exitError{exitBad, errNotConfirmed}
	}
	return nil
}

// maxTyped bounds what a person types, in bytes.
const maxTyped = 4096

// askSecret has a person type a secret that is not shown. The prompt comes when the terminal shows nothing any more, so that
// nobody types too early. Ctrl-C, which is a character like others then, is context.Canceled.
func (a *app) askSecret(ctx context.Context, prompt string) (station.Secret, error) {
	fd := int(os.Stdin.Fd()) //nolint:gosec // a descriptor
	was, err := term.MakeRaw(fd)
	if err != nil {
		return station.Secret{}, err
	}
	defer func() { _ = term.Restore(fd, was) }()
	var text string
	err = fromTerminal(ctx, func(r io.Reader) (err error) {
		screen := struct {
			io.Reader
			io.Writer
		}{io.LimitReader(r, maxTyped), a.stderr}
		text, err = term.NewTerminal(screen, "").ReadPassword(prompt)
		return err
	})
	fmt.Fprint(a.stderr, "\r")
	switch {
	case errors.Is(err, io.EOF):
		return station.Secret{}, context.Canceled
	case err != nil:
		return station.Secret{}, err
	}
	return lineSecret([]byte(text), "what was typed")
}

// fromTerminal reads from the terminal until the context ends. Nothing goes on reading then: what is typed next, and what the
// terminal itself answers, is for others.
func fromTerminal(ctx context.Context, read func(io.Reader) error) error {
	r, err := cancelreader.NewReader(os.Stdin)
	if err != nil {
		return err
	}
	defer r.Close()
	stop := context.AfterFunc(ctx, func() { r.Cancel() })
	defer stop()
	if err := read(r); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}
