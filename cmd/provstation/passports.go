package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"provstation/station"
	"provstation/station/audit"
	"provstation/station/ledger"
)

// passports writes a signed file for each device that passes. The ledger comes first: a passport that cannot be written
// undoes no PASS, it is said, and `provstation passport issue` writes it later from the records.
type passports struct {
	ledger *ledger.Ledger
	signer *audit.Signer
	dir    string
	log    *slog.Logger
	failed func(error) // told of each that could not be written
}

// issue writes the passport of a run and gives its path.
func (p *passports) issue(ctx context.Context, run string) (string, error) {
	facts, names, err := p.ledger.Passport(ctx, run)
	if err != nil {
		return "", err
	}
	text, err := p.signer.Issue(facts, names)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return "", fmt.Errorf("write passport: %w", err)
	}
	// A device id is a file name on every system; the run makes it one of its own.
	path := filepath.Join(p.dir, facts.DeviceID+"-"+facts.Run+".json")
	if err := writeWhole(path, text); err != nil {
		return "", fmt.Errorf("write passport: %w", err)
	}
	return path, nil
}

// writeWhole replaces a file by a whole one, or leaves it as it is.
func writeWhole(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// follow writes the passports of a bench until its events end. The function that it gives waits for the last one.
func (p *passports) follow(ctx context.Context, events <-chan station.Event) (wait func() error) {
	ctx = context.WithoutCancel(ctx) // runs that end while the bench stops have their passport as well
	done, began := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		first := true
		for e := range events {
			if first {
				close(began)
				first = false
			}
			end, ok := e.Body.(station.RunEnded)
			if !ok || end.Outcome != station.Pass {
				continue
			}
			if _, err := p.issue(ctx, end.Run); err != nil {
				p.log.Error("a passport could not be written", "run", end.Run, "error", err)
				if p.failed != nil {
					p.failed(err)
				}
			}
		}
	}()
	return func() error {
		select { // a bench that never worked tells nothing, and its events never end
		case <-began:
			<-done
		case <-done:
		case <-time.After(time.Second):
		}
		return nil
	}
}

// passportFailed warns of a passport that could not be written; where a screen is, the log has it alone.
func (a *app) passportFailed(b *bench, o openOptions) func(error) {
	if o.person {
		return nil
	}
	return func(err error) {
		fmt.Fprintln(a.stderr, plain(b.Words.Text("passport.failed", map[string]string{"detail": err.Error()})))
	}
}
