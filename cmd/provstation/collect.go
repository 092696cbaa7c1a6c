package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/ledger"
	"provstation/station/mqttcheck"
	"provstation/station/words"
)

func (a *app) collectCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "collect",
		Short: "Collect the requests of devices where there is no network",
		Long: `Collect the requests (CSRs) of devices where there is no network. Each device that is or gets connected is greeted and gets
its id, makes its key, and its request is checked and put into the ledger's queue; the run ends COLLECTED, which is no PASS.
The network is not asked for anything.

Where there is a network, ` + "`provstation relay`" + ` posts what waits, with the same ledger. Plug the devices in again after that:
` + "`provstation run`" + ` (or the screen) installs what is on file and proves it at the broker; nothing is posted a second time.

A bridge with the documented contract makes the tunnel's private key itself. It would have to lie in the ledger until the
device is back, and this version cannot seal it to the device: such requests are refused.

Exit codes: 0 every device COLLECTED, or SKIPPED since it has passed before, and as many as --count asked for; 1 otherwise,
no device at all included; 2 usage or configuration; 3 the station itself failed.`,
		Example: `  provstation collect --count 5                  five devices, then stop
  provstation collect list                       what waits, and why
  provstation relay                              where there is a network
  provstation run --count 5                      the devices plugged in again`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.collect(cmd.Context(), f) },
	}
	f.register(cmd)
	cmd.AddCommand(a.queueListCommand())
	return cmd
}

func (a *app) collect(ctx context.Context, f runFlags) error {
	cfg, o, err := a.prepare(f)
	if err != nil {
		return err
	}
	if cfg.WireGuard.Enroll && cfg.Bridge.Contract == station.ContractDocumented {
		text, err := sentences(cfg)
		if err != nil {
			return &exitError{exitFault, err}
		}
		message, next := text.Fault(station.CodeCollectKey, nil)
		return usage("%s %s %s", station.CodeCollectKey, message, next)
	}
	o.collect = true
	b, err := a.open(ctx, cfg, o)
	if err != nil {
		return err
	}
	defer b.Close()
	return a.headless(ctx, b.Bench, f.json, f.timeout, f.count)
}

// offline stands for everything that a network is needed for: to ask it is a mistake of this program.
type offline struct{}

var errOffline = errors.New("collecting asks no network")

func offlineFault() error {
	return &station.Fault{Code: station.CodeInternal, Outcome: station.Error, Params: map[string]string{"detail": errOffline.Error()}, Err: errOffline}
}

func (offline) Contract(context.Context) (station.Contract, error) { return "", offlineFault() }

func (offline) Enroll(context.Context, station.Contract, station.EnrollRequest) (station.EnrollAnswer, error) {
	return station.EnrollAnswer{}, offlineFault()
}

func (offline) Anchors(context.Context) (station.Anchors, error) {
	return station.Anchors{}, offlineFault()
}

func (offline) prove(context.Context, mqttcheck.Config, mqttcheck.Identity) (mqttcheck.Result, error) {
	return mqttcheck.Result{}, offlineFault()
}

