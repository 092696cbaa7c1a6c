package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
)

// relayFlags are the flags of `provstation relay`.
type relayFlags struct {
	json, watch, now bool
	parallel         int
}

func (a *app) relayCommand() *cobra.Command {
	var f relayFlags
	cmd := &cobra.Command{
		Use:   "relay",
		Short: "Post the collected requests where there is a network",
		Long: `Post the requests that ` + "`provstation collect`" + ` put into the queue. Each goes through the journal and the checks of an
ordinary run: what is about to be asked is on record before it is asked, and the certificate before anything else is done with
it. Nothing is asked twice: a request whose certificate is on file is not posted, and one whose answer was lost is posted
again as it is, with a row of what may have been issued.

A failure that may pass is tried again later, with growing pauses (--now does not wait for them). A refusal is parked with its
reason until a person decides: ` + "`relay retry`" + ` or ` + "`relay drop`" + `. Where the bridge itself is the matter, the rest is left for the
next time.

Exit codes: 0 nothing waits and nothing was parked; 1 otherwise; 2 usage or configuration; 3 the station itself failed.`,
		Example: `  provstation relay                                    once
  provstation relay --watch --json                     until interrupted, one JSON object a line
  provstation relay list                               what waits, and why
  provstation relay retry edge-0017                    a parked one, once its cause is mended
  provstation relay drop edge-0018 --reason "scrapped"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.relay(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.json, "json", false, "one JSON object a line on standard output")
	fl.BoolVar(&f.watch, "watch", false, "go on until interrupted")
	fl.BoolVar(&f.now, "now", false, "try at once what waits for a later time")
	fl.IntVar(&f.parallel, "parallel", 2, "posts at once")
	cmd.AddCommand(a.queueListCommand(), a.relayRetryCommand(), a.relayDropCommand())
	return cmd
}

// maxParallel bounds the posts at once: the bridge works on one at a time.
const maxParallel = 16

func (a *app) relay(ctx context.Context, f relayFlags) (err error) {
	switch {
	case f.parallel < 1 || f.parallel > maxParallel:
		return usage("--parallel: between 1 and %d, got %d", maxParallel, f.parallel)
	case f.now && f.watch:
		return usage("--now and --watch: give one of them")
	}
	cfg, _, err := a.load(nil)
	if err != nil {
		return err
	}
	b, id, err := a.openRecords(ctx, cfg, sharingMode{})
	if err != nil {
		return err
	}
	defer b.Close()
	runner, err := a.runner(b, a.runnerConfig(cfg, openOptions{}, id, b.Log), false)
	if err != nil {
		return err
	}
	lock := ""
	if b.history.dir != "" {
		lock = filepath.Join(b.history.dir, "relay.lock")
	}
	left, release, err := b.Ledger.RelayAlone(ctx, cfg.Station.Tenant, id, lock, time.Now())
	if err != nil {
		return &exitError{exitFault, err}
	}
	defer func() { err = errors.Join(err, release()) }()
	if left > 0 {
		b.Log.Warn("relay: an earlier one died over requests", "requests", left)
		fmt.Fprintf(a.stderr, "%d requests were in hand when an earlier relay died; they are posted again\n", left)
	}
	r := station.NewRelay(station.RelayConfig{
		Info: a.info(cfg, id), Parallel: f.parallel, Force: f.now, Watch: f.watch,
	}, b.Ledger, runner)
	return a.relayed(ctx, r, f.json)
}

// relayed runs a relay and turns its summary into the exit code.
func (a *app) relayed(ctx context.Context, r *station.Relay, asJSON bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := r.Subscribe()
	written := make(chan error, 1)
	go func() {
		if asJSON {
			written <- writeNDJSON(a.stdout, events, cancel)
			return
		}
		writeRelay(a.stderr, events)
		written <- nil
	}()
	sum, err := r.Run(ctx)
	err = errors.Join(err, <-written)
	switch {
	case err != nil:
		return &exitError{exitFault, err}
	case sum.Waiting > 0 || sum.Parked > 0:
		return &exitError{code: exitBad}
	}
	return nil
}

// writeRelay tells people what happens, one line a request.
func writeRelay(w io.Writer, events <-chan station.Event) {
	for e := range events {
		switch b := e.Body.(type) {
		case station.StationInfo:
			fmt.Fprintf(w, "station %s, tenant %s, bridge %s\n", b.Station, b.Tenant, b.Bridge)
		case station.RelayChanged:
			fmt.Fprintf(w, "%-24s %-8s", b.DeviceID, b.State)
			switch {
			case b.OnFile:
				fmt.Fprint(w, " was on file")
			case b.NotAfter != nil:
				fmt.Fprintf(w, " valid until %s", b.NotAfter.Format(time.RFC3339))
			case b.NextAt != nil:
				fmt.Fprintf(w, " not before %s", b.NextAt.Format(time.RFC3339))
			}
			fmt.Fprintln(w)
			if b.Code != "" {
				fmt.Fprintf(w, "%-24s   %s %s\n%-24s   next: %s\n", "", b.Code, b.Message, "", b.Hint)
			}
		case station.RelaySummary:
			fmt.Fprintf(w, "%d issued, %d to be tried again, %d parked, %d waiting in %s\n", b.Issued, b.Failed, b.Parked, b.Waiting,
				ms(b.ElapsedMS))
			if b.Stopped != "" {
				fmt.Fprintf(w, "stopped by %s: the others would have fared the same\n", b.Stopped)
			}
		}
	}
}

// openRecords opens log, words and ledger.
func (a *app) openRecords(ctx context.Context, cfg *config.Config, mode sharingMode) (_ *bench, id string, err error) {
	b := &bench{config: cfg}
	defer func() {
		if err != nil {
			_ = b.Close()
			err = &exitError{exitFault, err}
		}
	}()
	log, logFile, err := openLog(cfg.Log)
	if err != nil {
		return nil, "", err
	}
	b.closes, b.Log = append(b.closes, logFile.Close), log
	if b.Words, err = sentences(cfg); err != nil {
		return nil, "", err
	}
	if b.history, err = openHistory(ctx, cfg, log, mode); err != nil {
		return nil, "", err
	}
	b.Ledger = b.history.Ledger
	b.closes = append(b.closes, b.history.Close)
	for _, f := range b.history.found {
		fmt.Fprintln(a.stderr, plain(findingText(b.Words, f)))
	}
	return b, b.history.stationID, nil
}

func (a *app) relayRetryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "retry DEVICE-ID...",
		Short: "Let a parked request be posted again, or one whose certificate is over",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return a.changeQueue(cmd.Context(), ids, func(ctx context.Context, l *ledger.Ledger, tenant, id string) error {
				return l.RetryCollected(ctx, tenant, id, time.Now())
			})
		},
	}
}

func (a *app) relayDropCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "drop DEVICE-ID...",
		Short: "Give a request up; the device can be collected again",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if strings.TrimSpace(reason) == "" {
				return usage("--reason says why: it stays on record")
			}
			return a.changeQueue(cmd.Context(), ids, func(ctx context.Context, l *ledger.Ledger, tenant, id string) error {
				return l.DropCollected(ctx, tenant, id, reason, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, in a few words (required)")
	return cmd
}

func (a *app) changeQueue(ctx context.Context, ids []string, do func(context.Context, *ledger.Ledger, string, string) error) error {
	l, err := a.ownArchive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	if err := l.audited(ctx); err != nil {
		return err
	}
	for _, id := range ids {
		err := do(ctx, l.Ledger, l.tenant, id)
		switch {
		case errors.Is(err, station.ErrNotFound):
			return &exitError{exitBad, fmt.Errorf("%s has no request for that; `provstation relay list` shows what there is", plain(id))}
		case err != nil:
			return &exitError{exitFault, err}
		}
	}
	return nil
}
