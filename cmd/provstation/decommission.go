package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"provstation/station"
	"provstation/station/config"
	"provstation/station/ledger"
	"provstation/station/retire"
	"provstation/station/tenant"
	"provstation/station/wgcheck"
)

// decommissioning is what `decommission` was asked for.
type decommissioning struct {
	deviceID, reason, by string
	done                 []string
	again, yes, asJSON   bool
}

func (a *app) decommissionCommand() *cobra.Command {
	var o decommissioning
	cmd := &cobra.Command{
		Use: "decommission DEVICE_ID", Short: "Take a device out of service, everywhere", Args: cobra.ExactArgs(1),
		Long: `Take a device out of service, for good, in this order:

  revoke          every certificate of it that is still valid, at the CA
  wireguard-peer  its peers on the tunnel server, where this station reaches that (wireguard.server); else the command is printed
                  for whoever does
  thingsboard     the device there
  hawkbit         the target there
  erase           its key and files, if it is connected here

Each step is on record before it is taken and after. What is gone already counts as done; a step that failed is named, and the same
command tries it again, carries on where it was interrupted, and does nothing twice. ThingsBoard, hawkBit and the device wait until
the certificates are revoked. --done takes a person's word for a step that was done by hand. Not for revoke, as the CA is asked; but
for a device that renews by itself and of which nothing valid is on file: what it has fetched, the CA's own list alone tells.

Afterwards the device is held whenever it turns up at a bench.

Exit codes: 0 it is out of service, 1 something is left to do, 2 usage or configuration, 3 the station failed.`,
		Example: `  provstation decommission edge-0041 --reason "water in the box"
  provstation decommission edge-0041 --yes --json
  provstation decommission edge-0041 --done wireguard-peer`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.deviceID = args[0]
			return a.decommission(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", "why, for the records and the CA")
	f.StringVar(&o.by, "by", "", "who wants it; station.operator of the configuration where it is left out")
	f.StringSliceVar(&o.done, "done", nil, "a step that was done by hand: "+listed(station.RetirementSteps()))
	f.BoolVar(&o.again, "again", false, "go through all steps anew, although it was taken out of service before")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

func (o *decommissioning) check() (steps []station.RetirementStepName, err error) {
	if o.deviceID == "" {
		return nil, usage("decommission: the device id is empty")
	}
	for flag, text := range map[string]string{"--reason": o.reason, "--by": o.by, "DEVICE_ID": o.deviceID} {
		if strings.ContainsFunc(text, unicode.IsControl) || len([]rune(text)) > maxRevokeText {
			return nil, usage("%s: want at most %d printable characters", flag, maxRevokeText)
		}
	}
	for _, name := range o.done {
		step := station.RetirementStepName(strings.TrimSpace(name))
		if !slices.Contains(station.RetirementSteps(), step) {
			return nil, usage("--done %q: want one of %s", plain(name), listed(station.RetirementSteps()))
		}
		steps = append(steps, step)
	}
	return steps, mayAsk(o.yes)
}

func (a *app) decommission(ctx context.Context, o decommissioning) error {
	done, err := o.check()
	if err != nil {
		return err
	}
	l, err := a.archive(ctx)
	if err != nil {
		return err
	}
	defer l.Close()
	w, err := a.retireWish(ctx, l, o)
	if err != nil {
		return err
	}
	w.Done = done
	question := fmt.Sprintf("%s%s will be taken out of service, for good: revoked, and deleted wherever the tenant lists it.", w.DeviceID, bracketed(w.HardwareSerial))
	if err := a.confirm(ctx, question, w.DeviceID, o.yes); err != nil {
		return err
	}
	if err := l.decides(ctx); err != nil {
		return err
	}
	ca := &authority{app: a, cfg: l.config}
	defer ca.close()
	places, err := a.retirePlaces(l.config)
	if err != nil {
		return err
	}
	defer places.close()
	r, err := l.retirer(ca, l.whoAsks(o.by), places.into)
	if err != nil {
		return err
	}
	out := &retireWriter{revokeWriter: revokeWriter{lines: newLines(a.stdout), archive: l, json: o.asJSON}}
	out.begin(w)
	rep, err := r.Decommission(ctx, w, out.step)
	if err != nil {
		return retireError(err)
	}
	out.judged(ctx, ca, rep.Revoked, out.brokersOf)
	out.report(w, rep, out.lost(ctx, w.DeviceID))
	switch {
	case out.err != nil:
		return &exitError{exitFault, out.err}
	case !rep.Ended():
		return &exitError{code: exitBad}
	}
	return nil
}

func bracketed(hardware string) string {
	if hardware == "" {
		return ""
	}
	return " (" + hardware + ")"
}

// retireError gives what stopped a decommissioning its exit code.
func retireError(err error) error {
	if errors.Is(err, retire.ErrNotByHand) {
		return usage("--done %s: %v", station.StepRevoke, err)
	}
	if errors.Is(err, context.Canceled) {
		return &exitError{exitBad, errors.New("stopped: the same command carries on")}
	}
	return &exitError{exitFault, err}
}

// retireWish finds the device that is meant.
func (a *app) retireWish(ctx context.Context, l *archive, o decommissioning) (w retire.Wish, err error) {
	w = retire.Wish{DeviceID: o.deviceID, Reason: o.reason, Again: o.again}
	rows, err := l.Devices(ctx, ledger.DeviceFilter{Tenant: l.tenant, DeviceID: o.deviceID, Limit: 1})
	if err != nil {
		return w, recordsError(err)
	}
	if len(rows) > 0 {
		w.DeviceID, w.HardwareSerial = rows[0].DeviceID, rows[0].HardwareSerial
		return w, nil
	}
	certs, err := l.CertificatesOf(ctx, l.tenant, o.deviceID)
	if err != nil {
		return w, recordsError(err)
	}
	if len(certs) == 0 {
		return w, &exitError{exitBad, fmt.Errorf("no device %q is on file", plain(o.deviceID))}
	}
	w.DeviceID, w.HardwareSerial = certs[0].DeviceID, certs[0].HardwareSerial
	return w, nil
}

// retirePlaces is where a device is listed.
type retirePlaces struct {
	cfg   *config.Config
	board *tenant.ThingsBoard
	hawk  *tenant.HawkBit

	unlock station.UnlockPolicy
}

func (a *app) retirePlaces(cfg *config.Config) (p *retirePlaces, err error) {
	p = &retirePlaces{cfg: cfg}
	if p.unlock, err = unlockPolicy(cfg.Device.Unlock); err != nil {
		return nil, err
	}
	common := tenant.Config{UserAgent: "provstation/" + a.version}
	if p.board, err = openThingsBoard(cfg, common); err != nil {
		return nil, usage("%v", err)
	}
	if p.hawk, err = openHawkBit(cfg, common); err != nil {
		return nil, usage("%v", err)
	}
	return p, nil
}

func (p *retirePlaces) close() {
	if p.board != nil {
		p.board.Close()
	}
	if p.hawk != nil {
		p.hawk.Close()
	}
}

// into names the places of a decommissioning.
func (p *retirePlaces) into(c *retire.Config) {
	if p.board != nil {
		c.ThingsBoard = listedAt(p.board.Remove)
	}
	if p.hawk != nil {
		c.HawkBit = listedAt(p.hawk.Remove)
	}
	c.Eraser = &station.Eraser{Visitor: visitor(p.cfg), Unlock: p.unlock}
	w := p.cfg.WireGuard
	c.NoTunnels = !w.Enroll
	if w.Server != "" {
		c.Server, c.ServerName = wgcheck.PeersAt(w.Server), w.Server
	}
	if key, err := wgtypes.ParseKey(w.ServerKey); err == nil {
		c.ServerKey = key
	}
}

// listedAt is a server of the tenant as a decommissioning asks it.
type listedAt func(ctx context.Context, deviceID string) tenant.Removal

// Remove takes the device off the server's list.
func (remove listedAt) Remove(ctx context.Context, deviceID string) (gone bool, err error) {
	r := remove(ctx, deviceID)
	if r.Result == tenant.NotRemoved {
		return false, r.Fault
	}
	return r.Result == tenant.AlreadyGone, nil
}