// queueListCommand is `collect list` and `relay list`.
func (a *app) queueListCommand() *cobra.Command {
	var asJSON bool
	var states []string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the collected requests: what waits and why, parked ones included",
		Long: `List the collected requests, oldest first: what waits, what is parked, and why. Requests that are installed or were dropped
are left out unless --state asks for them.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.queueList(cmd.Context(), states, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line on standard output")
	cmd.Flags().StringArrayVar(&states, "state", nil, "only these states: "+strings.Join(stateNames(), ", ")+" (repeatable)")
	return cmd
}

func stateNames() (names []string) {
	for _, s := range station.QueueStates() {
		names = append(names, string(s))
	}
	return names
}

// openStates are the states in which a request still asks something of somebody.
var openStates = []station.QueueState{ //nolint:gochecknoglobals // never written
	station.QueueWaiting, station.QueuePosted, station.QueueIssued, station.QueueParked,
}

func (a *app) queueList(ctx context.Context, states []string, asJSON bool) error {
	filter := ledger.QueueFilter{States: openStates}
	if len(states) > 0 {
		filter.States = nil
	}
	for _, s := range states {
		if !slices.Contains(stateNames(), s) {
			return usage("--state %q: one of %s", s, strings.Join(stateNames(), ", "))
		}
		filter.States = append(filter.States, station.QueueState(s))
	}
	l, err := a.ownArchive(ctx) // the queue is this station's
	if err != nil {
		return err
	}
	defer l.Close()
	filter.Tenant = l.tenant
	rows, err := l.Queue(ctx, filter)
	if err != nil {
		return &exitError{exitFault, err}
	}
	if asJSON {
		err = writeQueueJSON(a.stdout, l.words, rows)
	} else {
		err = writeQueue(a.stdout, l.words, rows, time.Now())
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	return nil
}

// queueRow is one request as `collect list --json` shows it.
type queueRow struct {
	DeviceID        string             `json:"device_id"`
	HardwareSerial  string             `json:"hardware_serial"`
	State           station.QueueState `json:"state"`
	Tries           int                `json:"tries"`
	CollectedAt     time.Time          `json:"collected_at"`
	NextAt          *time.Time         `json:"next_at,omitempty"`
	Code            station.Code       `json:"code,omitempty"`
	Params          map[string]string  `json:"params,omitempty"`
	Message         string             `json:"message,omitempty"`
	Hint            string             `json:"hint,omitempty"`
	Reason          string             `json:"reason,omitempty"`
	CertFingerprint string             `json:"cert_fingerprint,omitempty"`
	NotAfter        *time.Time         `json:"not_after,omitempty"`
	Contract        station.Contract   `json:"contract"`
	SPKI            string             `json:"spki_sha256"`
	Run             string             `json:"run"`
}

func queueRowOf(text *words.Catalogue, c station.QueuedRequest) queueRow {
	r := queueRow{
		DeviceID: c.DeviceID, HardwareSerial: c.HardwareSerial, State: c.State, Tries: c.Tries, CollectedAt: c.At, Code: c.Code,
		Params: c.Params, Reason: c.Reason, CertFingerprint: hexText(c.Leaf), Contract: c.Contract, SPKI: hexText(c.SPKI), Run: c.Run,
	}
	if c.Code != "" {
		r.Message, r.Hint = text.Fault(c.Code, c.Params)
	}
	if c.State == station.QueueWaiting {
		r.NextAt = &c.NextAt
	}
	if !c.NotAfter.IsZero() {
		r.NotAfter = &c.NotAfter
	}
	return r
}

func writeQueueJSON(to io.Writer, text *words.Catalogue, rows []station.QueuedRequest) error {
	w := newLines(to)
	for _, c := range rows {
		w.encode(struct {
			eventHead
			queueRow
		}{w.head("queued"), queueRowOf(text, c)})
	}
	return w.err
}

func writeQueue(to io.Writer, text *words.Catalogue, rows []station.QueuedRequest, now time.Time) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(to, text.Text("queue.empty", nil))
		return err
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE\tHARDWARE\tSTATE\tTRIES\tCOLLECTED\tWHY")
	for _, c := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", plain(c.DeviceID), plain(c.HardwareSerial), text.Text("queue."+string(c.State), nil),
			c.Tries, c.At.Local().Format("2006-01-02 15:04"), plain(why(text, c, now)))
	}
	return w.Flush()
}

// why says in a few words why a request is where it is.
func why(text *words.Catalogue, c station.QueuedRequest, now time.Time) string {
	at := func(key string, t time.Time) string {
		return text.Text(key, map[string]string{"at": t.Local().Format("2006-01-02 15:04:05")})
	}
	var parts []string
	if c.Code != "" {
		message, _ := text.Fault(c.Code, c.Params)
		parts = append(parts, string(c.Code)+" "+message)
	}
	switch {
	case c.State == station.QueueWaiting && c.NextAt.After(now):
		parts = append(parts, at("queue.again", c.NextAt))
	case c.State == station.QueueIssued && c.NotAfter.After(now):
		parts = append(parts, at("queue.valid", c.NotAfter))
	case c.State == station.QueueIssued:
		parts = append(parts, at("queue.over", c.NotAfter))
	case c.State == station.QueueDropped && c.Reason == ledger.Superseded:
		parts = append(parts, text.Text("queue.superseded", nil))
	case c.State == station.QueueDropped:
		parts = append(parts, c.Reason)
	}
	return strings.Join(parts, "; ")
}
