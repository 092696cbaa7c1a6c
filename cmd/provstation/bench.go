package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// benchFlags are the flags of `provstation bench`.
type benchFlags struct {
	devices, baud []int
	latency       []string
	faults, known []string
	methods       []string
	delay         time.Duration
	over          string
	repeat        int
	dir           string
	json          bool
	asked         bool // methods were named
}

// benchRig measures cells.
type benchRig struct {
	app    *app
	dir    string        // see folder; empty: that of temporary files
	delay  time.Duration // of every answer of the bridge
	over   spreadFlag
	repeat int

	ones map[benchCell]*benchResult // cells of one device
}

// onesRepeat is how often a cell of one device is run at least: one value has no median.
const onesRepeat = 5

// measure runs a cell, and the cell of one device that it is compared with where that was not run yet.
func (r *benchRig) measure(ctx context.Context, c benchCell) (*benchResult, error) {
	if res, ok := r.ones[c]; ok {
		return res, nil
	}
	one := r.ones[c.alone()]
	if one == nil && c.devices > 1 {
		var err error
		if one, err = r.measure(ctx, c.alone()); err != nil {
			return nil, fmt.Errorf("the device alone that it is compared with: %w", err)
		}
	}
	if c.devices > 1 {
		c.over = r.over.arrivals(c, one)
	}
	n := max(r.repeat, 1)
	if c.devices == 1 {
		n = max(n, onesRepeat)
	}
	var runs []benchRun
	for i := range n {
		run, err := r.once(ctx, c, i)
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	res := resultOf(c, runs)
	var err error
	if res.simulator, err = r.simulator(ctx, c, res.typical.wireBytes()); err != nil {
		return nil, err
	}
	if c.devices == 1 {
		one = res
		r.ones[c] = res
	}
	res.one = one.elapsed.p50
	return res, nil
}

// folder is where the state of the cells lies while they run.
func (r *benchRig) folder() string { return cmp.Or(r.dir, os.TempDir()) }

// once runs a cell once.
func (r *benchRig) once(ctx context.Context, c benchCell, nth int) (benchRun, error) {
	if c.method == methodStation {
		return r.provision(ctx, c, nth)
	}
	return r.baselineRun(ctx, c, nth)
}

const benchLong = `Measure how fast devices are provisioned on this machine, and how near that is to what the line and the
others allow.

For each cell (method, devices at once, baud rate, adapter latency, faults of the line, chain known or not)
everything is brought up fresh: the embedded tenant stack, a ledger in a file with full sync, and virtual devices,
the real agent on lines paced to the baud rate. All lines are open, then the devices get power, and each is enrolled,
proven at the broker, sealed and recorded. A device's time is from the first byte heard from it to the durable
record. With --spread auto they get power one after the other, as fast as this machine can play them with half of
its processors, so that it is the station that is measured; with --spread 0 at the same moment.

LIMIT is what these bytes and servers allow, one after the other: bytes on the line at the baud rate, plus the time that
the bridge, the broker and the device's key took. x LIMIT is the median device against its limit, below 1 where one of
these goes on beside another, as certificates that cross while a key is made; x ONE is the slowest twentieth against one
device alone, which is measured as well where it is not asked for.

The other methods are the ways it is done otherwise, on the same kind of lines, stack and files: here-documents typed
into a console (heredoc), AT commands as of a modem (at), mcumgr's console framing (mcumgr). Their record is a line of
text in a file.

A device that does not pass fails its cell: no figures come from it. docs/bench.md has what each figure is and what
bounds it.

Exit codes: 0 every cell was measured, 1 one was not, 2 usage, 3 the machine failed.`

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure how fast devices are provisioned on this machine, and against what limit", Long: benchLong, Args: cobra.NoArgs,
		Example: `  provstation bench                                              a matrix of a few minutes
  provstation bench --devices 1 --baud 115200 --latency 0 --methods provstation    one cell, some seconds
  provstation bench --devices 1,8,16,32,64 --faults 0,1e-4 --known-chain no,yes --methods provstation --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.asked = cmd.Flags().Changed("methods")
			return a.bench(cmd.Context(), f)
		},
	}
	fl := cmd.Flags()
	fl.IntSliceVar(&f.devices, "devices", []int{1, 8, 64}, "devices at once, 1 to 256")
	fl.IntSliceVar(&f.baud, "baud", []int{115200, 921600}, "baud rates of the lines")
	fl.StringSliceVar(&f.latency, "latency", []string{"0", "16ms"}, "what the adapter adds each way, 0 to 1s")
	fl.StringSliceVar(&f.faults, "faults", []string{"0"}, "chance of a byte to be lost or damaged, 0 to 0.01, as 1e-4")
	fl.StringSliceVar(&f.methods, "methods", benchMethods(), "ways to provision")
	fl.StringSliceVar(&f.known, "known-chain", []string{"no"}, "the devices hold the CA certificates beforehand: no, yes")
	fl.StringVar(&f.over, "spread", spreadAuto, "time in which the devices of a cell get power; 0: at the same moment")
	fl.DurationVar(&f.delay, "bridge-delay", 0, "of every answer of the bridge, 0 to 1m")
	fl.IntVar(&f.repeat, "repeat", 1, "runs of a cell, 1 to 1000; one device alone is run 5 times at least")
	fl.StringVar(&f.dir, "state-dir", "", "folder on the disk to measure with (default: that of temporary files); it is left as it was")
	fl.BoolVar(&f.json, "json", false, "one JSON object a cell on standard output")
	return cmd
}

func (a *app) bench(ctx context.Context, f benchFlags) error {
	cells, err := f.cells()
	if err != nil {
		return err
	}
	cells, left := measurable(cells, f.asked)
	for _, reason := range left {
		fmt.Fprintln(a.stderr, "left out:", reason)
	}
	if len(cells) == 0 {
		return usage("--methods %s: nothing is left to measure", strings.Join(f.methods, ","))
	}
	rig := &benchRig{app: a, dir: f.dir, delay: f.delay, over: spreadFlag(f.over), repeat: f.repeat, ones: map[benchCell]*benchResult{}}
	results, failed, err := rig.all(ctx, cells, f.json)
	if err != nil {
		return &exitError{exitFault, err}
	}
	if !f.json && len(results) > 0 {
		if err := writeBench(a.stdout, results, rig.machine()); err != nil {
			return &exitError{exitFault, err}
		}
	}
	if failed {
		return &exitError{code: exitBad}
	}
	return nil
}

// all measures the cells one after the other. A cell in which a device did not pass is said and has no figures; an error is the
// machine's.
func (r *benchRig) all(ctx context.Context, cells []benchCell, asJSON bool) (results []*benchResult, failed bool, err error) {
	out := json.NewEncoder(r.app.stdout)
	for i, c := range cells {
		res, err := r.measure(ctx, c)
		var line any
		var bad *failedRun
		switch {
		case err == nil:
			results, line = append(results, res), res.json()
			fmt.Fprintf(r.app.stderr, "%d/%d %v: p50 %v\n", i+1, len(cells), c, res.elapsed.p50.Round(time.Millisecond))
		case errors.As(err, &bad) && ctx.Err() == nil:
			failed, line = true, failedJSON(c, err)
			fmt.Fprintf(r.app.stderr, "%d/%d FAILED %v\n", i+1, len(cells), err)
		default:
			return results, failed, fmt.Errorf("%v: %w", c, err)
		}
		if !asJSON {
			continue
		}
		if err := out.Encode(line); err != nil {
			return results, failed, fmt.Errorf("write figures: %w", err)
		}
	}
	return results, failed, nil
}
