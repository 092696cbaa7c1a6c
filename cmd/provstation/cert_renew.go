package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
)

// renewFlags are the flags of `provstation cert renew` and `cert rekey`.
type renewFlags struct {
	all     bool
	within  string
	by      string
	slots   []string
	timeout time.Duration
	json    bool
}

func (f *renewFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVar(&f.all, "all", false, "every finished device that is connected, instead of one")
	fl.StringVar(&f.within, "within", "", "with --all: only those whose certificate ends within this time (as 30d, 12h)")
	fl.StringArrayVar(&f.slots, "slot", nil, "use this port alone, as PATH=NAME (repeatable)")
	fl.DurationVar(&f.timeout, "timeout", 0, "stop after this time in any case (as 10m)")
	fl.BoolVar(&f.json, "json", false, "one JSON object a line on standard output")
}

func (a *app) certRenewCommand() *cobra.Command {
	var f renewFlags
	cmd := &cobra.Command{
		Use:   "renew DEVICE_ID | --all",
		Short: "Renew the certificate of a finished device that is connected; its key stays",
		Long: `Renew the certificate of a finished device that is connected. The device signs a token for the CA, or one handshake; the CA
issues a new certificate for the key that the device has; it is checked like that of an enrollment, installed, read back and
proven at the broker. The certificate before stays valid until it ends. One that has ended cannot be renewed: the device has
to be enrolled anew, with 'provstation run --reenroll'.

Without --slot a device is found by the hardware serial that is on file under its id.

Exit codes: 0 renewed and proven, 1 otherwise, the device not connected included; 2 usage or configuration; 3 the station
itself failed.`,
		Example: `  provstation cert renew edge-0041
  provstation cert renew --all --within 30d
  provstation cert renew edge-0041 --by mtls --slot /dev/ttyUSB0=left`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.renewDevices(cmd.Context(), station.TaskRenew, args, f)
		},
	}
	f.register(cmd)
	cmd.Flags().StringVar(&f.by, "by", "", "how the CA is shown that the device asks: token, mtls, auto; default: pki.renew_by")
	return cmd
}

func (a *app) certRekeyCommand() *cobra.Command {
	var f renewFlags
	cmd := &cobra.Command{
		Use:   "rekey DEVICE_ID | --all",
		Short: "Give a finished device that is connected a new key and its certificate",
		Long: `Give a finished device that is connected a new key and, from the CA, its certificate. The device makes the key beside the one it
has, and keeps the old one until the new one is proven at the broker. Its tunnel stays. A device that was sealed with an unlock
key has to be unlocked for it (device.unlock.key_file).

The CA has to be reached without a proxy that ends TLS. The certificate before stays valid until it ends: revoke it with
'provstation cert revoke --orphans', if the key may be known to others.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.renewDevices(cmd.Context(), station.TaskRekey, args, f)
		},
	}
	f.register(cmd)
	return cmd
}

// renewDevices works a bench on which runs are for the task alone.
func (a *app) renewDevices(ctx context.Context, task station.Task, args []string, f renewFlags) error {
	id, within, err := f.check(args)
	if err != nil {
		return err
	}
	cfg, o, err := a.prepare(runFlags{slots: f.slots, timeout: f.timeout})
	if err != nil {
		return err
	}
	if f.by != "" {
		cfg = cfg.Clone()
		cfg.PKI.RenewBy = f.by
	}
	if cfg.PKI.StepCAURL == "" {
		return usage("pki.step_ca_url is empty: there is no CA to ask")
	}
	o.task, o.settle = task, settled(cfg)
	choose := &chosen{ctx: ctx, within: within, now: time.Now}
	o.only = choose.wants
	if id != "" {
		o.stopAfter = 1
		if len(f.slots) > 0 { // whatever is there has to say that it is the one
			o.deviceID = id
		}
	}
	b, err := a.open(ctx, cfg, o)
	if err != nil {
		return err
	}
	defer b.Close()
	choose.records, choose.tenant = b.history.records(), cfg.Station.Tenant
	if id != "" && len(f.slots) == 0 {
		d, err := findDevice(ctx, choose.records, choose.tenant, id)
		if errors.Is(err, station.ErrNotFound) {
			return &exitError{exitBad, fmt.Errorf("no device %q is on file here; name its port with --slot PATH=NAME", plain(id))}
		}
		if err != nil {
			return recordsError(err)
		}
		choose.serial = d.HardwareSerial
	}
	err = a.headless(ctx, b.Bench, f.json, f.timeout, 0)
	var e *exitError
	if !errors.As(err, &e) || e.code != exitBad || choose.taken.Load() > 0 {
		return err
	}
	return choose.none(id)
}

func (f *renewFlags) check(args []string) (id string, within time.Duration, err error) {
	switch {
	case f.all == (len(args) == 1):
		return "", 0, usage("give one device id, or --all")
	case !f.all && f.within != "":
		return "", 0, usage("--within goes with --all")
	case f.by != "" && f.by != config.RenewAuto && f.by != config.RenewToken && f.by != config.RenewMTLS:
		return "", 0, usage("--by %s: want token, mtls or auto", plain(f.by))
	}
	if len(args) == 1 {
		if id = strings.TrimSpace(args[0]); id == "" {
			return "", 0, usage("the device id is empty")
		}
	}
	if f.within != "" {
		if within, err = span(f.within); err != nil {
			return "", 0, usage("--within %s: want a time as 30d or 12h", plain(f.within))
		}
	}
	return id, within, nil
}

// span is a duration that may be in days.
func span(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err == nil && n == 0 { // would be taken for all
			err = errors.New("not positive")
		}
		return time.Duration(n) * 24 * time.Hour, err
	}
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("not positive")
	}
	return d, err
}

// chosen decides which of the connected devices are worked on, and counts them.
type chosen struct {
	ctx     context.Context //nolint:containedctx // of the command; the bench asks without one
	serial  string          // that one alone; "": all
	within  time.Duration   // those whose certificate ends within; 0: all
	records *ledger.Ledger
	tenant  string
	now     func() time.Time

	taken, left atomic.Int64
}

// wants decides about a device that announces itself. One that cannot be looked up is taken: its run says what is wrong.
func (c *chosen) wants(a station.Announcement) bool {
	ok := c.serial == "" || c.serial == a.HardwareSerial
	if ok && c.within > 0 {
		rows, err := c.records.Devices(c.ctx, ledger.DeviceFilter{Tenant: c.tenant, HardwareSerial: a.HardwareSerial, Limit: 1})
		ok = err != nil || len(rows) == 0 || rows[0].NotAfter.IsZero() || rows[0].NotAfter.Sub(c.now()) < c.within
	}
	if ok {
		c.taken.Add(1)
	} else {
		c.left.Add(1)
	}
	return ok
}

// none says that no device was worked on, and whether that is as it should be.
func (c *chosen) none(id string) error {
	switch {
	case id != "":
		return &exitError{exitBad, fmt.Errorf("device %s is not connected", plain(id))}
	case c.left.Load() > 0:
		return nil // all that are there have time
	default:
		return &exitError{exitBad, errors.New("no device is connected")}
	}
}
