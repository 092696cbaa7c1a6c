package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provstation/station/ledger"
)

func (a *app) recordsBackupCommand() *cobra.Command {
	var asJSON, own bool
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Copy the ledger into a new file while stations work, and read the copy back", Args: cobra.ExactArgs(1),
		Long: `Copy the ledger as it is at one moment into a new file. Stations go on working with it. The copy is read back: it has to be sound
and to hold the same rows in every table; else there is no file. What is printed in the end is a digest of the rows.

The station's key and id, its heads and its passports (station-key.pem, station-id, heads.log, passports beside the ledger) and
the configuration are other files and not in it: keep them, too. Without the key a copy can only be checked with the public
half ("provstation audit key") and a copy of heads.log: records verify --key FILE --heads FILE.

Where stations share a ledger on PostgreSQL there are two things to keep: the database, with pg_dump, once for all of them; and
each station's own file, with --own: it holds what that station did, and what it has not handed over yet.`,
		Example: `  provstation records backup /mnt/backup/ledger-2026-11-23.db
  provstation records backup --own /mnt/backup/bench-1-2026-11-23.db
  pg_dump --format=custom --file=/mnt/backup/provstation-2026-11-23.dump --dbname=postgres://backup@db/provstation`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.recordsBackup(cmd.Context(), args[0], own, asJSON)
		},
	}
	cmd.Flags().BoolVar(&own, "own", false, "this station's own file, where stations share a ledger on PostgreSQL")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

func (a *app) recordsBackup(ctx context.Context, file string, own, asJSON bool) error {
	cfg, _, err := a.load(nil)
	if err != nil {
		return err
	}
	if isPostgres(cfg.Ledger.URL) && !own {
		return usage("backup: this ledger is on PostgreSQL; run pg_dump --format=custom --file=%s --dbname=%s, and --own here for this station's own file",
			quoted(file), quoted(withoutSecret(cfg.Ledger.URL)))
	}
	l, err := ledger.Open(ctx, ownURL(cfg), ledger.Config{Outbox: isPostgres(cfg.Ledger.URL)})
	if err != nil {
		return &exitError{exitFault, err}
	}
	defer l.Close()
	s, err := l.Backup(ctx, file)
	if err != nil {
		return recordsError(err)
	}
	return a.writeSnapshot("backup", s, asJSON)
}

// snapshotJSON is what a copy holds.
type snapshotJSON struct {
	File   string           `json:"file"`
	Schema int64            `json:"schema"`
	Bytes  int64            `json:"bytes"`
	Rows   map[string]int64 `json:"rows"`
	Digest string           `json:"sha256"` // over the rows, not over the file
}

func (a *app) writeSnapshot(kind string, s ledger.Snapshot, asJSON bool) error {
	w := newLines(a.stdout)
	if asJSON {
		rows := map[string]int64{}
		for _, t := range s.Tables {
			rows[t.Table] = t.Rows
		}
		w.encode(struct {
			eventHead
			snapshotJSON
		}{w.head(kind), snapshotJSON{s.File, s.Schema, s.Size, rows, s.String()}})
	} else {
		w.printf("%s is sound: %d runs, %d devices, %d certificates, %d bytes\nrows sha256 %s\n", plain(s.File), s.Rows("runs"), s.Rows("devices"),
			s.Rows("certificates"), s.Size, s)
	}
	if w.err != nil {
		return &exitError{exitFault, w.err}
	}
	return nil
}

func (a *app) recordsRestoreCommand() *cobra.Command {
	var to, digest string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "restore FILE --to URL", Short: "Make a new ledger of a backup", Args: cobra.ExactArgs(1),
		Long: `Make a new ledger file of a backup, and read it back. A ledger that is there is never overwritten: move it away first.

Devices that were worked on after the backup are unknown to the restored ledger. The station adopts and proves them when they
are plugged in again, or held where they hold another key by now; certificates that they got meanwhile are in the CA's own list
alone.

The history goes on only with the station's key and id: put station-key.pem and station-id beside the new ledger before it is
used, or a new key is made and the old heads are "signed by another key" to records verify. Where the backup is older than
heads.log, the newest rows are gone, and records verify says so for good: when that is settled, move heads.log away and keep
it; a new one begins with the next run.`,
		Example: `  provstation records restore /mnt/backup/ledger-2026-11-23.db --to sqlite:/var/lib/provstation/ledger.db`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.recordsRestore(cmd.Context(), args[0], to, digest, asJSON)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the new ledger, sqlite:PATH (required)")
	cmd.Flags().StringVar(&digest, "sha256", "", "what the backup printed: restore nothing else")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

func (a *app) recordsRestore(ctx context.Context, file, to, digest string, asJSON bool) error {
	switch {
	case to == "":
		return usage("restore: --to says where, as sqlite:PATH")
	case isPostgres(to):
		return usage("restore: into PostgreSQL run pg_restore --no-owner --exit-on-error --dbname=%s %s, with a new, empty database", quoted(withoutSecret(to)), quoted(file))
	}
	if digest != "" {
		s, err := ledger.Inspect(ctx, file)
		if err != nil {
			return restoreError(err)
		}
		if !strings.EqualFold(s.String(), strings.TrimSpace(digest)) {
			return &exitError{exitBad, fmt.Errorf("%s holds other rows: sha256 %s", plain(file), s)}
		}
	}
	s, err := ledger.Restore(ctx, file, to)
	if err != nil {
		return restoreError(err)
	}
	return a.writeSnapshot("restore", s, asJSON)
}

func restoreError(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return &exitError{exitBad, err}
	}
	return recordsError(err)
}

