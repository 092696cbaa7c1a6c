package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/audit"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/words"
)

func (a *app) passportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "passport", Short: "Read, check and write the passports of devices that passed", Args: cobra.NoArgs,
		Long: `A passport is one signed file for each device that passed: ids, fingerprints, phases with their times, the broker's proof,
station and versions. The station writes it into the folder passports beside its ledger.

Exit codes: 0 good, 1 refused, 2 usage or configuration, 3 it could not be read.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.passportShowCommand(), a.passportVerifyCommand(), a.passportIssueCommand())
	return cmd
}

func (a *app) passportShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "Show what a passport says, without checking who signed it",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			text, s, err := a.readPassport(args[0])
			if err != nil {
				return err
			}
			return a.showPassport(text, s)
		},
	}
}

func (a *app) passportVerifyCommand() *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use:   "verify FILE...",
		Short: "Check that a passport is whole and signed by a station that is trusted",
		Long: `Check that a passport is whole and signed by a station that is trusted. It works without a network and without the records.

Whose passports are trusted is for who checks to say: --key is the public key that the station printed ("provstation audit
key"), brought on another way than the passport. Each key speaks for any station: the line of a good passport ends with the id
of the key that signed it. Without --key the station's own key beside the configured ledger is taken; where there is none,
nothing is judged.

Exit codes: 0 good, 1 refused, 2 usage or configuration, 3 it could not be read, or there is no key. Of several files the
worst one counts.`,
		Example: `  provstation passport verify --key bench-1.pub.pem edge-0041-*.json`,
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return a.verifyPassports(args, keys) },
	}
	cmd.Flags().StringArrayVar(&keys, "key", nil, "a station's public key (repeatable)")
	return cmd
}

// readPassport reads a file and says what is wrong with it.
func (a *app) readPassport(name string) (*words.Catalogue, audit.Signed, error) {
	cfg, err := a.loadOrDefault()
	if err != nil {
		return nil, audit.Signed{}, err
	}
	text, err := sentences(cfg)
	if err != nil {
		return nil, audit.Signed{}, &exitError{exitFault, err}
	}
	raw, err := readBounded(name, audit.MaxPassport)
	if err != nil {
		return nil, audit.Signed{}, &exitError{exitFault, fmt.Errorf("read passport: %w", err)}
	}
	s, err := audit.ParsePassport(raw)
	if err != nil {
		fmt.Fprintln(a.stderr, plain(refusal(text, name, err)))
		return nil, audit.Signed{}, &exitError{code: exitBad}
	}
	return text, s, nil
}

// refusal is the catalogue's sentence for why a passport is refused.
func refusal(text *words.Catalogue, name string, err error) string {
	p := map[string]string{"file": name, "detail": err.Error()}
	switch {
	case errors.Is(err, audit.ErrUnsigned):
		return text.Text("passport.unsigned", p)
	case errors.Is(err, audit.ErrUnknownKey):
		return text.Text("passport.stranger", p)
	case errors.Is(err, audit.ErrSignature):
		return text.Text("passport.altered", p)
	default:
		return text.Text("passport.malformed", p)
	}
}

func (a *app) verifyPassports(files, keyFiles []string) error {
	keys, err := a.passportKeys(keyFiles)
	if err != nil {
		return &exitError{exitFault, err}
	}
	worst := 0 // one bad file says nothing about the others
	for _, name := range files {
		text, s, err := a.readPassport(name)
		var e *exitError
		switch {
		case errors.As(err, &e) && (e.code == exitBad || e.code == exitFault):
			if e.err != nil {
				fmt.Fprintln(a.stderr, "provstation: "+plain(e.err.Error()))
			}
			worst = max(worst, e.code)
			continue
		case err != nil:
			return err
		}
		if err := s.Verify(keys); err != nil {
			fmt.Fprintln(a.stderr, plain(refusal(text, name, err)))
			worst = max(worst, exitBad)
			continue
		}
		if _, err := fmt.Fprintln(a.stdout, plain(text.Text("passport.good", map[string]string{
			"file": name, "device_id": s.DeviceID, "station": s.Station.Name, "at": s.EndedAt.Format(time.RFC3339), "key": s.Key.String(),
		}))); err != nil {
			return err
		}
	}
	if worst != 0 {
		return &exitError{code: worst}
	}
	return nil
}

// passportKeys are the keys that are given, or the station's own where there is a configuration. No ledger is opened.
func (a *app) passportKeys(files []string) (audit.Keys, error) {
	if len(files) > 0 {
		return publicKeys(files, "")
	}
	cfg, err := a.loadOrDefault()
	if err != nil {
		return nil, err
	}
	dir := ""
	if path, ok := ledger.FileOf(cfg.Ledger.URL); ok {
		dir = filepath.Dir(path)
	} else if cfg.Log.File != "" {
		dir = filepath.Dir(cfg.Log.File)
	}
	return publicKeys(nil, dir)
}

func (a *app) showPassport(text *words.Catalogue, s audit.Signed) error {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", text.Text("passport."+key, nil), plain(value))
		}
	}
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339)
	}
	line("device", s.DeviceID)
	line("hardware", s.HardwareSerial)
	line("model", s.Model+" "+s.Firmware)
	line("tenant", s.Tenant)
	line("leaf", s.Leaf)
	for _, c := range s.Chain {
		line("ca", c)
	}
	line("spki", s.SPKI)
	line("csr", s.CSR)
	line("valid", at(s.NotBefore)+" - "+at(s.NotAfter))
	line("run", s.Run+", "+at(s.StartedAt)+" - "+at(s.EndedAt))
	line("batch", s.Batch)
	line("proof", s.Proof.Kind+", "+s.Proof.Broker+", "+s.Proof.TLS+", "+s.Proof.MQTT)
	operator := s.Operator
	for _, n := range s.Names {
		if n.Pseudonym == s.Operator && audit.Pseudonym(n.Salt, n.Name) == n.Pseudonym {
			operator = n.Name
		}
	}
	line("operator", operator)
	line("station", s.Station.Name+" ("+s.Station.ID+"), "+s.Station.Version)
	if s.Previous != nil {
		line("previous", s.Previous.Run+", "+at(s.Previous.EndedAt))
	}
	line("head", strconv.FormatUint(s.Head.N, 10)+", "+s.Head.Digest.String())
	line("key", s.Key.String())
	for _, p := range s.Phases {
		line("phase", fmt.Sprintf("%s %s, %s, %s", p.Phase, p.Status, at(p.StartedAt), p.EndedAt.Sub(p.StartedAt)))
	}
	if err := w.Flush(); err != nil {
		return &exitError{exitFault, err}
	}
	fmt.Fprintln(&out, text.Text("passport.unchecked", nil))
	_, err := a.stdout.Write(out.Bytes())
	return err
}

func (a *app) passportIssueCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "issue RUN|DEVICE-ID",
		Short: "Write a passport from the records, where it is missing",
		Args:  cobra.ExactArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return a.issuePassport(cmd.Context(), args[0]) },
	}
}

func (a *app) issuePassport(ctx context.Context, what string) error {
	if what == "" {
		return usage("issue: the name of the run or device is empty")
	}
	return a.withHistory(ctx, func(h *history, _ *words.Catalogue) error {
		cfg, _, err := a.load(nil)
		if err != nil {
			return err
		}
		run, err := passedRun(ctx, h.Ledger, cfg, what)
		if err != nil {
			return err
		}
		p := &passports{ledger: h.Ledger, signer: h.signer, dir: filepath.Join(h.dir, passportFolder)}
		path, err := p.issue(ctx, run)
		switch {
		case errors.Is(err, ledger.ErrThinned):
			return &exitError{exitBad, fmt.Errorf("%s: the phases of its run were pruned; the passport that was written then tells more", plain(what))}
		case errors.Is(err, ledger.ErrNoPass), errors.Is(err, station.ErrNotFound):
			return &exitError{exitBad, fmt.Errorf("no PASS on record: %s", plain(what))}
		case err != nil:
			return &exitError{exitFault, err}
		}
		_, err = fmt.Fprintln(a.stdout, path)
		return err
	})
}

// passedRun finds the run by its id, else the device's newest PASS.
func passedRun(ctx context.Context, l *ledger.Ledger, cfg *config.Config, what string) (string, error) {
	switch d, err := l.Run(ctx, what); {
	case err == nil && d.Tenant == cfg.Station.Tenant:
		return d.Run, nil
	case err != nil && !errors.Is(err, station.ErrNotFound) && !errors.Is(err, ledger.ErrInvalid):
		return "", &exitError{exitFault, err}
	}
	rows, err := l.Runs(ctx, ledger.Filter{Tenant: cfg.Station.Tenant, DeviceID: what, Outcome: station.Pass, Limit: 1})
	switch {
	case err != nil:
		return "", &exitError{exitFault, err}
	case len(rows) == 0:
		return "", &exitError{exitBad, fmt.Errorf("no PASS on record: %s", plain(what))}
	}
	return rows[0].Run, nil
}
