package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

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
	line, err := waited(ctx, func() (string, error) { return bufio.NewReaderSize(os.Stdin, 4096).ReadString('\n') }, nil)
	if err != nil && strings.TrimSpace(line) == "" || strings.TrimSpace(line) != word {
		return &exitError{exitBad, errNotConfirmed}
	}
	return nil
}

// askSecret has a person type a secret that is not shown. The prompt comes when the terminal shows nothing any more, so that
// nobody types too early.
func (a *app) askSecret(ctx context.Context, prompt string) (station.Secret, error) {
	fd := int(os.Stdin.Fd()) //nolint:gosec // a descriptor
	was, err := term.GetState(fd)
	if err != nil {
		return station.Secret{}, err
	}
	prompted := make(chan struct{})
	go func() {
		defer close(prompted)
		untilQuiet(fd, was)
		fmt.Fprint(a.stderr, prompt)
	}()
	text, err := waited(ctx, func() ([]byte, error) { return term.ReadPassword(fd) }, func() { _ = term.Restore(fd, was) })
	<-prompted
	fmt.Fprintln(a.stderr)
	if err != nil {
		return station.Secret{}, err
	}
	return lineSecret(text, "what was typed")
}

// quietLimit bounds the wait for the terminal to show nothing any more.
const quietLimit = time.Second

// untilQuiet waits until the terminal has left the state in which it shows what is typed.
func untilQuiet(fd int, was *term.State) {
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for late := time.After(quietLimit); ; {
		if now, err := term.GetState(fd); err != nil || !reflect.DeepEqual(now, was) {
			return
		}
		select {
		case <-look.C:
		case <-late:
			return
		}
	}
}

// waited reads from the terminal until the context ends: a read cannot be stopped. undo is called if it is left behind.
func waited[T any](ctx context.Context, read func() (T, error), undo func()) (v T, err error) {
	type answer struct {
		v   T
		err error
	}
	done := make(chan answer, 1)
	go func() {
		v, err := read()
		done <- answer{v, err}
	}()
	select {
	case a := <-done:
		return a.v, a.err
	case <-ctx.Done():
		if undo != nil {
			undo()
		}
		return v, ctx.Err()
	}
}
