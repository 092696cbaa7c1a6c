package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"provstation/station/config"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "What is wrong with this station, and how to mend it",
		Long: `Look at everything a run needs: configuration, clock, folders, ledger, credentials, step-ca and trust anchors, bridge,
broker, ThingsBoard, hawkBit, serial ports and the programs that get in their way. Each finding says what was seen and how to mend it.

Nothing is issued and nothing is published; no port is opened. The broker is left as soon as its own certificate has
been judged.

Exit codes: 0 nothing failed (warnings allowed); 1 something failed; 2 the configuration cannot be loaded: what needs
none is looked at all the same.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output, a summary last")
	return cmd
}

// checkStatus is how a check ended, in stable English.
type checkStatus string

const (
	checkOK      checkStatus = "ok"
	checkWarn    checkStatus = "warn" // works, but will not for long, or not well
	checkFail    checkStatus = "fail"
	checkSkipped checkStatus = "skipped" // nothing to look at, or what it needs has failed
)

// finding is what a check found about one thing.
type finding struct {
	Check     string      `json:"check"`             // stable name
	Subject   string      `json:"subject,omitempty"` // which port, where there are several
	Status    checkStatus `json:"status"`
	Seen      string      `json:"seen"`
	Fix       string      `json:"fix,omitempty"`
	ElapsedMS int64       `json:"elapsed_ms"` // of the whole check
}

func ok(check, format string, args ...any) finding {
	return finding{Check: check, Status: checkOK, Seen: fmt.Sprintf(format, args...)}
}

func skipped(check, format string, args ...any) finding {
	return finding{Check: check, Status: checkSkipped, Seen: fmt.Sprintf(format, args...)}
}

func warned(check, fix, format string, args ...any) finding {
	return finding{Check: check, Status: checkWarn, Seen: fmt.Sprintf(format, args...), Fix: fix}
}

func failed(check, fix, format string, args ...any) finding {
	return finding{Check: check, Status: checkFail, Seen: fmt.Sprintf(format, args...), Fix: fix}
}

// check looks at one thing. names are what it will speak of, for the case that it does not come back.
type check struct {
	names []string
	limit time.Duration // 0: checkLimit
	run   func(ctx context.Context) []finding
}

const (
	checkLimit = 8 * time.Second // so that a server that hangs does not hold up the rest
	checkGrace = time.Second     // for a check to say in its own words that its time is up
)

// examine runs all checks at once and gives each one's findings to report, in the order of the checks.
func examine(ctx context.Context, checks []check, report func([]finding)) {
	results := make([]chan []finding, len(checks))
	for i, c := range checks {
		results[i] = make(chan []finding, 1)
		go func() { results[i] <- c.examine(ctx) }()
	}
	for _, r := range results {
		report(<-r)
	}
}

// examine runs one check within its limit. One that does not end (a dead network file system) is left behind.
func (c check) examine(ctx context.Context) []finding {
	limit := c.limit
	if limit == 0 {
		limit = checkLimit
	}
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan []finding, 1)
	go func() { done <- c.run(ctx) }()
	late := time.NewTimer(limit + checkGrace)
	defer late.Stop()
	var list []finding
	select {
	case list = <-done:
	case <-late.C:
		for _, n := range c.names {
			list = append(list, failed(n, "see whether the system is overloaded or a network file system is gone, then try again",
				"did not end within %s", limit))
		}
	}
	for i := range list {
		list[i].ElapsedMS = time.Since(started).Milliseconds()
		list[i].Subject, list[i].Seen, list[i].Fix = plain(list[i].Subject), plain(list[i].Seen), plain(list[i].Fix)
	}
	return list
}

// maxPlain bounds a sentence that may quote a server or a device.
const maxPlain = 1000

// plain makes a text fit for a terminal: bounded, one line, nothing that steers it.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxPlain {
		return string(r[:maxPlain]) + "..."
	}
	return s
}

// doctor examines the station by the configuration found, or without one.
func (a *app) doctor(ctx context.Context, asJSON bool) error {
	cfg, src, err := a.load(nil)
	d := &doctor{cfg: cfg, src: src, loadErr: err, sys: realSystem(), version: a.version}
	w := newFindingWriter(a.stdout, asJSON)
	examine(ctx, d.checks(), w.write)
	w.finish()
	switch {
	case w.err != nil:
		return &exitError{exitFault, fmt.Errorf("write findings: %w", w.err)}
	case err != nil:
		return &exitError{code: exitUsage}
	case w.count[checkFail] > 0:
		return &exitError{code: exitBad}
	}
	return nil
}

// doctor holds what the checks look at. cfg is nil where loadErr says why.
type doctor struct {
	cfg     *config.Config
	src     config.Sources
	loadErr error
	sys     system
	version string
	atWork  bool // a bench of this process works meanwhile: it holds ports, and some are empty

	anchorsOnce sync.Once
	anchors     anchorsFound
}

// checks lists every check in the order of the report: this machine first, then the tenant, then the ports.
func (d *doctor) checks() []check {
	list := []check{
		{names: []string{"config"}, run: d.checkConfig},
		{names: []string{"clock"}, run: d.checkClock},
	}
	if d.cfg == nil {
		for _, name := range []string{"state-dir", "ledger", "bridge-auth", "trust", "step-ca", "bridge", "broker", "thingsboard", "hawkbit"} {
			list = append(list, check{names: []string{name}, run: func(context.Context) []finding {
				return []finding{skipped(name, "needs a configuration")}
			}})
		}
		return append(list, d.portChecks()...)
	}
	list = append(list,
		check{names: []string{"state-dir"}, run: d.checkStateDir},
		check{names: []string{"ledger"}, limit: ledgerLimit, run: d.checkLedger},
	)
	if isPostgres(d.cfg.Ledger.URL) {
		list = append(list, check{names: []string{"ledger-own"}, limit: ledgerLimit, run: d.checkOwnLedger})
	}
	list = append(list,
		check{names: []string{"bridge-auth"}, run: d.checkAuth},
		check{names: []string{"trust"}, run: d.checkTrust},
		check{names: []string{"step-ca"}, run: d.checkStepCA},
		check{names: []string{"bridge", "bridge-contract", "bridge-clock"}, run: d.checkBridge},
		check{names: []string{"broker"}, run: d.checkBroker},
		check{names: []string{"thingsboard"}, run: d.checkThingsBoard},
		check{names: []string{"hawkbit"}, run: d.checkHawkBit},
	)
	if d.cfg.PKI.Revoke.On() {
		list = append(list, check{names: []string{"revoke"}, run: d.checkRevoke})
	}
	if d.cfg.WireGuard.Mode != config.WGOff {
		list = append(list, check{names: []string{"tunnel"}, run: d.checkTunnel})
	}
	return append(list, d.portChecks()...)
}
