package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"provstation/station/devstack"
)

// methodStation is this program's own way; the others are those of package baseline.
const methodStation = "provstation"

// benchCell is one set of circumstances that is measured.
type benchCell struct {
	method  string
	devices int
	baud    int
	latency time.Duration // each way
	faults  float64       // chance of a byte to be lost or damaged
	known   bool          // the devices hold the CA certificates beforehand

	trouble devstack.Spec // beside the faults; for tests
}

func (c benchCell) String() string {
	s := fmt.Sprintf("%s, %d at %d baud", c.method, c.devices, c.baud)
	if c.latency > 0 {
		s += ", " + c.latency.String()
	}
	if c.faults > 0 {
		s += fmt.Sprintf(", faults %g", c.faults)
	}
	if c.known {
		s += ", known chain"
	}
	return s
}

// spec is what the cell's lines suffer: as many bytes are lost as are damaged.
func (c benchCell) spec() devstack.Spec {
	s := c.trouble
	s.Drop, s.Flip, s.Latency = c.faults/2, c.faults/2, c.latency
	return s
}

// alone is the cell with one device that a cell is compared with.
func (c benchCell) alone() benchCell {
	c.devices = 1
	return c
}

// benchFlags are the flags of `provstation bench`.
type benchFlags struct {
	devices, baud []int
	latency       []time.Duration
	faults, known []string
	methods       []string
	delay         time.Duration
	repeat        int
	dir           string
	json          bool
}

// benchRig measures cells.
type benchRig struct {
	app    *app
	dir    string        // where the state of the cells lies while they run
	delay  time.Duration // of every answer of the bridge
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

// once runs a cell once.
func (r *benchRig) once(ctx context.Context, c benchCell, nth int) (benchRun, error) {
	return r.provision(ctx, c, nth)
}

func (a *app) benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use: "bench", Short: "Measure how fast devices are provisioned on this machine, and against what limit", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.bench(cmd.Context(), f) },
	}
	fl := cmd.Flags()
	fl.IntSliceVar(&f.devices, "devices", []int{1, 8, 32}, "devices at once, 1 to 256")
	fl.IntSliceVar(&f.baud, "baud", []int{115200, 921600}, "baud rates of the lines")
	fl.DurationSliceVar(&f.latency, "latency", []time.Duration{0, 16 * time.Millisecond}, "what the adapter adds each way, 0 to 1s")
	fl.StringSliceVar(&f.faults, "faults", []string{"0"}, "chance of a byte to be lost or damaged, 0 to 0.01, as 1e-4")
	fl.StringSliceVar(&f.methods, "methods", []string{methodStation}, "ways to provision: "+strings.Join(benchMethods(), ", "))
	fl.StringSliceVar(&f.known, "known-chain", []string{"no"}, "the devices hold the CA certificates beforehand: no, yes")
	fl.DurationVar(&f.delay, "bridge-delay", 0, "of every answer of the bridge, 0 to 1m")
	fl.IntVar(&f.repeat, "repeat", 1, "runs of a cell, 1 to 1000; one device alone is run 5 times at least")
	fl.StringVar(&f.dir, "dir", "", "folder for the state of the cells, on the disk to measure with (default: for temporary files)")
	fl.BoolVar(&f.json, "json", false, "one JSON object a cell on standard output")
	return cmd
}

// benchMethods are the ways that can be measured.
func benchMethods() []string { return []string{methodStation} }

// cells are the cells that the flags name, in the order in which they are run.
func (f *benchFlags) cells() (list []benchCell, err error) {
	faults, known, err := f.lists()
	if err != nil {
		return nil, err
	}
	for _, l := range f.latency {
		if l < 0 || l > time.Second {
			return nil, usage("--latency: between 0s and 1s, got %v", l)
		}
	}
	for _, m := range f.methods {
		if !slices.Contains(benchMethods(), m) {
			return nil, usage("--methods: %s, got %q", strings.Join(benchMethods(), ", "), m)
		}
	}
	for _, k := range known {
		for _, p := range faults {
			for _, l := range f.latency {
				for _, b := range f.baud {
					for _, m := range f.methods {
						for _, n := range f.devices {
							list = append(list, benchCell{method: m, devices: n, baud: b, latency: l, faults: p, known: k})
						}
					}
				}
			}
		}
	}
	return list, nil
}

// lists checks the flags and reads those that are text.
func (f *benchFlags) lists() (faults []float64, known []bool, err error) {
	for _, n := range f.devices {
		if n < 1 || n > maxDevices {
			return nil, nil, usage("--devices: between 1 and %d, got %d", maxDevices, n)
		}
	}
	for _, b := range f.baud {
		if b < 300 || b > 4_000_000 {
			return nil, nil, usage("--baud: between 300 and 4000000, got %d", b)
		}
	}
	for _, text := range f.faults {
		p, err := strconv.ParseFloat(text, 64)
		if err != nil || !(p >= 0 && p <= 0.01) {
			return nil, nil, usage("--faults: a chance from 0 to 0.01, as 1e-4, got %q", text)
		}
		faults = append(faults, p)
	}
	for _, text := range f.known {
		if text != "yes" && text != "no" {
			return nil, nil, usage("--known-chain: yes or no, got %q", text)
		}
		known = append(known, text == "yes")
	}
	switch {
	case f.delay < 0 || f.delay > time.Minute:
		return nil, nil, usage("--bridge-delay: between 0s and 1m, got %v", f.delay)
	case f.repeat < 1 || f.repeat > 1000:
		return nil, nil, usage("--repeat: between 1 and 1000, got %d", f.repeat)
	}
	return faults, known, nil
}

func (a *app) bench(ctx context.Context, f benchFlags) error {
	cells, err := f.cells()
	if err != nil {
		return err
	}
	rig := &benchRig{app: a, dir: f.dir, delay: f.delay, repeat: f.repeat, ones: map[benchCell]*benchResult{}}
	out := json.NewEncoder(a.stdout)
	failed := false
	for _, c := range cells {
		res, err := rig.measure(ctx, c)
		if err != nil {
			fmt.Fprintln(a.stderr, err)
			failed = true
			continue
		}
		if f.json {
			if err := out.Encode(res.json()); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(a.stdout, "%v: p50 %v p95 %v limit %v\n", c, res.elapsed.p50, res.elapsed.p95, res.limit)
	}
	if failed {
		return &exitError{code: exitBad}
	}
	return nil
}

var _, _, _ = cmp.Or[int], errors.New, math.Abs
