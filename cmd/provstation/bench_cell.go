package main

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"provstation/station/baseline"
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

	over    time.Duration // in which the devices get power, one after the other; 0: at the same moment
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

// mostPtys is how many devices one process can have on ptys: the library that reads ports waits for 1024 descriptors at most, and
// both ends of the ptys are held here.
const mostPtys = 128

// inMemory reports whether the cell's lines are in memory for want of descriptors.
func (c benchCell) inMemory() bool { return c.devices > mostPtys }

// alone is the cell with one device that a cell is compared with.
func (c benchCell) alone() benchCell {
	c.devices, c.over = 1, 0
	return c
}

// benchMethods are the ways that can be measured.
func benchMethods() []string { return append([]string{methodStation}, baseline.Methods()...) }

// cells are the cells that the flags name, in the order in which they are run.
func (f *benchFlags) cells() (list []benchCell, err error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	faults, err := parsed(f.faults, "--faults: a chance from 0 to 0.01, as 1e-4, got %q", parseChance)
	if err != nil {
		return nil, err
	}
	known, err := parsed(f.known, "--known-chain: yes or no, got %q", parseYesNo)
	if err != nil {
		return nil, err
	}
	latency, err := parsed(f.latency, "--latency: between 0 and 1s, as 16ms, got %q", parseLatency)
	if err != nil {
		return nil, err
	}
	for _, k := range known {
		for _, p := range faults {
			for _, l := range latency {
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

// check judges the flags that need no parsing.
func (f *benchFlags) check() error {
	for _, n := range f.devices {
		if n < 1 || n > maxDevices {
			return usage("--devices: between 1 and %d, got %d", maxDevices, n)
		}
	}
	for _, b := range f.baud {
		if b < 300 || b > 4_000_000 {
			return usage("--baud: between 300 and 4000000, got %d", b)
		}
	}
	for _, m := range f.methods {
		if !slices.Contains(benchMethods(), m) {
			return usage("--methods: %s, got %q", strings.Join(benchMethods(), ", "), m)
		}
	}
	switch {
	case f.over != spreadAuto && f.over != "0" && badSpread(f.over):
		return usage("--spread: auto, or between 0 and 10m, as 2s, got %q", f.over)
	case f.delay < 0 || f.delay > time.Minute:
		return usage("--bridge-delay: between 0s and 1m, got %v", f.delay)
	case f.repeat < 1 || f.repeat > 1000:
		return usage("--repeat: between 1 and 1000, got %d", f.repeat)
	}
	return nil
}

// spreadAuto has the time between two devices follow from what one costs this machine.
const spreadAuto = "auto"

func badSpread(text string) bool {
	d, err := time.ParseDuration(text)
	return err != nil || d < 0 || d > 10*time.Minute
}

// halfBusy is the share of the processors that devices may take as they come, where the machine plays them all.
const halfBusy = 0.5

// arrivals is the time in which the cell's devices get power. one is what one device alone took.
func (f spreadFlag) arrivals(c benchCell, one *benchResult) time.Duration {
	if f != spreadAuto {
		d, _ := time.ParseDuration(string(f)) // checked before
		return d
	}
	each := one.used.cpu.Seconds() / float64(len(one.samples)) / (float64(runtime.GOMAXPROCS(0)) * halfBusy)
	return time.Duration(float64(c.devices-1) * each * float64(time.Second)).Round(time.Millisecond)
}

// spreadFlag is --spread: auto, or a duration.
type spreadFlag string

// parsed reads a list of texts; complaint says what is wrong with one.
func parsed[T any](texts []string, complaint string, parse func(string) (T, bool)) (list []T, err error) {
	for _, text := range texts {
		v, ok := parse(text)
		if !ok {
			return nil, usage(complaint, text)
		}
		list = append(list, v)
	}
	return list, nil
}

func parseChance(text string) (float64, bool) {
	p, err := strconv.ParseFloat(text, 64)
	return p, err == nil && p >= 0 && p <= 0.01
}

func parseYesNo(text string) (bool, bool) { return text == "yes", text == "yes" || text == "no" }

func parseLatency(text string) (time.Duration, bool) {
	if text == "0" {
		return 0, true
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0 && d <= time.Second
}

// mostBaseline is how many devices at once the other ways are measured with unless they are asked for: people do them one by one.
const mostBaseline = 8

// measurable leaves out cells that say nothing, and gives the reasons. asked: the methods were named, so what can be measured is.
func measurable(cells []benchCell, asked bool) (list []benchCell, reasons []string) {
	for _, c := range cells {
		reason := ""
		switch {
		case c.method == methodStation:
		case c.known:
			reason = "the other ways have no use for certificates that a device holds: they are measured with the chain sent"
		case c.faults > 0 && !asked:
			reason = "the other ways do not repeat what a bad line lost: on one they are measured where --methods names them"
		case c.devices > mostBaseline && !asked:
			reason = fmt.Sprintf("the other ways are measured with more than %d devices where --methods names them", mostBaseline)
		}
		if reason == "" {
			list = append(list, c)
		} else if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	return list, reasons
}
