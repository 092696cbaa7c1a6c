package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
)

// writeLedger tells people how it stands with the ledger that the stations share, where that is news.
func writeLedger(w io.Writer, e station.LedgerChanged) {
	switch {
	case e.Status == station.LedgerAway && e.Waiting > 0:
		fmt.Fprintf(w, "shared ledger: away; records that wait: %d%s\n", e.Waiting, sinceWhen(e.Since))
	case e.Status == station.LedgerAway:
		fmt.Fprintf(w, "shared ledger: %s %s\n", e.Code, e.Message)
		fmt.Fprintf(w, "               next: %s\n", e.Hint)
	case e.HandedOver > 0:
		fmt.Fprintf(w, "shared ledger: there; records handed over: %d\n", e.HandedOver)
	case e.Waiting > 0:
		fmt.Fprintf(w, "shared ledger: there; records to hand over: %d%s\n", e.Waiting, sinceWhen(e.Since))
	default:
		fmt.Fprintln(w, "shared ledger: there")
	}
}

func sinceWhen(t *time.Time) string {
	if t == nil {
		return ""
	}
	return ", since " + local(*t)
}

// writeDuplicate tells people of a contradiction between two stations.
func writeDuplicate(w io.Writer, d station.DuplicateFound) {
	fmt.Fprintf(w, "CONTRADICTION %s %s\n", d.Code, d.Message)
	for _, side := range [][4]string{
		{d.HardwareSerial, d.DeviceID, cmp.Or(d.StationName, d.Station), d.Run},
		{d.OtherSerial, d.OtherID, cmp.Or(d.OtherName, d.OtherStation), d.OtherRun},
	} {
		fmt.Fprintf(w, "              %s  %s  at %s  run %s\n", dash(side[0]), dash(side[1]), dash(side[2]), dash(side[3]))
	}
	fmt.Fprintf(w, "              next: %s\n", d.Hint)
}

func (a *app) recordsDuplicatesCommand() *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use: "duplicates", Short: "List what two stations have recorded and only one can have", Args: cobra.NoArgs,
		Long: `List the contradictions that came out when stations handed their records to the ledger that they share, oldest first. Both
records are kept, both stations were told, and both devices are held until a person decides.

  key        two devices with one public key: a cloned image, or a device without a good source of random numbers
  device-id  one device id for two devices, or two for one
  address    one tunnel address for two devices
  lease      two stations worked on one device at the same time
  record     two records about one device that do not agree

To decide, plug one of the devices in: its run ends UNCERTAIN with E-DUPLICATE and is decided as any other, with
"records resolve" or on the page Records. One decision settles it for both.`,
		Example: `  provstation records duplicates
  provstation records duplicates --all --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.recordsDuplicates(cmd.Context(), all, asJSON) },
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that somebody has decided about, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

func (a *app) recordsDuplicates(ctx context.Context, all, asJSON bool) error {
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	var list []ledger.Duplicate
	for f := (ledger.DuplicateFilter{Tenant: l.tenant, Open: !all}); ; f.AfterID = list[len(list)-1].ID {
		page, err := l.Duplicates(ctx, f)
		if err != nil {
			return recordsError(err)
		}
		list = append(list, page...)
		if len(page) < ledger.PageMax {
			break
		}
	}
	if asJSON {
		err = a.duplicateLines(list)
	} else {
		err = a.duplicateTable(list)
	}
	return a.shown(err)
}

// duplicateJSON is a contradiction as JSON shows it: as the event has it.
type duplicateJSON struct {
	Duplicate      string               `json:"duplicate"`
	Kind           ledger.DuplicateKind `json:"kind"`
	HardwareSerial string               `json:"hardware_serial"`
	DeviceID       string               `json:"device_id"`
	StationID      string               `json:"station_id"`
	Station        string               `json:"station,omitempty"`
	Run            string               `json:"run"`
	OtherSerial    string               `json:"other_hardware_serial"`
	OtherID        string               `json:"other_device_id"`
	OtherStationID string               `json:"other_station_id"`
	OtherStation   string               `json:"other_station,omitempty"`
	OtherRun       string               `json:"other_run"`
	Detail         string               `json:"detail"`
	FoundAt        time.Time            `json:"found_at"`
}

func (a *app) duplicateLines(list []ledger.Duplicate) error {
	w := newLines(a.stdout)
	for _, d := range list {
		w.encode(struct {
			eventHead
			duplicateJSON
		}{w.head("duplicate"), duplicateJSON{
			d.ID, d.Kind, d.Serial, d.DeviceID, d.Station, d.StationName, d.Run, d.OtherSerial, d.OtherID, d.OtherStation, d.OtherName,
			d.OtherRun, d.Detail, d.FoundAt,
		}})
	}
	w.encode(struct {
		eventHead
		recordsEnd
	}{w.head("records-end"), recordsEnd{Rows: len(list)}})
	return w.err
}

func (a *app) duplicateTable(list []ledger.Duplicate) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no duplicates")
		return err
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FOUND\tKIND\tHARDWARE\tDEVICE ID\tSTATION\tOTHER HARDWARE\tOTHER ID\tOTHER STATION\tRUN\tOTHER RUN")
	for _, d := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", local(d.FoundAt), d.Kind, dash(d.Serial), dash(d.DeviceID),
			dash(cmp.Or(d.StationName, d.Station)), dash(d.OtherSerial), dash(d.OtherID), dash(cmp.Or(d.OtherName, d.OtherStation)),
			dash(d.Run), dash(d.OtherRun))
	}
	return w.Flush()
}

func (a *app) recordsOutboxCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "outbox", Short: "Say what this station has not handed over yet to the ledger that the stations share", Args: cobra.NoArgs,
		Long: `Say how many records are in this station's own file alone, since when, of which kinds, and whether the shared ledger can be