func isPostgres(ledgerURL string) bool {
	return strings.HasPrefix(ledgerURL, "postgres:") || strings.HasPrefix(ledgerURL, "postgresql:")
}

// withoutSecret is a url that may be shown: no password, no parameter that may hold one.
func withoutSecret(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "postgres://..."
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(strings.ToLower(name), "pass") {
			q.Del(name)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// quoted is a word of a command line that can be copied.
func quoted(s string) string { return "'" + strings.ReplaceAll(plain(s), "'", `'\''`) + "'" }

func (a *app) recordsPruneCommand() *cobra.Command {
	var before, by string
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use: "prune --before DATE", Short: "Delete what is known of old runs, or say what would be deleted", Args: cobra.NoArgs,
		Long: `Delete the phases, observations and label prints of runs that ended before a date, and the runs themselves where nothing rests on
them. Without --yes nothing is deleted: it is only said how much it would be.

What stays: every device, key, certificate, request, proof, override and decision, with the run that it came from; runs that
show a device's present state, the newest run of each device, and runs of batches that are not closed; runs that have not
ended, that were held and not settled, or that have a request without an answer. A row with a digest says what was deleted.

The rows of the station's history from before that date go, too, under a checkpoint that the station's key signs: it takes
station-key.pem beside the ledger. Passports stay as they were written; none can be written again for a run without phases.`,
		Example: `  provstation records prune --before 365d
  provstation records prune --before 2026-01-01 --yes --by "Lea Lead"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.recordsPrune(cmd.Context(), before, ledger.PruneConfig{By: by, Really: yes}, asJSON)
		},
	}
	cmd.Flags().StringVar(&before, "before", "", "a date (2026-01-01) or how long ago (365d) (required)")
	cmd.Flags().StringVar(&by, "by", "", "who wants it; station.operator of the configuration where it is left out")
	cmd.Flags().BoolVar(&yes, "yes", false, "delete")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

// pruneJSON is what was deleted, or would be.
type pruneJSON struct {
	Before       time.Time `json:"before"`
	DryRun       bool      `json:"dry_run"`
	Prune        string    `json:"prune,omitempty"`
	Runs         int64     `json:"runs"`
	Thinned      int64     `json:"thinned"`
	Phases       int64     `json:"phases"`
	Observations int64     `json:"observations"`
	Labels       int64     `json:"label_prints"`
	Kept         int64     `json:"kept"`
	Digest       string    `json:"sha256,omitempty"`
	History      uint64    `json:"history_rows"` // of the station's hash chain; a signed checkpoint covers them
}

func (a *app) recordsPrune(ctx context.Context, before string, c ledger.PruneConfig, asJSON bool) error {
	if before == "" {
		return usage("prune: --before says which runs, as a date or how long ago")
	}
	var err error
	if c.Before, err = moment("--before", before, time.Now()); err != nil {
		return err
	}
	if c.Before.After(time.Now()) {
		return usage("--before %s is not past", plain(before))
	}
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	c.Tenant = l.tenant
	if c.By == "" {
		c.By = l.config.Station.Operator
	}
	if c.Really {
		if err := l.decides(ctx); err != nil {
			return err
		}
	}
	r, err := l.Prune(ctx, c)
	var history ledger.PrunedAudit
	if err == nil && c.Really {
		history, err = l.PruneAudit(ctx, c.Before)
	}
	if err != nil {
		return recordsError(err)
	}
	w := newLines(a.stdout)
	if asJSON {
		w.encode(struct {
			eventHead
			pruneJSON
		}{w.head("prune"), pruneJSON{
			c.Before.UTC(), !c.Really, r.Prune, r.Runs, r.Thinned, r.Phases, r.Observations, r.Labels, r.Kept, hexText(r.Digest), history.Rows,
		}})
	} else {
		verb := "would be deleted; --yes deletes"
		if c.Really {
			verb = "deleted"
		}
		w.printf("before %s: %d runs, %d phases, %d observations, %d label prints %s\n", local(c.Before), r.Runs, r.Phases, r.Observations, r.Labels, verb)
		w.printf("%d runs keep their result alone, %d older ones stay whole\n", r.Thinned, r.Kept)
		if len(r.Digest) > 0 {
			w.printf("deleted rows sha256 %s\n", hexText(r.Digest))
		}
		if history.Rows > 0 {
			w.printf("%d rows of the station's history are covered by a signed checkpoint and gone\n", history.Rows)
		}
	}
	if w.err != nil {
		return &exitError{exitFault, w.err}
	}
	return nil
}
