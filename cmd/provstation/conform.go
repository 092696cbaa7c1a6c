package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"provstation/serialproto/conform"
)

// conforming is what `conform` was asked for.
type conforming struct {
	baud                int
	only                []string
	list, yes, asJSON   bool
	seal, reboot, probe bool
	serverName          string
	seed                uint64
}

const conformLong = `Play the station against one device on a serial line and say of each promise of the protocol (serialproto/doc.go) whether the
device keeps it. For firmware teams: the device may be written in anything.

The device has to be empty; what it had begun is given up. The suite makes keys and certificates of its own and throws them away.
Cases that seal the device are run with --seal alone, since a sealed device may not be opened again; one that has UNLOCK and ERASE
is erased at the end. Cases that restart it are run with --reboot alone.

A case passes, FAILs, or does not apply: the device does not announce what it is about, or it cannot be seen from outside. The
cases of whole enrollments put a bad line before the port and measure what that costs.

PORT is a serial port or tcp://host:port of a serial server.

A device conforms where every MUST was run: with --seal and --reboot, without --only. Of fewer the command says how far it went.

Exit codes: 0 no MUST that was run failed, 1 one failed, or the device cannot be tested, 2 usage, 3 the port failed.`

func (a *app) conformCommand() *cobra.Command {
	var o conforming
	cmd := &cobra.Command{
		Use: "conform PORT", Short: "Test a device against the protocol, case by case", Long: conformLong, Args: cobra.MaximumNArgs(1),
		Example: `  provstation conform --list                             the cases, and what each needs
  provstation conform /dev/ttyUSB0                       everything that leaves the device empty
  provstation conform /dev/ttyACM0 --seal --yes --json   everything, for a build server
  provstation conform /dev/ttyUSB0 --only frame-crc,put-offset`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.conform(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.IntVar(&o.baud, "baud", 115200, "speed of the line")
	f.StringSliceVar(&o.only, "only", nil, "run these cases alone")
	f.BoolVar(&o.list, "list", false, "list the cases and run none")
	f.BoolVar(&o.seal, "seal", false, "run the cases that seal the device, too")
	f.BoolVar(&o.reboot, "reboot", false, "run the cases that restart the device, too")
	f.BoolVar(&o.probe, "probe", false, "greet a device that was not heard; a byte during a boot loader's countdown stops the boot for good")
	f.StringVar(&o.serverName, "server-name", "broker.example", "server that the device's policy signs TLS 1.2 handshakes for")
	f.Uint64Var(&o.seed, "seed", 1, "of the faults of bad lines")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.asJSON, "json", false, "one JSON object a line on standard output")
	return cmd
}

func (o *conforming) check(args []string) error {
	if err := conform.Check(o.only); err != nil {
		return usage("--only: %v; --list names them", err)
	}
	switch {
	case o.list && len(args) > 0:
		return usage("--list looks at no port")
	case o.list:
		return nil
	case len(args) == 0:
		return usage("conform: name the port of the device, or --list")
	case o.baud < 1 || o.baud > 12_000_000:
		return usage("--baud %d: want 1 to 12000000", o.baud)
	}
	return mayAsk(o.yes)
}

func (a *app) conform(ctx context.Context, o conforming, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	out := newConformWriter(a.stdout, o.asJSON)
	if o.list {
		return out.list(o.only)
	}
	path := args[0]
	question, word := "The device on "+path+" will be tested: what it has begun is given up, and its keys are thrown away.", "test"
	if o.seal {
		question, word = question+" It will be sealed, which not every device comes back from.", "seal"
	}
	if err := a.confirm(ctx, question, word, o.yes); err != nil {
		return err
	}
	t, err := realPort(path, o.baud)
	if err != nil {
		return &exitError{exitFault, err}
	}
	defer t.Close()
	out.begin()
	rep, err := conform.Run(ctx, t, conform.Config{
		Baud: o.baud, Only: o.only, Seal: o.seal, Reboot: o.reboot, Probe: o.probe, ServerName: o.serverName, Seed: o.seed,
		Begin: out.device, Result: out.result,
	})
	out.report(rep, err)
	return conformError(rep, err, out.err)
}

// conformError gives what came of a suite its exit code.
func conformError(rep conform.Report, err, written error) error {
	switch {
	case written != nil:
		return &exitError{exitFault, written}
	case errors.Is(err, context.Canceled):
		return &exitError{exitBad, errors.New("stopped")}
	case errors.Is(err, conform.ErrLine):
		return &exitError{exitFault, err}
	case err != nil:
		return &exitError{exitBad, fmt.Errorf("conform: %w", err)}
	case !rep.Clean():
		return &exitError{code: exitBad}
	}
	return nil
}