reached. It hands nothing over: a station that works does, and every other records command.

Exit codes: 0 nothing waits, 1 something does, 2 usage or configuration, 3 the file cannot be read.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.recordsOutbox(cmd.Context(), asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object on standard output")
	return cmd
}

// outboxJSON is what waits.
type outboxJSON struct {
	File    string                  `json:"file"`
	Status  string                  `json:"status"` // shared|away|own
	Reason  string                  `json:"reason,omitempty"`
	Waiting int                     `json:"waiting"`
	Since   *time.Time              `json:"since,omitempty"`
	Kinds   map[ledger.FactKind]int `json:"kinds,omitempty"`
}

// ownStatus is the status of a ledger that is shared with nobody.
const ownStatus = "own"

func (a *app) recordsOutbox(ctx context.Context, asJSON bool) error {
	cfg, _, err := a.load(nil)
	if err != nil {
		return err
	}
	o, err := outboxOf(ctx, cfg)
	if err != nil {
		return recordsError(err)
	}
	w := newLines(a.stdout)
	if asJSON {
		w.encode(struct {
			eventHead
			outboxJSON
		}{w.head("outbox"), o})
	} else {
		o.text(w)
	}
	switch {
	case w.err != nil:
		return &exitError{exitFault, w.err}
	case o.Waiting > 0:
		return &exitError{code: exitBad}
	}
	return nil
}

func (o outboxJSON) text(w *lines) {
	switch o.Status {
	case ownStatus:
		w.printf("this station shares its ledger with no other one\n")
		return
	case station.LedgerAway:
		w.printf("the shared ledger cannot be reached: %s\n", plain(o.Reason))
	default:
		w.printf("the shared ledger is there\n")
	}
	if o.Waiting == 0 {
		w.printf("nothing waits in %s\n", plain(o.File))
		return
	}
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(o.Kinds)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", o.Kinds[k], plain(string(k))))
	}
	w.printf("records that wait in %s: %d%s: %s\n", plain(o.File), o.Waiting, sinceWhen(o.Since), strings.Join(kinds, ", "))
}

// outboxOf looks into the station's own file, which is not made for that, and for the database.
func outboxOf(ctx context.Context, cfg *config.Config) (o outboxJSON, err error) {
	if !isPostgres(cfg.Ledger.URL) {
		return outboxJSON{Status: ownStatus, File: ledgerFile(cfg.Ledger.URL)}, nil
	}
	o.File, o.Status = ledgerFile(ownURL(cfg)), station.LedgerShared
	if _, err := os.Stat(o.File); err == nil {
		l, err := ledger.Open(ctx, ownURL(cfg), ledger.Config{Outbox: true, BusyTimeout: busyLimit, Readers: 1})
		if err != nil {
			return o, err
		}
		defer l.Close()
		var since time.Time
		if o.Waiting, since, err = l.Waiting(ctx); err != nil {
			return o, err
		}
		o.Since = known(since)
		if o.Kinds, err = l.WaitingKinds(ctx); err != nil {
			return o, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return o, err
	}
	server, err := ledger.Open(ctx, cfg.Ledger.URL, ledger.Config{
		Password: ledgerPassword(cfg.Ledger), BusyTimeout: busyLimit, Timeout: busyLimit, Readers: 1,
	})
	if err != nil {
		o.Status, o.Reason = station.LedgerAway, err.Error()
		return o, nil
	}
	return o, server.Close()
}
