package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/config"
)

// runFlags are the flags of `provstation run`.
type runFlags struct {
	json     bool
	count    int
	timeout  time.Duration
	slots    []string
	deviceID string
	reenroll bool
	issuer   string
	forever  bool
}

// settleFor is how long a bench without --count waits after the last thing that happened.
const settleFor = 5 * time.Second

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Provision what is or gets connected, without a screen, then stop",
		Long: `Provision what is or gets connected, without a screen, then stop.

With --count it stops when so many devices have ended PASS or SKIPPED. Without, when every device that is connected has
had its run and nothing new has shown itself for 5 seconds. --timeout ends it in any case. With --until-stopped it works
whatever gets plugged in until a signal ends it, as a service does; it tells systemd when it is ready.

Exit codes: 0 every run PASS or SKIPPED, and as many as --count asked for; with --until-stopped: stopped by a signal;
1 otherwise, no device at all included; 2 usage or configuration; 3 the station itself failed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), f) },
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.forever, "until-stopped", false, "work whatever gets plugged in until a signal ends it")
	cmd.Flags().StringVar(&f.issuer, "issuer", "", "with --reenroll: only devices whose certificate is by this CA: its name, key id or fingerprint")
	return cmd
}

// register adds the flags that say which devices are worked on, and for how long.
func (f *runFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.Bool("headless", true, "implied: there is no screen")
	fl.BoolVar(&f.json, "json", false, "one JSON object a line on standard output")
	fl.IntVar(&f.count, "count", 0, "stop when so many devices have ended well")
	fl.DurationVar(&f.timeout, "timeout", 0, "stop after this time in any case (as 10m)")
	fl.StringArrayVar(&f.slots, "slot", nil, "name a slot, as PATH=NAME; only named ports are used then (repeatable)")
	fl.StringVar(&f.deviceID, "device-id", "", "the device id (with exactly one --slot)")
	fl.BoolVar(&f.reenroll, "reenroll", false, "a new key and certificate for devices that are enrolled already")
}

func (a *app) run(ctx context.Context, f runFlags) error {
	cfg, o, err := a.prepare(f)
	if err != nil {
		return err
	}
	var under *underIssuer
	if f.issuer != "" {
		if !f.reenroll {
			return usage("--issuer goes with --reenroll")
		}
		under = &underIssuer{issuer: f.issuer}
		o.only = under.wants
	}
	b, err := a.open(ctx, cfg, o)
	if err != nil {
		return err
	}
	defer b.Close()
	if under != nil {
		if err := under.find(ctx, b.history.records(), cfg.Station.Tenant); err != nil {
			return err
		}
	}
	if !f.forever {
		return a.headless(ctx, b.Bench, f.json, f.timeout, f.count)
	}
	defer b.notify(ctx)()
	return stoppedWell(ctx, a.headless(ctx, b.Bench, f.json, 0, 0))
}

// prepare turns the flags into a configuration and options of a bench.
func (a *app) prepare(f runFlags) (*config.Config, openOptions, error) {
	none := openOptions{}
	if f.count < 0 || f.timeout < 0 {
		return nil, none, usage("--count and --timeout must not be negative")
	}
	if f.forever && (f.count > 0 || f.timeout > 0) {
		return nil, none, usage("--until-stopped has no end of its own: leave --count and --timeout out")
	}
	if f.deviceID != "" && len(f.slots) != 1 {
		return nil, none, usage("--device-id names one device: give exactly one --slot PATH=NAME with it")
	}
	slots := map[string]string{}
	for _, s := range f.slots {
		path, name, ok := strings.Cut(s, "=")
		if !ok || path == "" || name == "" {
			return nil, none, usage("--slot %q: write PATH=NAME, as /dev/ttyUSB0=left", s)
		}
		for other, taken := range slots {
			if taken == name || other == path {
				return nil, none, usage("--slot %q: a slot is one port with one name; %s=%s is given already", s, other, taken)
			}
		}
		slots[path] = name
	}
	cfg, _, err := a.load(nil)
	if err != nil {
		return nil, none, err
	}
	o := openOptions{deviceID: f.deviceID, reenroll: f.reenroll || cfg.Device.Reenroll, stopAfter: f.count}
	if f.count == 0 && !f.forever {
		o.settle = settled(cfg)
	}
	if len(slots) > 0 {
		cfg = cfg.Clone()
		cfg.Ports.Include, cfg.Ports.Slots, cfg.Ports.Learnt, cfg.Ports.Unknown = nil, slots, nil, config.UnknownShow
		for path := range slots {
			cfg.Ports.Include = append(cfg.Ports.Include, path)
		}
	}
	if cfg.Device.Assign == config.AssignScan && f.deviceID == "" {
		return nil, none, usage("device.assign: scan needs a person with a scanner; without a screen use auto, template or manifest")
	}
	if cfg.People.Required && cfg.Station.Operator == "" {
		return nil, none, usage("people.required: nobody can sign in without a screen; say who works here in station.operator")
	}
	return cfg, o, nil
}

// headless works a bench without a screen and turns its summary into the exit code.
func (a *app) headless(ctx context.Context, b *station.Bench, asJSON bool, timeout time.Duration, count int) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	events := b.Subscribe()
	written := make(chan error, 1)
	go func() {
		if asJSON {
			written <- writeNDJSON(a.stdout, events, b.Quit)
			return
		}
		writeText(a.stderr, events)
		written <- nil
	}()
	sum, err := b.Run(ctx)
	if werr := <-written; werr != nil && err == nil {
		err = werr
	}
	if err != nil {
		return &exitError{exitFault, err}
	}
	return judge(sum, count)
}

// judge is the exit code's rule.
func judge(s station.Summary, count int) error {
	good := s.Pass + s.Skipped + s.Collected
	if s.Devices == 0 || good != s.Devices || good < count {
		return &exitError{code: exitBad}
	}
	return nil
}

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

var errNoTerminal = errors.New("this needs a terminal; without one use `provstation run` or `provstation demo --headless`")
